// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages of a plain socket: recvmmsg() puts as many as are expected into
 * buffers that are used again, one each.
 *
 * Idle, a sleep is one recvfrom(). Whether more messages are queued is not known
 * then; the next look assumes that there are none (@assumed), and the next
 * sleep, which is another recvfrom(), returns at once if there are. Under load
 * a reader pauses until a batch is expected, and then takes what is there.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>

#include "ring.h"

#define SOCKET_MOST	32U	/* messages in one call */
#define SOCKET_SINGLES	2U	/* calls with one message: then it is idle */

static int socket_ready(struct ring_rx *rx)
{
	if (rx->error)
		return -1;
	return rx->filled > 0;
}

static unsigned int socket_count(struct ring_rx *rx)
{
	return rx->filled;
}

/* the slot for the message after those that are to come */
static struct ring_slot *next_slot(struct ring_rx *rx, unsigned int offset)
{
	struct ring_slot *slot;

	slot = &rx->slots[ring_index(&rx->ring, rx->ring.head,
				     rx->filled + offset)];
	/* with room for any message of the kernel */
	if (slot->buf == NULL)
		slot->buf = ring_buffer(rx->ring.capacity);
	return slot->buf == NULL ? NULL : slot;
}

static void add_message(struct ring_rx *rx, size_t len, bool truncated)
{
	struct ring_slot *slot = next_slot(rx, 0);

	slot->data = slot->buf->data;
	slot->len = len;
	slot->truncated = truncated;
	rx->filled++;
}

static int receive_one(struct ring_rx *rx, int flags)
{
	struct ring_buffer *buf = next_slot(rx, 0)->buf;
	socklen_t from_len = sizeof(buf->from);
	ssize_t ret;

	ret = recvfrom(rx->ring.rings->fd, buf->data, buf->size,
		       flags | MSG_TRUNC, (struct sockaddr *)&buf->from,
		       &from_len);
	if (ret != -1)
		add_message(rx, ret, (size_t)ret > buf->size);
	return ret == -1 ? -1 : 1;
}

static int receive_many(struct ring_rx *rx, unsigned int nr, int flags)
{
	struct mmsghdr msgs[SOCKET_MOST];
	struct iovec iovs[SOCKET_MOST];
	struct ring_buffer *buf;
	unsigned int i;
	int ret;

	for (i = 0; i < nr; i++) {
		buf = next_slot(rx, i)->buf;
		iovs[i].iov_base = buf->data;
		iovs[i].iov_len = buf->size;
		msgs[i].msg_hdr = (struct msghdr){
			.msg_name	= &buf->from,
			.msg_namelen	= sizeof(buf->from),
			.msg_iov	= &iovs[i],
			.msg_iovlen	= 1,
		};
	}
	ret = recvmmsg(rx->ring.rings->fd, msgs, nr, flags | MSG_WAITFORONE,
		       NULL);
	for (i = 0; ret > 0 && i < (unsigned int)ret; i++)
		add_message(rx, msgs[i].msg_len,
			    msgs[i].msg_hdr.msg_flags & MSG_TRUNC);
	return ret;
}

/* Up to @most messages. 0: there are some; -1 and errno. */
static int fill(struct ring_rx *rx, unsigned int most, int flags)
{
	unsigned int left = rx->ring.frame_nr - rx->ring.used - rx->filled, nr;
	int ret;

	for (nr = 0; nr < most && nr < left; nr++)
		if (next_slot(rx, nr) == NULL)
			break;
	if (nr == 0) {
		errno = left == 0 ? EBUSY : ENOMEM;
		return -1;
	}
	ring_count_calls(&rx->ring, 1);
	ret = nr == 1 ? receive_one(rx, flags) : receive_many(rx, nr, flags);
	if (ret == -1) {
		ring_count_error(&rx->ring, errno);
		return -1;
	}
	rx->drained = rx->assumed = false;
	if (nr > 1) {
		rx->drained = (unsigned int)ret < nr;
		rx->singles = ret == 1 ? rx->singles + 1 : 0;
	}
	return 0;
}

static void trim(struct ring_rx *rx)
{
	while (rx->ring.used > 0 &&
	       rx->slots[rx->ring.tail].entry != RING_MESSAGE)
		ring_give_back(&rx->ring, 1);
}

static struct ring_slot *take(struct ring_rx *rx)
{
	struct ring_slot *slot = &rx->slots[rx->ring.head];
	bool is_message = slot->len > 0 && !slot->truncated;

