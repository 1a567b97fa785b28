// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A program receives with rings what it receives without them: the same
 * datagrams, losses at the same place, in children, in several threads, with
 * signals. On a kernel that this program plays. No privileges, but user
 * namespaces for large tables.
 */
#include <endian.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "../shared/wait-until-asleep.h"
#include "played-kernel.h"
#include "unit.h"

#define ADDRESSES	501
#define MOST_PARTS	600

static struct mnl_socket *nl;

static struct mnl_socket *open_bound(int bus)
{
	struct mnl_socket *s = mnl_socket_open(bus);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

static int setup(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	nl = open_bound(NETLINK_USERSOCK);
	/* each test: a machine that does much else is slow, and none hangs */
	alarm(120);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mnl_socket_close(nl), 0);
	return 0;
}

static struct mnl_ring *map_rings(struct mnl_socket *s)
{
	assert_int_equal(mnl_socket_mmap(s), 0);
	return mnl_socket_get_ring(s, MNL_RING_RX);
}

static void send_data(struct mnl_socket *to, const void *buf, size_t len)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = mnl_socket_get_portid(to) };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	assert_int_equal(sendto(fd, buf, len, 0, (void *)&addr, sizeof(addr)),
			 len);
	close(fd);
}

static void send_seq(struct mnl_socket *to, unsigned int seq)
{
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_seq = seq;
	send_data(to, buf, nlh->nlmsg_len);
}

static void expect_seq(struct mnl_socket *from, unsigned int seq)
{
	char buf[64] ALIGNED;

	assert_int_equal(mnl_socket_recvfrom(from, buf, sizeof(buf)), 16);
	assert_int_equal(((struct nlmsghdr *)buf)->nlmsg_seq, seq);
}

/*
 * Dumps
 */

static bool have_table;

static void make_table(void)
{
	struct mnl_socket *s;
	unsigned int i;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1 &&
	    unshare(CLONE_NEWNET) == -1)
		return;
	s = open_bound(NETLINK_ROUTE);
	for (i = 0; i < ADDRESSES; i++) {
		char buf[256] ALIGNED;
		struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
		struct ifaddrmsg *ifa;
		uint32_t addr = htobe32(0x0a000000 + i);

		nlh->nlmsg_type = RTM_NEWADDR;
		nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
		ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
		ifa->ifa_family = AF_INET;
		ifa->ifa_prefixlen = 32;
		ifa->ifa_index = 1;
		mnl_attr_put_u32(nlh, IFA_LOCAL, addr);
		mnl_attr_put_u32(nlh, IFA_ADDRESS, addr);
		assert_int_equal(mnl_socket_sendto(s, nlh, nlh->nlmsg_len),
				 nlh->nlmsg_len);
		assert_true(mnl_socket_recvfrom(s, buf, sizeof(buf)) > 0);
	}
	mnl_socket_close(s);
	have_table = true;
}

static void request_dump(struct mnl_socket *s, unsigned int seq)
{
	char buf[256] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	((struct rtgenmsg *)mnl_nlmsg_put_extra_header(nlh,
			sizeof(struct rtgenmsg)))->rtgen_family = AF_INET;
	assert_int_equal(mnl_socket_sendto(s, nlh, nlh->nlmsg_len),
			 nlh->nlmsg_len);
}

static int count_cb(const struct nlmsghdr *nlh, void *data)
{
	assert_int_equal(nlh->nlmsg_type, RTM_NEWADDR);
	++*(unsigned int *)data;
	return MNL_CB_OK;
}

/* the lengths of the datagrams; their number */
static unsigned int copy_dump(struct mnl_socket *s, unsigned int seq,
			      size_t room, ssize_t *parts, unsigned int *count)
{
	static char buf[65536] ALIGNED;
	unsigned int nr = 0;
	int ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP) {
		assert_true(nr < MOST_PARTS);
		parts[nr] = mnl_socket_recvfrom(s, buf, room);
		assert_true(parts[nr] > 0);
		ret = mnl_cb_run(buf, parts[nr], seq, mnl_socket_get_portid(s),
				 count_cb, count);
		nr++;
	}
	assert_int_equal(ret, MNL_CB_STOP);
	return nr;
}

