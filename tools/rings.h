/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rings of a network namespace, as the kernel lists them. Errors end the program.
 */
#ifndef MNL_RING_RINGS_H
#define MNL_RING_RINGS_H

#include <stdbool.h>
#include <stdint.h>
#include <linux/netlink_mmap.h>
#include <libmnl/libmnl.h>

/* exit status, as iproute2 has them */
#define EXIT_USAGE	1
#define EXIT_KERNEL	2

/* one ring: an attribute of the family each, by its number */
struct ring {
	uint64_t values[NETLINK_MMAP_A_RING_MAX + 1];
};

struct rings {
	struct ring *ring;
	unsigned int count;
};

/* "mnl-ring: ", the text and a new line to stderr, and exit */
void die(int status, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

/* the name of a netlink protocol, or NULL */
const char *protocol_name(uint64_t protocol);

/* the number of a protocol that was given by name or number, or -1 */
int protocol_number(const char *text);

/* errno says why there is no netlink socket */
void die_without_socket(void) __attribute__((noreturn));

/* the kernel's family of rings */
struct mnl_socket *open_family(uint16_t *family);

/* protocol -1: all rings */
struct rings get_rings(struct mnl_socket *nl, uint16_t family, int protocol);

#endif
