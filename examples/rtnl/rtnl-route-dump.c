// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the routes of the kernel: one request, many messages, recvfrom.
 * rtnl-route-dump-mmap does the same through a ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rtnl-arguments.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	int family = family_argument("rtnl-route-dump", argc, argv);
	unsigned int seq = time(NULL), portid;
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	int ret = MNL_CB_OK;
	ssize_t len;

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	portid = mnl_socket_get_portid(nl);

	nlh = route_put_request(buf, family, seq);
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1) {
			perror("mnl_socket_recvfrom");
			exit(EXIT_FAILURE);
		}
		ret = mnl_cb_run(buf, len, seq, portid, route_print, NULL);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
