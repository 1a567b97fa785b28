// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the changes of the network interfaces as they happen, until it is
 * interrupted.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../talk.h"
#include "rtnl-link-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	struct mnl_socket *nl;
	int ret = MNL_CB_OK;
	ssize_t len;

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-link-event\n");
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, RTMGRP_LINK, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1) {
			perror("mnl_socket_recvfrom");
			exit(EXIT_FAILURE);
		}
		ret = mnl_cb_run(buf, len, 0, 0, link_print_event, NULL);
		fflush(stdout);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
