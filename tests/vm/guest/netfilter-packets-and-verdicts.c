// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Packets from the kernel, over loopback: nfnetlink_log and nfnetlink_queue
 * with a ring and with a plain socket, byte for byte; batch verdicts; a queue
 * that fails open. Needs the module and root, and nft.
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
#include <netinet/udp.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netfilter/nfnetlink_queue.h>

#include "ring-syscalls.h"

#define PORT		4711
#define WHOLE		(0xffff - NLA_HDRLEN)

static struct raw_socket ring, plain;
static int receiver;
static unsigned int losses;

/* a network namespace for each test, with a receiver of packets */
static int setup(void **state)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int size = 32 << 20;

	(void)state;
	losses = 0;
	if (unshare(CLONE_NEWNET) || system("ip link set lo up"))
		return -1;
	receiver = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	setsockopt(receiver, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	return bind(receiver, (void *)&addr, sizeof(addr));
}

static int teardown(void **state)
{
	(void)state;
	close(receiver);
	raw_close(&ring);
	if (plain.fd > 0)
		raw_close(&plain);
	plain.fd = 0;
	return 0;
}

static int sender_open(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (void *)&addr, sizeof(addr)), 0);
	return fd;
}

static void sender_send(int fd, uint32_t number, size_t len)
{
	static __thread char buf[65536];

	memset(buf, number, len);
	memcpy(buf, &number, sizeof(number));
	assert_int_equal(send(fd, buf, len, 0), len);
}

/*
 * The number in the next packet; waits for it, as ksoftirqd may be the one
 * that brings an accepted packet over loopback.
 */
static uint32_t received(void)
{
	uint32_t number;

	assert_true(recv(receiver, &number, sizeof(number), 0) > 0);
	return number;
}

static bool nothing_received(void)
{
	return recv(receiver, NULL, 0, MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

/*
 * Configuration and verdicts
 */

static struct nlmsghdr *put_nfnl(char *buf, uint16_t type, uint16_t id)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct nfgenmsg *nfg;

	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST;
	nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->res_id = htons(id);
	return nlh;
}

static void send_request(struct raw_socket *s, struct nlmsghdr *nlh)
{
	assert_int_equal(send(s->fd, nlh, nlh->nlmsg_len, 0), nlh->nlmsg_len);
}

static void bind_queue(struct raw_socket *s, uint16_t queue, uint8_t mode,
		       uint32_t range, uint32_t flags)
{
	struct nfqnl_msg_config_cmd bind = { .command = NFQNL_CFG_CMD_BIND };
	struct nfqnl_msg_config_params params = {
		.copy_range = htonl(range),
		.copy_mode = mode,
	};
	char buf[256];
	struct nlmsghdr *nlh;

	nlh = put_nfnl(buf, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, queue);
	mnl_attr_put(nlh, NFQA_CFG_CMD, sizeof(bind), &bind);
	send_request(s, nlh);
	nlh = put_nfnl(buf, NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_CONFIG, queue);
	mnl_attr_put(nlh, NFQA_CFG_PARAMS, sizeof(params), &params);
	mnl_attr_put_u32(nlh, NFQA_CFG_FLAGS, htonl(flags));
	mnl_attr_put_u32(nlh, NFQA_CFG_MASK, htonl(flags));
	/* packets: more than any test has under way */
	mnl_attr_put_u32(nlh, NFQA_CFG_QUEUE_MAXLEN, htonl(65536));
	send_request(s, nlh);
}

static void bind_log(struct raw_socket *s, uint16_t group, uint32_t range)
{
	struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
	struct nfulnl_msg_config_mode mode = {
		.copy_range = htonl(range),
		.copy_mode = NFULNL_COPY_PACKET,
	};
	char buf[256];
	struct nlmsghdr *nlh;

	nlh = put_nfnl(buf, NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG, group);
	mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
	mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
	mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(131072));
	mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(4));
	send_request(s, nlh);
}

static void verdict(struct raw_socket *s, uint16_t type, uint16_t queue,
		    uint32_t id, uint32_t what)
{
	struct nfqnl_msg_verdict_hdr vh = {
		.verdict = htonl(what),
		.id = htonl(id),
	};
	struct nlmsghdr *nlh;
	char buf[256];

	nlh = put_nfnl(buf, NFNL_SUBSYS_QUEUE << 8 | type, queue);
	mnl_attr_put(nlh, NFQA_VERDICT_HDR, sizeof(vh), &vh);
	send_request(s, nlh);
}

