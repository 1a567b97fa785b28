// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: waiting, poll, recvmsg.
 *
 * Sleeping readers: a frame is published, then comes a full fence, then the
 * look at the reader's threshold and at the wait queue. The reader writes the
 * threshold, then a full fence, then looks at its frame once more; poll() puts
 * it on the wait queue, then looks at the frames under the lock under which they
 * are claimed. One of the two sees the other.
 *
 * Thresholds: @pending counts what was published since a reader was woken or
 * looked. poll(), if not enough waits, sets it to 0, counts again what waits, and
 * adds it. So the sum is never less than what waits. Who makes it reach the
 * threshold acts: a delivery wakes all who sleep, poll() as well, and counts again.
 *
 * tests/model proves both, and the rules for kept frames, for small rings.
 */
#include <linux/poll.h>
#include <linux/skbuff.h>

#include "ring_core.h"
#include "ring_trace.h"

/* The most that a reader can wait for: a few of them add up in an int. */
#define NL_RING_MOST	0x10000000U

/* messages, or bytes, that have to wait before the reader is woken */
static u32 nl_ring_threshold(const struct nl_ring_sock *rs,
			     const struct nl_ring *ring)
{
	u32 threshold;

	if (ring->control)
		threshold = READ_ONCE(ring->control->nmc_wakeup);
	else
		threshold = READ_ONCE(rs->sk->sk_rcvlowat);
	return clamp(threshold, 1U, NL_RING_MOST);
}

/**
 * nl_ring_enough - is a message that was published the one to wake for?
 * @rs: rings of the socket
 * @ring: the ring
 * @len: bytes of the message
 *
 * While a dump may be running every message is: its next part waits for the
 * reader to call.
 *
 * Return: whether it is.
 */
bool nl_ring_enough(const struct nl_ring_sock *rs, struct nl_ring *ring,
		    unsigned int len)
{
	u32 threshold;

	/* published before the threshold is read, see the top of the file */
	smp_mb();
	threshold = nl_ring_threshold(rs, ring);
	if (threshold == 1 || nl_host_dump_runs(rs))
		return true;

	if (atomic_add_return(nl_ring_weight(ring, len), &ring->pending) <
	    (s64)threshold)
		return false;
	atomic_set(&ring->pending, 0);
	return true;
}

/* Does somebody wait to be woken? If so, a wake-up is counted. */
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

/**
 * nl_ring_wake - a process wakes all who sleep in poll() or recvmsg()
 * @rs: rings of the socket
 */
void nl_ring_wake(struct nl_ring_sock *rs)
{
	struct socket_wq *wq;

	rcu_read_lock();
	wq = rcu_dereference(rs->sk->sk_wq);
	if (skwq_has_sleeper(wq))
		wake_up_interruptible_all(&wq->wait);
	rcu_read_unlock();
}

/**
 * nl_ring_forget_all - move the tail over all frames that the reader is done with
 * @rs: rings of the socket
 *
 * Process context.
 */
void nl_ring_forget_all(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring;
	bool more;

	do {
		spin_lock_irq(&queue->lock);
		ring = nl_ring_rx_set(rs);
		more = ring && nl_ring_forget_read(ring);
		spin_unlock_irq(&queue->lock);
		cond_resched();
	} while (more);
}

/*
 * Is the oldest message not published yet? A delivery that does it wakes for it by
 * its count; a process that does it wakes because of @blocked.
 */
static bool nl_ring_is_blocked(struct nl_ring_sock *rs, const struct nl_ring *ring)
{
	const struct nl_mmap_hdr *tail;

	if (!ring->unread)
		return false;
	tail = nl_ring_at(ring, ring->req.nm_frame_nr - ring->unread);
	if (nl_ring_status(tail) != NL_MMAP_STATUS_RESERVED)
		return false;
	WRITE_ONCE(rs->blocked, true);
	/* pairs with nl_ring_unblock(): it sees @blocked, or this sees VALID */
	smp_mb();
	return nl_ring_status(tail) == NL_MMAP_STATUS_RESERVED;
}

/*
 * Is there enough for the reader to go on? @dump: so is the first message of a dump
 * that goes on when the reader has called again. @ready: what waits.
 */
static bool nl_ring_look(struct nl_ring_sock *rs, struct nl_ring *ring,
			 u32 threshold, bool dump, u64 *ready)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	bool blocked, enough;

	spin_lock_irq(&queue->lock);
	nl_ring_forget_read(ring);
	blocked = nl_ring_is_blocked(rs, ring);
	*ready = ring->waiting;
	enough = ring->copies || *ready >= threshold ||
		 (*ready && (!skb_queue_empty(queue) || dump));
	/* only the oldest one is missing: whoever publishes next has to wake */
	if (enough && blocked)
		*ready = threshold;
	spin_unlock_irq(&queue->lock);
	return enough && !blocked;
}

/*
 * What waits, if it is not enough, counts for the message that will wake the reader.
 * Who finds enough leaves @pending alone: others may sleep with what it has.
 */
