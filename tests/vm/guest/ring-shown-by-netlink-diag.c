// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rings as netlink_diag shows them. Needs a kernel whose netlink has rings
 * itself: the module's are shown by its family only.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>
#include <linux/netlink_diag.h>
#include <linux/sock_diag.h>
#include <libmnl/libmnl.h>

#include "ring-syscalls.h"

#define FRAME		4096
#define FRAMES		8

/* not in Debian's header yet */
#define RX_RING_COUNTERS	(NETLINK_DIAG_FLAGS + 1)
#define TX_RING_COUNTERS	(NETLINK_DIAG_FLAGS + 2)

struct seen {
	uint32_t inode;
	unsigned int sockets;
	bool has[2];
	struct netlink_diag_ring ring[2];
	uint64_t messages[2];
};

static void read_attr(struct seen *seen, const struct nlattr *attr)
{
	const struct nlattr *counter;
	unsigned int i = 0;

	switch (mnl_attr_get_type(attr)) {
	case NETLINK_DIAG_TX_RING:
		i = 1;
		/* fallthrough */
	case NETLINK_DIAG_RX_RING:
		assert_int_equal(mnl_attr_get_payload_len(attr),
				 sizeof(seen->ring[i]));
		memcpy(&seen->ring[i], mnl_attr_get_payload(attr),
		       sizeof(seen->ring[i]));
		seen->has[i] = true;
		break;
	case TX_RING_COUNTERS:
		i = 1;
		/* fallthrough */
	case RX_RING_COUNTERS:
		mnl_attr_for_each_nested(counter, attr)
			if (mnl_attr_get_type(counter) ==
			    NETLINK_MMAP_A_RING_MESSAGES)
				seen->messages[i] = mnl_attr_get_u64(counter);
		break;
	}
}

static int diag_cb(const struct nlmsghdr *nlh, void *data)
{
	const struct netlink_diag_msg *msg = mnl_nlmsg_get_payload(nlh);
	struct seen *seen = data;
	struct nlattr *attr;

	if (msg->ndiag_ino != seen->inode)
		return MNL_CB_OK;
	seen->sockets++;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
		read_attr(seen, attr);
	return MNL_CB_OK;
}

static struct seen look(int fd, uint32_t show)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_SOCK_DIAG);
	char buf[32768] __attribute__((aligned(4)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct netlink_diag_req *req;
	struct seen seen = { 0 };
	struct stat st;
	ssize_t len;
	int ret = MNL_CB_OK;

	assert_non_null(nl);
	assert_int_equal(fstat(fd, &st), 0);
	seen.inode = st.st_ino;
	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	req = mnl_nlmsg_put_extra_header(nlh, sizeof(*req));
	req->sdiag_family = AF_NETLINK;
	req->sdiag_protocol = NETLINK_USERSOCK;
	req->ndiag_show = show;
	assert_true(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0);
	while (ret > MNL_CB_STOP) {
		len = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		assert_true(len > 0);
		ret = mnl_cb_run(buf, len, 0, 0, diag_cb, &seen);
	}
	assert_int_equal(ret, MNL_CB_STOP);
	mnl_socket_close(nl);
	return seen;
}

static void test_rings(void **state)
{
	struct raw_socket to, from;
	struct seen seen;
	unsigned int i;

	(void)state;
	raw_open_rings(&to, NETLINK_USERSOCK, FRAME, FRAMES, 2 * FRAMES);
	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < 5; i++)
		assert_int_equal(raw_send(&from, to.portid, 0, i, 100, 0), 100);

	seen = look(to.fd, NDIAG_SHOW_RING_CFG);
	assert_int_equal(seen.sockets, 1);
	assert_true(seen.has[0] && seen.has[1]);
	assert_memory_equal(&seen.ring[0], &to.rx.req, sizeof(to.rx.req));
	assert_memory_equal(&seen.ring[1], &to.tx.req, sizeof(to.tx.req));
	assert_int_equal(seen.messages[0], 5);
	assert_int_equal(seen.messages[1], 0);

	/* only who asks is shown, and who has them */
	seen = look(to.fd, NDIAG_SHOW_FLAGS);
	assert_int_equal(seen.sockets, 1);
	assert_false(seen.has[0] || seen.has[1]);
	seen = look(from.fd, NDIAG_SHOW_RING_CFG);
	assert_int_equal(seen.sockets, 1);
	assert_false(seen.has[0] || seen.has[1]);
	raw_close(&from);
	raw_close(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rings),
	};

	if (!raw_built_in()) {
		print_message("not run: this kernel's netlink has no rings itself\n");
		return 0;
	}
	watchdog(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
