// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A user of libnetfilter_queue and, under it, libmnl: accepts packets and prints
 * what they carry.
 *	queue-user QUEUE COUNT
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_queue/libnetfilter_queue.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink_queue.h>

static struct mnl_socket *nl;
static unsigned int queue, left;

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static void send_message(const struct nlmsghdr *nlh)
{
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1)
		fail("mnl_socket_sendto");
}

static int packet_cb(const struct nlmsghdr *nlh, void *data)
{
	struct nlattr *attr[NFQA_MAX + 1] = {};
	struct nfqnl_msg_packet_hdr *header;
	char buf[256];
	struct nlmsghdr *verdict;
	const char *payload;

	(void)data;
	if (nfq_nlmsg_parse(nlh, attr) < 0)
		fail("nfq_nlmsg_parse");
	header = mnl_attr_get_payload(attr[NFQA_PACKET_HDR]);
	payload = mnl_attr_get_payload(attr[NFQA_PAYLOAD]);
	/* behind the headers of IP and UDP */
	printf("packet %u, hook %u: %.*s", ntohl(header->packet_id), header->hook,
	       mnl_attr_get_payload_len(attr[NFQA_PAYLOAD]) - 28, payload + 28);
	verdict = nfq_nlmsg_put(buf, NFQNL_MSG_VERDICT, queue);
	nfq_nlmsg_verdict_put(verdict, ntohl(header->packet_id), NF_ACCEPT);
	send_message(verdict);
	left--;
	return MNL_CB_OK;
}

static void bind_queue(char *buf)
{
	struct nlmsghdr *nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);

	nfq_nlmsg_cfg_put_cmd(nlh, AF_INET, NFQNL_CFG_CMD_BIND);
	send_message(nlh);
	nlh = nfq_nlmsg_put(buf, NFQNL_MSG_CONFIG, queue);
	nfq_nlmsg_cfg_put_params(nlh, NFQNL_COPY_PACKET, 0xffff);
	send_message(nlh);
}

int main(int argc, char *argv[])
{
	static char buf[0x20000];
	ssize_t len;

	if (argc != 3) {
		fprintf(stderr, "Usage: %s QUEUE COUNT\n", argv[0]);
		return 2;
	}
	queue = atoi(argv[1]);
	left = atoi(argv[2]);
	nl = mnl_socket_open(NETLINK_NETFILTER);
	if (nl == NULL || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1)
		fail("mnl_socket_open");
	bind_queue(buf);
	printf("listening\n");
	fflush(stdout);
	while (left) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1 || mnl_cb_run(buf, len, 0, mnl_socket_get_portid(nl),
					    packet_cb, NULL) == -1)
			fail("mnl_socket_recvfrom");
	}
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
