// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The rings of a network namespace: see rings.h.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>

#include "check.h"
#include "rings.h"

void die(int status, const char *format, ...)
{
	va_list args;

	fputs("mnl-ring: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

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

#define PROTOCOLS	(sizeof(protocols) / sizeof(*protocols))

const char *protocol_name(uint64_t protocol)
{
	return protocol < PROTOCOLS ? protocols[protocol] : NULL;
}

int protocol_number(const char *text)
{
	unsigned long number;
	unsigned int i;
	char *end;

	for (i = 0; i < PROTOCOLS; i++)
		if (protocols[i] && !strcmp(text, protocols[i]))
			return i;
	number = strtoul(text, &end, 10);
	/* what socket(2) takes: the kernel has MAX_LINKS of them */
	return text[0] >= '0' && text[0] <= '9' && !*end && number < MAX_LINKS ?
	       (int)number : -1;
}

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

void die_without_socket(void)
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

struct mnl_socket *open_family(uint16_t *family)
{
	struct mnl_socket *nl = find_family(family);

	if (!nl)
		die(EXIT_KERNEL, "this kernel has no netlink rings: %s",
		    errno == ENOENT ? why_no_module() : strerror(errno));
	return nl;
}

static void keep_protocol(struct rings *rings, uint64_t protocol)
{
	unsigned int i, kept = 0;

	for (i = 0; i < rings->count; i++)
		if (rings->ring[i].values[NETLINK_MMAP_A_RING_PROTOCOL] == protocol)
			rings->ring[kept++] = rings->ring[i];
	rings->count = kept;
}

struct rings get_rings(struct mnl_socket *nl, uint16_t family, int protocol)
{
	struct rings rings = { 0 };
	char buf[256];

	if (talk(nl, request(buf, family, NLM_F_DUMP),
		 NETLINK_MMAP_CMD_RING_GET, ring_cb, &rings) == -1)
		die(EXIT_KERNEL, "list of rings: %s", strerror(errno));
	if (protocol != -1)
		keep_protocol(&rings, protocol);
	return rings;
}
