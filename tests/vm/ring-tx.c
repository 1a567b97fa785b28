// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sending through a ring: what arrived, in which order, partial success, bad
 * frames, and what the kernel did with a request. Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/if_link.h>
#include <linux/netlink_mmap.h>
#include <linux/rtnetlink.h>

#include "raw.h"

#define FRAME		2048
#define FRAMES		8
#define CAPACITY	(FRAME - NL_MMAP_HDRLEN)

static struct raw_socket tx, to;

static int setup(void **state)
{
	(void)state;
	raw_open_rings(&tx, NETLINK_USERSOCK, FRAME, 0, FRAMES);
	raw_open(&to, NETLINK_USERSOCK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	raw_close(&tx);
	raw_close(&to);
	return 0;
}

/* hands the frame at the head to the kernel; @nm_len may be a lie */
static void commit(uint32_t seq, size_t len, unsigned int nm_len)
{
	struct nl_mmap_hdr *hdr = raw_current(&tx.tx);

	assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_UNUSED);
	raw_build(raw_payload(hdr), seq, len);
	hdr->nm_len = nm_len;
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&tx.tx);
}

static void expect(uint32_t seq, size_t len)
{
	char buf[FRAME];

	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
}

static void expect_nothing(void)
{
	char buf[FRAME];

	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

/* lesson 5: the empty call really runs the ring, each time */
static void test_many_per_call(void **state)
{
	uint32_t seq = 0, got = 0;
	int i, round;

	(void)state;
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 0);
	for (round = 0; round < 100; round++) {
		for (i = 0; i < FRAMES; i++, seq++)
			commit(seq, 100 + i, 100 + i);
		assert_int_equal(raw_poll(&tx, POLLOUT, 0), 0);
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), 828);
		assert_int_equal(raw_poll(&tx, POLLOUT, 0), POLLOUT);
		for (i = 0; i < FRAMES; i++, got++)
			expect(got, 100 + i);
		expect_nothing();
	}
	assert_int_equal(raw_counter(&tx, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_MESSAGES), seq);
}

static void test_largest_and_smallest(void **state)
{
	struct nl_mmap_hdr *hdr = raw_current(&tx.tx);
	struct nlmsghdr nlh;

	(void)state;
	commit(1, CAPACITY, CAPACITY);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), CAPACITY);
	expect(1, CAPACITY);

	hdr = raw_current(&tx.tx);
	memset(raw_payload(hdr), 0, NLMSG_HDRLEN);
	hdr->nm_len = NLMSG_HDRLEN;
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&tx.tx);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), NLMSG_HDRLEN);
	assert_int_equal(recv(to.fd, &nlh, sizeof(nlh), MSG_DONTWAIT),
			 NLMSG_HDRLEN);
}

/* lessons 13, 14: told, released, and the next one goes */
static void test_bad_length(void **state)
{
	static const unsigned int bad[] = { 0, 1, NLMSG_HDRLEN - 1,
					    CAPACITY + 1, FRAME, ~0U };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct nl_mmap_hdr *hdr = raw_current(&tx.tx);

		commit(i, 100, bad[i]);
		commit(1000 + i, 100, 100);
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(raw_status(hdr), NL_MMAP_STATUS_UNUSED);
		expect_nothing();
		assert_int_equal(raw_run_tx(&tx, to.portid, 0), 100);
		expect(1000 + i, 100);
	}
	assert_int_equal(raw_counter(&tx, NETLINK_TX_RING,
				     NETLINK_MMAP_A_RING_ERRORS), i);
}

/* lesson 15: good, good, bad, good: the bytes of two, the error, the last */
static void test_partial_success(void **state)
{
	struct nl_mmap_hdr *bad;

	(void)state;
	commit(1, 100, 100);
	commit(2, 200, 200);
	bad = raw_current(&tx.tx);
	commit(3, 300, 0);
	commit(4, 400, 400);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 300);
	assert_int_equal(raw_status(bad), NL_MMAP_STATUS_VALID);
	expect(1, 100);
	expect(2, 200);
	expect_nothing();
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_status(bad), NL_MMAP_STATUS_UNUSED);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 400);
	expect(4, 400);
	expect_nothing();
}

