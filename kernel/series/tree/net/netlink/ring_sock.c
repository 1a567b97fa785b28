// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings of netlink sockets: what is between af_netlink.c and the ring core.
 *
 * A socket that never asked for a ring keeps netlink_ops, and costs the look at
 * one pointer for each message that is delivered to it. Once it asked it has
 * netlink_ring_ops, until it is closed; the core calls what netlink_ops has.
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

/* not NULL: netlink_ring_ops came after */
static struct nl_ring_sock *netlink_sock_rings(const struct socket *sock)
{
	return netlink_rings(sock->sk);
}

int netlink_ring_mmap(struct file *file, struct socket *sock,
		      struct vm_area_struct *vma)
{
	return nl_ring_mmap(netlink_sock_rings(sock), vma);
}

__poll_t netlink_ring_poll(struct file *file, struct socket *sock,
			   struct poll_table_struct *wait)
{
	return nl_ring_poll(netlink_sock_rings(sock), file, sock, wait);
}

int netlink_ring_sendmsg(struct socket *sock, struct msghdr *msg, size_t len)
{
	return nl_ring_sendmsg(netlink_sock_rings(sock), sock, msg, len);
}

int netlink_ring_recvmsg(struct socket *sock, struct msghdr *msg, size_t len,
			 int flags)
{
	return nl_ring_recvmsg(netlink_sock_rings(sock), sock, msg, len, flags);
}

/**
 * nl_host_recvmsg - the socket's own recvmsg
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see recvmsg(2)
 * @len: bytes of room in @msg
 * @flags: MSG_* of the call
 */
int nl_host_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags)
{
	return netlink_ops.recvmsg(sock, msg, len, flags);
}

/**
 * nl_host_dump_runs - will netlink have another part of a dump for the socket?
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
 * Return: whether it was made.
 */
bool nl_host_make_part(struct nl_ring_sock *rs, struct socket *sock,
		       unsigned int room)
{
	return netlink_continue_dump(rs->sk, room);
}

/**
 * nl_host_admit_senders - look at the queue, as after recvmsg()
 * @rs: rings of the socket
 * @sock: the socket
 */
void nl_host_admit_senders(struct nl_ring_sock *rs, struct socket *sock)
{
	netlink_rcv_wake(rs->sk);
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

/**
 * nl_ring_attach - make a socket ready for rings
 * @sock: the socket
 *
 * Return: 0, also when it is already; -EAFNOSUPPORT no netlink socket; -ENOMEM.
 */
int nl_ring_attach(struct socket *sock)
{
	struct nl_ring_sock *rs;

	if (!sock->sk || sock->sk->sk_family != PF_NETLINK)
		return -EAFNOSUPPORT;
	if (netlink_rings(sock->sk))
		return 0;

	rs = kmalloc(sizeof(*rs), GFP_KERNEL_ACCOUNT);
	if (!rs)
		return -ENOMEM;

	mutex_lock(&netlink_ring_mutex);
	if (!netlink_rings(sock->sk)) {
		nl_ring_sock_init(rs, sock->sk, &netlink_ops,
				  sock->file->f_cred->user_ns);
		nl_ring_list_add(rs);
		/* pairs with netlink_rings(): what it finds is initialised */
		smp_store_release(&nlk_sk(sock->sk)->rings, rs);
		/* after it; calls that run already finish with netlink_ops */
		smp_store_release(&sock->ops, &netlink_ring_ops);
		rs = NULL;
	}
	mutex_unlock(&netlink_ring_mutex);
	kfree(rs);
	return 0;
}

/* the first call for a socket */
int netlink_ring_setsockopt(struct socket *sock, int optname, sockptr_t optval,
			    unsigned int optlen)
{
	int err = nl_ring_attach(sock);

	if (err)
		return err;
	return nl_ring_setsockopt(netlink_rings(sock->sk), optname, optval,
				  optlen);
}

static int __init netlink_ring_init(void)
{
	return nl_ring_family_register();
}
subsys_initcall(netlink_ring_init);
