// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shadow rings: frames that are a cache of the receive queue (NL_MMAP_F_SHADOW
 * in linux/netlink_mmap.h). The next message is taken from its frame, if it is
 * there and if recvmsg(2) would return no more than that; everything else is
 * recvmsg(2), which works as without a ring.
 *
 * A socket gets its ring when it has received so many messages that it is worth
 * it, and loses it when the ring carries next to nothing. That may be at any time,
 * beside readers in other threads: the mapping is replaced by memory of zeroes,
 * in which there is no message.
 *
 * No locks: signal handlers receive and close, too. In a child the page with a
 * struct shadow_map is wiped and the frames are not mapped; if it goes on
 * receiving, it maps them for itself. A child of vfork(2) shares its parent's, and
 * ends nothing.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <libmnl/libmnl.h>

#include "ring.h"
#include "ring_shadow.h"

#define SHADOW_BLOCK_SIZE	65536U
#define SHADOW_BLOCKS		16U
/* for one packet of Ethernet with what nfnetlink_queue or a datapath adds */
#define SHADOW_FRAME_SIZE	4096U
#define SHADOW_FLAGS		(NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL | \
				 NL_MMAP_F_SENDER)

/* To set a ring costs as much as it saves with a few hundred messages. */
#define SHADOW_SECONDS		10U
#define SHADOW_COMES		256U	/* messages in that time */
#define SHADOW_GOES		64U
/* To fill frames that nobody reads is dear, too: that is found out sooner, and the
 * ring comes later, twice as many messages each time.
 */
#define SHADOW_CALLS		1024U	/* messages by recvmsg() */
#define SHADOW_BACKOFF		8U

/* flags of a receive that only say how long it waits, or what it returns */
#define SHADOW_MSG_FLAGS	(MSG_DONTWAIT | MSG_TRUNC | MSG_NOSIGNAL)

/* in a page of its own, followed by the frames and the control page */
struct shadow_map {
	char			*frames;	/* NULL: none in this process */
	struct nl_mmap_control	*control;
	size_t			len;		/* 0: this is a child */
	unsigned int		frame_nr;
	unsigned int		frame_size;
	pid_t			pid;
	uint64_t		cookie;		/* of the socket */
	uint32_t		position;	/* of the message to take next */
	uint32_t		overruns;	/* as they were seen last */
	unsigned int		readers;	/* in ring_shadow_take() */
	unsigned int		taken;		/* messages since then, ... */
	unsigned int		called;		/* ... and by recvmsg() */
	unsigned int		since;		/* seconds */
	unsigned int		checked;	/* seconds, when it had @cookie */
};

static unsigned int seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

