// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Receiving through a ring: order, spill, COPY, multicast, loss as on a plain
 * socket, several senders at once, a reader that scribbles over everything.
 * Needs the module and root.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <linux/netlink_mmap.h>

#include "ring-syscalls.h"

#define FRAME		2048
#define FRAMES		8
#define CAPACITY	(FRAME - NL_MMAP_HDRLEN)
#define GROUP		1

struct pair {
	struct raw_socket to;
	struct raw_socket from;
};

static void pair_open(struct pair *p, unsigned int frames)
{
	raw_open_rings(&p->to, NETLINK_USERSOCK, FRAME, frames, 0);
	raw_open(&p->from, NETLINK_USERSOCK);
}

static void pair_close(struct pair *p)
{
	raw_close(&p->from);
	raw_close(&p->to);
}

static void pair_send(struct pair *p, uint32_t seq, size_t len)
{
	assert_int_equal(raw_send(&p->from, p->to.portid, 0, seq, len,
				  MSG_DONTWAIT), len);
}

static unsigned int pair_counter(struct pair *p, int attr)
{
	return raw_counter(&p->to, NETLINK_RX_RING, attr);
}

/* each frame many times, each length up to what fits; header fields too */
static void test_order_and_content(void **state)
{
	uint32_t seq = 0, got = 0;
	struct pair p;
	size_t len;

	(void)state;
	pair_open(&p, FRAMES);
	for (len = sizeof(struct raw_message); len <= CAPACITY; len += 13) {
		pair_send(&p, seq++, len);
		assert_int_equal(raw_status(raw_current(&p.to.rx)),
				 NL_MMAP_STATUS_VALID);
		assert_int_equal(raw_current(&p.to.rx)->nm_pid, getpid());
		assert_int_equal(raw_current(&p.to.rx)->nm_uid, getuid());
		assert_int_equal(raw_current(&p.to.rx)->nm_gid, getgid());
		assert_int_equal(raw_current(&p.to.rx)->nm_group, 0);
		raw_expect(&p.to, got++, len);
	}
	pair_send(&p, seq, CAPACITY);
	raw_expect(&p.to, seq, CAPACITY);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_MESSAGES),
			 seq + 1);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_SPILLED), 0);
	pair_close(&p);
}

/* lesson 7: POLLIN exactly when there is something; see ring-wakes-in-time.c, too */
static void test_pollin(void **state)
{
	struct pair p;
	int i;

	(void)state;
	pair_open(&p, FRAMES);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	for (i = 0; i < FRAMES; i++)
		pair_send(&p, i, 100);
	for (i = 0; i < FRAMES; i++) {
		assert_int_equal(raw_poll(&p.to, POLLIN, 0), POLLIN);
		raw_expect(&p.to, i, 100);
	}
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);

	/* a frame that is kept is not a reason to wake */
	pair_send(&p, 100, 100);
	raw_set_status(raw_current(&p.to.rx), NL_MMAP_STATUS_SKIP);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	raw_advance(&p.to.rx);
	pair_send(&p, 101, 100);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), POLLIN);
	raw_expect(&p.to, 101, 100);
	pair_close(&p);
}

/* lesson 13: no message, no frame; nor one that poll() takes in vain */
static void test_empty_message(void **state)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	struct pair p;

	(void)state;
	pair_open(&p, FRAMES);
	addr.nl_pid = p.to.portid;
	assert_int_equal(sendto(p.from.fd, "", 0, 0, (void *)&addr,
				sizeof(addr)), -1);
	assert_int_equal(errno, ENODATA);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_IN_USE), 0);
	pair_close(&p);
}

/*
 * lesson 16 (put back: a message that finds no frame is freed): a full ring loses
 * nothing, the queue keeps the rest in order
 */
