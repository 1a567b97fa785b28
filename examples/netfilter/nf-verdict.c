// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Verdicts on the packets of a netfilter queue: see nf-verdict.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nf-verdict.h"
#include "nfnl.h"

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static struct nlmsghdr *build(void *buf, uint16_t queue, uint8_t type,
			      uint32_t id, uint32_t verdict)
{
	struct nlmsghdr *nlh = nfnl_put(buf, NFNL_SUBSYS_QUEUE << 8 | type, 0,
					AF_UNSPEC, queue);
	struct nfqnl_msg_verdict_hdr hdr = {
		.verdict	= htonl(verdict),
		.id		= htonl(id),
	};

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(hdr), &hdr);
	return nlh;
}

struct nlmsghdr *nf_verdict(void *buf, uint16_t queue, uint32_t id,
			    uint32_t verdict)
{
	return build(buf, queue, NFQNL_MSG_VERDICT, id, verdict);
}

struct nlmsghdr *nf_verdict_batch(void *buf, uint16_t queue, uint32_t id,
				  uint32_t verdict)
{
	return build(buf, queue, NFQNL_MSG_VERDICT_BATCH, id, verdict);
}

void *nf_verdicts_reserve(struct nf_verdicts *v, size_t size)
{
	void *buf;

	if (v->most && v->waiting == v->most)
		nf_verdicts_flush(v);
	buf = mnl_ring_reserve(v->tx, size);
	if (buf == NULL && errno == EAGAIN) {
		nf_verdicts_flush(v);
		buf = mnl_ring_reserve(v->tx, size);
	}
	if (buf == NULL)
		fail("mnl_ring_reserve");
	return buf;
}

void nf_verdicts_commit(struct nf_verdicts *v, size_t len)
{
	if (mnl_ring_commit(v->tx, len) == -1)
		fail("mnl_ring_commit");
	v->waiting++;
}

void nf_verdicts_put(struct nf_verdicts *v, uint32_t id, uint32_t verdict)
{
	void *buf = nf_verdicts_reserve(v, NF_VERDICT_SIZE);

	nf_verdicts_commit(v, nf_verdict(buf, v->queue, id, verdict)->nlmsg_len);
}

void nf_verdicts_put_batch(struct nf_verdicts *v, uint32_t id, uint32_t verdict)
{
	void *buf = nf_verdicts_reserve(v, NF_VERDICT_SIZE);

	nf_verdicts_commit(v, nf_verdict_batch(buf, v->queue, id,
					       verdict)->nlmsg_len);
}

void nf_verdicts_flush(struct nf_verdicts *v)
{
	ssize_t ret;

	while ((ret = mnl_ring_flush(v->tx)) != 0)
		if (ret == -1 && errno != EINTR && errno != EAGAIN &&
		    errno != ENOBUFS)
			fail("mnl_ring_flush");
	v->waiting = 0;
}
