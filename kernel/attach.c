// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives rings to sockets of a kernel that has none: puts the ring core in front
 * of the operations of the one socket that a program asks for, see
 * ring_family.c. What the core asks back is in attach_host.c.
 *
 * The module stays in place while such a socket lives: proto_ops.owner holds
 * it until the descriptor is closed, and the owner of sk_prot_creator, which
 * sk_prot_free() puts after the socket's memory is gone, until no delivery can
 * be in here any more.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

#include "attach.h"

/* one socket at a time is attached */
static DEFINE_MUTEX(nlm_mutex);

/*
 * What netlink sockets have, learned from one that nobody else has touched, and
 * what attached ones have instead.
 */
static const struct proto_ops *nlm_orig_ops __ro_after_init;
static struct proto_ops nlm_ops __ro_after_init;
static struct proto nlm_proto __ro_after_init;
void (*nlm_orig_data_ready)(struct sock *sk) __ro_after_init;
void (*nlm_orig_error_report)(struct sock *sk) __ro_after_init;
static void (*nlm_orig_destruct)(struct sock *sk) __ro_after_init;

static struct nl_ring_sock *nlm_sk(const struct sock *sk)
{
	return rcu_dereference_sk_user_data(sk);
}

static struct nl_ring_sock *nlm_rings(const struct socket *sock)
{
	struct nl_ring_sock *rs;

	/*
	 * The caller found nlm_ops there. Pairs with nlm_take_over(): what was
	 * set before the operations is seen from here on. It is never cleared.
	 */
	(void)smp_load_acquire(&sock->ops);
	rcu_read_lock();
	rs = nlm_sk(sock->sk);
	rcu_read_unlock();
	return rs;
}

/*
 * Operations of an attached socket
 */

static void nlm_data_ready(struct sock *sk)
{
	struct nl_ring_sock *rs;
	bool wake = true;

	rcu_read_lock();
	rs = nlm_sk(sk);
	if (rs) {
		nlm_note_delivery(nlm_of(rs));
		wake = nl_ring_deliver(rs, NULL);
	}
	rcu_read_unlock();
	if (wake)
		nlm_orig_data_ready(sk);
}

static void nlm_error_report(struct sock *sk)
{
	struct nl_ring_sock *rs;

	rcu_read_lock();
	rs = nlm_sk(sk);
	if (rs) {
		nlm_note_error(nlm_of(rs));
		nl_ring_overrun(rs);
	}
	rcu_read_unlock();
	nlm_orig_error_report(sk);
}

static void nlm_destruct(struct sock *sk)
{
	struct nl_ring_sock *rs;

	rs = rcu_dereference_protected(__sk_user_data(sk), 1);
	nl_ring_sock_destroy(rs);
	nlm_free(nlm_of(rs));
	nlm_orig_destruct(sk);
}

static int nlm_release(struct socket *sock)
{
	struct nl_ring_sock *rs = nlm_rings(sock);

	nl_ring_list_del(rs);
	nl_ring_sock_release(rs);
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
	struct nl_ring_sock *rs = nlm_rings(sock);
	int err, value = 0;

	if (nlm_is_ring_option(level, optname))
		return nl_ring_setsockopt(rs, optname, optval, optlen);

	err = nlm_orig_ops->setsockopt(sock, level, optname, optval, optlen);
	if (!err && level == SOL_NETLINK && optname == NETLINK_NO_ENOBUFS &&
	    optlen >= sizeof(value) &&
	    !copy_from_sockptr(&value, optval, sizeof(value)))
		WRITE_ONCE(nlm_of(rs)->no_enobufs, value);
	return err;
}

static int nlm_getsockopt(struct socket *sock, int level, int optname,
			  char __user *optval, int __user *optlen)
{
	struct nl_ring_info info;
	int len;

	if (!nlm_is_ring_option(level, optname))
		return nlm_orig_ops->getsockopt(sock, level, optname, optval,
						optlen);

	if (get_user(len, optlen))
		return -EFAULT;
	len = nl_ring_get_state(nlm_rings(sock), optname, len, &info);
	if (len < 0)
		return len;
	if (put_user(len, optlen) || copy_to_user(optval, &info.state, len))
		return -EFAULT;
	return 0;
}

