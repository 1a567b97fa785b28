// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints a family of generic netlink, or all of them: as genl-family-get, but
 * read where the kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../ring-receive.h"
#include "genl-family-print.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	bool verbose = ring_verbose(&argc, &argv);
	unsigned int seq = time(NULL);
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	if (argc > 2) {
		fprintf(stderr, "Usage: genl-family-get-mmap [-v] [FAMILY]\n");
		exit(EXIT_FAILURE);
	}
	nlh = mnl_nlmsg_put_header(buf);
	family_put_request(nlh, seq, argv[1]);

	nl = mnl_socket_open(NETLINK_GENERIC);
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
	ring_receive(nl, seq, family_print, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
