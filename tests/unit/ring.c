// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ring calls. The same program runs on kernels without rings ("make
 * check") and, in a virtual machine, on a kernel with them (tests/vm): what a
 * program sees is the same. No privileges.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <sys/wait.h>
#include <linux/rtnetlink.h>

#include "unit.h"

#define FRAMES		8
#define FRAME_SIZE	2048
#define LONG_MESSAGE	5000	/* several frames */
#define HUGE_MESSAGE	9000	/* more than half of the ring */
#define VERY_LARGE	20000	/* longer than any frame */

static struct mnl_socket *nl, *peer;
static struct mnl_ring *rx, *tx;

static struct nl_mmap_req small_ring(void)
{
	unsigned int page = getpagesize();
	unsigned int per_page = page / FRAME_SIZE;
	struct nl_mmap_req req = {
		.nm_block_size = page,
		.nm_block_nr = FRAMES / per_page,
		.nm_frame_size = FRAME_SIZE,
		.nm_frame_nr = FRAMES,
	};

	return req;
}

static struct mnl_socket *open_bound(int bus)
{
	struct mnl_socket *s = mnl_socket_open(bus);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

/* rings of FRAMES frames, or buffers instead */
static void open_rings(int bus)
{
	struct nl_mmap_req req = small_ring();

	nl = open_bound(bus);
	if (mnl_socket_set_ring2(nl, MNL_RING_RX, &req) == -1 ||
	    mnl_socket_set_ring2(nl, MNL_RING_TX, &req) == -1)
		assert_true(errno == ENOPROTOOPT || errno == ENOBUFS);
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	tx = mnl_socket_get_ring(nl, MNL_RING_TX);
	assert_non_null(rx);
	assert_non_null(tx);
}

static int setup(void **state)
{
	(void)state;
	open_rings(NETLINK_USERSOCK);
	peer = open_bound(NETLINK_USERSOCK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mnl_socket_close(nl), 0);
	assert_int_equal(mnl_socket_close(peer), 0);
	return 0;
}

static struct mnl_ring_stats stats(const struct mnl_ring *ring)
{
	struct mnl_ring_stats st;

	assert_int_equal(mnl_ring_get_stats(ring, &st, sizeof(st)), 0);
	return st;
}

static size_t build(void *buf, unsigned int seq, size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	memset(buf, seq, len);
	nlh->nlmsg_len = len;
	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_flags = 0;
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_pid = 0;
	return len;
}

static void check(const struct nlmsghdr *nlh, unsigned int seq, size_t len)
{
	static char expected[HUGE_MESSAGE] ALIGNED;

	build(expected, seq, len);
	assert_memory_equal(nlh, expected, len);
}

/* from the peer to the socket with rings */
static void send_to_rx(unsigned int seq, size_t len)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = mnl_socket_get_portid(nl) };
	static char buf[HUGE_MESSAGE] ALIGNED;

	build(buf, seq, len);
	assert_int_equal(sendto(mnl_socket_get_fd(peer), buf, len, 0,
				(void *)&addr, sizeof(addr)), len);
}

static void expect_peek(unsigned int seq, size_t expected)
{
	struct nlmsghdr *nlh;
	size_t len;

	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	nlh = mnl_ring_peek(rx, &len);
	assert_non_null(nlh);
	assert_int_equal(len, expected);
	check(nlh, seq, len);
}

static void test_which(void **state)
{
	(void)state;
	print_message("the kernel %s rings\n",
		      mnl_ring_is_mapped(rx) ? "has" : "has no");
	assert_int_equal(mnl_ring_is_mapped(rx), mnl_ring_is_mapped(tx));
	if (getenv("EXPECT_RINGS") != NULL)
		assert_true(mnl_ring_is_mapped(rx));
	if (mnl_ring_is_mapped(rx)) {
		assert_int_equal(mnl_ring_get_frame_nr(rx), FRAMES);
		assert_int_equal(mnl_ring_get_frame_size(rx), FRAME_SIZE);
	}
}

static void test_get_ring(void **state)
{
	struct mnl_socket *s = open_bound(NETLINK_USERSOCK);

	(void)state;
	assert_null_errno(mnl_socket_get_ring(s, MNL_RING_RX), EBADR);
	assert_null_errno(mnl_socket_get_ring(s, 7), EINVAL);
	assert_fails(mnl_socket_set_ring2(s, 7, NULL), EINVAL);
	assert_int_equal(mnl_socket_mmap(s), 0);
	assert_int_equal(mnl_socket_mmap(s), 0);
	assert_non_null(mnl_socket_get_ring(s, MNL_RING_RX));
	assert_non_null(mnl_socket_get_ring(s, MNL_RING_TX));
	assert_fails(mnl_socket_set_ring(s, 65536, 65536), EBUSY);
	assert_int_equal(mnl_socket_munmap(s), 0);
	assert_int_equal(mnl_socket_munmap(s), 0);
	assert_null_errno(mnl_socket_get_ring(s, MNL_RING_RX), EBADR);
	assert_int_equal(mnl_socket_close(s), 0);
}

