// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the messages of a generic netlink multicast group as they come, until
 * it is interrupted. genl-family-get tells the IDs of groups.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/genetlink.h>

#include <libmnl/libmnl.h>

static int event_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	(void)data;
	printf("family=%#x command=%u version=%u bytes=%u\n", nlh->nlmsg_type,
	       genl->cmd, genl->version, nlh->nlmsg_len);
	mnl_nlmsg_fprintf(stdout, nlh, nlh->nlmsg_len, sizeof(*genl));
	fflush(stdout);
	return MNL_CB_OK;
}

static unsigned int group_argument(int argc, char *argv[])
{
	unsigned long group;
	char *end;

	if (argc != 2) {
		fprintf(stderr, "Usage: %s GROUP_ID\n", argv[0]);
		exit(EXIT_FAILURE);
	}
	errno = 0;
	group = strtoul(argv[1], &end, 0);
	if (errno || end == argv[1] || *end || group == 0 || group > 0x7fffffff) {
		fprintf(stderr, "%s: no group ID: %s\n", argv[0], argv[1]);
		exit(EXIT_FAILURE);
	}
	return group;
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int group = group_argument(argc, argv);
	struct mnl_socket *nl;
	int ret = MNL_CB_OK;
	ssize_t len;

	nl = mnl_socket_open(NETLINK_GENERIC);
	if (nl == NULL) {
		perror("mnl_socket_open");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		perror("mnl_socket_bind");
		exit(EXIT_FAILURE);
	}
	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) == -1) {
		perror("mnl_socket_setsockopt");
		exit(EXIT_FAILURE);
	}
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1) {
			perror("mnl_socket_recvfrom");
			exit(EXIT_FAILURE);
		}
		ret = mnl_cb_run(buf, len, 0, 0, event_cb, NULL);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
