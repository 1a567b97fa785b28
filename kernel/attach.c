// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives rings to sockets of a kernel that has none: puts the ring core in front
 * of the operations of the one socket that a program asks for, see
 * ring_family.c.
 *
 * The module stays in place while such a socket lives: proto_ops.owner holds
 * it until the descriptor is closed, and the owner of sk_prot_creator, which
 * sk_prot_free() puts after the socket's memory is gone, until no delivery can
 * be in here any more.
 */
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

#include "ring.h"

/* one socket at a time is attached */
static DEFINE_MUTEX(nlm_mutex);

/*
 * What netlink sockets have, learned from one that nobody else has touched, and
 * what attached ones have instead.
 */
static const struct proto_ops *nlm_orig_ops __ro_after_init;
static struct proto_ops nlm_ops __ro_after_init;
static struct proto nlm_proto __ro_after_init;
static void (*nlm_orig_data_ready)(struct sock *sk) __ro_after_init;
static void (*nlm_orig_error_report)(struct sock *sk) __ro_after_init;
static void (*nlm_orig_destruct)(struct sock *sk) __ro_after_init;

/**
 * struct nlm_sock - an attached socket
 * @rings: its rings
 * @token: one byte that has netlink make the next part of a dump
 * @calls: calls of netlink's recvmsg and sendmsg that run
 * @callers: sum of the tasks that make them
 * @takers: those of recvmsg that take messages
 * @skipped: no part of a dump was made because of these
 * @lookers: those of recvmsg that take nothing, see nlm_peek()
 * @gone: errors that were reported, and gone: as many lookers have one
 * @dump: a dump may be running
 * @refused: netlink may refuse messages until it finds the queue empty
 * @no_enobufs: NETLINK_NO_ENOBUFS, if it was set since the socket was attached
 *
 * All but the last two are protected by the lock of the receive queue.
 */
struct nlm_sock {
	struct nl_ring_sock	rings;
	struct sk_buff		*token;
	unsigned int		calls;
	unsigned long		callers;
	unsigned int		takers;
	bool			skipped;
	unsigned int		lookers;
	unsigned int		gone;
	bool			dump;
	bool			refused;
	bool			no_enobufs;
};

static struct nlm_sock *nlm_of(const struct nl_ring_sock *rs)
{
	return container_of(rs, struct nlm_sock, rings);
}

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
 * Dumps. Netlink makes the first part in the sendmsg() that asks for it, each
 * other one in a recvmsg() that finds a message, if no more than half of
 * SO_RCVBUF is charged, and it does not say whether there will be another one.
 * What is certain: the parts come from within these calls, in the task that
 * makes them. So after any message that did, a dump may be running, until a call
 * that could have made a part made none.
 *
 * Deliveries may have left the queue empty by then. For such a call a token is
 * put there, which it only peeks at, and which nobody else gets to see: a
 * delivery that comes, or a recvmsg() that is to take a message, removes it.
 */

static void nlm_remove_token(struct nlm_sock *nlm)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;

	lockdep_assert_held(&queue->lock);
	if (nlm->token->next) {
		__skb_unlink(nlm->token, queue);
		/* another reference is @nlm's */
		consume_skb(nlm->token);
	}
}

static void nlm_enter(struct nlm_sock *nlm, bool takes)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	WRITE_ONCE(nlm->calls, nlm->calls + 1);
	nlm->callers += (unsigned long)current;
	nlm->takers += takes;
	if (takes)
		nlm_remove_token(nlm);
	spin_unlock_irq(&queue->lock);
}

static void nlm_leave(struct nlm_sock *nlm, bool takes)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;
	bool skipped;

	spin_lock_irq(&queue->lock);
	WRITE_ONCE(nlm->calls, nlm->calls - 1);
	nlm->callers -= (unsigned long)current;
	nlm->takers -= takes;
	skipped = nlm->skipped && !nlm->takers;
	if (skipped)
		nlm->skipped = false;
	spin_unlock_irq(&queue->lock);
	/* let who skipped it try again */
	if (skipped)
		nlm_orig_data_ready(nlm->rings.sk);
}

/* A message was queued. */
static void nlm_look_at_calls(struct nlm_sock *nlm)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;
	unsigned long flags;

	/* a task sees its own call */
	if (!READ_ONCE(nlm->calls))
		return;
	spin_lock_irqsave(&queue->lock, flags);
	nlm_remove_token(nlm);
	if (in_task() &&
	    (nlm->calls > 1 || nlm->callers == (unsigned long)current))
		WRITE_ONCE(nlm->dump, true);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Does an error wait for the program? */
