// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creates many flows in connection tracking: each request is built in a frame
 * of the TX ring, one system call sends them all, and the answers are read in
 * the RX ring.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>

#include "../ring-receive.h"
#include "nfct-create.h"
#include "nfnl.h"

#define USAGE		"Usage: nfct-create-batch-mmap [-v] COUNT [MARK]\n"

struct rings {
	struct nfct_creation	c;
	struct mnl_ring		*rx;
	struct mnl_ring		*tx;
};

/* one acknowledgement, or error, for each request */
static void receive_acks(struct rings *r, unsigned int total)
{
	static const mnl_cb_t control[] = { [NLMSG_ERROR] = nfct_count_ack };
	struct nlmsghdr *nlh;
	size_t len;

	while (r->c.created + r->c.refused < total) {
		nlh = mnl_ring_peek(r->rx, &len);
		if (nlh == NULL) {
			if (ring_lost() || !ring_wait(r->rx))
				exit(EXIT_FAILURE);
			continue;
		}
		if (mnl_cb_run2(nlh, len, 0, mnl_socket_get_portid(r->c.nl),
				NULL, &r->c, control,
				MNL_ARRAY_SIZE(control)) == -1) {
			perror("mnl_cb_run2");
			exit(EXIT_FAILURE);
		}
		mnl_ring_release(r->rx, 1);
	}
}

static void flush(struct rings *r, unsigned int total)
{
	ssize_t ret;

	while ((ret = mnl_ring_flush(r->tx)) != 0) {
		if (ret == -1 && errno != EINTR && errno != EAGAIN &&
		    errno != ENOBUFS) {
			perror("mnl_ring_flush");
			exit(EXIT_FAILURE);
		}
	}
	receive_acks(r, total);
}

static void create(struct rings *r, unsigned int count, uint32_t mark)
{
	unsigned int i = 0;
	void *buf;

	while (i < count) {
		buf = mnl_ring_reserve(r->tx, NFCT_FLOW_SIZE);
		if (buf != NULL) {
			mnl_ring_commit(r->tx, nfct_put_flow(buf, i, mark));
			i++;
		} else if (errno == EAGAIN) {
			flush(r, i);
		} else {
			perror("mnl_ring_reserve");
			exit(EXIT_FAILURE);
		}
	}
	flush(r, count);
}

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct rings r = { .rx = NULL };
	unsigned int count;
	uint32_t mark = 0;

	talk_arguments(argc, argv, 1, 2, USAGE);
	count = nfnl_number(argv[1], 10000000, USAGE);
	if (argc == 3)
		mark = nfnl_number(argv[2], UINT32_MAX, USAGE);

	r.c.nl = nfnl_open(0);
	r.rx = ring_open(r.c.nl);
	r.tx = mnl_socket_get_ring(r.c.nl, MNL_RING_TX);
	create(&r, count, mark);
	printf("flows created %u, refused %u\n", r.c.created, r.c.refused);
	if (verbose) {
		ring_print_stats(r.rx);
		ring_print_stats(r.tx);
	}
	mnl_socket_close(r.c.nl);
	return r.c.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
