// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Walks over whatever a buffer holds as messages, and prints it.
 */
#include <stdio.h>
#include "fuzz.h"

static void walk(const struct nlmsghdr *nlh, int len)
{
	const char *end = (const char *)nlh + len;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if ((const char *)nlh + nlh->nlmsg_len > end)
			abort();
		if (mnl_nlmsg_get_payload_len(nlh) > nlh->nlmsg_len)
			abort();
		mnl_nlmsg_seq_ok(nlh, 1);
		mnl_nlmsg_portid_ok(nlh, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *null;
	void *buf;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	if (null == NULL || size < 1 || size > INT_MAX)
		return 0;
	buf = copy_input(data + 1, size - 1);
	walk(buf, size - 1);
	mnl_nlmsg_fprintf(null, buf, size - 1, data[0] & 63);
	free(buf);
	return 0;
}
