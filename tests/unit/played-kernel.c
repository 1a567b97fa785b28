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
#include <signal.h>
#include <stdarg.h>
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
#define QUEUE		2048
#define MESSAGE		32768

struct played_ring {
	struct nl_mmap_req	req;
	unsigned int		flags;
	unsigned int		header;	/* bytes in front of a message */
	char			*mem;
	unsigned int		head;
	unsigned short		span[FRAMES];	/* 0: no message begins here */
	bool			passed[FRAMES];	/* kept when we came by */
	int			error;		/* TX: of a frame, not reported yet */
};

/* the mapping of a process */
struct played_map {
	void			*addr;
	pid_t			pid;
};

/* a message in the receive queue of a socket with a shadow ring */
struct played_message {
	size_t			len;
	struct sockaddr_nl	from;
	char			data[MESSAGE];
};

/* the queue, and which of its messages have frames */
struct played_shadow {
	unsigned int		head, tail;
	uint32_t		oldest, next;	/* positions */
	bool			stuck;		/* the next one does not fit */
	unsigned int		polls;
	struct played_message	queue[QUEUE];
};

struct played_socket {
	bool			attached;
	pid_t			opener;
	bool			copy;		/* a COPY frame is out */
	unsigned int		copy_frame;	/* its index */
	bool			dumps;		/* a dump was asked for */
	int			error;		/* SO_ERROR */
	unsigned int		pollers;	/* threads in poll() */
	struct played_ring	ring[2];
	struct nl_mmap_control	*control;
	struct played_map	maps[2];
	int			memory;		/* of the frames: a file */
	size_t			size;
	struct played_shadow	*shadow;
	unsigned int		answers;	/* genl: waiting */
	char			answer[2][256];
};

struct played_kernel played;

/* one kernel for the program and its children */
static struct played_socket *sockets;

/* a socket may be polled by one thread and filled by another, of a child perhaps */
static pthread_mutex_t *lock;

/* A thread that is cancelled with the lock would keep it for ever. */
static int take_lock(void)
{
	int cancel;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	pthread_mutex_lock(lock);
	return cancel;
}

static void give_lock(int cancel)
{
	pthread_mutex_unlock(lock);
	pthread_setcancelstate(cancel, NULL);
}

static bool lenient(enum played_leniency leniency)
{
	return played.lenient == leniency;
}

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
	size_t size = SOCKETS * sizeof(*sockets);
	pthread_mutexattr_t attr;

	sockets = REAL(mmap)(NULL, size + sizeof(*lock), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sockets == MAP_FAILED)
		abort();
	lock = (void *)&sockets[SOCKETS];
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutex_init(lock, &attr);
	pthread_mutexattr_destroy(&attr);
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

static unsigned int features(enum mnl_ring_type type)
{
	if (played.old || type != MNL_RING_RX)
		return 0;
	return NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL |
	       (played.no_features ? 0 : NL_MMAP_F_SENDER) |
	       (played.no_features || played.no_shadow ? 0 : NL_MMAP_F_SHADOW);
}

/* The order of the checks is part of the ABI. */
static bool geometry_ok(const struct nl_mmap_req *req)
{
	uint64_t frames;

	if (req->nm_block_size == 0 || req->nm_block_size % getpagesize() != 0)
		return false;
	if (req->nm_frame_size < NL_MMAP_HDRLEN ||
	    req->nm_frame_size > req->nm_block_size)
		return false;
	if (req->nm_frame_size % NL_MMAP_MSG_ALIGNMENT != 0)
		return lenient(LENIENT_ALIGNMENT);
	frames = (uint64_t)(req->nm_block_size / req->nm_frame_size) *
		 req->nm_block_nr;
	return frames > 0 && (frames == req->nm_frame_nr ||
			      lenient(LENIENT_FRAME_NR));
}

static bool is_shadow(const struct nl_mmap_req2 *req2)
{
	return req2->nm_flags & NL_MMAP_F_SHADOW && req2->req.nm_block_nr > 0;
}

/* what is queued may be part of a dump: it has no frames */
static void start_shadow(struct played_socket *s, unsigned int frames)
{
	if (s->shadow == NULL)
		s->shadow = REAL(mmap)(NULL, sizeof(*s->shadow),
				       PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shadow == MAP_FAILED)
		abort();
	s->shadow->oldest = s->shadow->next = frames;
}

static bool has_shadow(int fd)
{
	struct played_socket *s = played_socket(fd);

	return s != NULL && s->shadow != NULL;
}

static bool has_unread(const struct played_ring *ring);

