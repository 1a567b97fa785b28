/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the module share that are not the ring core: see attach.c.
 */
#ifndef NETLINK_MMAP_ATTACH_H
#define NETLINK_MMAP_ATTACH_H

#include "ring.h"

/**
 * struct nlm_sock - an attached socket
 * @rings: its rings
 * @token: one byte that has netlink make the next part of a dump
 * @calls: calls of netlink's recvmsg and sendmsg that run
 * @callers: sum of the tasks that make them
 * @takers: those of recvmsg that take messages
 * @lookers: those of recvmsg that take nothing, see nlm_look()
 * @entered: how often a call of recvmsg began
 * @answers: how often a message came from within one of the calls
 * @errors: how often an error was reported
 * @gone: errors that were reported, and gone: as many lookers have one
 * @skipped: no part of a dump was made because of the takers
 * @dump: a dump may be running
 * @no_enobufs: NETLINK_NO_ENOBUFS, if it was set since the socket was attached
 *
 * All but the last one are protected by the lock of the receive queue.
 */
struct nlm_sock {
	struct nl_ring_sock	rings;
	struct sk_buff		*token;
	unsigned int		calls;
	unsigned long		callers;
	unsigned int		takers;
	unsigned int		lookers;
	unsigned int		entered;
	unsigned int		answers;
	unsigned int		errors;
	unsigned int		gone;
	bool			skipped;
	bool			dump;
	bool			no_enobufs;
};

static inline struct nlm_sock *nlm_of(const struct nl_ring_sock *rs)
{
	return container_of(rs, struct nlm_sock, rings);
}

/* attach.c: of a socket that nobody has touched */
extern void (*nlm_orig_data_ready)(struct sock *sk);
extern void (*nlm_orig_error_report)(struct sock *sk);

/* attach_host.c */
struct nlm_sock *nlm_alloc(void);
void nlm_free(struct nlm_sock *nlm);
bool nlm_has_error(const struct sock *sk);
void nlm_note_delivery(struct nlm_sock *nlm);
void nlm_note_error(struct nlm_sock *nlm);

#endif /* NETLINK_MMAP_ATTACH_H */
