// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring core of memory mapped netlink: memory, delivery, poll, transmission.
 *
 * A message is an ordinary skb until netlink has appended it to the receive
 * queue of a socket. From there it is copied, once, into the next free frame
 * and freed. No skb ever points into a ring. When the ring is full, messages
 * stay in the queue, in order, under the socket's usual limits.
 *
 * Shared memory holds one word that matters to the kernel: nm_status of a
 * frame says who owns it. Everything else there is written, never read (RX),
 * or read once (nm_len of a TX frame). Cursors are private to the kernel.
 *
 *   RX frame                                      TX frame
 *
 *   kernel                 reader                 writer            kernel
 *   (a) acquire UNUSED                            acquire UNUSED
 *       RESERVED                                  message, nm_len
 *       message, nm_len                           (e) release VALID
 *   (b) release VALID                                               (f) acquire VALID
 *                          (c) acquire VALID                        copies
 *                          message                                  (g) release UNUSED
 *                          (d) release UNUSED
 *
 * (b) pairs with (c): a reader that sees VALID sees the message. (d) pairs
 * with (a): what the kernel writes comes after the reader's last look. (e)
 * pairs with (f), (g) with the writer's look, likewise.
 *
 * Sleeping readers: (b) is followed by the full fence in front of the wait
 * queue check (skwq_has_sleeper()), poll() looks at frames after the fence in
 * sock_poll_wait(). One of the two sees the other.
 *
 * Two sides take messages from the receive queue. Deliveries, in any context,
 * copy what fits (nl_ring_deliver()). Processes in poll() or recvmsg() call
 * the original recvmsg, which also makes the next part of a dump and wakes
 * blocked senders (nl_ring_fill()); meanwhile @filling keeps deliveries away,
 * so that the order in the ring is the order of the queue.
 */
#include <linux/capability.h>
#include <linux/compat.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/skbuff.h>
#include <linux/slab.h>
#include <linux/uio.h>
#include <linux/user_namespace.h>
#include <linux/vmalloc.h>

#include "ring.h"

static struct workqueue_struct *nl_ring_wq;

/*
 * Memory
 */

static int nl_ring_charge(struct nl_ring *ring)
{
	unsigned long pages = ring->size >> PAGE_SHIFT;
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user;

	if (capable(CAP_IPC_LOCK))
		return 0;

	user = get_uid(current_user());
	if (atomic_long_add_return(pages, &user->locked_vm) > limit) {
		atomic_long_sub(pages, &user->locked_vm);
		free_uid(user);
		return -ENOBUFS;
	}
	ring->user = user;
	return 0;
}

static void nl_ring_uncharge(struct nl_ring *ring)
{
	if (!ring->user)
		return;
	atomic_long_sub(ring->size >> PAGE_SHIFT, &ring->user->locked_vm);
	free_uid(ring->user);
}

static void nl_ring_free(struct kref *ref)
{
	struct nl_ring *ring = container_of(ref, struct nl_ring, ref);

	vfree(ring->mem);
	nl_ring_uncharge(ring);
	kfree(ring);
}

static void nl_ring_free_work(struct work_struct *work)
{
	struct nl_ring *ring = container_of(work, struct nl_ring, free_work);

	nl_ring_free(&ring->ref);
}

static void nl_ring_free_later(struct kref *ref)
{
	struct nl_ring *ring = container_of(ref, struct nl_ring, ref);

	queue_work(nl_ring_wq, &ring->free_work);
}

/* process context */
static void nl_ring_put(struct nl_ring *ring)
{
	if (ring)
		kref_put(&ring->ref, nl_ring_free);
}

/* any context */
static void nl_ring_put_atomic(struct nl_ring *ring)
{
	kref_put(&ring->ref, nl_ring_free_later);
}

/* The order of the checks is part of the ABI. */
static int nl_ring_check(const struct nl_mmap_req *req)
{
	u64 frames;

	if (!req->nm_block_size)
		return -EINVAL;
	if (!PAGE_ALIGNED(req->nm_block_size))
		return -EINVAL;
	if (req->nm_frame_size < NL_MMAP_HDRLEN)
		return -EINVAL;
	if (!IS_ALIGNED(req->nm_frame_size, NL_MMAP_MSG_ALIGNMENT))
		return -EINVAL;
	if (req->nm_frame_size > req->nm_block_size)
		return -EINVAL;

	frames = (u64)(req->nm_block_size / req->nm_frame_size) *
		 req->nm_block_nr;
	if (!frames || frames != req->nm_frame_nr)
		return -EINVAL;
	return 0;
}