static uint32_t look(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static size_t page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static struct shadow_map *map_of(const struct ring_shadow *s)
{
	return __atomic_load_n(&s->map, __ATOMIC_ACQUIRE);
}

bool ring_shadow_is_mapped(const struct ring_shadow *s)
{
	const struct shadow_map *map = map_of(s);

	return map != NULL &&
	       __atomic_load_n(&map->frames, __ATOMIC_ACQUIRE) != NULL;
}

/*
 * Taking messages
 */

static unsigned int word_of(unsigned int status, uint32_t position)
{
	return status | position << NL_MMAP_POSITION_SHIFT;
}

static struct nl_mmap_hdr2 *frame_of(const struct shadow_map *map,
				     uint32_t position)
{
	size_t index = position % map->frame_nr;

	return (void *)(map->frames + index * map->frame_size);
}

static size_t copy_to(const struct msghdr *msg, const char *from, size_t len)
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

static void put_address(struct msghdr *msg, const struct sockaddr_nl *addr)
{
	if (msg->msg_name == NULL)
		return;
	memcpy(msg->msg_name, addr, msg->msg_namelen < sizeof(*addr) ?
				    msg->msg_namelen : sizeof(*addr));
	msg->msg_namelen = sizeof(*addr);
}

/*
 * What is copied counts only if the message is still there afterwards: the
 * exchange takes it. nm_len is not trusted before.
 */
static bool take_frame(const struct shadow_map *map, uint32_t position,
		       struct msghdr *msg, int flags, ssize_t *ret)
{
	struct nl_mmap_hdr2 *hdr = frame_of(map, position);
	unsigned int word = word_of(NL_MMAP_STATUS_VALID, position);
	size_t most = map->frame_size - NL_MMAP_HDR2LEN, len, copied;
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };

	len = __atomic_load_n(&hdr->hdr.nm_len, __ATOMIC_RELAXED);
	if (len > most)
		len = most;
	copied = copy_to(msg, (char *)hdr + NL_MMAP_HDR2LEN, len);
	addr.nl_pid = hdr->nm_portid;
	if (hdr->hdr.nm_group > 0 && hdr->hdr.nm_group <= 32)
		addr.nl_groups = 1U << (hdr->hdr.nm_group - 1);
	if (!__atomic_compare_exchange_n(&hdr->hdr.nm_status, &word,
			word_of(NL_MMAP_STATUS_UNUSED, position), false,
			__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return false;
	put_address(msg, &addr);
	msg->msg_controllen = 0;
	msg->msg_flags = copied < len ? MSG_TRUNC : 0;
	*ret = flags & MSG_TRUNC ? len : copied;
	return true;
}

/* a loss is reported before the messages that are queued, to one thread */
static bool must_report_loss(struct shadow_map *map)
{
	uint32_t overruns = look(&map->control->nmc_overruns);

	return overruns != __atomic_load_n(&map->overruns, __ATOMIC_RELAXED) &&
	       overruns != __atomic_exchange_n(&map->overruns, overruns,
					       __ATOMIC_RELAXED);
}

/*
 * The algorithm of linux/netlink_mmap.h, until there is a message at *position.
 * The position is shared by all threads: one that is out of date only costs some
 * steps.
 */
static bool find_next(struct shadow_map *map, uint32_t *position)
{
	uint32_t value, word;

	*position = __atomic_load_n(&map->position, __ATOMIC_RELAXED);
	while (!must_report_loss(map)) {
		word = frame_status(&frame_of(map, *position)->hdr);
		if (word == word_of(NL_MMAP_STATUS_VALID, *position))
			return true;
		value = look(&map->control->nmc_consumed);
		if (word == word_of(NL_MMAP_STATUS_UNUSED, *position))
			++*position;
		else if ((int32_t)(value - *position) > 0)
			*position = value;
		else
			break;
		__atomic_store_n(&map->position, *position, __ATOMIC_RELAXED);
	}
	return false;
}

static bool take_next(struct shadow_map *map, struct msghdr *msg, int flags,
		      ssize_t *ret)
{
	uint32_t position;

	do
		if (!find_next(map, &position))
			return false;
	while (!take_frame(map, position, msg, flags, ret));
	__atomic_store_n(&map->position, position + 1, __ATOMIC_RELAXED);
	return true;
}

static unsigned int count_valid(struct shadow_map *map)
{
	unsigned int count = 0;
	uint32_t position;

	if (!find_next(map, &position))
		return 0;
	while (++count < map->frame_nr &&
	       frame_status(&frame_of(map, position + count)->hdr) ==
	       word_of(NL_MMAP_STATUS_VALID, position + count))
		;
	return count;
}

/* the kernel drops what was taken, and admits senders that wait for room */
static void relieve(const struct ring_shadow *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLIN };
	static const struct timespec now;
	int saved = errno, cancel;

	/* the message would be lost */
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
	ppoll(&pfd, 1, &now, NULL);
	pthread_setcancelstate(cancel, NULL);
	errno = saved;
}

/*
 * The parts of a dump are as long as the most that recvmsg() was offered: what
 * offers more goes there.
 */
static bool is_plain(const struct ring_shadow *s, const struct msghdr *msg,
		     int flags)
{
	size_t left = __atomic_load_n(&s->room, __ATOMIC_RELAXED), i;

	if (flags & ~SHADOW_MSG_FLAGS || (size_t)msg->msg_iovlen > IOV_MAX ||
	    (msg->msg_name != NULL && (int)msg->msg_namelen < 0))
		return false;
	for (i = 0; i < (size_t)msg->msg_iovlen; i++) {
		if (msg->msg_iov[i].iov_len > left)
			return false;
		left -= msg->msg_iov[i].iov_len;
	}
	return true;
}

/*
 * The next message as recvmsg(2) returns it, without control data; @msg and *ret
 * say what it returns. false: call recvmsg(2).
 */
bool ring_shadow_take(struct ring_shadow *s, struct msghdr *msg, int flags,
		      ssize_t *ret)
{
	struct shadow_map *map = map_of(s);
	bool taken = false, pressure = false;

	if (map == NULL || !is_plain(s, msg, flags))
		return false;
	/* pairs with begin_map(), which finds a reader or is found by it */
	__atomic_add_fetch(&map->readers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&map->frames, __ATOMIC_SEQ_CST) != NULL) {
		taken = take_next(map, msg, flags, ret);
		pressure = taken && look(&map->control->nmc_pressure);
	}
	__atomic_sub_fetch(&map->readers, 1, __ATOMIC_RELEASE);
	if (taken)
		__atomic_add_fetch(&map->taken, 1, __ATOMIC_RELAXED);
	if (pressure)
		relieve(s);
	return taken;
}

