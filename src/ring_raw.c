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

/**
 * mnl_ring_current_frame - header of the next frame
 * \param ring ring of a socket mapped with MNL_RING_RAW
 *
 * Returns the same frame until mnl_ring_advance() is called, whatever its
 * status. RX: a message of nm_len bytes follows the header (NL_MMAP_HDRLEN) if
 * nm_status is NL_MMAP_STATUS_VALID; recv(2) takes the message if it is
 * NL_MMAP_STATUS_COPY; otherwise no message is ready. TX: a message can be built
 * after the header if nm_status is NL_MMAP_STATUS_UNUSED.
 *
 * The program owns nm_status: it reads it with acquire order, gives an RX frame
 * back by writing NL_MMAP_STATUS_UNUSED, and hands over a TX frame by writing
 * nm_len and then NL_MMAP_STATUS_VALID, with release order. It waits in poll(2),
 * which is also what continues a dump.
 *
 * Returns the header. On error, it returns NULL and errno is set to EOPNOTSUPP:
 * the socket was not mapped with MNL_RING_RAW, or by another process.
 */
EXPORT_SYMBOL struct nl_mmap_hdr *mnl_ring_current_frame(struct mnl_ring *ring)
{
	if (!ring->rings->raw || ring->mem == NULL ||
	    rings_are_inherited(ring->rings)) {
		errno = EOPNOTSUPP;
		return NULL;
	}
	return ring_frame(ring, ring->head);
}

/**
 * mnl_ring_advance - go on to the next frame
 * \param ring ring of a socket mapped with MNL_RING_RAW
 *
 * Changes no status: the program hands the frame over before this call or after
 * it. TX: mnl_socket_sendto(nl, NULL, 0) sends what was handed over.
 *
 * Returns 0. On error, it returns -1 and errno is set as by
 * mnl_ring_current_frame().
 */
EXPORT_SYMBOL int mnl_ring_advance(struct mnl_ring *ring)
{
	if (mnl_ring_current_frame(ring) == NULL)
		return -1;
	ring->head = ring_index(ring, ring->head, 1);
	ring->tail = ring->head;
	return 0;
}

/**
 * @}
 */