static struct nl_ring *nl_ring_alloc(const struct nl_mmap_req *req)
{
	u64 size = (u64)req->nm_block_size * req->nm_block_nr;
	struct nl_ring *ring;
	int err;

	if (size > SIZE_MAX || size > LONG_MAX)
		return ERR_PTR(-ENOMEM);

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);

	kref_init(&ring->ref);
	INIT_WORK(&ring->free_work, nl_ring_free_work);
	ring->req = *req;
	ring->frames_per_block = req->nm_block_size / req->nm_frame_size;
	ring->capacity = req->nm_frame_size - NL_MMAP_HDRLEN;
	ring->size = size;

	err = nl_ring_charge(ring);
	if (err)
		goto err_free;

	err = -ENOMEM;
	ring->mem = __vmalloc(ring->size, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					  __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!ring->mem)
		goto err_uncharge;
	return ring;

err_uncharge:
	nl_ring_uncharge(ring);
err_free:
	kfree(ring);
	return ERR_PTR(err);
}

/*
 * Frames
 */

static struct nl_mmap_hdr *nl_ring_frame(const struct nl_ring *ring,
					 unsigned int index)
{
	size_t block = index / ring->frames_per_block;
	size_t frame = index % ring->frames_per_block;

	return ring->mem + block * ring->req.nm_block_size +
	       frame * ring->req.nm_frame_size;
}

static void *nl_ring_payload(struct nl_mmap_hdr *hdr)
{
	return (void *)hdr + NL_MMAP_HDRLEN;
}

/* (a), (f) */
static unsigned int nl_ring_status(const struct nl_mmap_hdr *hdr)
{
	/* pairs with the release of (d), (e): see the top of the file */
	return smp_load_acquire(&hdr->nm_status);
}

/* (b), (g) */
static void nl_ring_set_status(struct nl_mmap_hdr *hdr, unsigned int status)
{
	/* pairs with the acquire of (c) and of the writer's look */
	smp_store_release(&hdr->nm_status, status);
}

/* poll() looks at the head of a TX ring without its lock */
static void nl_ring_advance(struct nl_ring *ring)
{
	unsigned int next = ring->head + 1;

	WRITE_ONCE(ring->head, next == ring->req.nm_frame_nr ? 0 : next);
}

static void nl_ring_count(struct nl_ring *ring, unsigned int len)
{
	ring->messages++;
	ring->bytes += len;
}

/* the frame at the head, or NULL when the reader has not released it yet */
static struct nl_mmap_hdr *nl_ring_free_frame(struct nl_ring *ring)
{
	struct nl_mmap_hdr *hdr = nl_ring_frame(ring, READ_ONCE(ring->head));

	return nl_ring_status(hdr) == NL_MMAP_STATUS_UNUSED ? hdr : NULL;
}

/* Everything in a frame header but status and length, as SCM_CREDENTIALS. */
static void nl_ring_describe(struct nl_ring_sock *rs, struct nl_mmap_hdr *hdr,
			     const struct sk_buff *skb)
{
	const struct scm_creds *creds = &NETLINK_CB(skb).creds;

	hdr->nm_group = NETLINK_CB(skb).dst_group;
	hdr->nm_pid = creds->pid;
	hdr->nm_uid = from_kuid_munged(rs->user_ns, creds->uid);
	hdr->nm_gid = from_kgid_munged(rs->user_ns, creds->gid);
}

/*
 * Reception
 */

/*
 * The message at the head of the queue is larger than a frame. It stays there,
 * nothing passes it, and a COPY frame sends the reader to recvmsg().
 * @again: announce it once more if the reader released the frame without.
 */
