// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What libmnl-ring-preload.so does with a program's calls, on a kernel that
 * this program plays. Its functions have other names here (recvmsg() is
 * preload_recvmsg()), and those of the next library are the played kernel's. Real
 * programs with it are in tests/vm. No privileges.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../shared/wait-until-asleep.h"
#include "played-kernel.h"
#include "preload.h"
#include "unit.h"

#define COMES	256	/* messages after which a socket has a ring */
#define CALLS	1024	/* messages after which it has to have carried some */
#define SECONDS	10	/* in which it has to carry some */

/*
 * The next library
 */

static ssize_t recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
	errno = EOVERFLOW;
	(void)size;
	return len > size ? -1 : recv(fd, buf, len, flags);
}

static ssize_t recvfrom_chk(int fd, void *buf, size_t len, size_t size,
			    int flags, struct sockaddr *addr,
			    socklen_t *addr_len)
{
	errno = EOVERFLOW;
	return len > size ? -1 : recvfrom(fd, buf, len, flags, addr, addr_len);
}

/* one after the other, as long as they do not fail */
static int receive_many(int fd, struct mmsghdr *msgs, unsigned int nr,
			unsigned int flags, struct timespec *timeout)
{
	unsigned int i;
	ssize_t ret;

	(void)timeout;
	for (i = 0; i < nr; i++) {
		ret = recvmsg(fd, &msgs[i].msg_hdr,
			      i > 0 ? flags | MSG_DONTWAIT : flags);
		if (ret == -1)
			break;
		msgs[i].msg_len = ret;
	}
	return i > 0 || nr == 0 ? (int)i : -1;
}

#ifdef __GLIBC__
/* the played kernel sees close() only */
static int close_numbers(unsigned int first, unsigned int last, int flags)
{
	if (flags & CLOSE_RANGE_CLOEXEC)
		return 0;
	for (; first <= last && first < 64; first++)
		close(first);
	return 0;
}

static void close_from(int first)
{
	close_numbers(first, 63, 0);
}

#endif

static int copy_over(int from, int to)
{
	if (from != to && fcntl(from, F_GETFD) != -1)
		close(to);
	return dup2(from, to);
}

static int copy_over_flags(int from, int to, int flags)
{
	if (from != to && fcntl(from, F_GETFD) != -1)
		close(to);
	return dup3(from, to, flags);
}

static int close_file(FILE *file)
{
	int number = fileno(file), ret = fclose(file);

	close(number);
	return ret;
}

void *played_function(void *handle, const char *name)
{
	static const struct {
		const char	*name;
		void		*function;
	} functions[] = {
		{ "recv", recv },
		{ "recvfrom", recvfrom },
		{ "recvmsg", recvmsg },
		{ "recvmmsg", receive_many },
		{ "__recv_chk", recv_chk },
		{ "__recvfrom_chk", recvfrom_chk },
		{ "socket", socket },
		{ "setsockopt", setsockopt },
		{ "close", close },
		{ "fclose", close_file },
		{ "dup2", copy_over },
		{ "dup3", copy_over_flags },
#ifdef __GLIBC__
		{ "close_range", close_numbers },
		{ "closefrom", close_from },
#endif
	};
	size_t i;

	(void)handle;
	for (i = 0; i < MNL_ARRAY_SIZE(functions); i++)
		if (strcmp(functions[i].name, name) == 0)
			return functions[i].function;
	fail_msg("no function %s", name);
	return NULL;
}

/* the library's clock goes when the test says so */
static unsigned int passed;

int clock_gettime(clockid_t id, struct timespec *ts)
{
	int ret = syscall(SYS_clock_gettime, id, ts);

	if (id == CLOCK_MONOTONIC_COARSE)
		*ts = (struct timespec){ .tv_sec = 1000 + passed };
	return ret;
}

/*
 * Two sockets
 */

static int fd, peer;
static struct sockaddr_nl addr;
static char buf[32768] ALIGNED;

static int open_bound(void)
{
	struct sockaddr_nl own = { .nl_family = AF_NETLINK };
	int s = preload_socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	assert_true(s >= 0);
	assert_int_equal(bind(s, (void *)&own, sizeof(own)), 0);
	return s;
}

static int setup(void **state)
{
	socklen_t len = sizeof(addr);

	(void)state;
	memset(&played, 0, sizeof(played));
	fd = open_bound();
	peer = open_bound();
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
	alarm(120);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(preload_close(fd), 0);
	assert_int_equal(preload_close(peer), 0);
	return 0;
}

static void send_flags(unsigned int seq, size_t len, unsigned int flags)
{
	static char data[32768] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(data);

	nlh->nlmsg_len = len;
	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_flags = flags;
	nlh->nlmsg_seq = seq;
	memset(data + sizeof(*nlh), seq, len - sizeof(*nlh));
	assert_int_equal(sendto(peer, data, len, 0, (void *)&addr,
				sizeof(addr)), len);
}

