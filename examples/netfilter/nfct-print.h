/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line for each flow of connection tracking, for the dump and the events.
 */
#ifndef NFCT_PRINT_H
#define NFCT_PRINT_H

#include <libmnl/libmnl.h>

#include "nfct-parse.h"

/* callbacks for mnl_cb_run(): a flow, and what happened to it */
int nfct_print_flow(const struct nlmsghdr *nlh, void *data);
int nfct_print_event(const struct nlmsghdr *nlh, void *data);

#endif
