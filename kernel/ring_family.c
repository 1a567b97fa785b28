// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink family of memory mapped netlink: lists the rings of a network
 * namespace.
 */
#include <linux/list.h>
#include <linux/module.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

#include "ring.h"

/*
 * Sockets that may have rings, until they are closed, in the order of their
 * numbers; the mutex protects both.
 */
static LIST_HEAD(nl_ring_socks);
static u64 nl_ring_last_number;
static DEFINE_MUTEX(nl_ring_list_mutex);

/**
 * nl_ring_list_add - show the rings of a socket from now on
 * @rs: rings of the socket
 */
void nl_ring_list_add(struct nl_ring_sock *rs)
{
	mutex_lock(&nl_ring_list_mutex);
	rs->number = ++nl_ring_last_number;
	list_add_tail(&rs->list, &nl_ring_socks);
	mutex_unlock(&nl_ring_list_mutex);
}

/**
 * nl_ring_list_del - show them no longer
 * @rs: rings of the socket, which has its descriptor still
 */
void nl_ring_list_del(struct nl_ring_sock *rs)
{
	mutex_lock(&nl_ring_list_mutex);
	list_del(&rs->list);
	mutex_unlock(&nl_ring_list_mutex);
}

static int nl_ring_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, NETLINK_MMAP_A_RING_PAD);
}

static u32 nl_ring_portid(const struct nl_ring_sock *rs)
{
	struct sockaddr_nl addr;

	if (rs->ops->getname(rs->sk->sk_socket, (struct sockaddr *)&addr, 0) < 0)
		return 0;
	return addr.nl_pid;
}

static int nl_ring_put_sock(struct sk_buff *skb, struct nl_ring_sock *rs)
{
	struct sock *sk = rs->sk;

	return nla_put_u32(skb, NETLINK_MMAP_A_RING_PROTOCOL,
			   sk->sk_protocol) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_PORTID,
			   nl_ring_portid(rs)) ||
	       nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_INODE, sock_i_ino(sk));
}

static int nl_ring_put_state(struct sk_buff *skb, int optname,
			     const struct nl_ring_info *info)
{
	const struct nl_mmap_state *state = &info->state;
	const struct nl_mmap_req *req = &state->req;

	return nla_put_u32(skb, NETLINK_MMAP_A_RING_TYPE, optname) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_BLOCK_SIZE,
			   req->nm_block_size) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_BLOCK_NR,
			   req->nm_block_nr) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_FRAME_SIZE,
			   req->nm_frame_size) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_FRAME_NR,
			   req->nm_frame_nr) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_FLAGS, state->nm_flags) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_HEAD, state->nm_head) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_IN_USE, info->in_use);
}

/**
 * nl_ring_put_counters - add the counters of a ring to a message
 * @skb: message
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @info: counters
 *
 * Return: 0 or -EMSGSIZE.
 */
int nl_ring_put_counters(struct sk_buff *skb, int optname,
			 const struct nl_ring_info *info)
{
	const struct nl_ring_counters *c = &info->counters;

	if (nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_MESSAGES, c->messages) ||
	    nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_BYTES, c->bytes) ||
	    nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_BY_RING, c->by_ring))
		return -EMSGSIZE;
	if (optname == NETLINK_TX_RING)
		return nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_ERRORS, c->errors);
	return nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_BY_COPY, c->by_copy) ||
	       nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_SPILLED, c->spilled) ||
	       nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_SPANS, c->spans) ||
	       nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_WAKEUPS, info->wakeups) ||
	       nl_ring_put_u64(skb, NETLINK_MMAP_A_RING_DROPS, info->drops);
}

