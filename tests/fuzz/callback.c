// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs callbacks over whatever a buffer holds, with and without callbacks for
 * control messages.
 */
#include "fuzz.h"

static const char *end;

static int message_cb(const struct nlmsghdr *nlh, void *data)
{
	if ((const char *)nlh + nlh->nlmsg_len > end)
		abort();
	++*(unsigned int *)data;
	return nlh->nlmsg_seq % 17 ? MNL_CB_OK : MNL_CB_STOP;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	mnl_cb_t controls[NLMSG_MIN_TYPE] = { NULL };
	unsigned int messages = 0, i;
	char *buf;

	if (size < 2 || size > INT_MAX)
		return 0;
	size -= 2;
	buf = copy_input(data + 2, size);
	end = buf + size;
	mnl_cb_run(buf, size, 0, 0, message_cb, &messages);
	mnl_cb_run(buf, size, data[0] & 3, data[1] & 3, NULL, NULL);
	for (i = 0; i < NLMSG_MIN_TYPE; i++)
		controls[i] = data[0] & (1 << (i & 7)) ? message_cb : NULL;
	mnl_cb_run2(buf, size, data[0] >> 6, data[1] >> 6, message_cb,
		    &messages, controls, data[1] & (NLMSG_MIN_TYPE - 1));
	if (messages > 3 * (size / MNL_NLMSG_HDRLEN))
		abort();
	free(buf);
	return 0;
}
