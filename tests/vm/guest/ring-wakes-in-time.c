// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * When a reader is woken: for as many messages as it asked for, once, by each
 * way of waiting there is, and never too late. Needs the module and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include <liburing.h>

#include "../../shared/wait-until-asleep.h"
#include "ring-syscalls.h"

#define FRAME		256
#define FRAMES		64

static struct raw_socket to, from;

/* lets the main thread see when the other one sleeps */
static pid_t reader_tid;

static int setup(void **state)
{
	(void)state;
	raw_open_rx(&to, NETLINK_USERSOCK, FRAME, FRAMES, NL_MMAP_F_CONTROL);
	raw_open(&from, NETLINK_USERSOCK);
	reader_tid = 0;
	return 0;
}

static int setup_no_control(void **state)
{
	(void)state;
	raw_open_rx(&to, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	reader_tid = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	raw_close(&from);
	raw_close(&to);
	return 0;
}

static void send_many(unsigned int count, size_t len)
{
	while (count--)
		assert_int_equal(raw_send(&from, to.portid, 0, 0, len,
					  MSG_DONTWAIT), len);
}

static void set_threshold(uint32_t messages)
{
	__atomic_store_n(&to.control->nmc_wakeup, messages, __ATOMIC_RELAXED);
	/* pairs with the kernel's between "published" and "threshold read" */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint64_t wakeups(void)
{
	return raw_counter(&to, NETLINK_RX_RING, NETLINK_MMAP_A_RING_WAKEUPS);
}

static unsigned int take_all(void)
{
	unsigned int taken = 0;

	for (; raw_next(&to.rx); taken++)
		raw_take(&to.rx);
	return taken;
}

/*
 * Ways to wait, without a timeout
 */

struct way {
	const char *name;
	void (*open)(void);
	void (*wait)(void);
	void (*close)(void);
};

static int epoll_fd;
static struct io_uring uring;

static void nothing(void)
{
}

static void wait_poll(void)
{
	assert_int_equal(raw_poll(&to, POLLIN, -1), POLLIN);
}

static void wait_select(void)
{
	fd_set fds;

	FD_ZERO(&fds);
	FD_SET(to.fd, &fds);
	assert_int_equal(select(to.fd + 1, &fds, NULL, NULL, NULL), 1);
	assert_true(FD_ISSET(to.fd, &fds));
}

static void open_epoll(uint32_t flags)
{
	struct epoll_event ev = { .events = EPOLLIN | flags };

	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	assert_true(epoll_fd >= 0);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, to.fd, &ev), 0);
}

static void open_level(void)
{
	open_epoll(0);
}

static void open_edge(void)
{
	open_epoll(EPOLLET);
}

static void wait_epoll(void)
{
	struct epoll_event ev;

	assert_int_equal(epoll_wait(epoll_fd, &ev, 1, -1), 1);
	assert_int_equal(ev.events, EPOLLIN);
}

/* an edge is behind the reader only when the socket has nothing more */
static void wait_edge(void)
{
	if (!raw_poll(&to, POLLIN, 0))
		wait_epoll();
}

static void close_epoll(void)
{
	close(epoll_fd);
}

static void open_uring(void)
{
	assert_int_equal(io_uring_queue_init(4, &uring, 0), 0);
}

static void wait_uring(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);
	struct io_uring_cqe *cqe;

	assert_non_null(sqe);
	io_uring_prep_poll_add(sqe, to.fd, POLLIN);
	assert_int_equal(io_uring_submit_and_wait(&uring, 1), 1);
	assert_int_equal(io_uring_wait_cqe(&uring, &cqe), 0);
	assert_true(cqe->res > 0 && cqe->res & POLLIN);
	io_uring_cqe_seen(&uring, cqe);
}

static void close_uring(void)
{
	io_uring_queue_exit(&uring);
}

static const struct way ways[] = {
	{ "poll", nothing, wait_poll, nothing },
	{ "select", nothing, wait_select, nothing },
	{ "epoll, level-triggered", open_level, wait_epoll, close_epoll },
	{ "epoll, edge-triggered", open_edge, wait_edge, close_epoll },
	{ "io_uring poll", open_uring, wait_uring, close_uring },
};

#define WAYS	(sizeof(ways) / sizeof(*ways))

/*
 * Asleep, then woken
 */

struct sleeper {
	pthread_t thread;
	const struct way *way;
	atomic_bool woken;
};

static void *sleep_once(void *data)
{
	struct sleeper *s = data;

	__atomic_store_n(&reader_tid, gettid(), __ATOMIC_RELEASE);
	s->way->wait();
	s->woken = true;
	return NULL;
}

static void start_sleeper(struct sleeper *s, const struct way *way)
{
	s->way = way;
	s->woken = false;
	reader_tid = 0;
	assert_int_equal(pthread_create(&s->thread, NULL, sleep_once, s), 0);
	assert_int_equal(wait_until_asleep(&reader_tid), 0);
}

static void join_sleeper(struct sleeper *s)
{
	assert_int_equal(pthread_join(s->thread, NULL), 0);
}

