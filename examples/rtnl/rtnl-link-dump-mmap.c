// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the network interfaces of the kernel: as rtnl-link-dump, but read
 * where the kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "../talk.h"
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

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-link-dump-mmap [-v]\n");
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_PACKET;

	nl = talk_open(NETLINK_ROUTE, 0);
	rx = ring_open(nl);
	talk_send(nl, nlh);
	ring_receive(nl, seq, link_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
