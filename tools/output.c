// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What mnl-ring prints of rings: see output.h.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"

/* a figure that both kinds have, or one of them */
enum kind { BOTH, RX, TX };

enum change {
	GAUGE,		/* goes up and down */
	COUNT,		/* goes up: of interest is by how much */
	RARE,		/* the same; 0 in all rings: not in tables */
	LOSS,		/* the same, and a reason to worry */
};

struct column {
	int attr;
	const char *title;	/* NULL: not in tables */
	const char *name;	/* in JSON, as in the YNL specification */
	enum kind kind;
	enum change change;
};

static const struct column columns[] = {
	{ NETLINK_MMAP_A_RING_PORTID, "Port ID", "portid", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_INODE, NULL, "inode", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_BLOCK_SIZE, NULL, "block_size", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_BLOCK_NR, NULL, "block_nr", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_FRAME_SIZE, "Size", "frame_size", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_FRAME_NR, "Frames", "frame_nr", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_FLAGS, NULL, "flags", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_HEAD, NULL, "head", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_IN_USE, "Used", "in_use", BOTH, GAUGE },
	{ NETLINK_MMAP_A_RING_MESSAGES, "Messages", "messages", BOTH, COUNT },
	{ NETLINK_MMAP_A_RING_BYTES, "Bytes", "bytes", BOTH, COUNT },
	{ NETLINK_MMAP_A_RING_BY_RING, "By ring", "by_ring", BOTH, COUNT },
	{ NETLINK_MMAP_A_RING_BY_COPY, "By copy", "by_copy", RX, RARE },
	{ NETLINK_MMAP_A_RING_SPILLED, "Spilled", "spilled", RX, RARE },
	{ NETLINK_MMAP_A_RING_SPANS, "Spans", "spans", RX, RARE },
	{ NETLINK_MMAP_A_RING_WAKEUPS, "Wakeups", "wakeups", RX, COUNT },
	{ NETLINK_MMAP_A_RING_DROPS, "Drops", "drops", RX, LOSS },
	{ NETLINK_MMAP_A_RING_ERRORS, "Errors", "errors", TX, LOSS },
};

#define COLUMNS	(sizeof(columns) / sizeof(*columns))

/* what a table or an object is made of */
struct view {
	const struct output *out;
	const struct rings *rings;
	const struct rings *before;	/* NULL: as they are */
	double seconds;			/* since then */
	struct processes processes;
};

static bool is_rx(const struct ring *r)
{
	return r->values[NETLINK_MMAP_A_RING_TYPE] == NETLINK_RX_RING;
}

static bool has(const struct ring *r, const struct column *c)
{
	return c->kind == BOTH || (c->kind == RX) == is_rx(r);
}

static bool same_socket(const struct ring *a, const struct ring *b)
{
	return a->values[NETLINK_MMAP_A_RING_INODE] ==
	       b->values[NETLINK_MMAP_A_RING_INODE];
}

static bool is_socket(const void *data, uint64_t inode)
{
	const struct rings *rings = data;
	unsigned int i;

	for (i = 0; i < rings->count; i++)
		if (rings->ring[i].values[NETLINK_MMAP_A_RING_INODE] == inode)
			return true;
	return false;
}

/* the same ring a moment ago, or NULL */
static const struct ring *ring_before(const struct view *v, const struct ring *r)
{
	unsigned int i;

	for (i = 0; v->before && i < v->before->count; i++)
		if (same_socket(&v->before->ring[i], r) &&
		    is_rx(&v->before->ring[i]) == is_rx(r))
			return &v->before->ring[i];
	return NULL;
}

static uint64_t value(const struct view *v, const struct ring *r,
		      const struct column *c)
{
	const struct ring *before = ring_before(v, r);
	uint64_t now = r->values[c->attr];

	/* less than before: the ring was set anew meanwhile */
	if (c->change == GAUGE || !before || now < before->values[c->attr])
		return now;
	return now - before->values[c->attr];
}

static const char *protocol_text(const struct ring *r, char *buf, size_t size)
{
	uint64_t protocol = r->values[NETLINK_MMAP_A_RING_PROTOCOL];
	const char *name = protocol_name(protocol);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%" PRIu64, protocol);
	return buf;
}

/* local time, to the microsecond */
static const char *time_text(char *buf, size_t size)
{
	struct timespec now;
	struct tm tm;
	size_t len;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	len = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, size - len, ".%06ld", now.tv_nsec / 1000);
	return buf;
}

/*
 * JSON
 */

static void print_json_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_json_processes(const struct view *v, const struct ring *r)
{
	const struct process *p;
	const char *comma = "";

	printf(",\"processes\":[");
	for (p = v->processes.process; p < v->processes.process + v->processes.count; p++) {
		if (p->inode != r->values[NETLINK_MMAP_A_RING_INODE])
			continue;
		printf("%s{\"pid\":%u,\"command\":", comma, p->pid);
		print_json_string(p->command);
		printf("}");
		comma = ",";
	}
	printf("]");
}