static void send_message(unsigned int seq, size_t len)
{
	send_flags(seq, len, 0);
}

static void check(const char *data, unsigned int seq, size_t len)
{
	const struct nlmsghdr *nlh = (const void *)data;
	size_t i;

	assert_int_equal(nlh->nlmsg_seq, seq);
	for (i = sizeof(*nlh); i < len; i++)
		assert_int_equal((unsigned char)data[i], seq & 0xff);
}

static void receive(int s, unsigned int seq, size_t len)
{
	assert_int_equal(preload_recv(s, buf, sizeof(buf), 0), len);
	check(buf, seq, len);
}

static bool has_ring(int s)
{
	return played_rx_frame(s, 0) != NULL;
}

static uint32_t consumed(void)
{
	return played_control(fd)->nmc_consumed;
}

/* the other one receives */
static void swap(void)
{
	socklen_t len = sizeof(addr);
	int other = fd;

	fd = peer;
	peer = other;
	assert_int_equal(getsockname(fd, (void *)&addr, &len), 0);
}

static void bring_ring_after(unsigned int messages)
{
	unsigned int i;

	for (i = 0; i < messages; i++) {
		assert_false(has_ring(fd));
		send_message(i, 64);
		receive(fd, i, 64);
	}
	assert_true(has_ring(fd));
	/* an error might wait: the first one comes by recvmsg() */
	send_message(0, 64);
	receive(fd, 0, 64);
}

static void bring_ring(void)
{
	bring_ring_after(COMES);
}

/* the kernel sees that a message was taken from a frame when it is called next */
static void assert_by_frame(ssize_t ret, ssize_t expected, uint32_t before)
{
	assert_int_equal(ret, expected);
	assert_int_equal(consumed(), before);
	poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0);
	assert_int_equal(consumed(), before + 1);
}

#define BY_FRAME(call, ret)						\
	do {								\
		uint32_t before_ = consumed();				\
		assert_by_frame((call), (ret), before_);		\
	} while (0)

#define BY_CALL(call, ret)						\
	do {								\
		uint32_t before_ = consumed();				\
		assert_int_equal((call), (ret));			\
		assert_int_equal(consumed(), before_ + 1);		\
	} while (0)

/*
 * Receiving
 */

static void test_recv(void **state)
{
	struct sockaddr_nl from, own;
	socklen_t len = sizeof(own);
	unsigned int i;

	(void)state;
	bring_ring();
	assert_int_equal(getsockname(peer, (void *)&own, &len), 0);
	for (i = 0; i < 3000; i++) {
		/* some have no frame, and keep back what comes after them */
		size_t size = i % 50 ? 100 + i % 5 * 500 : 10000;

		send_message(i, size);
		if (i % 3 == 0)
			send_message(i, 64);
		memset(&from, 0xff, sizeof(from));
		len = sizeof(from);
		if (i % 2) {
			assert_int_equal(preload_recvfrom(fd, buf, sizeof(buf),
							  0, (void *)&from,
							  &len), size);
			assert_int_equal(len, sizeof(from));
			assert_memory_equal(&from, &own, sizeof(from));
			check(buf, i, size);
		} else {
			receive(fd, i, size);
		}
		if (i % 3 == 0)
			receive(fd, i, 64);
	}
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

/* which calls take frames, and which are those of the next library */
static void test_ways(void **state)
{
	socklen_t len = 4;
	char name[16];

	(void)state;
	bring_ring();
	send_message(1, 64);
	BY_FRAME(preload_recv(fd, buf, sizeof(buf), 0), 64);
	send_message(1, 64);
	BY_FRAME(preload_recv(fd, buf, 20, MSG_DONTWAIT), 20);
	send_message(1, 64);
	BY_FRAME(preload_recv(fd, NULL, 0, MSG_TRUNC), 64);
	send_message(1, 64);
	memset(name, 0x55, sizeof(name));
	BY_FRAME(preload_recvfrom(fd, buf, 64, 0, (void *)name, &len), 64);
	assert_int_equal(len, sizeof(struct sockaddr_nl));
	assert_int_equal(name[4], 0x55);
	send_message(1, 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), MSG_PEEK), 64);
	assert_int_equal(preload_recv(fd, buf, sizeof(buf), MSG_PEEK), 64);
	BY_CALL(recv(fd, buf, sizeof(buf), 0), 64);
	/* more room than ever: the kernel is told */
	send_message(1, 64);
	send_message(2, 64);
	{
		static char more[40000];

		BY_CALL(preload_recv(fd, more, sizeof(more), 0), 64);
		BY_FRAME(preload_recv(fd, more, sizeof(more), 0), 64);
	}
	/* what is longer than a frame */
	send_message(3, 20000);
	receive(fd, 3, 20000);
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	assert_fails(preload_recv(fd, buf, sizeof(buf), 0), EAGAIN);
	send_message(4, 64);
	BY_FRAME(preload_recv(fd, buf, sizeof(buf), 0), 64);
}

