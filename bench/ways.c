// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ways to receive from a netlink socket: see reader.h. Each handles all that
 * one call brings before the next one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>
#include <sys/time.h>
#ifdef HAVE_LIBURING
#include <liburing.h>
#endif

#include "common.h"
#include "reader.h"

#define PATIENCE	500	/* milliseconds without a message: the end */

static void pace(struct reader *r)
{
	struct timespec ts = { .tv_nsec = r->pace * 1000L };

	if (r->pace == 0)
		return;
	r->syscalls++;
	nanosleep(&ts, NULL);
}

static void set_patience(struct reader *r)
{
	struct timeval tv = { .tv_usec = PATIENCE * 1000 };

	if (setsockopt(mnl_socket_get_fd(r->nl), SOL_SOCKET, SO_RCVTIMEO, &tv,
		       sizeof(tv)) == -1)
		fail("SO_RCVTIMEO");
}

/* true: to be called once more */
static bool go_on(const char *what)
{
	if (errno == ENOBUFS || errno == EINTR)
		return true;
	if (errno != EAGAIN)
		fail(what);
	return false;
}

/*
 * mnl_socket_recvfrom(): as libmnl's examples, or through a ring
 */

static bool recv_receive(struct reader *r)
{
	static char buf[BUFFER_SIZE];
	ssize_t len;

	pace(r);
	r->before_wait(r);
	r->syscalls++;
	len = mnl_socket_recvfrom(r->nl, buf, sizeof(buf));
	if (len == -1)
		return go_on("recvfrom");
	r->handle(r, buf, len);
	return true;
}

/* What is there without waiting, then once with: for verdicts in batches. */
static bool drain_receive(struct reader *r)
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
		r->handle(r, buf, len);
	}
	if (errno != EAGAIN)
		return go_on("recv");
	return recv_receive(r);
}

static void transparent_open(struct reader *r)
{
	if (mnl_socket_mmap(r->nl) == -1)
		fail("mnl_socket_mmap");
	set_patience(r);
}

/*
 * recvmmsg()
 */

static bool recvmmsg_receive(struct reader *r)
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
	r->before_wait(r);
	r->syscalls++;
	nr = recvmmsg(mnl_socket_get_fd(r->nl), msgs, r->vector,
		      MSG_WAITFORONE, NULL);
	if (nr == -1)
		return go_on("recvmmsg");
	for (i = 0; i < (unsigned int)nr; i++)
		r->handle(r, buf[i], msgs[i].msg_len);
	return true;
}

/*
 * The ring
 */

static void ring_open(struct reader *r)
{
	if (mnl_socket_mmap(r->nl) == -1)
		fail("mnl_socket_mmap");
	r->rx = mnl_socket_get_ring(r->nl, MNL_RING_RX);
	if (!mnl_ring_is_mapped(r->rx)) {
		fputs("this kernel has no rings\n", stderr);
		exit(77);
	}
}

static bool ring_receive(struct reader *r)
{
	struct mnl_ring_stats stats;
	struct nlmsghdr *nlh;
	unsigned int count = 0;
	size_t len;
	int ret;

	r->before_wait(r);
	ret = mnl_ring_wait(r->rx, PATIENCE);
	if (ret == -1)
		return go_on("mnl_ring_wait");
	while ((nlh = mnl_ring_peek(r->rx, &len)) != NULL) {
		r->handle(r, nlh, len);
		mnl_ring_release(r->rx, 1);
		if (++count == 256)
			break;
	}
	mnl_ring_get_stats(r->rx, &stats, sizeof(stats));
	r->syscalls = stats.syscalls;
	return ret == 1;
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
		r->handle(r, u->memory[id], cqe->res);
		uring_give(u, id);
	} else if (cqe->res != -ENOBUFS) {
		errno = -cqe->res;
		fail("io_uring recv");
	}
	io_uring_cqe_seen(&u->ring, cqe);
	return more;
}

static bool uring_receive(struct reader *r)
{
	struct __kernel_timespec ts = { .tv_nsec = PATIENCE * 1000000L };
	struct uring *u = r->data;
	struct io_uring_cqe *cqe;
	int ret;

	pace(r);
	r->before_wait(r);
	r->syscalls++;
	ret = io_uring_submit_and_wait_timeout(&u->ring, &cqe, 1, &ts, NULL);
	if (ret < 0 && io_uring_peek_cqe(&u->ring, &cqe) != 0)
		return ret == -EINTR;
	while (io_uring_peek_cqe(&u->ring, &cqe) == 0)
		if (!uring_handle(r, cqe))
			uring_request(r);
	return true;
}
#endif

static const struct way ways[] = {
	{ "recv", set_patience, recv_receive },
	{ "drain", set_patience, drain_receive },
	{ "recvmmsg", set_patience, recvmmsg_receive },
#ifdef HAVE_LIBURING
	{ "uring", uring_open, uring_receive },
#endif
	{ "transparent", transparent_open, recv_receive },
	{ "ring", ring_open, ring_receive },
};

const struct way *way_find(const char *name)
{
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(ways); i++)
		if (!strcmp(ways[i].name, name))
			return &ways[i];
	return NULL;
}

void way_print_names(void)
{
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(ways); i++)
		fprintf(stderr, " %s", ways[i].name);
	fputc('\n', stderr);
}
