// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the ring core asks its host, for sockets of a kernel that has no rings: by
 * the operations of the socket, since netlink's own state is not the module's.
 *
 * Dumps. Netlink makes the first part in the sendmsg() that asks for it, each
 * other one in a recvmsg() that finds a message, if no more than half of
 * SO_RCVBUF is charged, and it does not say whether there will be another one.
 * What is certain: the parts come from within these calls, in the task that
 * makes them. So after any message that did, a dump may be running, until a
 * recvmsg() that could have made a part made none.
 *
 * Deliveries may have left the queue empty by then. For such a call a token is
 * put there, which it only looks at, and which nobody else gets to see: a
 * delivery that comes, or a recvmsg() that is to take a message, removes it.
 */
#include <linux/sched.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "attach.h"

/* what a call of recvmsg found when it began */
struct nlm_call {
	bool		alone;
	unsigned int	entered;
	unsigned int	answers;
	unsigned int	errors;
};

/* an attached socket, or NULL */
struct nlm_sock *nlm_alloc(void)
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
	/* one may have begun before */
	nlm->dump = true;
	return nlm;
}

void nlm_free(struct nlm_sock *nlm)
{
	if (nlm)
		kfree_skb(nlm->token);
	kfree(nlm);
}

static struct sk_buff_head *nlm_queue(const struct nlm_sock *nlm)
{
	return &nlm->rings.sk->sk_receive_queue;
}

static void nlm_remove_token(struct nlm_sock *nlm)
{
	lockdep_assert_held(&nlm_queue(nlm)->lock);
	if (nlm->token->next) {
		__skb_unlink(nlm->token, nlm_queue(nlm));
		/* another reference is @nlm's */
		consume_skb(nlm->token);
	}
}

/* Does an error wait for the program? */
bool nlm_has_error(const struct sock *sk)
{
	/* pairs with xchg() in nlm_give_back_error(): it is in one of the two */
	return smp_load_acquire(&sk->sk_err_soft) || READ_ONCE(sk->sk_err);
}

/* Does netlink make a part now, if a dump runs? */
static bool nlm_may_make_part(const struct sock *sk)
{
	return !nlm_has_error(sk) &&
	       atomic_read(&sk->sk_rmem_alloc) <= READ_ONCE(sk->sk_rcvbuf) / 2;
}

/*
 * Calls
 */

static void nlm_begin(struct nlm_sock *nlm)
{
	WRITE_ONCE(nlm->calls, nlm->calls + 1);
	nlm->callers += (unsigned long)current;
}

static void nlm_end(struct nlm_sock *nlm)
{
	WRITE_ONCE(nlm->calls, nlm->calls - 1);
	nlm->callers -= (unsigned long)current;
}