/* looked at, cut, measured: as recvmsg(2) does */
static void test_recvmsg(void **state)
{
	struct sockaddr_nl from;
	char control[100];
	struct iovec iov[2] = { { buf, 60 }, { buf + 60, 100 } };
	struct msghdr msg = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = iov,
		.msg_iovlen = 2,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	(void)state;
	bring_ring();
	send_message(7, 150);
	assert_int_equal(preload_recvmsg(fd, &msg, MSG_PEEK), 150);
	memset(buf, 0, sizeof(buf));
	msg.msg_flags = -1;
	msg.msg_controllen = sizeof(control);
	BY_FRAME(preload_recvmsg(fd, &msg, 0), 150);
	check(buf, 7, 150);
	assert_int_equal(msg.msg_flags, 0);
	assert_int_equal(msg.msg_controllen, 0);
	assert_int_equal(msg.msg_namelen, sizeof(from));

	send_message(8, 400);
	BY_FRAME(preload_recvmsg(fd, &msg, 0), 160);
	assert_int_equal(msg.msg_flags, MSG_TRUNC);
	send_message(9, 400);
	BY_FRAME(preload_recvmsg(fd, &msg, MSG_TRUNC), 400);
	send_message(10, 64);
	msg.msg_namelen = -1;
	BY_CALL(preload_recvmsg(fd, &msg, 0), 64);
}

/* nl_groups has no bit for groups over 32 */
static void test_groups(void **state)
{
	static const uint32_t groups[][2] = {
		{ 0, 0 }, { 1, 1 }, { 32, 1U << 31 }, { 33, 0 }, { 64, 0 },
	};
	struct nl_mmap_hdr *hdr;
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	unsigned int i;

	(void)state;
	bring_ring();
	for (i = 0; i < MNL_ARRAY_SIZE(groups); i++) {
		send_message(i, 64);
		hdr = played_rx_frame(fd, consumed() % 256);
		hdr->nm_group = groups[i][0];
		BY_FRAME(preload_recvfrom(fd, buf, 64, 0, (void *)&from, &len),
			 64);
		assert_int_equal(from.nl_groups, groups[i][1]);
	}
}

/* options that make recvmsg() return more, set late, or at a copy */
static void test_control(void **state)
{
	struct iovec iov = { buf, 100 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	int on = 1, off = 0, copy;

	(void)state;
	bring_ring();
	send_message(1, 64);
	BY_FRAME(preload_recvmsg(fd, &msg, 0), 64);
	assert_int_equal(preload_setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on,
					    sizeof(on)), 0);
	send_message(2, 64);
	BY_CALL(preload_recvmsg(fd, &msg, 0), 64);
	send_message(3, 64);
	BY_FRAME(preload_recv(fd, buf, 64, 0), 64);
	assert_int_equal(preload_setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &off,
					    sizeof(off)), 0);
	send_message(4, 64);
	BY_FRAME(preload_recvmsg(fd, &msg, 0), 64);
	copy = dup(fd);
	assert_int_equal(preload_setsockopt(copy, SOL_NETLINK, NETLINK_PKTINFO,
					    &on, sizeof(on)), 0);
	send_message(5, 64);
	BY_CALL(preload_recvmsg(fd, &msg, 0), 64);
	assert_int_equal(preload_close(copy), 0);
}

/* glibc's */
#ifdef __GLIBC__
static void test_checked(void **state)
{
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);

	(void)state;
	bring_ring();
	send_message(1, 64);
	BY_FRAME(preload_recv_chk(fd, buf, 100, 100, 0), 64);
	send_message(2, 64);
	BY_FRAME(preload_recvfrom_chk(fd, buf, 100, 100, 0, (void *)&from,
				      &len), 64);
	send_message(3, 64);
	assert_fails(preload_recv_chk(fd, buf, 100, 99, 0), EOVERFLOW);
	assert_fails(preload_recvfrom_chk(fd, buf, 100, 99, 0, NULL, NULL),
		     EOVERFLOW);
	receive(fd, 3, 64);
}

#endif

