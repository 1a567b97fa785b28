/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A program that receives by mnl_socket_recvfrom() and prints what it sees:
 * each datagram, each message, each error. With RING in the environment it
 * calls mnl_socket_mmap() first, and prints the same.
 *	RING	bytes of the RX ring, 0: the library's default
 */
#ifndef TESTS_VM_READER_H
#define TESTS_VM_READER_H

#include <stdbool.h>
#include <libmnl/libmnl.h>

struct reader {
	struct mnl_socket	*nl;
	char			*buf;
	size_t			size;
};

/* a call that must succeed for the program to make sense */
void reader_die(const char *what);

/* a number above 0, or the program ends */
unsigned long reader_number(const char *text);

void reader_open(struct reader *r, int bus, unsigned int groups, size_t size);
void reader_close(struct reader *r);

/* one receive; prints the length or the error. Bytes, or -1. */
ssize_t reader_receive(struct reader *r);

/* A digest of the payload, without an attribute that changes by itself (0: none)
 * and comes somewhere after @header bytes.
 */
unsigned int reader_digest(const struct nlmsghdr *nlh, size_t header,
			   unsigned int changing);

#endif
