// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends UDP packets to itself over loopback, as fast as it goes or with so many on
 * their way at the most, and waits for those that come back. Prints one line of
 * JSON: what it cost, how many came, and how long they took.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/socket.h>

#include "common.h"

static const char usage[] =
	"Usage: udp-load PACKETS BYTES WINDOW PORT\n"
	"  BYTES    of a packet's payload, 16 to 65507\n"
	"  WINDOW   packets on their way at the most; 0: no limit\n";

struct load {
	unsigned long	packets;
	unsigned long	bytes;
	unsigned long	window;
	int		from;
	int		to;
	unsigned long	sent;
	unsigned long	received;
	long long	*latency;	/* nanoseconds of each that came back */
	long long	end;		/* the last one came, or was sent */
};

static void open_sockets(struct load *l, uint16_t port)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port),
	};
	int size = 64 << 20;

	l->from = socket(AF_INET, SOCK_DGRAM, 0);
	l->to = socket(AF_INET, SOCK_DGRAM, 0);
	if (l->from == -1 || l->to == -1)
		fail("socket");
	if (setsockopt(l->to, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(l->from, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail("setsockopt");
	if (bind(l->to, (void *)&addr, sizeof(addr)) == -1 ||
	    connect(l->from, (void *)&addr, sizeof(addr)) == -1)
		fail("bind");
}

/* what has come back; waits for one so many milliseconds, if there is none */
static void receive(struct load *l, int timeout)
{
	struct pollfd pfd = { .fd = l->to, .events = POLLIN };
	static char buf[65536];
	long long sent;

	if (timeout && poll(&pfd, 1, timeout) == 0)
		return;
	while (recv(l->to, buf, sizeof(buf), MSG_DONTWAIT) >= 16) {
		memcpy(&sent, buf, sizeof(sent));
		l->end = clock_ns(CLOCK_MONOTONIC);
		if (l->received < l->packets)
			l->latency[l->received] = l->end - sent;
		l->received++;
	}
}

static void send_packet(struct load *l)
{
	static char buf[65536];
	long long now = clock_ns(CLOCK_MONOTONIC);

	memcpy(buf, &now, sizeof(now));
	while (send(l->from, buf, l->bytes, 0) == -1)
		if (errno != ENOBUFS && errno != EPERM)
			fail("send");
	l->sent++;
}

/* false: what is on its way is lost */
static bool make_room(struct load *l)
{
	unsigned long before = l->received;

	receive(l, 0);
	while (l->window && l->sent - l->received >= l->window) {
		receive(l, 1000);
		if (l->received == before)
			return false;
		before = l->received;
	}
	return true;
}

/* false: all are back, or none came for a quarter of a second */
static bool wait_for_rest(struct load *l)
{
	unsigned long before = l->received;

	if (l->received < l->sent)
		receive(l, 250);
	return l->received > before;
}

static int compare(const void *a, const void *b)
{
	long long x = *(const long long *)a, y = *(const long long *)b;

	return x < y ? -1 : x > y;
}

static long long percentile(const struct load *l, double share)
{
	return l->received ? l->latency[(size_t)(share * (l->received - 1))] : 0;
}

static unsigned long number(const char *text, unsigned long least)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value < least) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	return value;
}

int main(int argc, char *argv[])
{
	struct load l = { 0 };
	long long start, cpu;

	if (argc != 5)
		number("", 0);
	l.packets = number(argv[1], 1);
	l.bytes = number(argv[2], 16);
	l.window = number(argv[3], 0);
	l.latency = calloc(l.packets, sizeof(*l.latency));
	if (l.latency == NULL)
		fail("calloc");
	open_sockets(&l, number(argv[4], 1));

	start = clock_ns(CLOCK_MONOTONIC);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (l.sent < l.packets && make_room(&l))
		send_packet(&l);
	l.end = clock_ns(CLOCK_MONOTONIC);
	while (wait_for_rest(&l))
		;
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	qsort(l.latency, l.received, sizeof(*l.latency), compare);
	printf("{\"sent\":%lu,\"received\":%lu,\"start_ns\":%lld,\"end_ns\":%lld,\"cpu_ns\":%lld,"
	       "\"p50_ns\":%lld,\"p99_ns\":%lld,\"p999_ns\":%lld}\n", l.sent,
	       l.received, start, l.end, cpu, percentile(&l, .5),
	       percentile(&l, .99), percentile(&l, .999));
	free(l.latency);
	return EXIT_SUCCESS;
}