static bool nl_ring_readable(struct nl_ring_sock *rs, bool dump)
{
	bool readable = true;
	struct nl_ring *ring;
	u32 threshold;
	u64 ready;

	nl_ring_forget_all(rs);
	rcu_read_lock();
	ring = nl_ring_rx(rs);
	if (ring) {
		threshold = nl_ring_threshold(rs, ring);
		readable = nl_ring_look(rs, ring, threshold, dump, &ready);
	}
	while (!readable) {
		/* before the look: who publishes later counts */
		atomic_xchg(&ring->pending, 0);
		threshold = nl_ring_threshold(rs, ring);
		readable = nl_ring_look(rs, ring, threshold, dump, &ready);
		if (atomic_add_return(min_t(u64, ready, threshold - 1),
				      &ring->pending) < (s64)threshold)
			break;
		/* the count was not for this process alone */
		nl_ring_wake(rs);
	}
	rcu_read_unlock();
	return readable;
}

static bool nl_ring_poll_rx(struct nl_ring_sock *rs, struct socket *sock)
{
	bool readable;

	nl_ring_fill(rs);
	readable = nl_ring_readable(rs, false);
	if (!readable && nl_host_dump_runs(rs)) {
		nl_ring_make_parts(rs, sock);
		readable = nl_ring_readable(rs, nl_host_dump_runs(rs));
	}
	nl_host_admit_senders(rs, sock);
	return readable;
}

/**
 * nl_ring_poll - poll() of a socket with rings
 * @rs: rings of the socket
 * @file: the socket's file
 * @sock: the socket
 * @wait: poll table
 *
 * Fills the RX ring first, so that one poll() after the last frame brings all
 * that waits in the queue and all of a dump that fits. It waits for no other
 * process; only if not enough is ready, and a dump runs, for those that hold
 * what netlink locks while it makes the next part.
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
	/* on the wait queue: who unmaps the ring from here on wakes this process */
	nl_ring_settle_first(rs);
	if (nl_ring_has_rx(rs) && !nl_shadow_is_set(rs)) {
		mask &= ~(EPOLLIN | EPOLLRDNORM);
		if (nl_ring_poll_rx(rs, sock))
			mask |= EPOLLIN | EPOLLRDNORM;
	}
	if (READ_ONCE(rs->sk->sk_err))
		mask |= EPOLLERR;
	return nl_ring_poll_tx(rs, mask);
}

/* One attempt. What else waits moves to frames. */
static int nl_ring_recvmsg_once(struct nl_ring_sock *rs, struct socket *sock,
				struct msghdr *msg, size_t len, int flags)
{
	int err = nl_shadow_recvmsg(rs, sock, msg, len, flags | MSG_DONTWAIT);

	if (nl_ring_has_rx(rs) && !nl_shadow_is_set(rs)) {
		nl_ring_fill(rs);
		nl_host_admit_senders(rs, sock);
	}
	return err;
}

/**
 * nl_ring_has_strangers - do calls wait for messages that are not counted?
 * @rs: rings of the socket
 *
 * They began before the socket was attached, sleep in netlink's recvmsg, and take
 * what comes next. Who waits in recvmsg() does so exclusively, behind those who
 * poll.
 */
bool nl_ring_has_strangers(struct nl_ring_sock *rs)
{
	unsigned int counted = min_t(unsigned int, atomic_read(&rs->sleepers),
				     NL_RING_LOOKS);
	struct wait_queue_head *waiters = sk_sleep(rs->sk);
	unsigned int looks = NL_RING_LOOKS, found = 0;
	struct wait_queue_entry *wait;

	spin_lock_irq(&waiters->lock);
	list_for_each_entry_reverse(wait, &waiters->head, entry) {
		if (!(wait->flags & WQ_FLAG_EXCLUSIVE) || !looks--)
			break;
		/* of no task: epoll's, with EPOLLEXCLUSIVE */
		found += !!wait->private;
	}
	spin_unlock_irq(&waiters->lock);
	return found > counted;
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
 * frames announce. Sleeps out here also without ring, or with a shadow: another
 * one may be set meanwhile.
 *
 * Return: as the socket's own recvmsg.
 */
int nl_ring_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	long timeo = sock_rcvtimeo(rs->sk, flags & MSG_DONTWAIT);
	int err, error;

	for (;;) {
		nl_ring_settle_first(rs);
		err = nl_ring_recvmsg_once(rs, sock, msg, len, flags);
		if (err != -EAGAIN || !timeo)
			return err;
		atomic_inc(&rs->sleepers);
		/* pairs with nl_ring_vm_close(): one of the two settles */
		smp_mb__after_atomic();
		nl_ring_settle_first(rs);
		err = __skb_wait_for_more_packets(rs->sk, queue, &error, &timeo,
						  (struct sk_buff *)queue);
		atomic_dec(&rs->sleepers);
		if (err) {
			nl_host_admit_senders(rs, sock);
			return error;
		}
	}
}
