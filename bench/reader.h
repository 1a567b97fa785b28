/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ways to receive from a netlink socket, one beside the other.
 */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

#define BUFFER_SIZE	4096	/* bytes for a message, where ways need some */

struct reader {
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;		/* NULL: not by ring */
	unsigned int		vector;		/* messages a call takes */
	unsigned int		pace;		/* microseconds before a call */
	uint64_t		syscalls;	/* to receive and to wait */
	void			*data;		/* of the way */
	/* called for each datagram */
	void			(*handle)(struct reader *r, const void *msg,
					  size_t len);
	/* called when nothing is left to handle: what was put off is due */
	void			(*before_wait)(struct reader *r);
};

struct way {
	const char	*name;
	void		(*open)(struct reader *r);
	/* waits for messages and handles them; false: none for half a second */
	bool		(*receive)(struct reader *r);
};

/* by its name, NULL: there is none */
const struct way *way_find(const char *name);

/* all of them, for the usage message */
void way_print_names(void);

#endif