/* all of them from frames, or all by the next library */
static void test_recvmmsg(void **state)
{
	static char bufs[8][256] ALIGNED;
	struct timespec timeout = { .tv_sec = 1 };
	struct iovec iov[8];
	struct mmsghdr msgs[8] = { 0 };
	uint32_t before;
	unsigned int i;

	(void)state;
	for (i = 0; i < 8; i++) {
		iov[i].iov_base = bufs[i];
		iov[i].iov_len = sizeof(bufs[i]);
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	assert_int_equal(preload_recvmmsg(fd, msgs, 0, 0, NULL), 0);
	bring_ring();
	assert_fails(preload_recvmmsg(fd, msgs, 8, MSG_DONTWAIT, NULL), EAGAIN);
	for (i = 0; i < 13; i++)
		send_message(i, 100 + i);
	before = consumed();
	assert_int_equal(preload_recvmmsg(fd, msgs, 8, 0, NULL), 8);
	assert_int_equal(consumed(), before);
	for (i = 0; i < 8; i++) {
		assert_int_equal(msgs[i].msg_len, 100 + i);
		check(bufs[i], i, 100 + i);
	}
	assert_int_equal(preload_recvmmsg(fd, msgs, 8, MSG_WAITFORONE, NULL),
			 5);
	assert_int_equal(consumed(), before + 13);
	check(bufs[4], 12, 112);
	send_message(13, 64);
	BY_CALL(preload_recvmmsg(fd, msgs, 1, 0, &timeout), 1);

	/* a loss is reported, and before the messages that are there */
	send_message(14, 64);
	send_message(15, 64);
	played_loss(fd);
	assert_fails(preload_recvmmsg(fd, msgs, 2, 0, NULL), ENOBUFS);
	assert_int_equal(preload_recvmmsg(fd, msgs, 2, 0, NULL), 2);
	check(bufs[0], 14, 64);
}

/* by the next receive, once; reception goes on */
static void test_loss(void **state)
{
	(void)state;
	bring_ring();
	send_message(1, 64);
	send_message(2, 64);
	receive(fd, 1, 64);
	played_loss(fd);
	assert_fails(preload_recv(fd, buf, sizeof(buf), 0), ENOBUFS);
	receive(fd, 2, 64);
	assert_fails(preload_recv(fd, buf, sizeof(buf), MSG_DONTWAIT), EAGAIN);
}

/* the kernel asks to be called, since what was taken is charged until then */
static void test_pressure(void **state)
{
	unsigned int polls;

	(void)state;
	bring_ring();
	send_message(1, 64);
	send_message(2, 64);
	polls = played_shadow_polls(fd);
	receive(fd, 1, 64);
	assert_int_equal(played_shadow_polls(fd), polls);
	played_control(fd)->nmc_pressure = 1;
	receive(fd, 2, 64);
	assert_int_equal(played_shadow_polls(fd), polls + 1);
}

/*
 * When a ring comes, and goes
 */

static void test_no_ring(void **state)
{
	int pipe[2];
	unsigned int i;

	(void)state;
	/* parts of dumps gain nothing */
	for (i = 0; i < 2 * COMES; i++) {
		send_flags(i, 64, NLM_F_MULTI);
		receive(fd, i, 64);
	}
	assert_false(has_ring(fd));
	/* nor does a trickle */
	for (i = 0; i < 2 * COMES; i++) {
		send_message(i, 64);
		receive(fd, i, 64);
		passed += i % (COMES / 2) == 0 ? SECONDS : 0;
	}
	assert_false(has_ring(fd));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pipe), 0);
	assert_int_equal(write(pipe[0], "hello", 5), 5);
	assert_int_equal(preload_recv(pipe[1], buf, sizeof(buf), 0), 5);
	assert_fails(preload_recv(-1, buf, sizeof(buf), 0), EBADF);
	assert_fails(preload_recv(5000, buf, sizeof(buf), 0), EBADF);
	assert_fails(preload_close(-1), EBADF);
	assert_int_equal(preload_close(pipe[0]), 0);
	assert_int_equal(preload_close(pipe[1]), 0);
}

/* what shows that a ring is worth it: messages that could have had frames */
static void test_worth(void **state)
{
	struct nlmsghdr nlh = { .nlmsg_len = 16, .nlmsg_type = NLMSG_ERROR };
	struct iovec iov = { buf, 64 };
	struct msghdr msg = { .msg_iov = &iov };
	unsigned int i;

	(void)state;
	for (i = 0; i < 2 * COMES; i++) {
		assert_int_equal(sendto(peer, &nlh, 16, 0, (void *)&addr,
					sizeof(addr)), 16);
		assert_int_equal(preload_recv(fd, buf, 64, 0), 16);
		/* too little is seen of these */
		send_message(i, 64);
		assert_int_equal(preload_recv(fd, buf, 8, 0), 8);
		send_message(i, 64);
		assert_int_equal(preload_recvmsg(fd, &msg, 0), 0);
		send_message(i, 64);
		assert_int_equal(preload_recv(fd, buf, 64, MSG_PEEK), 64);
		assert_int_equal(recv(fd, buf, 64, 0), 64);
	}
	assert_false(has_ring(fd));
	/* text */
	nlh.nlmsg_len = 0x40646461;
	for (i = 0; i < COMES; i++) {
		assert_int_equal(sendto(peer, &nlh, 16, 0, (void *)&addr,
					sizeof(addr)), 16);
		assert_int_equal(preload_recv(fd, buf, 64, 0), 16);
	}
	assert_true(has_ring(fd));
}

