/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the examples with rings have in common: one receive loop, which is the
 * same on kernels with and without rings. Errors end the program.
 */
#ifndef RING_RECEIVE_H
#define RING_RECEIVE_H

#include <stdbool.h>

#include <libmnl/libmnl.h>

/* Takes a leading -v from the arguments. */
bool ring_verbose(int *argc, char **argv[]);

/* The RX ring of a socket, which gets its rings here. */
struct mnl_ring *ring_open(struct mnl_socket *nl);

/* SIGINT and SIGTERM end the loops below, after what is there was handled. */
void ring_catch_signals(void);

/* Reports, if errno says so, that messages were lost: the program goes on. */
bool ring_lost(void);

/*
 * Waits for a message. False: interrupted. Tells of messages that were lost,
 * and goes on.
 */
bool ring_wait(struct mnl_ring *rx);

/*
 * Runs the callback over all messages, until it returns MNL_CB_STOP, a dump
 * ends, or a signal comes. @seq 0: any.
 */
void ring_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb,
		  void *data);

/* How the messages came, to stderr. */
void ring_print_stats(const struct mnl_ring *rx);

#endif
