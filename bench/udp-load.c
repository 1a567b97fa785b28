// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends UDP packets to itself, as fast as it goes, in intervals, or with so many
 * on their way at the most, and waits for those that come back. Prints one line
 * of JSON: what it cost, how many came, and how long they took.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include "../examples/netfilter/nfnl.h"
#include "common.h"

static const char usage[] =
	"Usage: udp-load [OPTION]... PACKETS BYTES PORT\n"
	"  BYTES        of a packet's payload, 16 to 65507\n"
	"  -w WINDOW    packets on their way at the most; 0: no limit (default)\n"
	"  -i INTERVAL  microseconds from one to the next; 0: none (default)\n"
	"  -f           each from a source port of its own: a flow each. All flows are\n"
	"               destroyed at the end, and counted once more: two events each\n"
	"  -a ADDRESS   to send to (default: 127.0.0.1)\n"
	"  -n NETNS     network namespace to receive in (default: this one)\n";

#define HEADERS	(sizeof(struct iphdr) + sizeof(struct udphdr))

struct load {
	unsigned long	packets;
	unsigned long	bytes;
	unsigned long	window;
	unsigned long	interval;	/* nanoseconds */
	bool		flows;
	const char	*netns;
	struct sockaddr_in addr;
	int		from;
	int		to;
	unsigned long	sent;
	unsigned long	received;
	long long	*latency;	/* nanoseconds of each that came back */
	long long	start;
	long long	end;		/* the last one came, or was sent */
	long long	end_idle;
};

static void enter_netns(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd == -1 || setns(fd, CLONE_NEWNET) == -1)
		fail(path);
	close(fd);
}

static void open_sockets(struct load *l)
{
	char netns[256];
	int size = 64 << 20;

	l->from = l->flows ? socket(AF_INET, SOCK_RAW, IPPROTO_RAW) :
			     socket(AF_INET, SOCK_DGRAM, 0);
	if (l->netns) {
		snprintf(netns, sizeof(netns), "/run/netns/%s", l->netns);
		enter_netns(netns);
	}
	l->to = socket(AF_INET, SOCK_DGRAM, 0);
	if (l->from == -1 || l->to == -1)
		fail("socket");
	if (setsockopt(l->to, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(l->from, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)))
		fail("setsockopt");
	if (bind(l->to, (void *)&l->addr, sizeof(l->addr)) == -1 ||
	    connect(l->from, (void *)&l->addr, sizeof(l->addr)) == -1)
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
		l->end_idle = idle_ns();
	}
}

/* The headers of packet number @number, each in a flow of its own. */
static void put_headers(const struct load *l, char *buf, unsigned long number)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = IPPROTO_UDP,
		.saddr = htonl(INADDR_LOOPBACK + number / 50000),
		.daddr = l->addr.sin_addr.s_addr,
	};
	struct udphdr udp = {
		.source = htons(10000 + number % 50000),
		.dest = l->addr.sin_port,
		.len = htons(sizeof(udp) + l->bytes),
	};

	memcpy(buf, &ip, sizeof(ip));
	memcpy(buf + sizeof(ip), &udp, sizeof(udp));
}

/* the moment of the next packet, if there are such */
static void wait_for_turn(const struct load *l)
{
	long long at = l->start + (long long)(l->interval * l->sent);
	struct timespec ts = {
		.tv_sec = at / 1000000000,
		.tv_nsec = at % 1000000000,
	};

	if (l->interval)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static void send_packet(struct load *l)
{
	static char buf[HEADERS + 65536];
	size_t skip = l->flows ? 0 : HEADERS;
	long long now;

	wait_for_turn(l);
	now = clock_ns(CLOCK_MONOTONIC);
	if (l->flows)
		put_headers(l, buf, l->sent);
	memcpy(buf + HEADERS, &now, sizeof(now));
	while (send(l->from, buf + skip, HEADERS - skip + l->bytes, 0) == -1) {
		/* dropped by a rule, before it left */
		if (errno == EPERM)
			break;
		if (errno != ENOBUFS)
			fail("send");
	}
	l->sent++;
}

/* In intervals, each packet is back before the next one's time. */
static void send_and_wait(struct load *l)
{
	send_packet(l);
	if (l->interval)
		receive(l, 1000);
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

static void destroy_flows(struct load *l)
{
	struct mnl_socket *nl = nfnl_open(0);
	char buf[256];

	if (!talk_ask(nl, nfnl_put(buf, NFNL_SUBSYS_CTNETLINK << 8 |
				   IPCTNL_MSG_CT_DELETE, 0, AF_UNSPEC, 0)))
		fail("conntrack");
	mnl_socket_close(nl);
	l->end = clock_ns(CLOCK_MONOTONIC);
	l->end_idle = idle_ns();
	l->sent *= 2;
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

static void read_options(struct load *l, int argc, char *argv[])
{
	int c;

	l->addr.sin_family = AF_INET;
	l->addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	while ((c = getopt(argc, argv, "w:i:fa:n:")) != -1) {
		switch (c) {
		case 'w':
			l->window = number(optarg, 0, usage);
			break;
		case 'i':
			l->interval = number(optarg, 0, usage) * 1000;
			break;
		case 'f':
			l->flows = true;
			break;
		case 'a':
			if (inet_pton(AF_INET, optarg, &l->addr.sin_addr) != 1)
				number("", 0, usage);
			break;
		case 'n':
			l->netns = optarg;
			break;
		default:
			number("", 0, usage);
		}
	}
	if (argc - optind != 3)
		number("", 0, usage);
	l->packets = number(argv[optind], 1, usage);
	l->bytes = number(argv[optind + 1], 16, usage);
	l->addr.sin_port = htons(number(argv[optind + 2], 1, usage));
}

int main(int argc, char *argv[])
{
	static struct load l;
	long long idle, cpu;

	read_options(&l, argc, argv);
	l.latency = calloc(l.packets, sizeof(*l.latency));
	if (l.latency == NULL)
		fail("calloc");
	open_sockets(&l);

	l.start = clock_ns(CLOCK_MONOTONIC);
	idle = idle_ns();
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
	while (l.sent < l.packets && make_room(&l))
		send_and_wait(&l);
	l.end = clock_ns(CLOCK_MONOTONIC);
	l.end_idle = idle_ns();
	while (wait_for_rest(&l))
		;
	if (l.flows)
		destroy_flows(&l);
	cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	printf("{\"sent\":%lu,\"received\":%lu,\"start_ns\":%lld"
	       ",\"start_idle_ns\":%lld,\"end_ns\":%lld"
	       ",\"end_idle_ns\":%lld,\"cpu_ns\":%lld", l.sent, l.received,
	       l.start, idle, l.end, l.end_idle, cpu);
	qsort(l.latency, l.received, sizeof(*l.latency), compare);
	printf(",\"p50_ns\":%lld,\"p99_ns\":%lld,\"p999_ns\":%lld}\n",
	       percentile(&l, .5), percentile(&l, .99), percentile(&l, .999));
	free(l.latency);
	return EXIT_SUCCESS;
}
