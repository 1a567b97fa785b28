// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets a network interface up or down.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "../talk.h"
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

static unsigned int flags_of(int argc, char *argv[])
{
	static const char usage[] = "Usage: rtnl-link-set INTERFACE up|down\n";

	talk_arguments(argc, argv, 2, 2, usage);
	if (strcmp(argv[2], "up") == 0)
		return IFF_UP;
	if (strcmp(argv[2], "down") == 0)
		return 0;
	talk_usage(usage);
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL), flags = flags_of(argc, argv);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_UNSPEC;
	ifm->ifi_change = IFF_UP;
	ifm->ifi_flags = flags;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, argv[1]);

	nl = talk_open(NETLINK_ROUTE, 0);
	if (!talk_ask(nl, nlh)) {
		perror(argv[1]);
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
