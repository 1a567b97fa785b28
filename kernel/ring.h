/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ring core of memory mapped netlink: what a socket's rings are, and the calls
 * that its owner (the module's glue, or af_netlink) makes.
 */
#ifndef NETLINK_MMAP_RING_H
#define NETLINK_MMAP_RING_H

#include <linux/atomic.h>
#include <linux/cache.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/net.h>
#include <linux/netlink.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/sockptr.h>
#include <linux/types.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <linux/netlink_mmap.h>

/*
 * Bits of NETLINK_CB(skb).flags, which netlink leaves alone in a receive queue.
 * What has one of them stays at the head of the queue, and nothing passes it:
 * the message that a COPY frame announces, and what the host put there itself.
 */
#define NL_RING_ANNOUNCED	BIT(30)
#define NL_RING_HOST		BIT(31)

/**
 * enum nl_ring_kind - what waits for the reader in an RX frame
 * @NL_RING_NOTHING: no message begins there, or the reader is done with it
 * @NL_RING_MESSAGE: one begins there
 * @NL_RING_COPY: the announcement of one that recvmsg() takes
 */
enum nl_ring_kind { NL_RING_NOTHING, NL_RING_MESSAGE, NL_RING_COPY };

/**
 * struct nl_ring_slot - what the kernel knows of an RX frame by itself
 * @len: bytes of the message that begins there
 * @span: frames of that message
 * @kind: enum nl_ring_kind
 * @passed_over: the reader kept it when the kernel was there last
 */
struct nl_ring_slot {
	u32	len;
	u32	span : 29;
	u32	kind : 2;
	u32	passed_over : 1;
};

/**
 * struct nl_ring_counters - what went through a ring
 * @messages: by frames or by recvmsg; TX: accepted
 * @bytes: their bytes
 * @by_ring: messages that went through frames
 * @by_copy: RX: messages that recvmsg took
 * @spilled: RX: of those by ring, how many waited in the queue until poll()
 * @spans: RX: of those by ring, how many took several frames
 * @errors: TX: frames refused
 */
struct nl_ring_counters {
	u64	messages;
	u64	bytes;
	u64	by_ring;
	u64	by_copy;
	u64	spilled;
	u64	spans;
	u64	errors;
};

/**
 * struct nl_ring - one ring, RX or TX
 * @req: geometry, as user space asked for it
 * @flags: NL_MMAP_F_*
 * @hdrlen: bytes in a frame before its message
 * @frames_per_block: frames in a block; what is left of the block is unused
 * @capacity: bytes of the longest message that fits a frame
 * @run_length: frames next to each other: of a block, or of the whole ring
 * @longest: RX: bytes of the longest message that does not come by COPY
 * @mem: the blocks, one after the other
 * @size: bytes of @mem
 * @control: RX: page for struct nl_mmap_control, or NULL
 * @slots: RX: of each frame
 * @queue: RX: the socket's receive queue
 * @compat: RX: the reader is a 32-bit program on a 64-bit kernel
 * @user: whose RLIMIT_MEMLOCK the pages count against, NULL with CAP_IPC_LOCK
 * @rcu: frees the ring when no delivery can be copying into its frames
 * @head: index of the frame that the kernel uses next
 * @unread: RX: frames before @head that the reader may not have read yet
 * @passed: RX: frames from @head on, known to be passed over
 * @waiting: RX: messages, or bytes, in the unread frames
 * @copies: RX: COPY frames among them
 * @copy: RX: the last COPY frame, or NULL
 * @overruns: RX: as the control page shows them
 * @error: TX: why the frame at @head was refused, if no call told yet
 * @counters: see there
 * @pending: RX: messages, or bytes, published since poll() looked
 *
 * Three groups of cache lines: what never changes, what changes with each
 * message, and what wake-ups need. The second group, and @slots, are protected by
 * the lock of the socket's receive queue, those of a TX ring by @tx_mutex.
 */
struct nl_ring {
	struct nl_mmap_req	req;
	u32			flags;
	unsigned int		hdrlen;
	unsigned int		frames_per_block;
	unsigned int		capacity;
	unsigned int		run_length;
	unsigned int		longest;
	void			*mem;
	size_t			size;
	struct nl_mmap_control	*control;
	struct nl_ring_slot	*slots;
	struct sk_buff_head	*queue;
	bool			compat;
	struct user_struct	*user;
	struct rcu_head		rcu;

	unsigned int		head ____cacheline_aligned_in_smp;
	unsigned int		unread;
	unsigned int		passed;
	unsigned int		copies;
	u64			waiting;
	struct nl_mmap_hdr	*copy;
	u32			overruns;
	int			error;
	struct nl_ring_counters	counters;

	atomic_t		pending ____cacheline_aligned_in_smp;
};

/**
 * struct nl_shadow - what a shadow ring knows of the receive queue
 * @set: the RX ring is a shadow
 * @next: position of the frame that the kernel uses next
 * @oldest: position of the oldest frame whose message is queued, or @next
 * @inside: calls in the original recvmsg, also without ring
 * @dump: a dump may be running, so that messages go through recvmsg
 * @errors: how often the socket had an error to report, since the ring was set
 * @look: netlink did not look at the queue since messages were dropped from it
 * @stuck: the first message without frame cannot have one
 * @pressure: what the control page says
 * @largest: charge of the largest message
 *
 * All under the lock of the receive queue, see ring_shadow.c.
 */
struct nl_shadow {
	bool		set;
	u32		next;
	u32		oldest;
	unsigned int	inside;
	bool		dump;
	u32		errors;
	bool		look;
	bool		stuck;
	bool		pressure;
	unsigned int	largest;
};

/**
 * struct nl_ring_sock - the rings of one socket
 * @sk: the socket
 * @ops: what the socket did before it had rings
 * @user_ns: user namespace that IDs in frame headers are translated to
 * @tx_mutex: one process at a time runs the TX ring
 * @map_mutex: no ring comes or goes while it is being mapped
 * @rx: RX ring or NULL
 * @tx: TX ring or NULL
 * @mapped: number of memory areas that map the rings; changes under @map_mutex
 * @mappers: processes that have these areas, see ring_map.c
 * @in_use: there are such areas, so messages go through the rings
 * @unsettled: there are none any more, and unread frames may be lost
 * @unmapped: RCU's state when the last of them went
 * @told: a delivery woke the reader for messages in the queue, and nobody looked
 * @moved: processes moved messages whose deliveries may yet come for the reader
 * @blocked: a poll() found the oldest frame claimed, and not yet published
 * @making: bit 0: a process makes the next part of a dump
 * @refused: the socket had an error to report, and netlink may refuse messages
 *	until it finds the queue empty
 * @sleepers: calls of recvmsg() that wait for a message
 * @wakeups: deliveries that found somebody waiting and woke him
 * @shadow: of a shadow ring
 * @list: in the list of all sockets with rings, see ring_family.c
 * @number: its place there
 *
 * Lock order: @tx_mutex, mmap_lock, @map_mutex, then the lock of the receive
 * queue (@sk->sk_receive_queue.lock), which is taken in any context and protects
 * @told, @moved and every change of @rx, @tx and @in_use. All three change under
 * @map_mutex, which protects @mappers, @unsettled and @unmapped, and @tx under
 * @tx_mutex as well. Nobody holds any of them, but @tx_mutex, while netlink runs
 * or user memory is touched.
 *
 * A ring is freed a grace period after it was taken from @rx or @tx. Deliveries
 * are in an RCU read-side critical section from the look at @rx until the
 * message is published.
 */
struct nl_ring_sock {
	struct sock		*sk;
	const struct proto_ops	*ops;
	struct user_namespace	*user_ns;
	struct mutex		tx_mutex;	/* senders from the TX ring */
	struct mutex		map_mutex;	/* mapping against set ring */
	struct nl_ring __rcu	*rx;
	struct nl_ring __rcu	*tx;
	atomic_t		mapped;
	struct list_head	mappers;
	bool			in_use;
	bool			unsettled;
	unsigned long		unmapped;
	bool			told;
	bool			moved;
	bool			blocked;
	unsigned long		making;
	bool			refused;
	atomic_t		sleepers;
	atomic64_t		wakeups;
	struct nl_shadow	shadow;
	struct list_head	list;
	u64			number;
};

/**
 * struct nl_ring_info - a ring as a listing shows it
 * @state: as getsockopt returns it
 * @in_use: frames that wait to be read or sent
 * @counters: see struct nl_ring_counters
 * @wakeups: RX: see struct nl_ring_sock
 * @drops: RX: messages that the socket lost
 */
struct nl_ring_info {
	struct nl_mmap_state	state;
	u32			in_use;
	struct nl_ring_counters	counters;
	u64			wakeups;
	u64			drops;
};

void nl_ring_sock_init(struct nl_ring_sock *rs, struct sock *sk,
		       const struct proto_ops *ops,
		       struct user_namespace *user_ns);
void nl_ring_sock_release(struct nl_ring_sock *rs);
void nl_ring_sock_destroy(struct nl_ring_sock *rs);

int nl_ring_setsockopt(struct nl_ring_sock *rs, int optname, sockptr_t optval,
		       unsigned int optlen);
int nl_ring_get_state(struct nl_ring_sock *rs, int optname, int len,
		      struct nl_ring_info *info);
int nl_ring_mmap(struct nl_ring_sock *rs, struct vm_area_struct *vma);
__poll_t nl_ring_poll(struct nl_ring_sock *rs, struct file *file,
		      struct socket *sock, poll_table *wait);
int nl_ring_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len);
int nl_ring_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags);
bool nl_ring_deliver(struct nl_ring_sock *rs, struct sk_buff *skb);
void nl_ring_overrun(struct nl_ring_sock *rs);
bool nl_ring_get_counters(struct nl_ring_sock *rs, int optname,
			  struct nl_ring_info *info);
bool nl_ring_get_info(struct nl_ring_sock *rs, int optname,
		      struct nl_ring_info *info);

extern struct genl_family nl_ring_family;
int nl_ring_put_counters(struct sk_buff *skb, int optname,
			 const struct nl_ring_info *info);
void nl_ring_list_add(struct nl_ring_sock *rs);
void nl_ring_list_del(struct nl_ring_sock *rs);

/*
 * What the core asks its host, who puts it in front of netlink: attach_host.c by
 * the operations of the socket, the patch series by what af_netlink.c has. Whether
 * a dump runs is asked under the lock of the receive queue, too.
 */
int nl_host_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len);
int nl_host_recvmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len, int flags);
bool nl_host_dump_runs(const struct nl_ring_sock *rs);
bool nl_host_make_part(struct nl_ring_sock *rs, struct socket *sock,
		       unsigned int room);
void nl_host_admit_senders(struct nl_ring_sock *rs, struct socket *sock);
bool nl_host_reports_loss(const struct nl_ring_sock *rs);

#endif /* NETLINK_MMAP_RING_H */
