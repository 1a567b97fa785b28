/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nf-queue and nf-queue-mmap have in common: options, messages, figures.
 */
#ifndef NF_QUEUE_COMMON_H
#define NF_QUEUE_COMMON_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

struct nf_queue {
	uint16_t	num;		/* of the queue, the first of them */
	unsigned int	queues;		/* how many, from num on */
	unsigned int	batch;		/* packets a verdict, 0: each its own */
	const char	*from;		/* text to replace in packets, or NULL */
	const char	*to;		/* of the same length */
	bool		verbose;
	uint64_t	limit;		/* packets to handle, 0: no end */

	uint64_t	seen;
	uint64_t	accepted;	/* the kernel took their verdict */
	uint64_t	bytes;		/* of messages */
	unsigned int	pending;	/* packets seen, verdict not sent */
	uint32_t	last_id;	/* of the last packet seen */
	uint64_t	replaced;	/* packets that were changed */
	const struct nlattr *payload;	/* of the last, if it is to be changed */
	uint64_t	late;		/* verdicts on packets that were gone */
};

/*
 * For mnl_cb_run2() and mnl_ring_cb_run2(), whose data begins with a struct
 * nf_queue: the kernel answers a verdict that comes too late with ENOENT (the
 * queue was flushed, a device went away), and the program goes on.
 */
#define NF_QUEUE_CONTROLS	3
extern const mnl_cb_t nf_queue_controls[NF_QUEUE_CONTROLS];

/* set by SIGINT and SIGTERM */
extern volatile sig_atomic_t nf_queue_stop;

/* Prints how to use the programs, and ends. */
void nf_queue_usage(void);
void nf_queue_options(struct nf_queue *q, int argc, char *argv[]);
void nf_queue_catch_signals(void);
bool nf_queue_done(const struct nf_queue *q);

void nf_queue_bind(const struct nf_queue *q, struct mnl_socket *nl);
void nf_queue_unbind(const struct nf_queue *q, struct mnl_socket *nl);
int nf_queue_packet(struct nf_queue *q, const struct nlmsghdr *nlh);

/* Bytes of the next verdict, at the most. */
size_t nf_queue_verdict_size(const struct nf_queue *q);
/* for a packet of any size, changed */
#define NF_QUEUE_VERDICT_MAX	(0xffff + 128)
size_t nf_queue_put_verdict(struct nf_queue *q, void *buf);

void nf_queue_figure(const char *name, uint64_t value);
void nf_queue_warn_lost(void);

#endif