/* 0 or errno. Messages that nobody read are lost with their ring. */
static int set_ring(struct played_socket *s, enum mnl_ring_type type,
		    const struct nl_mmap_req2 *req2)
{
	const struct nl_mmap_req *req = &req2->req;
	struct played_ring *ring = &s->ring[type];

	if ((s->maps[0].addr != NULL || s->maps[1].addr != NULL) &&
	    !lenient(LENIENT_SET_MAPPED))
		return EBUSY;
	if (ring->req.nm_frame_nr > 0 && req->nm_block_nr > 0 &&
	    !lenient(LENIENT_SET_TWICE))
		return EBUSY;
	if (played.set_error)
		return played.set_error;
	if (req->nm_block_nr > 0 || req->nm_frame_nr > 0) {
		if (!geometry_ok(req))
			return EINVAL;
		if (req2->nm_flags & ~features(type) &&
		    !lenient(LENIENT_FLAGS))
			return EINVAL;
		if (is_shadow(req2) && (!(req2->nm_flags & NL_MMAP_F_CONTROL) ||
					req2->nm_flags & NL_MMAP_F_SPAN))
			return EINVAL;
		if (played.bytes_allowed &&
		    req->nm_block_size * req->nm_block_nr >
		    played.bytes_allowed)
			return ENOBUFS;
	}
	if (type == MNL_RING_RX && s->shadow == NULL && has_unread(ring))
		s->error = ENOBUFS;
	if (s->maps[0].addr == NULL && s->maps[1].addr == NULL)
		drop_memory(s);
	memset(ring, 0, sizeof(*ring));
	ring->req = *req;
	ring->flags = req2->nm_flags;
	ring->header = ring->flags & NL_MMAP_F_SENDER ? NL_MMAP_HDR2LEN :
							NL_MMAP_HDRLEN;
	if (type == MNL_RING_RX)
		s->copy = false;
	if (type == MNL_RING_RX && is_shadow(req2))
		start_shadow(s, req->nm_frame_nr);
	else if (ring->req.nm_frame_nr > 0 && s->shadow != NULL)
		/* the test has received all that was queued */
		s->shadow = NULL;
	return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t len)
{
	struct played_ring *ring = option_ring(fd, level, option);
	struct nl_mmap_req2 req2 = { .nm_flags = 0 };
	int error;

	if (ring == NULL || fcntl(fd, F_GETFD) == -1)
		return REAL(setsockopt)(fd, level, option, value, len);
	if (!sockets[fd].attached)
		return fail(ENOPROTOOPT);
	if (len < sizeof(req2.req) && !lenient(LENIENT_OPTION_LENGTH))
		return fail(EINVAL);
	if (len < sizeof(req2) || played.old)
		memcpy(&req2, value, sizeof(req2.req));
	else
		memcpy(&req2, value, sizeof(req2));
	error = set_ring(&sockets[fd], ring - sockets[fd].ring, &req2);
	return error ? fail(error) : 0;
}

static int get_ring(const struct played_ring *ring, enum mnl_ring_type type,
		    void *value, socklen_t *len)
{
	struct nl_mmap_state state = {
		.req = ring->req,
		.nm_head = ring->head,
		.nm_flags = ring->flags,
		.nm_features = features(type),
	};
	socklen_t known = played.no_features ?
			  offsetof(struct nl_mmap_state, nm_features) :
			  sizeof(state);

	if (played.old)
		return fail(ENOPROTOOPT);
	if (*len < sizeof(state.req))
		return fail(EINVAL);
	if (*len > known)
		*len = known;
	*len &= ~3U;
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
	if (s->shadow != NULL)
		s->control->nmc_consumed = s->shadow->oldest;
}

static void forget_map(void *addr);
static void end_shadow(struct played_socket *s);
static bool take_error(int fd, int *error);

EARLY void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	struct played_socket *s = played_socket(fd);
	struct played_map *map;
	size_t size;

	if (flags & MAP_FIXED)
		forget_map(addr);
	if (s == NULL || !s->attached)
		return REAL(mmap)(addr, len, prot, flags, fd, offset);
	size = ring_size(&s->ring[0]) + ring_size(&s->ring[1]);
	if (size > 0 && s->ring[0].flags & NL_MMAP_F_CONTROL)
		size += getpagesize();
	if (played.mmap_error || size == 0 || offset != 0 ||
	    !(flags & MAP_SHARED) ||
	    (len != size && !lenient(LENIENT_MAP_LENGTH))) {
		errno = played.mmap_error ? played.mmap_error : EINVAL;
		return MAP_FAILED;
	}
	make_memory(s, size);
	map = s->maps[0].addr != NULL ? &s->maps[1] : &s->maps[0];
	map->addr = REAL(mmap)(addr, len, prot, flags, s->memory, 0);
	map->pid = getpid();
	return map->addr;
}

static EARLY void forget_map(void *addr)
{
	struct played_map *map;
	int i;

	for (i = 0; sockets != NULL && i < 2 * SOCKETS; i++) {
		map = &sockets[i / 2].maps[i % 2];
		if (addr == NULL || map->addr != addr || map->pid != getpid())
			continue;
		map->addr = NULL;
		if (sockets[i / 2].shadow != NULL)
			end_shadow(&sockets[i / 2]);
	}
}

/* a mapping, or one in the middle of what is unmapped */
EARLY int munmap(void *addr, size_t len)
{
	forget_map(addr);
	forget_map((char *)addr + getpagesize());
	return REAL(munmap)(addr, len);
}

