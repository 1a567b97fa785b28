// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mnl-ring: shows the netlink rings of a network namespace and their counters.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <linux/genetlink.h>
#include <linux/netlink_mmap.h>
#include <libmnl/libmnl.h>

#include "check.h"

/* as iproute2 has them */
#define EXIT_USAGE	1
#define EXIT_KERNEL	2

/* one ring: an attribute of the family each, by its number */
struct ring {
	uint64_t values[NETLINK_MMAP_A_RING_MAX + 1];
};

struct rings {
	struct ring *ring;
	unsigned int count;
};

static bool json;
static const char *wanted_protocol;

static void die(int status, const char *format, ...)
{
	va_list args;

	fputs("mnl-ring: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static void usage(FILE *to)
{
	fputs("Usage: mnl-ring [ OPTIONS ] show [ protocol PROTOCOL ]\n"
	      "       mnl-ring [ OPTIONS ] monitor [ INTERVAL [ COUNT ] ]\n"
	      "       mnl-ring [ OPTIONS ] check [ KIB ]\n"
	      "       mnl-ring help\n"
	      "where  PROTOCOL := route | netfilter | generic | ... | NUMBER\n"
	      "       KIB := size of the ring to try (default: 4096)\n"
	      "       INTERVAL := seconds between two tables (default: 1)\n"
	      "       OPTIONS := { -j[son] | -V[ersion] | -h[elp] }\n", to);
}

/*
 * Names
 */

static const char * const protocols[] = {
	[NETLINK_ROUTE]		= "route",
	[NETLINK_USERSOCK]	= "usersock",
	[NETLINK_SOCK_DIAG]	= "sock_diag",
	[NETLINK_NFLOG]		= "nflog",
	[NETLINK_XFRM]		= "xfrm",
	[NETLINK_SELINUX]	= "selinux",
	[NETLINK_ISCSI]		= "iscsi",
	[NETLINK_AUDIT]		= "audit",
	[NETLINK_FIB_LOOKUP]	= "fib_lookup",
	[NETLINK_CONNECTOR]	= "connector",
	[NETLINK_NETFILTER]	= "netfilter",
	[NETLINK_KOBJECT_UEVENT] = "kobject_uevent",
	[NETLINK_GENERIC]	= "generic",
	[NETLINK_SCSITRANSPORT]	= "scsitransport",
	[NETLINK_RDMA]		= "rdma",
	[NETLINK_CRYPTO]	= "crypto",
};

static const char *protocol_name(uint64_t protocol)
{
	static char number[24];

	if (protocol < sizeof(protocols) / sizeof(*protocols) &&
	    protocols[protocol])
		return protocols[protocol];
	snprintf(number, sizeof(number), "%" PRIu64, protocol);
	return number;
}

static bool is_rx(const struct ring *r)
{
	return r->values[NETLINK_MMAP_A_RING_TYPE] == NETLINK_RX_RING;
}

/* a figure that both kinds have, or one of them */
enum kind { BOTH, RX, TX };

struct column {
	int attr;
	const char *title;	/* NULL: not in tables */
	const char *name;	/* in JSON, as in the YNL specification */
	enum kind kind;
	bool counts;		/* goes up: monitor shows the difference */
};

static const struct column columns[] = {
	{ NETLINK_MMAP_A_RING_PORTID, "Port ID", "portid", BOTH, false },
	{ NETLINK_MMAP_A_RING_INODE, NULL, "inode", BOTH, false },
	{ NETLINK_MMAP_A_RING_BLOCK_SIZE, NULL, "block_size", BOTH, false },
	{ NETLINK_MMAP_A_RING_BLOCK_NR, NULL, "block_nr", BOTH, false },
	{ NETLINK_MMAP_A_RING_FRAME_SIZE, "Size", "frame_size", BOTH, false },
	{ NETLINK_MMAP_A_RING_FRAME_NR, "Frames", "frame_nr", BOTH, false },
	{ NETLINK_MMAP_A_RING_FLAGS, NULL, "flags", BOTH, false },
	{ NETLINK_MMAP_A_RING_HEAD, NULL, "head", BOTH, false },
	{ NETLINK_MMAP_A_RING_IN_USE, "In use", "in_use", BOTH, false },
	{ NETLINK_MMAP_A_RING_MESSAGES, "Messages", "messages", BOTH, true },
	{ NETLINK_MMAP_A_RING_BYTES, "Bytes", "bytes", BOTH, true },
	{ NETLINK_MMAP_A_RING_BY_RING, "By ring", "by_ring", BOTH, true },
	{ NETLINK_MMAP_A_RING_BY_COPY, "By copy", "by_copy", RX, true },
	{ NETLINK_MMAP_A_RING_SPILLED, "Spilled", "spilled", RX, true },
	{ NETLINK_MMAP_A_RING_SPANS, "Spans", "spans", RX, true },
	{ NETLINK_MMAP_A_RING_WAKEUPS, "Wakeups", "wakeups", RX, true },
	{ NETLINK_MMAP_A_RING_DROPS, "Drops", "drops", RX, true },
	{ NETLINK_MMAP_A_RING_ERRORS, "Errors", "errors", TX, true },
};

#define COLUMNS	(sizeof(columns) / sizeof(*columns))

static bool has(const struct ring *r, const struct column *c)
{
	return c->kind == BOTH || (c->kind == RX) == is_rx(r);
}

/*
 * The kernel's list
 */

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) == 0)
			*(uint16_t *)data = mnl_attr_get_u16(attr);
	return MNL_CB_OK;
}

