// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Plays a kernel with rings in the test program, on any kernel: the system
 * calls that the library makes land here, because a program's functions come
 * before those of libc. Rings are plain memory; messages are those of the real
 * socket, moved to frames when the program polls or receives. A tool to reach
 * every line of the library; what a kernel really does is tested in tests/vm.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <linux/genetlink.h>
#include <linux/netlink_mmap.h>
#include <libmnl/libmnl.h>

#include "played-kernel.h"

#define SOCKETS		64
#define FAMILY_ID	0x77
#define FRAMES		2048

struct played_ring {
	struct nl_mmap_req	req;
	unsigned int		flags;
	unsigned int		header;	/* bytes in front of a message */
	char			*mem;
	unsigned int		head;
	unsigned short		span[FRAMES];	/* 0: no message begins here */
	bool			passed[FRAMES];	/* kept when we came by */
	int			error;		/* TX: to be told */
};

/* the mapping of a process */
struct played_map {
	void			*addr;
	pid_t			pid;
};

struct played_socket {
	bool			attached;
	pid_t			opener;
	bool			copy;		/* a COPY frame is out */
	int			error;		/* SO_ERROR */
	struct played_ring	ring[2];
	struct nl_mmap_control	*control;
	struct played_map	maps[2];
	int			memory;		/* of the frames: a file */
	size_t			size;
	unsigned int		answers;	/* genl: waiting */
	char			answer[2][256];
};

struct played_kernel played;

/* one kernel for the program and its children */
static struct played_socket *sockets;

/* the function of libc behind the one that is defined here */
#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/*
 * What runs before a thread sanitizer is ready for instrumented code: its
 * start maps memory and closes files.
 */
#define EARLY __attribute__((no_sanitize("thread")))

static int fail(int error)
{
	errno = error;
	return -1;
}

static EARLY struct played_socket *played_socket(int fd)
{
	if (sockets == NULL || fd < 0 || fd >= SOCKETS)
		return NULL;
	return &sockets[fd];
}

static __attribute__((constructor)) void boot(void)
{
	sockets = REAL(mmap)(NULL, SOCKETS * sizeof(*sockets),
			     PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sockets == MAP_FAILED)
		abort();
}

static bool has_ring(int fd, enum mnl_ring_type type)
{
	struct played_socket *s = played_socket(fd);

	return s != NULL && s->ring[type].mem != NULL;
}

/*
 * Setting and mapping
 */

static struct played_ring *option_ring(int fd, int level, int option)
{
	struct played_socket *s = played_socket(fd);

	if (s == NULL || level != SOL_NETLINK)
		return NULL;
	if (option == NETLINK_RX_RING)
		return &s->ring[MNL_RING_RX];
	return option == NETLINK_TX_RING ? &s->ring[MNL_RING_TX] : NULL;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	struct played_ring *ring = option_ring(fd, level, option);
	const struct nl_mmap_req *req = value;
	unsigned int flags = 0;

	if (ring == NULL || fcntl(fd, F_GETFD) == -1)
		return REAL(setsockopt)(fd, level, option, value, len);
	if (!sockets[fd].attached)
		return fail(ENOPROTOOPT);
	if (sockets[fd].maps[0].addr != NULL ||
	    sockets[fd].maps[1].addr != NULL)
		return fail(EBUSY);
	if (played.set_error)
		return fail(played.set_error);
	if (ring->req.nm_frame_nr > 0 && req->nm_block_nr > 0)
		return fail(EBUSY);
	if (req->nm_frame_nr > 0 && (req->nm_frame_size < NL_MMAP_HDRLEN ||
				     req->nm_block_size < req->nm_frame_size))
		return fail(EINVAL);
	if (played.bytes_allowed &&
	    req->nm_block_size * req->nm_block_nr > played.bytes_allowed)
		return fail(ENOBUFS);
	if (len >= sizeof(struct nl_mmap_req2) && !played.old)
		flags = ((const struct nl_mmap_req2 *)value)->nm_flags;
	if (flags & ~(NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL |
		      (played.no_features ? 0 : NL_MMAP_F_SENDER)))
		return fail(EINVAL);
	memset(ring, 0, sizeof(*ring));
	ring->req = *req;
	ring->flags = flags;
	ring->header = flags & NL_MMAP_F_SENDER ? NL_MMAP_HDR2LEN :
						  NL_MMAP_HDRLEN;
	return 0;
}

