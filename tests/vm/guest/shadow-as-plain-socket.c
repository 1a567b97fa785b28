// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shadow rings: a socket that has one receives what a plain socket beside it
 * receives, by frames and by each other way, and loses the same messages. Needs
 * the module and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <net/if.h>
#include <cmocka.h>

#include "../../shared/wait-until-asleep.h"
#include "child-process.h"
#include "shadow-reader.h"
#include "uring-syscalls.h"

#define FRAMES	64
#define GROUP	3

static struct raw_socket plain, shadow, from;
static struct shadow reader;
static bool has_uring;

static void set_option(int level, int option, int value)
{
	assert_int_equal(setsockopt(plain.fd, level, option, &value,
				    sizeof(value)), 0);
	assert_int_equal(setsockopt(shadow.fd, level, option, &value,
				    sizeof(value)), 0);
}

static void open_all(int protocol, int rcvbuf)
{
	raw_open(&plain, protocol);
	shadow_open(&shadow, protocol, FRAMES);
	raw_open(&from, protocol);
	shadow_begin(&reader, &shadow);
	if (rcvbuf)
		set_option(SOL_SOCKET, SO_RCVBUF, rcvbuf);
}

static void close_all(void)
{
	raw_close(&plain);
	raw_close(&shadow);
	raw_close(&from);
}

/*
 * Receiving
 */

enum way { FRAME, PEEK, RECV, TRUNCATED, RECVMSG, READ, URING, DUP, BAD, WAYS };

/* what a program sees of one message */
struct result {
	ssize_t ret;
	int err;
	int flags;
	struct sockaddr_nl name;
	socklen_t namelen;
	size_t controllen;
	char control[256];
	char data[9000];
};

static void receive_msg(int fd, struct result *r, size_t room, int flags,
			bool by_uring)
{
	struct iovec iov = { r->data, room };
	struct msghdr msg = {
		.msg_name = &r->name,
		.msg_namelen = sizeof(r->name),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = r->control,
		.msg_controllen = sizeof(r->control),
	};

	if (by_uring) {
		r->ret = uring_recvmsg(fd, &msg, flags);
		errno = r->ret < 0 ? -r->ret : 0;
		r->ret = r->ret < 0 ? -1 : r->ret;
	} else {
		r->ret = recvmsg(fd, &msg, flags);
	}
	r->err = r->ret < 0 ? errno : 0;
	if (r->ret < 0)
		return;
	r->flags = msg.msg_flags;
	r->namelen = msg.msg_namelen;
	r->controllen = msg.msg_controllen;
}

/* io_uring polls where it would have to wait: it is for sockets with messages */
static bool is_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1 && pfd.revents == POLLIN;
}

static void receive_plainly(int fd, struct result *r, enum way way, size_t room)
{
	int other = fd;

	memset(r, 0, sizeof(*r));
	switch (way) {
	case FRAME:
		r->ret = recv(fd, r->data, room, MSG_DONTWAIT | MSG_TRUNC);
		break;
	case PEEK:
		r->ret = recv(fd, r->data, room, MSG_DONTWAIT | MSG_PEEK);
		break;
	case RECV:
		r->ret = recv(fd, r->data, room, MSG_DONTWAIT);
		break;
	case TRUNCATED:
		receive_msg(fd, r, 20, MSG_DONTWAIT | MSG_TRUNC, false);
		return;
	case RECVMSG:
		receive_msg(fd, r, room, MSG_DONTWAIT, false);
		return;
	case READ:
		fcntl(fd, F_SETFL, O_NONBLOCK);
		r->ret = read(fd, r->data, room);
		r->err = errno;
		fcntl(fd, F_SETFL, 0);
		errno = r->err;
		break;
	case URING:
		receive_msg(fd, r, room, MSG_DONTWAIT,
			    has_uring && is_readable(fd));
		return;
	case DUP:
		other = dup(fd);
		r->ret = recv(other, r->data, room, MSG_DONTWAIT);
		r->err = errno;
		close(other);
		errno = r->err;
		break;
	case BAD:
		/* the message is lost */
		r->ret = recv(fd, (void *)1, room, MSG_DONTWAIT);
		break;
	case WAYS:
		break;
	}
	r->err = r->ret < 0 ? errno : 0;
}

