// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a datapath of Open vSwitch between two network interfaces, receives
 * each packet as an upcall and sends it out of the other interface, until it is
 * interrupted: as ovs-upcall, but upcalls are read where the kernel put them,
 * in the RX ring, and the answers of a round are sent with one system call
 * through the TX ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../ring-receive.h"
#include "../talk.h"
#include "ovs.h"

struct bridge {
	struct ovs		ovs;
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;
	struct mnl_ring		*tx;
};

/* a packet that the datapath did not take is no reason to end */
static void flush(struct bridge *b)
{
	ssize_t ret;

	while ((ret = mnl_ring_flush(b->tx)) != 0)
		if (ret == -1 && errno != EINTR && errno != EAGAIN &&
		    errno != ENOBUFS)
			perror("mnl_ring_flush");
}

static int upcall_cb(const struct nlmsghdr *nlh, void *data)
{
	struct bridge *b = data;
	void *buf;
	size_t len;

	buf = mnl_ring_reserve(b->tx, ovs_answer_size(nlh));
	if (buf == NULL && errno == EAGAIN) {
		flush(b);
		buf = mnl_ring_reserve(b->tx, ovs_answer_size(nlh));
	}
	if (buf == NULL)
		return MNL_CB_ERROR;
	len = ovs_put_answer(&b->ovs, buf, nlh);
	if (len)
		return mnl_ring_commit(b->tx, len) == -1 ? MNL_CB_ERROR :
							   MNL_CB_OK;
	mnl_ring_cancel(b->tx);
	return MNL_CB_OK;
}

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	static struct bridge b;

	talk_arguments(argc, argv, 1 + OVS_PORTS, 1 + OVS_PORTS,
		       "Usage: ovs-upcall-mmap [-v] DATAPATH DEVICE DEVICE\n");
	b.nl = talk_open(NETLINK_GENERIC, 0);
	b.rx = ring_open(b.nl);
	b.tx = mnl_socket_get_ring(b.nl, MNL_RING_TX);
	ring_catch_signals();
	ovs_open(&b.ovs, argv[1], argv + 2, b.nl);
	printf("datapath %s %s\n", argv[1], mnl_ring_is_mapped(b.rx) ?
	       "with rings" : "without a ring");
	fflush(stdout);
	while (ring_wait(b.rx)) {
		if (mnl_ring_cb_run(b.rx, 0, 0, upcall_cb, &b, 0,
				    NULL) == MNL_CB_ERROR && errno != ENOBUFS)
			perror("mnl_ring_cb_run");
		flush(&b);
	}
	ovs_close(&b.ovs);
	ovs_print_figures(&b.ovs);
	if (verbose) {
		ring_print_stats(b.rx);
		ring_print_stats(b.tx);
	}
	mnl_socket_close(b.nl);
	return EXIT_SUCCESS;
}
