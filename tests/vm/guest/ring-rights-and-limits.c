// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The generic netlink family, and who may have rings: attaching, listing,
 * users and their limits, containers, network namespaces. Needs the module and
 * root.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "child-process.h"
#include "ring-syscalls.h"

#define FRAME	2048
#define FRAMES	8

static void test_attach_errors(void **state)
{
	int fds[2], fd;

	(void)state;
	assert_int_equal(raw_attach(-1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_attach(1000), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(raw_attach(fds[0]), -1);
	assert_int_equal(errno, ENOTSOCK);
	fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	assert_int_equal(raw_attach(fd), -1);
	assert_int_equal(errno, EAFNOSUPPORT);
	close(fd);
	close(fds[0]);
	close(fds[1]);
}

static void test_attach_twice(void **state)
{
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	if (!raw_built_in()) {
		assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
					      raw_req(FRAME, FRAMES)), -1);
		assert_int_equal(errno, ENOPROTOOPT);
	}
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	raw_close(&s);
}

static uint64_t inode(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

/* one ring by the inode of its socket; the others are not found */
static void test_get_one(void **state)
{
	struct raw_socket a, b;

	(void)state;
	raw_open_rings(&a, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open_rings(&b, NETLINK_ROUTE, FRAME, 0, 2 * FRAMES);
	assert_int_equal(raw_get(inode(a.fd), NETLINK_RX_RING,
				 NETLINK_MMAP_A_RING_FRAME_NR), FRAMES);
	assert_int_equal(raw_get(inode(b.fd), NETLINK_TX_RING,
				 NETLINK_MMAP_A_RING_FRAME_NR), 2 * FRAMES);
	assert_int_equal(raw_get(inode(a.fd), NETLINK_RX_RING,
				 NETLINK_MMAP_A_RING_PROTOCOL),
			 NETLINK_USERSOCK);
	assert_int_equal(raw_get(inode(a.fd), NETLINK_RX_RING,
				 NETLINK_MMAP_A_RING_PORTID), a.portid);
	assert_int_equal(raw_get(inode(a.fd), NETLINK_TX_RING,
				 NETLINK_MMAP_A_RING_FRAME_NR), -ENOENT);
	assert_int_equal(raw_get(1, NETLINK_RX_RING,
				 NETLINK_MMAP_A_RING_FRAME_NR), -ENOENT);
	assert_int_equal(raw_get(inode(a.fd), 5, NETLINK_MMAP_A_RING_FRAME_NR),
			 -ERANGE);
	assert_int_equal(raw_get(inode(a.fd), 0, NETLINK_MMAP_A_RING_FRAME_NR),
			 -EINVAL);
	raw_close(&b);
	assert_int_equal(raw_get(inode(a.fd), NETLINK_TX_RING,
				 NETLINK_MMAP_A_RING_FRAME_NR), -ENOENT);
	raw_close(&a);
}

/* each counter is what happened */
static void test_counters(void **state)
{
	static const struct { int attr; unsigned int value; } expected[] = {
		{ NETLINK_MMAP_A_RING_MESSAGES, 12 },
		{ NETLINK_MMAP_A_RING_BYTES, 8 * 100 + 3000 + 2 * 100 + 20000 },
		{ NETLINK_MMAP_A_RING_BY_RING, 11 },
		{ NETLINK_MMAP_A_RING_BY_COPY, 1 },
		{ NETLINK_MMAP_A_RING_SPILLED, 3 },
		{ NETLINK_MMAP_A_RING_SPANS, 1 },
		{ NETLINK_MMAP_A_RING_DROPS, 0 },
		{ NETLINK_MMAP_A_RING_IN_USE, 1 },
		{ NETLINK_MMAP_A_RING_FLAGS, NL_MMAP_F_SPAN },
	};
	struct raw_socket to, from;
	static char buf[30000];
	unsigned int i;

	(void)state;
	raw_open_rx(&to, NETLINK_USERSOCK, FRAME, FRAMES, NL_MMAP_F_SPAN);
	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < 8; i++)
		raw_send(&from, to.portid, 0, i, 100, 0);
	raw_send(&from, to.portid, 0, i, 3000, 0);
	raw_send(&from, to.portid, 0, i, 100, 0);
	raw_send(&from, to.portid, 0, i, 20000, 0);
	raw_send(&from, to.portid, 0, i, 100, 0);
	for (i = 0; i < 12; i++) {
		while (!raw_next(&to.rx))
			assert_int_equal(raw_poll(&to, POLLIN, -1), POLLIN);
		if (raw_status(raw_next(&to.rx)) == NL_MMAP_STATUS_COPY)
			assert_int_equal(recv(to.fd, buf, sizeof(buf), 0),
					 20000);
		if (i < 11)
			raw_take(&to.rx);
	}
	for (i = 0; i < sizeof(expected) / sizeof(*expected); i++)
		assert_int_equal(raw_counter(&to, NETLINK_RX_RING,
					     expected[i].attr),
				 expected[i].value);
	raw_close(&from);
	raw_close(&to);
}

/* a user of his own, with 64 KiB to lock: one ring of that size, given back */
static void memlock_child(void)
{
	struct rlimit limit = { 65536, 65536 };
	struct nl_mmap_req req = raw_req(4096, 16);
	struct raw_socket s, second;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) || setuid(54321))
		_exit(2);
	raw_open(&s, NETLINK_USERSOCK);
	raw_open(&second, NETLINK_USERSOCK);
	if (raw_attach(s.fd) || raw_attach(second.fd) ||
	    raw_set_ring(&s, NETLINK_RX_RING, req))
		_exit(3);
	if (!raw_set_ring(&second, NETLINK_RX_RING, raw_req(4096, 1)) ||
	    errno != ENOBUFS)
		_exit(4);
	close(s.fd);
	_exit(raw_set_ring(&second, NETLINK_RX_RING, req) ? 5 : 0);
}

