// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the routes of the kernel, which it reads where the kernel put them:
 * in the RX ring. The same program runs on kernels without rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "rtnl-arguments.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	bool verbose = ring_verbose(&argc, &argv);
	int family = family_argument("rtnl-route-dump-mmap", argc, argv);
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct mnl_ring *rx;

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
	nlh = route_put_request(buf, family, seq);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	ring_receive(nl, seq, route_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
