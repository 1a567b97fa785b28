// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: delivery, waiting, recvmsg.
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
 *
 * Sleeping readers: a frame is published, then comes a full fence, then the
 * look at the reader's threshold and at the wait queue. The reader writes the
 * threshold, then a full fence, then looks at its frame once more; poll() puts
 * it on the wait queue, then a full fence, then looks at the frames. One of
 * the two sees the other.
 *
 * tests/model proves both, and the rules for kept frames, for small rings.
 */
#include <linux/compat.h>
#include <linux/skbuff.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>

#include "ring_core.h"
#include "ring_trace.h"

/* frames that are looked at under the lock of the queue, one after another */
#define NL_RING_LOOKS	1024U

/**
 * struct nl_ring_claim - frames that the kernel owns, for one message
 * @ring: the ring, with a reference from nl_ring_take_next()
 * @index: of the first of them
 * @span: frames
 * @len: bytes of the message
 * @group: its multicast group, for tracing
 */
struct nl_ring_claim {
	struct nl_ring	*ring;
	unsigned int	index;
	unsigned int	span;
	unsigned int	len;
	unsigned int	group;
};

/*
 * Free frames. All of it under the lock of the receive queue.
 *
 * A frame that the reader keeps (SKIP) is passed over. It is used again only
 * when the next one that was not passed over has been taken: before that the
 * reader, who finds a message in either of them, could not tell which of the
 * two is older.
 */

static struct nl_ring_slot *nl_ring_slot(const struct nl_ring *ring,
					 unsigned int offset)
{
	return &ring->slots[nl_ring_index(ring, offset)];
}

static void nl_ring_advance(struct nl_ring *ring, unsigned int frames)
{
	const unsigned int nr = ring->req.nm_frame_nr;

	ring->head = nl_ring_index(ring, frames);
	ring->passed -= min(ring->passed, frames);
	ring->unread = min(ring->unread + frames, nr);
}

/* The first frame of a message that is kept, no more than @most frames of it. */
static unsigned int nl_ring_pass_over(struct nl_ring *ring, unsigned int most)
{
	unsigned int span = nl_ring_slot(ring, 0)->span;
	unsigned int i;

	span = min(span, most);
	for (i = 0; i < span; i++)
		nl_ring_slot(ring, i)->passed_over = true;
	nl_ring_advance(ring, span);
	return span;
}

/* Each look gets further, so that a ring of kept frames costs nobody much. */
static void nl_ring_pass_kept(struct nl_ring *ring)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int looks = min(NL_RING_LOOKS, nr);

	while (nl_ring_status(nl_ring_at(ring, 0)) == NL_MMAP_STATUS_SKIP &&
	       looks)
		looks -= min(looks, nl_ring_pass_over(ring, nr));
}

/*
 * May @span free frames be used again, of which the last, @offset from the
 * head, was passed over? 0, -EAGAIN when what comes behind is not read, -ENOSPC
 * when it is too far away; and when all behind was passed over: then the reader
 * may be looking at any of these frames, and must not find the middle of a
 * message there.
 */
static int nl_ring_look_behind(struct nl_ring *ring, unsigned int offset,
			       unsigned int span)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	bool known = offset <= ring->passed;
	unsigned int looks = NL_RING_LOOKS;
	unsigned int status;

	if (known)
		offset = ring->passed;
	for (; offset < nr && nl_ring_slot(ring, offset)->passed_over; offset++)
		if (!looks--)
			break;
	if (known)
		ring->passed = offset;

	if (offset == nr)
		return span == 1 ? 0 : -ENOSPC;
	if (nl_ring_slot(ring, offset)->passed_over)
		return -ENOSPC;
	status = nl_ring_status(nl_ring_at(ring, offset));
	return status == NL_MMAP_STATUS_UNUSED ||
	       status == NL_MMAP_STATUS_SKIP ? 0 : -EAGAIN;
}

/*
 * Looks for @span free frames next to each other. Returns how far they are
 * from the head; -EAGAIN when frames that are not read are in the way, -ENOSPC
 * when only kept ones are.
 */