static void test_spill(void **state)
{
	const int count = 5 * FRAMES + 3;
	struct pair p;
	int i;

	(void)state;
	pair_open(&p, FRAMES);
	for (i = 0; i < count; i++)
		pair_send(&p, i, 100);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_MESSAGES),
			 FRAMES);
	for (i = 0; i < count; i++)
		raw_expect(&p.to, i, 100);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_MESSAGES),
			 count);
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_SPILLED),
			 count - FRAMES);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	pair_close(&p);
}

/* the next delivery takes the messages in the queue along, oldest first */
static void test_spill_moved_by_delivery(void **state)
{
	struct pair p;
	int i, j;

	(void)state;
	pair_open(&p, FRAMES);
	for (i = 0; i < FRAMES + 2; i++)
		pair_send(&p, i, 100);
	for (j = 0; j < 4; j++)
		raw_expect(&p.to, j, 100);
	pair_send(&p, i++, 100);
	for (; j < i; j++) {
		assert_int_equal(raw_status(raw_current(&p.to.rx)),
				 NL_MMAP_STATUS_VALID);
		raw_expect(&p.to, j, 100);
	}
	pair_close(&p);
}

static void test_copy_in_its_place(void **state)
{
	static const size_t lens[] = { 100, CAPACITY + 1, 200, 30000, 20000,
				       CAPACITY, 101 };
	unsigned int i, round;
	struct pair p;

	(void)state;
	pair_open(&p, FRAMES);
	for (round = 0; round < 50; round++) {
		for (i = 0; i < 7; i++)
			pair_send(&p, i, lens[i]);
		for (i = 0; i < 7; i++)
			raw_expect(&p.to, i, lens[i]);
		assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	}
	assert_int_equal(pair_counter(&p, NETLINK_MMAP_A_RING_BY_COPY),
			 3 * round);
	pair_close(&p);
}

/* released without recvmsg(): poll() announces it again, nothing passes */
static void test_copy_announced_again(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, FRAMES);
	pair_send(&p, 1, 5000);
	pair_send(&p, 2, 100);
	assert_int_equal(raw_status(raw_wait(&p.to)), NL_MMAP_STATUS_COPY);
	assert_int_equal(raw_current(&p.to.rx)->nm_len, 5000);
	raw_release(&p.to.rx);
	assert_int_equal(raw_status(raw_current(&p.to.rx)),
			 NL_MMAP_STATUS_UNUSED);
	raw_expect(&p.to, 1, 5000);
	raw_expect(&p.to, 2, 100);
	assert_int_equal(raw_poll(&p.to, POLLIN, 0), 0);
	pair_close(&p);
}

