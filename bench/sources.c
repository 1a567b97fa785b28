// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sources whose messages are only counted: nfnetlink_log, conntrack events, and
 * dumps of routes and of the connection tracking table.
 */
#include <arpa/inet.h>
#include <string.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/rtnetlink.h>

#include "../examples/netfilter/nfnl.h"
#include "common.h"
#include "reader.h"

static void count(struct reader *r, void *msg, size_t size)
{
	const struct nlmsghdr *nlh = msg;
	int len = size;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_type == NLMSG_ERROR)
			fail("the request was refused");
		if (nlh->nlmsg_type != NLMSG_DONE)
			r->messages++;
		else if (r->source->start)
			r->done = true;
	}
}

/*
 * nfnetlink_log
 */

#define LOG_CONFIG	(NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG)

static void log_open(struct reader *r)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = {
		.copy_mode = NFULNL_COPY_PACKET,
		.copy_range = htonl(0xffff),
	};
	uint32_t threshold = htonl(r->options.batch ? r->options.batch : 1);
	struct nlmsghdr *nlh;
	char buf[256];

	r->nl = nfnl_open(0);
	nlh = nfnl_put(buf, LOG_CONFIG, 0, AF_UNSPEC, r->options.group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put(nlh, NFULA_CFG_QTHRESH, sizeof(threshold), &threshold);
	if (!talk_ask(r->nl, nlh))
		fail("nfnetlink_log");
}

/*
 * Connection tracking
 */

static void events_open(struct reader *r)
{
	r->nl = nfnl_open(NF_NETLINK_CONNTRACK_NEW | NF_NETLINK_CONNTRACK_DESTROY);
}

static void conntrack_open(struct reader *r)
{
	r->nl = nfnl_open(0);
}

static void conntrack_start(struct reader *r)
{
	char buf[256];

	r->sends++;
	talk_send(r->nl, nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 |
				  IPCTNL_MSG_CT_GET, NLM_F_DUMP, AF_INET, 0));
}

/*
 * Routes
 */

static void routes_open(struct reader *r)
{
	r->nl = mnl_socket_open(NETLINK_ROUTE);
	if (r->nl == NULL ||
	    mnl_socket_bind(r->nl, 0, MNL_SOCKET_AUTOPID) == -1)
		fail("NETLINK_ROUTE");
}

static void routes_start(struct reader *r)
{
	char buf[256];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_GETROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	r->sends++;
	talk_send(r->nl, nlh);
}

static const struct source counted[] = {
	{ .name = "log", .open = log_open, .handle = count },
	{ .name = "events", .open = events_open, .handle = count },
	{
		.name = "routes",
		.open = routes_open,
		.start = routes_start,
		.handle = count,
	},
	{
		.name = "conntrack",
		.open = conntrack_open,
		.start = conntrack_start,
		.handle = count,
	},
};

const struct source *source_find(const char *name)
{
	size_t i;

	if (!strcmp(name, source_queue.name))
		return &source_queue;
#ifdef HAVE_NFQUEUE
	if (!strcmp(name, source_nfq.name))
		return &source_nfq;
#endif
	for (i = 0; i < MNL_ARRAY_SIZE(counted); i++)
		if (!strcmp(name, counted[i].name))
			return &counted[i];
	return NULL;
}
