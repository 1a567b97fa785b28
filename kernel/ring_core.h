/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the ring core share. Frames: where they are, and who owns
 * them.
 *
 * Shared memory holds one word that matters to the kernel: nm_status of a
 * frame says who owns it. Everything else there is written, never read (RX),
 * or read once (TX). Cursors are private to the kernel.
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
 * Before a message of several frames is written, smp_wmb() comes after the
 * RESERVED of its first: see nl_ring_get_frames(). Frames stay RESERVED for the
 * time of one copy: see nl_ring_move().
 *
 * (b) pairs with (c): a reader that sees VALID sees the message. (d) pairs
 * with (a): what the kernel writes comes after the reader's last look. (e)
 * pairs with (f), (g) with the writer's look, likewise.
 */
#ifndef NETLINK_MMAP_RING_CORE_H
#define NETLINK_MMAP_RING_CORE_H

#include "ring.h"

/* frames that are looked at under the lock of the queue, one after another */
#define NL_RING_LOOKS	128U

/* messages that one delivery moves to frames, its own among them */
#define NL_RING_MOVES	16U

/**
 * struct nl_ring_claim - frames that the kernel owns, for one message
 * @ring: the ring
 * @index: of the first of them
 * @span: frames
 * @len: bytes of the message
 */
struct nl_ring_claim {
	struct nl_ring	*ring;
	unsigned int	index;
	unsigned int	span;
	unsigned int	len;
};

static inline struct nl_mmap_hdr *nl_ring_frame(const struct nl_ring *ring,
						unsigned int index)
{
	size_t block, frame;

	/* without tails, blocks make no difference: no division */
	if (ring->run_length == ring->req.nm_frame_nr)
		return ring->mem + (size_t)index * ring->req.nm_frame_size;

	block = index / ring->frames_per_block;
	frame = index % ring->frames_per_block;
	return ring->mem + block * ring->req.nm_block_size +
	       frame * ring->req.nm_frame_size;
}

/* the rings that were set, mapped or not */
static inline struct nl_ring *nl_ring_rx_set(const struct nl_ring_sock *rs)
{
	return rcu_dereference_check(rs->rx,
				     lockdep_is_held(&rs->sk->sk_receive_queue.lock) ||
				     lockdep_is_held(&rs->map_mutex));
}

static inline struct nl_ring *nl_ring_tx_set(const struct nl_ring_sock *rs)
{
	return rcu_dereference_check(rs->tx,
				     lockdep_is_held(&rs->sk->sk_receive_queue.lock) ||
				     lockdep_is_held(&rs->tx_mutex) ||
				     lockdep_is_held(&rs->map_mutex));
}

/*
 * The RX ring that messages go to: it is set, and a process has it mapped. Both
 * stay so as long as the lock of the queue is held. Without it a caller uses one
 * look at the ring, which is freed once the caller has left the RCU read-side
 * critical section.
 */
static inline struct nl_ring *nl_ring_rx(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->in_use) ? nl_ring_rx_set(rs) : NULL;
}

/* the same for the TX ring */
static inline struct nl_ring *nl_ring_tx(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->in_use) ? nl_ring_tx_set(rs) : NULL;
}

/* without any lock: is there one at the moment? */
static inline bool nl_ring_has_rx(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->in_use) && rcu_access_pointer(rs->rx);
}

static inline bool nl_ring_has_tx(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->in_use) && rcu_access_pointer(rs->tx);
}

static inline void *nl_ring_payload(const struct nl_ring *ring,
				    struct nl_mmap_hdr *hdr)
{
	return (void *)hdr + ring->hdrlen;
}

/* (a), (f) */
static inline unsigned int nl_ring_status(const struct nl_mmap_hdr *hdr)
{
	/* pairs with the release of (d), (e): see the top of the file */
	return smp_load_acquire(&hdr->nm_status);
}

/* (b), (g) */
static inline void nl_ring_set_status(struct nl_mmap_hdr *hdr,
				      unsigned int status)
{
	/* pairs with the acquire of (c) and of the writer's look */
	smp_store_release(&hdr->nm_status, status);
}