/* as if nothing had been preloaded */
static void receive_many_plainly(void)
{
	unsigned int i;

	for (i = 0; i < 2 * COMES; i++) {
		send_message(i, 64);
		receive(fd, i, 64);
	}
	assert_false(has_ring(fd));
}

static void test_no_kernel(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++) {
		played.no_family = i == 0;
		played.no_shadow = i == 1;
		played.old = i == 2;
		played.set_error = i == 3 ? EPERM : 0;
		played.bytes_allowed = i == 4 ? 1 : 0;
		played.mmap_error = i == 5 ? EAGAIN : 0;
		receive_many_plainly();
		teardown(state);
		setup(state);
	}
	/* less memory, a smaller ring */
	played.bytes_allowed = 65536;
	bring_ring();
	/* somebody waits in a call: another time */
	teardown(state);
	setup(state);
	played.set_error = EBUSY;
	receive_many_plainly();
	played.set_error = 0;
	for (i = 0; i < COMES; i++) {
		send_message(i, 64);
		receive(fd, i, 64);
	}
	assert_true(has_ring(fd));
}

/* also when the quiet socket's own program calls for another one only */
static void test_goes(void **state)
{
	unsigned int i;

	(void)state;
	bring_ring();
	send_message(1, 64);
	passed += SECONDS;
	/* from its frame, and then by a call */
	receive(fd, 1, 64);
	assert_true(has_ring(fd));
	assert_fails(preload_recv(fd, buf, 64, MSG_DONTWAIT), EAGAIN);
	assert_false(has_ring(fd));

	/* later, the second time */
	bring_ring_after(2 * COMES);
	for (i = 0; i < 100; i++)
		send_message(i, 64);
	for (i = 0; i < 100; i++)
		receive(fd, i, 64);
	passed += SECONDS;
	assert_fails(preload_recv(fd, buf, 64, MSG_DONTWAIT), EAGAIN);
	assert_true(has_ring(fd));
	passed += SECONDS;
	/* who calls is another socket, which has a ring */
	swap();
	bring_ring();
	swap();
	assert_false(has_ring(fd));
	/* nobody reads the frames, since each message wakes a sleeper */
	bring_ring_after(2 * COMES);
	for (i = 1; i < CALLS; i++) {
		assert_true(has_ring(fd));
		send_message(i, 64);
		assert_int_equal(preload_recv(fd, buf, 64, MSG_WAITALL), 64);
	}
	assert_false(has_ring(fd));
}

/* somebody has set one already, which is none of ours */
static void test_other_ring(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = 65536,
		.nm_block_nr = 1,
		.nm_frame_size = 4096,
		.nm_frame_nr = 16,
	};
	struct mnl_socket *nl = mnl_socket_fdopen(fd);

	(void)state;
	assert_non_null(nl);
	assert_int_equal(mnl_socket_setsockopt(nl, NETLINK_RX_RING, &req,
					       sizeof(req)), 0);
	free(nl);
	receive_many_plainly();
}

/* calls for other files, and of other options */
static void test_others(void **state)
{
	struct iovec iov = { buf, 64 };
	struct mmsghdr msg = { .msg_hdr = { .msg_iov = &iov, .msg_iovlen = 1 } };
	struct sockaddr_nl from;
	socklen_t len = sizeof(from);
	int value = 1;

	(void)state;
	assert_fails(preload_recvfrom(-1, buf, 64, 0, NULL, NULL), EBADF);
	assert_fails(preload_recvmsg(-1, &msg.msg_hdr, 0), EBADF);
	assert_fails(preload_recvmmsg(-1, &msg, 1, 0, NULL), EBADF);
	assert_fails(preload_setsockopt(-1, SOL_NETLINK, NETLINK_RX_RING,
					&value, sizeof(value)), EBADF);
	assert_int_equal(preload_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value,
					    sizeof(value)), 0);
	value = 1 << 20;
	assert_int_equal(preload_setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &value,
					    sizeof(value)), 0);
	bring_ring();
	assert_int_equal(preload_setsockopt(fd, SOL_NETLINK,
					    NETLINK_NO_ENOBUFS, &value,
					    sizeof(value)), 0);
	/* for root only */
	value = 0;
	preload_setsockopt(fd, SOL_NETLINK, NETLINK_LISTEN_ALL_NSID, &value,
			   sizeof(value));
	send_message(1, 64);
	BY_FRAME(preload_recvfrom(fd, buf, 64, 0, NULL, NULL), 64);
	send_message(2, 64);
	BY_FRAME(preload_recvmmsg(fd, &msg, 1, MSG_WAITFORONE, NULL), 1);
	send_message(3, 64);
	BY_CALL(preload_recvfrom(fd, buf, 64, MSG_WAITALL, (void *)&from, &len),
		64);
	/* an address of no room, and no room at all */
	send_message(4, 64);
	msg.msg_hdr.msg_iovlen = 0;
	BY_FRAME(preload_recvmsg(fd, &msg.msg_hdr, 0), 0);
	assert_int_equal(msg.msg_hdr.msg_flags, MSG_TRUNC);
}

