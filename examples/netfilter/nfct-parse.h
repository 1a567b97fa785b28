/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes of connection tracking, validated and put into arrays by type.
 */
#ifndef NFCT_PARSE_H
#define NFCT_PARSE_H

#include <linux/netfilter/nfnetlink_conntrack.h>
#include <libmnl/libmnl.h>

/*
 * Arrays of CTA_MAX + 1, CTA_TUPLE_MAX + 1, ... pointers, NULL for what is not
 * in the message. MNL_CB_ERROR: malformed, and it was said so.
 */
int nfct_parse(const struct nlmsghdr *nlh, const struct nlattr **attrs);
int nfct_parse_tuple(const struct nlattr *nest, const struct nlattr **attrs);
int nfct_parse_ip(const struct nlattr *nest, const struct nlattr **attrs);
int nfct_parse_proto(const struct nlattr *nest, const struct nlattr **attrs);
int nfct_parse_counters(const struct nlattr *nest, const struct nlattr **attrs);

#endif
