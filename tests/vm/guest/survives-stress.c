// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Everything at once, at random: processes that set, map, read, scribble over,
 * unmap and close rings from several threads, and are killed; others that send
 * to them. What counts is that the kernel lives, and works as before. Prints
 * the seed; ends with 0 when a ring works in the end.
 *	stress [SECONDS [SEED]]
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define PROCESSES	6
#define SENDERS		2
#define GROUP		1

/* port IDs of the readers, for the senders: shared by all processes */
static atomic_uint *ports;

static __thread unsigned int seed;

static unsigned int any(unsigned int below)
{
	return rand_r(&seed) % below;
}

/*
 * A reader: threads that do something at random to one socket
 */

struct reader {
	struct raw_socket s;
	unsigned int number;
	_Atomic(char *) map;
	size_t map_len;
};

static struct nl_mmap_req any_request(void)
{
	static const unsigned int sizes[] = { 24, 128, 512, 2048, 2052, 4096,
					      16384 };
	struct nl_mmap_req req = raw_req(sizes[any(7)], 1);

	if (any(4) == 0)
		req.nm_block_size *= 1 + any(4);
	req.nm_block_nr = 1 + any(16);
	req.nm_frame_nr = req.nm_block_size / req.nm_frame_size *
			  req.nm_block_nr;
	if (any(8) == 0)
		memset(&req, 0, sizeof(req));
	return req;
}

/* errors are expected: mapped, or there is one already */
static void set_any_ring(struct reader *r)
{
	struct nl_mmap_req2 req = {
		.req = any_request(),
		/* span, control, shadow, sender */
		.nm_flags = any(16),
	};

	if (any(3))
		setsockopt(r->s.fd, SOL_NETLINK, NETLINK_RX_RING, &req,
			   sizeof(req));
	else
		setsockopt(r->s.fd, SOL_NETLINK, NETLINK_TX_RING, &req,
			   sizeof(req.req));
}

static void map_any(struct reader *r)
{
	struct nl_mmap_state rx = { 0 }, tx = { 0 };
	socklen_t len = sizeof(rx);
	size_t size;
	char *map, *none = NULL;

	getsockopt(r->s.fd, SOL_NETLINK, NETLINK_RX_RING, &rx, &len);
	len = sizeof(tx);
	getsockopt(r->s.fd, SOL_NETLINK, NETLINK_TX_RING, &tx, &len);
	size = (size_t)rx.req.nm_block_size * rx.req.nm_block_nr +
	       (size_t)tx.req.nm_block_size * tx.req.nm_block_nr;
	if (rx.nm_flags & NL_MMAP_F_CONTROL)
		size += getpagesize();
	if (!size)
		return;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r->s.fd, 0);
	if (map == MAP_FAILED)
		return;
	if (atomic_compare_exchange_strong(&r->map, &none, map))
		r->map_len = size;
	else
		munmap(map, size);
}

/*
 * The memory stays where it is for threads that look at it; the rings' pages
 * are replaced by others.
 */
static void unmap(struct reader *r)
{
	char *map = r->map;

	if (!map || any(8))
		return;
	mmap(map, r->map_len, PROT_READ | PROT_WRITE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	r->map = NULL;
}

/* words that mean something, where they do */
static void scribble(struct reader *r)
{
	char *map = r->map;
	unsigned int i, n = any(64);
	uint32_t *word;

	if (!map)
		return;
	for (i = 0; i < n; i++) {
		word = (void *)(map + any(r->map_len / 4) * 4);
		if (any(2))
			word = (void *)(map + any(r->map_len / 2048 + 1) %
					(r->map_len / 2048 + 1) * 2048 %
					r->map_len);
		switch (any(4)) {
		case 0:
			*word = any(2) ? ~0U - any(64) : any(70000);
			break;
		case 1:
			/* a shadow's */
			*word = any(6) | any(300) << NL_MMAP_POSITION_SHIFT;
			break;
		default:
			*word = any(6);
		}
	}
}

static void receive(struct reader *r)
{
	static __thread char buf[70000];
	socklen_t len = sizeof(int);
	int err;

	switch (any(5)) {
	case 0:
		recv(r->s.fd, buf, any(sizeof(buf)), MSG_DONTWAIT);
		break;
	case 1:
		recv(r->s.fd, buf, any(64), MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
		break;
	case 2:
		recv(r->s.fd, (void *)16, 100, MSG_DONTWAIT);
		break;
	case 3:
		/* sleeps, not for long */
		recv(r->s.fd, buf, any(sizeof(buf)), 0);
		break;
	default:
		getsockopt(r->s.fd, SOL_SOCKET, SO_ERROR, &err, &len);
	}
}

static void wait_any(struct reader *r)
{
	struct pollfd pfd = { .fd = r->s.fd, .events = POLLIN | POLLOUT };
	struct epoll_event ev = { .events = EPOLLIN };
	int fd;

	if (any(4)) {
		poll(&pfd, 1, any(3));
		return;
	}
	fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(fd, EPOLL_CTL_ADD, r->s.fd, &ev);
	epoll_wait(fd, &ev, 1, any(2));
	close(fd);
}

static void send_any(struct reader *r)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = any(2) ? 0 : ports[any(PROCESSES)],
	};

	sendto(r->s.fd, NULL, 0, MSG_DONTWAIT, (void *)&addr, sizeof(addr));
}

