/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line for each flow of connection tracking, for nfct-dump and nfct-event.
 */
#ifndef NFCT_PRINT_H
#define NFCT_PRINT_H

#include <libmnl/libmnl.h>

#include "nfct-parse.h"

/* Prints the flow of a message without a newline; MNL_CB_ERROR: malformed. */
int nfct_print(const struct nlmsghdr *nlh);

#endif
