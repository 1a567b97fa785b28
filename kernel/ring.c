// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring core of memory mapped netlink: set-up.
 */
#include <linux/cacheinfo.h>
#include <linux/compat.h>
#include <linux/user_namespace.h>

#include "ring_core.h"

#define CREATE_TRACE_POINTS
#include "ring_trace.h"

/* NL_MMAP_F_* that a ring can have */
static u32 nl_ring_features(bool rx)
{
	return rx ? NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL |
		    NL_MMAP_F_SHADOW | NL_MMAP_F_SENDER : 0;
}

/* The order of the checks is part of the ABI. */
static int nl_ring_check(const struct nl_mmap_req2 *req2, bool rx)
{
	const struct nl_mmap_req *req = &req2->req;
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
	if (req2->nm_flags & ~nl_ring_features(rx))
		return -EINVAL;
	if (req->nm_frame_size < nl_ring_hdrlen(req2->nm_flags))
		return -EINVAL;
	if (req2->nm_flags & NL_MMAP_F_SHADOW && !nl_shadow_check(req2))
		return -EINVAL;
	return 0;
}

static int nl_ring_replace(struct nl_ring_sock *rs, bool rx,
			   const struct nl_mmap_req2 *req, unsigned int *lost)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring __rcu **slot = rx ? &rs->rx : &rs->tx;
	struct nl_ring *ring = NULL, *old;
	int err;

	lockdep_assert_held(&rs->map_mutex);
	if (!rx)
		lockdep_assert_held(&rs->tx_mutex);
	old = rcu_dereference_protected(*slot, true);
	if (atomic_read(&rs->mapped) || (old && req->req.nm_block_nr))
		return -EBUSY;

	if (req->req.nm_block_nr || req->req.nm_frame_nr) {
		err = nl_ring_check(req, rx);
		if (err)
			return err;
		if (rx && nl_ring_has_strangers(rs))
			return -EBUSY;
		ring = nl_ring_alloc(req, rx);
		if (IS_ERR(ring))
			return PTR_ERR(ring);
		ring->queue = queue;
		ring->compat = in_compat_syscall();
	}

	if (rx)
		*lost = nl_ring_settle_locked(rs);
	spin_lock_irq(&queue->lock);
	rcu_assign_pointer(*slot, ring);
	if (rx) {
		WRITE_ONCE(rs->told, false);
		nl_shadow_start(rs);
	}
	spin_unlock_irq(&queue->lock);
	nl_ring_retire(old);
	return 0;
}

static int nl_ring_copy_request(struct nl_mmap_req2 *req, sockptr_t optval,
				unsigned int optlen)
{
	const unsigned int known = optlen < sizeof(*req) ? sizeof(req->req) :
							   sizeof(*req);
	int err;

	if (optlen < sizeof(req->req))
		return -EINVAL;
	memset(req, 0, sizeof(*req));
	if (copy_from_sockptr(req, optval, known))
		return -EFAULT;
	if (optlen <= sizeof(*req))
		return 0;
	if (optlen > PAGE_SIZE)
		return -E2BIG;
	err = check_zeroed_sockptr(optval, known, optlen - known);
	return err < 0 ? err : err ? 0 : -E2BIG;
}

/**
 * nl_ring_setsockopt - set or remove a ring
 * @rs: rings of the socket
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @optval: a struct nl_mmap_req, or a struct nl_mmap_req2 as @optlen says, or a
 *	later one with nothing in its other members; block_nr and frame_nr 0 remove
 *	the ring
 * @optlen: bytes at @optval
 *
 * Messages in the receive queue stay there and go to the new ring. Messages in
 * frames that were not read are lost with the old one, and reported so.
 *
 * Return: 0; -ENOPROTOOPT the processor's caches alias; -EINVAL short @optlen;
 * -EFAULT; -E2BIG members that are not known here, and not 0, or more than a page
 * of them; -EBUSY mapped, or there is a ring already; -EINVAL bad geometry, or
 * flags that this ring cannot have; -EBUSY for an RX ring, a recvmsg() sleeps
 * that began before the socket could have one; -ENOBUFS over RLIMIT_MEMLOCK; -ENOMEM.
 */
int nl_ring_setsockopt(struct nl_ring_sock *rs, int optname, sockptr_t optval,
		       unsigned int optlen)
{
	bool rx = optname == NETLINK_RX_RING;
	struct nl_mmap_req2 req;
	unsigned int lost = 0;
	int err;

	/* kernel and program see a page at different addresses */
	if (cpu_dcache_is_aliasing())
		return -ENOPROTOOPT;
	err = nl_ring_copy_request(&req, optval, optlen);
	if (err)
		return err;

	/* a sender may sleep with it for long */
	if (!rx && mutex_lock_interruptible(&rs->tx_mutex))
		return -ERESTARTSYS;
	mutex_lock(&rs->map_mutex);
	err = nl_ring_replace(rs, rx, &req, &lost);
	mutex_unlock(&rs->map_mutex);
	if (!rx)
		mutex_unlock(&rs->tx_mutex);
	nl_ring_report_loss(rs, lost);
	return err;
}

