/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rings, as the files of the library that deal with them see them. Each file
 * calls only those below it:
 *
 *	ring.c ring_raw.c	setting up, what programs ask of a ring
 *	ring_rx.c		receiving
 *	ring_wait.c ring_tx.c	waiting; transmitting
 *	ring_start.c		what is known of a ring
 *	ring_frames.c		messages in frames		(ring_source)
 *	ring_socket.c		messages by recvmmsg()		(ring_source)
 *	ring_map.c		shared memory, system calls
 *	ring_shadow.c		rings that the program did not ask for
 *	ring_attach.c ring_pace.c
 */
#ifndef LIBMNL_RING_H
#define LIBMNL_RING_H

#include <errno.h>
#include <pthread.h>
#include <linux/netlink_mmap.h>

#include "internal.h"
#include "ring_pace.h"

/* A message outside of frames: recvmsg() put it there, or sendto() takes it. */
struct ring_buffer {
	struct ring_buffer	*next;	/* in the list of kept ones */
	unsigned int		refs;	/* times that it is kept */
	size_t			size;	/* bytes of data */
	struct sockaddr_nl	from;
	char			data[] __attribute__((aligned(MNL_ALIGNTO)));
};

/* what is in the slots from tail to head */
enum ring_entry {
	RING_MESSAGE,	/* a message that is not given back */
	RING_HOLE,	/* no message: given back with those in front of it */
	RING_PASSED,	/* frames that are kept, or were: not to be given back */
};

/* what the library knows of a frame, and the kernel does not see */
struct ring_slot {
	void			*data;	/* the message */
	size_t			len;	/* its bytes */
	struct ring_buffer	*buf;	/* where it is, NULL: in frames */
	enum ring_entry		entry;
	unsigned int		span;	/* frames of it */
	unsigned int		kept;	/* frames kept here since a message
					 * was read here
					 */
	unsigned int		refs;	/* times that these are kept */
	bool			truncated; /* the buffer was too small */
};

/* what both kinds of ring have */
struct mnl_ring {
	struct mnl_rings	*rings;
	enum mnl_ring_type	type;
	struct nl_mmap_req	req;		/* frame_nr 0: never set */
	unsigned int		flags;		/* NL_MMAP_F_* */
	bool			in_kernel;	/* the kernel has this ring */
	bool			heeds_room;	/* nmc_room, nmc_overruns */
	char			*mem;		/* NULL: not mapped */
	unsigned int		per_block;
	bool			tails;		/* the end of a block is unused */
	unsigned int		frame_nr;	/* or slots, without a ring */
	size_t			header;		/* bytes before a message */
	size_t			capacity;	/* bytes of a frame's message */
	unsigned int		head;		/* next frame to peek or reserve */
	unsigned int		tail;		/* oldest frame in use */
	unsigned int		used;		/* frames from tail to head */
	struct mnl_ring_stats	stats;
};

struct ring_rx;

/*
 * Where messages come from. next() puts the next message at the head of the
 * slots; it returns NULL and errno if there is none (EAGAIN), if messages were
 * lost (ENOBUFS), or if the program holds all slots (EBUSY).
 */
struct ring_source {
	/* 1 next() has a message without waiting for it, 0 no, -1 it has an
	 * error to report (@error)
	 */
	int			(*ready)(struct ring_rx *rx);
	struct ring_slot	*(*next)(struct ring_rx *rx);
	/* gives the oldest message back */
	void			(*release)(struct ring_rx *rx);
	void			(*keep)(struct ring_rx *rx, struct ring_slot *s);
	/* the room that the program has for a message, 0: any */
	void			(*offer)(struct ring_rx *rx, size_t room);
	/* messages to come without a system call */
	unsigned int		(*count)(struct ring_rx *rx);
	/* sleeps until ready() or @end (-1: no limit), as long as @nap says:
	 * 1 ready, 0 it is @end, -1 and errno
	 */
	int			(*sleep)(struct ring_rx *rx, struct ring_nap nap,
					 long long now, long long end);
	/* prepares for a sleep of the program's own: false if it must not */
	bool			(*arm)(struct ring_rx *rx, struct ring_nap nap);
	void			(*disarm)(struct ring_rx *rx);
	bool			is_shared;	/* ready() changes by itself */
};

extern const struct ring_source ring_frames, ring_socket;

struct ring_rx {
	struct mnl_ring		ring;
	const struct ring_source *source;
	struct ring_slot	*slots;
	unsigned int		peeked;		/* messages that the program holds */
	struct ring_buffer	*kept;		/* buffers that it keeps */
	struct ring_slot	*running;	/* in a callback now */
	int			error;		/* to be reported by next() */

	/* mnl_socket_recvfrom() */
	pthread_mutex_t		lock;
	unsigned int		waiters;
	struct ring_slot	*part;		/* its beginning was copied */
	size_t			room;		/* offered last, 0: any */
	size_t			longest;	/* ever offered */
	bool			in_place;	/* mnl_ring_*() was used, too */

