// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the programs take from the command line: see rtnl-arguments.h.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../talk.h"
#include "rtnl-arguments.h"

/* The address in the text, of whatever family; exits if it is none. */
int parse_address(const char *text, void *address)
{
	if (inet_pton(AF_INET, text, address) == 1)
		return AF_INET;
	if (inet_pton(AF_INET6, text, address) == 1)
		return AF_INET6;
	fprintf(stderr, "%s is no address\n", text);
	exit(EXIT_FAILURE);
}

unsigned int interface_index(const char *name)
{
	unsigned int index = if_nametoindex(name);

	if (index == 0) {
		perror(name);
		exit(EXIT_FAILURE);
	}
	return index;
}

unsigned int prefix_length(const char *text, int family)
{
	unsigned long max = family == AF_INET ? 32 : 128, value;
	char *end;

	value = strtoul(text, &end, 10);
	if (end == text || *end || value > max) {
		fprintf(stderr, "%s is no length of a prefix\n", text);
		exit(EXIT_FAILURE);
	}
	return value;
}

int family_argument(int argc, char *argv[], const char *usage)
{
	talk_arguments(argc, argv, 1, 1, usage);
	if (strcmp(argv[1], "inet") == 0)
		return AF_INET;
	if (strcmp(argv[1], "inet6") == 0)
		return AF_INET6;
	talk_usage(usage);
}
