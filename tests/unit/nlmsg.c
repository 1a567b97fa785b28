// SPDX-License-Identifier: LGPL-2.1-or-later
/* Building, checking, walking and printing messages. */
#include "unit.h"

static void test_size(void **state)
{
	(void)state;
	assert_int_equal(MNL_NLMSG_HDRLEN, 16);
	assert_int_equal(mnl_nlmsg_size(0), 16);
	assert_int_equal(mnl_nlmsg_size(5), 21);
	assert_int_equal(MNL_ALIGN(0), 0);
	assert_int_equal(MNL_ALIGN(1), 4);
	assert_int_equal(MNL_ALIGN(4), 4);
	assert_int_equal(MNL_ALIGN(5), 8);
}

static void test_put_header(void **state)
{
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh;
	unsigned int i;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	assert_ptr_equal(nlh, buf);
	assert_int_equal(nlh->nlmsg_len, 16);
	assert_int_equal(nlh->nlmsg_type, 0);
	assert_int_equal(nlh->nlmsg_flags, 0);
	assert_int_equal(nlh->nlmsg_seq, 0);
	assert_int_equal(nlh->nlmsg_pid, 0);
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh), 0);
	for (i = 16; i < sizeof(buf); i++)
		assert_int_equal((unsigned char)buf[i], 0xff);
}

static void test_put_extra_header(void **state)
{
	char buf[64] ALIGNED, *extra;
	struct nlmsghdr *nlh;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	extra = mnl_nlmsg_put_extra_header(nlh, 5);
	assert_ptr_equal(extra, buf + 16);
	assert_memory_equal(extra, "\0\0\0\0\0\0\0", 8);
	assert_int_equal((unsigned char)buf[24], 0xff);
	assert_int_equal(nlh->nlmsg_len, 24);
	assert_ptr_equal(mnl_nlmsg_get_payload(nlh), extra);
	assert_ptr_equal(mnl_nlmsg_get_payload_offset(nlh, 5), extra + 8);
	assert_ptr_equal(mnl_nlmsg_get_payload_tail(nlh), extra + 8);
	nlh->nlmsg_len = 21;
	assert_ptr_equal(mnl_nlmsg_get_payload_tail(nlh), extra + 8);
	assert_int_equal(mnl_nlmsg_get_payload_len(nlh), 5);
}

static void test_ok(void **state)
{
	static const struct { unsigned int nlmsg_len; int len; bool ok; } t[] = {
		{ 16, 16, true }, { 16, 17, true }, { 17, 17, true },
		{ 17, 16, false }, { 16, 15, false }, { 16, 0, false },
		{ 16, -1, false }, { 15, 64, false }, { 0, 64, false },
		{ 64, 64, true }, { 65, 64, false },
		{ 0x7fffffff, 64, false }, { 0x80000000, 64, false },
		{ 0xfffffff0, 64, false },
	};
	struct nlmsghdr nlh = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < MNL_ARRAY_SIZE(t); i++) {
		nlh.nlmsg_len = t[i].nlmsg_len;
		assert_int_equal(mnl_nlmsg_ok(&nlh, t[i].len), t[i].ok);
	}
}

static void test_next(void **state)
{
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int len = 40;

	(void)state;
	nlh->nlmsg_len = 21;
	nlh = mnl_nlmsg_next(nlh, &len);
	assert_ptr_equal(nlh, buf + 24);
	assert_int_equal(len, 16);
	nlh->nlmsg_len = 16;
	assert_true(mnl_nlmsg_ok(nlh, len));
	mnl_nlmsg_next(nlh, &len);
	assert_int_equal(len, 0);
	/* padding that is not there: below zero, and so no message */
	len = 17;
	nlh->nlmsg_len = 17;
	nlh = mnl_nlmsg_next(nlh, &len);
	assert_int_equal(len, -3);
	assert_false(mnl_nlmsg_ok(nlh, len));
}

