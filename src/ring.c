// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings: messages in memory that the program shares with the kernel, and the
 * same calls over recvmsg and sendto where the kernel shares none.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/genetlink.h>
#include <linux/netlink_mmap.h>
#include <libmnl/libmnl.h>

#include "internal.h"

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
#define RING_FRAME_SIZE		16384U
#define RING_RX_FRAMES		256U	/* 4 MiB */
#define RING_TX_FRAMES		64U	/* 1 MiB */
#define RING_MIN_FRAMES		(RING_BLOCK_SIZE / RING_FRAME_SIZE)
#define RING_SPINS		200

/* Without a ring a message is received into a buffer of this size: more than
 * the 64 KiB and headers that nfnetlink_queue sends at the most.
 */
#define RING_RECV_SIZE		131072U
#define RING_RECV_SLOTS		64U

/* what the library knows of a frame, and the kernel does not see */
struct mnl_ring_slot {
	void	*buf;	/* message that came by recvmsg, or waits for sendto */
	size_t	len;	/* its bytes */
	bool	hole;	/* RX: no message was in the frame */
};

struct mnl_ring {
	const struct mnl_socket	*nl;
	enum mnl_ring_type	type;
	struct nl_mmap_req	req;		/* frame_nr 0: never set */
	bool			in_kernel;	/* the kernel has this ring */
	char			*mem;		/* NULL: not mapped */
	unsigned int		per_block;
	unsigned int		frame_nr;	/* or slots, without a ring */
	size_t			capacity;	/* bytes of the longest message */
	unsigned int		head;		/* next frame to peek or reserve */
	unsigned int		tail;		/* oldest frame in use */
	unsigned int		used;		/* frames from tail to head */
	unsigned int		peeked;		/* RX: of these, messages */
	size_t			reserved;	/* TX: bytes, 0: nothing */
	int			error;		/* TX, not mapped: to be told */
	struct mnl_ring_slot	*slots;
	struct mnl_ring_stats	stats;
};

struct mnl_rings {
	struct mnl_ring	ring[2];
	void		*map;
	size_t		map_len;
	bool		ready;		/* mnl_socket_mmap() was called */
	int		spins;		/* looks before sleeping */
};

/*
 * Frames
 */

static struct nl_mmap_hdr *ring_frame(const struct mnl_ring *ring,
				      unsigned int index)
{
	size_t block = index / ring->per_block;
	size_t frame = index % ring->per_block;

	return (struct nl_mmap_hdr *)(ring->mem +
				      block * ring->req.nm_block_size +
				      frame * ring->req.nm_frame_size);
}

static void *frame_payload(struct nl_mmap_hdr *hdr)
{
	return (char *)hdr + NL_MMAP_HDRLEN;
}

/* Pairs with the kernel's release store: what it wrote before is seen. */
static unsigned int frame_status(const struct nl_mmap_hdr *hdr)
{
	return __atomic_load_n(&hdr->nm_status, __ATOMIC_ACQUIRE);
}

/* Pairs with the kernel's acquire load: it sees what was written before, and
 * writes nothing before we have read the last byte.
 */
static void frame_set_status(struct nl_mmap_hdr *hdr, unsigned int status)
{
	__atomic_store_n(&hdr->nm_status, status, __ATOMIC_RELEASE);
}

static unsigned int ring_next(const struct mnl_ring *ring, unsigned int index)
{
	return index + 1 == ring->frame_nr ? 0 : index + 1;
}

static void ring_take(struct mnl_ring *ring)
{
	ring->head = ring_next(ring, ring->head);
	ring->used++;
}

static void ring_give_back(struct mnl_ring *ring)
{
	ring->tail = ring_next(ring, ring->tail);
	ring->used--;
}

static bool ring_is(const struct mnl_ring *ring, enum mnl_ring_type type)
{
	if (ring->type == type)
		return true;
	errno = EINVAL;
	return false;
}

/*
 * Attaching: the generic netlink family gives a socket the ring options.
 */

