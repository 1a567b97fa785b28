// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * RX ring: messages are read in the frames where the kernel put them, in any
 * number at once, and given back or kept; without a ring, in buffers.
 *
 * The frames that the program has looked at are a window, from tail to head.
 * A frame that it keeps leaves the window at once and is in SKIP. The kernel
 * passes over it, and so do we when we come there again; the rule for that is
 * in linux/netlink_mmap.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

/*
 * Frames
 */

/* frames from @index that are next to each other in memory */
static unsigned int frames_in_a_row(const struct mnl_ring *ring,
				    unsigned int index)
{
	if (!ring->tails)
		return ring->frame_nr - index;
	return ring->per_block - index % ring->per_block;
}

/* frames of a message of @len bytes at @index, 0 if there is none */
static unsigned int message_span(const struct mnl_ring *ring,
				 unsigned int index, size_t len)
{
	size_t size = ring->req.nm_frame_size, span;

	if (len <= ring->capacity)
		return len > 0;
	if (!(ring->flags & NL_MMAP_F_SPAN))
		return 0;
	span = (NL_MMAP_HDRLEN + len + size - 1) / size;
	return span <= frames_in_a_row(ring, index) ? span : 0;
}

/* the first one last: then all are the kernel's */
static void set_unused(struct mnl_ring *ring, unsigned int index,
		       unsigned int span)
{
	while (span--)
		frame_set_status(ring_frame(ring, index + span),
				 NL_MMAP_STATUS_UNUSED);
}

/*
 * The window
 */

/* what is at the head; the frames are not counted as kept any longer */
static void begin_entry(struct mnl_ring *ring, enum mnl_ring_entry entry,
			unsigned int span, size_t len)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];
	unsigned int i;

	for (i = 1; i < span; i++)
		slot[i].span = slot[i].kept = 0;
	slot->entry = entry;
	slot->span = span;
	slot->kept = 0;
	slot->len = len;
}

static void give_back_oldest(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->tail];

	if (slot->entry == RING_MESSAGE)
		ring->peeked--;
	if (ring->mem != NULL && slot->entry != RING_PASSED) {
		if (slot->buf != NULL) {
			free(slot->buf);
			slot->buf = NULL;
		}
		set_unused(ring, ring->tail, slot->span);
	}
	ring_give_back(ring, slot->span);
}

/* The window begins with a message, or is empty. */
static void trim(struct mnl_ring *ring)
{
	while (ring->used > 0 &&
	       ring->slots[ring->tail].entry != RING_MESSAGE)
		give_back_oldest(ring);
}

/*
 * Kept frames
 */

/*
 * We are at a frame that was kept. The kernel passed over it if a frame behind
 * it is in use, and it still is not on a second look. A free frame that was
 * not kept is one that the kernel cannot have passed over.
 */
static bool was_passed_over(const struct mnl_ring *ring)
{
	unsigned int offset = ring->slots[ring->head].kept;
	const struct mnl_ring_slot *slot;
	unsigned int index, status;

	while (offset < ring->frame_nr - ring->used) {
		index = ring_index(ring, ring->head, offset);
		slot = &ring->slots[index];
		status = frame_status(ring_frame(ring, index));
		if (status == NL_MMAP_STATUS_UNUSED)
			offset++;
		else if (status == NL_MMAP_STATUS_SKIP && slot->kept > 0)
			offset += slot->kept;
		else
			break;
	}
	if (offset >= ring->frame_nr - ring->used)
		return false;
	status = frame_status(ring_frame(ring, ring->head));
	return status == NL_MMAP_STATUS_UNUSED ||
	       status == NL_MMAP_STATUS_SKIP;
}

/* it counts as kept until a message is read there */
static void pass_over(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];

	slot->entry = RING_PASSED;
	slot->span = slot->kept;
	ring_take(ring, slot->span);
	trim(ring);
}

/* Frames without a message go back with those in front of them. */
static void take_hole(struct mnl_ring *ring)
{
	begin_entry(ring, RING_HOLE, 1, 0);
	ring_take(ring, 1);
	trim(ring);
}

/*
 * Is a message at the head? Passes over holes, and over what was kept. Its
 * length is read once: it is in shared memory. *span is 0 when a COPY frame
 * announces it.
 */
