// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nf-queue and nf-queue-mmap have in common: options, messages, figures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nf-queue-common.h"
#include "nfnl.h"

#define BUFFER_SIZE	(4 << 20)	/* bytes; 1,024 packets, the queue's length */

volatile sig_atomic_t nf_queue_stop;

static const char usage[] =
	"Usage: nf-queue [-v] [-c COUNT] [-b N] QUEUE_NUM\n"
	"       nf-queue-mmap [-v] [-c COUNT] [-b N] QUEUE_NUM\n"
	"Accept the packets of a queue of nftables or iptables.\n"
	"  -b N      one verdict for up to N packets\n"
	"  -c COUNT  end after that many packets\n"
	"  -v        print figures at the end\n";

void nf_queue_options(struct nf_queue *q, int argc, char *argv[])
{
	int opt;

	while ((opt = getopt(argc, argv, "b:c:v")) != -1) {
		switch (opt) {
		case 'b':
			q->batch = nfnl_number(optarg, 65535, usage);
			break;
		case 'c':
			q->limit = nfnl_number(optarg, ~0UL, usage);
			break;
		case 'v':
			q->verbose = true;
			break;
		default:
			optind = argc;
		}
	}
	if (optind != argc - 1) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	q->num = nfnl_number(argv[optind], 65535, usage);
}

/* A signal between a look at the flag and the wait is followed by another. */
static void on_signal(int sig)
{
	(void)sig;
	nf_queue_stop = 1;
	alarm(1);
}

void nf_queue_catch_signals(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGALRM };
	struct sigaction sa = { .sa_handler = on_signal };
	unsigned int i;

	for (i = 0; i < MNL_ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], &sa, NULL) == -1) {
			perror("sigaction");
			exit(EXIT_FAILURE);
		}
	}
}

bool nf_queue_done(const struct nf_queue *q)
{
	return nf_queue_stop || (q->limit && q->seen >= q->limit);
}

static struct nlmsghdr *put_header(const struct nf_queue *q, void *buf,
				   uint8_t type)
{
	return nfnl_put(buf, NFNL_SUBSYS_QUEUE << 8 | type, 0, AF_UNSPEC,
			q->num);
}

static struct nlmsghdr *put_command(const struct nf_queue *q, void *buf,
				    uint8_t command)
{
	struct nlmsghdr *nlh = put_header(q, buf, NFQNL_MSG_CONFIG);
	struct nfqnl_msg_config_cmd cmd = { .command = command };

	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(cmd), &cmd);
	return nlh;
}

/* No packet comes before the copy mode is set: the answer is the only one. */
static void send_bind(const struct nf_queue *q, struct mnl_socket *nl)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));

	if (!nfnl_ask(nl, put_command(q, buf, NFQNL_CFG_CMD_BIND))) {
		fprintf(stderr, "cannot bind to queue %u: ", q->num);
		perror(NULL);
		exit(EXIT_FAILURE);
	}
}

static void send_parameters(const struct nf_queue *q, struct mnl_socket *nl)
{
	struct nfqnl_msg_config_params params = {
		.copy_range	= htonl(0xffff),
		.copy_mode	= NFQNL_COPY_PACKET,
	};
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = put_header(q, buf, NFQNL_MSG_CONFIG);

	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(NFQA_CFG_F_GSO));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(NFQA_CFG_F_GSO));
	nfnl_send(nl, nlh);
}

/* Packets of a burst wait in the socket's buffer; over it, they are lost. */
static void enlarge_buffer(struct mnl_socket *nl)
{
	int size = BUFFER_SIZE;

	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE,
		       &size, sizeof(size)) == -1) {
		perror("SO_RCVBUFFORCE");
		exit(EXIT_FAILURE);
	}
}

void nf_queue_bind(const struct nf_queue *q, struct mnl_socket *nl)
{
	enlarge_buffer(nl);
	send_bind(q, nl);
	send_parameters(q, nl);
}

void nf_queue_unbind(const struct nf_queue *q, struct mnl_socket *nl)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));

	nfnl_send(nl, put_command(q, buf, NFQNL_CFG_CMD_UNBIND));
}

static int packet_attr_cb(const struct nlattr *attr, void *data)
{
	const struct nfqnl_msg_packet_hdr **hdr = data;

	if (mnl_attr_get_type(attr) != NFQA_PACKET_HDR)
		return MNL_CB_OK;
	if (mnl_attr_validate2(attr, MNL_TYPE_UNSPEC, sizeof(**hdr)) == -1)
		return MNL_CB_ERROR;
	*hdr = mnl_attr_get_payload(attr);
	return MNL_CB_OK;
}

/* one more packet waits for its verdict */
int nf_queue_packet(struct nf_queue *q, const struct nlmsghdr *nlh)
{
	const struct nfqnl_msg_packet_hdr *hdr = NULL;

	if (mnl_attr_parse(nlh, sizeof(struct nfgenmsg), packet_attr_cb,
			   &hdr) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (hdr == NULL) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	q->last_id = ntohl(hdr->packet_id);
	q->bytes += nlh->nlmsg_len;
	q->seen++;
	q->pending++;
	return MNL_CB_OK;
}

/* accepts the last packet or, with -b, it and all before it */
size_t nf_queue_put_verdict(const struct nf_queue *q, void *buf)
{
	struct nlmsghdr *nlh = put_header(q, buf, q->batch ?
					  NFQNL_MSG_VERDICT_BATCH :
					  NFQNL_MSG_VERDICT);
	struct nfqnl_msg_verdict_hdr verdict = {
		.verdict	= htonl(NF_ACCEPT),
		.id		= htonl(q->last_id),
	};

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	return nlh->nlmsg_len;
}

void nf_queue_figure(const char *name, uint64_t value)
{
	printf("%-18s %12" PRIu64 "\n", name, value);
}

void nf_queue_warn_lost(void)
{
	fprintf(stderr, "the kernel dropped messages: socket buffer full\n");
}
