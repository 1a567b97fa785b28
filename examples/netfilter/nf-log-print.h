/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nf-log, nf-log-mmap and nf-log-epoll have in common: the group, and a line for each
 * packet.
 */
#ifndef NF_LOG_PRINT_H
#define NF_LOG_PRINT_H

#include <libmnl/libmnl.h>

/* Asks for the whole packets of a group. */
void nf_log_bind(struct mnl_socket *nl, uint16_t group);

/* a callback for mnl_cb_run() */
int nf_log_print(const struct nlmsghdr *nlh, void *data);

#endif
