// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: delivery.
 *
 * A message is an ordinary skb until netlink has appended it to the receive
 * queue of a socket. From there it is copied, once, into the next free frame
 * and freed. No skb ever points into a ring. When the ring is full, messages
 * stay in the queue, in order, under the socket's usual limits.
 *
 * Two sides take messages from the receive queue. Deliveries, in any context,
 * copy what fits (nl_ring_deliver()). Processes in poll() or recvmsg() call
 * the original recvmsg, which also makes the next part of a dump and wakes
 * blocked senders (nl_ring_fill()); meanwhile @filling keeps deliveries away,
 * so that the order in the ring is the order of the queue.
 */
#include <linux/compat.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>

#include "ring_core.h"
#include "ring_trace.h"

static void nl_ring_count_claim(const struct nl_ring_claim *claim)
{
	struct nl_ring *ring = claim->ring;

	nl_ring_count(ring, &ring->counters.by_ring, claim->len);
	ring->counters.spans += claim->span > 1;
}

/* Everything in a frame header but status and length, as SCM_CREDENTIALS. */
void nl_ring_describe(struct nl_ring_sock *rs, struct nl_mmap_hdr *hdr,
		      const struct sk_buff *skb)
{
	const struct scm_creds *creds = &NETLINK_CB(skb).creds;

	hdr->nm_group = NETLINK_CB(skb).dst_group;
	hdr->nm_pid = creds->pid;
	if (rs->user_ns == &init_user_ns) {
		/* nothing to translate */
		hdr->nm_uid = __kuid_val(creds->uid);
		hdr->nm_gid = __kgid_val(creds->gid);
		return;
	}
	hdr->nm_uid = from_kuid_munged(rs->user_ns, creds->uid);
	hdr->nm_gid = from_kgid_munged(rs->user_ns, creds->gid);
}

/*
 * The message at the head of the queue has no place in the ring. It stays
 * there, nothing passes it, and a COPY frame sends the reader to recvmsg().
 * @again: announce it once more if the reader released the frame without.
 */
static void nl_ring_announce(struct nl_ring_sock *rs, struct sk_buff *skb,
			     bool again)
{
	struct nl_ring_claim claim;
	struct nl_mmap_hdr *hdr;

	if (rs->copy &&
	    (!again ||
	     nl_ring_status(rs->copy_frame) != NL_MMAP_STATUS_UNUSED))
		return;
	if (nl_ring_get_frames(nl_ring_rx(rs), 1, skb->len, &claim))
		return;

	hdr = nl_ring_claimed(&claim);
	nl_ring_describe(rs, hdr, skb);
	hdr->nm_len = skb->len;
	trace_netlink_ring_copy(rs->sk, skb->len, NETLINK_CB(skb).dst_group);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_COPY);
	rs->copy = true;
	rs->copy_frame = hdr;
}

/*
 * Frames for the message at the head of the queue, or a COPY frame if it is
 * too long, or if kept frames leave it no place. 0 when it has frames; -ENOSPC
 * when another look may find one.
 */
static int nl_ring_place(struct nl_ring_sock *rs, struct sk_buff *skb,
			 bool again, struct nl_ring_claim *claim)
{
	struct nl_ring *ring = nl_ring_rx(rs);
	unsigned int span = nl_ring_span(ring, skb->len);
	int err = -ENOSPC;

	/* what was announced comes by recvmsg() */
	if (span && !rs->copy)
		err = nl_ring_get_frames(ring, span, skb->len, claim);
	if (err != -ENOSPC || (span == 1 && !rs->copy))
		return err;
	nl_ring_announce(rs, skb, again);
	return -EAGAIN;
}

/*
 * Reception
 */

/* The original recvmsg has to see it: it is, or may be, part of a dump. */
static bool nl_ring_leave_to_process(const struct sk_buff *skb)
{
	const struct nlmsghdr *nlh;
	struct nlmsghdr buf;

	/* a second form of the message, for 32-bit programs */
	if (skb_has_frag_list(skb))
		return true;

	nlh = skb_header_pointer(skb, 0, sizeof(buf), &buf);
	return nlh && (nlh->nlmsg_flags & NLM_F_MULTI);
}

/*
 * Takes the oldest message and frames for it, both or none; then @tell whether
 * the reader has to be woken for what is in the queue. @first: nothing was
 * taken by this delivery. @more: there is another one; who queues one later
 * comes here, too.
 */
static struct sk_buff *nl_ring_take_next(struct nl_ring_sock *rs,
					 struct nl_ring_claim *claim,
					 bool first, bool *more, bool *tell)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct sk_buff *skb;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	skb = skb_peek(queue);
	if (!skb) {
		/* a process took it, others may wait for it */
		*tell = first && (rs->filling || rs->filled);
		rs->filled = false;
		goto out;
	}
	if (nl_ring_rx(rs) && !rs->filling && !nl_ring_leave_to_process(skb) &&
	    !nl_ring_place(rs, skb, false, claim)) {
		__skb_unlink(skb, queue);
		*more = !skb_queue_empty(queue);
		nl_ring_count_claim(claim);
		goto out;
	}
	*tell = !rs->told;
	WRITE_ONCE(rs->told, !!nl_ring_rx(rs));
	skb = NULL;