/*
 * lesson 19 (put back: each message wakes): one wake-up for a batch, by each way
 * of waiting
 */
static void test_batches(void **state)
{
	const unsigned int batch = 32, rounds = 20;
	struct sleeper s;
	uint64_t before;
	unsigned int i, r;

	(void)state;
	set_threshold(batch);
	for (i = 0; i < WAYS; i++) {
		print_message("  %s\n", ways[i].name);
		ways[i].open();
		before = wakeups();
		for (r = 0; r < rounds; r++) {
			start_sleeper(&s, &ways[i]);
			send_many(batch - 1, 100);
			assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
			assert_int_equal(wakeups() - before, r);
			assert_false(s.woken);
			send_many(1, 100);
			join_sleeper(&s);
			assert_int_equal(wakeups() - before, r + 1);
			assert_int_equal(take_all(), batch);
		}
		ways[i].close();
	}
}

/* idle readers get their first message at once */
static void test_first(void **state)
{
	struct sleeper s;
	unsigned int i, threshold;

	(void)state;
	for (threshold = 0; threshold < 2; threshold++) {
		set_threshold(threshold);
		for (i = 0; i < WAYS; i++) {
			ways[i].open();
			start_sleeper(&s, &ways[i]);
			send_many(1, 100);
			join_sleeper(&s);
			assert_int_equal(take_all(), 1);
			ways[i].close();
		}
	}
}

/* nobody sleeps, nobody is woken */
static void test_reader_behind(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 20; i++) {
		send_many(FRAMES, 100);
		assert_int_equal(take_all(), FRAMES);
	}
	assert_int_equal(wakeups(), 0);
}

/* a batch that the ring cannot hold, and one that comes by COPY */
static void test_no_room(void **state)
{
	struct sleeper s;
	char buf[1000];

	(void)state;
	set_threshold(10 * FRAMES);
	start_sleeper(&s, &ways[0]);
	send_many(FRAMES, 100);
	assert_false(s.woken);
	send_many(1, 100);
	join_sleeper(&s);
	assert_int_equal(take_all(), FRAMES);
	assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
	assert_int_equal(take_all(), 1);

	start_sleeper(&s, &ways[0]);
	send_many(1, 500);
	join_sleeper(&s);
	assert_int_equal(raw_status(raw_next(&to.rx)), NL_MMAP_STATUS_COPY);
	assert_int_equal(recv(to.fd, buf, sizeof(buf), 0), 500);
}

/*
 * lesson 7 (put back: only one frame is looked at, or none is counted): what is
 * there when the reader goes to sleep counts
 */
static void test_counted_before(void **state)
{
	struct sleeper s;

	(void)state;
	set_threshold(10);
	send_many(7, 100);
	start_sleeper(&s, &ways[0]);
	send_many(2, 100);
	assert_false(s.woken);
	send_many(1, 100);
	join_sleeper(&s);
	assert_int_equal(take_all(), 10);

	/* what it read meanwhile does not, once it asked again */
	send_many(9, 100);
	assert_int_equal(take_all(), 9);
	start_sleeper(&s, &ways[0]);
	send_many(9, 100);
	assert_false(s.woken);
	assert_int_equal(wakeups(), 1);
	send_many(1, 100);
	join_sleeper(&s);
}

/* a dump goes on in poll(), after what is there was read */
static void test_dump(void **state)
{
	struct {
		struct nlmsghdr nlh;
		char family[16];
	} request = { .nlh = {
		.nlmsg_len = sizeof(request),
		.nlmsg_type = 18,	/* RTM_GETLINK */
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	} };
	struct nlmsghdr *nlh = NULL;
	unsigned int polls;

	(void)state;
	raw_close(&to);
	raw_open_rx(&to, NETLINK_ROUTE, 32768, 64, NL_MMAP_F_CONTROL);
	set_threshold(1000);
	assert_int_equal(send(to.fd, &request, sizeof(request), 0),
			 sizeof(request));
	set_threshold(1);
	/* the first part is there; then one call brings all others */
	for (polls = 0; polls < 2; polls++) {
		wait_poll();
		for (; raw_next(&to.rx); raw_take(&to.rx))
			nlh = raw_payload(raw_next(&to.rx));
		assert_non_null(nlh);
		if (nlh->nlmsg_type == NLMSG_DONE)
			break;
	}
	assert_int_equal(nlh->nlmsg_type, NLMSG_DONE);
}

/* who does not sleep, and asked for a signal instead */
static void test_signal(void **state)
{
	sigset_t set;

	(void)state;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	assert_int_equal(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	assert_int_equal(fcntl(to.fd, F_SETOWN, getpid()), 0);
	assert_int_equal(fcntl(to.fd, F_SETFL, O_ASYNC), 0);
	send_many(1, 100);
	assert_int_equal(sigwaitinfo(&set, NULL), SIGIO);
	assert_int_equal(take_all(), 1);
	assert_int_equal(wakeups(), 0);
}

static void test_rcvlowat(void **state)
{
	struct sleeper s;
	int bytes = 1000;

	(void)state;
	assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes,
				    sizeof(bytes)), 0);
	start_sleeper(&s, &ways[0]);
	send_many(9, 100);
	assert_false(s.woken);
	assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
	assert_int_equal(wakeups(), 0);
	send_many(1, 100);
	join_sleeper(&s);
	assert_int_equal(wakeups(), 1);
	assert_int_equal(take_all(), 10);
}