static unsigned int by_frame, by_way[WAYS];

static void receive_shadow(struct result *r, enum way way, size_t room)
{
	by_way[way]++;
	if (way == FRAME) {
		memset(r, 0, sizeof(*r));
		r->ret = shadow_take(&reader, r->data, room);
		if (r->ret >= 0) {
			by_frame++;
			return;
		}
	}
	receive_plainly(shadow.fd, r, way, room);
}

static void assert_same(const struct result *a, const struct result *b)
{
	assert_int_equal(a->ret, b->ret);
	assert_int_equal(a->err, b->err);
	assert_int_equal(a->flags, b->flags);
	assert_int_equal(a->namelen, b->namelen);
	assert_memory_equal(&a->name, &b->name, sizeof(a->name));
	assert_int_equal(a->controllen, b->controllen);
	assert_memory_equal(a->control, b->control, sizeof(a->control));
	assert_memory_equal(a->data, b->data, sizeof(a->data));
}

/* more often by frame than by any other way */
static enum way random_way(void)
{
	unsigned int n = rand() % (3 * WAYS);

	return n < WAYS ? n : FRAME;
}

/* returns 0 or the error; @mask removes what is not the same in both */
static int receive_both(enum way way, size_t room, void (*mask)(struct result *))
{
	static struct result a, b;

	receive_plainly(plain.fd, &a, way, room);
	receive_shadow(&b, way, room);
	if (mask && a.ret > 0 && b.ret > 0) {
		mask(&a);
		mask(&b);
	}
	assert_same(&a, &b);
	return a.err;
}

/*
 * Side by side
 */

static void multicast(uint32_t seq, size_t len)
{
	assert_int_equal(raw_send(&from, 0, 1 << (GROUP - 1), seq, len,
				  MSG_DONTWAIT), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static uint32_t drops_of(const struct raw_socket *s)
{
	uint32_t info[16] = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len),
			 0);
	return info[8];
}

static size_t random_len(void)
{
	if (rand() % 20)
		return sizeof(struct raw_message) + rand() % 1900;
	/* some do not fit a frame */
	return sizeof(struct raw_message) + rand() % 6000;
}

static void send_burst(uint32_t *seq, unsigned int most)
{
	unsigned int n = rand() % most;

	while (n--)
		multicast((*seq)++, random_len());
}

static void lockstep(unsigned int seed, int rcvbuf, unsigned int rounds)
{
	unsigned int n, messages = 0, losses = 0;
	uint32_t seq = 0;
	int err;

	srand(seed);
	open_all(NETLINK_USERSOCK, rcvbuf);
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, GROUP);
	set_option(SOL_NETLINK, NETLINK_PKTINFO, 1);
	set_option(SOL_SOCKET, SO_PASSCRED, 1);
	by_frame = 0;
	memset(by_way, 0, sizeof(by_way));

	while (rounds--) {
		send_burst(&seq, rcvbuf / 500);
		for (n = rand() % (rcvbuf / 500); n; n--) {
			err = receive_both(random_way(), sizeof(((struct result *)0)->data),
					   NULL);
			if (err == EAGAIN)
				break;
			losses += err == ENOBUFS;
			messages += !err;
		}
		assert_int_equal(drops_of(&plain), drops_of(&shadow));
		if (!(rounds % 7))
			assert_int_equal(is_readable(plain.fd),
					 is_readable(shadow.fd));
	}
	assert_true(by_frame > messages / 4);
	print_message("seed %u, SO_RCVBUF %d: %u messages, %u by frame, %u overruns, %u lost, of each\n",
		      seed, rcvbuf, messages, by_frame, losses,
		      drops_of(&plain));
	assert_true(losses > 0);
	close_all();
}