/* a child that closes its copy ends nothing */
EARLY int close(int fd)
{
	struct played_socket *s = played_socket(fd);

	if (s != NULL && s->opener == getpid()) {
		drop_memory(s);
		if (s->shadow != NULL)
			REAL(munmap)(s->shadow, sizeof(*s->shadow));
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

static bool has_unread(const struct played_ring *ring)
{
	unsigned int i;

	for (i = 0; ring->mem != NULL && i < ring->req.nm_frame_nr; i++)
		if (status(frame(ring, i)) == NL_MMAP_STATUS_VALID)
			return true;
	return false;
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

/* frames that are next to each other */
static unsigned int run_length(const struct played_ring *ring)
{
	if (ring->req.nm_block_size % ring->req.nm_frame_size)
		return ring->req.nm_block_size / ring->req.nm_frame_size;
	return ring->req.nm_frame_nr;
}

/* the most frames that one message takes */
static unsigned int longest_span(const struct played_ring *ring)
{
	unsigned int half = ring->req.nm_frame_nr / 2, run = run_length(ring);

	if (!(ring->flags & NL_MMAP_F_SPAN))
		return 1;
	if (lenient(LENIENT_SPAN))
		return run;
	if (half == 0)
		half = 1;
	return run < half ? run : half;
}

/* frames of a message, 0: it comes by COPY */
static unsigned int span_of(const struct played_ring *ring, unsigned int len)
{
	unsigned int size = ring->req.nm_frame_size;
	unsigned int span = (ring->header + len + size - 1) / size;

	return span <= longest_span(ring) ? span : 0;
}

static unsigned int index_at(const struct played_ring *ring, unsigned int offset)
{
	return (ring->head + offset) % ring->req.nm_frame_nr;
}

static unsigned int status_at(const struct played_ring *ring,
			      unsigned int offset)
{
	return status(frame_at(ring, offset));
}

/* the kept message at the head; no more than @most frames of it */
static unsigned int pass_over(struct played_ring *ring, unsigned int most)
{
	unsigned int i, span = ring->span[ring->head];

	if (span == 0)
		span = 1;
	if (span > most)
		span = most;
	for (i = 0; i < span; i++)
		ring->passed[index_at(ring, i)] = true;
	advance(ring, span);
	return span;
}

/*
 * A frame that was passed over is used again only when the next one that was
 * not is read. When all were passed over, no message of several frames: the
 * reader may be at any of them. 0, or as find_frames().
 */
static int look_behind(const struct played_ring *ring, unsigned int offset,
		       unsigned int span)
{
	unsigned int nr = ring->req.nm_frame_nr, value;

	while (offset < nr && ring->passed[index_at(ring, offset)])
		offset++;
	if (offset == nr)
		return span == 1 ? 0 : -ENOSPC;
	value = status_at(ring, offset);
	return value == NL_MMAP_STATUS_UNUSED ||
	       value == NL_MMAP_STATUS_SKIP ? 0 : -EAGAIN;
}

/*
 * How far from the head are free frames for a message? -EAGAIN: frames that
 * are not read are in the way, -ENOSPC: only kept ones are.
 */
static int find_frames(struct played_ring *ring, unsigned int span)
{
	unsigned int nr = ring->req.nm_frame_nr, looks, offset = 0, run = 0;
	int error;

	if (!lenient(LENIENT_KEPT))
		for (looks = nr; looks && status_at(ring, 0) ==
					  NL_MMAP_STATUS_SKIP; looks--)
			pass_over(ring, nr);
	while (run < span) {
		if (offset >= nr)
			return -ENOSPC;
		switch (status_at(ring, offset)) {
		case NL_MMAP_STATUS_UNUSED:
			if (index_at(ring, offset) % run_length(ring) == 0)
				run = 0;
			run++;
			offset++;
			break;
		case NL_MMAP_STATUS_SKIP:
			run = 0;
			offset += ring->span[index_at(ring, offset)];
			break;
		default:
			return -EAGAIN;
		}
	}
	if (ring->passed[index_at(ring, offset - 1)] &&
	    !lenient(LENIENT_PASSED)) {
		error = look_behind(ring, offset - 1, span);
		if (error)
			return error;
	}
	if (offset > span && lenient(LENIENT_HOLES))
		return -ENOSPC;
	return offset - span;
}

/* the frames in front of a message that has to begin further on */
static void leave_hole(struct played_ring *ring, unsigned int offset)
{
	while (offset > 0) {
		if (status_at(ring, 0) == NL_MMAP_STATUS_SKIP) {
			offset -= pass_over(ring, offset);
			continue;
		}
		publish(ring, NL_MMAP_STATUS_VALID, 0, 1);
		offset--;
	}
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
	int offset = span ? find_frames(ring, span) : -ENOSPC;

	if (offset < 0)
		return offset == -EAGAIN ? 0 : -1;
	leave_hole(ring, offset);
	/* in use before the message is written over the headers behind */
	set_status(frame_at(ring, 0), NL_MMAP_STATUS_RESERVED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	copy_words((void *)((char *)frame_at(ring, 0) + ring->header), msg,
		   len);
	publish(ring, NL_MMAP_STATUS_VALID, len, span);
	return 1;
}

/* the socket lost a message */
void played_loss(int fd)
{
	struct played_socket *s = &sockets[fd];

	if (lenient(LENIENT_NO_LOSS))
		return;
	s->error = ENOBUFS;
	if (s->control != NULL && !played.no_features &&
	    !lenient(LENIENT_OVERRUNS))
		__atomic_add_fetch(&s->control->nmc_overruns, 1,
				   __ATOMIC_RELEASE);
}

/*
 * A look at a part of a dump makes the next part, unless the receive buffer is
 * half full: a small one is. Returns the size to go back to.
 */
static int set_receive_buffer(int fd, int bytes)
{
	socklen_t len = sizeof(int);
	int before;

	REAL(getsockopt)(fd, SOL_SOCKET, SO_RCVBUF, &before, &len);
	REAL(setsockopt)(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return before / 2;
}

static ssize_t look(int fd, struct nlmsghdr *nlh)
{
	bool dumps = sockets[fd].dumps;
	int saved, bytes = 0;
	ssize_t len;

	if (dumps)
		bytes = set_receive_buffer(fd, 0);
	len = REAL(recv)(fd, nlh, sizeof(*nlh),
			 MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC);
	saved = errno;
	if (dumps)
		set_receive_buffer(fd, bytes);
	errno = saved;
	return len;
}

/*
 * The message at the head of the queue, its length and its header. An error
 * that waits for the program stays with the socket.
 */
static bool next_message(int fd, ssize_t *len, struct nlmsghdr *nlh)
{
	memset(nlh, 0, sizeof(*nlh));
	*len = look(fd, nlh);
	if (*len == -1 && errno != EAGAIN) {
		if (errno == ENOBUFS)
			played_loss(fd);
		else
			sockets[fd].error = errno;
		*len = look(fd, nlh);
	}
	if (*len != -1 && nlh->nlmsg_type == NLMSG_DONE)
		sockets[fd].dumps = false;
	return *len != -1;
}

static bool has_message(int fd)
{
	struct nlmsghdr nlh;
	ssize_t len;

	return next_message(fd, &len, &nlh);
}

/*
 * The message has no place in the ring. It stays in the queue, nothing passes
 * it. @again: by a process, which finds that the reader gave the frame back
 * without taking the message.
 */
static void announce(struct played_socket *s, ssize_t len, bool again)
{
	struct played_ring *ring = &s->ring[MNL_RING_RX];

	if (s->copy && (!again || lenient(LENIENT_COPY_ONCE) ||
			status(frame(ring, s->copy_frame)) !=
			NL_MMAP_STATUS_UNUSED))
		return;
	if (find_frames(ring, 1) < 0)
		return;
	s->copy = true;
	s->copy_frame = ring->head;
	publish(ring, NL_MMAP_STATUS_COPY, len, 1);
}

/* what frames say of a message; the sender is this program or the kernel */
static void describe(const struct played_ring *ring, struct nl_mmap_hdr2 *hdr,
		     const struct sockaddr_nl *from)
{
	bool program = from->nl_pid != 0;

	if (lenient(LENIENT_SENDER))
		return;
	hdr->hdr.nm_group = ffs(from->nl_groups);
	hdr->hdr.nm_pid = program ? getpid() : 0;
	hdr->hdr.nm_uid = program ? getuid() : 0;
	hdr->hdr.nm_gid = program ? getgid() : 0;
	if (ring->flags & NL_MMAP_F_SENDER) {
		hdr->nm_portid = from->nl_pid;
		hdr->nm_nsid = -1;
	}
}

/*
 * What netlink sees as the size of the reader's buffer, for the next part of a
 * dump: as much as one message may take of the ring, or less if the control page
 * says so.
 */
static size_t offered_room(const struct played_socket *s)
{
	const struct played_ring *ring = &s->ring[MNL_RING_RX];
	size_t most = (size_t)longest_span(ring) * ring->req.nm_frame_size -
		      ring->header;

	if (lenient(LENIENT_PARTS_SHORT))
		return 0;
	if (s->control == NULL || s->control->nmc_room == 0 || played.old ||
	    played.no_features || lenient(LENIENT_PARTS_LONG))
		return most;
	return s->control->nmc_room < most ? s->control->nmc_room : most;
}

/* the message at the head of the queue, @span frames long, to the head */
static void move_message(int fd, unsigned int span, ssize_t len)
{
	static char buf[4 << 20];
	struct played_ring *ring = &sockets[fd].ring[MNL_RING_RX];
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	struct nl_mmap_hdr *hdr = frame_at(ring, 0);
	size_t room = offered_room(&sockets[fd]);
	socklen_t from_len = sizeof(from);

	if (room < (size_t)len)
		room = len;
	set_status(hdr, NL_MMAP_STATUS_RESERVED);
	REAL(recvfrom)(fd, buf, room, MSG_DONTWAIT, (struct sockaddr *)&from,
		       &from_len);
	memcpy((char *)hdr + ring->header, buf, len);
	describe(ring, (struct nl_mmap_hdr2 *)hdr, &from);
	publish(ring, NL_MMAP_STATUS_VALID, len, span);
}

/*
 * Moves what waits in the queue to frames. @process: for poll() or recvmsg(),
 * which also make the next part of a dump; else it is a delivery.
 */
static void fill(int fd, bool process)
{
	struct played_socket *s = &sockets[fd];
	struct played_ring *ring = &s->ring[MNL_RING_RX];
	struct nlmsghdr nlh;
	unsigned int span;
	int offset;
	ssize_t len;

	while (next_message(fd, &len, &nlh)) {
		if (!process && nlh.nlmsg_flags & NLM_F_MULTI)
			break;
		span = span_of(ring, len);
		offset = -ENOSPC;
		if (span > 0 && !s->copy)
			offset = find_frames(ring, span);
		if (offset < 0) {
			if (offset == -ENOSPC && (span != 1 || s->copy))
				announce(s, len, process);
			break;
		}
		/* an error that waits for the program stops a process */
		if (process && s->error)
			break;
		leave_hole(ring, offset);
		move_message(fd, span, len);
	}
}

/*
 * Shadow rings: the messages of the real socket are moved to a queue, whose first
 * messages have frames.
 */

static unsigned int shadow_word(unsigned int value, uint32_t position)
{
	return value | position << NL_MMAP_POSITION_SHIFT;
}

static struct nl_mmap_hdr *shadow_frame(const struct played_socket *s,
					uint32_t position)
{
	const struct played_ring *ring = &s->ring[MNL_RING_RX];

	return frame(ring, position % ring->req.nm_frame_nr);
}

static bool shadow_exchange(const struct played_socket *s, unsigned int from,
			    unsigned int to)
{
	uint32_t position = s->shadow->oldest;
	unsigned int word = shadow_word(from, position);

	return __atomic_compare_exchange_n(&shadow_frame(s, position)->nm_status,
			&word, shadow_word(to, position), false,
			__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

static unsigned int shadow_frames(const struct played_shadow *sh)
{
	return sh->next - sh->oldest;
}

static void shadow_consume(struct played_socket *s)
{
	s->shadow->oldest++;
	s->shadow->head++;
	__atomic_store_n(&s->control->nmc_consumed, s->shadow->oldest,
			 __ATOMIC_RELEASE);
}

/* what was taken from frames leaves the queue */
static void shadow_drop(struct played_socket *s)
{
	struct played_shadow *sh = s->shadow;

	while (shadow_frames(sh) > 0 &&
	       status(shadow_frame(s, sh->oldest)) ==
	       shadow_word(NL_MMAP_STATUS_UNUSED, sh->oldest))
		shadow_consume(s);
}

/* without a mapping, messages are in the queue only */
static void end_shadow(struct played_socket *s)
{
	if (s->maps[0].addr != NULL || s->maps[1].addr != NULL ||
	    s->control == NULL)
		return;
	shadow_drop(s);
	s->shadow->oldest = s->shadow->next;
	s->shadow->stuck = false;
	s->control->nmc_consumed = s->shadow->oldest;
}

static void shadow_put(struct played_socket *s,
		       const struct played_message *message)
{
	const struct played_ring *ring = &s->ring[MNL_RING_RX];
	struct nl_mmap_hdr *hdr = shadow_frame(s, s->shadow->next);

	describe(ring, (struct nl_mmap_hdr2 *)hdr, &message->from);
	hdr->nm_len = message->len;
	memcpy((char *)hdr + ring->header, message->data, message->len);
	set_status(hdr, shadow_word(NL_MMAP_STATUS_VALID, s->shadow->next));
	s->shadow->next++;
}

static void shadow_fill(struct played_socket *s)
{
	const struct played_ring *ring = &s->ring[MNL_RING_RX];
	const struct played_message *message;
	struct played_shadow *sh = s->shadow;

	while ((s->maps[0].addr != NULL || s->maps[1].addr != NULL) &&
	       !sh->stuck && shadow_frames(sh) < ring->req.nm_frame_nr &&
	       sh->tail - sh->head > shadow_frames(sh)) {
		message = &sh->queue[(sh->head + shadow_frames(sh)) % QUEUE];
		sh->stuck = message->len > capacity(ring);
		if (!sh->stuck)
			shadow_put(s, message);
	}
}

/*
 * Messages of the real socket: one, if somebody sleeps there, who has to find the
 * others.
 */
static void shadow_drain(int fd)
{
	unsigned int left = __atomic_load_n(&sockets[fd].pollers,
					    __ATOMIC_RELAXED) ? 1 : QUEUE;
	struct played_shadow *sh = sockets[fd].shadow;
	struct played_message *message;
	socklen_t from_len;
	ssize_t ret;

	while (left-- && sh->tail - sh->head < QUEUE) {
		message = &sh->queue[sh->tail % QUEUE];
		from_len = sizeof(message->from);
		ret = REAL(recvfrom)(fd, message->data, sizeof(message->data),
				     MSG_DONTWAIT,
				     (struct sockaddr *)&message->from,
				     &from_len);
		if (ret == -1 && errno == ENOBUFS) {
			played_loss(fd);
			continue;
		}
		if (ret == -1)
			break;
		message->len = ret;
		sh->tail++;
	}
	if (sockets[fd].control != NULL) {
		shadow_drop(&sockets[fd]);
		shadow_fill(&sockets[fd]);
	}
}

static void put_message(struct msghdr *msg, const struct played_message *message)
{
	size_t copied = 0, part, i;

	for (i = 0; i < (size_t)msg->msg_iovlen && copied < message->len; i++) {
		part = message->len - copied;
		if (part > msg->msg_iov[i].iov_len)
			part = msg->msg_iov[i].iov_len;
		memcpy(msg->msg_iov[i].iov_base, message->data + copied, part);
		copied += part;
	}
	msg->msg_flags = copied < message->len ? MSG_TRUNC : 0;
	msg->msg_controllen = 0;
	if (msg->msg_name != NULL) {
		memcpy(msg->msg_name, &message->from,
		       msg->msg_namelen < sizeof(message->from) ?
		       msg->msg_namelen : sizeof(message->from));
		msg->msg_namelen = sizeof(message->from);
	}
}

/* recvmsg() takes the oldest message, and its frame; false: a reader did */
static bool shadow_reserve(struct played_socket *s)
{
	return s->control == NULL || shadow_frames(s->shadow) == 0 ||
	       shadow_exchange(s, NL_MMAP_STATUS_VALID,
			       NL_MMAP_STATUS_RESERVED);
}

static void shadow_leave(struct played_socket *s, bool took)
{
	if (s->control == NULL || shadow_frames(s->shadow) == 0) {
		s->shadow->head += took;
		s->shadow->stuck &= !took;
	} else if (!took) {
		shadow_exchange(s, NL_MMAP_STATUS_RESERVED,
				NL_MMAP_STATUS_VALID);
	} else {
		shadow_exchange(s, NL_MMAP_STATUS_RESERVED,
				NL_MMAP_STATUS_UNUSED);
		shadow_consume(s);
	}
}

/* -1 and EAGAIN: there is none */
static ssize_t shadow_take(int fd, struct msghdr *msg, int flags)
{
	struct played_socket *s = &sockets[fd];
	struct played_message *message;
	size_t i, room = 0;
	int error;

	do
		shadow_drain(fd);
	while (!shadow_reserve(s));
	if (take_error(fd, &error) || s->shadow->tail == s->shadow->head) {
		if (s->shadow->tail != s->shadow->head)
			shadow_leave(s, false);
		else
			error = EAGAIN;
		return fail(error);
	}
	message = &s->shadow->queue[s->shadow->head % QUEUE];
	put_message(msg, message);
	shadow_leave(s, !(flags & MSG_PEEK));
	if (s->control != NULL)
		shadow_fill(s);
	for (i = 0; i < (size_t)msg->msg_iovlen; i++)
		room += msg->msg_iov[i].iov_len;
	return flags & MSG_TRUNC || message->len < room ? message->len : room;
}

static void end_wait(void *data)
{
	__atomic_sub_fetch(&((struct played_socket *)data)->pollers, 1,
			   __ATOMIC_RELAXED);
}

/* as the real call waits: for as long, restarted, cancelled */
static bool wait_for_message(int fd)
{
	char byte;
	int ret;

	pthread_cleanup_push(end_wait, &sockets[fd]);
	ret = REAL(recv)(fd, &byte, 1, MSG_PEEK);
	pthread_cleanup_pop(true);
	return ret != -1;
}

static ssize_t shadow_recvmsg(int fd, struct msghdr *msg, int flags)
{
	ssize_t ret;
	int cancel;
	bool waits;

	do {
		cancel = take_lock();
		ret = shadow_take(fd, msg, flags);
		waits = ret == -1 && errno == EAGAIN && !(flags & MSG_DONTWAIT);
		/* now deliveries leave it to us */
		if (waits)
			__atomic_add_fetch(&sockets[fd].pollers, 1,
					   __ATOMIC_RELAXED);
		give_lock(cancel);
	} while (waits && wait_for_message(fd));
	return ret;
}

unsigned int played_shadow_polls(int fd)
{
	return sockets[fd].shadow->polls;
}

unsigned int played_shadow_queued(int fd)
{
	return sockets[fd].shadow->tail - sockets[fd].shadow->head;
}

static short shadow_events(int fd, short revents)
{
	struct played_shadow *sh = sockets[fd].shadow;

	sh->polls++;
	shadow_drain(fd);
	if (sockets[fd].control != NULL)
		sockets[fd].control->nmc_pressure = 0;
	revents &= ~POLLIN;
	return sh->tail != sh->head ? revents | POLLIN : revents;
}

/* after something was sent: to whom it may be, nobody says */
static void deliver(void)
{
	int saved = errno, cancel = take_lock(), fd;

	for (fd = 0; sockets != NULL && fd < SOCKETS; fd++)
		if (sockets[fd].pollers > 0 || lenient(LENIENT_DELIVERY))
			continue;
		else if (has_shadow(fd))
			shadow_drain(fd);
		else if (has_ring(fd, MNL_RING_RX))
			fill(fd, false);
	give_lock(cancel);
	errno = saved;
}

/* messages that the reader wants to be woken for, without control page bytes */
static unsigned int threshold(int fd)
{
	const struct nl_mmap_control *control = sockets[fd].control;
	socklen_t len = sizeof(int);
	int value = 1;

	if (lenient(LENIENT_THRESHOLD))
		return 1;
	if (control != NULL)
		value = __atomic_load_n(&control->nmc_wakeup, __ATOMIC_RELAXED);
	else
		REAL(getsockopt)(fd, SOL_SOCKET, SO_RCVLOWAT, &value, &len);
	return value > 0 ? value : 1;
}

static bool readable(int fd)
{
	const struct played_socket *s = &sockets[fd];
	const struct played_ring *ring = &s->ring[MNL_RING_RX];
	unsigned int i, value, len, count = 0;

	for (i = 0; i < ring->req.nm_frame_nr; i++) {
		if (ring->span[i] == 0)
			continue;
		value = status(frame(ring, i));
		len = frame(ring, i)->nm_len;
		if (value == NL_MMAP_STATUS_COPY)
			return true;
		if (value == NL_MMAP_STATUS_VALID && len > 0)
			count += s->control != NULL ? 1 : len;
	}
	if (count >= threshold(fd))
		return true;
	/* what is still in the queue did not fit */
	return count > 0 && !lenient(LENIENT_FULL) && has_message(fd);
}

/* what a socket without rings reports */
static short plain_events(int fd)
{
	static const struct timespec now;
	struct pollfd pfd = { .fd = fd, .events = POLLIN | POLLOUT };

	REAL(ppoll)(&pfd, 1, &now, NULL);
	return pfd.revents;
}

static short events(int fd)
{
	struct played_socket *s = &sockets[fd];
	const struct played_ring *tx = &s->ring[MNL_RING_TX];
	short revents = plain_events(fd) & ~POLLERR;

	if (has_shadow(fd)) {
		revents = shadow_events(fd, revents);
	} else if (has_ring(fd, MNL_RING_RX)) {
		fill(fd, true);
		revents &= ~POLLIN;
		if (readable(fd))
			revents |= POLLIN;
	}
	if (has_ring(fd, MNL_RING_TX)) {
		revents &= ~POLLOUT;
		if (lenient(LENIENT_POLLOUT) ||
		    status(frame(tx, tx->head)) == NL_MMAP_STATUS_UNUSED)
			revents |= POLLOUT;
	}
	return s->error ? revents | POLLERR : revents;
}

static long long now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static bool has_rings(int fd)
{
	return has_ring(fd, MNL_RING_RX) || has_ring(fd, MNL_RING_TX);
}

/* how many of them have something to report */
static int look_at_all(struct pollfd *fds, nfds_t nr)
{
	int ready = 0;
	nfds_t i;

	for (i = 0; i < nr; i++) {
		fds[i].revents = (has_rings(fds[i].fd) ? events(fds[i].fd) :
				  plain_events(fds[i].fd)) &
				 (fds[i].events | POLLERR);
		ready += fds[i].revents != 0;
	}
	return ready;
}

/* under the lock; true: one of them has rings */
static bool count_pollers(const struct pollfd *fds, nfds_t nr, int change)
{
	bool any = false;
	nfds_t i;

	for (i = 0; i < nr; i++) {
		if (!has_rings(fds[i].fd))
			continue;
		sockets[fds[i].fd].pollers += change;
		any = true;
	}
	return any;
}

struct polled {
	const struct pollfd	*fds;
	nfds_t			nr;
};

/* a thread that is cancelled in poll() is no poller any more */
static void end_slice(void *data)
{
	const struct polled *polled = data;

	take_lock();
	count_pollers(polled->fds, polled->nr, -1);
	pthread_mutex_unlock(lock);
}

/*
 * A part of the time that poll() sleeps: another thread may move what comes to
 * frames, and we hear nothing.
 */
static int sleep_slice(const struct pollfd *fds, nfds_t nr,
		       const sigset_t *signals)
{
	const struct timespec slice = { .tv_nsec = 2000000 };
	struct polled polled = { .fds = fds, .nr = nr };
	struct pollfd real[8];
	nfds_t i;
	int ret;

	for (i = 0; i < nr; i++)
		real[i] = (struct pollfd){ .fd = fds[i].fd, .events = POLLIN };
	pthread_cleanup_push(end_slice, &polled);
	ret = REAL(ppoll)(real, nr, &slice, signals);
	pthread_cleanup_pop(false);
	return ret;
}

/* apart from poll(), of whose argument libc says that nobody reads it */
static __attribute__((noinline)) int played_poll(struct pollfd *fds, nfds_t nr,
						 const struct timespec *timeout)
{
	int ret, err, cancel;
	long long end = 0;
	sigset_t all, old;
	bool any;

	if (played.poll_error)
		return fail(played.poll_error);
	if (played.poll_events) {
		fds->revents = played.poll_events;
		played.poll_events = 0;
		return 1;
	}
	if (timeout != NULL)
		end = now_ns() + timeout->tv_sec * 1000000000LL +
		      timeout->tv_nsec;
	/* signals come in the real call, which they interrupt */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	cancel = take_lock();
	any = nr <= 8 && count_pollers(fds, nr, 1);
	while (any) {
		ret = look_at_all(fds, nr);
		if (ret || (timeout != NULL && now_ns() >= end))
			break;
		give_lock(cancel);
		ret = sleep_slice(fds, nr, &old);
		cancel = take_lock();
		if (ret == -1)
			break;
	}
	if (any)
		count_pollers(fds, nr, -1);
	give_lock(cancel);
	if (!any)
		ret = REAL(ppoll)(fds, nr, timeout, &old);
	err = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = err;
	return ret;
}

/* an error that waits for the program comes first, and once */
static bool take_error(int fd, int *error)
{
	struct played_socket *s = played_socket(fd);

	if (s == NULL || s->error == 0 || lenient(LENIENT_ERROR_LAST))
		return false;
	*error = s->error;
	if (!lenient(LENIENT_ERROR_TWICE))
		s->error = 0;
	return true;
}

/* the program received: what else waits moves to frames */
static void received(int fd, int flags, ssize_t ret)
{
	int saved = errno, cancel;

	if (!has_ring(fd, MNL_RING_RX) || has_shadow(fd))
		return;
	cancel = take_lock();
	if (!(flags & MSG_PEEK) && ret >= 0)
		sockets[fd].copy = false;
	fill(fd, true);
	give_lock(cancel);
	errno = saved;
}

/* the answers of the generic netlink family */
static ssize_t receive_answer(struct played_socket *s, void *buf)
{
	const struct nlmsghdr *nlh = (void *)s->answer[--s->answers];

	memcpy(buf, nlh, nlh->nlmsg_len);
	return nlh->nlmsg_len;
}

/* whether the call is over, with *ret, before it looks at the queue */
static bool is_received(int fd, void *buf, int flags, ssize_t *ret)
{
	struct played_socket *s = played_socket(fd);
	int error;

	if (s != NULL && s->answers > 0) {
		*ret = receive_answer(s, buf);
		return true;
	}
	if (s != NULL && played.recv_error && !(flags & MSG_PEEK)) {
		*ret = fail(played.recv_error);
		played.recv_error = 0;
		return true;
	}
	if (!take_error(fd, &error))
		return false;
	*ret = fail(error);
	received(fd, flags, -1);
	return true;
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	void *buf = msg->msg_iovlen > 0 ? msg->msg_iov[0].iov_base : NULL;
	ssize_t ret;

	if (has_shadow(fd))
		return shadow_recvmsg(fd, msg, flags);
	if (is_received(fd, buf, flags, &ret))
		return ret;
	ret = REAL(recvmsg)(fd, msg, flags);
	received(fd, flags, ret);
	return ret;
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
		 struct sockaddr *restrict addr, socklen_t *restrict addr_len)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name = addr,
		.msg_namelen = addr != NULL ? *addr_len : 0,
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t ret;

	if (has_shadow(fd)) {
		ret = shadow_recvmsg(fd, &msg, flags);
		if (ret != -1 && addr != NULL)
			*addr_len = msg.msg_namelen;
		return ret;
	}
	if (is_received(fd, buf, flags, &ret))
		return ret;
	ret = REAL(recvfrom)(fd, buf, len, flags, addr, addr_len);
	received(fd, flags, ret);
	return ret;
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
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
		return get_ring(ring, ring - s->ring, value, len);
	if (played.option_error)
		return fail(played.option_error);
	if (level != SOL_SOCKET || option != SO_ERROR || s == NULL ||
	    s->error == 0)
		return REAL(getsockopt)(fd, level, option, value, len);
	*(int *)value = s->error;
	if (!lenient(LENIENT_ERROR_TWICE))
		s->error = 0;
	return 0;
}

int ppoll(struct pollfd *fds, nfds_t nr, const struct timespec *timeout,
	  const sigset_t *mask)
{
	(void)mask;
	return played_poll(fds, nr, timeout);
}

int poll(struct pollfd *fds, nfds_t nr, int timeout)
{
	struct timespec ts = {
		.tv_sec = timeout / 1000,
		.tv_nsec = timeout % 1000 * 1000000,
	};

	return played_poll(fds, nr, timeout < 0 ? NULL : &ts);
}

/*
 * Sending
 */

static ssize_t send_frame(int fd, struct nl_mmap_hdr *hdr,
			  const struct sockaddr *addr, socklen_t addr_len)
{
	unsigned int len = hdr->nm_len;

	if (len < sizeof(struct nlmsghdr) ||
	    len > capacity(&sockets[fd].ring[MNL_RING_TX]))
		return lenient(LENIENT_TX_LENGTH) ? 0 : fail(EINVAL);
	return REAL(sendto)(fd, (char *)hdr + NL_MMAP_HDRLEN, len, 0, addr,
			    addr_len);
}

/*
 * A frame that is refused ends the run: the call returns the bytes so far, and
 * the next one the error; or the error if nothing was sent.
 */
static ssize_t send_frames(int fd, const struct sockaddr *addr,
			   socklen_t addr_len)
{
	struct played_ring *ring = &sockets[fd].ring[MNL_RING_TX];
	unsigned int left = ring->req.nm_frame_nr;
	struct nl_mmap_hdr *hdr;
	ssize_t sent = 0, ret;

	while (left--) {
		hdr = frame(ring, ring->head);
		if (!ring->error && status(hdr) != NL_MMAP_STATUS_VALID)
			break;
		ret = ring->error ? fail(ring->error) :
				    send_frame(fd, hdr, addr, addr_len);
		ring->error = ret == -1 && sent > 0 &&
			      !lenient(LENIENT_TX_FORGETS) ? errno : 0;
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

/* 0 or errno */
static int attach(int fd)
{
	socklen_t len = sizeof(int);
	int domain;

	if (played.attach_error)
		return played.attach_error;
	if (REAL(getsockopt)(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == -1)
		return errno;
	if (domain != AF_NETLINK)
		return EAFNOSUPPORT;
	if (played_socket(fd) == NULL)
		return ENFILE;
	sockets[fd].attached = true;
	sockets[fd].opener = getpid();
	return 0;
}

static ssize_t ask(int fd, const struct nlmsghdr *nlh)
{
	const struct nlattr *attr;
	int error = EINVAL;

	if (nlh->nlmsg_type != FAMILY_ID) {
		answer(&sockets[fd], !played.no_family,
		       played.no_family ? ENOENT : 0);
		return nlh->nlmsg_len;
	}
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
		if (mnl_attr_get_type(attr) == NETLINK_MMAP_A_ATTACH_FD)
			error = attach(mnl_attr_get_u32(attr));
	answer(&sockets[fd], false, error);
	return nlh->nlmsg_len;
}

static int next_send_error(void)
{
	int cancel = take_lock(), error = played.send_errors[0];

	memmove(played.send_errors, played.send_errors + 1,
		sizeof(played.send_errors) - sizeof(error));
	give_lock(cancel);
	return error;
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags,
	       const struct sockaddr *addr, socklen_t addr_len)
{
	const struct nlmsghdr *nlh = buf;
	int error = next_send_error();
	ssize_t ret;

	if (error)
		return fail(error);
	if (len > 0 && played_socket(fd) != NULL && is_generic(fd))
		return ask(fd, buf);
	if (len >= sizeof(*nlh) && played_socket(fd) != NULL &&
	    (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		sockets[fd].dumps = true;
	if (len == 0 && has_ring(fd, MNL_RING_TX))
		ret = send_frames(fd, addr, addr_len);
	else
		ret = REAL(sendto)(fd, buf, len, flags, addr, addr_len);
	deliver();
	return ret;
}

ssize_t send(int fd, const void *buf, size_t len, int flags)
{
	return sendto(fd, buf, len, flags, NULL, 0);
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
