// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shadow rings of memory mapped netlink: frames that are a cache of the receive
 * queue.
 *
 * A message stays in the receive queue, charged as always. A copy of it is put
 * into the next frame. The reader takes a message by changing nm_status of its
 * frame from VALID to UNUSED, and the next call or delivery drops it from the
 * queue. Everybody else takes messages from the queue, with the original recvmsg.
 *
 *   receive queue      frames
 *   head  message      UNUSED 5    @oldest  taken from its frame: to be dropped
 *         message      VALID 6
 *         message      VALID 7
 *         message                  @next 8  has no frame (yet)
 *
 * The kernel remembers two positions, and no skb: the first @next - @oldest
 * messages of the queue have frames, in this order. Messages leave the queue in
 * two ways only:
 *
 * - nl_shadow_drop() moves @oldest under the lock of the queue;
 * - the original recvmsg takes a message somewhere between nl_shadow_enter() and
 *   nl_shadow_leave(), which moves @oldest. While @inside calls are there, the
 *   first @inside frames are RESERVED: no reader takes a message that one of
 *   these calls may take or has taken. Readers take messages in order, so the
 *   first frame stops them. Meanwhile nothing is dropped and no frame is filled.
 *
 * So whenever @inside is 0 the positions are exact, and whenever it is not,
 * nobody uses them but for frames that cannot be taken.
 *
 * Dumps. The next part of a dump is made by recvmsg when it took a message; it
 * has to be made after the same message as on a plain socket. So while the host says
 * that a dump may be running (@dump), one frame more is RESERVED, as for a call
 * that never ends, and messages go through recvmsg.
 *
 * The only word of shared memory that the kernel looks at is nm_status of the
 * frame of the oldest message. A reader that writes something else there loses
 * or doubles its own messages, no more.
 *
 * tests/model/shadow.pml proves it for small rings.
 */
#include <linux/sizes.h>
#include <linux/skbuff.h>

#include "ring_core.h"

/* under the lock of the queue, at once: frames looked at or messages walked */
#define NL_SHADOW_LOOKS		128U
/* the same: messages copied, and their bytes */
#define NL_SHADOW_BATCH		16U
#define NL_SHADOW_BYTES		SZ_64K

/* messages that were dropped, to be freed without the lock */
struct nl_shadow_done {
	struct sk_buff_head	skbs;
	unsigned int		charge;
};

/* The ring of a socket, if it is a shadow. */
static struct nl_ring *nl_shadow_ring(const struct nl_ring_sock *rs)
{
	lockdep_assert_held(&rs->sk->sk_receive_queue.lock);
	return rs->shadow.set ? nl_ring_rx_set(rs) : NULL;
}

static void nl_shadow_free(struct nl_shadow_done *done)
{
	struct sk_buff *skb;

	while ((skb = __skb_dequeue(&done->skbs)))
		consume_skb(skb);
}

/*
 * Frames
 */

static u32 nl_shadow_word(unsigned int status, u32 position)
{
	return status | position << NL_MMAP_POSITION_SHIFT;
}

/* messages that have frames */
static unsigned int nl_shadow_frames(const struct nl_shadow *sh)
{
	return sh->next - sh->oldest;
}

/* messages at the head of the queue that readers must not take */
static unsigned int nl_shadow_reserved(const struct nl_shadow *sh)
{
	return sh->inside + sh->dump;
}

/* the frame of the message that is @offset messages behind the oldest */
static struct nl_mmap_hdr *nl_shadow_frame(const struct nl_shadow *sh,
					   const struct nl_ring *ring,
					   unsigned int offset)
{
	return nl_ring_at(ring, ring->req.nm_frame_nr - nl_shadow_frames(sh) +
				offset);
}

static bool nl_shadow_exchange(const struct nl_shadow *sh,
			       const struct nl_ring *ring, unsigned int offset,
			       unsigned int old, unsigned int new)
{
	struct nl_mmap_hdr *hdr = nl_shadow_frame(sh, ring, offset);
	u32 position = sh->oldest + offset;
	u32 status;

	status = cmpxchg(&hdr->nm_status, nl_shadow_word(old, position),
			 nl_shadow_word(new, position));
	return status != nl_shadow_word(NL_MMAP_STATUS_UNUSED, position);
}

