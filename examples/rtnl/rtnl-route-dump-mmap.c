// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the routes of the kernel, which it reads where the kernel put them:
 * in the RX ring. The same program runs on kernels without rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "../talk.h"
#include "rtnl-arguments.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	bool verbose = ring_verbose(&argc, &argv);
	int family = family_argument(argc, argv, "Usage: rtnl-route-dump-mmap [-v] inet|inet6\n");
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct mnl_ring *rx;

	nl = talk_open(NETLINK_ROUTE, 0);
	rx = ring_open(nl);
	nlh = route_put_request(buf, family, seq);
	talk_send(nl, nlh);
	ring_receive(nl, seq, route_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
