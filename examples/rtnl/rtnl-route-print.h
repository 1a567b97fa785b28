/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What rtnl-route-dump and rtnl-route-dump-mmap have in common: the request,
 * and a line for each route.
 */
#ifndef RTNL_ROUTE_PRINT_H
#define RTNL_ROUTE_PRINT_H

#include <libmnl/libmnl.h>

/* AF_INET or AF_INET6; prints the usage and exits if it is neither */
int route_family(const char *name, int argc, char *argv[]);
struct nlmsghdr *route_put_request(void *buf, int family, unsigned int seq);
/* a callback for mnl_cb_run() */
int route_print(const struct nlmsghdr *nlh, void *data);

#endif
