// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sending through a ring to another process: what arrived, in which order,
 * partial success, bad frames. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME		2048
#define FRAMES		8
#define CAPACITY	(FRAME - NL_MMAP_HDRLEN)

static struct raw_socket tx, to;

static int setup(void **state)
{
	(void)state;
	raw_open_rings(&tx, NETLINK_USERSOCK, FRAME, 0, FRAMES);
	raw_open(&to, NETLINK_USERSOCK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	raw_close(&tx);
	raw_close(&to);
	return 0;
}

/* hands the frame at the head to the kernel; @nm_len may be a lie */
static void commit(uint32_t seq, size_t len, unsigned int nm_len)
{
	struct nl_mmap_hdr *hdr = raw_current(&tx.tx);

	assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_UNUSED);
	raw_build(raw_payload(hdr), seq, len);
	hdr->nm_len = nm_len;
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&tx.tx);
}

static void expect(uint32_t seq, size_t len)
{
	char buf[FRAME];

	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
}

static void expect_nothing(void)
{
	char buf[FRAME];

	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* lesson 5 (put back: it does not): the empty call runs the ring, each time */
static void test_many_per_call(void **state)
{
	uint32_t seq = 0, got = 0;
	int i, round;

	(void)state;
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 0);
	for (round = 0; round < 100; round++) {
		for (i = 0; i < FRAMES; i++, seq++)
			commit(seq, 100 + i, 100 + i);
		assert_int_equal(raw_poll(&tx, POLLOUT, 0), 0);
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), 828);
		assert_int_equal(raw_poll(&tx, POLLOUT, 0), POLLOUT);
		for (i = 0; i < FRAMES; i++, got++)
			expect(got, 100 + i);
		expect_nothing();
	}
	assert_int_equal(raw_counter(&tx, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_MESSAGES), seq);
}

static void test_largest_and_smallest(void **state)
{
	struct nl_mmap_hdr *hdr = raw_current(&tx.tx);
	struct nlmsghdr nlh;

	(void)state;
	commit(1, CAPACITY, CAPACITY);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), CAPACITY);
	expect(1, CAPACITY);

	hdr = raw_current(&tx.tx);
	memset(raw_payload(hdr), 0, NLMSG_HDRLEN);
	hdr->nm_len = NLMSG_HDRLEN;
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&tx.tx);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), NLMSG_HDRLEN);
	assert_int_equal(recv(to.fd, &nlh, sizeof(nlh), MSG_DONTWAIT),
			 NLMSG_HDRLEN);
}

/*
 * lessons 13, 14 (put back: such a frame is not released): told, released, and
 * the next one goes
 */
static void test_bad_length(void **state)
{
	static const unsigned int bad[] = { 0, 1, NLMSG_HDRLEN - 1,
					    CAPACITY + 1, FRAME, ~0U };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct nl_mmap_hdr *hdr = raw_current(&tx.tx);

		commit(i, 100, bad[i]);
		commit(1000 + i, 100, 100);
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_UNUSED);
		expect_nothing();
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), 100);
		expect(1000 + i, 100);
	}
	assert_int_equal(raw_counter(&tx, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_ERRORS), i);
}

/*
 * lesson 15 (put back: the error is returned, not the bytes): good, good, bad,
 * good: the bytes of two, the error, the last
 */
static void test_partial_success(void **state)
{
	struct nl_mmap_hdr *bad;

	(void)state;
	commit(1, 100, 100);
	commit(2, 200, 200);
	bad = raw_current(&tx.tx);
	commit(3, 300, 0);
	commit(4, 400, 400);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 300);
	assert_int_equal(raw_status(bad), NL_MMAP_STATUS_VALID);
	expect(1, 100);
	expect(2, 200);
	expect_nothing();
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_status(bad), NL_MMAP_STATUS_UNUSED);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 400);
	expect(4, 400);
	expect_nothing();
}

/* nobody at that port ID: ECONNREFUSED, and the ring goes on */
static void test_refused(void **state)
{
	(void)state;
	commit(1, 100, 100);
	commit(2, 100, 100);
	assert_int_equal(raw_run_tx(&tx, 0x7fffffff, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 100);
	expect(2, 100);
	expect_nothing();
}

/* the receiver is full: nothing is lost, later calls send the rest */
static void test_receiver_full(void **state)
{
	uint32_t seq = 0, got = 0;
	ssize_t n;

	(void)state;
	do {
		while (raw_status(raw_current(&tx.tx)) ==
		       NL_MMAP_STATUS_UNUSED)
			commit(seq++, 1000, 1000);
		n = raw_run_tx(&tx, to.portid, MSG_DONTWAIT);
	} while (n > 0);
	assert_int_equal(errno, EAGAIN);
	while (got < seq) {
		expect(got++, 1000);
		if (raw_run_tx(&tx, to.portid, MSG_DONTWAIT) < 0)
			assert_int_equal(errno, EAGAIN);
	}
	expect_nothing();
}

/* data goes as it always did, beside the ring */
static void test_plain_send(void **state)
{
	(void)state;
	assert_int_equal(raw_send(&tx, to.portid, 0, 9, 500, 0), 500);
	expect(9, 500);
}

/*
 * lesson 4 (put back: nm_len is read again for sending): another thread rewrites
 * the frame during the call. Its length is
 * read once: what arrives is one of the two messages, and never as long as
 * neither.
 */
static void *rewrite(void *data)
{
	struct nl_mmap_hdr *hdr = raw_frame(&tx.tx, 0);
	static const unsigned int lens[] = { 100, ~0U, CAPACITY, 0, 15,
					     CAPACITY + 1 };
	unsigned int i;

	for (i = 0; !__atomic_load_n((bool *)data, __ATOMIC_RELAXED); i++) {
		__atomic_store_n(&hdr->nm_len, lens[i % 6], __ATOMIC_RELAXED);
		memset(raw_payload(hdr), i, NLMSG_HDRLEN);
		raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	}
	return NULL;
}

static void test_rewritten(void **state)
{
	unsigned int i, sent = 0, refused = 0;
	char buf[2 * FRAME];
	bool stop = false;
	pthread_t thread;
	ssize_t n, got;

	(void)state;
	raw_close(&tx);
	raw_open_rings(&tx, NETLINK_USERSOCK, FRAME, 0, 2);
	assert_int_equal(pthread_create(&thread, NULL, rewrite, &stop), 0);
	for (i = 0; i < 20000 || !sent || !refused; i++) {
		raw_set_status(raw_frame(&tx.tx, 1), NL_MMAP_STATUS_UNUSED);
		n = raw_run_tx(&tx, to.portid, 0);
		if (n > 0) {
			assert_true(n == 100 || n == CAPACITY);
			got = recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT);
			assert_int_equal(got, n);
			sent++;
		} else if (n < 0) {
			assert_int_equal(errno, EINVAL);
			refused++;
		}
		/* the head goes round; the thread knows the first frame only */
		raw_frame(&tx.tx, 1)->nm_len = 0;
		raw_set_status(raw_frame(&tx.tx, 1), NL_MMAP_STATUS_VALID);
		if (raw_run_tx(&tx, to.portid, 0) > 0)
			recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT);
		while (recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

int main(void)
{
#define RING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RING_TEST(test_many_per_call),
		RING_TEST(test_largest_and_smallest),
		RING_TEST(test_bad_length),
		RING_TEST(test_partial_success),
		RING_TEST(test_refused),
		RING_TEST(test_receiver_full),
		RING_TEST(test_plain_send),
		RING_TEST(test_rewritten),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
