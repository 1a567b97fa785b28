// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Families of generic netlink: see genl-family-print.h.
 */
#include <stdio.h>
#include <linux/genetlink.h>

#include "genl-family-print.h"

static int validate(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	if (mnl_attr_validate(attr, type) == 0)
		return 0;
	perror("mnl_attr_validate");
	return -1;
}

static int op_cb(const struct nlattr *attr, void *data)
{
	unsigned int *op = data;
	unsigned int type = mnl_attr_get_type(attr);

	if (type != CTRL_ATTR_OP_ID && type != CTRL_ATTR_OP_FLAGS)
		return MNL_CB_OK;
	if (validate(attr, MNL_TYPE_U32) == -1)
		return MNL_CB_ERROR;
	op[type] = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int print_ops(const struct nlattr *nested)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nested) {
		unsigned int op[CTRL_ATTR_OP_FLAGS + 1] = { 0 };

		if (mnl_attr_parse_nested(attr, op_cb, op) == MNL_CB_ERROR)
			return MNL_CB_ERROR;
		printf("  operation id=%#x flags=%#x%s%s%s%s\n",
		       op[CTRL_ATTR_OP_ID], op[CTRL_ATTR_OP_FLAGS],
		       op[CTRL_ATTR_OP_FLAGS] & GENL_ADMIN_PERM ? " admin" : "",
		       op[CTRL_ATTR_OP_FLAGS] & GENL_CMD_CAP_DO ? " do" : "",
		       op[CTRL_ATTR_OP_FLAGS] & GENL_CMD_CAP_DUMP ? " dump" : "",
		       op[CTRL_ATTR_OP_FLAGS] & GENL_CMD_CAP_HASPOL ?
		       " policy" : "");
	}
	return MNL_CB_OK;
}

static int group_cb(const struct nlattr *attr, void *data)
{
	(void)data;
	switch (mnl_attr_get_type(attr)) {
	case CTRL_ATTR_MCAST_GRP_ID:
		if (validate(attr, MNL_TYPE_U32) == -1)
			return MNL_CB_ERROR;
		printf(" id=%#x", mnl_attr_get_u32(attr));
		break;
	case CTRL_ATTR_MCAST_GRP_NAME:
		if (validate(attr, MNL_TYPE_NUL_STRING) == -1)
			return MNL_CB_ERROR;
		printf(" name=%s", mnl_attr_get_str(attr));
		break;
	}
	return MNL_CB_OK;
}

static int print_groups(const struct nlattr *nested)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nested) {
		printf("  group");
		if (mnl_attr_parse_nested(attr, group_cb, NULL) == MNL_CB_ERROR)
			return MNL_CB_ERROR;
		printf("\n");
	}
	return MNL_CB_OK;
}

static int attr_cb(const struct nlattr *attr, void *data)
{
	static const enum mnl_attr_data_type types[CTRL_ATTR_MAX + 1] = {
		[CTRL_ATTR_FAMILY_ID]	 = MNL_TYPE_U16,
		[CTRL_ATTR_FAMILY_NAME]	 = MNL_TYPE_NUL_STRING,
		[CTRL_ATTR_VERSION]	 = MNL_TYPE_U32,
		[CTRL_ATTR_HDRSIZE]	 = MNL_TYPE_U32,
		[CTRL_ATTR_MAXATTR]	 = MNL_TYPE_U32,
		[CTRL_ATTR_OPS]		 = MNL_TYPE_NESTED,
		[CTRL_ATTR_MCAST_GROUPS] = MNL_TYPE_NESTED,
	};
	const struct nlattr **attrs = data;

	/* attributes that this program was built without */
	if (mnl_attr_type_valid(attr, CTRL_ATTR_MAX) == -1)
		return MNL_CB_OK;
	if (validate(attr, types[mnl_attr_get_type(attr)]) == -1)
		return MNL_CB_ERROR;
	attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

int family_print(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attrs[CTRL_ATTR_MAX + 1] = { NULL };

	(void)data;
	if (mnl_attr_parse(nlh, sizeof(struct genlmsghdr), attr_cb,
			   attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[CTRL_ATTR_FAMILY_NAME])
		printf("name=%s", mnl_attr_get_str(attrs[CTRL_ATTR_FAMILY_NAME]));
	if (attrs[CTRL_ATTR_FAMILY_ID])
		printf(" id=%#x", mnl_attr_get_u16(attrs[CTRL_ATTR_FAMILY_ID]));
	if (attrs[CTRL_ATTR_VERSION])
		printf(" version=%u", mnl_attr_get_u32(attrs[CTRL_ATTR_VERSION]));
	if (attrs[CTRL_ATTR_HDRSIZE])
		printf(" hdrsize=%u", mnl_attr_get_u32(attrs[CTRL_ATTR_HDRSIZE]));
	if (attrs[CTRL_ATTR_MAXATTR])
		printf(" maxattr=%u", mnl_attr_get_u32(attrs[CTRL_ATTR_MAXATTR]));
	printf("\n");
	if (attrs[CTRL_ATTR_OPS] &&
	    print_ops(attrs[CTRL_ATTR_OPS]) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[CTRL_ATTR_MCAST_GROUPS])
		return print_groups(attrs[CTRL_ATTR_MCAST_GROUPS]);
	return MNL_CB_OK;
}

void family_put_request(struct nlmsghdr *nlh, unsigned int seq,
			const char *family)
{
	struct genlmsghdr *genl;

	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST | (family ? NLM_F_ACK : NLM_F_DUMP);
	nlh->nlmsg_seq = seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = 1;
	if (family)
		mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, family);
}
