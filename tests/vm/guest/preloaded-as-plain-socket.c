// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * With libmnl-ring-preload.so a socket receives what a plain socket beside it
 * receives: by each call that the library stands before, by those it does not, by
 * copies of the descriptor and by other processes; and it loses the same messages.
 * The program starts itself with the library. Needs the module and root.
 *	LIBRARY	the library to preload
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "../../shared/wait-until-asleep.h"
#include "ring-syscalls.h"
#include "uring-syscalls.h"

#define GROUP	3
#define COMES	256	/* messages after which a socket has a ring */
#define LARGE	9000
#define MANY	4

static int plain, shadow, from;
static uint32_t seq;
static bool has_uring;

/* one that the library does not see */
static int open_unseen(void)
{
	return syscall(SYS_socket, AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
}

static void set_option(int level, int option, int value)
{
	assert_int_equal(setsockopt(plain, level, option, &value, sizeof(value)),
			 0);
	assert_int_equal(setsockopt(shadow, level, option, &value,
				    sizeof(value)), 0);
}

static void multicast(size_t len)
{
	static struct {
		struct raw_message	message;
		char			pattern[LARGE];
	} m;
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1 << (GROUP - 1),
	};

	raw_build(&m, seq++, len);
	assert_int_equal(sendto(from, &m, len, MSG_DONTWAIT, (void *)&addr,
				sizeof(addr)), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static struct nl_mmap_state state_of(int fd)
{
	struct nl_mmap_state state = { .nm_flags = 0 };
	socklen_t len = sizeof(state);

	getsockopt(fd, SOL_NETLINK, NETLINK_RX_RING, &state, &len);
	return state;
}

static bool has_ring(int fd)
{
	return state_of(fd).nm_flags & NL_MMAP_F_SHADOW;
}

/*
 * Receiving
 */

enum way { RECV, RECV_FROM, RECV_MSG, RECV_MMSG, CUT, MEASURED, CONTROL, PEEK,
	   READ, READV, COPY, URING, WAYS };

struct result {
	ssize_t ret;
	int err;
	int flags;
	struct sockaddr_nl name;
	socklen_t namelen;
	size_t controllen;
	char control[256];
	unsigned int lens[MANY];
	char data[MANY][LARGE];
};

static void receive_msg(int fd, struct result *r, size_t room, int flags,
			bool control)
{
	struct iovec iov[2] = { { r->data[0], 13 }, { r->data[0] + 13, room - 13 } };
	struct msghdr msg = {
		.msg_name = &r->name,
		.msg_namelen = sizeof(r->name),
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control ? r->control : NULL,
		.msg_controllen = control ? sizeof(r->control) : 0,
	};

	r->ret = recvmsg(fd, &msg, flags);
	r->flags = msg.msg_flags;
	r->namelen = msg.msg_namelen;
	r->controllen = msg.msg_controllen;
}

static void receive_many(int fd, struct result *r, size_t room)
{
	struct mmsghdr msgs[MANY] = { 0 };
	struct iovec iov[MANY];
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		iov[i] = (struct iovec){ r->data[i], room };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	r->ret = recvmmsg(fd, msgs, MANY, MSG_DONTWAIT, NULL);
	for (i = 0; i < MANY; i++)
		r->lens[i] = msgs[i].msg_len;
}

static void read_it(int fd, struct result *r, size_t room, bool vector)
{
	struct iovec iov = { r->data[0], room };
	int err;

	fcntl(fd, F_SETFL, O_NONBLOCK);
	r->ret = vector ? readv(fd, &iov, 1) : read(fd, r->data[0], room);
	err = errno;
	fcntl(fd, F_SETFL, 0);
	errno = err;
}

static void by_uring(int fd, struct result *r, size_t room)
{
	struct iovec iov = { r->data[0], room };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	/* it polls where it would have to wait */
	if (!has_uring || poll(&pfd, 1, 0) != 1 || pfd.revents != POLLIN) {
		r->ret = recv(fd, r->data[0], room, MSG_DONTWAIT);
		return;
	}
	r->ret = uring_recvmsg(fd, &msg, MSG_DONTWAIT);
	errno = r->ret < 0 ? -r->ret : 0;
	r->ret = r->ret < 0 ? -1 : r->ret;
}

static void receive(int fd, struct result *r, enum way way, size_t room)
{
	int copy, err;

	memset(r, 0, sizeof(*r));
	r->namelen = sizeof(r->name);
	switch (way) {
	case RECV:
		r->ret = recv(fd, r->data[0], room, MSG_DONTWAIT);
		break;
	case RECV_FROM:
		r->ret = recvfrom(fd, r->data[0], room, MSG_DONTWAIT,
				  (void *)&r->name, &r->namelen);
		break;
	case RECV_MSG:
		receive_msg(fd, r, room, MSG_DONTWAIT, false);
		break;
	case RECV_MMSG:
		receive_many(fd, r, room);
		break;
	case CUT:
		receive_msg(fd, r, 60, MSG_DONTWAIT, false);
		break;
	case MEASURED:
		r->ret = recv(fd, r->data[0], 20, MSG_DONTWAIT | MSG_TRUNC);
		break;
	case CONTROL:
		receive_msg(fd, r, room, MSG_DONTWAIT, true);
		break;
	case PEEK:
		r->ret = recv(fd, r->data[0], room, MSG_DONTWAIT | MSG_PEEK);
		break;
	case READ:
	case READV:
		read_it(fd, r, room, way == READV);
		break;
	case COPY:
		copy = dup(fd);
		r->ret = recv(copy, r->data[0], room, MSG_DONTWAIT);
		err = errno;
		close(copy);
		errno = err;
		break;
	case URING:
		by_uring(fd, r, room);
		break;
	case WAYS:
		break;
	}
	r->err = r->ret < 0 ? errno : 0;
}

static int receive_both(enum way way)
{
	static struct result a, b;

	receive(plain, &a, way, LARGE);
	receive(shadow, &b, way, LARGE);
	assert_int_equal(a.ret, b.ret);
	assert_int_equal(a.err, b.err);
	if (a.ret >= 0) {
		assert_int_equal(a.flags, b.flags);
		assert_int_equal(a.namelen, b.namelen);
		assert_int_equal(a.controllen, b.controllen);
	}
	assert_memory_equal(&a.name, &b.name, sizeof(a.name));
	assert_memory_equal(a.control, b.control, sizeof(a.control));
	assert_memory_equal(a.lens, b.lens, sizeof(a.lens));
	assert_memory_equal(a.data, b.data, sizeof(a.data));
	return a.err;
}

static int setup(void **state)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	unsigned int i;

	(void)state;
	plain = open_unseen();
	shadow = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	from = open_unseen();
	assert_int_equal(bind(plain, (void *)&any, sizeof(any)), 0);
	assert_int_equal(bind(shadow, (void *)&any, sizeof(any)), 0);
	assert_int_equal(bind(from, (void *)&any, sizeof(any)), 0);
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, GROUP);
	for (i = 0; i < COMES + 2; i++) {
		multicast(100);
		assert_int_equal(receive_both(RECV), 0);
	}
	assert_true(has_ring(shadow));
	assert_false(has_ring(plain));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(plain);
	close(shadow);
	close(from);
	return 0;
}

