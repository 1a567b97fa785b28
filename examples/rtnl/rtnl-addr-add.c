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

	if (argc != 4) {
		fprintf(stderr, "Usage: %s INTERFACE ADDRESS PREFIX-LENGTH\n",
			argv[0]);
		exit(EXIT_FAILURE);
	}
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

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (len == -1) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	}
	if (mnl_cb_run(buf, len, seq, mnl_socket_get_portid(nl), NULL,
		       NULL) == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
