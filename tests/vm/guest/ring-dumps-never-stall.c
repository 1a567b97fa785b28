// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each dump comes to its end through a ring, and the next one begins: dumps whose
 * parts do not say that they are parts, dumps with little SO_RCVBUF, and dumps
 * while deliveries empty the queue. Needs the module and root; the caller has made
 * enough interfaces that a dump takes several parts.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include "ring-syscalls.h"

#define ETHTOOL_MSG_FEATURES	11	/* ETHTOOL_MSG_FEATURES_GET */
#define NETDEV_QUEUE_GET	10	/* NETDEV_CMD_QUEUE_GET, since 6.8 */
#define QUEUES			400

/* a dump that does not go on for this long has stalled */
#define STALLED			10000

struct request {
	struct nlmsghdr nlh;
	union {
		struct genlmsghdr genl;
		struct rtgenmsg rt;
	};
	char attrs[64];
};

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void put(struct request *req, uint16_t type, const void *value,
		size_t len)
{
	struct nlattr *attr = (void *)((char *)req + req->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	if (len)
		memcpy((char *)attr + NLA_HDRLEN, value, len);
	req->nlh.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

static struct request dump_of(uint16_t type)
{
	struct request req = { .nlh = {
		.nlmsg_len = NLMSG_LENGTH(sizeof(struct genlmsghdr)),
		.nlmsg_type = type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	} };

	return req;
}

/* 0: this kernel has no such family */
static uint16_t find_family(const char *name)
{
	struct request req = dump_of(GENL_ID_CTRL);
	uint16_t id = 0, type, len;
	struct raw_socket s;
	char buf[8192];
	ssize_t n, at;

	raw_open(&s, NETLINK_GENERIC);
	req.nlh.nlmsg_flags = NLM_F_REQUEST;
	req.genl.cmd = CTRL_CMD_GETFAMILY;
	put(&req, CTRL_ATTR_FAMILY_NAME, name, strlen(name) + 1);
	assert_int_equal(send(s.fd, &req, req.nlh.nlmsg_len, 0),
			 req.nlh.nlmsg_len);
	n = recv(s.fd, buf, sizeof(buf), 0);
	for (at = NLMSG_LENGTH(GENL_HDRLEN); at + NLA_HDRLEN <= n;
	     at += NLA_ALIGN(len)) {
		memcpy(&len, buf + at, sizeof(len));
		memcpy(&type, buf + at + 2, sizeof(type));
		if (type == CTRL_ATTR_FAMILY_ID)
			memcpy(&id, buf + at + NLA_HDRLEN, sizeof(id));
	}
	raw_close(&s);
	return id;
}

/* messages of one kind, and whether the dump ended */
struct dump {
	uint16_t type;
	unsigned int messages;
	unsigned int events;	/* of other messages */
	bool done;
};

static void count(struct dump *d, const void *part, int len)
{
	const struct nlmsghdr *nlh = part;

	for (; NLMSG_OK(nlh, (unsigned int)len); nlh = NLMSG_NEXT(nlh, len)) {
		assert_int_not_equal(nlh->nlmsg_type, NLMSG_ERROR);
		if (nlh->nlmsg_type == NLMSG_DONE)
			d->done = true;
		else if (nlh->nlmsg_type == d->type && nlh->nlmsg_seq)
			d->messages++;
		else
			d->events++;
	}
}

static void count_frame(struct raw_socket *s, struct dump *d)
{
	struct nl_mmap_hdr *hdr = raw_next(&s->rx);
	static char buf[256 * 1024];
	ssize_t n;

	if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
		n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);
		assert_true(n > 0);
		count(d, buf, n);
	} else {
		count(d, raw_payload(hdr), hdr->nm_len);
	}
	raw_take(&s->rx);
}

static void ask(const struct raw_socket *s, struct request *req)
{
	req->nlh.nlmsg_seq = 1;
	assert_int_equal(send(s->fd, req, req->nlh.nlmsg_len, 0),
			 req->nlh.nlmsg_len);
}

static void read_rest(struct raw_socket *s, struct dump *d)
{
	while (!d->done) {
		assert_int_equal(raw_poll(s, POLLIN, STALLED), POLLIN);
		while (raw_next(&s->rx))
			count_frame(s, d);
	}
}

static unsigned int count_plain(int protocol, struct request *req)
{
	struct dump d = { .type = req->nlh.nlmsg_type };
	static char buf[65536];
	struct raw_socket s;
	ssize_t n;

	if (protocol == NETLINK_ROUTE)
		d.type = RTM_NEWLINK;
	raw_open(&s, protocol);
	ask(&s, req);
	while (!d.done) {
		n = recv(s.fd, buf, sizeof(buf), 0);
		assert_true(n > 0);
		count(&d, buf, n);
	}
	raw_close(&s);
	return d.messages;
}

struct shape {
	unsigned int frame;
	unsigned int frames;
	unsigned int flags;
	int rcvbuf;		/* 0: as it is */
};