static ssize_t genl_talk(struct mnl_socket *nl, struct nlmsghdr *nlh,
			 mnl_cb_t cb, void *data)
{
	char buf[8192];
	ssize_t len;
	int ret;

	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1)
		return -1;
	do {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1)
			return -1;
		ret = mnl_cb_run(buf, len, 0, 0, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret;
}

static struct nlmsghdr *genl_put(void *buf, uint16_t family, uint8_t cmd)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = 1;
	return nlh;
}

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;
	uint16_t *family = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			*family = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* looking the family up loads the module */
static int ring_attach_by(struct mnl_socket *genl, int fd)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh;
	uint16_t family = 0;

	nlh = genl_put(buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME,
			  NETLINK_MMAP_FAMILY_NAME);
	if (genl_talk(genl, nlh, family_cb, &family) == -1)
		return -1;

	nlh = genl_put(buf, family, NETLINK_MMAP_CMD_ATTACH);
	mnl_attr_put_u32(nlh, NETLINK_MMAP_A_ATTACH_FD, fd);
	return genl_talk(genl, nlh, NULL, NULL);
}

static int ring_attach(int fd)
{
	struct mnl_socket *genl;
	int ret;

	genl = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (genl == NULL)
		return -1;
	ret = ring_attach_by(genl, fd);
	mnl_socket_close(genl);
	return ret;
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

static int ring_set_kernel(const struct mnl_socket *nl,
			   enum mnl_ring_type type,
			   const struct nl_mmap_req *req)
{
	int option = ring_option(type);

	if (setsockopt(nl->fd, SOL_NETLINK, option, req, sizeof(*req)) == 0)
		return 0;
	if (errno != ENOPROTOOPT)
		return -1;
	if (ring_attach(nl->fd) == -1) {
		errno = ENOPROTOOPT;
		return -1;
	}
	return setsockopt(nl->fd, SOL_NETLINK, option, req, sizeof(*req));
}

/**
 * mnl_socket_set_ring2 - set a ring of exactly this geometry
 * \param nl socket
 * \param type MNL_RING_RX or MNL_RING_TX
 * \param req geometry, see struct nl_mmap_req in linux/netlink.h; NULL removes
 * the ring
 *
 * Messages that are queued already will be in the ring. To be called before
 * mnl_socket_mmap().
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
	if (ring_set_kernel(nl, type, req) == -1)
		return -1;
	rings->ring[type].req = *req;
	rings->ring[type].in_kernel = req->nm_frame_nr > 0;
	return 0;
}

static struct nl_mmap_req ring_req(unsigned int frames)
{
	struct nl_mmap_req req = {
		.nm_block_size	= RING_BLOCK_SIZE,
		.nm_frame_size	= RING_FRAME_SIZE,
		.nm_block_nr	= (frames + RING_MIN_FRAMES - 1) /
				  RING_MIN_FRAMES,
	};

	req.nm_frame_nr = req.nm_block_nr * RING_MIN_FRAMES;
	return req;
}

/* without rings in the kernel, the geometry is that of the buffers */
static int ring_set_frames(struct mnl_socket *nl, enum mnl_ring_type type,
			   unsigned int frames)
{
	struct nl_mmap_req req = ring_req(frames);

	if (mnl_socket_set_ring2(nl, type, &req) == 0)
		return 0;
	if (errno != ENOPROTOOPT)
		return -1;
	nl->rings->ring[type].req = req;
	return 0;
}

/**
 * mnl_socket_set_ring - set rings of these sizes
 * \param nl socket
 * \param rx_size bytes of the RX ring, 0 for none
 * \param tx_size bytes of the TX ring, 0 for none
 *
 * Sizes are rounded up to blocks of 64 KiB, in which there are frames of 16
 * KiB. To be called before mnl_socket_mmap(). On a kernel without rings the
 * sizes are those of the buffers used instead.
 *
 * Returns 0. On error, it returns -1 and errno is set as by
 * mnl_socket_set_ring2(), but for ENOPROTOOPT; if the second ring fails, the
 * first one stays set.
 */
EXPORT_SYMBOL int mnl_socket_set_ring(struct mnl_socket *nl,
				      unsigned int rx_size,
				      unsigned int tx_size)
{
	unsigned int sizes[] = { rx_size, tx_size };
	unsigned int i, frames;

	if (rings_get(nl) == NULL)
		return -1;
	for (i = 0; i < 2; i++) {
		frames = sizes[i] / RING_FRAME_SIZE +
			 !!(sizes[i] % RING_FRAME_SIZE);
		if (frames > 0 && ring_set_frames(nl, i, frames) == -1)
			return -1;
	}
	return 0;
}

/* as much as the limits of the user allow, or buffers instead */
static int ring_set_default(struct mnl_socket *nl, enum mnl_ring_type type)
{
	const unsigned int most = type == MNL_RING_RX ? RING_RX_FRAMES :
							RING_TX_FRAMES;
	unsigned int frames;

	for (frames = most; frames >= RING_MIN_FRAMES; frames /= 2) {
		if (ring_set_frames(nl, type, frames) == 0)
			return 0;
		if (errno != ENOBUFS && errno != ENOMEM)
			return -1;
	}
	nl->rings->ring[type].req = ring_req(most);
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
	char *map;

	if (len == 0)
		return 0;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, nl->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	madvise(map, len, MADV_DONTFORK);
	rings->map = map;
	rings->map_len = len;
	if (rings->ring[MNL_RING_RX].in_kernel)
		rings->ring[MNL_RING_RX].mem = map;
	if (rings->ring[MNL_RING_TX].in_kernel)
		rings->ring[MNL_RING_TX].mem = map + rx_size;
	return 0;
}

static int ring_start(struct mnl_ring *ring)
{
	const struct nl_mmap_req *req = &ring->req;

	if (req->nm_frame_nr == 0)
		return 0;
	ring->per_block = req->nm_block_size / req->nm_frame_size;
	ring->frame_nr = req->nm_frame_nr;
	ring->capacity = req->nm_frame_size - NL_MMAP_HDRLEN;
	if (ring->mem == NULL && ring->type == MNL_RING_RX) {
		ring->capacity = RING_RECV_SIZE;
		if (ring->frame_nr > RING_RECV_SLOTS)
			ring->frame_nr = RING_RECV_SLOTS;
	}
	ring->slots = calloc(ring->frame_nr, sizeof(*ring->slots));
	return ring->slots == NULL ? -1 : 0;
}

/**
 * mnl_socket_mmap - receive and send through rings from now on
 * \param nl socket
 *
 * Maps the rings that were set. If none was, sets both: RX 256 frames, TX 64
 * frames of 16 KiB, 5 MiB together, or less if RLIMIT_MEMLOCK allows less.
 * Rings belong to the socket: mnl_socket_close() ends them.
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
	unsigned int i;

	if (ring->slots != NULL)
		for (i = 0; i < ring->frame_nr; i++)
			free(ring->slots[i].buf);
	free(ring->slots);
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
 * Returns the number of messages that may be peeked, or committed, at once.
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

static void ring_count(struct mnl_ring *ring, uint64_t *way, size_t len)
{
	ring->stats.messages++;
	ring->stats.bytes += len;
	(*way)++;
}

/* a system call failed, or a socket error was fetched */
static void ring_count_error(struct mnl_ring *ring, int err)
{
	if (err == ENOBUFS && ring->type == MNL_RING_RX)
		ring->stats.overruns++;
}

/*
 * Waiting
 */

static bool ring_ready(const struct mnl_ring *ring)
{
	unsigned int status;

	if (ring->mem == NULL || ring->used == ring->frame_nr)
		return false;
	status = frame_status(ring_frame(ring, ring->head));
	if (ring->type == MNL_RING_TX)
		return status == NL_MMAP_STATUS_UNUSED;
	return status == NL_MMAP_STATUS_VALID || status == NL_MMAP_STATUS_COPY;
}

static bool ring_spin(const struct mnl_ring *ring)
{
	int i;

	for (i = ring->nl->rings->spins; i > 0; i--)
		if (ring_ready(ring))
			return true;
	return false;
}

/* The kernel's error for the socket, fetched and cleared, in errno. */
static int ring_socket_error(struct mnl_ring *ring)
{
	socklen_t len = sizeof(int);
	int err = 0;

	ring->stats.syscalls++;
	if (getsockopt(ring->nl->fd, SOL_SOCKET, SO_ERROR, &err, &len) == -1)
		return -1;
	if (err == 0)
		return 0;
	ring_count_error(ring, err);
	errno = err;
	return -1;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* One poll(), which also has the kernel move queued messages to frames. */
static int ring_poll(struct mnl_ring *ring, int timeout)
{
	struct pollfd pfd = {
		.fd	= ring->nl->fd,
		.events	= ring->type == MNL_RING_RX ? POLLIN : POLLOUT,
	};
	int ret;

	ring->stats.syscalls++;
	ret = poll(&pfd, 1, timeout);
	if (ret <= 0)
		return ret;
	if (pfd.revents & POLLNVAL) {
		errno = EBADF;
		return -1;
	}
	if (pfd.revents & POLLERR && ring_socket_error(ring) == -1)
		return -1;
	if (ring->mem != NULL)
		return ring_ready(ring);
	return pfd.revents & pfd.events && ring->used < ring->frame_nr;
}

static int ring_sleep(struct mnl_ring *ring, int timeout)
{
	long long end = timeout > 0 ? now_ms() + timeout : 0;
	int ret;

	for (;;) {
		ret = ring_poll(ring, timeout);
		if (ret != 0 || timeout == 0)
			return ret;
		if (timeout > 0)
			timeout = end > now_ms() ? end - now_ms() : 0;
	}
}

/* What the program holds could keep it from ever being woken: only a look. */
static int ring_wait_in_use(struct mnl_ring *ring)
{
	int ret = ring_poll(ring, 0);

	if (ret != 0)
		return ret;
	errno = EBUSY;
	return -1;
}

/**
 * mnl_ring_wait - wait until there is a message, or a free frame
 * \param ring RX: waits for a message; TX: for a frame to build one in
 * \param timeout milliseconds, 0 to look only, -1 to wait for ever
 *
 * Looks for a moment before it sleeps, if there is more than one processor.
 *
 * Returns 1 if mnl_ring_peek() or mnl_ring_reserve() will succeed, 0 if the
 * time is over. On error, it returns -1 and errno is set: ENOBUFS messages
 * were lost (told once, and the ring goes on), EINTR a signal was caught,
 * EBUSY nothing is ready and the program has not given back all it peeked at,
 * or not flushed what it committed; or what poll(2) said.
 */
EXPORT_SYMBOL int mnl_ring_wait(struct mnl_ring *ring, int timeout)
{
	if (ring_ready(ring))
		return 1;
	if (ring->used > 0)
		return ring_wait_in_use(ring);
	if (timeout != 0 && ring_spin(ring))
		return 1;
	return ring_sleep(ring, timeout);
}

/*
 * Receiving
 */

/* The message that a COPY frame announces. 1 taken, 0 it is gone, -1 errno. */
static int ring_fetch(struct mnl_ring *ring, struct mnl_ring_slot *slot)
{
	const int flags = MSG_DONTWAIT;
	int fd = ring->nl->fd;
	ssize_t len;
	void *buf;

	ring->stats.syscalls += 2;
	len = recv(fd, NULL, 0, flags | MSG_PEEK | MSG_TRUNC);
	if (len == -1)
		goto err;
	buf = malloc(len ? len : 1);
	if (buf == NULL)
		return -1;
	len = recv(fd, buf, len, flags);
	if (len == -1) {
		free(buf);
		goto err;
	}
	slot->buf = buf;
	slot->len = len;
	return 1;
err:
	ring_count_error(ring, errno);
	return errno == EAGAIN ? 0 : -1;
}

/* The message of the frame at the head; NULL and EAGAIN, or another errno. */
static void *peek_frame(struct mnl_ring *ring, size_t *len)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];
	struct nl_mmap_hdr *hdr = ring_frame(ring, ring->head);
	int ret;

	switch (frame_status(hdr)) {
	case NL_MMAP_STATUS_VALID:
		/* read once: it is in shared memory */
		*len = __atomic_load_n(&hdr->nm_len, __ATOMIC_RELAXED);
		slot->hole = *len == 0 || *len > ring->capacity;
		if (!slot->hole)
			ring_count(ring, &ring->stats.by_ring, *len);
		return frame_payload(hdr);
	case NL_MMAP_STATUS_COPY:
		ret = ring_fetch(ring, slot);
		if (ret == -1)
			return NULL;
		slot->hole = ret == 0;
		*len = slot->len;
		if (!slot->hole)
			ring_count(ring, &ring->stats.by_copy, *len);
		return slot->hole ? hdr : slot->buf;
	default:
		errno = EAGAIN;
		return NULL;
	}
}

