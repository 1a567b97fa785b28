// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keeps a text out: packets of TCP streams wait in the RX rings, kept, until it
 * is known whether the text is in the first bytes of their stream, across
 * packets, whichever queue they come through. Then all of them pass, or none,
 * and none that follows. After so many milliseconds they pass as they are. Each
 * queue has a socket and a thread of its own; 25 verdicts are sent with one
 * system call.
 *
 * There are no batch verdicts: one would decide on all packets before it, those
 * that wait, too.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "ips-stream.h"
#include "nf-queue-common.h"
#include "nf-verdict.h"
#include "nfnl.h"

#define USAGE	"Usage: nf-ips-mmap [-v] TEXT MILLISECONDS QUEUE_NUM[-LAST]\n"
#define BATCH	25	/* verdicts a system call */

struct reader;

/* a packet that waits in the ring of its reader */
struct waiting {
	struct waiting		*next;
	struct reader		*reader;
	const struct nlmsghdr	*nlh;
	uint32_t		id;
	uint32_t		verdict;
};

struct reader {
	struct nf_queue		q;
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;
	struct nf_verdicts	verdicts;
	pthread_t		thread;
	unsigned int		waiting;	/* packets */
	struct waiting		*decided;	/* under the lock of streams */
	uint64_t		kept;
	uint64_t		dropped;
};

static const char *text;
static long long patience;	/* milliseconds that a stream may wait */
static unsigned int bad_streams, good_streams, hasty_streams;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/*
 * Verdicts: by the thread whose queue the packet came through
 */

static void send_verdict(struct reader *r, uint32_t id, uint32_t what)
{
	nf_verdicts_put(&r->verdicts, id, what);
	r->dropped += what == NF_DROP;
}

/* what this or another thread decided */
static void handle_decided(struct reader *r)
{
	struct waiting *list, *w;

	stream_lock();
	list = r->decided;
	r->decided = NULL;
	stream_unlock();
	while ((w = list)) {
		list = w->next;
		send_verdict(r, w->id, w->verdict);
		mnl_ring_release_kept(r->rx, w->nlh);
		r->waiting--;
		free(w);
	}
}

/*
 * Decisions, under the lock of the streams
 */

static void decide(struct stream *stream, enum stream_state state)
{
	struct segment *list = stream_decide(stream, state), *s;
	struct waiting *w;

	while ((s = list)) {
		list = s->next;
		w = s->packet;
		w->verdict = state == STREAM_BAD ? NF_DROP : NF_ACCEPT;
		w->next = w->reader->decided;
		w->reader->decided = w;
		free(s);
	}
	if (state == STREAM_BAD)
		bad_streams++;
	else
		good_streams++;
}

/* a stream that waited too long passes as it is; false: there is none */
static bool decide_oldest(long long age)
{
	struct stream *stream;

	stream_lock();
	stream = stream_oldest(age);
	if (stream) {
		decide(stream, STREAM_GOOD);
		hasty_streams++;
	}
	stream_unlock();
	return stream != NULL;
}

static bool wait_for_more(struct reader *r, struct stream_packet *p,
			  const struct nlmsghdr *nlh)
{
	struct waiting *w = malloc(sizeof(*w));

	if (w == NULL || !stream_add(p, w)) {
		free(w);
		return false;
	}
	w->reader = r;
	w->nlh = nlh;
	w->id = r->q.last_id;
	if (mnl_ring_keep(r->rx, nlh) == -1)
		fail("mnl_ring_keep");
	r->waiting++;
	r->kept++;
	return true;
}

/* true: decided, and how; false: it waits */
static bool inspect(struct reader *r, const struct nlmsghdr *nlh,
		    const struct nlattr *payload, uint32_t *verdict)
{
	struct stream_packet p;
	enum stream_state state;
	bool waits = false;

	stream_lock();
	p = stream_find(mnl_attr_get_payload(payload),
			mnl_attr_get_payload_len(payload));
	if (p.stream && p.stream->state == STREAM_UNDECIDED) {
		if (p.len)
			waits = wait_for_more(r, &p, nlh);
		state = stream_inspect(p.stream, text);
		if (state != STREAM_UNDECIDED)
			decide(p.stream, state);
	}
	*verdict = p.stream && p.len && p.stream->state == STREAM_BAD ?
		   NF_DROP : NF_ACCEPT;
	stream_unlock();
	return !waits;
}

static int packet_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *payload = NULL;
	uint32_t verdict = NF_ACCEPT;
	struct reader *r = data;

	if (nf_queue_packet(&r->q, nlh) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFQA_PAYLOAD)
			payload = attr;
	if (payload == NULL || inspect(r, nlh, payload, &verdict))
		send_verdict(r, r->q.last_id, verdict);
	return MNL_CB_OK;
}

