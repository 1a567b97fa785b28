// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages in frames that the kernel shares.
 *
 * The frames that were looked at are a window, from tail to head. A frame that
 * the program keeps is in SKIP: the kernel passes over it, and so do we when we
 * come there again. The rule for that is in linux/netlink_mmap.h.
 */
#include <poll.h>
#include <stdlib.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/*
 * The window
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
	span = (ring->header + len + size - 1) / size;
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

/* what is at the head; the frames do not count as kept any longer */
static struct ring_slot *begin_entry(struct ring_rx *rx, enum ring_entry entry,
				     unsigned int span)
{
	struct ring_slot *slot = &rx->slots[rx->ring.head];
	unsigned int i;

	for (i = 1; i < span; i++)
		slot[i].span = slot[i].kept = 0;
	slot->entry = entry;
	slot->span = span;
	slot->kept = 0;
	ring_take(&rx->ring, span);
	rx->taken += span;
	return slot;
}

static void give_back_oldest(struct ring_rx *rx)
{
	struct ring_slot *slot = &rx->slots[rx->ring.tail];

	if (slot->entry != RING_PASSED) {
		free(slot->buf);
		slot->buf = NULL;
		set_unused(&rx->ring, rx->ring.tail, slot->span);
	}
	ring_give_back(&rx->ring, slot->span);
}

/* The window begins with a message, or is empty. */
static void trim(struct ring_rx *rx)
{
	while (rx->ring.used > 0 &&
	       rx->slots[rx->ring.tail].entry != RING_MESSAGE)
		give_back_oldest(rx);
}

static void frames_release(struct ring_rx *rx)
{
	give_back_oldest(rx);
	trim(rx);
}

/*
 * Finding the next message
 */

/*
 * We are at a frame that was kept. The kernel passed over it if a later frame is
 * in use, and this one still is not on a second look. A free frame that was not
 * kept is one that the kernel cannot have passed over.
 */
static bool was_passed_over(const struct ring_rx *rx)
{
	const struct mnl_ring *ring = &rx->ring;
	unsigned int offset = rx->slots[ring->head].kept;
	const struct ring_slot *slot;
	unsigned int index, status;

	while (offset < ring->frame_nr - ring->used) {
		index = ring_index(ring, ring->head, offset);
		slot = &rx->slots[index];
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
static void pass_over(struct ring_rx *rx)
{
	struct ring_slot *slot = &rx->slots[rx->ring.head];

	slot->entry = RING_PASSED;
	slot->span = slot->kept;
	ring_take(&rx->ring, slot->span);
	trim(rx);
}

/*
 * Is a message at the head? Passes over holes, and over what was kept. Its
 * length is read once: it is in shared memory. *span is 0 when a COPY frame
 * announces it.
 */
static bool find_message(struct ring_rx *rx, unsigned int *span, size_t *len)
{
	struct mnl_ring *ring = &rx->ring;
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
			begin_entry(rx, RING_HOLE, 1);
			trim(rx);
			break;
		case NL_MMAP_STATUS_UNUSED:
		case NL_MMAP_STATUS_SKIP:
			if (rx->slots[ring->head].kept == 0 ||
			    !was_passed_over(rx))
				return false;
			pass_over(rx);
			break;
		default:
			return false;
		}
	}
	return false;
}

static bool has_message(struct ring_rx *rx)
{
	unsigned int span;
	size_t len;

	return find_message(rx, &span, &len);
}

static void fetch_error(struct ring_rx *rx)
{
	if (ring_socket_error(&rx->ring) == -1)
		rx->error = errno;
}

/*
 * A plain socket reports a loss before the messages that it holds, and so do
 * we. There is no error if another reader fetched it, or if the program set
 * NETLINK_NO_ENOBUFS.
 */
static void look_for_loss(struct ring_rx *rx)
{
	uint32_t overruns;

	if (rx->control == NULL)
		return;
	overruns = __atomic_load_n(&rx->control->nmc_overruns,
				   __ATOMIC_ACQUIRE);
	if (overruns == rx->overruns)
		return;
	rx->overruns = overruns;
	ring_expect_queued(rx->ring.rings);
	fetch_error(rx);
}

static int frames_ready(struct ring_rx *rx)
{
	look_for_loss(rx);
	return rx->error ? -1 : has_message(rx);
}

/* The message that a COPY frame announces. NULL and EAGAIN: it is gone. */
static struct ring_buffer *fetch_copy(struct ring_rx *rx, size_t *len)
{
	int fd = rx->ring.rings->fd, state;
	socklen_t from_len = sizeof(struct sockaddr_nl);
	struct ring_buffer *buf = NULL;
	ssize_t ret;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	ring_count_calls(&rx->ring, 2);
	ret = recv(fd, NULL, 0, MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	if (ret != -1)
		buf = ring_buffer(ret);
	if (buf != NULL)
		ret = recvfrom(fd, buf->data, buf->size, MSG_DONTWAIT,
			       (struct sockaddr *)&buf->from, &from_len);
	if (ret == -1) {
		free(buf);
		buf = NULL;
		ring_count_error(&rx->ring, errno);
	}
	pthread_setcancelstate(state, NULL);
	*len = ret;
	return buf;
}

/* false and EAGAIN: what was announced is gone */
static struct ring_slot *next_copy(struct ring_rx *rx)
{
	struct ring_buffer *buf;
	struct ring_slot *slot;
	size_t len;

