/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of TCP over IPv4, for nf-ips-mmap: what came of each, put together in
 * order, until it is decided whether a text is in its first bytes. The table is
 * shared by threads: stream_lock() is held for all that takes a stream.
 */
#ifndef IPS_STREAM_H
#define IPS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes that are looked at. No more than a sender has under way before the
 * first acknowledgement: ten packets, which may be short.
 */
#define STREAM_BYTES	1024U

enum stream_state {
	STREAM_UNDECIDED,
	STREAM_GOOD,
	STREAM_BAD,
};

/* data of a packet, which stays where it is while the stream is undecided */
struct segment {
	struct segment	*next;
	uint32_t	offset;		/* in the stream */
	uint32_t	len;
	const uint8_t	*data;
	void		*packet;	/* the caller's */
};

struct stream {
	struct stream	*next;		/* in the table */
	struct stream	*older, *newer;	/* undecided ones */
	uint32_t	saddr, daddr;
	uint16_t	sport, dport;
	uint32_t	first;		/* sequence number of its first byte */
	uint32_t	end;		/* offset of its FIN, or ~0 */
	enum stream_state state;
	long long	since;		/* milliseconds */
	struct segment	*segments;	/* by offset */
};

struct stream_packet {
	struct stream	*stream;	/* NULL: none that we know */
	const uint8_t	*data;
	uint32_t	offset;
	uint32_t	len;
};

void stream_lock(void);
void stream_unlock(void);

/* Finds the stream of a packet, of IPv4, or begins one if it is a SYN. */
struct stream_packet stream_find(void *packet, size_t len);

/* Adds data; false: no memory. */
bool stream_add(struct stream_packet *p, void *packet);

/*
 * Decides, if what came in order is enough: as many bytes as are looked at, all
 * of a stream that ends, or @text.
 */
enum stream_state stream_inspect(struct stream *stream, const char *text);

/* The oldest undecided stream, if it is that old, in milliseconds. */
struct stream *stream_oldest(long long age);

/* Takes the segments of a stream, which is decided now; free() each. */
struct segment *stream_decide(struct stream *stream, enum stream_state state);

#endif
