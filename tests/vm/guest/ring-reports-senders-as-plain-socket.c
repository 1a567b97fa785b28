// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who sent a message, and from which network namespace, is what recvmsg() on a
 * plain socket reports: by a longer frame header on request, else by COPY frame
 * where the short one cannot say it. Needs the module and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>

#include "ring-syscalls.h"

#define FRAME	8192
#define FRAMES	16

static struct raw_socket ring, plain;

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void set_option(int option, int value)
{
	assert_int_equal(setsockopt(ring.fd, SOL_NETLINK, option, &value,
				    sizeof(value)), 0);
	assert_int_equal(setsockopt(plain.fd, SOL_NETLINK, option, &value,
				    sizeof(value)), 0);
}

static void open_both(unsigned int flags)
{
	raw_open_rx(&ring, NETLINK_ROUTE, FRAME, FRAMES, flags);
	raw_open(&plain, NETLINK_ROUTE);
	set_option(NETLINK_LISTEN_ALL_NSID, 1);
	set_option(NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK);
}

static void close_both(void)
{
	raw_close(&ring);
	raw_close(&plain);
}

struct message {
	char bytes[FRAME];
	ssize_t len;
	uint32_t portid;
	int32_t nsid;
};

static void receive(int fd, struct message *m)
{
	struct sockaddr_nl addr;
	struct iovec iov = { m->bytes, sizeof(m->bytes) };
	union { struct cmsghdr align; char buf[256]; } control;
	struct msghdr msg = {
		.msg_name = &addr,
		.msg_namelen = sizeof(addr),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;

	m->len = recvmsg(fd, &msg, MSG_DONTWAIT);
	assert_true(m->len > 0);
	m->portid = addr.nl_pid;
	m->nsid = NETNSA_NSID_NOT_ASSIGNED;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg; cmsg = CMSG_NXTHDR(&msg, cmsg))
		if (cmsg->cmsg_level == SOL_NETLINK &&
		    cmsg->cmsg_type == NETLINK_LISTEN_ALL_NSID)
			memcpy(&m->nsid, CMSG_DATA(cmsg), sizeof(m->nsid));
}

/* a message that the plain socket received, too */
static void expect_same(const struct message *want)
{
	const bool sender = ring.rx.flags & NL_MMAP_F_SENDER;
	const bool other = want->nsid != NETNSA_NSID_NOT_ASSIGNED;
	const struct nl_mmap_hdr2 *hdr2;
	struct nl_mmap_hdr *hdr;
	struct message m;

	assert_int_equal(raw_poll(&ring, POLLIN, -1), POLLIN);
	hdr = raw_next(&ring.rx);
	assert_non_null(hdr);
	assert_int_equal(raw_status(hdr), !sender && other ?
			 NL_MMAP_STATUS_COPY : NL_MMAP_STATUS_VALID);
	assert_int_equal(hdr->nm_len, want->len);
	if (!sender && other) {
		receive(ring.fd, &m);
		assert_int_equal(m.len, want->len);
		assert_memory_equal(m.bytes, want->bytes, want->len);
		assert_int_equal(m.nsid, want->nsid);
		assert_int_equal(m.portid, want->portid);
	} else if (sender) {
		hdr2 = (const void *)hdr;
		assert_int_equal(hdr2->nm_nsid, want->nsid);
		assert_int_equal(hdr2->nm_portid, want->portid);
		assert_memory_equal((char *)hdr + NL_MMAP_HDR2LEN, want->bytes,
				    want->len);
	} else {
		assert_memory_equal(raw_payload(hdr), want->bytes, want->len);
	}
	raw_take(&ring.rx);
}

/* returns messages from another namespace, of all that the plain socket has */
static unsigned int compare(void)
{
	struct message want;
	unsigned int other = 0;

	while (raw_poll(&plain, POLLIN, 0)) {
		receive(plain.fd, &want);
		other += want.nsid != NETNSA_NSID_NOT_ASSIGNED;
		expect_same(&want);
	}
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	return other;
}

static void compare_namespaces(unsigned int flags)
{
	unsigned int i, other = 0;

	open_both(flags);
	run("ip netns add other && ip netns set other 42");
	for (i = 0; i < 4; i++) {
		run("ip link add here0 type dummy && ip link del here0");
		assert_int_equal(compare(), 0);
		run("ip -n other link add there0 type dummy && "
		    "ip -n other link del there0");
		other += compare();
		/* one behind the other, with both kinds in between */
		run("ip -n other link add there0 type dummy && "
		    "ip link add here0 type dummy && "
		    "ip -n other link del there0 && ip link del here0");
		other += compare();
	}
	assert_true(other >= 16);
	close_both();
	run("ip netns del other");
}

static void test_namespaces(void **state)
{
	(void)state;
	compare_namespaces(0);
	compare_namespaces(NL_MMAP_F_CONTROL | NL_MMAP_F_SPAN);
}

static void test_namespaces_in_header(void **state)
{
	(void)state;
	compare_namespaces(NL_MMAP_F_SENDER);
	compare_namespaces(NL_MMAP_F_SENDER | NL_MMAP_F_CONTROL |
			   NL_MMAP_F_SPAN);
}

/* from a process: its port ID */
static void test_port(void **state)
{
	struct nl_mmap_hdr2 *hdr2;
	struct raw_socket from;

	(void)state;
	raw_open_rx(&ring, NETLINK_USERSOCK, FRAME, FRAMES, NL_MMAP_F_SENDER);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_send(&from, ring.portid, 0, 7, 100, 0), 100);
	hdr2 = (void *)raw_wait(&ring);
	assert_int_equal(hdr2->nm_portid, from.portid);
	assert_int_equal(hdr2->nm_nsid, NETNSA_NSID_NOT_ASSIGNED);
	raw_check((char *)hdr2 + NL_MMAP_HDR2LEN, 7, 100);
	raw_close(&from);
	raw_close(&ring);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_namespaces_in_header),
		cmocka_unit_test(test_port),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
