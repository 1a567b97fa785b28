/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A reader of shadow rings, as short as it can be: what netlink_mmap.h asks of
 * one that takes messages from frames.
 */
#ifndef TESTS_VM_SHADOW_READER_H
#define TESTS_VM_SHADOW_READER_H

#include "ring-syscalls.h"

struct shadow {
	const struct raw_socket *s;
	uint32_t position;	/* of the message that it takes next */
	uint32_t overruns;	/* as it saw them last */
};

void shadow_open(struct raw_socket *s, int protocol, unsigned int frames);
void shadow_begin(struct shadow *r, const struct raw_socket *s);
ssize_t shadow_take(struct shadow *r, void *buf, size_t len);
unsigned int shadow_word(unsigned int status, uint32_t position);
unsigned int shadow_status(const struct raw_socket *s, uint32_t position);

#endif