static int ring_cb(const struct nlmsghdr *nlh, void *data)
{
	struct rings *rings = data;
	const struct nlattr *attr;
	struct ring *r;

	r = realloc(rings->ring, (rings->count + 1) * sizeof(*r));
	if (!r)
		return MNL_CB_ERROR;
	rings->ring = r;
	r += rings->count;
	memset(r, 0, sizeof(*r));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_type_valid(attr, NETLINK_MMAP_A_RING_MAX) > 0)
			r->values[mnl_attr_get_type(attr)] =
				mnl_attr_get_uint(attr);
	if (!wanted_protocol ||
	    !strcmp(wanted_protocol, protocol_name(
			r->values[NETLINK_MMAP_A_RING_PROTOCOL])))
		rings->count++;
	return MNL_CB_OK;
}

static int talk(struct mnl_socket *nl, struct nlmsghdr *nlh, uint8_t cmd,
		mnl_cb_t cb, void *data)
{
	char buf[MNL_SOCKET_DUMP_SIZE];
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	ssize_t len;
	int ret;

	genl->cmd = cmd;
	genl->version = 1;
	if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) == -1)
		return -1;
	do {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (len == -1)
			return -1;
		ret = mnl_cb_run(buf, len, 0, 0, cb, data);
	} while (ret > MNL_CB_STOP);
	return ret;
}

static struct nlmsghdr *request(char *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	return nlh;
}

static void die_without_socket(void)
{
	die(EXIT_KERNEL, "netlink socket: %s%s", strerror(errno),
	    errno == EPERM || errno == EACCES || errno == EAFNOSUPPORT ?
	    ": a security module, seccomp filter or RestrictAddressFamilies= of systemd refuses it" :
	    "");
}

/* NULL, with errno: the kernel does not have it */
static struct mnl_socket *find_family(uint16_t *family)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	struct nlmsghdr *nlh;
	char buf[256];

	if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1)
		die_without_socket();
	nlh = request(buf, GENL_ID_CTRL, NLM_F_ACK);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME,
			  NETLINK_MMAP_FAMILY_NAME);
	if (talk(nl, nlh, CTRL_CMD_GETFAMILY, family_cb, family) == 0)
		return nl;
	mnl_socket_close(nl);
	return NULL;
}

