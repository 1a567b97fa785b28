// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loops that README.md, doc/ring-guide.md, the manual and the examples show, as
 * make takes them out of the texts: none ends, and none passes by a message, when
 * messages were lost, when signals come, when messages are multicast; and none
 * crashes when there is no memory for a ring. With rings, on a kernel that this
 * program plays, and without.
 */
#include <err.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "../../examples/ring-receive.h"
#include "../shared/wait-until-asleep.h"
#include "played-kernel.h"
#include "unit.h"

#define GROUP		7
#define LAST		0xffffffff	/* a number that ends a test */
#define SIGNALS		20

struct event {
	struct nlmsghdr nlh;
	uint32_t number;
	char text[480];
};

static struct mnl_socket *bound;
static int peer;
static pid_t reader;		/* the thread in the loop */
static bool over;
static jmp_buf end;
static uint32_t seen;		/* the number of the last message */
static unsigned int messages, holes;

/*
 * Messages
 */

/* everybody's port ID but the receiver's may be in an event */
static void multicast(uint32_t number)
{
	struct event event = {
		.nlh = {
			.nlmsg_len = sizeof(event),
			.nlmsg_type = NLMSG_MIN_TYPE,
			.nlmsg_seq = number,
			.nlmsg_pid = number % 2 ? 4711 : 0,
		},
		.number = number,
	};
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (GROUP - 1),
	};

	/* after the group it goes to port ID 0, which nobody has */
	assert_fails(sendto(peer, &event, sizeof(event), MSG_DONTWAIT,
			    (void *)&to, sizeof(to)), ECONNREFUSED);
}

static int cb(const struct nlmsghdr *nlh, void *data)
{
	uint32_t number = ((const struct event *)nlh)->number;

	(void)data;
	if (number == LAST)
		longjmp(end, 1);
	holes += number != seen + 1;
	seen = number;
	messages++;
	return MNL_CB_OK;
}

/*
 * Loops
 */

/* what the texts leave to the reader */
#define mnl_socket_open(bus)	bound
#define packet_cb		cb

static void loop_readme(void)
{
	unsigned int portid __attribute__((unused)) = mnl_socket_get_portid(bound);
	struct mnl_ring *rx;
#include "unit/published-readme.h"
}

#undef mnl_socket_open

static void loop_manual(void)
{
	struct mnl_socket *nl = bound;
	unsigned int portid __attribute__((unused)) = mnl_socket_get_portid(bound);
	struct mnl_ring *rx;
#include "unit/published-manual.h"
}

static void loop_guide(void)
{
	struct mnl_socket *socket = bound;
#include "unit/guide-1.h"
}

static void loop_examples(void)
{
	ring_open(bound);
	ring_receive(bound, 0, cb, NULL);
}

static void (*loop)(void);

/* false: the loop ended by itself */
static bool run_loop(void)
{
	if (setjmp(end) != 0)
		return true;
	loop();
	return false;
}

/*
 * Beside the loop
 */

static void on_signal(int sig)
{
	(void)sig;
}

static void *send_last(void *data)
{
	unsigned int i, *signals = data;

	for (i = 0; i < *signals; i++) {
		wait_until_asleep(&reader);
		syscall(SYS_tgkill, getpid(), reader, SIGUSR1);
	}
	/* one that comes while netlink refuses messages is lost */
	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		wait_until_asleep(&reader);
		multicast(LAST);
		sched_yield();
	}
	return NULL;
}