/*
 * Messages
 */

static struct nlattr *find_attr(const struct nlmsghdr *nlh, int type)
{
	struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
		if (mnl_attr_get_type(attr) == type)
			return attr;
	return NULL;
}

static uint32_t packet_id(const struct nlmsghdr *nlh)
{
	struct nfqnl_msg_packet_hdr *ph;

	assert_non_null(find_attr(nlh, NFQA_PACKET_HDR));
	ph = mnl_attr_get_payload(find_attr(nlh, NFQA_PACKET_HDR));
	return ntohl(ph->packet_id);
}

/* the number in the payload, behind headers of IPv4 and UDP */
static uint32_t packet_number(const struct nlmsghdr *nlh)
{
	struct nlattr *attr = find_attr(nlh, NFQA_PAYLOAD);
	uint32_t number;

	assert_non_null(attr);
	assert_true(mnl_attr_get_payload_len(attr) >= 32);
	memcpy(&number, (char *)mnl_attr_get_payload(attr) + 28,
	       sizeof(number));
	return number;
}

/* queue and port ID are each socket's own */
static void make_comparable(struct nlmsghdr *nlh)
{
	struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	nlh->nlmsg_pid = 0;
	nfg->res_id = 0;
}

/* the next message, copied; its length, or 0 */
static size_t next_by_ring(char *buf, size_t size)
{
	struct nl_mmap_hdr *hdr = raw_next(&ring.rx);
	ssize_t len;

	if (!hdr) {
		raw_poll(&ring, POLLIN, 0);
		hdr = raw_next(&ring.rx);
	}
	if (!hdr)
		return 0;
	if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
		len = recv(ring.fd, buf, size, MSG_DONTWAIT);
		assert_true(len > 0);
	} else {
		len = hdr->nm_len;
		assert_true((size_t)len <= size);
		memcpy(buf, raw_payload(hdr), len);
	}
	raw_take(&ring.rx);
	return len;
}

/* whether messages were lost; a loss is told once, as ENOBUFS */
static bool lost(void)
{
	socklen_t optlen = sizeof(int);
	int err;

	assert_int_equal(getsockopt(ring.fd, SOL_SOCKET, SO_ERROR, &err,
				    &optlen), 0);
	if (!err)
		return false;
	assert_int_equal(err, ENOBUFS);
	losses++;
	return true;
}

static size_t wait_by_ring(char *buf, size_t size)
{
	size_t len;

	while (!(len = next_by_ring(buf, size)))
		if (raw_poll(&ring, POLLIN, -1) & POLLERR)
			assert_true(lost());
	return len;
}

static void nft(const char *rules)
{
	char command[1024];

	snprintf(command, sizeof(command), "nft '%s'", rules);
	assert_int_equal(system(command), 0);
}

