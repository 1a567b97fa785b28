// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of netlink sockets: what the ring core asks af_netlink.c.
 *
 * A socket that never asked for a ring costs the look at one pointer for each
 * call, and for each message that is delivered to it.
 */
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/slab.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

#include "af_netlink.h"
#include "ring.h"

/* one socket at a time gets its struct nl_ring_sock */
static DEFINE_MUTEX(netlink_ring_mutex);

/**
 * nl_host_recvmsg - recvmsg() as without rings
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see recvmsg(2)
 * @len: bytes of room in @msg
 * @flags: MSG_* of the call
 */
int nl_host_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags)
{
	return netlink_plain_ops.recvmsg(sock, msg, len, flags);
}

/**
 * nl_host_sendmsg - sendmsg() as without rings
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see sendmsg(2)
 * @len: bytes of data
 */
int nl_host_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len)
{
	return netlink_plain_ops.sendmsg(sock, msg, len);
}

/**
 * nl_host_dump_runs - has the socket a dump with another part to come?
 * @rs: rings of the socket
 */
bool nl_host_dump_runs(const struct nl_ring_sock *rs)
{
	return READ_ONCE(nlk_sk(rs->sk)->cb_running);
}

/**
 * nl_host_make_part - make the next part of a dump
 * @rs: rings of the socket
 * @sock: the socket
 * @room: bytes that the reader offers, as to recvmsg()
 *
 * Not while an error waits for the program.
 *
 * Return: whether a part was made.
 */
bool nl_host_make_part(struct nl_ring_sock *rs, struct socket *sock,
		       unsigned int room)
{
	return !READ_ONCE(rs->sk->sk_err) && netlink_dump_part(rs->sk, room);
}

/**
 * nl_host_admit_senders - have netlink look at the queue, as after recvmsg()
 * @rs: rings of the socket
 * @sock: the socket
 *
 * Sleeping senders are woken, and refused ones are admitted again when the queue
 * is empty. As on a plain socket not before the program has received the error.
 */
void nl_host_admit_senders(struct nl_ring_sock *rs, struct socket *sock)
{
	if (READ_ONCE(rs->sk->sk_err))
		return;
	/* nothing is queued while it is refused: the queue stays empty */
	if (skb_queue_empty_lockless(&rs->sk->sk_receive_queue))
		WRITE_ONCE(rs->refused, false);
	netlink_rcv_wake(rs->sk);
}

/**
 * nl_host_reports_loss - is the program to be told that messages were lost?
 * @rs: rings of the socket
 */
bool nl_host_reports_loss(const struct nl_ring_sock *rs)
{
	return netlink_reports_loss(rs->sk);
}

/* in process context, before netlink takes the socket out of its tables */
void netlink_ring_release(struct nl_ring_sock *rs)
{
	nl_ring_list_del(rs);
	nl_ring_sock_release(rs);
}

/* in any context, with the socket */
void netlink_ring_destruct(struct nl_ring_sock *rs)
{
	nl_ring_sock_destroy(rs);
	kfree(rs);
}

/* 0, also when it is there already, or -ENOMEM */
static int netlink_ring_init_sock(struct socket *sock)
{
	struct nl_ring_sock *rs;

	if (netlink_rings(sock->sk))
		return 0;

	rs = kmalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs)
		return -ENOMEM;

	mutex_lock(&netlink_ring_mutex);
	if (!netlink_rings(sock->sk)) {
		nl_ring_sock_init(rs, sock->sk, &netlink_plain_ops,
				  sock->file->f_cred->user_ns);
		nl_ring_list_add(rs);
		/* pairs with netlink_rings(): what it finds is initialised */
		smp_store_release(&nlk_sk(sock->sk)->rings, rs);
		rs = NULL;
	}
	mutex_unlock(&netlink_ring_mutex);
	kfree(rs);
	return 0;
}

/* the first call for a socket gives it its struct nl_ring_sock */
int netlink_ring_setsockopt(struct socket *sock, int optname, sockptr_t optval,
			    unsigned int optlen)
{
	int err = netlink_ring_init_sock(sock);

	if (err)
		return err;
	return nl_ring_setsockopt(netlink_rings(sock->sk), optname, optval,
				  optlen);
}

static int __init netlink_ring_init(void)
{
	return genl_register_family(&nl_ring_family);
}
subsys_initcall(netlink_ring_init);