static void test_lockstep(void **state)
{
	static const int rcvbufs[] = { 30000, 60000, 150000, 400000 };
	const char *rounds = getenv("ROUNDS");
	unsigned int seed, n = rounds ? atoi(rounds) : 300;

	(void)state;
	for (seed = 0; seed < 8; seed++)
		lockstep(seed, rcvbufs[seed % 4], n * 30000 / rcvbufs[seed % 4] + 20);
}

/*
 * Dumps between events: each part is made after the same message
 */

#define LINKS	60

static void mask_header(struct result *r)
{
	struct nlmsghdr *nlh = (void *)r->data;
	ssize_t len = r->ret;

	for (; NLMSG_OK(nlh, len); nlh = NLMSG_NEXT(nlh, len))
		nlh->nlmsg_pid = 0;
}

static void set_link(unsigned int i, uint32_t mtu)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
		struct rtattr rta;
		uint32_t mtu;
	} req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = RTM_NEWLINK,
		.nlh.nlmsg_flags = NLM_F_REQUEST,
		.ifi.ifi_index = i,
		.rta.rta_len = RTA_LENGTH(sizeof(mtu)),
		.rta.rta_type = IFLA_MTU,
		.mtu = mtu,
	};

	assert_int_equal(send(from.fd, &req, sizeof(req), 0), sizeof(req));
}

static void request(int fd, uint16_t type, uint16_t flags, uint32_t seq)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = type,
		.nlh.nlmsg_flags = NLM_F_REQUEST | flags,
		.nlh.nlmsg_seq = seq,
	};

	assert_int_equal(send(fd, &req, sizeof(req), 0), sizeof(req));
}

static void request_both(uint16_t type, uint16_t flags, uint32_t seq)
{
	request(plain.fd, type, flags, seq);
	request(shadow.fd, type, flags, seq);
}

static unsigned int make_links(void)
{
	unsigned int i, first;
	char command[100];

	for (i = 0; i < LINKS; i++) {
		snprintf(command, sizeof(command),
			 "ip link add shadow%u type dummy", i);
		assert_int_equal(system(command), 0);
	}
	first = if_nametoindex("shadow0");
	assert_true(first > 0);
	return first;
}

static void dumps(unsigned int seed, int rcvbuf, unsigned int first)
{
	unsigned int round, n, messages = 0, losses = 0;
	int err;

	srand(seed);
	by_frame = 0;
	open_all(NETLINK_ROUTE, rcvbuf);
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, RTNLGRP_LINK);
	set_link(first, 1000);
	/* the room of the first message is that of the parts */
	assert_int_equal(receive_both(RECV, 8192, mask_header), 0);

	for (round = 0; round < 300; round++) {
		for (n = rand() % 12; n; n--)
			set_link(first + rand() % LINKS, 1000 + rand() % 500);
		if (!(rand() % 4))
			request_both(RTM_GETLINK, NLM_F_DUMP, round);
		if (!(rand() % 8))
			request_both(RTM_GETLINK, NLM_F_ACK, round);
		for (n = rand() % 16; n; n--) {
			err = receive_both(random_way(), 8192, mask_header);
			if (err == EAGAIN)
				break;
			losses += err == ENOBUFS;
			messages += !err;
		}
		assert_int_equal(drops_of(&plain), drops_of(&shadow));
	}
	/* to the end: no dump stalls */
	do {
		err = receive_both(FRAME, 8192, mask_header);
		messages += !err;
	} while (err != EAGAIN);
	print_message("dumps, seed %u, SO_RCVBUF %d: %u datagrams, %u by frame, %u overruns\n",
		      seed, rcvbuf, messages, by_frame, losses);
	assert_true(by_frame > 0);
	close_all();
}

