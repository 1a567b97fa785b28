// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the messages of a generic netlink multicast group as they come, until
 * it is interrupted. genl-family-get prints the IDs of groups.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/genetlink.h>

#include "../talk.h"

static int event_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	(void)data;
	printf("family=%#x command=%u version=%u bytes=%u\n", nlh->nlmsg_type,
	       genl->cmd, genl->version, nlh->nlmsg_len);
	mnl_nlmsg_fprintf(stdout, nlh, nlh->nlmsg_len, sizeof(*genl));
	return MNL_CB_OK;
}

static unsigned int group_argument(int argc, char *argv[])
{
	unsigned long group;
	char *end;

	talk_arguments(argc, argv, 1, 1, "Usage: genl-group-events GROUP_ID\n");
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
	unsigned int group = group_argument(argc, argv);
	struct mnl_socket *nl;

	nl = talk_open(NETLINK_GENERIC, 0);
	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group,
				  sizeof(group)) == -1) {
		perror("mnl_socket_setsockopt");
		exit(EXIT_FAILURE);
	}
	talk_receive(nl, 0, event_cb, NULL);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
