// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A datapath of Open vSwitch: see ovs.h. The messages are those of
 * linux/openvswitch.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <net/if.h>
#include <linux/genetlink.h>
#include <linux/openvswitch.h>

#include "ovs.h"

#define BUFFER_SIZE	(4 << 20)	/* bytes, for a burst of packets */

volatile sig_atomic_t ovs_stop;

static void on_signal(int sig)
{
	(void)sig;
	ovs_stop = 1;
}

void ovs_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/*
 * Requests, by a socket of their own
 */

static struct nlmsghdr *put_header(void *buf, uint16_t family, uint8_t cmd,
				   uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = version;
	return nlh;
}

static struct nlmsghdr *put_ovs_header(void *buf, uint16_t family, uint8_t cmd,
				       uint8_t version, int dp_ifindex)
{
	struct nlmsghdr *nlh = put_header(buf, family, cmd, version);
	struct ovs_header *header;

	header = mnl_nlmsg_put_extra_header(nlh, sizeof(*header));
	header->dp_ifindex = dp_ifindex;
	return nlh;
}

static bool request(struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	int ret = MNL_CB_OK;
	ssize_t len;

	nlh->nlmsg_flags |= NLM_F_ACK;
	if (nl == NULL || mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1)
		fail("mnl_socket_sendto");
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		ret = len == -1 ? MNL_CB_ERROR :
		      mnl_cb_run(buf, len, 0, 0, cb, data);
	}
	mnl_socket_close(nl);
	return ret != MNL_CB_ERROR;
}

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static uint16_t get_family(const char *name)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = put_header(buf, GENL_ID_CTRL,
					  CTRL_CMD_GETFAMILY, 1);
	uint16_t family = 0;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	if (!request(nlh, family_cb, &family))
		fail(name);
	return family;
}

static bool add_port(const struct ovs *ovs, uint32_t number, const char *name,
		     uint32_t portid)
{
	char buf[512] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = put_ovs_header(buf, ovs->vport_family,
					      OVS_VPORT_CMD_NEW,
					      OVS_VPORT_VERSION,
					      ovs->dp_ifindex);

	mnl_attr_put_strz(nlh, OVS_VPORT_ATTR_NAME, name);
	mnl_attr_put_u32(nlh, OVS_VPORT_ATTR_TYPE, OVS_VPORT_TYPE_NETDEV);
	mnl_attr_put_u32(nlh, OVS_VPORT_ATTR_PORT_NO, number);
	mnl_attr_put_u32(nlh, OVS_VPORT_ATTR_UPCALL_PID, portid);
	return request(nlh, NULL, NULL);
}

void ovs_open(struct ovs *ovs, const char *name, char *ports[],
	      const struct mnl_socket *nl)
{
	uint32_t portid = mnl_socket_get_portid(nl), i;
	int size = BUFFER_SIZE;
	char buf[512] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh;

	if (setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE,
		       &size, sizeof(size)) == -1)
		fail("SO_RCVBUFFORCE");
	ovs->datapath_family = get_family(OVS_DATAPATH_FAMILY);
	ovs->vport_family = get_family(OVS_VPORT_FAMILY);
	ovs->packet_family = get_family(OVS_PACKET_FAMILY);
	nlh = put_ovs_header(buf, ovs->datapath_family, OVS_DP_CMD_NEW,
			     OVS_DATAPATH_VERSION, 0);
	mnl_attr_put_strz(nlh, OVS_DP_ATTR_NAME, name);
	mnl_attr_put_u32(nlh, OVS_DP_ATTR_UPCALL_PID, portid);
	if (!request(nlh, NULL, NULL))
		fail(name);
	ovs->dp_ifindex = if_nametoindex(name);
	for (i = 0; i < OVS_PORTS; i++) {
		if (!add_port(ovs, i + 1, ports[i], portid)) {
			perror(ports[i]);
			ovs_close(ovs);
			exit(EXIT_FAILURE);
		}
	}
}

void ovs_close(const struct ovs *ovs)
{
	char buf[256] __attribute__((aligned(MNL_ALIGNTO)));

	if (!request(put_ovs_header(buf, ovs->datapath_family, OVS_DP_CMD_DEL,
				    OVS_DATAPATH_VERSION, ovs->dp_ifindex),
		     NULL, NULL))
		perror("OVS_DP_CMD_DEL");
}

/*
 * Upcalls
 */

struct upcall {
	const struct nlattr *packet;
	const struct nlattr *key;
	uint32_t in_port;
};

static bool parse_upcall(const struct nlmsghdr *nlh, struct upcall *upcall)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (genl->cmd != OVS_PACKET_CMD_MISS)
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*genl) +
				     sizeof(struct ovs_header)) {
		if (mnl_attr_get_type(attr) == OVS_PACKET_ATTR_PACKET)
			upcall->packet = attr;
		else if (mnl_attr_get_type(attr) == OVS_PACKET_ATTR_KEY)
			upcall->key = attr;
	}
	if (upcall->packet == NULL || upcall->key == NULL)
		return false;
	mnl_attr_for_each_nested(attr, upcall->key)
		if (mnl_attr_get_type(attr) == OVS_KEY_ATTR_IN_PORT &&
		    mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			upcall->in_port = mnl_attr_get_u32(attr);
	return upcall->in_port == 1 || upcall->in_port == 2;
}

/* packet and key as they came, and an action */
size_t ovs_answer_size(const struct nlmsghdr *upcall)
{
	return upcall->nlmsg_len + 64;
}

size_t ovs_put_answer(struct ovs *ovs, void *buf,
		      const struct nlmsghdr *upcall)
{
	struct upcall up = { .in_port = 0 };
	struct nlmsghdr *nlh;
	struct nlattr *actions;

	ovs->upcalls++;
	if (!parse_upcall(upcall, &up))
		return 0;
	nlh = put_ovs_header(buf, ovs->packet_family, OVS_PACKET_CMD_EXECUTE,
			     OVS_PACKET_VERSION, ovs->dp_ifindex);
	mnl_attr_put(nlh, OVS_PACKET_ATTR_PACKET,
		     mnl_attr_get_payload_len(up.packet),
		     mnl_attr_get_payload(up.packet));
	mnl_attr_put(nlh, OVS_PACKET_ATTR_KEY | NLA_F_NESTED,
		     mnl_attr_get_payload_len(up.key),
		     mnl_attr_get_payload(up.key));
	actions = mnl_attr_nest_start(nlh, OVS_PACKET_ATTR_ACTIONS);
	mnl_attr_put_u32(nlh, OVS_ACTION_ATTR_OUTPUT, 3 - up.in_port);
	mnl_attr_nest_end(nlh, actions);
	ovs->answers++;
	return nlh->nlmsg_len;
}

void ovs_print_figures(const struct ovs *ovs)
{
	printf("upcalls %" PRIu64 ", answers %" PRIu64 "\n", ovs->upcalls,
	       ovs->answers);
}
