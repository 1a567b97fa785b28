// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the packets of a log group of nftables or iptables (log group N,
 * NFLOG), a line for each, until it is interrupted: as nf-log, but read where
 * the kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../ring-receive.h"
#include "nf-log-print.h"
#include "nfnl.h"

#define USAGE	"Usage: nf-log-mmap [-v] GROUP\n"

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	talk_arguments(argc, argv, 1, 1, USAGE);
	nl = nfnl_open(0);
	rx = ring_open(nl);
	ring_catch_signals();
	nf_log_bind(nl, nfnl_number(argv[1], UINT16_MAX, USAGE));
	/* the kernel ends several packets in one message as it ends a dump */
	while (ring_wait(rx))
		ring_receive(nl, 0, nf_log_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
