// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a datapath of Open vSwitch between two network interfaces, receives
 * each packet as an upcall and sends it out of the other interface, until it is
 * interrupted. ovs-upcall-mmap does the same through rings.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../talk.h"
#include "ovs.h"

struct bridge {
	struct ovs		ovs;
	struct mnl_socket	*nl;
};

static int upcall_cb(const struct nlmsghdr *nlh, void *data)
{
	struct bridge *b = data;
	char *buf = malloc(ovs_answer_size(nlh));
	size_t len = buf ? ovs_put_answer(&b->ovs, buf, nlh) : 0;

	if (buf == NULL ||
	    (len && mnl_socket_sendto(b->nl, buf, len) == -1)) {
		free(buf);
		return MNL_CB_ERROR;
	}
	free(buf);
	return MNL_CB_OK;
}

static void receive(struct bridge *b)
{
	static char buf[0xffff + 4096] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len = mnl_socket_recvfrom(b->nl, buf, sizeof(buf));

	if (len == -1 && errno == ENOBUFS) {
		fprintf(stderr, "upcalls were lost\n");
	} else if (len == -1 && errno != EINTR) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	} else if (len > 0 &&
		   mnl_cb_run(buf, len, 0, 0, upcall_cb, b) == MNL_CB_ERROR) {
		/* a packet that the datapath did not take is no reason */
		perror("mnl_cb_run");
	}
}

int main(int argc, char *argv[])
{
	static struct bridge b;

	talk_arguments(argc, argv, 1 + OVS_PORTS, 1 + OVS_PORTS,
		       "Usage: ovs-upcall DATAPATH DEVICE DEVICE\n");
	b.nl = talk_open(NETLINK_GENERIC, 0);
	ovs_catch_signals();
	ovs_open(&b.ovs, argv[1], argv + 2, b.nl);
	printf("datapath %s without a ring\n", argv[1]);
	fflush(stdout);
	while (!ovs_stop)
		receive(&b);
	ovs_close(&b.ovs);
	ovs_print_figures(&b.ovs);
	mnl_socket_close(b.nl);
	return EXIT_SUCCESS;
}
