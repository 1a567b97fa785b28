/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs here have in common: clocks, numbers, and the end of a program.
 */
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>

static inline void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* nanoseconds */
static inline long long clock_ns(clockid_t clock)
{
	struct timespec ts;

	if (clock_gettime(clock, &ts) == -1)
		fail("clock_gettime");
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* Nanoseconds that nobody wanted, as soak counts them in the file SOAK; or 0. */
static inline long long idle_ns(void)
{
	static const volatile uint64_t *count;
	const char *file;
	int fd;

	if (count == NULL && (file = getenv("SOAK")) != NULL) {
		fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd == -1)
			fail(file);
		count = mmap(NULL, sizeof(*count), PROT_READ, MAP_SHARED, fd, 0);
		if (count == MAP_FAILED)
			fail("mmap");
		close(fd);
	}
	return count ? (long long)*count : 0;
}

/* a number of the command line, or the usage and the end */
static inline unsigned long number(const char *text, unsigned long least,
				   const char *usage)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *text == '\0' || *text == '-' || *end != '\0' ||
	    value < least) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	return value;
}

#endif
