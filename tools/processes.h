/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which processes have a socket, as /proc shows it to this user.
 */
#ifndef MNL_RING_PROCESSES_H
#define MNL_RING_PROCESSES_H

#include <stdbool.h>
#include <stdint.h>

struct process {
	uint64_t inode;		/* of the socket */
	unsigned int pid;
	char command[16];	/* without characters that are not printable */
};

struct processes {
	struct process *process;
	unsigned int count;
};

/*
 * The processes that have a socket for which wanted() returns true, by process ID.
 * Those of other users are missing unless /proc shows their descriptors.
 */
struct processes find_processes(bool (*wanted)(const void *data, uint64_t inode),
				const void *data);

#endif
