// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a program finds that was written for today's interface on a module of the
 * first version: it can tell what is missing, and goes on with what is there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME	2048
#define FRAMES	8

/* no features are reported: the member is not there */
static void test_features(void **state)
{
	struct nl_mmap_state got = { .nm_features = 12345 };
	socklen_t len = sizeof(got);
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	assert_int_equal(len, offsetof(struct nl_mmap_state, nm_features));
	assert_int_equal(got.nm_features, 12345);
	raw_close(&s);
}

/* flags that came later are refused, and the same ring without them is set */
static void test_flags(void **state)
{
	struct nl_mmap_req req = raw_req(FRAME, FRAMES);
	struct raw_socket s, from;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req,
				       NL_MMAP_F_CONTROL | NL_MMAP_F_SHADOW), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req,
				       NL_MMAP_F_CONTROL | NL_MMAP_F_SENDER), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req,
				       NL_MMAP_F_CONTROL | NL_MMAP_F_SPAN), 0);
	assert_int_equal(raw_map(&s), 0);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	raw_expect(&s, 1, 100);
	raw_close(&from);
	raw_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_features),
		cmocka_unit_test(test_flags),
	};

	watchdog(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
