// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds an address to a network interface.
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

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned char address[sizeof(struct in6_addr)];
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifaddrmsg *ifa;
	ssize_t len;

	talk_arguments(argc, argv, 3, 3,
		       "Usage: rtnl-addr-add INTERFACE ADDRESS PREFIX-LENGTH\n");
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWADDR;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE |
			   NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	ifa->ifa_family = parse_address(argv[2], address);
	ifa->ifa_prefixlen = prefix_length(argv[3], ifa->ifa_family);
	ifa->ifa_flags = IFA_F_PERMANENT;
	ifa->ifa_scope = RT_SCOPE_UNIVERSE;
	ifa->ifa_index = interface_index(argv[1]);
	len = ifa->ifa_family == AF_INET ? 4 : 16;
	mnl_attr_put(nlh, IFA_LOCAL, len, address);
	mnl_attr_put(nlh, IFA_ADDRESS, len, address);

	nl = talk_open(NETLINK_ROUTE, 0);
	if (!talk_ask(nl, nlh)) {
		perror(argv[1]);
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