static void test_set_ring(void **state)
{
	struct mnl_socket *s = open_bound(NETLINK_USERSOCK);
	struct mnl_ring *ring;

	(void)state;
	if (mnl_socket_set_ring(s, 100000, 0) == -1) {
		/* a size that was asked for is not made smaller silently */
		assert_int_equal(errno, ENOBUFS);
		assert_int_equal(mnl_socket_close(s), 0);
		return;
	}
	assert_int_equal(mnl_socket_mmap(s), 0);
	ring = mnl_socket_get_ring(s, MNL_RING_RX);
	assert_non_null(ring);
	/* two blocks of 64 KiB; on kernels with spans, frames of 2 */
	if (mnl_ring_is_mapped(ring)) {
		assert_int_equal(mnl_ring_get_frame_nr(ring), 64);
		assert_int_equal(mnl_ring_get_frame_size(ring), 2048);
	}
	assert_null_errno(mnl_socket_get_ring(s, MNL_RING_TX), EBADR);
	mnl_socket_close(s);
}

static void test_bad_descriptor(void **state)
{
	struct mnl_socket *s = open_bound(NETLINK_USERSOCK);

	(void)state;
	close(mnl_socket_get_fd(s));
	assert_fails(mnl_socket_mmap(s), EBADF);
	assert_fails(mnl_socket_set_ring(s, 65536, 0), EBADF);
	assert_fails(mnl_socket_close(s), EBADF);
}

static void test_empty(void **state)
{
	size_t len;
	unsigned int done = 7;

	(void)state;
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
	assert_int_equal(mnl_ring_wait(rx, 1), 0);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, NULL, NULL, 0, &done),
			 MNL_CB_OK);
	assert_int_equal(done, 0);
	assert_fails(mnl_ring_release(rx, 1), EINVAL);
	assert_int_equal(mnl_ring_release(rx, 0), 0);
}

static void test_wrong_ring(void **state)
{
	size_t len;

	(void)state;
	assert_null_errno(mnl_ring_peek(tx, &len), EINVAL);
	assert_fails(mnl_ring_release(tx, 0), EINVAL);
	assert_null_errno(mnl_ring_reserve(rx, 16), EINVAL);
	assert_fails(mnl_ring_commit(rx, 16), EINVAL);
	assert_fails(mnl_ring_flush(rx), EINVAL);
	assert_fails(mnl_ring_get_stats(rx, NULL, 0), EINVAL);
	assert_fails(mnl_ring_cb_run(tx, 0, 0, NULL, NULL, 0, NULL), EINVAL);
	mnl_ring_cancel(rx);
	mnl_ring_set_busy_poll(tx, 1);
}

/* a socket with one ring is a plain one for the other direction */
static void test_one_ring(void **state)
{
	char buf[64] ALIGNED;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(teardown(state), 0);
		nl = open_bound(NETLINK_USERSOCK);
		peer = open_bound(NETLINK_USERSOCK);
		if (mnl_socket_set_ring(nl, i ? 0 : 65536, i ? 65536 : 0) == -1)
			assert_int_equal(errno, ENOBUFS);
		/* set, and not mapped yet */
		assert_null_errno(mnl_socket_get_ring(nl, MNL_RING_RX), EBADR);
		mnl_socket_sendto(nl, mnl_nlmsg_put_header(buf), 16);
		assert_int_equal(mnl_socket_mmap(nl), 0);
		mnl_socket_sendto(nl, mnl_nlmsg_put_header(buf), 16);
		send_to_rx(1, 50);
		assert_int_equal(mnl_socket_recvfrom(nl, buf, sizeof(buf)), 50);
		check((void *)buf, 1, 50);
	}
}

