// SPDX-License-Identifier: GPL-2.0-only
/*
 * TX ring of memory mapped netlink: many messages in one call.
 *
 * Messages are sent with the credentials of the process that runs the ring, as
 * those of any send call. What is in the frames may come from any process that
 * has the ring mapped, and only from those. So only these may run it: a process
 * that has just the descriptor, which it inherited, was given, or has as its
 * standard output, sends nothing that it cannot have seen. After fork() the child
 * has the mapping, too; after exec() it has not.
 *
 * What the kernel looks at is a private copy: a frame's length is read once,
 * the message is copied once, by sendmsg into an skb or into the buffer below.
 * Another thread that rewrites frames meanwhile changes which message is sent,
 * no more.
 *
 * Every message costs little but its skb. Those to the kernel's subsystems that
 * take several messages in an skb, one after the other, share one: see
 * nl_ring_gather(). Receivers cannot tell the difference.
 */
#include <linux/netfilter/nfnetlink.h>
#include <linux/overflow.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "ring_core.h"
#include "ring_trace.h"

/**
 * struct nl_ring_run - one call that runs the ring
 * @rs: rings of the socket
 * @ring: the TX ring
 * @sock: the socket
 * @msg: of the call; name and control data go with every skb
 * @buf: messages for one skb, NULL: each gets an skb of its own
 * @room: bytes of @buf
 * @sent: bytes of the messages that were accepted
 */
struct nl_ring_run {
	struct nl_ring_sock	*rs;
	struct nl_ring		*ring;
	struct socket		*sock;
	const struct msghdr	*msg;
	void			*buf;
	unsigned int		room;
	int			sent;
};

static void nl_ring_tx_release(struct nl_ring *ring)
{
	struct nl_mmap_hdr *hdr = nl_ring_at(ring, 0);

	/* poll() looks at the head without @tx_mutex */
	WRITE_ONCE(ring->head, nl_ring_index(ring, 1));
	nl_ring_set_status(hdr, NL_MMAP_STATUS_UNUSED);
}

/* Frames were released: wakes who waits for one in poll(). */
static void nl_ring_tx_wake(const struct nl_ring_run *run)
{
	/* a full fence comes before it looks for sleepers */
	run->rs->sk->sk_write_space(run->rs->sk);
}

static int nl_ring_send(const struct nl_ring_run *run, void *buf,
			unsigned int len)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = *run->msg;

	iov_iter_kvec(&msg.msg_iter, ITER_SOURCE, &vec, 1, len);
	return nl_shadow_sendmsg(run->rs, run->sock, &msg, len);
}

/*
 * Several messages in an skb
 */

/* Does netlink call the kernel's subsystem for each message of an skb? */
static bool nl_ring_takes_many(const struct sock *sk)
{
	switch (sk->sk_protocol) {
	case NETLINK_ROUTE:
	case NETLINK_GENERIC:
	case NETLINK_SOCK_DIAG:
	case NETLINK_XFRM:
		return true;
	case NETLINK_NETFILTER:
		/* without the right it answers the first one only */
		return sk_net_capable(sk, CAP_NET_ADMIN);
	default:
		return false;
	}
}

static bool nl_ring_to_kernel(const struct nl_ring_run *run)
{
	const struct sockaddr_nl *to = run->msg->msg_name;
	struct sockaddr_nl addr;

	if (!run->msg->msg_namelen) {
		if (run->rs->ops->getname(run->sock, (struct sockaddr *)&addr,
					  1) < 0)
			return false;
		to = &addr;
	} else if (run->msg->msg_namelen < sizeof(*to)) {
		return false;
	}
	return to->nl_family == AF_NETLINK && !to->nl_pid && !to->nl_groups;
}

static bool nl_ring_is_ready(struct nl_ring *ring, unsigned int offset)
{
	return nl_ring_status(nl_ring_at(ring, offset)) ==
	       NL_MMAP_STATUS_VALID;
}