/* A call of recvmsg begins; @count: takers or lookers. */
static void nlm_enter(struct nlm_sock *nlm, unsigned int *count,
		      struct nlm_call *call)
{
	spin_lock_irq(&nlm_queue(nlm)->lock);
	call->alone = !nlm->takers && !nlm->lookers;
	call->entered = ++nlm->entered;
	call->answers = nlm->answers;
	call->errors = nlm->errors;
	nlm_begin(nlm);
	++*count;
	if (count == &nlm->takers)
		nlm_remove_token(nlm);
	spin_unlock_irq(&nlm_queue(nlm)->lock);
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
void nlm_note_error(struct nlm_sock *nlm)
{
	struct sock *sk = nlm->rings.sk;
	unsigned long flags;
	int err;

	spin_lock_irqsave(&nlm_queue(nlm)->lock, flags);
	nlm->errors++;
	if (nlm->lookers) {
		err = xchg(&sk->sk_err, 0);
		nlm->gone += !err;
		WRITE_ONCE(sk->sk_err_soft, err ?: ENOBUFS);
	}
	spin_unlock_irqrestore(&nlm_queue(nlm)->lock, flags);
}

/*
 * A look returned @err. The error that waits in the end, if nobody looks any more;
 * those who sleep, and look at sk_err only, are to be woken for it.
 */
static int nlm_give_back_error(struct nlm_sock *nlm, int err)
{
	struct sock *sk = nlm->rings.sk;

	lockdep_assert_held(&nlm_queue(nlm)->lock);
	if (err < 0 && err != -EAGAIN) {
		if (nlm->gone)
			nlm->gone--;
		else
			WRITE_ONCE(sk->sk_err_soft, -err);
	}
	if (nlm->lookers)
		return 0;
	if (nlm->gone)
		cmpxchg(&sk->sk_err_soft, ENOBUFS, 0);
	nlm->gone = 0;

	/* found in both, it is one error */
	err = READ_ONCE(sk->sk_err_soft);
	if (err) {
		WRITE_ONCE(sk->sk_err, err);
		if (!xchg(&sk->sk_err_soft, 0))
			cmpxchg(&sk->sk_err, err, 0);
	}
	return err;
}

/* No other call of recvmsg was there, and no error was reported meanwhile. */
static bool nlm_was_alone(const struct nlm_sock *nlm,
			  const struct nlm_call *call)
{
	return call->alone && !nlm->takers && !nlm->lookers &&
	       nlm->entered == call->entered && nlm->errors == call->errors;
}

/*
 * Could this call have made a part of a dump, and made none? It found a message
 * and there was room, or it found none at a shadow ring, whose queue has them all.
 */
static bool nlm_dump_is_over(const struct nlm_sock *nlm,
			     const struct nlm_call *call, int err)
{
	if (nlm->answers != call->answers)
		return false;
	if (err == -EAGAIN)
		return nlm->rings.shadow.set && skb_queue_empty(nlm_queue(nlm));
	return err >= 0 && nlm_may_make_part(nlm->rings.sk);
}

/* It returned @err. Returns whether messages came from within it. */
static bool nlm_leave(struct nlm_sock *nlm, unsigned int *count,
		      const struct nlm_call *call, int err)
{
	bool answered, skipped;
	int error = 0;

	spin_lock_irq(&nlm_queue(nlm)->lock);
	nlm_end(nlm);
	--*count;
	if (count == &nlm->lookers)
		error = nlm_give_back_error(nlm, err);
	if (nlm_was_alone(nlm, call)) {
		if (nlm_dump_is_over(nlm, call, err))
			WRITE_ONCE(nlm->dump, false);
		/* netlink saw that the queue was empty */
		if (err == -EAGAIN)
			WRITE_ONCE(nlm->rings.refused, false);
	}
	answered = nlm->answers != call->answers;
	skipped = nlm->skipped && !nlm->takers;
	if (skipped)
		nlm->skipped = false;
	spin_unlock_irq(&nlm_queue(nlm)->lock);
	if (error)
		nlm_orig_error_report(nlm->rings.sk);
	/* let who skipped it try again */
	if (skipped)
		nlm_orig_data_ready(nlm->rings.sk);
	return answered;
}

/* A message was queued, and no frame has it yet. */
void nlm_note_delivery(struct nlm_sock *nlm)
{
	const bool shadow = nl_host_dump_runs(&nlm->rings) &&
			    READ_ONCE(nlm->rings.shadow.set);
	unsigned long flags;

	/* a task sees its own call */
	if (!READ_ONCE(nlm->calls) && !shadow)
		return;
	spin_lock_irqsave(&nlm_queue(nlm)->lock, flags);
	nlm_remove_token(nlm);
	if (nlm->calls && in_task() &&
	    (nlm->calls > 1 || nlm->callers == (unsigned long)current)) {
		nlm->answers++;
		WRITE_ONCE(nlm->dump, true);
	} else if (shadow && !nlm->calls &&
		   skb_queue_len(nlm_queue(nlm)) == 1) {
		/* it came to an empty queue: a dump would have a part there */
		WRITE_ONCE(nlm->dump, false);
	}
	spin_unlock_irqrestore(&nlm_queue(nlm)->lock, flags);
}

/* A call of recvmsg that takes nothing. @answered: as nlm_leave() returns it. */
static int nlm_look(struct nlm_sock *nlm, struct socket *sock, size_t len,
		    bool *answered)
{
	u8 byte;
	struct kvec vec = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr msg = {};
	struct nlm_call call;
	int err;

	iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, vec.iov_len);
	nlm_enter(nlm, &nlm->lookers, &call);
	err = nlm->rings.ops->recvmsg(sock, &msg, len, MSG_PEEK | MSG_DONTWAIT);
	*answered = nlm_leave(nlm, &nlm->lookers, &call, err);
	return err;
}

/*
 * What the core asks
 */

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
	struct sk_buff_head *queue = nlm_queue(nlm);
	bool ready, made;
	int err;

	spin_lock_irq(&queue->lock);
	nlm->skipped |= nlm->takers;
	ready = nlm_may_make_part(rs->sk) && !nlm->takers &&
		skb_queue_empty(queue) && !rs->shadow.set;
	if (ready)
		__skb_queue_head(queue, skb_get(nlm->token));
	spin_unlock_irq(&queue->lock);
	if (!ready)
		return false;

	err = nlm_look(nlm, sock, room, &made);

	spin_lock_irq(&queue->lock);
	nlm_remove_token(nlm);
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
	struct nlm_call call;
	int err = 0;

	if (unlikely(READ_ONCE(rs->sk->sk_err_soft)))
		err = xchg(&rs->sk->sk_err_soft, 0);
	if (err)
		return -err;

	nlm_enter(nlm, &nlm->takers, &call);
	err = rs->ops->recvmsg(sock, msg, len, flags);
	nlm_leave(nlm, &nlm->takers, &call, err);
	return err;
}

/**
 * nl_host_sendmsg - the socket's own sendmsg
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see sendmsg(2)
 * @len: bytes of data
 *
 * An answer that comes from within, or is lost there, may begin a dump.
 *
 * Return: see sendmsg(2), or -errno.
 */
int nl_host_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len)
{
	struct nlm_sock *nlm = nlm_of(rs);
	int drops = sk_drops_read(rs->sk);
	int err;

	spin_lock_irq(&nlm_queue(nlm)->lock);
	nlm_begin(nlm);
	spin_unlock_irq(&nlm_queue(nlm)->lock);

	err = rs->ops->sendmsg(sock, msg, len);

	spin_lock_irq(&nlm_queue(nlm)->lock);
	nlm_end(nlm);
	if (drops != sk_drops_read(rs->sk))
		WRITE_ONCE(nlm->dump, true);
	spin_unlock_irq(&nlm_queue(nlm)->lock);
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
	bool empty = skb_queue_empty_lockless(&rs->sk->sk_receive_queue);
	bool answered;

	if (!(READ_ONCE(rs->refused) && empty) && !nlm_has_senders(rs->sk))
		return;
	if (nlm_has_error(rs->sk))
		return;
	/* who makes parts comes here afterwards; a look at his token makes another */
	if (test_bit(0, &rs->making))
		return;
	/* a look at a message would make a part of a dump, before its turn */
	if (!empty && nl_host_dump_runs(rs))
		return;
	nlm_look(nlm_of(rs), sock, 0, &answered);
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