static void nl_ring_announce(struct nl_ring_sock *rs, struct sk_buff *skb,
			     bool again)
{
	struct nl_ring *ring = rs->rx;
	struct nl_mmap_hdr *hdr;

	if (rs->copy &&
	    !(again &&
	      nl_ring_status(rs->copy_frame) == NL_MMAP_STATUS_UNUSED))
		return;

	hdr = nl_ring_free_frame(ring);
	if (!hdr)
		return;

	nl_ring_describe(rs, hdr, skb);
	hdr->nm_len = skb->len;
	nl_ring_set_status(hdr, NL_MMAP_STATUS_COPY);
	nl_ring_advance(ring);
	ring->claimed++;
	ring->copies++;
	rs->copy = true;
	rs->copy_frame = hdr;
}

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

/* Takes the oldest message and a frame for it, both or none. */
static struct sk_buff *nl_ring_claim(struct nl_ring_sock *rs,
				     struct nl_ring **ringp,
				     struct nl_mmap_hdr **hdrp)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct sk_buff *skb = NULL;
	struct nl_mmap_hdr *hdr;
	struct nl_ring *ring;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	ring = rs->rx;
	if (!ring || rs->filling)
		goto out;
	skb = skb_peek(queue);
	if (!skb)
		goto out;
	if (nl_ring_leave_to_process(skb))
		goto none;
	if (skb->len > ring->capacity) {
		nl_ring_announce(rs, skb, false);
		goto none;
	}
	hdr = nl_ring_free_frame(ring);
	if (!hdr)
		goto none;

	__skb_unlink(skb, queue);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_RESERVED);
	nl_ring_advance(ring);
	ring->claimed++;
	nl_ring_count(ring, skb->len);
	kref_get(&ring->ref);
	*ringp = ring;
	*hdrp = hdr;
out:
	spin_unlock_irqrestore(&queue->lock, flags);
	return skb;
none:
	skb = NULL;
	goto out;
}

/**
 * nl_ring_deliver - move messages from the receive queue to free frames
 * @rs: rings of the socket
 *
 * For sk_data_ready(), after a message was queued and before the reader is
 * woken. Any context. Several processors may be in here at once: each claims
 * its frame under the queue lock and copies outside of it.
 */
void nl_ring_deliver(struct nl_ring_sock *rs)
{
	struct nl_mmap_hdr *hdr;
	unsigned int moved = 0;
	struct nl_ring *ring;
	struct sk_buff *skb;

	while ((skb = nl_ring_claim(rs, &ring, &hdr))) {
		nl_ring_describe(rs, hdr, skb);
		hdr->nm_len = skb->len;
		if (WARN_ON_ONCE(skb_copy_bits(skb, 0, nl_ring_payload(hdr),
					       skb->len)))
			hdr->nm_len = 0;
		nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
		nl_ring_put_atomic(ring);
		consume_skb(skb);
		moved++;
	}

	/* A sender may sleep until there is room, only recvmsg wakes it. */
	if (moved > 1)
		WRITE_ONCE(rs->kick, true);
}

/* The next message for nl_ring_fill(), or the end of it. */
static struct nl_mmap_hdr *nl_ring_fill_next(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_mmap_hdr *hdr = NULL;
	struct sk_buff *skb;

	spin_lock_irq(&queue->lock);
	skb = skb_peek(queue);
	if (skb && skb->len > rs->rx->capacity)
		nl_ring_announce(rs, skb, true);
	else if (skb)
		hdr = nl_ring_free_frame(rs->rx);

	if (hdr) {
		nl_ring_set_status(hdr, NL_MMAP_STATUS_RESERVED);
		nl_ring_describe(rs, hdr, skb);
	}
	rs->filling = hdr;
	spin_unlock_irq(&queue->lock);
	return hdr;
}

static void nl_ring_fill_done(struct nl_ring_sock *rs, int len)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	nl_ring_advance(rs->rx);
	rs->rx->claimed++;
	rs->rx->spilled++;
	nl_ring_count(rs->rx, len);
	rs->copy = false;
	spin_unlock_irq(&queue->lock);
}

static void nl_ring_fill_stop(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;

	spin_lock_irq(&queue->lock);
	rs->filling = false;
	spin_unlock_irq(&queue->lock);
}

