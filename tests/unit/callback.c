// SPDX-License-Identifier: LGPL-2.1-or-later
/* Callbacks: which runs for what, when a run ends, and with which errno. */
#include <limits.h>
#include "unit.h"

static char buf[1024] ALIGNED;
static size_t len;

static struct nlmsghdr *add(uint16_t type, size_t payload)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf + len);

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = 5;
	nlh->nlmsg_pid = 7;
	mnl_nlmsg_put_extra_header(nlh, payload);
	len += nlh->nlmsg_len;
	return nlh;
}

static void add_error(int error)
{
	struct nlmsghdr *nlh = add(NLMSG_ERROR, sizeof(struct nlmsgerr));

	((struct nlmsgerr *)mnl_nlmsg_get_payload(nlh))->error = error;
}

static int setup(void **state)
{
	(void)state;
	len = 0;
	return 0;
}

static int count_cb(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	++*(int *)data;
	return MNL_CB_OK;
}

static int run(int *count)
{
	*count = 0;
	return mnl_cb_run(buf, len, 5, 7, count_cb, count);
}

static void test_nothing(void **state)
{
	int count;

	(void)state;
	assert_int_equal(run(&count), MNL_CB_OK);
	add(NLMSG_MIN_TYPE, 0);
	len = 15;
	assert_int_equal(run(&count), MNL_CB_OK);
	assert_int_equal(count, 0);
}

static void test_data(void **state)
{
	int count;

	(void)state;
	add(NLMSG_MIN_TYPE, 4);
	add(0xffff, 5);
	assert_int_equal(run(&count), MNL_CB_OK);
	assert_int_equal(count, 2);
	assert_int_equal(mnl_cb_run(buf, len, 5, 7, NULL, NULL), MNL_CB_OK);
}

static void test_done(void **state)
{
	int count;

	(void)state;
	add(NLMSG_MIN_TYPE, 4);
	add(NLMSG_DONE, 4);
	add(NLMSG_MIN_TYPE, 4);
	assert_int_equal(run(&count), MNL_CB_STOP);
	assert_int_equal(count, 1);
}

static void test_noop_and_overrun(void **state)
{
	int count;

	(void)state;
	add(NLMSG_NOOP, 0);
	add(NLMSG_OVERRUN, 0);
	add(5, 0);
	add(0, 0);
	add(NLMSG_MIN_TYPE, 0);
	assert_int_equal(run(&count), MNL_CB_OK);
	assert_int_equal(count, 1);
}

static void test_error(void **state)
{
	int count;

	(void)state;
	add_error(-ENOENT);
	assert_fails(run(&count), ENOENT);
	len = 0;
	add_error(EPERM);
	assert_fails(run(&count), EPERM);
	len = 0;
	add_error(INT_MIN);
	assert_int_equal(run(&count), -1);
	len = 0;
	add_error(0);
	assert_int_equal(run(&count), MNL_CB_STOP);
	len = 0;
	add(NLMSG_ERROR, sizeof(struct nlmsgerr) - 4);
	assert_fails(run(&count), EBADMSG);
}

static void test_check(void **state)
{
	struct nlmsghdr *nlh = add(NLMSG_MIN_TYPE, 0);
	int count;

	(void)state;
	nlh->nlmsg_pid = 8;
	nlh->nlmsg_seq = 6;
	nlh->nlmsg_flags = NLM_F_DUMP_INTR;
	assert_fails(run(&count), ESRCH);
	nlh->nlmsg_pid = 7;
	assert_fails(run(&count), EPROTO);
	nlh->nlmsg_seq = 5;
	assert_fails(run(&count), EINTR);
	nlh->nlmsg_flags = 0;
	assert_int_equal(count, 0);
	assert_int_equal(run(&count), MNL_CB_OK);
}

static int result_cb(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	errno = EXDEV;
	return *(int *)data;
}

static void test_result(void **state)
{
	int result;

	(void)state;
	add(NLMSG_MIN_TYPE, 0);
	result = MNL_CB_ERROR;
	assert_fails(mnl_cb_run(buf, len, 0, 0, result_cb, &result), EXDEV);
	result = MNL_CB_STOP;
	assert_int_equal(mnl_cb_run(buf, len, 0, 0, result_cb, &result),
			 MNL_CB_STOP);
	result = 42;
	assert_int_equal(mnl_cb_run(buf, len, 0, 0, result_cb, &result), 42);
}

static void test_control_callbacks(void **state)
{
	mnl_cb_t ctl[NLMSG_MIN_TYPE] = { NULL };
	int count = 0;

	(void)state;
	add(5, 0);
	add_error(-ENOENT);
	add(NLMSG_DONE, 0);
	ctl[5] = count_cb;
	ctl[NLMSG_ERROR] = count_cb;
	/* NLMSG_DONE has no callback in the array: it is ignored */
	assert_int_equal(mnl_cb_run2(buf, len, 0, 0, NULL, &count, ctl,
				     MNL_ARRAY_SIZE(ctl)), MNL_CB_OK);
	assert_int_equal(count, 2);
	ctl[NLMSG_ERROR] = NULL;
	assert_int_equal(mnl_cb_run2(buf, len, 0, 0, NULL, &count, ctl,
				     NLMSG_DONE), MNL_CB_STOP);
	assert_int_equal(count, 2);
	assert_int_equal(mnl_cb_run2(buf, len, 0, 0, NULL, NULL, NULL,
				     MNL_ARRAY_SIZE(ctl)), MNL_CB_OK);
	/* past the end of the array: the default */
	assert_fails(mnl_cb_run2(buf, len, 0, 0, NULL, &count, ctl,
				 NLMSG_ERROR), ENOENT);
	assert_int_equal(count, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_data, setup),
		cmocka_unit_test_setup(test_done, setup),
		cmocka_unit_test_setup(test_noop_and_overrun, setup),
		cmocka_unit_test_setup(test_error, setup),
		cmocka_unit_test_setup(test_check, setup),
		cmocka_unit_test_setup(test_result, setup),
		cmocka_unit_test_setup(test_control_callbacks, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
