// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Netlink sockets with rings by system calls alone: see ring-syscalls.h. A call that
 * must succeed for a test to make sense fails the test by itself.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/genetlink.h>

#include "ring-syscalls.h"

/*
 * Ends a program that hangs. A kernel that watches itself is some times slower: the
 * environment says WATCHDOG_TIMES.
 */
void watchdog(unsigned int seconds)
{
	const char *times = getenv("WATCHDOG_TIMES");

	alarm(seconds * (times ? atoi(times) : 1));
}

struct genl_request {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attrs[64];
};

static struct sockaddr_nl raw_addr(uint32_t portid, uint32_t groups)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = portid,
		.nl_groups = groups,
	};

	return addr;
}

static void genl_put(struct genl_request *req, uint16_t type,
		     const void *value, size_t len)
{
	struct nlattr *attr = (void *)((char *)req + req->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, value, len);
	req->nlh.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

static void genl_build(struct genl_request *req, uint16_t family, uint8_t cmd)
{
	memset(req, 0, sizeof(*req));
	req->nlh.nlmsg_type = family;
	req->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	req->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	req->genl.cmd = cmd;
	req->genl.version = 1;
}

/* the answer, or its errno in a negative number */
static int genl_talk(int fd, const struct genl_request *req, char *buf,
		     size_t len)
{
	const struct nlmsghdr *nlh = (void *)buf;
	ssize_t n;

	if (send(fd, req, req->nlh.nlmsg_len, 0) < 0)
		return -errno;
	n = recv(fd, buf, len, 0);
	if (n < 0)
		return -errno;
	assert_true(n >= (ssize_t)sizeof(*nlh));
	if (nlh->nlmsg_type == NLMSG_ERROR)
		return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
	return n;
}

static const struct nlattr *genl_attr(const char *msg, uint16_t type)
{
	const struct nlmsghdr *nlh = (const void *)msg;
	size_t at = NLMSG_LENGTH(GENL_HDRLEN);
	const struct nlattr *attr;

	for (; at + NLA_HDRLEN <= nlh->nlmsg_len;
	     at += NLA_ALIGN(attr->nla_len)) {
		attr = (const void *)(msg + at);
		if ((attr->nla_type & NLA_TYPE_MASK) == type)
			return attr;
	}
	return NULL;
}

static int genl_open(uint16_t *family)
{
	static const char name[] = NETLINK_MMAP_FAMILY_NAME;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	const struct nlattr *attr;
	struct genl_request req;
	char buf[8192];

	assert_true(fd >= 0);
	genl_build(&req, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	genl_put(&req, CTRL_ATTR_FAMILY_NAME, name, sizeof(name));
	assert_true(genl_talk(fd, &req, buf, sizeof(buf)) > 0);
	attr = genl_attr(buf, CTRL_ATTR_FAMILY_ID);
	assert_non_null(attr);
	memcpy(family, (const char *)attr + NLA_HDRLEN, sizeof(*family));
	recv(fd, buf, sizeof(buf), 0);
	return fd;
}

/* a socket and the number to talk to the family with */
int raw_open_family(uint16_t *family)
{
	return genl_open(family);
}

/* 0 or errno; a negative descriptor is sent as no attribute at all */
int raw_attach_by(int genl, uint16_t family, int fd)
{
	uint32_t value = fd;
	struct genl_request req;
	char buf[1024];

	genl_build(&req, family, NETLINK_MMAP_CMD_ATTACH);
	if (fd >= 0)
		genl_put(&req, NETLINK_MMAP_A_ATTACH_FD, &value,
			 sizeof(value));
	return -genl_talk(genl, &req, buf, sizeof(buf));
}

/* whether this kernel's own netlink has rings: nothing needs to be attached */
bool raw_built_in(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	bool built_in;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_NETLINK, NETLINK_RX_RING, NULL, 0),
			 -1);
	built_in = errno == EINVAL;
	close(fd);
	return built_in;
}

