// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the network interfaces of the kernel: mnl_attr_parse() collects the
 * attributes of each, then those wanted are printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "../talk.h"
#include "rtnl-link-print.h"

static int attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;

	/* attributes that this program was built without */
	if (mnl_attr_type_valid(attr, IFLA_MAX) == -1)
		return MNL_CB_OK;
	if (link_check_attr(attr) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attrs[IFLA_MAX + 1] = { NULL };

	(void)data;
	link_print_header(nlh);
	if (mnl_attr_parse(nlh, sizeof(struct ifinfomsg), attr_cb,
			   attrs) == MNL_CB_ERROR)
		return MNL_CB_ERROR;
	if (attrs[IFLA_MTU])
		link_print_attr(attrs[IFLA_MTU]);
	if (attrs[IFLA_IFNAME])
		link_print_attr(attrs[IFLA_IFNAME]);
	if (attrs[IFLA_ADDRESS])
		link_print_attr(attrs[IFLA_ADDRESS]);
	printf("\n");
	return MNL_CB_OK;
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL), portid;
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;
	int ret = MNL_CB_OK;
	ssize_t len;

	talk_arguments(argc, argv, 0, 0, "Usage: rtnl-link-dump\n");
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
