// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the packets of a log group of nftables or iptables (log group N,
 * NFLOG), a line for each, until it is interrupted. nf-log-mmap does the same
 * through a ring.
 */
#include <stdio.h>
#include <stdlib.h>

#include "nf-log-print.h"
#include "nfnl.h"

#define USAGE	"Usage: nf-log GROUP\n"

int main(int argc, char *argv[])
{
	struct mnl_socket *nl;

	talk_arguments(argc, argv, 1, 1, USAGE);
	nl = nfnl_open(0);
	nf_log_bind(nl, nfnl_number(argv[1], UINT16_MAX, USAGE));
	/* the kernel ends several packets in one buffer as it ends a dump */
	for (;;)
		talk_receive(nl, 0, nf_log_print, NULL);
}
