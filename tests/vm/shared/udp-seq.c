/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stream of numbered UDP packets, and a receiver that misses none of them:
 * traffic for the tests that queue packets to user space.
 *
 *   udp-seq recv PORT COUNT		prints "listening", then what came
 *   udp-seq send ADDR PORT COUNT SIZE
 *
 * The receiver acknowledges, so at most WINDOW packets are on their way and no
 * buffer overflows by itself: a missing packet was lost by what is tested.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WINDOW		256	/* packets */
#define ACK_EVERY	64	/* packets */
#define BUFFER		(8 << 20)
#define PATIENCE	20	/* seconds without any packet */
#define MIN_SIZE	sizeof(uint64_t)
#define MAX_SIZE	65507

static unsigned char packet[MAX_SIZE + 1];

static void fail(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static unsigned long number(const char *text, unsigned long min,
			    unsigned long max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max) {
		fprintf(stderr, "udp-seq: %s is not a number from %lu to %lu\n",
			text, min, max);
		exit(EXIT_FAILURE);
	}
	return value;
}

static int open_socket(void)
{
	struct timeval patience = { .tv_sec = PATIENCE };
	int bytes = BUFFER;
	int fd;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (fd < 0)
		fail("socket");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)))
		fail("SO_RCVBUF");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)))
		fail("SO_RCVTIMEO");
	return fd;
}

static void fill(uint64_t seq, size_t size)
{
	size_t i;

	memcpy(packet, &seq, sizeof(seq));
	for (i = sizeof(seq); i < size; i++)
		packet[i] = seq + i;
}

static bool damaged(uint64_t seq, size_t size)
{
	size_t i;

	for (i = sizeof(seq); i < size; i++)
		if (packet[i] != (unsigned char)(seq + i))
			return true;
	return false;
}

static uint64_t wait_for_ack(int fd)
{
	uint64_t acked;

	if (recv(fd, &acked, sizeof(acked), 0) != sizeof(acked))
		fail("udp-seq: no acknowledgement");
	return acked;
}

/*
 * Loopback queues packets by processor: those of a sender that moves to another one
 * may be overtaken before any netfilter queue sees them.
 */
static void stay_on_this_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("sched_setaffinity");
}

static int send_all(const char *addr, unsigned long port, uint64_t count,
		    size_t size)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	uint64_t seq, acked = 0;
	int fd = open_socket();

	if (inet_pton(AF_INET, addr, &to.sin_addr) != 1) {
		fprintf(stderr, "udp-seq: %s is not an IPv4 address\n", addr);
		return EXIT_FAILURE;
	}
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		fail("connect");

	stay_on_this_processor();
	for (seq = 0; seq < count; seq++) {
		while (seq - acked >= WINDOW)
			acked = wait_for_ack(fd);
		fill(seq, size);
		if (send(fd, packet, size, 0) != (ssize_t)size)
			fail("send");
	}
	printf("%-16s %10llu\n", "sent", (unsigned long long)count);
	while (acked < count)
		acked = wait_for_ack(fd);

	close(fd);
	return EXIT_SUCCESS;
}

static int receive_all(unsigned long port, uint64_t count)
{
	uint64_t received = 0, doubled = 0, late = 0, bad = 0, next = 0, seq;
	struct sockaddr_in from, here = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
	};
	int fd = open_socket();
	bool *seen = calloc(count, sizeof(*seen));
	socklen_t len;
	ssize_t size;

	if (!seen)
		fail("calloc");
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)))
		fail("bind");
	printf("listening\n");
	fflush(stdout);

	/* Once all are here, look whether one came twice. */
	for (;;) {
		len = sizeof(from);
		size = recvfrom(fd, packet, sizeof(packet),
				received < count ? 0 : MSG_DONTWAIT,
				(struct sockaddr *)&from, &len);
		if (size < 0 && errno == EAGAIN)
			break;
		if (size < 0)
			fail("recvfrom");

		memcpy(&seq, packet, sizeof(seq));
		if (size < (ssize_t)MIN_SIZE || seq >= count ||
		    damaged(seq, size)) {
			bad++;
			continue;
		}
		if (seen[seq]) {
			doubled++;
			continue;
		}
		seen[seq] = true;
		received++;
		if (seq < next)
			late++;
		else
			next = seq + 1;
		if (received % ACK_EVERY == 0 || received == count)
			if (sendto(fd, &next, sizeof(next), 0,
				   (struct sockaddr *)&from, len) < 0)
				fail("sendto");
	}

	printf("%-16s %10llu\n", "received", (unsigned long long)received);
	printf("%-16s %10llu\n", "missing", (unsigned long long)(count - received));
	printf("%-16s %10llu\n", "doubled", (unsigned long long)doubled);
	printf("%-16s %10llu\n", "out of order", (unsigned long long)late);
	printf("%-16s %10llu\n", "damaged", (unsigned long long)bad);
	if (received == count && !doubled && !late && !bad)
		return EXIT_SUCCESS;

	if (received < count) {
		for (seq = 0; seen[seq]; seq++)
			;
		fprintf(stderr, "udp-seq: %llu packets missing, the first is %llu\n",
			(unsigned long long)(count - received),
			(unsigned long long)seq);
	}
	if (doubled || late || bad)
		fprintf(stderr, "udp-seq: packets doubled, out of order or damaged\n");
	return EXIT_FAILURE;
}

int main(int argc, char *argv[])
{
	if (argc == 6 && !strcmp(argv[1], "send"))
		return send_all(argv[2], number(argv[3], 1, 65535),
				number(argv[4], 1, 1UL << 32),
				number(argv[5], MIN_SIZE, MAX_SIZE));
	if (argc == 4 && !strcmp(argv[1], "recv"))
		return receive_all(number(argv[2], 1, 65535),
				   number(argv[3], 1, 1UL << 32));

	fprintf(stderr, "Usage: %s send ADDR PORT COUNT SIZE\n"
		"       %s recv PORT COUNT\n", argv[0], argv[0]);
	return EXIT_FAILURE;
}
