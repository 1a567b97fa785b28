// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the events of the kernel's objects (uevents) as they happen, until it
 * is interrupted: as kobject-event, but read where the kernel put them, in the
 * RX ring. These messages are no netlink messages: mnl_ring_peek() does not
 * mind, mnl_ring_cb_run() would.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../ring-receive.h"
#include "kobject-print.h"

static void print_events(struct mnl_ring *rx)
{
	const void *event;
	size_t len;

	while ((event = mnl_ring_peek(rx, &len)) != NULL) {
		print_strings(event, len);
		mnl_ring_release(rx, 1);
	}
	ring_lost();
}

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct mnl_socket *nl;
	struct mnl_ring *rx;

	nl = mnl_socket_open(NETLINK_KOBJECT_UEVENT);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, KERNEL_EVENTS, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	rx = ring_open(nl);
	ring_catch_signals();
	while (ring_wait(rx))
		print_events(rx);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