static void open_ring(unsigned int frame_size, unsigned int frames,
		      unsigned int flags)
{
	int size = 32 << 20;

	raw_open_rx(&ring, NETLINK_NETFILTER, frame_size, frames, flags);
	setsockopt(ring.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static void open_plain(void)
{
	int size = 32 << 20;

	raw_open(&plain, NETLINK_NETFILTER);
	setsockopt(plain.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
}

static uint64_t counter(int attr)
{
	return raw_counter(&ring, NETLINK_RX_RING, attr);
}

/*
 * The same packets in two queues, one after the other
 */

static char by_ring[1 << 18], by_plain[1 << 18];

static void compare_packet(void)
{
	struct nlmsghdr *a = (void *)by_ring, *b = (void *)by_plain;
	size_t len = wait_by_ring(by_ring, sizeof(by_ring));
	uint32_t id = packet_id(a);

	verdict(&ring, NFQNL_MSG_VERDICT, 1, id, NF_ACCEPT);
	assert_int_equal(recv(plain.fd, by_plain, sizeof(by_plain), 0), len);
	assert_int_equal(packet_id(b), id);
	verdict(&plain, NFQNL_MSG_VERDICT, 2, id, NF_ACCEPT);
	make_comparable(a);
	make_comparable(b);
	assert_memory_equal(by_ring, by_plain, len);
}

static void compare_queues(uint8_t mode, uint32_t range, uint32_t flags)
{
	static const size_t lens[] = { 4, 100, 1470, 9000, 40000, 65507, 333 };
	int segment = 1400, fd;
	unsigned int i, j;

	open_plain();
	bind_queue(&ring, 1, mode, range, flags);
	bind_queue(&plain, 2, mode, range, flags);
	nft("table ip t { chain a { type filter hook output priority 0; "
	    "udp dport 4711 queue num 1; }; chain b { type filter hook output "
	    "priority 10; udp dport 4711 queue num 2; }; }");
	fd = sender_open();
	for (i = 0; i < 200; i++) {
		sender_send(fd, i, lens[i % 7]);
		compare_packet();
		assert_int_equal(received(), i);
	}
	if (flags & NFQA_CFG_F_GSO) {
		/* 64 KB that are 45 packets, and stay one */
		setsockopt(fd, SOL_UDP, UDP_SEGMENT, &segment,
			   sizeof(segment));
		for (i = 0; i < 50; i++) {
			sender_send(fd, i, 45 * segment);
			compare_packet();
			assert_true(((struct nlmsghdr *)by_ring)->nlmsg_len >
				    (unsigned int)(45 * segment));
			assert_int_equal(received(), i);
			for (j = 1; j < 45; j++)
				received();
		}
	}
	assert_true(nothing_received());
	close(fd);
}

static void test_queue_packet(void **state)
{
	(void)state;
	open_ring(131072, 8, 0);
	compare_queues(NFQNL_COPY_PACKET, WHOLE, NFQA_CFG_F_GSO);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), 0);
}

static void test_queue_spans(void **state)
{
	(void)state;
	open_ring(2048, 128, NL_MMAP_F_SPAN);
	compare_queues(NFQNL_COPY_PACKET, WHOLE, NFQA_CFG_F_GSO);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), 0);
	assert_true(counter(NETLINK_MMAP_A_RING_SPANS) > 100);
}

static void test_queue_copy_frames(void **state)
{
	(void)state;
	open_ring(2048, 128, 0);
	compare_queues(NFQNL_COPY_PACKET, WHOLE, NFQA_CFG_F_GSO);
	assert_true(counter(NETLINK_MMAP_A_RING_BY_COPY) > 100);
}

static void test_queue_meta(void **state)
{
	(void)state;
	open_ring(2048, 16, 0);
	compare_queues(NFQNL_COPY_META, 0, 0);
	assert_int_equal(counter(NETLINK_MMAP_A_RING_BY_COPY), 0);
}

/* messages of several packets each, with a DONE at the end */
static void test_log(void **state)
{
	static const size_t lens[] = { 4, 100, 1470, 9000, 333 };
	size_t len, total = 0;
	unsigned int i;
	int fd;

	(void)state;
	open_ring(2048, 64, NL_MMAP_F_SPAN);
	open_plain();
	bind_log(&ring, 1, WHOLE);
	bind_log(&plain, 2, WHOLE);
	nft("table ip t { chain a { type filter hook output priority 0; "
	    "udp dport 4711 log group 1; udp dport 4711 log group 2; }; }");
	fd = sender_open();
	for (i = 0; i < 400; i++)
		sender_send(fd, i, lens[i % 5]);
	for (i = 0; i < 100; i++) {
		struct nlmsghdr *a = (void *)by_ring, *b = (void *)by_plain;
		int left;

		len = wait_by_ring(by_ring, sizeof(by_ring));
		assert_int_equal(recv(plain.fd, by_plain, sizeof(by_plain), 0),
				 len);
		total += len;
		left = len;
		while (mnl_nlmsg_ok(a, left)) {
			make_comparable(a);
			make_comparable(b);
			b = (void *)((char *)b + NLMSG_ALIGN(a->nlmsg_len));
			a = mnl_nlmsg_next(a, &left);
		}
		assert_memory_equal(by_ring, by_plain, len);
	}
	assert_true(total > 400 * 2000);
	close(fd);
}

/*
 * Batch verdicts: what is drawn for a batch happens to its packets, and to no
 * other, with several processors delivering
 */

