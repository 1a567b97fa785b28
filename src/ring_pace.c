// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How many messages a sleeping reader is woken for. No clock, no ring: numbers
 * in, numbers out (tests/unit/ring-pace.c simulates traffic).
 *
 * Each wake-up is a switch of context, which costs more than to receive a
 * message. An idle reader is woken for the first message. Under load, which is
 * when several messages are expected within the delay that is allowed, it
 * sleeps for a batch, and no longer than that delay. A batch grows while it is
 * complete in time. When it is not, because all senders wait for an answer to
 * what was delivered, it shrinks to what was there, and does not grow for a
 * while, longer each time.
 */
#include "ring_pace.h"

#define PACE_LOADED	4U	/* messages in the delay */
#define PACE_BACKOFF	256U	/* sleeps */

void ring_pace_set(struct ring_pace *p, unsigned int most, unsigned int delay)
{
	*p = (struct ring_pace){
		.most = most,
		.delay = delay,
		.batch = 1,
		.backoff = 1,
		.slept = p->slept,
		.messages = p->messages,
	};
}

/* for the last sleep it was not complete */
static void shrink(struct ring_pace *p, unsigned int to)
{
	p->batch = to ? to : 1;
	if (p->backoff < PACE_BACKOFF)
		p->backoff *= 2;
	p->hold = p->backoff;
}

static void grow(struct ring_pace *p, unsigned int most)
{
	if (p->grown && p->backoff > 1)
		p->backoff /= 2;
	p->batch = p->batch * 2 < most ? p->batch * 2 : most;
}

/* @now in nanoseconds, @messages received ever */
struct ring_nap ring_pace_sleep(struct ring_pace *p, uint64_t now,
				uint64_t messages)
{
	uint64_t delay = p->delay * 1000ULL, passed = now - p->slept;
	uint64_t received = messages - p->messages, expected;
	bool grows = false;

	expected = received * delay / (passed ? passed : 1);
	if (expected > p->most)
		expected = p->most;
	if (p->late)
		shrink(p, received < expected ? received : expected);
	else if (expected < PACE_LOADED)
		p->batch = 1;
	else if (p->hold > 0)
		p->hold--;
	else
		grows = true;
	if (grows)
		grow(p, expected);
	p->grown = grows;
	p->late = false;
	p->messages = messages;
	p->slept = now;
	return (struct ring_nap){
		.batch = p->batch,
		.most = delay,
		.expected = passed * p->batch / (received ? received : 1),
	};
}

/* @any: there is a message; @late: less than a batch, though time was over */
void ring_pace_woken(struct ring_pace *p, bool any, bool late)
{
	p->late = any && late;
	if (!any)
		p->batch = 1;
}
