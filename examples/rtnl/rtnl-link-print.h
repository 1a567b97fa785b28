/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs for links have in common: a line for each link.
 */
#ifndef RTNL_LINK_PRINT_H
#define RTNL_LINK_PRINT_H

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* Prints the header of a link's message, without an end of the line. */
void link_print_header(const struct nlmsghdr *nlh);

/* Prints an attribute of a link, if it is one of those shown. */
void link_print_attr(const struct nlattr *attr);

/* Prints a link-layer address: name=02:00:00:00:00:01 */
void link_print_address(const char *name, const struct nlattr *attr);

/* Is the attribute's payload what its type needs? MNL_CB_ERROR if not. */
int link_check_attr(const struct nlattr *attr);

/* callbacks for mnl_cb_run(): a link, and what happened to it */
int link_print(const struct nlmsghdr *nlh, void *data);
int link_print_event(const struct nlmsghdr *nlh, void *data);

#endif