static void test_dumps(void **state)
{
	unsigned int first, seed;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	first = make_links();
	for (seed = 0; seed < 6; seed++)
		dumps(seed, seed % 2 ? 400000 : 30000, first);
}

/*
 * One rule each
 */

static int setup(void **state)
{
	(void)state;
	open_all(NETLINK_USERSOCK, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_all();
	return 0;
}

static void send_one(uint32_t seq, size_t len)
{
	assert_int_equal(raw_send(&from, shadow.portid, 0, seq, len, 0), len);
}

static void expect_frame(uint32_t seq, size_t len)
{
	char buf[4096];

	assert_int_equal(shadow_take(&reader, buf, sizeof(buf)), len);
	raw_check(buf, seq, len);
}

static void expect_call(uint32_t seq, size_t len)
{
	char buf[9000];

	assert_int_equal(shadow_take(&reader, buf, sizeof(buf)), -1);
	assert_int_equal(recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, seq, len);
}

static void expect_nothing(void)
{
	char buf[4096];

	assert_int_equal(shadow_take(&reader, buf, sizeof(buf)), -1);
	assert_int_equal(recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(raw_poll(&shadow, POLLIN, 0), 0);
}

static void test_flags(void **state)
{
	static const unsigned int bad[] = {
		NL_MMAP_F_SHADOW,
		NL_MMAP_F_SHADOW | NL_MMAP_F_SPAN,
		NL_MMAP_F_SHADOW | NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL,
	};
	struct nl_mmap_state st;
	socklen_t len = sizeof(st);
	struct raw_socket s;
	unsigned int i;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	if (!raw_built_in())
		assert_int_equal(raw_attach(s.fd), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING,
					       raw_req(2048, 8), bad[i]), -1);
		assert_int_equal(errno, EINVAL);
		assert_int_equal(raw_set_ring2(&s, NETLINK_TX_RING,
					       raw_req(2048, 8), bad[i]), -1);
		assert_int_equal(errno, EINVAL);
	}
	assert_int_equal(getsockopt(shadow.fd, SOL_NETLINK, NETLINK_RX_RING,
				    &st, &len), 0);
	assert_int_equal(st.nm_flags, NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL);
	raw_close(&s);
}

/* a message is in the queue and charged until it was taken and somebody looked */
static void test_counters(void **state)
{
	(void)state;
	send_one(1, 100);
	send_one(2, 200);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_IN_USE), 2);
	expect_frame(1, 100);
	assert_int_equal(raw_poll(&shadow, POLLIN, 0), POLLIN);
	expect_frame(2, 200);
	assert_int_equal(raw_poll(&shadow, POLLIN, 0), 0);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_IN_USE), 0);
	send_one(3, 3000);
	expect_call(3, 3000);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_BY_RING), 2);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_BY_COPY), 1);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_BYTES), 3300);
}

/* what has no frame keeps back what is behind it */
static void test_too_long(void **state)
{
	(void)state;
	send_one(1, 100);
	send_one(2, 3000);
	send_one(3, 100);
	send_one(4, 5000);
	expect_frame(1, 100);
	expect_call(2, 3000);
	expect_frame(3, 100);
	expect_call(4, 5000);
	expect_nothing();
	send_one(5, 100);
	expect_frame(5, 100);
}

/* more than there are frames, several turns */
static void test_full(void **state)
{
	uint32_t sent = 0, got = 0, i;
	char buf[4096];
	ssize_t len;

	(void)state;
	for (i = 0; i < 20; i++) {
		while (sent < got + FRAMES + 40)
			send_one(sent++, 100);
		while (got < sent - i) {
			len = shadow_take(&reader, buf, sizeof(buf));
			if (len < 0)
				len = recv(shadow.fd, buf, sizeof(buf),
					   MSG_DONTWAIT);
			assert_int_equal(len, 100);
			raw_check(buf, got++, 100);
		}
	}
}

