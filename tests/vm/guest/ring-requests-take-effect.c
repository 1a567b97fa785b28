// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests to the kernel through a TX ring: what the kernel did and answered,
 * how few skbs it took, and that a ring gives nobody a right that sendmsg()
 * does not. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_link.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "child-process.h"
#include "ring-syscalls.h"

#define FRAME		2048
#define FRAMES		32

static struct raw_socket s;

static void open_ring(int protocol)
{
	struct timeval second = { .tv_sec = 10 };

	raw_open_rings(&s, protocol, FRAME, 0, FRAMES);
	setsockopt(s.fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
}

/* a network namespace for each test: what it leaves is gone with it */
static int setup(void **state)
{
	(void)state;
	return unshare(CLONE_NEWNET);
}

static int teardown(void **state)
{
	(void)state;
	raw_close(&s);
	return 0;
}

/*
 * Messages
 */

static struct nlmsghdr *frame_message(void)
{
	return memset(raw_payload(raw_current(&s.tx)), 0,
		      FRAME - NL_MMAP_HDRLEN);
}

/* hands the frame over; returns @len */
static ssize_t commit(size_t len)
{
	raw_current(&s.tx)->nm_len = len;
	raw_set_status(raw_current(&s.tx), NL_MMAP_STATUS_VALID);
	raw_advance(&s.tx);
	return len;
}

static void put_header(struct nlmsghdr *nlh, uint16_t type, uint16_t flags,
		       uint32_t seq, size_t extra)
{
	nlh->nlmsg_len = NLMSG_LENGTH(extra);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
}

static void *end_of(struct nlmsghdr *nlh)
{
	return (char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len);
}

static void put_attr(struct nlmsghdr *nlh, uint16_t type, const void *data,
		     size_t len)
{
	struct nlattr *attr = end_of(nlh);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) +
			 NLA_ALIGN(attr->nla_len);
}

static size_t build_link(struct nlmsghdr *nlh, const char *kind,
			 const char *name, uint32_t seq)
{
	struct ifinfomsg *ifi = NLMSG_DATA(nlh);
	struct nlattr *info;

	put_header(nlh, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK, seq,
		   sizeof(*ifi));
	ifi->ifi_flags = IFF_UP;
	ifi->ifi_change = IFF_UP;
	put_attr(nlh, IFLA_IFNAME, name, strlen(name) + 1);
	info = end_of(nlh);
	put_attr(nlh, IFLA_LINKINFO, "", 0);
	put_attr(nlh, IFLA_INFO_KIND, kind, strlen(kind) + 1);
	info->nla_len = (char *)nlh + nlh->nlmsg_len - (char *)info;
	return nlh->nlmsg_len;
}

static ssize_t commit_link(const char *name, uint32_t seq)
{
	return commit(build_link(frame_message(), "dummy", name, seq));
}

static const char *link_name(unsigned int i)
{
	static char name[IFNAMSIZ];

	snprintf(name, sizeof(name), "ringtx%u", i);
	return name;
}

/* the answer to a request with NLM_F_ACK: 0 or a negative errno */
static int answer(uint32_t seq)
{
	struct nlmsgerr *err;
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	ssize_t len = recv(s.fd, buf, sizeof(buf), 0);

	assert_true(len >= (ssize_t)NLMSG_LENGTH(sizeof(*err)));
	assert_int_equal(nlh->nlmsg_type, NLMSG_ERROR);
	assert_int_equal(nlh->nlmsg_seq, seq);
	err = NLMSG_DATA(nlh);
	return err->error;
}

static void expect_no_answer(void)
{
	char buf[16];

	assert_int_equal(recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/*
 * skbs as a monitor of netlink sees them
 */

static int monitor_open(void)
{
	struct nlmsghdr *nlh = frame_message();
	struct sockaddr_ll addr = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
	};
	ssize_t len;
	int fd;

	len = build_link(nlh, "nlmon", "ringmon", 1);
	assert_int_equal(send(s.fd, nlh, len, 0), len);
	assert_int_equal(answer(1), 0);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	addr.sll_ifindex = if_nametoindex("ringmon");
	assert_int_not_equal(addr.sll_ifindex, 0);
	assert_int_equal(bind(fd, (void *)&addr, sizeof(addr)), 0);
	return fd;
}

/* skbs that begin with a message of this type */
static unsigned int monitor_count(int fd, uint16_t type)
{
	unsigned int count = 0;
	char buf[65536];
	struct nlmsghdr *nlh = (void *)buf;

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) >=
	       (ssize_t)sizeof(*nlh))
		count += nlh->nlmsg_type == type &&
			 nlh->nlmsg_flags & NLM_F_REQUEST;
	return count;
}

