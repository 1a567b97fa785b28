// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One call does not do the work of many: a delivery moves a few of the messages that
 * wait, a ring of kept frames costs a delivery no more than a small one, and nothing
 * that is left to others is lost. Prints times; asserts counts alone. Needs the
 * module and root, and 700 MB of memory.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

/* messages that one delivery may move */
#define MOVES	128

static struct raw_socket ring, from;

static long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

static void open_ring(unsigned int frame, unsigned int frames, int rcvbuf)
{
	raw_open_rings(&ring, NETLINK_USERSOCK, frame, frames, 0);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(setsockopt(ring.fd, SOL_SOCKET, SO_RCVBUFFORCE,
				    &rcvbuf, sizeof(rcvbuf)), 0);
}

static void close_ring(void)
{
	raw_close(&ring);
	raw_close(&from);
}

static uint64_t by_ring(void)
{
	return raw_counter(&ring, NETLINK_RX_RING,
			   NETLINK_MMAP_A_RING_BY_RING);
}

static void send_next(uint32_t *seq, size_t len)
{
	assert_int_equal(raw_send(&from, ring.portid, 0, *seq, len,
				  MSG_DONTWAIT), len);
	++*seq;
}

static void take_next(uint32_t *seq, size_t len)
{
	struct nl_mmap_hdr *hdr = raw_next(&ring.rx);

	assert_non_null(hdr);
	assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_VALID);
	assert_int_equal(hdr->nm_len, len);
	assert_int_equal(((struct raw_message *)raw_payload(hdr))->seq, *seq);
	raw_take(&ring.rx);
	++*seq;
}

/*
 * 64 MiB wait in the queue, and the reader, which only gives frames back, gives
 * all of them back at once: the next sender does not pay for that.
 */
#define WAITING		(64 << 20)
#define LEN		3000
#define CHARGED		4096	/* for each, at least */

static void test_delivery(void **state)
{
	const unsigned int frames = 2048, waiting = WAITING / CHARGED;
	uint32_t sent = 0, taken = 0;
	uint64_t before, moved, most = 0;
	long begin, took, longest = 0;

	(void)state;
	open_ring(4096, frames, 4 * WAITING);
	while (sent < frames + waiting)
		send_next(&sent, LEN);
	assert_int_equal(by_ring(), frames);
	/* by deliveries alone, until one has no more to move than its own message */
	do {
		while (raw_next(&ring.rx))
			take_next(&taken, LEN);
		before = by_ring();
		begin = nanoseconds();
		send_next(&sent, LEN);
		took = nanoseconds() - begin;
		if (took > longest)
			longest = took;
		moved = by_ring() - before;
		assert_true(moved > 0);
		if (moved > most)
			most = moved;
	} while (moved > 1);
	/* and the rest by poll() */
	while (taken < sent) {
		assert_int_equal(raw_poll(&ring, POLLIN, 0), POLLIN);
		while (raw_next(&ring.rx))
			take_next(&taken, LEN);
	}
	print_message("  messages moved by one delivery: %llu of %u; longest: %ld us\n",
		      (unsigned long long)most, waiting, longest / 1000);
	assert_in_range(most, 1, MOVES);
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	close_ring();
}

/*
 * A reader that sleeps is woken for what a delivery leaves in the queue, and poll()
 * moves it: the reader gets all without another message.
 */
static void test_what_is_left(void **state)
{
	const unsigned int frames = 512;
	uint32_t sent = 0, taken = 0;

	(void)state;
	open_ring(256, frames, 16 << 20);
	while (sent < 4 * frames)
		send_next(&sent, 100);
	while (raw_next(&ring.rx))
		take_next(&taken, 100);
	send_next(&sent, 100);
	while (taken < sent) {
		assert_int_equal(raw_poll(&ring, POLLIN, -1), POLLIN);
		while (raw_next(&ring.rx))
			take_next(&taken, 100);
	}
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	close_ring();
}