/* without a ring: one recvmsg into the slot's own buffer */
static void *peek_socket(struct mnl_ring *ring, size_t *len)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];
	struct iovec iov = { .iov_len = ring->capacity };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t ret;

	if (slot->buf == NULL)
		slot->buf = malloc(ring->capacity);
	if (slot->buf == NULL)
		return NULL;
	iov.iov_base = slot->buf;
	ring->stats.syscalls++;
	ret = recvmsg(ring->nl->fd, &msg, MSG_DONTWAIT);
	if (ret == -1) {
		ring_count_error(ring, errno);
		return NULL;
	}
	if (msg.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return NULL;
	}
	*len = ret;
	slot->hole = ret == 0;
	if (!slot->hole)
		ring_count(ring, &ring->stats.by_queue, ret);
	return slot->buf;
}

static void release_oldest(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->tail];

	if (!slot->hole)
		ring->peeked--;
	slot->hole = false;
	if (ring->mem != NULL) {
		free(slot->buf);
		slot->buf = NULL;
		frame_set_status(ring_frame(ring, ring->tail),
				 NL_MMAP_STATUS_UNUSED);
	}
	ring_give_back(ring);
}

/**
 * mnl_ring_peek - look at the next message
 * \param ring RX ring
 * \param len receives the bytes of the message: for mnl_cb_run(), as there may
 * be several netlink messages in it
 *
 * Each call returns the message after the one before; up to
 * mnl_ring_get_frame_nr() may be looked at until the oldest are given back.
 *
 * Returns the message, which is valid until it is given back with
 * mnl_ring_release(). Writing to it is allowed and changes nothing for the
 * kernel. On error, it returns NULL and errno is set: EAGAIN no message is
 * ready (mnl_ring_wait()), EBUSY all frames are in use, EINVAL no RX ring,
 * ENOBUFS messages were lost, ENOSPC (only without a ring) a message of more
 * than 128 KiB was dropped, ENOMEM, or what recvmsg(2) said.
 */
