// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shadow rings: many readers at once, by frames, recvmsg() and MSG_PEEK, in
 * threads and in processes, sleeping or not. Each message is received once, and
 * each reader receives in order. Needs the module and root; better with several
 * processors.
 */
#include <errno.h>
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
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "child-process.h"
#include "shadow-reader.h"

#define MESSAGES	20000U
#define READERS		4
#define END		0xffffffff

enum kind { FRAMES_POLL, FRAMES_RECV, RECV, SLEEPING, PEEKING, MIXED };

static struct raw_socket to;

/* shared by processes */
static struct {
	unsigned int received;			/* by all */
	unsigned char count[MESSAGES];		/* of each message */
	unsigned int by_frame[READERS];
	unsigned int by_call[READERS];
} *seen;

static unsigned int messages(void)
{
	const char *n = getenv("MESSAGES");
	unsigned int value = n ? strtoul(n, NULL, 10) : MESSAGES;

	return value < MESSAGES ? value : MESSAGES;
}

static void wrong(const char *what, unsigned int a, unsigned int b)
{
	fprintf(stderr, "%s: %u %u\n", what, a, b);
	_exit(1);
}

static size_t len_of(uint32_t seq)
{
	return 40 + seq % 300 + (seq % 97 ? 0 : 3000);
}

/* the message is whole, later than the last one of this reader, and new */
static void check(const char *buf, ssize_t len, uint32_t *last)
{
	const struct raw_message *m = (const void *)buf;
	ssize_t i;

	if (len < (ssize_t)sizeof(*m) || len != (ssize_t)len_of(m->seq))
		wrong("torn", len, m->seq);
	for (i = 0; i < len - (ssize_t)sizeof(*m); i++)
		if (m->pattern[i] != (unsigned char)(m->seq + i))
			wrong("torn at", m->seq, i);
	if (*last != END && m->seq <= *last)
		wrong("order", *last, m->seq);
	*last = m->seq;
	if (__atomic_fetch_add(&seen->count[m->seq], 1, __ATOMIC_RELAXED))
		wrong("twice", m->seq, 0);
	__atomic_fetch_add(&seen->received, 1, __ATOMIC_RELAXED);
}

static bool is_done(void)
{
	return __atomic_load_n(&seen->received, __ATOMIC_RELAXED) == messages();
}

static bool by_frames(enum kind kind)
{
	return kind == FRAMES_POLL || kind == FRAMES_RECV ||
	       (kind == MIXED && rand() % 2);
}

/* @flags of a call when there is no frame, -1: poll() instead */
static int call_flags(enum kind kind)
{
	switch (kind) {
	case FRAMES_POLL:
		return -1;
	case SLEEPING:
		return 0;
	case MIXED:
		return (rand() % 2 ? MSG_DONTWAIT : 0) | (rand() % 4 ? 0 : MSG_PEEK);
	case PEEKING:
		return MSG_DONTWAIT | (rand() % 2 ? MSG_PEEK : 0);
	default:
		return MSG_DONTWAIT;
	}
}

static void read_all(unsigned int me, enum kind kind)
{
	uint32_t last = END;
	struct shadow r;
	char buf[8000];
	ssize_t len;
	int flags;

	shadow_begin(&r, &to);
	while (!is_done()) {
		len = by_frames(kind) ? shadow_take(&r, buf, sizeof(buf)) : -1;
		if (len >= 0) {
			seen->by_frame[me]++;
			check(buf, len, &last);
			continue;
		}
		flags = call_flags(kind);
		if (flags < 0) {
			/* what has no frame comes by recvmsg */
			if (raw_poll(&to, POLLIN, 10) & POLLIN)
				flags = MSG_DONTWAIT;
			else
				continue;
		}
		len = recv(to.fd, buf, sizeof(buf), flags);
		if (len < 0 && errno != EAGAIN)
			wrong("recv", errno, flags);
		if (len < 0 || flags & MSG_PEEK)
			continue;
		seen->by_call[me]++;
		check(buf, len, &last);
	}
}

static void *send_all(void *data)
{
	struct raw_socket s;
	uint32_t seq;

	(void)data;
	raw_open(&s, NETLINK_USERSOCK);
	for (seq = 0; seq < messages(); seq++)
		if (raw_send(&s, to.portid, 0, seq, len_of(seq), 0) !=
		    (ssize_t)len_of(seq))
			wrong("send", seq, errno);
	raw_close(&s);
	return NULL;
}

struct arg {
	unsigned int me;
	enum kind kind;
};

static void *reader_thread(void *data)
{
	struct arg *arg = data;

	read_all(arg->me, arg->kind);
	return NULL;
}

static void begin(unsigned int frames)
{
	struct timeval tv = { .tv_usec = 100000 };
	int rcvbuf = 100000;

	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen != MAP_FAILED);
	shadow_open(&to, NETLINK_USERSOCK, frames);
	assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
				    sizeof(rcvbuf)), 0);
	/* the last message was somebody else's */
	assert_int_equal(setsockopt(to.fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
				    sizeof(tv)), 0);
}