static uint64_t counter(int attr)
{
	struct raw_socket s = { .fd = shadow };
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);

	assert_int_equal(getsockname(shadow, (void *)&addr, &len), 0);
	s.portid = addr.nl_pid;
	return raw_counter(&s, NETLINK_RX_RING, attr);
}

/*
 * In lockstep
 */

static size_t random_len(void)
{
	return sizeof(struct raw_message) +
	       rand() % (rand() % 20 ? 1900 : LARGE - 100);
}

static void lockstep(unsigned int seed, int rcvbuf, bool credentials)
{
	unsigned int round, n, losses = 0, messages = 0;
	int err;

	srand(seed);
	set_option(SOL_SOCKET, SO_RCVBUF, rcvbuf);
	for (round = 0; round < 150; round++) {
		/* an option that is set late, and set back */
		if (credentials && round % 40 == 20)
			set_option(SOL_SOCKET, SO_PASSCRED, round % 80 == 20);
		if (credentials && round % 60 == 30)
			set_option(SOL_NETLINK, NETLINK_PKTINFO,
				   round % 120 == 30);
		for (n = rand() % (rcvbuf / 500); n; n--)
			multicast(random_len());
		for (n = rand() % (rcvbuf / 500); n; n--) {
			err = receive_both(rand() % 3 ? rand() % PEEK :
							rand() % WAYS);
			if (err == EAGAIN)
				break;
			losses += err == ENOBUFS;
			messages += !err;
		}
	}
	print_message("seed %u: %u receives, %u losses, %d %% of messages through frames\n",
		      seed, messages, losses,
		      (int)(100 * counter(NETLINK_MMAP_A_RING_BY_RING) /
			    counter(NETLINK_MMAP_A_RING_MESSAGES)));
	assert_true(losses > 0);
}

