/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nfct-create-batch and nfct-create-batch-mmap have in common: requests
 * for flows, and counting the answers.
 */
#ifndef NFCT_CREATE_H
#define NFCT_CREATE_H

#include <libmnl/libmnl.h>

struct nfct_creation {
	struct mnl_socket	*nl;
	unsigned int		created;
	unsigned int		refused;
};

#define NFCT_FLOW_SIZE	256	/* bytes of a request, at the most */

/* Writes the request for flow number i, and returns its length. */
size_t nfct_put_flow(void *buf, unsigned int i, uint32_t mark);

/* for NLMSG_ERROR, as mnl_cb_run2() calls it with struct nfct_creation */
int nfct_count_ack(const struct nlmsghdr *nlh, void *data);

#endif
