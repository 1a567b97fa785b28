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
#include "../talk.h"
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

	talk_arguments(argc, argv, 0, 0, "Usage: kobject-event-mmap [-v]\n");
	nl = talk_open(NETLINK_KOBJECT_UEVENT, KERNEL_EVENTS);
	rx = ring_open(nl);
	ring_catch_signals();
	while (ring_wait(rx))
		print_events(rx);
	if (verbose)
		ring_print_stats(rx);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