#define SENDERS	4
#define PACKETS	4000

static void *send_packets(void *data)
{
	uint32_t i, first = (uintptr_t)data * PACKETS;
	cpu_set_t set;
	int fd;

	CPU_ZERO(&set);
	CPU_SET((uintptr_t)data % sysconf(_SC_NPROCESSORS_ONLN), &set);
	sched_setaffinity(0, sizeof(set), &set);
	fd = sender_open();
	for (i = 0; i < PACKETS; i++) {
		sender_send(fd, first + i, 64);
		if (i % 64 == 0)
			sched_yield();
	}
	close(fd);
	return NULL;
}

static void test_batch_verdicts(void **state)
{
	static bool accepted[SENDERS * PACKETS], seen[SENDERS * PACKETS];
	uint32_t batch[64], id = 0, last = 0, dropped;
	unsigned int i, n, left = SENDERS * PACKETS, expected = 0;
	pthread_t threads[SENDERS];

	(void)state;
	srand(1);
	open_ring(512, 256, 0);
	bind_queue(&ring, 1, NFQNL_COPY_PACKET, 256, 0);
	nft("table ip t { chain a { type filter hook output priority 0; "
	    "udp dport 4711 queue num 1; }; }");
	for (i = 0; i < SENDERS; i++)
		pthread_create(&threads[i], NULL, send_packets,
			       (void *)(uintptr_t)i);
	while (left) {
		n = 1 + rand() % 64;
		for (i = 0; i < n && left; i++, left--) {
			struct nlmsghdr *nlh = (void *)by_ring;

			if (!next_by_ring(by_ring, sizeof(by_ring))) {
				if (i)
					break;
				wait_by_ring(by_ring, sizeof(by_ring));
			}
			id = packet_id(nlh);
			assert_true(id > last);
			last = id;
			batch[i] = packet_number(nlh);
		}
		n = rand() % 2;
		while (i--) {
			accepted[batch[i]] = n;
			seen[batch[i]] = true;
		}
		verdict(&ring, NFQNL_MSG_VERDICT_BATCH, 1, id,
			n ? NF_ACCEPT : NF_DROP);
	}
	for (i = 0; i < SENDERS; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < SENDERS * PACKETS; i++) {
		assert_true(seen[i]);
		expected += accepted[i];
	}
	dropped = SENDERS * PACKETS - expected;
	while (expected--) {
		uint32_t number = received();

		assert_true(accepted[number]);
		accepted[number] = false;
	}
	assert_true(nothing_received());
	assert_true(dropped > 0);
}

/*
 * lesson 16 (put back: a message that finds no frame is freed): nobody reads.
 * What does not fit frames, receive buffer or queue goes on unseen
 */
static void test_fail_open(void **state)
{
	bool seen[1000] = { false };
	unsigned int i, queued = 0;
	int size = 8192, fd;
	struct nlmsghdr *nlh = (void *)by_ring;

	(void)state;
	open_ring(512, 8, 0);
	setsockopt(ring.fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	bind_queue(&ring, 1, NFQNL_COPY_PACKET, 256, NFQA_CFG_F_FAIL_OPEN);
	nft("table ip t { chain a { type filter hook output priority 0; "
	    "udp dport 4711 queue num 1; }; }");
	fd = sender_open();
	for (i = 0; i < 1000; i++)
		sender_send(fd, i, 64);
	do {
		for (; next_by_ring(by_ring, sizeof(by_ring)); queued++)
			verdict(&ring, NFQNL_MSG_VERDICT, 1, packet_id(nlh),
				NF_ACCEPT);
	} while (lost());
	assert_in_range(queued, 9, 999);
	/* those that were queued and those that were not, each once */
	for (i = 0; i < 1000; i++) {
		uint32_t number = received();

		assert_in_range(number, 0, 999);
		assert_false(seen[number]);
		seen[number] = true;
	}
	assert_int_equal(losses, 1);
	close(fd);
}

#define packet_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		packet_test(test_queue_packet),
		packet_test(test_queue_spans),
		packet_test(test_queue_copy_frames),
		packet_test(test_queue_meta),
		packet_test(test_log),
		packet_test(test_batch_verdicts),
		packet_test(test_fail_open),
	};

	watchdog(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
