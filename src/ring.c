// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings: messages in memory that the program shares with the kernel, and the
 * same calls over recvmsg and sendto where the kernel shares none. Setting,
 * mapping, ending them, and what both directions have in common.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \defgroup mnl_ring Netlink rings
 * A socket may have two rings of frames, shared with the kernel: the kernel
 * puts each message for the socket into a frame of the RX ring, and takes
 * messages from frames of the TX ring. Reading a message is then no system
 * call and no copy.
 *
 * The same calls work without rings (on kernels that have none, or when memory
 * for them is short): they receive with recvmsg(2) and send with sendto(2),
 * and a program needs no second way. mnl_ring_is_mapped() tells which it is.
 *
 * A program opts in with mnl_socket_mmap(), and receives like this:
 *
 * \verbatim
   mnl_socket_mmap(nl);
   rx = mnl_socket_get_ring(nl, MNL_RING_RX);
   while (mnl_ring_wait(rx, -1) > 0)
           if (mnl_ring_cb_run(rx, 0, portid, cb, NULL, 0, NULL) < 0)
                   break;
   \endverbatim
 *
 * The RX ring and the TX ring of a socket may be used by two threads, each by
 * one. After fork(2) only the parent has the mapping; the child must not use
 * the rings.
 *
 * Loss is told, never hidden: mnl_ring_wait() returns -1 with ENOBUFS once
 * after the kernel had to drop messages for the socket.
 * @{
 */

#define RING_BLOCK_SIZE		65536U
#define RING_RX_SIZE		(4U << 20)
#define RING_TX_SIZE		(1U << 20)
#define RING_UNASKED_SIZE	(1U << 20)
#define RING_SPINS		200

/* Frames of a size for one message; with spans, that of most messages: a
 * longer one takes several.
 */
#define RING_FRAME_SIZE		16384U
#define RING_SPAN_FRAME_SIZE	2048U

/* Without a ring a message is received into a buffer of this size: more than
 * the 64 KiB and headers that nfnetlink_queue sends at the most.
 */
#define RING_RECV_SIZE		131072U
#define RING_RECV_SLOTS		64U

/* a system call failed, or a socket error was fetched */
void ring_count_error(struct mnl_ring *ring, int err)
{
	if (err == ENOBUFS && ring->type == MNL_RING_RX)
		ring->stats.overruns++;
}

struct mnl_ring_buffer *ring_buffer(size_t size)
{
	struct mnl_ring_buffer *buf = malloc(sizeof(*buf) + size);

	if (buf != NULL)
		buf->size = size;
	return buf;
}

/*
 * Setup
 */

static struct mnl_rings *rings_get(struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;
	int i;

	if (rings != NULL)
		return rings;
	rings = calloc(1, sizeof(*rings));
	if (rings == NULL)
		return NULL;
	for (i = 0; i < 2; i++) {
		rings->ring[i].nl = nl;
		rings->ring[i].type = i;
	}
	nl->rings = rings;
	return rings;
}

static int ring_option(enum mnl_ring_type type)
{
	return type == MNL_RING_RX ? NETLINK_RX_RING : NETLINK_TX_RING;
}

/* the extensions that the kernel gave; kernels of old do not know the question */
static unsigned int ring_get_flags(const struct mnl_socket *nl,
				   enum mnl_ring_type type)
{
	struct nl_mmap_state state = { .nm_flags = 0 };
	socklen_t len = sizeof(state);

	if (getsockopt(nl->fd, SOL_NETLINK, ring_option(type), &state,
		       &len) == -1 || len < sizeof(state))
		return 0;
	return state.nm_flags;
}

static int ring_set_kernel(struct mnl_ring *ring,
			   const struct nl_mmap_req *req)
{
	int fd = ring->nl->fd, option = ring_option(ring->type);
	struct nl_mmap_req2 req2 = { .req = *req };

	if (ring->type == MNL_RING_RX && req->nm_frame_nr > 0)
		req2.nm_flags = NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL;
	if (setsockopt(fd, SOL_NETLINK, option, &req2, sizeof(req2)) == 0)
		return 0;
	if (errno != ENOPROTOOPT)
		return -1;
	if (ring_attach(fd) == -1) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return setsockopt(fd, SOL_NETLINK, option, &req2, sizeof(req2));
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
 * the kernel knows how (NL_MMAP_F_SPAN in linux/netlink_mmap.h), and no more
 * than half of those that are next to each other.
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
	struct mnl_rings *rings;
	struct mnl_ring *ring;

	if (type != MNL_RING_RX && type != MNL_RING_TX) {
		errno = EINVAL;
		return -1;
	}
	rings = rings_get(nl);
	if (rings == NULL)
		return -1;
	if (rings->ready) {
		errno = EBUSY;
		return -1;
	}
	if (req == NULL)
		req = &none;
	ring = &rings->ring[type];
	if (ring_set_kernel(ring, req) == -1)
		return -1;
	ring->req = *req;
	ring->in_kernel = req->nm_frame_nr > 0;
	ring->flags = ring->in_kernel ? ring_get_flags(nl, type) : 0;
	return 0;
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
	nl->rings->ring[type].req = req;
	return 0;
}

/* small frames only where a message may take several */
static int ring_set_size(struct mnl_socket *nl, enum mnl_ring_type type,
			 unsigned int size)
{
	unsigned int blocks = size / RING_BLOCK_SIZE +
			      !!(size % RING_BLOCK_SIZE);
	const struct mnl_ring *ring = &nl->rings->ring[type];

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
	nl->rings->ring[type].req = ring_req(most / RING_BLOCK_SIZE,
					     RING_FRAME_SIZE);
	return 0;
}

static size_t ring_size(const struct mnl_ring *ring)
{
	if (!ring->in_kernel)
		return 0;
	return (size_t)ring->req.nm_block_size * ring->req.nm_block_nr;
}

static int rings_map(struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;
	size_t rx_size = ring_size(&rings->ring[MNL_RING_RX]);
	size_t len = rx_size + ring_size(&rings->ring[MNL_RING_TX]);
	bool control = rings->ring[MNL_RING_RX].flags & NL_MMAP_F_CONTROL;
	size_t size = len;
	char *map;

	if (size == 0)
		return 0;
	if (control)
		len += sysconf(_SC_PAGESIZE);
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, nl->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	if (!rings->unasked)
		madvise(map, len, MADV_DONTFORK);
	rings->map = map;
	rings->map_len = len;
	if (rings->ring[MNL_RING_RX].in_kernel)
		rings->ring[MNL_RING_RX].mem = map;
	if (rings->ring[MNL_RING_TX].in_kernel)
		rings->ring[MNL_RING_TX].mem = map + rx_size;
	if (control)
		rings->ring[MNL_RING_RX].control = (void *)(map + size);
	return 0;
}

/*
 * A ring that the program does not know of: for reception, and inherited by
 * fork(2), as the socket is. Where there is none the socket stays as it is.
 */
bool mnl_socket_mmap_unasked(struct mnl_socket *nl)
{
	struct mnl_rings *rings = rings_get(nl);

	if (rings == NULL)
		return false;
	rings->unasked = true;
	if (mnl_socket_set_ring(nl, RING_UNASKED_SIZE, 0) == 0 &&
	    rings->ring[MNL_RING_RX].in_kernel && mnl_socket_mmap(nl) == 0)
		return true;
	mnl_socket_munmap(nl);
	return false;
}

static int ring_start(struct mnl_ring *ring)
{
	const struct nl_mmap_req *req = &ring->req;

	if (req->nm_frame_nr == 0)
		return 0;
	ring->per_block = req->nm_block_size / req->nm_frame_size;
	ring->tails = req->nm_block_size % req->nm_frame_size != 0;
	ring->frame_nr = req->nm_frame_nr;
	ring->capacity = req->nm_frame_size - NL_MMAP_HDRLEN;
	if (ring->mem == NULL && ring->type == MNL_RING_RX) {
		ring->capacity = RING_RECV_SIZE;
		if (ring->frame_nr > RING_RECV_SLOTS)
			ring->frame_nr = RING_RECV_SLOTS;
	}
	ring_wakeup_start(ring);
	ring->slots = calloc(ring->frame_nr, sizeof(*ring->slots));
	return ring->slots == NULL ? -1 : 0;
}

/**
 * mnl_socket_mmap - receive and send through rings from now on
 * \param nl socket
 *
 * Maps the rings that were set. If none was, sets both, as
 * mnl_socket_set_ring() does for 4 MiB and 1 MiB, or for less if
 * RLIMIT_MEMLOCK allows less. Rings belong to the socket: mnl_socket_close()
 * ends them.
 *
 * Returns 0, also when the kernel has no rings: mnl_socket_get_ring() and
 * mnl_ring_is_mapped() tell. A second call changes nothing. On error, it
 * returns -1 and errno is set: EBADF and the like for a bad descriptor,
 * ENOMEM.
 */
EXPORT_SYMBOL int mnl_socket_mmap(struct mnl_socket *nl)
{
	struct mnl_rings *rings = rings_get(nl);
	struct mnl_ring *rx, *tx;

	if (rings == NULL)
		return -1;
	if (rings->ready)
		return 0;
	rx = &rings->ring[MNL_RING_RX];
	tx = &rings->ring[MNL_RING_TX];
	if (rx->req.nm_frame_nr == 0 && tx->req.nm_frame_nr == 0 &&
	    (ring_set_default(nl, MNL_RING_RX) == -1 ||
	     ring_set_default(nl, MNL_RING_TX) == -1))
		goto err;
	if (rings_map(nl) == -1 || ring_start(rx) == -1 ||
	    ring_start(tx) == -1)
		goto err;
	rings->ready = true;
	rings->spins = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? RING_SPINS : 0;
	return 0;
err:
	mnl_socket_munmap(nl);
	return -1;
}

static void ring_stop(struct mnl_ring *ring)
{
	static const struct nl_mmap_req none;
	struct mnl_ring_buffer *kept;
	unsigned int i;

	if (ring->slots != NULL)
		for (i = 0; i < ring->frame_nr; i++)
			free(ring->slots[i].buf);
	free(ring->slots);
	while ((kept = ring->kept) != NULL) {
		ring->kept = kept->next;
		free(kept);
	}
	if (ring->in_kernel)
		setsockopt(ring->nl->fd, SOL_NETLINK, ring_option(ring->type),
			   &none, sizeof(none));
}

/**
 * mnl_socket_munmap - end the rings of a socket
 * \param nl socket
 *
 * Unmaps and removes the rings; the socket is a plain one again. Messages in
 * frames and frames not flushed are lost, those in the socket's queue are not.
 * Pointers to rings and messages are invalid from then on.
 *
 * Returns 0. It does not fail, and keeps errno.
 */
EXPORT_SYMBOL int mnl_socket_munmap(struct mnl_socket *nl)
{
	struct mnl_rings *rings = nl->rings;
	int saved = errno;

	if (rings == NULL)
		return 0;
	if (rings->map != NULL)
		munmap(rings->map, rings->map_len);
	ring_stop(&rings->ring[MNL_RING_RX]);
	ring_stop(&rings->ring[MNL_RING_TX]);
	free(rings);
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
	if (type != MNL_RING_RX && type != MNL_RING_TX) {
		errno = EINVAL;
		return NULL;
	}
	if (nl->rings == NULL || !nl->rings->ready ||
	    nl->rings->ring[type].frame_nr == 0) {
		errno = EBADR;
		return NULL;
	}
	return &nl->rings->ring[type];
}

struct mnl_ring *mnl_socket_ring_in_use(const struct mnl_socket *nl,
					enum mnl_ring_type type)
{
	struct mnl_rings *rings = nl->rings;
	struct mnl_ring *ring;

	if (rings == NULL || !rings->ready)
		return NULL;
	ring = &rings->ring[type];
	return ring->mem != NULL || ring->used > 0 ? ring : NULL;
}

/**
 * mnl_ring_is_mapped - does the kernel share this ring?
 * \param ring ring
 *
 * Returns true if so, false if messages go through recvmsg and sendto.
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
