/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The library to preload under other names, for the test: src/Makefile.am
 * builds src/ring_preload.c a second time, with this in front of it.
 */
#ifndef TESTS_PRELOAD_H
#define TESTS_PRELOAD_H

#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <sys/socket.h>

ssize_t preload_recv(int fd, void *buf, size_t len, int flags);
ssize_t preload_recvfrom(int fd, void *buf, size_t len, int flags,
			 struct sockaddr *addr, socklen_t *addr_len);
ssize_t preload_recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
ssize_t preload_recvfrom_chk(int fd, void *buf, size_t len, size_t size,
			     int flags, struct sockaddr *addr,
			     socklen_t *addr_len);
ssize_t preload_recvmsg(int fd, struct msghdr *msg, int flags);
#ifdef __GLIBC__
int preload_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr, int flags,
		     struct timespec *timeout);
#else
int preload_recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr,
		     unsigned int flags, struct timespec *timeout);
#endif
int preload_socket(int domain, int type, int protocol);
int preload_setsockopt(int fd, int level, int option, const void *value,
		       socklen_t len);
int preload_close(int fd);
int preload_fclose(FILE *file);
int preload_dup2(int from, int to);
int preload_dup3(int from, int to, int flags);
int preload_close_range(unsigned int first, unsigned int last, int flags);
void preload_closefrom(int first);

/* the test's: the functions of libc by their names, in place of dlsym() */
void *played_function(void *handle, const char *name);

#ifdef RENAMED
#define recv		preload_recv
#define recvfrom	preload_recvfrom
#define __recv_chk	preload_recv_chk
#define __recvfrom_chk	preload_recvfrom_chk
#define recvmsg		preload_recvmsg
#define recvmmsg	preload_recvmmsg
#define socket		preload_socket
#define setsockopt	preload_setsockopt
#define close		preload_close
#define fclose		preload_fclose
#define dup2		preload_dup2
#define dup3		preload_dup3
#define close_range	preload_close_range
#define closefrom	preload_closefrom
#define dlsym		played_function
#endif

#endif
