// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line for each flow: see nfct-print.h.
 */
#include <arpa/inet.h>
#include <endian.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>

#include "nfct-print.h"

static void print_address(const char *name, int family,
			  const struct nlattr *attr)
{
	char text[INET6_ADDRSTRLEN];

	if (attr && inet_ntop(family, mnl_attr_get_payload(attr), text,
			      sizeof(text)))
		printf("%s=%s ", name, text);
}

static int print_ip(const struct nlattr *nest)
{
	const struct nlattr *attrs[CTA_IP_MAX + 1] = { NULL };

	if (nfct_parse_ip(nest, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	print_address("src", AF_INET, attrs[CTA_IP_V4_SRC]);
	print_address("dst", AF_INET, attrs[CTA_IP_V4_DST]);
	print_address("src", AF_INET6, attrs[CTA_IP_V6_SRC]);
	print_address("dst", AF_INET6, attrs[CTA_IP_V6_DST]);
	return MNL_CB_OK;
}

static void print_protocol(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		printf("proto=tcp ");
		break;
	case IPPROTO_UDP:
		printf("proto=udp ");
		break;
	default:
		printf("proto=%u ", protocol);
		break;
	}
}

static void print_u16(const char *name, const struct nlattr *attr)
{
	if (attr)
		printf("%s=%u ", name, ntohs(mnl_attr_get_u16(attr)));
}

static int print_proto(const struct nlattr *nest)
{
	const struct nlattr *attrs[CTA_PROTO_MAX + 1] = { NULL };

	if (nfct_parse_proto(nest, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[CTA_PROTO_NUM])
		print_protocol(mnl_attr_get_u8(attrs[CTA_PROTO_NUM]));
	print_u16("sport", attrs[CTA_PROTO_SRC_PORT]);
	print_u16("dport", attrs[CTA_PROTO_DST_PORT]);
	print_u16("id", attrs[CTA_PROTO_ICMP_ID]);
	if (attrs[CTA_PROTO_ICMP_TYPE])
		printf("type=%u ", mnl_attr_get_u8(attrs[CTA_PROTO_ICMP_TYPE]));
	if (attrs[CTA_PROTO_ICMP_CODE])
		printf("code=%u ", mnl_attr_get_u8(attrs[CTA_PROTO_ICMP_CODE]));
	return MNL_CB_OK;
}

static int print_tuple(const struct nlattr *nest)
{
	const struct nlattr *attrs[CTA_TUPLE_MAX + 1] = { NULL };

	if (nfct_parse_tuple(nest, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[CTA_TUPLE_PROTO] &&
	    print_proto(attrs[CTA_TUPLE_PROTO]) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	return attrs[CTA_TUPLE_IP] ? print_ip(attrs[CTA_TUPLE_IP]) : MNL_CB_OK;
}

static int print_counters(const struct nlattr *nest)
{
	const struct nlattr *attrs[CTA_COUNTERS_MAX + 1] = { NULL };

	if (nfct_parse_counters(nest, attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[CTA_COUNTERS_PACKETS])
		printf("packets=%" PRIu64 " ",
		       be64toh(mnl_attr_get_u64(attrs[CTA_COUNTERS_PACKETS])));
	if (attrs[CTA_COUNTERS_BYTES])
		printf("bytes=%" PRIu64 " ",
		       be64toh(mnl_attr_get_u64(attrs[CTA_COUNTERS_BYTES])));
	return MNL_CB_OK;
}

static int print_direction(const struct nlattr *tuple,
			   const struct nlattr *counters)
{
	if (tuple && print_tuple(tuple) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	return counters ? print_counters(counters) : MNL_CB_OK;
}

static void print_u32(const char *name, const struct nlattr *attr)
{
	if (attr)
		printf("%s=%u ", name, ntohl(mnl_attr_get_u32(attr)));
}

static int print_flow(const struct nlmsghdr *nlh)
{
	const struct nlattr *attrs[CTA_MAX + 1] = { NULL };

	if (nfct_parse(nlh, attrs) == MNL_CB_ERROR ||
	    print_direction(attrs[CTA_TUPLE_ORIG],
			    attrs[CTA_COUNTERS_ORIG]) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	printf("reply ");
	if (print_direction(attrs[CTA_TUPLE_REPLY],
			    attrs[CTA_COUNTERS_REPLY]) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	print_u32("mark", attrs[CTA_MARK]);
	print_u32("status", attrs[CTA_STATUS]);
	print_u32("timeout", attrs[CTA_TIMEOUT]);
	return MNL_CB_OK;
}

int nfct_print_flow(const struct nlmsghdr *nlh, void *data)
{
	int ret = print_flow(nlh);

	(void)data;
	printf("\n");
	return ret;
}

static const char *event_name(const struct nlmsghdr *nlh)
{
	if ((nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
		return "[DESTROY]";
	return nlh->nlmsg_flags & NLM_F_CREATE ? "[NEW]" : "[UPDATE]";
}

int nfct_print_event(const struct nlmsghdr *nlh, void *data)
{
	int ret;

	(void)data;
	printf("%-9s ", event_name(nlh));
	ret = print_flow(nlh);
	printf("\n");
	fflush(stdout);
	return ret;
}