/* each message has its effect and its answer; they take few skbs */
static void test_effect(void **state)
{
	unsigned int i, links = 20;
	ssize_t sum = 0;
	int monitor;

	(void)state;
	open_ring(NETLINK_ROUTE);
	monitor = monitor_open();
	for (i = 0; i < links; i++)
		sum += commit_link(link_name(i), i);
	assert_int_equal(if_nametoindex(link_name(0)), 0);
	monitor_count(monitor, 0);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	for (i = 0; i < links; i++) {
		assert_int_not_equal(if_nametoindex(link_name(i)), 0);
		assert_int_equal(answer(i), 0);
	}
	expect_no_answer();
	assert_int_equal(monitor_count(monitor, RTM_NEWLINK), 1);
	assert_int_equal(raw_counter(&s, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_MESSAGES), links);
	assert_int_equal(raw_counter(&s, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_BYTES), sum);
	close(monitor);
}

/* more than fit one skb, and one that is long, in their order */
static void test_many_skbs(void **state)
{
	unsigned int i, links = 30;
	ssize_t sum = 0;
	int monitor;

	(void)state;
	open_ring(NETLINK_ROUTE);
	monitor = monitor_open();
	for (i = 0; i < links; i++) {
		struct nlmsghdr *nlh = frame_message();

		build_link(nlh, "dummy", link_name(i), i);
		if (i % 7 == 0) {
			char alias[200] = "";

			memset(alias, 'a', 199);
			put_attr(nlh, IFLA_IFALIAS, alias, sizeof(alias));
		}
		sum += commit(nlh->nlmsg_len);
	}
	monitor_count(monitor, 0);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	for (i = 0; i < links; i++)
		assert_int_equal(answer(i), 0);
	assert_in_range(monitor_count(monitor, RTM_NEWLINK), 1, 3);
	close(monitor);
}

/* one is refused by the kernel: the others are not */
static void test_one_refused(void **state)
{
	ssize_t sum;

	(void)state;
	open_ring(NETLINK_ROUTE);
	sum = commit_link(link_name(0), 1);
	sum += commit_link(link_name(0), 2);
	sum += commit_link(link_name(1), 3);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	assert_int_equal(answer(1), 0);
	assert_int_equal(answer(2), -EEXIST);
	assert_int_equal(answer(3), 0);
	expect_no_answer();
}

/*
 * What netlink would not get past: a length that lies, bytes behind the last
 * message. The frame is sent as sendmsg() would, and those behind it too.
 */
static void test_not_whole(void **state)
{
	static const int lies[] = { 4, -20, 100, -200 };
	struct nlmsghdr *nlh;
	ssize_t sum, len;
	unsigned int i;

	(void)state;
	open_ring(NETLINK_ROUTE);
	for (i = 0; i < 4; i++) {
		sum = commit_link(link_name(3 * i), 1);
		nlh = frame_message();
		len = build_link(nlh, "dummy", link_name(3 * i + 1), 2);
		nlh->nlmsg_len += lies[i];
		sum += commit(len);
		sum += commit_link(link_name(3 * i + 2), 3);
		assert_int_equal(raw_run_tx(&s, 0, 0), sum);
		assert_int_equal(answer(1), 0);
		/* shorter: what there is of it is looked at */
		if (lies[i] == -20)
			answer(2);
		assert_int_equal(answer(3), 0);
		expect_no_answer();
	}
}

/* two messages in a frame, as before */
static void test_two_in_a_frame(void **state)
{
	struct nlmsghdr *nlh;
	ssize_t sum, len;

	(void)state;
	open_ring(NETLINK_ROUTE);
	sum = commit_link(link_name(0), 1);
	nlh = frame_message();
	len = build_link(nlh, "dummy", link_name(1), 2);
	len = NLMSG_ALIGN(len);
	len += build_link((void *)((char *)nlh + len), "dummy", link_name(2),
			  3);
	sum += commit(len);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	assert_int_equal(answer(1), 0);
	assert_int_equal(answer(2), 0);
	assert_int_equal(answer(3), 0);
}

