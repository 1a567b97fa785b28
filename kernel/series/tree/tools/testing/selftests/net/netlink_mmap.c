// SPDX-License-Identifier: GPL-2.0
/*
 * Memory mapped netlink: each part of the interface once, on NETLINK_USERSOCK
 * and NETLINK_ROUTE. Needs no privileges beside that of multicasting to oneself.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "../kselftest_harness.h"

#define BLOCK	65536
#define FRAME	2048
#define FRAMES	(BLOCK / FRAME)

FIXTURE(rings) {
	int fd;
	int peer;
	struct sockaddr_nl addr;
	char *mem;
	unsigned int rx;	/* frame to be read next */
};

static const struct nl_mmap_req geometry = {
	.nm_block_size = BLOCK,
	.nm_block_nr = 1,
	.nm_frame_size = FRAME,
	.nm_frame_nr = FRAMES,
};

static int open_bound(int protocol, struct sockaddr_nl *addr)
{
	socklen_t len = sizeof(*addr);
	int fd = socket(AF_NETLINK, SOCK_RAW, protocol);

	*addr = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
	if (fd < 0 || bind(fd, (struct sockaddr *)addr, sizeof(*addr)) < 0 ||
	    getsockname(fd, (struct sockaddr *)addr, &len) < 0)
		return -1;
	return fd;
}

static int set_ring(int fd, int option, struct nl_mmap_req req)
{
	return setsockopt(fd, SOL_NETLINK, option, &req, sizeof(req));
}

static void *map_rings(int fd)
{
	return mmap(NULL, 2 * BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
}

static struct nl_mmap_hdr *frame(char *ring, unsigned int index)
{
	return (struct nl_mmap_hdr *)(ring + index % FRAMES * FRAME);
}

static unsigned int status(const struct nl_mmap_hdr *hdr)
{
	return __atomic_load_n(&hdr->nm_status, __ATOMIC_ACQUIRE);
}

static void set_status(struct nl_mmap_hdr *hdr, unsigned int value)
{
	__atomic_store_n(&hdr->nm_status, value, __ATOMIC_RELEASE);
}

static size_t build(void *buf, unsigned int seq, size_t len)
{
	struct nlmsghdr *nlh = buf;

	memset(buf, seq, len);
	*nlh = (struct nlmsghdr){ .nlmsg_len = len, .nlmsg_seq = seq };
	return len;
}

static ssize_t send_to(int fd, const struct sockaddr_nl *to, unsigned int seq,
		       size_t len)
{
	char buf[8192];

	return sendto(fd, buf, build(buf, seq, len), MSG_DONTWAIT,
		      (const struct sockaddr *)to, sizeof(*to));
}

static short events(int fd, short wanted, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = wanted };

	return poll(&pfd, 1, timeout) < 0 ? -1 : pfd.revents;
}

FIXTURE_SETUP(rings)
{
	struct sockaddr_nl peer;

	self->fd = open_bound(NETLINK_USERSOCK, &self->addr);
	ASSERT_LE(0, self->fd);
	self->peer = open_bound(NETLINK_USERSOCK, &peer);
	ASSERT_LE(0, self->peer);
	if (set_ring(self->fd, NETLINK_RX_RING, geometry) < 0 &&
	    errno == ENOPROTOOPT)
		SKIP(return, "no CONFIG_NETLINK_MMAP");
	ASSERT_EQ(0, set_ring(self->fd, NETLINK_TX_RING, geometry));
	self->mem = map_rings(self->fd);
	ASSERT_NE(MAP_FAILED, self->mem);
	self->rx = 0;
}

FIXTURE_TEARDOWN(rings)
{
	munmap(self->mem, 2 * BLOCK);
	close(self->fd);
	close(self->peer);
}

