// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives rings to sockets of a kernel that has none: a generic netlink family
 * takes a socket's descriptor and puts the ring core in front of that one
 * socket's operations. The family also lists the rings.
 *
 * The module stays in place while such a socket lives: proto_ops.owner holds
 * it until the descriptor is closed, and the owner of sk_prot_creator, which
 * sk_prot_free() puts after the socket's memory is gone, until no delivery can
 * be in here any more.
 */
#include <linux/file.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

#include "ring.h"

/**
 * struct nlm_sock - an attached socket
 * @rings: its rings
 * @list: in nlm_socks
 */
struct nlm_sock {
	struct nl_ring_sock	rings;
	struct list_head	list;
};

/* attached sockets that are not closed; nlm_mutex protects it */
static LIST_HEAD(nlm_socks);
static DEFINE_MUTEX(nlm_mutex);

/*
 * What netlink sockets had before, and what attached ones have instead. All
 * netlink sockets share these; they are filled in when the first one is
 * attached, under nlm_mutex.
 */
static const struct proto_ops *nlm_orig_ops;
static struct proto_ops nlm_ops;
static struct proto nlm_proto;
static void (*nlm_orig_data_ready)(struct sock *sk);
static void (*nlm_orig_error_report)(struct sock *sk);
static void (*nlm_orig_destruct)(struct sock *sk);

static struct nlm_sock *nlm_sk(const struct sock *sk)
{
	return rcu_dereference_sk_user_data(sk);
}

static struct nl_ring_sock *nlm_rings(const struct socket *sock)
{
	struct nlm_sock *nlm;

	/* set before the operations that call this, cleared never */
	rcu_read_lock();
	nlm = nlm_sk(sock->sk);
	rcu_read_unlock();
	return &nlm->rings;
}

/*
 * Operations of an attached socket
 */

static void nlm_data_ready(struct sock *sk)
{
	struct nlm_sock *nlm;
	bool wake;

	rcu_read_lock();
	nlm = nlm_sk(sk);
	wake = !nlm || nl_ring_deliver(&nlm->rings);
	rcu_read_unlock();
	if (wake)
		nlm_orig_data_ready(sk);
}

static void nlm_error_report(struct sock *sk)
{
	struct nlm_sock *nlm;

	/* messages may be refused until netlink finds the queue empty */
	rcu_read_lock();
	nlm = nlm_sk(sk);
	if (nlm)
		WRITE_ONCE(nlm->rings.kick, true);
	rcu_read_unlock();
	nlm_orig_error_report(sk);
}

static void nlm_destruct(struct sock *sk)
{
	struct nlm_sock *nlm = rcu_dereference_protected(__sk_user_data(sk),
								 1);

	nl_ring_sock_destroy(&nlm->rings);
	kfree(nlm);
	nlm_orig_destruct(sk);
}

static int nlm_release(struct socket *sock)
{
	struct nlm_sock *nlm;

	nlm = container_of(nlm_rings(sock), struct nlm_sock, rings);
	mutex_lock(&nlm_mutex);
	list_del(&nlm->list);
	mutex_unlock(&nlm_mutex);

	nl_ring_sock_release(&nlm->rings);
	return nlm_orig_ops->release(sock);
}

static bool nlm_is_ring_option(int level, int optname)
{
	return level == SOL_NETLINK &&
	       (optname == NETLINK_RX_RING || optname == NETLINK_TX_RING);
}

static int nlm_setsockopt(struct socket *sock, int level, int optname,
			  sockptr_t optval, unsigned int optlen)
{
	if (nlm_is_ring_option(level, optname))
		return nl_ring_setsockopt(nlm_rings(sock), optname, optval,
					  optlen);
	return nlm_orig_ops->setsockopt(sock, level, optname, optval, optlen);
}

static int nlm_getsockopt(struct socket *sock, int level, int optname,
			  char __user *optval, int __user *optlen)
{
	if (nlm_is_ring_option(level, optname))
		return nl_ring_getsockopt(nlm_rings(sock), optname, optval,
					  optlen);
	return nlm_orig_ops->getsockopt(sock, level, optname, optval, optlen);
}