/* the program's own ring, in place of the one that it does not know of */
static void test_own_ring(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = 65536,
		.nm_block_nr = 1,
		.nm_frame_size = 4096,
		.nm_frame_nr = 16,
	};

	(void)state;
	bring_ring();
	assert_int_equal(preload_setsockopt(fd, SOL_NETLINK, NETLINK_RX_RING,
					    &req, sizeof(req)), 0);
	assert_false(has_ring(fd));
}

/*
 * Descriptors
 */

/* each of them has the socket, and its messages */
static void test_copies(void **state)
{
	int copies[2], i;

	(void)state;
	bring_ring();
	copies[0] = dup(fd);
	copies[1] = fcntl(fd, F_DUPFD, 20);
	for (i = 0; i < 5; i++)
		send_message(i, 64);
	receive(fd, 0, 64);
	/* the played kernel knows the socket by one number */
	assert_int_equal(preload_close(copies[0]), 0);
	receive(fd, 1, 64);
	assert_int_equal(preload_close(copies[1]), 0);
	receive(fd, 2, 64);
	assert_true(has_ring(fd));
	receive(fd, 3, 64);
	receive(fd, 4, 64);
}

/* musl has no close_range(), and no closefrom() */
#ifdef __GLIBC__
#define CLOSE_WAYS	6
#else
#define CLOSE_WAYS	4
#endif

static void close_by(unsigned int way)
{
	int other;

	switch (way) {
	case 0:
		assert_int_equal(preload_close(fd), 0);
		break;
	case 1:
		other = open_bound();
		assert_int_equal(preload_dup2(other, fd), fd);
		preload_close(other);
		break;
	case 2:
		other = open_bound();
		assert_int_equal(preload_dup3(other, fd, O_CLOEXEC), fd);
		preload_close(other);
		break;
	case 3:
		assert_int_equal(preload_fclose(fdopen(fd, "r")), 0);
		break;
#ifdef __GLIBC__
	case 4:
		assert_int_equal(preload_close_range(fd, fd, 0), 0);
		break;
	case 5:
		preload_closefrom(fd);
		peer = -1;
		break;
#endif
	}
}

/* no way of closing leaves the ring to the next file of this number */
static void test_closed(void **state)
{
	int old, pipes[2];
	unsigned int way;

	for (way = 0; way < CLOSE_WAYS; way++) {
		bring_ring();
		send_message(99, 64);
		old = fd;
		close_by(way);
		/* it had a mapping, which would keep the socket */
		assert_false(has_ring(old));
		if (fcntl(old, F_GETFD) != -1)
			preload_close(old);
		if (peer != -1)
			preload_close(peer);
		assert_int_equal(pipe(pipes), 0);
		assert_true(pipes[0] == old || pipes[1] == old);
		assert_fails(preload_recv(old, buf, 64, MSG_DONTWAIT), ENOTSOCK);
		close(pipes[0]);
		close(pipes[1]);
		setup(state);
	}
	/* these close nothing */
	bring_ring();
#ifdef __GLIBC__
	assert_int_equal(preload_close_range(0, ~0U, CLOSE_RANGE_CLOEXEC), 0);
#endif
	assert_int_equal(preload_dup2(fd, fd), fd);
	assert_fails(preload_dup3(fd, fd, 0), EINVAL);
	assert_fails(preload_dup2(-1, -1), EBADF);
	assert_true(has_ring(fd));
}

/* not seen: found when the kernel is called, and when the number is used again */
static void test_closed_unseen(void **state)
{
	int old, other;

	(void)state;
	bring_ring();
	old = fd;
	other = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
	assert_int_equal(dup2(other, fd), fd);
	close(other);
	passed++;
	assert_fails(preload_recv(fd, buf, 64, MSG_DONTWAIT), EAGAIN);
	assert_int_equal(preload_close(fd), 0);
	fd = open_bound();
	assert_int_equal(fd, old);
	assert_int_equal(getsockname(fd, (void *)&addr, &(socklen_t){ 12 }), 0);
	bring_ring();
	close(fd);
	fd = open_bound();
	assert_int_equal(fd, old);
	assert_int_equal(getsockname(fd, (void *)&addr, &(socklen_t){ 12 }), 0);
	assert_false(has_ring(fd));
	bring_ring();
}

/* there is no highest one */
static void test_numbers(void **state)
{
	int high[100], first = 2000, i;

	(void)state;
	for (i = 0; i < 100; i++) {
		high[i] = preload_socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);
		assert_true(high[i] >= 0);
		assert_fails(preload_recv(high[i], buf, 64, MSG_DONTWAIT),
			     EAGAIN);
	}
	for (i = 0; i < 100; i++)
		assert_int_equal(preload_close(high[i]), 0);
	if (preload_dup2(fd, first) == first) {
		assert_fails(preload_recv(first, buf, 64, MSG_DONTWAIT),
			     EAGAIN);
		assert_int_equal(preload_close(first), 0);
	}
}

