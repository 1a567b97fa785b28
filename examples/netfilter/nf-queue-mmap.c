// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accepts the packets of netfilter queues: reads them where the kernel put
 * them, in the RX ring, and sends all verdicts of a round with one system call
 * through the TX ring. Each queue has a socket and a thread of its own. The same
 * program runs on kernels without rings.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter.h>

#include "nf-queue-common.h"
#include "nf-verdict.h"
#include "nfnl.h"

struct reader {
	struct nf_queue		q;
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;
	struct nf_verdicts	verdicts;
	unsigned int		committed;	/* packets */
	struct mnl_ring_stats	before;		/* the queue was set up */
	pthread_t		thread;
};

static void flush_verdicts(struct reader *r)
{
	nf_verdicts_flush(&r->verdicts);
	r->q.accepted += r->committed;
	r->committed = 0;
}

/* a changed packet may be longer than a frame: the library sends it, too */
static void put_verdict(struct reader *r)
{
	void *buf = nf_verdicts_reserve(&r->verdicts,
					nf_queue_verdict_size(&r->q));

	nf_verdicts_commit(&r->verdicts, nf_queue_put_verdict(&r->q, buf));
}

static void commit_verdict(struct reader *r)
{
	if (r->q.pending == 0)
		return;
	if (r->q.batch)
		nf_verdicts_put_batch(&r->verdicts, r->q.last_id, NF_ACCEPT);
	else
		put_verdict(r);
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

	/* not for ever: a signal comes to one of several threads */
	switch (mnl_ring_wait(r->rx, 500)) {
	case 0:
		return;
	case -1:
		if (errno == ENOBUFS) {
			nf_queue_warn_lost();
		} else if (errno != EINTR) {
			perror("mnl_ring_wait");
			exit(EXIT_FAILURE);
		}
		return;
	}
	if (mnl_ring_cb_run2(r->rx, 0, portid, packet_cb, r, nf_queue_controls,
			     NF_QUEUE_CONTROLS, 0, NULL) == MNL_CB_ERROR) {
		if (errno != ENOBUFS) {
			perror("mnl_ring_cb_run2");
			exit(EXIT_FAILURE);
		}
		nf_queue_warn_lost();
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
	r->verdicts.tx = mnl_socket_get_ring(r->nl, MNL_RING_TX);
	r->verdicts.queue = r->q.num;
}

static void print_listening(const struct reader *r)
{
	char queues[16] = "";

	if (r->q.queues > 1)
		snprintf(queues, sizeof(queues), "-%u",
			 r->q.num + r->q.queues - 1);
	if (mnl_ring_is_mapped(r->rx))
		printf("listening on queue %u%s, RX ring of %u frames of %zu bytes\n",
		       r->q.num, queues, mnl_ring_get_frame_nr(r->rx),
		       mnl_ring_get_frame_size(r->rx));
	else
		printf("listening on queue %u%s without a ring (\"mnl-ring check\" tells why)\n",
		       r->q.num, queues);
	fflush(stdout);
}

/* of all queues together */
static void print_figures(const struct reader *readers, unsigned int nr)
{
	struct mnl_ring_stats rx, tx, all = { 0 };
	struct nf_queue q = { 0 };
	const struct reader *r;

	for (r = readers; r < readers + nr; r++) {
		mnl_ring_get_stats(r->rx, &rx, sizeof(rx));
		mnl_ring_get_stats(r->verdicts.tx, &tx, sizeof(tx));
		q.seen += r->q.seen;
		q.accepted += r->q.accepted;
		q.replaced += r->q.replaced;
		q.bytes += r->q.bytes;
		all.by_ring += rx.by_ring - r->before.by_ring;
		all.by_copy += rx.by_copy - r->before.by_copy;
		all.by_queue += rx.by_queue - r->before.by_queue;
		all.syscalls += rx.syscalls - r->before.syscalls + tx.syscalls;
		all.overruns += rx.overruns;
		if (nr > 1)
			printf("queue %-12u %12llu\n", r->q.num,
			       (unsigned long long)r->q.seen);
	}
	nf_queue_figure("packets seen", q.seen);
	nf_queue_figure("packets accepted", q.accepted);
	nf_queue_figure("packets replaced", q.replaced);
	nf_queue_figure("by ring", all.by_ring);
	nf_queue_figure("by copy", all.by_copy);
	nf_queue_figure("by queue", all.by_queue);
	nf_queue_figure("system calls", all.syscalls);
	nf_queue_figure("bytes", q.bytes);
	nf_queue_figure("overruns", all.overruns);
}

static void start(struct reader *r, const struct nf_queue *options,
		  unsigned int i)
{
	r->q = *options;
	r->q.num += i;
	open_socket(r);
	nf_queue_bind(&r->q, r->nl);
	mnl_ring_get_stats(r->rx, &r->before, sizeof(r->before));
}

static void *run(void *arg)
{
	struct reader *r = arg;

	while (!nf_queue_done(&r->q))
		receive(r);
	nf_queue_unbind(&r->q, r->nl);
	return NULL;
}

/* each on a processor of its own, as far as there are enough */
static void run_threads(struct reader *readers, unsigned int nr)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	cpu_set_t set;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		errno = pthread_create(&readers[i].thread, NULL, run,
				       &readers[i]);
		if (errno) {
			perror("pthread_create");
			exit(EXIT_FAILURE);
		}
		CPU_ZERO(&set);
		CPU_SET(i % processors, &set);
		errno = pthread_setaffinity_np(readers[i].thread, sizeof(set),
					       &set);
		if (errno)
			perror("pthread_setaffinity_np");
	}
	for (i = 0; i < nr; i++)
		pthread_join(readers[i].thread, NULL);
}

int main(int argc, char *argv[])
{
	struct nf_queue options = { 0 };
	struct reader *readers;
	unsigned int i;

	nf_queue_options(&options, argc, argv);
	nf_queue_catch_signals();
	readers = calloc(options.queues, sizeof(*readers));
	if (readers == NULL) {
		perror("calloc");
		exit(EXIT_FAILURE);
	}
	for (i = 0; i < options.queues; i++)
		start(&readers[i], &options, i);
	readers[0].q.queues = options.queues;
	print_listening(readers);

	if (options.queues == 1)
		run(readers);
	else
		run_threads(readers, options.queues);

	if (options.verbose)
		print_figures(readers, options.queues);
	for (i = 0; i < options.queues; i++)
		mnl_socket_close(readers[i].nl);
	free(readers);
	return EXIT_SUCCESS;
}
