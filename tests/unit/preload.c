// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What libmnl-ring-preload.so does with a program's calls, on a kernel that
 * this program plays. Its functions have other names here (recvmsg() is
 * preload_recvmsg()), and its system calls land in the played kernel. Real
 * programs with it are in tests/vm. No privileges.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../shared/wait-until-asleep.h"
#include "played-kernel.h"
#include "preload.h"
#include "unit.h"

static unsigned int argument_nr(long number)
{
	switch (number) {
	case SYS_close:
		return 1;
	case SYS_recvfrom:
		return 6;
	case SYS_recvmmsg:
		return 5;
	default:
		return 3;
	}
}

/* those that ring_preload.c makes; all arguments are words */
long played_syscall(long number, ...)
{
	long a[6] = { 0 };
	unsigned int i;
	va_list ap;

	va_start(ap, number);
	for (i = 0; i < argument_nr(number); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	switch (number) {
	case SYS_recvmsg:
		return recvmsg(a[0], (void *)a[1], a[2]);
	case SYS_close:
		return close(a[0]);
	default:
		return syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
	}
}

static int fd, peer;
static struct sockaddr_nl addr;

static int open_bound(void)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int s = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	assert_true(s >= 0);
	assert_int_equal(bind(s, (void *)&own, sizeof(own)), 0);
	return s;
}

static int setup(void **state)
{
	socklen_t len = sizeof(addr);

	(void)state;
	memset(&played, 0, sizeof(played));
	fd = open_bound();
	peer = open_bound();
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(preload_close(fd), 0);
	assert_int_equal(preload_close(peer), 0);
	return 0;
}

static void send_message(unsigned int seq, size_t len)
{
	static char buf[100000] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_len = len;
	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_seq = seq;
	memset(buf + sizeof(*nlh), seq, len - sizeof(*nlh));
	assert_int_equal(sendto(peer, buf, len, 0, (void *)&addr,
				sizeof(addr)), len);
}

static void check(const char *buf, unsigned int seq, size_t len)
{
	const struct nlmsghdr *nlh = (const void *)buf;
	size_t i;

	assert_int_equal(nlh->nlmsg_seq, seq);
	for (i = sizeof(*nlh); i < len; i++)
		assert_int_equal((unsigned char)buf[i], seq & 0xff);
}

static bool has_ring(int s)
{
	return played_rx_frame(s, 0) != NULL;
}

static void test_recv(void **state)
{
	static char buf[100000] ALIGNED;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	unsigned int i;

	(void)state;
	for (i = 0; i < 3000; i++) {
		size_t size = 100 + i % 5 * 1500;

		send_message(i, size);
		if (i % 2) {
			memset(&from, 0xff, sizeof(from));
			assert_int_equal(preload_recvfrom(fd, buf, sizeof(buf),
							  0, (void *)&from,
							  &len), size);
			assert_int_equal(len, sizeof(from));
			assert_int_equal(from.nl_family, AF_NETLINK);
			assert_int_equal(from.nl_groups, 0);
		} else {
			assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0),
					 size);
		}
		check(buf, i, size);
	}
	assert_true(has_ring(fd));
}

/* looked at, cut, measured: as recvmsg(2) does */
static void test_flags(void **state)
{
	struct sockaddr_nl from;
	char buf[200] ALIGNED;
	struct iovec iov[2] = { { buf, 60 }, { buf + 60, 100 } };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = iov,
		.msg_iovlen = 2,
	};

	(void)state;
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	send_message(7, 150);
	assert_int_equal(preload_recv(fd, NULL, 0, MSG_PEEK | MSG_TRUNC), 150);
	assert_int_equal(preload_recvmsg(fd, &msg, MSG_PEEK), 150);
	check(buf, 7, 150);
	assert_int_equal(msg.msg_flags, 0);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(preload_recvmsg(fd, &msg, 0), 150);
	check(buf, 7, 150);
	assert_int_equal(msg.msg_namelen, sizeof(from));

	send_message(8, 400);
	assert_int_equal(preload_recvmsg(fd, &msg, 0), 160);
	assert_int_equal(msg.msg_flags, MSG_TRUNC);
	send_message(9, 400);
	assert_int_equal(preload_recvmsg(fd, &msg, MSG_TRUNC), 400);
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_fails(preload_recv(fd, buf, sizeof(buf), 0), EAGAIN);
}

/* announced by a COPY frame, looked at and taken; or gone by then */
static void test_copy(void **state)
{
	static char buf[100000] ALIGNED;
	unsigned int i;

	(void)state;
	send_message(0, 100);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 100);
	assert_true(has_ring(fd));
	/* the frames are the test's */
	played.lenient = LENIENT_DELIVERY;
	for (i = 1; i < 100; i++) {
		send_message(i, 20000);
		played_frame(fd, NL_MMAP_STATUS_COPY, 20000);
		assert_int_equal(preload_recv(fd, buf, sizeof(buf), MSG_PEEK),
				 20000);
		assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 20000);
		check(buf, i, 20000);
	}
	played_frame(fd, NL_MMAP_STATUS_COPY, 20000);
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