/*
 * One call more may take a message: its frame is not for readers. False when a
 * reader just took it.
 */
static bool nl_shadow_reserve(const struct nl_shadow *sh,
			      const struct nl_ring *ring)
{
	unsigned int offset = nl_shadow_reserved(sh);

	if (!ring || offset >= nl_shadow_frames(sh))
		return true;
	/* behind the first, only a reader that breaks the rules was there */
	return nl_shadow_exchange(sh, ring, offset, NL_MMAP_STATUS_VALID,
				  NL_MMAP_STATUS_RESERVED) || offset;
}

/* One call less: the frame is for readers again. */
static void nl_shadow_put_back(const struct nl_shadow *sh,
			       const struct nl_ring *ring)
{
	unsigned int offset = nl_shadow_reserved(sh);

	if (ring && offset < nl_shadow_frames(sh))
		nl_shadow_exchange(sh, ring, offset, NL_MMAP_STATUS_RESERVED,
				   NL_MMAP_STATUS_VALID);
}

/*
 * The oldest message left the queue. Readers see @nmc_consumed before the frame
 * is used again: see the release store in nl_shadow_put().
 */
static void nl_shadow_consume(struct nl_shadow *sh, struct nl_ring *ring)
{
	sh->oldest++;
	WRITE_ONCE(ring->control->nmc_consumed, sh->oldest);
}

/*
 * Drops messages that were taken from their frames. Returns whether there may
 * be more of them.
 */
static bool nl_shadow_drop(struct nl_ring_sock *rs, struct nl_ring *ring,
			   struct nl_shadow_done *done)
{
	struct nl_shadow *sh = &rs->shadow;
	unsigned int looks = NL_SHADOW_LOOKS;
	struct sk_buff *skb;

	while (!nl_shadow_reserved(sh) && nl_shadow_frames(sh) &&
	       nl_ring_status(nl_shadow_frame(sh, ring, 0)) ==
	       nl_shadow_word(NL_MMAP_STATUS_UNUSED, sh->oldest)) {
		if (!looks--)
			return true;
		nl_shadow_consume(sh, ring);
		skb = __skb_dequeue(&rs->sk->sk_receive_queue);
		if (!skb)
			continue;
		nl_ring_count(ring, &ring->counters.by_ring, skb->len);
		done->charge += skb->truesize;
		__skb_queue_tail(&done->skbs, skb);
		sh->look = true;
	}
	return false;
}

/*
 * Filling
 */

/* Can the message be read from a frame as recvmsg() would return it? */
static bool nl_shadow_fits(const struct nl_ring *ring,
			   const struct sk_buff *skb)
{
	/* a second form of the message, for 32-bit programs */
	if (skb_has_frag_list(skb))
		return false;
	if (NETLINK_CB(skb).nsid_is_set && !(ring->flags & NL_MMAP_F_SENDER))
		return false;
	return skb->len <= min_t(unsigned int, ring->capacity, NL_SHADOW_BYTES);
}

/*
 * The first message that has no frame, if there is a frame for it and it is not
 * far away. When several wait, half of the ring has to be free: the walk is for
 * many of them.
 */
static struct sk_buff *nl_shadow_waiting(const struct nl_ring_sock *rs,
					 const struct nl_ring *ring)
{
	const struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int frames = nl_shadow_frames(&rs->shadow);
	unsigned int behind = skb_queue_len(queue) - frames;
	struct sk_buff *skb;

	if (skb_queue_len(queue) <= frames ||
	    frames >= ring->req.nm_frame_nr ||
	    (behind > 1 && frames > ring->req.nm_frame_nr / 2) ||
	    min(frames, behind) > NL_SHADOW_LOOKS)
		return NULL;
	/* the frame of a position is found by its remainder: begin at frame 0 */
	if (!rs->shadow.next && frames)
		return NULL;

	if (frames < behind) {
		skb = skb_peek(queue);
		while (frames--)
			skb = skb->next;
	} else {
		skb = skb_peek_tail(queue);
		while (--behind)
			skb = skb->prev;
	}
	return skb;
}

