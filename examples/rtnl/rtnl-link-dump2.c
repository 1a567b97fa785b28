// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the network interfaces of the kernel, each attribute in the callback
 * of mnl_attr_parse().
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "rtnl-link-print.h"

static int attr_cb(const struct nlattr *attr, void *data)
{
	(void)data;
	if (mnl_attr_type_valid(attr, IFLA_MAX) == -1)
		return MNL_CB_OK;
	if (link_check_attr(attr) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	link_print_attr(attr);
	return MNL_CB_OK;
}

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	link_print_header(nlh);
	if (mnl_attr_parse(nlh, sizeof(struct ifinfomsg), attr_cb,
			   data) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	printf("\n");
	return MNL_CB_OK;
}

int main(void)
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL), portid;
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;
	int ret = MNL_CB_OK;
	ssize_t len;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_PACKET;

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	portid = mnl_socket_get_portid(nl);

	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1) {
			perror("mnl_socket_recvfrom");
			exit(EXIT_FAILURE);
		}
		ret = mnl_cb_run(buf, len, seq, portid, link_cb, NULL);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
