// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mnl_ring_arm() and mnl_ring_disarm() around sleeps of the program's own: poll,
 * select, level- and edge-triggered epoll, io_uring; one ring, and several in one
 * loop. Readers ask for batches and for a time that is no help: a wake-up that is
 * missed ends in the alarm. No privileges; with rings where the kernel has them, on
 * sockets where it has not, and in a second program on a played kernel, which knows
 * of poll() only.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "../vm/shared/uring-syscalls.h"
#include "played-kernel.h"
#include "unit.h"

/* NULL in the program without it */
extern struct played_kernel played __attribute__((weak));

#define RINGS		3
#define STREAM		10000
#define MOST		8	/* messages of a batch */
#define DELAY		(600 * 1000 * 1000)	/* microseconds: no help in time */

struct source {
	struct mnl_socket *nl;
	struct mnl_ring *rx;
	pthread_t thread;
	unsigned int messages;	/* to be sent */
	unsigned int seen;
	unsigned int seed;
	bool asked;		/* io_uring watches it */
};

static struct source sources[RINGS];
static unsigned int rings;	/* of them, in this test */
static int epoll_fd;

/*
 * Sleeps: until a socket is readable, or so many microseconds
 */

static int milliseconds(int usec)
{
	return usec < 0 ? -1 : (usec + 999) / 1000;
}

static void sleep_epoll(int usec)
{
	struct epoll_event events[RINGS];

	assert_true(epoll_wait(epoll_fd, events, RINGS, milliseconds(usec)) >= 0);
}

static void sleep_poll(int usec)
{
	struct pollfd pfds[RINGS];
	unsigned int i;

	for (i = 0; i < rings; i++) {
		pfds[i].fd = mnl_socket_get_fd(sources[i].nl);
		pfds[i].events = POLLIN;
	}
	assert_true(poll(pfds, rings, milliseconds(usec)) >= 0);
}

static void sleep_select(int usec)
{
	struct timeval tv = { usec / 1000000, usec % 1000000 };
	int fd, last = 0;
	unsigned int i;
	fd_set set;

	FD_ZERO(&set);
	for (i = 0; i < rings; i++) {
		fd = mnl_socket_get_fd(sources[i].nl);
		FD_SET(fd, &set);
		last = fd > last ? fd : last;
	}
	assert_true(select(last + 1, &set, NULL, NULL,
			   usec < 0 ? NULL : &tv) >= 0);
}

/* one request for each ring: asked again when it has ended */
static void sleep_uring(int usec)
{
	struct uring_end end;
	unsigned int i;

	for (i = 0; i < rings; i++) {
		if (!sources[i].asked)
			uring_ask_poll(mnl_socket_get_fd(sources[i].nl), POLLIN,
				       i);
		sources[i].asked = true;
	}
	while (uring_wait(usec, &end)) {
		assert_true(end.res >= 0);
		sources[end.data].asked = false;
		usec = 0;
	}
}

/*
 * Rings and senders
 */

static void open_rings(unsigned int nr)
{
	struct source *s;

	rings = nr;
	for (s = sources; s < sources + nr; s++) {
		memset(s, 0, sizeof(*s));
		s->seed = s - sources;
		s->nl = mnl_socket_open(NETLINK_USERSOCK);
		assert_non_null(s->nl);
		assert_int_equal(mnl_socket_bind(s->nl, 0, MNL_SOCKET_AUTOPID),
				 0);
		assert_int_equal(mnl_socket_set_ring(s->nl, 65536, 0), 0);
		assert_int_equal(mnl_socket_mmap(s->nl), 0);
		s->rx = mnl_socket_get_ring(s->nl, MNL_RING_RX);
		if (getenv("EXPECT_RINGS") != NULL)
			assert_true(mnl_ring_is_mapped(s->rx));
	}
}

/* bursts, and pauses of any length that a reader may need to fall asleep */
static void *send_stream(void *data)
{
	struct source *s = data;
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_pid = mnl_socket_get_portid(s->nl),
	};
	struct mnl_socket *from = mnl_socket_open(NETLINK_USERSOCK);
	volatile unsigned int loops;
	struct nlmsghdr nlh = { .nlmsg_len = sizeof(nlh) };

	for (; nlh.nlmsg_seq < s->messages; nlh.nlmsg_seq++) {
		if (sendto(mnl_socket_get_fd(from), &nlh, sizeof(nlh), 0,
			   (void *)&to, sizeof(to)) != sizeof(nlh))
			abort();
		if (rand_r(&s->seed) % 16 == 0)
			for (loops = rand_r(&s->seed) % 4096; loops; loops--)
				;
	}
	mnl_socket_close(from);
	return NULL;
}