EXPORT_SYMBOL struct nlmsghdr *mnl_ring_peek(struct mnl_ring *ring,
					     size_t *len)
{
	bool hole;
	void *msg;

	if (!ring_is(ring, MNL_RING_RX))
		return NULL;
	do {
		if (ring->used == ring->frame_nr) {
			errno = EBUSY;
			return NULL;
		}
		msg = ring->mem != NULL ? peek_frame(ring, len) :
					  peek_socket(ring, len);
		if (msg == NULL)
			return NULL;
		hole = ring->slots[ring->head].hole;
		ring_take(ring);
		if (hole && ring->peeked == 0)
			release_oldest(ring);
	} while (hole);
	ring->peeked++;
	return msg;
}

/**
 * mnl_ring_release - give back the oldest messages
 * \param ring RX ring
 * \param nr number of messages that were looked at
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or fewer messages were looked at; then none is given back.
 */
EXPORT_SYMBOL int mnl_ring_release(struct mnl_ring *ring, unsigned int nr)
{
	unsigned int left;

	if (!ring_is(ring, MNL_RING_RX))
		return -1;
	if (nr > ring->peeked) {
		errno = EINVAL;
		return -1;
	}
	left = ring->peeked - nr;
	/* frames without a message go with those in front of them */
	while (ring->used > 0 &&
	       (ring->peeked > left || ring->slots[ring->tail].hole))
		release_oldest(ring);
	return 0;
}