/* messages that can be taken one after the other, if nobody else takes them */
unsigned int ring_shadow_count(struct ring_shadow *s)
{
	struct shadow_map *map = map_of(s);
	unsigned int count = 0;

	if (map == NULL)
		return 0;
	__atomic_add_fetch(&map->readers, 1, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&map->frames, __ATOMIC_SEQ_CST) != NULL)
		count = count_valid(map);
	__atomic_sub_fetch(&map->readers, 1, __ATOMIC_RELEASE);
	return count;
}

/*
 * Setting a ring
 */

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == -1)
		return 0;
	return cookie;
}

static bool is_netlink(int fd)
{
	socklen_t len = sizeof(int);
	int domain = 0;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 &&
	       domain == AF_NETLINK;
}

/* the state of the RX ring, of a kernel that has shadow rings */
static bool get_state(int fd, struct nl_mmap_state *state)
{
	socklen_t len = sizeof(*state);

	memset(state, 0, sizeof(*state));
	return getsockopt(fd, SOL_NETLINK, NETLINK_RX_RING, state, &len) == 0 &&
	       len == sizeof(*state) &&
	       (state->nm_features & SHADOW_FLAGS) == SHADOW_FLAGS;
}

static bool can_be_read(const struct nl_mmap_state *state)
{
	const struct nl_mmap_req *req = &state->req;

	return (state->nm_flags & SHADOW_FLAGS) == SHADOW_FLAGS &&
	       req->nm_block_size % req->nm_frame_size == 0 &&
	       req->nm_frame_size > NL_MMAP_HDR2LEN;
}

/* as large as the user's limits allow; 0 or -1 and errno */
static int set_ring(int fd, struct nl_mmap_state *state)
{
	struct nl_mmap_req2 req2 = { .nm_flags = SHADOW_FLAGS };
	unsigned int blocks;
	int ret = -1;

	for (blocks = SHADOW_BLOCKS; ret == -1 && blocks > 0; blocks /= 2) {
		req2.req = (struct nl_mmap_req){
			.nm_block_size	= SHADOW_BLOCK_SIZE,
			.nm_block_nr	= blocks,
			.nm_frame_size	= SHADOW_FRAME_SIZE,
			.nm_frame_nr	= SHADOW_BLOCK_SIZE /
					  SHADOW_FRAME_SIZE * blocks,
		};
		ret = setsockopt(fd, SOL_NETLINK, NETLINK_RX_RING, &req2,
				 sizeof(req2));
		if (ret == -1 && errno != ENOBUFS && errno != ENOMEM)
			return -1;
	}
	state->req = req2.req;
	return ret;
}

