// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parses whatever a message holds as attributes, three ways, validates each as
 * each type, and reads those that are valid.
 */
#include "fuzz.h"

static const char *message_end;

static void read_valid(const struct nlattr *attr)
{
	volatile uint64_t value = 0;

	if (mnl_attr_validate(attr, MNL_TYPE_U8) == 0)
		value += mnl_attr_get_u8(attr);
	if (mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
		value += mnl_attr_get_u16(attr);
	if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
		value += mnl_attr_get_u32(attr);
	if (mnl_attr_validate(attr, MNL_TYPE_U64) == 0)
		value += mnl_attr_get_u64(attr);
	if (mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == 0)
		value += strlen(mnl_attr_get_str(attr));
	value += mnl_attr_get_uint(attr);
}

static int attr_cb(const struct nlattr *attr, void *data)
{
	unsigned int *depth = data, type;

	if ((const char *)attr + attr->nla_len > message_end)
		abort();
	for (type = 0; type < MNL_TYPE_MAX; type++)
		mnl_attr_validate2(attr, type, type);
	mnl_attr_type_valid(attr, 100);
	read_valid(attr);
	if (++*depth < 8)
		mnl_attr_parse_nested(attr, attr_cb, data);
	--*depth;
	return MNL_CB_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct nlattr *attr;
	struct nlmsghdr *nlh;
	unsigned int depth = 0;

	if (size < MNL_NLMSG_HDRLEN + 1 || size > INT_MAX)
		return 0;
	nlh = copy_input(data + 1, size - 1);
	nlh->nlmsg_len = size - 1;
	message_end = (char *)nlh + MNL_ALIGN(size - 1);
	if (nlh->nlmsg_len >= MNL_NLMSG_HDRLEN) {
		mnl_attr_parse(nlh, data[0] & 31, attr_cb, &depth);
		mnl_attr_parse_payload(mnl_nlmsg_get_payload(nlh),
				       mnl_nlmsg_get_payload_len(nlh),
				       attr_cb, &depth);
		mnl_attr_for_each(attr, nlh, 0)
			attr_cb(attr, &depth);
	}
	free(nlh);
	return 0;
}
