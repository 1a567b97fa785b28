// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting for a ring, and how many messages a sleeping reader is woken for.
 *
 * Each wake-up is a switch of context, which costs more than to receive a
 * message. An idle reader is woken for the first message. Under load, which is
 * when messages come so fast that several would come within the delay that is
 * allowed, it asks the kernel (nmc_wakeup) to be woken for a batch, and sleeps
 * no longer than that delay. A batch grows while it comes in time; when it
 * does not, because all senders wait for an answer to what is in the ring, it
 * shrinks to what came, and does not grow for a while, longer each time.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

#define WAKEUP_MOST	32U	/* messages */
#define WAKEUP_DELAY	1000U	/* microseconds */
#define WAKEUP_LOADED	4U	/* messages in that time */
#define WAKEUP_BACKOFF	256U	/* sleeps */

#define NS_PER_US	1000LL
#define NS_PER_MS	1000000LL
#define NS_PER_S	1000000000LL

void ring_wakeup_start(struct mnl_ring *ring)
{
	ring->wakeup = (struct mnl_ring_wakeup){
		.most = WAKEUP_MOST,
		.delay = WAKEUP_DELAY,
		.batch = 1,
		.backoff = 1,
	};
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static bool ring_ready(struct mnl_ring *ring)
{
	return ring->type == MNL_RING_RX ? ring_rx_ready(ring) :
					   ring_tx_ready(ring);
}

static bool ring_spin(struct mnl_ring *ring)
{
	int spins = ring->nl->rings->spins, i;
	long long end = 0;

	if (ring->wakeup.busy_poll > 0)
		end = now_ns() + ring->wakeup.busy_poll * NS_PER_US;
	do {
		for (i = spins > 0 || end > 0 ? spins + 1 : 0; i > 0; i--)
			if (ring_ready(ring))
				return true;
	} while (end > 0 && now_ns() < end);
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

/*
 * One poll() of @ns nanoseconds, -1: for ever. It also has the kernel move
 * queued messages to frames. 1 ready, 0 not, or not yet, -1 and errno.
 */
static int ring_poll(struct mnl_ring *ring, long long ns)
{
	struct timespec ts = {
		.tv_sec = ns / NS_PER_S,
		.tv_nsec = ns % NS_PER_S,
	};
	struct pollfd pfd = {
		.fd	= ring->nl->fd,
		.events	= ring->type == MNL_RING_RX ? POLLIN : POLLOUT,
	};
	int ret;

	ring->stats.syscalls++;
	ret = ppoll(&pfd, 1, ns < 0 ? NULL : &ts, NULL);
	if (ret == -1)
		return -1;
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

/* until something is ready, or the time @end, -1: for ever; it is @now */
static int ring_sleep(struct mnl_ring *ring, long long now, long long end)
{
	int ret;

	for (;;) {
		if (end < 0)
			ret = ring_poll(ring, -1);
		else
			ret = ring_poll(ring, now < end ? end - now : 0);
		if (ret != 0 || (end >= 0 && now >= end))
			return ret;
		now = now_ns();
	}
}

/*
 * Batches
 */

/* How many messages to be woken for, by what came since the last sleep. */
static void choose_batch(struct mnl_ring *ring, long long now)
{
	struct mnl_ring_wakeup *w = &ring->wakeup;
	uint64_t came = ring->stats.messages - w->messages;
	uint64_t passed = now - w->slept, expected;
	bool grown = w->grown, late = w->late;

	w->messages = ring->stats.messages;
	w->slept = now;
	w->grown = false;
	w->late = false;
	expected = came * w->delay * NS_PER_US / (passed ? passed : 1);
	if (expected > w->most)
		expected = w->most;

	if (expected < WAKEUP_LOADED) {
		w->batch = 1;
	} else if (late) {
		w->batch = came < expected ? came : expected;
		if (w->batch == 0)
			w->batch = 1;
		if (w->backoff < WAKEUP_BACKOFF)
			w->backoff *= 2;
		w->hold = w->backoff;
	} else if (w->hold > 0) {
		w->hold--;
	} else {
		if (grown && w->backoff > 1)
			w->backoff /= 2;
		w->batch = w->batch * 2 < expected ? w->batch * 2 : expected;
		w->grown = true;
	}
}

static void set_wakeup(struct mnl_ring *ring, unsigned int messages)
{
	/* the full fence that linux/netlink_mmap.h asks for: written before
	 * poll() looks at the frames
	 */
	__atomic_store_n(&ring->control->nmc_wakeup, messages,
			 __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Sleeps until a batch is there, or some messages and the delay is over: 1; 0
 * if there is nothing still. Outside of this, one message wakes: the program
 * may poll the socket itself.
 */
static int ring_sleep_for_batch(struct mnl_ring *ring, long long now,
				long long end)
{
	struct mnl_ring_wakeup *w = &ring->wakeup;
	long long until = now + w->delay * NS_PER_US;
	int ret;

	if (end >= 0 && end < until)
		until = end;
	set_wakeup(ring, w->batch);
	ret = ring_poll(ring, until - now);
	set_wakeup(ring, 1);
	w->late = ret == 1 && now_ns() >= until;
	return ret;
}

static int ring_wait_for_messages(struct mnl_ring *ring, long long now,
				  long long end)
{
	int ret;

	choose_batch(ring, now);
	if (ring->wakeup.batch > 1) {
		ret = ring_sleep_for_batch(ring, now, end);
		if (ret != 0)
			return ret;
		ring->wakeup.batch = 1;
		now = now_ns();
	}
	return ring_sleep(ring, now, end);
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
 * Asleep, it is woken by the first message, or under load by a batch of them,
 * see mnl_ring_set_wakeup().
 *
 * Returns 1 if mnl_ring_peek() or mnl_ring_reserve() will succeed, 0 if the
 * time is over. On error, it returns -1 and errno is set: ENOBUFS messages
 * were lost (told once, and the ring goes on), EINTR a signal was caught,
 * EBUSY nothing is ready and the program has not given back all it peeked at,
 * or keeps all frames, or has not flushed what it committed; or what poll(2)
 * said.
 */
EXPORT_SYMBOL int mnl_ring_wait(struct mnl_ring *ring, int timeout)
{
	long long now, end;

	if (ring_ready(ring))
		return 1;
	if (ring->used > 0 || ring->held == ring->frame_nr)
		return ring_wait_in_use(ring);
	if (timeout == 0)
		return ring_poll(ring, 0);
	if (ring_spin(ring))
		return 1;
	now = now_ns();
	end = timeout > 0 ? now + timeout * NS_PER_MS : -1;
	if (ring->control != NULL)
		return ring_wait_for_messages(ring, now, end);
	return ring_sleep(ring, now, end);
}

/**
 * mnl_ring_set_wakeup - how many messages a sleeping reader is woken for
 * \param ring RX ring
 * \param messages the most; 1: always for the first one
 * \param delay microseconds that a message may wait for others, 0: none
 *
 * mnl_ring_wait() chooses up to that many by how fast messages come, and waits
 * for more than one only under load: when four or more are expected within the
 * delay. The default is 32 messages and 1000 microseconds. Messages are not
 * held back: who looks at the ring sees them. Without a ring, or on a kernel
 * that does not know NL_MMAP_F_CONTROL, each message wakes.
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or messages is 0.
 */
EXPORT_SYMBOL int mnl_ring_set_wakeup(struct mnl_ring *ring,
				      unsigned int messages,
				      unsigned int delay)
{
	if (!ring_is(ring, MNL_RING_RX))
		return -1;
	if (messages == 0) {
		errno = EINVAL;
		return -1;
	}
	ring->wakeup.most = messages;
	ring->wakeup.delay = delay;
	ring->wakeup.batch = 1;
	return 0;
}

/**
 * mnl_ring_set_busy_poll - look at the ring longer before sleeping
 * \param ring ring
 * \param usec microseconds for which mnl_ring_wait() looks without sleeping
 *
 * The default, 0, is a few looks, and none on a machine of one processor. The
 * time is that of a processor that does nothing else. Without a ring nothing
 * is looked at.
 */
EXPORT_SYMBOL void mnl_ring_set_busy_poll(struct mnl_ring *ring,
					  unsigned int usec)
{
	ring->wakeup.busy_poll = usec;
}

/**
 * @}
 */
