// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the changes of network interfaces and routes as they happen, until it
 * is interrupted: rtnl-link-event and rtnl-route-event in one, read where the
 * kernel put them, in the RX ring.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../ring-receive.h"
#include "../talk.h"
#include "rtnl-link-print.h"
#include "rtnl-route-print.h"

static int event_cb(const struct nlmsghdr *nlh, void *data)
{
	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_print_event(nlh, data);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_print_event(nlh, data);
	default:
		return MNL_CB_OK;
	}
}

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-monitor-mmap [-v]\n");
	nl = talk_open(NETLINK_ROUTE,
		       RTMGRP_LINK | RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	rx = ring_open(nl);
	ring_catch_signals();
	ring_receive(nl, 0, event_cb, NULL);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
