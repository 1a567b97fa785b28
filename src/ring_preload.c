// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libmnl-ring-preload.so: RX rings for programs that receive from netlink
 * sockets by recv(2) and the like, with another library than libmnl or with
 * none. They are started with LD_PRELOAD; nothing else of them changes.
 *
 * A socket gets its ring when the program first receives from it. poll(2),
 * select(2) and epoll(7) know of the ring by themselves. Sockets that want to
 * be told more of a message than its address (SO_PASSCRED, NETLINK_PKTINFO,
 * NETLINK_LISTEN_ALL_NSID) stay as they are.
 *
 * The address of a message is the kernel's for messages from the kernel, with
 * the multicast group; for those from processes it has the process ID where
 * the port ID was.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <libmnl/libmnl.h>

#include "ring.h"

#define DESCRIPTORS	1024

enum kind {
	UNKNOWN,	/* not looked at since it was opened */
	PLAIN,
	WITH_RING,
	CLOSED,		/* while another thread receives: plain, until it ends */
};

static struct descriptor {
	enum kind		kind;
	struct mnl_socket	*nl;
	struct mnl_ring		*ring;
	pthread_mutex_t		lock;	/* of the ring */
} descriptors[DESCRIPTORS] = {
	[0 ... DESCRIPTORS - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

/* The calls below are the library's own, and go to the kernel. */
static __thread bool inside __attribute__((tls_model("initial-exec")));

/*
 * System calls
 */

static ssize_t real_recvmsg(int fd, struct msghdr *msg, int flags)
{
	return syscall(SYS_recvmsg, fd, msg, flags);
}

static ssize_t real_recvfrom(int fd, void *buf, size_t len, int flags,
			     struct sockaddr *addr, socklen_t *addr_len)
{
	return syscall(SYS_recvfrom, fd, buf, len, flags, addr, addr_len);
}

/*
 * Descriptors
 */

static enum kind kind_of(const struct descriptor *d)
{
	return __atomic_load_n(&d->kind, __ATOMIC_RELAXED);
}

static void set_kind(struct descriptor *d, enum kind kind)
{
	__atomic_store_n(&d->kind, kind, __ATOMIC_RELAXED);
}

static int option(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	if (getsockopt(fd, level, name, &value, &len) == -1)
		return 0;
	return value;
}

static bool may_have_ring(int fd)
{
	return option(fd, SOL_SOCKET, SO_DOMAIN) == AF_NETLINK &&
	       !option(fd, SOL_SOCKET, SO_PASSCRED) &&
	       !option(fd, SOL_NETLINK, NETLINK_PKTINFO) &&
	       !option(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID);
}

static bool set_ring(struct descriptor *d, int fd)
{
	d->nl = mnl_socket_fdopen(fd);
	if (d->nl == NULL)
		return false;
	if (!mnl_socket_mmap_unasked(d->nl)) {
		free(d->nl);
		return false;
	}
	d->ring = mnl_socket_get_ring(d->nl, MNL_RING_RX);
	return true;
}

/* Once for each descriptor; not to be cancelled in the middle of it. */
static void look_at(struct descriptor *d, int fd)
{
	int saved = errno, state;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	set_kind(d, may_have_ring(fd) && set_ring(d, fd) ? WITH_RING : PLAIN);
	pthread_setcancelstate(state, NULL);
	errno = saved;
}

/* also called when a thread is cancelled while it waits */
static void put_descriptor(void *data)
{
	struct descriptor *d = data;

	if (kind_of(d) == CLOSED) {
		/* the number may be another file's */
		d->nl->fd = d->nl->rings->fd = -1;
		mnl_socket_close(d->nl);
		set_kind(d, UNKNOWN);
	}
	inside = false;
	pthread_mutex_unlock(&d->lock);
}

/* locked, or NULL: no ring */
static struct descriptor *get_descriptor(int fd)
{
	struct descriptor *d;
	enum kind kind;

	if (inside || fd < 0 || fd >= DESCRIPTORS)
		return NULL;
	d = &descriptors[fd];
	kind = kind_of(d);
	if (kind == PLAIN || kind == CLOSED)
		return NULL;
	pthread_mutex_lock(&d->lock);
	inside = true;
	if (kind_of(d) == UNKNOWN)
		look_at(d, fd);
	if (kind_of(d) == WITH_RING)
		return d;
	put_descriptor(d);
	return NULL;
}

/* another file may have this number from now on */
static bool forget_descriptor(int fd, int *ret)
{
	struct descriptor *d;
	bool closed = false;

	if (inside || fd < 0 || fd >= DESCRIPTORS)
		return false;
	d = &descriptors[fd];
	if (kind_of(d) == PLAIN)
		set_kind(d, UNKNOWN);
	if (kind_of(d) != WITH_RING)
		return false;
	if (pthread_mutex_trylock(&d->lock) != 0) {
		/* it may sleep for ever, as on a plain socket that is closed */
		set_kind(d, CLOSED);
		if (pthread_mutex_trylock(&d->lock) != 0)
			return false;
	}
	inside = true;
	if (kind_of(d) == WITH_RING) {
		*ret = mnl_socket_close(d->nl);
		set_kind(d, UNKNOWN);
		closed = true;
	}
	put_descriptor(d);
	return closed;
}

/*
 * Receiving
 */

static void put_address(struct msghdr *msg, const struct nl_mmap_hdr *hdr)
{
	struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_pid = hdr->nm_pid,
		.nl_groups = hdr->nm_group ? 1U << (hdr->nm_group - 1) : 0,
	};

	if (msg->msg_name != NULL)
		memcpy(msg->msg_name, &addr, msg->msg_namelen < sizeof(addr) ?
		       msg->msg_namelen : sizeof(addr));
	msg->msg_namelen = sizeof(addr);
}

static size_t copy_message(const struct msghdr *msg, const char *from,
			   size_t len)
{
	size_t copied = 0, part, i;

	for (i = 0; i < (size_t)msg->msg_iovlen && copied < len; i++) {
		part = len - copied;
		if (part > msg->msg_iov[i].iov_len)
			part = msg->msg_iov[i].iov_len;
		/* a program that only measures has no memory */
		if (part > 0)
			memcpy(msg->msg_iov[i].iov_base, from + copied, part);
		copied += part;
	}
	return copied;
}

static size_t room_of(const struct msghdr *msg)
{
	size_t room = 0, i;

	for (i = 0; i < (size_t)msg->msg_iovlen; i++)
		room += msg->msg_iov[i].iov_len;
	return room;
}

/* the message that a frame announces, or has */
static ssize_t receive_current(struct ring_rx *rx, struct msghdr *msg,
			       int flags)
{
	struct mnl_ring *ring = &rx->ring;
	struct nl_mmap_hdr *hdr = ring_frame(ring, ring->head);
	size_t len = hdr->nm_len, copied;
	ssize_t ret;

	if (frame_status(hdr) == NL_MMAP_STATUS_COPY) {
		ret = real_recvmsg(ring->rings->fd, msg, flags | MSG_DONTWAIT);
		if (ret == -1 && errno != EAGAIN)
			return -1;
	} else {
		copied = copy_message(msg, frame_payload(ring, hdr), len);
		put_address(msg, hdr);
		msg->msg_controllen = 0;
		msg->msg_flags = copied < len ? MSG_TRUNC : 0;
		ret = flags & MSG_TRUNC ? len : copied;
	}
	if (!(flags & MSG_PEEK))
		ring_frames_pass_on(rx);
	return ret;
}

/* in a child that has no mapping of its own: a plain receive */
static ssize_t receive(struct mnl_ring *ring, struct msghdr *msg, int flags)
{
	struct ring_rx *rx = ring_get_rx(ring);
	size_t room = room_of(msg);
	ssize_t ret = 0;

	if (ring->mem == NULL)
		return real_recvmsg(ring->rings->fd, msg, flags);
	rx->source->offer(rx, room ? room : 1);
	do {
		switch (rx->source->ready(rx)) {
		case -1:
			ring_take_error(rx);
			return -1;
		case 0:
			if (ring_wait_as_recvmsg(rx, flags) == -1)
				return -1;
		}
		ret = receive_current(rx, msg, flags);
	} while (ret == -1 && errno == EAGAIN);
	return ret;
}

/*
 * What programs call
 */

EXPORT_SYMBOL ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct descriptor *d = get_descriptor(fd);
	ssize_t ret;

	if (d == NULL)
		return real_recvmsg(fd, msg, flags);
	pthread_cleanup_push(put_descriptor, d);
	ret = receive(d->ring, msg, flags);
	pthread_cleanup_pop(true);
	return ret;
}

