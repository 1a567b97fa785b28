// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Streams of TCP: see ips-stream.h. Streams that are decided stay in the table,
 * for the packets to come, until their addresses and ports begin another one.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>

#include "ips-stream.h"
#include "packet.h"

#define BUCKETS	4096U

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct stream *table[BUCKETS];
static struct stream *oldest, *newest;	/* undecided */

void stream_lock(void)
{
	pthread_mutex_lock(&mutex);
}

void stream_unlock(void)
{
	pthread_mutex_unlock(&mutex);
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

static void make_undecided(struct stream *s)
{
	s->state = STREAM_UNDECIDED;
	s->since = now_ms();
	s->older = newest;
	s->newer = NULL;
	if (newest)
		newest->newer = s;
	else
		oldest = s;
	newest = s;
}

static void remove_undecided(struct stream *s)
{
	if (s->older)
		s->older->newer = s->newer;
	else
		oldest = s->newer;
	if (s->newer)
		s->newer->older = s->older;
	else
		newest = s->older;
}

static struct stream **find(const struct iphdr *ip, const struct tcphdr *tcp)
{
	uint32_t hash = ip->saddr * 31 + ip->daddr * 17 + tcp->source * 7 +
			tcp->dest;
	struct stream **at = &table[(hash ^ hash >> 16) % BUCKETS], *s;

	for (; (s = *at); at = &s->next)
		if (s->saddr == ip->saddr && s->daddr == ip->daddr &&
		    s->sport == tcp->source && s->dport == tcp->dest)
			break;
	return at;
}

static struct stream *begin(struct stream **at, const struct iphdr *ip,
			    const struct tcphdr *tcp)
{
	struct stream *s = *at;

	/* a SYN that is sent again, or whose packets still wait */
	if (s && s->state == STREAM_UNDECIDED)
		return s;
	if (!s) {
		s = calloc(1, sizeof(*s));
		if (!s)
			return NULL;
		*at = s;
	}
	s->saddr = ip->saddr;
	s->daddr = ip->daddr;
	s->sport = tcp->source;
	s->dport = tcp->dest;
	s->first = ntohl(tcp->seq) + 1;
	s->end = ~0U;
	make_undecided(s);
	return s;
}

struct stream_packet stream_find(void *packet, size_t len)
{
	struct stream_packet p = { NULL, NULL, 0, 0 };
	struct iphdr *ip = packet;
	struct tcphdr *tcp;
	struct stream **at;
	size_t data_len;

	p.data = packet_data(packet, len, &data_len);
	if (!p.data || ip->protocol != IPPROTO_TCP)
		return p;
	tcp = (struct tcphdr *)((char *)packet + ip->ihl * 4);
	at = find(ip, tcp);
	p.stream = tcp->syn ? begin(at, ip, tcp) : *at;
	if (!p.stream)
		return p;
	p.len = data_len;
	p.offset = ntohl(tcp->seq) + tcp->syn - p.stream->first;
	if (tcp->fin)
		p.stream->end = p.offset + p.len;
	return p;
}

bool stream_add(struct stream_packet *p, void *packet)
{
	struct segment **at = &p->stream->segments, *segment;

	segment = malloc(sizeof(*segment));
	if (!segment)
		return false;
	while (*at && (*at)->offset <= p->offset)
		at = &(*at)->next;
	segment->offset = p->offset;
	segment->len = p->len;
	segment->data = p->data;
	segment->packet = packet;
	segment->next = *at;
	*at = segment;
	return true;
}

/* what came in order, of the bytes that are looked at */
static uint32_t put_together(const struct stream *stream, uint8_t *buf)
{
	const struct segment *s;
	uint32_t have = 0, skip, len;

	for (s = stream->segments; s && s->offset <= have; s = s->next) {
		skip = have - s->offset;
		if (skip >= s->len)
			continue;
		len = s->len - skip;
		if (len > STREAM_BYTES - have)
			len = STREAM_BYTES - have;
		memcpy(buf + have, s->data + skip, len);
		have += len;
	}
	return have;
}

enum stream_state stream_inspect(struct stream *stream, const char *text)
{
	static uint8_t buf[STREAM_BYTES];	/* under the lock */
	uint32_t have = put_together(stream, buf);

	if (memmem(buf, have, text, strlen(text)))
		return STREAM_BAD;
	if (have == STREAM_BYTES || have == stream->end)
		return STREAM_GOOD;
	return STREAM_UNDECIDED;
}

struct stream *stream_oldest(long long age)
{
	return oldest && now_ms() - oldest->since >= age ? oldest : NULL;
}

struct segment *stream_decide(struct stream *stream, enum stream_state state)
{
	struct segment *segments = stream->segments;

	remove_undecided(stream);
	stream->state = state;
	stream->segments = NULL;
	return segments;
}
