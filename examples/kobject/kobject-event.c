// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the events of the kernel's objects (uevents) as they happen, until it
 * is interrupted. These messages are no netlink messages but strings, one
 * behind the other: "add@/devices/..." and then KEY=VALUE.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "kobject-print.h"

int main(void)
{
	char buf[MNL_SOCKET_DUMP_SIZE];
	struct mnl_socket *nl;
	ssize_t len;

	nl = mnl_socket_open(NETLINK_KOBJECT_UEVENT);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, KERNEL_EVENTS, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	while ((len = mnl_socket_recvfrom(nl, buf, sizeof(buf))) != -1)
		print_strings(buf, len);
	perror("mnl_socket_recvfrom");
	mnl_socket_close(nl);
	return EXIT_FAILURE;
}
