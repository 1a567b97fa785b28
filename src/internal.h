/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the library share and programs do not see.
 */
#ifndef LIBMNL_INTERNAL_H
#define LIBMNL_INTERNAL_H

#include <libmnl/libmnl.h>

#define EXPORT_SYMBOL __attribute__((visibility("default")))

struct mnl_rings;

struct mnl_socket {
	int			fd;
	struct sockaddr_nl	addr;
	struct mnl_rings	*rings;	/* NULL: none asked for */
};

/* where a socket sends to */
extern const struct sockaddr_nl mnl_kernel_addr;

/* socket.c: without a look at the environment */
struct mnl_socket *mnl_socket_open_plain(int bus, int flags);

bool mnl_socket_mmap_unasked(struct mnl_socket *nl);

/*
 * ring.c: the ring that a plain call must not pass, because the kernel shares
 * it or the program has messages in it; NULL if there is none
 */
struct mnl_ring *mnl_socket_ring_in_use(const struct mnl_socket *nl,
					enum mnl_ring_type type);
int mnl_ring_flush_all(struct mnl_ring *ring);
ssize_t mnl_ring_recvfrom(struct mnl_ring *ring, void *buf, size_t len);

#endif
