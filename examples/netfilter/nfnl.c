// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets and messages of nfnetlink: see nfnl.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfnl.h"

struct nlmsghdr *nfnl_put(void *buf, uint16_t type, uint16_t flags,
			  uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

struct mnl_socket *nfnl_open(unsigned int groups)
{
	return talk_open(NETLINK_NETFILTER, groups);
}

unsigned long nfnl_number(const char *arg, unsigned long max,
			  const char *usage)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 0);
	if (errno || end == arg || *end || *arg == '-' || value > max)
		talk_usage(usage);
	return value;
}
