// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Transmitting: messages are built in frames, or in buffers instead, and go to
 * the kernel when they are flushed. A message longer than a frame has a buffer
 * and is the last one until it is flushed.
 */
#include <stdlib.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

bool ring_tx_ready(const struct ring_tx *tx)
{
	const struct mnl_ring *ring = &tx->ring;

	return tx->large_len == 0 && ring->used < ring->frame_nr &&
	       (ring->mem == NULL ||
		frame_status(ring_frame(ring, ring->head)) ==
		NL_MMAP_STATUS_UNUSED);
}

static void *large_buffer(struct ring_tx *tx, size_t size)
{
	if (tx->large == NULL || tx->large->size < size) {
		free(tx->large);
		tx->large = ring_buffer(size);
	}
	return tx->large == NULL ? NULL : tx->large->data;
}

static void *frame_buffer(struct ring_tx *tx)
{
	struct ring_buffer **buf = &tx->bufs[tx->ring.head];

	if (tx->ring.mem != NULL)
		return frame_payload(&tx->ring,
				     ring_frame(&tx->ring, tx->ring.head));
	if (*buf == NULL)
		*buf = ring_buffer(tx->ring.capacity);
	return *buf == NULL ? NULL : (*buf)->data;
}

/**
 * mnl_ring_reserve - room for a message in the next frame
 * \param ring TX ring
 * \param size bytes needed
 *
 * Build the message there, then call mnl_ring_commit() or mnl_ring_cancel().
 * A batch may be laid over it (mnl_nlmsg_batch_start()). A message that is
 * longer than a frame gets memory of its own, and is sent by a system call of
 * its own.
 *
 * Returns where to build the message, aligned to four bytes and not cleared.
 * On error, it returns NULL and errno is set: EAGAIN all frames are committed,
 * or a message longer than a frame is (mnl_ring_flush()), EBUSY there is a
 * reservation, EINVAL size 0 or no TX ring, EMSGSIZE more than a message can
 * have, ENOMEM.
 */
EXPORT_SYMBOL void *mnl_ring_reserve(struct mnl_ring *ring, size_t size)
{
	struct ring_tx *tx = ring_get_tx(ring);
	void *buf = NULL;

	if (tx == NULL)
		return NULL;
	if (size == 0)
		errno = EINVAL;
	else if (size > INT32_MAX)
		errno = EMSGSIZE;
	else if (tx->reserved > 0)
		errno = EBUSY;
	else if (!ring_tx_ready(tx))
		errno = EAGAIN;
	else if (size > ring->capacity)
		buf = large_buffer(tx, size);
	else
		buf = frame_buffer(tx);

	if (buf != NULL)
		tx->reserved = size;
	return buf;
}

static void commit_frame(struct ring_tx *tx, size_t len)
{
	struct mnl_ring *ring = &tx->ring;
	struct nl_mmap_hdr *hdr;

	tx->lens[ring->head] = len;
	if (ring->mem != NULL) {
		hdr = ring_frame(ring, ring->head);
		hdr->nm_len = len;
		frame_set_status(hdr, NL_MMAP_STATUS_VALID);
	}
	ring_take(ring, 1);
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
	struct ring_tx *tx = ring_get_tx(ring);

	if (tx == NULL)
		return -1;
	if (tx->reserved == 0 || len == 0) {
		errno = EINVAL;
		return -1;
	}
	if (len > tx->reserved) {
		errno = EMSGSIZE;
		return -1;
	}
	if (tx->reserved > ring->capacity)
		tx->large_len = len;
	else
		commit_frame(tx, len);
	tx->reserved = 0;
	return 0;
}

/**
 * mnl_ring_cancel - give up a reservation
 * \param ring TX ring; without a reservation nothing happens
 */
EXPORT_SYMBOL void mnl_ring_cancel(struct mnl_ring *ring)
{
	if (ring->type == MNL_RING_TX)
		to_tx(ring)->reserved = 0;
}

static ssize_t send_to_kernel(struct mnl_ring *ring, const void *buf,
			      size_t len)
{
	ring_count_calls(ring, 1);
	return sendto(ring->rings->fd, buf, len, 0,
		      (const struct sockaddr *)&mnl_kernel_addr,
		      sizeof(mnl_kernel_addr));
}