	rx->filled--;
	slot->entry = is_message ? RING_MESSAGE : RING_HOLE;
	slot->span = 1;
	ring_take(&rx->ring, 1);
	trim(rx);
	if (is_message)
		ring_count(&rx->ring, &rx->ring.stats.by_queue, slot->len);
	return slot;
}

static struct ring_slot *socket_next(struct ring_rx *rx)
{
	struct ring_slot *slot;
	int state, ret;

	if (ring_take_error(rx))
		return NULL;
	do {
		if (rx->filled == 0) {
			if (rx->drained) {
				rx->drained = false;
				errno = EAGAIN;
				return NULL;
			}
			pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
			ret = fill(rx, SOCKET_MOST, MSG_DONTWAIT);
			pthread_setcancelstate(state, NULL);
			if (ret == -1)
				return NULL;
		}
		slot = take(rx);
		if (slot->truncated) {
			errno = ENOSPC;
			return NULL;
		}
	} while (slot->entry != RING_MESSAGE);
	return slot;
}

static void socket_release(struct ring_rx *rx)
{
	ring_give_back(&rx->ring, 1);
	trim(rx);
}

static void socket_keep(struct ring_rx *rx, struct ring_slot *slot)
{
	ring_buffer_keep(rx, slot);
	trim(rx);
}

/* Looks, sleeps, and looks again. */
static int sleep_until(struct ring_rx *rx, unsigned int most, long long now,
		       long long end)
{
	short events = POLLIN;

	if (end < 0 || end > now) {
		if (ring_poll(&rx->ring, &events, end < 0 ? -1 :
							    end - now) == -1)
			return -1;
		if (events == 0)
			return 0;
	}
	if (fill(rx, most, MSG_DONTWAIT) == 0)
		return 1;
	return errno == EAGAIN ? 0 : -1;
}

static int pause_for(struct ring_rx *rx, struct ring_nap nap, long long now,
		     long long end)
{
	long long ns = nap.expected < nap.most ? nap.expected : nap.most;
	short none = 0;

	if (end >= 0 && end - now < ns)
		ns = end - now;
	return ring_poll(&rx->ring, &none, ns);
}

/*
 * Under load: what is queued, or after a pause what arrived in it. 0: neither,
 * the sleep goes on at *now.
 */
static int sleep_for_batch(struct ring_rx *rx, struct ring_nap nap,
			   long long *now, long long end)
{
	int ret = sleep_until(rx, SOCKET_MOST, *now, *now);

	if (ret != 0 || end == *now)
		return ret;
	if (pause_for(rx, nap, *now, end) == -1)
		return -1;
	*now = ring_now();
	ret = sleep_until(rx, SOCKET_MOST, *now, *now);
	ring_pace_woken(&rx->pace, ret == 1, rx->filled < nap.batch);
	return ret;
}

static int socket_sleep(struct ring_rx *rx, struct ring_nap nap, long long now,
			long long end)
{
	bool idle = nap.batch == 1 && rx->singles >= SOCKET_SINGLES;
	unsigned int most = idle ? 1 : SOCKET_MOST;
	int ret = 0;

	if (nap.batch > 1)
		ret = sleep_for_batch(rx, nap, &now, end);
	/* EAGAIN: the socket is non-blocking, or has a timeout of its own */
	if (ret == 0 && end < 0 && fill(rx, most, 0) == 0)
		ret = 1;
	else if (ret == 0 && end < 0 && errno != EAGAIN)
		ret = -1;
	while (ret == 0) {
		ret = sleep_until(rx, most, now, end);
		if (ret == 0 && end >= 0) {
			now = ring_now();
			if (now >= end)
				break;
		}
	}
	if (ret == 1 && idle)
		rx->drained = rx->assumed = true;
	return ret;
}

/* A thread that polls by itself must not rely on what is only assumed. */
static bool socket_arm(struct ring_rx *rx, struct ring_nap nap)
{
	(void)nap;
	if (rx->assumed && fill(rx, SOCKET_MOST, MSG_DONTWAIT) == -1 &&
	    errno != EAGAIN)
		rx->error = errno;
	rx->assumed = false;
	return rx->filled == 0 && rx->error == 0;
}

static void socket_nothing(struct ring_rx *rx)
{
	(void)rx;
}

static void socket_offer(struct ring_rx *rx, size_t room)
{
	(void)rx;
	(void)room;
}

const struct ring_source ring_socket = {
	.ready		= socket_ready,
	.next		= socket_next,
	.release	= socket_release,
	.keep		= socket_keep,
	.offer		= socket_offer,
	.count		= socket_count,
	.sleep		= socket_sleep,
	.arm		= socket_arm,
	.disarm		= socket_nothing,
};