/**
 * mnl_ring_cb_run - run a callback over all messages that are ready
 * \param ring RX ring
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any
 * \param cb_data called as by mnl_cb_run(); the message it gets is given back
 * when it returns
 * \param data passed to the callback
 * \param budget the most messages to handle, 0 for as many as there are frames
 * \param done receives the number of messages handled, errors included; may be
 * NULL
 *
 * Does not wait: call mnl_ring_wait() first.
 *
 * Returns as mnl_cb_run() for the last message, MNL_CB_OK if none was ready.
 * Stops at MNL_CB_STOP and at errors; messages behind stay in the ring. On
 * error, it returns -1 and errno is set as by mnl_cb_run() or mnl_ring_peek();
 * EBUSY also if messages were looked at and not given back.
 */
EXPORT_SYMBOL int mnl_ring_cb_run(struct mnl_ring *ring, unsigned int seq,
				  unsigned int portid, mnl_cb_t cb_data,
				  void *data, unsigned int budget,
				  unsigned int *done)
{
	unsigned int count = 0;
	struct nlmsghdr *nlh;
	int ret = MNL_CB_OK;
	size_t len;

	if (budget == 0)
		budget = ring->frame_nr;
	if (ring->peeked > 0) {
		errno = EBUSY;
		ret = MNL_CB_ERROR;
	}
	while (ret > MNL_CB_STOP && count < budget) {
		nlh = mnl_ring_peek(ring, &len);
		if (nlh == NULL) {
			if (errno != EAGAIN)
				ret = MNL_CB_ERROR;
			break;
		}
		ret = mnl_cb_run(nlh, len, seq, portid, cb_data, data);
		count++;
		mnl_ring_release(ring, 1);
	}
	if (done != NULL)
		*done = count;
	return ret;
}