/* a look with MSG_PEEK takes nothing and changes nothing */
static void test_copy_peek(void **state)
{
	struct pair p;
	char c;

	(void)state;
	pair_open(&p, FRAMES);
	pair_send(&p, 1, 5000);
	assert_int_equal(recv(p.to.fd, &c, 1, MSG_PEEK | MSG_TRUNC), 5000);
	assert_int_equal(recv(p.to.fd, &c, 1, MSG_PEEK | MSG_TRUNC), 5000);
	raw_expect(&p.to, 1, 5000);
	assert_int_equal(recv(p.to.fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	pair_close(&p);
}

/* lesson 17: what is queued before the ring comes is not purged */
static void test_queued_before_ring(void **state)
{
	struct pair p;
	int i;

	(void)state;
	raw_open(&p.to, NETLINK_USERSOCK);
	raw_open(&p.from, NETLINK_USERSOCK);
	for (i = 0; i < 5; i++)
		pair_send(&p, i, 500);
	assert_int_equal(raw_attach(p.to.fd), 0);
	assert_int_equal(raw_set_ring(&p.to, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(raw_map(&p.to), 0);
	for (; i < 8; i++)
		pair_send(&p, i, 500);
	for (i = 0; i < 8; i++)
		raw_expect(&p.to, i, 500);
	pair_close(&p);
}

static void join(const struct raw_socket *s)
{
	int group = GROUP;

	assert_int_equal(setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP,
				    &group, sizeof(group)), 0);
}

/* nobody is at port ID 0, which sendto() tells after the multicast */
static void multicast(const struct raw_socket *s, uint32_t seq, size_t len)
{
	assert_int_equal(raw_send(s, 0, 1 << (GROUP - 1), seq, len, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static void test_multicast(void **state)
{
	struct raw_socket plain;
	struct pair p;
	char buf[1000];
	int i;

	(void)state;
	pair_open(&p, FRAMES);
	raw_open(&plain, NETLINK_USERSOCK);
	join(&p.to);
	join(&plain);
	for (i = 0; i < 3 * FRAMES; i++)
		multicast(&p.from, i, 300);
	for (i = 0; i < 3 * FRAMES; i++) {
		assert_int_equal(recv(plain.fd, buf, sizeof(buf), 0), 300);
		raw_check(buf, i, 300);
		assert_int_equal(raw_wait(&p.to)->nm_group, GROUP);
		raw_expect(&p.to, i, 300);
	}
	raw_close(&plain);
	pair_close(&p);
}

static int socket_error(const struct raw_socket *s)
{
	socklen_t len = sizeof(int);
	int err;

	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len),
			 0);
	return err;
}

/* past ring and SO_RCVBUF: ENOBUFS once, and it goes on when all is read */
static void test_overrun(void **state)
{
	uint32_t sent = 0, got = 0;
	struct pair p;

	(void)state;
	pair_open(&p, FRAMES);
	join(&p.to);
	while (!(raw_poll(&p.to, 0, 0) & POLLERR))
		multicast(&p.from, sent++, 1000);
	/* refused, and not told again */
	multicast(&p.from, sent, 1000);
	/* lesson 2 (put back: sk_err without the sign): poll() that finds the
	 * error leaves it as it is
	 */
	raw_expect(&p.to, got++, 1000);
	assert_int_equal(raw_poll(&p.to, 0, 0), POLLERR);
	assert_int_equal(socket_error(&p.to), ENOBUFS);
	assert_int_equal(socket_error(&p.to), 0);
	/* all but the last, which did not fit */
	while (raw_poll(&p.to, POLLIN, 0) & POLLIN)
		raw_expect(&p.to, got++, 1000);
	assert_int_equal(got, sent - 1);

	multicast(&p.from, 77, 100);
	raw_expect(&p.to, 77, 100);
	pair_close(&p);
}

/* lesson 2: recvmsg() tells the error as well, and as a positive errno */
static void test_overrun_recvmsg(void **state)
{
	struct pair p;
	char c;

	(void)state;
	pair_open(&p, FRAMES);
	join(&p.to);
	while (!(raw_poll(&p.to, 0, 0) & POLLERR))
		multicast(&p.from, 1, 1000);
	assert_int_equal(recv(p.to.fd, &c, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, ENOBUFS);
	pair_close(&p);
}

/*
 * lesson 3: the last byte of a message is there before the frame is VALID. The
 * reader makes no call in between: only the order of the two stores helps it. Put
 * back by publishing the frame before the copy.
 */

#define LONG_LEN	60000
#define LONG_MESSAGES	2000

static void *send_long(void *arg)
{
	struct pair *p = arg;
	unsigned int i;

	for (i = 0; i < LONG_MESSAGES; i++)
		if (raw_send(&p->from, p->to.portid, 0, i, LONG_LEN, 0) !=
		    LONG_LEN)
			return p;
	return NULL;
}

static void test_published_last(void **state)
{
	const unsigned char *payload;
	struct nl_mmap_hdr *hdr;
	pthread_t thread;
	unsigned int i;
	void *failed;
	struct pair p;

	(void)state;
	raw_open_rings(&p.to, NETLINK_USERSOCK, 65536, 2, 0);
	raw_open(&p.from, NETLINK_USERSOCK);
	assert_int_equal(pthread_create(&thread, NULL, send_long, &p), 0);
	for (i = 0; i < LONG_MESSAGES; i++) {
		hdr = raw_current(&p.to.rx);
		while (raw_status(hdr) != NL_MMAP_STATUS_VALID)
			if (raw_status(hdr) == NL_MMAP_STATUS_UNUSED)
				raw_poll(&p.to, POLLIN, 0);
		payload = raw_payload(hdr);
		assert_int_equal(payload[LONG_LEN - 1], (unsigned char)
				 (i + LONG_LEN - 1 -
				  sizeof(struct raw_message)));
		raw_release(&p.to.rx);
	}
	pthread_join(thread, &failed);
	assert_null(failed);
	pair_close(&p);
}

#define SENDERS	3
#define STREAM	20000

struct sender {
	pthread_t thread;
	struct raw_socket from;
	uint32_t portid;
	uint32_t id;
	uint32_t next;
};

/* one in three is larger than a frame */
static size_t stream_len(uint32_t seq)
{
	return sizeof(struct raw_message) + seq % 3000;
}

static void *send_stream(void *arg)
{
	struct sender *s = arg;
	uint32_t i;

	/* no MSG_DONTWAIT: sleeps when the queue is full, poll() wakes it */
	for (i = 0; i < STREAM; i++)
		if (raw_send(&s->from, s->portid, 0, s->id << 24 | i,
			     stream_len(i), 0) < 0)
			return "send failed";
	return NULL;
}

/* sequence number of the message that raw_expect() would take next */
static uint32_t next_seq(struct raw_socket *to)
{
	struct nl_mmap_hdr *hdr = raw_wait(to);
	struct raw_message head;

	if (raw_status(hdr) == NL_MMAP_STATUS_VALID)
		return ((struct raw_message *)raw_payload(hdr))->seq;
	assert_int_equal(recv(to->fd, &head, sizeof(head),
			      MSG_PEEK | MSG_DONTWAIT), sizeof(head));
	return head.seq;
}

/* each sender's messages in order, none lost, none twice; COPY in between */
static void test_senders(void **state)
{
	unsigned int left = SENDERS * STREAM, i;
	struct sender senders[SENDERS];
	struct raw_socket to;
	uint32_t seq;
	void *failed;

	(void)state;
	raw_open_rings(&to, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .portid = to.portid, .id = i };
		raw_open(&senders[i].from, NETLINK_USERSOCK);
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
						send_stream, &senders[i]), 0);
	}
	for (; left; left--) {
		seq = next_seq(&to);
		i = seq >> 24;
		assert_true(i < SENDERS);
		assert_int_equal(seq & 0xffffff, senders[i].next);
		raw_expect(&to, seq, stream_len(senders[i].next));
		senders[i].next++;
	}
	for (i = 0; i < SENDERS; i++) {
		assert_int_equal(pthread_join(senders[i].thread, &failed), 0);
		assert_null(failed);
		raw_close(&senders[i].from);
	}
	assert_int_equal(raw_poll(&to, POLLIN, 0), 0);
	raw_close(&to);
}

#define ROUNDS		1000
#define LONG		60000

struct round_sender {
	pthread_t thread;
	pthread_barrier_t *start;
	uint32_t portid;
};

static void *send_rounds(void *arg)
{
	struct round_sender *s = arg;
	struct raw_socket from;
	uint32_t i;

	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(s->start);
		if (raw_send(&from, s->portid, 0, i, LONG, 0) < 0)
			return "send failed";
	}
	raw_close(&from);
	return NULL;
}

/*
 * Room for one message in the receive buffer. Who sends while another
 * processor delivers sleeps, and nothing but the reader's poll() can wake it,
 * with the queue empty and each frame read. (Put back: only a delivery that
 * moved several messages asks poll() for that. Hangs.)
 */
static void test_sleeping_senders(void **state)
{
	struct round_sender senders[SENDERS];
	pthread_barrier_t start;
	struct raw_socket to;
	unsigned int i, j;
	int size = 0;
	void *failed;

	(void)state;
	raw_open_rings(&to, NETLINK_USERSOCK, 65536, SENDERS, 0);
	assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVBUF, &size,
				    sizeof(size)), 0);
	pthread_barrier_init(&start, NULL, SENDERS + 1);
	for (i = 0; i < SENDERS; i++) {
		senders[i].start = &start;
		senders[i].portid = to.portid;
		assert_int_equal(pthread_create(&senders[i].thread, NULL,
						send_rounds, &senders[i]), 0);
	}
	for (i = 0; i < ROUNDS; i++) {
		pthread_barrier_wait(&start);
		for (j = 0; j < SENDERS; j++)
			raw_expect(&to, i, LONG);
	}
	for (i = 0; i < SENDERS; i++) {
		assert_int_equal(pthread_join(senders[i].thread, &failed), 0);
		assert_null(failed);
	}
	pthread_barrier_destroy(&start);
	raw_close(&to);
}

