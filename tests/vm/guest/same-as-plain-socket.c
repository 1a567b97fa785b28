// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listens twice, with a ring and with a plain socket, to the same multicast
 * groups while a command runs, or asks twice for the same dump: the messages
 * must be the same, byte for byte and in the same order.
 *	same-as-plain-socket [-n MESSAGES] group PROTOCOL GROUP[,GROUP]... COMMAND...
 *	same-as-plain-socket [-n MESSAGES] genl FAMILY GROUP COMMAND...
 *	same-as-plain-socket [-n MESSAGES] dump NAME
 *	same-as-plain-socket audit
 * At least so many messages have to come (default: 1).
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/audit.h>
#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>
#include <linux/inet_diag.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <linux/xfrm.h>

#include "ring-syscalls.h"

#define FRAME		16384
#define FRAMES		64
#define SEQ		4711

static struct raw_socket ring, plain;
static unsigned int least = 1;

/* what one of the sockets received, in a row, each with its length before it */
struct record {
	char *buf;
	size_t len;
	unsigned int messages;
};

static void die(const char *what)
{
	fprintf(stderr, "same-as-plain-socket: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void record_add(struct record *r, const void *msg, size_t len)
{
	r->buf = realloc(r->buf, r->len + sizeof(len) + len);
	if (!r->buf)
		die("realloc");
	memcpy(r->buf + r->len, &len, sizeof(len));
	memcpy(r->buf + r->len + sizeof(len), msg, len);
	r->len += sizeof(len) + len;
	r->messages++;
}

static bool record_equal(const struct record *a, const struct record *b)
{
	return a->len == b->len && !memcmp(a->buf, b->buf, a->len);
}

static void read_plain(struct record *r)
{
	static char buf[1 << 20];
	ssize_t len;

	while ((len = recv(plain.fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0)
		record_add(r, buf, len);
}

static void read_ring(struct record *r)
{
	static char buf[1 << 20];
	struct nl_mmap_hdr *hdr;
	ssize_t len;

	for (;;) {
		hdr = raw_next(&ring.rx);
		if (!hdr && raw_poll(&ring, POLLIN, 0))
			hdr = raw_next(&ring.rx);
		if (!hdr)
			return;
		if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
			len = recv(ring.fd, buf, sizeof(buf), MSG_DONTWAIT);
			if (len < 0)
				die("recv of what a COPY frame announced");
			record_add(r, buf, len);
		} else {
			record_add(r, raw_payload(hdr), hdr->nm_len);
		}
		raw_take(&ring.rx);
	}
}

static void open_both(int protocol)
{
	int size = 8 << 20;

	raw_open_rx(&ring, protocol, FRAME, FRAMES, NL_MMAP_F_SPAN);
	raw_open(&plain, protocol);
	setsockopt(ring.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	setsockopt(plain.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void report(const char *name, const struct record *r)
{
	unsigned long long by_ring, by_copy;

	by_ring = raw_counter(&ring, NETLINK_RX_RING,
			      NETLINK_MMAP_A_RING_BY_RING);
	by_copy = raw_counter(&ring, NETLINK_RX_RING,
			      NETLINK_MMAP_A_RING_BY_COPY);
	printf("%-28s %6u messages %9zu bytes the same, %6llu by ring %4llu by copy\n",
	       name, r->messages, r->len - r->messages * sizeof(size_t),
	       by_ring, by_copy);
	if (r->messages < least) {
		fprintf(stderr, "same-as-plain-socket: too few\n");
		exit(1);
	}
}

/*
 * Multicast
 */

static void join(int group)
{
	if (setsockopt(ring.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)) ||
	    setsockopt(plain.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		       sizeof(group)))
		die("NETLINK_ADD_MEMBERSHIP");
}

static void run(char *argv[])
{
	int status;
	pid_t pid;

	pid = fork();
	if (!pid) {
		execvp(argv[0], argv);
		die(argv[0]);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "same-as-plain-socket: %s failed\n", argv[0]);
		exit(1);
	}
}

/*
 * A message goes to one socket after the other: what one has and the other not
 * may be on its way, for ten seconds.
 */
static void compare_groups(const char *name)
{
	struct record a = { 0 }, b = { 0 };
	time_t end = time(NULL) + 10;

	do {
		read_plain(&a);
		read_ring(&b);
	} while ((!record_equal(&a, &b) || a.messages < least) &&
		 time(NULL) < end);
	if (!record_equal(&a, &b)) {
		fprintf(stderr, "same-as-plain-socket: %s: %u messages, by ring %u, differ\n",
			name, a.messages, b.messages);
		exit(1);
	}
	report(name, &a);
}

static void listen_to_groups(const char *protocol, char *groups, char *argv[])
{
	char *group;

	open_both(atoi(protocol));
	for (group = strtok(groups, ","); group; group = strtok(NULL, ","))
		join(atoi(group));
	run(argv);
	compare_groups(argv[0]);
}

struct family {
	const char *group;
	uint32_t group_id;
	uint16_t id;
};

static int family_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct nlattr *attr, *group, *part;
	struct family *f = data;
	uint32_t id = 0;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr)) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID)
			f->id = mnl_attr_get_u16(attr);
		if (mnl_attr_get_type(attr) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		mnl_attr_for_each_nested(group, attr) {
			bool wanted = false;

			mnl_attr_for_each_nested(part, group) {
				if (mnl_attr_get_type(part) ==
				    CTRL_ATTR_MCAST_GRP_ID)
					id = mnl_attr_get_u32(part);
				else if (f->group &&
					 !strcmp(mnl_attr_get_str(part),
						 f->group))
					wanted = true;
			}
			if (wanted)
				f->group_id = id;
		}
	}
	return MNL_CB_OK;
}