	buf = fetch_copy(rx, &len);
	ring_expect_queued(rx->ring.rings);
	if (buf == NULL && errno != EAGAIN)
		return NULL;
	slot = begin_entry(rx, buf ? RING_MESSAGE : RING_HOLE, 1);
	slot->buf = buf;
	if (buf == NULL) {
		trim(rx);
		return slot;
	}
	slot->data = buf->data;
	slot->len = len;
	ring_count(&rx->ring, &rx->ring.stats.by_copy, len);
	return slot;
}

/* Parts of a dump wait in the queue for the next poll(), and are answers. */
static void look_for_dump(struct ring_rx *rx, const struct ring_slot *slot)
{
	const struct nlmsghdr *nlh = slot->data;

	if (slot->len >= sizeof(*nlh) &&
	    (nlh->nlmsg_pid || nlh->nlmsg_flags & NLM_F_MULTI))
		ring_expect_queued(rx->ring.rings);
}

static struct ring_slot *frames_next(struct ring_rx *rx)
{
	struct ring_slot *slot;
	unsigned int span;
	size_t len;

	look_for_loss(rx);
	if (ring_take_error(rx))
		return NULL;
	do {
		if (!find_message(rx, &span, &len)) {
			/* EBUSY: the program has all frames */
			errno = rx->ring.used == rx->ring.frame_nr ? EBUSY :
								     EAGAIN;
			return NULL;
		}
		if (span > 0)
			break;
		slot = next_copy(rx);
		if (slot == NULL || slot->entry == RING_MESSAGE)
			return slot;
	} while (true);
	slot = begin_entry(rx, RING_MESSAGE, span);
	slot->data = frame_payload(&rx->ring, ring_frame(&rx->ring,
							 slot - rx->slots));
	slot->len = len;
	look_for_dump(rx, slot);
	ring_count(&rx->ring, &rx->ring.stats.by_ring, len);
	return slot;
}

/* messages from the head on, as far as it is certain where they begin */
static unsigned int frames_count(struct ring_rx *rx)
{
	unsigned int offset = 0, count = 0, index, span, status;
	const struct mnl_ring *ring = &rx->ring;
	struct nl_mmap_hdr *hdr;

	if (!has_message(rx))
		return 0;
	while (offset < ring->frame_nr - ring->used) {
		index = ring_index(ring, ring->head, offset);
		hdr = ring_frame(ring, index);
		status = frame_status(hdr);
		span = message_span(ring, index, hdr->nm_len);
		if (status != NL_MMAP_STATUS_COPY &&
		    (status != NL_MMAP_STATUS_VALID || span == 0))
			break;
		offset += status == NL_MMAP_STATUS_COPY ? 1 : span;
		count++;
	}
	return count;
}

/*
 * Keeping
 */

static void frames_keep(struct ring_rx *rx, struct ring_slot *slot)
{
	if (slot->buf != NULL) {
		ring_buffer_keep(rx, slot);
	} else {
		slot->kept = slot->span;
		slot->refs = 1;
		slot->entry = RING_PASSED;
		rx->skipped += slot->span;
		frame_set_status(ring_frame(&rx->ring, slot - rx->slots),
				 NL_MMAP_STATUS_SKIP);
	}
	trim(rx);
}

/* the frames that are kept, with the message that has this address */
struct ring_slot *ring_frames_kept(struct ring_rx *rx, const void *address)
{
	const struct nl_mmap_req *req = &rx->ring.req;
	size_t offset = (uintptr_t)address - (uintptr_t)rx->ring.mem;
	size_t block, frame;
	struct ring_slot *slot;