#ifdef NLM_GETSOCKOPT_ITER
static int nlm_getsockopt_iter(struct socket *sock, int level, int optname,
			       sockopt_t *opt)
{
	struct nl_ring_info info;
	int len;

	if (!nlm_is_ring_option(level, optname))
		return nlm_orig_ops->getsockopt_iter(sock, level, optname, opt);

	len = nl_ring_get_state(nlm_rings(sock), optname, opt->optlen, &info);
	if (len < 0)
		return len;
	if (copy_to_iter(&info.state, len, &opt->iter_out) != len)
		return -EFAULT;
	opt->optlen = len;
	return 0;
}
#endif

static int nlm_mmap(struct file *file, struct socket *sock,
		    struct vm_area_struct *vma)
{
	return nl_ring_mmap(nlm_rings(sock), vma);
}

static __poll_t nlm_poll(struct file *file, struct socket *sock,
			 struct poll_table_struct *wait)
{
	__poll_t mask = nl_ring_poll(nlm_rings(sock), file, sock, wait);

	return nlm_has_error(sock->sk) ? mask | EPOLLERR : mask;
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

#define NLM_OP(member)	(offsetof(struct proto_ops, member) / sizeof(void *))

/*
 * The members of struct proto_ops that are put in front of, and those that
 * cannot reach past the rings.
 */
static const u8 nlm_known_ops[] = {
	NLM_OP(family), NLM_OP(owner), NLM_OP(release), NLM_OP(bind),
	NLM_OP(connect), NLM_OP(socketpair), NLM_OP(accept), NLM_OP(getname),
	NLM_OP(poll), NLM_OP(ioctl), NLM_OP(listen), NLM_OP(shutdown),
	NLM_OP(setsockopt), NLM_OP(getsockopt), NLM_OP(sendmsg),
	NLM_OP(recvmsg), NLM_OP(mmap),
#ifdef NLM_SENDPAGE
	NLM_OP(sendpage),
#endif
#ifdef NLM_GETSOCKOPT_ITER
	NLM_OP(getsockopt_iter),
#endif
};

/*
 * Does netlink have an operation that this module does not know? Messages or
 * options might go that way, past the rings.
 */
static bool nlm_ops_are_known(const struct proto_ops *ops)
{
	void * const *op = (void * const *)ops;
	unsigned int i;

	for (i = 0; i < sizeof(*ops) / sizeof(*op); i++) {
		if (op[i] && !memchr(nlm_known_ops, i, sizeof(nlm_known_ops))) {
			pr_warn_once("netlink_mmap: no rings: netlink sockets of this kernel have an operation that this module does not know: %ps\n",
				     op[i]);
			return false;
		}
	}
	return true;
}

static int __init nlm_learn(void)
{
	struct socket *sock;
	struct sock *sk;
	int err;

	err = sock_create_kern(&init_net, PF_NETLINK, SOCK_RAW,
			       NETLINK_USERSOCK, &sock);
	if (err)
		return err;

	sk = sock->sk;
	nlm_orig_ops = sock->ops;
	nlm_orig_data_ready = sk->sk_data_ready;
	nlm_orig_error_report = sk->sk_error_report;
	nlm_orig_destruct = sk->sk_destruct;

	nlm_ops = *sock->ops;
	nlm_ops.owner = THIS_MODULE;
	nlm_ops.release = nlm_release;
	nlm_ops.setsockopt = nlm_setsockopt;
	if (nlm_orig_ops->getsockopt)
		nlm_ops.getsockopt = nlm_getsockopt;
#ifdef NLM_GETSOCKOPT_ITER
	if (nlm_orig_ops->getsockopt_iter)
		nlm_ops.getsockopt_iter = nlm_getsockopt_iter;
#endif
	nlm_ops.mmap = nlm_mmap;
	nlm_ops.poll = nlm_poll;
	nlm_ops.sendmsg = nlm_sendmsg;
	nlm_ops.recvmsg = nlm_recvmsg;

	nlm_proto = *sk->sk_prot_creator;
	nlm_proto.owner = THIS_MODULE;
	sock_release(sock);
	return 0;
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

/* for proto_ops.owner, and for the owner of sk_prot_creator */
static bool nlm_get_module(void)
{
	if (!try_module_get(THIS_MODULE))
		return false;
	/* with one reference the module cannot go away */
	__module_get(THIS_MODULE);
	return true;
}

static void nlm_take_over(struct socket *sock, struct nl_ring_sock *rs)
{
	struct sock *sk = sock->sk;

	nl_ring_list_add(rs);

	write_lock_bh(&sk->sk_callback_lock);
	rcu_assign_sk_user_data(sk, rs);
	sk->sk_prot_creator = &nlm_proto;
	sk->sk_destruct = nlm_destruct;
	WRITE_ONCE(sk->sk_error_report, nlm_error_report);
	WRITE_ONCE(sk->sk_data_ready, nlm_data_ready);
	write_unlock_bh(&sk->sk_callback_lock);
	/* calls that run already finish with the socket's own operations */
	smp_store_release(&sock->ops, &nlm_ops);
}

/**
 * nlm_attach - make a socket ready for rings
 * @sock: the socket
 *
 * Return: 0, also when it is already; -EAFNOSUPPORT no netlink socket; -EBUSY
 * another layer has its operations; -EOPNOTSUPP netlink has an operation that
 * this module does not know; -ENOENT the module is being removed, and the family
 * with it; -ENOMEM.
 */
static int nlm_attach(struct socket *sock)
{
	struct nlm_sock *nlm;
	int err = 0;

	if (!sock->sk || sock->sk->sk_family != PF_NETLINK)
		return -EAFNOSUPPORT;

	nlm = nlm_alloc();
	if (!nlm)
		return -ENOMEM;

	mutex_lock(&nlm_mutex);
	if (sock->ops == &nlm_ops)
		goto out;
	err = -EOPNOTSUPP;
	if (!nlm_ops_are_known(nlm_orig_ops))
		goto out;
	err = -EBUSY;
	if (!nlm_is_plain(sock))
		goto out;
	err = -ENOENT;
	if (!nlm_get_module())
		goto out;

	nl_ring_sock_init(&nlm->rings, sock->sk, nlm_orig_ops,
			  sock->file->f_cred->user_ns);
	nlm_take_over(sock, &nlm->rings);
	/* messages may have been refused before: then one was lost */
	if (READ_ONCE(sock->sk->sk_err) || sk_drops_read(sock->sk))
		WRITE_ONCE(nlm->rings.refused, true);
	nlm = NULL;
	err = 0;
out:
	mutex_unlock(&nlm_mutex);
	nlm_free(nlm);
	return err;
}

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

/* of small operations, which have that of the family */
static const struct nla_policy nlm_attach_policy[] = {
	[NETLINK_MMAP_A_ATTACH_FD] = { .type = NLA_U32 },
};

static const struct genl_small_ops nlm_genl_ops[] = {
	{
		.cmd	= NETLINK_MMAP_CMD_ATTACH,
		.doit	= nlm_cmd_attach,
	},
};

static int __init nlm_register(void)
{
	nl_ring_family.small_ops = nlm_genl_ops;
	nl_ring_family.n_small_ops = ARRAY_SIZE(nlm_genl_ops);
	nl_ring_family.policy = nlm_attach_policy;
	nl_ring_family.maxattr = NETLINK_MMAP_A_ATTACH_MAX;
	return genl_register_family(&nl_ring_family);
}

static int __init nlm_init(void)
{
	int err;

	if (IS_ENABLED(CONFIG_NETLINK_MMAP)) {
		pr_info("netlink_mmap: not needed: this kernel has netlink rings\n");
		return -EEXIST;
	}

	err = nlm_learn();
	if (err)
		return err;
	return nlm_register();
}

static void __exit nlm_exit(void)
{
	genl_unregister_family(&nl_ring_family);
	/* rings that are still to be freed */
	rcu_barrier();
}

module_init(nlm_init);
module_exit(nlm_exit);

MODULE_DESCRIPTION("Memory mapped netlink rings");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.2.0");
MODULE_ALIAS_GENL_FAMILY(NETLINK_MMAP_FAMILY_NAME);
