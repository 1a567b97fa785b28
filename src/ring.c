// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings: setting them, and what programs ask of both kinds.
 */
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>

#include "ring.h"
#include "ring_shadow.h"

/**
 * \defgroup mnl_ring Netlink rings
 * A socket may have two rings of frames, shared with the kernel: the kernel
 * puts each message for the socket into a frame of the RX ring, and takes
 * messages from frames of the TX ring. Reading a message is then no system
 * call and no copy.
 *
 * The same calls work without rings (on kernels that have none, or when memory
 * for them is short): they receive with recvmmsg(2) and send with sendto(2),
 * and a program needs no second way. mnl_ring_is_mapped() reports which it is.
 *
 * A program opts in with mnl_socket_mmap(), and receives like this:
 *
 * \verbatim
   if (mnl_socket_mmap(nl) == -1)
           err(1, "mnl_socket_mmap");
   rx = mnl_socket_get_ring(nl, MNL_RING_RX);
   for (;;) {
           if (mnl_ring_wait(rx, -1) == -1 && errno != ENOBUFS && errno != EINTR)
                   break;
           if (mnl_ring_cb_run(rx, 0, 0, cb, NULL, 0, NULL) == -1)
                   perror("a request failed, or messages were lost");
   }
   \endverbatim
 *
 * The RX ring and the TX ring of a socket may be used by two threads, each by
 * one; mnl_socket_recvfrom() by any number, as long as none uses the RX ring.
 * After fork(2) a child has no mapping of its parent's rings. It may go on
 * reading in the parent's place, and then maps the RX ring for itself: one of
 * the two reads. Messages that the parent looked at are not the child's.
 *
 * Loss is reported, never hidden: the next call that receives returns -1 with
 * ENOBUFS once after the kernel had to drop messages for the socket.
 * @{
 */

#define RING_BLOCK_SIZE		65536U
#define RING_RX_SIZE		(4U << 20)
#define RING_TX_SIZE		(1U << 20)

/* Frames of a size for one message; with spans, that of most messages: a
 * longer one takes several.
 */
#define RING_FRAME_SIZE		16384U
#define RING_SPAN_FRAME_SIZE	2048U

/*
 * Setup
 */

static struct mnl_rings *rings_get(struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;

	if (rings != NULL)
		return rings;
	/* the kernel has one RX ring for a socket */
	if (nl->shadow != NULL)
		ring_shadow_close(nl->shadow);
	rings = calloc(1, sizeof(*rings));
	if (rings == NULL)
		return NULL;
	rings->fd = nl->fd;
	rings->rx.ring.rings = rings->tx.ring.rings = rings;
	rings->rx.ring.type = MNL_RING_RX;
	rings->tx.ring.type = MNL_RING_TX;
	nl->rings = rings;
	return rings;
}

/* NULL and EINVAL: no such type */
static struct mnl_ring *ring_of(struct mnl_rings *rings,
				enum mnl_ring_type type)
{
	if (type == MNL_RING_RX)
		return &rings->rx.ring;
	if (type == MNL_RING_TX)
		return &rings->tx.ring;
	errno = EINVAL;
	return NULL;
}

/**
 * mnl_socket_set_ring2 - set a ring of exactly this geometry
 * \param nl socket
 * \param type MNL_RING_RX or MNL_RING_TX
 * \param req geometry, see struct nl_mmap_req in linux/netlink.h; NULL removes
 * the ring
 *
 * Messages that are queued already will be in the ring. To be called before
 * mnl_socket_mmap(). A message that is longer than a frame takes several, if
 * the kernel knows how (NL_MMAP_F_SPAN in linux/netlink_mmap.h), no more than
 * half of those that are next to each other and no more than 128.
 *
 * Returns 0. On error, it returns -1 and errno is set: ENOPROTOOPT the kernel
 * has no rings, EBUSY rings are mapped or this one is set, EINVAL type or
 * geometry (block size no multiple of the page size; frame size below
 * NL_MMAP_HDRLEN, no multiple of four, or over the block size; frame_nr not
 * frames per block times block_nr), ENOBUFS over RLIMIT_MEMLOCK, ENOMEM.
 */
