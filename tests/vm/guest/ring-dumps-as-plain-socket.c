// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dumps through a ring: the same messages as on a plain socket, each poll()
 * continuing the dump until the ring is full. Needs the module and root; the
 * caller has made enough interfaces that a dump takes several parts.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/netlink_mmap.h>
#include <linux/rtnetlink.h>

#include "ring-syscalls.h"

#define DUMP_MAX	(16 << 20)

struct dump {
	char *buf;
	size_t len;
	unsigned int messages;
	bool done;
};

static void request(const struct raw_socket *s, uint16_t type)
{
	struct { struct nlmsghdr nlh; struct rtgenmsg gen; } req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = type,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlh.nlmsg_seq = 1,
	};

	assert_int_equal(send(s->fd, &req, sizeof(req), 0), sizeof(req));
}

/* collects the messages of one part, without the sender's port ID */
static void collect(struct dump *d, const void *part, int len)
{
	struct nlmsghdr *nlh;
	char *at = d->buf + d->len;

	assert_true(d->len + len <= DUMP_MAX);
	memcpy(at, part, len);
	for (nlh = (void *)at; NLMSG_OK(nlh, (unsigned int)len);
	     nlh = NLMSG_NEXT(nlh, len)) {
		d->done = nlh->nlmsg_type == NLMSG_DONE;
		if (d->done)
			break;
		nlh->nlmsg_pid = 0;
		d->messages++;
		d->len += NLMSG_ALIGN(nlh->nlmsg_len);
	}
}

static void dump_plain(struct dump *d, uint16_t type)
{
	static char buf[65536];
	struct raw_socket s;
	ssize_t n;

	raw_open(&s, NETLINK_ROUTE);
	request(&s, type);
	while (!d->done) {
		n = recv(s.fd, buf, sizeof(buf), 0);
		assert_true(n > 0);
		collect(d, buf, n);
	}
	raw_close(&s);
}

/* returns the number of parts that one poll() brought at the most */
static unsigned int dump_ring(struct dump *d, uint16_t type,
			      unsigned int frame, unsigned int frames)
{
	unsigned int parts, most = 0;
	static char buf[65536];
	struct nl_mmap_hdr *hdr;
	struct raw_socket s;

	raw_open_rings(&s, NETLINK_ROUTE, frame, frames, 0);
	request(&s, type);
	while (!d->done) {
		assert_int_equal(raw_poll(&s, POLLIN, -1), POLLIN);
		for (parts = 0;; parts++) {
			hdr = raw_current(&s.rx);
			if (raw_status(hdr) == NL_MMAP_STATUS_COPY)
				collect(d, buf, recv(s.fd, buf, sizeof(buf),
						     MSG_DONTWAIT));
			else if (raw_status(hdr) == NL_MMAP_STATUS_VALID)
				collect(d, raw_payload(hdr), hdr->nm_len);
			else
				break;
			raw_release(&s.rx);
		}
		if (parts > most)
			most = parts;
	}
	assert_int_equal(raw_poll(&s, POLLIN, 0), 0);
	raw_close(&s);
	return most;
}

static void compare(uint16_t type, unsigned int frame, unsigned int frames,
		    unsigned int most)
{
	struct dump plain = { .buf = malloc(DUMP_MAX) };
	struct dump ring = { .buf = malloc(DUMP_MAX) };

	dump_plain(&plain, type);
	assert_true(dump_ring(&ring, type, frame, frames) >= most);
	assert_true(plain.messages > 0);
	assert_int_equal(ring.messages, plain.messages);
	assert_int_equal(ring.len, plain.len);
	assert_memory_equal(ring.buf, plain.buf, plain.len);
	free(plain.buf);
	free(ring.buf);
}

/* lesson 11, and several parts per poll() */
static void test_links(void **state)
{
	(void)state;
	compare(RTM_GETLINK, 16384, 16, 4);
}

static void test_addresses(void **state)
{
	(void)state;
	compare(RTM_GETADDR, 16384, 16, 1);
}

/* frames too small for a part: every part is announced by COPY */
static void test_small_frames(void **state)
{
	(void)state;
	compare(RTM_GETLINK, 1024, 16, 1);
}

/* a dump that nobody finishes goes away with its socket */
static void test_abandoned(void **state)
{
	struct raw_socket s;

	(void)state;
	raw_open_rings(&s, NETLINK_ROUTE, 16384, 2, 0);
	request(&s, RTM_GETLINK);
	assert_int_equal(raw_poll(&s, POLLIN, -1), POLLIN);
	raw_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_small_frames),
		cmocka_unit_test(test_abandoned),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