/* of one frame, of several, and by COPY; many turns of the ring, in order */
static void test_receive(void **state)
{
	unsigned int i;
	size_t len;

	(void)state;
	for (i = 0; i < 60 * FRAMES; i++) {
		len = i % 3 == 0 ? 100 + i :
		      i % 3 == 1 ? LONG_MESSAGE - i : HUGE_MESSAGE - i;
		send_to_rx(i, len);
		expect_peek(i, len);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	assert_int_equal(stats(rx).messages, i);
	assert_int_equal(stats(rx).by_ring + stats(rx).by_copy +
			 stats(rx).by_queue, i);
	if (mnl_ring_is_mapped(rx))
		assert_in_range(stats(rx).by_copy, i / 3, i / 2);
	else
		assert_int_equal(stats(rx).by_queue, i);
}

/* several looked at before they are given back; the rest stays in order */
static void test_peek_several(void **state)
{
	size_t len;
	int i;

	(void)state;
	for (i = 0; i < 6; i++)
		send_to_rx(i, i == 2 ? LONG_MESSAGE : 200);
	for (i = 0; i < 4; i++)
		expect_peek(i, i == 2 ? LONG_MESSAGE : 200);
	assert_fails(mnl_ring_release(rx, 5), EINVAL);
	assert_int_equal(mnl_ring_release(rx, 3), 0);
	expect_peek(4, 200);
	expect_peek(5, 200);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	/* for more, while these are held */
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
	assert_int_equal(mnl_ring_wait(rx, 1), 0);
	assert_fails(mnl_socket_recvfrom(nl, &len, sizeof(len)), EBUSY);
	send_to_rx(6, 200);
	expect_peek(6, 200);
	assert_int_equal(mnl_ring_release(rx, 4), 0);
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

static void test_peek_all(void **state)
{
	unsigned int i, nr = mnl_ring_get_frame_nr(rx);
	size_t len;

	(void)state;
	for (i = 0; i < nr + 3; i++)
		send_to_rx(i, 100);
	for (i = 0; i < nr; i++)
		expect_peek(i, 100);
	assert_null_errno(mnl_ring_peek(rx, &len), EBUSY);
	assert_int_equal(mnl_ring_release(rx, nr), 0);
	for (; i < nr + 3; i++) {
		expect_peek(i, 100);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
}

static struct nlmsghdr *peek_next(void)
{
	size_t len;

	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	return mnl_ring_peek(rx, &len);
}

static void test_keep_errors(void **state)
{
	static char buf[100] ALIGNED;
	struct nlmsghdr *nlh;

	(void)state;
	assert_fails(mnl_ring_keep(tx, (void *)buf), EINVAL);
	assert_fails(mnl_ring_release_kept(tx, (void *)buf), EINVAL);
	assert_fails(mnl_ring_keep(rx, (void *)buf), EINVAL);
	assert_fails(mnl_ring_keep(rx, NULL), EINVAL);
	assert_fails(mnl_ring_release_kept(rx, (void *)buf), EINVAL);
	send_to_rx(1, 100);
	nlh = peek_next();
	assert_fails(mnl_ring_release_kept(rx, nlh), EINVAL);
	assert_int_equal(mnl_ring_keep(rx, nlh), 0);
	/* once more, as another message of the same frame would be */
	assert_int_equal(mnl_ring_keep(rx, nlh), 0);
	assert_fails(mnl_ring_release(rx, 1), EINVAL);
	assert_int_equal(mnl_ring_release_kept(rx, nlh), 0);
	check(nlh, 1, 100);
	assert_int_equal(mnl_ring_release_kept(rx, nlh), 0);
	assert_fails(mnl_ring_release_kept(rx, nlh), EINVAL);
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

/* kept out of the middle of those that are peeked */
static void test_keep_between(void **state)
{
	struct nlmsghdr *kept;
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++)
		send_to_rx(i, 100);
	peek_next();
	kept = peek_next();
	peek_next();
	assert_int_equal(mnl_ring_keep(rx, kept), 0);
	assert_fails(mnl_ring_release(rx, 3), EINVAL);
	assert_int_equal(mnl_ring_release(rx, 2), 0);
	expect_peek(3, 100);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	for (i = 4; i < 40; i++) {
		send_to_rx(i, 100);
		expect_peek(i, 100);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	check(kept, 1, 100);
	assert_int_equal(mnl_ring_release_kept(rx, kept), 0);
}

#define KEPT	5

/* any number kept, of any length, given back in any order: none is lost */
static void test_keep_random(void **state)
{
	struct { struct nlmsghdr *nlh; unsigned int seq; size_t len; }
		kept[KEPT] = { { NULL, 0, 0 } };
	unsigned int seq = 0, next = 0, i, n;
	static size_t lens[3 * 4000];

	(void)state;
	srand(1);
	for (i = 0; i < 4000; i++) {
		for (n = rand() % 4; n && next - seq < 8; n--, next++) {
			lens[next] = rand() % 3 ? 100 + rand() % 1000 :
				     rand() % 8 ? LONG_MESSAGE : HUGE_MESSAGE;
			send_to_rx(next, lens[next]);
		}
		for (n = rand() % KEPT; n; n--) {
			struct nlmsghdr *nlh;
			size_t len;

			if (mnl_ring_wait(rx, 0) != 1)
				break;
			nlh = mnl_ring_peek(rx, &len);
			assert_non_null(nlh);
			assert_int_equal(len, lens[seq]);
			check(nlh, seq, len);
			if (!kept[n].nlh && rand() % 2) {
				kept[n].nlh = nlh;
				kept[n].seq = seq;
				kept[n].len = len;
				assert_int_equal(mnl_ring_keep(rx, nlh), 0);
			} else {
				assert_int_equal(mnl_ring_release(rx, 1), 0);
			}
			seq++;
		}
		n = rand() % KEPT;
		if (kept[n].nlh) {
			check(kept[n].nlh, kept[n].seq, kept[n].len);
			assert_int_equal(mnl_ring_release_kept(rx, kept[n].nlh),
					 0);
			kept[n].nlh = NULL;
		}
	}
	for (n = 0; n < KEPT; n++)
		if (kept[n].nlh)
			mnl_ring_release_kept(rx, kept[n].nlh);
	for (; seq < next; seq++) {
		expect_peek(seq, lens[seq]);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
}

static int keep_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsghdr **kept = data;

	if (nlh->nlmsg_seq == 1) {
		*kept = nlh;
		return mnl_ring_keep(rx, nlh) == 0 ? MNL_CB_OK : MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

static void test_keep_in_callback(void **state)
{
	const struct nlmsghdr *kept = NULL;
	unsigned int i, done;

	(void)state;
	for (i = 0; i < 4; i++)
		send_to_rx(i, 100);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, keep_cb, &kept, 0, &done),
			 MNL_CB_OK);
	assert_int_equal(done, 4);
	check(kept, 1, 100);
	assert_int_equal(mnl_ring_release_kept(rx, kept), 0);
}

/* not one frame left for the kernel: a wait would have no end */
static void test_keep_all(void **state)
{
	struct nlmsghdr *kept[FRAMES];
	unsigned int i;

	(void)state;
	if (!mnl_ring_is_mapped(rx))
		return;
	for (i = 0; i < FRAMES + 1; i++)
		send_to_rx(i, 100);
	for (i = 0; i < FRAMES; i++) {
		kept[i] = peek_next();
		assert_int_equal(mnl_ring_keep(rx, kept[i]), 0);
	}
	assert_fails(mnl_ring_wait(rx, -1), EBUSY);
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(mnl_ring_release_kept(rx, kept[i]), 0);
	expect_peek(FRAMES, 100);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
}

struct run {
	unsigned int next;
	int stop_at;
	int result;
};

static int run_cb(const struct nlmsghdr *nlh, void *data)
{
	struct run *r = data;

	assert_int_equal(nlh->nlmsg_seq, r->next);
	r->next++;
	return (int)r->next == r->stop_at ? r->result : MNL_CB_OK;
}

static void test_cb_run(void **state)
{
	struct run r = { 0 };
	unsigned int done, i;

	(void)state;
	for (i = 0; i < 6; i++)
		send_to_rx(i, 100);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, run_cb, &r, 2, &done),
			 MNL_CB_OK);
	assert_int_equal(done, 2);
	r.stop_at = 4;
	r.result = MNL_CB_STOP;
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, run_cb, &r, 0, &done),
			 MNL_CB_STOP);
	assert_int_equal(done, 2);
	r.stop_at = 5;
	r.result = MNL_CB_ERROR;
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, run_cb, &r, 0, &done),
			 MNL_CB_ERROR);
	assert_int_equal(done, 1);
	assert_int_equal(mnl_ring_cb_run(rx, 0, 0, run_cb, &r, 0, NULL),
			 MNL_CB_OK);
	assert_int_equal(r.next, 6);
}

