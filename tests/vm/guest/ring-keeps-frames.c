// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Frames that the reader keeps (SKIP) and messages of several frames: nothing
 * lost, nothing twice, in order, whatever is kept and given back when. Needs
 * the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME		2048
#define CAPACITY	(FRAME - NL_MMAP_HDRLEN)

static struct raw_socket to, from;

static void open_pair(unsigned int frame_size, unsigned int frames,
		      unsigned int flags)
{
	raw_open_rx(&to, NETLINK_USERSOCK, frame_size, frames, flags);
	raw_open(&from, NETLINK_USERSOCK);
}

static int close_pair(void **state)
{
	(void)state;
	raw_close(&from);
	raw_close(&to);
	return 0;
}

static uint64_t counter(int attr)
{
	return raw_counter(&to, NETLINK_RX_RING, attr);
}

static void send_one(uint32_t seq, size_t len)
{
	assert_int_equal(raw_send(&from, to.portid, 0, seq, len, MSG_DONTWAIT),
			 len);
}

/* the next message that is ready, after a poll() if there is none */
static struct nl_mmap_hdr *next(void)
{
	struct nl_mmap_hdr *hdr = raw_next(&to.rx);

	while (!hdr) {
		assert_int_equal(raw_poll(&to, POLLIN, -1), POLLIN);
		hdr = raw_next(&to.rx);
	}
	return hdr;
}

static void expect_frame(uint32_t seq, size_t len)
{
	struct nl_mmap_hdr *hdr = next();

	assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_VALID);
	assert_int_equal(hdr->nm_len, len);
	raw_check(raw_payload(hdr), seq, len);
}

static void expect_copy(uint32_t seq, size_t len)
{
	static char buf[256 * 1024];

	assert_int_equal(raw_status(next()), NL_MMAP_STATUS_COPY);
	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
	raw_take(&to.rx);
}

static void take(uint32_t seq, size_t len)
{
	expect_frame(seq, len);
	raw_take(&to.rx);
}

static void expect_nothing(void)
{
	assert_null(raw_next(&to.rx));
	assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
	assert_null(raw_next(&to.rx));
}

/*
 * lesson 6 (put back: kept frames are not passed over): the others go round a
 * frame that is kept, for many turns
 */
static void test_keep_one(void **state)
{
	unsigned int index, i;

	(void)state;
	open_pair(FRAME, 8, 0);
	for (i = 0; i < 3; i++) {
		send_one(i, 100);
		take(i, 100);
	}
	send_one(1000, 500);
	expect_frame(1000, 500);
	index = raw_keep(&to.rx);
	for (i = 0; i < 100; i++) {
		send_one(i, 100);
		take(i, 100);
	}
	raw_check(raw_payload(raw_frame(&to.rx, index)), 1000, 500);
	raw_give_back(&to.rx, index);
	for (; i < 200; i++) {
		send_one(i, 100);
		take(i, 100);
	}
	assert_int_equal(counter(NETLINK_MMAP_A_RING_SPILLED), 0);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_IN_USE), 0);
}

/* out of frames only when all are kept; one given back is enough to go on */
static void test_keep_all(void **state)
{
	unsigned int i;

	(void)state;
	open_pair(FRAME, 8, 0);
	for (i = 0; i < 8; i++) {
		send_one(i, 100);
		expect_frame(i, 100);
		raw_keep(&to.rx);
	}
	for (i = 8; i < 20; i++)
		send_one(i, 100);
	expect_nothing();
	/* those that are kept do not wait to be read */
	assert_int_equal(counter(NETLINK_MMAP_A_RING_IN_USE), 0);

	raw_give_back(&to.rx, 5);
	for (i = 8; i < 20; i++)
		take(i, 100);
	expect_nothing();
	for (i = 0; i < 8; i++) {
		if (i != 5) {
			raw_check(raw_payload(raw_frame(&to.rx, i)), i, 100);
			raw_give_back(&to.rx, i);
		}
	}
	for (i = 20; i < 60; i++) {
		send_one(i, 100);
		take(i, 100);
	}
}

/*
 * All frames but one were kept when the kernel came by, and are given back. The
 * reader waits at the first of them: a message of two frames must not begin
 * before it. (Put back: the kernel looks at the last frame only. The reader is
 * at a piece of the message, for ever.)
 */