/* nobody at that port ID: ECONNREFUSED, and the ring goes on */
static void test_refused(void **state)
{
	(void)state;
	commit(1, 100, 100);
	commit(2, 100, 100);
	assert_int_equal(raw_run_tx(&tx, 0x7fffffff, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_int_equal(raw_run_tx(&tx, to.portid, 0), 100);
	expect(2, 100);
	expect_nothing();
}

/* the receiver is full: nothing is lost, later calls send the rest */
static void test_receiver_full(void **state)
{
	uint32_t seq = 0, got = 0;
	ssize_t n;

	(void)state;
	do {
		while (raw_status(raw_current(&tx.tx)) ==
		       NL_MMAP_STATUS_UNUSED)
			commit(seq++, 1000, 1000);
		n = raw_run_tx(&tx, to.portid, MSG_DONTWAIT);
	} while (n > 0);
	assert_int_equal(errno, EAGAIN);
	while (got < seq) {
		expect(got++, 1000);
		if (raw_run_tx(&tx, to.portid, MSG_DONTWAIT) < 0)
			assert_int_equal(errno, EAGAIN);
	}
	expect_nothing();
}

/* data goes as it always did, beside the ring */
static void test_plain_send(void **state)
{
	(void)state;
	assert_int_equal(raw_send(&tx, to.portid, 0, 9, 500, 0), 500);
	expect(9, 500);
}

static void put_attr(struct nlmsghdr *nlh, uint16_t type, const void *data,
		     size_t len)
{
	struct nlattr *attr = (void *)((char *)nlh +
				       NLMSG_ALIGN(nlh->nlmsg_len));

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	nlh->nlmsg_len = NLMSG_ALIGN(nlh->nlmsg_len) +
			 NLA_ALIGN(attr->nla_len);
}

static size_t build_dummy(struct nlmsghdr *nlh, const char *name)
{
	struct nlattr *info;

	memset(nlh, 0, CAPACITY);
	nlh->nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg));
	nlh->nlmsg_type = RTM_NEWLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
	put_attr(nlh, IFLA_IFNAME, name, strlen(name) + 1);
	info = (void *)((char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len));
	put_attr(nlh, IFLA_LINKINFO, "", 0);
	put_attr(nlh, IFLA_INFO_KIND, "dummy", 6);
	info->nla_len = (char *)nlh + nlh->nlmsg_len - (char *)info;
	return nlh->nlmsg_len;
}

/* the kernel does what the message says: there is a new interface */
static void test_effect(void **state)
{
	static const char * const names[] = { "ringtx0", "ringtx1" };
	struct nl_mmap_hdr *hdr;
	struct raw_socket s;
	ssize_t sum = 0;
	int i;

	(void)state;
	raw_open_rings(&s, NETLINK_ROUTE, FRAME, 0, FRAMES);
	for (i = 0; i < 2; i++) {
		hdr = raw_current(&s.tx);
		hdr->nm_len = build_dummy(raw_payload(hdr), names[i]);
		sum += hdr->nm_len;
		raw_set_status(hdr, NL_MMAP_STATUS_VALID);
		raw_advance(&s.tx);
	}
	assert_int_equal(if_nametoindex(names[0]), 0);
	assert_int_equal(raw_run_tx(&s, 0, 0), sum);
	for (i = 0; i < 2; i++)
		assert_int_not_equal(if_nametoindex(names[i]), 0);
	raw_close(&s);
}

int main(void)
{
#define RING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		RING_TEST(test_many_per_call),
		RING_TEST(test_largest_and_smallest),
		RING_TEST(test_bad_length),
		RING_TEST(test_partial_success),
		RING_TEST(test_refused),
		RING_TEST(test_receiver_full),
		RING_TEST(test_plain_send),
		RING_TEST(test_effect),
	};

	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
