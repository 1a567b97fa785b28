// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accepts the packets of a netfilter queue: reads them where the kernel put
 * them, in the RX ring, and sends all verdicts of a round with one system call
 * through the TX ring. The same program runs on kernels without rings.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "nf-queue-common.h"
#include "nfnl.h"

struct reader {
	struct nf_queue		q;
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;
	struct mnl_ring		*tx;
	unsigned int		committed;	/* packets */
};

static void flush_verdicts(struct reader *r)
{
	ssize_t ret;

	while ((ret = mnl_ring_flush(r->tx)) != 0) {
		if (ret == -1 && errno != EINTR && errno != EAGAIN) {
			perror("mnl_ring_flush");
			exit(EXIT_FAILURE);
		}
	}
	r->q.accepted += r->committed;
	r->committed = 0;
}

static void *reserve_verdict(struct reader *r)
{
	void *buf = mnl_ring_reserve(r->tx, NF_QUEUE_VERDICT_SIZE);

	if (buf == NULL && errno == EAGAIN) {
		flush_verdicts(r);
		buf = mnl_ring_reserve(r->tx, NF_QUEUE_VERDICT_SIZE);
	}
	if (buf == NULL) {
		perror("mnl_ring_reserve");
		exit(EXIT_FAILURE);
	}
	return buf;
}

static void commit_verdict(struct reader *r)
{
	void *buf;

	if (r->q.pending == 0)
		return;
	buf = reserve_verdict(r);
	if (mnl_ring_commit(r->tx, nf_queue_put_verdict(&r->q, buf)) == -1) {
		perror("mnl_ring_commit");
		exit(EXIT_FAILURE);
	}
	r->committed += r->q.pending;
	r->q.pending = 0;
}

static int packet_cb(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;

	if (nf_queue_packet(&r->q, nlh) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (r->q.pending >= r->q.batch)
		commit_verdict(r);
	return MNL_CB_OK;
}

static void receive(struct reader *r)
{
	unsigned int portid = mnl_socket_get_portid(r->nl);

	if (mnl_ring_wait(r->rx, -1) == -1) {
		if (errno == ENOBUFS) {
			nf_queue_warn_lost();
		} else if (errno != EINTR) {
			perror("mnl_ring_wait");
			exit(EXIT_FAILURE);
		}
		return;
	}
	if (mnl_ring_cb_run(r->rx, 0, portid, packet_cb, r, 0,
			    NULL) == MNL_CB_ERROR && errno != ENOBUFS) {
		perror("mnl_ring_cb_run");
		exit(EXIT_FAILURE);
	}
	commit_verdict(r);
	flush_verdicts(r);
}

static void open_socket(struct reader *r)
{
	r->nl = nfnl_open(0);
	if (mnl_socket_mmap(r->nl) == -1) {
		perror("mnl_socket_mmap");
		exit(EXIT_FAILURE);
	}
	r->rx = mnl_socket_get_ring(r->nl, MNL_RING_RX);
	r->tx = mnl_socket_get_ring(r->nl, MNL_RING_TX);
}

static void print_listening(const struct reader *r)
{
	if (mnl_ring_is_mapped(r->rx))
		printf("listening on queue %u, RX ring of %u frames of %zu bytes\n",
		       r->q.num, mnl_ring_get_frame_nr(r->rx),
		       mnl_ring_get_frame_size(r->rx));
	else
		printf("listening on queue %u without a ring\n", r->q.num);
	fflush(stdout);
}

/* @before: what came while the queue was being set up */
static void print_figures(const struct reader *r,
			  const struct mnl_ring_stats *before)
{
	struct mnl_ring_stats rx, tx;

	mnl_ring_get_stats(r->rx, &rx, sizeof(rx));
	mnl_ring_get_stats(r->tx, &tx, sizeof(tx));
	nf_queue_figure("packets seen", r->q.seen);
	nf_queue_figure("packets accepted", r->q.accepted);
	nf_queue_figure("by ring", rx.by_ring - before->by_ring);
	nf_queue_figure("by copy", rx.by_copy - before->by_copy);
	nf_queue_figure("by queue", rx.by_queue - before->by_queue);
	nf_queue_figure("system calls", rx.syscalls - before->syscalls +
					tx.syscalls);
	nf_queue_figure("bytes", r->q.bytes);
	nf_queue_figure("overruns", rx.overruns);
}

int main(int argc, char *argv[])
{
	struct mnl_ring_stats before;
	static struct reader r;

	nf_queue_options(&r.q, argc, argv);
	nf_queue_catch_signals();
	open_socket(&r);
	nf_queue_bind(&r.q, r.nl);
	mnl_ring_get_stats(r.rx, &before, sizeof(before));
	print_listening(&r);

	while (!nf_queue_done(&r.q))
		receive(&r);

	nf_queue_unbind(&r.q, r.nl);
	if (r.q.verbose)
		print_figures(&r, &before);
	mnl_socket_close(r.nl);
	return EXIT_SUCCESS;
}