static int nlm_mmap(struct file *file, struct socket *sock,
		    struct vm_area_struct *vma)
{
	return nl_ring_mmap(nlm_rings(sock), vma);
}

static __poll_t nlm_poll(struct file *file, struct socket *sock,
			 struct poll_table_struct *wait)
{
	return nl_ring_poll(nlm_rings(sock), file, sock, wait);
}

static int nlm_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	return nl_ring_sendmsg(nlm_rings(sock), sock, msg, len);
}

static int nlm_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
		       int flags)
{
	return nl_ring_recvmsg(nlm_rings(sock), sock, msg, len, flags);
}

/*
 * Attaching
 */

static void nlm_learn(struct socket *sock)
{
	struct sock *sk = sock->sk;

	nlm_orig_ops = sock->ops;
	nlm_orig_data_ready = sk->sk_data_ready;
	nlm_orig_error_report = sk->sk_error_report;
	nlm_orig_destruct = sk->sk_destruct;

	nlm_ops = *sock->ops;
	nlm_ops.owner = THIS_MODULE;
	nlm_ops.release = nlm_release;
	nlm_ops.setsockopt = nlm_setsockopt;
	nlm_ops.getsockopt = nlm_getsockopt;
	nlm_ops.mmap = nlm_mmap;
	nlm_ops.poll = nlm_poll;
	nlm_ops.sendmsg = nlm_sendmsg;
	nlm_ops.recvmsg = nlm_recvmsg;

	nlm_proto = *sk->sk_prot_creator;
	nlm_proto.owner = THIS_MODULE;
}

/* Is this socket what netlink made of it, and nobody else's? */
static bool nlm_is_plain(const struct socket *sock)
{
	const struct sock *sk = sock->sk;

	return sock->ops == nlm_orig_ops && !sk->sk_user_data &&
	       sk->sk_data_ready == nlm_orig_data_ready &&
	       sk->sk_error_report == nlm_orig_error_report &&
	       sk->sk_destruct == nlm_orig_destruct;
}

static void nlm_take_over(struct socket *sock, struct nlm_sock *nlm)
{
	struct sock *sk = sock->sk;

	/* one for proto_ops.owner, one for the owner of sk_prot_creator */
	__module_get(THIS_MODULE);
	__module_get(THIS_MODULE);
	list_add_tail(&nlm->list, &nlm_socks);

	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, nlm);
	sk->sk_prot_creator = &nlm_proto;
	sk->sk_destruct = nlm_destruct;
	WRITE_ONCE(sk->sk_error_report, nlm_error_report);
	WRITE_ONCE(sk->sk_data_ready, nlm_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	/* calls that run already finish with the socket's own operations */
	smp_store_release(&sock->ops, &nlm_ops);
}

static int nlm_attach(struct socket *sock)
{
	struct nlm_sock *nlm;
	int err = 0;

	if (!sock->sk || sock->sk->sk_family != PF_NETLINK)
		return -EAFNOSUPPORT;

	nlm = kmalloc(sizeof(*nlm), GFP_KERNEL_ACCOUNT);
	if (!nlm)
		return -ENOMEM;

	mutex_lock(&nlm_mutex);
	if (sock->ops == &nlm_ops)
		goto out;
	if (!nlm_orig_ops)
		nlm_learn(sock);
	err = -EBUSY;
	if (!nlm_is_plain(sock))
		goto out;

	nl_ring_sock_init(&nlm->rings, sock->sk, nlm_orig_ops,
			  sock->file->f_cred->user_ns);
	nlm_take_over(sock, nlm);
	nlm = NULL;
	err = 0;
out:
	mutex_unlock(&nlm_mutex);
	kfree(nlm);
	return err;
}

/*
 * Generic netlink family
 */

static struct genl_family nlm_family;

