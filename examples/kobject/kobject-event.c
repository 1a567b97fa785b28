// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the events of the kernel's objects (uevents) as they happen, until it
 * is interrupted. These messages are no netlink messages but strings, one
 * after the other: "add@/devices/..." and then KEY=VALUE.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>

#include "../talk.h"
#include "kobject-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE];
	struct mnl_socket *nl;
	ssize_t len;

	talk_arguments(argc, argv, 0, 0, "Usage: kobject-event\n");
	nl = talk_open(NETLINK_KOBJECT_UEVENT, KERNEL_EVENTS);
	while ((len = mnl_socket_recvfrom(nl, buf, sizeof(buf))) != -1)
		print_strings(buf, len);
	perror("mnl_socket_recvfrom");
	mnl_socket_close(nl);
	return EXIT_FAILURE;
}