static void nl_shadow_put(struct nl_ring_sock *rs, struct nl_ring *ring,
			  const struct sk_buff *skb)
{
	struct nl_mmap_hdr *hdr = nl_ring_at(ring, 0);
	struct nl_shadow *sh = &rs->shadow;

	nl_ring_write(rs, ring, hdr, skb);
	nl_ring_set_status(hdr, nl_shadow_word(NL_MMAP_STATUS_VALID, sh->next));
	sh->next++;
	ring->head = sh->next ? nl_ring_index(ring, 1) : 0;
}

/* Puts messages into frames. What does not fit keeps back all behind it. */
static void nl_shadow_fill(struct nl_ring_sock *rs, struct nl_ring *ring)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int left = NL_SHADOW_BATCH, bytes = 0;
	struct nl_shadow *sh = &rs->shadow;
	struct sk_buff *skb;

	if (nl_shadow_reserved(sh) || sh->stuck || !atomic_read(&rs->mapped))
		return;

	skb = nl_shadow_waiting(rs, ring);
	while (skb && left--) {
		sh->largest = max(sh->largest, skb->truesize);
		sh->stuck = !nl_shadow_fits(ring, skb);
		bytes += skb->len;
		if (sh->stuck || bytes > NL_SHADOW_BYTES)
			break;
		nl_shadow_put(rs, ring, skb);
		if (nl_shadow_frames(sh) >= ring->req.nm_frame_nr || !sh->next)
			break;
		skb = skb_peek_next(skb, queue);
	}
}

/*
 * Is the reader to call poll() after it took messages? When the next message
 * might be lost for the charge of those, or netlink refuses messages until it
 * finds the queue empty.
 */
static void nl_shadow_press(struct nl_ring_sock *rs, struct nl_ring *ring,
			    const struct nl_shadow_done *done)
{
	struct nl_shadow *sh = &rs->shadow;
	struct sock *sk = rs->sk;
	unsigned int charge, most;
	bool pressure;

	charge = atomic_read(&sk->sk_rmem_alloc) - done->charge;
	most = READ_ONCE(sk->sk_rcvbuf);
	pressure = rs->refused || charge + max(sh->largest, most / 2) > most;
	if (pressure != sh->pressure)
		WRITE_ONCE(ring->control->nmc_pressure, pressure);
	sh->pressure = pressure;
}

/*
 * While a dump may be running one frame more is RESERVED. A reader may be faster:
 * then its message is dropped, and the next one is tried.
 */
static void nl_shadow_follow_dump(struct nl_ring_sock *rs, struct nl_ring *ring,
				  struct nl_shadow_done *done)
{
	const bool runs = nl_host_dump_runs(rs);
	unsigned int looks = NL_SHADOW_LOOKS;
	struct nl_shadow *sh = &rs->shadow;

	if (sh->dump && !runs) {
		sh->dump = false;
		nl_shadow_put_back(sh, ring);
	}
	while (runs && !sh->dump && looks--) {
		sh->dump = nl_shadow_reserve(sh, ring);
		if (!sh->dump)
			nl_shadow_drop(rs, ring, done);
	}
}

/*
 * Brings frames and queue together, in steps. Returns whether there may be more to
 * be dropped.
 */
static bool nl_shadow_update(struct nl_ring_sock *rs, struct nl_ring *ring,
			     struct nl_shadow_done *done)
{
	bool more;

	nl_shadow_follow_dump(rs, ring, done);
	more = nl_shadow_drop(rs, ring, done);
	nl_shadow_fill(rs, ring);
	nl_shadow_press(rs, ring, done);
	return more;
}

/*
 * Calls
 */

/* The caller goes into the original recvmsg; taken messages were dropped. */
static void nl_shadow_enter(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow_done done = {};
	struct nl_shadow *sh = &rs->shadow;
	struct nl_ring *ring;
	bool again;

	__skb_queue_head_init(&done.skbs);
	do {
		spin_lock_irq(&queue->lock);
		ring = nl_shadow_ring(rs);
		again = (ring && nl_shadow_drop(rs, ring, &done)) ||
			!nl_shadow_reserve(sh, ring);
		if (!again)
			sh->inside++;
		spin_unlock_irq(&queue->lock);
		nl_shadow_free(&done);
	} while (again);
}

