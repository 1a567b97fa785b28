// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the network interfaces of the kernel: as rtnl-link-dump, but read
 * where the kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "rtnl-link-print.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	bool verbose = ring_verbose(&argc, &argv);
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;
	struct mnl_ring *rx;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_PACKET;

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	rx = ring_open(nl);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	ring_receive(nl, seq, link_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
