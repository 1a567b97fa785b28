// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the routes of the kernel, which it reads where the kernel put them:
 * in the RX ring. The same program runs on kernels without rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rtnl-arguments.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	int family = family_argument("rtnl-route-dump-mmap", argc, argv);
	unsigned int seq = time(NULL), portid;
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct mnl_ring *rx;
	int ret = MNL_CB_OK;

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_mmap(nl) == -1) {
		perror("mnl_socket_mmap");
		exit(EXIT_FAILURE);
	}
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	portid = mnl_socket_get_portid(nl);

	nlh = route_put_request(buf, family, seq);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	while (ret > MNL_CB_STOP) {
		if (mnl_ring_wait(rx, -1) == -1) {
			perror("mnl_ring_wait");
			exit(EXIT_FAILURE);
		}
		ret = mnl_ring_cb_run(rx, seq, portid, route_print, NULL, 0,
				      NULL);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_ring_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
