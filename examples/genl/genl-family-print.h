/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs for generic netlink's families have in common: the
 * request, and what is printed of a family.
 */
#ifndef GENL_FAMILY_PRINT_H
#define GENL_FAMILY_PRINT_H

#include <libmnl/libmnl.h>

/* The request for a family, NULL: for all. */
void family_put_request(struct nlmsghdr *nlh, unsigned int seq,
			const char *family);

/* a callback for mnl_cb_run() */
int family_print(const struct nlmsghdr *nlh, void *data);

#endif
