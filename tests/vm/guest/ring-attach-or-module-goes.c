// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A socket is attached, or the module is removed, never both: three processes
 * attach while another one removes the module, which it loads again for each
 * round. Needs root and the module's file; skipped where netlink has rings itself.
 *	ring-attach-or-module-goes MODULE [ROUNDS]
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "child-process.h"
#include "ring-syscalls.h"

#define ATTACHERS	3
#define STEP		2000	/* nanoseconds */

static const char *module_file;
static unsigned int rounds = 60;

/* of all processes */
struct shared {
	pthread_barrier_t barrier;
	bool removed;
	bool attached[ATTACHERS];
	unsigned int refused;	/* attaching, because the module was going */
	unsigned int in_use;	/* rounds in which the module stayed */
};

static struct shared *shared;

static void meet(void)
{
	pthread_barrier_wait(&shared->barrier);
}

static void spin(long nanoseconds)
{
	struct timespec begin, now;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec -
		 begin.tv_nsec < nanoseconds);
}

static void load(void)
{
	int fd = open(module_file, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(syscall(SYS_finit_module, fd, "", 0), 0);
	close(fd);
}

static int remove_module(void)
{
	return syscall(SYS_delete_module, "netlink_mmap", O_NONBLOCK) ? errno : 0;
}

static void use(int fd)
{
	struct nl_mmap_req req = raw_req(2048, 8);

	child_check(!setsockopt(fd, SOL_NETLINK, NETLINK_RX_RING, &req,
				sizeof(req)), 11);
}

/*
 * Attaches @delay later. What the module's removal did decides the next delay: by a
 * share of it, as a busy machine may need a thousand times what an idle one needs.
 */
static void attach_once(unsigned int me, long *delay)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	uint16_t family;
	int err, genl;

	child_check(fd >= 0, 12);
	meet();
	genl = raw_open_family(&family);
	meet();
	spin(*delay);
	err = raw_attach_by(genl, family, fd);
	child_check(!err || err == ENOENT, 14);
	shared->attached[me] = !err;
	if (err)
		__atomic_add_fetch(&shared->refused, 1, __ATOMIC_RELAXED);
	meet();
	*delay += shared->removed ? -*delay / 4 : *delay / 4 + STEP;
	if (!err) {
		child_check(!shared->removed, 15);
		use(fd);
	}
	close(genl);
	close(fd);
	meet();
}

static void attach(unsigned int me)
{
	unsigned int i;
	long delay = 0;

	for (i = 0; i < rounds; i++)
		attach_once(me, &delay);
}

static void remove_once(void)
{
	unsigned int i;
	int err;

	load();
	meet();
	meet();
	spin(10 * STEP);
	err = remove_module();
	assert_true(!err || err == EWOULDBLOCK);
	shared->removed = !err;
	shared->in_use += !!err;
	meet();
	for (i = 0; i < ATTACHERS; i++)
		assert_false(shared->attached[i] && shared->removed);
	meet();
	/* until the sockets are gone: an RCU grace period */
	while (err) {
		sched_yield();
		err = remove_module();
		assert_true(!err || err == EWOULDBLOCK);
	}
}

static void test_attach_or_remove(void **state)
{
	pthread_barrierattr_t attr;
	pid_t pids[ATTACHERS];
	unsigned int i;

	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(shared, MAP_FAILED);
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	assert_int_equal(pthread_barrier_init(&shared->barrier, &attr,
					      ATTACHERS + 1), 0);
	fflush(stdout);
	for (i = 0; i < ATTACHERS; i++) {
		pids[i] = fork();
		if (!pids[i]) {
			attach(i);
			_exit(0);
		}
	}
	for (i = 0; i < rounds; i++)
		remove_once();
	for (i = 0; i < ATTACHERS; i++)
		child_wait(pids[i]);
	print_message("%u rounds, the module stayed in %u, %u attempts refused\n",
		      rounds, shared->in_use, shared->refused);
	/* neither side always came first */
	assert_true(shared->in_use > 0 && shared->in_use < rounds);
}

int main(int argc, char *argv[])
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach_or_remove),
	};

	if (argc < 2) {
		fprintf(stderr, "Usage: %s MODULE [ROUNDS]\n", argv[0]);
		return 2;
	}
	module_file = argv[1];
	if (argc > 2)
		rounds = atoi(argv[2]);
	if (raw_built_in()) {
		puts("not run: there is no module");
		return 0;
	}
	watchdog(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
