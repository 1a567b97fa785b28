/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests by io_uring, by system calls alone.
 */
#ifndef TESTS_VM_URING_SYSCALLS_H
#define TESTS_VM_URING_SYSCALLS_H

#include <stdbool.h>
#include <sys/socket.h>

bool uring_open(void);

/* one request, when there are no others: as recvmsg(), or a negative errno */
int uring_recvmsg(int fd, struct msghdr *msg, int flags);

/* The next of the requests that came to an end, @data as it was asked for. */
struct uring_end {
	unsigned long	data;
	int		res;	/* as the system call, or a negative errno */
};

/* to be woken once when one of @events is true of @fd */
void uring_ask_poll(int fd, short events, unsigned long data);
/* false: none for @usec microseconds, -1: no limit */
bool uring_wait(int usec, struct uring_end *end);

#endif
