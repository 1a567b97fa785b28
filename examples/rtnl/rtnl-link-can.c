// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Shows the settings of a CAN interface, or changes them; as for every driver
 * of CAN, the interface has to be down for that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <net/if.h>
#include <linux/can/netlink.h>
#include <linux/rtnetlink.h>

#include <libmnl/libmnl.h>

#include "../talk.h"
#include "rtnl-arguments.h"

struct mode {
	const char	*name;
	uint32_t	flag;
};

static const struct mode modes[] = {
	{ "loopback",		CAN_CTRLMODE_LOOPBACK },
	{ "listen-only",	CAN_CTRLMODE_LISTENONLY },
	{ "triple-sampling",	CAN_CTRLMODE_3_SAMPLES },
	{ "one-shot",		CAN_CTRLMODE_ONE_SHOT },
	{ "berr-reporting",	CAN_CTRLMODE_BERR_REPORTING },
};

static const char usage[] =
	"Usage: rtnl-link-can show NAME\n"
	"       rtnl-link-can set NAME [bitrate BITS_PER_SECOND]\n"
	"                [restart-ms MILLISECONDS] [MODE on | MODE off]...\n"
	"MODE is one of: loopback listen-only triple-sampling one-shot berr-reporting\n";

/*
 * Showing
 */

static void print_mode(const struct can_ctrlmode *mode)
{
	unsigned int i;

	for (i = 0; i < MNL_ARRAY_SIZE(modes); i++)
		if (mode->flags & modes[i].flag)
			printf("%s ", modes[i].name);
}

static void print_timing(const struct can_bittiming *timing)
{
	printf("bitrate=%u sample-point=%u.%03u ", timing->bitrate,
	       timing->sample_point / 1000, timing->sample_point % 1000);
}

static void print_state(uint32_t state)
{
	static const char *const names[CAN_STATE_MAX] = {
		"error-active", "error-warning", "error-passive", "bus-off",
		"stopped", "sleeping",
	};

	printf("state=%s ", state < CAN_STATE_MAX ? names[state] : "unknown");
}

/* the attribute's payload, if it is as long as the structure */
static const void *structure(const struct nlattr *attr, size_t len)
{
	return mnl_attr_get_payload_len(attr) >= len ?
	       mnl_attr_get_payload(attr) : NULL;
}

static int can_attr_cb(const struct nlattr *attr, void *data)
{
	const void *payload;

	(void)data;
	switch (mnl_attr_get_type(attr)) {
	case IFLA_CAN_BITTIMING:
		payload = structure(attr, sizeof(struct can_bittiming));
		if (payload)
			print_timing(payload);
		break;
	case IFLA_CAN_CTRLMODE:
		payload = structure(attr, sizeof(struct can_ctrlmode));
		if (payload)
			print_mode(payload);
		break;
	case IFLA_CAN_STATE:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			print_state(mnl_attr_get_u32(attr));
		break;
	case IFLA_CAN_RESTART_MS:
		if (mnl_attr_validate(attr, MNL_TYPE_U32) == 0)
			printf("restart-ms=%u ", mnl_attr_get_u32(attr));
		break;
	}
	return MNL_CB_OK;
}

static int info_attr_cb(const struct nlattr *attr, void *data)
{
	const struct nlattr **attrs = data;

	if (mnl_attr_type_valid(attr, IFLA_INFO_DATA) == 1)
		attrs[mnl_attr_get_type(attr)] = attr;
	return MNL_CB_OK;
}

static bool is_can(const struct nlattr *kind)
{
	return kind && mnl_attr_validate(kind, MNL_TYPE_NUL_STRING) == 0 &&
	       strcmp(mnl_attr_get_str(kind), "can") == 0;
}

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *info[IFLA_INFO_DATA + 1] = { NULL };
	const struct nlattr *attr;
	const char *name = data;

	mnl_attr_for_each(attr, nlh, sizeof(struct ifinfomsg))
		if (mnl_attr_get_type(attr) == IFLA_LINKINFO)
			mnl_attr_parse_nested(attr, info_attr_cb, info);
	if (!is_can(info[IFLA_INFO_KIND]) || !info[IFLA_INFO_DATA]) {
		fprintf(stderr, "%s is no CAN interface with settings\n", name);
		exit(EXIT_FAILURE);
	}
	printf("name=%s ", name);
	mnl_attr_parse_nested(info[IFLA_INFO_DATA], can_attr_cb, NULL);
	printf("\n");
	return MNL_CB_OK;
}

/*
 * Changing
 */

static uint32_t number(const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value > UINT32_MAX)
		talk_usage(usage);
	return value;
}

static const struct mode *find_mode(const char *name)
{
	unsigned int i;

	for (i = 0; i < MNL_ARRAY_SIZE(modes); i++)
		if (strcmp(modes[i].name, name) == 0)
			return &modes[i];
	talk_usage(usage);
}

static bool is_on(const char *text)
{
	if (strcmp(text, "on") && strcmp(text, "off"))
		talk_usage(usage);
	return strcmp(text, "on") == 0;
}

/* pairs of a setting and its value */
static void put_settings(struct nlmsghdr *nlh, int argc, char *argv[])
{
	struct can_bittiming timing = { 0 };
	struct can_ctrlmode mode = { 0 };
	const struct mode *m;

	if (argc == 0 || argc % 2)
		talk_usage(usage);
	for (; argc; argc -= 2, argv += 2) {
		if (strcmp(argv[0], "bitrate") == 0) {
			timing.bitrate = number(argv[1]);
		} else if (strcmp(argv[0], "restart-ms") == 0) {
			mnl_attr_put_u32(nlh, IFLA_CAN_RESTART_MS,
					 number(argv[1]));
		} else {
			m = find_mode(argv[0]);
			mode.mask |= m->flag;
			if (is_on(argv[1]))
				mode.flags |= m->flag;
		}
	}
	if (timing.bitrate)
		mnl_attr_put(nlh, IFLA_CAN_BITTIMING, sizeof(timing), &timing);
	if (mode.mask)
		mnl_attr_put(nlh, IFLA_CAN_CTRLMODE, sizeof(mode), &mode);
}

static void put_change(struct nlmsghdr *nlh, int argc, char *argv[])
{
	struct nlattr *info, *settings;

	nlh->nlmsg_type = RTM_NEWLINK;
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "can");
	settings = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	put_settings(nlh, argc, argv);
	mnl_attr_nest_end(nlh, settings);
	mnl_attr_nest_end(nlh, info);
}

static void put_request(struct nlmsghdr *nlh, int argc, char *argv[])
{
	struct ifinfomsg *ifm;

	talk_arguments(argc, argv, 2, argc, usage);
	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = time(NULL);
	ifm = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifm));
	ifm->ifi_family = AF_UNSPEC;
	ifm->ifi_index = interface_index(argv[2]);
	if (strcmp(argv[1], "set") == 0)
		put_change(nlh, argc - 3, argv + 3);
	else if (strcmp(argv[1], "show") || argc != 3)
		talk_usage(usage);
}

int main(int argc, char *argv[])
{
	char buf[MNL_SOCKET_DUMP_SIZE] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct mnl_socket *nl;

	put_request(nlh, argc, argv);

	nl = talk_open(NETLINK_ROUTE, 0);
	talk_send(nl, nlh);
	talk_receive(nl, nlh->nlmsg_seq, link_cb, argv[2]);
	mnl_socket_close(nl);
	return EXIT_SUCCESS;
}