static bool nlm_has_error(const struct sock *sk)
{
	/* pairs with xchg() in nlm_end_look(): it is in one of the two */
	return smp_load_acquire(&sk->sk_err_soft) || READ_ONCE(sk->sk_err);
}

/* Does netlink make a part now, if a dump runs? */
static bool nlm_may_make_part(const struct sock *sk)
{
	return !nlm_has_error(sk) &&
	       atomic_read(&sk->sk_rmem_alloc) <= READ_ONCE(sk->sk_rcvbuf) / 2;
}

/*
 * Looks. Netlink's recvmsg reports an error that waits, and it waits no more. A
 * look is not the program's call and must not use up an error, nor hide it for a
 * while. So an error that is reported while somebody looks waits in sk_err_soft:
 * getsockopt(SO_ERROR) finds it there, and so do poll() and recvmsg(), see
 * nlm_has_error(), but not netlink.
 *
 * If a look was faster than the report, the report finds no error. Then the
 * look has it, or the program has asked in that very moment: what the look
 * returns tells which, and undoes the guess.
 */

/* An error was reported. */
static void nlm_keep_error(struct nlm_sock *nlm)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;
	struct sock *sk = nlm->rings.sk;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&queue->lock, flags);
	if (nlm->lookers) {
		err = xchg(&sk->sk_err, 0);
		nlm->gone += !err;
		WRITE_ONCE(sk->sk_err_soft, err ?: ENOBUFS);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
}

static void nlm_begin_look(struct nlm_sock *nlm)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	nlm->lookers++;
	spin_unlock_irq(&queue->lock);
}

/* @taken: the error that it took, or 0 */
static void nlm_end_look(struct nlm_sock *nlm, int taken)
{
	struct sk_buff_head *queue = &nlm->rings.sk->sk_receive_queue;
	struct sock *sk = nlm->rings.sk;
	int err = 0;

	spin_lock_irq(&queue->lock);
	nlm->lookers--;
	if (taken && nlm->gone)
		nlm->gone--;
	else if (taken)
		WRITE_ONCE(sk->sk_err_soft, taken);
	if (!nlm->lookers) {
		if (nlm->gone)
			cmpxchg(&sk->sk_err_soft, ENOBUFS, 0);
		nlm->gone = 0;
		err = READ_ONCE(sk->sk_err_soft);
	}
	/* who goes to sleep looks at sk_err only; found in both, it is one error */
	if (err) {
		WRITE_ONCE(sk->sk_err, err);
		if (!xchg(&sk->sk_err_soft, 0))
			cmpxchg(&sk->sk_err, err, 0);
	}
	spin_unlock_irq(&queue->lock);
	if (err)
		nlm_orig_error_report(sk);
}

/* A call of recvmsg that takes nothing. */
static int nlm_peek(struct nlm_sock *nlm, struct socket *sock, size_t len)
{
	u8 byte;
	struct kvec vec = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr msg = {};
	int err;

	iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, vec.iov_len);
	nlm_enter(nlm, false);
	nlm_begin_look(nlm);
	err = nlm_orig_ops->recvmsg(sock, &msg, len, MSG_PEEK | MSG_DONTWAIT);
	nlm_end_look(nlm, err < 0 && err != -EAGAIN ? -err : 0);
	nlm_leave(nlm, false);
	return err;
}

/**
 * nl_host_dump_runs - may netlink have another part of a dump for the socket?
 * @rs: rings of the socket
 *
 * Return: whether it may.
 */
bool nl_host_dump_runs(const struct nl_ring_sock *rs)
{
	return READ_ONCE(nlm_of(rs)->dump);
}

/**
 * nl_host_make_part - have netlink make the next part of a dump
 * @rs: rings of the socket
 * @sock: the socket
 * @room: bytes that the reader offers, as to recvmsg()
 *
 * For one process at a time, when the queue is empty. Not while an error waits
 * for the program, nor while another process is in recvmsg(): that makes it.
 *
 * Return: whether it made one, or is to be asked again.
 */
bool nl_host_make_part(struct nl_ring_sock *rs, struct socket *sock,
		       unsigned int room)
{
	struct nlm_sock *nlm = nlm_of(rs);
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	bool ready, made;
	int err;

	spin_lock_irq(&queue->lock);
	nlm->skipped |= nlm->takers;
	ready = nlm_may_make_part(rs->sk) && !nlm->takers &&
		skb_queue_empty(queue) && !rs->shadow.set;
	if (ready) {
		__skb_queue_head(queue, skb_get(nlm->token));
		WRITE_ONCE(nlm->dump, false);
	}
	spin_unlock_irq(&queue->lock);
	if (!ready)
		return false;

	err = nlm_peek(nlm, sock, room);

	spin_lock_irq(&queue->lock);
	nlm_remove_token(nlm);
	made = nlm->dump;
	if (err < 0 || !nlm_may_make_part(rs->sk))
		WRITE_ONCE(nlm->dump, true);
	spin_unlock_irq(&queue->lock);
	/* somebody removed the token before netlink saw it */
	return made || err == -EAGAIN;
}

