// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The strings of an event: see kobject-print.h.
 */
#include <stdio.h>
#include <string.h>

#include "kobject-print.h"

void print_strings(const char *buf, size_t len)
{
	const char *end = buf + len;
	size_t size;

	while (buf < end) {
		size = strnlen(buf, end - buf);
		printf("%.*s\n", (int)size, buf);
		buf += size + 1;
	}
	printf("\n");
	fflush(stdout);
}