static void nl_ring_get_buffer(struct nl_ring_run *run)
{
	struct nl_ring *ring = run->ring;
	struct sock *sk = run->rs->sk;

	/* one message needs none */
	if (ring->req.nm_frame_nr < 2 || !nl_ring_is_ready(ring, 0) ||
	    !nl_ring_is_ready(ring, 1))
		return;
	if (!nl_ring_takes_many(sk) || !nl_ring_to_kernel(run))
		return;
	/* netlink refuses an skb that is not 32 bytes under SO_SNDBUF */
	run->room = min_t(int, NLMSG_GOODSIZE, READ_ONCE(sk->sk_sndbuf) - 32);
	run->buf = kmalloc(run->room, GFP_KERNEL);
}

/* Are these messages that the receiver gets to the end of, and no further? */
static bool nl_ring_is_whole(const struct sock *sk, void *buf,
			     unsigned int len)
{
	struct nlmsghdr *nlh = buf;
	int left = len;

	if (len < sizeof(*nlh))
		return false;
	/* what follows would be a part of the transaction */
	if (sk->sk_protocol == NETLINK_NETFILTER &&
	    nlh->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		return false;
	while (nlmsg_ok(nlh, left))
		nlh = nlmsg_next(nlh, &left);
	return left <= 0;
}

/*
 * Copies messages to the buffer, frame by frame, as long as an skb may have
 * them in common. Returns the frames, @len their bytes, @padded those in the
 * buffer.
 */
static unsigned int nl_ring_gather(const struct nl_ring_run *run,
				   unsigned int most, unsigned int *len,
				   unsigned int *padded)
{
	struct nl_ring *ring = run->ring;
	struct nl_mmap_hdr *hdr;
	unsigned int n, bytes;
	void *buf;

	*len = 0;
	*padded = 0;
	for (n = 0; n < most && nl_ring_is_ready(ring, n); n++) {
		hdr = nl_ring_at(ring, n);
		bytes = READ_ONCE(hdr->nm_len);
		if (bytes > ring->capacity ||
		    NLMSG_ALIGN(bytes) > run->room - *padded)
			break;
		buf = run->buf + *padded;
		memcpy(buf, nl_ring_payload(ring, hdr), bytes);
		if (!nl_ring_is_whole(run->rs->sk, buf, bytes))
			break;
		memset(buf + bytes, 0, NLMSG_ALIGN(bytes) - bytes);
		*len += bytes;
		*padded += NLMSG_ALIGN(bytes);
	}
	return n;
}

/* Returns the frames sent, 0: the next one has to go alone. */
static unsigned int nl_ring_send_many(struct nl_ring_run *run,
				      unsigned int most)
{
	struct nl_ring *ring = run->ring;
	unsigned int frames, i, len, padded;

	if (!run->buf || ring->error)
		return 0;
	/* the sum is an int */
	most = min(most, (INT_MAX - run->sent) / run->room);
	frames = nl_ring_gather(run, most, &len, &padded);
	if (frames < 2 || nl_ring_send(run, run->buf, padded) < 0)
		return 0;

	ring->counters.messages += frames;
	ring->counters.by_ring += frames;
	ring->counters.bytes += len;
	run->sent += len;
	for (i = 0; i < frames; i++)
		nl_ring_tx_release(ring);
	nl_ring_tx_wake(run);
	return frames;
}

/*
 * One message in an skb
 */

/* The message may be sent by a later call; it must not be lost. */
static bool nl_ring_try_again(int err)
{
	return err == -EAGAIN || err == -ENOBUFS || err == -ENOMEM ||
	       err == -EINTR || err == -ERESTARTSYS;
}

/* the frame at the head as it is: bytes, or why it cannot be sent */
static int nl_ring_send_frame(const struct nl_ring_run *run, unsigned int len)
{
	struct nl_ring *ring = run->ring;
	int err;

	if (ring->error)
		return ring->error;
	if (len < NLMSG_HDRLEN || len > ring->capacity)
		return -EINVAL;
	err = nl_ring_send(run, nl_ring_payload(ring, nl_ring_at(ring, 0)), len);
	return err < 0 ? err : len;
}

/*
 * Sends the frame at the head, and gives it back. Returns the frames sent, 0
 * when it is not VALID, or errno.
 */
static int nl_ring_send_one(struct nl_ring_run *run)
{
	struct nl_ring *ring = run->ring;
	int err, sum;

	if (!ring->error && !nl_ring_is_ready(ring, 0))
		return 0;

	err = nl_ring_send_frame(run, READ_ONCE(nl_ring_at(ring, 0)->nm_len));
	if (err < 0 && nl_ring_try_again(err))
		return err;

	/* not sent twice: the next call only reports it */
	ring->error = err < 0 && run->sent ? err : 0;
	if (ring->error)
		return err;

	nl_ring_tx_release(ring);
	nl_ring_tx_wake(run);
	if (err < 0) {
		ring->counters.errors++;
		return err;
	}
	nl_ring_count(ring, &ring->counters.by_ring, err);
	/* keep the sum positive: the rest goes with the next call */
	if (check_add_overflow(run->sent, err, &sum))
		sum = INT_MAX;
	run->sent = sum;
	return 1;
}

static int nl_ring_send_all(struct nl_ring_run *run)
{
	unsigned int left = run->ring->req.nm_frame_nr;
	int frames;

	nl_ring_get_buffer(run);
	while (left && run->sent < INT_MAX) {
		frames = nl_ring_send_many(run, left);
		if (!frames)
			frames = nl_ring_send_one(run);
		if (frames <= 0 || signal_pending(current))
			break;
		left -= frames;
		cond_resched();
	}
	kfree(run->buf);
	return frames < 0 && !run->sent ? frames : run->sent;
}

/**
 * nl_ring_sendmsg - sendmsg() of a socket with rings
 * @rs: rings of the socket
 * @sock: the socket
 * @msg: see sendmsg(2); name and control data go with every message
 * @len: bytes of data: 0 runs the TX ring, if the calling process has it mapped;
 *	anything else is sent as it is
 *
 * Sends what is in the frames, in order. A frame that is refused ends the
 * run. If messages went before it, the call returns their bytes and the
 * next one comes back to the frame; otherwise the frame is released and the
 * call returns the error. A passing shortage releases nothing.
 *
 * Return: bytes of the messages accepted, 0 when no frame is VALID, or errno.
 */
int nl_ring_sendmsg(struct nl_ring_sock *rs, struct socket *sock,
		    struct msghdr *msg, size_t len)
{
	struct nl_ring_run run = { .rs = rs, .sock = sock, .msg = msg };
	int err = -ENODATA;

	if (len || !nl_ring_has_tx(rs) || !nl_ring_is_mapper(rs))
		return nl_shadow_sendmsg(rs, sock, msg, len);

	if (mutex_lock_interruptible(&rs->tx_mutex))
		return -ERESTARTSYS;
	run.ring = nl_ring_tx_set(rs);
	if (run.ring) {
		err = nl_ring_send_all(&run);
		trace_netlink_ring_tx(rs->sk, err);
	}
	mutex_unlock(&rs->tx_mutex);
	return err;
}

/* poll() of the TX ring; @mask if there is none */
__poll_t nl_ring_poll_tx(struct nl_ring_sock *rs, __poll_t mask)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_mmap_hdr *hdr;
	struct nl_ring *ring;

	if (!nl_ring_has_tx(rs))
		return mask;

	spin_lock_irq(&queue->lock);
	ring = nl_ring_tx(rs);
	if (ring) {
		hdr = nl_ring_frame(ring, READ_ONCE(ring->head));
		mask &= ~(EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
		if (nl_ring_status(hdr) == NL_MMAP_STATUS_UNUSED)
			mask |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	}
	spin_unlock_irq(&queue->lock);
	return mask;
}
