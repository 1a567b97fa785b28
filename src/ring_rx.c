// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Receiving: messages are read where they are, any number at once, and given
 * back or kept; or they are copied, for mnl_socket_recvfrom().
 */
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

static struct ring_slot *next_message(struct ring_rx *rx)
{
	struct ring_slot *slot = rx->part;

	rx->part = NULL;
	return slot != NULL ? slot : rx->source->next(rx);
}

/**
 * mnl_ring_peek - look at the next message
 * \param ring RX ring
 * \param len receives the bytes of the message: for mnl_cb_run(), as there may
 * be several netlink messages in it
 *
 * Each call returns the message after the one before; as many as there are
 * frames may be looked at until they are given back. Without a ring, the call
 * after the last message that was received with it returns EAGAIN without
 * another look at the socket.
 *
 * Returns the message, which is valid until it is given back with
 * mnl_ring_release() or mnl_ring_release_kept(). Writing to it is allowed and
 * changes nothing for the kernel. On error, it returns NULL and errno is set:
 * EAGAIN no message is ready (mnl_ring_wait()), EBUSY all frames are in use,
 * EINVAL no RX ring, ENOBUFS messages were lost (reported once; reception goes
 * on), ENOSPC (only without a ring) a message of more than 128 KiB was dropped,
 * ENOMEM, or what recvmsg(2) reported.
 */
EXPORT_SYMBOL struct nlmsghdr *mnl_ring_peek(struct mnl_ring *ring,
					     size_t *len)
{
	struct ring_rx *rx = ring_get_rx(ring);
	struct ring_slot *slot;

	if (rx == NULL)
		return NULL;
	ring_read_in_place(rx);
	slot = next_message(rx);
	if (slot == NULL)
		return NULL;
	rx->peeked++;
	*len = slot->len;
	return slot->data;
}

static int release(struct ring_rx *rx, unsigned int nr)
{
	if (nr > rx->peeked) {
		errno = EINVAL;
		return -1;
	}
	for (; nr > 0; nr--) {
		rx->peeked--;
		rx->source->release(rx);
	}
	return 0;
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
	struct ring_rx *rx = ring_get_rx(ring);

	return rx == NULL ? -1 : release(rx, nr);
}

/**
 * mnl_ring_get_ready - messages that are ready
 * \param ring RX ring
 *
 * Looks at frames, or at what the library has received. Makes no system call.
 *
 * Returns the number of messages that mnl_ring_peek() returns without waiting,
 * at the least; 0 for a TX ring.
 */
EXPORT_SYMBOL unsigned int mnl_ring_get_ready(struct mnl_ring *ring)
{
	struct ring_rx *rx;

	if (ring->type != MNL_RING_RX)
		return 0;
	rx = ring_get_rx(ring);
	return (rx->part != NULL) + rx->source->count(rx);
}

/*
 * Keeping
 */

static struct ring_slot *find_peeked(struct ring_rx *rx, const void *address)
{
	struct ring_slot *slot = rx->running;
	unsigned int offset;

	if (slot != NULL && slot->entry == RING_MESSAGE &&
	    is_in(slot->data, slot->len, address))
		return slot;
	for (offset = 0; offset < rx->ring.used; offset += slot->span) {
		slot = &rx->slots[ring_index(&rx->ring, rx->ring.tail, offset)];
		if (slot->entry == RING_MESSAGE && slot != rx->part &&
		    is_in(slot->data, slot->len, address))
			return slot;
	}
	return NULL;
}