static void test_cb_run_checks(void **state)
{
	unsigned int done;
	size_t len;

	(void)state;
	send_to_rx(5, 100);
	send_to_rx(6, 100);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_fails(mnl_ring_cb_run(rx, 4, 0, NULL, NULL, 0, &done), EPROTO);
	assert_int_equal(done, 1);
	assert_non_null(mnl_ring_peek(rx, &len));
	assert_fails(mnl_ring_cb_run(rx, 0, 0, NULL, NULL, 0, &done), EBUSY);
	assert_int_equal(done, 0);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
}

static size_t mixed_len(unsigned int i)
{
	return i % 5 == 0 ? LONG_MESSAGE : i % 7 == 0 ? HUGE_MESSAGE : 300;
}

/* mnl_socket_recvfrom() and the ring calls, by turns: one order */
static void test_recvfrom(void **state)
{
	char buf[HUGE_MESSAGE] ALIGNED;
	unsigned int i;
	size_t len;

	(void)state;
	for (i = 0; i < 40; i++)
		send_to_rx(i, mixed_len(i));
	for (i = 0; i < 40; i++) {
		len = mixed_len(i);
		if (i % 2) {
			assert_int_equal(mnl_socket_recvfrom(nl, buf,
							     sizeof(buf)),
					 len);
			check((void *)buf, i, len);
		} else {
			expect_peek(i, len);
			assert_int_equal(mnl_ring_release(rx, 1), 0);
		}
	}
	send_to_rx(1, 300);
	assert_fails(mnl_socket_recvfrom(nl, buf, 299), ENOSPC);
	assert_int_equal(fcntl(mnl_socket_get_fd(nl), F_SETFL, O_NONBLOCK), 0);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EAGAIN);
}

