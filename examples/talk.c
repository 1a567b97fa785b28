// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What most examples do in the same way: see talk.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "talk.h"

void talk_usage(const char *usage)
{
	fputs(usage, stderr);
	exit(EXIT_FAILURE);
}

void talk_arguments(int argc, char *argv[], int least, int most, const char *usage)
{
	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	}
	if (argc - 1 < least || argc - 1 > most)
		talk_usage(usage);
}

struct mnl_socket *talk_open(int protocol, unsigned int groups)
{
	struct mnl_socket *nl = mnl_socket_open(protocol);

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

void talk_send(struct mnl_socket *nl, const struct nlmsghdr *nlh)
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

bool talk_ask(struct mnl_socket *nl, struct nlmsghdr *nlh)
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	ssize_t len;

	nlh->nlmsg_flags |= NLM_F_ACK;
	talk_send(nl, nlh);
	len = receive(nl, buf, sizeof(buf));
	return mnl_cb_run(buf, len, nlh->nlmsg_seq, mnl_socket_get_portid(nl),
			  NULL, NULL) != MNL_CB_ERROR;
}

void talk_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb, void *data)
{
	/* room for a packet of a queue; events are sent to port ID 0 */
	char buf[0xffff + 4096] __attribute__((aligned(MNL_ALIGNTO)));
	unsigned int portid = seq ? mnl_socket_get_portid(nl) : 0;
	int ret = MNL_CB_OK;
	ssize_t len;

	while (ret > MNL_CB_STOP) {
		len = receive(nl, buf, sizeof(buf));
		ret = mnl_cb_run(buf, len, seq, portid, cb, data);
		fflush(stdout);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_cb_run");
		exit(EXIT_FAILURE);
	}
}