/**
 * nl_ring_get_state - what a ring was set to, and where the kernel is in it
 * @rs: rings of the socket, NULL if it never had one
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @len: bytes of room that the caller of getsockopt() has
 * @info: receives the state
 *
 * Return: how many bytes of @info->state the caller gets, 16, 20, 24 or 28;
 * -EINVAL less room than a struct nl_mmap_req.
 */
int nl_ring_get_state(struct nl_ring_sock *rs, int optname, int len,
		      struct nl_ring_info *info)
{
	if (len < (int)sizeof(info->state.req))
		return -EINVAL;

	nl_ring_get_counters(rs, optname, info);
	info->state.nm_features = nl_ring_features(optname == NETLINK_RX_RING);
	return min_t(int, len, sizeof(info->state)) & ~3;
}

/* Frames from the head on that wait to be sent. Writers fill them in order. */
static u32 nl_ring_count_waiting(const struct nl_ring *ring)
{
	const unsigned int head = READ_ONCE(ring->head);
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int low = 0, high = nr, middle, index;

	while (low < high) {
		middle = low + (high - low) / 2;
		index = middle < nr - head ? head + middle : middle - (nr - head);
		if (nl_ring_status(nl_ring_frame(ring, index)) ==
		    NL_MMAP_STATUS_UNUSED)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/**
 * nl_ring_get_counters - read geometry and counters of a ring, in any context
 * @rs: rings of the socket, NULL if it never had one
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @info: receives them but for @in_use, zeroes when there is no such ring
 *
 * Return: whether there is such a ring.
 */
bool nl_ring_get_counters(struct nl_ring_sock *rs, int optname,
			  struct nl_ring_info *info)
{
	struct sk_buff_head *queue;
	struct nl_ring *ring;
	unsigned long flags;

	memset(info, 0, sizeof(*info));
	if (!rs)
		return false;

	queue = &rs->sk->sk_receive_queue;
	spin_lock_irqsave(&queue->lock, flags);
	ring = optname == NETLINK_RX_RING ? nl_ring_rx_set(rs) :
					    nl_ring_tx_set(rs);
	if (ring) {
		info->state.req = ring->req;
		info->state.nm_head = READ_ONCE(ring->head);
		info->state.nm_flags = ring->flags;
		info->counters = ring->counters;
	}
	spin_unlock_irqrestore(&queue->lock, flags);

	if (ring && optname == NETLINK_RX_RING) {
		info->wakeups = atomic64_read(&rs->wakeups);
		info->drops = sk_drops_read(rs->sk);
	}
	return ring;
}

/**
 * nl_ring_get_info - read geometry and counters of a ring
 * @rs: rings of the socket, NULL if it never had one
 * @optname: NETLINK_RX_RING or NETLINK_TX_RING
 * @info: receives them, zeroes when there is no such ring
 *
 * Looks at frames that the reader gave back since somebody looked at them last.
 * Process context.
 *
 * Return: whether there is such a ring.
 */
bool nl_ring_get_info(struct nl_ring_sock *rs, int optname,
		      struct nl_ring_info *info)
{
	struct sk_buff_head *queue;
	struct nl_ring *ring;
	bool more;

	if (!nl_ring_get_counters(rs, optname, info))
		return false;

	if (optname == NETLINK_RX_RING && nl_shadow_is_set(rs)) {
		info->in_use = nl_shadow_in_use(rs);
		return true;
	}

	queue = &rs->sk->sk_receive_queue;
	do {
		more = false;
		spin_lock_irq(&queue->lock);
		if (optname == NETLINK_TX_RING) {
			ring = nl_ring_tx_set(rs);
			info->in_use = ring ? nl_ring_count_waiting(ring) : 0;
		} else {
			ring = nl_ring_rx_set(rs);
			more = ring && nl_ring_forget_read(ring);
			info->in_use = ring ? ring->unread : 0;
		}
		spin_unlock_irq(&queue->lock);
		cond_resched();
	} while (more);
	return true;
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
	mutex_init(&rs->tx_mutex);
	mutex_init(&rs->map_mutex);
	INIT_LIST_HEAD(&rs->mappers);
}

/**
 * nl_ring_sock_release - give up both rings, when the last descriptor closes
 * @rs: rings of the socket
 *
 * Messages may still be delivered: they stay in the queue. Process context; does
 * not wait.
 */
void nl_ring_sock_release(struct nl_ring_sock *rs)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *rx, *tx;

	spin_lock_irq(&queue->lock);
	rx = rcu_replace_pointer(rs->rx, NULL, true);
	tx = rcu_replace_pointer(rs->tx, NULL, true);
	spin_unlock_irq(&queue->lock);
	nl_ring_retire(rx);
	nl_ring_retire(tx);
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