/*
 * nf_tables
 */

static struct nlmsghdr *put_nfnl(struct nlmsghdr *nlh, uint16_t type,
				 uint16_t flags, uint32_t seq, uint16_t id)
{
	struct nfgenmsg *nfg = NLMSG_DATA(nlh);

	put_header(nlh, type, flags, seq, sizeof(*nfg));
	nfg->nfgen_family = AF_INET;
	nfg->res_id = htons(id);
	return nlh;
}

/* a frame with a transaction that adds a table */
static ssize_t commit_table(const char *name, uint32_t seq)
{
	struct nlmsghdr *first = frame_message(), *nlh;

	nlh = put_nfnl(first, NFNL_MSG_BATCH_BEGIN, 0, seq,
		       NFNL_SUBSYS_NFTABLES);
	nlh = put_nfnl(end_of(nlh), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWTABLE,
		       NLM_F_CREATE | NLM_F_ACK, seq, 0);
	put_attr(nlh, NFTA_TABLE_NAME, name, strlen(name) + 1);
	nlh = put_nfnl(end_of(nlh), NFNL_MSG_BATCH_END, 0, seq,
		       NFNL_SUBSYS_NFTABLES);
	return commit((char *)end_of(nlh) - (char *)first);
}

static ssize_t commit_get_table(const char *name, uint32_t seq)
{
	struct nlmsghdr *nlh = frame_message();

	put_nfnl(nlh, NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETTABLE, NLM_F_ACK,
		 seq, 0);
	put_attr(nlh, NFTA_TABLE_NAME, name, strlen(name) + 1);
	return commit(nlh->nlmsg_len);
}

/*
 * lesson 12: transactions, and other requests between them. Fails when they share
 * an skb.
 */
static void test_transactions(void **state)
{
	ssize_t sum;

	(void)state;
	open_ring(NETLINK_NETFILTER);
	sum = commit_get_table("ring0", 1);
	sum += commit_get_table("ring0", 2);
	sum += commit_table("ring0", 3);
	sum += commit_table("ring1", 4);
	sum += commit_get_table("none", 5);
	sum += commit_get_table("none", 6);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	assert_int_equal(answer(1), -ENOENT);
	assert_int_equal(answer(2), -ENOENT);
	assert_int_equal(answer(3), 0);
	assert_int_equal(answer(4), 0);
	assert_int_equal(answer(5), -ENOENT);
	assert_int_equal(answer(6), -ENOENT);
	expect_no_answer();
	assert_int_equal(system("nft list table ip ring0 >/dev/null"), 0);
}

/*
 * Who may
 */

/* as answer(), in the child */
static int child_answer(void)
{
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;

	child_check(recv(s.fd, buf, sizeof(buf), 0) > 0, 101);
	child_check(nlh->nlmsg_type == NLMSG_ERROR, 102);
	return ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
}

/* opened and filled by root, run by somebody else */
static void run_links_as_nobody(void)
{
	int i;

	child_become_nobody();
	child_check(raw_run_tx(&s, 0, 0) > 0, 1);
	for (i = 0; i < 3; i++)
		child_check(child_answer() == -EPERM, 2);
}

static void test_passed_to_nobody(void **state)
{
	int i;

	(void)state;
	open_ring(NETLINK_ROUTE);
	for (i = 0; i < 3; i++)
		commit_link(link_name(i), i);
	child_run(run_links_as_nobody);
	for (i = 0; i < 3; i++)
		assert_int_equal(if_nametoindex(link_name(i)), 0);
}

/* nfnetlink answers only the first message of an skb: here, too, each */
static void run_tables_as_nobody(void)
{
	int i;

	child_become_nobody();
	open_ring(NETLINK_NETFILTER);
	for (i = 0; i < 3; i++)
		commit_get_table("none", i);
	child_check(raw_run_tx(&s, 0, 0) > 0, 1);
	for (i = 0; i < 3; i++)
		child_check(child_answer() == -EPERM, 2);
}

static void test_nfnetlink_nobody(void **state)
{
	(void)state;
	open_ring(NETLINK_ROUTE);
	child_run(run_tables_as_nobody);
}

