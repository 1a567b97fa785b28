/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What most examples do in the same way, written out in rtnl-link-dump.c (a request and
 * its answers) and in rtnl-link-event.c (events). Errors end the program.
 */
#ifndef TALK_H
#define TALK_H

#include <stdbool.h>
#include <libmnl/libmnl.h>

/*
 * Prints the usage and ends the program: to stdout, with success, if the first argument
 * is --help or -h; to stderr unless there are @least to @most arguments.
 */
void talk_arguments(int argc, char *argv[], int least, int most, const char *usage);

/* Prints the usage to stderr and ends the program. */
void talk_usage(const char *usage) __attribute__((noreturn));

/* A bound socket; protocol as for mnl_socket_open(), groups for mnl_socket_bind(). */
struct mnl_socket *talk_open(int protocol, unsigned int groups);

void talk_send(struct mnl_socket *nl, const struct nlmsghdr *nlh);

/* Sends it and waits for the acknowledgement; false: refused, see errno. */
bool talk_ask(struct mnl_socket *nl, struct nlmsghdr *nlh);

/*
 * Runs the callback over all messages, until it returns MNL_CB_STOP or a dump ends.
 * @seq 0: events.
 */
void talk_receive(struct mnl_socket *nl, unsigned int seq, mnl_cb_t cb, void *data);

#endif
