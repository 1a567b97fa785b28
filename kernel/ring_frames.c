// SPDX-License-Identifier: GPL-2.0-only
/*
 * RX ring of memory mapped netlink: finding free frames, and knowing which ones
 * wait for the reader. All of it under the lock of the receive queue, and so in
 * steps of NL_RING_LOOKS frames: callers come again.
 *
 *   read, or kept      | wait for the reader             | free, kept, or not read
 *   ...                | tail: @unread before the head   | head                ...
 *
 * A frame that the reader keeps (SKIP) is passed over. It is used again only
 * when the next one that was not passed over has been taken: before that the
 * reader, who finds a message in either of them, could not tell which of the
 * two is older.
 */
#include "ring_core.h"

static struct nl_ring_slot *nl_ring_slot(const struct nl_ring *ring,
					 unsigned int offset)
{
	return &ring->slots[nl_ring_index(ring, offset)];
}

/* The message that began there, or its announcement, does not wait any more. */
static void nl_ring_forget(struct nl_ring *ring, struct nl_ring_slot *slot)
{
	if (slot->kind == NL_RING_MESSAGE)
		ring->waiting -= nl_ring_weight(ring, slot->len);
	else if (slot->kind == NL_RING_COPY)
		ring->copies--;
	slot->kind = NL_RING_NOTHING;
}

/* The slot of a frame that is used again. */
static struct nl_ring_slot *nl_ring_take_slot(struct nl_ring *ring,
					      unsigned int offset)
{
	struct nl_ring_slot *slot = nl_ring_slot(ring, offset);

	nl_ring_forget(ring, slot);
	slot->span = 1;
	slot->passed_over = false;
	return slot;
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
	for (i = 0; i < span; i++) {
		nl_ring_forget(ring, nl_ring_slot(ring, i));
		nl_ring_slot(ring, i)->passed_over = true;
	}
	nl_ring_advance(ring, span);
	return span;
}

/* Moves the head over frames that are kept: the next call goes on from there. */
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
	/* of these, those in front of the message are passed over at once */
	const unsigned int most = min(NL_RING_LOOKS + span, nr);
	unsigned int offset = 0, run = 0;
	unsigned int index, status;
	int err;

	while (run < span) {
		if (offset >= most)
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

static void nl_ring_claim_frames(struct nl_ring *ring, enum nl_ring_kind kind,
				 const struct nl_ring_claim *claim)
{
	struct nl_ring_slot *first = nl_ring_take_slot(ring, 0);
	unsigned int i;

	for (i = 1; i < claim->span; i++)
		nl_ring_take_slot(ring, i);
	first->span = claim->span;
	first->len = claim->len;
	first->kind = kind;
	if (kind == NL_RING_MESSAGE)
		ring->waiting += nl_ring_weight(ring, claim->len);
	else
		ring->copies++;
	nl_ring_advance(ring, claim->span);
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
		nl_ring_take_slot(ring, 0);
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

/**
 * nl_ring_get_frames - claim frames for a message, or for its announcement
 * @ring: the ring
 * @kind: which of the two
 * @span: frames next to each other
 * @len: bytes of the message
 * @claim: receives them
 *
 * Return: 0; -EAGAIN frames that are not read are in the way; -ENOSPC only kept
 * ones are, as far as this call looked.
 */
int nl_ring_get_frames(struct nl_ring *ring, enum nl_ring_kind kind,
		       unsigned int span, unsigned int len,
		       struct nl_ring_claim *claim)
{
	int offset;

	lockdep_assert_held(&ring->queue->lock);
	if (span != 1 || !nl_ring_head_is_free(ring)) {
		nl_ring_pass_kept(ring);
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
	nl_ring_claim_frames(ring, kind, claim);
	return 0;
}

/**
 * nl_ring_forget_read - move the tail over frames that the reader is done with
 * @ring: the ring
 *
 * Return: whether there may be more of them, which another call looks at.
 */
bool nl_ring_forget_read(struct nl_ring *ring)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int looks, index, status, frames;

	lockdep_assert_held(&ring->queue->lock);
	for (looks = NL_RING_LOOKS; looks && ring->unread; looks--) {
		index = nl_ring_index(ring, nr - ring->unread);
		status = nl_ring_status(nl_ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_UNUSED)
			frames = 1;
		else if (status == NL_MMAP_STATUS_SKIP)
			frames = ring->slots[index].span;
		else
			return false;
		nl_ring_forget(ring, &ring->slots[index]);
		ring->unread -= min(ring->unread, frames);
	}
	return ring->unread;
}

/**
 * nl_ring_clear - make all frames of a ring the kernel's, as when it was set
 * @ring: a ring that no process maps, nor any delivery uses
 *
 * The head stays where it is. Process context; without the lock.
 *
 * Return: messages that were not read.
 */
unsigned int nl_ring_clear(struct nl_ring *ring)
{
	const unsigned int nr = ring->req.nm_frame_nr;
	unsigned int left, index, i, lost = 0;

	/* who lists the rings, or polls still, finds nothing in it from here on */
	spin_lock_irq(&ring->queue->lock);
	left = ring->unread;
	ring->unread = 0;
	ring->passed = 0;
	ring->waiting = 0;
	ring->copies = 0;
	ring->copy = NULL;
	spin_unlock_irq(&ring->queue->lock);

	for (; left; left--) {
		index = nl_ring_index(ring, nr - left);
		lost += ring->slots[index].kind == NL_RING_MESSAGE &&
			nl_ring_status(nl_ring_frame(ring, index)) ==
			NL_MMAP_STATUS_VALID;
		cond_resched();
	}
	for (i = 0; i < nr; i++) {
		ring->slots[i] = (struct nl_ring_slot){ .span = 1 };
		nl_ring_set_status(nl_ring_frame(ring, i),
				   NL_MMAP_STATUS_UNUSED);
		cond_resched();
	}
	atomic_set(&ring->pending, 0);
	return lost;
}
