// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sockets and messages of nfnetlink: see nfnl.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/netfilter/nfnetlink.h>

#include "nfnl.h"

struct nlmsghdr *nfnl_put(void *buf, uint16_t type, uint16_t flags,
			  uint8_t family, uint16_t res_id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
	return nlh;
}

struct mnl_socket *nfnl_open(unsigned int groups)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);

	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	return nl;
}

void nfnl_send(struct mnl_socket *nl, const struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
}

static ssize_t receive(struct mnl_socket *nl, void *buf, size_t size)
{
	ssize_t len = mnl_socket_recvfrom(nl, buf, size);

	if (len == -1) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	}
	return len;
}

bool nfnl_ask(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	char buf[1024] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len;

	nlh->nlmsg_flags |= NLM_F_ACK;
	nfnl_send(nl, nlh);
	len = receive(nl, buf, sizeof(buf));
	return mnl_cb_run(buf, len, nlh->nlmsg_seq, mnl_socket_get_portid(nl),
			  NULL, NULL) != MNL_CB_ERROR;
}

void nfnl_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb,
		  void *data)
{
	/* events are sent to port ID 0 */
	unsigned int portid = seq ? mnl_socket_get_portid(nl) : 0;
	char buf[0xffff + 4096] __attribute__((aligned(MNL_ALIGNTO)));
	int ret = MNL_CB_OK;
	ssize_t len;

	while (ret > MNL_CB_STOP) {
		len = receive(nl, buf, sizeof(buf));
		ret = mnl_cb_run(buf, len, seq, portid, cb, data);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
}

unsigned long nfnl_number(const char *arg, unsigned long max,
			  const char *usage)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 0);
	if (errno || end == arg || *end || *arg == '-' || value > max) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	return value;
}