static void test_seq_and_portid(void **state)
{
	struct nlmsghdr nlh = { .nlmsg_seq = 5, .nlmsg_pid = 7 };

	(void)state;
	assert_true(mnl_nlmsg_seq_ok(&nlh, 5));
	assert_true(mnl_nlmsg_seq_ok(&nlh, 0));
	assert_false(mnl_nlmsg_seq_ok(&nlh, 6));
	assert_true(mnl_nlmsg_portid_ok(&nlh, 7));
	assert_true(mnl_nlmsg_portid_ok(&nlh, 0));
	assert_false(mnl_nlmsg_portid_ok(&nlh, 8));
	nlh.nlmsg_seq = 0;
	nlh.nlmsg_pid = 0;
	assert_true(mnl_nlmsg_seq_ok(&nlh, 6));
	assert_true(mnl_nlmsg_portid_ok(&nlh, 8));
}

static char *print(const void *msg, size_t len, size_t extra)
{
	static char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	text[0] = '\0';
	mnl_nlmsg_fprintf(f, msg, len, extra);
	fclose(f);
	return text;
}

#define RULE "----------------\t------------------\n"

static void test_fprintf(void **state)
{
	char buf[256] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nlattr *nest;

	(void)state;
	nlh->nlmsg_type = 20;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_MULTI | NLM_F_ACK | NLM_F_ECHO;
	nlh->nlmsg_seq = 7;
	nlh->nlmsg_pid = 9;
	memcpy(mnl_nlmsg_put_extra_header(nlh, 4), "\1\2\3\4", 4);
	mnl_attr_put(nlh, 5 | NLA_F_NET_BYTEORDER, 3, "a\1z");
	nest = mnl_attr_nest_start(nlh, 6);
	mnl_attr_put(nlh, 1, 4, "wxyz");
	mnl_attr_nest_end(nlh, nest);
	assert_string_equal(print(buf, nlh->nlmsg_len, 4),
		RULE
		"|  0000000040  |\t| message length |\n"
		"| 00020 | RMAE |\t|  type | flags  |\n"
		"|  0000000007  |\t| sequence number|\n"
		"|  0000000009  |\t|     port ID    |\n"
		RULE
		"| 01 02 03 04  |\t|  extra header  |\n"
		"|\033[1;31m00007\033[0m|\033[1;32m-B\033[0m|"
		"\033[1;34m00005\033[0m|\t|len |flags| type|\n"
		"| 61 01 7a 00  |\t|      data      |\t a   z  \n"
		"|\033[1;31m00012\033[0m|\033[1;32mN-\033[0m|"
		"\033[1;34m00006\033[0m|\t|len |flags| type|\n"
		"|\033[1;31m00008\033[0m|\033[1;32m--\033[0m|"
		"\033[1;34m00001\033[0m|\t|len |flags| type|\n"
		"| 77 78 79 7a  |\t|      data      |\t w x y z\n"
		RULE);
}

static void test_fprintf_control(void **state)
{
	char buf[64] ALIGNED = { 0 };
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	(void)state;
	nlh->nlmsg_type = NLMSG_ERROR;
	memset(mnl_nlmsg_put_extra_header(nlh, 4), 0xab, 4);
	assert_string_equal(print(buf, 20, 4),
		RULE
		"|  0000000020  |\t| message length |\n"
		"| 00002 | ---- |\t|  type | flags  |\n"
		"|  0000000000  |\t| sequence number|\n"
		"|  0000000000  |\t|     port ID    |\n"
		RULE
		"| ab ab ab ab  |\t|                |\n"
		RULE);
	/* a message that is not whole is not printed */
	assert_string_equal(print(buf, 19, 0), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_put_header),
		cmocka_unit_test(test_put_extra_header),
		cmocka_unit_test(test_ok),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_seq_and_portid),
		cmocka_unit_test(test_fprintf),
		cmocka_unit_test(test_fprintf_control),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