/*
 * The original recvmsg into kernel memory. An error that waits for the
 * program (sk_err) is put back, and so returned again at the next look.
 */
static int nl_ring_recv_kernel(struct nl_ring_sock *rs, struct socket *sock,
			       void *buf, size_t len, int flags)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {};
	int err;

	if (in_compat_syscall())
		flags |= MSG_CMSG_COMPAT;
	iov_iter_kvec(&msg.msg_iter, ITER_DEST, &vec, 1, len);
	err = rs->ops->recvmsg(sock, &msg, len, flags | MSG_DONTWAIT);
	if (err < 0 && err != -EAGAIN)
		WRITE_ONCE(rs->sk->sk_err, -err);
	return err;
}

/*
 * Has netlink look at the queue: when it is empty, refused senders are
 * admitted again (NETLINK_S_CONGESTED) and sleeping ones are woken. A peek of
 * no bytes takes nothing from the queue.
 */
static void nl_ring_kick(struct nl_ring_sock *rs, struct socket *sock)
{
	if (!READ_ONCE(rs->kick) ||
	    !skb_queue_empty_lockless(&rs->sk->sk_receive_queue))
		return;

	WRITE_ONCE(rs->kick, false);
	nl_ring_recv_kernel(rs, sock, NULL, 0, MSG_PEEK);
	if (!skb_queue_empty_lockless(&rs->sk->sk_receive_queue))
		WRITE_ONCE(rs->kick, true);
}

/*
 * Moves messages from the receive queue to free frames, and makes the parts of
 * a dump as long as there is room. Process context, @rx_mutex held, ring set.
 */
static void nl_ring_fill(struct nl_ring_sock *rs, struct socket *sock)
{
	struct nl_mmap_hdr *hdr;
	int len;

	while ((hdr = nl_ring_fill_next(rs))) {
		len = nl_ring_recv_kernel(rs, sock, nl_ring_payload(hdr),
					  rs->rx->capacity, 0);
		if (len < 0) {
			nl_ring_set_status(hdr, NL_MMAP_STATUS_UNUSED);
			nl_ring_fill_stop(rs);
			break;
		}
		hdr->nm_len = len;
		nl_ring_fill_done(rs, len);
		nl_ring_set_status(hdr, NL_MMAP_STATUS_VALID);
		cond_resched();
	}
	nl_ring_kick(rs, sock);
}

/*
 * Is there a frame for the reader? Looks from the oldest frame that is not
 * known to be released up to the first that is ready or being filled; whoever
 * fills it wakes the reader. @rx_mutex held.
 */