EXPORT_SYMBOL int mnl_socket_set_ring2(struct mnl_socket *nl,
				       enum mnl_ring_type type,
				       const struct nl_mmap_req *req)
{
	static const struct nl_mmap_req none;
	struct mnl_rings *rings = rings_get(nl);
	struct mnl_ring *ring;

	if (rings == NULL)
		return -1;
	ring = ring_of(rings, type);
	if (ring == NULL)
		return -1;
	if (rings->ready) {
		errno = EBUSY;
		return -1;
	}
	return ring_set(ring, req != NULL ? req : &none, 0);
}

static struct nl_mmap_req ring_req(unsigned int blocks, unsigned int frame_size)
{
	struct nl_mmap_req req = {
		.nm_block_size	= RING_BLOCK_SIZE,
		.nm_block_nr	= blocks,
		.nm_frame_size	= frame_size,
		.nm_frame_nr	= RING_BLOCK_SIZE / frame_size * blocks,
	};

	return req;
}

/* without rings in the kernel, the geometry is that of the buffers */
static int ring_set_req(struct mnl_socket *nl, enum mnl_ring_type type,
			unsigned int blocks, unsigned int frame_size)
{
	struct nl_mmap_req req = ring_req(blocks, frame_size);

	if (mnl_socket_set_ring2(nl, type, &req) == 0)
		return 0;
	if (errno != ENOPROTOOPT)
		return -1;
	ring_of(nl->rings, type)->req = req;
	return 0;
}

/* small frames only where a message may take several */
static int ring_set_size(struct mnl_socket *nl, enum mnl_ring_type type,
			 unsigned int size)
{
	unsigned int blocks = size / RING_BLOCK_SIZE +
			      !!(size % RING_BLOCK_SIZE);
	const struct mnl_ring *ring = ring_of(nl->rings, type);

	if (type == MNL_RING_TX)
		return ring_set_req(nl, type, blocks, RING_FRAME_SIZE);
	if (ring_set_req(nl, type, blocks, RING_SPAN_FRAME_SIZE) == -1)
		return -1;
	if (!ring->in_kernel || ring->flags & NL_MMAP_F_SPAN)
		return 0;
	mnl_socket_set_ring2(nl, type, NULL);
	return ring_set_req(nl, type, blocks, RING_FRAME_SIZE);
}

/**
 * mnl_socket_set_ring - set rings of these sizes
 * \param nl socket
 * \param rx_size bytes of the RX ring, 0 for none
 * \param tx_size bytes of the TX ring, 0 for none
 *
 * Sizes are rounded up to blocks of 64 KiB. RX frames have 2 KiB, or 16 KiB if
 * the kernel does not know messages of several frames; TX frames have 16 KiB.
 * To be called before mnl_socket_mmap(). On a kernel without rings the sizes
 * are those of the buffers used instead.
 *
 * Returns 0. On error, it returns -1 and errno is set as by
 * mnl_socket_set_ring2(), but for ENOPROTOOPT; if the second ring fails, the
 * first one stays set.
 */
EXPORT_SYMBOL int mnl_socket_set_ring(struct mnl_socket *nl,
				      unsigned int rx_size,
				      unsigned int tx_size)
{
	if (rings_get(nl) == NULL)
		return -1;
	if (rx_size > 0 && ring_set_size(nl, MNL_RING_RX, rx_size) == -1)
		return -1;
	if (tx_size > 0 && ring_set_size(nl, MNL_RING_TX, tx_size) == -1)
		return -1;
	return 0;
}

/* as much as the limits of the user allow, or buffers instead */
static int ring_set_default(struct mnl_socket *nl, enum mnl_ring_type type)
{
	const unsigned int most = type == MNL_RING_RX ? RING_RX_SIZE :
							RING_TX_SIZE;
	unsigned int size;

	for (size = most; size >= RING_BLOCK_SIZE; size /= 2) {
		if (ring_set_size(nl, type, size) == 0)
			return 0;
		if (errno != ENOBUFS && errno != ENOMEM)
			return -1;
	}
	ring_of(nl->rings, type)->req = ring_req(most / RING_BLOCK_SIZE,
						 RING_FRAME_SIZE);
	return 0;
}

