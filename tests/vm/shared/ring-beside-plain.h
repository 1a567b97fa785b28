/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A socket with a ring and a plain one that get the same messages, for tests of
 * what happens past the ring and SO_RCVBUF.
 */
#ifndef TESTS_VM_RING_BESIDE_PLAIN_H
#define TESTS_VM_RING_BESIDE_PLAIN_H

#include "ring-syscalls.h"

#define FRAME	2048
#define FRAMES	8
#define GROUP	1
#define LEN	1000

extern struct raw_socket ring, plain, from;

void open_beside_plain(unsigned int flags);
int close_beside_plain(void **state);
void set_option(int level, int option, int value);
int error_of(const struct raw_socket *s);
uint32_t drops_of(const struct raw_socket *s);
void multicast(uint32_t seq);
void fill_frames(void);
unsigned int compare_messages(void);

#endif
