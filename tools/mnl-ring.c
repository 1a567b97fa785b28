// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * mnl-ring: shows the netlink rings of a network namespace and their counters.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "output.h"
#include "rings.h"

static void usage(FILE *to)
{
	fputs("Usage: mnl-ring [ OPTIONS ] show [ protocol PROTOCOL ]\n"
	      "       mnl-ring [ OPTIONS ] monitor [ INTERVAL [ COUNT ] ]\n"
	      "       mnl-ring [ OPTIONS ] check [ SIZE ]\n"
	      "       mnl-ring help\n"
	      "where  PROTOCOL := route | netfilter | generic | ... | NUMBER\n"
	      "       INTERVAL := time between two tables, as 2, 0.5s, 200ms (default: 1s)\n"
	      "       SIZE := of the ring to try, as 512K, 4M (default: 4M; a number: KiB)\n"
	      "       OPTIONS := { -j[son] | -p[rocesses] | -c[olor][={always|auto|never}] |\n"
	      "                    -V[ersion] | -h[elp] }\n", to);
}

/*
 * Arguments
 */

struct unit {
	const char *suffix;
	double factor;
};

/* a decimal number and a unit, or -1 */
static double quantity(const char *text, const struct unit *units)
{
	double number;
	char *end;

	number = strtod(text, &end);
	/* strtod() takes spaces, signs, exponents, hexadecimal numbers, "inf" and "nan" */
	if (end == text || end != text + strspn(text, "0123456789."))
		return -1;
	for (; units->suffix; units++)
		if (!strcasecmp(end, units->suffix))
			return number * units->factor;
	return -1;
}

static unsigned long size_argument(const char *text)
{
	static const struct unit units[] = {
		{ "", 1 << 10 },
		{ "k", 1 << 10 }, { "kib", 1 << 10 },
		{ "m", 1 << 20 }, { "mib", 1 << 20 },
		{ "g", 1 << 30 }, { "gib", 1 << 30 },
		{ NULL, 0 },
	};
	double bytes = quantity(text, units);

	if (!(bytes >= 1024 && bytes < UINT32_MAX))
		die(EXIT_USAGE, "\"%s\" is no size of a ring", text);
	return bytes;
}

static double interval_argument(const char *text)
{
	static const struct unit units[] = {
		{ "", 1 }, { "s", 1 }, { "ms", 1e-3 }, { NULL, 0 },
	};
	double seconds = quantity(text, units);

	if (!(seconds >= 0.01 && seconds <= 1e6))
		die(EXIT_USAGE, "\"%s\" is no interval", text);
	return seconds;
}

static unsigned long count_argument(const char *text)
{
	unsigned long count;
	char *end;

	errno = 0;
	count = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || count == 0)
		die(EXIT_USAGE, "\"%s\" is no count", text);
	return count;
}

static void no_more_arguments(char *args[])
{
	if (args[0])
		die(EXIT_USAGE, "\"%s\": one argument too many", args[0]);
}

/*
 * Commands
 */

static void show(const struct output *out, char *args[])
{
	struct mnl_socket *nl;
	struct rings rings;
	uint16_t family = 0;
	int protocol = -1;

	if (args[0]) {
		if (strcmp(args[0], "protocol") || !args[1])
			die(EXIT_USAGE, "show: \"protocol PROTOCOL\" or nothing");
		no_more_arguments(args + 2);
		protocol = protocol_number(args[1]);
		if (protocol == -1)
			die(EXIT_USAGE, "\"%s\" is no netlink protocol", args[1]);
	}
	nl = open_family(&family);
	rings = get_rings(nl, family, protocol);
	print_rings(out, &rings);
	free(rings.ring);
	mnl_socket_close(nl);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void sleep_for(double seconds)
{
	struct timespec ts = {
		.tv_sec = seconds,
		.tv_nsec = (seconds - (time_t)seconds) * 1e9,
	};

	nanosleep(&ts, NULL);
}

/* a first table of all so far, then of what each interval brought */
static void monitor(const struct output *out, char *args[])
{
	double interval = args[0] ? interval_argument(args[0]) : 1;
	unsigned long count = 0, n;
	struct rings rings, before = { 0 };
	struct mnl_socket *nl;
	uint16_t family = 0;
	double then = 0, t;

	if (args[0] && args[1]) {
		count = count_argument(args[1]);
		no_more_arguments(args + 2);
	}
	nl = open_family(&family);
	for (n = 0; count == 0 || n < count; n++) {
		if (n > 0)
			sleep_for(interval);
		rings = get_rings(nl, family, -1);
		t = now();
		print_changes(out, &rings, n > 0 ? &before : NULL, t - then);
		free(before.ring);
		before = rings;
		then = t;
	}
	free(before.ring);
	mnl_socket_close(nl);
}

/* Would a program get a ring? */
static void check(const struct output *out, char *args[])
{
	unsigned long bytes = args[0] ? size_argument(args[0]) : 4 << 20;
	struct mnl_socket *nl;
	uint16_t family = 0;

	if (args[0])
		no_more_arguments(args + 1);
	nl = mnl_socket_open(NETLINK_ROUTE);
	if (!nl)
		die_without_socket();
	mnl_socket_close(open_family(&family));
	if (mnl_socket_set_ring(nl, bytes, 0) == -1 || mnl_socket_mmap(nl) == -1)
		die(EXIT_KERNEL, "no ring: %s", why_no_ring(errno, bytes));
	if (!mnl_ring_is_mapped(mnl_socket_get_ring(nl, MNL_RING_RX)))
		die(EXIT_KERNEL, "this kernel refused the ring");
	printf(out->json ? "{\"ring_kib\":%lu}\n" :
	       "rings work: %lu KiB were set and mapped\n", bytes >> 10);
	mnl_socket_close(nl);
}

static bool colour_argument(const char *when)
{
	if (!when || !strcmp(when, "always"))
		return true;
	if (!strcmp(when, "auto"))
		return isatty(STDOUT_FILENO);
	if (strcmp(when, "never"))
		die(EXIT_USAGE, "color: always, auto or never");
	return false;
}

static void run(const struct output *out, const char *command, char *args[])
{
	if (!strcmp(command, "help") || (args[0] && !strcmp(args[0], "help")))
		usage(stdout);
	else if (!strcmp(command, "show") || !strcmp(command, "list"))
		show(out, args);
	else if (!strcmp(command, "monitor"))
		monitor(out, args);
	else if (!strcmp(command, "check"))
		check(out, args);
	else
		die(EXIT_USAGE, "command \"%s\" is unknown, try \"mnl-ring help\"",
		    command);
}

int main(int argc, char *argv[])
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "processes", no_argument, NULL, 'p' },
		{ "color", optional_argument, NULL, 'c' },
		{ "Version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct output out = { 0 };
	int option;

	while ((option = getopt_long_only(argc, argv, "+jpcVh", options,
					  NULL)) != -1) {
		switch (option) {
		case 'j':
			out.json = true;
			break;
		case 'p':
			out.processes = true;
			break;
		case 'c':
			out.colour = colour_argument(optarg);
			break;
		case 'V':
			puts("mnl-ring utility, libmnl-mmap-" LIBMNL_MMAP_VERSION_STRING);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argv[optind])
		run(&out, argv[optind], argv + optind + 1);
	else
		run(&out, "show", argv + optind);
	return 0;
}
