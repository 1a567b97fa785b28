// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints what a program gets from <libmnl/libmnl.h>: constants, sizes, and the
 * results of the macros. Compiled with Debian's header and with ours, it must
 * print the same. It also expands each macro for strict compilers.
 *	constants.h	CONSTANT(name) for each, from header-compare
 */
#include <stdio.h>
#include <string.h>
#include <libmnl/libmnl.h>

static void print_constants(void)
{
#define CONSTANT(name)	printf(#name " %ld\n", (long)(name));
#include "constants.h"
#undef CONSTANT
	printf("AUTOPID %d\n", MNL_SOCKET_AUTOPID);
	printf("SOL_NETLINK %d\n", SOL_NETLINK);
	printf("sizeof enum mnl_attr_data_type %zu\n",
	       sizeof(enum mnl_attr_data_type));
	printf("sizeof mnl_cb_t %zu\n", sizeof(mnl_cb_t));
	printf("sizeof mnl_attr_cb_t %zu\n", sizeof(mnl_attr_cb_t));
}

static void print_aligned(void)
{
	unsigned int len;
	size_t size;
	int i;

	for (i = -9; i < 9; i++)
		printf("MNL_ALIGN(%d) %d\n", i, MNL_ALIGN(i));
	for (len = 0; len < 70; len++)
		printf("MNL_ALIGN(%u) %u\n", len, (unsigned int)MNL_ALIGN(len));
	for (size = 65530; size < 65540; size++)
		printf("MNL_ALIGN(%zu) %zu\n", size, (size_t)MNL_ALIGN(size));
}

static void print_attribute(const char *how, const struct nlattr *attr)
{
	printf("%s: type %u, %u bytes\n", how, mnl_attr_get_type(attr),
	       mnl_attr_get_payload_len(attr));
}

static struct nlattr *put_attributes(struct nlmsghdr *nlh)
{
	struct nlattr *nest;
	uint16_t i;

	mnl_attr_put_u32(nlh, 1, 1);
	nest = mnl_attr_nest_start(nlh, 2);
	for (i = 1; i < 20; i++)
		mnl_attr_put(nlh, i, i, "abcdefghijklmnopqrstuvwxyz");
	mnl_attr_nest_end(nlh, nest);
	mnl_attr_put_strz(nlh, 3, "end");
	return nest;
}

static void print_walks(void)
{
	static const int array[] = { 1, 2, 3, 4, 5, 6, 7 };
	union {
		struct nlmsghdr nlh;
		char buf[4096];
	} u;
	struct nlattr *attr, *nest;
	unsigned int offset;

	memset(&u, 0, sizeof(u));
	mnl_nlmsg_put_header(u.buf);
	nest = put_attributes(&u.nlh);
	for (offset = 0; offset < 32; offset += 4)
		mnl_attr_for_each(attr, &u.nlh, offset)
			print_attribute("each", attr);
	mnl_attr_for_each_nested(attr, nest)
		print_attribute("nested", attr);
	mnl_attr_for_each_payload(mnl_nlmsg_get_payload(&u.nlh),
				  mnl_nlmsg_get_payload_len(&u.nlh))
		print_attribute("payload", attr);
	printf("MNL_ARRAY_SIZE %zu\n", MNL_ARRAY_SIZE(array));
}

int main(void)
{
	print_constants();
	print_aligned();
	print_walks();
	return 0;
}
