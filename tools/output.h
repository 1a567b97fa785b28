/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What mnl-ring prints of rings: tables for people, JSON for programs.
 */
#ifndef MNL_RING_OUTPUT_H
#define MNL_RING_OUTPUT_H

#include "processes.h"
#include "rings.h"

struct output {
	bool json;
	bool colour;		/* losses in red */
	bool processes;		/* who has the socket */
};

/* what is true now, of all rings */
void print_rings(const struct output *out, const struct rings *rings);

/*
 * What changed since @before, @seconds ago: in tables per second, in JSON the counts.
 * @before NULL: all since the rings were set.
 */
void print_changes(const struct output *out, const struct rings *rings,
		   const struct rings *before, double seconds);

#endif
