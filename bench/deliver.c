// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a message costs its sender and its reader, apart: one thread sends a batch
 * of messages to itself, by NETLINK_USERSOCK, and then reads it. Nobody sleeps,
 * so there are no wake-ups in it. In a virtual machine whose clock counts
 * instructions (run-in-vm --icount) the nanoseconds are instructions.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>

#include "common.h"

static const char usage[] =
	"Usage: deliver [recv|ring] BYTES MESSAGES [BATCH]\n";

struct run {
	struct mnl_socket	*to;
	struct mnl_socket	*from;
	struct mnl_ring		*rx;	/* NULL: recv */
	struct sockaddr_nl	addr;
	size_t			len;
	long long		send_ns;
	long long		read_ns;
};

static struct mnl_socket *open_bound(void)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_USERSOCK);

	if (nl == NULL || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) == -1)
		fail("socket");
	return nl;
}

static void start(struct run *run, bool ring)
{
	run->to = open_bound();
	run->from = open_bound();
	run->addr = (struct sockaddr_nl){
		.nl_family = AF_NETLINK,
		.nl_pid = mnl_socket_get_portid(run->to),
	};
	if (!ring)
		return;
	if (mnl_socket_mmap(run->to) == -1)
		fail("mnl_socket_mmap");
	run->rx = mnl_socket_get_ring(run->to, MNL_RING_RX);
	if (!mnl_ring_is_mapped(run->rx)) {
		fputs("deliver: no ring here\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static void send_batch(const struct run *run, const void *msg,
		       unsigned int batch)
{
	while (batch--)
		if (sendto(mnl_socket_get_fd(run->from), msg, run->len, 0,
			   (const void *)&run->addr, sizeof(run->addr)) == -1)
			fail("sendto");
}

static void read_batch(const struct run *run, unsigned int batch)
{
	static char buf[65536];
	size_t len;

	while (batch--) {
		if (run->rx == NULL) {
			if (recv(mnl_socket_get_fd(run->to), buf, sizeof(buf),
				 0) == -1)
				fail("recv");
			continue;
		}
		if (mnl_ring_peek(run->rx, &len) == NULL)
			fail("mnl_ring_peek");
		mnl_ring_release(run->rx, 1);
	}
}

static void run_batches(struct run *run, unsigned int messages,
			unsigned int batch)
{
	char *msg = calloc(1, run->len);
	long long t0, t1, t2;
	unsigned int i;

	if (msg == NULL)
		fail("calloc");
	((struct nlmsghdr *)msg)->nlmsg_len = run->len;
	for (i = 0; i < messages; i += batch) {
		t0 = clock_ns(CLOCK_MONOTONIC);
		send_batch(run, msg, batch);
		t1 = clock_ns(CLOCK_MONOTONIC);
		read_batch(run, batch);
		t2 = clock_ns(CLOCK_MONOTONIC);
		run->send_ns += t1 - t0;
		run->read_ns += t2 - t1;
	}
	free(msg);
}

int main(int argc, char *argv[])
{
	unsigned int messages, batch = 32;
	struct run run = { .rx = NULL };
	bool ring;

	if (argc < 4 || argc > 5 ||
	    (strcmp(argv[1], "recv") && strcmp(argv[1], "ring"))) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	ring = !strcmp(argv[1], "ring");
	run.len = strtoul(argv[2], NULL, 10);
	messages = strtoul(argv[3], NULL, 10);
	if (argc == 5)
		batch = strtoul(argv[4], NULL, 10);
	if (run.len < sizeof(struct nlmsghdr) || run.len > 65536 ||
	    messages == 0 || batch == 0) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	start(&run, ring);
	run_batches(&run, batch * 8, batch);	/* warm */
	run.send_ns = run.read_ns = 0;
	run_batches(&run, messages, batch);
	printf("%s,%zu,%lld,%lld\n", argv[1], run.len,
	       run.send_ns / messages, run.read_ns / messages);
	return EXIT_SUCCESS;
}