static void test_lockstep(void **state)
{
	unsigned int seed;

	(void)state;
	for (seed = 0; seed < 4; seed++) {
		lockstep(seed, seed % 2 ? 150000 : 40000, seed / 2);
		assert_true(has_ring(shadow));
	}
}

/*
 * Waiting
 */

static pid_t tid;

static void *receive_one(void *data)
{
	char buf[LARGE];
	ssize_t ret;

	__atomic_store_n(&tid, gettid(), __ATOMIC_RELEASE);
	ret = recv(*(int *)data, buf, sizeof(buf), 0);
	return (void *)(ret == -1 ? -errno : ret);
}

static pthread_t start_receiver(int *fd)
{
	pthread_t thread;

	tid = 0;
	assert_int_equal(pthread_create(&thread, NULL, receive_one, fd), 0);
	assert_int_equal(wait_until_asleep(&tid), 0);
	return thread;
}

static void test_cancel(void **state)
{
	int pair[2], *fds[] = { &shadow, &plain, &pair[0] };
	pthread_t thread;
	unsigned int i;
	void *ret;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	for (i = 0; i < 3; i++) {
		thread = start_receiver(fds[i]);
		assert_int_equal(pthread_cancel(thread), 0);
		assert_int_equal(pthread_join(thread, &ret), 0);
		assert_ptr_equal(ret, PTHREAD_CANCELED);
	}
	/* nor does anybody wait for it */
	thread = start_receiver(&shadow);
	assert_int_equal(receive_both(RECV), EAGAIN);
	multicast(100);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_int_equal((intptr_t)ret, 100);
	assert_int_equal(recv(plain, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_TRUNC),
			 100);
	close(pair[0]);
	close(pair[1]);
}

/* edge-triggered: each arrival after the queue was empty is an event */
static void test_epoll(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	int ep = epoll_create1(0), i, n;

	(void)state;
	assert_int_equal(epoll_ctl(ep, EPOLL_CTL_ADD, shadow, &ev), 0);
	epoll_wait(ep, &ev, 1, 0);
	for (i = 0; i < 500; i++) {
		for (n = 0; n <= i % 4; n++)
			multicast(100);
		assert_int_equal(epoll_wait(ep, &ev, 1, -1), 1);
		for (n = 0; n <= i % 4; n++)
			assert_int_equal(receive_both(RECV), 0);
		assert_int_equal(receive_both(RECV), EAGAIN);
		assert_int_equal(epoll_wait(ep, &ev, 1, 0), 0);
	}
	close(ep);
}

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* SIGIO for each arrival, and a receive that it interrupts or not */
static void test_sigio(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int i;

	(void)state;
	assert_int_equal(sigaction(SIGIO, &sa, NULL), 0);
	assert_int_equal(fcntl(shadow, F_SETOWN, getpid()), 0);
	assert_int_equal(fcntl(shadow, F_SETFL, O_ASYNC), 0);
	for (i = 1; i < 100; i++) {
		multicast(100);
		assert_int_equal(signals, i);
		assert_int_equal(receive_both(RECV), 0);
	}
	assert_int_equal(fcntl(shadow, F_SETFL, 0), 0);
}