static void *send_later(void *arg)
{
	(void)arg;
	send_to_rx(77, 123);
	return NULL;
}

/* the reader sleeps, without a limit; the message wakes it, or alarm() fails */
static void test_wake_up(void **state)
{
	pthread_t thread;
	int i;

	(void)state;
	for (i = 0; i < 200; i++) {
		assert_int_equal(pthread_create(&thread, NULL, send_later,
						NULL), 0);
		expect_peek(77, 123);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
	}
}

struct burst {
	pthread_t thread;
	unsigned int nr;
};

static void *send_burst(void *arg)
{
	struct burst *b = arg;
	unsigned int i;

	for (i = 0; i < b->nr; i++)
		send_to_rx(i, 123);
	return NULL;
}

/* woken for batches, or by time for less; no message waits for ever */
static void test_wake_up_for_batches(void **state)
{
	struct burst b = { .nr = 5000 };
	unsigned int i;

	(void)state;
	assert_fails(mnl_ring_set_wakeup(tx, 1, 1), EINVAL);
	assert_fails(mnl_ring_set_wakeup(rx, 0, 1), EINVAL);
	for (i = 0; i < 4; i++) {
		unsigned int seq = 0;

		/* the default, then more than fits, no delay, and never more
		 * than one
		 */
		if (i > 0)
			assert_int_equal(mnl_ring_set_wakeup(rx, i == 3 ? 1 :
							     1000, i == 1 ?
							     5000 : 0), 0);
		mnl_ring_set_busy_poll(rx, i == 2 ? 100 : 0);
		assert_int_equal(pthread_create(&b.thread, NULL, send_burst,
						&b), 0);
		while (seq < b.nr) {
			expect_peek(seq++, 123);
			assert_int_equal(mnl_ring_release(rx, 1), 0);
		}
		assert_int_equal(pthread_join(b.thread, NULL), 0);
	}
	assert_int_equal(mnl_ring_wait(rx, 1), 0);
}