static bool nl_ring_readable(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	unsigned int index, pending, status, nr;
	struct nl_ring *ring = rs->rx;
	bool oldest = true;

	spin_lock_irq(&queue->lock);
	nr = ring->req.nm_frame_nr;
	if (ring->claimed - ring->released > nr)
		ring->released = ring->claimed - nr;
	pending = ring->claimed - ring->released;
	index = ring->head;
	spin_unlock_irq(&queue->lock);

	index = index >= pending ? index - pending : index + nr - pending;
	for (; pending; pending--) {
		status = nl_ring_status(nl_ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_VALID ||
		    status == NL_MMAP_STATUS_COPY)
			return true;
		if (status == NL_MMAP_STATUS_RESERVED)
			return false;
		oldest = oldest && status == NL_MMAP_STATUS_UNUSED;
		if (oldest)
			ring->released++;
		if (++index == nr)
			index = 0;
	}
	return false;
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
 * Return: EPOLLIN exactly when a frame is ready for the reader, EPOLLOUT when
 * the next TX frame is free; without that ring, what a plain socket returns.
 */
__poll_t nl_ring_poll(struct nl_ring_sock *rs, struct file *file,
		      struct socket *sock, poll_table *wait)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	__poll_t mask = rs->ops->poll(file, sock, wait);

	if (READ_ONCE(rs->rx) && !mutex_lock_killable(&rs->rx_mutex)) {
		if (rs->rx) {
			nl_ring_fill(rs, sock);
			mask &= ~(EPOLLIN | EPOLLRDNORM);
			if (nl_ring_readable(rs))
				mask |= EPOLLIN | EPOLLRDNORM;
		}
		mutex_unlock(&rs->rx_mutex);
		if (READ_ONCE(rs->sk->sk_err))
			mask |= EPOLLERR;
	}

	spin_lock_irq(&queue->lock);
	if (rs->tx) {
		mask &= ~(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
		if (nl_ring_free_frame(rs->tx))
			mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	}
	spin_unlock_irq(&queue->lock);
	return mask;
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

/*
 * Transmission
 */

/* The one copy that the kernel works with is made in there. */
static int nl_ring_send_frame(struct nl_ring_sock *rs, struct socket *sock,
			      const struct msghdr *msg, struct nl_mmap_hdr *hdr,
			      unsigned int len)
{
	struct kvec vec = { .iov_base = nl_ring_payload(hdr), .iov_len = len };
	struct msghdr frame = *msg;

	if (len < NLMSG_HDRLEN || len > rs->tx->capacity)
		return -EINVAL;

	iov_iter_kvec(&frame.msg_iter, ITER_SOURCE, &vec, 1, len);
	return rs->ops->sendmsg(sock, &frame, len);
}

/* The message may be sent by a later call; it must not be lost. */
static bool nl_ring_try_again(int err)
{
	return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM ||
	       err == -EINTR || err == -ERESTARTSYS;
}

/*
 * Sends the frame at the head, and gives it back. 0 when it is not VALID.
 * @first: nothing was sent by this call, an error can be returned
 */
static int nl_ring_send_next(struct nl_ring_sock *rs, struct socket *sock,
			     const struct msghdr *msg, bool first)
{
	struct nl_ring *ring = rs->tx;
	struct nl_mmap_hdr *hdr = nl_ring_frame(ring, ring->head);
	unsigned int len;
	int err;

	if (!ring->error && nl_ring_status(hdr) != NL_MMAP_STATUS_VALID)
		return 0;

	len = READ_ONCE(hdr->nm_len);
	err = ring->error ? :
	      nl_ring_send_frame(rs, sock, msg, hdr, len);
	if (err < 0 && nl_ring_try_again(err))
		return err;

	/* not sent twice: the next call only reports it */
	ring->error = err < 0 && !first ? err : 0;
	if (ring->error)
		return err;

	if (err < 0)
		ring->errors++;
	else
		nl_ring_count(ring, len);
	nl_ring_advance(ring);
	nl_ring_set_status(hdr, NL_MMAP_STATUS_UNUSED);
	return err < 0 ? err : len;
}

static int nl_ring_send_all(struct nl_ring_sock *rs, struct socket *sock,
			    const struct msghdr *msg)
{
	unsigned int left = rs->tx->req.nm_frame_nr;
	int err, sent = 0;

	while (left--) {
		err = nl_ring_send_next(rs, sock, msg, !sent);
		if (err < 0)
			return sent ? : err;
		if (!err)
			break;
		/* keep the sum positive: the rest goes with the next call */
		if (check_add_overflow(sent, err, &sent))
			return INT_MAX;
		if (signal_pending(current))
			break;
		cond_resched();
	}
	return sent;
}

/**
 * nl_ring_sendmsg - sendmsg() of a socket with rings
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see sendmsg(2); name and control data go with every frame
 * @len: bytes of data: 0 runs the TX ring, anything else is sent as it is
 *
 * Each frame becomes an skb of its own, in order. A frame that is refused ends
 * the run. If messages went before it, the call returns their bytes and the
 * next one comes back to the frame; otherwise the frame is released and the
 * call returns the error. A passing shortage releases nothing.
 *
 * Return: bytes of the messages accepted, 0 when no frame is VALID, or errno.
 */
int nl_ring_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len)
{
	int err = -ENODATA;

	if (len || !READ_ONCE(rs->tx))
		return rs->ops->sendmsg(sock, msg, len);

	if (mutex_lock_interruptible(&rs->tx_mutex))
		return -ERESTARTSYS;
	if (rs->tx)
		err = nl_ring_send_all(rs, sock, msg);
	mutex_unlock(&rs->tx_mutex);
	return err;
}

/*
 * Setup
 */

/* @map_mutex held, and @rx_mutex or @tx_mutex */
static int nl_ring_replace(struct nl_ring_sock *rs, struct nl_ring **slot,
			   const struct nl_mmap_req *req)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring = NULL, *old = *slot;
	int err;

	if (atomic_read(&rs->mapped) || (old && req->nm_block_nr))
		return -EBUSY;

	if (req->nm_block_nr || req->nm_frame_nr) {
		err = nl_ring_check(req);
		if (err)
			return err;
		ring = nl_ring_alloc(req);
		if (IS_ERR(ring))
			return PTR_ERR(ring);
	}

	spin_lock_irq(&queue->lock);
	WRITE_ONCE(*slot, ring);
	if (slot == &rs->rx)
		rs->copy = false;
	spin_unlock_irq(&queue->lock);
	nl_ring_put(old);
	return 0;
}