static int nl_ring_find(struct nl_ring *ring, unsigned int span)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int looks = NL_RING_LOOKS + span;
	unsigned int offset = 0, run = 0;
	unsigned int index, status;
	int err;

	nl_ring_pass_kept(ring);
	while (run < span) {
		if (offset >= nr || !looks--)
			return -ENOSPC;
		index = nl_ring_index(ring, offset);
		status = nl_ring_status(nl_ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_UNUSED) {
			if (run && index % ring->run_length == 0)
				run = 0;
			run++;
			offset++;
		} else if (status == NL_MMAP_STATUS_SKIP) {
			run = 0;
			offset += ring->slots[index].span;
		} else {
			return -EAGAIN;
		}
	}

	if (nl_ring_slot(ring, offset - 1)->passed_over) {
		err = nl_ring_look_behind(ring, offset - 1, span);
		if (err)
			return err;
	}
	return offset - span;
}

static void nl_ring_claim_frames(struct nl_ring *ring, unsigned int span,
				 unsigned int len)
{
	unsigned int i;

	for (i = 0; i < span; i++)
		*nl_ring_slot(ring, i) = (struct nl_ring_slot){ .span = 1 };
	nl_ring_slot(ring, 0)->span = span;
	nl_ring_slot(ring, 0)->len = len;
	nl_ring_advance(ring, span);
}

/*
 * The @offset frames at the head are not used. Of kept ones the reader knows;
 * it has to be told of free ones.
 */
static void nl_ring_put_filler(struct nl_ring *ring, unsigned int offset)
{
	struct nl_mmap_hdr *hdr;

	while (offset) {
		hdr = nl_ring_at(ring, 0);
		if (nl_ring_status(hdr) != NL_MMAP_STATUS_UNUSED) {
			offset -= nl_ring_pass_over(ring, offset);
			continue;
		}
		*nl_ring_slot(ring, 0) = (struct nl_ring_slot){
			.span = 1,
			.filler = true,
		};
		nl_ring_advance(ring, 1);
		hdr->nm_len = 0;
		nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
		offset--;
	}
}

/* The usual case: the next frame is free, and nobody keeps one. */
static bool nl_ring_head_is_free(const struct nl_ring *ring)
{
	return nl_ring_status(nl_ring_at(ring, 0)) == NL_MMAP_STATUS_UNUSED &&
	       !nl_ring_slot(ring, 0)->passed_over;
}

/* Claims frames for a message of @len bytes. 0, or as nl_ring_find() says. */
static int nl_ring_get_frames(struct nl_ring *ring, unsigned int span,
			      unsigned int len, struct nl_ring_claim *claim)
{
	int offset;

	if (span != 1 || !nl_ring_head_is_free(ring)) {
		offset = nl_ring_find(ring, span);
		if (offset < 0)
			return offset;
		nl_ring_put_filler(ring, offset);
	}
	claim->ring = ring;
	claim->index = ring->head;
	claim->span = span;
	claim->len = len;
	nl_ring_set_status(nl_ring_at(ring, 0), NL_MMAP_STATUS_RESERVED);
	/*
	 * The message will be written over the status of the frames behind.
	 * Pairs with the acquire of a reader that passes over kept frames: when
	 * it takes what it sees there for a frame in use, it sees on its second
	 * look that this one is.
	 */
	smp_wmb();
	nl_ring_claim_frames(ring, span, len);
	return 0;
}

/* Takes the last claim back. */
static void nl_ring_put_frames(const struct nl_ring_claim *claim)
{
	struct nl_ring *ring = claim->ring;
	unsigned int i = claim->span;

	ring->head = claim->index;
	ring->passed = 0;
	ring->unread -= min(ring->unread, claim->span);
	while (i--)
		nl_ring_set_status(nl_ring_at(ring, i), NL_MMAP_STATUS_UNUSED);
}

/* frames that a message of @len bytes takes; 0: it comes by COPY */
static unsigned int nl_ring_span(const struct nl_ring *ring, unsigned int len)
{
	if (len <= ring->capacity)
		return 1;
	if (len > ring->longest)
		return 0;
	return DIV_ROUND_UP(len + NL_MMAP_HDRLEN, ring->req.nm_frame_size);
}

