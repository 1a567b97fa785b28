// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A listing of 100 rings that are in use meanwhile is right, and has each ring once,
 * though others go. What it takes for few frames and for many is printed, and should
 * be the same: listing looks at no frame. Needs the module and root.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define RINGS	100
#define FRAME	128
#define DUMPS	30

static struct raw_socket sockets[RINGS], from;
static bool stop;

/* sends a message to each socket in turn, and reads it */
static void *use_rings(void *arg)
{
	unsigned int i;

	(void)arg;
	for (i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i = (i + 1) % RINGS) {
		assert_int_equal(raw_send(&from, sockets[i].portid, 0, i, 64, 0),
				 64);
		assert_int_equal(raw_status(raw_current(&sockets[i].rx)),
				 NL_MMAP_STATUS_VALID);
		raw_release(&sockets[i].rx);
	}
	return NULL;
}

/* of this thread */
static int64_t cpu_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/*
 * The shortest of several listings, in nanoseconds: where the machine takes its
 * processor away from the guest meanwhile, the guest counts that, too.
 */
static int64_t list(unsigned int frames)
{
	int64_t shortest = INT64_MAX, begin, took;
	pthread_t thread;
	unsigned int i;

	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < RINGS; i++)
		raw_open_rings(&sockets[i], NETLINK_USERSOCK, FRAME, frames, 0);
	stop = false;
	assert_int_equal(pthread_create(&thread, NULL, use_rings, NULL), 0);
	for (i = 0; i < DUMPS; i++) {
		begin = cpu_time();
		assert_int_equal(raw_count_rings(), RINGS);
		took = cpu_time() - begin;
		if (took < shortest)
			shortest = took;
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* what was read is not counted: every message of every ring was */
	for (i = 0; i < RINGS; i += 33)
		assert_int_equal(raw_counter(&sockets[i], NETLINK_RX_RING,
					     NETLINK_MMAP_A_RING_IN_USE), 0);
	for (i = 0; i < RINGS; i++)
		raw_close(&sockets[i]);
	raw_close(&from);
	return shortest;
}

static void test_listing(void **state)
{
	int64_t small, large;

	(void)state;
	small = list(32);
	large = list(8192);
	print_message("%d rings: %lld us with 32 frames, %lld us with 8192\n",
		      RINGS, (long long)small / 1000, (long long)large / 1000);
}

/*
 * Sockets of the first part are closed before the last one is made: all others
 * are listed, once. Put back: parts begin at the n-th ring, and skip some.
 */
#define MANY	400
#define CLOSED	20

static struct raw_socket many[MANY];
static unsigned int listed[MANY];

static void list_and_close(const char *msg, void *data)
{
	uint64_t portid = raw_number(msg, NETLINK_MMAP_A_RING_PORTID);
	unsigned int *n = data, i;

	for (i = 0; i < MANY; i++)
		if (many[i].portid == portid)
			listed[i]++;
	if (++*n == CLOSED)
		for (i = 0; i < CLOSED; i++)
			raw_close(&many[i]);
}

static void test_closed_meanwhile(void **state)
{
	unsigned int i, n = 0;

	(void)state;
	for (i = 0; i < MANY; i++)
		raw_open_rings(&many[i], NETLINK_USERSOCK, FRAME, 32, 0);
	raw_for_each_ring(list_and_close, &n);
	for (i = 0; i < MANY; i++)
		assert_int_equal(listed[i], 1);
	for (i = CLOSED; i < MANY; i++)
		raw_close(&many[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_closed_meanwhile),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
