/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring core of memory mapped netlink: what a socket's rings are, and the calls
 * that its owner (the module's glue, or af_netlink) makes.
 */
#ifndef NETLINK_MMAP_RING_H
#define NETLINK_MMAP_RING_H

#include <linux/atomic.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/poll.h>
#include <linux/sockptr.h>
#include <linux/types.h>
#include <linux/workqueue.h>
#include <net/sock.h>

/**
 * struct nl_ring - one ring, RX or TX
 * @ref: one for the socket, one for each copy into a frame that is under way
 * @free_work: frees the ring when its last reference goes in atomic context
 * @req: geometry, as user space asked for it
 * @frames_per_block: frames in a block; what is left of the block is unused
 * @capacity: bytes of the longest message that fits a frame
 * @mem: the blocks, one after the other
 * @size: bytes of @mem
 * @user: whose RLIMIT_MEMLOCK the pages count against, NULL with CAP_IPC_LOCK
 * @head: index of the frame that the kernel uses next
 * @claimed: RX: frames claimed since the ring exists; @head is its remainder
 * @released: RX: frames seen released by the reader, all those before it too;
 *	only poll() moves it, under @rx_mutex of the socket
 * @error: TX: why the frame at @head was refused, if no call told yet
 * @messages: messages that went through frames
 * @bytes: their bytes
 * @copies: COPY frames
 * @spilled: messages that waited in the queue before poll() moved them
 * @errors: TX frames refused
 *
 * @head, @claimed and the counters of an RX ring are protected by the lock of
 * the socket's receive queue, those of a TX ring by @tx_mutex.
 */
struct nl_ring {
	struct kref		ref;
	struct work_struct	free_work;
	struct nl_mmap_req	req;
	unsigned int		frames_per_block;
	unsigned int		capacity;
	void			*mem;
	size_t			size;
	struct user_struct	*user;

	unsigned int		head;
	u64			claimed;
	u64			released;
	int			error;

	u64			messages;
	u64			bytes;
	u64			copies;
	u64			spilled;
	u64			errors;
};

/**
 * struct nl_ring_sock - the rings of one socket
 * @sk: the socket
 * @ops: what the socket did before it had rings
 * @user_ns: user namespace that IDs in frame headers are translated to
 * @rx_mutex: one process at a time takes messages from the receive queue
 * @tx_mutex: one process at a time runs the TX ring
 * @map_mutex: no ring comes or goes while it is being mapped
 * @rx: RX ring or NULL
 * @tx: TX ring or NULL
 * @mapped: number of memory areas that map the rings
 * @filling: a process moves messages to frames; deliveries leave it to that
 * @copy: a COPY frame announces the message at the head of the queue
 * @copy_frame: that frame
 * @kick: somebody may wait, or be refused, until netlink looks at the queue
 *
 * Lock order: @rx_mutex or @tx_mutex, mmap_lock, @map_mutex, then the lock of
 * the receive queue (@sk->sk_receive_queue.lock), which is taken in any
 * context and protects @filling, @copy, @copy_frame and every change of @rx
 * and @tx. @rx changes under @rx_mutex and @tx under @tx_mutex as well.
 */
struct nl_ring_sock {
	struct sock		*sk;
	const struct proto_ops	*ops;
	struct user_namespace	*user_ns;
	struct mutex		rx_mutex;	/* consumers of the queue */
	struct mutex		tx_mutex;	/* senders from the TX ring */
	struct mutex		map_mutex;	/* mapping against set ring */
	struct nl_ring		*rx;
	struct nl_ring		*tx;
	atomic_t		mapped;
	bool			filling;
	bool			copy;
	void			*copy_frame;
	bool			kick;
};

/**
 * struct nl_ring_info - a ring as a listing shows it
 * @req: geometry, all zero when there is no such ring
 * @head: index of the frame that the kernel uses next
 * @messages: see struct nl_ring
 * @bytes: see struct nl_ring
 * @copies: see struct nl_ring
 * @spilled: see struct nl_ring
 * @errors: see struct nl_ring
 */
struct nl_ring_info {
	struct nl_mmap_req	req;
	u32			head;
	u64			messages;
	u64			bytes;
	u64			copies;
	u64			spilled;
	u64			errors;
};

int nl_ring_init(void);
void nl_ring_exit(void);

void nl_ring_sock_init(struct nl_ring_sock *rs, struct sock *sk,
		       const struct proto_ops *ops,
		       struct user_namespace *user_ns);
void nl_ring_sock_release(struct nl_ring_sock *rs);
void nl_ring_sock_destroy(struct nl_ring_sock *rs);

int nl_ring_setsockopt(struct nl_ring_sock *rs, int optname, sockptr_t optval,
		       unsigned int optlen);
int nl_ring_getsockopt(struct nl_ring_sock *rs, int optname,
		       char __user *optval, int __user *optlen);
int nl_ring_mmap(struct nl_ring_sock *rs, struct vm_area_struct *vma);
__poll_t nl_ring_poll(struct nl_ring_sock *rs, struct file *file,
		      struct socket *sock, poll_table *wait);
int nl_ring_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len);
int nl_ring_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags);
void nl_ring_deliver(struct nl_ring_sock *rs);
bool nl_ring_get_info(struct nl_ring_sock *rs, int optname,
		      struct nl_ring_info *info);

#endif /* NETLINK_MMAP_RING_H */