static bool is_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags != -1 && flags & O_NONBLOCK;
}

/* mnl_socket_recvfrom() on a socket with an RX ring */
ssize_t mnl_ring_recvfrom(struct mnl_ring *ring, void *buf, size_t size)
{
	struct nlmsghdr *nlh;
	size_t len;
	int ret;

	if (ring->peeked > 0) {
		errno = EBUSY;
		return -1;
	}
	while ((nlh = mnl_ring_peek(ring, &len)) == NULL) {
		if (errno != EAGAIN)
			return -1;
		ret = mnl_ring_wait(ring, is_nonblocking(ring->nl->fd) ? 0 :
					  -1);
		if (ret == -1)
			return -1;
		if (ret == 0) {
			errno = EAGAIN;
			return -1;
		}
	}
	memcpy(buf, nlh, len < size ? len : size);
	mnl_ring_release(ring, 1);
	if (len > size) {
		errno = ENOSPC;
		return -1;
	}
	return len;
}

/*
 * Sending
 */

static void *slot_buffer(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];

	if (slot->buf == NULL)
		slot->buf = malloc(ring->capacity);
	return slot->buf;
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
	else if (ring_ready(ring))
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
	ring_take(ring);
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
		ring_give_back(ring);
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
	return sendto(ring->nl->fd, slot->buf, slot->len, 0,
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
		ring_give_back(ring);
		sent += ret;
	}
	if (ring->error == 0 || sent > 0)
		return sent;
	errno = ring->error;
	ring->error = 0;
	ring_give_back(ring);
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
