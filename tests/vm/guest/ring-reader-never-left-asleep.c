// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reader that asked for several messages is woken for the last of them, however
 * the deliveries fall between the looks of its poll(). Nobody sends more, so a
 * wake-up that is missed is missed for ever: the alarm ends the program. Needs the
 * module and root; better with four processors.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME		32768
#define FRAMES		16
#define LONG		(FRAME - 4096)
#define SHORT		100
#define SENDERS		2
#define ROUNDS		1000

static struct raw_socket to;

/* the round that senders may begin, and how many of them are done with it */
static unsigned int round_open, senders_done;

struct sender {
	pthread_t thread;
	struct raw_socket socket;
	unsigned int number;
	unsigned int messages;	/* of a round */
	size_t len;
};

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

static void hesitate(unsigned int *seed, unsigned int most)
{
	volatile unsigned int n;

	for (n = rand_r(seed) % most; n; n--)
		;
}

static void *send_rounds(void *data)
{
	struct sender *s = data;
	unsigned int seed = s->number, r, i;

	pin(1 + s->number);
	for (r = 1; r <= ROUNDS; r++) {
		while (__atomic_load_n(&round_open, __ATOMIC_ACQUIRE) < r)
			sched_yield();
		hesitate(&seed, 2000);
		for (i = 0; i < s->messages; i++)
			if (raw_send(&s->socket, to.portid, 0, r, s->len, 0) !=
			    (ssize_t)s->len)
				return s;
		__atomic_add_fetch(&senders_done, 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* what is still to come in a round */
struct rest {
	unsigned int messages;
	unsigned int bytes;
};

static void take_ready(unsigned int r, struct rest *rest)
{
	struct nl_mmap_hdr *hdr;

	while ((hdr = raw_next(&to.rx))) {
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_VALID);
		assert_true(rest->messages > 0);
		raw_check(raw_payload(hdr), r, hdr->nm_len);
		rest->messages--;
		rest->bytes -= hdr->nm_len;
		raw_take(&to.rx);
	}
}

/* how a reader says what it waits for, and waits */

struct way {
	const char *name;
	unsigned int flags;
	void (*ask)(const struct rest *rest);
	void (*wait)(void);
};

static int epoll_fd;

static void ask_control(const struct rest *rest)
{
	__atomic_store_n(&to.control->nmc_wakeup, rest->messages,
			 __ATOMIC_RELAXED);
	/* pairs with the kernel's between "published" and "threshold read" */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void ask_lowat(const struct rest *rest)
{
	int value = rest->bytes;

	assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVLOWAT, &value,
				    sizeof(value)), 0);
}

static void wait_poll(void)
{
	assert_int_equal(raw_poll(&to, POLLIN, -1), POLLIN);
}

static void wait_epoll(void)
{
	struct epoll_event ev;

	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, -1), 1);
	assert_int_equal(ev.events, EPOLLIN);
}

static const struct way ways[] = {
	{ "nmc_wakeup, poll", NL_MMAP_F_CONTROL, ask_control, wait_poll },
	{ "nmc_wakeup, epoll", NL_MMAP_F_CONTROL, ask_control, wait_epoll },
	{ "SO_RCVLOWAT, poll", 0, ask_lowat, wait_poll },
	{ "SO_RCVLOWAT, epoll", 0, ask_lowat, wait_epoll },
};

#define WAYS	(sizeof(ways) / sizeof(*ways))

/*
 * The reader asks for all that is to come, so that the last delivery is the only
 * one that has to wake it.
 */
static void read_round(const struct way *way, unsigned int r, struct rest rest,
		       unsigned int *seed)
{
	way->ask(&rest);
	__atomic_store_n(&senders_done, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&round_open, r, __ATOMIC_RELEASE);
	hesitate(seed, 8000);
	while (rest.messages) {
		way->wait();
		take_ready(r, &rest);
		way->ask(&rest);
	}
	while (__atomic_load_n(&senders_done, __ATOMIC_ACQUIRE) < SENDERS)
		sched_yield();
	assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
}

static void start(struct sender *s, unsigned int number)
{
	s->number = number;
	raw_open(&s->socket, NETLINK_USERSOCK);
	assert_int_equal(pthread_create(&s->thread, NULL, send_rounds, s), 0);
}

static void stop(struct sender *s)
{
	void *failed;

	assert_int_equal(pthread_join(s->thread, &failed), 0);
	assert_null(failed);
	raw_close(&s->socket);
}

/* other threads that look, and read nothing */
#define POLLERS	2

static atomic_bool stop_polling;

static void *keep_polling(void *data)
{
	struct pollfd pfd = { .fd = to.fd, .events = POLLIN };

	pin(3);
	while (!stop_polling)
		poll(&pfd, 1, 0);
	return data;
}

/*
 * A long message is copied into the first frame while short ones come into those
 * behind it: what is published last is not what was claimed last.
 */
