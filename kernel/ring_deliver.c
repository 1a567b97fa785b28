// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: delivery.
 *
 * A message is an ordinary skb until netlink has appended it to the receive
 * queue of a socket. From there it is copied, once, into the next free frame
 * and freed. No skb ever points into a ring. When the ring is full, messages
 * stay in the queue, in order, under the socket's usual limits.
 *
 *	netlink --> receive queue --> RESERVED --> VALID --> the reader's
 *	                 |       locked      copied
 *	                 +--> announced --> taken by recvmsg()
 *	                         COPY
 *
 * Who takes the head of the queue claims its frames under the same hold of the
 * lock, so the order in the ring is the order of the queue whoever moves a
 * message: a delivery, in any context, right after it was queued or when a later
 * one comes, or a process in poll() or recvmsg().
 *
 * A message that no number of frames can hold, or that says something which a
 * frame cannot, is announced: it stays at the head until recvmsg() takes it.
 */
#include <linux/net_namespace.h>
#include <linux/netlink.h>
#include <linux/preempt.h>
#include <linux/skbuff.h>
#include <linux/user_namespace.h>

#include "ring_core.h"
#include "ring_trace.h"

/**
 * struct nl_ring_moves - one delivery, or one process, that moves messages
 * @skb: message to be queued first, or NULL
 * @left: messages that it may still move
 * @process: it is a process, on behalf of the reader
 * @more: the queue has another message
 * @wake: the reader has to be woken
 * @err: why the head of the queue was not moved, see nl_ring_get_frames()
 */
struct nl_ring_moves {
	struct sk_buff	*skb;
	unsigned int	left;
	bool		process;
	bool		more;
	bool		wake;
	int		err;
};

/* Some messages have a second form, for 32-bit programs. */
static const struct sk_buff *nl_ring_form(const struct nl_ring *ring,
					  const struct sk_buff *skb)
{
	if (unlikely(ring->compat) && skb_has_frag_list(skb))
		return skb_shinfo(skb)->frag_list;
	return skb;
}

/* frames that a message takes; 0: recvmsg() has to take it */
static unsigned int nl_ring_span(const struct nl_ring *ring,
				 const struct sk_buff *skb, unsigned int len)
{
	if (NETLINK_CB(skb).nsid_is_set && !(ring->flags & NL_MMAP_F_SENDER))
		return 0;
	/* a VALID frame without bytes has no message */
	if (!len || len > ring->longest)
		return 0;
	if (len <= ring->capacity)
		return 1;
	return DIV_ROUND_UP(len + ring->hdrlen, ring->req.nm_frame_size);
}

/* Everything in a frame header but status and length, as recvmsg() reports it. */
static void nl_ring_describe(const struct nl_ring_sock *rs,
			     const struct nl_ring *ring,
			     struct nl_mmap_hdr *hdr, const struct sk_buff *skb)
{
	const struct netlink_skb_parms *cb = &NETLINK_CB(skb);
	struct nl_mmap_hdr2 *hdr2 = container_of(hdr, struct nl_mmap_hdr2, hdr);

	hdr->nm_group = cb->dst_group;
	hdr->nm_pid = cb->creds.pid;
	if (rs->user_ns == &init_user_ns) {
		/* nothing to translate */
		hdr->nm_uid = __kuid_val(cb->creds.uid);
		hdr->nm_gid = __kgid_val(cb->creds.gid);
	} else {
		hdr->nm_uid = from_kuid_munged(rs->user_ns, cb->creds.uid);
		hdr->nm_gid = from_kgid_munged(rs->user_ns, cb->creds.gid);
	}
	if (ring->flags & NL_MMAP_F_SENDER) {
		hdr2->nm_portid = cb->portid;
		hdr2->nm_nsid = cb->nsid_is_set ? cb->nsid : NETNSA_NSID_NOT_ASSIGNED;
	}
}

/**
 * nl_ring_write - write a message to a frame: everything but its status
 * @rs: rings of the socket
 * @ring: the ring
 * @hdr: the frame, the kernel's
 * @skb: the message
 */
void nl_ring_write(const struct nl_ring_sock *rs, const struct nl_ring *ring,
		   struct nl_mmap_hdr *hdr, const struct sk_buff *skb)
{
	const struct sk_buff *form = nl_ring_form(ring, skb);

	nl_ring_describe(rs, ring, hdr, skb);
	hdr->nm_len = form->len;
	if (WARN_ON_ONCE(skb_copy_bits(form, 0, nl_ring_payload(ring, hdr),
				       form->len)))
		hdr->nm_len = 0;
	trace_netlink_ring_rx(rs->sk, form->len, NETLINK_CB(skb).dst_group);
}

/* 0, or as nl_ring_get_frames() says */
static int nl_ring_announce(const struct nl_ring_sock *rs, struct nl_ring *ring,
			    struct sk_buff *skb, unsigned int len)
{
	struct nl_ring_claim claim;
	struct nl_mmap_hdr *hdr;
	int err;

