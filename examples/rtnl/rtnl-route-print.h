/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs for routes have in common: the request, and a line for each route.
 */
#ifndef RTNL_ROUTE_PRINT_H
#define RTNL_ROUTE_PRINT_H

#include <libmnl/libmnl.h>

struct nlmsghdr *route_put_request(void *buf, int family, unsigned int seq);
/* callbacks for mnl_cb_run(): a route, and what happened to it */
int route_print(const struct nlmsghdr *nlh, void *data);
int route_print_event(const struct nlmsghdr *nlh, void *data);

#endif
