// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the library knows of a ring: begun when it is mapped, begun anew in a
 * child, freed at the end.
 */
#include <stdlib.h>
#include <unistd.h>
#include <libmnl/libmnl.h>

#include "ring.h"

#define RING_SPINS		200

#define RING_WAKEUP_MOST	32U	/* messages */
#define RING_WAKEUP_DELAY	1000U	/* microseconds */

/* Without a ring a message is received into a buffer of this size: more than
 * the 64 KiB and headers that nfnetlink_queue sends at the most.
 */
#define RING_RECV_SIZE		131072U
#define RING_RECV_SLOTS		64U

static void set_geometry(struct mnl_ring *ring)
{
	const struct nl_mmap_req *req = &ring->req;

	ring->per_block = req->nm_block_size / req->nm_frame_size;
	ring->tails = req->nm_block_size % req->nm_frame_size != 0;
	ring->frame_nr = req->nm_frame_nr;
	ring->header = ring->flags & NL_MMAP_F_SENDER ? NL_MMAP_HDR2LEN :
							NL_MMAP_HDRLEN;
	ring->capacity = req->nm_frame_size - ring->header;
}

/* Until something is known of the reader, parts of dumps are short. */
static void choose_source(struct ring_rx *rx)
{
	rx->source = rx->ring.mem != NULL ? &ring_frames : &ring_socket;
	if (rx->ring.mem == NULL) {
		rx->ring.capacity = RING_RECV_SIZE;
		rx->control = NULL;
	}
	if (rx->control != NULL)
		rx->overruns = rx->control->nmc_overruns;
	rx->room = rx->in_place ? 0 : 1;
	rx->source->offer(rx, rx->room);
}

static int start_rx(struct ring_rx *rx)
{
	if (rx->ring.req.nm_frame_nr == 0)
		return 0;
	set_geometry(&rx->ring);
	if (rx->ring.mem == NULL && rx->ring.frame_nr > RING_RECV_SLOTS)
		rx->ring.frame_nr = RING_RECV_SLOTS;
	pthread_mutex_init(&rx->lock, NULL);
	ring_pace_set(&rx->pace, RING_WAKEUP_MOST, RING_WAKEUP_DELAY);
	rx->spins = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? RING_SPINS : 0;
	choose_source(rx);
	rx->slots = calloc(rx->ring.frame_nr, sizeof(*rx->slots));
	return rx->slots == NULL ? -1 : 0;
}

static int start_tx(struct ring_tx *tx)
{
	if (tx->ring.req.nm_frame_nr == 0)
		return 0;
	set_geometry(&tx->ring);
	tx->bufs = calloc(tx->ring.frame_nr, sizeof(*tx->bufs));
	tx->lens = calloc(tx->ring.frame_nr, sizeof(*tx->lens));
	return tx->bufs == NULL || tx->lens == NULL ? -1 : 0;
}

int rings_start(struct mnl_rings *rings)
{
	if (rings_map(rings) == -1)
		return -1;
	return start_rx(&rings->rx) == -1 || start_tx(&rings->tx) == -1 ? -1 :
									  0;
}

static void free_slots(struct ring_rx *rx)
{
	unsigned int i;

	for (i = 0; rx->slots != NULL && i < rx->ring.frame_nr; i++) {
		free(rx->slots[i].buf);
		rx->slots[i].buf = NULL;
		rx->slots[i].refs = 0;
	}
}

/* The rings of the kernel end here, unless they are another process's. */
void rings_stop(struct mnl_rings *rings)
{
	bool own = !rings->inherited && !rings_are_inherited(rings);
	struct ring_buffer *kept;
	unsigned int i;

	rings_unmap(rings);
	if (own) {
		ring_remove(&rings->rx.ring);
		ring_remove(&rings->tx.ring);
	}
	free_slots(&rings->rx);
	free(rings->rx.slots);
	while ((kept = rings->rx.kept) != NULL) {
		rings->rx.kept = kept->next;
		free(kept);
	}
	for (i = 0; rings->tx.bufs != NULL && i < rings->tx.ring.frame_nr; i++)
		free(rings->tx.bufs[i]);
	free(rings->tx.bufs);
	free(rings->tx.lens);
	free(rings->tx.large);
	free(rings);
}

/*
 * Children
 */

/* messages that the parent looked at, and what its threads did */
static void forget_messages(struct ring_rx *rx)
{
	free_slots(rx);
	rx->ring.tail = rx->ring.head;
	rx->ring.used = rx->peeked = rx->skipped = rx->filled = 0;
	rx->part = rx->running = NULL;
	rx->waiters = 0;
	rx->armed = false;
	rx->drained = rx->assumed = false;
	ring_expect_queued(rx->ring.rings);
	pthread_mutex_init(&rx->lock, NULL);
}

/*
 * This is a child. The mapping and the messages are the parent's; a child that
 * reads maps the ring for itself, or receives without one. It sends without
 * one, since two cannot fill the same frames.
 */
static void join(struct mnl_rings *rings)
{
	struct ring_tx *tx = &rings->tx;
	int saved = errno;

	rings->inherited = true;
	rings->map = NULL;
	*rings->guard = 1;
	rings->rx.ring.mem = tx->ring.mem = NULL;
	tx->ring.head = tx->ring.tail = tx->ring.used = 0;
	tx->reserved = tx->large_len = 0;
	tx->error = 0;
	if (rings->rx.ring.in_kernel) {
		forget_messages(&rings->rx);
		rings_map(rings);
		tx->ring.mem = NULL;
		choose_source(&rings->rx);
		if (rings->rx.ring.mem != NULL)
			ring_frames_join(&rings->rx);
	}
	errno = saved;
}

static bool is_type(struct mnl_ring *ring, enum mnl_ring_type type)
{
	if (ring->type != type) {
		errno = EINVAL;
		return false;
	}
	if (rings_are_inherited(ring->rings))
		join(ring->rings);
	return true;
}

/* the RX ring that this process has, or NULL and EINVAL */
struct ring_rx *ring_get_rx(struct mnl_ring *ring)
{
	return is_type(ring, MNL_RING_RX) ? to_rx(ring) : NULL;
}

struct ring_tx *ring_get_tx(struct mnl_ring *ring)
{
	return is_type(ring, MNL_RING_TX) ? to_tx(ring) : NULL;
}

/* The parts of a dump may be as long as the kernel likes. */
void ring_read_in_place(struct ring_rx *rx)
{
	if (rx->in_place && rx->room == 0)
		return;
	rx->in_place = true;
	rx->room = 0;
	rx->source->offer(rx, 0);
}
