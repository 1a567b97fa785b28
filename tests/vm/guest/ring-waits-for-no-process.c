// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What must not sleep does not wait for another process that is in the middle of
 * something on the same socket: poll(), epoll_ctl() and MSG_DONTWAIT while another
 * one is in recvmsg(), its memory not there, and while one that holds the RTNL lock
 * keeps a dump from going on. userfaultfd() lets the test say how long that is.
 * Needs the module and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/ethtool.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "ring-syscalls.h"
#include "../../shared/wait-until-asleep.h"

#define FRAME	2048
#define FRAMES	8
#define LONG	10000

/* a call that does not wait is back by then */
#define SECONDS	20

static struct raw_socket ring, from;

/* A page whose first access sleeps until the test provides it. */

struct slow_page {
	int fd;
	char *page;
	size_t size;
};

static void open_slow_page(struct slow_page *slow, char *page)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	slow->size = getpagesize();
	slow->page = page;
	slow->fd = syscall(SYS_userfaultfd, O_CLOEXEC);
	assert_true(slow->fd >= 0);
	assert_int_equal(ioctl(slow->fd, UFFDIO_API, &api), 0);
	reg.range.start = (unsigned long)page;
	reg.range.len = slow->size;
	assert_int_equal(ioctl(slow->fd, UFFDIO_REGISTER, &reg), 0);
}

/* somebody is in the middle of an access */
static void wait_for_access(const struct slow_page *slow)
{
	struct uffd_msg msg;

	assert_int_equal(read(slow->fd, &msg, sizeof(msg)), sizeof(msg));
	assert_int_equal(msg.event, UFFD_EVENT_PAGEFAULT);
}

static void provide_page(const struct slow_page *slow)
{
	struct uffdio_zeropage zero = {
		.range = { (unsigned long)slow->page, slow->size },
	};

	assert_int_equal(ioctl(slow->fd, UFFDIO_ZEROPAGE, &zero), 0);
	close(slow->fd);
}

/* two pages, of which the first is there */
static char *map_two_pages(void)
{
	char *pages = mmap(NULL, 2 * getpagesize(), PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(pages, MAP_FAILED);
	pages[0] = 0;
	return pages;
}

/* What must not sleep, in a thread that may hang without the test. */

struct call {
	const char *name;
	int (*run)(void);
	pthread_t thread;
	int result;
};

static int call_poll(void)
{
	struct pollfd pfd = { .fd = ring.fd, .events = POLLIN };

	return poll(&pfd, 1, 0);
}

static int call_epoll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int fd = epoll_create1(EPOLL_CLOEXEC), n;

	if (epoll_ctl(fd, EPOLL_CTL_ADD, ring.fd, &ev))
		return -1;
	n = epoll_wait(fd, &ev, 1, 0);
	close(fd);
	return n;
}

static int call_recv(void)
{
	static char buf[2 * LONG];

	return recv(ring.fd, buf, sizeof(buf), MSG_DONTWAIT);
}

static int call_peek(void)
{
	char buf[16];

	return recv(ring.fd, buf, sizeof(buf), MSG_DONTWAIT | MSG_PEEK);
}

static void *run_call(void *data)
{
	struct call *call = data;

	call->result = call->run();
	return NULL;
}

