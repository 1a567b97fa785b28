/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the files of the library share and programs do not see.
 */
#ifndef LIBMNL_INTERNAL_H
#define LIBMNL_INTERNAL_H

#include <libmnl/libmnl.h>

#define EXPORT_SYMBOL __attribute__((visibility("default")))

struct mnl_rings;
struct ring_shadow;

struct mnl_socket {
	int			fd;
	struct sockaddr_nl	addr;
	struct mnl_rings	*rings;	/* NULL: none asked for */
	struct ring_shadow		*shadow; /* NULL: none is wanted */
};

/* where a socket sends to */
extern const struct sockaddr_nl mnl_kernel_addr;

/* ring_attach.c */
int ring_attach(int fd);
int ring_setsockopt(int fd, int option, const void *value, socklen_t len);

/* ring.c */
struct ring_rx;
struct ring_tx;

struct ring_rx *mnl_socket_copy_from(const struct mnl_socket *nl);
struct ring_tx *mnl_socket_send_after(const struct mnl_socket *nl);

/* ring_rx.c, ring_tx.c */
ssize_t ring_rx_recvfrom(struct ring_rx *rx, void *buf, size_t size);
ssize_t ring_tx_flush(struct ring_tx *tx);
int ring_tx_drain(struct ring_tx *tx);

#endif