static void print_json(const struct view *v)
{
	const struct ring *r;
	char protocol[24];
	unsigned int i;

	printf("[");
	for (r = v->rings->ring; r < v->rings->ring + v->rings->count; r++) {
		printf("%s{\"type\":\"%s\",\"protocol\":\"%s\"",
		       r == v->rings->ring ? "" : ",", is_rx(r) ? "rx" : "tx",
		       protocol_text(r, protocol, sizeof(protocol)));
		for (i = 0; i < COLUMNS; i++)
			if (has(r, &columns[i]))
				printf(",\"%s\":%" PRIu64, columns[i].name,
				       value(v, r, &columns[i]));
		if (v->out->processes)
			print_json_processes(v, r);
		printf("}");
	}
	printf("]");
}

/*
 * Tables
 */

static void cell(const struct view *v, const struct ring *r,
		 const struct column *c, char *buf, size_t size)
{
	double rate;

	if (!has(r, c)) {
		snprintf(buf, size, "-");
	} else if (v->before && c->change != GAUGE) {
		rate = value(v, r, c) / v->seconds;
		snprintf(buf, size, "%.*f", rate > 0 && rate < 10, rate);
	} else {
		snprintf(buf, size, "%" PRIu64, value(v, r, c));
	}
}

/* the width of a column, 0: not shown */
static int width(const struct view *v, const struct column *c)
{
	bool show = c->change == GAUGE || c->change == COUNT;
	const struct ring *r;
	char text[32];
	int most, len;

	if (!c->title)
		return 0;
	most = strlen(c->title);
	for (r = v->rings->ring; r < v->rings->ring + v->rings->count; r++) {
		cell(v, r, c, text, sizeof(text));
		len = strlen(text);
		if (len > most)
			most = len;
		show = show || (has(r, c) && r->values[c->attr] > 0);
	}
	return show ? most : 0;
}

static int protocol_width(const struct view *v)
{
	int most = strlen("Protocol"), len;
	const struct ring *r;
	char text[24];

	for (r = v->rings->ring; r < v->rings->ring + v->rings->count; r++) {
		len = strlen(protocol_text(r, text, sizeof(text)));
		if (len > most)
			most = len;
	}
	return most;
}

/* On a line of its own, below the rings of the socket. */
static void print_processes(const struct view *v, const struct ring *r)
{
	const struct process *p;
	const char *before = "";

	if (r + 1 < v->rings->ring + v->rings->count && same_socket(r, r + 1))
		return;
	printf("     ");
	for (p = v->processes.process; p < v->processes.process + v->processes.count; p++) {
		if (p->inode != r->values[NETLINK_MMAP_A_RING_INODE])
			continue;
		printf("%s%s (pid %u)", before, p->command, p->pid);
		before = ", ";
	}
	puts(*before ? "" : "no process that this user may look at");
}

static void print_row(const struct view *v, const struct ring *r,
		      const int *widths, int first)
{
	unsigned int i;
	char text[32];
	bool red;

	printf("%-4s %-*s", is_rx(r) ? "rx" : "tx", first,
	       protocol_text(r, text, sizeof(text)));
	for (i = 0; i < COLUMNS; i++) {
		if (widths[i] == 0)
			continue;
		cell(v, r, &columns[i], text, sizeof(text));
		red = v->out->colour && columns[i].change == LOSS &&
		      has(r, &columns[i]) && value(v, r, &columns[i]) > 0;
		printf(" %s%*s%s", red ? "\033[31m" : "", widths[i], text,
		       red ? "\033[0m" : "");
	}
	printf("\n");
}

static void print_table(const struct view *v)
{
	int widths[COLUMNS], first = protocol_width(v);
	const struct ring *r;
	unsigned int i;

	if (v->rings->count == 0) {
		puts("no rings in this network namespace");
		return;
	}
	printf("%-4s %-*s", "Type", first, "Protocol");
	for (i = 0; i < COLUMNS; i++) {
		widths[i] = width(v, &columns[i]);
		if (widths[i] > 0)
			printf(" %*s", widths[i], columns[i].title);
	}
	printf("\n");
	for (r = v->rings->ring; r < v->rings->ring + v->rings->count; r++) {
		print_row(v, r, widths, first);
		if (v->out->processes)
			print_processes(v, r);
	}
}

static struct view make_view(const struct output *out, const struct rings *rings)
{
	struct view v = { .out = out, .rings = rings };

	if (out->processes && rings->count > 0)
		v.processes = find_processes(is_socket, rings);
	return v;
}

static void end_view(struct view *v)
{
	free(v->processes.process);
	if (fflush(stdout))
		die(EXIT_USAGE, "write: %m");
}

void print_rings(const struct output *out, const struct rings *rings)
{
	struct view v = make_view(out, rings);

	if (out->json) {
		print_json(&v);
		printf("\n");
	} else {
		print_table(&v);
	}
	end_view(&v);
}

void print_changes(const struct output *out, const struct rings *rings,
		   const struct rings *before, double seconds)
{
	struct view v = make_view(out, rings);
	char now[64];

	time_text(now, sizeof(now));
	v.before = before;
	v.seconds = seconds;
	if (out->json) {
		printf("{\"time\":\"%s\"", now);
		if (before)
			printf(",\"seconds\":%.6f", seconds);
		printf(",\"rings\":");
		print_json(&v);
		printf("}\n");
	} else {
		if (before)
			printf("%s  per second, over %.3f s\n", now, seconds);
		else
			printf("%s  since each ring was set\n", now);
		print_table(&v);
	}
	end_view(&v);
}