/* a level is a level for each way to wait */
static void test_poll(void **state)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epfd = epoll_create1(0);

	(void)state;
	assert_int_equal(epoll_ctl(epfd, EPOLL_CTL_ADD, shadow.fd, &event), 0);
	assert_int_equal(epoll_wait(epfd, &event, 1, 0), 0);
	send_one(1, 100);
	assert_int_equal(raw_poll(&shadow, POLLIN, -1), POLLIN);
	assert_int_equal(epoll_wait(epfd, &event, 1, -1), 1);
	assert_int_equal(epoll_wait(epfd, &event, 1, 0), 0);
	expect_frame(1, 100);
	assert_int_equal(epoll_wait(epfd, &event, 1, 0), 0);
	assert_int_equal(raw_poll(&shadow, POLLIN, 0), 0);
	send_one(2, 100);
	assert_int_equal(epoll_wait(epfd, &event, 1, -1), 1);
	expect_frame(2, 100);
	close(epfd);
}

static void wait_until_child_sleeps(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	while (state != 'S') {
		f = fopen(path, "r");
		assert_non_null(f);
		assert_int_equal(fscanf(f, "%*d (%*[^)]) %c", &state), 1);
		fclose(f);
	}
}

/* a sender that waits for room goes on when the reader took messages and polls */
static void test_sleeping_sender(void **state)
{
	int rcvbuf = 10000;
	char buf[4096];
	uint32_t got = 0;
	ssize_t len;
	pid_t pid;

	(void)state;
	assert_int_equal(setsockopt(shadow.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				    sizeof(rcvbuf)), 0);
	pid = fork();
	if (!pid) {
		watchdog(60);
		for (; got < 2000; got++)
			child_check(raw_send(&from, shadow.portid, 0, got,
					     1000, 0) == 1000, 1);
		_exit(0);
	}
	/* never by recvmsg */
	while (got < 2000) {
		len = shadow_take(&reader, buf, sizeof(buf));
		if (len < 0) {
			assert_int_equal(raw_poll(&shadow, POLLIN, -1),
					 POLLIN);
			continue;
		}
		raw_check(buf, got++, 1000);
	}
	child_wait(pid);
	assert_int_equal(raw_counter(&shadow, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_BY_COPY), 0);
}

/* it does so, as behind recvmsg(), while other messages still wait */
static void test_sender_behind_others(void **state)
{
	uint32_t sent = 0, got = 0;
	int rcvbuf = 10000;
	pid_t pid;

	(void)state;
	assert_int_equal(setsockopt(shadow.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				    sizeof(rcvbuf)), 0);
	while (raw_send(&from, shadow.portid, 0, sent, 1000, MSG_DONTWAIT) == 1000)
		sent++;
	assert_int_equal(errno, EAGAIN);
	assert_true(sent > 4);
	pid = fork();
	if (!pid) {
		alarm(60);
		child_check(raw_send(&from, shadow.portid, 0, sent, 1000, 0) ==
			    1000, 1);
		_exit(0);
	}
	wait_until_child_sleeps(pid);
	for (; got < sent / 2; got++)
		expect_frame(got, 1000);
	raw_poll(&shadow, POLLIN, 0);
	child_wait(pid);
	for (; got <= sent; got++)
		expect_frame(got, 1000);
	expect_nothing();
}

/*
 * A message that is larger than half of SO_RCVBUF waits for a queue that is empty:
 * its sender sleeps though little is charged.
 */
