// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings of several processes and descriptors: fork, exec, dup, a socket that
 * is passed on. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
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
#include "../../shared/wait-until-asleep.h"

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

/* a message in the TX frame at the head, VALID */
static void commit(struct raw_socket *s, uint32_t seq, size_t len)
{
	struct nl_mmap_hdr *hdr = raw_current(&s->tx);

	hdr->nm_len = raw_build(raw_payload(hdr), seq, len);
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&s->tx);
}

/* whoever sends, a message of @len bytes comes, with the sender's user ID */
static void expect_from(int fd, uint32_t seq, size_t len, uid_t uid)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = { 0 };
	char buf[FRAME];
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct ucred cred;

	assert_int_equal(recvmsg(fd, &msg, MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
	assert_int_equal(control.align.cmsg_type, SCM_CREDENTIALS);
	memcpy(&cred, CMSG_DATA(&control.align), sizeof(cred));
	assert_int_equal(cred.uid, uid);
}

static struct raw_socket tx, receiver;

static void open_sender(void)
{
	int on = 1;

	raw_open_rings(&tx, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_open(&receiver, NETLINK_USERSOCK);
	assert_int_equal(setsockopt(receiver.fd, SOL_SOCKET, SO_PASSCRED, &on,
				    sizeof(on)), 0);
}

/* a call of a process that does not map the ring, which runs nothing */
static void run_unmapped(void)
{
	child_check(raw_run_tx(&tx, receiver.portid, 0) == -1, 21);
	child_check(errno == ENODATA, 22);
}

static void unmap_and_run(void)
{
	raw_unmap(&tx);
	run_unmapped();
	/* messages of its own are sent as ever */
	child_check(raw_send(&tx, receiver.portid, 0, 7, 100, 0) == 100, 23);
}

/* as standard output of a program that writes nothing to it */
static void exec_and_run(void)
{
	char portid[32];

	snprintf(portid, sizeof(portid), "%u", receiver.portid);
	dup2(tx.fd, STDOUT_FILENO);
	execl("/proc/self/exe", "ring-across-processes", "--run-tx", portid, NULL);
	child_check(false, 24);
}

static void run_as_nobody(void)
{
	child_become_nobody();
	child_check(raw_run_tx(&tx, receiver.portid, 0) == 300, 25);
}

/*
 * Frames are run by processes that have them mapped, with the rights of the one
 * that does. A process with nothing but the descriptor runs none of them.
 */
static void test_who_runs_frames(void **state)
{
	(void)state;
	open_sender();
	commit(&tx, 1, 200);
	child_run(unmap_and_run);
	expect_from(receiver.fd, 7, 100, 0);
	child_run(exec_and_run);
	assert_int_equal(recv(receiver.fd, NULL, 0, MSG_DONTWAIT), -1);
	assert_int_equal(raw_status(raw_frame(&tx.tx, 0)),
			 NL_MMAP_STATUS_VALID);

	/* the parent still has it mapped */
	assert_int_equal(raw_run_tx(&tx, receiver.portid, 0), 200);
	expect_from(receiver.fd, 1, 200, 0);

	/* a child that kept the mapping and gave up its rights: as itself */
	commit(&tx, 2, 300);
	child_run(run_as_nobody);
	expect_from(receiver.fd, 2, 300, NOBODY);
	assert_int_equal(raw_run_tx(&tx, receiver.portid, 0), 0);

	/* part of the mapping is enough, and after the last part it is over */
	commit(&tx, 3, 100);
	assert_int_equal(munmap(tx.map, getpagesize()), 0);
	assert_int_equal(raw_run_tx(&tx, receiver.portid, 0), 100);
	expect_from(receiver.fd, 3, 100, 0);
	raw_unmap(&tx);
	assert_int_equal(raw_run_tx(&tx, receiver.portid, 0), -1);
	assert_int_equal(errno, ENODATA);
	raw_close(&tx);
	raw_close(&receiver);
}

/* who gets the socket runs frames once it has mapped them */
static void run_mapper(int from, struct raw_socket s, uint32_t portid)
{
	s.fd = receive_fd(from);
	child_check(raw_run_tx(&s, portid, 0) == -1 && errno == ENODATA, 31);
	child_check(!raw_map(&s), 32);
	child_check(raw_run_tx(&s, portid, 0) == 200, 33);
	_exit(0);
}

static void test_passed_socket_runs_frames(void **state)
{
	struct raw_socket s;
	int pair[2];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	fflush(stdout);
	/* the child is there before the rings are: it has nothing of them */
	raw_open(&receiver, NETLINK_USERSOCK);
	memset(&s, 0, sizeof(s));
	s.rx.req = raw_req(FRAME, FRAMES);
	s.tx.req = raw_req(FRAME, FRAMES);
	pid = fork();
	if (!pid)
		run_mapper(pair[1], s, receiver.portid);
	raw_open_rings(&tx, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	commit(&tx, 5, 200);
	pass_fd(pair[0], tx.fd);
	child_wait(pid);
	assert_int_equal(raw_status(raw_frame(&tx.tx, 0)),
			 NL_MMAP_STATUS_UNUSED);
	raw_close(&tx);
	raw_close(&receiver);
	close(pair[0]);
	close(pair[1]);
}

/*
 * A ring that nobody maps
 */

static void open_unmapped(struct raw_socket *s)
{
	raw_open(s, NETLINK_USERSOCK);
	if (!raw_built_in())
		assert_int_equal(raw_attach(s->fd), 0);
	assert_int_equal(raw_set_ring(s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
}

static void expect_recv(const struct raw_socket *s, uint32_t seq, size_t len)
{
	char buf[FRAME];

	assert_int_equal(recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
}

static void expect_recv_error(const struct raw_socket *s, int error)
{
	char buf[FRAME];

	assert_int_equal(recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, error);
}

/* before the first mmap() messages are received as from a plain socket */
static void test_not_mapped_yet(void **state)
{
	struct raw_socket s, from;
	unsigned int i;

	(void)state;
	open_unmapped(&s);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_poll(&s, POLLIN, 0), 0);
	for (i = 0; i < 3; i++)
		raw_send(&from, s.portid, 0, i, 100, 0);
	assert_int_equal(raw_poll(&s, POLLIN, 0), POLLIN);
	for (i = 0; i < 3; i++)
		expect_recv(&s, i, 100);
	for (; i < 5; i++)
		raw_send(&from, s.portid, 0, i, 100, 0);
	assert_int_equal(raw_map(&s), 0);
	assert_int_equal(raw_status(raw_current(&s.rx)), NL_MMAP_STATUS_UNUSED);
	raw_send(&from, s.portid, 0, i, 100, 0);
	for (i = 3; i < 6; i++)
		raw_expect(&s, i, 100);
	expect_recv_error(&s, EAGAIN);
	raw_close(&from);
	raw_close(&s);
}

static struct raw_socket shared_socket, sender;

/* maps the ring, reads message 0, and is gone */
static void map_and_die(void)
{
	child_check(!raw_map(&shared_socket), 41);
	child_check(raw_send(&sender, shared_socket.portid, 0, 0, 100, 0) == 100 &&
		    raw_send(&sender, shared_socket.portid, 0, 1, 200, 0) == 200 &&
		    raw_send(&sender, shared_socket.portid, 0, 2, 300, 0) == 300, 42);
	raw_expect(&shared_socket, 0, 100);
	child_check(raw_status(raw_current(&shared_socket.rx)) ==
		    NL_MMAP_STATUS_VALID, 43);
}

static int setup_mapper(void **state)
{
	(void)state;
	open_unmapped(&shared_socket);
	raw_open(&sender, NETLINK_USERSOCK);
	return 0;
}

static int teardown_mapper(void **state)
{
	(void)state;
	raw_close(&shared_socket);
	raw_close(&sender);
	return 0;
}

/*
 * Who goes on receiving gets to know, once, that the messages are lost that the
 * other one had not read, and after that what comes now.
 */
static void test_mapper_dies(void **state)
{
	struct raw_socket *s = &shared_socket;
	struct nl_mmap_state got;
	socklen_t len = sizeof(got);

	(void)state;
	child_run(map_and_die);
	assert_int_equal(raw_send(&sender, s->portid, 0, 3, 100, 0), 100);
	assert_int_equal(raw_poll(s, POLLIN, 0), POLLIN | POLLERR);
	expect_recv_error(s, ENOBUFS);
	expect_recv(s, 3, 100);
	expect_recv_error(s, EAGAIN);
	assert_int_equal(raw_counter(s, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_DROPS), 2);
	assert_int_equal(raw_counter(s, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_IN_USE), 0);

	/* nothing of that is in the ring when it is mapped once more */
	assert_int_equal(raw_map(s), 0);
	assert_int_equal(getsockopt(s->fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	s->rx.head = got.nm_head;
	assert_int_equal(raw_poll(s, POLLIN, 0), 0);
	for (len = 0; len < 3 * FRAMES; len++) {
		assert_int_equal(raw_send(&sender, s->portid, 0, len, 100, 0), 100);
		raw_expect(s, len, 100);
	}
	assert_int_equal(raw_counter(s, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_DROPS), 2);
}

/* with NETLINK_NO_ENOBUFS a loss is counted, and not reported */
static void test_mapper_dies_unreported(void **state)
{
	struct raw_socket *s = &shared_socket;
	const int on = 1;

	(void)state;
	assert_int_equal(setsockopt(s->fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on,
				    sizeof(on)), 0);
	child_run(map_and_die);
	assert_int_equal(raw_poll(s, POLLIN, 0), 0);
	expect_recv_error(s, EAGAIN);
	assert_int_equal(raw_counter(s, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_DROPS), 2);
	assert_int_equal(raw_send(&sender, s->portid, 0, 3, 100, 0), 100);
	expect_recv(s, 3, 100);
}

/*
 * Somebody lists the rings while one is cleared that nobody maps: its counts are
 * right afterwards. Put back: without the lock, IN_USE goes below 0, and poll()
 * reports an empty ring readable.
 */
static bool stop_listing;

static void *list_rings(void *arg)
{
	while (!__atomic_load_n(&stop_listing, __ATOMIC_ACQUIRE))
		assert_int_equal(raw_count_rings(), 1);
	return arg;
}

#define MANY_FRAMES	4096

static void test_cleared_while_listed(void **state)
{
	struct raw_socket *s = &shared_socket;
	struct nl_mmap_state got;
	pthread_t thread;
	unsigned int round, i;
	socklen_t len;

	(void)state;
	raw_close(s);
	raw_open(s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s->fd), 0);
	assert_int_equal(raw_set_ring(s, NETLINK_RX_RING,
				      raw_req(128, MANY_FRAMES)), 0);
	stop_listing = false;
	assert_int_equal(pthread_create(&thread, NULL, list_rings, NULL), 0);
	for (round = 0; round < 30; round++) {
		len = sizeof(got);
		assert_int_equal(getsockopt(s->fd, SOL_NETLINK, NETLINK_RX_RING,
					    &got, &len), 0);
		assert_int_equal(raw_map(s), 0);
		for (i = 0; i < MANY_FRAMES; i++)
			assert_int_equal(raw_send(&sender, s->portid, 0, i, 64,
						  0), 64);
		/* read, but not yet looked at: a listing moves over them */
		s->rx.head = got.nm_head;
		for (i = 0; i < MANY_FRAMES - 1; i++)
			raw_release(&s->rx);
		raw_unmap(s);
		expect_recv_error(s, ENOBUFS);
		expect_recv_error(s, EAGAIN);
		assert_int_equal(raw_counter(s, NETLINK_RX_RING,
					     NETLINK_MMAP_A_RING_IN_USE), 0);
		assert_int_equal(raw_map(s), 0);
		assert_int_equal(raw_poll(s, POLLIN, 0), 0);
		raw_unmap(s);
	}
	__atomic_store_n(&stop_listing, true, __ATOMIC_RELEASE);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* who maps the ring first finds them all, and nothing is lost */
static void test_mapped_again(void **state)
{
	struct raw_socket *s = &shared_socket;

	(void)state;
	child_run(map_and_die);
	assert_int_equal(raw_send(&sender, s->portid, 0, 3, 100, 0), 100);
	assert_int_equal(raw_map(s), 0);
	s->rx.head = 1;
	raw_expect(s, 1, 200);
	raw_expect(s, 2, 300);
	raw_expect(s, 3, 100);
	expect_recv_error(s, EAGAIN);
	assert_int_equal(raw_counter(s, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_DROPS), 0);
}

/* nothing unread, nothing lost */
static void map_read_all_and_die(void)
{
	map_and_die();
	raw_expect(&shared_socket, 1, 200);
	raw_expect(&shared_socket, 2, 300);
}

static void test_mapper_dies_with_nothing(void **state)
{
	(void)state;
	child_run(map_read_all_and_die);
	expect_recv_error(&shared_socket, EAGAIN);
	assert_int_equal(raw_poll(&shared_socket, POLLIN, 0), 0);
	assert_int_equal(raw_send(&sender, shared_socket.portid, 0, 9, 100, 0),
			 100);
	expect_recv(&shared_socket, 9, 100);
}

static pid_t waiter_tid;

static void *wait_in_recv(void *arg)
{
	char buf[FRAME];

	(void)arg;
	__atomic_store_n(&waiter_tid, gettid(), __ATOMIC_RELEASE);
	assert_int_equal(recv(shared_socket.fd, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, ENOBUFS);
	__atomic_store_n(&waiter_tid, -1, __ATOMIC_RELEASE);
	return NULL;
}

static void *wait_in_poll(void *arg)
{
	(void)arg;
	__atomic_store_n(&waiter_tid, gettid(), __ATOMIC_RELEASE);
	/* readable as long as the other one has messages in frames */
	while (!(raw_poll(&shared_socket, POLLIN, -1) & POLLERR))
		;
	expect_recv_error(&shared_socket, ENOBUFS);
	__atomic_store_n(&waiter_tid, -1, __ATOMIC_RELEASE);
	return NULL;
}

static int die_when, is_mapped;

static void map_and_wait(void)
{
	char c;

	child_check(!raw_map(&shared_socket) && write(is_mapped, "", 1) == 1 &&
		    read(die_when, &c, 1) == 1, 44);
	raw_unmap(&shared_socket);
	map_and_die();
}

/* a process that sleeps gets to know without another message */
static void check_waiter(void *(*waiter)(void *))
{
	int go[2], ready[2];
	pthread_t thread;
	pid_t pid;
	char c;

	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	die_when = go[0];
	is_mapped = ready[1];
	waiter_tid = 0;
	fflush(stdout);
	pid = fork();
	if (!pid) {
		map_and_wait();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(pthread_create(&thread, NULL, waiter, NULL), 0);
	assert_int_equal(wait_until_asleep(&waiter_tid), 0);
	assert_int_equal(write(go[1], "", 1), 1);
	child_wait(pid);
	assert_int_equal(pthread_join(thread, NULL), 0);
	expect_recv_error(&shared_socket, EAGAIN);
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
}

static void test_mapper_dies_under_recv(void **state)
{
	(void)state;
	check_waiter(wait_in_recv);
}

static void test_mapper_dies_under_poll(void **state)
{
	(void)state;
	check_waiter(wait_in_poll);
}

static pid_t poller_tid;

static void *poll_out(void *arg)
{
	__atomic_store_n(&poller_tid, gettid(), __ATOMIC_RELEASE);
	assert_int_equal(raw_poll(arg, POLLOUT, -1), POLLOUT);
	__atomic_store_n(&poller_tid, -1, __ATOMIC_RELEASE);
	return NULL;
}

/* poll() waits for a free TX frame, and is woken when one is released */
static void test_pollout_is_woken(void **state)
{
	pthread_t thread;
	unsigned int i;

	(void)state;
	open_sender();
	for (i = 0; i < FRAMES; i++)
		commit(&tx, i, 100);
	assert_int_equal(raw_poll(&tx, POLLOUT, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, poll_out, &tx), 0);
	assert_int_equal(wait_until_asleep(&poller_tid), 0);
	assert_int_equal(raw_run_tx(&tx, receiver.portid, 0), FRAMES * 100);
	assert_int_equal(pthread_join(thread, NULL), 0);
	raw_close(&tx);
	raw_close(&receiver);
}

/* --run-tx: what the program does that exec_and_run() starts */
static int run_tx_of_stdout(const char *portid)
{
	tx.fd = STDOUT_FILENO;
	receiver.portid = atoi(portid);
	run_unmapped();
	/* write() of nothing, to the kernel */
	return write(STDOUT_FILENO, "", 0) == -1 && errno == ENODATA ? 0 : 26;
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exit_with_mapping),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_exec),
		cmocka_unit_test(test_dup),
		cmocka_unit_test(test_scm_rights),
		cmocka_unit_test(test_scm_rights_lost),
		cmocka_unit_test(test_who_runs_frames),
		cmocka_unit_test(test_passed_socket_runs_frames),
		cmocka_unit_test(test_pollout_is_woken),
		cmocka_unit_test(test_not_mapped_yet),
		cmocka_unit_test_setup_teardown(test_mapper_dies,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_mapper_dies_unreported,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_cleared_while_listed,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_mapped_again,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_mapper_dies_with_nothing,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_mapper_dies_under_recv,
						setup_mapper, teardown_mapper),
		cmocka_unit_test_setup_teardown(test_mapper_dies_under_poll,
						setup_mapper, teardown_mapper),
	};

	if (argc == 3 && !strcmp(argv[1], "--run-tx"))
		return run_tx_of_stdout(argv[2]);
	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
