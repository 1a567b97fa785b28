/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs here have in common: clocks, and the end of a program.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* nanoseconds */
static inline long long clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

#endif