/* fills the ring, keeps every frame; returns the longest delivery after that */
static long time_kept(unsigned int frames)
{
	long begin, took, longest = 0;
	uint32_t sent = 0, taken;
	unsigned int i;

	open_ring(256, frames, 16 << 20);
	while (sent < frames)
		send_next(&sent, 100);
	for (i = 0; i < frames; i++) {
		assert_non_null(raw_next(&ring.rx));
		raw_keep(&ring.rx);
	}
	for (i = 0; i < 200; i++) {
		begin = nanoseconds();
		send_next(&sent, 100);
		took = nanoseconds() - begin;
		if (took > longest)
			longest = took;
	}
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	for (i = 0; i < frames; i++)
		raw_give_back(&ring.rx, i);
	taken = frames;
	while (taken < sent) {
		assert_int_equal(raw_poll(&ring, POLLIN, -1), POLLIN);
		while (raw_next(&ring.rx))
			take_next(&taken, 100);
	}
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	close_ring();
	return longest;
}

static void test_kept(void **state)
{
	static const unsigned int frames[] = { 16, 256, 4096, 65536 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(frames) / sizeof(*frames); i++)
		print_message("  a delivery to %u kept frames: %ld us at most\n",
			      frames[i], time_kept(frames[i]) / 1000);
}

/*
 * What a timer sees of it: the longest time that a clock was late, of an urgent
 * thread on the processor that delivers. Says something with --icount, where time
 * is instructions, and on a kernel that is preempted ("preempt=full").
 */
static bool stop;
static long latest;

static void *watch_clock(void *data)
{
	const struct sched_param urgent = { .sched_priority = 50 };
	struct timespec at;
	long late;

	(void)data;
	if (sched_setscheduler(0, SCHED_FIFO, &urgent))
		return &from;
	clock_gettime(CLOCK_MONOTONIC, &at);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		at.tv_nsec += 50000;
		if (at.tv_nsec >= 1000000000) {
			at.tv_nsec -= 1000000000;
			at.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		late = nanoseconds() -
		       (at.tv_sec * 1000000000L + at.tv_nsec);
		if (late > latest)
			latest = late;
		if (late > 50000)
			clock_gettime(CLOCK_MONOTONIC, &at);
	}
	return NULL;
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void test_clock(void **state)
{
	const unsigned int frames = 16384;
	uint32_t sent = 0, taken = 0;
	cpu_set_t before;
	pthread_t thread;
	void *failed;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(before), &before), 0);
	pin(0);
	stop = false;
	latest = 0;
	assert_int_equal(pthread_create(&thread, NULL, watch_clock, NULL), 0);
	open_ring(256, frames, 64 << 20);
	while (sent < 3 * frames)
		send_next(&sent, 100);
	while (taken < sent) {
		while (raw_next(&ring.rx))
			take_next(&taken, 100);
		if (sent < 4 * frames)
			send_next(&sent, 100);
		raw_poll(&ring, POLLIN, 0);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	close_ring();
	print_message("  an urgent thread was late by %ld us at most\n",
		      latest / 1000);
	assert_int_equal(sched_setaffinity(0, sizeof(before), &before), 0);
}

/* 100 rings are listed while one of them receives */
static void test_listing(void **state)
{
	static struct raw_socket sockets[100];
	long begin, took, longest = 0;
	unsigned int i, n, base;

	(void)state;
	base = raw_count_rings();
	for (i = 0; i < 100; i++)
		raw_open_rings(&sockets[i], NETLINK_USERSOCK, 256, 4096, 0);
	for (n = 0; n < 5; n++) {
		begin = nanoseconds();
		assert_int_equal(raw_count_rings(), base + 100);
		took = nanoseconds() - begin;
		if (took > longest)
			longest = took;
	}
	for (i = 0; i < 100; i++)
		raw_close(&sockets[i]);
	print_message("  100 rings of 4096 frames are listed in %ld us\n",
		      longest / 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_what_is_left),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_listing),
	};

	watchdog(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
