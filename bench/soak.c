// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Uses the processor whenever nobody else wants it, until it is killed, and
 * counts what it got in a file that others map: see idle_ns(). What is left of the
 * time is what the others cost, interrupts included. The count is of instructions:
 * nanoseconds where the clock counts those, as with run-in-vm --icount.
 *	soak FILE
 */
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/mman.h>

#include "common.h"

#define LOOP	1000	/* and an addition and a jump */

int main(int argc, char *argv[])
{
	struct sched_param param = { 0 };
	volatile uint64_t *count;
	int fd;

	if (argc != 2)
		number("", 0, "Usage: soak FILE\n");
	fd = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || ftruncate(fd, sizeof(*count)) == -1)
		fail(argv[1]);
	count = mmap(NULL, sizeof(*count), PROT_READ | PROT_WRITE, MAP_SHARED,
		     fd, 0);
	if (count == MAP_FAILED)
		fail("mmap");
	if (sched_setscheduler(0, SCHED_IDLE, &param) == -1)
		fail("sched_setscheduler");
	for (;;) {
#ifdef __x86_64__
		__asm__ volatile(".rept %c0\n\tnop\n\t.endr" : : "i" (LOOP));
#endif
		*count += LOOP + 2;
	}
}