static void test_memlock_limit(void **state)
{
	pid_t pid;

	(void)state;
	pid = fork();
	if (!pid)
		memlock_child();
	child_wait(pid);
}

/* no right is needed but that to a socket */
static void run_as_nobody(void)
{
	struct raw_socket to, from;

	child_become_nobody();
	raw_open_rings(&to, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_open(&from, NETLINK_USERSOCK);
	child_check(raw_send(&from, to.portid, 0, 1, 100, 0) == 100, 2);
	child_check(raw_status(raw_current(&to.rx)) == NL_MMAP_STATUS_VALID, 3);
	child_check(raw_counter(&to, NETLINK_RX_RING,
				NETLINK_MMAP_A_RING_MESSAGES) == 1, 4);
}

static void test_nobody(void **state)
{
	(void)state;
	child_run(run_as_nobody);
}

/* root in a user namespace of its own: rings, but within the limit */
static void run_in_container(void)
{
	struct rlimit limit = { 65536, 65536 };
	struct raw_socket s;

	child_become_nobody();
	child_check(!setrlimit(RLIMIT_MEMLOCK, &limit), 2);
	child_check(!unshare(CLONE_NEWUSER | CLONE_NEWNET), 3);
	raw_open(&s, NETLINK_ROUTE);
	child_check(!raw_attach(s.fd), 4);
	child_check(raw_set_ring(&s, NETLINK_RX_RING, raw_req(4096, 17)) &&
		    errno == ENOBUFS, 5);
	child_check(!raw_set_ring(&s, NETLINK_RX_RING, raw_req(4096, 16)), 6);
	child_check(!raw_map(&s), 7);
	child_check(raw_counter(&s, NETLINK_RX_RING,
				NETLINK_MMAP_A_RING_FRAME_NR) == 16, 8);
}

static void test_container(void **state)
{
	(void)state;
	child_run(run_in_container);
}

/* the control page counts, too */
static void run_control_over_limit(void)
{
	struct rlimit limit = { 65536, 65536 };
	struct raw_socket s;

	child_check(!setrlimit(RLIMIT_MEMLOCK, &limit) && !setuid(54322), 1);
	raw_open(&s, NETLINK_USERSOCK);
	child_check(!raw_attach(s.fd), 2);
	child_check(raw_set_ring2(&s, NETLINK_RX_RING, raw_req(4096, 16),
				  NL_MMAP_F_CONTROL) && errno == ENOBUFS, 3);
	child_check(!raw_set_ring2(&s, NETLINK_RX_RING, raw_req(4096, 15),
				   NL_MMAP_F_CONTROL), 4);
}

static void test_control_over_limit(void **state)
{
	(void)state;
	child_run(run_control_over_limit);
}

/*
 * Memory cgroup
 */

#define CGROUP	"/run/ring-cgroup"

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	child_check(f && fputs(text, f) >= 0 && !fclose(f), 50);
}