/* how often something is kept that has this address, NULL: it is not */
static unsigned int *find_kept(struct ring_rx *rx, const void *address)
{
	struct ring_slot *slot = ring_frames_kept(rx, address);
	struct ring_buffer *buf;

	if (slot != NULL)
		return &slot->refs;
	for (buf = rx->kept; buf != NULL; buf = buf->next)
		if (is_in(buf->data, buf->size, address))
			return &buf->refs;
	return NULL;
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
 * socket's queue, and mnl_ring_wait() reports EBUSY. Several netlink messages
 * may share a frame: it is kept until each of them that was kept is given back.
 * The search for the message takes time for each older one that is not given
 * back.
 *
 * Returns 0; the message is valid until it is given back with
 * mnl_ring_release_kept(). On error, it returns -1 and errno is set to EINVAL:
 * no RX ring, or no such message.
 */
EXPORT_SYMBOL int mnl_ring_keep(struct mnl_ring *ring,
				const struct nlmsghdr *nlh)
{
	struct ring_rx *rx = ring_get_rx(ring);
	struct ring_slot *slot;
	unsigned int *refs;

	if (rx == NULL)
		return -1;
	slot = find_peeked(rx, nlh);
	if (slot != NULL) {
		rx->source->keep(rx, slot);
		rx->peeked--;
		/* not before the callback returns */
		if (slot == rx->running)
			++*find_kept(rx, nlh);
		return 0;
	}
	refs = find_kept(rx, nlh);
	if (refs == NULL) {
		errno = EINVAL;
		return -1;
	}
	++*refs;
	return 0;
}

static void free_kept(struct ring_rx *rx, const void *address)
{
	struct ring_buffer **at = &rx->kept, *buf;

	while (!is_in((*at)->data, (*at)->size, address))
		at = &(*at)->next;
	buf = *at;
	*at = buf->next;
	free(buf);
}

static int release_kept(struct ring_rx *rx, const void *address)
{
	struct ring_slot *slot = ring_frames_kept(rx, address);
	unsigned int *refs = find_kept(rx, address);

	if (refs == NULL) {
		errno = EINVAL;
		return -1;
	}
	if (--*refs > 0)
		return 0;
	if (slot != NULL)
		ring_frames_release_kept(rx, slot);
	else
		free_kept(rx, address);
	return 0;
}

/**
 * mnl_ring_release_kept - give back a message that was kept
 * \param ring RX ring
 * \param nlh message, or any address in it
 *
 * In any order. Without a ring, and for messages longer than half of the ring,
 * it takes time for each other one that is kept.
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or no message that is kept; then nothing changes.
 */
EXPORT_SYMBOL int mnl_ring_release_kept(struct mnl_ring *ring,
					const struct nlmsghdr *nlh)
{
	struct ring_rx *rx = ring_get_rx(ring);

	return rx == NULL ? -1 : release_kept(rx, nlh);
}

/*
 * What is known of a message
 */

static void describe_buffer(struct mnl_ring_info *info,
			    const struct ring_buffer *buf)
{
	unsigned int groups = buf->from.nl_groups;

	info->known = MNL_RING_INFO_GROUP | MNL_RING_INFO_PORTID;
	info->portid = buf->from.nl_pid;
	info->group = groups ? __builtin_ctz(groups) + 1 : 0;
}

static void describe_frame(struct mnl_ring_info *info,
			   const struct mnl_ring *ring, unsigned int index)
{
	const struct nl_mmap_hdr2 *hdr = (void *)ring_frame(ring, index);

	info->known = MNL_RING_INFO_GROUP | MNL_RING_INFO_CREDENTIALS;
	info->group = hdr->hdr.nm_group;
	info->pid = hdr->hdr.nm_pid;
	info->uid = hdr->hdr.nm_uid;
	info->gid = hdr->hdr.nm_gid;
	if (!(ring->flags & NL_MMAP_F_SENDER))
		return;
	info->known |= MNL_RING_INFO_PORTID | MNL_RING_INFO_NSID;
	info->portid = hdr->nm_portid;
	info->nsid = hdr->nm_nsid;
}

static struct mnl_ring_info describe(const struct ring_rx *rx,
				     const struct ring_slot *slot)
{
	struct mnl_ring_info info = { .nsid = -1 };

	if (slot->buf != NULL)
		describe_buffer(&info, slot->buf);
	else
		describe_frame(&info, &rx->ring, slot - rx->slots);
	return info;
}

/**
 * mnl_ring_get_info - where a message comes from
 * \param ring RX ring
 * \param nlh a message that was looked at and not given back, or any address
 * in it
 * \param info receives what is known
 * \param len sizeof(struct mnl_ring_info) as the program knows it
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * no such message, or len is 0.
 */
EXPORT_SYMBOL int mnl_ring_get_info(struct mnl_ring *ring,
				    const struct nlmsghdr *nlh,
				    struct mnl_ring_info *info, size_t len)
{
	struct ring_rx *rx = ring_get_rx(ring);
	struct mnl_ring_info all;
	struct ring_slot *slot;

	if (rx == NULL)
		return -1;
	slot = find_peeked(rx, nlh);
	if (slot == NULL || len == 0) {
		errno = EINVAL;
		return -1;
	}
	all = describe(rx, slot);
	memset(info, 0, len);
	memcpy(info, &all, len < sizeof(all) ? len : sizeof(all));
	return 0;
}

/*
 * Callbacks
 */

/* gives back what the callbacks did not keep */
static void end_run(struct ring_rx *rx, const void *message)
{
	int err = errno;

	rx->running = NULL;
	if (rx->peeked > 0)
		release(rx, rx->peeked);
	else
		release_kept(rx, message);
	errno = err;
}

/**
 * mnl_ring_cb_run2 - run callbacks over all messages that are ready
 * \param ring RX ring
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any (events)
 * \param cb_data called as by mnl_cb_run2(); the message it gets is given back
 * after it returns, unless it calls mnl_ring_keep()
 * \param data passed to the callbacks
 * \param cb_ctl_array callbacks for control messages, by type
 * \param cb_ctl_array_len number of these
 * \param budget the most messages to handle, 0 for as many as there are frames
 * \param done receives the number of messages handled, errors included; may be
 * NULL
 *
 * Does not wait: call mnl_ring_wait() first.
 *
 * Returns as mnl_cb_run2() for the last message, MNL_CB_OK if none was ready.
 * Stops at MNL_CB_STOP and at errors; later messages stay in the ring. On
 * error, it returns -1 and errno is set as by mnl_cb_run2(), which includes the
 * error that an answer of the kernel reports, or by mnl_ring_peek(); EBUSY also
 * if messages were looked at and not given back. The program may go on after
 * any of them.
 */
EXPORT_SYMBOL int mnl_ring_cb_run2(struct mnl_ring *ring, unsigned int seq,
				   unsigned int portid, mnl_cb_t cb_data,
				   void *data, const mnl_cb_t *cb_ctl_array,
				   unsigned int cb_ctl_array_len,
				   unsigned int budget, unsigned int *done)
{
	struct ring_rx *rx = ring_get_rx(ring);
	unsigned int count = 0;
	struct nlmsghdr *nlh;
	int ret = MNL_CB_OK;
	size_t len;

	if (budget == 0)
		budget = ring->frame_nr;
	if (rx != NULL && rx->peeked > 0)
		errno = EBUSY;
	if (rx == NULL || rx->peeked > 0)
		ret = MNL_CB_ERROR;
	while (ret > MNL_CB_STOP && count < budget) {
		nlh = mnl_ring_peek(ring, &len);
		if (nlh == NULL) {
			if (errno != EAGAIN)
				ret = MNL_CB_ERROR;
			break;
		}
		rx->running = find_peeked(rx, nlh);
		ret = mnl_cb_run2(nlh, len, seq, portid, cb_data, data,
				  cb_ctl_array, cb_ctl_array_len);
		end_run(rx, nlh);
		count++;
	}
	if (done != NULL)
		*done = count;
	return ret;
}

/**
 * mnl_ring_cb_run - run a callback over all messages that are ready
 * \param ring RX ring
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any (events)
 * \param cb_data see mnl_ring_cb_run2()
 * \param data passed to the callback
 * \param budget the most messages to handle, 0 for as many as there are frames
 * \param done receives the number of messages handled; may be NULL
 *
 * Returns as mnl_ring_cb_run2() without callbacks for control messages.
 */
EXPORT_SYMBOL int mnl_ring_cb_run(struct mnl_ring *ring, unsigned int seq,
				  unsigned int portid, mnl_cb_t cb_data,
				  void *data, unsigned int budget,
				  unsigned int *done)
{
	return mnl_ring_cb_run2(ring, seq, portid, cb_data, data, NULL, 0,
				budget, done);
}

/*
 * Copying
 */

static void offer_room(struct ring_rx *rx, size_t size)
{
	size_t room = size ? size : 1;

	if (room > rx->longest)
		rx->longest = room;
	if (room == rx->room)
		return;
	rx->room = room;
	rx->source->offer(rx, room);
}

/*
 * Is it a part of a dump that a plain socket would have made shorter? Parts are
 * answers of the kernel to one process; packets and events are not.
 */
static bool is_too_long(const struct ring_rx *rx, const struct ring_slot *slot)
{
	const struct nlmsghdr *nlh = slot->data;
	struct mnl_ring_info info;

	if ((!rx->in_place && rx->ring.heeds_room) ||
	    slot->len <= rx->longest || slot->len < sizeof(*nlh))
		return false;
	info = describe(rx, slot);
	return info.pid == 0 && info.portid == 0 && info.group == 0 &&
	       (nlh->nlmsg_pid || nlh->nlmsg_flags & NLM_F_MULTI);
}

/* bytes of the netlink messages that fit @size; of the first one, if none */
static size_t whole_messages(const struct ring_slot *slot, size_t size)
{
	const struct nlmsghdr *nlh = slot->data;
	int left = slot->len;
	size_t end = 0, next;

	while (mnl_nlmsg_ok(nlh, left)) {
		nlh = mnl_nlmsg_next(nlh, &left);
		next = left > 0 ? slot->len - left : slot->len;
		if (end > 0 && next > size)
			break;
		end = next;
	}
	return end > 0 ? end : slot->len;
}

static ssize_t copy_next(struct ring_rx *rx, void *buf, size_t size)
{
	bool cut = rx->part != NULL;
	struct ring_slot *slot;
	size_t len;

	if (rx->peeked > 0) {
		errno = EBUSY;
		return -1;
	}
	offer_room(rx, size);
	slot = next_message(rx);
	if (slot == NULL)
		return -1;
	len = slot->len;
	if (len > size && (cut || is_too_long(rx, slot)))
		len = whole_messages(slot, size);
	memcpy(buf, slot->data, len < size ? len : size);
	if (len < slot->len) {
		slot->data = (char *)slot->data + len;
		slot->len -= len;
		rx->part = slot;
	} else {
		rx->source->release(rx);
	}
	if (len <= size)
		return len;
	errno = ENOSPC;
	return -1;
}

/* mnl_socket_recvfrom(): by several threads, too */
ssize_t ring_rx_recvfrom(struct ring_rx *rx, void *buf, size_t size)
{
	ssize_t ret;
	int err;

	pthread_testcancel();
	do {
		pthread_mutex_lock(&rx->lock);
		ret = copy_next(rx, buf, size);
		err = errno;
		pthread_mutex_unlock(&rx->lock);
		errno = err;
	} while (ret == -1 && errno == EAGAIN &&
		 ring_wait_as_recvmsg(rx) == 0);
	return ret;
}

/**
 * @}
 */