static bool find_message(struct mnl_ring *ring, unsigned int *span,
			 size_t *len)
{
	struct nl_mmap_hdr *hdr;

	while (ring->used < ring->frame_nr) {
		hdr = ring_frame(ring, ring->head);
		switch (frame_status(hdr)) {
		case NL_MMAP_STATUS_COPY:
			*span = 0;
			return true;
		case NL_MMAP_STATUS_VALID:
			*len = __atomic_load_n(&hdr->nm_len, __ATOMIC_RELAXED);
			*span = message_span(ring, ring->head, *len);
			if (*span > 0)
				return true;
			take_hole(ring);
			break;
		case NL_MMAP_STATUS_UNUSED:
		case NL_MMAP_STATUS_SKIP:
			if (ring->slots[ring->head].kept == 0 ||
			    !was_passed_over(ring))
				return false;
			pass_over(ring);
			break;
		default:
			return false;
		}
	}
	return false;
}

bool ring_rx_ready(struct mnl_ring *ring)
{
	unsigned int span;
	size_t len;

	return ring->mem != NULL && find_message(ring, &span, &len);
}

/*
 * Looking
 */

/* The message that a COPY frame announces. NULL and EAGAIN: it is gone. */
static struct mnl_ring_buffer *fetch_copy(struct mnl_ring *ring, size_t *len)
{
	const int flags = MSG_DONTWAIT;
	struct mnl_ring_buffer *buf;
	int fd = ring->nl->fd;
	ssize_t ret;

	ring->stats.syscalls += 2;
	ret = recv(fd, NULL, 0, flags | MSG_PEEK | MSG_TRUNC);
	if (ret == -1)
		goto err;
	buf = ring_buffer(ret);
	if (buf == NULL)
		return NULL;
	ret = recv(fd, buf->data, ret, flags);
	if (ret == -1) {
		free(buf);
		goto err;
	}
	*len = ret;
	return buf;
err:
	ring_count_error(ring, errno);
	return NULL;
}

/* EBUSY: the program has all frames, EAGAIN: nothing is there */
static void *nothing(const struct mnl_ring *ring)
{
	errno = ring->used == ring->frame_nr ? EBUSY : EAGAIN;
	return NULL;
}

static void *peek_copy(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];
	size_t len = 0;

	slot->buf = fetch_copy(ring, &len);
	if (slot->buf == NULL && errno != EAGAIN)
		return NULL;
	begin_entry(ring, slot->buf == NULL ? RING_HOLE : RING_MESSAGE, 1,
		    len);
	if (slot->buf == NULL)
		return ring;
	ring_count(ring, &ring->stats.by_copy, len);
	return slot->buf->data;
}

static void begin_message(struct mnl_ring *ring, unsigned int span, size_t len)
{
	begin_entry(ring, RING_MESSAGE, span, len);
	ring_count(ring, &ring->stats.by_ring, len);
}

/* The message at the head; not NULL, too, if what was announced is gone. */
static void *peek_frame(struct mnl_ring *ring)
{
	unsigned int span;
	size_t len;

	if (!find_message(ring, &span, &len))
		return nothing(ring);
	if (span == 0)
		return peek_copy(ring);
	begin_message(ring, span, len);
	return frame_payload(ring_frame(ring, ring->head));
}

/* without a ring: one recvmsg into the slot's own buffer */
static void *peek_socket(struct mnl_ring *ring)
{
	struct mnl_ring_slot *slot = &ring->slots[ring->head];
	struct iovec iov = { .iov_len = ring->capacity };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t ret;

	if (ring->used == ring->frame_nr)
		return nothing(ring);
	if (slot->buf == NULL)
		slot->buf = ring_buffer(ring->capacity);
	if (slot->buf == NULL)
		return NULL;
	iov.iov_base = slot->buf->data;
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
	begin_entry(ring, ret > 0 ? RING_MESSAGE : RING_HOLE, 1, ret);
	if (ret > 0)
		ring_count(ring, &ring->stats.by_queue, ret);
	return slot->buf->data;
}

/**
 * mnl_ring_peek - look at the next message
 * \param ring RX ring
 * \param len receives the bytes of the message: for mnl_cb_run(), as there may
 * be several netlink messages in it
 *
 * Each call returns the message after the one before; as many as there are
 * frames may be looked at until they are given back.
 *
 * Returns the message, which is valid until it is given back with
 * mnl_ring_release() or mnl_ring_release_kept(). Writing to it is allowed and
 * changes nothing for the kernel. On error, it returns NULL and errno is set:
 * EAGAIN no message is ready (mnl_ring_wait()), EBUSY all frames are in use,
 * EINVAL no RX ring, ENOBUFS messages were lost, ENOSPC (only without a ring) a
 * message of more than 128 KiB was dropped, ENOMEM, or what recvmsg(2) said.
 */