static const struct shape shapes[] = {
	{ 16384, 64, 0, 0 },
	{ 65536, 64, NL_MMAP_F_CONTROL, 0 },
	{ 65536, 2, 0, 0 },
	{ 1024, 16, 0, 0 },
	{ 1024, 128, NL_MMAP_F_SPAN, 0 },
	{ 16384, 64, 0, 16384 },
	{ 16384, 2, 0, 8192 },
	{ 1024, 16, 0, 16384 },
};

/* twice on one socket: a dump that stalled refuses the next one (EBUSY) */
static void expect_dump(int protocol, struct request *req,
			unsigned int messages)
{
	struct dump d;
	struct raw_socket s;
	const struct shape *p;
	unsigned int i, turn;

	for (i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		p = &shapes[i];
		print_message("  %u frames of %u, flags %x, SO_RCVBUF %d\n",
			      p->frames, p->frame, p->flags, p->rcvbuf);
		raw_open_rx(&s, protocol, p->frame, p->frames, p->flags);
		if (p->rcvbuf)
			assert_int_equal(setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF,
						    &p->rcvbuf, sizeof(int)),
					 0);
		for (turn = 0; turn < 2; turn++) {
			memset(&d, 0, sizeof(d));
			d.type = protocol == NETLINK_ROUTE ? RTM_NEWLINK :
				 req->nlh.nlmsg_type;
			ask(&s, req);
			read_rest(&s, &d);
			assert_int_equal(d.messages, messages);
			assert_int_equal(raw_poll(&s, POLLIN, 0), 0);
		}
		raw_close(&s);
	}
}

static void test_queues(void **state)
{
	uint16_t family = find_family("netdev");
	struct request req = dump_of(family);
	uint32_t index;

	(void)state;
	if (!family) {
		print_message("skipped: no generic netlink family netdev\n");
		skip();
	}
	run("ip link add queues0 numrxqueues 400 numtxqueues 400 type veth "
	    "peer name queues1 && ip link set queues0 up && "
	    "ip link set queues1 up");
	index = if_nametoindex("queues0");
	req.genl.cmd = NETDEV_QUEUE_GET;
	req.genl.version = 1;
	put(&req, 2, &index, sizeof(index));	/* NETDEV_A_QUEUE_IFINDEX */
	assert_int_equal(count_plain(NETLINK_GENERIC, &req), 2 * QUEUES);
	expect_dump(NETLINK_GENERIC, &req, 2 * QUEUES);
	run("ip link del queues0");
}

/* on each kernel: parts without NLM_F_MULTI */
static void test_ethtool(void **state)
{
	uint16_t family = find_family("ethtool");
	struct request req = dump_of(family);
	unsigned int messages;

	(void)state;
	if (!family) {
		print_message("skipped: no generic netlink family ethtool\n");
		skip();
	}
	req.genl.cmd = ETHTOOL_MSG_FEATURES;
	req.genl.version = 1;
	put(&req, 1 | NLA_F_NESTED, NULL, 0);	/* ETHTOOL_A_FEATURES_HEADER */
	messages = count_plain(NETLINK_GENERIC, &req);
	assert_true(messages >= 200);
	expect_dump(NETLINK_GENERIC, &req, messages);
}

static void test_links(void **state)
{
	struct request req = dump_of(RTM_GETLINK);
	unsigned int messages;

	(void)state;
	req.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(req.rt));
	messages = count_plain(NETLINK_ROUTE, &req);
	assert_true(messages >= 200);
	expect_dump(NETLINK_ROUTE, &req, messages);
}

/*
 * Events come between the parts. While more than half of SO_RCVBUF waits, netlink
 * makes no part; when deliveries have moved the events to frames, nothing is left
 * in the queue that would remind anybody of the dump.
 */

#define SMALL_FRAME	16384
#define SMALL_FRAMES	8

static void make_event(void)
{
	static unsigned int mtu = 1000;
	struct { struct nlmsghdr nlh; struct ifinfomsg ifi; char attrs[16]; } req = {
		.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(req.ifi)) + 8,
		.nlh.nlmsg_type = RTM_NEWLINK,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.ifi.ifi_index = if_nametoindex("dummy1"),
	};
	struct nlattr *attr = (void *)req.attrs;
	struct raw_socket s;
	char answer[1024];

	attr->nla_type = IFLA_MTU;
	attr->nla_len = 8;
	mtu++;
	memcpy(req.attrs + NLA_HDRLEN, &mtu, sizeof(mtu));
	raw_open(&s, NETLINK_ROUTE);
	assert_true(send(s.fd, &req, req.nlh.nlmsg_len, 0) > 0);
	assert_true(recv(s.fd, answer, sizeof(answer), 0) > 0);
	assert_int_equal(((struct nlmsgerr *)NLMSG_DATA(answer))->error, 0);
	raw_close(&s);
}

static void take_frames(struct raw_socket *s, struct dump *d)
{
	while (raw_next(&s->rx))
		count_frame(s, d);
}

