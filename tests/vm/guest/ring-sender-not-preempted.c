// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A sender with a frame of its own is not preempted before the message in it can be
 * read: all messages behind would wait for it, however urgent. The urgent sender is
 * on the same processor, and wakes at any moment of the other one's copies. Needs
 * the module, root, and a kernel that can be preempted.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME	65536
#define FRAMES	64
#define LONG	60000
#define SHORT	100
#define TIMES	3000

static struct raw_socket to;
static bool stop;
static unsigned int blocked, seen;

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

/* its own message and all before it can be read: gives them back */
static bool read_all(void)
{
	struct nl_mmap_hdr *hdr;
	bool own = false;

	while ((hdr = raw_next(&to.rx))) {
		own = hdr->nm_len == SHORT;
		raw_take(&to.rx);
		seen++;
	}
	return own;
}

static void *send_urgently(void *data)
{
	const struct sched_param urgent = { .sched_priority = 50 };
	unsigned int i, seed = 1;
	struct raw_socket from;
	struct timespec at;

	pin(0);
	if (sched_setscheduler(0, SCHED_FIFO, &urgent))
		return data;
	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < TIMES; i++) {
		at.tv_sec = 0;
		at.tv_nsec = 20000 + rand_r(&seed) % 200000;
		nanosleep(&at, NULL);
		if (raw_send(&from, to.portid, 0, 0, SHORT, 0) != SHORT)
			return data;
		blocked += !read_all();
	}
	raw_close(&from);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_urgent_sender(void **state)
{
	struct raw_socket from;
	pthread_t thread;
	void *failed;

	(void)state;
	if (!preempt_in_kernel(true)) {
		print_message("skipped: nothing preempts this kernel\n");
		skip();
	}
	pin(0);
	raw_open_rings(&to, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(pthread_create(&thread, NULL, send_urgently, &to), 0);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		raw_send(&from, to.portid, 0, 0, LONG, MSG_DONTWAIT);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	assert_true(preempt_in_kernel(false));
	print_message("  %u of %u urgent messages were blocked, %u in all\n",
		      blocked, TIMES, seen);
	assert_int_equal(blocked, 0);
	assert_true(seen > TIMES);
	raw_close(&from);
	raw_close(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urgent_sender),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
