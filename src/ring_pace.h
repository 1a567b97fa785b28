/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How long a reader sleeps, and for how many messages: see ring_pace.c.
 */
#ifndef LIBMNL_RING_PACE_H
#define LIBMNL_RING_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct ring_pace {
	unsigned int	most;		/* messages, 1: always for the first */
	unsigned int	delay;		/* microseconds */
	unsigned int	batch;		/* messages, now */
	unsigned int	hold;		/* sleeps until it may grow */
	unsigned int	backoff;	/* sleeps to hold after the next failure */
	bool		grown;		/* for the last sleep */
	bool		late;		/* the last batch was not complete */
	uint64_t	slept;		/* nanoseconds, when */
	uint64_t	messages;	/* received until then */
};

/* a sleep: for so many messages, 1: for the first, without a limit */
struct ring_nap {
	unsigned int	batch;
	uint64_t	most;		/* nanoseconds that a message may wait */
	uint64_t	expected;	/* nanoseconds until the batch is there */
};

void ring_pace_set(struct ring_pace *p, unsigned int most, unsigned int delay);
struct ring_nap ring_pace_sleep(struct ring_pace *p, uint64_t now,
				uint64_t messages);
void ring_pace_woken(struct ring_pace *p, bool any, bool late);

#endif