/* messages that the library has already, or is not sure of, allow no sleep */
static void test_arm_holds(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		send_to_rx(i, 100);
	for (i = 0; i < 6; i++) {
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		assert_int_equal(mnl_ring_arm(rx), 0);
		assert_true(mnl_ring_get_ready(rx) > 0);
		expect_peek(i, 100);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	assert_int_equal(mnl_ring_get_ready(rx), 0);
	assert_int_equal(mnl_ring_get_ready(tx), 0);
	assert_true(mnl_ring_arm(rx) != 0);
	mnl_ring_disarm(rx);
}

/* one system call for a wake-up, without a ring; and none for a look after it */
static void test_calls(void **state)
{
	unsigned int i;
	uint64_t calls;
	size_t len;

	(void)state;
	if (mnl_ring_is_mapped(rx))
		return;
	calls = stats(rx).syscalls;
	for (i = 0; i < 100; i++) {
		send_to_rx(i, 100);
		expect_peek(i, 100);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
		assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	}
	assert_int_equal(stats(rx).syscalls - calls, 100);
	/* many at once: few calls, in order */
	calls = stats(rx).syscalls;
	for (i = 0; i < 64; i++)
		send_to_rx(i, 100);
	for (i = 0; i < 64; i++) {
		expect_peek(i, 100);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	assert_in_range(stats(rx).syscalls - calls, 2, 32);
}

static void test_info(void **state)
{
	struct mnl_ring_info info;
	struct nlmsghdr *nlh;

	(void)state;
	send_to_rx(1, 100);
	nlh = peek_next();
	assert_int_equal(mnl_ring_get_info(rx, nlh, &info, sizeof(info)), 0);
	assert_true(info.known & MNL_RING_INFO_GROUP);
	assert_int_equal(info.group, 0);
	if (info.known & MNL_RING_INFO_PORTID)
		assert_int_equal(info.portid, mnl_socket_get_portid(peer));
	else
		assert_true(info.known & MNL_RING_INFO_CREDENTIALS);
	assert_fails(mnl_ring_get_info(tx, nlh, &info, sizeof(info)), EINVAL);
	assert_fails(mnl_ring_get_info(rx, nlh, &info, 0), EINVAL);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	assert_fails(mnl_ring_get_info(rx, nlh, &info, sizeof(info)), EINVAL);
}

/* the sender's port ID and namespace, where the kernel has them */
static void test_sender(void **state)
{
	struct nl_mmap_req req = small_ring();
	struct mnl_ring_info info;
	unsigned int i;

	assert_int_equal(teardown(state), 0);
	nl = open_bound(NETLINK_USERSOCK);
	peer = open_bound(NETLINK_USERSOCK);
	if (mnl_socket_set_ring2(nl, MNL_RING_RX, &req) == -1)
		assert_true(errno == ENOPROTOOPT || errno == ENOBUFS);
	assert_fails(mnl_socket_mmap2(nl, 0x8000), EINVAL);
	assert_int_equal(mnl_socket_mmap2(nl, MNL_RING_SENDER), 0);
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	assert_non_null(rx);
	for (i = 0; i < 60; i++) {
		struct nlmsghdr *nlh;

		send_to_rx(i, i % 3 ? 100 : LONG_MESSAGE);
		nlh = peek_next();
		check(nlh, i, i % 3 ? 100 : LONG_MESSAGE);
		assert_int_equal(mnl_ring_get_info(rx, nlh, &info,
						   sizeof(info)), 0);
		if (info.known & MNL_RING_INFO_PORTID)
			assert_int_equal(info.portid,
					 mnl_socket_get_portid(peer));
		assert_int_equal(info.nsid, -1);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_interrupted(void **state)
{
	struct sigaction sa = { .sa_handler = on_alarm }, old;

	(void)state;
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	alarm(1);
	assert_fails(mnl_ring_wait(rx, -1), EINTR);
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	alarm(60);
}

/* the peer listens on a group that is flooded until messages are lost */
static void test_overrun(void **state)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	char buf[1000] ALIGNED;
	unsigned int sent, got = 0, i;
	int group = 1;
	size_t len;

	(void)state;
	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) == -1) {
		assert_int_equal(errno, EPERM);
		print_message("not run: no right to listen to a group\n");
		return;
	}
	for (sent = 0; sent < 5000; sent++) {
		build(buf, sent, sizeof(buf));
		sendto(mnl_socket_get_fd(peer), buf, sizeof(buf), 0,
		       (void *)&addr, sizeof(addr));
	}
	/* what came before the loss is whole and in order; it is told once */
	for (i = 0; i < 2;) {
		const struct nlmsghdr *nlh = mnl_ring_peek(rx, &len);

		if (nlh != NULL) {
			assert_int_equal(nlh->nlmsg_seq, got++);
			assert_int_equal(mnl_ring_release(rx, 1), 0);
		} else if (errno == ENOBUFS) {
			i++;
		} else {
			assert_int_equal(errno, EAGAIN);
			switch (mnl_ring_wait(rx, 0)) {
			case 0:
				goto drained;
			case -1:
				assert_int_equal(errno, ENOBUFS);
				i++;
			}
		}
	}
drained:
	assert_int_equal(i, 1);
	assert_int_equal(stats(rx).overruns, 1);
	assert_true(got > 0 && got < sent);
	send_to_rx(1, 50);
	expect_peek(1, 50);
}

static size_t build_get_link(void *buf, unsigned int seq, unsigned int index)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *ifi;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nlh->nlmsg_seq = seq;
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = index;
	return nlh->nlmsg_len;
}

static void commit_get_link(unsigned int seq, unsigned int index)
{
	void *buf = mnl_ring_reserve(tx, 100);

	assert_non_null(buf);
	assert_int_equal(mnl_ring_commit(tx, build_get_link(buf, seq, index)),
			 0);
}

static int setup_route(void **state)
{
	(void)state;
	open_rings(NETLINK_ROUTE);
	peer = open_bound(NETLINK_ROUTE);
	return 0;
}

static int answer_cb(const struct nlmsghdr *nlh, void *data)
{
	assert_int_equal(nlh->nlmsg_seq, ++*(unsigned int *)data);
	return MNL_CB_OK;
}

