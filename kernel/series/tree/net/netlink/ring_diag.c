// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of netlink sockets, as netlink_diag shows them.
 */
#include <linux/export.h>
#include <linux/netlink_diag.h>
#include <net/netlink.h>
#include <net/sock.h>

#include "af_netlink.h"
#include "ring.h"

static int netlink_ring_put(struct nl_ring_sock *rs, struct sk_buff *skb,
			    int optname, int ring_attr, int counters_attr)
{
	struct netlink_diag_ring ndr;
	struct nl_ring_info info;
	struct nlattr *nest;

	if (!nl_ring_get_counters(rs, optname, &info))
		return 0;

	ndr.ndr_block_size = info.state.req.nm_block_size;
	ndr.ndr_block_nr = info.state.req.nm_block_nr;
	ndr.ndr_frame_size = info.state.req.nm_frame_size;
	ndr.ndr_frame_nr = info.state.req.nm_frame_nr;
	if (nla_put(skb, ring_attr, sizeof(ndr), &ndr))
		return -EMSGSIZE;

	nest = nla_nest_start(skb, counters_attr);
	if (!nest || nl_ring_put_counters(skb, optname, &info))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * netlink_ring_diag - add the rings of a socket to a message of netlink_diag
 * @sk: the socket
 * @skb: message
 *
 * Any context.
 *
 * Return: 0 or -EMSGSIZE.
 */
int netlink_ring_diag(struct sock *sk, struct sk_buff *skb)
{
	struct nl_ring_sock *rs = netlink_rings(sk);

	return netlink_ring_put(rs, skb, NETLINK_RX_RING, NETLINK_DIAG_RX_RING,
				NETLINK_DIAG_RX_RING_COUNTERS) ?:
	       netlink_ring_put(rs, skb, NETLINK_TX_RING, NETLINK_DIAG_TX_RING,
				NETLINK_DIAG_TX_RING_COUNTERS);
}
EXPORT_SYMBOL_GPL(netlink_ring_diag);