out:
	spin_unlock_irqrestore(&queue->lock, flags);
	return skb;
}

/*
 * Copies the message, frees it, and only then hands the frame over: when the
 * reader looks, the message is charged no more. See nl_ring_has_senders().
 */
static void nl_ring_publish(struct nl_ring_sock *rs,
			    const struct nl_ring_claim *claim,
			    struct sk_buff *skb)
{
	struct nl_mmap_hdr *hdr = nl_ring_claimed(claim);

	nl_ring_describe(rs, hdr, skb);
	hdr->nm_len = claim->len;
	if (WARN_ON_ONCE(skb_copy_bits(skb, 0, nl_ring_payload(hdr),
				       claim->len)))
		hdr->nm_len = 0;
	trace_netlink_ring_rx(rs->sk, claim->len, NETLINK_CB(skb).dst_group);
	consume_skb(skb);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
}

/* Publishes a message. Returns whether to wake the reader for it. */
static bool nl_ring_hand_over(struct nl_ring_sock *rs,
			      const struct nl_ring_claim *claim,
			      struct sk_buff *skb)
{
	nl_ring_publish(rs, claim, skb);
	return nl_ring_enough(rs, claim->ring, claim->len);
}

/**
 * nl_ring_deliver - move messages from the receive queue to free frames
 * @rs: rings of the socket
 *
 * For sk_data_ready(), after a message was queued and before the reader is
 * woken. Any context. Several processors may be in here at once: each claims
 * its frames under the queue lock and copies outside of it.
 *
 * Return: whether to wake the reader: it sleeps, and there are as many messages
 * as it wants to be woken for, or one that stays in the queue and that it was
 * not told of since it looked there.
 */
bool nl_ring_deliver(struct nl_ring_sock *rs)
{
	struct nl_ring_claim claim;
	bool tell = false, wake = false, first = true, more = true;
	struct sk_buff *skb;

	if (nl_shadow_is_set(rs)) {
		nl_shadow_deliver(rs);
		return true;
	}

	rcu_read_lock();
	while (more) {
		skb = nl_ring_take_next(rs, &claim, first, &more, &tell);
		if (!skb)
			break;
		wake |= nl_ring_hand_over(rs, &claim, skb);
		first = false;
	}

	wake |= tell;
	if (wake && nl_ring_rx(rs))
		wake = nl_ring_has_sleeper(rs);
	rcu_read_unlock();
	return wake;
}

/* Frames for a message that is not queued; false when it has to be. */
static bool nl_ring_take(struct nl_ring_sock *rs, const struct sk_buff *skb,
			 struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring;
	unsigned int span;
	unsigned long flags;
	bool taken = false;

	spin_lock_irqsave(&queue->lock, flags);
	ring = nl_ring_rx(rs);
	if (ring && !rs->filling && skb_queue_empty(queue)) {
		span = nl_ring_span(ring, skb->len);
		taken = span && !rs->copy &&
			!nl_ring_get_frames(ring, span, skb->len, claim);
	}
	if (taken)
		nl_ring_count_claim(claim);
	spin_unlock_irqrestore(&queue->lock, flags);
	return taken;
}

/**
 * nl_ring_deliver_skb - deliver a message, past the receive queue if possible
 * @rs: rings of the socket
 * @skb: message that counts for the socket already; consumed
 *
 * For netlink itself, instead of skb_queue_tail() and nl_ring_deliver(): where
 * nothing waits in front of it, a message costs the lock of the queue once.
 * Any context.
 *
 * Return: whether to wake the reader, as nl_ring_deliver().
 */
bool nl_ring_deliver_skb(struct nl_ring_sock *rs, struct sk_buff *skb)
{
	struct nl_ring_claim claim;
	bool wake;

	rcu_read_lock();
	if (nl_shadow_is_set(rs) || nl_ring_leave_to_process(skb) ||
	    !nl_ring_take(rs, skb, &claim)) {
		skb_queue_tail(&rs->sk->sk_receive_queue, skb);
		wake = nl_ring_deliver(rs);
	} else {
		wake = nl_ring_hand_over(rs, &claim, skb) &&
		       nl_ring_has_sleeper(rs);
	}
	rcu_read_unlock();
	return wake;
}

/**
 * nl_ring_overrun - the socket lost a message
 * @rs: rings of the socket
 *
 * Messages may be refused until netlink finds the queue empty: the next poll()
 * has it look. Any context.
 */
void nl_ring_overrun(struct nl_ring_sock *rs)
{
	WRITE_ONCE(rs->kick, true);
	nl_shadow_overrun(rs);
}

