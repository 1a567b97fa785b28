// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the flows that connection tracking begins, changes and ends, as it
 * happens, until it is interrupted: as nfct-event, but read where the kernel
 * put them, in the RX ring.
 */
#include <stdlib.h>
#include <linux/netfilter/nfnetlink_compat.h>

#include "../ring-receive.h"
#include "nfct-print.h"
#include "nfnl.h"

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	talk_arguments(argc, argv, 0, 0, "Usage: nfct-event-mmap [-v]\n");
	nl = nfnl_open(NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE |
		       NF_NETLINK_CONNTRACK_DESTROY);
	rx = ring_open(nl);
	ring_catch_signals();
	ring_receive(nl, 0, nfct_print_event, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