/**
 * nl_host_recvmsg - the socket's own recvmsg
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see recvmsg(2)
 * @len: bytes of room in @msg
 * @flags: MSG_* of the call
 *
 * Return: see recvmsg(2), or -errno.
 */
int nl_host_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags)
{
	struct nlm_sock *nlm = nlm_of(rs);
	int err = 0;

	if (unlikely(READ_ONCE(rs->sk->sk_err_soft)))
		err = xchg(&rs->sk->sk_err_soft, 0);
	if (err)
		return -err;

	nlm_enter(nlm, true);
	err = nlm_orig_ops->recvmsg(sock, msg, len, flags);
	nlm_leave(nlm, true);
	return err;
}

/*
 * Is somebody sending to the socket, asleep perhaps? Senders hold a reference,
 * next to those that the socket itself and netlink's table of port IDs have. How
 * much is charged says nothing: a large message waits for an empty queue.
 */
static bool nlm_has_senders(const struct sock *sk)
{
	/*
	 * Pairs with atomic_add_return() in netlink_attachskb(): a sender that saw
	 * a charge which is gone now has a reference that is seen here.
	 */
	smp_mb();
	return refcount_read(&sk->sk_refcnt) > 2;
}

/**
 * nl_host_admit_senders - have netlink look at the queue, as after recvmsg()
 * @rs: rings of the socket
 * @sock: the socket
 *
 * Sleeping senders are woken, and refused ones are admitted again when the queue
 * is empty (NETLINK_S_CONGESTED). As on a plain socket not before the program has
 * received the error.
 */
void nl_host_admit_senders(struct nl_ring_sock *rs, struct socket *sock)
{
	struct nlm_sock *nlm = nlm_of(rs);
	bool empty = skb_queue_empty_lockless(&rs->sk->sk_receive_queue);
	bool refused = READ_ONCE(nlm->refused) && empty;

	if ((!refused && !nlm_has_senders(rs->sk)) || nlm_has_error(rs->sk))
		return;
	/* who makes parts comes here afterwards; a look at his token makes another */
	if (test_bit(0, &rs->making))
		return;
	/* a look at a message would make a part of a dump, before its turn */
	if (!empty && (rs->shadow.set ? READ_ONCE(rs->shadow.dump) :
					nl_host_dump_runs(rs)))
		return;

	/* nothing is queued while it is refused: the queue stays empty */
	if (refused)
		WRITE_ONCE(nlm->refused, false);
	/* another process was first, and messages are refused again, perhaps */
	if (nlm_peek(nlm, sock, 0) != -EAGAIN && refused)
		WRITE_ONCE(nlm->refused, true);
}

/**
 * nl_host_reports_loss - is the program to be told that messages were lost?
 * @rs: rings of the socket
 *
 * Return: whether NETLINK_NO_ENOBUFS is not set, as far as it was set since the
 * socket was attached.
 */
bool nl_host_reports_loss(const struct nl_ring_sock *rs)
{
	return !READ_ONCE(nlm_of(rs)->no_enobufs);
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
		nlm_look_at_calls(nlm_of(rs));
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
		WRITE_ONCE(nlm_of(rs)->refused, true);
		nlm_keep_error(nlm_of(rs));
		nl_ring_overrun(rs);
	}
	rcu_read_unlock();
	nlm_orig_error_report(sk);
}

static void nlm_free(struct nlm_sock *nlm)
{
	if (nlm)
		kfree_skb(nlm->token);
	kfree(nlm);
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
	struct nl_ring_sock *rs = nlm_rings(sock);
	int err;

	nlm_enter(nlm_of(rs), false);
	err = nl_ring_sendmsg(rs, sock, msg, len);
	nlm_leave(nlm_of(rs), false);
	return err;
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

static struct nlm_sock *nlm_alloc(void)
{
	struct nlm_sock *nlm = kzalloc(sizeof(*nlm), GFP_KERNEL_ACCOUNT);

	if (!nlm)
		return NULL;
	nlm->token = alloc_skb(1, GFP_KERNEL_ACCOUNT);
	if (!nlm->token) {
		nlm_free(nlm);
		return NULL;
	}
	__skb_put_u8(nlm->token, 0);
	NETLINK_CB(nlm->token).flags = NL_RING_HOST;
	/* a dump may have begun before, and messages may have been refused */
	nlm->dump = true;
	nlm->refused = true;
	return nlm;
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