EXPORT_SYMBOL ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
			       struct sockaddr *addr, socklen_t *addr_len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name = addr,
		.msg_namelen = addr != NULL ? *addr_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	struct descriptor *d = get_descriptor(fd);
	ssize_t ret;

	if (d == NULL)
		return real_recvfrom(fd, buf, len, flags, addr, addr_len);
	pthread_cleanup_push(put_descriptor, d);
	ret = receive(d->ring, &msg, flags);
	pthread_cleanup_pop(true);
	if (ret != -1 && addr != NULL)
		*addr_len = msg.msg_namelen;
	return ret;
}

EXPORT_SYMBOL ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

static bool is_over(const struct timespec *timeout,
		    const struct timespec *start)
{
	struct timespec now;

	if (timeout == NULL)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec -= start->tv_sec + timeout->tv_sec;
	now.tv_nsec -= start->tv_nsec + timeout->tv_nsec;
	return now.tv_sec * 1000000000LL + now.tv_nsec >= 0;
}

static int receive_many(struct mnl_ring *ring, struct mmsghdr *msgs,
			unsigned int nr, int flags,
			const struct timespec *timeout)
{
	struct timespec start;
	unsigned int i;
	ssize_t ret;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (i = 0; i < nr && (i == 0 || !is_over(timeout, &start)); i++) {
		ret = receive(ring, &msgs[i].msg_hdr, flags);
		if (ret == -1)
			break;
		msgs[i].msg_len = ret;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
	}
	return i > 0 || nr == 0 ? (int)i : -1;
}

EXPORT_SYMBOL int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr,
			   int flags, struct timespec *timeout)
{
	struct descriptor *d = get_descriptor(fd);
	int ret;

	if (d == NULL)
		return syscall(SYS_recvmmsg, fd, msgs, nr, flags, timeout);
	pthread_cleanup_push(put_descriptor, d);
	ret = receive_many(d->ring, msgs, nr, flags, timeout);
	pthread_cleanup_pop(true);
	return ret;
}

EXPORT_SYMBOL int close(int fd)
{
	int ret;

	if (forget_descriptor(fd, &ret))
		return ret;
	return syscall(SYS_close, fd);
}

EXPORT_SYMBOL int dup2(int from, int to)
{
	int ret;

	if (from != to)
		forget_descriptor(to, &ret);
	return from == to ? fcntl(from, F_GETFD) == -1 ? -1 : to :
			    (int)syscall(SYS_dup3, from, to, 0);
}

EXPORT_SYMBOL int dup3(int from, int to, int flags)
{
	int ret;

	if (from != to)
		forget_descriptor(to, &ret);
	return syscall(SYS_dup3, from, to, flags);
}