static void test_sender_of_large_message(void **state)
{
	const size_t len = 30000;
	static char buf[30000];
	int rcvbuf = 15000;
	pid_t pid;

	(void)state;
	assert_int_equal(setsockopt(shadow.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				    sizeof(rcvbuf)), 0);
	send_one(1, 100);
	assert_int_equal(raw_send(&from, shadow.portid, 0, 2, len,
				  MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	pid = fork();
	if (!pid) {
		watchdog(60);
		child_check(raw_send(&from, shadow.portid, 0, 2, len, 0) ==
			    (ssize_t)len, 1);
		_exit(0);
	}
	wait_until_child_sleeps(pid);
	expect_frame(1, 100);
	/* once: the look wakes the sender */
	raw_poll(&shadow, POLLIN, 0);
	child_wait(pid);
	assert_int_equal(recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT), len);
	raw_check(buf, 2, len);
}

/* the ring comes and goes with messages in the queue */
static void test_set_and_remove(void **state)
{
	struct raw_socket s;
	struct shadow r;
	char buf[200];
	int i;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	if (!raw_built_in())
		assert_int_equal(raw_attach(s.fd), 0);
	for (i = 0; i < 10; i++)
		assert_int_equal(raw_send(&from, s.portid, 0, i, 100, 0), 100);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, raw_req(2048, 8),
				       NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL), 0);
	/* nobody maps it: plain */
	assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), 100);
	raw_check(buf, 0, 100);
	assert_int_equal(raw_map(&s), 0);
	shadow_begin(&r, &s);
	/* these may be parts of a dump, until a call showed that none runs */
	assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), 100);
	raw_check(buf, 1, 100);
	for (i = 2; i < 5; i++) {
		assert_int_equal(shadow_take(&r, buf, sizeof(buf)), 100);
		raw_check(buf, i, 100);
	}
	raw_unmap(&s);
	assert_int_equal(raw_map(&s), 0);
	shadow_begin(&r, &s);
	assert_int_equal(shadow_take(&r, buf, sizeof(buf)), 100);
	raw_check(buf, 5, 100);
	raw_unmap(&s);
	assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), 100);
	raw_check(buf, 6, 100);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      (struct nl_mmap_req){ 0 }), 0);
	for (i = 7; i < 10; i++) {
		assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), 100);
		raw_check(buf, i, 100);
	}
	assert_int_equal(recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	raw_close(&s);
}

static pid_t sleeper;

static void *receive_once(void *data)
{
	static char buf[200];
	int *fd = data;

	__atomic_store_n(&sleeper, gettid(), __ATOMIC_RELEASE);
	return recv(*fd, buf, sizeof(buf), 0) == 100 ? buf : NULL;
}

/* a call that sleeps in recvmsg: the message is for it alone */
static void test_reserved(void **state)
{
	pthread_t thread;
	void *received;
	char buf[200];
	pid_t pid;

	(void)state;
	send_one(1, 100);
	send_one(2, 100);
	assert_int_equal(recv(shadow.fd, buf, sizeof(buf), MSG_PEEK), 100);
	raw_check(buf, 1, 100);
	/* put back: the peek took nothing */
	expect_frame(1, 100);
	expect_frame(2, 100);
	expect_nothing();

	sleeper = 0;
	assert_int_equal(pthread_create(&thread, NULL, receive_once,
					&shadow.fd), 0);
	assert_int_equal(wait_until_asleep(&sleeper), 0);
	/* of two messages the thread gets one, whoever is faster */
	send_one(3, 100);
	send_one(3, 100);
	while (shadow_take(&reader, buf, sizeof(buf)) < 0 &&
	       recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT) < 0)
		sched_yield();
	raw_check(buf, 3, 100);
	assert_int_equal(pthread_join(thread, &received), 0);
	raw_check(received, 3, 100);
	expect_nothing();
	send_one(4, 100);
	expect_frame(4, 100);

	pid = fork();
	if (!pid) {
		recv(shadow.fd, buf, sizeof(buf), 0);
		_exit(1);
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	send_one(5, 100);
	expect_frame(5, 100);
}