	err = nl_ring_get_frames(ring, NL_RING_COPY, 1, len, &claim);
	if (err)
		return err;

	hdr = nl_ring_frame(ring, claim.index);
	nl_ring_describe(rs, ring, hdr, skb);
	hdr->nm_len = len;
	trace_netlink_ring_copy(rs->sk, len, NETLINK_CB(skb).dst_group);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_COPY);
	NETLINK_CB(skb).flags |= NL_RING_ANNOUNCED;
	ring->copy = hdr;
	return 0;
}

/*
 * Frames for the message at the head of the queue, or its announcement. 0 when
 * it has frames. A process announces once more what the reader did not receive
 * when it released the COPY frame.
 */
static int nl_ring_place(const struct nl_ring_sock *rs, struct nl_ring *ring,
			 struct sk_buff *skb, bool process,
			 struct nl_ring_claim *claim)
{
	const unsigned int len = nl_ring_form(ring, skb)->len;
	const unsigned int span = nl_ring_span(ring, skb, len);
	int err;

	if (NETLINK_CB(skb).flags & NL_RING_HOST)
		return -EAGAIN;
	/* without @copy it was a ring before this one that announced it */
	if (NETLINK_CB(skb).flags & NL_RING_ANNOUNCED && ring->copy) {
		if (!process || nl_ring_status(ring->copy) != NL_MMAP_STATUS_UNUSED)
			return -EAGAIN;
	} else if (span) {
		err = nl_ring_get_frames(ring, NL_RING_MESSAGE, span, len, claim);
		if (err != -ENOSPC || span == 1)
			return err;
	}
	return nl_ring_announce(rs, ring, skb, len) ?: -EAGAIN;
}

/*
 * Takes the oldest message and frames for it, both or none: then the reader has
 * to be woken once for what is in the queue, until somebody looks there for it.
 */
static struct sk_buff *nl_ring_take(struct nl_ring_sock *rs,
				    struct nl_ring_moves *m,
				    struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring = nl_ring_rx(rs);
	struct sk_buff *skb;

	lockdep_assert_held(&queue->lock);
	/* set since the caller looked: its messages stay in the queue */
	if (ring && unlikely(ring->flags & NL_MMAP_F_SHADOW))
		ring = NULL;
	if (m->skb)
		__skb_queue_tail(queue, m->skb);
	m->skb = NULL;
	if (m->process)
		WRITE_ONCE(rs->told, false);

	m->err = -EAGAIN;
	skb = skb_peek(queue);
	if (!skb) {
		/* somebody took it; a process wakes nobody for it */
		if (!m->process) {
			m->wake |= rs->moved;
			rs->moved = false;
		}
		return NULL;
	}
	if (ring && m->left)
		m->err = nl_ring_place(rs, ring, skb, m->process, claim);
	if (m->err) {
		if (!m->process && !rs->told) {
			m->wake = true;
			WRITE_ONCE(rs->told, ring);
		}
		return NULL;
	}

	__skb_unlink(skb, queue);
	m->left--;
	m->more = !skb_queue_empty(queue);
	rs->moved |= m->process;
	nl_ring_count(ring, &ring->counters.by_ring, claim->len);
	ring->counters.spilled += m->process;
	ring->counters.spans += claim->span > 1;
	return skb;
}

/*
 * Copies the message, frees it, and only then hands the frame over: when the
 * reader looks, the message is charged no more.
 */
static void nl_ring_publish(const struct nl_ring_sock *rs,
			    const struct nl_ring_claim *claim,
			    struct sk_buff *skb)
{
	struct nl_mmap_hdr *hdr = nl_ring_frame(claim->ring, claim->index);

	nl_ring_write(rs, claim->ring, hdr, skb);
	consume_skb(skb);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
}

/* A process published a message: another one may sleep that found it claimed. */
static void nl_ring_unblock(struct nl_ring_sock *rs)
{
	/* pairs with nl_ring_is_blocked() */
	smp_mb();
	if (READ_ONCE(rs->blocked)) {
		WRITE_ONCE(rs->blocked, false);
		nl_ring_wake(rs);
	}
}

/*
 * Moves a message, if there is one and a place for it.
 *
 * While a frame is RESERVED the reader sees none of those behind it, so who has
 * claimed one must not be preempted before it is published. That is as long as
 * one message is copied, several processors at once. With PREEMPT_RT no message
 * is short enough for that: there it is copied under the lock, which lends the
 * priority of those who wait for it.
 */