static void test_span_over_the_reader(void **state)
{
	unsigned int i;

	(void)state;
	open_pair(FRAME, 8, NL_MMAP_F_SPAN);
	for (i = 0; i < 8; i++)
		send_one(i, 100);
	take(0, 100);
	for (i = 1; i < 8; i++) {
		expect_frame(i, 100);
		raw_keep(&to.rx);
	}
	send_one(8, 100);
	send_one(9, FRAME + 100);
	take(8, 100);
	for (i = 1; i < 8; i++)
		raw_give_back(&to.rx, i);
	expect_copy(9, FRAME + 100);
	for (i = 10; i < 100; i++) {
		send_one(i, 100 + i % 2 * FRAME);
		take(i, 100 + i % 2 * FRAME);
	}
}

/*
 * A ring far larger than what the kernel looks at under its lock, all kept but
 * one frame, in the middle.
 */
static void test_keep_thousands(void **state)
{
	const unsigned int frames = 8192;
	unsigned int i;

	(void)state;
	open_pair(128, frames, 0);
	for (i = 0; i < frames; i++) {
		send_one(i, 40);
		expect_frame(i, 40);
		raw_keep(&to.rx);
	}
	raw_give_back(&to.rx, frames / 2);
	for (i = 0; i < 10; i++)
		send_one(i, 40);
	for (i = 0; i < 10; i++)
		take(i, 40);
	for (i = 0; i < frames; i++)
		if (i != frames / 2)
			raw_give_back(&to.rx, i);
	for (i = 0; i < 2 * frames; i++) {
		send_one(i, 40);
		take(i, 40);
	}
	expect_nothing();
}

/*
 * Messages are read in their order though their frames are not in it. Fails when
 * a frame that was passed over is used again before those behind it are read.
 */
static void test_order_of_given_back(void **state)
{
	unsigned int i;

	(void)state;
	open_pair(FRAME, 4, 0);
	for (i = 0; i < 4; i++)
		send_one(i, 100);
	for (i = 0; i < 2; i++) {
		expect_frame(i, 100);
		raw_keep(&to.rx);
	}
	/* passed over: 4 and 5 go to the frames of 2 and 3 */
	take(2, 100);
	take(3, 100);
	send_one(4, 100);
	send_one(5, 100);
	raw_give_back(&to.rx, 0);
	/* 6 is younger than 4 and 5, and must not be read before them */
	send_one(6, 100);
	raw_give_back(&to.rx, 1);
	send_one(7, 100);
	for (i = 4; i < 8; i++)
		take(i, 100);
	expect_nothing();
}

/* 64 KB in frames of 2 KB, from each place in the ring */
static void test_span(void **state)
{
	static const size_t lens[] = { 65536, 100, 3000, CAPACITY,
				       CAPACITY + 1, 65000, 40000 };
	unsigned int i, seq = 0;

	(void)state;
	open_pair(FRAME, 128, NL_MMAP_F_SPAN);
	for (i = 0; i < 500; i++, seq++) {
		send_one(seq, lens[seq % 7]);
		take(seq, lens[seq % 7]);
	}
	expect_nothing();
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_RING), seq);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), 0);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_MESSAGES), seq);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_IN_USE), 0);
	/* five of each seven */
	assert_int_equal(counter(NETLINK_MMAP_A_RING_SPANS),
			 seq - (seq + 5) / 7 - (seq + 3) / 7);
}

/* many at once: the ring is full, what waits follows in order */
static void test_span_spill(void **state)
{
	int size = 8 << 20, i, round;

	(void)state;
	open_pair(FRAME, 16, NL_MMAP_F_SPAN);
	setsockopt(to.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	for (round = 0; round < 20; round++) {
		for (i = 0; i < 30; i++)
			send_one(i, 100 + i % 8 * FRAME);
		for (i = 0; i < 30; i++)
			take(i, 100 + i % 8 * FRAME);
		expect_nothing();
	}
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), 0);
}

/* more than half of the ring comes by COPY, in its place */
static void test_span_limit(void **state)
{
	const size_t most = 8 * FRAME - NL_MMAP_HDRLEN;
	unsigned int i;

	(void)state;
	open_pair(FRAME, 16, NL_MMAP_F_SPAN);
	for (i = 0; i < 40; i++) {
		send_one(0, 100);
		send_one(1, most + 1);
		send_one(2, most);
		take(0, 100);
		expect_copy(1, most + 1);
		take(2, most);
	}
	expect_nothing();
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), i);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_MESSAGES), 3 * i);
}