/* 0, or -1 and errno; nothing where netlink itself has rings */
int raw_attach(int fd)
{
	uint16_t family;
	int genl, err;

	if (raw_built_in())
		return 0;
	genl = genl_open(&family);
	err = raw_attach_by(genl, family, fd);
	close(genl);
	errno = err;
	return err ? -1 : 0;
}

/* an attribute of a message of the family, which has it */
uint64_t raw_number(const char *msg, int type)
{
	const struct nlattr *attr = genl_attr(msg, type);
	uint64_t value = 0;

	assert_non_null(attr);
	memcpy(&value, (const char *)attr + NLA_HDRLEN,
	       attr->nla_len - NLA_HDRLEN);
	return value;
}

/* an attribute of one ring, or a negative errno; type 0: leave that out */
int64_t raw_get(uint64_t inode, uint32_t type, int attr)
{
	struct genl_request req;
	uint16_t family;
	char buf[8192];
	int fd, len;

	fd = genl_open(&family);
	genl_build(&req, family, NETLINK_MMAP_CMD_RING_GET);
	genl_put(&req, NETLINK_MMAP_A_RING_INODE, &inode, sizeof(inode));
	if (type)
		genl_put(&req, NETLINK_MMAP_A_RING_TYPE, &type, sizeof(type));
	len = genl_talk(fd, &req, buf, sizeof(buf));
	close(fd);
	return len < 0 ? len : (int64_t)raw_number(buf, attr);
}

/* calls back for each ring that the family lists */
void raw_for_each_ring(void (*cb)(const char *msg, void *data), void *data)
{
	struct genl_request req;
	struct nlmsghdr *nlh;
	uint16_t family;
	char buf[32768];
	int fd, len;

	fd = genl_open(&family);
	genl_build(&req, family, NETLINK_MMAP_CMD_RING_GET);
	req.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	for (len = genl_talk(fd, &req, buf, sizeof(buf)); len > 0;
	     len = recv(fd, buf, sizeof(buf), 0)) {
		for (nlh = (void *)buf; NLMSG_OK(nlh, (unsigned int)len);
		     nlh = NLMSG_NEXT(nlh, len)) {
			if (nlh->nlmsg_type == NLMSG_DONE)
				goto done;
			cb((char *)nlh, data);
		}
	}
done:
	close(fd);
}

static void count_ring(const char *msg, void *data)
{
	(void)msg;
	++*(unsigned int *)data;
}

unsigned int raw_count_rings(void)
{
	unsigned int count = 0;

	raw_for_each_ring(count_ring, &count);
	return count;
}

struct wanted {
	uint32_t portid;
	int type;
	int attr;
	unsigned int found;
	uint64_t value;
};

static void look_at_ring(const char *msg, void *data)
{
	struct wanted *w = data;

	if (raw_number(msg, NETLINK_MMAP_A_RING_PORTID) != w->portid ||
	    raw_number(msg, NETLINK_MMAP_A_RING_TYPE) != (uint64_t)w->type)
		return;
	w->found++;
	w->value = raw_number(msg, w->attr);
}

/* a counter of the ring as the family lists it; fails without ring */
uint64_t raw_counter(const struct raw_socket *s, int type, int attr)
{
	struct wanted w = { s->portid, type, attr, 0, 0 };

	raw_for_each_ring(look_at_ring, &w);
	assert_int_equal(w.found, 1);
	return w.value;
}

/* frames of @frame_size in blocks of a page or of one frame */
struct nl_mmap_req raw_req(unsigned int frame_size, unsigned int frames)
{
	unsigned int page = getpagesize();
	struct nl_mmap_req req = {
		.nm_block_size = (frame_size + page - 1) / page * page,
		.nm_frame_size = frame_size,
		.nm_frame_nr = frames,
	};

	req.nm_block_nr = frames / (req.nm_block_size / frame_size);
	return req;
}

static void raw_ring_init(struct raw_socket *s, int type,
			  struct nl_mmap_req req, unsigned int flags)
{
	struct raw_ring *r = type == NETLINK_RX_RING ? &s->rx : &s->tx;

