// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * libmnl-ring-preload.so: shadow rings for programs that receive from netlink
 * sockets by recv(2) and the like, with another library than libmnl or with
 * none. They are started with LD_PRELOAD; nothing else of them changes.
 *
 * A receive takes the next message from a frame, or is the call of the next
 * library, with all its arguments. All other calls work as without, since the
 * messages are in the receive queue, too: those that stand here only report which
 * descriptors are netlink sockets, and what they may not do without recvmsg(2).
 * libmnl-ring-preload(7) has the table.
 *
 * No locks, no malloc(): signal handlers may call most of these functions.
 */

/* the functions under the names that 32-bit programs know, unchecked */
#undef _TIME_BITS
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#include "internal.h"
#include "ring_shadow.h"

#ifdef __GLIBC__
typedef int recvmmsg_flags;
#define CHECKED_CALLS		/* __recv_chk() and the like */
#if __GLIBC_PREREQ(2, 34)
#define CLOSES_RANGES		/* close_range(), closefrom() */
#endif
#if defined(__TIMESIZE) && __TIMESIZE == 32
#define TIME64_CALLS		/* __recvmsg64() and the like */
#endif
#else
typedef unsigned int recvmmsg_flags;
#endif

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD	76
#endif

/*
 * The next library's functions
 */

static void *next_function(void **function, const char *name)
{
	void *found = __atomic_load_n(function, __ATOMIC_RELAXED);

	if (found == NULL) {
		found = dlsym(RTLD_NEXT, name);
		__atomic_store_n(function, found, __ATOMIC_RELAXED);
	}
	return found;
}

/* NEXT(recv)(fd, ...) */
#define NEXT(name)							\
	(*({								\
		static void *function;					\
		(__typeof__(&name))next_function(&function, #name);	\
	}))

/*
 * Descriptors that are netlink sockets, or were: an entry is never freed. A
 * program without netlink sockets has none.
 */

#define BUCKETS		64U
#define FIRST_ENTRIES	32U

struct descriptor {
	struct descriptor	*next;
	struct ring_shadow		shadow;
	unsigned int		options;	/* options_set, when ... */
	bool			has_control;	/* ... this was looked at */
};

static struct descriptor *buckets[BUCKETS], first_entries[FIRST_ENTRIES];
static unsigned int entries_used;

/* how often an option was set that makes recvmsg() return control data */
static unsigned int options_set;

static struct descriptor *entry_of(int fd)
{
	struct descriptor *d;

	d = __atomic_load_n(&buckets[(unsigned int)fd % BUCKETS],
			    __ATOMIC_ACQUIRE);
	while (d != NULL && d->shadow.fd != fd)
		d = d->next;
	return d;
}

/* NULL: no netlink socket that was seen when it was opened */
static struct descriptor *find(int fd)
{
	struct descriptor *d = entry_of(fd);

	return d != NULL &&
	       __atomic_load_n(&d->shadow.open, __ATOMIC_RELAXED) ? d : NULL;
}

static struct descriptor *new_entry(int fd)
{
	unsigned int index = __atomic_fetch_add(&entries_used, 1,
						__ATOMIC_RELAXED);
	struct descriptor *d, **bucket = &buckets[(unsigned int)fd % BUCKETS];

	if (index < FIRST_ENTRIES) {
		d = &first_entries[index];
	} else {
		d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (d == MAP_FAILED)
			return NULL;
	}
	d->shadow.fd = fd;
	d->next = __atomic_load_n(bucket, __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(bucket, &d->next, d, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
	return d;
}

/* another file may have this number from now on */
static void forget(int fd)
{
	struct descriptor *d = find(fd);
	int saved = errno;

	if (d != NULL)
		ring_shadow_close(&d->shadow);
	errno = saved;
}

static void remember(int fd)
{
	struct descriptor *d = entry_of(fd);
	int saved = errno;

	if (d == NULL)
		d = new_entry(fd);
	if (d != NULL) {
		d->options = __atomic_load_n(&options_set, __ATOMIC_RELAXED) - 1;
		ring_shadow_open(&d->shadow, fd);
	}
	errno = saved;
}

/* sockets that nobody receives from: their rings are looked at by others' calls */
static void look_at_others(void)
{
	struct descriptor *d;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		d = __atomic_load_n(&buckets[i], __ATOMIC_ACQUIRE);
		for (; d != NULL; d = d->next)
			ring_shadow_look(&d->shadow);
	}
}

/*
 * Control data
 */

static bool adds_control(int level, int option)
{
	if (level == SOL_SOCKET)
		return option == SO_PASSCRED || option == SO_PASSSEC ||
		       option == SO_PASSPIDFD;
	return level == SOL_NETLINK && (option == NETLINK_PKTINFO ||
					option == NETLINK_LISTEN_ALL_NSID);
}

static bool is_set(int fd, int level, int option)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, level, option, &value, &len) == 0 && value;
}