/*
 * Children
 */

static void wait_for(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* it goes on in its parent's place, and maps the frames for itself */
static void test_fork(void **state)
{
	unsigned int i;
	pid_t pid;

	(void)state;
	bring_ring();
	send_message(1, 64);
	send_message(2, 64);
	receive(fd, 1, 64);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		receive(fd, 2, 64);
		for (i = 0; i < 3 * COMES; i++) {
			send_message(i, 64);
			receive(fd, i, 64);
		}
		/* the last ones from frames of its own */
		send_message(5, 64);
		BY_FRAME(preload_recv(fd, buf, 64, 0), 64);
		exit(0);
	}
	wait_for(pid);
	send_message(3, 64);
	receive(fd, 3, 64);
	assert_true(has_ring(fd));
	pid = fork();
	if (pid == 0)
		exit(preload_close(fd));
	wait_for(pid);
	send_message(4, 64);
	BY_FRAME(preload_recv(fd, buf, 64, 0), 64);
}

/* it has its parent's memory, and descriptors of its own */
static void test_vfork(void **state)
{
	pid_t pid;

	(void)state;
	bring_ring();
	send_message(1, 64);
	pid = vfork();
	if (pid == 0) {
		preload_close(fd);
		_exit(0);
	}
	wait_for(pid);
	assert_true(has_ring(fd));
	BY_FRAME(preload_recv(fd, buf, 64, 0), 64);
}

/*
 * Threads and signals
 */

static volatile sig_atomic_t signals, may_jump;
static sigjmp_buf out;
static pid_t tid;

static void *receive_one(void *data)
{
	char one[100] ALIGNED;
	ssize_t ret;

	__atomic_store_n(&tid, gettid(), __ATOMIC_RELEASE);
	ret = preload_recv(*(int *)data, one, sizeof(one), 0);
	return (void *)(ret == -1 ? -errno : ret);
}

static pthread_t start_receiver(int *s)
{
	pthread_t thread;

	tid = 0;
	assert_int_equal(pthread_create(&thread, NULL, receive_one, s), 0);
	assert_int_equal(wait_until_asleep(&tid), 0);
	return thread;
}

/* nobody waits for somebody who sleeps */
static void test_two_threads(void **state)
{
	pthread_t thread;
	void *ret;

	(void)state;
	bring_ring();
	thread = start_receiver(&fd);
	assert_fails(preload_recv(fd, buf, 64, MSG_DONTWAIT), EAGAIN);
	send_message(1, 64);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_int_equal((intptr_t)ret, 64);
}

#define STREAM	20000

static unsigned char seen[STREAM + 2];

static void *receive_stream(void *data)
{
	struct {
		struct nlmsghdr	nlh;
		char		data[64];
	} message;

	(void)data;
	do {
		if (preload_recv(fd, &message, sizeof(message), 0) != 64)
			return "recv";
		__atomic_add_fetch(&seen[message.nlh.nlmsg_seq], 1,
				   __ATOMIC_RELAXED);
	} while (message.nlh.nlmsg_seq < STREAM);
	return NULL;
}

/* each message once; what is left ends the other thread */
static void test_two_readers(void **state)
{
	pthread_t threads[2];
	unsigned int i;
	void *failed;

	(void)state;
	bring_ring();
	memset(seen, 0, sizeof(seen));
	for (i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						receive_stream, NULL), 0);
	for (i = 0; i < STREAM + 2; i++)
		send_message(i, 64);
	for (i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
	for (i = 0; i < STREAM + 2; i++)
		assert_int_equal(seen[i], 1);
}

static void on_signal(int sig)
{
	signals++;
	if (sig == SIGUSR2 && may_jump)
		siglongjmp(out, 1);
	if (sig == SIGTERM)
		preload_close(fd);
}

static void set_handler(int flags)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = flags };

	assert_int_equal(sigaction(SIGUSR1, &sa, NULL), 0);
	assert_int_equal(sigaction(SIGUSR2, &sa, NULL), 0);
	assert_int_equal(sigaction(SIGTERM, &sa, NULL), 0);
	signals = 0;
}

/* restarted, if the handler says so */
static void test_signals(void **state)
{
	pthread_t thread;
	void *ret;

	(void)state;
	bring_ring();
	set_handler(SA_RESTART);
	thread = start_receiver(&fd);
	pthread_kill(thread, SIGUSR1);
	while (signals == 0)
		sched_yield();
	assert_int_equal(wait_until_asleep(&tid), 0);
	send_message(1, 64);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_int_equal((intptr_t)ret, 64);

	set_handler(0);
	thread = start_receiver(&fd);
	while (pthread_tryjoin_np(thread, &ret) == EBUSY) {
		pthread_kill(thread, SIGUSR1);
		sched_yield();
	}
	assert_int_equal((intptr_t)ret, -EINTR);
}

