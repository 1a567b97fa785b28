/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs take from the command line. Each of these prints what is
 * wrong with its argument, and exits then.
 */
#ifndef RTNL_ARGUMENTS_H
#define RTNL_ARGUMENTS_H

/* Returns the family; the address is 4 or 16 bytes. */
int parse_address(const char *text, void *address);

unsigned int interface_index(const char *name);

unsigned int prefix_length(const char *text, int family);

/* Returns the family that the only argument names: inet or inet6. */
int family_argument(int argc, char *argv[], const char *usage);

#endif