/* dumps, for sockets of other protocols than the senders' */
static void ask(struct reader *r)
{
	struct {
		struct nlmsghdr nlh;
		char extra[16];
	} request = { .nlh = {
		.nlmsg_len = sizeof(request),
		.nlmsg_type = 18,	/* RTM_GETLINK */
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
	} };

	send(r->s.fd, &request, sizeof(request), MSG_DONTWAIT);
}

static void fork_any(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void *do_anything(void *data)
{
	struct reader *r = data;
	int lowat;

	seed = r->number * 1000 + gettid();
	for (;;) {
		switch (any(32)) {
		case 0:
			set_any_ring(r);
			break;
		case 1:
		case 2:
			map_any(r);
			break;
		case 3:
			unmap(r);
			break;
		case 4:
			ask(r);
			break;
		case 5:
			lowat = any(5000);
			setsockopt(r->s.fd, SOL_SOCKET, SO_RCVLOWAT, &lowat,
				   sizeof(lowat));
			break;
		case 6:
			if (any(8) == 0)
				fork_any();
			break;
		case 7 ... 13:
			receive(r);
			break;
		case 14 ... 17:
			send_any(r);
			break;
		case 18 ... 24:
			scribble(r);
			break;
		default:
			wait_any(r);
		}
	}
	return NULL;
}

static void run_reader(unsigned int number)
{
	static const int protocols[] = { NETLINK_USERSOCK, NETLINK_USERSOCK,
					 NETLINK_ROUTE };
	struct reader r = { .number = number };
	struct timeval tv = { .tv_usec = 5000 };
	int group = GROUP, i;
	pthread_t thread;

	seed = number;
	raw_open(&r.s, protocols[any(3)]);
	setsockopt(r.s.fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		   sizeof(group));
	setsockopt(r.s.fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	ports[number % PROCESSES] = r.s.portid;
	/* with fault injection it may not work */
	if (raw_attach(r.s.fd))
		return;
	for (i = 0; i < 3; i++)
		pthread_create(&thread, NULL, do_anything, &r);
	do_anything(&r);
}

static void run_sender(unsigned int number)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	static char buf[70000];
	struct raw_socket s;
	size_t len;

	seed = number;
	raw_open(&s, NETLINK_USERSOCK);
	for (;;) {
		addr.nl_pid = ports[any(PROCESSES)];
		addr.nl_groups = any(4) ? 0 : 1 << (GROUP - 1);
		len = any(16) ? 16 + any(2100) : any(sizeof(buf));
		raw_build(buf, 0, len < 20 ? 20 : len);
		sendto(s.fd, buf, len, any(4) ? MSG_DONTWAIT : 0, (void *)&addr,
		       sizeof(addr));
	}
}

/*
 * The parent: replaces who is gone, and kills
 */

static pid_t start(unsigned int i, unsigned int number)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	/* a sender that sleeps on a full queue goes on, or ends */
	alarm(10);
	if (i < PROCESSES)
		run_reader(number - number % PROCESSES + i);
	else
		run_sender(number);
	_exit(0);
}

/* a ring works as if nothing had been */
static int still_works(void)
{
	struct raw_socket to, from;
	unsigned int i;

	raw_open_rx(&to, NETLINK_USERSOCK, 2048, 16, NL_MMAP_F_SPAN);
	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < 200; i++) {
		if (raw_send(&from, to.portid, 0, i, 100 + i * 20, 0) < 0)
			return 1;
		while (!raw_next(&to.rx))
			raw_poll(&to, POLLIN, -1);
		raw_check(raw_payload(raw_next(&to.rx)), i, 100 + i * 20);
		raw_take(&to.rx);
	}
	raw_close(&from);
	raw_close(&to);
	return 0;
}

int main(int argc, char *argv[])
{
	unsigned int seconds = argc > 1 ? atoi(argv[1]) : 10, i, n = 0;
	pid_t pids[PROCESSES + SENDERS] = { 0 };
	time_t end = time(NULL) + seconds;

	seed = argc > 2 ? (unsigned int)atoi(argv[2]) : (unsigned int)getpid();
	printf("%u seconds, seed %u\n", seconds, seed);
	fflush(stdout);
	ports = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ports == MAP_FAILED)
		return 1;
	while (time(NULL) < end) {
		i = any(PROCESSES + SENDERS);
		if (pids[i] > 0) {
			kill(pids[i], any(4) ? SIGKILL : SIGTERM);
			waitpid(pids[i], NULL, 0);
		}
		n++;
		pids[i] = start(i, any(1 << 20));
		poll(NULL, 0, any(200));
	}
	for (i = 0; i < PROCESSES + SENDERS; i++) {
		if (pids[i] <= 0)
			continue;
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
	printf("%u processes came and went\n", n);
	return still_works();
}