/* a reader that writes what it likes loses messages, no more */
static void test_lies(void **state)
{
	unsigned int round, i, status;
	struct nl_mmap_hdr *hdr;
	char buf[4096];

	(void)state;
	srand(1);
	for (round = 0; round < 3000; round++) {
		for (i = rand() % 20; i; i--)
			raw_send(&from, shadow.portid, 0, 0, 100 + rand() % 3000,
				 MSG_DONTWAIT);
		for (i = rand() % 20; i; i--) {
			hdr = raw_frame(&shadow.rx, rand() % FRAMES);
			status = shadow_word(rand() % 6,
					     shadow.control->nmc_consumed +
					     rand() % 5 - 2);
			raw_set_status(hdr, rand() % 8 ? status : (unsigned int)rand());
			hdr->nm_len = rand();
		}
		if (!(rand() % 3))
			memset(shadow.control, rand(), sizeof(*shadow.control));
		for (i = rand() % 10; i; i--)
			recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT);
		raw_poll(&shadow, POLLIN, 0);
	}
	/* the queue is as sound as ever */
	while (recv(shadow.fd, buf, sizeof(buf), MSG_DONTWAIT) >= 0)
		;
	assert_int_equal(errno, EAGAIN);
	raw_unmap(&shadow);
	assert_int_equal(raw_set_ring(&shadow, NETLINK_RX_RING,
				      (struct nl_mmap_req){ 0 }), 0);
	send_one(7, 100);
	assert_int_equal(recv(shadow.fd, buf, sizeof(buf), 0), 100);
	raw_check(buf, 7, 100);
}

/*
 * Somebody else goes on
 */

/* the child inherits the mapping: two readers by turns */
static void test_fork(void **state)
{
	pid_t pid;
	int i;

	(void)state;
	for (i = 0; i < 30; i++)
		send_one(i, 100);
	for (i = 0; i < 10; i++)
		expect_frame(i, 100);
	pid = fork();
	if (!pid) {
		for (; i < 20; i++)
			expect_frame(i, 100);
		/* ends without unmapping, after its last message */
		_exit(0);
	}
	child_wait(pid);
	for (i = 20; i < 30; i++)
		expect_frame(i, 100);
	expect_nothing();
}

/* the mapping is gone, the socket is not */
static void test_exec(void **state)
{
	char buf[300], command[200];
	int status, i;
	pid_t pid;

	(void)state;
	for (i = 0; i < 3; i++)
		send_one(i, 100);
	expect_frame(0, 100);
	raw_unmap(&shadow);
	/* the shell's dd reads one datagram from the descriptor it inherits */
	snprintf(command, sizeof(command),
		 "dd bs=300 count=1 of=/tmp/shadow.out status=none <&%d",
		 shadow.fd);
	fcntl(shadow.fd, F_SETFD, 0);
	status = system(command);
	fcntl(shadow.fd, F_SETFD, FD_CLOEXEC);
	assert_int_equal(status, 0);
	i = open("/tmp/shadow.out", O_RDONLY);
	assert_int_equal(read(i, buf, sizeof(buf)), 100);
	raw_check(buf, 1, 100);
	close(i);
	pid = fork();
	if (!pid)
		_exit(recv(shadow.fd, buf, sizeof(buf), 0) != 100 ||
		      ((struct raw_message *)(void *)buf)->seq != 2);
	child_wait(pid);
}

