/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs for routes have in common: the request, and a line for each route.
 */
#ifndef RTNL_ROUTE_PRINT_H
#define RTNL_ROUTE_PRINT_H

#include <libmnl/libmnl.h>

struct nlmsghdr *route_put_request(void *buf, int family, unsigned int seq);
/* a callback for mnl_cb_run() */
int route_print(const struct nlmsghdr *nlh, void *data);

#endif