/* Frames for the next message, for nl_ring_fill(), or the end of it. */
static bool nl_ring_fill_next(struct nl_ring_sock *rs,
			      struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int looks = nl_ring_rx(rs)->req.nm_frame_nr / NL_RING_LOOKS * 2 + 2;
	struct sk_buff *skb;
	int err;

	do {
		spin_lock_irq(&queue->lock);
		skb = skb_peek(queue);
		err = skb ? nl_ring_place(rs, skb, true, claim) : -EAGAIN;
		rs->filling = !err;
		WRITE_ONCE(rs->told, false);
		if (!err) {
			nl_ring_describe(rs, nl_ring_claimed(claim), skb);
			claim->group = NETLINK_CB(skb).dst_group;
		}
		spin_unlock_irq(&queue->lock);
	} while (err == -ENOSPC && --looks);
	return !err;
}

static void nl_ring_fill_done(struct nl_ring_sock *rs,
			      const struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	nl_ring_count_claim(claim);
	claim->ring->counters.spilled++;
	rs->copy = false;
	rs->filled = true;
	spin_unlock_irq(&queue->lock);
}

static void nl_ring_fill_stop(struct nl_ring_sock *rs,
			      const struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	nl_ring_put_frames(claim);
	rs->filling = false;
	spin_unlock_irq(&queue->lock);
}

/**
 * nl_ring_recv_kernel - the original recvmsg into kernel memory
 * @rs: rings of the socket
 * @sock: the socket
 * @vec: the memory
 * @len: what netlink sees as the size of the reader's buffer
 * @flags: as for recvmsg(), MSG_DONTWAIT is added
 *
 * The next part of a dump is as long as @len at the most, so that is never less
 * than what fits the ring. An error that waits for the program (sk_err) is put
 * back, and so returned again at the next look. Process context.
 *
 * Return: as recvmsg().
 */
int nl_ring_recv_kernel(struct nl_ring_sock *rs, struct socket *sock,
			struct kvec vec, size_t len, int flags)
{
	struct msghdr msg = {};
	int err;

	if (in_compat_syscall())
		flags |= MSG_CMSG_COMPAT;
	iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, vec.iov_len);
	err = rs->ops->recvmsg(sock, &msg, len, flags | MSG_DONTWAIT);
	if (err < 0 && err != -EAGAIN)
		WRITE_ONCE(rs->sk->sk_err, -err);
	return err;
}

/*
 * Is somebody sending to the socket, asleep perhaps because another message is
 * charged? Senders hold a reference, next to those that the socket itself and
 * netlink's table of port IDs have.
 */
bool nl_ring_has_senders(const struct nl_ring_sock *rs)
{
	/*
	 * The reader saw the frame, so the message in it is charged no more.
	 * Pairs with atomic_add_return() in netlink_attachskb(): a sender that
	 * saw the charge after that has a reference that is seen here.
	 */
	smp_mb();
	return refcount_read(&rs->sk->sk_refcnt) > 2;
}

/*
 * Has netlink look at the queue: when it is empty, refused senders are
 * admitted again (NETLINK_S_CONGESTED) and sleeping ones are woken.
 */
static void nl_ring_kick(struct nl_ring_sock *rs, struct socket *sock)
{
	if (!skb_queue_empty_lockless(&rs->sk->sk_receive_queue) ||
	    (!READ_ONCE(rs->kick) && !nl_ring_has_senders(rs)))
		return;

	WRITE_ONCE(rs->kick, false);
	nl_ring_admit_senders(rs, sock);
	if (!skb_queue_empty_lockless(&rs->sk->sk_receive_queue))
		WRITE_ONCE(rs->kick, true);
}

/*
 * Nothing is queued, and who queues something now will tell the reader, who is on
 * the wait queue already: then nl_ring_fill() needs no lock.
 */
static bool nl_ring_has_queued(const struct nl_ring_sock *rs)
{
	return rs->filling || READ_ONCE(rs->told) ||
	       !skb_queue_empty_lockless(&rs->sk->sk_receive_queue);
}

/*
 * Moves messages from the receive queue to free frames, and makes the parts of
 * a dump as long as there is room. Process context, @rx_mutex held, ring set.
 */
void nl_ring_fill(struct nl_ring_sock *rs, struct socket *sock)
{
	struct nl_ring_claim claim;
	struct nl_mmap_hdr *hdr;
	struct kvec vec;
	int len;

	while (nl_ring_has_queued(rs) && nl_ring_fill_next(rs, &claim)) {
		hdr = nl_ring_claimed(&claim);
		vec.iov_base = nl_ring_payload(hdr);
		vec.iov_len = claim.len;
		len = nl_ring_recv_kernel(rs, sock, vec, claim.ring->longest, 0);
		if (len < 0) {
			nl_ring_fill_stop(rs, &claim);
			break;
		}
		hdr->nm_len = len;
		trace_netlink_ring_rx(rs->sk, len, claim.group);
		nl_ring_fill_done(rs, &claim);
		nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
		cond_resched();
	}
	nl_ring_kick(rs, sock);
}