static void expect_answers(unsigned int from, unsigned int to)
{
	unsigned int seq = from - 1;

	while (seq < to) {
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		assert_int_equal(mnl_ring_cb_run(rx, 0, 0, answer_cb, &seq, 0,
						 NULL), MNL_CB_OK);
	}
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

/* each request that was flushed is answered, in order; loopback is link 1 */
static void test_transmit(void **state)
{
	unsigned int seq = 0, i, round, nr = mnl_ring_get_frame_nr(tx);
	uint64_t calls;

	(void)state;
	for (round = 0; round < 10; round++) {
		for (i = 0; i < nr; i++)
			commit_get_link(++seq, 1);
		assert_null_errno(mnl_ring_reserve(tx, 16), EAGAIN);
		calls = stats(tx).syscalls;
		assert_int_equal(mnl_ring_flush(tx), nr * 32);
		if (mnl_ring_is_mapped(tx))
			assert_int_equal(stats(tx).syscalls, calls + 1);
		expect_answers(seq - nr + 1, seq);
	}
	assert_int_equal(mnl_ring_flush(tx), 0);
	assert_int_equal(stats(tx).messages, seq);
	assert_int_equal(stats(tx).bytes, seq * 32);
}

static void test_reserve_errors(void **state)
{
	(void)state;
	assert_null_errno(mnl_ring_reserve(tx, 0), EINVAL);
	assert_null_errno(mnl_ring_reserve(tx, SIZE_MAX), EMSGSIZE);
	assert_fails(mnl_ring_commit(tx, 16), EINVAL);
	assert_non_null(mnl_ring_reserve(tx, 100));
	assert_null_errno(mnl_ring_reserve(tx, 100), EBUSY);
	assert_fails(mnl_ring_commit(tx, 101), EMSGSIZE);
	assert_fails(mnl_ring_commit(tx, 0), EINVAL);
	mnl_ring_cancel(tx);
	assert_fails(mnl_ring_commit(tx, 16), EINVAL);
	assert_int_equal(mnl_ring_flush(tx), 0);
	commit_get_link(1, 1);
	assert_int_equal(mnl_ring_wait(tx, 0), 1);
	assert_int_equal(mnl_ring_flush(tx), 32);
	expect_answers(1, 1);
}

/* data sent beside the ring goes behind what was committed */
static void test_sendto(void **state)
{
	char buf[100] ALIGNED;

	(void)state;
	commit_get_link(1, 1);
	commit_get_link(2, 1);
	assert_int_equal(mnl_socket_sendto(nl, buf, build_get_link(buf, 3, 1)),
			 32);
	expect_answers(1, 3);
	/* the idiom of 2012 */
	if (mnl_ring_is_mapped(tx)) {
		commit_get_link(4, 1);
		assert_int_equal(mnl_socket_sendto(nl, NULL, 0), 32);
		expect_answers(4, 4);
	}
}

static void test_batch_in_frame(void **state)
{
	struct mnl_nlmsg_batch *b;
	unsigned int seq;
	void *buf;

	(void)state;
	buf = mnl_ring_reserve(tx, 1000);
	assert_non_null(buf);
	b = mnl_nlmsg_batch_start(buf, 500);
	for (seq = 1; seq <= 10; seq++) {
		build_get_link(mnl_nlmsg_batch_current(b), seq, 1);
		assert_true(mnl_nlmsg_batch_next(b));
	}
	assert_int_equal(mnl_ring_commit(tx, mnl_nlmsg_batch_size(b)), 0);
	mnl_nlmsg_batch_stop(b);
	assert_int_equal(mnl_ring_flush(tx), 320);
	expect_answers(1, 10);
}

/* longer than a frame: sent in order, by a call of its own */
static void test_large_message(void **state)
{
	struct nlmsghdr *nlh;

	(void)state;
	commit_get_link(1, 1);
	nlh = mnl_ring_reserve(tx, VERY_LARGE);
	assert_non_null(nlh);
	assert_null_errno(mnl_ring_reserve(tx, 16), EBUSY);
	memset(nlh, 0, VERY_LARGE);
	build_get_link(nlh, 2, 1);
	nlh->nlmsg_len = VERY_LARGE;
	/* an attribute that nobody reads */
	((struct nlattr *)((char *)nlh + 32))->nla_len = VERY_LARGE - 32;
	((struct nlattr *)((char *)nlh + 32))->nla_type = 0x3fff;
	assert_int_equal(mnl_ring_commit(tx, VERY_LARGE), 0);
	assert_null_errno(mnl_ring_reserve(tx, 16), EAGAIN);
	assert_fails(mnl_ring_wait(tx, 0), EBUSY);
	assert_int_equal(mnl_ring_flush(tx), 32 + VERY_LARGE);
	commit_get_link(3, 1);
	assert_int_equal(mnl_ring_flush(tx), 32);
	expect_answers(1, 3);
	assert_int_equal(stats(tx).messages, 3);
	nlh = mnl_ring_reserve(tx, VERY_LARGE);
	assert_non_null(nlh);
	mnl_ring_cancel(tx);
	assert_int_equal(mnl_ring_flush(tx), 0);
}

/* good, bad, good: the bytes, the error, the rest; nothing is sent twice */
static void test_partial_flush(void **state)
{
	void *frame;

	(void)state;
	commit_get_link(1, 1);
	frame = mnl_ring_reserve(tx, 4);
	assert_non_null(frame);
	memset(frame, 0, 4);
	assert_int_equal(mnl_ring_commit(tx, 4), 0);
	commit_get_link(2, 1);
	if (!mnl_ring_is_mapped(tx)) {
		/* a socket takes four bytes, and the kernel ignores them */
		assert_int_equal(mnl_ring_flush(tx), 32 + 4 + 32);
		expect_answers(1, 2);
		return;
	}
	assert_int_equal(mnl_ring_flush(tx), 32);
	assert_fails(mnl_ring_flush(tx), EINVAL);
	assert_int_equal(mnl_ring_flush(tx), 32);
	expect_answers(1, 2);
}

static int count_links_cb(const struct nlmsghdr *nlh, void *data)
{
	assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
	++*(unsigned int *)data;
	return MNL_CB_OK;
}

/* a dump ends with MNL_CB_STOP, whichever way its parts come */
static void test_dump(void **state)
{
	char buf[100] ALIGNED;
	struct nlmsghdr *nlh = (void *)buf;
	unsigned int links = 0;
	int ret = MNL_CB_OK;

	(void)state;
	build_get_link(buf, 9, 0);
	nlh->nlmsg_flags |= NLM_F_DUMP;
	assert_int_equal(mnl_socket_sendto(nl, buf, nlh->nlmsg_len), 32);
	while (ret > MNL_CB_STOP) {
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		ret = mnl_ring_cb_run(rx, 9, mnl_socket_get_portid(nl),
				      count_links_cb, &links, 0, NULL);
	}
	assert_int_equal(ret, MNL_CB_STOP);
	assert_true(links > 0);
}

static void test_fdopen(void **state)
{
	struct mnl_socket *same;
	struct mnl_ring *ring;
	size_t len;

	(void)state;
	same = mnl_socket_fdopen(dup(mnl_socket_get_fd(peer)));
	assert_non_null(same);
	assert_int_equal(mnl_socket_mmap(same), 0);
	ring = mnl_socket_get_ring(same, MNL_RING_RX);
	assert_int_equal(mnl_ring_is_mapped(ring), mnl_ring_is_mapped(rx));
	assert_null_errno(mnl_ring_peek(ring, &len), EAGAIN);
	mnl_socket_close(same);
}

/* the child has no mapping, and its exit takes nothing from the parent */
static void test_fork(void **state)
{
	pid_t pid;
	int status;

	(void)state;
	pid = fork();
	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	send_to_rx(1, 100);
	expect_peek(1, 100);
}

int main(void)
{
#define USER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define ROUTE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_route, teardown)
	const struct CMUnitTest tests[] = {
		USER_TEST(test_which),
		USER_TEST(test_get_ring),
		USER_TEST(test_set_ring),
		USER_TEST(test_bad_descriptor),
		USER_TEST(test_empty),
		USER_TEST(test_wrong_ring),
		USER_TEST(test_one_ring),
		USER_TEST(test_receive),
		USER_TEST(test_peek_several),
		USER_TEST(test_peek_all),
		USER_TEST(test_keep_errors),
		USER_TEST(test_keep_between),
		USER_TEST(test_keep_random),
		USER_TEST(test_keep_in_callback),
		USER_TEST(test_keep_all),
		USER_TEST(test_cb_run),
		USER_TEST(test_cb_run_checks),
		USER_TEST(test_recvfrom),
		USER_TEST(test_wake_up),
		USER_TEST(test_wake_up_for_batches),
		USER_TEST(test_arm_holds),
		USER_TEST(test_calls),
		USER_TEST(test_info),
		USER_TEST(test_sender),
		USER_TEST(test_interrupted),
		USER_TEST(test_overrun),
		ROUTE_TEST(test_transmit),
		ROUTE_TEST(test_reserve_errors),
		ROUTE_TEST(test_sendto),
		ROUTE_TEST(test_batch_in_frame),
		ROUTE_TEST(test_large_message),
		ROUTE_TEST(test_partial_flush),
		ROUTE_TEST(test_dump),
		USER_TEST(test_fdopen),
		USER_TEST(test_fork),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