static void run_way(const struct way *way, unsigned int pollers)
{
	struct sender senders[SENDERS] = {
		{ .messages = 1, .len = LONG },
		{ .messages = 2, .len = SHORT },
	};
	const struct rest all = {
		.messages = 1 + 2,
		.bytes = LONG + 2 * SHORT,
	};
	struct epoll_event ev = { .events = EPOLLIN };
	pthread_t threads[POLLERS];
	unsigned int seed = 1, i, r;

	raw_open_rx(&to, NETLINK_USERSOCK, FRAME, FRAMES, way->flags);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_true(epoll_fd >= 0);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, to.fd, &ev), 0);
	round_open = 0;
	for (i = 0; i < SENDERS; i++)
		start(&senders[i], i);
	stop_polling = false;
	for (i = 0; i < pollers; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, keep_polling,
						NULL), 0);

	for (r = 1; r <= ROUNDS; r++) {
		watchdog(20);
		read_round(way, r, all, &seed);
	}
	watchdog(0);
	for (i = 0; i < SENDERS; i++)
		stop(&senders[i]);
	stop_polling = true;
	for (i = 0; i < pollers; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	close(epoll_fd);
	raw_close(&to);
}

static void test_last_one_wakes(void **state)
{
	unsigned int i;

	(void)state;
	pin(0);
	for (i = 0; i < WAYS; i++) {
		print_message("  %s: %u rounds\n", ways[i].name, ROUNDS);
		run_way(&ways[i], 0);
	}
}

/* the count of one poll() is not taken away by another one */
static void test_others_poll(void **state)
{
	unsigned int i;

	(void)state;
	pin(0);
	for (i = 0; i < WAYS; i++) {
		print_message("  %s: %u rounds\n", ways[i].name, ROUNDS);
		run_way(&ways[i], POLLERS);
	}
}

/*
 * The message comes while poll() looks at the frames. The sender is urgent, and
 * on the reader's own processor: a clock wakes it at a random time within poll(),
 * and when poll() has interrupts off then, the sender runs as soon as they are on
 * again. Put back: nl_ring_readable() adds what it counted and does not look at the
 * sum.
 */

#define OLD		60	/* messages that the reader has not taken */
#define NEW		60	/* those that come, one by one */
#define TURNS		40

static struct raw_socket from;
static struct timespec send_at;
static sem_t send_one;

static void *send_urgently(void *data)
{
	const struct sched_param urgent = { .sched_priority = 50 };
	unsigned int i;

	(void)data;
	pin(0);
	if (sched_setscheduler(0, SCHED_FIFO, &urgent))
		return &from;
	for (i = 0; i < TURNS * NEW; i++) {
		sem_wait(&send_one);
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &send_at, NULL);
		if (raw_send(&from, to.portid, 0, 0, SHORT, 0) != SHORT)
			return &from;
	}
	return NULL;
}

static long nanoseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000L + now.tv_nsec;
}

/* a time that poll() needs, and some more */
static long time_poll(void)
{
	long begin = nanoseconds();
	unsigned int i;

	for (i = 0; i < 16; i++)
		assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
	return (nanoseconds() - begin) / 16 * 2;
}

static void wait_for_one(const struct way *way, const struct rest *rest,
			 long most)
{
	long at;

	way->ask(rest);
	at = nanoseconds() + rand() % most;
	send_at.tv_sec = at / 1000000000;
	send_at.tv_nsec = at % 1000000000;
	assert_int_equal(sem_post(&send_one), 0);
	way->wait();
}

static void run_turn(const struct way *way, const struct rest *many)
{
	struct rest rest = { 0 };
	long most;

	while (rest.messages < OLD) {
		assert_int_equal(raw_send(&from, to.portid, 0, 0, SHORT, 0),
				 SHORT);
		rest.messages++;
		rest.bytes += SHORT;
	}
	way->ask(many);
	most = time_poll();
	while (rest.messages < OLD + NEW) {
		rest.messages++;
		rest.bytes += SHORT;
		wait_for_one(way, &rest, most);
	}
	take_ready(0, &rest);
	assert_int_equal(rest.messages, 0);
}

static void run_urgent(const struct way *way)
{
	const struct rest many = { 1 << 20, 1 << 28 };
	struct epoll_event ev = { .events = EPOLLIN };
	pthread_t thread;
	unsigned int i;
	void *failed;

	raw_open_rx(&to, NETLINK_USERSOCK, 256, 4 * (OLD + NEW), way->flags);
	raw_open(&from, NETLINK_USERSOCK);
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, to.fd, &ev), 0);
	assert_int_equal(sem_init(&send_one, 0, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, send_urgently, NULL),
			 0);
	for (i = 0; i < TURNS; i++) {
		watchdog(20);
		run_turn(way, &many);
	}
	watchdog(0);
	assert_int_equal(pthread_join(thread, &failed), 0);
	assert_null(failed);
	close(epoll_fd);
	raw_close(&from);
	raw_close(&to);
}

static void test_comes_within_poll(void **state)
{
	unsigned int i;

	(void)state;
	if (!preempt_in_kernel(true)) {
		print_message("skipped: nothing preempts this kernel\n");
		skip();
	}
	pin(0);
	for (i = 0; i < WAYS; i++) {
		print_message("  %s: %u messages\n", ways[i].name, TURNS * NEW);
		run_urgent(&ways[i]);
	}
	assert_true(preempt_in_kernel(false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_within_poll),
		cmocka_unit_test(test_last_one_wakes),
		cmocka_unit_test(test_others_poll),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