/* the kernel took, or refused, the frames that are UNUSED again */
static ssize_t flush_frames(struct ring_tx *tx)
{
	struct mnl_ring *ring = &tx->ring;
	ssize_t ret = send_to_kernel(ring, NULL, 0);
	size_t len;

	while (ring->used > 0 &&
	       frame_status(ring_frame(ring, ring->tail)) ==
	       NL_MMAP_STATUS_UNUSED) {
		len = tx->lens[ring->tail];
		ring_give_back(ring, 1);
		if (ret >= 0)
			ring_count(ring, &ring->stats.by_ring, len);
		else
			ring->stats.refused++;
	}
	return ret;
}

/* as the kernel does for frames: a shortage that passes loses nothing */
static bool is_passing(int err)
{
	return err == EAGAIN || err == ENOBUFS || err == ENOMEM ||
	       err == EINTR;
}

/* One message: sent, refused (*gone, too), or to be sent again. */
static ssize_t send_message(struct ring_tx *tx, const struct ring_buffer *buf,
			    size_t len, bool *gone)
{
	struct mnl_ring *ring = &tx->ring;
	ssize_t ret = send_to_kernel(ring, buf->data, len);

	*gone = ret != -1 || !is_passing(errno);
	if (ret != -1)
		ring_count(ring, &ring->stats.by_queue, ret);
	else if (*gone)
		ring->stats.refused++;
	return ret;
}

/* the bytes so far; an error that comes after them is for the next call */
static ssize_t sum_up(struct ring_tx *tx, ssize_t sent, ssize_t ret, bool gone)
{
	if (ret != -1)
		return sent + ret;
	if (sent > 0 && gone)
		tx->error = errno;
	return sent > 0 ? sent : -1;
}

static ssize_t flush_buffers(struct ring_tx *tx)
{
	struct mnl_ring *ring = &tx->ring;
	ssize_t sent = 0, ret = 0;
	bool gone;

	while (ring->used > 0 && ret != -1) {
		ret = send_message(tx, tx->bufs[ring->tail],
				   tx->lens[ring->tail], &gone);
		if (gone)
			ring_give_back(ring, 1);
		sent = sum_up(tx, sent, ret, gone);
	}
	return sent;
}

static ssize_t flush_large(struct ring_tx *tx, ssize_t sent)
{
	bool gone;
	ssize_t ret;

	ret = send_message(tx, tx->large, tx->large_len, &gone);
	if (gone)
		tx->large_len = 0;
	return sum_up(tx, sent, ret, gone);
}

ssize_t ring_tx_flush(struct ring_tx *tx)
{
	ssize_t sent = 0;

	if (tx->error) {
		errno = tx->error;
		tx->error = 0;
		return -1;
	}
	ring_expect_queued(tx->ring.rings);
	if (tx->ring.used > 0)
		sent = tx->ring.mem != NULL ? flush_frames(tx) :
					      flush_buffers(tx);
	if (sent == -1 || tx->ring.used > 0 || tx->error || tx->large_len == 0)
		return sent;
	return flush_large(tx, sent);
}

/**
 * mnl_ring_flush - send all committed messages
 * \param ring TX ring
 *
 * One system call, if the ring is mapped. The kernel handles the messages in
 * order; a message that it refuses ends the call. If messages went before it,
 * the call returns their bytes and the next one returns the error; the refused
 * message is gone then, and later ones are sent by another call. What
 * mnl_socket_sendto() found refused is reported here, too.
 *
 * Returns the bytes of the messages accepted, 0 if none was committed. On
 * error, it returns -1 and errno is what sendto(2) reported for the first
 * message; on EAGAIN, EINTR, ENOBUFS and ENOMEM it stays committed.
 */
EXPORT_SYMBOL ssize_t mnl_ring_flush(struct mnl_ring *ring)
{
	struct ring_tx *tx = ring_get_tx(ring);

	return tx == NULL ? -1 : ring_tx_flush(tx);
}

/*
 * Sends what is committed, for a message that has to come after it. What the
 * kernel refuses is the next flush's to report: 0. -1: some of it stays.
 */
int ring_tx_drain(struct ring_tx *tx)
{
	unsigned int used;
	int error = 0;

	while (tx->ring.used > 0 || tx->large_len > 0) {
		used = tx->ring.used + (tx->large_len > 0);
		if (tx->error)
			error = tx->error;
		tx->error = 0;
		if (ring_tx_flush(tx) != -1)
			continue;
		if (used == tx->ring.used + (tx->large_len > 0))
			return -1;
		error = errno;
	}
	if (error)
		tx->error = error;
	return 0;
}

/**
 * @}
 */