static void die_without_family(void)
{
	die(EXIT_KERNEL, "this kernel has no netlink rings: %s",
	    errno == ENOENT ? why_no_module() : strerror(errno));
}

static struct mnl_socket *open_family(uint16_t *family)
{
	struct mnl_socket *nl = find_family(family);

	if (!nl)
		die_without_family();
	return nl;
}

static struct rings get_rings(struct mnl_socket *nl, uint16_t family)
{
	struct rings rings = { 0 };
	char buf[256];

	if (talk(nl, request(buf, family, NLM_F_DUMP),
		 NETLINK_MMAP_CMD_RING_GET, ring_cb, &rings) == -1)
		die(EXIT_KERNEL, "list of rings: %s", strerror(errno));
	return rings;
}

/* the same ring a moment ago */
static const struct ring *find(const struct rings *rings,
			       const struct ring *r)
{
	unsigned int i;

	for (i = 0; i < rings->count; i++)
		if (rings->ring[i].values[NETLINK_MMAP_A_RING_INODE] ==
		    r->values[NETLINK_MMAP_A_RING_INODE] &&
		    rings->ring[i].values[NETLINK_MMAP_A_RING_TYPE] ==
		    r->values[NETLINK_MMAP_A_RING_TYPE])
			return &rings->ring[i];
	return NULL;
}

/*
 * Output
 */

static uint64_t value(const struct ring *r, const struct ring *before,
		      const struct column *c)
{
	uint64_t v = r->values[c->attr];

	return before && c->counts ? v - before->values[c->attr] : v;
}

static void print_json(const struct rings *rings, const struct rings *before)
{
	const struct ring *r, *b;
	unsigned int i;

	printf("[");
	for (r = rings->ring; r < rings->ring + rings->count; r++) {
		b = before ? find(before, r) : NULL;
		printf("%s{\"type\":\"%s\",\"protocol\":\"%s\"",
		       r == rings->ring ? "" : ",", is_rx(r) ? "rx" : "tx",
		       protocol_name(r->values[NETLINK_MMAP_A_RING_PROTOCOL]));
		for (i = 0; i < COLUMNS; i++)
			if (has(r, &columns[i]))
				printf(",\"%s\":%" PRIu64, columns[i].name,
				       value(r, b, &columns[i]));
		printf("}");
	}
	printf("]\n");
}

/* a column is as wide as its widest figure */
static int width(const struct rings *rings, const struct rings *before,
		 const struct column *c)
{
	int most = strlen(c->title), len;
	const struct ring *r;

	for (r = rings->ring; r < rings->ring + rings->count; r++) {
		len = snprintf(NULL, 0, "%" PRIu64,
			       value(r, before ? find(before, r) : NULL, c));
		if (len > most)
			most = len;
	}
	return most;
}

static void print_table(const struct rings *rings, const struct rings *before)
{
	int widths[COLUMNS] = { 0 };
	const struct ring *r;
	unsigned int i;

	printf("%-4s %-14s", "Type", "Protocol");
	for (i = 0; i < COLUMNS; i++) {
		if (!columns[i].title)
			continue;
		widths[i] = width(rings, before, &columns[i]);
		printf(" %*s", widths[i], columns[i].title);
	}
	printf("\n");
	for (r = rings->ring; r < rings->ring + rings->count; r++) {
		printf("%-4s %-14s", is_rx(r) ? "rx" : "tx",
		       protocol_name(r->values[NETLINK_MMAP_A_RING_PROTOCOL]));
		for (i = 0; i < COLUMNS; i++) {
			if (!columns[i].title)
				continue;
			if (has(r, &columns[i]))
				printf(" %*" PRIu64, widths[i],
				       value(r, before ? find(before, r) : NULL,
					     &columns[i]));
			else
				printf(" %*s", widths[i], "-");
		}
		printf("\n");
	}
}

