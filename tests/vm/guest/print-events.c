// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Receives multicast messages by mnl_socket_recvfrom() and prints what it sees.
 * The program sends them itself, so that what waits when it receives is always
 * the same.
 *	print-events [-b BYTES] bursts|truncated|overruns
 *	-b	room of the buffer (default: MNL_SOCKET_BUFFER_SIZE)
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

#define GROUP		2
#define LARGEST		16384
#define BURST		24	/* messages that any ring of the tests has room for */
#define FLOOD		8000	/* messages that no ring and no queue has room for */

struct event {
	struct nlmsghdr	nlh;
	uint32_t	number;
	char		text[LARGEST];
};

struct stream {
	struct reader	reader;
	int		sender;
	uint32_t	sent;		/* numbers, from 1 */
	uint32_t	received;
};

static void send_event(struct stream *s, size_t size)
{
	static struct event event;
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (GROUP - 1),
	};

	event.nlh.nlmsg_type = NLMSG_MIN_TYPE;
	event.nlh.nlmsg_len = size;
	event.number = ++s->sent;
	memset(event.text, event.number, size - offsetof(struct event, text));
	/* after the group it goes to port ID 0, which nobody has */
	if (sendto(s->sender, &event, size, 0, (struct sockaddr *)&addr,
		   sizeof(addr)) != -1 || errno != ECONNREFUSED)
		reader_die("sendto");
}

static bool receive_event(struct stream *s)
{
	const struct event *event = (void *)s->reader.buf;
	ssize_t len = reader_receive(&s->reader);

	if (len == -1)
		return false;
	printf("  %u digest %08x\n", event->number, reader_digest(&event->nlh, 0, 0));
	s->received = event->number;
	return true;
}

/* sizes of all kinds, from those of a header to many frames */
static size_t some_size(uint32_t number, size_t most)
{
	return 32 + number * 2654435761U % (most - 32);
}

/* messages that wait, again and again */
static void bursts(struct stream *s)
{
	unsigned int i, burst;

	for (burst = 0; burst < 400; burst++) {
		for (i = 0; i < BURST; i++)
			send_event(s, some_size(s->sent, 1024));
		for (i = 0; i < BURST; i++)
			receive_event(s);
	}
}

/* every third one is longer than the buffer */
static void truncated(struct stream *s)
{
	size_t room = s->reader.size;
	unsigned int i, burst;

	for (burst = 0; burst < 100; burst++) {
		for (i = 0; i < 6; i++)
			send_event(s, i % 3 ? some_size(s->sent, room) :
				   room + 1 + some_size(s->sent, LARGEST - room));
		for (i = 0; i < 6; i++)
			receive_event(s);
	}
}

/* what waits, told in few words, as the number of messages that are kept is
 * the ring's and the queue's
 */
static void drain(struct stream *s, const char *what)
{
	const struct event *event = (void *)s->reader.buf;
	unsigned int received = 0, holes = 0, errors = 0;
	uint32_t first = s->received + 1;

	for (;;) {
		if (mnl_socket_recvfrom(s->reader.nl, s->reader.buf,
					s->reader.size) != -1) {
			received++;
			holes += event->number != s->received + 1;
			s->received = event->number;
		} else if (errno == EAGAIN) {
			break;
		} else {
			printf("%s: after %s messages: error %s\n", what,
			       received ? "some" : "no", strerrorname_np(errno));
			if (++errors == 10)
				exit(2);
		}
	}
	printf("%s: %s messages, %u errors, %u holes\n", what,
	       received ? "some" : "no", errors, holes);
	printf("exact: %s: from %u, %u messages\n", what, first, received);
}

static void flood(struct stream *s, unsigned int messages)
{
	while (messages--)
		send_event(s, 512);
}

/* ENOBUFS once for a loss, by the next receive; what was kept; what comes then */
static void overruns(struct stream *s)
{
	unsigned int i;
	int fd = mnl_socket_get_fd(s->reader.nl);
	int bytes = 65536;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < 3; i++) {
		flood(s, FLOOD);
		drain(s, "after a loss");
		s->received = s->sent;
		flood(s, BURST);
		drain(s, "after no loss");
		/* a loss while some were received already */
		flood(s, FLOOD);
		s->received = 0;
		printf("first: ");
		reader_receive(&s->reader);
		receive_event(s);
		flood(s, FLOOD);
		drain(s, "after a second loss");
		s->received = s->sent;
	}
}

int main(int argc, char *argv[])
{
	size_t room = MNL_SOCKET_BUFFER_SIZE;
	struct stream s = { .sent = 0 };
	int c;

	while ((c = getopt(argc, argv, "b:")) != -1) {
		if (c != 'b')
			exit(EXIT_FAILURE);
		room = reader_number(optarg);
	}
	if (optind != argc - 1) {
		fputs("Usage: print-events [-b BYTES] SCENE\n", stderr);
		exit(EXIT_FAILURE);
	}
	reader_open(&s.reader, NETLINK_USERSOCK, 1U << (GROUP - 1), room);
	s.sender = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	if (s.sender == -1)
		reader_die("socket");
	if (strcmp(argv[optind], "bursts") == 0)
		bursts(&s);
	else if (strcmp(argv[optind], "truncated") == 0)
		truncated(&s);
	else if (strcmp(argv[optind], "overruns") == 0)
		overruns(&s);
	else
		return EXIT_FAILURE;
	close(s.sender);
	reader_close(&s.reader);
	return 0;
}
