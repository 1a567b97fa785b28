/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library to preload under other names, for the test: src/Makefile.am
 * builds src/ring_preload.c a second time, with this in front of it.
 */
#ifndef TESTS_PRELOAD_H
#define TESTS_PRELOAD_H

#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

ssize_t preload_recv(int fd, void *buf, size_t len, int flags);
ssize_t preload_recvfrom(int fd, void *buf, size_t len, int flags,
			 struct sockaddr *addr, socklen_t *addr_len);
ssize_t preload_recvmsg(int fd, struct msghdr *msg, int flags);
int preload_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr, int flags,
		     struct timespec *timeout);
int preload_close(int fd);
int preload_dup2(int from, int to);
int preload_dup3(int from, int to, int flags);

/* the test's, called for syscall() */
long played_syscall(long number, ...);

#ifdef RENAMED
#define recv		preload_recv
#define recvfrom	preload_recvfrom
#define recvmsg		preload_recvmsg
#define recvmmsg	preload_recvmmsg
#define close		preload_close
#define dup2		preload_dup2
#define dup3		preload_dup3
#define syscall		played_syscall
#endif

#endif