static int set_defaults(struct mnl_socket *nl)
{
	const struct mnl_rings *rings = nl->rings;

	if (rings->rx.ring.req.nm_frame_nr || rings->tx.ring.req.nm_frame_nr)
		return 0;
	if (ring_set_default(nl, MNL_RING_RX) == -1)
		return -1;
	return ring_set_default(nl, MNL_RING_TX);
}

/* a kernel that does not know them has a ring without them */
static int ask_for_senders(struct mnl_ring *rx)
{
	static const struct nl_mmap_req none;
	struct nl_mmap_req req = rx->req;

	if (!rx->in_kernel)
		return 0;
	if (ring_set(rx, &none, 0) == -1)
		return -1;
	return ring_set(rx, &req, NL_MMAP_F_SENDER);
}

static int set_rings(struct mnl_socket *nl, unsigned int flags)
{
	struct mnl_rings *rings = nl->rings;
	bool rx, tx;

	if (flags & MNL_RING_RAW) {
		rx = ring_adopt(&rings->rx.ring);
		tx = ring_adopt(&rings->tx.ring);
		rings->raw = rings->rx.in_place = true;
		if (rx || tx)
			return 0;
		errno = EBADR;
		return -1;
	}
	if (set_defaults(nl) == -1)
		return -1;
	return flags & MNL_RING_SENDER ? ask_for_senders(&rings->rx.ring) : 0;
}

/**
 * mnl_socket_mmap2 - receive and send through rings, with flags
 * \param nl socket
 * \param flags 0, MNL_RING_SENDER, or MNL_RING_RAW
 *
 * Maps the rings that were set. If none was, sets both, as
 * mnl_socket_set_ring() does for 4 MiB and 1 MiB, or for less if
 * RLIMIT_MEMLOCK allows less. Rings belong to the socket: mnl_socket_close()
 * ends them.
 *
 * With MNL_RING_SENDER, mnl_ring_get_info() knows the port ID and the network
 * namespace of senders, where the kernel reports them in frames.
 *
 * With MNL_RING_RAW, maps the rings that the program set with
 * mnl_socket_setsockopt(NETLINK_RX_RING, NETLINK_TX_RING), and leaves all
 * frames to the program: mnl_ring_current_frame() and mnl_ring_advance() are
 * the only calls for such rings, and mnl_socket_recvfrom() and
 * mnl_socket_sendto() are recvmsg(2) and sendto(2).
 *
 * Returns 0, also when the kernel has no rings: mnl_socket_get_ring() and
 * mnl_ring_is_mapped() report which it is. A second call changes nothing. On
 * error, it returns -1 and errno is set: EINVAL unknown flags, or both; EBADR
 * MNL_RING_RAW and no ring is set; EBADF and the like for a bad descriptor;
 * ENOMEM.
 */
EXPORT_SYMBOL int mnl_socket_mmap2(struct mnl_socket *nl, unsigned int flags)
{
	struct mnl_rings *rings;

	if (flags && flags != MNL_RING_SENDER && flags != MNL_RING_RAW) {
		errno = EINVAL;
		return -1;
	}
	rings = rings_get(nl);
	if (rings == NULL)
		return -1;
	if (rings->ready)
		return 0;
	if (set_rings(nl, flags) == -1 || rings_start(rings) == -1) {
		mnl_socket_munmap(nl);
		return -1;
	}
	rings->ready = true;
	return 0;
}

/**
 * mnl_socket_mmap - receive and send through rings from now on
 * \param nl socket
 *
 * Returns as mnl_socket_mmap2() without flags.
 */
EXPORT_SYMBOL int mnl_socket_mmap(struct mnl_socket *nl)
{
	return mnl_socket_mmap2(nl, 0);
}

