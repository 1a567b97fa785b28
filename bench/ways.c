// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways to receive from a netlink socket: see reader.h. Each handles all that
 * one call brings before the next one.
 */
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "common.h"
#include "reader.h"

static void pace(struct reader *r)
{
	struct timespec ts = { .tv_nsec = r->options.pace * 1000L };

	if (r->options.pace == 0)
		return;
	r->syscalls++;
	nanosleep(&ts, NULL);
}

static void before_wait(struct reader *r)
{
	if (r->source->before_wait)
		r->source->before_wait(r);
}

/* Interrupted, or messages were lost; anything else is the end. */
static void look_at_error(struct reader *r, const char *what)
{
	if (errno == ENOBUFS)
		r->lost++;
	else if (errno != EINTR)
		fail(what);
}

/*
 * mnl_socket_recvfrom(): as libmnl's examples, or through a ring
 */

static void recv_receive(struct reader *r)
{
	static char buf[BUFFER_SIZE];
	ssize_t len;

	pace(r);
	before_wait(r);
	r->syscalls++;
	len = mnl_socket_recvfrom(r->nl, buf, sizeof(buf));
	if (len == -1)
		look_at_error(r, "recvfrom");
	else
		reader_handle(r, buf, len);
}

/* What is there without waiting, then once with: for verdicts in batches. */
static void drain_receive(struct reader *r)
{
	static char buf[BUFFER_SIZE];
	ssize_t len;

	pace(r);
	for (;;) {
		r->syscalls++;
		len = recv(mnl_socket_get_fd(r->nl), buf, sizeof(buf),
			   MSG_DONTWAIT);
		if (len == -1)
			break;
		reader_handle(r, buf, len);
	}
	if (errno == EAGAIN)
		recv_receive(r);
	else
		look_at_error(r, "recv");
}

static void open_rings(struct reader *r)
{
	if (mnl_socket_set_ring(r->nl, r->options.memory,
				r->options.frames ? 1 << 20 : 0) == -1)
		fail("mnl_socket_set_ring");
	if (mnl_socket_mmap(r->nl) == -1)
		fail("mnl_socket_mmap");
	r->rx = mnl_socket_get_ring(r->nl, MNL_RING_RX);
	if (!mnl_ring_is_mapped(r->rx)) {
		fputs("this kernel has no rings\n", stderr);
		exit(77);
	}
}

/*
 * recvmmsg()
 */

static void recvmmsg_receive(struct reader *r)
{
	static char buf[256][BUFFER_SIZE];
	static struct mmsghdr msgs[256];
	static struct iovec iov[256];
	unsigned int i;
	int nr;

	if (iov[0].iov_base == NULL)
		for (i = 0; i < 256; i++) {
			iov[i].iov_base = buf[i];
			iov[i].iov_len = BUFFER_SIZE;
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
	pace(r);
	before_wait(r);
	r->syscalls++;
	nr = recvmmsg(mnl_socket_get_fd(r->nl), msgs, r->options.vector,
		      MSG_WAITFORONE, NULL);
	if (nr == -1)
		look_at_error(r, "recvmmsg");
	for (i = 0; nr > 0 && i < (unsigned int)nr; i++)
		reader_handle(r, buf[i], msgs[i].msg_len);
}

/*
 * The ring
 */

static void ring_receive(struct reader *r)
{
	struct nlmsghdr *nlh;
	unsigned int count = 0;
	size_t len;

	before_wait(r);
	if (mnl_ring_wait(r->rx, -1) == -1)
		look_at_error(r, "mnl_ring_wait");
	while ((nlh = mnl_ring_peek(r->rx, &len)) != NULL) {
		reader_handle(r, nlh, len);
		mnl_ring_release(r->rx, 1);
		if (++count == 256)
			break;
	}
}

/* the library without a ring of the kernel's */
static void open_buffers(struct reader *r)
{
	if (mnl_socket_mmap(r->nl) == -1)
		fail("mnl_socket_mmap");
	r->rx = mnl_socket_get_ring(r->nl, MNL_RING_RX);
	if (mnl_ring_is_mapped(r->rx)) {
		fputs("the kernel gave a ring\n", stderr);
		exit(77);
	}
}

/*
 * The ring, in a loop of the program's own around epoll
 */

static int epoll = -1;

static void open_epoll(struct reader *r)
{
	struct epoll_event event = { .events = EPOLLIN };

	open_rings(r);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD,
				     mnl_socket_get_fd(r->nl), &event) == -1)
		fail("epoll");
}

