/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the fuzz targets have in common: input as a message of exactly its
 * size, so that the sanitizer sees a read of the next byte.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy in memory of its own, rounded up to four bytes, as buffers are. */
static inline void *copy_input(const uint8_t *data, size_t size)
{
	void *copy = calloc(1, MNL_ALIGN(size) + MNL_ALIGNTO);

	if (copy == NULL)
		abort();
	memcpy(copy, data, size);
	return copy;
}

#endif
