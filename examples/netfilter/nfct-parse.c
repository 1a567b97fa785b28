// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Attributes of connection tracking: see nfct-parse.h.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfct-parse.h"

/* which bytes each attribute must have; 0: this program does not look at it */
struct format {
	enum mnl_attr_data_type	type;
	size_t			len;
};

struct parser {
	const struct format	*formats;
	uint16_t		max;
	const struct nlattr	**attrs;
};

static int attr_cb(const struct nlattr *attr, void *data)
{
	const struct parser *p = data;
	const struct format *format;

	/* attributes that this program was built without */
	if (mnl_attr_type_valid(attr, p->max) == -1)
		return MNL_CB_OK;
	format = &p->formats[mnl_attr_get_type(attr)];
	if (mnl_attr_validate(attr, format->type) == -1 ||
	    (format->len && mnl_attr_get_payload_len(attr) != format->len)) {
		fprintf(stderr, "malformed attribute %u\n",
			mnl_attr_get_type(attr));
		return MNL_CB_ERROR;
	}
	p->attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

int nfct_parse(const struct nlmsghdr *nlh, const struct nlattr **attrs)
{
	static const struct format formats[CTA_MAX + 1] = {
		[CTA_TUPLE_ORIG]     = { MNL_TYPE_NESTED, 0 },
		[CTA_TUPLE_REPLY]    = { MNL_TYPE_NESTED, 0 },
		[CTA_COUNTERS_ORIG]  = { MNL_TYPE_NESTED, 0 },
		[CTA_COUNTERS_REPLY] = { MNL_TYPE_NESTED, 0 },
		[CTA_TIMEOUT]	     = { MNL_TYPE_U32, 0 },
		[CTA_MARK]	     = { MNL_TYPE_U32, 0 },
		[CTA_STATUS]	     = { MNL_TYPE_U32, 0 },
	};
	struct parser p = { formats, CTA_MAX, attrs };

	return mnl_attr_parse(nlh, sizeof(struct nfgenmsg), attr_cb, &p);
}

static int parse_nested(const struct nlattr *nest, const struct format *formats,
			uint16_t max, const struct nlattr **attrs)
{
	struct parser p = { formats, max, attrs };

	return mnl_attr_parse_nested(nest, attr_cb, &p);
}

int nfct_parse_tuple(const struct nlattr *nest, const struct nlattr **attrs)
{
	static const struct format formats[CTA_TUPLE_MAX + 1] = {
		[CTA_TUPLE_IP]	  = { MNL_TYPE_NESTED, 0 },
		[CTA_TUPLE_PROTO] = { MNL_TYPE_NESTED, 0 },
	};

	return parse_nested(nest, formats, CTA_TUPLE_MAX, attrs);
}

int nfct_parse_ip(const struct nlattr *nest, const struct nlattr **attrs)
{
	static const struct format formats[CTA_IP_MAX + 1] = {
		[CTA_IP_V4_SRC] = { MNL_TYPE_BINARY, sizeof(struct in_addr) },
		[CTA_IP_V4_DST] = { MNL_TYPE_BINARY, sizeof(struct in_addr) },
		[CTA_IP_V6_SRC] = { MNL_TYPE_BINARY, sizeof(struct in6_addr) },
		[CTA_IP_V6_DST] = { MNL_TYPE_BINARY, sizeof(struct in6_addr) },
	};

	return parse_nested(nest, formats, CTA_IP_MAX, attrs);
}

int nfct_parse_proto(const struct nlattr *nest, const struct nlattr **attrs)
{
	static const struct format formats[CTA_PROTO_MAX + 1] = {
		[CTA_PROTO_NUM]	       = { MNL_TYPE_U8, 0 },
		[CTA_PROTO_SRC_PORT]   = { MNL_TYPE_U16, 0 },
		[CTA_PROTO_DST_PORT]   = { MNL_TYPE_U16, 0 },
		[CTA_PROTO_ICMP_ID]    = { MNL_TYPE_U16, 0 },
		[CTA_PROTO_ICMP_TYPE]  = { MNL_TYPE_U8, 0 },
		[CTA_PROTO_ICMP_CODE]  = { MNL_TYPE_U8, 0 },
	};

	return parse_nested(nest, formats, CTA_PROTO_MAX, attrs);
}

int nfct_parse_counters(const struct nlattr *nest, const struct nlattr **attrs)
{
	static const struct format formats[CTA_COUNTERS_MAX + 1] = {
		[CTA_COUNTERS_PACKETS] = { MNL_TYPE_U64, 0 },
		[CTA_COUNTERS_BYTES]   = { MNL_TYPE_U64, 0 },
	};

	return parse_nested(nest, formats, CTA_COUNTERS_MAX, attrs);
}