static bool nl_ring_move(struct nl_ring_sock *rs, struct nl_ring_moves *m)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	const bool rt = IS_ENABLED(CONFIG_PREEMPT_RT);
	struct nl_ring_claim claim;
	struct sk_buff *skb;
	unsigned long flags;

	rcu_read_lock();
	if (!rt)
		preempt_disable();
	spin_lock_irqsave(&queue->lock, flags);
	skb = nl_ring_take(rs, m, &claim);
	if (skb && rt)
		nl_ring_publish(rs, &claim, skb);
	spin_unlock_irqrestore(&queue->lock, flags);
	if (skb && !rt)
		nl_ring_publish(rs, &claim, skb);
	if (!rt)
		preempt_enable();
	if (skb && m->process)
		nl_ring_unblock(rs);
	else if (skb)
		m->wake |= nl_ring_enough(rs, claim.ring, claim.len);
	rcu_read_unlock();
	return skb;
}

/**
 * nl_ring_deliver - queue a message, and move messages to free frames
 * @rs: rings of the socket
 * @skb: message that counts for the socket already, consumed; or NULL: it is in
 *	the queue
 *
 * For netlink, before the reader is woken. Any context. One delivery moves no
 * more than NL_RING_MOVES messages, in their order, and leaves the others to the
 * next one, or to the reader.
 *
 * Return: whether to wake the reader: it sleeps, and there are as many messages
 * as it wants to be woken for, or one that stays in the queue and that it was
 * not told of since it looked there.
 */
bool nl_ring_deliver(struct nl_ring_sock *rs, struct sk_buff *skb)
{
	struct nl_ring_moves m = { .skb = skb, .left = NL_RING_MOVES };

	if (nl_shadow_is_set(rs)) {
		if (skb)
			skb_queue_tail(&rs->sk->sk_receive_queue, skb);
		nl_shadow_deliver(rs);
		return true;
	}
	while (nl_ring_move(rs, &m) && m.more)
		;
	return m.wake && (!nl_ring_has_rx(rs) || nl_ring_has_sleeper(rs));
}

/**
 * nl_ring_overrun - the socket lost messages, or has another error to report
 * @rs: rings of the socket
 *
 * Any context.
 */
void nl_ring_overrun(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring;
	unsigned long flags;

	WRITE_ONCE(rs->refused, true);
	nl_shadow_overrun(rs);
	spin_lock_irqsave(&queue->lock, flags);
	ring = nl_ring_rx(rs);
	if (ring && ring->control && !(ring->flags & NL_MMAP_F_SHADOW))
		WRITE_ONCE(ring->control->nmc_overruns, ++ring->overruns);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/*
 * Nothing is queued, and who queues something now will tell the reader, who is
 * on the wait queue already: then there is no need for the lock.
 */
static bool nl_ring_has_queued(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->told) ||
	       !skb_queue_empty_lockless(&rs->sk->sk_receive_queue);
}

/* frames of the RX ring; 0: there is none */
static unsigned int nl_ring_frames(const struct nl_ring_sock *rs)
{
	const struct nl_ring *ring;
	unsigned int frames;

	rcu_read_lock();
	ring = nl_ring_rx(rs);
	frames = ring ? ring->req.nm_frame_nr : 0;
	rcu_read_unlock();
	return frames;
}

/**
 * nl_ring_fill - on behalf of the reader, move what waits to free frames
 * @rs: rings of the socket
 *
 * Process context.
 */
void nl_ring_fill(struct nl_ring_sock *rs)
{
	const unsigned int frames = nl_ring_frames(rs);
	struct nl_ring_moves m = { .process = true, .left = frames };
	/* a turn, and another for what was given back meanwhile */
	unsigned int looks = frames / NL_RING_LOOKS * 2 + 2;

	while (nl_ring_has_queued(rs) &&
	       (nl_ring_move(rs, &m) || (m.err == -ENOSPC && --looks)))
		cond_resched();
}

/*
 * What the reader would offer to recvmsg(). A socket that has received nothing
 * yet has offered nothing.
 */
static unsigned int nl_ring_room(const struct nl_ring_sock *rs)
{
	const struct nl_ring *ring;
	unsigned int room = 0;

	rcu_read_lock();
	ring = nl_ring_rx(rs);
	if (ring && READ_ONCE(ring->counters.messages)) {
		if (ring->control)
			room = READ_ONCE(ring->control->nmc_room);
		room = room ?: ring->longest;
	}
	rcu_read_unlock();
	return room;
}

/**
 * nl_ring_make_parts - have parts of a dump made as long as there is room
 * @rs: rings of the socket
 * @sock: the socket
 *
 * They go where messages go, through the queue to frames. One process makes
 * them, and others do not wait for that: each part wakes them.
 *
 * Process context.
 */
void nl_ring_make_parts(struct nl_ring_sock *rs, struct socket *sock)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int most = nl_ring_frames(rs);

	if (!nl_host_dump_runs(rs) || test_and_set_bit_lock(0, &rs->making))
		return;
	while (most-- && skb_queue_empty_lockless(queue) &&
	       nl_host_make_part(rs, sock, nl_ring_room(rs)))
		cond_resched();
	clear_bit_unlock(0, &rs->making);
}