static unsigned int read_dump(struct mnl_socket *s, unsigned int seq)
{
	struct mnl_ring *rx = mnl_socket_get_ring(s, MNL_RING_RX);
	unsigned int count = 0;
	int ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP) {
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		ret = mnl_ring_cb_run(rx, seq, mnl_socket_get_portid(s),
				      count_cb, &count, 0, NULL);
	}
	assert_int_equal(ret, MNL_CB_STOP);
	return count;
}

static bool skip_dumps(void)
{
	if (!have_table)
		print_message("not run: no user namespaces\n");
	return !have_table;
}

/* the same parts, whatever room the program has; whole ones if it polls first */
static void test_copy_dump(void **state)
{
	static const size_t rooms[] = { 4096, 8192, 32768, 65536, 1000 };
	ssize_t plain[MOST_PARTS], ring[MOST_PARTS];
	unsigned int i, nr, ring_nr, count, polls;
	struct mnl_socket *s;

	(void)state;
	if (skip_dumps())
		return;
	for (i = 0; i < 2 * MNL_ARRAY_SIZE(rooms) - 2; i++) {
		struct pollfd pfd = { .events = POLLIN };

		polls = i % 2;
		s = open_bound(NETLINK_ROUTE);
		request_dump(s, 1);
		count = 0;
		nr = copy_dump(s, 1, rooms[i / 2], plain, &count);
		assert_int_equal(count, ADDRESSES);
		mnl_socket_close(s);

		s = open_bound(NETLINK_ROUTE);
		assert_true(mnl_ring_is_mapped(map_rings(s)));
		request_dump(s, 1);
		pfd.fd = mnl_socket_get_fd(s);
		/* parts are made before the room is known: short ones */
		if (polls)
			assert_int_equal(ppoll(&pfd, 1, NULL, NULL), 1);
		count = 0;
		ring_nr = copy_dump(s, 1, rooms[i / 2], ring, &count);
		assert_int_equal(count, ADDRESSES);
		if (!polls) {
			assert_int_equal(ring_nr, nr);
			assert_memory_equal(plain, ring, nr * sizeof(*plain));
		}
		mnl_socket_close(s);
	}
}

/* in place first: parts are long, and are copied by whole messages */
static void dump_both_ways(size_t room)
{
	struct mnl_socket *s = open_bound(NETLINK_ROUTE);
	ssize_t parts[MOST_PARTS];
	unsigned int seq, count;

	map_rings(s);
	for (seq = 1; seq < 4; seq++) {
		request_dump(s, seq);
		if (seq != 2) {
			assert_int_equal(read_dump(s, seq), ADDRESSES);
			continue;
		}
		count = 0;
		copy_dump(s, seq, room, parts, &count);
		assert_int_equal(count, ADDRESSES);
	}
	mnl_socket_close(s);
}

static void test_both_ways(void **state)
{
	(void)state;
	if (skip_dumps())
		return;
	dump_both_ways(4096);
	dump_both_ways(100);
	dump_both_ways(65536);
	played.no_family = true;
	dump_both_ways(4096);
}

/* modules that heed no room make parts of 32 KiB */
static void test_old_modules(void **state)
{
	ssize_t parts[MOST_PARTS];
	unsigned int i, count = 0;
	struct mnl_socket *s;

	(void)state;
	if (skip_dumps())
		return;
	for (i = 0; i < 2; i++) {
		played.old = i == 0;
		played.no_features = i == 1;
		dump_both_ways(4096);
		s = open_bound(NETLINK_ROUTE);
		assert_true(mnl_ring_is_mapped(map_rings(s)));
		request_dump(s, 1);
		count = 0;
		copy_dump(s, 1, MNL_SOCKET_BUFFER_SIZE, parts, &count);
		assert_int_equal(count, ADDRESSES);
		mnl_socket_close(s);
	}
}