/* The caller is back, @took a message. */
static void nl_shadow_leave(struct nl_ring_sock *rs, bool took, unsigned int len)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow_done done = {};
	struct nl_shadow *sh = &rs->shadow;
	struct nl_ring *ring;

	__skb_queue_head_init(&done.skbs);
	spin_lock_irq(&queue->lock);
	ring = nl_shadow_ring(rs);
	sh->inside--;
	if (!took) {
		nl_shadow_put_back(sh, ring);
	} else if (ring && nl_shadow_frames(sh)) {
		nl_ring_set_status(nl_shadow_frame(sh, ring, 0),
				   nl_shadow_word(NL_MMAP_STATUS_UNUSED,
						  sh->oldest));
		nl_shadow_consume(sh, ring);
	} else {
		sh->stuck = false;
	}
	if (ring)
		nl_shadow_update(rs, ring, &done);
	ring = nl_ring_rx(rs);
	if (ring && took)
		nl_ring_count(ring, &ring->counters.by_copy, len);
	spin_unlock_irq(&queue->lock);
	nl_shadow_free(&done);
}

/**
 * nl_shadow_recvmsg - recvmsg() of a socket with any RX ring, or with none
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see recvmsg(2)
 * @len: bytes of room in @msg
 * @flags: MSG_* of the call
 *
 * Another ring, and that a shadow, may be set meanwhile: so each call is counted.
 *
 * Return: as the socket's own recvmsg.
 */
int nl_shadow_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		      struct msghdr *msg, size_t len, int flags)
{
	struct sockaddr_nl addr;
	void *name = msg->msg_name;
	bool took;
	int err;

	nl_shadow_enter(rs);

	/* netlink reports a sender when it found a message, also if it fails */
	if (!name)
		msg->msg_name = &addr;
	msg->msg_namelen = 0;
	err = nl_host_recvmsg(rs, sock, msg, len, flags);
	took = msg->msg_namelen && !(flags & MSG_PEEK);
	if (!name) {
		msg->msg_name = NULL;
		msg->msg_namelen = 0;
	}

	nl_shadow_leave(rs, took, max(err, 0));
	return err;
}

/*
 * Drops what was taken, until nothing is left of it. Returns whether netlink
 * has to look at the queue.
 */
static bool nl_shadow_clean(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow *sh = &rs->shadow;
	struct nl_shadow_done done;
	struct nl_ring *ring;
	bool again, look;

	do {
		done.charge = 0;
		__skb_queue_head_init(&done.skbs);
		spin_lock_irq(&queue->lock);
		ring = nl_shadow_ring(rs);
		again = ring && nl_shadow_update(rs, ring, &done);
		look = sh->look || (rs->refused && skb_queue_empty(queue));
		spin_unlock_irq(&queue->lock);
		nl_shadow_free(&done);
	} while (again);
	return look;
}

/**
 * nl_shadow_poll - before poll() of a socket with a shadow ring
 * @rs: rings of the socket
 * @sock: the socket
 *
 * Messages that were taken from frames are dropped, and netlink sees what is
 * left, as after recvmsg(). An error that waits for the program comes first: it
 * has to call recvmsg() for that.
 */
void nl_shadow_poll(struct nl_ring_sock *rs, struct socket *sock)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;

	if (!nl_shadow_clean(rs) || READ_ONCE(rs->sk->sk_err))
		return;
	spin_lock_irq(&queue->lock);
	rs->shadow.look = false;
	spin_unlock_irq(&queue->lock);
	nl_host_admit_senders(rs, sock);
	nl_shadow_clean(rs);
}

/**
 * nl_shadow_sendmsg - sendmsg of a socket with any ring
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see sendmsg(2)
 * @len: bytes of data
 *
 * Before a dump begins, what readers took from frames is charged no more.
 *
 * Return: as the socket's own sendmsg.
 */
int nl_shadow_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		      struct msghdr *msg, size_t len)
{
	int err;

	if (!nl_shadow_is_set(rs))
		return nl_host_sendmsg(rs, sock, msg, len);

	nl_shadow_clean(rs);
	err = nl_host_sendmsg(rs, sock, msg, len);
	nl_shadow_clean(rs);
	return err;
}

