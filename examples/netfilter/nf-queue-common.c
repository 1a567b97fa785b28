// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What nf-queue and nf-queue-mmap have in common: options, messages, figures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "nf-queue-common.h"
#include "nf-verdict.h"
#include "nfnl.h"
#include "packet.h"

#define BUFFER_SIZE	(4 << 20)	/* bytes; 1,024 packets, the queue's length */

volatile sig_atomic_t nf_queue_stop;

static const char usage[] =
	"Usage: nf-queue [-v] [-c COUNT] [-b N | -r FROM=TO] QUEUE_NUM\n"
	"       nf-queue-mmap [-v] [-c COUNT] [-b N | -r FROM=TO] QUEUE_NUM[-LAST]\n"
	"Accept the packets of a queue of nftables or iptables, or of several queues\n"
	"with a thread for each, each on a processor of its own.\n"
	"  -b N        one verdict for up to N packets\n"
	"  -c COUNT    end after that many packets, of each queue\n"
	"  -r FROM=TO  replace a text in UDP and TCP packets of IPv4 by one of the same\n"
	"              length\n"
	"  -v          print figures at the end\n";

void nf_queue_usage(void)
{
	talk_usage(usage);
}

static void parse_replacement(struct nf_queue *q, char *arg)
{
	char *to = strchr(arg, '=');

	if (to == NULL || to == arg || strlen(to + 1) != (size_t)(to - arg))
		nf_queue_usage();
	*to = '\0';
	q->from = arg;
	q->to = to + 1;
}

static void parse_queues(struct nf_queue *q, char *arg)
{
	char *last = strchr(arg, '-');
	unsigned long number;

	if (last != NULL && last != arg)
		*last++ = '\0';
	else
		last = arg;
	q->num = nfnl_number(arg, 65535, usage);
	number = nfnl_number(last, 65535, usage);
	if (number < q->num)
		nf_queue_usage();
	q->queues = number - q->num + 1;
}

void nf_queue_options(struct nf_queue *q, int argc, char *argv[])
{
	int opt;

	talk_arguments(argc, argv, 1, argc, usage);
	while ((opt = getopt(argc, argv, "b:c:r:v")) != -1) {
		switch (opt) {
		case 'b':
			q->batch = nfnl_number(optarg, 65535, usage);
			break;
		case 'c':
			q->limit = nfnl_number(optarg, ~0UL, usage);
			break;
		case 'r':
			parse_replacement(q, optarg);
			break;
		case 'v':
			q->verbose = true;
			break;
		default:
			optind = argc;
		}
	}
	if (optind != argc - 1 || (q->batch && q->from))
		nf_queue_usage();
	parse_queues(q, argv[optind]);
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

	if (!talk_ask(nl, put_command(q, buf, NFQNL_CFG_CMD_BIND))) {
		fprintf(stderr, "cannot bind to queue %u: %s\n", q->num,
			errno == EPERM ?
			"no permission: CAP_NET_ADMIN is needed, which root has" :
			strerror(errno));
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
	talk_send(nl, nlh);
}

/*
 * Packets of a burst wait in the socket's buffer; over it, they are lost. The root
 * of a container may have as much as net.core.rmem_max says.
 */
static void enlarge_buffer(struct mnl_socket *nl)
{
	int fd = mnl_socket_get_fd(nl), size = BUFFER_SIZE;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size,
		       sizeof(size)) == -1 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == -1) {
		perror("SO_RCVBUF");
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

	talk_send(nl, put_command(q, buf, NFQNL_CFG_CMD_UNBIND));
}

static int packet_attr_cb(const struct nlattr *attr, void *data)
{
	static const size_t lens[NFQA_MAX + 1] = {
		[NFQA_PACKET_HDR]	= sizeof(struct nfqnl_msg_packet_hdr),
		[NFQA_SKB_INFO]		= sizeof(uint32_t),
	};
	const struct nlattr **attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	/* attributes that this program was built without */
	if (mnl_attr_type_valid(attr, NFQA_MAX) == -1)
		return MNL_CB_OK;
	if (lens[type] &&
	    mnl_attr_validate2(attr, MNL_TYPE_UNSPEC, lens[type]) == -1)
		return MNL_CB_ERROR;
	attrs[type] = attr;
	return MNL_CB_OK;
}

/* A packet that the kernel will cut into several is left alone. */
static bool is_to_be_changed(const struct nf_queue *q,
			     const struct nlattr *attrs[])
{
	const struct nlattr *info = attrs[NFQA_SKB_INFO];

	if (q->from == NULL || attrs[NFQA_PAYLOAD] == NULL ||
	    (info && ntohl(mnl_attr_get_u32(info)) & NFQA_SKB_GSO))
		return false;
	return packet_contains(mnl_attr_get_payload(attrs[NFQA_PAYLOAD]),
			       mnl_attr_get_payload_len(attrs[NFQA_PAYLOAD]),
			       q->from);
}

/* one more packet waits for its verdict */
int nf_queue_packet(struct nf_queue *q, const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[NFQA_MAX + 1] = { NULL };
	const struct nfqnl_msg_packet_hdr *hdr;

	if (mnl_attr_parse(nlh, sizeof(struct nfgenmsg), packet_attr_cb,
			   attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[NFQA_PACKET_HDR] == NULL) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	hdr = mnl_attr_get_payload(attrs[NFQA_PACKET_HDR]);
	q->payload = is_to_be_changed(q, attrs) ? attrs[NFQA_PAYLOAD] : NULL;
	q->last_id = ntohl(hdr->packet_id);
	q->bytes += nlh->nlmsg_len;
	q->seen++;
	q->pending++;
	return MNL_CB_OK;
}

static int answer_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct nf_queue *q = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err)) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	if (err->error == -ENOENT) {
		q->late++;
	} else if (err->error) {
		errno = -err->error;
		return MNL_CB_ERROR;
	}
	return MNL_CB_OK;
}

const mnl_cb_t nf_queue_controls[NF_QUEUE_CONTROLS] = {
	[NLMSG_ERROR] = answer_cb,
};

size_t nf_queue_verdict_size(const struct nf_queue *q)
{
	return NF_VERDICT_SIZE + (q->payload ? mnl_attr_get_len(q->payload) : 0);
}

/* the packet as the kernel gave it, changed in the verdict */
static void put_changed(struct nf_queue *q, struct nlmsghdr *nlh)
{
	struct nlattr *attr = mnl_nlmsg_get_payload_tail(nlh);
	size_t len = mnl_attr_get_payload_len(q->payload);

	mnl_attr_put(nlh, NFQA_PAYLOAD, len, mnl_attr_get_payload(q->payload));
	packet_replace(mnl_attr_get_payload(attr), len, q->from, q->to);
	q->replaced++;
}

/* accepts the last packet or, with -b, it and all before it that have no verdict */
size_t nf_queue_put_verdict(struct nf_queue *q, void *buf)
{
	struct nlmsghdr *nlh;

	if (q->batch)
		nlh = nf_verdict_batch(buf, q->num, q->last_id, NF_ACCEPT);
	else
		nlh = nf_verdict(buf, q->num, q->last_id, NF_ACCEPT);
	if (q->payload)
		put_changed(q, nlh);
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
