// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Waiting: in a call of the library, or in the program's own loop.
 */
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/time.h>
#include <libmnl/libmnl.h>

#include "ring.h"

/**
 * \addtogroup mnl_ring
 * @{
 */

/* A part of a message is left when the program copied its beginning. */
static int rx_ready(struct ring_rx *rx)
{
	return rx->part != NULL ? 1 : rx->source->ready(rx);
}

static int spin(struct ring_rx *rx)
{
	long long end = 0;
	int i, ret;

	if (rx->busy_poll > 0)
		end = ring_now() + rx->busy_poll * NS_PER_US;
	do {
		for (i = rx->spins > 0 || end > 0 ? rx->spins + 1 : 0; i; i--) {
			ret = rx_ready(rx);
			if (ret != 0)
				return ret;
		}
	} while (end > 0 && ring_now() < end);
	return 0;
}

/*
 * Several threads may sleep in mnl_socket_recvfrom(): then each message wakes,
 * since the one that is woken for a batch may not read all of it.
 */
static struct ring_nap start_sleep(struct ring_rx *rx, long long now)
{
	struct ring_nap nap = { .batch = 1 };

	pthread_mutex_lock(&rx->lock);
	if (rx->waiters++ == 0)
		nap = ring_pace_sleep(&rx->pace, now, rx->ring.stats.messages);
	pthread_mutex_unlock(&rx->lock);
	return nap;
}

/* also when the thread is cancelled while it sleeps */
static void end_sleep(void *data)
{
	struct ring_rx *rx = data;

	pthread_mutex_lock(&rx->lock);
	rx->waiters--;
	rx->source->disarm(rx);
	pthread_mutex_unlock(&rx->lock);
}

static int sleep_once(struct ring_rx *rx, long long now, long long end)
{
	struct ring_nap nap = start_sleep(rx, now);
	int ret;

	pthread_cleanup_push(end_sleep, rx);
	ret = rx->source->sleep(rx, nap, now, end);
	pthread_cleanup_pop(true);
	return ret;
}

/*
 * poll(2) is interrupted by every signal, recvmsg(2) is not where the handler
 * was installed with SA_RESTART. Which one it was is not known: true if all
 * handlers were.
 */
static bool handlers_restart(void)
{
	struct sigaction sa;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		if (sigaction(sig, NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_DFL && sa.sa_handler != SIG_IGN &&
		    !(sa.sa_flags & SA_RESTART))
			return false;
	return true;
}

static int rx_wait(struct ring_rx *rx, long long now, long long end)
{
	int ret;

	do
		ret = sleep_once(rx, now, end);
	while (ret == -1 && errno == EINTR && end < 0 && handlers_restart());
	return ret;
}

static int rx_wait_ms(struct ring_rx *rx, int timeout)
{
	int ret = rx_ready(rx);
	long long now;

	if (ret == 0 && timeout != 0 && rx->source->is_shared)
		ret = spin(rx);
	if (ret != 0)
		return ret;
	now = ring_now();
	return rx_wait(rx, now, timeout < 0 ? -1 : now + timeout * NS_PER_MS);
}

/* an error that the source found is reported by this call, and no other */
static int report(struct ring_rx *rx, int ret)
{
	if (ret == -1)
		ring_take_error(rx);
	return ret;
}

static int tx_wait(const struct ring_tx *tx)
{
	if (ring_tx_ready(tx))
		return 1;
	errno = EBUSY;
	return -1;
}

/**
 * mnl_ring_wait - wait until there is a message, or a free frame
 * \param ring RX: waits for a message; TX: for a frame to build one in
 * \param timeout milliseconds, 0 to look only, -1 for no limit
 *
 * Looks for a moment before it sleeps, if there is more than one processor.
 * Asleep, it is woken by the first message, or under load by a batch of them,
 * see mnl_ring_set_wakeup(). The program may hold messages: it is woken for
 * further ones.
 *
 * Without a limit, the call is restarted after a signal as recvmsg(2) is, if
 * all of the program's handlers were installed with SA_RESTART. A TX ring never
 * sleeps: mnl_ring_flush() is what frees its frames.
 *
 * Returns 1 if mnl_ring_peek() or mnl_ring_reserve() will succeed, 0 if the
 * time is over. On error, it returns -1 and errno is set: ENOBUFS messages
 * were lost (reported once; reception goes on), EINTR a signal was caught,
 * EBUSY RX: nothing can be received until the program gives messages back, TX:
 * all frames are committed; or what poll(2) or recvmsg(2) reported.
 */
EXPORT_SYMBOL int mnl_ring_wait(struct mnl_ring *ring, int timeout)
{
	struct ring_rx *rx;

	if (ring->type == MNL_RING_TX)
		return tx_wait(ring_get_tx(ring));
	rx = ring_get_rx(ring);
	ring_read_in_place(rx);
	return report(rx, rx_wait_ms(rx, timeout));
}

/* when recvmsg(2) would give up: @now at once, -1 never */
static long long receive_end(struct ring_rx *rx, long long now)
{
	socklen_t len = sizeof(struct timeval);
	struct timeval tv = { 0 };
	int fd = rx->ring.rings->fd;
	long long seconds;
	int flags;

	ring_count_calls(&rx->ring, 2);
	flags = fcntl(fd, F_GETFL);
	if (flags != -1 && flags & O_NONBLOCK)
		return now;
	getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, &len);
	/* as wide as that of 64 bits */
	seconds = tv.tv_sec;
	if ((seconds == 0 && tv.tv_usec == 0) ||
	    seconds >= LLONG_MAX / NS_PER_S / 2)
		return -1;
	return now + seconds * NS_PER_S + tv.tv_usec * NS_PER_US;
}

