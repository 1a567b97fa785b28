// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Runs the code in doc/ring-guide.md, which make takes out of it. No
 * privileges; with rings where the kernel has them.
 */
#include <err.h>
#include <unistd.h>

#include "unit.h"

#define MESSAGES	20
#define LAST		99	/* ends a loop */

static struct mnl_socket *nl, *peer;
static unsigned int seen;

static struct mnl_socket *open_bound(void)
{
	struct mnl_socket *s = mnl_socket_open(NETLINK_USERSOCK);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

static int setup(void **state)
{
	(void)state;
	nl = open_bound();
	peer = open_bound();
	seen = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mnl_socket_close(peer), 0);
	return mnl_socket_close(nl);
}

static void send_message(unsigned int type)
{
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_pid = mnl_socket_get_portid(nl),
	};
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = NLMSG_MIN_TYPE + type;
	assert_int_equal(sendto(mnl_socket_get_fd(peer), buf, nlh->nlmsg_len, 0,
				(void *)&to, sizeof(to)), nlh->nlmsg_len);
}

/*
 * What the guide's code calls, and its code
 */

static int cb(const struct nlmsghdr *nlh, void *data)
{
	(void)data;
	if (nlh->nlmsg_type == NLMSG_MIN_TYPE + LAST)
		return MNL_CB_ERROR;
	assert_int_equal(nlh->nlmsg_type, NLMSG_MIN_TYPE + seen);
	seen++;
	return MNL_CB_OK;
}

static void receive(struct mnl_socket *socket)
{
#include "unit/guide-1.h"
}

int keep_first(const struct nlmsghdr *nlh, void *data);
#include "unit/guide-2.h"

static void send_frames(struct mnl_socket *socket)
{
#include "unit/guide-3.h"
}

/*
 * Tests
 */

static void test_receive(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < MESSAGES; i++)
		send_message(i);
	send_message(LAST);
	receive(nl);
	assert_int_equal(seen, MESSAGES);
	if (getenv("EXPECT_RINGS") != NULL)
		assert_true(mnl_ring_is_mapped(
				mnl_socket_get_ring(nl, MNL_RING_RX)));
}

static void test_keep(void **state)
{
	struct mnl_ring *ring;
	unsigned int i;

	(void)state;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	ring = mnl_socket_get_ring(nl, MNL_RING_RX);
	for (i = 0; i < MESSAGES; i++)
		send_message(i);
	assert_int_equal(mnl_ring_wait(ring, -1), 1);
	assert_int_equal(mnl_ring_cb_run(ring, 0, 0, keep_first, ring, 0, NULL),
			 MNL_CB_OK);
	for (i = 0; i < MESSAGES; i++)
		send_message(LAST);
	assert_non_null(first);
	assert_int_equal(first->nlmsg_type, NLMSG_MIN_TYPE);
	assert_int_equal(mnl_ring_release_kept(ring, first), 0);
}

/* the kernel says that it has what the guide's code sends */
static void test_send(void **state)
{
	struct mnl_socket *route = mnl_socket_open(NETLINK_ROUTE);
	const struct nlmsghdr *nlh;
	const struct nlmsgerr *err;
	size_t len;

	(void)state;
	assert_non_null(route);
	assert_int_equal(mnl_socket_bind(route, 0, MNL_SOCKET_AUTOPID), 0);
	assert_int_equal(mnl_socket_mmap(route), 0);
	send_frames(route);
	nlh = mnl_ring_peek(mnl_socket_get_ring(route, MNL_RING_RX), &len);
	assert_non_null(nlh);
	assert_int_equal(nlh->nlmsg_type, NLMSG_ERROR);
	err = mnl_nlmsg_get_payload(nlh);
	assert_int_equal(err->error, 0);
	assert_int_equal(err->msg.nlmsg_type, NLMSG_NOOP);
	assert_int_equal(mnl_socket_close(route), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_receive),
		TEST(test_keep),
		TEST(test_send),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