/*
 * Would recvmsg() return more than the message and its address? It is asked for
 * again when such an option was set at any descriptor, which may be a copy.
 */
static bool has_control(struct descriptor *d)
{
	unsigned int options = __atomic_load_n(&options_set, __ATOMIC_ACQUIRE);
	int fd = d->shadow.fd, saved = errno;

	if (__atomic_load_n(&d->options, __ATOMIC_ACQUIRE) != options) {
		d->has_control = is_set(fd, SOL_SOCKET, SO_PASSCRED) ||
				 is_set(fd, SOL_SOCKET, SO_PASSSEC) ||
				 is_set(fd, SOL_SOCKET, SO_PASSPIDFD) ||
				 is_set(fd, SOL_NETLINK, NETLINK_PKTINFO) ||
				 is_set(fd, SOL_NETLINK,
					NETLINK_LISTEN_ALL_NSID);
		__atomic_store_n(&d->options, options, __ATOMIC_RELEASE);
		errno = saved;
	}
	return d->has_control;
}

/*
 * Receiving
 */

/* recv() and recvfrom() as recvmsg() */
struct simple {
	struct msghdr	msg;
	struct iovec	iov;
};

static void set_message(struct simple *s, void *buf, size_t len,
			struct sockaddr *addr, const socklen_t *addr_len)
{
	s->iov.iov_base = buf;
	s->iov.iov_len = len;
	memset(&s->msg, 0, sizeof(s->msg));
	s->msg.msg_iov = &s->iov;
	s->msg.msg_iovlen = 1;
	if (addr != NULL && addr_len != NULL) {
		s->msg.msg_name = addr;
		s->msg.msg_namelen = *addr_len;
	}
}

static bool take(struct descriptor *d, struct msghdr *msg, int flags,
		 ssize_t *ret)
{
	pthread_testcancel();
	return ring_shadow_take(&d->shadow, msg, flags, ret);
}

/* with what the call of the next library returned */
static ssize_t called(struct descriptor *d, const struct msghdr *msg, int flags,
		      ssize_t ret)
{
	bool other_way = flags & (MSG_PEEK | MSG_ERRQUEUE);

	if (!other_way &&
	    __atomic_load_n(&d->shadow.open, __ATOMIC_RELAXED) &&
	    ring_shadow_called(&d->shadow, msg, ret))
		look_at_others();
	return ret;
}

EXPORT_SYMBOL ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	struct descriptor *d = find(fd);
	struct simple s;
	ssize_t ret;

	if (d == NULL)
		return NEXT(recv)(fd, buf, len, flags);
	set_message(&s, buf, len, NULL, NULL);
	if (take(d, &s.msg, flags, &ret))
		return ret;
	ret = NEXT(recv)(fd, buf, len, flags);
	return called(d, &s.msg, flags, ret);
}

EXPORT_SYMBOL ssize_t recvfrom(int fd, void *buf, size_t len, int flags,
			       struct sockaddr *addr, socklen_t *addr_len)
{
	struct descriptor *d = find(fd);
	struct simple s;
	ssize_t ret;