EXPORT_SYMBOL struct nlmsghdr *mnl_ring_peek(struct mnl_ring *ring,
					     size_t *len)
{
	struct mnl_ring_slot *slot;
	void *msg;

	if (!ring_is(ring, MNL_RING_RX))
		return NULL;
	for (;;) {
		msg = ring->mem != NULL ? peek_frame(ring) : peek_socket(ring);
		if (msg == NULL)
			return NULL;
		slot = &ring->slots[ring->head];
		ring_take(ring, slot->span);
		if (slot->entry == RING_MESSAGE)
			break;
		trim(ring);
	}
	ring->peeked++;
	*len = slot->len;
	return msg;
}

/**
 * mnl_ring_release - give back the oldest messages
 * \param ring RX ring
 * \param nr number of messages that were looked at and are not kept
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or fewer messages were looked at; then none is given back.
 */
EXPORT_SYMBOL int mnl_ring_release(struct mnl_ring *ring, unsigned int nr)
{
	if (!ring_is(ring, MNL_RING_RX))
		return -1;
	if (nr > ring->peeked) {
		errno = EINVAL;
		return -1;
	}
	while (nr--) {
		give_back_oldest(ring);
		trim(ring);
	}
	return 0;
}

/* raw access: the program has read the frame at the head */
int ring_rx_pass_on(struct mnl_ring *ring)
{
	unsigned int span;
	size_t len;

	if (!find_message(ring, &span, &len)) {
		nothing(ring);
		return -1;
	}
	if (span == 0) {
		ring_count(ring, &ring->stats.by_copy, 0);
		take_hole(ring);
		return 0;
	}
	begin_message(ring, span, len);
	ring_take(ring, span);
	ring->peeked++;
	return mnl_ring_release(ring, 1);
}

/*
 * Keeping
 */

/* the frame that an address is in, frame_nr if in none */
static unsigned int frame_of(const struct mnl_ring *ring, const void *address)
{
	const struct nl_mmap_req *req = &ring->req;
	size_t offset = (uintptr_t)address - (uintptr_t)ring->mem;
	size_t block = offset / req->nm_block_size;
	size_t frame = offset % req->nm_block_size / req->nm_frame_size;

	if (ring->mem == NULL || block >= req->nm_block_nr ||
	    frame >= ring->per_block)
		return ring->frame_nr;
	return block * ring->per_block + frame;
}

static bool is_in_buffer(const struct mnl_ring_buffer *buf, const void *address)
{
	return buf != NULL &&
	       (uintptr_t)address - (uintptr_t)buf->data < buf->size;
}

static struct mnl_ring_slot *find_peeked(struct mnl_ring *ring,
					 const void *address)
{
	unsigned int frame = frame_of(ring, address), offset, index;
	struct mnl_ring_slot *slot;

	for (offset = 0; offset < ring->used; offset += slot->span) {
		index = ring_index(ring, ring->tail, offset);
		slot = &ring->slots[index];
		if (slot->entry == RING_MESSAGE &&
		    (slot->buf != NULL ? is_in_buffer(slot->buf, address) :
		     frame >= index && frame < index + slot->span))
			return slot;
	}
	errno = EINVAL;
	return NULL;
}

static void keep_frames(struct mnl_ring *ring, struct mnl_ring_slot *slot)
{
	slot->kept = slot->span;
	slot->held = true;
	ring->held += slot->span;
	slot->entry = RING_PASSED;
	frame_set_status(ring_frame(ring, slot - ring->slots),
			 NL_MMAP_STATUS_SKIP);
}

static void keep_buffer(struct mnl_ring *ring, struct mnl_ring_slot *slot)
{
	slot->buf->next = ring->kept;
	ring->kept = slot->buf;
	slot->buf = NULL;
	slot->entry = RING_HOLE;
}

/**
 * mnl_ring_keep - keep a message while later ones are given back
 * \param ring RX ring
 * \param nlh a message that was looked at and not given back, or any address
 * in it; in a callback of mnl_ring_cb_run(), the message it was called for
 *
 * The message stays where it is, and is no longer among those that
 * mnl_ring_release() counts. The kernel passes over its frames: a reader that
 * keeps many should have as many more. When all are kept, messages wait in the
 * socket's queue, and mnl_ring_wait() says EBUSY. The search for the message
 * takes time for each older one that is not given back.
 *
 * Returns 0; the message is valid until it is given back with
 * mnl_ring_release_kept(). On error, it returns -1 and errno is set to EINVAL:
 * no RX ring, or no such message.
 */