/*
 * Descriptors and processes
 */

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* what waits is the copy's, and the socket ends with its last descriptor */
static void test_copies(void **state)
{
	int copy, i;

	(void)state;
	copy = fcntl(shadow, F_DUPFD, 50);
	for (i = 0; i < 5; i++)
		multicast(100);
	assert_int_equal(receive_both(RECV), 0);
	close(shadow);
	shadow = copy;
	assert_false(has_ring(shadow));
	for (i = 0; i < 4; i++)
		assert_int_equal(receive_both(RECV), 0);
	assert_int_equal(receive_both(RECV), EAGAIN);
}

/* a dead ring is nobody's: the port ID is free, the number is another file's */
static void test_close_range(void **state)
{
	struct sockaddr_nl addr;
	socklen_t len = sizeof(addr);
	int old = shadow, pipes[2];

	(void)state;
	assert_int_equal(getsockname(shadow, (void *)&addr, &len), 0);
	multicast(100);
	assert_int_equal(close_range(shadow, shadow, 0), 0);
	shadow = open_unseen();
	assert_int_equal(shadow, old);
	assert_int_equal(bind(shadow, (void *)&addr, sizeof(addr)), 0);
	close(shadow);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(recv(pipes[0], &(char){ 0 }, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ENOTSOCK);
	close(pipes[0]);
	close(pipes[1]);
	shadow = open_unseen();
}

static void test_vfork(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		multicast(100);
	pid = vfork();
	if (pid == 0) {
		close(shadow);
		_exit(0);
	}
	wait_for(pid);
	assert_true(has_ring(shadow));
	for (i = 0; i < 3; i++)
		assert_int_equal(receive_both(RECV), 0);
}

/* a child of fork(), which maps the frames, and one of exec(), which has none */
static void test_children(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	multicast(100);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		for (i = 0; i < 2 * COMES; i++) {
			if (i > 0)
				multicast(100);
			if (receive_both(RECV) != 0)
				_exit(1);
		}
		_exit(0);
	}
	wait_for(pid);
	seq += 2 * COMES - 1;
	for (i = 0; i < 3; i++)
		multicast(100);
	assert_int_equal(receive_both(RECV), 0);
	pid = fork();
	if (pid == 0) {
		dup2(shadow, 60);
		execl("/proc/self/exe", "self", "--receive-one", "60", NULL);
		_exit(1);
	}
	wait_for(pid);
	assert_int_equal(recv(plain, &(char){ 0 }, 1, MSG_DONTWAIT), 1);
	assert_int_equal(receive_both(RECV), 0);
	assert_int_equal(receive_both(RECV), EAGAIN);
	assert_true(has_ring(shadow));
}

/* somebody who has nothing but the socket */
static int receive_fd(int fd)
{
	char buf[LARGE];

	return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 100 ? 0 : 1;
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_lockstep),
		TEST(test_cancel),
		TEST(test_epoll),
		TEST(test_sigio),
		TEST(test_copies),
		TEST(test_close_range),
		TEST(test_vfork),
		TEST(test_children),
	};

	if (argc > 2)
		return receive_fd(atoi(argv[2]));
	if (getenv("LD_PRELOAD") == NULL) {
		setenv("LD_PRELOAD", getenv("LIBRARY"), 1);
		execv("/proc/self/exe", argv);
		perror("execv");
		return 1;
	}
	alarm(500);
	has_uring = uring_open();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
