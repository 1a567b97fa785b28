// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accepts the packets of a netfilter queue: recvfrom, and a verdict for each.
 * nf-queue-mmap does the same through rings.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "nf-queue-common.h"
#include "nfnl.h"

struct reader {
	struct nf_queue		q;
	struct mnl_socket	*nl;
	uint64_t		messages;
	uint64_t		syscalls;
	uint64_t		overruns;
};

static void send_verdict(struct reader *r)
{
	static char buf[NF_QUEUE_VERDICT_MAX]
		__attribute__((aligned(MNL_ALIGNTO)));

	if (r->q.pending == 0)
		return;
	r->syscalls++;
	if (mnl_socket_sendto(r->nl, buf,
			      nf_queue_put_verdict(&r->q, buf)) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	r->q.accepted += r->q.pending;
	r->q.pending = 0;
}

static int packet_cb(const struct nlmsghdr *nlh, void *data)
{
	struct reader *r = data;

	if (nf_queue_packet(&r->q, nlh) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	r->messages++;
	if (r->q.pending >= r->q.batch)
		send_verdict(r);
	return MNL_CB_OK;
}

/* nothing more to read: no packet waits for a batch to fill */
static void wait_for_packets(struct reader *r)
{
	struct pollfd pfd = {
		.fd = mnl_socket_get_fd(r->nl),
		.events = POLLIN,
	};

	send_verdict(r);
	r->syscalls++;
	if (poll(&pfd, 1, -1) == -1 && errno != EINTR) {
		perror("poll");
		exit(EXIT_FAILURE);
	}
}

static void receive(struct reader *r)
{
	static char buf[0xffff + 4096];
	ssize_t len;

	r->syscalls++;
	len = mnl_socket_recvfrom(r->nl, buf, sizeof(buf));
	if (len == -1 && errno == EAGAIN) {
		wait_for_packets(r);
	} else if (len == -1 && errno == ENOBUFS) {
		r->overruns++;
		nf_queue_warn_lost();
	} else if (len == -1 && errno != EINTR) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	} else if (len > 0 &&
		   mnl_cb_run2(buf, len, 0, mnl_socket_get_portid(r->nl),
			       packet_cb, r, nf_queue_controls,
			       NF_QUEUE_CONTROLS) == MNL_CB_ERROR) {
		perror("mnl_cb_run2");
		exit(EXIT_FAILURE);
	}
}

static void print_figures(const struct reader *r)
{
	nf_queue_figure("packets seen", r->q.seen);
	nf_queue_figure("packets accepted", r->q.accepted);
	nf_queue_figure("packets replaced", r->q.replaced);
	nf_queue_figure("by ring", 0);
	nf_queue_figure("by copy", 0);
	nf_queue_figure("by queue", r->messages);
	nf_queue_figure("system calls", r->syscalls);
	nf_queue_figure("bytes", r->q.bytes);
	nf_queue_figure("overruns", r->overruns);
}

int main(int argc, char *argv[])
{
	static struct reader r;

	nf_queue_options(&r.q, argc, argv);
	if (r.q.queues > 1)
		nf_queue_usage();
	nf_queue_catch_signals();
	r.nl = nfnl_open(0);
	nf_queue_bind(&r.q, r.nl);
	if (fcntl(mnl_socket_get_fd(r.nl), F_SETFL, O_NONBLOCK) == -1) {
		perror("fcntl");
		exit(EXIT_FAILURE);
	}
	printf("listening on queue %u without a ring\n", r.q.num);
	fflush(stdout);

	while (!nf_queue_done(&r.q))
		receive(&r);

	send_verdict(&r);
	nf_queue_unbind(&r.q, r.nl);
	if (r.q.verbose)
		print_figures(&r);
	mnl_socket_close(r.nl);
	return EXIT_SUCCESS;
}