/**
 * nl_shadow_deliver - a message was queued at a socket with a shadow ring
 * @rs: rings of the socket
 *
 * Any context. The reader is woken for each message, as without a ring.
 */
void nl_shadow_deliver(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow_done done = {};
	struct nl_ring *ring;
	unsigned long flags;

	__skb_queue_head_init(&done.skbs);
	spin_lock_irqsave(&queue->lock, flags);
	ring = nl_shadow_ring(rs);
	if (ring)
		nl_shadow_update(rs, ring, &done);
	spin_unlock_irqrestore(&queue->lock, flags);
	nl_shadow_free(&done);
}

/**
 * nl_shadow_overrun - the socket lost a message, or has another error to report
 * @rs: rings of the socket
 *
 * Any context, after the error was set.
 */
void nl_shadow_overrun(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow_done done = {};
	struct nl_shadow *sh = &rs->shadow;
	struct nl_ring *ring;
	unsigned long flags;

	__skb_queue_head_init(&done.skbs);
	spin_lock_irqsave(&queue->lock, flags);
	ring = nl_shadow_ring(rs);
	sh->errors++;
	if (ring) {
		/* who sees it finds the error: pairs with the reader's acquire */
		smp_store_release(&ring->control->nmc_overruns, sh->errors);
		nl_shadow_update(rs, ring, &done);
	}
	spin_unlock_irqrestore(&queue->lock, flags);
	nl_shadow_free(&done);
}

/*
 * Set-up
 */

/**
 * nl_shadow_check - may this ring be a shadow?
 * @req: geometry, which is good
 *
 * The position in a frame's status is unique in twice as many frames.
 */
bool nl_shadow_check(const struct nl_mmap_req2 *req)
{
	return req->nm_flags & NL_MMAP_F_CONTROL &&
	       !(req->nm_flags & NL_MMAP_F_SPAN) &&
	       req->req.nm_frame_nr < 1U << (31 - NL_MMAP_POSITION_SHIFT);
}

/**
 * nl_shadow_start - an RX ring, perhaps a shadow, was set, or removed
 * @rs: rings of the socket
 *
 * What is queued may be part of a dump. Under the lock of the receive queue.
 */
void nl_shadow_start(struct nl_ring_sock *rs)
{
	struct nl_ring *ring = nl_ring_rx_set(rs);
	struct nl_shadow *sh = &rs->shadow;

	lockdep_assert_held(&rs->sk->sk_receive_queue.lock);
	WRITE_ONCE(sh->set, ring && ring->flags & NL_MMAP_F_SHADOW);
	if (!sh->set)
		return;
	sh->next = ring->req.nm_frame_nr;
	sh->oldest = sh->next;
	sh->errors = 0;
	sh->stuck = false;
	sh->pressure = false;
	sh->dump = nl_host_dump_runs(rs);
	ring->control->nmc_consumed = sh->oldest;
}

/**
 * nl_shadow_map - the ring was mapped, or is not mapped any more
 * @rs: rings of the socket
 *
 * Without readers, messages are in the queue only. Process context.
 */
void nl_shadow_map(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_shadow *sh = &rs->shadow;
	struct nl_ring *ring;

	if (!nl_shadow_is_set(rs))
		return;
	nl_shadow_clean(rs);
	/* the lock: who maps the ring meanwhile looks at it after this */
	spin_lock_irq(&queue->lock);
	ring = nl_shadow_ring(rs);
	if (ring && !atomic_read(&rs->mapped)) {
		sh->oldest = sh->next;
		sh->stuck = false;
		WRITE_ONCE(ring->control->nmc_consumed, sh->oldest);
	}
	spin_unlock_irq(&queue->lock);
}

/**
 * nl_shadow_in_use - frames whose messages are queued
 * @rs: rings of the socket
 */
unsigned int nl_shadow_in_use(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int frames;

	spin_lock_irq(&queue->lock);
	frames = nl_shadow_frames(&rs->shadow);
	spin_unlock_irq(&queue->lock);
	return frames;
}