/*
 * Whatever is written there, the kernel makes sense of it. One case cannot be
 * forced here: poll() sleeps behind a frame whose message is being copied, with a
 * threshold that an int does not hold, or with a full queue. The model has it with
 * small numbers (FAULT_BLOCKED_REST), and NL_RING_MOST keeps the real ones in an
 * int.
 */
static void test_any_threshold(void **state)
{
	static const uint32_t any[] = { 0, 1, 2, 0x7fffffff, 0x80000000,
					0xfffffffe, 0xffffffff };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(any) / sizeof(*any); i++) {
		set_threshold(any[i]);
		send_many(FRAMES + 1, 100);
		wait_poll();
		assert_int_equal(take_all(), FRAMES);
		raw_poll(&to, POLLIN, 0);
		assert_int_equal(take_all(), 1);
	}
}

/* what comes by recvmsg(): blocking and not */
static void *recv_blocking(void *data)
{
	char buf[1000];

	(void)data;
	__atomic_store_n(&reader_tid, gettid(), __ATOMIC_RELEASE);
	return (void *)(long)recv(to.fd, buf, sizeof(buf), 0);
}

static void test_recv(void **state)
{
	pthread_t thread;
	char buf[1000];
	void *len;

	(void)state;
	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(to.fd, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(recv(to.fd, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(fcntl(to.fd, F_SETFL, 0), 0);

	assert_int_equal(pthread_create(&thread, NULL, recv_blocking, NULL),
			 0);
	assert_int_equal(wait_until_asleep(&reader_tid), 0);
	send_many(1, 500);
	assert_int_equal(pthread_join(thread, &len), 0);
	assert_int_equal((long)len, 500);
}

/*
 * Never too late: senders and reader on processors of their own, no timeout.
 * A wake-up that is missed ends in the alarm of main().
 */

#define SENDERS	2
#define STREAM	30000

static void pin(unsigned int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu % sysconf(_SC_NPROCESSORS_ONLN), &set);
	assert_int_equal(sched_setaffinity(0, sizeof(set), &set), 0);
}

struct stream {
	struct raw_socket socket;
	pthread_t thread;
	unsigned int number;
};

static void *send_stream(void *data)
{
	struct stream *s = data;
	unsigned int i, seed = s->number;
	volatile unsigned int pause;

	pin(1 + s->number);
	for (i = 0; i < STREAM; i++) {
		if (raw_send(&s->socket, to.portid, 0, i, 100, 0) != 100)
			return s;
		if (rand_r(&seed) % 16 == 0)
			for (pause = rand_r(&seed) % 4096; pause; pause--)
				;
	}
	return NULL;
}

static void read_stream(const struct way *way)
{
	unsigned int left = SENDERS * STREAM, batch, taken;

	while (left) {
		batch = 1 + rand() % 40;
		set_threshold(batch < left ? batch : left);
		taken = take_all();
		assert_true(taken <= left);
		left -= taken;
		if (left && taken < batch) {
			set_threshold(batch < left ? batch : left);
			if (!raw_next(&to.rx))
				way->wait();
		}
	}
}

static void test_never_late(void **state)
{
	struct stream streams[SENDERS];
	unsigned int i, j;
	uint64_t before;
	void *failed;

	(void)state;
	pin(0);
	for (i = 0; i < WAYS; i++) {
		ways[i].open();
		before = wakeups();
		for (j = 0; j < SENDERS; j++) {
			streams[j].number = j;
			raw_open(&streams[j].socket, NETLINK_USERSOCK);
			assert_int_equal(pthread_create(&streams[j].thread,
							NULL, send_stream,
							&streams[j]), 0);
		}
		read_stream(&ways[i]);
		for (j = 0; j < SENDERS; j++) {
			pthread_join(streams[j].thread, &failed);
			assert_null(failed);
			raw_close(&streams[j].socket);
		}
		ways[i].close();
		assert_null(raw_next(&to.rx));
		print_message("  %-24s %5llu wake-ups for %u messages\n",
			      ways[i].name,
			      (unsigned long long)(wakeups() - before),
			      SENDERS * STREAM);
	}
	assert_int_equal(raw_counter(&to, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_MESSAGES),
			 WAYS * SENDERS * STREAM);
}

#define wake_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		wake_test(test_batches),
		wake_test(test_first),
		wake_test(test_reader_behind),
		wake_test(test_no_room),
		wake_test(test_counted_before),
		wake_test(test_dump),
		wake_test(test_any_threshold),
		wake_test(test_recv),
		wake_test(test_signal),
		wake_test(test_never_late),
		cmocka_unit_test_setup_teardown(test_rcvlowat,
						setup_no_control, teardown),
	};

	watchdog(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
