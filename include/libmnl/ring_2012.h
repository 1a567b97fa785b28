/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ring calls of libmnl's branch of 2012, for programs that were written for
 * it: inline functions over the ring calls of libmnl.h. New programs have no
 * use for them.
 *
 * As in 2012, mnl_socket_set_ring() sets both rings and maps them, and the program
 * owns the status of frames: it writes NL_MMAP_STATUS_UNUSED, or nm_len and
 * NL_MMAP_STATUS_VALID, itself. A file that includes this header has no other
 * mnl_socket_set_ring().
 */
#ifndef _LIBMNL_RING_2012_H_
#define _LIBMNL_RING_2012_H_

#include <errno.h>
#include <libmnl/libmnl.h>

#ifdef __cplusplus
extern "C" {
#endif

#define mnl_ring_types		mnl_ring_type
#define mnl_socket_set_ring	mnl_socket_set_ring_2012

/**
 * \ingroup mnl_ring
 * \brief set and map rings, as in 2012 (libmnl/ring_2012.h)
 * \param nl socket
 * \param rx_size not used: the RX ring has 4 MiB in frames of 16 KiB
 * \param tx_size not used: the TX ring has the same
 *
 * Programs call it mnl_socket_set_ring().
 *
 * Returns 0. On error, it returns -1 and errno is what setsockopt(2) or mmap(2)
 * said: ENOPROTOOPT the kernel has no rings. The socket has no rings then.
 */
static inline int mnl_socket_set_ring_2012(struct mnl_socket *nl,
					   unsigned int rx_size,
					   unsigned int tx_size)
{
	struct nl_mmap_req req = { 65536, 64, 16384, 256 }, none = { 0, 0, 0, 0 };

	(void)rx_size;
	(void)tx_size;
	if (mnl_socket_setsockopt(nl, NETLINK_RX_RING, &req, sizeof(req)) == -1)
		return -1;
	if (mnl_socket_setsockopt(nl, NETLINK_TX_RING, &req, sizeof(req)) == -1) {
		int err = errno;

		mnl_socket_setsockopt(nl, NETLINK_RX_RING, &none, sizeof(none));
		errno = err;
		return -1;
	}
	return mnl_socket_mmap2(nl, MNL_RING_RAW);
}

/**
 * \ingroup mnl_ring
 * \brief header of the next frame, as in 2012 (libmnl/ring_2012.h)
 * \param nl socket
 * \param type MNL_RING_RX or MNL_RING_TX
 *
 * Returns the frame, see mnl_ring_current_frame(); NULL and EBADR if
 * mnl_socket_set_ring() did not succeed.
 */
static inline struct nl_mmap_hdr *
mnl_socket_get_frame(struct mnl_socket *nl, enum mnl_ring_types type)
{
	struct mnl_ring *ring = mnl_socket_get_ring(nl, type);

	return ring != NULL ? mnl_ring_current_frame(ring) : NULL;
}

/**
 * \ingroup mnl_ring
 * \brief go on to the next frame, as in 2012 (libmnl/ring_2012.h)
 * \param nl socket
 * \param type MNL_RING_RX or MNL_RING_TX
 */
static inline void mnl_socket_advance_ring(struct mnl_socket *nl,
					   enum mnl_ring_types type)
{
	struct mnl_ring *ring = mnl_socket_get_ring(nl, type);

	if (ring != NULL)
		mnl_ring_advance(ring);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
