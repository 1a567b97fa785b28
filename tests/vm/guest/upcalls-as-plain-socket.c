// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Open vSwitch: the same packets go into two datapaths without flows. The
 * upcalls of one come by ring, those of the other by a plain socket, and must
 * be the same. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/openvswitch.h>

#include "ring-syscalls.h"

#define PACKETS	500

struct datapath {
	const char *name;
	struct raw_socket socket;
	int packets;		/* sends into the datapath */
};

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

/* one request with its answer; the datapath's sockets get upcalls only */
static void talk(uint16_t type, uint8_t cmd, uint8_t version,
		 void (*fill)(struct nlmsghdr *nlh, const void *arg),
		 const void *arg, mnl_cb_t cb, void *data)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	char buf[8192];
	ssize_t len;

	assert_non_null(nl);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	fill(nlh, arg);
	assert_true(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0);
	do {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		assert_true(len > 0);
	} while (mnl_cb_run(buf, len, 0, 0, cb, data) > MNL_CB_STOP);
	mnl_socket_close(nl);
}

static void fill_name(struct nlmsghdr *nlh, const void *name)
{
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
}

static void fill_datapath(struct nlmsghdr *nlh, const void *arg)
{
	const struct datapath *dp = arg;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ovs_header));
	mnl_attr_put_strz(nlh, OVS_DP_ATTR_NAME, dp->name);
	mnl_attr_put_u32(nlh, OVS_DP_ATTR_UPCALL_PID, dp->socket.portid);
}

static int ignore_cb(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_OK;
}

static void open_datapath(struct datapath *dp)
{
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
	};
	struct ifreq ifr = { .ifr_flags = IFF_UP };
	uint16_t family = 0;

	talk(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, fill_name,
	     OVS_DATAPATH_FAMILY, family_cb, &family);
	talk(family, OVS_DP_CMD_NEW, OVS_DATAPATH_VERSION, fill_datapath, dp,
	     ignore_cb, NULL);

	/* sending only */
	dp->packets = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(dp->packets >= 0);
	strcpy(ifr.ifr_name, dp->name);
	assert_int_equal(ioctl(dp->packets, SIOCSIFFLAGS, &ifr), 0);
	addr.sll_ifindex = if_nametoindex(dp->name);
	assert_int_equal(bind(dp->packets, (void *)&addr, sizeof(addr)), 0);
}

static size_t build_packet(char *buf, unsigned int number)
{
	static const unsigned char start[] = {
		2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0,
		0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1,
		10, 0, 0, 2, 0x12, 0x34, 0x56, 0x78, 0, 0, 0, 0,
	};
	size_t len = sizeof(start) + number % 1400;

	memcpy(buf, start, sizeof(start));
	memset(buf + sizeof(start), number, len - sizeof(start));
	*(uint16_t *)(void *)(buf + 16) = htons(len - 14);
	*(uint16_t *)(void *)(buf + 18) = htons(number);
	return len;
}

static void send_packet(const struct datapath *dp, unsigned int number)
{
	char buf[2048];
	size_t len = build_packet(buf, number);

	assert_int_equal(send(dp->packets, buf, len, 0), len);
}

/* the upcall of a packet has the packet in it; the datapath is its own */
static void check_upcall(void *msg, size_t len, unsigned int number)
{
	struct nlmsghdr *nlh = msg;
	struct ovs_header *header;
	struct nlattr *attr;
	char buf[2048];
	size_t packet;
	bool found = false;

	assert_true(mnl_nlmsg_ok(nlh, len));
	packet = build_packet(buf, number);
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr) +
				     sizeof(struct ovs_header)) {
		if (mnl_attr_get_type(attr) != OVS_PACKET_ATTR_PACKET)
			continue;
		assert_int_equal(mnl_attr_get_payload_len(attr), packet);
		assert_memory_equal(mnl_attr_get_payload(attr), buf, packet);
		found = true;
	}
	assert_true(found);
	header = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr));
	header->dp_ifindex = 0;
}

static void test_upcalls(void **state)
{
	struct datapath a = { .name = "ringdp0" }, b = { .name = "ringdp1" };
	static char by_ring[16384], by_plain[16384];
	struct nl_mmap_hdr *hdr;
	unsigned int i;
	ssize_t len;

	(void)state;
	raw_open_rx(&a.socket, NETLINK_GENERIC, 2048, 64, NL_MMAP_F_SPAN);
	raw_open(&b.socket, NETLINK_GENERIC);
	open_datapath(&a);
	open_datapath(&b);
	for (i = 0; i < PACKETS; i++) {
		send_packet(&a, i);
		send_packet(&b, i);
		hdr = raw_wait(&a.socket);
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_VALID);
		memcpy(by_ring, raw_payload(hdr), hdr->nm_len);
		len = recv(b.socket.fd, by_plain, sizeof(by_plain), 0);
		assert_int_equal(len, hdr->nm_len);
		raw_take(&a.socket.rx);
		check_upcall(by_ring, len, i);
		check_upcall(by_plain, len, i);
		assert_memory_equal(by_ring, by_plain, len);
	}
	print_message("  %u upcalls the same\n", i);
	close(a.packets);
	close(b.packets);
	raw_close(&a.socket);
	raw_close(&b.socket);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_upcalls),
	};

	watchdog(100);
	/* sysctl: no packets of the kernel's own on the new interfaces */
	if (system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
