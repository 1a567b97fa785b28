// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * nfnetlink_queue through libnetfilter_queue and libnfnetlink, as their
 * documentation shows it.
 */
#include <arpa/inet.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>

#include "common.h"
#include "reader.h"

static struct nfq_handle *handle;

static int packet_cb(struct nfq_q_handle *qh, struct nfgenmsg *nfmsg,
		     struct nfq_data *nfad, void *data)
{
	struct nfqnl_msg_packet_hdr *ph = nfq_get_msg_packet_hdr(nfad);
	struct reader *r = data;
	unsigned char *payload;

	(void)nfmsg;
	if (nfq_get_payload(nfad, &payload) == -1)
		fail("nfq_get_payload");
	r->messages++;
	r->sends++;
	return nfq_set_verdict(qh, ntohl(ph->packet_id),
			       r->options.drop ? NF_DROP : NF_ACCEPT, 0, NULL);
}

static void nfq_open_queue(struct reader *r)
{
	struct nfq_q_handle *qh;

	handle = nfq_open();
	if (handle == NULL)
		fail("nfq_open");
	qh = nfq_create_queue(handle, r->options.group, packet_cb, r);
	if (qh == NULL || nfq_set_mode(qh, NFQNL_COPY_PACKET, 0xffff) == -1 ||
	    nfq_set_queue_maxlen(qh, 4096) == -1)
		fail("nfq_create_queue");
	r->nl = mnl_socket_fdopen(nfq_fd(handle));
	if (r->nl == NULL)
		fail("mnl_socket_fdopen");
}

static void nfq_handle_message(struct reader *r, void *msg, size_t len)
{
	(void)r;
	nfq_handle_packet(handle, msg, len);
}

const struct source source_nfq = {
	.name = "nfq",
	.open = nfq_open_queue,
	.handle = nfq_handle_message,
};
