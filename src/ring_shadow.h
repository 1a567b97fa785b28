/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shadow rings, for programs that did not ask for a ring: see ring_shadow.c.
 */
#ifndef LIBMNL_RING_SHADOW_H
#define LIBMNL_RING_SHADOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct shadow_map;

/* a descriptor, while it is open; any thread, and signal handlers, may use it */
struct ring_shadow {
	int			fd;
	bool			open;
	bool			busy;		/* a ring is set, or removed */
	bool			never;		/* none for this socket */
	pid_t			pid;		/* who opened it */
	struct shadow_map	*map;		/* NULL: none so far */
	unsigned int		backoff;	/* times that it carried nothing */
	unsigned int		received;	/* messages since then */
	unsigned int		since;		/* seconds */
	size_t			room;		/* most that was offered */
};

void ring_shadow_open(struct ring_shadow *s, int fd);
void ring_shadow_close(struct ring_shadow *s);
void ring_shadow_free(struct ring_shadow *s);
bool ring_shadow_is_mapped(const struct ring_shadow *s);
unsigned int ring_shadow_count(struct ring_shadow *s);
bool ring_shadow_take(struct ring_shadow *s, struct msghdr *msg, int flags,
		      ssize_t *ret);
bool ring_shadow_called(struct ring_shadow *s, const struct msghdr *msg,
			ssize_t ret);
bool ring_shadow_look(struct ring_shadow *s);

#endif
