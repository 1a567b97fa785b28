// SPDX-License-Identifier: LGPL-2.1-or-later
/* Attributes: adding, reading, nesting, validating, walking. */
#include "unit.h"

static char buf[1024] ALIGNED;
static struct nlmsghdr *nlh;

static int setup(void **state)
{
	(void)state;
	memset(buf, 0xff, sizeof(buf));
	nlh = mnl_nlmsg_put_header(buf);
	return 0;
}

static struct nlattr *first(void)
{
	return mnl_nlmsg_get_payload(nlh);
}

static void test_put(void **state)
{
	(void)state;
	mnl_attr_put(nlh, 3 | NLA_F_NET_BYTEORDER, 5, "hello");
	assert_int_equal(nlh->nlmsg_len, 16 + 12);
	assert_int_equal(mnl_attr_get_type(first()), 3);
	assert_int_equal(mnl_attr_get_len(first()), 9);
	assert_int_equal(mnl_attr_get_payload_len(first()), 5);
	assert_memory_equal(mnl_attr_get_payload(first()), "hello\0\0\0", 8);
	mnl_attr_put(nlh, 4, 0, NULL);
	assert_int_equal(nlh->nlmsg_len, 16 + 12 + 4);
	assert_int_equal(mnl_attr_get_payload_len(mnl_attr_next(first())), 0);
}

static void test_integers(void **state)
{
	(void)state;
	mnl_attr_put_u8(nlh, 1, 0xab);
	mnl_attr_put_u16(nlh, 2, 0xabcd);
	mnl_attr_put_u32(nlh, 3, 0xabcdef01);
	mnl_attr_put_u64(nlh, 4, 0xabcdef0123456789ULL);
	assert_int_equal(nlh->nlmsg_len, 16 + 8 + 8 + 8 + 12);
	assert_int_equal(mnl_attr_get_u8(first()), 0xab);
	assert_int_equal(mnl_attr_get_uint(first()), 0xab);
	assert_int_equal(mnl_attr_get_u16(mnl_attr_next(first())), 0xabcd);
	assert_int_equal(mnl_attr_get_uint(mnl_attr_next(first())), 0xabcd);
	assert_int_equal(mnl_attr_get_u32((void *)(buf + 32)), 0xabcdef01);
	assert_int_equal(mnl_attr_get_uint((void *)(buf + 32)), 0xabcdef01);
	assert_true(mnl_attr_get_u64((void *)(buf + 40)) ==
		    0xabcdef0123456789ULL);
	assert_true(mnl_attr_get_uint((void *)(buf + 40)) ==
		    0xabcdef0123456789ULL);
}

static void test_uint_of_other_size(void **state)
{
	(void)state;
	mnl_attr_put(nlh, 1, 3, "abc");
	errno = 0;
	assert_true(mnl_attr_get_uint(first()) == UINT64_MAX);
	assert_int_equal(errno, EINVAL);
}

static void test_strings(void **state)
{
	(void)state;
	mnl_attr_put_str(nlh, 1, "abcd");
	assert_int_equal(mnl_attr_get_payload_len(first()), 4);
	mnl_attr_put_strz(nlh, 2, "abcd");
	assert_int_equal(mnl_attr_get_payload_len(mnl_attr_next(first())), 5);
	assert_string_equal(mnl_attr_get_str(mnl_attr_next(first())), "abcd");
	mnl_attr_put_str(nlh, 3, "");
	mnl_attr_put_strz(nlh, 4, "");
	assert_int_equal(nlh->nlmsg_len, 16 + 8 + 12 + 4 + 8);
}

/* every _check: one byte too few changes nothing, the exact room is enough */
#define CHECK_ROOM(need, call)						\
	do {								\
		size_t buflen = 16 + (need) - 1;			\
									\
		setup(NULL);						\
		assert_false(call);					\
		assert_int_equal(nlh->nlmsg_len, 16);			\
		assert_int_equal((unsigned char)buf[16], 0xff);		\
		buflen++;						\
		assert_true(call);					\
		assert_int_equal(nlh->nlmsg_len, 16 + (need));		\
	} while (0)

static void test_check(void **state)
{
	(void)state;
	CHECK_ROOM(12, mnl_attr_put_check(nlh, buflen, 1, 5, "hello"));
	CHECK_ROOM(8, mnl_attr_put_u8_check(nlh, buflen, 1, 1));
	CHECK_ROOM(8, mnl_attr_put_u16_check(nlh, buflen, 1, 1));
	CHECK_ROOM(8, mnl_attr_put_u32_check(nlh, buflen, 1, 1));
	CHECK_ROOM(12, mnl_attr_put_u64_check(nlh, buflen, 1, 1));
	CHECK_ROOM(8, mnl_attr_put_str_check(nlh, buflen, 1, "abcd"));
	CHECK_ROOM(12, mnl_attr_put_strz_check(nlh, buflen, 1, "abcd"));
	CHECK_ROOM(4, mnl_attr_nest_start_check(nlh, buflen, 1) != NULL);
}

