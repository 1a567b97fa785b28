// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the routes of the kernel: one request, many messages, recvfrom.
 * rtnl-route-dump-mmap does the same through a ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../talk.h"
#include "rtnl-arguments.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	int family = family_argument(argc, argv, "Usage: rtnl-route-dump inet|inet6\n");
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;

	nl = talk_open(NETLINK_ROUTE, 0);
	nlh = route_put_request(buf, family, seq);
	talk_send(nl, nlh);
	talk_receive(nl, seq, route_print, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
