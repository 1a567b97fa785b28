// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the flows that connection tracking begins, changes and ends, as it
 * happens, until it is interrupted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>

#include "nfct-print.h"
#include "nfnl.h"

int main(int argc, char *argv[])
{
	struct mnl_socket *nl;

	talk_arguments(argc, argv, 0, 0, "Usage: nfct-event\n");
	nl = nfnl_open(NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE |
		       NF_NETLINK_CONNTRACK_DESTROY);
	talk_receive(nl, 0, nfct_print_event, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