static void wait_epoll(struct reader *r)
{
	struct epoll_event event;
	struct timespec ts;
	int usec;

	usec = mnl_ring_arm(r->rx);
	if (usec == 0)
		return;
	ts.tv_sec = usec / 1000000;
	ts.tv_nsec = usec % 1000000 * 1000L;
	r->syscalls++;
	if (epoll_pwait2(epoll, &event, 1, usec < 0 ? NULL : &ts, NULL) == -1)
		look_at_error(r, "epoll_pwait2");
	mnl_ring_disarm(r->rx);
}

static void epoll_receive(struct reader *r)
{
	struct nlmsghdr *nlh;
	unsigned int count = 0;
	size_t len;

	before_wait(r);
	wait_epoll(r);
	while ((nlh = mnl_ring_peek(r->rx, &len)) != NULL) {
		reader_handle(r, nlh, len);
		mnl_ring_release(r->rx, 1);
		if (++count == 256)
			return;
	}
	if (errno != EAGAIN)
		look_at_error(r, "mnl_ring_peek");
}

/*
 * io_uring: one request that goes on, with buffers for the kernel to choose from
 */

#ifdef HAVE_LIBURING
#define URING_BUFFERS	256

struct uring {
	struct io_uring			ring;
	struct io_uring_buf_ring	*buffers;
	char				memory[URING_BUFFERS][BUFFER_SIZE];
};

static void uring_give(struct uring *u, unsigned int id)
{
	io_uring_buf_ring_add(u->buffers, u->memory[id], BUFFER_SIZE, id,
			      io_uring_buf_ring_mask(URING_BUFFERS), 0);
	io_uring_buf_ring_advance(u->buffers, 1);
}

static void uring_request(struct reader *r)
{
	struct uring *u = r->data;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	io_uring_prep_recv_multishot(sqe, mnl_socket_get_fd(r->nl), NULL, 0, 0);
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = 0;
}

static void uring_open(struct reader *r)
{
	struct io_uring_buf_reg reg = { .ring_entries = URING_BUFFERS };
	struct uring *u = calloc(1, sizeof(*u));
	unsigned int i;

	if (u == NULL)
		fail("calloc");
	errno = -io_uring_queue_init(2 * URING_BUFFERS, &u->ring,
				     IORING_SETUP_SINGLE_ISSUER |
				     IORING_SETUP_DEFER_TASKRUN);
	if (errno)
		fail("io_uring_queue_init");
	if (posix_memalign((void **)&u->buffers, 4096, URING_BUFFERS *
			   sizeof(struct io_uring_buf)))
		fail("posix_memalign");
	reg.ring_addr = (unsigned long)u->buffers;
	errno = -io_uring_register_buf_ring(&u->ring, &reg, 0);
	if (errno)
		fail("io_uring_register_buf_ring");
	io_uring_buf_ring_init(u->buffers);
	for (i = 0; i < URING_BUFFERS; i++)
		uring_give(u, i);
	r->data = u;
	uring_request(r);
}

static bool uring_handle(struct reader *r, struct io_uring_cqe *cqe)
{
	struct uring *u = r->data;
	unsigned int id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
	bool more = cqe->flags & IORING_CQE_F_MORE;

	if (cqe->res >= 0) {
		reader_handle(r, u->memory[id], cqe->res);
		uring_give(u, id);
	} else if (cqe->res != -ENOBUFS) {
		errno = -cqe->res;
		fail("io_uring recv");
	}
	io_uring_cqe_seen(&u->ring, cqe);
	return more;
}

static void uring_receive(struct reader *r)
{
	struct uring *u = r->data;
	struct io_uring_cqe *cqe;

	pace(r);
	before_wait(r);
	r->syscalls++;
	io_uring_submit_and_wait(&u->ring, 1);
	while (io_uring_peek_cqe(&u->ring, &cqe) == 0)
		if (!uring_handle(r, cqe))
			uring_request(r);
}
#endif

static const struct way ways[] = {
	{ "recv", NULL, recv_receive },
	{ "drain", NULL, drain_receive },
	{ "recvmmsg", NULL, recvmmsg_receive },
#ifdef HAVE_LIBURING
	{ "uring", uring_open, uring_receive },
#endif
	{ "transparent", open_rings, recv_receive },
	{ "ring", open_rings, ring_receive },
	{ "ring-epoll", open_epoll, epoll_receive },
	{ "no-ring", open_buffers, ring_receive },
};

const struct way *way_find(const char *name)
{
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	return NULL;
}
