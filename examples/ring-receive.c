// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One receive loop for the examples with rings: see ring-receive.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ring-receive.h"

static volatile sig_atomic_t stop;

bool ring_verbose(int *argc, char **argv[])
{
	if (*argc < 2 || strcmp((*argv)[1], "-v") != 0)
		return false;
	(*argv)[1] = (*argv)[0];
	++*argv;
	--*argc;
	return true;
}

struct mnl_ring *ring_open(struct mnl_socket *nl)
{
	if (mnl_socket_mmap(nl) == -1) {
		perror("mnl_socket_mmap");
		exit(EXIT_FAILURE);
	}
	return mnl_socket_get_ring(nl, MNL_RING_RX);
}

static void on_signal(int sig)
{
	(void)sig;
	stop = 1;
}

void ring_catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

bool ring_lost(void)
{
	if (errno != ENOBUFS)
		return false;
	fprintf(stderr, "messages were lost\n");
	return true;
}

bool ring_wait(struct mnl_ring *rx)
{
	while (!stop) {
		/* not for ever: a signal may come just before it sleeps */
		switch (mnl_ring_wait(rx, 1000)) {
		case 1:
			return true;
		case 0:
			continue;
		}
		if (!ring_lost() && errno != EINTR) {
			perror("mnl_ring_wait");
			exit(EXIT_FAILURE);
		}
	}
	return false;
}

void ring_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb,
		  void *data)
{
	struct mnl_ring *rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	/* events are sent to port ID 0 */
	unsigned int portid = seq ? mnl_socket_get_portid(nl) : 0;
	int ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP && ring_wait(rx)) {
		ret = mnl_ring_cb_run(rx, seq, portid, cb, data, 0, NULL);
		if (ret == MNL_CB_ERROR && ring_lost())
			ret = MNL_CB_OK;
		fflush(stdout);
	}
	if (ret == MNL_CB_ERROR) {
		perror("mnl_ring_cb_run");
		exit(EXIT_FAILURE);
	}
}

void ring_print_stats(const struct mnl_ring *rx)
{
	struct mnl_ring_stats stats;

	mnl_ring_get_stats(rx, &stats, sizeof(stats));
	fprintf(stderr, "messages %" PRIu64 ", by ring %" PRIu64 ", by copy %"
		PRIu64 ", by queue %" PRIu64 ", system calls %" PRIu64
		", losses %" PRIu64 "\n", stats.messages, stats.by_ring,
		stats.by_copy, stats.by_queue, stats.syscalls, stats.overruns);
}
