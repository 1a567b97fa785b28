// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests for flows, and their answers: see nfct-create.h.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "nfct-create.h"
#include "nfnl.h"

#define TIMEOUT		1000	/* seconds */

static void put_ip(struct nlmsghdr *nlh, const char *src, const char *dst)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

	mnl_attr_put_u32(nlh, CTA_IP_V4_SRC, inet_addr(src));
	mnl_attr_put_u32(nlh, CTA_IP_V4_DST, inet_addr(dst));
	mnl_attr_nest_end(nlh, nest);
}

static void put_tcp(struct nlmsghdr *nlh, uint16_t sport, uint16_t dport)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);

	mnl_attr_put_u8(nlh, CTA_PROTO_NUM, IPPROTO_TCP);
	mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(sport));
	mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(dport));
	mnl_attr_nest_end(nlh, nest);
}

static void put_state(struct nlmsghdr *nlh)
{
	struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
	struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

	mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE,
			TCP_CONNTRACK_ESTABLISHED);
	mnl_attr_nest_end(nlh, tcp);
	mnl_attr_nest_end(nlh, info);
}

/* a request for flow i: 10.0.x.y port 1024 and up to 10.255.255.254 port 80 */
size_t nfct_put_flow(void *buf, unsigned int i, uint32_t mark)
{
	const char *server = "10.255.255.254";
	uint16_t port = 1024 + i % 60000;
	struct nlmsghdr *nlh;
	struct nlattr *nest;
	char client[16];

	snprintf(client, sizeof(client), "10.0.%u.%u", i / 60000 / 250 % 250,
		 1 + i / 60000 % 250);
	nlh = nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW,
		       NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, AF_INET, 0);
	nlh->nlmsg_seq = i + 1;

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG);
	put_ip(nlh, client, server);
	put_tcp(nlh, port, 80);
	mnl_attr_nest_end(nlh, nest);

	nest = mnl_attr_nest_start(nlh, CTA_TUPLE_REPLY);
	put_ip(nlh, server, client);
	put_tcp(nlh, 80, port);
	mnl_attr_nest_end(nlh, nest);

	put_state(nlh);
	mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_ASSURED));
	mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(TIMEOUT));
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	return nlh->nlmsg_len;
}

int nfct_count_ack(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	struct nfct_creation *c = data;

	if (err->error == 0) {
		c->created++;
		return MNL_CB_OK;
	}
	c->refused++;
	fprintf(stderr, "flow %u: %s\n", nlh->nlmsg_seq,
		strerror(-err->error));
	return MNL_CB_OK;
}