/* a part is copied to its half: the rest is in place, and the other way round */
static void test_part_in_place(void **state)
{
	struct mnl_socket *s;
	struct nlmsghdr *nlh;
	unsigned int count = 0;
	static char buf[8192] ALIGNED;
	struct mnl_ring *rx;
	ssize_t ret;
	size_t len;

	(void)state;
	if (skip_dumps())
		return;
	s = open_bound(NETLINK_ROUTE);
	rx = map_rings(s);
	request_dump(s, 1);
	assert_int_equal(read_dump(s, 1), ADDRESSES);
	request_dump(s, 2);
	ret = mnl_socket_recvfrom(s, buf, 1000);
	assert_in_range(ret, 500, 1000);
	assert_int_equal(mnl_cb_run(buf, ret, 2, 0, count_cb, &count),
			 MNL_CB_OK);
	assert_true(mnl_ring_get_ready(rx) >= 1);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_int_equal(mnl_ring_arm(rx), 0);
	nlh = mnl_ring_peek(rx, &len);
	assert_non_null(nlh);
	assert_int_equal(mnl_cb_run(nlh, len, 2, 0, count_cb, &count),
			 MNL_CB_OK);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	assert_int_equal(count + read_dump(s, 2), ADDRESSES);
	/* a message that does not fit is lost as on a plain socket */
	request_dump(s, 3);
	assert_fails(mnl_socket_recvfrom(s, buf, 20), ENOSPC);
	assert_true(mnl_socket_recvfrom(s, buf, 200) > 0);
	mnl_socket_close(s);
}

/* what is no part of a dump is cut where a plain socket cuts it */
static void test_truncation(void **state)
{
	static char buf[8192] ALIGNED;
	struct nlmsghdr *nlh = (void *)buf;
	unsigned int i, round;
	size_t len = 0;

	(void)state;
	for (i = 0; i < 10; i++, len += 400) {
		nlh = mnl_nlmsg_put_header(buf + len);
		nlh->nlmsg_type = NLMSG_MIN_TYPE;
		nlh->nlmsg_len = 400;
	}
	for (round = 0; round < 3; round++) {
		send_data(nl, buf, len);
		send_seq(nl, 7);
		assert_fails(mnl_socket_recvfrom(nl, buf, 1000), ENOSPC);
		assert_int_equal(((struct nlmsghdr *)buf)->nlmsg_len, 400);
		expect_seq(nl, 7);
		/* plain, with a ring, with one that was read in place */
		map_rings(nl);
		if (round == 1)
			mnl_ring_wait(mnl_socket_get_ring(nl, MNL_RING_RX), 0);
	}
}

/*
 * Loss
 */

static void put_seq(unsigned int seq)
{
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_seq = seq;
	assert_int_equal(played_deliver(mnl_socket_get_fd(nl), buf, 16), 1);
}

/* reported once, before the messages that are there; reception goes on */
static void test_loss(void **state)
{
	struct mnl_ring *rx = map_rings(nl);
	char buf[64] ALIGNED;
	size_t len;

	(void)state;
	put_seq(1);
	put_seq(2);
	played_loss(mnl_socket_get_fd(nl));
	put_seq(3);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), ENOBUFS);
	expect_seq(nl, 1);
	played_loss(mnl_socket_get_fd(nl));
	assert_null_errno(mnl_ring_peek(rx, &len), ENOBUFS);
	assert_non_null(mnl_ring_peek(rx, &len));
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	played_loss(mnl_socket_get_fd(nl));
	assert_fails(mnl_ring_wait(rx, -1), ENOBUFS);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	expect_seq(nl, 3);
	played_loss(mnl_socket_get_fd(nl));
	/* a loop of the program's own: arming only keeps it from sleeping */
	assert_int_equal(mnl_ring_arm(rx), 0);
	assert_int_equal(mnl_ring_arm(rx), 0);
	assert_null_errno(mnl_ring_peek(rx, &len), ENOBUFS);
	assert_int_equal(mnl_ring_arm(rx), -1);
	played_loss(mnl_socket_get_fd(nl));
	mnl_ring_disarm(rx);
	assert_null_errno(mnl_ring_peek(rx, &len), ENOBUFS);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

