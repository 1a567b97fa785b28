/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What all programs of this folder do, beside ../talk.h: open a socket of netfilter and
 * build messages. Errors end the program.
 */
#ifndef NFNL_H
#define NFNL_H

#include <stdint.h>

#include "../talk.h"

/* A message is built: subsystem and type in one, as nlmsg_type. */
struct nlmsghdr *nfnl_put(void *buf, uint16_t type, uint16_t flags,
			  uint8_t family, uint16_t res_id);

/* A bound socket of NETLINK_NETFILTER; groups as for mnl_socket_bind(). */
struct mnl_socket *nfnl_open(unsigned int groups);

/* A number from the command line, 0 to max; the usage is printed otherwise. */
unsigned long nfnl_number(const char *arg, unsigned long max,
			  const char *usage);

#endif