/* a program that did not ask for it never sees one */
static void test_no_span_unasked(void **state)
{
	(void)state;
	raw_open_rings(&to, NETLINK_USERSOCK, FRAME, 16, 0);
	raw_open(&from, NETLINK_USERSOCK);
	send_one(1, CAPACITY);
	send_one(2, CAPACITY + 1);
	take(1, CAPACITY);
	expect_copy(2, CAPACITY + 1);
	raw_close(&to);
	raw_open_rx(&to, NETLINK_USERSOCK, FRAME, 16, 0);
	send_one(2, CAPACITY + 1);
	expect_copy(2, CAPACITY + 1);
}

/* three frames a block and a rest: no message crosses that */
static void test_span_block_tail(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = getpagesize(),
		.nm_block_nr = 4,
		.nm_frame_size = 1200,
		.nm_frame_nr = getpagesize() / 1200 * 4,
	};
	static const size_t lens[] = { 100, 3000, 2000, 100, 3000, 3000 };
	const size_t most = 3 * 1200 - NL_MMAP_HDRLEN;
	unsigned int i;

	(void)state;
	raw_open(&to, NETLINK_USERSOCK);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(to.fd), 0);
	assert_int_equal(raw_set_ring2(&to, NETLINK_RX_RING, req,
				       NL_MMAP_F_SPAN), 0);
	assert_int_equal(raw_map(&to), 0);
	for (i = 0; i < 300; i++) {
		send_one(i, lens[i % 6]);
		take(i, lens[i % 6]);
	}
	send_one(1, most);
	take(1, most);
	send_one(2, most + 1);
	expect_copy(2, most + 1);
}

/* kept frames leave no place for a long message, and nothing else waits */
static void test_span_among_kept(void **state)
{
	unsigned int i;

	(void)state;
	open_pair(FRAME, 8, NL_MMAP_F_SPAN);
	for (i = 0; i < 8; i++)
		send_one(i, 100);
	for (i = 0; i < 8; i++) {
		expect_frame(i, 100);
		if (i % 2)
			raw_keep(&to.rx);
		else
			raw_take(&to.rx);
	}
	send_one(8, 3000);
	send_one(9, 100);
	expect_copy(8, 3000);
	take(9, 100);
	expect_nothing();
	for (i = 1; i < 8; i += 2)
		raw_give_back(&to.rx, i);
	send_one(10, 3 * FRAME);
	take(10, 3 * FRAME);
}

/* a long message is kept, and given back */
static void test_keep_span(void **state)
{
	unsigned int i, index;

	(void)state;
	open_pair(FRAME, 8, NL_MMAP_F_SPAN);
	send_one(100, 3 * FRAME);
	expect_frame(100, 3 * FRAME);
	index = raw_keep(&to.rx);
	for (i = 0; i < 50; i++) {
		send_one(i, 100);
		take(i, 100);
	}
	raw_check(raw_payload(raw_frame(&to.rx, index)), 100, 3 * FRAME);
	raw_give_back(&to.rx, index);
	for (i = 0; i < 50; i++) {
		send_one(i, 100 + i % 3 * FRAME);
		take(i, 100 + i % 3 * FRAME);
	}
	expect_nothing();
	assert_int_equal(counter(NETLINK_MMAP_A_RING_IN_USE), 0);
}

/*
 * Several senders, a reader that keeps at random
 */

#define SENDERS		3
#define MESSAGES	20000
#define KEPT		20

struct sender {
	struct raw_socket socket;
	pthread_t thread;
	unsigned int number;
	uint32_t next;
};

struct kept {
	bool used;
	unsigned int index;
	uint32_t seq;
	size_t len;
};

static size_t stream_len(uint32_t seq)
{
	uint32_t n = (seq & 0xffffff) * 2654435761U >> 20;

	return 64 + (n % 16 ? n % 1900 : n * 2);
}

static void *send_stream(void *data)
{
	struct sender *s = data;
	uint32_t i, seq;
	size_t len;

	for (i = 0; i < MESSAGES; i++) {
		seq = s->number << 24 | i;
		len = stream_len(seq);
		/* sleeps while SO_RCVBUF is full */
		if (raw_send(&s->socket, to.portid, 0, seq, len, 0) !=
		    (ssize_t)len)
			return s;
	}
	return NULL;
}

static void give_back_random(struct kept *kept)
{
	struct kept *k = &kept[rand() % KEPT];

	if (!k->used)
		return;
	raw_check(raw_payload(raw_frame(&to.rx, k->index)), k->seq, k->len);
	raw_give_back(&to.rx, k->index);
	k->used = false;
}

