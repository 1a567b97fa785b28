// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the neighbours of the network interfaces: ARP and NDP.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "../talk.h"
#include "rtnl-arguments.h"
#include "rtnl-link-print.h"

static int attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;

	if (mnl_attr_type_valid(attr, NDA_MAX) == -1)
		return MNL_CB_OK;
	attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static const char *state_name(unsigned int state)
{
	switch (state) {
	case NUD_INCOMPLETE:
		return "incomplete";
	case NUD_REACHABLE:
		return "reachable";
	case NUD_STALE:
		return "stale";
	case NUD_DELAY:
		return "delay";
	case NUD_PROBE:
		return "probe";
	case NUD_FAILED:
		return "failed";
	case NUD_NOARP:
		return "noarp";
	case NUD_PERMANENT:
		return "permanent";
	default:
		return "unknown";
	}
}

static int neighbour_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attrs[NDA_MAX + 1] = { NULL };
	char text[INET6_ADDRSTRLEN];
	size_t size = ndm->ndm_family == AF_INET ? 4 : 16;

	(void)data;
	mnl_attr_parse(nlh, sizeof(*ndm), attr_cb, attrs);
	printf("index=%d family=%d ", ndm->ndm_ifindex, ndm->ndm_family);
	if (attrs[NDA_DST] && mnl_attr_get_payload_len(attrs[NDA_DST]) == size)
		printf("dst=%s ", inet_ntop(ndm->ndm_family,
					    mnl_attr_get_payload(attrs[NDA_DST]),
					    text, sizeof(text)));
	if (attrs[NDA_LLADDR])
		link_print_address("mac", attrs[NDA_LLADDR]);
	printf("state=%s\n", state_name(ndm->ndm_state));
	return MNL_CB_OK;
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ndmsg *ndm;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETNEIGH;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ndm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ndm));
	ndm->ndm_family = family_argument(argc, argv, "Usage: rtnl-neigh-dump inet|inet6\n");

	nl = talk_open(NETLINK_ROUTE, 0);
	talk_send(nl, nlh);
	talk_receive(nl, seq, neighbour_cb, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
