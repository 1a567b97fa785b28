// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * TX ring: messages are built in frames, or in buffers instead, and go to the
 * kernel when they are flushed.
 */
#include <errno.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

bool ring_tx_ready(const struct mnl_ring *ring)
{
	return ring->mem != NULL && ring->used < ring->frame_nr &&
	       frame_status(ring_frame(ring, ring->head)) ==
	       NL_MMAP_STATUS_UNUSED;
}

static void *slot_buffer(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];

	if (slot->buf == NULL)
		slot->buf = ring_buffer(ring->capacity);
	return slot->buf == NULL ? NULL : slot->buf->data;
}

/**
 * mnl_ring_reserve - room for a message in the next frame
 * \param ring TX ring
 * \param size bytes needed
 *
 * Build the message there, then call mnl_ring_commit() or mnl_ring_cancel().
 * A batch may be laid over it (mnl_nlmsg_batch_start()).
 *
 * Returns where to build the message, aligned to four bytes and not cleared.
 * On error, it returns NULL and errno is set: EAGAIN all frames are committed
 * (mnl_ring_flush()), EMSGSIZE larger than any frame, EBUSY there is a
 * reservation, EINVAL size 0 or no TX ring, ENOMEM (only without a ring).
 */
EXPORT_SYMBOL void *mnl_ring_reserve(struct mnl_ring *ring, size_t size)
{
	void *buf = NULL;

	if (!ring_is(ring, MNL_RING_TX))
		return NULL;
	if (size == 0)
		errno = EINVAL;
	else if (ring->reserved > 0)
		errno = EBUSY;
	else if (size > ring->capacity)
		errno = EMSGSIZE;
	else if (ring->used == ring->frame_nr)
		errno = EAGAIN;
	else if (ring->mem == NULL)
		buf = slot_buffer(ring);
	else if (ring_tx_ready(ring))
		buf = frame_payload(ring_frame(ring, ring->head));
	else
		errno = EAGAIN;

	if (buf != NULL)
		ring->reserved = size;
	return buf;
}

/**
 * mnl_ring_commit - the message in the reserved frame is to be sent
 * \param ring TX ring
 * \param len bytes of the message
 *
 * It is sent by the next mnl_ring_flush().
 *
 * Returns 0. On error, it returns -1 and errno is set: EINVAL nothing is
 * reserved, or len is 0; EMSGSIZE len is more than was reserved.
 */
EXPORT_SYMBOL int mnl_ring_commit(struct mnl_ring *ring, size_t len)
{
	struct nl_mmap_hdr *hdr;

	if (!ring_is(ring, MNL_RING_TX))
		return -1;
	if (ring->reserved == 0 || len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (len > ring->reserved) {
		errno = EMSGSIZE;
		return -1;
	}
	ring->slots[ring->head].len = len;
	if (ring->mem != NULL) {
		hdr = ring_frame(ring, ring->head);
		hdr->nm_len = len;
		frame_set_status(hdr, NL_MMAP_STATUS_VALID);
	}
	ring->reserved = 0;
	ring_take(ring, 1);
	return 0;
}

/**
 * mnl_ring_cancel - give up a reservation
 * \param ring TX ring; without a reservation nothing happens
 */
EXPORT_SYMBOL void mnl_ring_cancel(struct mnl_ring *ring)
{
	ring->reserved = 0;
}

/* the kernel took, or refused, the frames that are UNUSED again */
static ssize_t flush_frames(struct mnl_ring *ring)
{
	size_t len;
	ssize_t ret;

	ring->stats.syscalls++;
	ret = sendto(ring->nl->fd, NULL, 0, 0,
		     (const struct sockaddr *)&mnl_kernel_addr,
		     sizeof(mnl_kernel_addr));
	while (ring->used > 0 &&
	       frame_status(ring_frame(ring, ring->tail)) ==
	       NL_MMAP_STATUS_UNUSED) {
		len = ring->slots[ring->tail].len;
		ring_give_back(ring, 1);
		if (ret >= 0)
			ring_count(ring, &ring->stats.by_ring, len);
	}
	return ret;
}

/* as the kernel does for frames: a shortage that passes loses nothing */
static bool is_passing(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM ||
	       err == EINTR;
}

static ssize_t send_slot(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->tail];

	ring->stats.syscalls++;
	return sendto(ring->nl->fd, slot->buf->data, slot->len, 0,
		      (const struct sockaddr *)&mnl_kernel_addr,
		      sizeof(mnl_kernel_addr));
}

/* without a ring; the same rules for what is told when as in the kernel */
static ssize_t flush_slots(struct mnl_ring *ring)
{
	ssize_t sent = 0, ret;

	while (ring->used > 0 && ring->error == 0) {
		ret = send_slot(ring);
		if (ret == -1 && is_passing(errno))
			return sent > 0 ? sent : -1;
		if (ret == -1) {
			ring->error = errno;
			break;
		}
		ring_count(ring, &ring->stats.by_queue, ret);
		ring_give_back(ring, 1);
		sent += ret;
	}
	if (ring->error == 0 || sent > 0)
		return sent;
	errno = ring->error;
	ring->error = 0;
	ring_give_back(ring, 1);
	return -1;
}

/**
 * mnl_ring_flush - send all committed messages
 * \param ring TX ring
 *
 * One system call, if the ring is mapped. The kernel handles the messages in
 * order; a message that it refuses ends the call. If messages went before it,
 * the call returns their bytes and the next one returns the error; the refused
 * message is gone then, and those behind it are sent by another call.
 *
 * Returns the bytes of the messages accepted, 0 if none was committed. On
 * error, it returns -1 and errno is what sendto(2) said about the first
 * message; on EAGAIN, EINTR, ENOBUFS and ENOMEM it stays committed.
 */
EXPORT_SYMBOL ssize_t mnl_ring_flush(struct mnl_ring *ring)
{
	if (!ring_is(ring, MNL_RING_TX))
		return -1;
	if (ring->used == 0)
		return 0;
	return ring->mem != NULL ? flush_frames(ring) : flush_slots(ring);
}

/* until nothing is left, or the first error */
int mnl_ring_flush_all(struct mnl_ring *ring)
{
	while (ring->used > 0)
		if (mnl_ring_flush(ring) == -1)
			return -1;
	return 0;
}

/**
 * @}
 */