static void read_random(struct kept *kept, uint32_t seq)
{
	struct kept *k = &kept[rand() % KEPT];
	size_t len = stream_len(seq);

	if (raw_status(next()) == NL_MMAP_STATUS_COPY) {
		expect_copy(seq, len);
		return;
	}
	expect_frame(seq, len);
	if (k->used || rand() % 4) {
		raw_take(&to.rx);
		return;
	}
	*k = (struct kept){ true, raw_keep(&to.rx), seq, len };
}

static uint32_t next_seq(void)
{
	struct nl_mmap_hdr *hdr = next();
	struct raw_message m;

	if (raw_status(hdr) == NL_MMAP_STATUS_COPY)
		assert_true(recv(to.fd, &m, sizeof(m), MSG_PEEK) > 0);
	else
		memcpy(&m, raw_payload(hdr), sizeof(m));
	return m.seq;
}

static void test_random(void **state)
{
	struct sender senders[SENDERS] = { 0 };
	struct kept kept[KEPT] = { 0 };
	uint32_t seq, from_whom;
	unsigned int i;
	void *failed;

	(void)state;
	srand(1);
	open_pair(FRAME, 32, NL_MMAP_F_SPAN);
	for (i = 0; i < SENDERS; i++) {
		senders[i].number = i;
		raw_open(&senders[i].socket, NETLINK_USERSOCK);
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
						send_stream, &senders[i]), 0);
	}
	for (i = 0; i < SENDERS * MESSAGES; i++) {
		seq = next_seq();
		from_whom = seq >> 24;
		assert_true(from_whom < SENDERS);
		assert_int_equal(seq & 0xffffff, senders[from_whom].next++);
		read_random(kept, seq);
		give_back_random(kept);
	}
	for (i = 0; i < SENDERS; i++) {
		pthread_join(senders[i].thread, &failed);
		assert_null(failed);
		raw_close(&senders[i].socket);
	}
	expect_nothing();
	assert_int_equal(counter(NETLINK_MMAP_A_RING_MESSAGES),
			 SENDERS * MESSAGES);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_DROPS), 0);
	print_message("  by ring %llu, spans %llu, spilled %llu, by copy %llu\n",
		      (unsigned long long)counter(NETLINK_MMAP_A_RING_BY_RING),
		      (unsigned long long)counter(NETLINK_MMAP_A_RING_SPANS),
		      (unsigned long long)counter(NETLINK_MMAP_A_RING_SPILLED),
		      (unsigned long long)counter(NETLINK_MMAP_A_RING_BY_COPY));
}

/*
 * The kernel looks for a place in 128 frames, however few messages are kept in
 * them: a place behind more kept ones is not found, and the message comes by COPY.
 * Put back: a kept message of many frames counts as one look, and passing over
 * 16,000 frames at once takes long under the lock of the queue.
 */
static void test_search_is_bounded(void **state)
{
	const size_t frame = 64, many = 100, kept = 4;
	const size_t len = many * frame - NL_MMAP_HDRLEN;
	unsigned int i;

	(void)state;
	open_pair(frame, 4096, NL_MMAP_F_SPAN);
	send_one(0, 40);
	for (i = 1; i <= kept; i++)
		send_one(i, len);
	take(0, 40);
	for (i = 1; i <= kept; i++) {
		raw_check(raw_payload(next()), i, len);
		raw_keep(&to.rx);
	}
	/* up to the end of the ring, so that the head comes to the first frame */
	for (; i + kept * (many - 1) < 4096; i++) {
		send_one(i, 40);
		take(i, 40);
	}
	send_one(i, 2 * frame);
	assert_int_equal(raw_status(next()), NL_MMAP_STATUS_COPY);
	expect_copy(i, 2 * frame);
}

#define ring_test(f) cmocka_unit_test_teardown(f, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(test_keep_one),
		ring_test(test_keep_all),
		ring_test(test_span_over_the_reader),
		ring_test(test_keep_thousands),
		ring_test(test_order_of_given_back),
		ring_test(test_span),
		ring_test(test_span_spill),
		ring_test(test_span_limit),
		ring_test(test_no_span_unasked),
		ring_test(test_span_block_tail),
		ring_test(test_span_among_kept),
		ring_test(test_search_is_bounded),
		ring_test(test_keep_span),
		ring_test(test_random),
	};

	watchdog(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