/**
 * nl_ring_setsockopt - set or remove a ring
 * @rs: rings of the socket
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @optval: a struct nl_mmap_req; block_nr and frame_nr 0 remove the ring
 * @optlen: bytes at @optval
 *
 * Messages in the receive queue stay there and go to the new ring.
 *
 * Return: 0; -EINVAL short @optlen; -EFAULT; -EBUSY mapped, or there is a
 * ring already; -EINVAL bad geometry; -ENOBUFS over RLIMIT_MEMLOCK; -ENOMEM.
 */
int nl_ring_setsockopt(struct nl_ring_sock *rs, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	bool rx = optname == NETLINK_RX_RING;
	struct mutex *mutex = rx ? &rs->rx_mutex : &rs->tx_mutex;
	struct nl_mmap_req req;
	int err;

	if (optlen < sizeof(req))
		return -EINVAL;
	if (copy_from_sockptr(&req, optval, sizeof(req)))
		return -EFAULT;

	/* a sender may sleep with it for long */
	if (mutex_lock_interruptible(mutex))
		return -ERESTARTSYS;
	mutex_lock(&rs->map_mutex);
	err = nl_ring_replace(rs, rx ? &rs->rx : &rs->tx, &req);
	mutex_unlock(&rs->map_mutex);
	mutex_unlock(mutex);
	return err;
}

/**
 * nl_ring_getsockopt - what a ring was set to, and where the kernel is in it
 * @rs: rings of the socket
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @optval: receives the struct nl_mmap_req, then the index of the head, u32
 * @optlen: bytes of room at @optval, then bytes written: 16 or 20
 *
 * Return: 0; -EINVAL less room than a struct nl_mmap_req; -EFAULT.
 */
int nl_ring_getsockopt(struct nl_ring_sock *rs, int optname,
		       char __user *optval, int __user *optlen)
{
	struct {
		struct nl_mmap_req req;
		u32 head;
	} answer;
	struct nl_ring_info info;
	int len;

	if (get_user(len, optlen))
		return -EFAULT;
	if (len < (int)sizeof(answer.req))
		return -EINVAL;

	nl_ring_get_info(rs, optname, &info);
	answer.req = info.req;
	answer.head = info.head;
	len = len < (int)sizeof(answer) ? sizeof(answer.req) : sizeof(answer);
	if (put_user(len, optlen) || copy_to_user(optval, &answer, len))
		return -EFAULT;
	return 0;
}

/**
 * nl_ring_get_info - read geometry and counters of a ring
 * @rs: rings of the socket
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @info: receives them, zeroes when there is no such ring
 *
 * Return: whether there is such a ring.
 */
bool nl_ring_get_info(struct nl_ring_sock *rs, int optname,
		      struct nl_ring_info *info)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring;

	memset(info, 0, sizeof(*info));
	spin_lock_irq(&queue->lock);
	ring = optname == NETLINK_RX_RING ? rs->rx : rs->tx;
	if (ring) {
		info->req = ring->req;
		info->head = READ_ONCE(ring->head);
		info->messages = ring->messages;
		info->bytes = ring->bytes;
		info->copies = ring->copies;
		info->spilled = ring->spilled;
		info->errors = ring->errors;
	}
	spin_unlock_irq(&queue->lock);
	return ring;
}

static void nl_ring_vm_open(struct vm_area_struct *vma)
{
	struct nl_ring_sock *rs = vma->vm_private_data;

	atomic_inc(&rs->mapped);
}

