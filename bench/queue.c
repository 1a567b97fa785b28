// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A reader of an nfnetlink_queue that gives verdicts, by one way or another, and
 * ends when nothing came for half a second. Prints one line of JSON.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <sys/resource.h>

#include "common.h"
#include "reader.h"

static const char usage[] =
	"Usage: queue-reader [-n VECTOR] [-p PACE] [-b BATCH] [-t FRAMES] [-d] WAY QUEUE\n"
	"  -n  messages a call takes at the most (recvmmsg)\n"
	"  -p  microseconds to sleep before each call\n"
	"  -b  packets a verdict; 0: each has its own\n"
	"  -t  verdicts in the TX ring before they are sent; 0: no TX ring\n"
	"  -d  drop them\n"
	"WAY is one of";

struct usage_now {
	long long	cpu;		/* nanoseconds */
	long		voluntary;
	long		involuntary;
	uint64_t	syscalls;
};

struct queue {
	struct reader		reader;	/* first: handlers get this */
	uint16_t		num;
	unsigned int		batch;
	unsigned int		frames;
	uint32_t		verdict;
	struct mnl_ring		*tx;
	unsigned int		pending;	/* packets, or frames */
	uint32_t		last_id;
	uint64_t		packets;
	uint64_t		bytes;
	uint64_t		calls;		/* to send verdicts */
	struct usage_now	first;		/* when the first packet came */
	long long		end;		/* when the last ones were handled */
};

static struct usage_now usage_now(const struct queue *q)
{
	struct usage_now now = { .cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) };
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	now.voluntary = ru.ru_nvcsw;
	now.involuntary = ru.ru_nivcsw;
	now.syscalls = q->reader.syscalls;
	return now;
}

/*
 * Messages to the queue
 */

static struct nlmsghdr *put(void *buf, uint16_t num, uint16_t type)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = AF_UNSPEC;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(num);
	return nlh;
}

static void send_config(struct queue *q, unsigned int attr, const void *value,
			size_t len)
{
	char buf[256];
	struct nlmsghdr *nlh = put(buf, q->num, NFQNL_MSG_CONFIG);

	mnl_attr_put(nlh, attr, len, value);
	if (mnl_socket_sendto(q->reader.nl, nlh, nlh->nlmsg_len) == -1)
		fail("sendto");
}

static void bind_queue(struct queue *q)
{
	struct nfqnl_msg_config_cmd cmd = {
		.command = NFQNL_CFG_CMD_BIND,
		.pf = htons(AF_INET),
	};
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(0xffff),
		.copy_mode = NFQNL_COPY_PACKET,
	};
	uint32_t maxlen = htonl(4096);
	int size = 8 << 20;

	send_config(q, NFQA_CFG_CMD, &cmd, sizeof(cmd));
	send_config(q, NFQA_CFG_PARAMS, &params, sizeof(params));
	send_config(q, NFQA_CFG_QUEUE_MAXLEN, &maxlen, sizeof(maxlen));
	if (setsockopt(mnl_socket_get_fd(q->reader.nl), SOL_SOCKET,
		       SO_RCVBUFFORCE, &size, sizeof(size)) == -1)
		fail("SO_RCVBUFFORCE");
}

static struct nlmsghdr *put_verdict(const struct queue *q, void *buf,
				    uint16_t type)
{
	struct nfqnl_msg_verdict_hdr vh = {
		.verdict = htonl(q->verdict),
		.id = htonl(q->last_id),
	};
	struct nlmsghdr *nlh = put(buf, q->num, type);

	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(vh), &vh);
	return nlh;
}

static void send_verdict(struct queue *q, uint16_t type)
{
	char buf[128];
	struct nlmsghdr *nlh = put_verdict(q, buf, type);

	q->calls++;
	if (mnl_socket_sendto(q->reader.nl, nlh, nlh->nlmsg_len) == -1)
		fail("sendto");
}

static void flush(struct queue *q)
{
	q->calls++;
	if (mnl_ring_flush(q->tx) == -1)
		fail("mnl_ring_flush");
	q->pending = 0;
}

static void commit_verdict(struct queue *q)
{
	void *buf = mnl_ring_reserve(q->tx, 128);
	struct nlmsghdr *nlh;

	if (buf == NULL)
		fail("mnl_ring_reserve");
	nlh = put_verdict(q, buf, NFQNL_MSG_VERDICT);
	if (mnl_ring_commit(q->tx, nlh->nlmsg_len) == -1)
		fail("mnl_ring_commit");
	if (++q->pending == q->frames)
		flush(q);
}

