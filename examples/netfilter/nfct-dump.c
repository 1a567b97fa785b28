// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the flows that connection tracking knows, a line for each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfct-print.h"
#include "nfnl.h"

int main(int argc, char *argv[])
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL);
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;

	talk_arguments(argc, argv, 0, 0, "Usage: nfct-dump\n");
	nl = nfnl_open(0);
	nlh = nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET,
		       NLM_F_DUMP, AF_UNSPEC, 0);
	nlh->nlmsg_seq = seq;
	talk_send(nl, nlh);
	talk_receive(nl, seq, nfct_print_flow, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
