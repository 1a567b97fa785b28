// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Packets of a log group, a line for each: see nf-log-print.h.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>

#include "nf-log-print.h"
#include "nfnl.h"

static int attr_cb(const struct nlattr *attr, void *data)
{
	static const enum mnl_attr_data_type types[NFULA_MAX + 1] = {
		[NFULA_MARK]		= MNL_TYPE_U32,
		[NFULA_IFINDEX_INDEV]	= MNL_TYPE_U32,
		[NFULA_IFINDEX_OUTDEV]	= MNL_TYPE_U32,
		[NFULA_UID]		= MNL_TYPE_U32,
		[NFULA_PREFIX]		= MNL_TYPE_NUL_STRING,
	};
	const struct nlattr **attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	/* attributes that this program was built without */
	if (mnl_attr_type_valid(attr, NFULA_MAX) == -1)
		return MNL_CB_OK;
	if (mnl_attr_validate(attr, types[type]) == -1 ||
	    (type == NFULA_PACKET_HDR &&
	     mnl_attr_validate2(attr, MNL_TYPE_BINARY,
				sizeof(struct nfulnl_msg_packet_hdr)) == -1)) {
		perror("mnl_attr_validate");
		return MNL_CB_ERROR;
	}
	attrs[type] = attr;
	return MNL_CB_OK;
}

static void print_u32(const char *name, const struct nlattr *attr)
{
	if (attr)
		printf("%s=%u ", name, ntohl(mnl_attr_get_u32(attr)));
}

int nf_log_print(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attrs[NFULA_MAX + 1] = { NULL };
	const struct nfulnl_msg_packet_hdr *hdr;

	(void)data;
	if (mnl_attr_parse(nlh, sizeof(struct nfgenmsg), attr_cb,
			   attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[NFULA_PREFIX])
		printf("prefix=\"%s\" ", mnl_attr_get_str(attrs[NFULA_PREFIX]));
	if (attrs[NFULA_PACKET_HDR]) {
		hdr = mnl_attr_get_payload(attrs[NFULA_PACKET_HDR]);
		printf("protocol=0x%04x hook=%u ", ntohs(hdr->hw_protocol),
		       hdr->hook);
	}
	print_u32("mark", attrs[NFULA_MARK]);
	print_u32("in", attrs[NFULA_IFINDEX_INDEV]);
	print_u32("out", attrs[NFULA_IFINDEX_OUTDEV]);
	print_u32("uid", attrs[NFULA_UID]);
	if (attrs[NFULA_PAYLOAD])
		printf("length=%u ",
		       mnl_attr_get_payload_len(attrs[NFULA_PAYLOAD]));
	printf("\n");
	fflush(stdout);
	return MNL_CB_OK;
}

static struct nlmsghdr *put_config(void *buf, uint16_t group)
{
	return nfnl_put(buf, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, 0,
			AF_UNSPEC, group);
}

static void bind_group(struct mnl_socket *nl, uint16_t group)
{
	struct nfulnl_msg_config_cmd cmd = { NFULNL_CFG_CMD_BIND };
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = put_config(buf, group);

	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(cmd), &cmd);
	if (!talk_ask(nl, nlh)) {
		fprintf(stderr, "cannot bind to group %u: ", group);
		perror(NULL);
		exit(EXIT_FAILURE);
	}
}

/* whole packets */
static void set_mode(struct mnl_socket *nl, uint16_t group)
{
	struct nfulnl_msg_config_mode mode = {
		.copy_range	= htonl(0xffff),
		.copy_mode	= NFULNL_COPY_PACKET,
	};
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = put_config(buf, group);

	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	talk_send(nl, nlh);
}

void nf_log_bind(struct mnl_socket *nl, uint16_t group)
{
	bind_group(nl, group);
	set_mode(nl, group);
}
