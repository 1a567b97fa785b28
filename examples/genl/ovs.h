/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What ovs-upcall and ovs-upcall-mmap have in common: a datapath of Open
 * vSwitch in the kernel, with two ports, whose packets come to user space and
 * go out of the other port. Errors end the program.
 */
#ifndef OVS_H
#define OVS_H

#include <stdbool.h>
#include <signal.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

#define OVS_PORTS	2

struct ovs {
	uint16_t	datapath_family;
	uint16_t	vport_family;
	uint16_t	packet_family;
	int		dp_ifindex;	/* names the datapath in messages */
	uint64_t	upcalls;
	uint64_t	answers;
};

/* set by SIGINT and SIGTERM, which do not restart system calls */
extern volatile sig_atomic_t ovs_stop;
void ovs_catch_signals(void);

/*
 * Makes a datapath of this name, with these network interfaces for ports, whose
 * upcalls go to the socket: generic netlink, bound.
 */
void ovs_open(struct ovs *ovs, const char *name, char *ports[],
	      const struct mnl_socket *nl);
void ovs_close(const struct ovs *ovs);

/* bytes of the answer to an upcall, at the most */
size_t ovs_answer_size(const struct nlmsghdr *upcall);

/* Writes the answer: out of the other port. Its length, 0: no answer. */
size_t ovs_put_answer(struct ovs *ovs, void *buf,
		      const struct nlmsghdr *upcall);

void ovs_print_figures(const struct ovs *ovs);

#endif