/* where the frames were, there is memory of zeroes from now on */
static void cover(struct shadow_map *map)
{
	char *frames = (char *)map + page_size();

	if (mmap(frames, map->len, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		 MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	    MAP_FAILED)
		munmap(frames, map->len);
}

/*
 * Address space for @len bytes of frames. What an earlier ring of the descriptor
 * left is used again, unless a reader may still be there: one that was left by
 * longjmp(3) stays there for ever.
 */
static struct shadow_map *begin_map(struct ring_shadow *s, size_t len)
{
	struct shadow_map *map = map_of(s);
	size_t page = page_size();

	if (map != NULL && map->len >= len &&
	    __atomic_load_n(&map->readers, __ATOMIC_SEQ_CST) == 0)
		return map;
	map = mmap(NULL, page + len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (madvise(map, page, MADV_WIPEONFORK) == -1) {
		munmap(map, page + len);
		return NULL;
	}
	map->len = len;
	return map;
}

static bool map_ring(struct ring_shadow *s, const struct nl_mmap_req *req,
		     uint64_t cookie)
{
	size_t size = (size_t)req->nm_block_size * req->nm_block_nr;
	struct shadow_map *map = begin_map(s, size + page_size());
	char *frames;

	if (map == NULL)
		return false;
	frames = mmap((char *)map + page_size(), size + page_size(),
		      PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, s->fd, 0);
	if (frames == MAP_FAILED) {
		cover(map);
		return false;
	}
	madvise(frames, size + page_size(), MADV_DONTFORK);
	map->control = (void *)(frames + size);
	map->frame_nr = req->nm_frame_nr;
	map->frame_size = req->nm_frame_size;
	map->pid = getpid();
	map->cookie = cookie;
	map->taken = map->called = 0;
	map->since = map->checked = seconds();
	/* an error may wait since before: recvmsg() comes first */
	map->overruns = look(&map->control->nmc_overruns) - 1;
	map->position = look(&map->control->nmc_consumed);
	__atomic_store_n(&map->frames, frames, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->map, map, __ATOMIC_SEQ_CST);
	return true;
}

/* A ring that is there may be a parent's, whose frames are this process's, too. */
static bool set_and_map(struct ring_shadow *s)
{
	uint64_t cookie = cookie_of(s->fd);
	struct nl_mmap_state state;

	if (!is_netlink(s->fd))
		return false;
	if (!get_state(s->fd, &state) &&
	    (ring_attach(s->fd) == -1 || !get_state(s->fd, &state)))
		return false;
	if (state.req.nm_frame_nr == 0) {
		/* somebody waits in a call that began before: another time */
		if (set_ring(s->fd, &state) == -1)
			return errno == EBUSY;
	} else if (!can_be_read(&state)) {
		return false;
	}
	return map_ring(s, &state.req, cookie);
}

/* One thread at a time; nothing interrupts it. false: another one is there. */
static bool begin(struct ring_shadow *s, sigset_t *signals, int *cancel)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, signals);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, cancel);
	if (!__atomic_exchange_n(&s->busy, true, __ATOMIC_SEQ_CST))
		return true;
	pthread_setcancelstate(*cancel, NULL);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
	return false;
}

static void end(struct ring_shadow *s, const sigset_t *signals, int cancel)
{
	__atomic_store_n(&s->busy, false, __ATOMIC_SEQ_CST);
	pthread_setcancelstate(cancel, NULL);
	pthread_sigmask(SIG_SETMASK, signals, NULL);
}

/*
 * The socket is a plain one again, for whoever has it. The number may be another
 * file's by now.
 */
static void unmap(struct ring_shadow *s)
{
	static const struct nl_mmap_req none;
	struct shadow_map *map = map_of(s);

	if (map == NULL ||
	    __atomic_exchange_n(&map->frames, NULL, __ATOMIC_SEQ_CST) == NULL)
		return;
	cover(map);
	if (cookie_of(s->fd) == map->cookie)
		setsockopt(s->fd, SOL_NETLINK, NETLINK_RX_RING, &none,
			   sizeof(none));
}

static void stop(struct ring_shadow *s)
{
	int saved = errno, cancel;
	sigset_t signals;

	if (!ring_shadow_is_mapped(s) || !begin(s, &signals, &cancel))
		return;
	unmap(s);
	end(s, &signals, cancel);
	errno = saved;
}

static bool is_other_socket(const struct ring_shadow *s)
{
	return cookie_of(s->fd) != map_of(s)->cookie;
}

static void start(struct ring_shadow *s)
{
	sigset_t signals;
	int cancel;

	if (!begin(s, &signals, &cancel))
		return;
	if (!ring_shadow_is_mapped(s)) {
		s->never = !set_and_map(s);
		if (ring_shadow_is_mapped(s) && is_other_socket(s))
			unmap(s);
	}
	end(s, &signals, cancel);
	/* who closed it meanwhile could not stop it */
	if (!__atomic_load_n(&s->open, __ATOMIC_SEQ_CST))
		stop(s);
}

/*
 * Is it worth it?
 */

/* Answers and parts of dumps come by recvmsg() in any case. */
static bool may_be_in_frame(const struct msghdr *msg, size_t len)
{
	struct nlmsghdr nlh;

	if (msg->msg_iovlen == 0 || len < sizeof(nlh) ||
	    msg->msg_iov[0].iov_len < sizeof(nlh))
		return false;
	memcpy(&nlh, msg->msg_iov[0].iov_base, sizeof(nlh));
	/* not every message is one of netlink's: uevents are text */
	if (nlh.nlmsg_len > len)
		return true;
	return nlh.nlmsg_type >= NLMSG_MIN_TYPE &&
	       !(nlh.nlmsg_flags & NLM_F_MULTI);
}