	free(r->kept);
	memset(r, 0, sizeof(*r));
	r->req = req;
	r->flags = flags;
	r->kept = calloc(req.nm_frame_nr + 1, sizeof(*r->kept));
	assert_non_null(r->kept);
}

/* as a program does it that knows no extensions */
int raw_set_ring(struct raw_socket *s, int type, struct nl_mmap_req req)
{
	if (setsockopt(s->fd, SOL_NETLINK, type, &req, sizeof(req)))
		return -1;
	raw_ring_init(s, type, req, 0);
	return 0;
}

int raw_set_ring2(struct raw_socket *s, int type, struct nl_mmap_req req,
		  unsigned int flags)
{
	struct nl_mmap_req2 req2 = { .req = req, .nm_flags = flags };

	if (setsockopt(s->fd, SOL_NETLINK, type, &req2, sizeof(req2)))
		return -1;
	raw_ring_init(s, type, req, flags);
	return 0;
}

static size_t raw_size(const struct raw_ring *r)
{
	return (size_t)r->req.nm_block_size * r->req.nm_block_nr;
}

int raw_map(struct raw_socket *s)
{
	size_t rings = raw_size(&s->rx) + raw_size(&s->tx), len = rings;

	if (s->rx.flags & NL_MMAP_F_CONTROL)
		len += getpagesize();
	s->map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return -1;
	}
	s->map_len = len;
	s->rx.mem = s->map;
	s->tx.mem = s->map + raw_size(&s->rx);
	s->control = len > rings ? (void *)(s->map + rings) : NULL;
	return 0;
}

void raw_unmap(struct raw_socket *s)
{
	assert_int_equal(munmap(s->map, s->map_len), 0);
	s->map = NULL;
}

void raw_open(struct raw_socket *s, int protocol)
{
	struct sockaddr_nl addr = raw_addr(0, 0);
	socklen_t len = sizeof(addr);

	memset(s, 0, sizeof(*s));
	s->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	assert_true(s->fd >= 0);
	assert_int_equal(bind(s->fd, (void *)&addr, len), 0);
	assert_int_equal(getsockname(s->fd, (void *)&addr, &len), 0);
	s->portid = addr.nl_pid;
}

/* a bound socket with rings, mapped; 0 frames: not that ring */
void raw_open_rings(struct raw_socket *s, int protocol, unsigned int frame_size,
		    unsigned int rx_frames, unsigned int tx_frames)
{
	raw_open(s, protocol);
	if (!raw_built_in())
		assert_int_equal(raw_attach(s->fd), 0);
	if (rx_frames)
		assert_int_equal(raw_set_ring(s, NETLINK_RX_RING,
					      raw_req(frame_size, rx_frames)),
				 0);
	if (tx_frames)
		assert_int_equal(raw_set_ring(s, NETLINK_TX_RING,
					      raw_req(frame_size, tx_frames)),
				 0);
	assert_int_equal(raw_map(s), 0);
}

/* a bound socket with an RX ring that has extensions, mapped */
void raw_open_rx(struct raw_socket *s, int protocol, unsigned int frame_size,
		 unsigned int frames, unsigned int flags)
{
	raw_open(s, protocol);
	if (!raw_built_in())
		assert_int_equal(raw_attach(s->fd), 0);
	assert_int_equal(raw_set_ring2(s, NETLINK_RX_RING,
				       raw_req(frame_size, frames), flags), 0);
	assert_int_equal(raw_map(s), 0);
}

void raw_close(struct raw_socket *s)
{
	if (s->map)
		raw_unmap(s);
	free(s->rx.kept);
	free(s->tx.kept);
	assert_int_equal(close(s->fd), 0);
}

struct nl_mmap_hdr *raw_frame(const struct raw_ring *r, unsigned int index)
{
	unsigned int per_block = r->req.nm_block_size / r->req.nm_frame_size;

	return (void *)(r->mem +
			(size_t)(index / per_block) * r->req.nm_block_size +
			(size_t)(index % per_block) * r->req.nm_frame_size);
}

struct nl_mmap_hdr *raw_current(const struct raw_ring *r)
{
	return raw_frame(r, r->head);
}