static void send_fd(int to, int fd)
{
	char data = 0, control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { &data, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	assert_int_equal(sendmsg(to, &msg, 0), 1);
}

static int receive_fd(int from_fd)
{
	char data, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { &data, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	child_check(recvmsg(from_fd, &msg, 0) == 1, 10);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

/* the mapper dies in the middle; who was given the socket goes on, plainly */
static void test_taken_over(void **state)
{
	struct raw_socket s;
	struct shadow r;
	int pair[2], fd, i;
	char buf[4096];
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid = fork();
	if (!pid) {
		shadow_open(&s, NETLINK_USERSOCK, 8);
		shadow_begin(&r, &s);
		for (i = 0; i < 30; i++)
			raw_send(&from, s.portid, 0, i, 100, 0);
		for (i = 0; i < 5; i++)
			child_check(shadow_take(&r, buf, sizeof(buf)) == 100 &&
				    ((struct raw_message *)(void *)buf)->seq ==
				    (uint32_t)i, 11);
		send_fd(pair[0], s.fd);
		raise(SIGKILL);
	}
	fd = receive_fd(pair[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (i = 5; i < 30; i++) {
		assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), 100);
		raw_check(buf, i, 100);
	}
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	close(fd);
	close(pair[0]);
	close(pair[1]);
}

/* without NL_MMAP_F_SENDER a frame cannot say from which namespace a message is */

static void set_nsid(pid_t pid, int nsid)
{
	struct {
		struct nlmsghdr nlh;
		struct rtgenmsg gen;
		char pad[3];
		struct rtattr rta_pid;
		uint32_t pid;
		struct rtattr rta_nsid;
		uint32_t nsid;
	} req = {
		.nlh.nlmsg_len = sizeof(req),
		.nlh.nlmsg_type = RTM_NEWNSID,
		.nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.rta_pid.rta_len = RTA_LENGTH(4),
		.rta_pid.rta_type = NETNSA_PID,
		.pid = pid,
		.rta_nsid.rta_len = RTA_LENGTH(4),
		.rta_nsid.rta_type = NETNSA_NSID,
		.nsid = nsid,
	};
	struct raw_socket s;
	char buf[1000];

	raw_open(&s, NETLINK_ROUTE);
	assert_int_equal(send(s.fd, &req, sizeof(req), 0), sizeof(req));
	assert_true(recv(s.fd, buf, sizeof(buf), 0) > 0);
	assert_int_equal(((struct nlmsgerr *)
			  NLMSG_DATA((struct nlmsghdr *)(void *)buf))->error, 0);
	raw_close(&s);
}

static void test_nsid(void **state)
{
	int go[2], ready[2], i;
	char c;
	pid_t pid;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	close_all();
	open_all(NETLINK_USERSOCK, 0);
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, GROUP);
	set_option(SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, 1);
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		child_check(!unshare(CLONE_NEWNET), 1);
		raw_open(&from, NETLINK_USERSOCK);
		child_check(write(ready[1], "", 1) == 1, 2);
		child_check(read(go[0], &c, 1) == 1, 3);
		for (i = 0; i < 3; i++)
			raw_send(&from, 0, 1 << (GROUP - 1), i, 100, 0);
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	set_nsid(pid, 5);
	multicast(100, 100);
	assert_int_equal(write(go[1], "", 1), 1);
	child_wait(pid);
	multicast(101, 100);
	by_frame = 0;
	for (i = 0; i < 5; i++)
		assert_int_equal(receive_both(i == 1 || i == 2 ? RECVMSG : FRAME,
					      4096, NULL), 0);
	assert_int_equal(by_frame, 2);
	assert_int_equal(receive_both(FRAME, 4096, NULL), EAGAIN);
	close(go[0]);
	close(go[1]);
	close(ready[0]);
	close(ready[1]);
}

#define shadow_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		shadow_test(test_flags),
		shadow_test(test_counters),
		shadow_test(test_too_long),
		shadow_test(test_full),
		shadow_test(test_poll),
		shadow_test(test_sleeping_sender),
		shadow_test(test_sender_behind_others),
		shadow_test(test_sender_of_large_message),
		shadow_test(test_set_and_remove),
		shadow_test(test_reserved),
		shadow_test(test_lies),
		shadow_test(test_fork),
		shadow_test(test_exec),
		shadow_test(test_taken_over),
		shadow_test(test_nsid),
		cmocka_unit_test(test_lockstep),
		cmocka_unit_test(test_dumps),
	};

	watchdog(500);
	has_uring = uring_open();
	if (!has_uring)
		print_message("no io_uring here: %s\n", strerror(errno));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