/* true: time has passed */
static bool count(struct ring_shadow *s)
{
	unsigned int now = seconds();
	bool passed;

	passed = now - __atomic_load_n(&s->since, __ATOMIC_RELAXED) >=
		 SHADOW_SECONDS;
	if (passed) {
		__atomic_store_n(&s->since, now, __ATOMIC_RELAXED);
		__atomic_store_n(&s->received, 0, __ATOMIC_RELAXED);
	}
	if (__atomic_add_fetch(&s->received, 1, __ATOMIC_RELAXED) >=
	    SHADOW_COMES << s->backoff) {
		__atomic_store_n(&s->received, 0, __ATOMIC_RELAXED);
		start(s);
	}
	return passed;
}

/* A reader that is woken for each message finds it by recvmsg(). */
static void weigh(struct ring_shadow *s, struct shadow_map *map)
{
	unsigned int taken, called;

	taken = __atomic_exchange_n(&map->taken, 0, __ATOMIC_RELAXED);
	called = __atomic_exchange_n(&map->called, 0, __ATOMIC_RELAXED);
	if (taken >= SHADOW_GOES && taken >= called / 8) {
		s->backoff = 0;
		return;
	}
	if (s->backoff < SHADOW_BACKOFF)
		s->backoff++;
	stop(s);
}

/*
 * Is the socket still the one that has the ring, and does that carry anything?
 * false: that was looked at in this second.
 */
bool ring_shadow_look(struct ring_shadow *s)
{
	struct shadow_map *map = map_of(s);
	unsigned int now;

	if (!ring_shadow_is_mapped(s))
		return false;
	now = seconds();
	if (now == __atomic_load_n(&map->checked, __ATOMIC_RELAXED))
		return false;
	__atomic_store_n(&map->checked, now, __ATOMIC_RELAXED);
	if (is_other_socket(s)) {
		ring_shadow_close(s);
	} else if (now - __atomic_load_n(&map->since, __ATOMIC_RELAXED) >=
		   SHADOW_SECONDS) {
		__atomic_store_n(&map->since, now, __ATOMIC_RELAXED);
		weigh(s, map);
	}
	return true;
}

static size_t room_of(const struct msghdr *msg)
{
	size_t room = 0, i;

	for (i = 0; i < (size_t)msg->msg_iovlen; i++)
		room += msg->msg_iov[i].iov_len;
	return room;
}

/*
 * A call of recvmsg(2), or one like it, returned @ret to the program. true: time
 * has passed, and other sockets may be looked at.
 */
bool ring_shadow_called(struct ring_shadow *s, const struct msghdr *msg,
			ssize_t ret)
{
	int saved = errno;
	bool passed = false;
	size_t room;

	if (s->never)
		return false;
	if (ret >= 0) {
		room = room_of(msg);
		if (room > __atomic_load_n(&s->room, __ATOMIC_RELAXED))
			__atomic_store_n(&s->room, room, __ATOMIC_RELAXED);
	}
	if (ring_shadow_is_mapped(s)) {
		passed = ring_shadow_look(s);
		if (ret > 0 && __atomic_add_fetch(&map_of(s)->called, 1,
						  __ATOMIC_RELAXED) ==
			       SHADOW_CALLS)
			weigh(s, map_of(s));
	} else if (ret > 0 && may_be_in_frame(msg, ret)) {
		passed = count(s);
	}
	errno = saved;
	return passed;
}

/*
 * Descriptors
 */

void ring_shadow_open(struct ring_shadow *s, int fd)
{
	s->fd = fd;
	s->pid = getpid();
	s->never = false;
	s->backoff = s->received = 0;
	s->room = 0;
	__atomic_store_n(&s->open, true, __ATOMIC_SEQ_CST);
}

/* Before the descriptor is closed. In a child of vfork(2) it is the parent's. */
void ring_shadow_close(struct ring_shadow *s)
{
	pid_t owner = ring_shadow_is_mapped(s) ? map_of(s)->pid : s->pid;

	if (owner != getpid())
		return;
	__atomic_store_n(&s->open, false, __ATOMIC_SEQ_CST);
	stop(s);
}

/* after ring_shadow_close(), when no other thread uses it */
void ring_shadow_free(struct ring_shadow *s)
{
	struct shadow_map *map = map_of(s);

	if (map == NULL)
		return;
	/* in a child: what comes after the page is not ours */
	munmap(map, page_size() + map->len);
	s->map = NULL;
}
