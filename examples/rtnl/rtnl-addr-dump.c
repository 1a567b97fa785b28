// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the addresses of the network interfaces.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "../talk.h"
#include "rtnl-arguments.h"

/* the attributes of an address, if their sizes are right */
static int attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;
	int type = mnl_attr_get_type(attr);

	if (mnl_attr_type_valid(attr, IFA_MAX) == -1)
		return MNL_CB_OK;
	if (type == IFA_LABEL &&
	    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) == -1) {
		perror("mnl_attr_validate");
		return MNL_CB_ERROR;
	}
	attrs[type] = attr;
	return MNL_CB_OK;
}

static int address_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[IFA_MAX + 1] = { NULL };
	char text[INET6_ADDRSTRLEN];
	size_t size = ifa->ifa_family == AF_INET ? 4 : 16;

	(void)data;
	if (mnl_attr_parse(nlh, sizeof(*ifa), attr_cb, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	printf("index=%u family=%u ", ifa->ifa_index, ifa->ifa_family);
	if (attrs[IFA_ADDRESS] &&
	    mnl_attr_get_payload_len(attrs[IFA_ADDRESS]) == size)
		printf("addr=%s/%u ",
		       inet_ntop(ifa->ifa_family,
				 mnl_attr_get_payload(attrs[IFA_ADDRESS]), text,
				 sizeof(text)),
		       ifa->ifa_prefixlen);
	printf("scope=%u", ifa->ifa_scope);
	if (attrs[IFA_LABEL])
		printf(" label=%s", mnl_attr_get_str(attrs[IFA_LABEL]));
	printf("\n");
	return MNL_CB_OK;
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = family_argument(argc, argv, "Usage: rtnl-addr-dump inet|inet6\n");

	nl = talk_open(NETLINK_ROUTE, 0);
	talk_send(nl, nlh);
	talk_receive(nl, seq, address_cb, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
