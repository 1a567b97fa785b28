// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints a family of generic netlink, or all of them: as genl-family-get, but
 * read where the kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "../talk.h"
#include "genl-family-print.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	bool verbose = ring_verbose(&argc, &argv);
	unsigned int seq = time(NULL);
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	talk_arguments(argc, argv, 0, 1,
		       "Usage: genl-family-get-mmap [-v] [FAMILY]\n");
	nlh = mnl_nlmsg_put_header(buf);
	family_put_request(nlh, seq, argv[1]);

	nl = talk_open(NETLINK_GENERIC, 0);
	rx = ring_open(nl);
	talk_send(nl, nlh);
	ring_receive(nl, seq, family_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