static void test_nest(void **state)
{
	struct nlattr *outer, *inner;

	(void)state;
	outer = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_u8(nlh, 2, 1);
	inner = mnl_attr_nest_start_check(nlh, sizeof(buf), 3);
	mnl_attr_put_strz(nlh, 4, "x");
	mnl_attr_nest_end(nlh, inner);
	mnl_attr_nest_end(nlh, outer);
	assert_ptr_equal(outer, first());
	assert_int_equal(outer->nla_type, 1 | NLA_F_NESTED);
	assert_int_equal(mnl_attr_get_type(outer), 1);
	assert_int_equal(outer->nla_len, 4 + 8 + 4 + 8);
	assert_int_equal(inner->nla_len, 4 + 8);
	assert_int_equal(nlh->nlmsg_len, 16 + 24);
}

static void test_nest_cancel(void **state)
{
	struct nlattr *nest;

	(void)state;
	mnl_attr_put_u8(nlh, 1, 1);
	nest = mnl_attr_nest_start(nlh, 2);
	mnl_attr_put_strz(nlh, 3, "gone");
	mnl_attr_nest_cancel(nlh, nest);
	assert_int_equal(nlh->nlmsg_len, 16 + 8);
}

static void test_ok(void **state)
{
	static const struct { uint16_t nla_len; int len; bool ok; } t[] = {
		{ 4, 4, true }, { 4, 5, true }, { 5, 5, true },
		{ 5, 4, false }, { 4, 3, false }, { 4, 0, false },
		{ 4, -4, false }, { 3, 8, false }, { 0, 8, false },
		{ 0xffff, 0xffff, true }, { 0xffff, 0xfffe, false },
	};
	struct nlattr attr = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < MNL_ARRAY_SIZE(t); i++) {
		attr.nla_len = t[i].nla_len;
		assert_int_equal(mnl_attr_ok(&attr, t[i].len), t[i].ok);
	}
}

static void test_type_valid(void **state)
{
	(void)state;
	mnl_attr_put_u8(nlh, 5 | NLA_F_NESTED, 1);
	assert_int_equal(mnl_attr_type_valid(first(), 5), 1);
	assert_int_equal(mnl_attr_type_valid(first(), 0xffff), 1);
	assert_fails(mnl_attr_type_valid(first(), 4), EOPNOTSUPP);
}

/* what validate says to a payload of zeroes of this length; 0 or errno */
static int validate(enum mnl_attr_data_type type, size_t len)
{
	static const char zeroes[16];

	setup(NULL);
	mnl_attr_put(nlh, 1, len, zeroes);
	errno = 0;
	return mnl_attr_validate(first(), type) == 0 ? 0 : errno;
}

static void test_validate_sizes(void **state)
{
	static const struct {
		enum mnl_attr_data_type type;
		size_t len;
	} exact[] = {
		{ MNL_TYPE_U8, 1 }, { MNL_TYPE_U16, 2 }, { MNL_TYPE_U32, 4 },
		{ MNL_TYPE_U64, 8 }, { MNL_TYPE_MSECS, 8 },
		{ MNL_TYPE_FLAG, 0 },
	};
	unsigned int i;
	size_t len;

	(void)state;
	for (i = 0; i < MNL_ARRAY_SIZE(exact); i++)
		for (len = 0; len <= 16; len++)
			assert_int_equal(validate(exact[i].type, len),
					 len == exact[i].len ? 0 : ERANGE);
	for (len = 0; len <= 16; len++) {
		assert_int_equal(validate(MNL_TYPE_UNSPEC, len), 0);
		assert_int_equal(validate(MNL_TYPE_BINARY, len), 0);
		assert_int_equal(validate(MNL_TYPE_NESTED_COMPAT, len), 0);
		assert_int_equal(validate(MNL_TYPE_NESTED, len),
				 len > 0 && len < 4 ? ERANGE : 0);
		assert_int_equal(validate(MNL_TYPE_STRING, len),
				 len == 0 ? ERANGE : 0);
		assert_int_equal(validate(MNL_TYPE_NUL_STRING, len),
				 len == 0 ? ERANGE : 0);
	}
	assert_int_equal(validate(MNL_TYPE_MAX, 4), EINVAL);
	assert_int_equal(validate((enum mnl_attr_data_type)-1, 4), EINVAL);
}

static void test_validate_nul(void **state)
{
	(void)state;
	mnl_attr_put_str(nlh, 1, "no end");
	assert_fails(mnl_attr_validate(first(), MNL_TYPE_NUL_STRING), EINVAL);
	assert_int_equal(mnl_attr_validate(first(), MNL_TYPE_STRING), 0);
}

static void test_validate2(void **state)
{
	(void)state;
	mnl_attr_put(nlh, 1, 6, "struct");
	assert_int_equal(mnl_attr_validate2(first(), MNL_TYPE_UNSPEC, 6), 0);
	assert_int_equal(mnl_attr_validate2(first(), MNL_TYPE_UNSPEC, 0), 0);
	assert_fails(mnl_attr_validate2(first(), MNL_TYPE_UNSPEC, 5), ERANGE);
	assert_fails(mnl_attr_validate2(first(), MNL_TYPE_UNSPEC, 7), ERANGE);
	assert_fails(mnl_attr_validate2(first(), MNL_TYPE_MAX, 6), EINVAL);
}