/*
 * Threads
 */

/* Others may decide on packets that wait here: a look now and then. */
static void receive(struct reader *r)
{
	int ret = mnl_ring_wait(r->rx, r->waiting ? 5 : 500);

	if (ret == -1 && errno == ENOBUFS)
		nf_queue_warn_lost();
	else if (ret == -1 && errno == EBUSY)
		decide_oldest(0);	/* each frame is kept */
	else if (ret == -1 && errno != EINTR)
		fail("mnl_ring_wait");
	else if (ret == 1 &&
		 mnl_ring_cb_run2(r->rx, 0, mnl_socket_get_portid(r->nl),
				  packet_cb, r, nf_queue_controls,
				  NF_QUEUE_CONTROLS, 0, NULL) == MNL_CB_ERROR &&
		 errno != ENOBUFS)
		fail("mnl_ring_cb_run2");
	while (decide_oldest(patience))
		;
	handle_decided(r);
	nf_verdicts_flush(&r->verdicts);
}

static void *run(void *arg)
{
	struct reader *r = arg;

	while (!nf_queue_done(&r->q))
		receive(r);
	return NULL;
}

static void start(struct reader *r, const struct nf_queue *options,
		  unsigned int i)
{
	r->q = *options;
	r->q.num += i;
	r->nl = nfnl_open(0);
	if (mnl_socket_mmap(r->nl) == -1)
		fail("mnl_socket_mmap");
	r->rx = mnl_socket_get_ring(r->nl, MNL_RING_RX);
	r->verdicts.tx = mnl_socket_get_ring(r->nl, MNL_RING_TX);
	r->verdicts.queue = r->q.num;
	r->verdicts.most = BATCH;
	nf_queue_bind(&r->q, r->nl);
}

static void print_figures(const struct reader *readers, unsigned int nr)
{
	uint64_t seen = 0, kept = 0, dropped = 0;
	struct mnl_ring_stats rx, all = { 0 };
	unsigned int i;

	for (i = 0; i < nr; i++) {
		mnl_ring_get_stats(readers[i].rx, &rx, sizeof(rx));
		all.by_ring += rx.by_ring;
		all.by_copy += rx.by_copy;
		all.by_queue += rx.by_queue;
		seen += readers[i].q.seen;
		kept += readers[i].kept;
		dropped += readers[i].dropped;
	}
	nf_queue_figure("packets seen", seen);
	nf_queue_figure("packets kept", kept);
	nf_queue_figure("packets dropped", dropped);
	nf_queue_figure("streams good", good_streams);
	nf_queue_figure("streams bad", bad_streams);
	nf_queue_figure("streams hasty", hasty_streams);
	nf_queue_figure("by ring", all.by_ring);
	nf_queue_figure("by copy", all.by_copy);
	nf_queue_figure("by queue", all.by_queue);
}

int main(int argc, char *argv[])
{
	struct nf_queue options = { 0 };
	struct reader *readers;
	unsigned int i;

	talk_arguments(argc, argv, 3, argc, USAGE);
	if (strlen(argv[argc - 3]) == 0)
		talk_usage(USAGE);
	text = argv[argc - 3];
	patience = nfnl_number(argv[argc - 2], 3600000, USAGE);
	argv[argc - 3] = argv[argc - 1];
	nf_queue_options(&options, argc - 2, argv);
	nf_queue_catch_signals();
	readers = calloc(options.queues, sizeof(*readers));
	if (readers == NULL)
		fail("calloc");
	for (i = 0; i < options.queues; i++)
		start(&readers[i], &options, i);
	printf("listening on queues %u to %u %s\n", options.num,
	       options.num + options.queues - 1,
	       mnl_ring_is_mapped(readers[0].rx) ? "with rings" :
						   "without a ring");
	fflush(stdout);

	for (i = 0; i < options.queues; i++) {
		errno = pthread_create(&readers[i].thread, NULL, run,
				       &readers[i]);
		if (errno)
			fail("pthread_create");
	}
	for (i = 0; i < options.queues; i++)
		pthread_join(readers[i].thread, NULL);
	while (decide_oldest(0))
		;
	for (i = 0; i < options.queues; i++) {
		handle_decided(&readers[i]);
		nf_verdicts_flush(&readers[i].verdicts);
		nf_queue_unbind(&readers[i].q, readers[i].nl);
	}
	if (options.verbose)
		print_figures(readers, options.queues);
	for (i = 0; i < options.queues; i++)
		mnl_socket_close(readers[i].nl);
	free(readers);
	return EXIT_SUCCESS;
}