void *raw_payload(struct nl_mmap_hdr *hdr)
{
	return (char *)hdr + NL_MMAP_HDRLEN;
}

unsigned int raw_status(const struct nl_mmap_hdr *hdr)
{
	return __atomic_load_n(&hdr->nm_status, __ATOMIC_ACQUIRE);
}

void raw_set_status(struct nl_mmap_hdr *hdr, unsigned int status)
{
	__atomic_store_n(&hdr->nm_status, status, __ATOMIC_RELEASE);
}

void raw_advance(struct raw_ring *r)
{
	r->head = (r->head + 1) % r->req.nm_frame_nr;
}

void raw_release(struct raw_ring *r)
{
	raw_set_status(raw_current(r), NL_MMAP_STATUS_UNUSED);
	raw_advance(r);
}

/* frames that a message of @len bytes takes */
unsigned int raw_span(const struct raw_ring *r, size_t len)
{
	size_t size = r->req.nm_frame_size;

	return (NL_MMAP_HDRLEN + len + size - 1) / size;
}

static unsigned int raw_index(const struct raw_ring *r, unsigned int offset)
{
	return (r->head + offset) % r->req.nm_frame_nr;
}

/*
 * The reader is at a frame that it kept. The kernel passed over it if a later
 * frame is in use, and this one still is not on a second look: see
 * tests/model/ring.pml.
 */
static bool raw_was_passed_over(const struct raw_ring *r)
{
	unsigned int offset = r->kept[r->head], index, status;

	while (offset < r->req.nm_frame_nr) {
		index = raw_index(r, offset);
		status = raw_status(raw_frame(r, index));
		if (status == NL_MMAP_STATUS_UNUSED)
			offset++;
		else if (status == NL_MMAP_STATUS_SKIP && r->kept[index])
			offset += r->kept[index];
		else
			break;
	}
	if (offset >= r->req.nm_frame_nr)
		return false;
	status = raw_status(raw_current(r));
	return status == NL_MMAP_STATUS_UNUSED ||
	       status == NL_MMAP_STATUS_SKIP;
}

/* the frame with the next message, or NULL */
struct nl_mmap_hdr *raw_next(struct raw_ring *r)
{
	struct nl_mmap_hdr *hdr;

	for (;;) {
		hdr = raw_current(r);
		switch (raw_status(hdr)) {
		case NL_MMAP_STATUS_VALID:
			if (hdr->nm_len)
				return hdr;
			raw_take(r);
			break;
		case NL_MMAP_STATUS_COPY:
			return hdr;
		case NL_MMAP_STATUS_UNUSED:
		case NL_MMAP_STATUS_SKIP:
			if (!r->kept[r->head] || !raw_was_passed_over(r))
				return NULL;
			r->head = raw_index(r, r->kept[r->head]);
			break;
		default:
			return NULL;
		}
	}
}

static unsigned int raw_current_span(const struct raw_ring *r)
{
	struct nl_mmap_hdr *hdr = raw_current(r);

	if (raw_status(hdr) == NL_MMAP_STATUS_COPY || !hdr->nm_len)
		return 1;
	return raw_span(r, hdr->nm_len);
}

static void raw_set_unused(struct raw_ring *r, unsigned int index,
			   unsigned int span)
{
	/* the first one last: then all are the kernel's */
	while (span--)
		raw_set_status(raw_frame(r, index + span),
			       NL_MMAP_STATUS_UNUSED);
}

/* gives the current message back, and goes on to the next */
void raw_take(struct raw_ring *r)
{
	unsigned int span = raw_current_span(r), index = r->head;

	r->kept[index] = 0;
	r->head = raw_index(r, span);
	raw_set_unused(r, index, span);
}

/* keeps the current message, and goes on; returns the index of its frame */
unsigned int raw_keep(struct raw_ring *r)
{
	unsigned int index = r->head;

	r->kept[index] = raw_current_span(r);
	raw_set_status(raw_current(r), NL_MMAP_STATUS_SKIP);
	r->head = raw_index(r, r->kept[index]);
	return index;
}