static bool is_back(struct call *call)
{
	struct timespec until;

	assert_int_equal(pthread_create(&call->thread, NULL, run_call, call),
			 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += SECONDS;
	return !pthread_timedjoin_np(call->thread, NULL, &until);
}

static struct call calls[] = {
	{ .name = "poll", .run = call_poll },
	{ .name = "epoll_ctl, epoll_wait", .run = call_epoll },
	{ .name = "recv(MSG_DONTWAIT | MSG_PEEK)", .run = call_peek },
	{ .name = "recv(MSG_DONTWAIT)", .run = call_recv },
};

#define CALLS	(sizeof(calls) / sizeof(*calls))

/*
 * Makes the first @n calls while the other process waits for @slow, then lets that
 * one go on.
 */
static unsigned int count_waiting(const struct slow_page *slow, unsigned int n)
{
	bool back[CALLS] = { false };
	unsigned int i, waiting = 0;

	for (i = 0; i < n; i++) {
		back[i] = is_back(&calls[i]);
		if (!back[i])
			print_message("  %s waits\n", calls[i].name);
		waiting += !back[i];
		if (!back[i])
			break;
	}
	provide_page(slow);
	for (i = 0; i < n && waiting; i++)
		if (!back[i]) {
			pthread_join(calls[i].thread, NULL);
			break;
		}
	return waiting;
}

static int setup(void **state)
{
	(void)state;
	raw_open_rings(&ring, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	raw_close(&ring);
	raw_close(&from);
	return 0;
}

static void *recv_slowly(void *data)
{
	return (void *)(long)recv(ring.fd, data, getpagesize(), 0);
}

/*
 * Another process receives a message that does not fit a frame. The one behind it
 * is not lost, and comes once.
 */
static void test_receiver(void **state)
{
	char *pages = map_two_pages(), *page = pages + getpagesize();
	unsigned int waiting, second = 0;
	struct slow_page slow;
	pthread_t receiver;
	void *len;

	(void)state;
	assert_int_equal(raw_send(&from, ring.portid, 0, 1, LONG, 0), LONG);
	open_slow_page(&slow, page);
	assert_int_equal(pthread_create(&receiver, NULL, recv_slowly, page), 0);
	wait_for_access(&slow);
	/* deliveries do not wait, either */
	assert_int_equal(raw_send(&from, ring.portid, 0, 2, 100, MSG_DONTWAIT),
			 100);
	waiting = count_waiting(&slow, CALLS);
	assert_int_equal(pthread_join(receiver, &len), 0);
	assert_int_equal(waiting, 0);
	assert_int_equal((long)len, getpagesize());
	assert_int_equal(((struct raw_message *)(void *)page)->seq, 1);

	second += calls[3].result == 100;
	/* what announced the first one */
	if (raw_status(raw_current(&ring.rx)) == NL_MMAP_STATUS_COPY)
		raw_release(&ring.rx);
	if (!second)
		raw_expect(&ring, 2, 100);
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	munmap(pages, 2 * getpagesize());
}

/* Another process waits in recvmsg() for a message. */
static pid_t sleeper_tid;

static void *recv_sleeping(void *data)
{
	char buf[200];

	(void)data;
	__atomic_store_n(&sleeper_tid, gettid(), __ATOMIC_RELEASE);
	return (void *)(long)recv(ring.fd, buf, sizeof(buf), 0);
}

static void test_sleeping_receiver(void **state)
{
	char *pages = map_two_pages();
	struct slow_page slow;
	pthread_t receiver;
	unsigned int i, waiting;
	void *len;

	(void)state;
	/* frames are full: the message is for recvmsg() */
	for (i = 0; i < FRAMES; i++)
		assert_int_equal(raw_send(&from, ring.portid, 0, i, 100, 0),
				 100);
	sleeper_tid = 0;
	assert_int_equal(pthread_create(&receiver, NULL, recv_sleeping, NULL),
			 0);
	assert_int_equal(wait_until_asleep(&sleeper_tid), 0);
	open_slow_page(&slow, pages + getpagesize());
	waiting = count_waiting(&slow, CALLS);
	assert_int_equal(raw_send(&from, ring.portid, 0, FRAMES, 100, 0), 100);
	assert_int_equal(pthread_join(receiver, &len), 0);
	assert_int_equal(waiting, 0);
	assert_int_equal((long)len, 100);
	munmap(pages, 2 * getpagesize());
}

/*
 * RTNL. An ethtool request is read under the lock, the word that says which one
 * before.
 */

static void *hold_rtnl(void *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq ifr = { .ifr_name = "lo" };

	ifr.ifr_data = request;
	ioctl(fd, SIOCETHTOOL, &ifr);
	close(fd);
	return NULL;
}

static void begin_dump(void)
{
	struct { struct nlmsghdr nlh; struct ifinfomsg ifi; } req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = RTM_GETLINK,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	};

	assert_int_equal(send(ring.fd, &req, sizeof(req), 0), sizeof(req));
}

static void *recv_part(void *data)
{
	static char buf[32768];

	(void)data;
	__atomic_store_n(&sleeper_tid, gettid(), __ATOMIC_RELEASE);
	return (void *)(long)recv(ring.fd, buf, sizeof(buf), 0);
}

static void wait_state(char wanted)
{
	char path[64], state = 0;
	pid_t tid;
	FILE *f;

	while (!(tid = __atomic_load_n(&sleeper_tid, __ATOMIC_ACQUIRE)))
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	while (state != wanted) {
		f = fopen(path, "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		fclose(f);
	}
}

/*
 * @receiver: another process is in recvmsg(), makes the next part and waits for RTNL
 * there. MSG_DONTWAIT waits for RTNL when it makes a part, on a plain socket as well.
 */
static void poll_under_rtnl(bool receiver)
{
	char *pages = map_two_pages(), *page = pages + getpagesize();
	uint32_t *request = (uint32_t *)(void *)page - 1;
	pthread_t holder, other;
	struct slow_page slow;
	unsigned int waiting;

	*request = ETHTOOL_GSTRINGS;
	raw_close(&ring);
	/* parts are longer than frames: recvmsg() takes them */
	raw_open_rings(&ring, NETLINK_ROUTE, 1024, 64, 0);
	begin_dump();
	open_slow_page(&slow, page);
	assert_int_equal(pthread_create(&holder, NULL, hold_rtnl, request), 0);
	wait_for_access(&slow);
	if (receiver) {
		sleeper_tid = 0;
		assert_int_equal(pthread_create(&other, NULL, recv_part, NULL),
				 0);
		wait_state('D');
	}
	waiting = count_waiting(&slow, 2);
	pthread_join(holder, NULL);
	if (receiver)
		pthread_join(other, NULL);
	assert_int_equal(waiting, 0);
	munmap(pages, 2 * getpagesize());
}

static void test_receiver_waits_for_rtnl(void **state)
{
	(void)state;
	poll_under_rtnl(true);
}

static void test_rtnl(void **state)
{
	(void)state;
	poll_under_rtnl(false);
}

#define process_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		process_test(test_receiver),
		process_test(test_sleeping_receiver),
		process_test(test_receiver_waits_for_rtnl),
		process_test(test_rtnl),
	};

	watchdog(100);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
