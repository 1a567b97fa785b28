// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nfnetlink_queue as a source: verdicts with a call each, in batches, or through
 * the TX ring, with the packet or without.
 */
#include <arpa/inet.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "../examples/netfilter/nfnl.h"
#include "common.h"
#include "reader.h"

#define TYPE(message)	(NFNL_SUBSYS_QUEUE << 8 | (message))

static struct {
	struct mnl_ring	*tx;
	unsigned int	packets;	/* since the last verdict */
	unsigned int	frames;		/* since the last flush */
	uint32_t	last_id;
} queue;

/* one that is to have a verdict */
struct packet {
	uint32_t	id;
	unsigned char	*payload;
	size_t		len;
};

static void send_config(const struct reader *r, unsigned int attr,
			const void *value, size_t len)
{
	char buf[256];
	struct nlmsghdr *nlh = nfnl_put(buf, TYPE(NFQNL_MSG_CONFIG), 0,
					AF_UNSPEC, r->options.group);

	mnl_attr_put(nlh, attr, len, value);
	talk_send(r->nl, nlh);
}

static void queue_open(struct reader *r)
{
	struct nfqnl_msg_config_cmd cmd = {
		.command = NFQNL_CFG_CMD_BIND,
		.pf = htons(AF_INET),
	};
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(0xffff),
		.copy_mode = NFQNL_COPY_PACKET,
	};
	uint32_t maxlen = htonl(4096), gso = htonl(NFQA_CFG_F_GSO);

	r->nl = nfnl_open(0);
	send_config(r, NFQA_CFG_CMD, &cmd, sizeof(cmd));
	send_config(r, NFQA_CFG_PARAMS, &params, sizeof(params));
	send_config(r, NFQA_CFG_QUEUE_MAXLEN, &maxlen, sizeof(maxlen));
	if (r->options.gso) {
		send_config(r, NFQA_CFG_FLAGS, &gso, sizeof(gso));
		send_config(r, NFQA_CFG_MASK, &gso, sizeof(gso));
	}
}

static struct nlmsghdr *put_verdict(const struct reader *r, void *buf,
				    uint16_t type, const struct packet *p)
{
	struct nfqnl_msg_verdict_hdr vh = {
		.verdict = htonl(r->options.drop ? NF_DROP : NF_ACCEPT),
		.id = htonl(p->id),
	};
	struct nlmsghdr *nlh = nfnl_put(buf, TYPE(type), 0, AF_UNSPEC,
					r->options.group);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(vh), &vh);
	if (r->options.rewrite)
		mnl_attr_put(nlh, NFQA_PAYLOAD, p->len, p->payload);
	return nlh;
}

static void flush(struct reader *r)
{
	r->sends++;
	if (mnl_ring_flush(queue.tx) == -1)
		fail("mnl_ring_flush");
	queue.frames = 0;
}

static void commit_verdict(struct reader *r, uint16_t type,
			   const struct packet *p)
{
	struct nlmsghdr *nlh;
	void *buf;

	if (queue.tx == NULL)
		queue.tx = mnl_socket_get_ring(r->nl, MNL_RING_TX);
	buf = mnl_ring_reserve(queue.tx, 128 + (r->options.rewrite ? p->len : 0));
	if (buf == NULL)
		fail("mnl_ring_reserve");
	nlh = put_verdict(r, buf, type, p);
	if (mnl_ring_commit(queue.tx, nlh->nlmsg_len) == -1)
		fail("mnl_ring_commit");
	if (++queue.frames == r->options.frames)
		flush(r);
}

static void give_verdict(struct reader *r, uint16_t type,
			 const struct packet *p)
{
	static char buf[BUFFER_SIZE];

	queue.packets = 0;
	if (r->options.frames > 0) {
		commit_verdict(r, type, p);
		return;
	}
	r->sends++;
	talk_send(r->nl, put_verdict(r, buf, type, p));
}

static void give_batch(struct reader *r)
{
	struct packet last = { .id = queue.last_id };

	give_verdict(r, NFQNL_MSG_VERDICT_BATCH, &last);
}

static void queue_before_wait(struct reader *r)
{
	if (queue.packets > 0)
		give_batch(r);
	if (queue.frames > 0)
		flush(r);
}

/* The last byte changes, and UDP has no checksum then. */
static void rewrite(struct packet *p)
{
	if (p->len < 29)
		return;
	p->payload[p->len - 1] ^= 1;
	p->payload[26] = 0;
	p->payload[27] = 0;
}

static void handle_packet(struct reader *r, const struct packet *p)
{
	r->messages++;
	queue.last_id = p->id;
	if (r->options.batch == 0)
		give_verdict(r, NFQNL_MSG_VERDICT, p);
	else if (++queue.packets == r->options.batch)
		give_batch(r);
}

static void queue_handle(struct reader *r, void *msg, size_t size)
{
	const struct nlmsghdr *nlh = msg;
	const struct nfqnl_msg_packet_hdr *ph;
	const struct nlattr *attr;
	struct packet p;
	int len = size;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type != TYPE(NFQNL_MSG_PACKET))
			continue;
		p = (struct packet){ 0 };
		mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
			if (mnl_attr_get_type(attr) == NFQA_PACKET_HDR) {
				ph = mnl_attr_get_payload(attr);
				p.id = ntohl(ph->packet_id);
			} else if (mnl_attr_get_type(attr) == NFQA_PAYLOAD) {
				p.payload = mnl_attr_get_payload(attr);
				p.len = mnl_attr_get_payload_len(attr);
			}
		if (r->options.rewrite)
			rewrite(&p);
		handle_packet(r, &p);
	}
}

const struct source source_queue = {
	.name = "queue",
	.open = queue_open,
	.handle = queue_handle,
	.before_wait = queue_before_wait,
};
