/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reader of netlink messages: a source that sends them, and a way to receive
 * them, one beside the other.
 */
#ifndef BENCH_READER_H
#define BENCH_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <libmnl/libmnl.h>

/* bytes for a datagram, where ways need some: the longest packet and headers */
#define BUFFER_SIZE	(72 << 10)

struct source;

/* what the command line asks for */
struct options {
	unsigned int	vector;		/* messages a call takes */
	unsigned int	pace;		/* microseconds before a call */
	unsigned int	memory;		/* bytes of the ring, or SO_RCVBUF */
	unsigned int	group;		/* number of the queue or log group */
	unsigned int	batch;		/* packets a verdict, or a message */
	unsigned int	frames;		/* verdicts in the TX ring */
	bool		drop;		/* the verdict */
	bool		rewrite;	/* verdicts have the packet, changed */
	bool		gso;		/* packets longer than the link takes */
	bool		stop;		/* SIGSTOP before the first look */
};

struct reader {
	struct options		options;
	const struct source	*source;
	struct mnl_socket	*nl;
	struct mnl_ring		*rx;		/* NULL: not by ring */
	uint64_t		messages;
	uint64_t		bytes;		/* of datagrams */
	uint64_t		lost;		/* times that messages were */
	uint64_t		syscalls;	/* to receive and to wait */
	uint64_t		sends;		/* system calls to send */
	bool			done;		/* the end of a dump */
	void			*data;		/* of the way */
};

/* Called by ways for each datagram. */
void reader_handle(struct reader *r, void *msg, size_t len);

struct source {
	const char	*name;
	/* opens and binds r->nl, before the way is opened */
	void		(*open)(struct reader *r);
	/* asks for a dump; may be NULL */
	void		(*start)(struct reader *r);
	void		(*handle)(struct reader *r, void *msg, size_t len);
	/* nothing is left to handle: what was put off is due; may be NULL */
	void		(*before_wait)(struct reader *r);
};

/* sources of queue.c, nfq.c and sources.c by their name; NULL: there is none */
const struct source *source_find(const char *name);

extern const struct source source_queue;
#ifdef HAVE_NFQUEUE
extern const struct source source_nfq;
#endif

struct way {
	const char	*name;
	/* may be NULL */
	void		(*open)(struct reader *r);
	/* waits for messages, or a signal, and handles them */
	void		(*receive)(struct reader *r);
};

/* by its name; NULL: there is none */
const struct way *way_find(const char *name);

#endif