static int get_ring(const struct played_ring *ring, void *value,
		    socklen_t *len)
{
	struct nl_mmap_state state = {
		.req = ring->req,
		.nm_head = ring->head,
		.nm_flags = ring->flags,
		.nm_features = NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL |
			       NL_MMAP_F_SENDER,
	};
	socklen_t known = played.no_features ?
			  offsetof(struct nl_mmap_state, nm_features) :
			  sizeof(state);

	if (played.old)
		return fail(ENOPROTOOPT);
	if (*len > known)
		*len = known;
	memcpy(value, &state, *len);
	return 0;
}

static size_t ring_size(const struct played_ring *ring)
{
	return (size_t)ring->req.nm_block_size * ring->req.nm_block_nr;
}

/* the frames, once, and as the kernel sees them */
static void make_memory(struct played_socket *s, size_t size)
{
	char *mem;

	if (s->memory > 0)
		return;
	s->memory = memfd_create("frames", 0);
	if (s->memory < 0 || ftruncate(s->memory, size) == -1)
		abort();
	mem = REAL(mmap)(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 s->memory, 0);
	if (mem == MAP_FAILED)
		abort();
	s->size = size;
	if (ring_size(&s->ring[0]) > 0)
		s->ring[0].mem = mem;
	if (ring_size(&s->ring[1]) > 0)
		s->ring[1].mem = mem + ring_size(&s->ring[0]);
	if (s->ring[0].flags & NL_MMAP_F_CONTROL)
		s->control = (void *)(mem + size - getpagesize());
}

static void drop_memory(struct played_socket *s)
{
	char *mem = s->ring[0].mem ? s->ring[0].mem : s->ring[1].mem;

	if (s->memory <= 0)
		return;
	REAL(munmap)(mem, s->size);
	REAL(close)(s->memory);
	s->memory = 0;
	s->control = NULL;
	s->ring[0].mem = s->ring[1].mem = NULL;
}

EARLY void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	struct played_socket *s = played_socket(fd);
	struct played_map *map;
	size_t size;

	if (s == NULL || !s->attached)
		return REAL(mmap)(addr, len, prot, flags, fd, offset);
	size = ring_size(&s->ring[0]) + ring_size(&s->ring[1]);
	if (size > 0 && s->ring[0].flags & NL_MMAP_F_CONTROL)
		size += getpagesize();
	if (played.mmap_error || size == 0 || len != size) {
		errno = played.mmap_error ? played.mmap_error : EINVAL;
		return MAP_FAILED;
	}
	make_memory(s, size);
	map = s->maps[0].addr != NULL ? &s->maps[1] : &s->maps[0];
	map->addr = REAL(mmap)(addr, len, prot, MAP_SHARED, s->memory, 0);
	map->pid = getpid();
	return map->addr;
}

EARLY int munmap(void *addr, size_t len)
{
	struct played_map *map;
	int i;

	for (i = 0; sockets != NULL && i < 2 * SOCKETS; i++) {
		map = &sockets[i / 2].maps[i % 2];
		if (addr != NULL && map->addr == addr && map->pid == getpid())
			map->addr = NULL;
	}
	return REAL(munmap)(addr, len);
}

/* a child that closes its copy ends nothing */
EARLY int close(int fd)
{
	struct played_socket *s = played_socket(fd);

	if (s != NULL && s->opener == getpid()) {
		drop_memory(s);
		memset(s, 0, sizeof(*s));
	}
	return REAL(close)(fd);
}

/*
 * Frames
 */

static struct nl_mmap_hdr *frame(const struct played_ring *ring,
				 unsigned int index)
{
	unsigned int per_block = ring->req.nm_block_size /
				 ring->req.nm_frame_size;

	return (void *)(ring->mem +
			index / per_block * ring->req.nm_block_size +
			index % per_block * ring->req.nm_frame_size);
}

