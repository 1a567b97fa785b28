// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds a route, by a gateway or to what the interface reaches by itself.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "../talk.h"
#include "rtnl-arguments.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned char destination[sizeof(struct in6_addr)];
	unsigned char gateway[sizeof(struct in6_addr)];
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;
	ssize_t len;

	talk_arguments(argc, argv, 3, 4,
		       "Usage: rtnl-route-add INTERFACE DESTINATION PREFIX-LENGTH [GATEWAY]\n");
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = parse_address(argv[2], destination);
	rtm->rtm_dst_len = prefix_length(argv[3], rtm->rtm_family);
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = argc == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	len = rtm->rtm_family == AF_INET ? 4 : 16;
	mnl_attr_put(nlh, RTA_DST, len, destination);
	mnl_attr_put_u32(nlh, RTA_OIF, interface_index(argv[1]));
	if (argc == 5) {
		if (parse_address(argv[4], gateway) != rtm->rtm_family) {
			fprintf(stderr, "%s is of another family\n", argv[4]);
			exit(EXIT_FAILURE);
		}
		mnl_attr_put(nlh, RTA_GATEWAY, len, gateway);
	}

	nl = talk_open(NETLINK_ROUTE, 0);
	if (!talk_ask(nl, nlh)) {
		perror(argv[1]);
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
