/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all programs of this folder do: open a socket, send requests, handle
 * what comes. Each prints what went wrong, and exits then.
 */
#ifndef NFNL_H
#define NFNL_H

#include <stdint.h>
#include <libmnl/libmnl.h>

/* A message is built: subsystem and type in one, as nlmsg_type. */
struct nlmsghdr *nfnl_put(void *buf, uint16_t type, uint16_t flags,
			  uint8_t family, uint16_t res_id);

/* A bound socket of NETLINK_NETFILTER; groups as for mnl_socket_bind(). */
struct mnl_socket *nfnl_open(unsigned int groups);

void nfnl_send(struct mnl_socket *nl, const struct nlmsghdr *nlh);

/* Sends it and waits for the acknowledgement; false: refused, see errno. */
bool nfnl_ask(struct mnl_socket *nl, struct nlmsghdr *nlh);

/* Receives until the callback or the end of a dump stops; seq 0 for events. */
void nfnl_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb,
		  void *data);

/* A number from the command line, 0 to max; the usage is printed otherwise. */
unsigned long nfnl_number(const char *arg, unsigned long max,
			  const char *usage);

#endif