static int nlm_cmd_attach(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *fd = info->attrs[NETLINK_MMAP_A_ATTACH_FD];
	struct socket *sock;
	int err;

	if (!fd) {
		GENL_SET_ERR_MSG(info, "no file descriptor given");
		return -EINVAL;
	}

	sock = sockfd_lookup(nla_get_u32(fd), &err);
	if (!sock) {
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "not a socket");
		return err;
	}

	err = nlm_attach(sock);
	if (err == -EAFNOSUPPORT)
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "not a netlink socket");
	else if (err == -EBUSY)
		NL_SET_ERR_MSG_ATTR(info->extack, fd,
				    "another layer uses this socket");
	sockfd_put(sock);
	return err;
}

static int nlm_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, NETLINK_MMAP_A_RING_PAD);
}

static u32 nlm_portid(struct socket *sock)
{
	struct sockaddr_nl addr;

	if (nlm_orig_ops->getname(sock, (struct sockaddr *)&addr, 0) < 0)
		return 0;
	return addr.nl_pid;
}

static int nlm_put_sock(struct sk_buff *skb, struct nlm_sock *nlm)
{
	struct sock *sk = nlm->rings.sk;

	return nla_put_u32(skb, NETLINK_MMAP_A_RING_PROTOCOL,
			   sk->sk_protocol) ||
	       nla_put_u32(skb, NETLINK_MMAP_A_RING_PORTID,
			   nlm_portid(sk->sk_socket)) ||
	       nlm_put_u64(skb, NETLINK_MMAP_A_RING_INODE, sock_i_ino(sk));
}