	/* frames */
	struct nl_mmap_control	*control;	/* NULL: none */
	uint32_t		overruns;	/* reported */
	unsigned int		skipped;	/* frames in SKIP */
	unsigned int		taken;		/* frames since none was ready */
	bool			queued;		/* the kernel may have more */

	/* plain socket */
	unsigned int		filled;		/* slots with messages to come */
	bool			drained;	/* then nothing was queued */
	bool			assumed;	/* ... as far as we know */
	unsigned int		singles;	/* calls that found one message */

	struct ring_pace	pace;
	bool			armed;
	unsigned int		busy_poll;	/* microseconds, 0: a few looks */
	int			spins;		/* looks before sleeping */
};

struct ring_tx {
	struct mnl_ring		ring;
	size_t			reserved;	/* bytes, 0: nothing */
	struct ring_buffer	**bufs;		/* instead of frames */
	size_t			*lens;		/* of what is committed */
	struct ring_buffer	*large;		/* longer than a frame */
	size_t			large_len;	/* 0: not committed */
	int			error;		/* for the next flush */
};

struct mnl_rings {
	int		fd;
	struct ring_rx	rx;
	struct ring_tx	tx;
	void		*map;
	size_t		map_len;
	char		*guard;		/* 0 in a child, NULL: no mapping */
	bool		inherited;	/* the rings are another process's */
	bool		ready;		/* mnl_socket_mmap() was called */
	bool		raw;		/* the program owns the frames' status */
};

#define NS_PER_US	1000LL
#define NS_PER_MS	1000000LL
#define NS_PER_S	1000000000LL

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

static inline void *frame_payload(const struct mnl_ring *ring,
				  struct nl_mmap_hdr *hdr)
{
	return (char *)hdr + ring->header;
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

/* the frame @offset, no more than all of them, after @index */
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

static inline void ring_count(struct mnl_ring *ring, uint64_t *way, size_t len)
{
	ring->stats.messages++;
	ring->stats.bytes += len;
	(*way)++;
}

/* by several threads in mnl_socket_recvfrom() */
static inline void ring_count_calls(struct mnl_ring *ring, unsigned int nr)
{
	__atomic_fetch_add(&ring->stats.syscalls, nr, __ATOMIC_RELAXED);
}

/* false: there is no error to report */
static inline bool ring_take_error(struct ring_rx *rx)
{
	if (rx->error == 0)
		return false;
	errno = rx->error;
	rx->error = 0;
	return true;
}

static inline struct ring_rx *to_rx(struct mnl_ring *ring)
{
	return (struct ring_rx *)ring;
}

static inline struct ring_tx *to_tx(struct mnl_ring *ring)
{
	return (struct ring_tx *)ring;
}

static inline bool is_in(const void *start, size_t len, const void *address)
{
	return (uintptr_t)address - (uintptr_t)start < len;
}

/* a word that the other ring's thread may write, too */
static inline void ring_expect_queued(struct mnl_rings *rings)
{
	__atomic_store_n(&rings->rx.queued, true, __ATOMIC_RELAXED);
}

/* ring_map.c */
struct ring_buffer *ring_buffer(size_t size);
void ring_buffer_keep(struct ring_rx *rx, struct ring_slot *slot);
int ring_set(struct mnl_ring *ring, const struct nl_mmap_req *req,
	     unsigned int flags);
bool ring_adopt(struct mnl_ring *ring);
void ring_remove(struct mnl_ring *ring);
socklen_t ring_get_state(const struct mnl_ring *ring,
			 struct nl_mmap_state *state);
int rings_map(struct mnl_rings *rings);
void rings_unmap(struct mnl_rings *rings);
bool rings_are_inherited(struct mnl_rings *rings);
long long ring_now(void);
void ring_count_error(struct mnl_ring *ring, int err);
int ring_socket_error(struct mnl_ring *ring);
int ring_poll(struct mnl_ring *ring, short *events, long long ns);

/* ring_frames.c */
void ring_frames_join(struct ring_rx *rx);
struct ring_slot *ring_frames_kept(struct ring_rx *rx, const void *address);
void ring_frames_release_kept(struct ring_rx *rx, struct ring_slot *slot);

/* ring_start.c */
int rings_start(struct mnl_rings *rings);
void rings_stop(struct mnl_rings *rings);
struct ring_rx *ring_get_rx(struct mnl_ring *ring);
struct ring_tx *ring_get_tx(struct mnl_ring *ring);
void ring_read_in_place(struct ring_rx *rx);

/* ring_tx.c */
bool ring_tx_ready(const struct ring_tx *tx);

/* ring_wait.c */
int ring_wait_as_recvmsg(struct ring_rx *rx);

#endif