/**
 * mnl_socket_munmap - end the rings of a socket
 * \param nl socket
 *
 * Unmaps and removes the rings; the socket is a plain one again. Messages in
 * frames and frames not flushed are lost, those in the socket's queue are not.
 * In a child the parent's rings stay as they are.
 * Pointers to rings and messages are invalid from then on.
 *
 * Returns 0. It does not fail, and keeps errno.
 */
EXPORT_SYMBOL int mnl_socket_munmap(struct mnl_socket *nl)
{
	int saved = errno;

	if (nl->rings == NULL)
		return 0;
	rings_stop(nl->rings);
	nl->rings = NULL;
	errno = saved;
	return 0;
}

/**
 * mnl_socket_get_ring - a ring of a socket
 * \param nl socket
 * \param type MNL_RING_RX or MNL_RING_TX
 *
 * Returns the ring, which stays the socket's. On error, it returns NULL and
 * errno is set: EINVAL no such type, EBADR mnl_socket_mmap() was not called or
 * there is no such ring.
 */
EXPORT_SYMBOL struct mnl_ring *mnl_socket_get_ring(const struct mnl_socket *nl,
						   enum mnl_ring_type type)
{
	struct mnl_ring *ring = NULL;

	if (type != MNL_RING_RX && type != MNL_RING_TX) {
		errno = EINVAL;
		return NULL;
	}
	if (nl->rings != NULL && nl->rings->ready)
		ring = ring_of(nl->rings, type);
	if (ring == NULL || ring->frame_nr == 0) {
		errno = EBADR;
		return NULL;
	}
	return ring;
}

/*
 * For mnl_socket_recvfrom(): the ring that a plain receive must not pass. The
 * kernel shares it, or the parts of dumps may be longer than a buffer since the
 * program read in place. NULL: there is none.
 */
struct ring_rx *mnl_socket_copy_from(const struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;
	struct ring_rx *rx;

	if (rings == NULL || !rings->ready || rings->raw ||
	    rings->rx.ring.frame_nr == 0)
		return NULL;
	rx = ring_get_rx(&rings->rx.ring);
	return rx->ring.mem != NULL || rx->in_place ? rx : NULL;
}

/* For mnl_socket_sendto(): the ring that has messages that go first. */
struct ring_tx *mnl_socket_send_after(const struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;

	if (rings == NULL || !rings->ready || rings->raw ||
	    rings_are_inherited(rings))
		return NULL;
	ring_expect_queued(rings);
	return rings->tx.ring.frame_nr > 0 ? &rings->tx : NULL;
}

/**
 * mnl_ring_is_mapped - does the kernel share this ring?
 * \param ring ring
 *
 * Returns true if so, false if messages go through recvmmsg(2) and sendto(2).
 */
EXPORT_SYMBOL bool mnl_ring_is_mapped(const struct mnl_ring *ring)
{
	return ring->mem != NULL;
}

/**
 * mnl_ring_get_frame_nr - number of frames
 * \param ring ring
 *
 * Returns the number of messages that may be peeked, or committed, at once;
 * less if messages take several frames.
 */
EXPORT_SYMBOL unsigned int mnl_ring_get_frame_nr(const struct mnl_ring *ring)
{
	return ring->frame_nr;
}

/**
 * mnl_ring_get_frame_size - size of a frame
 * \param ring ring
 *
 * Returns the bytes of a frame as it was set, its header of NL_MMAP_HDRLEN
 * bytes included.
 */
EXPORT_SYMBOL size_t mnl_ring_get_frame_size(const struct mnl_ring *ring)
{
	return ring->req.nm_frame_size;
}

/**
 * mnl_ring_get_stats - counters of a ring
 * \param ring ring
 * \param stats receives the counters since mnl_socket_mmap()
 * \param len sizeof(struct mnl_ring_stats) as the program knows it
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: len is 0.
 */
EXPORT_SYMBOL int mnl_ring_get_stats(const struct mnl_ring *ring,
				     struct mnl_ring_stats *stats, size_t len)
{
	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	memset(stats, 0, len);
	memcpy(stats, &ring->stats,
	       len < sizeof(ring->stats) ? len : sizeof(ring->stats));
	return 0;
}

/**
 * @}
 */
