/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What every unit test includes. All of them use the public interface only.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>

#define ALIGNED __attribute__((aligned(MNL_ALIGNTO)))

/* the call fails as it says, with this errno */
#define assert_fails(call, error)			\
	do {						\
		errno = 0;				\
		assert_int_equal((call), -1);		\
		assert_int_equal(errno, (error));	\
	} while (0)

#define assert_null_errno(call, error)			\
	do {						\
		errno = 0;				\
		assert_null(call);			\
		assert_int_equal(errno, (error));	\
	} while (0)

/* Emulators of a system may know fewer protocols: the program ends. */
static inline void skip_without(int bus, size_t tests)
{
	struct mnl_socket *s = mnl_socket_open(bus);

	if (s == NULL) {
		printf("[  SKIPPED ] %zu test(s): no netlink protocol %d here\n",
		       tests, bus);
		exit(77);
	}
	mnl_socket_close(s);
}

#endif
