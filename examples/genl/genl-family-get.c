// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints a family of generic netlink, or all of them: ID, version, operations
 * and multicast groups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../talk.h"
#include "genl-family-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL);
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;

	talk_arguments(argc, argv, 0, 1, "Usage: genl-family-get [FAMILY]\n");
	nlh = mnl_nlmsg_put_header(buf);
	family_put_request(nlh, seq, argv[1]);

	nl = talk_open(NETLINK_GENERIC, 0);
	talk_send(nl, nlh);
	talk_receive(nl, seq, family_print, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