static void print(const struct rings *rings, const struct rings *before)
{
	(json ? print_json : print_table)(rings, before);
	if (fflush(stdout))
		die(EXIT_USAGE, "write: %s", strerror(errno));
}

/*
 * Commands
 */

static void show(char *args[])
{
	struct mnl_socket *nl;
	struct rings rings;
	uint16_t family = 0;
	char *end;

	if (args[0]) {
		if (strcmp(args[0], "protocol") || !args[1] || args[2])
			die(EXIT_USAGE, "show: \"protocol PROTOCOL\" or nothing");
		wanted_protocol = args[1];
		strtoul(args[1], &end, 10);
		if (!*end)
			wanted_protocol = protocol_name(strtoul(args[1], NULL,
								10));
	}
	nl = open_family(&family);
	rings = get_rings(nl, family);
	print(&rings, NULL);
	free(rings.ring);
	mnl_socket_close(nl);
}

static double number(const char *text, double least, const char *what)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= least) || n > 1e6)
		die(EXIT_USAGE, "\"%s\" is no %s", text, what);
	return n;
}

/* a first table of all so far, then of what came in each interval */
static void monitor(char *args[])
{
	double interval = args[0] ? number(args[0], 0.01, "interval") : 1;
	double count = args[0] && args[1] ? number(args[1], 1, "count") : -1;
	struct timespec pause = {
		.tv_sec = interval,
		.tv_nsec = (interval - (time_t)interval) * 1e9,
	};
	struct rings rings, before = { 0 };
	struct mnl_socket *nl;
	uint16_t family = 0;
	bool first = true;

	nl = open_family(&family);
	while (count < 0 || count-- >= 1) {
		rings = get_rings(nl, family);
		print(&rings, first ? NULL : &before);
		free(before.ring);
		before = rings;
		first = false;
		if (count < 0 || count >= 1)
			nanosleep(&pause, NULL);
	}
	free(before.ring);
	mnl_socket_close(nl);
}

/*
 * Would a program get a ring?
 */

static void check(char *argv[])
{
	unsigned long kib = argv[0] ? strtoul(argv[0], NULL, 10) : 4096;
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct mnl_socket *genl;
	uint16_t family = 0;

	if (kib == 0 || kib > UINT32_MAX >> 10 || (argv[0] && argv[1]))
		die(EXIT_USAGE, "not a size in KiB: \"%s\"", argv[0]);
	if (!nl)
		die_without_socket();
	genl = find_family(&family);
	if (!genl)
		die_without_family();
	mnl_socket_close(genl);
	if (mnl_socket_set_ring(nl, kib << 10, 0) == -1 ||
	    mnl_socket_mmap(nl) == -1)
		die(EXIT_KERNEL, "no ring: %s", why_no_ring(errno, kib << 10));
	if (!mnl_ring_is_mapped(mnl_socket_get_ring(nl, MNL_RING_RX)))
		die(EXIT_KERNEL, "this kernel refused the ring");
	if (json)
		printf("{\"ring_kib\":%lu}\n", kib);
	else
		printf("rings work: %lu KiB were set and mapped\n", kib);
	mnl_socket_close(nl);
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "Version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *command;
	int option;

	while ((option = getopt_long_only(argc, argv, "+jVh", options,
					  NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'V':
			puts("mnl-ring utility, libmnl-mmap-" LIBMNL_MMAP_VERSION_STRING);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	argv += optind;
	command = argv[0] ? argv[0] : "show";
	if (!strcmp(command, "help")) {
		usage(stdout);
		return 0;
	}
	if (!strcmp(command, "show") || !strcmp(command, "list"))
		show(argv[0] ? argv + 1 : argv);
	else if (!strcmp(command, "monitor"))
		monitor(argv + 1);
	else if (!strcmp(command, "check"))
		check(argv + 1);
	else
		die(EXIT_USAGE, "command \"%s\" is unknown, try \"mnl-ring help\"",
		    command);
	return 0;
}
