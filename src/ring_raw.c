// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Raw access, for programs written for the rings of 2012, which look at frame
 * headers themselves.
 */
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

static bool is_busy(struct mnl_ring *ring)
{
	if (ring->type == MNL_RING_TX)
		return to_tx(ring)->reserved > 0;
	return to_rx(ring)->peeked > 0 || to_rx(ring)->part != NULL;
}

/**
 * mnl_ring_current_frame - header of the next frame
 * \param ring ring
 *
 * RX: the frame whose message comes next. If nm_status is NL_MMAP_STATUS_VALID,
 * nm_len bytes of message follow the header (NL_MMAP_HDRLEN, or NL_MMAP_HDR2LEN
 * with MNL_RING_SENDER), which may be more than a frame has; if it is
 * NL_MMAP_STATUS_COPY, recv(2) on the socket takes the message; else no message
 * is ready. TX: the frame to build the next message in, if it is
 * NL_MMAP_STATUS_UNUSED. The status is to be read with acquire order and never
 * written: mnl_ring_advance() does. Losses are reported by mnl_ring_wait().
 *
 * Returns the header. On error, it returns NULL and errno is set: EOPNOTSUPP
 * the ring is not mapped, EBUSY messages were peeked at and not given back, or
 * a frame is reserved.
 */
EXPORT_SYMBOL struct nl_mmap_hdr *mnl_ring_current_frame(struct mnl_ring *ring)
{
	if (ring->type == MNL_RING_RX)
		ring_get_rx(ring);
	else
		ring_get_tx(ring);
	if (ring->mem == NULL) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	if (is_busy(ring)) {
		errno = EBUSY;
		return NULL;
	}
	if (ring->type == MNL_RING_RX) {
		ring_read_in_place(to_rx(ring));
		ring_frames_find(to_rx(ring));
	}
	return ring_frame(ring, ring->head);
}

/**
 * mnl_ring_advance - hand the current frame to the kernel and go on
 * \param ring ring
 *
 * RX: gives the message, or the COPY frame, back. TX: the program has written a
 * message of nm_len bytes, which mnl_ring_flush() will send.
 *
 * Returns 0. On error, it returns -1 and errno is set as by
 * mnl_ring_current_frame(), or: EAGAIN RX: no message is ready; TX: all frames
 * are in use; EINVAL TX: nm_len is 0; EMSGSIZE TX: nm_len is more than fits.
 */
EXPORT_SYMBOL int mnl_ring_advance(struct mnl_ring *ring)
{
	struct nl_mmap_hdr *hdr = mnl_ring_current_frame(ring);
	int ret;

	if (hdr == NULL)
		return -1;
	if (ring->type == MNL_RING_RX)
		return ring_frames_pass_on(to_rx(ring));
	if (mnl_ring_reserve(ring, ring->capacity) == NULL)
		return -1;
	ret = mnl_ring_commit(ring, hdr->nm_len);
	if (ret == -1)
		mnl_ring_cancel(ring);
	return ret;
}

/**
 * @}
 */