/* One ring as a message for whom @portid and @seq say. 1 when it does not exist. */
static int nl_ring_put_message(struct sk_buff *skb, u32 portid, u32 seq,
			       int flags, struct nl_ring_sock *rs, int optname)
{
	struct nl_ring_info info;
	void *hdr;

	if (!nl_ring_get_info(rs, optname, &info))
		return 1;

	hdr = genlmsg_put(skb, portid, seq, &nl_ring_family, flags,
			  NETLINK_MMAP_CMD_RING_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nl_ring_put_sock(skb, rs) || nl_ring_put_state(skb, optname, &info) ||
	    nl_ring_put_counters(skb, optname, &info)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* nl_ring_list_mutex held */
static struct nl_ring_sock *nl_ring_find_sock(const struct net *net, u64 inode)
{
	struct nl_ring_sock *rs;

	list_for_each_entry(rs, &nl_ring_socks, list)
		if (net_eq(sock_net(rs->sk), net) &&
		    sock_i_ino(rs->sk) == inode)
			return rs;
	return NULL;
}

static int nl_ring_cmd_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *inode = info->attrs[NETLINK_MMAP_A_RING_INODE];
	struct nlattr *type = info->attrs[NETLINK_MMAP_A_RING_TYPE];
	struct sk_buff *reply;
	struct nl_ring_sock *rs;
	int err = 1;

	if (!inode || !type) {
		GENL_SET_ERR_MSG(info, "inode and type of the ring are needed");
		return -EINVAL;
	}

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	mutex_lock(&nl_ring_list_mutex);
	rs = nl_ring_find_sock(genl_info_net(info), nla_get_u64(inode));
	if (rs)
		err = nl_ring_put_message(reply, info->snd_portid,
					  info->snd_seq, 0, rs,
					  nla_get_u32(type));
	mutex_unlock(&nl_ring_list_mutex);
	if (!err)
		return genlmsg_reply(reply, info);

	nlmsg_free(reply);
	return err < 0 ? err : -ENOENT;
}

/*
 * Where the next part of a dump begins. Sockets that are closed meanwhile make
 * no difference to that, and new ones come last.
 */
struct nl_ring_cursor {
	u64	number;
	int	optname;
};

/* 0, or -EMSGSIZE: the cursor is where to go on */
static int nl_ring_dump_sock(struct sk_buff *skb, struct netlink_callback *cb,
			     struct nl_ring_sock *rs)
{
	struct nl_ring_cursor *cursor = (void *)cb->ctx;
	int optname = NETLINK_RX_RING;

	if (rs->number == cursor->number)
		optname = cursor->optname;
	cursor->number = rs->number;
	for (; optname <= NETLINK_TX_RING; optname++) {
		cursor->optname = optname;
		if (nl_ring_put_message(skb, NETLINK_CB(cb->skb).portid,
					cb->nlh->nlmsg_seq, NLM_F_MULTI, rs,
					optname) < 0)
			return -EMSGSIZE;
	}
	cursor->number++;
	cursor->optname = NETLINK_RX_RING;
	return 0;
}

static int nl_ring_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct nl_ring_cursor *cursor = (void *)cb->ctx;
	struct net *net = sock_net(cb->skb->sk);
	struct nl_ring_sock *rs;

	BUILD_BUG_ON(sizeof(*cursor) > sizeof(cb->ctx));
	mutex_lock(&nl_ring_list_mutex);
	list_for_each_entry(rs, &nl_ring_socks, list) {
		if (rs->number < cursor->number ||
		    !net_eq(sock_net(rs->sk), net))
			continue;
		if (nl_ring_dump_sock(skb, cb, rs))
			break;
	}
	mutex_unlock(&nl_ring_list_mutex);
	return skb->len;
}

static const struct nla_policy nl_ring_get_policy[] = {
	[NETLINK_MMAP_A_RING_TYPE] =
		NLA_POLICY_RANGE(NLA_U32, NETLINK_RX_RING, NETLINK_TX_RING),
	[NETLINK_MMAP_A_RING_INODE] = { .type = NLA_U64 },
};

static const struct genl_ops nl_ring_genl_ops[] = {
	{
		.cmd		= NETLINK_MMAP_CMD_RING_GET,
		.doit		= nl_ring_cmd_get,
		.dumpit		= nl_ring_dump,
		.policy		= nl_ring_get_policy,
		.maxattr	= ARRAY_SIZE(nl_ring_get_policy) - 1,
	},
};

/* Its owner registers it, and may add commands of its own before. */
struct genl_family nl_ring_family __ro_after_init = {
	.name		= NETLINK_MMAP_FAMILY_NAME,
	.version	= NETLINK_MMAP_FAMILY_VERSION,
	.netnsok	= true,
	/* nl_ring_list_mutex is enough */
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= nl_ring_genl_ops,
	.n_ops		= ARRAY_SIZE(nl_ring_genl_ops),
	.resv_start_op	= NETLINK_MMAP_CMD_MAX + 1,
};
