// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings: memory that is shared with the kernel, and system calls.
 *
 * A mapping belongs to the process that made it: fork(2) does not pass it on,
 * and a page that the kernel wipes in a child tells that this is one.
 */
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/*
 * Messages outside of frames
 */

struct ring_buffer *ring_buffer(size_t size)
{
	struct ring_buffer *buf = malloc(sizeof(*buf) + size);

	if (buf != NULL)
		buf->size = size;
	return buf;
}

/* the slot has no buffer after this */
void ring_buffer_keep(struct ring_rx *rx, struct ring_slot *slot)
{
	slot->buf->next = rx->kept;
	slot->buf->refs = 1;
	rx->kept = slot->buf;
	slot->buf = NULL;
	slot->entry = RING_HOLE;
}

/*
 * Rings of the kernel
 */

static int ring_option(const struct mnl_ring *ring)
{
	return ring->type == MNL_RING_RX ? NETLINK_RX_RING : NETLINK_TX_RING;
}

/* bytes of @state that the kernel knows, 0: it is one without extensions */
socklen_t ring_get_state(const struct mnl_ring *ring,
			 struct nl_mmap_state *state)
{
	socklen_t len = sizeof(*state);

	*state = (struct nl_mmap_state){ .nm_flags = 0 };
	if (getsockopt(ring->rings->fd, SOL_NETLINK, ring_option(ring), state,
		       &len) == -1)
		return 0;
	return len;
}

static int set_option(const struct mnl_ring *ring,
		      const struct nl_mmap_req2 *req)
{
	return ring_setsockopt(ring->rings->fd, ring_option(ring), req,
			       req->nm_flags ? sizeof(*req) :
					       sizeof(req->req));
}

/* @flags that the kernel does not know are left out */
int ring_set(struct mnl_ring *ring, const struct nl_mmap_req *req,
	     unsigned int flags)
{
	struct nl_mmap_req2 req2 = { .req = *req };
	struct nl_mmap_state state;
	int ret;

	if (ring->type == MNL_RING_RX && req->nm_frame_nr > 0)
		req2.nm_flags = NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL | flags;
	ret = set_option(ring, &req2);
	if (ret == -1 && errno == EINVAL && flags) {
		req2.nm_flags &= ~flags;
		ret = set_option(ring, &req2);
	}
	if (ret == -1)
		return -1;
	ring->req = *req;
	ring->in_kernel = req->nm_frame_nr > 0;
	ring->heeds_room = ring_get_state(ring, &state) >= sizeof(state);
	ring->flags = ring->in_kernel ? state.nm_flags : 0;
	return 0;
}

/* the ring that the program set by itself: false if there is none */
bool ring_adopt(struct mnl_ring *ring)
{
	struct nl_mmap_state state;

	if (ring_get_state(ring, &state) == 0)
		return false;
	ring->req = state.req;
	ring->in_kernel = state.req.nm_frame_nr > 0;
	ring->flags = state.nm_flags;
	return ring->in_kernel;
}

void ring_remove(struct mnl_ring *ring)
{
	static const struct nl_mmap_req none;

	if (ring->in_kernel)
		setsockopt(ring->rings->fd, SOL_NETLINK, ring_option(ring),
			   &none, sizeof(none));
}

/*
 * Mapping
 */

static size_t ring_size(const struct mnl_ring *ring)
{
	if (!ring->in_kernel)
		return 0;
	return (size_t)ring->req.nm_block_size * ring->req.nm_block_nr;
}

static bool set_guard(struct mnl_rings *rings)
{
	size_t page = sysconf(_SC_PAGESIZE);

	if (rings->guard == NULL) {
		rings->guard = mmap(NULL, page, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (rings->guard == MAP_FAILED) {
			rings->guard = NULL;
			return false;
		}
	}
	*rings->guard = 1;
	return madvise(rings->guard, page, MADV_WIPEONFORK) == 0;
}

/* Did fork(2) bring the rings, and nobody mapped them in this process? */
bool rings_are_inherited(struct mnl_rings *rings)
{
	return rings->guard != NULL && *rings->guard == 0;
}

int rings_map(struct mnl_rings *rings)
{
	struct mnl_ring *rx = &rings->rx.ring, *tx = &rings->tx.ring;
	size_t size = ring_size(rx) + ring_size(tx), len = size;
	bool control = rx->flags & NL_MMAP_F_CONTROL;
	char *map;

	if (size == 0)
		return 0;
	if (control)
		len += sysconf(_SC_PAGESIZE);
	if (!set_guard(rings))
		return -1;
	map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, rings->fd, 0);
	if (map == MAP_FAILED)
		return -1;
	madvise(map, len, MADV_DONTFORK);
	rings->map = map;
	rings->map_len = len;
	if (rx->in_kernel)
		rx->mem = map;
	if (tx->in_kernel)
		tx->mem = map + ring_size(rx);
	if (control)
		rings->rx.control = (void *)(map + size);
	return 0;
}

/* not in a child: what is there now is not the mapping */
void rings_unmap(struct mnl_rings *rings)
{
	if (rings->map != NULL && !rings_are_inherited(rings))
		munmap(rings->map, rings->map_len);
	rings->map = NULL;
	if (rings->guard != NULL)
		munmap(rings->guard, sysconf(_SC_PAGESIZE));
	rings->guard = NULL;
}

/*
 * System calls
 */

long long ring_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* a system call failed, or a socket error was fetched */
void ring_count_error(struct mnl_ring *ring, int err)
{
	if (err == ENOBUFS && ring->type == MNL_RING_RX)
		ring->stats.overruns++;
}

/* The kernel's error for the socket, fetched and cleared, in errno: -1. */
int ring_socket_error(struct mnl_ring *ring)
{
	socklen_t len = sizeof(int);
	int err = 0;

	ring_count_calls(ring, 1);
	if (getsockopt(ring->rings->fd, SOL_SOCKET, SO_ERROR, &err,
		       &len) == -1)
		return -1;
	if (err == 0)
		return 0;
	ring_count_error(ring, err);
	errno = err;
	return -1;
}

/* Sleeps @ns nanoseconds, -1: no limit, or until *@events. */
int ring_poll(struct mnl_ring *ring, short *events, long long ns)
{
	struct timespec ts = {
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};
	struct pollfd pfd = { .fd = ring->rings->fd, .events = *events };
	int ret;

	ring_count_calls(ring, 1);
	ret = ppoll(&pfd, *events != 0, ns < 0 ? NULL : &ts, NULL);
	*events = pfd.revents;
	if (ret > 0 && pfd.revents & POLLNVAL) {
		errno = EBADF;
		return -1;
	}
	return ret;
}
