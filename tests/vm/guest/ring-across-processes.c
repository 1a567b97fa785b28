// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings of several processes and descriptors: fork, exec, dup, a socket that
 * is passed on. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <fcntl.h>
#include <cmocka.h>

#include "child-process.h"
#include "ring-syscalls.h"

#define FRAME	2048
#define FRAMES	8

/*
 * lesson 8: the process ends with rings mapped. Put back by a mutex in the
 * socket's destructor: the kernel complains where it has DEBUG_ATOMIC_SLEEP.
 */
static void test_exit_with_mapping(void **state)
{
	struct raw_socket s;
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid) {
		raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
		_exit(0);
	}
	child_wait(pid);
}

/* the child's end takes nothing from the parent, nor the other way round */
static void test_fork(void **state)
{
	struct raw_socket s, from;
	int go[2];
	char c;
	pid_t pid;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(pipe(go), 0);
	pid = fork();
	if (!pid)
		_exit(0);
	child_wait(pid);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	raw_expect(&s, 1, 100);

	pid = fork();
	if (!pid) {
		/* the parent's side is gone when the pipe says so */
		_exit(read(go[0], &c, 1) != 1 ||
		      raw_send(&from, s.portid, 0, 2, 100, 0) != 100 ||
		      raw_status(raw_current(&s.rx)) != NL_MMAP_STATUS_VALID);
	}
	raw_close(&s);
	assert_int_equal(write(go[1], "", 1), 1);
	child_wait(pid);
	assert_int_equal(raw_send(&from, s.portid, 0, 3, 100, 0), -1);
	raw_close(&from);
	close(go[0]);
	close(go[1]);
}

/* the rings go with the program that is replaced, the socket stays */
static void test_exec(void **state)
{
	struct raw_socket s, from;
	int go[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(go), 0);
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		/* cat lives as long as its input */
		fcntl(s.fd, F_SETFD, 0);
		fcntl(go[1], F_SETFD, FD_CLOEXEC);
		dup2(go[0], 0);
		execl("/bin/cat", "cat", NULL);
		_exit(1);
	}
	raw_unmap(&s);
	/* mapped in the child, until it is another program */
	while (raw_set_ring(&s, NETLINK_RX_RING, (struct nl_mmap_req){ 0 }))
		assert_int_equal(errno, EBUSY);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(close(s.fd), 0);

	/* cat holds the socket: messages still get to it */
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	close(go[0]);
	close(go[1]);
	child_wait(pid);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
	free(s.rx.kept);
	raw_close(&from);
}

/* either descriptor is the socket */
static void test_dup(void **state)
{
	struct raw_socket s, from;
	int fd;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	fd = dup(s.fd);
	assert_true(fd >= 0);
	assert_int_equal(close(s.fd), 0);
	s.fd = fd;
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	assert_int_equal(raw_poll(&s, POLLIN, 0), POLLIN);
	raw_expect(&s, 1, 100);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      (struct nl_mmap_req){ 0 }), -1);
	assert_int_equal(errno, EBUSY);
	raw_close(&from);
	raw_close(&s);
}

static void pass_fd(int to, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	control.align.cmsg_len = CMSG_LEN(sizeof(fd));
	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &msg, 0), 1);
}

static int receive_fd(int from)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	int fd;

	if (recvmsg(from, &msg, 0) != 1 ||
	    control.align.cmsg_type != SCM_RIGHTS)
		_exit(10);
	memcpy(&fd, CMSG_DATA(&control.align), sizeof(fd));
	return fd;
}

/* who gets the socket maps its rings, and reads on where the other ended */
static void run_receiver(int from, struct raw_socket s)
{
	s.fd = receive_fd(from);
	if (raw_map(&s))
		_exit(1);
	raw_expect(&s, 1, 200);
	if (raw_poll(&s, POLLIN, 0))
		_exit(2);
	_exit(0);
}

static void test_scm_rights(void **state)
{
	struct raw_socket s, from;
	int pair[2];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	fflush(stdout);
	/* the child is there before the rings are: it has nothing of them */
	raw_open(&from, NETLINK_USERSOCK);
	memset(&s, 0, sizeof(s));
	s.rx.req = raw_req(FRAME, FRAMES);
	s.rx.head = 1;
	pid = fork();
	if (!pid)
		run_receiver(pair[1], s);
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	assert_int_equal(raw_send(&from, s.portid, 0, 0, 100, 0), 100);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 200, 0), 200);
	raw_expect(&s, 0, 100);
	pass_fd(pair[0], s.fd);
	raw_close(&s);
	child_wait(pid);
	raw_close(&from);
	close(pair[0]);
	close(pair[1]);
}

/*
 * On its way: the only reference is in a message that nobody receives, or in
 * the queue of the socket that it is.
 */
static void test_scm_rights_lost(void **state)
{
	struct raw_socket s, from;
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_open(&from, NETLINK_USERSOCK);
	pass_fd(pair[0], s.fd);
	raw_close(&s);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	close(pair[0]);
	close(pair[1]);
	/* the file is freed by a task of the kernel's */
	while (raw_send(&from, s.portid, 0, 2, 100, MSG_DONTWAIT) == 100)
		;
	raw_close(&from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_with_mapping),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_scm_rights),
		cmocka_unit_test(test_scm_rights_lost),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
