/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Parts of a guest test that run in a process of their own, because they give
 * up rights or change their namespaces.
 */
#ifndef TESTS_VM_CHILD_PROCESS_H
#define TESTS_VM_CHILD_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define NOBODY	65534

void child_run(void (*run)(void));
void child_wait(pid_t pid);

/* in the child */
void child_check(bool ok, int status);
void child_become_nobody(void);

#endif