static struct family find_family(const char *name, const char *group)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_GENERIC);
	struct family f = { .group = group };
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;
	char buf[8192];
	ssize_t len;

	if (!nl)
		die("mnl_socket_open");
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = GENL_ID_CTRL;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = CTRL_CMD_GETFAMILY;
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	len = mnl_socket_sendto(nl, nlh, nlh->nlmsg_len);
	if (len > 0)
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
	if (len < 0 || mnl_cb_run(buf, len, 0, 0, family_cb, &f) < 0)
		die(name);
	mnl_socket_close(nl);
	return f;
}

static void listen_to_genl(const char *name, const char *group, char *argv[])
{
	struct family f = find_family(name, group);

	open_both(NETLINK_GENERIC);
	join(f.group_id);
	run(argv);
	compare_groups(argv[0]);
}

/*
 * Audit: records of user space, which the kernel sends to its readers
 */

static void audit_request(int fd, uint16_t type, const void *data, size_t len)
{
	char buf[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	memcpy(mnl_nlmsg_put_extra_header(nlh, len), data, len);
	if (send(fd, nlh, nlh->nlmsg_len, 0) < 0 ||
	    recv(fd, buf, sizeof(buf), 0) < 0)
		die("audit");
}

static void listen_to_audit(void)
{
	struct audit_status on = { .mask = AUDIT_STATUS_ENABLED, .enabled = 1 };
	struct raw_socket s;
	char text[64];
	int i;

	open_both(NETLINK_AUDIT);
	join(AUDIT_NLGRP_READLOG);
	raw_open(&s, NETLINK_AUDIT);
	audit_request(s.fd, AUDIT_SET, &on, sizeof(on));
	for (i = 0; i < 20; i++) {
		snprintf(text, sizeof(text), "op=beside number=%d", i);
		audit_request(s.fd, AUDIT_USER, text, strlen(text) + 1);
	}
	on.enabled = 0;
	audit_request(s.fd, AUDIT_SET, &on, sizeof(on));
	least = 20;
	compare_groups("audit");
}

/*
 * Dumps
 */

struct dump {
	const char *name;
	int protocol;
	uint16_t type;
	size_t extra;
	void (*fill)(struct nlmsghdr *nlh, void *extra);
	const char *genl;
};

static void fill_ctrl(struct nlmsghdr *nlh, void *extra)
{
	struct genlmsghdr *genl = extra;

	(void)nlh;
	genl->cmd = CTRL_CMD_GETFAMILY;
}

static void fill_ethtool(struct nlmsghdr *nlh, void *extra)
{
	struct genlmsghdr *genl = extra;

	genl->cmd = ETHTOOL_MSG_FEATURES_GET;
	genl->version = ETHTOOL_GENL_VERSION;
	mnl_attr_nest_end(nlh, mnl_attr_nest_start(nlh,
						   ETHTOOL_A_FEATURES_HEADER));
}

static void fill_inet(struct nlmsghdr *nlh, void *extra)
{
	struct inet_diag_req_v2 *req = extra;

	(void)nlh;
	req->sdiag_family = AF_INET;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = ~0U;
	req->idiag_ext = 0xff;
}

static void fill_unix(struct nlmsghdr *nlh, void *extra)
{
	struct unix_diag_req *req = extra;

	(void)nlh;
	req->sdiag_family = AF_UNIX;
	req->udiag_states = ~0U;
	req->udiag_show = 0xff;
}

#define NFNL(subsystem, message) (NFNL_SUBSYS_##subsystem << 8 | (message))

static const struct dump dumps[] = {
	{ "link", NETLINK_ROUTE, RTM_GETLINK, sizeof(struct ifinfomsg) },
	{ "address", NETLINK_ROUTE, RTM_GETADDR, sizeof(struct ifaddrmsg) },
	{ "route", NETLINK_ROUTE, RTM_GETROUTE, sizeof(struct rtmsg) },
	{ "rule", NETLINK_ROUTE, RTM_GETRULE, sizeof(struct rtmsg) },
	{ "neighbour", NETLINK_ROUTE, RTM_GETNEIGH, sizeof(struct ndmsg) },
	{ "conntrack", NETLINK_NETFILTER, NFNL(CTNETLINK, IPCTNL_MSG_CT_GET),
	  sizeof(struct nfgenmsg) },
	{ "nft-table", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETTABLE),
	  sizeof(struct nfgenmsg) },
	{ "nft-chain", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETCHAIN),
	  sizeof(struct nfgenmsg) },
	{ "nft-rule", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETRULE),
	  sizeof(struct nfgenmsg) },
	{ "nft-set", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETSET),
	  sizeof(struct nfgenmsg) },
	{ "xfrm-state", NETLINK_XFRM, XFRM_MSG_GETSA, 0 },
	{ "xfrm-policy", NETLINK_XFRM, XFRM_MSG_GETPOLICY, 0 },
	{ "tcp", NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY,
	  sizeof(struct inet_diag_req_v2), fill_inet },
	{ "unix", NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY,
	  sizeof(struct unix_diag_req), fill_unix },
	{ "genl-family", NETLINK_GENERIC, GENL_ID_CTRL,
	  sizeof(struct genlmsghdr), fill_ctrl },
	{ "ethtool", NETLINK_GENERIC, 0, sizeof(struct genlmsghdr),
	  fill_ethtool, "ethtool" },
};