/* credentials of another process */
static void send_forged(void)
{
	union {
		char buf[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = { 0 };
	struct cmsghdr *cmsg = &control.align;
	struct ucred forged = { .pid = 1 };
	struct msghdr msg = {
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	child_become_nobody();
	cmsg->cmsg_len = CMSG_LEN(sizeof(forged));
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_CREDENTIALS;
	memcpy(CMSG_DATA(cmsg), &forged, sizeof(forged));
	child_check(sendmsg(s.fd, &msg, 0) == -1 && errno == EPERM, 1);
}

static void test_forged_credentials(void **state)
{
	(void)state;
	open_ring(NETLINK_ROUTE);
	commit_link(link_name(0), 1);
	commit_link(link_name(1), 2);
	child_run(send_forged);
	expect_no_answer();
	assert_int_equal(if_nametoindex(link_name(0)), 0);
}

/* to a multicast group, which only the privileged may send to */
static void send_to_group(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK, .nl_groups = 1 };

	child_become_nobody();
	child_check(sendto(s.fd, NULL, 0, 0, (void *)&addr, sizeof(addr)) == -1 &&
		    errno == EPERM, 1);
}

static void test_group(void **state)
{
	(void)state;
	open_ring(NETLINK_ROUTE);
	commit_link(link_name(0), 1);
	commit_link(link_name(1), 2);
	child_run(send_to_group);
}

/* the socket's namespace counts, not the sender's */
static void run_in_other_namespace(void)
{
	child_check(!unshare(CLONE_NEWNET), 1);
	child_check(raw_run_tx(&s, 0, 0) > 0, 2);
	child_check(child_answer() == 0 && child_answer() == 0, 3);
	child_check(!if_nametoindex(link_name(0)), 4);
}

static void test_namespace(void **state)
{
	(void)state;
	open_ring(NETLINK_ROUTE);
	commit_link(link_name(0), 1);
	commit_link(link_name(1), 2);
	child_run(run_in_other_namespace);
	assert_int_not_equal(if_nametoindex(link_name(0)), 0);
}

/*
 * Another thread rewrites messages between harmless and not, while nobody
 * sends them: none of the latter gets in.
 */
static void *rewrite_types(void *data)
{
	struct nlmsghdr *nlh;
	unsigned int i, n;

	(void)data;
	for (n = 0;; n++) {
		for (i = 0; i < FRAMES; i++) {
			nlh = raw_payload(raw_frame(&s.tx, i));
			nlh->nlmsg_type = n % 2 ? RTM_NEWLINK : NLMSG_NOOP;
			nlh->nlmsg_len = n % 3 ? 60 : 16 + n % 64;
			raw_set_status(raw_frame(&s.tx, i),
				       NL_MMAP_STATUS_VALID);
		}
	}
	return NULL;
}

static void run_rewritten(void)
{
	unsigned int i, refused = 0;
	pthread_t thread;
	char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;

	child_become_nobody();
	for (i = 0; i < FRAMES; i++)
		commit_link(link_name(0), i);
	child_check(!pthread_create(&thread, NULL, rewrite_types, NULL), 1);
	for (i = 0; i < 3000 || !refused; i++) {
		raw_run_tx(&s, 0, 0);
		while (recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0) {
			struct nlmsgerr *err = NLMSG_DATA(nlh);

			child_check(nlh->nlmsg_type == NLMSG_ERROR, 2);
			child_check(err->msg.nlmsg_type != RTM_NEWLINK ||
				    err->error, 3);
			refused += err->error == -EPERM;
		}
	}
}

static void test_rewritten(void **state)
{
	(void)state;
	open_ring(NETLINK_ROUTE);
	child_run(run_rewritten);
	assert_int_equal(if_nametoindex(link_name(0)), 0);
}

#define ring_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ring_test(test_effect),
		ring_test(test_many_skbs),
		ring_test(test_one_refused),
		ring_test(test_not_whole),
		ring_test(test_two_in_a_frame),
		ring_test(test_transactions),
		ring_test(test_passed_to_nobody),
		ring_test(test_nfnetlink_nobody),
		ring_test(test_forged_credentials),
		ring_test(test_group),
		ring_test(test_namespace),
		ring_test(test_rewritten),
	};

	watchdog(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