/* whoever waits for the TX ring does not take it */
static void test_loss_and_tx(void **state)
{
	struct mnl_ring *rx = map_rings(nl);
	struct mnl_ring *tx = mnl_socket_get_ring(nl, MNL_RING_TX);
	unsigned int i;

	(void)state;
	for (i = 0; i < mnl_ring_get_frame_nr(tx); i++) {
		mnl_nlmsg_put_header(mnl_ring_reserve(tx, 16));
		assert_int_equal(mnl_ring_commit(tx, 16), 0);
	}
	played_loss(mnl_socket_get_fd(nl));
	assert_fails(mnl_ring_wait(tx, 0), EBUSY);
	assert_fails(mnl_ring_wait(tx, -1), EBUSY);
	mnl_ring_flush(tx);
	assert_fails(mnl_ring_wait(rx, 0), ENOBUFS);
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
}

/*
 * Children
 */

/* children end by exit(), which writes down what they reached */
static pid_t start_child(void)
{
	fflush(NULL);
	return fork();
}

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* what a child has where its parent has rings stays as it is */
static void test_close_in_child(void **state)
{
	struct mnl_ring *rx = map_rings(nl);
	char *frames;
	size_t len;
	pid_t pid;

	(void)state;
	send_seq(nl, 0);
	frames = (char *)mnl_ring_peek(rx, &len) - NL_MMAP_HDRLEN;
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	send_seq(nl, 1);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	pid = start_child();
	if (pid == 0) {
		char *own = mmap(frames, 65536, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS |
				 MAP_FIXED_NOREPLACE, -1, 0);

		if (own != frames)
			exit(1);
		memset(own, 0x55, 65536);
		mnl_socket_close(nl);
		exit(own[0] != 0x55 || own[65535] != 0x55);
	}
	wait_for(pid);
	send_seq(nl, 2);
	expect_seq(nl, 1);
	expect_seq(nl, 2);
	assert_true(mnl_ring_is_mapped(rx));
}

static int read_in_child(unsigned int from, unsigned int to, bool in_place)
{
	struct mnl_ring *rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	char buf[64] ALIGNED;
	const struct nlmsghdr *nlh;
	size_t len;

	for (; from < to; from++) {
		nlh = (void *)buf;
		if (!in_place) {
			if (mnl_socket_recvfrom(nl, buf, sizeof(buf)) != 16)
				return 1;
		} else if (mnl_ring_wait(rx, -1) != 1 ||
			   (nlh = mnl_ring_peek(rx, &len)) == NULL) {
			return 2;
		}
		if (nlh->nlmsg_seq != from)
			return 3;
		if (in_place && mnl_ring_release(rx, 1) == -1)
			return 4;
	}
	return 0;
}

