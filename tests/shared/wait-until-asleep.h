/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Waits until another thread of the program sleeps in the kernel, for tests
 * whose thread sleeps in one place only.
 */
#ifndef TESTS_WAIT_UNTIL_ASLEEP_H
#define TESTS_WAIT_UNTIL_ASLEEP_H

#include <sched.h>
#include <stdio.h>
#include <sys/types.h>

/* @tid: written by the thread when it begins, 0 until then; -1: it is gone */
static inline int wait_until_asleep(const pid_t *tid)
{
	char path[64], state = 0;
	pid_t id;
	FILE *f;

	while ((id = __atomic_load_n(tid, __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)id);
	do {
		f = fopen(path, "r");
		if (f == NULL)
			return -1;
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = 0;
		fclose(f);
	} while (state != 'S');
	return 0;
}

#endif