static void end(const char *name, unsigned int readers)
{
	unsigned int i, frames = 0, calls = 0;
	char buf[8000];

	for (i = 0; i < readers; i++) {
		frames += seen->by_frame[i];
		calls += seen->by_call[i];
	}
	print_message("%s: %u by frame, %u by call\n", name, frames, calls);
	assert_int_equal(frames + calls, messages());
	assert_int_equal(recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	munmap(seen, sizeof(*seen));
	raw_close(&to);
}

static void race(const char *name, unsigned int frames, unsigned int readers,
		 const enum kind *kinds, bool processes)
{
	pthread_t threads[READERS], sender;
	pid_t pids[READERS];
	struct arg args[READERS];
	unsigned int i;

	begin(frames);
	for (i = 0; i < readers; i++) {
		args[i] = (struct arg){ i, kinds[i] };
		if (!processes) {
			assert_int_equal(pthread_create(&threads[i], NULL,
							reader_thread,
							&args[i]), 0);
			continue;
		}
		pids[i] = fork();
		if (!pids[i]) {
			srand(i);
			watchdog(100);
			read_all(i, kinds[i]);
			_exit(0);
		}
	}
	assert_int_equal(pthread_create(&sender, NULL, send_all, NULL), 0);
	pthread_join(sender, NULL);
	for (i = 0; i < readers; i++) {
		if (processes)
			child_wait(pids[i]);
		else
			pthread_join(threads[i], NULL);
	}
	end(name, readers);
}

#define RACE(name, frames, ...)						\
	do {								\
		static const enum kind kinds[] = { __VA_ARGS__ };	\
		const unsigned int n = sizeof(kinds) / sizeof(kinds[0]); \
									\
		race(name ", threads", frames, n, kinds, false);	\
		race(name ", processes", frames, n, kinds, true);	\
	} while (0)

static void test_one(void **state)
{
	(void)state;
	RACE("frames and poll", 64, FRAMES_POLL);
	RACE("frames and recvmsg", 64, FRAMES_RECV);
	RACE("everything", 8, MIXED);
}

static void test_frames(void **state)
{
	(void)state;
	RACE("two by frames", 64, FRAMES_POLL, FRAMES_POLL);
	RACE("two by frames and recvmsg, two frames", 2, FRAMES_RECV, FRAMES_RECV);
	RACE("four by frames", 16, FRAMES_POLL, FRAMES_RECV, FRAMES_POLL, FRAMES_RECV);
}

static void test_calls(void **state)
{
	(void)state;
	RACE("frames and a peek", 64, FRAMES_POLL, PEEKING);
	RACE("frames and a call", 64, FRAMES_POLL, RECV);
	RACE("frames and a sleeping call", 64, FRAMES_POLL, SLEEPING);
	RACE("frames and two sleeping calls", 64, FRAMES_RECV, SLEEPING, SLEEPING);
}

static void test_all(void **state)
{
	(void)state;
	RACE("all", 64, FRAMES_POLL, FRAMES_RECV, SLEEPING, PEEKING);
	RACE("all, two frames", 2, FRAMES_POLL, FRAMES_RECV, SLEEPING, PEEKING);
	RACE("everything at random", 16, MIXED, MIXED, MIXED, MIXED);
}

/*
 * The ring is replaced, a plain one by a shadow and back, while a call is in
 * recvmsg() and a message is being delivered. The frames of the plain one are too
 * short for any message. Two faults that were mended by reading show here only if a
 * task is preempted for several system calls of another: a recvmsg() that began
 * beside the plain ring and that the shadow did not count, whose message came once
 * more from a frame; and a delivery that found a plain ring and wrote to a shadow.
 */
#define RECEIVERS	6	/* more than there are processors */

static void *keep_receiving(void *data)
{
	uint32_t last = END;
	char buf[8000];
	ssize_t len;

	(void)data;
	while (!is_done()) {
		len = recv(to.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (len >= 0) {
			__atomic_fetch_add(&seen->by_call[0], 1,
					   __ATOMIC_RELAXED);
			check(buf, len, &last);
		} else if (errno != EAGAIN) {
			wrong("recv", errno, 0);
		}
	}
	return NULL;
}

static void replace_ring(struct nl_mmap_req req, unsigned int flags)
{
	static const struct nl_mmap_req none;

	raw_unmap(&to);
	assert_int_equal(setsockopt(to.fd, SOL_NETLINK, NETLINK_RX_RING, &none,
				    sizeof(none)), 0);
	assert_int_equal(raw_set_ring2(&to, NETLINK_RX_RING, req, flags), 0);
	assert_int_equal(raw_map(&to), 0);
}

static void test_replaced(void **state)
{
	pthread_t receivers[RECEIVERS], sender;
	uint32_t last = END;
	unsigned int i, rings = 0;
	struct shadow r;
	char buf[8000];
	ssize_t len;

	(void)state;
	begin(64);
	for (i = 0; i < RECEIVERS; i++)
		assert_int_equal(pthread_create(&receivers[i], NULL,
						keep_receiving, NULL), 0);
	assert_int_equal(pthread_create(&sender, NULL, send_all, NULL), 0);
	for (; !is_done(); rings++) {
		replace_ring(raw_req(48, getpagesize() / 48), 0);
		for (i = rand() % 20; i; i--)
			sched_yield();
		replace_ring(raw_req(2048, 64),
			     NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL);
		shadow_begin(&r, &to);
		for (i = 0; i < 50; i++) {
			len = shadow_take(&r, buf, sizeof(buf));
			if (len < 0)
				continue;
			seen->by_frame[1]++;
			check(buf, len, &last);
		}
	}
	for (i = 0; i < RECEIVERS; i++)
		pthread_join(receivers[i], NULL);
	pthread_join(sender, NULL);
	print_message("%u times\n", rings);
	end("replaced", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_replaced),
	};

	watchdog(500);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