TEST_F(rings, errors)
{
	const struct nl_mmap_req none = {};
	struct nl_mmap_req req = geometry;
	struct nl_mmap_req state;
	socklen_t len = sizeof(state);

	EXPECT_EQ(-1, set_ring(self->fd, NETLINK_RX_RING, geometry));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(-1, set_ring(self->fd, NETLINK_RX_RING, none));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(0, getsockopt(self->fd, SOL_NETLINK, NETLINK_RX_RING, &state,
				&len));
	EXPECT_EQ(0, memcmp(&state, &geometry, sizeof(state)));

	EXPECT_EQ(-1, setsockopt(self->peer, SOL_NETLINK, NETLINK_RX_RING, &req,
				 sizeof(req) - 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, setsockopt(self->peer, SOL_NETLINK, NETLINK_RX_RING,
				 (void *)8, sizeof(req)));
	EXPECT_EQ(EFAULT, errno);
	req.nm_frame_nr++;
	EXPECT_EQ(-1, set_ring(self->peer, NETLINK_RX_RING, req));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(MAP_FAILED, map_rings(self->peer));
	EXPECT_EQ(EINVAL, errno);
}

/* in order, three times around the ring */
TEST_F(rings, receive)
{
	struct nl_mmap_hdr *hdr;
	struct nlmsghdr *nlh;
	unsigned int i;

	EXPECT_EQ(0, events(self->fd, POLLIN, 0));
	for (i = 0; i < 3 * FRAMES; i++) {
		ASSERT_EQ(100 + i, send_to(self->peer, &self->addr, i, 100 + i));
		ASSERT_EQ(POLLIN, events(self->fd, POLLIN, 0));
		hdr = frame(self->mem, i);
		ASSERT_EQ(NL_MMAP_STATUS_VALID, status(hdr));
		ASSERT_EQ(100 + i, hdr->nm_len);
		nlh = (void *)hdr + NL_MMAP_HDRLEN;
		ASSERT_EQ(i, nlh->nlmsg_seq);
		set_status(hdr, NL_MMAP_STATUS_UNUSED);
	}
	EXPECT_EQ(0, events(self->fd, POLLIN, 0));
}

/* what finds no frame waits at the socket, and is not lost */
TEST_F(rings, full)
{
	unsigned int i;

	for (i = 0; i < FRAMES + 5; i++)
		ASSERT_EQ(100, send_to(self->peer, &self->addr, i, 100));
	for (i = 0; i < FRAMES + 5; i++) {
		struct nl_mmap_hdr *hdr = frame(self->mem, i);
		struct nlmsghdr *nlh = (void *)hdr + NL_MMAP_HDRLEN;

		if (status(hdr) == NL_MMAP_STATUS_UNUSED)
			ASSERT_EQ(POLLIN, events(self->fd, POLLIN, 0));
		ASSERT_EQ(NL_MMAP_STATUS_VALID, status(hdr));
		ASSERT_EQ(i, nlh->nlmsg_seq);
		set_status(hdr, NL_MMAP_STATUS_UNUSED);
	}
}

/* longer than a frame: recv(), and nothing passes it */
TEST_F(rings, copy)
{
	char buf[8192];

	ASSERT_EQ(4000, send_to(self->peer, &self->addr, 1, 4000));
	ASSERT_EQ(100, send_to(self->peer, &self->addr, 2, 100));
	ASSERT_EQ(NL_MMAP_STATUS_COPY, status(frame(self->mem, 0)));
	ASSERT_EQ(NL_MMAP_STATUS_UNUSED, status(frame(self->mem, 1)));
	ASSERT_EQ(4000, recv(self->fd, buf, sizeof(buf), MSG_DONTWAIT));
	EXPECT_EQ(1, ((struct nlmsghdr *)buf)->nlmsg_seq);
	EXPECT_EQ(NL_MMAP_STATUS_VALID, status(frame(self->mem, 1)));
}

/* kept frames are passed over */
TEST_F(rings, skip)
{
	unsigned int i;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(100, send_to(self->peer, &self->addr, i, 100));
	for (i = 0; i < FRAMES; i++)
		set_status(frame(self->mem, i), i == 0 ? NL_MMAP_STATUS_SKIP :
							 NL_MMAP_STATUS_UNUSED);
	ASSERT_EQ(100, send_to(self->peer, &self->addr, i, 100));
	EXPECT_EQ(NL_MMAP_STATUS_SKIP, status(frame(self->mem, 0)));
	EXPECT_EQ(NL_MMAP_STATUS_VALID, status(frame(self->mem, 1)));
}

/* one call sends all; a bad frame is told of by the next one */
TEST_F(rings, transmit)
{
	static const unsigned int lens[] = { 100, 200, 5, 300 };
	struct sockaddr_nl to;
	struct nl_mmap_hdr *hdr;
	char buf[8192];
	unsigned int i;
	socklen_t len = sizeof(to);

	ASSERT_EQ(0, getsockname(self->peer, (struct sockaddr *)&to, &len));
	ASSERT_EQ(POLLOUT, events(self->fd, POLLOUT, 0));
	for (i = 0; i < 4; i++) {
		hdr = frame(self->mem + BLOCK, i);
		build((char *)hdr + NL_MMAP_HDRLEN, i, 300);
		hdr->nm_len = lens[i];
		set_status(hdr, NL_MMAP_STATUS_VALID);
	}
	EXPECT_EQ(300, sendto(self->fd, NULL, 0, 0, (struct sockaddr *)&to,
			      sizeof(to)));
	EXPECT_EQ(-1, sendto(self->fd, NULL, 0, 0, (struct sockaddr *)&to,
			     sizeof(to)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(300, sendto(self->fd, NULL, 0, 0, (struct sockaddr *)&to,
			      sizeof(to)));
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(NL_MMAP_STATUS_UNUSED,
			  status(frame(self->mem + BLOCK, i)));
		if (lens[i] < NLMSG_HDRLEN)
			continue;
		EXPECT_EQ(lens[i], recv(self->peer, buf, sizeof(buf),
					MSG_DONTWAIT));
		EXPECT_EQ(i, ((struct nlmsghdr *)buf)->nlmsg_seq);
	}
}

/* poll() makes the parts of a dump */
TEST_F(rings, dump)
{
	struct {
		struct nlmsghdr nlh;
		struct rtgenmsg gen;
	} request = {
		.nlh = {
			.nlmsg_len = sizeof(request),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};
	struct nlmsghdr *nlh = NULL;
	struct sockaddr_nl addr;
	unsigned int i = 0, links = 0, len;
	struct nl_mmap_req req = {
		.nm_block_size = 2 * BLOCK,
		.nm_block_nr = 1,
		.nm_frame_size = BLOCK,
		.nm_frame_nr = 2,
	};
	int fd = open_bound(NETLINK_ROUTE, &addr);
	char *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, set_ring(fd, NETLINK_RX_RING, req));
	mem = map_rings(fd);
	ASSERT_NE(MAP_FAILED, mem);
	ASSERT_EQ(sizeof(request), send(fd, &request, sizeof(request), 0));
	do {
		struct nl_mmap_hdr *hdr = (void *)(mem + i++ % 2 * BLOCK);

		if (status(hdr) != NL_MMAP_STATUS_VALID)
			ASSERT_EQ(POLLIN, events(fd, POLLIN, -1));
		ASSERT_EQ(NL_MMAP_STATUS_VALID, status(hdr));
		nlh = (void *)hdr + NL_MMAP_HDRLEN;
		for (len = hdr->nm_len; NLMSG_OK(nlh, len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			links += nlh->nlmsg_type == RTM_NEWLINK;
			if (nlh->nlmsg_type == NLMSG_DONE)
				break;
		}
		set_status(hdr, NL_MMAP_STATUS_UNUSED);
	} while (!NLMSG_OK(nlh, len));
	EXPECT_LE(1, links);
	munmap(mem, 2 * BLOCK);
	close(fd);
}

TEST_HARNESS_MAIN