static unsigned long read_number(const char *name)
{
	unsigned long value = 0;
	FILE *f = fopen(name, "r");

	child_check(f && fscanf(f, "%lu", &value) == 1 && !fclose(f), 51);
	return value;
}

static void run_in_cgroup(void)
{
	struct raw_socket s;
	unsigned long before;

	child_check(!mkdir(CGROUP "/ring", 0755), 1);
	write_file(CGROUP "/ring/memory.max", "8388608");
	write_file(CGROUP "/ring/cgroup.procs", "0");
	raw_open(&s, NETLINK_USERSOCK);
	child_check(!raw_attach(s.fd), 2);
	before = read_number(CGROUP "/ring/memory.current");
	child_check(!raw_set_ring(&s, NETLINK_RX_RING, raw_req(4096, 1024)), 3);
	child_check(read_number(CGROUP "/ring/memory.current") >=
		    before + (4 << 20), 4);
	/* more than it may have: told, nobody is killed */
	child_check(raw_set_ring(&s, NETLINK_TX_RING, raw_req(4096, 4096)) &&
		    errno == ENOMEM, 5);
}

static void test_memory_cgroup(void **state)
{
	(void)state;
	mkdir(CGROUP, 0755);
	assert_int_equal(mount("cgroup", CGROUP, "cgroup2", 0, NULL), 0);
	assert_int_equal(system("echo +memory >" CGROUP
				"/cgroup.subtree_control"), 0);
	child_run(run_in_cgroup);
	assert_int_equal(rmdir(CGROUP "/ring"), 0);
	assert_int_equal(umount(CGROUP), 0);
}

/*
 * Network namespaces
 */

static int to_parent[2], to_child[2];

static void tell(int fd)
{
	child_check(write(fd, "", 1) == 1, 60);
}

static void await(int fd)
{
	char c;

	child_check(read(fd, &c, 1) == 1, 61);
}

/* a pair of interfaces: when the namespace of one is gone, both are */
static void run_in_namespace(void)
{
	char command[100];
	struct raw_socket s;

	child_check(!unshare(CLONE_NEWNET), 1);
	snprintf(command, sizeof(command),
		 "ip link add inside type veth peer name outside netns %d",
		 getppid());
	child_check(!system(command), 2);
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	child_check(raw_count_rings() == 2, 3);
	tell(to_parent[1]);
	await(to_child[0]);
	child_check(raw_counter(&s, NETLINK_RX_RING,
				NETLINK_MMAP_A_RING_FRAME_NR) == FRAMES, 4);
}

/* each sees its own rings; the end of one frees all there is in it */
static void test_namespaces(void **state)
{
	struct raw_socket s;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(to_parent), 0);
	assert_int_equal(pipe(to_child), 0);
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		run_in_namespace();
		_exit(0);
	}
	await(to_parent[0]);
	assert_int_equal(raw_count_rings(), 1);
	assert_int_not_equal(if_nametoindex("outside"), 0);
	tell(to_child[1]);
	child_wait(pid);
	/* freed by a worker of the kernel's; the alarm of main() ends this */
	while (if_nametoindex("outside"))
		sched_yield();
	assert_int_equal(raw_count_rings(), 1);
	raw_close(&s);
	assert_int_equal(raw_count_rings(), 0);
}

/* a socket goes on in the namespace that it was made in */
static void test_stays_in_namespace(void **state)
{
	struct raw_socket s, from;
	pid_t pid;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		child_check(!unshare(CLONE_NEWNET), 1);
		child_check(raw_count_rings() == 0, 2);
		child_check(raw_send(&from, s.portid, 0, 7, 100, 0) == 100, 3);
		_exit(0);
	}
	child_wait(pid);
	raw_expect(&s, 7, 100);
	raw_close(&from);
	raw_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_errors),
		cmocka_unit_test(test_attach_twice),
		cmocka_unit_test(test_get_one),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_memlock_limit),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_container),
		cmocka_unit_test(test_control_over_limit),
		cmocka_unit_test(test_memory_cgroup),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_stays_in_namespace),
	};

	watchdog(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