	if (rx->ring.mem == NULL)
		return NULL;
	block = offset / req->nm_block_size;
	frame = offset % req->nm_block_size / req->nm_frame_size;
	if (block >= req->nm_block_nr || frame >= rx->ring.per_block)
		return NULL;
	slot = &rx->slots[block * rx->ring.per_block + frame];
	while (slot > rx->slots && slot->kept == 0)
		slot--;
	return slot->refs > 0 && is_in(slot->data, slot->len, address) ? slot :
									 NULL;
}

/* the kernel may have passed over each frame of a long message */
void ring_frames_release_kept(struct ring_rx *rx, struct ring_slot *slot)
{
	unsigned int span = slot->kept, i;

	rx->skipped -= span;
	for (i = 0; i < span; i++)
		slot[i].kept = 1;
	set_unused(&rx->ring, slot - rx->slots, span);
}

/*
 * Sleeping
 */

/*
 * The full fence that linux/netlink_mmap.h asks for: the threshold is written
 * before poll() looks at the frames. Messages that the program holds count.
 */
static void set_wakeup(struct ring_rx *rx, unsigned int messages)
{
	if (rx->control == NULL)
		return;
	__atomic_store_n(&rx->control->nmc_wakeup, messages, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * One poll(). It also has the kernel move queued messages to frames. EBUSY: one
 * does not fit until the program gives something back.
 */
static int frames_poll(struct ring_rx *rx, long long ns)
{
	short events = POLLIN;
	int ready;

	__atomic_store_n(&rx->queued, false, __ATOMIC_RELAXED);
	if (ring_poll(&rx->ring, &events, ns) == -1)
		return -1;
	pthread_mutex_lock(&rx->lock);
	rx->taken = 0;
	if (events & POLLERR)
		fetch_error(rx);
	ready = frames_ready(rx);
	pthread_mutex_unlock(&rx->lock);
	if (ready != 0 || rx->peeked == 0 || !(events & POLLIN))
		return ready;
	errno = EBUSY;
	return -1;
}

/* Would poll() return at once, for what the program holds, again and again? */
static bool never_sleeps(const struct ring_rx *rx)
{
	return rx->skipped == rx->ring.frame_nr ||
	       (rx->peeked > 0 && (rx->control == NULL ||
				   rx->ring.used == rx->ring.frame_nr));
}

static int frames_sleep(struct ring_rx *rx, struct ring_nap nap, long long now,
			long long end)
{
	long long until = end;
	int ret;

	if (never_sleeps(rx)) {
		ret = frames_poll(rx, 0);
		if (ret == 0)
			errno = EBUSY;
		return ret == 1 ? 1 : -1;
	}
	if (rx->control == NULL)
		nap.batch = 1;
	if (nap.batch > 1 && (end < 0 || end > now + (long long)nap.most))
		until = now + nap.most;
	set_wakeup(rx, rx->peeked + nap.batch);
	do {
		ret = frames_poll(rx, until < 0 ? -1 : until > now ?
					  until - now : 0);
		if (ret != 0 && nap.batch == 1)
			return ret;
		if (nap.batch > 1) {
			now = ring_now();
			ring_pace_woken(&rx->pace, ret == 1, now >= until);
			if (ret != 0)
				return ret;
			/* the first message ends the rest of the time */
			nap.batch = 1;
			until = end;
			set_wakeup(rx, rx->peeked + 1);
		} else if (until >= 0) {
			now = ring_now();
		}
	} while (until < 0 || now < until);
	return 0;
}

static void frames_disarm(struct ring_rx *rx)
{
	set_wakeup(rx, 1);
}

/*
 * Messages that are queued move to frames in poll() only. Level-triggered loops
 * poll before they sleep; others do not, and so a poll() is made here if
 * messages may be queued: when the ring may have been full, after a loss, and
 * while a dump may run.
 */
static bool frames_arm(struct ring_rx *rx, struct ring_nap nap)
{
	set_wakeup(rx, rx->peeked + nap.batch);
	if (__atomic_load_n(&rx->queued, __ATOMIC_RELAXED) ||
	    rx->taken >= rx->ring.frame_nr / 2 || never_sleeps(rx))
		return frames_poll(rx, 0) == 0;
	if (frames_ready(rx) != 0)
		return false;
	rx->taken = 0;
	return true;
}

static void frames_offer(struct ring_rx *rx, size_t room)
{
	if (rx->control != NULL)
		__atomic_store_n(&rx->control->nmc_room,
				 room > UINT32_MAX ? UINT32_MAX : room,
				 __ATOMIC_RELAXED);
}

const struct ring_source ring_frames = {
	.ready		= frames_ready,
	.next		= frames_next,
	.release	= frames_release,
	.keep		= frames_keep,
	.offer		= frames_offer,
	.count		= frames_count,
	.sleep		= frames_sleep,
	.arm		= frames_arm,
	.disarm		= frames_disarm,
	.is_shared	= true,
};

/*
 * Children
 */

/*
 * The ring was mapped by another process, too, which may have read messages
 * since: the oldest one is the first that is in use from the kernel's own
 * position on. A kernel that does not report it: where we were at the fork.
 */
void ring_frames_join(struct ring_rx *rx)
{
	struct mnl_ring *ring = &rx->ring;
	unsigned int offset = 0, index, status, span;
	struct nl_mmap_state state;
	struct nl_mmap_hdr *hdr;

	if (ring_get_state(ring, &state) == 0 ||
	    state.nm_head >= ring->frame_nr)
		return;
	for (; offset < ring->frame_nr; offset++) {
		index = ring_index(ring, state.nm_head, offset);
		hdr = ring_frame(ring, index);
		status = frame_status(hdr);
		span = message_span(ring, index, hdr->nm_len);
		if (status == NL_MMAP_STATUS_SKIP)
			offset += span ? span - 1 : 0;
		else if (status != NL_MMAP_STATUS_UNUSED)
			break;
	}
	ring->head = ring_index(ring, state.nm_head, offset % ring->frame_nr);
}
