/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Verdicts on the packets of a netfilter queue, to be copied into programs.
 *
 * Two things save system calls. A batch verdict decides on a packet and on all
 * packets before it that have no verdict yet: for programs that accept, or drop,
 * everything in between, and never for one that has packets waiting. And verdicts,
 * of either kind, that are built in the TX ring go to the kernel with one call for
 * all. Without rings they need a call each, and the program is the same.
 *
 *	struct nf_verdicts v = { .tx = tx, .queue = 9 };
 *
 *	in the callback of each packet:
 *		nf_verdicts_put(&v, id, NF_ACCEPT);
 *	or of some of them:
 *		nf_verdicts_put_batch(&v, id, NF_ACCEPT);
 *	after mnl_ring_cb_run2():
 *		nf_verdicts_flush(&v);
 *
 * A callback builds its verdict itself: a packet ID is not to be returned as
 * MNL_CB_OK + id, which loses all but the last ID of several packets. A verdict on
 * a packet that is gone is answered by ENOENT, which nf_queue_controls of
 * nf-queue-common.h takes. Errors end the program.
 */
#ifndef NF_VERDICT_H
#define NF_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

struct nf_verdicts {
	struct mnl_ring	*tx;
	uint16_t	queue;
	unsigned int	most;		/* messages that wait; 0: all frames */
	unsigned int	waiting;	/* messages built, not sent */
};

/* Bytes of a verdict without other attributes, at the most. */
#define NF_VERDICT_SIZE	64

/*
 * Builds a verdict in @buf. More attributes may be put to the message: the packet,
 * changed (NFQA_PAYLOAD), or a mark (NFQA_MARK).
 */
struct nlmsghdr *nf_verdict(void *buf, uint16_t queue, uint32_t id,
			    uint32_t verdict);
struct nlmsghdr *nf_verdict_batch(void *buf, uint16_t queue, uint32_t id,
				  uint32_t verdict);

/* Room for a verdict of @size bytes; sends those before it if there is none. */
void *nf_verdicts_reserve(struct nf_verdicts *v, size_t size);
/* It has @len bytes, and is sent with the others. */
void nf_verdicts_commit(struct nf_verdicts *v, size_t len);

void nf_verdicts_put(struct nf_verdicts *v, uint32_t id, uint32_t verdict);
void nf_verdicts_put_batch(struct nf_verdicts *v, uint32_t id,
			   uint32_t verdict);

/* Sends all, before the program waits for packets: the kernel waits for them. */
void nf_verdicts_flush(struct nf_verdicts *v);

#endif
