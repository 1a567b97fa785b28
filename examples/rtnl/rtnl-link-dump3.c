// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the network interfaces of the kernel: mnl_attr_for_each() walks over
 * the attributes, without a callback.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../talk.h"
#include "rtnl-link-print.h"

static int link_cb(const struct nlmsghdr *nlh, void *data)
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

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-link-dump3\n");
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_PACKET;

	nl = talk_open(NETLINK_ROUTE, 0);
	talk_send(nl, nlh);
	talk_receive(nl, seq, link_cb, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