/* the frame @offset frames, a whole turn at the most, from the head on */
static inline unsigned int nl_ring_index(const struct nl_ring *ring,
					 unsigned int offset)
{
	unsigned int index = ring->head + offset;

	return index < ring->req.nm_frame_nr ? index :
					       index - ring->req.nm_frame_nr;
}

static inline struct nl_mmap_hdr *nl_ring_at(const struct nl_ring *ring,
					     unsigned int offset)
{
	return nl_ring_frame(ring, nl_ring_index(ring, offset));
}

static inline void nl_ring_count(struct nl_ring *ring, u64 *way,
				 unsigned int len)
{
	ring->counters.messages++;
	ring->counters.bytes += len;
	(*way)++;
}

/* what a message counts for the reader's threshold: 1, or its bytes */
static inline u32 nl_ring_weight(const struct nl_ring *ring, unsigned int len)
{
	return ring->control ? 1 : max(len, 1U);
}

/* ring_memory.c */
size_t nl_ring_mapped_size(const struct nl_ring *ring);
struct nl_ring *nl_ring_alloc(const struct nl_mmap_req2 *req, bool rx);
void nl_ring_retire(struct nl_ring *ring);

static inline unsigned int nl_ring_hdrlen(u32 flags)
{
	return flags & NL_MMAP_F_SENDER ? NL_MMAP_HDR2LEN : NL_MMAP_HDRLEN;
}

/* ring_map.c */
bool nl_ring_is_mapper(struct nl_ring_sock *rs);
unsigned int nl_ring_settle_locked(struct nl_ring_sock *rs);
void nl_ring_report_loss(struct nl_ring_sock *rs, unsigned int lost);
void nl_ring_settle(struct nl_ring_sock *rs);

/* Before a process receives, or waits: see nl_ring_settle(). */
static inline void nl_ring_settle_first(struct nl_ring_sock *rs)
{
	if (unlikely(READ_ONCE(rs->unsettled)))
		nl_ring_settle(rs);
}

/* ring_frames.c */
int nl_ring_get_frames(struct nl_ring *ring, enum nl_ring_kind kind,
		       unsigned int span, unsigned int len,
		       struct nl_ring_claim *claim);
bool nl_ring_forget_read(struct nl_ring *ring);
unsigned int nl_ring_clear(struct nl_ring *ring);

/* ring_deliver.c */
void nl_ring_write(const struct nl_ring_sock *rs, const struct nl_ring *ring,
		   struct nl_mmap_hdr *hdr, const struct sk_buff *skb);
void nl_ring_fill(struct nl_ring_sock *rs);
void nl_ring_make_parts(struct nl_ring_sock *rs, struct socket *sock);

/* ring_wait.c */
bool nl_ring_enough(const struct nl_ring_sock *rs, struct nl_ring *ring,
		    unsigned int len);
bool nl_ring_has_sleeper(struct nl_ring_sock *rs);
void nl_ring_wake(struct nl_ring_sock *rs);
void nl_ring_forget_all(struct nl_ring_sock *rs);
bool nl_ring_has_strangers(struct nl_ring_sock *rs);

/* ring_shadow.c */
bool nl_shadow_check(const struct nl_mmap_req2 *req);
unsigned int nl_shadow_in_use(struct nl_ring_sock *rs);
void nl_shadow_start(struct nl_ring_sock *rs);
void nl_shadow_map(struct nl_ring_sock *rs);
void nl_shadow_deliver(struct nl_ring_sock *rs);
void nl_shadow_overrun(struct nl_ring_sock *rs);
void nl_shadow_poll(struct nl_ring_sock *rs, struct socket *sock);
int nl_shadow_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		      struct msghdr *msg, size_t len, int flags);
int nl_shadow_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		      struct msghdr *msg, size_t len);

/* Is the RX ring a shadow? */
static inline bool nl_shadow_is_set(const struct nl_ring_sock *rs)
{
	return READ_ONCE(rs->shadow.set);
}

/* ring_tx.c */
__poll_t nl_ring_poll_tx(struct nl_ring_sock *rs, __poll_t mask);

#endif /* NETLINK_MMAP_RING_CORE_H */
