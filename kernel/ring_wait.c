// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: waiting, poll, recvmsg.
 *
 * Sleeping readers: a frame is published, then comes a full fence, then the
 * look at the reader's threshold and at the wait queue. The reader writes the
 * threshold, then a full fence, then looks at its frame once more; poll() puts
 * it on the wait queue, then a full fence, then looks at the frames. One of
 * the two sees the other.
 *
 * tests/model proves both, and the rules for kept frames, for small rings.
 */
#include <linux/poll.h>
#include <linux/skbuff.h>

#include "ring_core.h"
#include "ring_trace.h"

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
bool nl_ring_enough(const struct nl_ring_sock *rs, struct nl_ring *ring,
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

/* Is there anybody to be woken? Counts him. */
bool nl_ring_has_sleeper(struct nl_ring_sock *rs)
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

/*
 * Frames that the reader is done with are not looked at again before they are
 * used. Under the lock of the queue; returns whether there are more to look at.
 */
bool nl_ring_forget_read(struct nl_ring *ring)
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
	struct nl_ring *ring = nl_ring_rx(rs);
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
	if (!rcu_access_pointer(rs->rx) || mutex_lock_killable(&rs->rx_mutex))
		return mask;
	if (nl_ring_rx(rs)) {
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
	__poll_t mask;

	if (nl_shadow_is_set(rs))
		nl_shadow_poll(rs, sock);
	mask = rs->ops->poll(file, sock, wait);
	if (!nl_shadow_is_set(rs))
		mask = nl_ring_poll_rx(rs, sock, mask);
	return nl_ring_poll_tx(rs, mask);
}

/* One attempt. What else waits moves to frames. @rx_mutex held. */
static int nl_ring_recvmsg_once(struct nl_ring_sock *rs, struct socket *sock,
				struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring = nl_ring_rx(rs);
	int err;

	spin_lock_irq(&queue->lock);
	rs->filling = true;
	spin_unlock_irq(&queue->lock);

	err = rs->ops->recvmsg(sock, msg, len, flags | MSG_DONTWAIT);

	spin_lock_irq(&queue->lock);
	/* the announced message is gone, even if user memory was bad */
	if (!(flags & MSG_PEEK) && (err >= 0 || err == -EFAULT))
		rs->copy = false;
	if (ring && !(flags & MSG_PEEK) && err >= 0)
		nl_ring_count(ring, &ring->counters.by_copy, err);
	rs->filling = false;
	spin_unlock_irq(&queue->lock);

	if (ring)
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

	if (!rcu_access_pointer(rs->rx) || nl_shadow_is_set(rs))
		return nl_shadow_recvmsg(rs, sock, msg, len, flags);

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