static void run_beside(unsigned int signals)
{
	pthread_t thread;
	bool ended;

	over = false;
	reader = gettid();
	assert_int_equal(pthread_create(&thread, NULL, send_last, &signals), 0);
	ended = run_loop();
	__atomic_store_n(&over, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_true(ended);
}

static int setup(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int group = GROUP;

	(void)state;
	sigaction(SIGUSR1, &sa, NULL);
	bound = mnl_socket_open(NETLINK_USERSOCK);
	assert_non_null(bound);
	assert_int_equal(mnl_socket_bind(bound, 0, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(mnl_socket_setsockopt(bound, NETLINK_ADD_MEMBERSHIP,
					       &group, sizeof(group)), 0);
	peer = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	assert_true(peer >= 0);
	messages = holes = seen = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(peer);
	return mnl_socket_close(bound);
}

/*
 * Tests
 */

static void test_multicast(void **state)
{
	uint32_t i;

	(void)state;
	for (i = 1; i <= 50; i++)
		multicast(i);
	run_beside(0);
	assert_int_equal(messages, 50);
	assert_int_equal(holes, 0);
}

static void test_loss(void **state)
{
	int bytes = 65536;
	uint32_t i;

	(void)state;
	setsockopt(mnl_socket_get_fd(bound), SOL_SOCKET, SO_RCVBUF, &bytes,
		   sizeof(bytes));
	for (i = 1; i <= 5000; i++)
		multicast(i);
	run_beside(0);
	assert_in_range(messages, 10, 4999);
}

static void test_signals(void **state)
{
	(void)state;
	run_beside(SIGNALS);
}

/* ended, one way or the other, but neither killed nor still running */
static void test_no_memory(void **state)
{
	int status;
	pid_t child;

	(void)state;
	if (!played_can_fail_alloc())
		return;
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGSEGV, SIG_DFL);
		alarm(20);
		played.fail_alloc = 1;
		run_loop();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
}

/*
 * Sending
 */

static void send_as_guide(struct mnl_socket *socket)
{
#include "unit/guide-3.h"
}

/* requests in all frames, none sent yet; how many */
static unsigned int fill_frames(struct mnl_ring *tx)
{
	struct nlmsghdr *nlh;
	unsigned int nr;
	void *buf;

	for (nr = 0; (buf = mnl_ring_reserve(tx, 256)) != NULL; nr++) {
		assert_in_range(nr, 0, 5000);
		nlh = mnl_nlmsg_put_header(buf);
		nlh->nlmsg_type = NLMSG_NOOP;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
		nlh->nlmsg_seq = nr + 1;
		mnl_ring_commit(tx, nlh->nlmsg_len);
	}
	assert_int_equal(errno, EAGAIN);
	return nr;
}

/* of the requests that filled the ring, in order; and of the guide's */
struct acks {
	unsigned int full;
	unsigned int guide;
};

static int count_acks(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct acks *acks = data;

	assert_int_equal(err->error, 0);
	if (err->msg.nlmsg_seq == 0)
		acks->guide++;
	else
		assert_int_equal(err->msg.nlmsg_seq, ++acks->full);
	return MNL_CB_OK;
}

/* the request that finds no free frame is sent after those before it */
static void test_full_ring(void **state)
{
	const mnl_cb_t control[] = { [NLMSG_ERROR] = count_acks };
	struct mnl_socket *route = mnl_socket_open(NETLINK_ROUTE);
	struct acks acks = { 0, 0 };
	struct mnl_ring *rx;
	unsigned int full;

	(void)state;
	assert_non_null(route);
	assert_int_equal(mnl_socket_bind(route, 0, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(mnl_socket_mmap(route), 0);
	full = fill_frames(mnl_socket_get_ring(route, MNL_RING_TX));
	send_as_guide(route);
	rx = mnl_socket_get_ring(route, MNL_RING_RX);
	while (acks.guide == 0 && mnl_ring_wait(rx, 5000) == 1)
		mnl_ring_cb_run2(rx, 0, 0, NULL, &acks, control,
				 MNL_ARRAY_SIZE(control), 0, NULL);
	assert_int_equal(acks.full, full);
	assert_int_equal(acks.guide, 1);
	mnl_socket_close(route);
}

static const struct {
	const char *name;
	void (*loop)(void);
} loops[] = {
	{ "README.md", loop_readme },
	{ "mnl_ring(3)", loop_manual },
	{ "the guide", loop_guide },
	{ "the examples", loop_examples },
};

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_multicast),
		TEST(test_loss),
		TEST(test_signals),
		TEST(test_no_memory),
	};
	const struct CMUnitTest sending[] = {
		cmocka_unit_test(test_full_ring),
	};
	int failed = 0;
	size_t i;

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(120);
	for (i = 0; i < 2 * MNL_ARRAY_SIZE(loops); i++) {
		memset(&played, 0, sizeof(played));
		played.no_family = i % 2;
		loop = loops[i / 2].loop;
		printf("%s, %s\n", loops[i / 2].name,
		       i % 2 ? "without rings" : "with rings");
		failed += cmocka_run_group_tests(tests, NULL, NULL);
		if (loop == loop_guide)
			failed += cmocka_run_group_tests(sending, NULL, NULL);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
