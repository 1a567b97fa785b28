/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request at a time by io_uring, by system calls alone.
 */
#ifndef TESTS_VM_URING_SYSCALLS_H
#define TESTS_VM_URING_SYSCALLS_H

#include <stdbool.h>
#include <sys/socket.h>

bool uring_open(void);
int uring_recvmsg(int fd, struct msghdr *msg, int flags);

#endif
