// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Builds messages as the input says, in a batch: no byte behind the buffer is
 * written, and what comes out is whole messages in the order they were put.
 */
#include "fuzz.h"

#define LIMIT	512
#define ROOM	1024	/* for one more message */

/* Checks a batch that is ready to be sent; the next number it may hold. */
static unsigned int check(const void *buf, size_t size, unsigned int next)
{
	const struct nlmsghdr *nlh = buf;
	int len = size;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_seq != next++)
			abort();
	if (len != 0)
		abort();
	return next;
}

static void put(struct nlmsghdr *nlh, uint8_t what, const uint8_t *data,
		size_t len)
{
	struct nlattr *nest;

	switch (what & 3) {
	case 0:
		mnl_attr_put_check(nlh, ROOM, what, len, data);
		break;
	case 1:
		mnl_attr_put_u64_check(nlh, ROOM, what, len);
		break;
	case 2:
		nest = mnl_attr_nest_start_check(nlh, ROOM, what);
		if (nest == NULL)
			break;
		mnl_attr_put_check(nlh, ROOM, what, len, data);
		if (what & 4)
			mnl_attr_nest_end(nlh, nest);
		else
			mnl_attr_nest_cancel(nlh, nest);
		break;
	case 3:
		mnl_attr_put_strz_check(nlh, ROOM, what, "text");
		break;
	}
	if (nlh->nlmsg_len > ROOM)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *buf = malloc(LIMIT + ROOM);
	struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, LIMIT);
	unsigned int seq = 0, sent = 0;
	struct nlmsghdr *nlh;
	size_t len;

	if (buf == NULL || b == NULL)
		abort();
	while (size > 2) {
		nlh = mnl_nlmsg_put_header(mnl_nlmsg_batch_current(b));
		nlh->nlmsg_seq = seq++;
		do {
			len = data[1] < size - 2 ? data[1] : size - 2;
			put(nlh, data[0], data + 2, len);
			data += 2 + len;
			size -= 2 + len;
		} while (size > 2 && data[0] & 8);
		if (mnl_nlmsg_batch_next(b))
			continue;
		sent = check(mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b),
			     sent);
		mnl_nlmsg_batch_reset(b);
		/* larger than a batch: it is sent alone */
		if (mnl_nlmsg_batch_size(b) <= LIMIT)
			continue;
		sent = check(mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b),
			     sent);
		mnl_nlmsg_batch_reset(b);
	}
	sent = check(mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b), sent);
	if (sent != seq)
		abort();
	mnl_nlmsg_batch_stop(b);
	free(buf);
	return 0;
}
