// SPDX-License-Identifier: LGPL-2.1-or-later
/* Batches: filling to the byte, overflow, what reset keeps. */
#include "unit.h"

#define LIMIT	64

static char buf[2 * LIMIT] ALIGNED;

static void put(struct mnl_nlmsg_batch *b, unsigned int len, unsigned int seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b));

	mnl_nlmsg_put_extra_header(nlh, len - MNL_NLMSG_HDRLEN);
	nlh->nlmsg_seq = seq;
}

static void test_empty(void **state)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, LIMIT);

	(void)state;
	assert_non_null(b);
	assert_true(mnl_nlmsg_batch_is_empty(b));
	assert_int_equal(mnl_nlmsg_batch_size(b), 0);
	assert_ptr_equal(mnl_nlmsg_batch_head(b), buf);
	assert_ptr_equal(mnl_nlmsg_batch_current(b), buf);
	mnl_nlmsg_batch_reset(b);
	assert_true(mnl_nlmsg_batch_is_empty(b));
	mnl_nlmsg_batch_stop(b);
}

static void test_full_to_the_byte(void **state)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, LIMIT);

	(void)state;
	put(b, 24, 1);
	assert_true(mnl_nlmsg_batch_next(b));
	assert_false(mnl_nlmsg_batch_is_empty(b));
	assert_ptr_equal(mnl_nlmsg_batch_current(b), buf + 24);
	put(b, LIMIT - 24, 2);
	assert_true(mnl_nlmsg_batch_next(b));
	assert_int_equal(mnl_nlmsg_batch_size(b), LIMIT);
	mnl_nlmsg_batch_reset(b);
	assert_true(mnl_nlmsg_batch_is_empty(b));
	mnl_nlmsg_batch_stop(b);
}

static void test_overflow(void **state)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, LIMIT);
	const struct nlmsghdr *nlh = (void *)buf;

	(void)state;
	put(b, 24, 1);
	assert_true(mnl_nlmsg_batch_next(b));
	put(b, LIMIT - 24 + 4, 2);
	assert_false(mnl_nlmsg_batch_next(b));
	/* what is sent does not hold the second message */
	assert_int_equal(mnl_nlmsg_batch_size(b), 24);
	mnl_nlmsg_batch_reset(b);
	assert_false(mnl_nlmsg_batch_is_empty(b));
	assert_int_equal(mnl_nlmsg_batch_size(b), LIMIT - 24 + 4);
	assert_int_equal(nlh->nlmsg_seq, 2);
	mnl_nlmsg_batch_reset(b);
	assert_true(mnl_nlmsg_batch_is_empty(b));
	mnl_nlmsg_batch_stop(b);
}

static void test_first_too_large(void **state)
{
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, 32);

	(void)state;
	put(b, 36, 1);
	assert_false(mnl_nlmsg_batch_next(b));
	assert_true(mnl_nlmsg_batch_is_empty(b));
	mnl_nlmsg_batch_reset(b);
	assert_int_equal(mnl_nlmsg_batch_size(b), 36);
	mnl_nlmsg_batch_stop(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_full_to_the_byte),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_first_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
