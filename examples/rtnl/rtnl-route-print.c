// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs for routes have in common: the request, and a line for each route.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "rtnl-route-print.h"

struct nlmsghdr *route_put_request(void *buf, int family, unsigned int seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = family;
	return nlh;
}

struct route_attrs {
	int			family;
	const struct nlattr	*attr[RTA_MAX + 1];
};

static size_t address_len(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) :
				   sizeof(struct in6_addr);
}

/* keeps what route_print() prints, if its size is right */
static int collect(const struct nlattr *attr, void *data)
{
	struct route_attrs *attrs = data;
	int type = mnl_attr_get_type(attr);
	int ret = 0;

	if (mnl_attr_type_valid(attr, RTA_MAX) == -1)
		return MNL_CB_OK;
	switch (type) {
	case RTA_DST:
	case RTA_SRC:
	case RTA_GATEWAY:
	case RTA_PREFSRC:
		ret = mnl_attr_validate2(attr, MNL_TYPE_UNSPEC,
					 address_len(attrs->family));
		break;
	case RTA_IIF:
	case RTA_OIF:
	case RTA_PRIORITY:
	case RTA_TABLE:
		ret = mnl_attr_validate(attr, MNL_TYPE_U32);
		break;
	}
	if (ret == -1)
		return MNL_CB_ERROR;
	attrs->attr[type] = attr;
	return MNL_CB_OK;
}

static void print_address(const struct route_attrs *attrs, const char *name,
			  int type)
{
	char text[INET6_ADDRSTRLEN];

	if (attrs->attr[type] == NULL)
		return;
	inet_ntop(attrs->family, mnl_attr_get_payload(attrs->attr[type]), text,
		  sizeof(text));
	printf(" %s %s", name, text);
}

static void print_number(const struct route_attrs *attrs, const char *name,
			 int type)
{
	if (attrs->attr[type] != NULL)
		printf(" %s %u", name, mnl_attr_get_u32(attrs->attr[type]));
}

int route_print(const struct nlmsghdr *nlh, void *data)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_attrs attrs = { .family = rtm->rtm_family };

	(void)data;
	if (mnl_attr_parse(nlh, sizeof(*rtm), collect, &attrs) ==
	    MNL_CB_ERROR)
		return MNL_CB_ERROR;

	printf("family %u type %u scope %u protocol %u tos %u flags 0x%x",
	       rtm->rtm_family, rtm->rtm_type, rtm->rtm_scope,
	       rtm->rtm_protocol, rtm->rtm_tos, rtm->rtm_flags);
	print_number(&attrs, "table", RTA_TABLE);
	print_address(&attrs, "dst", RTA_DST);
	printf("/%u", rtm->rtm_dst_len);
	print_address(&attrs, "src", RTA_SRC);
	print_address(&attrs, "via", RTA_GATEWAY);
	print_address(&attrs, "prefsrc", RTA_PREFSRC);
	print_number(&attrs, "iif", RTA_IIF);
	print_number(&attrs, "oif", RTA_OIF);
	print_number(&attrs, "metric", RTA_PRIORITY);
	printf("\n");
	return MNL_CB_OK;
}

int route_print_event(const struct nlmsghdr *nlh, void *data)
{
	printf(nlh->nlmsg_type == RTM_NEWROUTE ? "[NEW] " : "[DEL] ");
	return route_print(nlh, data);
}
