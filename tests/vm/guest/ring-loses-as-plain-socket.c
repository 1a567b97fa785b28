// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Past what ring and SO_RCVBUF hold, a socket with a ring does what a plain one
 * does: the same errors, told at the same message, the same count of drops, the
 * same messages that come in the end. Needs the module and root, and conntrack.
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
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-beside-plain.h"

static int setup(void **state)
{
	(void)state;
	open_beside_plain(0);
	return 0;
}

static void compare_state(unsigned int *errors)
{
	int err = error_of(&plain);

	assert_int_equal(error_of(&ring), err);
	assert_int_equal(drops_of(&ring), drops_of(&plain));
	*errors += err != 0;
}

/* returns how often an error was told */
static unsigned int compare_overrun(void)
{
	unsigned int round, i, errors = 0, told = 0, messages;

	for (round = 0; round < 5; round++) {
		fill_frames();
		for (i = 0; i < 200; i++) {
			multicast(i);
			compare_state(&errors);
		}
		for (i = 0; i < FRAMES; i++)
			raw_expect(&ring, i, LEN);
		messages = compare_messages();
		assert_in_range(messages, 10, 100);
		/* it goes on, and what follows is not refused */
		multicast(1000 + round);
		compare_state(&errors);
		assert_int_equal(compare_messages(), 1);
		told += errors > 0;
	}
	assert_int_equal(raw_counter(&ring, NETLINK_RX_RING,
				     NETLINK_MMAP_A_RING_DROPS),
			 drops_of(&plain));
	assert_true(drops_of(&plain) > 0);
	return errors;
}

static void test_overrun(void **state)
{
	(void)state;
	assert_int_equal(compare_overrun(), 5);
}

static void test_no_enobufs(void **state)
{
	(void)state;
	set_option(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
	assert_int_equal(compare_overrun(), 0);
}

/* unicast: the sender is told, or waits; the receiver is not */
static void test_unicast(void **state)
{
	unsigned int i, sent[2] = { 0 };
	const struct raw_socket *to[2] = { &ring, &plain };
	char buf[2 * LEN];

	(void)state;
	fill_frames();
	for (i = 0; i < 2; i++) {
		while (raw_send(&from, to[i]->portid, 0, sent[i], LEN,
				MSG_DONTWAIT) == LEN)
			sent[i]++;
		assert_int_equal(errno, EAGAIN);
		assert_int_equal(error_of(to[i]), 0);
		assert_int_equal(drops_of(to[i]), 0);
	}
	assert_int_equal(sent[0], sent[1]);
	for (i = 0; i < FRAMES; i++)
		raw_expect(&ring, i, LEN);
	for (i = 0; i < sent[0]; i++) {
		raw_expect(&ring, i, LEN);
		assert_int_equal(recv(plain.fd, buf, sizeof(buf),
				      MSG_DONTWAIT), LEN);
		raw_check(buf, i, LEN);
	}
}

/*
 * A sender that sleeps because another one's message leaves it no room is woken when
 * that message is in a frame, though none waits in the queue. Put back:
 * nl_ring_has_senders() false; the sender of large messages then sleeps for ever,
 * with several processors.
 */

#define MANY	5000

static const size_t lens[] = { 100, 1900 };

#define SENDERS	(sizeof(lens) / sizeof(lens[0]))

static void *send_many(void *data)
{
	const size_t *len = data;
	struct raw_socket s;
	uint32_t i;

	raw_open(&s, NETLINK_USERSOCK);
	for (i = 0; i < MANY; i++)
		if (raw_send(&s, ring.portid, 0, i, *len, 0) != (ssize_t)*len)
			break;
	raw_close(&s);
	return i == MANY ? NULL : data;
}

static void receive_from_many(void)
{
	uint32_t next[SENDERS] = { 0 }, count;
	struct nl_mmap_hdr *hdr;
	unsigned int i;

	for (count = 0; count < SENDERS * MANY; count++) {
		hdr = raw_wait(&ring);
		for (i = 0; i < SENDERS - 1 && hdr->nm_len != lens[i]; i++)
			;
		raw_check(raw_payload(hdr), next[i]++, lens[i]);
		raw_release(&ring.rx);
	}
}

static void test_sleeping_senders(void **state)
{
	pthread_t threads[SENDERS];
	unsigned int i;
	void *failed;

	(void)state;
	/* with frames for all: no process moves messages, and wakes senders */
	raw_close(&ring);
	raw_open_rings(&ring, NETLINK_USERSOCK, FRAME, SENDERS * MANY, 0);
	set_option(SOL_SOCKET, SO_RCVBUF, 1);
	for (i = 0; i < SENDERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, send_many,
						(void *)&lens[i]), 0);
	receive_from_many();
	for (i = 0; i < SENDERS; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

/*
 * NETLINK_BROADCAST_ERROR: connection tracking keeps a destroy event that did
 * not get through, and tries again. None is lost, with far less room.
 */

#define EVENTS	300

static void run(const char *command)
{
	assert_int_equal(system(command), 0);
}

static void test_reliable_events(void **state)
{
	unsigned int by_plain = 0, by_ring = 0;
	char buf[4096];

	(void)state;
	raw_close(&ring);
	raw_close(&plain);
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	raw_open_rings(&ring, NETLINK_NETFILTER, FRAME, FRAMES, 0);
	raw_open(&plain, NETLINK_NETFILTER);
	set_option(SOL_SOCKET, SO_RCVBUF, 8192);
	set_option(SOL_NETLINK, NETLINK_NO_ENOBUFS, 1);
	set_option(SOL_NETLINK, NETLINK_BROADCAST_ERROR, 1);
	run("modprobe nf_conntrack_netlink 2>/dev/null || :");
	run("echo 1 >/proc/sys/net/netfilter/nf_conntrack_events");
	run("for i in $(seq 300); do conntrack -I -s 10.0.0.1 -d 10.0.0.2 "
	    "-p udp --sport $i --dport 53 -t 1000; done >/dev/null 2>&1");
	/* NFNLGRP_CONNTRACK_DESTROY */
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, 3);
	run("conntrack -D -p udp --dport 53 >/dev/null 2>&1");
	/* events that one has twice did not get to the other the first time */
	while (by_plain < EVENTS || by_ring < EVENTS) {
		while (recv(plain.fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
			by_plain++;
		while (raw_poll(&ring, POLLIN, 1) & POLLIN) {
			raw_wait(&ring);
			raw_release(&ring.rx);
			by_ring++;
		}
	}
	assert_true(drops_of(&plain) > 0);
	assert_true(drops_of(&ring) > 0);
}

#define loss_test(f) \
	cmocka_unit_test_setup_teardown(f, setup, close_beside_plain)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loss_test(test_overrun),
		loss_test(test_no_enobufs),
		loss_test(test_unicast),
		loss_test(test_sleeping_senders),
		loss_test(test_reliable_events),
	};

	watchdog(200);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