/* a daemon: the parent has read something, the child goes on */
static void test_read_in_child(void **state)
{
	unsigned int i, round;
	pid_t pid;

	for (round = 0; round < 6; round++) {
		played.old = round == 4;
		map_rings(nl);
		for (i = 0; i < 10; i++)
			send_seq(nl, i);
		assert_int_equal(read_in_child(0, 5, round % 2), 0);
		pid = start_child();
		if (pid == 0)
			exit(read_in_child(5, 20, round / 2));
		for (; i < 20; i++)
			send_seq(nl, i);
		wait_for(pid);
		/* the next reader finds what that child left */
		if (!played.old) {
			pid = start_child();
			if (pid == 0)
				exit(read_in_child(20, 21, round % 2));
			send_seq(nl, 20);
			wait_for(pid);
		}
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

/* the rings are gone with the parent's socket: a plain one is left */
static void test_child_without_ring(void **state)
{
	int pipes[2];
	char byte = 0;
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	map_rings(nl);
	pid = start_child();
	if (pid == 0) {
		if (read(pipes[0], &byte, 1) != 1)
			exit(9);
		send_seq(nl, 1);
		send_seq(nl, 2);
		if (mnl_ring_is_mapped(mnl_socket_get_ring(nl, MNL_RING_RX)) &&
		    mnl_ring_wait(mnl_socket_get_ring(nl, MNL_RING_RX),
				  -1) != 1)
			exit(8);
		exit(read_in_child(1, 3, false) + mnl_socket_close(nl));
	}
	assert_int_equal(mnl_socket_munmap(nl), 0);
	assert_int_equal(write(pipes[1], &byte, 1), 1);
	wait_for(pid);
	close(pipes[0]);
	close(pipes[1]);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
}

/* what a child commits is sent, what the parent committed is the parent's */
static void test_send_in_child(void **state)
{
	struct mnl_socket *s = open_bound(NETLINK_ROUTE);
	struct mnl_ring *tx;
	char buf[16] ALIGNED;
	pid_t pid;

	(void)state;
	map_rings(s);
	tx = mnl_socket_get_ring(s, MNL_RING_TX);
	mnl_nlmsg_put_header(mnl_ring_reserve(tx, 16));
	assert_int_equal(mnl_ring_commit(tx, 16), 0);
	pid = start_child();
	if (pid == 0) {
		if (mnl_socket_sendto(s, mnl_nlmsg_put_header(buf), 16) != 16)
			exit(1);
		if (mnl_ring_flush(tx) != 0)
			exit(2);
		mnl_nlmsg_put_header(mnl_ring_reserve(tx, 16));
		if (mnl_ring_commit(tx, 16) == -1 || mnl_ring_flush(tx) != 16)
			exit(3);
		exit(0);
	}
	wait_for(pid);
	assert_int_equal(mnl_ring_flush(tx), 16);
	mnl_socket_close(s);
}

/*
 * Threads, signals, timeouts
 */

#define STREAM	20000

static unsigned char seen[STREAM + 2];

static void *receive_stream(void *data)
{
	char buf[64] ALIGNED;
	unsigned int seq;

	(void)data;
	do {
		if (mnl_socket_recvfrom(nl, buf, sizeof(buf)) != 16)
			return "recvfrom";
		seq = ((struct nlmsghdr *)buf)->nlmsg_seq;
		__atomic_add_fetch(&seen[seq], 1, __ATOMIC_RELAXED);
	} while (seq < STREAM);
	return NULL;
}

/* each message once; what is left ends the other thread */
static void test_two_readers(void **state)
{
	pthread_t threads[2];
	struct mnl_socket *from = open_bound(NETLINK_USERSOCK);
	struct sockaddr_nl to = { .nl_family = AF_NETLINK,
				  .nl_pid = mnl_socket_get_portid(nl) };
	char buf[16] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	unsigned int i;
	void *failed;

	(void)state;
	map_rings(nl);
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						receive_stream, NULL), 0);
	for (i = 0; i < STREAM + 2; i++) {
		nlh->nlmsg_seq = i;
		assert_int_equal(sendto(mnl_socket_get_fd(from), buf, 16, 0,
					(void *)&to, sizeof(to)), 16);
	}
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (i = 0; i < STREAM + 2; i++)
		assert_int_equal(seen[i], 1);
	mnl_socket_close(from);
}

static pid_t tid;

/* its bytes, or -errno */
static void *receive_one(void *data)
{
	char buf[64] ALIGNED;
	ssize_t ret;

	(void)data;
	__atomic_store_n(&tid, gettid(), __ATOMIC_RELEASE);
	ret = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	return (void *)(ret == -1 ? -errno : ret);
}

static pthread_t start_receiver(void)
{
	pthread_t thread;

	tid = 0;
	assert_int_equal(pthread_create(&thread, NULL, receive_one, NULL), 0);
	assert_int_equal(wait_until_asleep(&tid), 0);
	return thread;
}

#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CAN_CANCEL
#endif

#ifdef CAN_CANCEL
/* asleep for the first message, or for a batch: no threshold is left */
static void test_cancel(void **state)
{
	struct mnl_ring *rx = map_rings(nl);
	struct nl_mmap_control *control;
	pthread_t thread;
	unsigned int i;
	void *ret;

	(void)state;
	control = played_control(mnl_socket_get_fd(nl));
	/* so long that two more are expected */
	assert_int_equal(mnl_ring_set_wakeup(rx, 32, 600000000), 0);
	for (i = 0; i < 2; i++) {
		thread = start_receiver();
		assert_int_equal(control->nmc_wakeup, i + 1);
		assert_int_equal(pthread_cancel(thread), 0);
		assert_int_equal(pthread_join(thread, &ret), 0);
		assert_ptr_equal(ret, PTHREAD_CANCELED);
		assert_int_equal(control->nmc_wakeup, 1);
		send_seq(nl, i);
		expect_seq(nl, i);
	}
}

