// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Prints the packets of log groups, as nf-log-mmap, in a loop of its own around
 * epoll(7): a socket with a ring for each group, and signals. Under load the
 * program is woken for a batch of messages, as mnl_ring_wait() is.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <linux/netlink.h>

#include "../ring-receive.h"
#include "nf-log-print.h"
#include "nfnl.h"

#define USAGE	"Usage: nf-log-epoll [-v] GROUP...\n"

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* the kernel ends several packets in one message as it ends a dump */
static int end_of_packets(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_OK;
}

/* all that is there: the socket is registered edge-triggered */
static void receive(struct mnl_ring *rx)
{
	static const mnl_cb_t control[] = { [NLMSG_DONE] = end_of_packets };
	unsigned int done;

	do {
		if (mnl_ring_cb_run2(rx, 0, 0, nf_log_print, NULL, control,
				     MNL_ARRAY_SIZE(control), 0,
				     &done) != MNL_CB_ERROR)
			continue;
		if (!ring_lost())
			fail("mnl_ring_cb_run2");
	} while (done > 0);
	fflush(stdout);
}

/* as long as no message has to wait longer than it may, in milliseconds */
static int arm(struct mnl_ring **rings, int nr)
{
	int shortest = -1, usec, i;

	for (i = 0; i < nr; i++) {
		usec = mnl_ring_arm(rings[i]);
		if (usec >= 0 && (shortest < 0 || usec < shortest))
			shortest = usec;
	}
	return shortest < 0 ? -1 : (shortest + 999) / 1000;
}

static void add(int epoll, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
		fail("epoll_ctl");
}

/* until a signal comes */
static void loop(int epoll, int signals, struct mnl_ring **rings, int nr)
{
	struct epoll_event events[16];
	bool stop = false;
	int count, i;

	while (!stop) {
		count = epoll_wait(epoll, events, 16, arm(rings, nr));
		if (count == -1 && errno != EINTR)
			fail("epoll_wait");
		for (i = 0; i < count; i++)
			stop = stop || events[i].data.fd == signals;
		for (i = 0; i < nr; i++) {
			mnl_ring_disarm(rings[i]);
			receive(rings[i]);
		}
	}
}

int main(int argc, char *argv[])
{
	bool verbose = ring_verbose(&argc, &argv);
	struct mnl_socket **sockets;
	struct mnl_ring **rings;
	int epoll, signals, i;
	sigset_t set;

	talk_arguments(argc, argv, 1, argc, USAGE);
	sockets = calloc(argc, sizeof(*sockets));
	rings = calloc(argc, sizeof(*rings));
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (sockets == NULL || rings == NULL || epoll == -1)
		fail("epoll_create1");
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals == -1)
		fail("signalfd");
	add(epoll, signals, EPOLLIN);
	for (i = 0; i < argc - 1; i++) {
		sockets[i] = nfnl_open(0);
		rings[i] = ring_open(sockets[i]);
		nf_log_bind(sockets[i], nfnl_number(argv[i + 1], UINT16_MAX,
						    USAGE));
		add(epoll, mnl_socket_get_fd(sockets[i]), EPOLLIN | EPOLLET);
	}

	loop(epoll, signals, rings, argc - 1);
	for (i = 0; i < argc - 1; i++) {
		if (verbose)
			ring_print_stats(rings[i]);
		mnl_socket_close(sockets[i]);
	}
	free(sockets);
	free(rings);
	return EXIT_SUCCESS;
}