/*
 * Until a message can be taken, for as long as recvmsg(2) would wait: 0, or -1
 * and errno. Where messages come by recvmsg(), it is what waits.
 */
int ring_wait_as_recvmsg(struct ring_rx *rx)
{
	long long now;
	int ret;

	if (!rx->source->is_shared)
		return recv(rx->ring.rings->fd, NULL, 0,
			    MSG_PEEK | MSG_TRUNC) == -1 ? -1 : 0;
	now = ring_now();
	ret = report(rx, rx_wait(rx, now, receive_end(rx, now)));
	if (ret == 0)
		errno = EAGAIN;
	return ret == 1 ? 0 : -1;
}

/**
 * mnl_ring_arm - before the program sleeps in a loop of its own
 * \param ring RX ring
 *
 * For programs that wait with epoll(7), poll(2), select(2) or io_uring(7), for
 * this socket and for other things. Under load the socket becomes readable when
 * a batch of messages is there, as mnl_ring_wait() is woken for one. The kernel
 * has no timer for it: the program sleeps no longer than this call says. It
 * works with edge-triggered waits: the call reports messages that would cause
 * no further event. With several rings, each is armed, and the shortest time
 * holds. After the sleep, mnl_ring_disarm().
 *
 * Returns the microseconds that the program may sleep at the most, -1: without
 * a limit. 0: it must not sleep, since mnl_ring_peek() returns a message, or
 * reports a loss.
 */
EXPORT_SYMBOL int mnl_ring_arm(struct mnl_ring *ring)
{
	struct ring_rx *rx;
	struct ring_nap nap;

	if (ring->type == MNL_RING_TX)
		return -1;
	rx = ring_get_rx(ring);
	ring_read_in_place(rx);
	if (rx->part != NULL)
		return 0;
	nap = ring_pace_sleep(&rx->pace, ring_now(), rx->ring.stats.messages);
	rx->armed = rx->source->arm(rx, nap);
	if (!rx->armed) {
		rx->source->disarm(rx);
		return 0;
	}
	if (nap.batch == 1 || !rx->source->is_shared || rx->control == NULL)
		return -1;
	return nap.most / NS_PER_US;
}

/**
 * mnl_ring_disarm - after the program slept in a loop of its own
 * \param ring RX ring; if it is not armed, nothing happens
 *
 * The next message makes the socket readable again. To be called before the
 * messages are read, whatever ended the sleep.
 */
EXPORT_SYMBOL void mnl_ring_disarm(struct mnl_ring *ring)
{
	struct ring_rx *rx = to_rx(ring);

	if (ring->type == MNL_RING_TX || !rx->armed)
		return;
	rx->armed = false;
	rx->source->disarm(rx);
	ring_pace_woken(&rx->pace, rx_ready(rx) == 1,
			(uint64_t)ring_now() >= rx->pace.slept +
						rx->pace.delay * NS_PER_US);
}

/**
 * mnl_ring_set_wakeup - how many messages a sleeping reader is woken for
 * \param ring RX ring
 * \param messages the most; 1: always for the first one
 * \param delay microseconds that a message may wait for others, 0: none
 *
 * mnl_ring_wait() and mnl_ring_arm() choose up to that many by how fast messages
 * arrive, and wait for more than one only under load: when four or more are
 * expected within the delay. The default is 32 messages and 1000 microseconds.
 * Messages are not held back: a program that looks at the ring sees them.
 * Without a ring mnl_ring_wait() pauses before it receives a batch, and
 * mnl_ring_arm() does not wait for one; nor does either on a kernel that does
 * not know NL_MMAP_F_CONTROL.
 *
 * Returns 0. On error, it returns -1 and errno is set to EINVAL: no RX ring,
 * or messages is 0.
 */
EXPORT_SYMBOL int mnl_ring_set_wakeup(struct mnl_ring *ring,
				      unsigned int messages,
				      unsigned int delay)
{
	if (ring->type != MNL_RING_RX || messages == 0) {
		errno = EINVAL;
		return -1;
	}
	ring_pace_set(&to_rx(ring)->pace, messages, delay);
	return 0;
}

/**
 * mnl_ring_set_busy_poll - look at the ring longer before sleeping
 * \param ring RX ring; others never sleep
 * \param usec microseconds for which mnl_ring_wait() looks without sleeping
 *
 * The default, 0, is a few looks, and none on a machine of one processor. The
 * time is that of a processor that does nothing else. Without a ring it does
 * nothing.
 */
EXPORT_SYMBOL void mnl_ring_set_busy_poll(struct mnl_ring *ring,
					  unsigned int usec)
{
	if (ring->type == MNL_RING_RX)
		to_rx(ring)->busy_poll = usec;
}

/**
 * @}
 */