	/* an address of no known length is an error */
	if (d == NULL || (addr != NULL && addr_len == NULL))
		return NEXT(recvfrom)(fd, buf, len, flags, addr, addr_len);
	set_message(&s, buf, len, addr, addr_len);
	if (take(d, &s.msg, flags, &ret)) {
		if (addr != NULL)
			*addr_len = s.msg.msg_namelen;
		return ret;
	}
	ret = NEXT(recvfrom)(fd, buf, len, flags, addr, addr_len);
	return called(d, &s.msg, flags, ret);
}

#ifdef CHECKED_CALLS
ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
		       struct sockaddr *addr, socklen_t *addr_len);

EXPORT_SYMBOL ssize_t __recv_chk(int fd, void *buf, size_t len, size_t size,
				 int flags)
{
	if (len > size)
		return NEXT(__recv_chk)(fd, buf, len, size, flags);
	return recv(fd, buf, len, flags);
}

EXPORT_SYMBOL ssize_t __recvfrom_chk(int fd, void *buf, size_t len, size_t size,
				     int flags, struct sockaddr *addr,
				     socklen_t *addr_len)
{
	if (len > size)
		return NEXT(__recvfrom_chk)(fd, buf, len, size, flags, addr,
					    addr_len);
	return recvfrom(fd, buf, len, flags, addr, addr_len);
}
#endif

typedef ssize_t (*recvmsg_function)(int fd, struct msghdr *msg, int flags);

static ssize_t receive(recvmsg_function next, int fd, struct msghdr *msg,
		       int flags)
{
	struct descriptor *d = find(fd);
	ssize_t ret;

	if (d == NULL || msg == NULL)
		return next(fd, msg, flags);
	if (ring_shadow_is_mapped(&d->shadow) && !has_control(d) &&
	    take(d, msg, flags, &ret))
		return ret;
	ret = next(fd, msg, flags);
	return called(d, msg, flags, ret);
}

EXPORT_SYMBOL ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	return receive(NEXT(recvmsg), fd, msg, flags);
}

/*
 * All messages, or none: what begins in frames and would go on in the kernel
 * might lose an error, which the next call has to report.
 */
static unsigned int take_all(struct descriptor *d, struct mmsghdr *msgs,
			     unsigned int nr, int flags)
{
	unsigned int i;
	ssize_t ret;

	if (nr == 0 || !ring_shadow_is_mapped(&d->shadow) || has_control(d) ||
	    ring_shadow_count(&d->shadow) < nr)
		return 0;
	for (i = 0; i < nr; i++) {
		if (!take(d, &msgs[i].msg_hdr, flags & ~MSG_WAITFORONE, &ret))
			break;
		msgs[i].msg_len = ret;
	}
	return i;
}

typedef int (*recvmmsg_function)(int fd, struct mmsghdr *msgs, unsigned int nr,
				 recvmmsg_flags flags,
				 struct timespec *timeout);

static int receive_many(recvmmsg_function next, int fd, struct mmsghdr *msgs,
			unsigned int nr, recvmmsg_flags flags,
			struct timespec *timeout)
{
	struct descriptor *d = find(fd);
	int taken, ret, i;

	if (d == NULL || msgs == NULL)
		return next(fd, msgs, nr, flags, timeout);
	if (timeout == NULL) {
		taken = take_all(d, msgs, nr, flags);
		if (taken > 0)
			return taken;
	}
	ret = next(fd, msgs, nr, flags, timeout);
	for (i = 0; i < ret; i++)
		called(d, &msgs[i].msg_hdr, flags, msgs[i].msg_len);
	return ret;
}

EXPORT_SYMBOL int recvmmsg(int fd, struct mmsghdr *msgs, unsigned int nr,
			   recvmmsg_flags flags, struct timespec *timeout)
{
	return receive_many(NEXT(recvmmsg), fd, msgs, nr, flags, timeout);
}

