// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parts of a guest test in a process of their own: see child-process.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "child-process.h"

/* fails the test unless the child ends with status 0 */
void child_wait(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void child_run(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		run();
		_exit(0);
	}
	child_wait(pid);
}

/* an exit status for each check: the test prints which one it was */
void child_check(bool ok, int status)
{
	if (!ok)
		_exit(status);
}

void child_become_nobody(void)
{
	child_check(!setgid(NOBODY) && !setuid(NOBODY), 100);
}
