// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Accounts traffic by source address, with connection tracking: every few
 * seconds it fetches the counters of all flows, which begin at zero again
 * then, and adds what flows counted since when they end. Prints the sums after
 * each fetch. Needs net.netfilter.nf_conntrack_acct=1.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>

#include "nfct-parse.h"
#include "nfnl.h"

#define USAGE	"Usage: nfct-daemon SECONDS\n"

struct source {
	struct source	*next;
	int		family;
	struct in6_addr	address;	/* or 4 bytes of it */
	uint64_t	packets;
	uint64_t	bytes;
};

static struct source *sources;

static struct source *find_source(int family, const struct nlattr *address)
{
	size_t len = mnl_attr_get_payload_len(address);
	struct source *s;

	for (s = sources; s != NULL; s = s->next)
		if (s->family == family &&
		    memcmp(&s->address, mnl_attr_get_payload(address), len) == 0)
			return s;
	s = calloc(1, sizeof(*s));
	if (s == NULL) {
		perror("calloc");
		exit(EXIT_FAILURE);
	}
	s->family = family;
	memcpy(&s->address, mnl_attr_get_payload(address), len);
	s->next = sources;
	sources = s;
	return s;
}

static uint64_t counter(const struct nlattr *attr)
{
	return attr ? be64toh(mnl_attr_get_u64(attr)) : 0;
}

/* the source of the tuple, NULL if it has none or is malformed */
static struct source *tuple_source(const struct nlattr *nest)
{
	const struct nlattr *tuple[CTA_TUPLE_MAX + 1] = { NULL };
	const struct nlattr *ip[CTA_IP_MAX + 1] = { NULL };

	if (nfct_parse_tuple(nest, tuple) == MNL_CB_ERROR ||
	    tuple[CTA_TUPLE_IP] == NULL ||
	    nfct_parse_ip(tuple[CTA_TUPLE_IP], ip) == MNL_CB_ERROR)
		return NULL;
	if (ip[CTA_IP_V4_SRC])
		return find_source(AF_INET, ip[CTA_IP_V4_SRC]);
	if (ip[CTA_IP_V6_SRC])
		return find_source(AF_INET6, ip[CTA_IP_V6_SRC]);
	return NULL;
}

/* both directions of a flow are its source's */
static int flow_cb(const struct nlmsghdr *nlh, void *data)
{
	static const uint16_t directions[] = { CTA_COUNTERS_ORIG,
					       CTA_COUNTERS_REPLY };
	const struct nlattr *attrs[CTA_MAX + 1] = { NULL };
	struct source *source;
	unsigned int i;

	(void)data;
	if (nfct_parse(nlh, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	source = attrs[CTA_TUPLE_ORIG] ? tuple_source(attrs[CTA_TUPLE_ORIG]) :
					 NULL;
	for (i = 0; source && i < MNL_ARRAY_SIZE(directions); i++) {
		const struct nlattr *sum[CTA_COUNTERS_MAX + 1] = { NULL };

		if (attrs[directions[i]] == NULL)
			continue;
		if (nfct_parse_counters(attrs[directions[i]],
					sum) == MNL_CB_ERROR)
			return MNL_CB_ERROR;
		source->packets += counter(sum[CTA_COUNTERS_PACKETS]);
		source->bytes += counter(sum[CTA_COUNTERS_BYTES]);
	}
	return MNL_CB_OK;
}

static void print_sources(void)
{
	char text[INET6_ADDRSTRLEN];
	const struct source *s;

	for (s = sources; s != NULL; s = s->next)
		printf("src=%s packets=%" PRIu64 " bytes=%" PRIu64 "\n",
		       inet_ntop(s->family, &s->address, text, sizeof(text)),
		       s->packets, s->bytes);
	printf("\n");
	fflush(stdout);
}

/* the counters of all flows, and sets them to zero */
static void fetch(struct mnl_socket *nl, unsigned int seq)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh;

	nlh = nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 |
			    IPCTNL_MSG_CT_GET_CTRZERO,
		       NLM_F_DUMP, AF_UNSPEC, 0);
	nlh->nlmsg_seq = seq;
	talk_send(nl, nlh);
	talk_receive(nl, seq, flow_cb, NULL);
}

static void handle_events(struct mnl_socket *nl)
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len = mnl_socket_recvfrom(nl, buf, sizeof(buf));

	if (len == -1 && errno == ENOBUFS) {
		fprintf(stderr, "events were lost: the sums are too low\n");
	} else if (len == -1) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	} else if (mnl_cb_run(buf, len, 0, 0, flow_cb, NULL) == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
}

static int milliseconds_until(time_t end)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec >= end)
		return 0;
	return (end - now.tv_sec) * 1000 - now.tv_nsec / 1000000;
}

int main(int argc, char *argv[])
{
	struct pollfd pfd = { .events = POLLIN };
	struct mnl_socket *events, *dumps;
	unsigned int interval, seq = 0;
	struct timespec now;
	int ready;

	talk_arguments(argc, argv, 1, 1, USAGE);
	interval = nfnl_number(argv[1], 1000000, USAGE);
	events = nfnl_open(NF_NETLINK_CONNTRACK_DESTROY);
	dumps = nfnl_open(0);
	pfd.fd = mnl_socket_get_fd(events);

	for (;;) {
		fetch(dumps, ++seq);
		print_sources();
		clock_gettime(CLOCK_MONOTONIC, &now);
		do {
			ready = poll(&pfd, 1,
				     milliseconds_until(now.tv_sec + interval));
			if (ready == -1) {
				perror("poll");
				exit(EXIT_FAILURE);
			}
			if (ready > 0)
				handle_events(events);
		} while (ready > 0);
	}
}