/* one ring is busy, the others are less and less so */
static void start_senders(void)
{
	struct source *s;

	for (s = sources; s < sources + rings; s++) {
		s->messages = STREAM >> (2 * (s - sources));
		assert_int_equal(pthread_create(&s->thread, NULL, send_stream,
						s), 0);
	}
}

static void close_rings(void)
{
	struct source *s;

	for (s = sources; s < sources + rings; s++) {
		assert_int_equal(pthread_join(s->thread, NULL), 0);
		assert_int_equal(mnl_ring_wait(s->rx, 0), 0);
		mnl_socket_close(s->nl);
	}
}

/*
 * The loop
 */

/* never for more than are still to come: nobody would wake us */
static int arm(void)
{
	int shortest = -1, usec;
	struct source *s;

	for (s = sources; s < sources + rings; s++) {
		assert_int_equal(mnl_ring_set_wakeup(
			s->rx, s->messages - s->seen < MOST ? 1 : MOST, DELAY),
			0);
		usec = mnl_ring_arm(s->rx);
		if (usec >= 0 && (shortest < 0 || usec < shortest))
			shortest = usec;
	}
	return shortest;
}

static unsigned int read_all(struct source *s)
{
	const struct nlmsghdr *nlh;
	unsigned int count = 0;
	size_t len;

	mnl_ring_disarm(s->rx);
	for (; (nlh = mnl_ring_peek(s->rx, &len)) != NULL; count++) {
		assert_int_equal(nlh->nlmsg_seq, s->seen++);
		assert_int_equal(mnl_ring_release(s->rx, 1), 0);
	}
	assert_int_equal(errno, EAGAIN);
	return count;
}

/* how often it slept, and read nothing after a sleep without a limit */
static void run_loop(void (*sleep)(int usec))
{
	unsigned int left = 0, sleeps = 0, idle = 0, count;
	struct source *s;
	int usec;

	for (s = sources; s < sources + rings; s++)
		left += s->messages;
	while (left > 0) {
		usec = arm();
		if (usec != 0)
			sleep(usec);
		for (count = 0, s = sources; s < sources + rings; s++)
			count += read_all(s);
		sleeps += usec != 0;
		idle += usec != 0 && count == 0;
		left -= count;
	}
	print_message("%u sleeps, %u of them for nothing\n", sleeps, idle);
}

static void run(void (*sleep)(int usec), uint32_t events)
{
	unsigned int nr;
	struct source *s;

	for (nr = 1; nr <= RINGS; nr += RINGS - 1) {
		open_rings(nr);
		epoll_fd = epoll_create1(0);
		for (s = sources; s < sources + nr; s++) {
			struct epoll_event event = { .events = events };

			assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD,
						   mnl_socket_get_fd(s->nl),
						   &event), 0);
		}
		start_senders();
		run_loop(&played != NULL ? sleep_poll : sleep);
		close_rings();
		close(epoll_fd);
	}
}

static void test_poll(void **state)
{
	(void)state;
	run(sleep_poll, EPOLLIN);
}

static void test_select(void **state)
{
	(void)state;
	run(sleep_select, EPOLLIN);
}

static void test_level_triggered_epoll(void **state)
{
	(void)state;
	run(sleep_epoll, EPOLLIN);
}

static void test_edge_triggered_epoll(void **state)
{
	(void)state;
	run(sleep_epoll, EPOLLIN | EPOLLET);
}

static void test_io_uring(void **state)
{
	(void)state;
	if (&played == NULL && !uring_open()) {
		print_message("not run: no io_uring here\n");
		skip();
	}
	run(sleep_uring, EPOLLIN);
}

/* a TX ring is never a reason to wake up or to stay awake */
static void test_other_rings(void **state)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_USERSOCK);
	struct mnl_ring *tx;

	(void)state;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	tx = mnl_socket_get_ring(nl, MNL_RING_TX);
	assert_int_equal(mnl_ring_arm(tx), -1);
	mnl_ring_disarm(tx);
	mnl_ring_disarm(mnl_socket_get_ring(nl, MNL_RING_RX));
	mnl_socket_close(nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_poll),
		cmocka_unit_test(test_select),
		cmocka_unit_test(test_level_triggered_epoll),
		cmocka_unit_test(test_edge_triggered_epoll),
		cmocka_unit_test(test_io_uring),
		cmocka_unit_test(test_other_rings),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