static void *cancelled_at_once(void *data)
{
	pthread_cancel(pthread_self());
	return receive_one(data);
}

static void test_cancel_at_once(void **state)
{
	pthread_t thread;
	void *ret;

	(void)state;
	map_rings(nl);
	put_seq(1);
	assert_int_equal(pthread_create(&thread, NULL, cancelled_at_once,
					NULL), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, PTHREAD_CANCELED);
	expect_seq(nl, 1);
}
#endif

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* A thread that seems to sleep may not be in poll() yet: again, until it ends. */
static int interrupt(pthread_t thread)
{
	void *ret;

	while (pthread_tryjoin_np(thread, &ret) == EBUSY) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	return (intptr_t)ret;
}

/* restarted, if the handler says so, and not with a timeout */
static void test_signals(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal,
				.sa_flags = SA_RESTART }, old;
	struct timeval tv = { .tv_sec = 100 };
	pthread_t thread;
	void *ret;

	(void)state;
	map_rings(nl);
	assert_int_equal(sigaction(SIGUSR1, &sa, &old), 0);
	signals = 0;
	thread = start_receiver();
	pthread_kill(thread, SIGUSR1);
	while (signals == 0)
		sched_yield();
	assert_int_equal(wait_until_asleep(&tid), 0);
	send_seq(nl, 1);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_int_equal((intptr_t)ret, 16);

	sa.sa_flags = 0;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(interrupt(start_receiver()), -EINTR);

	sa.sa_flags = SA_RESTART;
	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET,
				    SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(interrupt(start_receiver()), -EINTR);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* without a ring there is nothing to look at */
static void test_busy_poll(void **state)
{
	struct mnl_ring *rx;
	long long start;

	(void)state;
	played.no_family = true;
	rx = map_rings(nl);
	mnl_ring_set_busy_poll(rx, 10000000);
	mnl_ring_set_busy_poll(mnl_socket_get_ring(nl, MNL_RING_TX), 10000000);
	start = now_ms();
	assert_int_equal(mnl_ring_wait(rx, 1), 0);
	assert_in_range(now_ms() - start, 0, 5000);
}

/*
 * Callbacks
 */

#define IN_ONE	3

struct keeper {
	struct mnl_ring *rx;
	const struct nlmsghdr *kept[IN_ONE];
	unsigned int seen;
	bool give_back;
};

static int keep_some(const struct nlmsghdr *nlh, void *data)
{
	struct keeper *k = data;

	assert_int_equal(nlh->nlmsg_seq, k->seen);
	if (k->seen != 1) {
		assert_int_equal(mnl_ring_keep(k->rx, nlh), 0);
		k->kept[k->seen] = nlh;
		/* the kernel must not have it while there are more */
		if (k->give_back)
			assert_int_equal(mnl_ring_release_kept(k->rx, nlh), 0);
	}
	k->seen++;
	return MNL_CB_OK;
}

/* the first and the last one of three messages in one frame, or buffer */
static void test_keep_one_of_several(void **state)
{
	char buf[IN_ONE * 16] ALIGNED;
	unsigned int round, i;
	struct keeper k;

	for (round = 0; round < 4; round++) {
		played.no_family = round % 2;
		memset(&k, 0, sizeof(k));
		k.rx = map_rings(nl);
		k.give_back = round / 2;
		for (i = 0; i < IN_ONE; i++)
			mnl_nlmsg_put_header(buf + i * 16)->nlmsg_seq = i;
		for (i = 0; i < IN_ONE; i++)
			((struct nlmsghdr *)(buf + i * 16))->nlmsg_type =
				NLMSG_MIN_TYPE;
		send_data(nl, buf, sizeof(buf));
		assert_int_equal(mnl_ring_wait(k.rx, -1), 1);
		assert_int_equal(mnl_ring_cb_run2(k.rx, 0, 0, keep_some, &k,
						  NULL, 0, 0, NULL),
				 MNL_CB_OK);
		assert_int_equal(k.seen, IN_ONE);
		for (i = 0; i < 100; i++) {
			send_seq(nl, i);
			expect_seq(nl, i);
		}
		for (i = 0; i < IN_ONE; i += 2) {
			if (k.give_back) {
				assert_fails(mnl_ring_release_kept(k.rx,
						k.kept[i]), EINVAL);
				continue;
			}
			assert_int_equal(k.kept[i]->nlmsg_seq, i);
			assert_int_equal(mnl_ring_release_kept(k.rx,
							       k.kept[i]), 0);
		}
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
	}
}