static struct nlmsghdr *build_dump(const struct dump *d, char *buf)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	void *extra;

	nlh->nlmsg_type = d->genl ? find_family(d->genl, NULL).id : d->type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = SEQ;
	extra = mnl_nlmsg_put_extra_header(nlh, d->extra);
	if (d->fill)
		d->fill(nlh, extra);
	return nlh;
}

/*
 * The messages of a record one by one: how many are in an skb depends on the
 * room for it. The port ID is the asker's own. Returns whether it is complete.
 */
static bool split(const struct record *from, struct record *to)
{
	const char *at = from->buf;
	struct nlmsghdr *nlh;
	bool done = false;
	size_t len;
	int left;

	*to = (struct record){ 0 };
	while (at < from->buf + from->len) {
		memcpy(&len, at, sizeof(len));
		at += sizeof(len);
		left = len;
		for (nlh = (void *)at; mnl_nlmsg_ok(nlh, left);
		     nlh = mnl_nlmsg_next(nlh, &left)) {
			nlh->nlmsg_pid = 0;
			record_add(to, nlh, nlh->nlmsg_len);
			done = nlh->nlmsg_type == NLMSG_DONE;
		}
		at += len;
	}
	return done;
}

static void get_dump(struct raw_socket *s, struct nlmsghdr *request,
		     void (*read_on)(struct record *), struct record *result)
{
	struct record parts = { 0 };

	if (send(s->fd, request, request->nlmsg_len, 0) < 0)
		die("send");
	do {
		raw_poll(s, POLLIN, -1);
		read_on(&parts);
	} while (!split(&parts, result));
}

/* sockets to be found */
static void open_sockets(void)
{
	int pair[2], i, fd;

	for (i = 0; i < 20; i++) {
		fd = socket(AF_INET, SOCK_STREAM, 0);
		if (fd < 0 || listen(fd, 1) ||
		    socketpair(AF_UNIX, SOCK_STREAM, 0, pair))
			die("socket");
	}
}

static bool name_is(const struct dump *d, const char *name)
{
	return !strcmp(d->name, name);
}

/* time goes on: what is not the same before and after may be anything */
static bool is_between(const struct record *r, const struct record *before,
		       const struct record *after)
{
	size_t i;

	if (r->len != before->len || r->len != after->len)
		return false;
	for (i = 0; i < r->len; i++)
		if (before->buf[i] == after->buf[i] &&
		    r->buf[i] != before->buf[i])
			return false;
	return true;
}

static void compare_dumps(const char *name)
{
	struct record before, by_ring, after;
	const struct dump *d = dumps;
	struct nlmsghdr *request;
	char buf[1024];
	int tries = 20;

	while (d < dumps + sizeof(dumps) / sizeof(*dumps) && !name_is(d, name))
		d++;
	if (d == dumps + sizeof(dumps) / sizeof(*dumps)) {
		errno = EINVAL;
		die(name);
	}
	open_both(d->protocol);
	open_sockets();
	request = build_dump(d, buf);
	do {
		get_dump(&plain, request, read_plain, &before);
		get_dump(&ring, request, read_ring, &by_ring);
		get_dump(&plain, request, read_plain, &after);
	} while (!is_between(&by_ring, &before, &after) && --tries);
	if (!tries) {
		fprintf(stderr, "same-as-plain-socket: dump %s: %u messages, by ring %u, then %u, differ\n",
			name, before.messages, by_ring.messages,
			after.messages);
		exit(1);
	}
	report(name, &by_ring);
}

int main(int argc, char *argv[])
{
	if (argc > 2 && !strcmp(argv[1], "-n")) {
		least = atoi(argv[2]);
		argv += 2;
		argc -= 2;
	}
	watchdog(200);
	if (argc > 4 && !strcmp(argv[1], "group"))
		listen_to_groups(argv[2], argv[3], argv + 4);
	else if (argc > 4 && !strcmp(argv[1], "genl"))
		listen_to_genl(argv[2], argv[3], argv + 4);
	else if (argc == 2 && !strcmp(argv[1], "audit"))
		listen_to_audit();
	else if (argc == 3 && !strcmp(argv[1], "dump"))
		compare_dumps(argv[2]);
	else
		return 2;
	return 0;
}
