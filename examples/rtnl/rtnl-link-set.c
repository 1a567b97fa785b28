// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sets a network interface up or down.
 */
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

static unsigned int flags_of(int argc, char *argv[])
{
	if (argc == 3 && strcmp(argv[2], "up") == 0)
		return IFF_UP;
	if (argc == 3 && strcmp(argv[2], "down") == 0)
		return 0;
	fprintf(stderr, "Usage: rtnl-link-set INTERFACE up|down\n");
	exit(EXIT_FAILURE);
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL), flags = flags_of(argc, argv);
	struct mnl_socket *nl;
	struct nlmsghdr *nlh;
	struct ifinfomsg *ifm;
	ssize_t len;

	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = seq;
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_UNSPEC;
	ifm->ifi_change = IFF_UP;
	ifm->ifi_flags = flags;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, argv[1]);

	nl = mnl_socket_open(NETLINK_ROUTE);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1) {
		perror("mnl_socket_sendto");
		exit(EXIT_FAILURE);
	}
	len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (len == -1) {
		perror("mnl_socket_recvfrom");
		exit(EXIT_FAILURE);
	}
	if (mnl_cb_run(buf, len, seq, mnl_socket_get_portid(nl), NULL,
		       NULL) == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