/*
 * Opening and closing
 */

EXPORT_SYMBOL int socket(int domain, int type, int protocol)
{
	int fd = NEXT(socket)(domain, type, protocol);

	if (fd < 0)
		return fd;
	/* it was closed in a way that was not seen */
	forget(fd);
	if (domain == AF_NETLINK)
		remember(fd);
	return fd;
}

EXPORT_SYMBOL int close(int fd)
{
	forget(fd);
	return NEXT(close)(fd);
}

EXPORT_SYMBOL int fclose(FILE *file)
{
	int saved = errno;

	forget(fileno(file));
	errno = saved;
	return NEXT(fclose)(file);
}

EXPORT_SYMBOL int dup2(int from, int to)
{
	if (from != to)
		forget(to);
	return NEXT(dup2)(from, to);
}

EXPORT_SYMBOL int dup3(int from, int to, int flags)
{
	if (from != to)
		forget(to);
	return NEXT(dup3)(from, to, flags);
}

#ifdef CLOSES_RANGES
static void forget_range(unsigned int first, unsigned int last)
{
	struct descriptor *d;
	unsigned int i;

	for (i = 0; i < BUCKETS; i++) {
		d = __atomic_load_n(&buckets[i], __ATOMIC_ACQUIRE);
		for (; d != NULL; d = d->next)
			if ((unsigned int)d->shadow.fd >= first &&
			    (unsigned int)d->shadow.fd <= last)
				forget(d->shadow.fd);
	}
}

EXPORT_SYMBOL int close_range(unsigned int first, unsigned int last, int flags)
{
	if (!(flags & CLOSE_RANGE_CLOEXEC))
		forget_range(first, last);
	return NEXT(close_range)(first, last, flags);
}

EXPORT_SYMBOL void closefrom(int first)
{
	forget_range(first < 0 ? 0 : first, UINT_MAX);
	NEXT(closefrom)(first);
}
#endif

/*
 * Options
 */

typedef int (*setsockopt_function)(int fd, int level, int option,
				   const void *value, socklen_t len);

static int set_option(setsockopt_function next, int fd, int level, int option,
		      const void *value, socklen_t len)
{
	struct descriptor *d = find(fd);
	int ret;

	/* a ring of the program's own, in place of ours */
	if (d != NULL && level == SOL_NETLINK && !d->shadow.busy &&
	    (option == NETLINK_RX_RING || option == NETLINK_TX_RING))
		forget(fd);
	ret = next(fd, level, option, value, len);
	if (adds_control(level, option))
		__atomic_add_fetch(&options_set, 1, __ATOMIC_RELEASE);
	return ret;
}

EXPORT_SYMBOL int setsockopt(int fd, int level, int option, const void *value,
			     socklen_t len)
{
	return set_option(NEXT(setsockopt), fd, level, option, value, len);
}

/*
 * 32-bit programs with 64-bit time
 */

#ifdef TIME64_CALLS
ssize_t __recvmsg64(int fd, struct msghdr *msg, int flags);
int __recvmmsg64(int fd, struct mmsghdr *msgs, unsigned int nr, int flags,
		 struct timespec *timeout);
int __setsockopt64(int fd, int level, int option, const void *value,
		   socklen_t len);

EXPORT_SYMBOL ssize_t __recvmsg64(int fd, struct msghdr *msg, int flags)
{
	return receive(NEXT(__recvmsg64), fd, msg, flags);
}

EXPORT_SYMBOL int __recvmmsg64(int fd, struct mmsghdr *msgs, unsigned int nr,
			       int flags, struct timespec *timeout)
{
	return receive_many(NEXT(__recvmmsg64), fd, msgs, nr, flags, timeout);
}

EXPORT_SYMBOL int __setsockopt64(int fd, int level, int option,
				 const void *value, socklen_t len)
{
	return set_option(NEXT(__setsockopt64), fd, level, option, value, len);
}
#endif
