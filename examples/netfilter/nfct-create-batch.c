// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creates many flows in connection tracking: as many requests in a message
 * batch as fit a buffer, one system call for each batch. nfct-create-batch-mmap
 * does the same through rings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfct-create.h"
#include "nfnl.h"

#define USAGE		"Usage: nfct-create-batch COUNT [MARK]\n"

/* one acknowledgement, or error, for each request */
static void receive_acks(struct nfct_creation *c, unsigned int total)
{
	static const mnl_cb_t control[] = { [NLMSG_ERROR] = nfct_count_ack };
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len;

	while (c->created + c->refused < total) {
		len = mnl_socket_recvfrom(c->nl, buf, sizeof(buf));
		if (len == -1) {
			perror("mnl_socket_recvfrom");
			exit(EXIT_FAILURE);
		}
		if (mnl_cb_run2(buf, len, 0, mnl_socket_get_portid(c->nl), NULL,
				c, control, MNL_ARRAY_SIZE(control)) == -1) {
			perror("mnl_cb_run2");
			exit(EXIT_FAILURE);
		}
	}
}

static void send_batch(struct nfct_creation *c, struct mnl_nlmsg_batch *batch,
		       unsigned int total)
{
	if (mnl_nlmsg_batch_is_empty(batch))
		return;
	if (mnl_socket_sendto(c->nl, mnl_nlmsg_batch_head(batch),
			      mnl_nlmsg_batch_size(batch)) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	mnl_nlmsg_batch_reset(batch);
	receive_acks(c, total);
}

static void create(struct nfct_creation *c, unsigned int count, uint32_t mark)
{
	size_t limit = MNL_SOCKET_BUFFER_SIZE;
	struct mnl_nlmsg_batch *batch;
	unsigned int i;
	char *buf;

	/* room for the message that turns out not to fit */
	buf = malloc(2 * limit);
	batch = buf ? mnl_nlmsg_batch_start(buf, limit) : NULL;
	if (batch == NULL) {
		perror("mnl_nlmsg_batch_start");
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < count; i++) {
		nfct_put_flow(mnl_nlmsg_batch_current(batch), i, mark);
		/* full: it goes without this one, which opens the next */
		if (!mnl_nlmsg_batch_next(batch))
			send_batch(c, batch, i);
	}
	send_batch(c, batch, count);
	mnl_nlmsg_batch_stop(batch);
	free(buf);
}

int main(int argc, char *argv[])
{
	struct nfct_creation c = { .nl = NULL };
	unsigned int count;
	uint32_t mark = 0;

	talk_arguments(argc, argv, 1, 2, USAGE);
	count = nfnl_number(argv[1], 10000000, USAGE);
	if (argc == 3)
		mark = nfnl_number(argv[2], UINT32_MAX, USAGE);

	c.nl = nfnl_open(0);
	create(&c, count, mark);
	mnl_socket_close(c.nl);
	printf("flows created %u, refused %u\n", c.created, c.refused);
	return c.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
