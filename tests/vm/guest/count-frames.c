// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * To be preloaded: writes the counters of each RX ring that a program mapped to
 * the file COUNT_FRAMES, when the program unmaps it, closes its socket or ends.
 * Only sockets with rings can be mapped. A line is
 *	flags, bytes of the ring, frames, messages, bytes, messages through
 *	frames, messages through recvmsg(), messages lost
 */
#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <linux/genetlink.h>
#include <linux/netlink_mmap.h>

#define RINGS		64
#define REAL(name)	((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static struct mapped_ring {
	int	fd;
	void	*map;		/* NULL: free */
	pid_t	process;
} rings[RINGS];

struct request {
	struct nlmsghdr		nlh;
	struct genlmsghdr	genl;
	char			attrs[64];
};

static void put(struct request *req, uint16_t type, const void *value,
		size_t len)
{
	struct nlattr *attr = (void *)((char *)req + req->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy(attr + 1, value, len);
	req->nlh.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

static struct request request(uint16_t family, uint8_t cmd)
{
	struct request req = {
		.nlh.nlmsg_type = family,
		.nlh.nlmsg_flags = NLM_F_REQUEST,
		.nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN),
		.genl = { .cmd = cmd, .version = 1 },
	};

	return req;
}

/* the number in each attribute of the answer */
static int ask(int fd, const struct request *req, uint64_t *values, size_t nr)
{
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	const struct nlmsghdr *nlh = (void *)buf;
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;

	memset(values, 0, nr * sizeof(*values));
	if (send(fd, req, req->nlh.nlmsg_len, 0) < 0 ||
	    REAL(recv)(fd, buf, sizeof(buf), 0) < (ssize_t)at ||
	    nlh->nlmsg_type == NLMSG_ERROR)
		return -1;
	for (; at + NLA_HDRLEN <= nlh->nlmsg_len;
	     at += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(buf + at);
		if (attr->nla_type < nr && attr->nla_len <= NLA_HDRLEN + 8)
			memcpy(&values[attr->nla_type], attr + 1,
			       attr->nla_len - NLA_HDRLEN);
	}
	return 0;
}

static int get_ring(int fd, uint64_t inode, uint64_t *values)
{
	static const char name[] = NETLINK_MMAP_FAMILY_NAME;
	struct request req = request(GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	uint64_t family[CTRL_ATTR_FAMILY_ID + 1];
	uint32_t type = NETLINK_RX_RING;

	put(&req, CTRL_ATTR_FAMILY_NAME, name, sizeof(name));
	if (ask(fd, &req, family, CTRL_ATTR_FAMILY_ID + 1) == -1)
		return -1;
	req = request(family[CTRL_ATTR_FAMILY_ID], NETLINK_MMAP_CMD_RING_GET);
	put(&req, NETLINK_MMAP_A_RING_INODE, &inode, sizeof(inode));
	put(&req, NETLINK_MMAP_A_RING_TYPE, &type, sizeof(type));
	return ask(fd, &req, values, NETLINK_MMAP_A_RING_MAX + 1);
}

static void write_line(const uint64_t *values)
{
	FILE *file = fopen(getenv("COUNT_FRAMES"), "a");

	if (file == NULL)
		return;
	fprintf(file, "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		" %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		values[NETLINK_MMAP_A_RING_FLAGS],
		values[NETLINK_MMAP_A_RING_BLOCK_SIZE] *
		values[NETLINK_MMAP_A_RING_BLOCK_NR],
		values[NETLINK_MMAP_A_RING_FRAME_NR],
		values[NETLINK_MMAP_A_RING_MESSAGES],
		values[NETLINK_MMAP_A_RING_BYTES],
		values[NETLINK_MMAP_A_RING_BY_RING],
		values[NETLINK_MMAP_A_RING_BY_COPY],
		values[NETLINK_MMAP_A_RING_DROPS]);
	fclose(file);
}

static void report(struct mapped_ring *ring)
{
	uint64_t values[NETLINK_MMAP_A_RING_MAX + 1];
	int saved = errno, genl;
	struct stat st;

	ring->map = NULL;
	if (ring->process != getpid() || getenv("COUNT_FRAMES") == NULL ||
	    fstat(ring->fd, &st) == -1)
		return;
	genl = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (genl >= 0 && get_ring(genl, st.st_ino, values) == 0)
		write_line(values);
	REAL(close)(genl);
	errno = saved;
}

static int domain(int fd)
{
	socklen_t len = sizeof(int);
	int value = AF_UNSPEC;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &value, &len) == -1 ?
	       AF_UNSPEC : value;
}

static void remember(int fd, void *map)
{
	int i, saved = errno;

	for (i = 0; i < RINGS && rings[i].map != NULL; i++)
		;
	if (i < RINGS && domain(fd) == AF_NETLINK)
		rings[i] = (struct mapped_ring){ fd, map, getpid() };
	errno = saved;
}

static void report_map(const void *addr)
{
	int i;

	for (i = 0; addr != NULL && i < RINGS; i++)
		if (rings[i].map == addr)
			report(&rings[i]);
}

/* also in place of a ring */
void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	void *map;

	if (flags & MAP_FIXED)
		report_map(addr);
	map = REAL(mmap)(addr, len, prot, flags, fd, offset);
	if (fd >= 0 && map != MAP_FAILED)
		remember(fd, map);
	return map;
}

int munmap(void *addr, size_t len)
{
	report_map(addr);
	return REAL(munmap)(addr, len);
}

int close(int fd)
{
	int i;

	for (i = 0; i < RINGS; i++)
		if (rings[i].map != NULL && rings[i].fd == fd)
			report(&rings[i]);
	return REAL(close)(fd);
}

static __attribute__((destructor)) void report_rest(void)
{
	int i;

	for (i = 0; i < RINGS; i++)
		if (rings[i].map != NULL)
			report(&rings[i]);
}