struct nl_mmap_hdr *played_rx_frame(int fd, unsigned int index)
{
	return has_ring(fd, MNL_RING_RX) ?
	       frame(&sockets[fd].ring[MNL_RING_RX], index) : NULL;
}

struct nl_mmap_control *played_control(int fd)
{
	return sockets[fd].control;
}

static unsigned int status(const struct nl_mmap_hdr *hdr)
{
	return __atomic_load_n(&hdr->nm_status, __ATOMIC_ACQUIRE);
}

static void set_status(struct nl_mmap_hdr *hdr, unsigned int value)
{
	__atomic_store_n(&hdr->nm_status, value, __ATOMIC_RELEASE);
}

static struct nl_mmap_hdr *frame_at(const struct played_ring *ring,
				    unsigned int offset)
{
	return frame(ring, (ring->head + offset) % ring->req.nm_frame_nr);
}

static void advance(struct played_ring *ring, unsigned int frames)
{
	ring->head = (ring->head + frames) % ring->req.nm_frame_nr;
}

static void publish(struct played_ring *ring, unsigned int value,
		    unsigned int len, unsigned int span)
{
	struct nl_mmap_hdr *hdr = frame(ring, ring->head);
	unsigned int i;

	for (i = 0; i < span; i++)
		ring->span[ring->head + i] = ring->passed[ring->head + i] = 0;
	ring->span[ring->head] = span;
	hdr->nm_len = len;
	hdr->nm_uid = hdr->nm_gid = 0;
	set_status(hdr, value);
	advance(ring, span);
}

void played_frame(int fd, unsigned int value, unsigned int len)
{
	publish(&sockets[fd].ring[MNL_RING_RX], value, len, 1);
}

static unsigned int capacity(const struct played_ring *ring)
{
	return ring->req.nm_frame_size - ring->header;
}

/* frames of a message, 0: it comes by COPY */
static unsigned int span_of(const struct played_ring *ring, unsigned int len)
{
	unsigned int size = ring->req.nm_frame_size, span;

	if (len <= capacity(ring))
		return 1;
	span = (ring->header + len + size - 1) / size;
	return ring->flags & NL_MMAP_F_SPAN &&
	       span <= ring->req.nm_frame_nr / 2 ? span : 0;
}

static bool is_free(const struct played_ring *ring, unsigned int offset)
{
	unsigned int nr = ring->req.nm_frame_nr;

	if (status(frame_at(ring, offset)) != NL_MMAP_STATUS_UNUSED)
		return false;
	/* passed over: only when the one behind is read */
	while (offset < nr && ring->passed[(ring->head + offset) % nr])
		offset++;
	return offset == nr || status(frame_at(ring, offset)) ==
			       NL_MMAP_STATUS_UNUSED;
}

static void pass_over(struct played_ring *ring)
{
	unsigned int i, span = ring->span[ring->head];

	for (i = 0; i < span; i++)
		ring->passed[ring->head + i] = true;
	advance(ring, span);
}

/* Can a message have these frames? -1: not these; 0: not yet; 1: yes. */
static int has_room(struct played_ring *ring, unsigned int span)
{
	unsigned int nr = ring->req.nm_frame_nr, looks, i;

	for (looks = nr; looks && status(frame_at(ring, 0)) ==
				  NL_MMAP_STATUS_SKIP; looks--)
		pass_over(ring);
	if (ring->head + span > nr)
		return -1;
	for (i = 0; i < span; i++) {
		if (status(frame_at(ring, i)) == NL_MMAP_STATUS_SKIP)
			return -1;
		if (!is_free(ring, i))
			return 0;
	}
	/* where the reader may be, it must find no middle of a message */
	for (i = span - 1; i < nr; i++)
		if (!ring->passed[(ring->head + i) % nr])
			return 1;
	return span == 1 ? 1 : -1;
}

