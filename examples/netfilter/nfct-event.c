// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the flows that connection tracking begins, changes and ends, as it
 * happens, until it is interrupted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>

#include "nfct-print.h"
#include "nfnl.h"

static const char *event_name(const struct nlmsghdr *nlh)
{
	if ((nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
		return "[DESTROY]";
	return nlh->nlmsg_flags & NLM_F_CREATE ? "[NEW]" : "[UPDATE]";
}

static int event_cb(const struct nlmsghdr *nlh, void *data)
{
	int ret;

	(void)data;
	printf("%-9s ", event_name(nlh));
	ret = nfct_print(nlh);
	printf("\n");
	fflush(stdout);
	return ret;
}

int main(void)
{
	struct mnl_socket *nl;

	nl = nfnl_open(NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_UPDATE |
		       NF_NETLINK_CONNTRACK_DESTROY);
	nfnl_receive(nl, 0, event_cb, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
