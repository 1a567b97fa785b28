// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How long a reader sleeps, and for how many messages: simulated traffic, exact
 * and without a clock. Messages per wake-up, and how long the slowest one
 * waited, are what a program sees of it.
 */
#include "ring_pace.h"
#include "unit.h"

#define US	1000ULL
#define MS	1000000ULL
#define S	1000000000ULL

struct result {
	unsigned long wakeups;
	unsigned long messages;
	uint64_t latest;	/* the longest wait of a message */
	unsigned int batch;	/* at the end */
};

/* until the reader is woken: the messages at @times, in order, from *next on */
static uint64_t sleep_until(struct ring_nap nap, uint64_t now,
			    const uint64_t *times, unsigned long next,
			    unsigned long nr, bool *any, bool *late)
{
	uint64_t until = now + nap.most, full;

	*late = false;
	*any = true;
	if (nap.batch == 1)
		return times[next] > now ? times[next] : now;
	full = next + nap.batch <= nr ? times[next + nap.batch - 1] : ~0ULL;
	if (full <= until)
		return full > now ? full : now;
	*late = true;
	*any = times[next] <= until;
	return until;
}

/* @cost: of reading a message */
static struct result simulate(struct ring_pace *p, const uint64_t *times,
			      unsigned long nr, uint64_t cost)
{
	struct result r = { 0 };
	unsigned long next = 0;
	uint64_t now = 0, received = 0;
	struct ring_nap nap;
	bool any, late;

	while (next < nr) {
		nap = ring_pace_sleep(p, now, received);
		r.batch = nap.batch;
		now = sleep_until(nap, now, times, next, nr, &any, &late);
		if (nap.batch > 1)
			ring_pace_woken(p, any, late);
		if (!any)
			continue;
		r.wakeups++;
		for (; next < nr && times[next] <= now; next++) {
			if (now - times[next] > r.latest)
				r.latest = now - times[next];
			received++;
			now += cost;
		}
	}
	r.messages = received;
	return r;
}

static struct ring_pace default_pace(void)
{
	struct ring_pace p = { .slept = 0 };

	ring_pace_set(&p, 32, 1000);
	return p;
}

#define NR	100000
static uint64_t times[NR];

/* at equal distances, from a second after the start */
static void steady(uint64_t gap)
{
	unsigned long i;

	for (i = 0; i < NR; i++)
		times[i] = S + i * gap;
}

static void test_trickle(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;

	(void)state;
	steady(10 * MS);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.messages, NR);
	assert_int_equal(r.wakeups, NR);
	assert_int_equal(r.latest, 0);
}

/* three in a delay are no load yet */
static void test_below_load(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;

	(void)state;
	steady(334 * US);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.wakeups, NR);
}

/* 100,000 messages a second: 32 for a wake-up, each within the delay */
static void test_flood(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;

	(void)state;
	steady(10 * US);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.messages, NR);
	assert_in_range(r.wakeups, NR / 40, NR / 30);
	assert_in_range(r.latest, 0, 2 * MS);
	assert_int_equal(r.batch, 32);
}

/* 8,000 a second: as many as the delay allows, and no later */
static void test_load(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;

	(void)state;
	steady(125 * US);
	r = simulate(&p, times, NR, US);
	assert_in_range(r.wakeups, NR / 9, NR / 3);
	assert_in_range(r.latest, 0, 1100 * US);
}

/* a flood ends: the next message does not wait longer than the delay */
static void test_end_of_flood(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;
	unsigned long i;

	(void)state;
	steady(10 * US);
	for (i = NR / 2; i < NR; i++)
		times[i] = times[NR / 2 - 1] + (i - NR / 2 + 1) * 50 * MS;
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.messages, NR);
	assert_in_range(r.latest, 0, 2 * MS);
	assert_int_equal(r.batch, 1);
}

static void test_limits(void **state)
{
	struct ring_pace p = default_pace();
	struct result r;

	(void)state;
	steady(10 * US);
	ring_pace_set(&p, 1, 1000);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.wakeups, NR);
	ring_pace_set(&p, 32, 0);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.batch, 1);
	ring_pace_set(&p, 8, 1000);
	r = simulate(&p, times, NR, US);
	assert_int_equal(r.batch, 8);
}

/*
 * Each message is sent 20 us after the one before was answered: there are never
 * two, and a sleep for more ends by time. It happens in ever fewer sleeps.
 * (Put back: a late sleep is forgotten when few messages are expected after it.
 * Every second one is late then, and a message takes 500 us.)
 */
static void test_answers(void **state)
{
	struct ring_pace p = default_pace();
	uint64_t now = S, received = 0, sent, waited = 0;
	struct ring_nap nap;

	(void)state;
	while (received < NR) {
		nap = ring_pace_sleep(&p, now, received);
		sent = now + 20 * US;
		if (nap.batch > 1) {
			now += nap.most;
			ring_pace_woken(&p, true, true);
		} else {
			now = sent;
		}
		waited += now - sent;
		received++;
	}
	/* alone, the traffic takes 20 us a message: not twice that */
	assert_in_range(waited / NR, 0, 20 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trickle),
		cmocka_unit_test(test_below_load),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_end_of_flood),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