/* words that a reader may look at, in the headers of the frames behind */
static void copy_words(uint32_t *to, const uint32_t *from, size_t len)
{
	size_t i;

	for (i = 0; i < (len + 3) / 4; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

int played_deliver(int fd, const void *msg, size_t len)
{
	struct played_ring *ring = &sockets[fd].ring[MNL_RING_RX];
	unsigned int span = span_of(ring, len);
	int room = span ? has_room(ring, span) : -1;

	if (room == 1) {
		/* in use before the message is written over the headers behind */
		set_status(frame_at(ring, 0), NL_MMAP_STATUS_RESERVED);
		__atomic_thread_fence(__ATOMIC_RELEASE);
		copy_words((void *)((char *)frame_at(ring, 0) + ring->header),
			   msg, len);
		publish(ring, NL_MMAP_STATUS_VALID, len, span);
	}
	return room;
}

/* the socket lost a message */
void played_loss(int fd)
{
	struct played_socket *s = &sockets[fd];

	s->error = ENOBUFS;
	if (s->control != NULL && !played.no_features)
		__atomic_add_fetch(&s->control->nmc_overruns, 1,
				   __ATOMIC_RELEASE);
}

/* what netlink sees as the size of the reader's buffer */
static size_t offered_room(int fd)
{
	const struct played_socket *s = &sockets[fd];
	const struct played_ring *ring = &s->ring[MNL_RING_RX];

	if (!played.no_features && !played.old && s->control != NULL &&
	    s->control->nmc_room > 0)
		return s->control->nmc_room;
	return ring->req.nm_frame_nr / 2 * ring->req.nm_frame_size;
}

/* the longest message of a test, or the room of the largest ring */
static char message[4 << 20];

/* A look makes the next part of a dump, as a receive does. */
static bool has_message(int fd, ssize_t *len)
{
	*len = REAL(recv)(fd, message, offered_room(fd),
			  MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	if (*len == -1 && errno == ENOBUFS)
		played_loss(fd);
	else if (*len == -1 && errno != EAGAIN)
		sockets[fd].error = errno;
	return *len != -1;
}

/* Takes the message at the head of the queue. */
static void take_message(int fd, struct nl_mmap_hdr2 *hdr, void *to, size_t len)
{
	const struct played_ring *ring = &sockets[fd].ring[MNL_RING_RX];
	socklen_t from_len = sizeof(struct sockaddr_nl);
	size_t room = offered_room(fd);
	struct sockaddr_nl from;

	REAL(recvfrom)(fd, message, room < len ? len : room, 0, (void *)&from,
		       &from_len);
	memcpy(to, message, len);
	hdr->hdr.nm_group = from.nl_groups ? __builtin_ctz(from.nl_groups) + 1 :
					     0;
	/* the process of a sender, not known here: none is the kernel */
	hdr->hdr.nm_pid = from.nl_pid;
	if (ring->flags & NL_MMAP_F_SENDER) {
		hdr->nm_portid = from.nl_pid;
		hdr->nm_nsid = -1;
	}
}

/* moves what waits at the socket to frames */
static void fill(int fd)
{
	struct played_socket *s = &sockets[fd];
	struct played_ring *ring = &s->ring[MNL_RING_RX];
	unsigned int span;
	ssize_t len;

	while (!s->copy && has_message(fd, &len)) {
		span = span_of(ring, len);
		if (span > 1 && has_room(ring, span) == -1)
			span = 0;
		if (has_room(ring, span ? span : 1) != 1)
			break;
		if (span == 0) {
			s->copy = true;
			publish(ring, NL_MMAP_STATUS_COPY, len, 1);
		} else {
			take_message(fd, (void *)frame_at(ring, 0),
				     (char *)frame_at(ring, 0) + ring->header,
				     len);
			publish(ring, NL_MMAP_STATUS_VALID, len, span);
		}
	}
}

static bool readable(int fd)
{
	const struct played_socket *s = &sockets[fd];
	const struct played_ring *ring = &s->ring[MNL_RING_RX];
	unsigned int i, value, count = 0, threshold = 1;
	ssize_t len;

	if (s->control != NULL && s->control->nmc_wakeup > 0)
		threshold = s->control->nmc_wakeup;
	for (i = 0; i < ring->req.nm_frame_nr; i++) {
		if (ring->span[i] == 0)
			continue;
		value = status(frame(ring, i));
		count += value == NL_MMAP_STATUS_VALID &&
			 frame(ring, i)->nm_len > 0;
		if (value == NL_MMAP_STATUS_COPY)
			return true;
	}
	/* what is still at the socket did not fit */
	return count >= threshold || (count > 0 && has_message(fd, &len));
}

static short events(int fd)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	struct played_socket *s = &sockets[fd];
	const struct played_ring *tx = &s->ring[MNL_RING_TX];
	short revents = 0;

	pthread_mutex_lock(&mutex);

	if (has_ring(fd, MNL_RING_RX)) {
		fill(fd);
		if (readable(fd))
			revents |= POLLIN;
	}
	if (has_ring(fd, MNL_RING_TX) &&
	    status(frame(tx, tx->head)) == NL_MMAP_STATUS_UNUSED)
		revents |= POLLOUT;
	if (s->error)
		revents |= POLLERR;
	pthread_mutex_unlock(&mutex);
	return revents;
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

/* apart from poll(), of whose argument libc says that nobody reads it */
static __attribute__((noinline)) int played_poll(struct pollfd *fds, nfds_t nr,
						 const struct timespec *timeout)
{
	/* another thread may move what comes to frames, and we hear nothing */
	const struct timespec slice = { .tv_nsec = 2000000 };
	struct pollfd real = { .fd = fds->fd, .events = POLLIN };
	long long end = 0;

	if (played.poll_error)
		return fail(played.poll_error);
	if (played.poll_events) {
		fds->revents = played.poll_events;
		played.poll_events = 0;
		return 1;
	}
	if (!has_ring(fds->fd, MNL_RING_RX) && !has_ring(fds->fd, MNL_RING_TX))
		return REAL(ppoll)(fds, nr, timeout, NULL);
	if (timeout != NULL)
		end = now_ns() + timeout->tv_sec * 1000000000LL +
		      timeout->tv_nsec;
	for (;;) {
		fds->revents = events(fds->fd) & (fds->events | POLLERR);
		if (fds->revents || (timeout != NULL && now_ns() >= end))
			return fds->revents != 0;
		if (REAL(ppoll)(&real, 1, &slice, NULL) == -1)
			return -1;
	}
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	ssize_t ret = REAL(recv)(fd, buf, len, flags);

	if (played.recv_error && !(flags & MSG_PEEK)) {
		errno = played.recv_error;
		played.recv_error = 0;
		ret = -1;
	}

	if (has_ring(fd, MNL_RING_RX) && !(flags & MSG_PEEK))
		sockets[fd].copy = false;
	return ret;
}

int getsockname(int fd, struct sockaddr *restrict addr, socklen_t *restrict len)
{
	if (played.name_error)
		return fail(played.name_error);
	return REAL(getsockname)(fd, addr, len);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *len)
{
	struct played_ring *ring = option_ring(fd, level, option);
	struct played_socket *s = played_socket(fd);

	if (ring != NULL && s->attached)
		return get_ring(ring, value, len);
	if (played.option_error)
		return fail(played.option_error);
	if (level != SOL_SOCKET || option != SO_ERROR || s == NULL ||
	    s->error == 0)
		return REAL(getsockopt)(fd, level, option, value, len);
	*(int *)value = s->error;
	s->error = 0;
	return 0;
}

int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
	  const sigset_t *mask)
{
	(void)mask;
	return played_poll(fds, nr, timeout);
}

/*
 * Sending
 */

static ssize_t send_frame(int fd, struct nl_mmap_hdr *hdr,
			  const struct sockaddr *addr, socklen_t addr_len)
{
	if (hdr->nm_len < sizeof(struct nlmsghdr) ||
	    hdr->nm_len > capacity(&sockets[fd].ring[MNL_RING_TX]))
		return fail(EINVAL);
	return REAL(sendto)(fd, (char *)hdr + NL_MMAP_HDRLEN, hdr->nm_len, 0,
			    addr, addr_len);
}

static ssize_t send_frames(int fd, const struct sockaddr *addr,
			   socklen_t addr_len)
{
	struct played_ring *ring = &sockets[fd].ring[MNL_RING_TX];
	struct nl_mmap_hdr *hdr;
	ssize_t sent = 0, ret;

	while (status(hdr = frame(ring, ring->head)) == NL_MMAP_STATUS_VALID) {
		ret = ring->error ? fail(ring->error) :
				    send_frame(fd, hdr, addr, addr_len);
		ring->error = ret == -1 && sent > 0 ? errno : 0;
		if (ring->error)
			break;
		advance(ring, 1);
		set_status(hdr, NL_MMAP_STATUS_UNUSED);
		if (ret == -1)
			return -1;
		sent += ret;
	}
	return sent;
}

/*
 * The generic netlink family
 */

static bool is_generic(int fd)
{
	socklen_t len = sizeof(int);
	int protocol = -1;

	REAL(getsockopt)(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	return protocol == NETLINK_GENERIC;
}

/* the answers to come: a family, perhaps, and an acknowledgement */
static void answer(struct played_socket *s, bool family, int error)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(s->answer[0]);
	struct nlmsgerr *err;

	nlh->nlmsg_type = NLMSG_ERROR;
	err = mnl_nlmsg_put_extra_header(nlh, sizeof(*err));
	err->error = -error;
	s->answers = 1;
	if (!family)
		return;
	nlh = mnl_nlmsg_put_header(s->answer[1]);
	nlh->nlmsg_type = GENL_ID_CTRL;
	mnl_nlmsg_put_extra_header(nlh, sizeof(struct genlmsghdr));
	mnl_attr_put_u16(nlh, CTRL_ATTR_FAMILY_ID, FAMILY_ID);
	s->answers = 2;
}

static ssize_t ask(int fd, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	uint32_t attached = 0;

	if (nlh->nlmsg_type != FAMILY_ID) {
		answer(&sockets[fd], !played.no_family,
		       played.no_family ? ENOENT : 0);
		return nlh->nlmsg_len;
	}
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == NETLINK_MMAP_A_ATTACH_FD)
			attached = mnl_attr_get_u32(attr);
	answer(&sockets[fd], false, played.attach_error);
	if (played.attach_error == 0) {
		sockets[attached].attached = true;
		sockets[attached].opener = getpid();
	}
	return nlh->nlmsg_len;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags,
	       const struct sockaddr *addr, socklen_t addr_len)
{
	int error = played.send_errors[0];

	memmove(played.send_errors, played.send_errors + 1,
		sizeof(played.send_errors) - sizeof(error));
	if (error)
		return fail(error);
	if (buf == NULL && has_ring(fd, MNL_RING_TX))
		return send_frames(fd, addr, addr_len);
	if (buf != NULL && played_socket(fd) != NULL && is_generic(fd))
		return ask(fd, buf);
	return REAL(sendto)(fd, buf, len, flags, addr, addr_len);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (has_ring(fd, MNL_RING_RX) && !(flags & MSG_PEEK))
		sockets[fd].copy = false;
	return REAL(recvmsg)(fd, msg, flags);
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
		 struct sockaddr *restrict addr, socklen_t *restrict addr_len)
{
	struct played_socket *s = played_socket(fd);
	const struct nlmsghdr *nlh;

	if (s != NULL && s->answers > 0) {
		nlh = (void *)s->answer[--s->answers];
		memcpy(buf, nlh, nlh->nlmsg_len);
		return nlh->nlmsg_len;
	}
	if (played.recv_error && !(flags & MSG_PEEK) && s != NULL) {
		errno = played.recv_error;
		played.recv_error = 0;
		return -1;
	}
	if (has_ring(fd, MNL_RING_RX) && !(flags & MSG_PEEK))
		s->copy = false;
	return REAL(recvfrom)(fd, buf, len, flags, addr, addr_len);
}

/*
 * Memory
 */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static bool is_short(void)
{
	if (played.fail_alloc == 0 || --played.fail_alloc > 0)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return is_short() ? NULL : REAL(malloc)(size);
}

void *calloc(size_t nr, size_t size)
{
	return is_short() ? NULL : REAL(calloc)(nr, size);
}
#endif

bool played_can_fail_alloc(void)
{
	void *volatile memory;

	played.fail_alloc = 1;
	memory = malloc(1);
	played.fail_alloc = 0;
	free(memory);
	if (memory != NULL)
		printf("not run: malloc() is not ours to fail\n");
	return memory == NULL;
}
