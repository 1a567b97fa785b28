// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Creates many flows in connection tracking: as many requests in a message
 * batch as fit a buffer, one system call for each batch.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nfnl.h"

#define USAGE		"Usage: nfct-create-batch COUNT [MARK]\n"
#define TIMEOUT		1000	/* seconds */

struct creation {
	struct mnl_socket	*nl;
	unsigned int		created;
	unsigned int		refused;
};

static void put_ip(struct nlmsghdr *nlh, const char *src, const char *dst)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, inet_addr(src));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, inet_addr(dst));
	mnl_attr_nest_end(nlh, nest);
}

static void put_tcp(struct nlmsghdr *nlh, uint16_t sport, uint16_t dport)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(nlh, nest);
}

static void put_state(struct nlmsghdr *nlh)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE,
			TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

/* flow i: 10.0.x.y port 1024 and up to 10.255.255.254 port 80 */
static void put_flow(void *buf, unsigned int i, uint32_t mark)
{
	const char *server = "10.255.255.254";
	uint16_t port = 1024 + i % 60000;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	char client[16];

	snprintf(client, sizeof(client), "10.0.%u.%u", i / 60000 / 250 % 250,
		 1 + i / 60000 % 250);
	nlh = nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
		       NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET, 0);
	nlh->nlmsg_seq = i + 1;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	put_ip(nlh, client, server);
	put_tcp(nlh, port, 80);
	mnl_attr_nest_end(nlh, nest);

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_REPLY);
	put_ip(nlh, server, client);
	put_tcp(nlh, 80, port);
	mnl_attr_nest_end(nlh, nest);

	put_state(nlh);
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_ASSURED));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(TIMEOUT));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
}

static int ack_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct creation *c = data;

	if (err->error == 0) {
		c->created++;
		return MNL_CB_OK;
	}
	c->refused++;
	fprintf(stderr, "flow %u: %s\n", nlh->nlmsg_seq,
		strerror(-err->error));
	return MNL_CB_OK;
}

/* one acknowledgement, or error, for each request */
static void receive_acks(struct creation *c, unsigned int total)
{
	static const mnl_cb_t control[] = { [NLMSG_ERROR] = ack_cb };
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

static void send_batch(struct creation *c, struct mnl_nlmsg_batch *batch,
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

static void create(struct creation *c, unsigned int count, uint32_t mark)
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
		put_flow(mnl_nlmsg_batch_current(batch), i, mark);
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
	struct creation c = { .nl = NULL };
	unsigned int count;
	uint32_t mark = 0;

	if (argc != 2 && argc != 3) {
		fputs(USAGE, stderr);
		exit(EXIT_FAILURE);
	}
	count = nfnl_number(argv[1], 10000000, USAGE);
	if (argc == 3)
		mark = nfnl_number(argv[2], UINT32_MAX, USAGE);

	c.nl = nfnl_open(0);
	create(&c, count, mark);
	mnl_socket_close(c.nl);
	printf("flows created %u, refused %u\n", c.created, c.refused);
	return c.refused ? EXIT_FAILURE : EXIT_SUCCESS;
}