static pthread_t receiver;

static void *disturb(void *end)
{
	while (!__atomic_load_n((bool *)end, __ATOMIC_RELAXED)) {
		if (may_jump)
			pthread_kill(receiver, SIGUSR2);
		sched_yield();
	}
	return NULL;
}

#define JUMPS	50

/* out of the middle of a receive: a message is taken, or the next call takes it */
static void test_longjmp(void **state)
{
	volatile unsigned int next = 0, sent = 0, jumps = 0;
	bool end = false;
	pthread_t thread;

	bring_ring();
	set_handler(0);
	receiver = pthread_self();
	assert_int_equal(pthread_create(&thread, NULL, disturb, &end), 0);
	while (jumps < JUMPS) {
		if (sent == next)
			for (; sent < next + 100; sent++)
				send_message(sent, 64);
		if (sigsetjmp(out, 1)) {
			may_jump = 0;
			jumps++;
			/* it is not known whether it was taken */
			poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1,
			     0);
			next = sent - played_shadow_queued(fd);
			continue;
		}
		may_jump = 1;
		for (; next < sent; next++) {
			preload_recv(fd, buf, 64, 0);
			check(buf, next, 64);
		}
		may_jump = 0;
	}
	__atomic_store_n(&end, true, __ATOMIC_RELAXED);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* who was left in the middle holds nothing */
	assert_int_equal(preload_close(fd), 0);
	assert_false(has_ring(fd));
	preload_close(peer);
	setup(state);
	bring_ring();
}

/* the thread sleeps on, or not, as on a plain socket; its handler ends the ring */
static void test_close_in_handler(void **state)
{
	int old = fd;

	(void)state;
	bring_ring();
	set_handler(0);
	send_message(1, 64);
	raise(SIGTERM);
	assert_false(has_ring(old));
	assert_fails(preload_recv(old, buf, 64, MSG_DONTWAIT), EBADF);
	preload_close(peer);
	setup(state);
}

/*
 * Cancellation. Not under gcc's sanitizers, which lose track of mutexes and
 * stacks when a thread is cancelled.
 */
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CAN_CANCEL
#endif

#ifdef CAN_CANCEL
static void cancel(int *s)
{
	pthread_t thread = start_receiver(s);
	void *ret;

	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, PTHREAD_CANCELED);
}

/* with a ring, without one, and on sockets of other families */
static void test_cancel(void **state)
{
	int pair[2];

	(void)state;
	cancel(&fd);
	bring_ring();
	cancel(&fd);
	send_message(1, 64);
	BY_FRAME(preload_recv(fd, buf, sizeof(buf), 0), 64);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	cancel(&pair[0]);
	preload_close(pair[0]);
	preload_close(pair[1]);
}

static void *cancelled_at_once(void *data)
{
	pthread_cancel(pthread_self());
	return receive_one(data);
}

/* the message stays */
static void test_cancel_at_once(void **state)
{
	pthread_t thread;
	void *ret;

	(void)state;
	bring_ring();
	send_message(1, 64);
	assert_int_equal(pthread_create(&thread, NULL, cancelled_at_once, &fd),
			 0);
	assert_int_equal(pthread_join(thread, &ret), 0);
	assert_ptr_equal(ret, PTHREAD_CANCELED);
	BY_FRAME(preload_recv(fd, buf, sizeof(buf), 0), 64);
}

/* close() does not wait for who sleeps; the number is another socket's at once */
static void test_close(void **state)
{
	pthread_t thread;
	int number = fd;

	bring_ring();
	thread = start_receiver(&fd);
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	assert_int_equal(fd, number);
	bring_ring();
	assert_int_equal(pthread_cancel(thread), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	send_message(2, 64);
	receive(fd, 2, 64);
}
#endif

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_recv),
		TEST(test_ways),
		TEST(test_recvmsg),
		TEST(test_groups),
		TEST(test_control),
#ifdef __GLIBC__
		TEST(test_checked),
#endif
		TEST(test_recvmmsg),
		TEST(test_loss),
		TEST(test_pressure),
		TEST(test_no_ring),
		TEST(test_worth),
		TEST(test_no_kernel),
		TEST(test_goes),
		TEST(test_own_ring),
		TEST(test_other_ring),
		TEST(test_others),
		TEST(test_copies),
		TEST(test_closed),
		TEST(test_closed_unseen),
		TEST(test_numbers),
		TEST(test_fork),
		TEST(test_vfork),
		TEST(test_two_threads),
		TEST(test_two_readers),
		TEST(test_signals),
		TEST(test_longjmp),
		TEST(test_close_in_handler),
#ifdef CAN_CANCEL
		TEST(test_cancel),
		TEST(test_cancel_at_once),
		TEST(test_close),
#endif
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
#ifndef CAN_CANCEL
	printf("not run: threads that are cancelled, under a sanitizer\n");
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