void raw_give_back(struct raw_ring *r, unsigned int index)
{
	unsigned int span = r->kept[index], i;

	/* the kernel may have passed over each of them */
	for (i = 0; i < span; i++)
		r->kept[index + i] = 1;
	raw_set_unused(r, index, span);
}

/* revents; milliseconds, -1: for ever */
short raw_poll(const struct raw_socket *s, short events, int timeout)
{
	struct pollfd pfd = { .fd = s->fd, .events = events };
	int n;

	n = poll(&pfd, 1, timeout);
	assert_true(n >= 0);
	return n ? pfd.revents : 0;
}

/* the next frame that is ready, however long it takes */
struct nl_mmap_hdr *raw_wait(struct raw_socket *s)
{
	struct nl_mmap_hdr *hdr = raw_current(&s->rx);

	while (raw_status(hdr) != NL_MMAP_STATUS_VALID &&
	       raw_status(hdr) != NL_MMAP_STATUS_COPY)
		assert_int_equal(raw_poll(s, POLLIN, -1), POLLIN);
	return hdr;
}

/* a message of @len bytes, header included; returns @len */
size_t raw_build(void *buf, uint32_t seq, size_t len)
{
	struct raw_message *m = buf;
	size_t i;

	assert_true(len >= sizeof(*m));
	memset(&m->nlh, 0, sizeof(m->nlh));
	m->nlh.nlmsg_len = len;
	m->nlh.nlmsg_type = NLMSG_MIN_TYPE;
	m->seq = seq;
	for (i = 0; i < len - sizeof(*m); i++)
		m->pattern[i] = seq + i;
	return len;
}

void raw_check(const void *buf, uint32_t seq, size_t len)
{
	const struct raw_message *m = buf;
	size_t i;

	assert_int_equal(m->nlh.nlmsg_len, len);
	assert_int_equal(m->seq, seq);
	for (i = 0; i < len - sizeof(*m); i++)
		assert_int_equal(m->pattern[i], (unsigned char)(seq + i));
}

ssize_t raw_send(const struct raw_socket *s, uint32_t portid, uint32_t groups,
		 uint32_t seq, size_t len, int flags)
{
	struct sockaddr_nl addr = raw_addr(portid, groups);
	static __thread char buf[256 * 1024];

	raw_build(buf, seq, len);
	return sendto(s->fd, buf, len, flags, (void *)&addr, sizeof(addr));
}

/* the next message is this one, by frame or by COPY as its length says */
void raw_expect(struct raw_socket *s, uint32_t seq, size_t len)
{
	struct nl_mmap_hdr *hdr = raw_wait(s);
	static char buf[256 * 1024];

	if (len <= s->rx.req.nm_frame_size - NL_MMAP_HDRLEN) {
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_VALID);
		assert_int_equal(hdr->nm_len, len);
		raw_check(raw_payload(hdr), seq, len);
	} else {
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_COPY);
		assert_int_equal(recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT),
				 len);
		raw_check(buf, seq, len);
	}
	raw_release(&s->rx);
}

ssize_t raw_run_tx(const struct raw_socket *s, uint32_t portid, int flags)
{
	struct sockaddr_nl addr = raw_addr(portid, 0);

	return sendto(s->fd, NULL, 0, flags, (void *)&addr, sizeof(addr));
}

/*
 * Whether kernel code can be preempted from now on; false: this kernel has no
 * choice, or it has no such mode any more.
 */
bool preempt_in_kernel(bool preempt)
{
	/* newer kernels have lazy instead of voluntary */
	static const char *const modes[] = { "full", "voluntary", "lazy" };
	unsigned int i, end = preempt ? 1 : 3;
	bool done = false;
	FILE *f;

	for (i = !preempt; i < end && !done; i++) {
		f = fopen("/sys/kernel/debug/sched/preempt", "w");
		if (!f)
			return false;
		done = fputs(modes[i], f) >= 0;
		done = fclose(f) == 0 && done;
	}
	return done;
}
