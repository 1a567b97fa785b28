// SPDX-License-Identifier: LGPL-2.1-or-later
/* Sockets, on the kernel that is running; no privileges. */
#include <unistd.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "unit.h"

static struct mnl_socket *open_bound(int bus)
{
	struct mnl_socket *nl = mnl_socket_open(bus);

	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	return nl;
}

static void test_open(void **state)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);

	(void)state;
	assert_non_null(nl);
	assert_true(mnl_socket_get_fd(nl) >= 0);
	assert_int_equal(mnl_socket_get_portid(nl), 0);
	assert_int_equal(mnl_socket_close(nl), 0);
	assert_null_errno(mnl_socket_open(1000), EPROTONOSUPPORT);
}

static void test_open2(void **state)
{
	struct mnl_socket *nl = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK);
	char buf[64];

	(void)state;
	assert_non_null(nl);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EAGAIN);
	assert_int_equal(mnl_socket_close(nl), 0);
}

static void test_bind(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE), *other;
	unsigned int portid = mnl_socket_get_portid(nl);

	(void)state;
	assert_int_not_equal(portid, 0);
	other = mnl_socket_open(NETLINK_ROUTE);
	assert_fails(mnl_socket_bind(other, 0, portid), EADDRINUSE);
	assert_int_equal(mnl_socket_bind(other, RTMGRP_LINK, 0), 0);
	assert_int_not_equal(mnl_socket_get_portid(other), portid);
	mnl_socket_close(other);
	mnl_socket_close(nl);
}

static void test_fdopen(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE), *same;
	int fds[2];

	(void)state;
	same = mnl_socket_fdopen(dup(mnl_socket_get_fd(nl)));
	assert_non_null(same);
	assert_int_equal(mnl_socket_get_portid(same),
			 mnl_socket_get_portid(nl));
	mnl_socket_close(same);
	mnl_socket_close(nl);
	assert_null_errno(mnl_socket_fdopen(-1), EBADF);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	same = mnl_socket_fdopen(fds[0]);
	assert_non_null(same);
	assert_int_equal(mnl_socket_get_portid(same), 0);
	assert_fails(mnl_socket_bind(same, 0, 0), EINVAL);
	assert_int_equal(mnl_socket_close(same), 0);
	close(fds[1]);
}

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
	++*(int *)data;
	return MNL_CB_OK;
}

static void send_link_dump(struct mnl_socket *nl, unsigned int seq)
{
	char buf[128] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = seq;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	assert_int_equal(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len),
			 nlh->nlmsg_len);
}

static void test_dump(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE);
	int links = 0, ret = MNL_CB_OK;
	char *buf = malloc(MNL_SOCKET_DUMP_SIZE);
	ssize_t len;

	(void)state;
	send_link_dump(nl, 99);
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, MNL_SOCKET_DUMP_SIZE);
		assert_true(len > 0);
		ret = mnl_cb_run(buf, len, 99, mnl_socket_get_portid(nl),
				 link_cb, &links);
	}
	assert_int_equal(ret, MNL_CB_STOP);
	assert_true(links > 0);
	free(buf);
	mnl_socket_close(nl);
}

static void test_truncated(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE);
	char buf[16];

	(void)state;
	send_link_dump(nl, 1);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), ENOSPC);
	mnl_socket_close(nl);
}

static void test_options(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE);
	socklen_t len = sizeof(int);
	int value = 1, unknown, fd = mnl_socket_get_fd(nl);

	(void)state;
	assert_int_equal(mnl_socket_setsockopt(nl, NETLINK_NO_ENOBUFS, &value,
					       sizeof(value)), 0);
	value = 0;
	assert_int_equal(mnl_socket_getsockopt(nl, NETLINK_NO_ENOBUFS, &value,
					       &len), 0);
	assert_int_equal(value, 1);
	/* ENOPROTOOPT, but not in an emulated system */
	assert_int_equal(setsockopt(fd, SOL_NETLINK, 1000, &value, len), -1);
	unknown = errno;
	assert_fails(mnl_socket_setsockopt(nl, 1000, &value, len), unknown);
	assert_int_equal(getsockopt(fd, SOL_NETLINK, 1000, &value, &len), -1);
	unknown = errno;
	assert_fails(mnl_socket_getsockopt(nl, 1000, &value, &len), unknown);
	mnl_socket_close(nl);
}

static void test_bad_descriptor(void **state)
{
	struct mnl_socket *nl = open_bound(NETLINK_ROUTE);
	char buf[64] = {};

	(void)state;
	close(mnl_socket_get_fd(nl));
	assert_fails(mnl_socket_sendto(nl, buf, sizeof(buf)), EBADF);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EBADF);
	assert_fails(mnl_socket_bind(nl, 0, 0), EBADF);
	assert_fails(mnl_socket_close(nl), EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open2),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_fdopen),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_bad_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
