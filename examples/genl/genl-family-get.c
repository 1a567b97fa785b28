// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints a family of generic netlink, or all of them: ID, version, operations
 * and multicast groups.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "genl-family-print.h"

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int seq = time(NULL), portid;
	struct nlmsghdr *nlh;
	struct mnl_socket *nl;
	int ret = MNL_CB_OK;
	ssize_t len;

	if (argc > 2) {
		fprintf(stderr, "Usage: %s [FAMILY]\n", argv[0]);
		exit(EXIT_FAILURE);
	}
	nlh = mnl_nlmsg_put_header(buf);
	family_put_request(nlh, seq, argv[1]);

	nl = mnl_socket_open(NETLINK_GENERIC);
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
		ret = mnl_cb_run(buf, len, seq, portid, family_print, NULL);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
