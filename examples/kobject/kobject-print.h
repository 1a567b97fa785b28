/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs for uevents have in common: the group, and the strings.
 */
#ifndef KOBJECT_PRINT_H
#define KOBJECT_PRINT_H

#include <stddef.h>

/* the kernel's group; udevd sends its own to group 2 */
#define KERNEL_EVENTS	1

/* Prints an event, a line for each string, and an empty one. */
void print_strings(const char *buf, size_t len);

#endif