/* whatever user space writes, the kernel lives and the ring works again */
static void test_scribble(void **state)
{
	struct pair p;
	unsigned int i, j;
	uint32_t *word;

	(void)state;
	srand(1);
	pair_open(&p, FRAMES);
	for (i = 0; i < 20000; i++) {
		for (j = 0; j < 4; j++) {
			word = (void *)raw_frame(&p.to.rx, rand() % FRAMES);
			word[rand() % 8] = rand() % 6;
		}
		raw_send(&p.from, p.to.portid, 0, i, 16 + rand() % 4000 + 20,
			 MSG_DONTWAIT);
		raw_poll(&p.to, POLLIN, 0);
		if (i % 5 == 0)
			recv(p.to.fd, &j, sizeof(j), MSG_DONTWAIT);
	}
	raw_unmap(&p.to);
	assert_int_equal(raw_set_ring(&p.to, NETLINK_RX_RING,
				      (struct nl_mmap_req){ 0 }), 0);
	/* what was in frames is lost with them */
	while (recv(p.to.fd, &j, sizeof(j), MSG_DONTWAIT) > 0 ||
	       errno == ENOBUFS)
		;
	assert_int_equal(raw_set_ring(&p.to, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(raw_map(&p.to), 0);
	pair_send(&p, 3, 300);
	raw_expect(&p.to, 3, 300);
	pair_close(&p);
}

/*
 * lesson 20 (put back: frame i at i times frame size): three frames a page, the
 * rest of each block unused
 */
static void test_block_tail(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = getpagesize(),
		.nm_block_nr = 4,
		.nm_frame_size = 1200,
		.nm_frame_nr = getpagesize() / 1200 * 4,
	};
	struct pair p;
	unsigned int i;

	(void)state;
	raw_open(&p.to, NETLINK_USERSOCK);
	raw_open(&p.from, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(p.to.fd), 0);
	assert_int_equal(raw_set_ring(&p.to, NETLINK_RX_RING, req), 0);
	assert_int_equal(raw_map(&p.to), 0);
	for (i = 0; i < 100; i++) {
		pair_send(&p, i, 1000);
		raw_expect(&p.to, i, 1000);
	}
	pair_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_content),
		cmocka_unit_test(test_pollin),
		cmocka_unit_test(test_empty_message),
		cmocka_unit_test(test_spill),
		cmocka_unit_test(test_spill_moved_by_delivery),
		cmocka_unit_test(test_copy_in_its_place),
		cmocka_unit_test(test_copy_announced_again),
		cmocka_unit_test(test_copy_peek),
		cmocka_unit_test(test_queued_before_ring),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_overrun_recvmsg),
		cmocka_unit_test(test_published_last),
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_sleeping_senders),
		cmocka_unit_test(test_scribble),
		cmocka_unit_test(test_block_tail),
	};

	watchdog(300);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