static void nl_ring_vm_close(struct vm_area_struct *vma)
{
	struct nl_ring_sock *rs = vma->vm_private_data;

	atomic_dec(&rs->mapped);
}

static const struct vm_operations_struct nl_ring_vm_ops = {
	.open	= nl_ring_vm_open,
	.close	= nl_ring_vm_close,
};

static int nl_ring_map_pages(struct vm_area_struct *vma, unsigned long *addr,
			     const struct nl_ring *ring)
{
	size_t offset;
	int err;

	for (offset = 0; ring && offset < ring->size; offset += PAGE_SIZE) {
		err = vm_insert_page(vma, *addr,
				     vmalloc_to_page(ring->mem + offset));
		if (err)
			return err;
		*addr += PAGE_SIZE;
	}
	return 0;
}

/**
 * nl_ring_mmap - map the rings, RX first
 * @rs: rings of the socket
 * @vma: where to; offset 0, shared, exactly as long as the rings together
 *
 * Return: 0; -EINVAL other offset, length or kind of mapping, or no ring;
 * -ENOMEM.
 */
int nl_ring_mmap(struct nl_ring_sock *rs, struct vm_area_struct *vma)
{
	unsigned long addr = vma->vm_start;
	u64 size = 0;
	int err;

	if (vma->vm_pgoff || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	mutex_lock(&rs->map_mutex);
	if (rs->rx)
		size += rs->rx->size;
	if (rs->tx)
		size += rs->tx->size;
	err = -EINVAL;
	if (!size || size != vma->vm_end - vma->vm_start)
		goto out;

	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	err = nl_ring_map_pages(vma, &addr, rs->rx);
	if (!err)
		err = nl_ring_map_pages(vma, &addr, rs->tx);
	if (err)
		goto out;

	atomic_inc(&rs->mapped);
	vma->vm_private_data = rs;
	vma->vm_ops = &nl_ring_vm_ops;
out:
	mutex_unlock(&rs->map_mutex);
	return err;
}

/**
 * nl_ring_sock_init - prepare the rings of a socket; it has none yet
 * @rs: to be initialised
 * @sk: the socket
 * @ops: the socket's own operations
 * @user_ns: for IDs in frame headers; a reference is taken
 */
void nl_ring_sock_init(struct nl_ring_sock *rs, struct sock *sk,
		       const struct proto_ops *ops,
		       struct user_namespace *user_ns)
{
	memset(rs, 0, sizeof(*rs));
	rs->sk = sk;
	rs->ops = ops;
	rs->user_ns = get_user_ns(user_ns);
	mutex_init(&rs->rx_mutex);
	mutex_init(&rs->tx_mutex);
	mutex_init(&rs->map_mutex);
}

/**
 * nl_ring_sock_release - give up both rings, when the last descriptor closes
 * @rs: rings of the socket
 *
 * Messages may still be delivered: they stay in the queue. A delivery that is
 * copying keeps its ring until it is done. Process context; does not wait.
 */
void nl_ring_sock_release(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *rx, *tx;

	spin_lock_irq(&queue->lock);
	rx = rs->rx;
	tx = rs->tx;
	WRITE_ONCE(rs->rx, NULL);
	WRITE_ONCE(rs->tx, NULL);
	spin_unlock_irq(&queue->lock);
	nl_ring_put(rx);
	nl_ring_put(tx);
}

/**
 * nl_ring_sock_destroy - undo nl_ring_sock_init(), when the socket is freed
 * @rs: rings of the socket, both released
 *
 * Any context.
 */
void nl_ring_sock_destroy(struct nl_ring_sock *rs)
{
	put_user_ns(rs->user_ns);
}

/**
 * nl_ring_init - prepare the ring core
 *
 * Return: 0 or -ENOMEM.
 */
int nl_ring_init(void)
{
	nl_ring_wq = alloc_workqueue("netlink_ring", 0, 0);
	return nl_ring_wq ? 0 : -ENOMEM;
}

/**
 * nl_ring_exit - wait for the last ring to be freed
 */
void nl_ring_exit(void)
{
	destroy_workqueue(nl_ring_wq);
}
