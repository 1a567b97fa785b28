// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line for each link: see rtnl-link-print.h.
 */
#include <net/if.h>
#include <stdio.h>

#include "rtnl-link-print.h"

void link_print_header(const struct nlmsghdr *nlh)
{
	const struct ifinfomsg *ifm = mnl_nlmsg_get_payload(nlh);

	printf("index=%d type=%d flags=%u family=%d ", ifm->ifi_index,
	       ifm->ifi_type, ifm->ifi_flags, ifm->ifi_family);
	printf(ifm->ifi_flags & IFF_RUNNING ? "[RUNNING] " : "[NOT RUNNING] ");
}

void link_print_address(const char *name, const struct nlattr *attr)
{
	const unsigned char *address = mnl_attr_get_payload(attr);
	unsigned int i;

	printf("%s=", name);
	for (i = 0; i < mnl_attr_get_payload_len(attr); i++)
		printf("%s%.2x", i ? ":" : "", address[i]);
	printf(" ");
}

void link_print_attr(const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		printf("mtu=%u ", mnl_attr_get_u32(attr));
		break;
	case IFLA_IFNAME:
		printf("name=%s ", mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		link_print_address("hwaddr", attr);
		break;
	}
}

int link_check_attr(const struct nlattr *attr)
{
	enum mnl_attr_data_type type;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_MTU:
		type = MNL_TYPE_U32;
		break;
	case IFLA_IFNAME:
		type = MNL_TYPE_NUL_STRING;
		break;
	default:
		type = MNL_TYPE_UNSPEC;
		break;
	}
	if (mnl_attr_validate(attr, type) == -1) {
		perror("mnl_attr_validate");
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

int link_print(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	(void)data;
	link_print_header(nlh);
	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg)) {
		if (link_check_attr(attr) == MNL_CB_ERROR)
			return MNL_CB_ERROR;
		link_print_attr(attr);
	}
	printf("\n");
	return MNL_CB_OK;
}

int link_print_event(const struct nlmsghdr *nlh, void *data)
{
	printf(nlh->nlmsg_type == RTM_NEWLINK ? "[NEW] " : "[DEL] ");
	return link_print(nlh, data);
}