/*
 * Programs that did not ask for a ring (LIBMNL_RING=1)
 */

#define COMES	256	/* messages after which a socket has one */

static bool has_ring(void)
{
	return played_rx_frame(mnl_socket_get_fd(nl), 0) != NULL;
}

static void bring_shadow(void)
{
	unsigned int i;

	mnl_socket_close(nl);
	setenv("LIBMNL_RING", "1", 1);
	nl = open_bound(NETLINK_USERSOCK);
	unsetenv("LIBMNL_RING");
	for (i = 0; i < COMES; i++) {
		assert_false(has_ring());
		send_seq(nl, i);
		expect_seq(nl, i);
	}
	assert_true(has_ring());
	/* by recvmsg(), which may have an error to report */
	send_seq(nl, 0);
	expect_seq(nl, 0);
}

/* what is in the queue, taken or not, is dropped at the next call */
static unsigned int consumed(void)
{
	return played_control(mnl_socket_get_fd(nl))->nmc_consumed;
}

static void test_unasked(void **state)
{
	static char buf[20000] ALIGNED;
	unsigned int i, before;

	(void)state;
	bring_shadow();
	for (i = 0; i < 1000; i++) {
		before = consumed();
		send_seq(nl, i);
		assert_int_equal(consumed(), before + (i > 0));
		expect_seq(nl, i);
	}
	assert_null_errno(mnl_socket_get_ring(nl, MNL_RING_RX), EBADR);
	/* what has no frame */
	mnl_nlmsg_put_header(buf)->nlmsg_len = 10000;
	send_data(nl, buf, 10000);
	send_seq(nl, 1);
	assert_int_equal(mnl_socket_recvfrom(nl, buf, sizeof(buf)), 10000);
	expect_seq(nl, 1);
	send_data(nl, buf, 100);
	assert_fails(mnl_socket_recvfrom(nl, buf, 20), ENOSPC);
	send_seq(nl, 2);
	played_loss(mnl_socket_get_fd(nl));
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), ENOBUFS);
	expect_seq(nl, 2);
}

/* the program's own ring comes in place of it */
static void test_unasked_and_asked(void **state)
{
	static const struct nl_mmap_req none;
	struct mnl_ring *rx;
	unsigned int i;

	(void)state;
	bring_shadow();
	rx = map_rings(nl);
	assert_true(mnl_ring_is_mapped(rx));
	for (i = 0; i < 2 * COMES; i++) {
		send_seq(nl, i);
		expect_seq(nl, i);
	}
	assert_int_equal(mnl_socket_munmap(nl), 0);
	bring_shadow();
	assert_int_equal(mnl_socket_setsockopt(nl, NETLINK_RX_RING,
					       (void *)&none, sizeof(none)), 0);
	assert_false(has_ring());
	send_seq(nl, 1);
	expect_seq(nl, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_copy_dump),
		TEST(test_both_ways),
		TEST(test_old_modules),
		TEST(test_part_in_place),
		TEST(test_truncation),
		TEST(test_loss),
		TEST(test_loss_and_tx),
		TEST(test_close_in_child),
		TEST(test_read_in_child),
		TEST(test_child_without_ring),
		TEST(test_send_in_child),
		TEST(test_two_readers),
#ifdef CAN_CANCEL
		TEST(test_cancel),
		TEST(test_cancel_at_once),
#endif
		TEST(test_signals),
		TEST(test_busy_poll),
		TEST(test_keep_one_of_several),
		TEST(test_unasked),
		TEST(test_unasked_and_asked),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	make_table();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
