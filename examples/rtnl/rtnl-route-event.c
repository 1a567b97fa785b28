// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the changes of the routes as they happen, until it is interrupted.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/rtnetlink.h>

#include "../talk.h"
#include "rtnl-route-print.h"

int main(int argc, char *argv[])
{
	struct mnl_socket *nl;

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-route-event\n");
	nl = talk_open(NETLINK_ROUTE, RTMGRP_IPV4_ROUTE | RTMGRP_IPV6_ROUTE);
	talk_receive(nl, 0, route_print_event, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
