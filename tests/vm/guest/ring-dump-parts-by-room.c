// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The parts of a dump are, byte for byte, those that a plain socket receives with a
 * buffer of the size that the reader offers (nmc_room), whatever frames the ring
 * has. Needs the module and root.
 */
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/rtnetlink.h>

#include "ring-syscalls.h"

#define ENTRIES		3000
#define PARTS_MAX	4096
#define LONGEST		65536

/* what came, one datagram after the other */
struct parts {
	unsigned int count;
	unsigned int len[PARTS_MAX];
	char *bytes;
	size_t total;
	bool done;
};

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void add(struct parts *p, const void *part, size_t size)
{
	char *at = p->bytes + p->total;
	struct nlmsghdr *nlh = (void *)at;
	int len = size;

	assert_true(p->count < PARTS_MAX);
	p->len[p->count++] = size;
	memcpy(at, part, size);
	p->total += size;
	for (; NLMSG_OK(nlh, (unsigned int)len); nlh = NLMSG_NEXT(nlh, len)) {
		/* the one difference between two sockets */
		nlh->nlmsg_pid = 0;
		p->done |= nlh->nlmsg_type == NLMSG_DONE;
	}
}

static void ask(const struct raw_socket *s, uint16_t type)
{
	struct { struct nlmsghdr nlh; struct rtmsg rtm; } req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = type,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		.nlh.nlmsg_seq = 1,
	};

	assert_int_equal(send(s->fd, &req, sizeof(req), 0), sizeof(req));
}

static void receive_plain(struct parts *p, uint16_t type, size_t size)
{
	static char buf[LONGEST];
	struct raw_socket s;
	ssize_t n;

	raw_open(&s, NETLINK_ROUTE);
	ask(&s, type);
	while (!p->done) {
		n = recv(s.fd, buf, size, MSG_TRUNC);
		assert_in_range(n, 1, size);
		add(p, buf, n);
	}
	raw_close(&s);
}

static void receive_ring(struct parts *p, uint16_t type, size_t size,
			 unsigned int frame, unsigned int frames,
			 unsigned int flags)
{
	static char buf[LONGEST];
	struct nl_mmap_hdr *hdr;
	struct raw_socket s;
	ssize_t n;

	raw_open_rx(&s, NETLINK_ROUTE, frame, frames,
		    flags | NL_MMAP_F_CONTROL);
	__atomic_store_n(&s.control->nmc_room, size, __ATOMIC_RELAXED);
	ask(&s, type);
	while (!p->done) {
		assert_int_equal(raw_poll(&s, POLLIN, -1), POLLIN);
		while ((hdr = raw_next(&s.rx))) {
			if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
				n = recv(s.fd, buf, size,
					 MSG_DONTWAIT | MSG_TRUNC);
				assert_in_range(n, 1, size);
				add(p, buf, n);
			} else {
				add(p, raw_payload(hdr), hdr->nm_len);
			}
			raw_take(&s.rx);
		}
	}
	raw_close(&s);
}

static void compare(const struct parts *ring, const struct parts *plain)
{
	assert_int_equal(ring->count, plain->count);
	assert_memory_equal(ring->len, plain->len,
			    plain->count * sizeof(*plain->len));
	assert_int_equal(ring->total, plain->total);
	assert_memory_equal(ring->bytes, plain->bytes, plain->total);
}

static const struct {
	unsigned int frame;
	unsigned int frames;
	unsigned int flags;
} shapes[] = {
	{ 131072, 32, 0 },
	{ 131072, 1, 0 },
	{ 16384, 32, 0 },
	{ 2048, 128, NL_MMAP_F_SPAN },
	{ 2048, 16, 0 },
};

static void test_parts(void **state)
{
	static const uint16_t types[] = { RTM_GETROUTE, RTM_GETADDR };
	struct parts plain, ring;
	unsigned int t, i;
	size_t size;

	(void)state;
	plain.bytes = malloc(4 << 20);
	ring.bytes = malloc(4 << 20);
	for (t = 0; t < sizeof(types) / sizeof(*types); t++)
		for (size = 4096; size <= LONGEST; size *= 2) {
			memset(&plain, 0, offsetof(struct parts, bytes));
			plain.total = 0;
			plain.done = false;
			receive_plain(&plain, types[t], size);
			print_message("  buffer of %zu: %u parts\n", size,
				      plain.count);
			assert_true(plain.count > 2);
			for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
				ring.count = 0;
				ring.total = 0;
				ring.done = false;
				receive_ring(&ring, types[t], size,
					     shapes[i].frame, shapes[i].frames,
					     shapes[i].flags);
				compare(&ring, &plain);
			}
		}
	free(plain.bytes);
	free(ring.bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
	};

	watchdog(200);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	run("ip link set lo up");
	run("i=0; while [ $i -lt 3000 ]; do "
	    "echo addr add 10.1.$((i / 250)).$((i % 250 + 1))/32 dev lo; "
	    "echo route add 10.2.$((i / 250)).$((i % 250 + 1))/32 dev lo; "
	    "i=$((i + 1)); done | ip -batch -");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
