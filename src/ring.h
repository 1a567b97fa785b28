/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings, as the files of the library that deal with them see them.
 */
#ifndef LIBMNL_RING_H
#define LIBMNL_RING_H

#include <errno.h>
#include <linux/netlink_mmap.h>

#include "internal.h"

/* A message outside of frames: it came by recvmsg, or waits for sendto. */
struct mnl_ring_buffer {
	struct mnl_ring_buffer	*next;	/* in the list of kept ones */
	size_t			size;	/* bytes of data */
	char			data[] __attribute__((aligned(MNL_ALIGNTO)));
};

/* what is in the frames that the program has looked at */
enum mnl_ring_entry {
	RING_MESSAGE,	/* a message that is not given back */
	RING_HOLE,	/* no message; goes back with those in front of it */
	RING_PASSED,	/* kept, or passed over: not ours to give back now */
};

/* what the library knows of a frame, and the kernel does not see */
struct mnl_ring_slot {
	struct mnl_ring_buffer	*buf;
	size_t			len;	/* bytes of the message */
	enum mnl_ring_entry	entry;
	unsigned int		span;	/* frames of it, 0: none begins here */
	unsigned int		kept;	/* frames kept here since a message
					 * was read here
					 */
	bool			held;	/* of these, not given back yet */
};

/* when the reader is woken: see ring_wait.c */
struct mnl_ring_wakeup {
	unsigned int	most;		/* messages, 1: for the first, always */
	unsigned int	delay;		/* microseconds */
	unsigned int	busy_poll;	/* microseconds, 0: a few looks */
	unsigned int	batch;		/* messages, now */
	unsigned int	hold;		/* sleeps until it may grow */
	unsigned int	backoff;	/* sleeps to hold after the next failure */
	bool		grown;		/* for the last sleep */
	bool		late;		/* the last sleep ended by time */
	uint64_t	slept;		/* nanoseconds, when */
	uint64_t	messages;	/* received until then */
};

struct mnl_ring {
	const struct mnl_socket	*nl;
	enum mnl_ring_type	type;
	struct nl_mmap_req	req;		/* frame_nr 0: never set */
	unsigned int		flags;		/* NL_MMAP_F_* */
	bool			in_kernel;	/* the kernel has this ring */
	char			*mem;		/* NULL: not mapped */
	struct nl_mmap_control	*control;	/* NULL: none */
	unsigned int		per_block;
	bool			tails;		/* what is left of a block is unused */
	unsigned int		frame_nr;	/* or slots, without a ring */
	size_t			capacity;	/* bytes of a frame's message */
	unsigned int		head;		/* next frame to peek or reserve */
	unsigned int		tail;		/* oldest frame in use */
	unsigned int		used;		/* frames from tail to head */
	unsigned int		peeked;		/* RX: of these, messages */
	unsigned int		held;		/* RX: kept frames */
	size_t			reserved;	/* TX: bytes, 0: nothing */
	int			error;		/* TX, not mapped: to be told */
	struct mnl_ring_slot	*slots;
	struct mnl_ring_buffer	*kept;		/* RX, outside of frames */
	struct mnl_ring_wakeup	wakeup;
	struct mnl_ring_stats	stats;
};

struct mnl_rings {
	struct mnl_ring	ring[2];
	void		*map;
	size_t		map_len;
	bool		ready;		/* mnl_socket_mmap() was called */
	bool		unasked;	/* the program did not ask for a ring */
	int		spins;		/* looks before sleeping */
};

/*
 * Frames
 */

static inline struct nl_mmap_hdr *ring_frame(const struct mnl_ring *ring,
					     unsigned int index)
{
	size_t block, frame;

	/* as if there were one block: no division */
	if (!ring->tails)
		return (struct nl_mmap_hdr *)(ring->mem + (size_t)index *
					      ring->req.nm_frame_size);
	block = index / ring->per_block;
	frame = index % ring->per_block;
	return (struct nl_mmap_hdr *)(ring->mem +
				      block * ring->req.nm_block_size +
				      frame * ring->req.nm_frame_size);
}

static inline void *frame_payload(struct nl_mmap_hdr *hdr)
{
	return (char *)hdr + NL_MMAP_HDRLEN;
}

/* Pairs with the kernel's release store: what it wrote before is seen. */
static inline unsigned int frame_status(const struct nl_mmap_hdr *hdr)
{
	return __atomic_load_n(&hdr->nm_status, __ATOMIC_ACQUIRE);
}

/* Pairs with the kernel's acquire load: it sees what was written before, and
 * writes nothing before we have read the last byte.
 */
static inline void frame_set_status(struct nl_mmap_hdr *hdr,
				    unsigned int status)
{
	__atomic_store_n(&hdr->nm_status, status, __ATOMIC_RELEASE);
}

/* the frame @offset, no more than all of them, behind @index */
static inline unsigned int ring_index(const struct mnl_ring *ring,
				      unsigned int index, unsigned int offset)
{
	index += offset;
	return index >= ring->frame_nr ? index - ring->frame_nr : index;
}

static inline void ring_take(struct mnl_ring *ring, unsigned int frames)
{
	ring->head = ring_index(ring, ring->head, frames);
	ring->used += frames;
}

static inline void ring_give_back(struct mnl_ring *ring, unsigned int frames)
{
	ring->tail = ring_index(ring, ring->tail, frames);
	ring->used -= frames;
}

/* or EINVAL */
static inline bool ring_is(const struct mnl_ring *ring, enum mnl_ring_type type)
{
	if (ring->type == type)
		return true;
	errno = EINVAL;
	return false;
}

static inline void ring_count(struct mnl_ring *ring, uint64_t *way, size_t len)
{
	ring->stats.messages++;
	ring->stats.bytes += len;
	(*way)++;
}

/* ring.c */
void ring_count_error(struct mnl_ring *ring, int err);
struct mnl_ring_buffer *ring_buffer(size_t size);

/* ring_attach.c */
int ring_attach(int fd);

/* ring_rx.c */
bool ring_rx_ready(struct mnl_ring *ring);
int ring_rx_pass_on(struct mnl_ring *ring);
int ring_wait_as_recvmsg(struct mnl_ring *ring, int flags);

/* ring_tx.c */
bool ring_tx_ready(const struct mnl_ring *ring);

/* ring_wait.c */
void ring_wakeup_start(struct mnl_ring *ring);

#endif