static int nlm_put_state(struct sk_buff *skb, int optname,
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

static int nlm_put_counters(struct sk_buff *skb, int optname,
			    const struct nl_ring_info *info)
{
	const struct nl_ring_counters *c = &info->counters;

	if (nlm_put_u64(skb, NETLINK_MMAP_A_RING_MESSAGES, c->messages) ||
	    nlm_put_u64(skb, NETLINK_MMAP_A_RING_BYTES, c->bytes) ||
	    nlm_put_u64(skb, NETLINK_MMAP_A_RING_BY_RING, c->by_ring))
		return -EMSGSIZE;
	if (optname == NETLINK_TX_RING)
		return nlm_put_u64(skb, NETLINK_MMAP_A_RING_ERRORS, c->errors);
	return nlm_put_u64(skb, NETLINK_MMAP_A_RING_BY_COPY, c->by_copy) ||
	       nlm_put_u64(skb, NETLINK_MMAP_A_RING_SPILLED, c->spilled) ||
	       nlm_put_u64(skb, NETLINK_MMAP_A_RING_SPANS, c->spans) ||
	       nlm_put_u64(skb, NETLINK_MMAP_A_RING_WAKEUPS, info->wakeups) ||
	       nlm_put_u64(skb, NETLINK_MMAP_A_RING_DROPS, info->drops);
}

/* One ring as a message for whom @portid and @seq say. 1 when it does not exist. */
static int nlm_put_ring(struct sk_buff *skb, u32 portid, u32 seq, int flags,
			struct nlm_sock *nlm, int optname)
{
	struct nl_ring_info info;
	void *hdr;

	if (!nl_ring_get_info(&nlm->rings, optname, &info))
		return 1;

	hdr = genlmsg_put(skb, portid, seq, &nlm_family, flags,
			  NETLINK_MMAP_CMD_RING_GET);
	if (!hdr)
		return -EMSGSIZE;
	if (nlm_put_sock(skb, nlm) || nlm_put_state(skb, optname, &info) ||
	    nlm_put_counters(skb, optname, &info)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

/* nlm_mutex held */
static struct nlm_sock *nlm_find(const struct net *net, u64 inode)
{
	struct nlm_sock *nlm;

	list_for_each_entry(nlm, &nlm_socks, list)
		if (net_eq(sock_net(nlm->rings.sk), net) &&
		    sock_i_ino(nlm->rings.sk) == inode)
			return nlm;
	return NULL;
}

static int nlm_cmd_ring_get(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *inode = info->attrs[NETLINK_MMAP_A_RING_INODE];
	struct nlattr *type = info->attrs[NETLINK_MMAP_A_RING_TYPE];
	struct sk_buff *reply;
	struct nlm_sock *nlm;
	int err = 1;

	if (!inode || !type) {
		GENL_SET_ERR_MSG(info, "inode and type of the ring are needed");
		return -EINVAL;
	}

	reply = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		return -ENOMEM;

	mutex_lock(&nlm_mutex);
	nlm = nlm_find(genl_info_net(info), nla_get_u64(inode));
	if (nlm)
		err = nlm_put_ring(reply, info->snd_portid, info->snd_seq, 0,
				   nlm, nla_get_u32(type));
	mutex_unlock(&nlm_mutex);
	if (!err)
		return genlmsg_reply(reply, info);

	nlmsg_free(reply);
	return err < 0 ? err : -ENOENT;
}

/* cb->args[0]: rings that earlier parts of the dump have looked at */
static int nlm_dump_rings(struct sk_buff *skb, struct netlink_callback *cb)
{
	static const int types[] = { NETLINK_RX_RING, NETLINK_TX_RING };
	struct net *net = sock_net(cb->skb->sk);
	struct nlm_sock *nlm;
	long index = 0;
	int i;

	mutex_lock(&nlm_mutex);
	list_for_each_entry(nlm, &nlm_socks, list) {
		if (!net_eq(sock_net(nlm->rings.sk), net))
			continue;
		for (i = 0; i < ARRAY_SIZE(types); i++, index++) {
			if (index < cb->args[0])
				continue;
			if (nlm_put_ring(skb, NETLINK_CB(cb->skb).portid,
					 cb->nlh->nlmsg_seq, NLM_F_MULTI, nlm,
					 types[i]) < 0)
				goto out;
		}
	}
out:
	mutex_unlock(&nlm_mutex);
	cb->args[0] = index;
	return skb->len;
}

static const struct nla_policy nlm_attach_policy[] = {
	[NETLINK_MMAP_A_ATTACH_FD] = { .type = NLA_U32 },
};

static const struct nla_policy nlm_ring_policy[] = {
	[NETLINK_MMAP_A_RING_TYPE] =
		NLA_POLICY_RANGE(NLA_U32, NETLINK_RX_RING, NETLINK_TX_RING),
	[NETLINK_MMAP_A_RING_INODE] = { .type = NLA_U64 },
};

static const struct genl_ops nlm_genl_ops[] = {
	{
		.cmd		= NETLINK_MMAP_CMD_ATTACH,
		.doit		= nlm_cmd_attach,
		.policy		= nlm_attach_policy,
		.maxattr	= NETLINK_MMAP_A_ATTACH_MAX,
	},
	{
		.cmd		= NETLINK_MMAP_CMD_RING_GET,
		.doit		= nlm_cmd_ring_get,
		.dumpit		= nlm_dump_rings,
		.policy		= nlm_ring_policy,
		.maxattr	= ARRAY_SIZE(nlm_ring_policy) - 1,
	},
};

static struct genl_family nlm_family __ro_after_init = {
	.name		= NETLINK_MMAP_FAMILY_NAME,
	.version	= NETLINK_MMAP_FAMILY_VERSION,
	.netnsok	= true,
	.module		= THIS_MODULE,
	.ops		= nlm_genl_ops,
	.n_ops		= ARRAY_SIZE(nlm_genl_ops),
	.resv_start_op	= NETLINK_MMAP_CMD_MAX + 1,
};

static int __init nlm_init(void)
{
	int err;

	err = nl_ring_init();
	if (err)
		return err;

	err = genl_register_family(&nlm_family);
	if (err)
		nl_ring_exit();
	return err;
}

static void __exit nlm_exit(void)
{
	genl_unregister_family(&nlm_family);
	nl_ring_exit();
}

module_init(nlm_init);
module_exit(nlm_exit);

MODULE_DESCRIPTION("Memory mapped netlink rings");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
MODULE_ALIAS_GENL_FAMILY(NETLINK_MMAP_FAMILY_NAME);