/* of kernels whose parts of dumps would be too long */
static void test_old_module(void **state)
{
	char buf[100] ALIGNED;

	(void)state;
	played.no_features = true;
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_false(has_ring(fd));
}

static void test_recvmmsg(void **state)
{
	static char buf[8][256] ALIGNED;
	struct timespec timeout = { 0 };
	struct iovec iov[8];
	struct mmsghdr msgs[8] = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		iov[i].iov_base = buf[i];
		iov[i].iov_len = sizeof(buf[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	assert_int_equal(preload_recvmmsg(fd, msgs, 0, 0, NULL), 0);
	assert_fails(preload_recvmmsg(fd, msgs, 8, MSG_DONTWAIT, NULL), EAGAIN);
	for (i = 0; i < 5; i++)
		send_message(i, 100 + i);
	assert_int_equal(preload_recvmmsg(fd, msgs, 8, MSG_WAITFORONE, NULL),
			 5);
	for (i = 0; i < 5; i++) {
		assert_int_equal(msgs[i].msg_len, 100 + i);
		check(buf[i], i, 100 + i);
	}
	/* the time is over after the first */
	for (i = 0; i < 3; i++)
		send_message(i, 100);
	assert_int_equal(preload_recvmmsg(fd, msgs, 8, 0, &timeout), 1);
	assert_int_equal(preload_recvmmsg(fd, msgs, 2, 0, NULL), 2);
}

/* sockets of other families, and those that want to know more */
static void test_left_alone(void **state)
{
	char buf[100] ALIGNED;
	int pipe[2], on = 1;
	struct mmsghdr none;

	(void)state;
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on,
				    sizeof(on)), 0);
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_false(has_ring(fd));
	assert_int_equal(preload_recvmmsg(fd, &none, 0, 0, NULL), 0);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe), 0);
	assert_int_equal(write(pipe[0], "hello", 5), 5);
	assert_int_equal(preload_recv(pipe[1], buf, sizeof(buf), 0), 5);
	assert_fails(preload_recv(-1, buf, sizeof(buf), 0), EBADF);
	assert_fails(preload_recv(5000, buf, sizeof(buf), 0), EBADF);
	assert_fails(preload_close(-1), EBADF);
	assert_int_equal(preload_close(pipe[0]), 0);
	assert_int_equal(preload_close(pipe[1]), 0);
}

/* no module: as if nothing had been preloaded */
static void test_no_module(void **state)
{
	char buf[100] ALIGNED;

	(void)state;
	played.no_family = true;
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_false(has_ring(fd));
	check(buf, 1, 64);
}

/* another socket under the number of one that had a ring */
static void test_numbers(void **state)
{
	char buf[100] ALIGNED;
	int other = open_bound();

	(void)state;
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_true(has_ring(fd));
	assert_int_equal(preload_dup2(fd, fd), fd);
	assert_true(has_ring(fd));
	assert_int_equal(preload_dup2(other, fd), fd);
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	assert_int_equal(preload_dup3(other, fd, O_CLOEXEC), fd);
	assert_fails(preload_dup3(fd, fd, 0), EINVAL);
	assert_fails(preload_dup2(-1, -1), EBADF);
	assert_int_equal(preload_close(other), 0);
}

/*
 * Another thread sleeps in recv(). Not under gcc's sanitizers, which lose track
 * of mutexes and stacks when a thread is cancelled.
 */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CAN_CANCEL
#endif

#ifdef CAN_CANCEL

static void *receive_one(void *data)
{
	static char buf[100] ALIGNED;

	__atomic_store_n((pid_t *)data, gettid(), __ATOMIC_RELEASE);
	return (void *)preload_recv(fd, buf, sizeof(buf), 0);
}

static pthread_t start_receiver(void)
{
	pid_t tid = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, receive_one, &tid), 0);
	assert_int_equal(wait_until_asleep(&tid), 0);
	return thread;
}

/* who cancels it closes the socket */
static void test_cancel(void **state)
{
	pthread_t thread = start_receiver();
	char buf[100] ALIGNED;
	void *ret;

	(void)state;
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, PTHREAD_CANCELED);
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
}

/* close() does not wait for it; the number is another socket's at once */
static void test_close(void **state)
{
	pthread_t thread = start_receiver();
	char buf[100] ALIGNED;
	int number = fd;

	(void)state;
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	assert_int_equal(fd, number);
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_false(has_ring(fd));

	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	send_message(2, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_true(has_ring(fd));
}
#endif

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_recv),
		TEST(test_flags),
		TEST(test_copy),
		TEST(test_recvmmsg),
		TEST(test_left_alone),
		TEST(test_no_module),
		TEST(test_old_module),
		TEST(test_numbers),
#ifdef CAN_CANCEL
		TEST(test_cancel),
		TEST(test_close),
#endif
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
#ifndef CAN_CANCEL
	printf("not run: threads that are cancelled, under a sanitizer\n");
#endif
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