/* @events of them wait behind the first part when the ring is full */
static void dump_between_events(unsigned int events)
{
	struct request req = dump_of(RTM_GETLINK);
	struct dump d = { .type = RTM_NEWLINK };
	unsigned int messages, made = 0, i;
	int group = RTNLGRP_LINK, rcvbuf = 16384;
	struct raw_socket s;

	req.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(req.rt));
	messages = count_plain(NETLINK_ROUTE, &req);
	raw_open_rings(&s, NETLINK_ROUTE, SMALL_FRAME, SMALL_FRAMES, 0);
	assert_int_equal(setsockopt(s.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				    sizeof(rcvbuf)), 0);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
				    &group, sizeof(group)), 0);
	for (; made < SMALL_FRAMES - 1; made++)
		make_event();
	ask(&s, &req);
	for (i = 0; i < events; i++, made++)
		make_event();
	/* the first part takes the last frame */
	raw_poll(&s, POLLIN, 0);
	take_frames(&s, &d);
	/* deliveries find all frames free */
	for (i = 0; i < 4; i++, made++) {
		make_event();
		take_frames(&s, &d);
	}
	read_rest(&s, &d);
	while (raw_poll(&s, POLLIN, 0))
		take_frames(&s, &d);
	assert_int_equal(d.messages, messages);
	assert_int_equal(d.events, made);
	ask(&s, &req);
	d.done = false;
	read_rest(&s, &d);
	raw_close(&s);
}

static void test_between_events(void **state)
{
	unsigned int events;

	(void)state;
	for (events = 0; events < 6; events++) {
		print_message("  %u events\n", events);
		dump_between_events(events);
	}
}

/*
 * Several threads have the next part of one dump made, by poll() and recvmsg(),
 * while messages come that are none of it. Put back: two at once make a part each,
 * of which one comes twice; a recvmsg() that comes between makes none, nor does the
 * poll() that it disturbs, and the dump ends there.
 */

static struct raw_socket many;
static struct dump by_recv;	/* what recvmsg() took */
static unsigned int sent;
static bool stop;

static void *keep_polling(void *data)
{
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE))
		raw_poll(&many, POLLIN, 0);
	return data;
}

static void *keep_receiving(void *data)
{
	static char buf[65536];
	ssize_t n;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		n = recv(many.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			count(&by_recv, buf, n);
	}
	return data;
}

static void *keep_sending(void *data)
{
	struct raw_socket s;

	raw_open(&s, NETLINK_ROUTE);
	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		if (raw_send(&s, many.portid, 0, sent, 100, MSG_DONTWAIT) == 100)
			sent++;
		usleep(500);
	}
	raw_close(&s);
	return data;
}

/* a COPY frame may announce what recvmsg() took */
static void take_frame(struct dump *d)
{
	struct nl_mmap_hdr *hdr = raw_next(&many.rx);
	static char buf[65536];
	ssize_t n;

	if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
		n = recv(many.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			count(d, buf, n);
	} else {
		count(d, raw_payload(hdr), hdr->nm_len);
	}
	raw_take(&many.rx);
}

static void test_made_by_many(void **state)
{
	void *(*const others[])(void *) = { keep_polling, keep_polling,
					    keep_receiving, keep_sending };
	const unsigned int n = sizeof(others) / sizeof(*others), turns = 50;
	struct request req = dump_of(RTM_GETLINK);
	struct dump d = { .type = RTM_NEWLINK };
	unsigned int messages, turn, i;
	pthread_t threads[n];

	(void)state;
	req.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(req.rt));
	messages = count_plain(NETLINK_ROUTE, &req);
	raw_open_rings(&many, NETLINK_ROUTE, 16384, 16, 0);
	by_recv = (struct dump){ .type = RTM_NEWLINK };
	sent = 0;
	stop = false;
	for (i = 0; i < n; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, others[i],
						NULL), 0);
	for (turn = 1; turn <= turns; turn++) {
		d.done = by_recv.done = false;
		ask(&many, &req);
		while (!d.done && !__atomic_load_n(&by_recv.done, __ATOMIC_ACQUIRE)) {
			if (!raw_next(&many.rx))
				raw_poll(&many, POLLIN, STALLED);
			else
				take_frame(&d);
		}
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	for (i = 0; i < n; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	/*
	 * EINVAL may wait, as on a plain socket: a recvmsg() was about to have a
	 * part made when another one had the last one made
	 */
	while (raw_poll(&many, POLLIN, 0) & POLLIN)
		take_frame(&d);
	print_message("  %u of %u messages by recvmsg()\n", by_recv.messages,
		      d.messages + by_recv.messages);
	assert_int_equal(d.messages + by_recv.messages, turns * messages);
	assert_int_equal(d.events + by_recv.events, sent);
	raw_close(&many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_ethtool),
		cmocka_unit_test(test_between_events),
		cmocka_unit_test(test_made_by_many),
		cmocka_unit_test(test_queues),
	};

	watchdog(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