EXPORT_SYMBOL int mnl_ring_keep(struct mnl_ring *ring,
				const struct nlmsghdr *nlh)
{
	struct mnl_ring_slot *slot;

	if (!ring_is(ring, MNL_RING_RX))
		return -1;
	slot = find_peeked(ring, nlh);
	if (slot == NULL)
		return -1;
	if (slot->buf != NULL)
		keep_buffer(ring, slot);
	else
		keep_frames(ring, slot);
	ring->peeked--;
	trim(ring);
	return 0;
}

static bool release_buffer(struct mnl_ring *ring, const void *address)
{
	struct mnl_ring_buffer **at = &ring->kept, *buf;

	for (; (buf = *at) != NULL; at = &buf->next) {
		if (is_in_buffer(buf, address)) {
			*at = buf->next;
			free(buf);
			return true;
		}
	}
	return false;
}

/* the kernel may have passed over each frame of a long message */
static bool release_frames(struct mnl_ring *ring, const void *address)
{
	unsigned int frame = frame_of(ring, address), first = frame, span, i;
	struct mnl_ring_slot *slot;

	if (frame == ring->frame_nr)
		return false;
	while (first > 0 && ring->slots[first].kept == 0)
		first--;
	slot = &ring->slots[first];
	span = slot->kept;
	if (!slot->held || frame - first >= span)
		return false;
	slot->held = false;
	ring->held -= span;
	for (i = 0; i < span; i++)
		slot[i].kept = 1;
	set_unused(ring, first, span);
	return true;
}

/**
 * mnl_ring_release_kept - give back a message that was kept
 * \param ring RX ring
 * \param nlh message, or any address in it
 *
 * In any order. Without a ring, and for messages that came by COPY, it takes
 * time for each other one that is kept.
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or no message that is kept; then nothing changes.
 */
EXPORT_SYMBOL int mnl_ring_release_kept(struct mnl_ring *ring,
					const struct nlmsghdr *nlh)
{
	if (!ring_is(ring, MNL_RING_RX))
		return -1;
	if (release_frames(ring, nlh) || release_buffer(ring, nlh))
		return 0;
	errno = EINVAL;
	return -1;
}

/**
 * mnl_ring_cb_run - run a callback over all messages that are ready
 * \param ring RX ring
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any
 * \param cb_data called as by mnl_cb_run(); the message it gets is given back
 * when it returns, unless it calls mnl_ring_keep()
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
		/* unless the callback kept it */
		mnl_ring_release(ring, ring->peeked);
	}
	if (done != NULL)
		*done = count;
	return ret;
}

/* what recvmsg(2) would wait, in milliseconds, -1 for ever */
static int receive_timeout(struct mnl_ring *ring)
{
	socklen_t len = sizeof(struct timeval);
	struct timeval tv = { 0 };
	int fd = ring->nl->fd, flags;

	ring->stats.syscalls++;
	flags = fcntl(fd, F_GETFL);
	if (flags != -1 && flags & O_NONBLOCK)
		return 0;
	ring->stats.syscalls++;
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	if (tv.tv_sec == 0 && tv.tv_usec == 0)
		return -1;
	if (tv.tv_sec >= INT_MAX / 1000)
		return INT_MAX;
	return tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
}

/* Until a message can be peeked, for as long as recvmsg(2) would; 0 or -1. */
int ring_wait_as_recvmsg(struct mnl_ring *ring, int flags)
{
	int ret;

	if (ring_rx_ready(ring))
		return 0;
	ret = mnl_ring_wait(ring, flags & MSG_DONTWAIT ? 0 :
				  receive_timeout(ring));
	if (ret == 0)
		errno = EAGAIN;
	return ret == 1 ? 0 : -1;
}

/* mnl_socket_recvfrom() on a socket with an RX ring */
ssize_t mnl_ring_recvfrom(struct mnl_ring *ring, void *buf, size_t size)
{
	struct nlmsghdr *nlh;
	size_t len;

	if (ring->peeked > 0) {
		errno = EBUSY;
		return -1;
	}
	while ((nlh = mnl_ring_peek(ring, &len)) == NULL) {
		if (errno != EAGAIN || ring_wait_as_recvmsg(ring, 0) == -1)
			return -1;
	}
	memcpy(buf, nlh, len < size ? len : size);
	mnl_ring_release(ring, 1);
	if (len > size) {
		errno = ENOSPC;
		return -1;
	}
	return len;
}

/**
 * @}
 */
