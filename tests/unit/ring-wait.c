// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mnl_ring_wait() without a timeout, reader and senders on processors of their
 * own: a wake-up that is missed ends in the alarm. No privileges; with rings
 * where the kernel has them, and on sockets where it has not.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "unit.h"

#define SENDERS	2
#define STREAM	20000
#define DELAY	(600 * 1000 * 1000)	/* microseconds: no help in time */

static struct mnl_socket *nl;
static struct mnl_ring *rx;
static unsigned int answered;	/* messages read, for senders that wait */

static int setup(void **state)
{
	(void)state;
	nl = mnl_socket_open(NETLINK_USERSOCK);
	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(mnl_socket_set_ring(nl, 65536, 0), 0);
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	if (getenv("EXPECT_RINGS") != NULL)
		assert_true(mnl_ring_is_mapped(rx));
	answered = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return mnl_socket_close(nl);
}

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	/* where they may not be chosen, they are not */
	sched_setaffinity(0, sizeof(set), &set);
}

/*
 * Senders
 */

struct sender {
	pthread_t thread;
	unsigned int number;
	bool waits;	/* until its last message is read */
};

/* now and then a pause, of any length that a reader may need to fall asleep */
static void pause_sometimes(unsigned int *seed)
{
	volatile unsigned int loops = 0;

	if (rand_r(seed) % 16 == 0)
		loops = rand_r(seed) % 4096;
	while (loops > 0)
		loops--;
}

static void *send_stream(void *data)
{
	struct sender *s = data;
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_pid = mnl_socket_get_portid(nl),
	};
	struct mnl_socket *from = mnl_socket_open(NETLINK_USERSOCK);
	unsigned int i, seed = s->number;
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	pin(1 + s->number);
	mnl_nlmsg_put_extra_header(nlh, sizeof(buf) - sizeof(*nlh));
	for (i = 1; i <= STREAM; i++) {
		nlh->nlmsg_seq = i;
		nlh->nlmsg_pid = s->number;
		if (sendto(mnl_socket_get_fd(from), buf, sizeof(buf), 0,
			   (void *)&to, sizeof(to)) != sizeof(buf))
			abort();
		while (s->waits &&
		       __atomic_load_n(&answered, __ATOMIC_ACQUIRE) < i)
			sched_yield();
		pause_sometimes(&seed);
	}
	mnl_socket_close(from);
	return NULL;
}

static void start(struct sender *senders, unsigned int nr, bool waits)
{
	unsigned int i;

	pin(0);
	for (i = 0; i < nr; i++) {
		senders[i].number = i;
		senders[i].waits = waits;
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
						send_stream, &senders[i]), 0);
	}
}

static void join(struct sender *senders, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		assert_int_equal(pthread_join(senders[i].thread, NULL), 0);
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

/*
 * Reader
 */

/* what is there, in order of each sender; how many */
static unsigned int read_all(unsigned int *next)
{
	const struct nlmsghdr *nlh;
	unsigned int count = 0;
	size_t len;

	for (; (nlh = mnl_ring_peek(rx, &len)) != NULL; count++) {
		assert_int_equal(len, 64);
		assert_in_range(nlh->nlmsg_pid, 0, SENDERS - 1);
		assert_int_equal(nlh->nlmsg_seq, ++next[nlh->nlmsg_pid]);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	assert_int_equal(errno, EAGAIN);
	__atomic_store_n(&answered, answered + count, __ATOMIC_RELEASE);
	return count;
}

/* @most: never more than are still to come, or nobody would wake us */
static void read_stream(unsigned int messages, unsigned int most)
{
	unsigned int next[SENDERS] = { 0 }, count;

	assert_int_equal(mnl_ring_set_wakeup(rx, most, DELAY), 0);
	while (messages > 0) {
		if (messages < most)
			assert_int_equal(mnl_ring_set_wakeup(rx, 1, 0), 0);
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		count = read_all(next);
		assert_in_range(count, 1, messages);
		messages -= count;
	}
}

static void stream(unsigned int most)
{
	struct sender senders[SENDERS];

	start(senders, SENDERS, false);
	read_stream(SENDERS * STREAM, most);
	join(senders, SENDERS);
}

static void test_first(void **state)
{
	(void)state;
	stream(1);
}

static void test_batches(void **state)
{
	(void)state;
	stream(32);
}

static void test_busy_poll(void **state)
{
	(void)state;
	mnl_ring_set_busy_poll(rx, 20);
	stream(8);
}

/* each message waits for the answer to the one before: the delay ends a batch */
static void test_answers(void **state)
{
	unsigned int next[SENDERS] = { 0 }, left = STREAM;
	struct sender sender;

	(void)state;
	start(&sender, 1, true);
	while (left > 0) {
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		left -= read_all(next);
	}
	join(&sender, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_first),
		TEST(test_batches),
		TEST(test_busy_poll),
		TEST(test_answers),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