struct walk {
	unsigned int count;
	unsigned int stop_at;
	int result;
};

static int walk_cb(const struct nlattr *attr, void *data)
{
	struct walk *w = data;

	(void)attr;
	return ++w->count == w->stop_at ? w->result : MNL_CB_OK;
}

static void test_parse(void **state)
{
	struct walk w = { 0 };

	(void)state;
	mnl_nlmsg_put_extra_header(nlh, 8);
	assert_int_equal(mnl_attr_parse(nlh, 8, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 0);
	mnl_attr_put_u8(nlh, 1, 1);
	mnl_attr_put_u8(nlh, 2, 1);
	mnl_attr_put_u8(nlh, 3, 1);
	assert_int_equal(mnl_attr_parse(nlh, 8, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 3);
	w = (struct walk){ 0, 2, MNL_CB_STOP };
	assert_int_equal(mnl_attr_parse(nlh, 8, walk_cb, &w), MNL_CB_STOP);
	assert_int_equal(w.count, 2);
	w = (struct walk){ 0, 2, MNL_CB_ERROR };
	assert_int_equal(mnl_attr_parse(nlh, 8, walk_cb, &w), MNL_CB_ERROR);
	/* an extra header that is longer than the message */
	w = (struct walk){ 0 };
	assert_int_equal(mnl_attr_parse(nlh, 500, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 0);
}

static void test_parse_malformed(void **state)
{
	struct walk w = { 0 };

	(void)state;
	mnl_attr_put_u8(nlh, 1, 1);
	mnl_attr_put_u8(nlh, 2, 1);
	/* longer than the message: the walk ends in front of it */
	mnl_attr_next(first())->nla_len = 9;
	assert_int_equal(mnl_attr_parse(nlh, 0, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 1);
	/* shorter than a header: no endless loop */
	w.count = 0;
	first()->nla_len = 0;
	assert_int_equal(mnl_attr_parse(nlh, 0, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 0);
}

static void test_parse_nested_and_payload(void **state)
{
	struct walk w = { 0 };
	struct nlattr *nest;

	(void)state;
	nest = mnl_attr_nest_start(nlh, 1);
	mnl_attr_put_u8(nlh, 1, 1);
	mnl_attr_put_u32(nlh, 2, 1);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_u8(nlh, 9, 1);
	assert_int_equal(mnl_attr_parse_nested(nest, walk_cb, &w), MNL_CB_OK);
	assert_int_equal(w.count, 2);
	w.count = 0;
	assert_int_equal(mnl_attr_parse_payload(first(), 28, walk_cb, &w),
			 MNL_CB_OK);
	assert_int_equal(w.count, 2);
	assert_int_equal(mnl_attr_parse_payload(first(), 0, walk_cb, &w),
			 MNL_CB_OK);
	assert_int_equal(w.count, 2);
}

static void test_for_each(void **state)
{
	const struct nlattr *attr;
	struct nlattr *nest;
	unsigned int types = 0;

	(void)state;
	mnl_attr_put_u8(nlh, 1, 1);
	nest = mnl_attr_nest_start(nlh, 2);
	mnl_attr_put_u8(nlh, 3, 1);
	mnl_attr_put_u8(nlh, 4, 1);
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_for_each(attr, nlh, 0)
		types |= 1 << mnl_attr_get_type(attr);
	assert_int_equal(types, 1 << 1 | 1 << 2);
	types = 0;
	mnl_attr_for_each_nested(attr, nest)
		types |= 1 << mnl_attr_get_type(attr);
	assert_int_equal(types, 1 << 3 | 1 << 4);
	types = 0;
	mnl_attr_for_each_payload(first(), 8)
		types |= 1 << mnl_attr_get_type(attr);
	assert_int_equal(types, 1 << 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_put, setup),
		cmocka_unit_test_setup(test_integers, setup),
		cmocka_unit_test_setup(test_uint_of_other_size, setup),
		cmocka_unit_test_setup(test_strings, setup),
		cmocka_unit_test_setup(test_check, setup),
		cmocka_unit_test_setup(test_nest, setup),
		cmocka_unit_test_setup(test_nest_cancel, setup),
		cmocka_unit_test_setup(test_ok, setup),
		cmocka_unit_test_setup(test_type_valid, setup),
		cmocka_unit_test_setup(test_validate_sizes, setup),
		cmocka_unit_test_setup(test_validate_nul, setup),
		cmocka_unit_test_setup(test_validate2, setup),
		cmocka_unit_test_setup(test_parse, setup),
		cmocka_unit_test_setup(test_parse_malformed, setup),
		cmocka_unit_test_setup(test_parse_nested_and_payload, setup),
		cmocka_unit_test_setup(test_for_each, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