static void before_wait(struct reader *r)
{
	struct queue *q = (struct queue *)r;

	if (q->pending == 0)
		return;
	if (q->frames > 0) {
		flush(q);
		return;
	}
	send_verdict(q, NFQNL_MSG_VERDICT_BATCH);
	q->pending = 0;
}

/*
 * Packets
 */

static void packet(struct queue *q, const struct nlmsghdr *nlh)
{
	const struct nfqnl_msg_packet_hdr *ph;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == NFQA_PACKET_HDR) {
			ph = mnl_attr_get_payload(attr);
			q->last_id = ntohl(ph->packet_id);
		} else if (mnl_attr_get_type(attr) == NFQA_PAYLOAD) {
			q->bytes += mnl_attr_get_payload_len(attr);
		}
	if (q->packets++ == 0)
		q->first = usage_now(q);
	if (q->frames > 0)
		commit_verdict(q);
	else if (q->batch == 0)
		send_verdict(q, NFQNL_MSG_VERDICT);
	else if (++q->pending == q->batch)
		before_wait(&q->reader);
}

static void handle(struct reader *r, const void *msg, size_t size)
{
	const struct nlmsghdr *nlh = msg;
	int len = size;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		if (nlh->nlmsg_type == (NFNL_SUBSYS_QUEUE << 8 |
					NFQNL_MSG_PACKET))
			packet((struct queue *)r, nlh);
}

static void print_result(const struct queue *q, const char *way)
{
	const struct usage_now *a = &q->first;
	struct usage_now b = usage_now(q);

	printf("{\"way\":\"%s\",\"vector\":%u,\"pace\":%u,\"batch\":%u,"
	       "\"frames\":%u,\"packets\":%" PRIu64 ",\"bytes\":%" PRIu64 ","
	       "\"end_ns\":%lld,\"cpu_ns\":%lld,\"syscalls\":%" PRIu64 ","
	       "\"switches\":%ld}\n", way, q->reader.vector, q->reader.pace,
	       q->batch, q->frames, q->packets, q->bytes, q->end,
	       b.cpu - a->cpu,
	       b.syscalls - a->syscalls + q->calls,
	       b.voluntary - a->voluntary + b.involuntary - a->involuntary);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0') {
		fputs(usage, stderr);
		way_print_names();
		exit(EXIT_FAILURE);
	}
	return value;
}

static void read_options(struct queue *q, int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "n:p:b:t:d")) != -1) {
		switch (c) {
		case 'n':
			q->reader.vector = number(optarg);
			break;
		case 'p':
			q->reader.pace = number(optarg);
			break;
		case 'b':
			q->batch = number(optarg);
			break;
		case 't':
			q->frames = number(optarg);
			break;
		case 'd':
			q->verdict = NF_DROP;
			break;
		default:
			number("");
		}
	}
	if (argc - optind != 2 || q->reader.vector == 0 ||
	    q->reader.vector > 256)
		number("");
	q->num = number(argv[optind + 1]);
}

int main(int argc, char *argv[])
{
	static struct queue q = {
		.reader = {
			.vector = 1,
			.handle = handle,
			.before_wait = before_wait,
		},
		.verdict = NF_ACCEPT,
	};
	const struct way *way;

	read_options(&q, argc, argv);
	way = way_find(argv[optind]);
	if (way == NULL)
		number("");
	q.reader.nl = mnl_socket_open(NETLINK_NETFILTER);
	if (q.reader.nl == NULL ||
	    mnl_socket_bind(q.reader.nl, 0, MNL_SOCKET_AUTOPID) == -1)
		fail("socket");
	way->open(&q.reader);
	bind_queue(&q);
	if (q.frames > 0)
		q.tx = mnl_socket_get_ring(q.reader.nl, MNL_RING_TX);
	puts("ready");
	fflush(stdout);

	/* until packets began to come and have ended */
	while (way->receive(&q.reader) || q.packets == 0)
		q.end = clock_ns(CLOCK_MONOTONIC);
	print_result(&q, way->name);
	mnl_socket_close(q.reader.nl);
	return EXIT_SUCCESS;
}