static struct nl_mmap_hdr *nl_ring_claimed(const struct nl_ring_claim *claim)
{
	return nl_ring_frame(claim->ring, claim->index);
}

static void nl_ring_count_claim(const struct nl_ring_claim *claim)
{
	struct nl_ring *ring = claim->ring;

	nl_ring_count(ring, &ring->counters.by_ring, claim->len);
	ring->counters.spans += claim->span > 1;
}

/* Everything in a frame header but status and length, as SCM_CREDENTIALS. */
static void nl_ring_describe(struct nl_ring_sock *rs, struct nl_mmap_hdr *hdr,
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
	if (nl_ring_get_frames(rs->rx, 1, skb->len, &claim))
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
	struct nl_ring *ring = rs->rx;
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
 * Wake-ups
 */

/* messages, or bytes, that have to wait before the reader is woken */
static u32 nl_ring_threshold(const struct nl_ring_sock *rs,
			     const struct nl_ring *ring)
{
	u32 threshold;

	if (ring->control)
		threshold = READ_ONCE(ring->control->nmc_wakeup);
	else
		threshold = READ_ONCE(rs->sk->sk_rcvlowat);
	return threshold ?: 1;
}

/* what a message counts for it */
static u32 nl_ring_weight(const struct nl_ring *ring, unsigned int len)
{
	return ring->control ? 1 : max(len, 1U);
}

/* A message was published. Is it the one to wake the reader for? */
static bool nl_ring_enough(const struct nl_ring_sock *rs, struct nl_ring *ring,
			   unsigned int len)
{
	u32 pending;

	if (!ring->control && READ_ONCE(rs->sk->sk_rcvlowat) <= 1)
		return true;

	/* a full fence: published before the threshold is read */
	pending = atomic_add_return(nl_ring_weight(ring, len), &ring->pending);
	if (pending < nl_ring_threshold(rs, ring))
		return false;
	atomic_set(&ring->pending, 0);
	return true;
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
	if (rs->rx && !rs->filling && !nl_ring_leave_to_process(skb) &&
	    !nl_ring_place(rs, skb, false, claim)) {
		__skb_unlink(skb, queue);
		*more = !skb_queue_empty(queue);
		nl_ring_count_claim(claim);
		kref_get(&claim->ring->ref);
		goto out;
	}
	*tell = !rs->told;
	WRITE_ONCE(rs->told, !!rs->rx);
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

/* Is there anybody to be woken? Counts him. */
static bool nl_ring_has_sleeper(struct nl_ring_sock *rs)
{
	bool sleeps;

	rcu_read_lock();
	sleeps = skwq_has_sleeper(rcu_dereference(rs->sk->sk_wq));
	rcu_read_unlock();
	if (sleeps) {
		atomic64_inc(&rs->wakeups);
		trace_netlink_ring_wakeup(rs->sk);
	}
	/* or to be sent a signal */
	return sleeps || sock_flag(rs->sk, SOCK_FASYNC);
}

/* Publishes a message. Returns whether to wake the reader for it. */
static bool nl_ring_hand_over(struct nl_ring_sock *rs,
			      const struct nl_ring_claim *claim,
			      struct sk_buff *skb)
{
	bool wake;

	nl_ring_publish(rs, claim, skb);
	wake = nl_ring_enough(rs, claim->ring, claim->len);
	nl_ring_put_atomic(claim->ring);
	return wake;
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

	while (more) {
		skb = nl_ring_take_next(rs, &claim, first, &more, &tell);
		if (!skb)
			break;
		wake |= nl_ring_hand_over(rs, &claim, skb);
		first = false;
	}

	wake |= tell;
	if (wake && READ_ONCE(rs->rx))
		return nl_ring_has_sleeper(rs);
	return wake;
}

/* Frames for a message that is not queued; false when it has to be. */
static bool nl_ring_take(struct nl_ring_sock *rs, const struct sk_buff *skb,
			 struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int span;
	unsigned long flags;
	bool taken = false;

	spin_lock_irqsave(&queue->lock, flags);
	if (rs->rx && !rs->filling && skb_queue_empty(queue)) {
		span = nl_ring_span(rs->rx, skb->len);
		taken = span && !rs->copy &&
			!nl_ring_get_frames(rs->rx, span, skb->len, claim);
	}
	if (taken) {
		nl_ring_count_claim(claim);
		kref_get(&claim->ring->ref);
	}
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

	if (nl_ring_leave_to_process(skb) || !nl_ring_take(rs, skb, &claim)) {
		skb_queue_tail(&rs->sk->sk_receive_queue, skb);
		return nl_ring_deliver(rs);
	}
	return nl_ring_hand_over(rs, &claim, skb) && nl_ring_has_sleeper(rs);
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
}

/* Frames for the next message, for nl_ring_fill(), or the end of it. */
static bool nl_ring_fill_next(struct nl_ring_sock *rs,
			      struct nl_ring_claim *claim)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int looks = rs->rx->req.nm_frame_nr / NL_RING_LOOKS * 2 + 2;
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
	rs->rx->counters.spilled++;
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
static bool nl_ring_has_senders(const struct nl_ring_sock *rs)
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
static void nl_ring_fill(struct nl_ring_sock *rs, struct socket *sock)
{
	struct nl_ring_claim claim;
	struct nl_mmap_hdr *hdr;
	struct kvec vec;
	int len;

	while (nl_ring_has_queued(rs) && nl_ring_fill_next(rs, &claim)) {
		hdr = nl_ring_claimed(&claim);
		vec.iov_base = nl_ring_payload(hdr);
		vec.iov_len = claim.len;
		len = nl_ring_recv_kernel(rs, sock, vec, rs->rx->longest, 0);
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

/*
 * Frames that the reader is done with are not looked at again before they are
 * used. Under the lock of the queue; returns whether there are more to look at.
 */
static bool nl_ring_forget_read(struct nl_ring *ring)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int looks, index, status, frames;

	for (looks = NL_RING_LOOKS; looks && ring->unread; looks--) {
		index = nl_ring_index(ring, nr - ring->unread);
		status = nl_ring_status(nl_ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_UNUSED)
			frames = 1;
		else if (status == NL_MMAP_STATUS_SKIP)
			frames = ring->slots[index].span;
		else
			return false;
		ring->unread -= min(ring->unread, frames);
	}
	return ring->unread;
}

/*
 * What is ready for the reader, up to @threshold. @blocked: what comes first
 * is still being filled, and who does it wakes the reader. Under the lock of
 * the queue.
 */
static u32 nl_ring_ready(const struct nl_ring *ring, u32 threshold,
			 bool *blocked)
{
	unsigned int left = ring->unread, looks = NL_RING_LOOKS;
	unsigned int index, status;
	u64 ready = 0;

	*blocked = false;
	while (left && ready < threshold) {
		if (!looks--)
			return threshold;
		index = nl_ring_index(ring, ring->req.nm_frame_nr - left);
		status = nl_ring_status(nl_ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_COPY)
			return threshold;
		if (status == NL_MMAP_STATUS_RESERVED && !ready)
			*blocked = true;
		if (status == NL_MMAP_STATUS_VALID &&
		    !ring->slots[index].filler)
			ready += nl_ring_weight(ring, ring->slots[index].len);
		left -= status == NL_MMAP_STATUS_UNUSED ? 1 :
			min(left, (unsigned int)ring->slots[index].span);
	}
	return min_t(u64, ready, threshold);
}

/*
 * Is there enough for the reader to go on? What is not counts for the message
 * that will wake it. @rx_mutex held.
 */
static bool nl_ring_readable(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring = rs->rx;
	bool blocked, readable, again;
	u32 threshold, ready;

	/* before the frames are looked at: who publishes later counts */
	atomic_xchg(&ring->pending, 0);
	threshold = nl_ring_threshold(rs, ring);
	do {
		spin_lock_irq(&queue->lock);
		again = nl_ring_forget_read(ring);
		ready = nl_ring_ready(ring, threshold, &blocked);
		/* what did not fit waits behind those that did */
		readable = !blocked && (ready >= threshold ||
					(ready && !skb_queue_empty(queue)));
		spin_unlock_irq(&queue->lock);
	} while (again);

	if (!readable)
		atomic_add(min(ready, threshold - 1), &ring->pending);
	return readable;
}

/* poll() of the RX ring. Returns whether EPOLLIN is told, @mask if no ring. */
static __poll_t nl_ring_poll_rx(struct nl_ring_sock *rs, struct socket *sock,
				__poll_t mask)
{
	if (!READ_ONCE(rs->rx) || mutex_lock_killable(&rs->rx_mutex))
		return mask;
	if (rs->rx) {
		nl_ring_fill(rs, sock);
		mask &= ~(EPOLLIN | EPOLLRDNORM);
		if (nl_ring_readable(rs))
			mask |= EPOLLIN | EPOLLRDNORM;
	}
	mutex_unlock(&rs->rx_mutex);
	if (READ_ONCE(rs->sk->sk_err))
		mask |= EPOLLERR;
	return mask;
}

/**
 * nl_ring_poll - poll() of a socket with rings
 * @rs: rings of the socket
 * @file: the socket's file
 * @sock: the socket
 * @wait: poll table
 *
 * Fills the RX ring first, so that one poll() after the last frame brings all
 * that waits in the queue and all of a dump that fits.
 *
 * Return: EPOLLIN exactly when frames are ready for the reader, as many as it
 * wants to be woken for or a full ring, EPOLLOUT when the next TX frame is
 * free; without that ring, what a plain socket returns.
 */
__poll_t nl_ring_poll(struct nl_ring_sock *rs, struct file *file,
		      struct socket *sock, poll_table *wait)
{
	__poll_t mask = rs->ops->poll(file, sock, wait);

	mask = nl_ring_poll_rx(rs, sock, mask);
	return nl_ring_poll_tx(rs, mask);
}

/* One attempt. What else waits moves to frames. @rx_mutex held. */
static int nl_ring_recvmsg_once(struct nl_ring_sock *rs, struct socket *sock,
				struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	int err;

	spin_lock_irq(&queue->lock);
	rs->filling = true;
	spin_unlock_irq(&queue->lock);

	err = rs->ops->recvmsg(sock, msg, len, flags | MSG_DONTWAIT);

	spin_lock_irq(&queue->lock);
	/* the announced message is gone, even if user memory was bad */
	if (!(flags & MSG_PEEK) && (err >= 0 || err == -EFAULT))
		rs->copy = false;
	if (rs->rx && !(flags & MSG_PEEK) && err >= 0)
		nl_ring_count(rs->rx, &rs->rx->counters.by_copy, err);
	rs->filling = false;
	spin_unlock_irq(&queue->lock);

	if (rs->rx)
		nl_ring_fill(rs, sock);
	return err;
}

/**
 * nl_ring_recvmsg - recvmsg() of a socket with rings
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see recvmsg(2)
 * @len: bytes of room in @msg
 * @flags: MSG_* of the call
 *
 * Takes messages from the receive queue, never from frames: those that COPY
 * frames announce.
 *
 * Return: as the socket's own recvmsg.
 */
int nl_ring_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	long timeo = sock_rcvtimeo(rs->sk, flags & MSG_DONTWAIT);
	int err, error;

	if (!READ_ONCE(rs->rx))
		return rs->ops->recvmsg(sock, msg, len, flags);

	for (;;) {
		if (mutex_lock_interruptible(&rs->rx_mutex))
			return sock_intr_errno(timeo);
		err = nl_ring_recvmsg_once(rs, sock, msg, len, flags);
		mutex_unlock(&rs->rx_mutex);

		if (err != -EAGAIN || !timeo)
			return err;
		if (__skb_wait_for_more_packets(rs->sk, queue, &error, &timeo,
						(struct sk_buff *)queue))
			return error;
	}
}
