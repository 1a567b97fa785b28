// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Adds many routes, of 10.0.0.0/8 and addresses behind it, to the loopback
 * device: through the TX ring, with an answer for the last one only.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "common.h"

#define FIRST		0x0a000000U
#define MESSAGE_SIZE	128

static const char usage[] = "Usage: add-routes COUNT\n";

static struct nlmsghdr *put_route(void *buf, uint32_t address, uint32_t device,
				  bool last)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct rtmsg *rtm;

	nlh->nlmsg_type = RTM_NEWROUTE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | (last ? NLM_F_ACK : 0);
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	rtm->rtm_family = AF_INET;
	rtm->rtm_dst_len = 32;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_STATIC;
	rtm->rtm_type = RTN_UNICAST;
	rtm->rtm_scope = RT_SCOPE_LINK;
	mnl_attr_put_u32(nlh, RTA_DST, htonl(address));
	mnl_attr_put_u32(nlh, RTA_OIF, device);
	return nlh;
}

static void *reserve(struct mnl_ring *tx)
{
	void *buf = mnl_ring_reserve(tx, MESSAGE_SIZE);

	if (buf == NULL && errno == EAGAIN) {
		if (mnl_ring_flush(tx) == -1)
			fail("mnl_ring_flush");
		buf = mnl_ring_reserve(tx, MESSAGE_SIZE);
	}
	if (buf == NULL)
		fail("mnl_ring_reserve");
	return buf;
}

int main(int argc, char *argv[])
{
	unsigned long count = number(argc == 2 ? argv[1] : "", 1, usage), i;
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	uint32_t device = if_nametoindex("lo");
	struct mnl_ring *tx;
	struct nlmsghdr *nlh;
	ssize_t len;

	if (nl == NULL || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1 ||
	    mnl_socket_set_ring(nl, 0, 1 << 20) == -1 ||
	    mnl_socket_mmap(nl) == -1)
		fail("NETLINK_ROUTE");
	tx = mnl_socket_get_ring(nl, MNL_RING_TX);
	for (i = 1; i <= count; i++) {
		nlh = put_route(reserve(tx), FIRST + i, device, i == count);
		if (mnl_ring_commit(tx, nlh->nlmsg_len) == -1)
			fail("mnl_ring_commit");
	}
	if (mnl_ring_flush(tx) == -1)
		fail("mnl_ring_flush");
	len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (len == -1 || mnl_cb_run(buf, len, 0, 0, NULL, NULL) == -1)
		fail("RTM_NEWROUTE");
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
