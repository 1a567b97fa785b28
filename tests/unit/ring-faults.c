// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ring calls when the kernel refuses, is short of something, or writes
 * nonsense into frames: on a kernel that this program plays. No privileges.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>
#include <sys/time.h>

#include "played-kernel.h"
#include "unit.h"

static struct mnl_socket *nl;

static int setup(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	played.old = true;
	nl = mnl_socket_open(NETLINK_USERSOCK);
	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mnl_socket_close(nl), 0);
	return 0;
}

static struct mnl_ring *ring_of(enum mnl_ring_type type)
{
	struct mnl_ring *ring = mnl_socket_get_ring(nl, type);

	assert_non_null(ring);
	return ring;
}

static struct mnl_ring *map(enum mnl_ring_type type)
{
	assert_int_equal(mnl_socket_mmap(nl), 0);
	assert_true(mnl_ring_is_mapped(ring_of(type)));
	return ring_of(type);
}

/* the message that a well-behaved kernel puts into the frame at the head */
static void deliver(unsigned int index, unsigned int seq)
{
	struct nl_mmap_hdr *hdr;
	struct nlmsghdr *nlh;

	hdr = played_rx_frame(mnl_socket_get_fd(nl), index);
	nlh = mnl_nlmsg_put_header((char *)hdr + NL_MMAP_HDRLEN);
	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_seq = seq;
	played_frame(mnl_socket_get_fd(nl), NL_MMAP_STATUS_VALID,
		     nlh->nlmsg_len);
}

static void put(unsigned int status, unsigned int len)
{
	played_frame(mnl_socket_get_fd(nl), status, len);
}

static void expect(struct mnl_ring *rx, unsigned int seq)
{
	struct nlmsghdr *nlh;
	size_t len;

	nlh = mnl_ring_peek(rx, &len);
	assert_non_null(nlh);
	assert_int_equal(len, sizeof(*nlh));
	assert_int_equal(nlh->nlmsg_seq, seq);
}

/* without the family, or refused by it: buffers instead */
static void test_not_attached(void **state)
{
	(void)state;
	played.no_family = true;
	assert_fails(mnl_socket_set_ring2(nl, MNL_RING_RX, NULL), ENOPROTOOPT);
	assert_int_equal(mnl_socket_set_ring(nl, 1, 1), 0);
	played.no_family = false;
	played.attach_error = EBUSY;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	assert_false(mnl_ring_is_mapped(ring_of(MNL_RING_RX)));
	assert_false(mnl_ring_is_mapped(ring_of(MNL_RING_TX)));
}

static void test_removed(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = 65536,
		.nm_block_nr = 1,
		.nm_frame_size = 16384,
		.nm_frame_nr = 4,
	};

	(void)state;
	assert_int_equal(mnl_socket_set_ring2(nl, MNL_RING_RX, &req), 0);
	assert_int_equal(mnl_socket_set_ring2(nl, MNL_RING_TX, &req), 0);
	assert_int_equal(mnl_socket_set_ring2(nl, MNL_RING_RX, NULL), 0);
	map(MNL_RING_TX);
	assert_null_errno(mnl_socket_get_ring(nl, MNL_RING_RX), EBADR);
}

/* less than the default is allowed: the most that is, by halves */
static void test_smaller(void **state)
{
	(void)state;
	played.bytes_allowed = 40 * 16384;
	assert_int_equal(mnl_ring_get_frame_nr(map(MNL_RING_RX)), 32);
	assert_int_equal(mnl_ring_get_frame_nr(ring_of(MNL_RING_TX)), 32);
}

static void test_none_allowed(void **state)
{
	(void)state;
	played.bytes_allowed = 3 * 16384;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	assert_false(mnl_ring_is_mapped(ring_of(MNL_RING_RX)));
	assert_false(mnl_ring_is_mapped(ring_of(MNL_RING_TX)));
}

static void test_refused(void **state)
{
	(void)state;
	played.set_error = ENOMEM;
	assert_fails(mnl_socket_set_ring(nl, 65536, 0), ENOMEM);
	played.set_error = EPERM;
	assert_fails(mnl_socket_mmap(nl), EPERM);
	played.set_error = 0;
	played.mmap_error = EAGAIN;
	assert_fails(mnl_socket_mmap(nl), EAGAIN);
	played.mmap_error = 0;
	map(MNL_RING_RX);
}

/* no length below one byte or over the frame is believed */
static void test_holes(void **state)
{
	struct mnl_ring *rx;
	size_t len;

	(void)state;
	rx = map(MNL_RING_RX);
	put(NL_MMAP_STATUS_VALID, 0);
	put(NL_MMAP_STATUS_VALID, 16384 - NL_MMAP_HDRLEN + 1);
	put(NL_MMAP_STATUS_VALID, UINT32_MAX);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	deliver(3, 1);
	put(NL_MMAP_STATUS_VALID, 0);
	deliver(5, 2);
	expect(rx, 1);
	expect(rx, 2);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	put(NL_MMAP_STATUS_SKIP, 16);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
}

/* somebody else took the message that a COPY frame announced */
static void test_copy_is_gone(void **state)
{
	struct mnl_ring_stats stats;
	struct mnl_ring *rx;

	(void)state;
	rx = map(MNL_RING_RX);
	put(NL_MMAP_STATUS_COPY, 100000);
	deliver(1, 1);
	expect(rx, 1);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	assert_int_equal(mnl_ring_get_stats(rx, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.messages, 1);
	assert_int_equal(stats.by_copy, 0);
}

static void test_wait_errors(void **state)
{
	struct mnl_ring *rx;

	(void)state;
	rx = map(MNL_RING_RX);
	played.poll_error = ENOMEM;
	assert_fails(mnl_ring_wait(rx, -1), ENOMEM);
	played.poll_error = 0;
	played.poll_events = POLLNVAL;
	assert_fails(mnl_ring_wait(rx, -1), EBADF);
	/* an error that another thread has fetched: nothing to tell */
	played.poll_events = POLLERR;
	assert_int_equal(mnl_ring_wait(rx, 0), 0);
	/* woken for nothing: it goes on waiting */
	played.poll_events = POLLIN;
	assert_int_equal(mnl_ring_wait(rx, 20), 0);
}

static void on_signal(int sig)
{
	(void)sig;
}

/* what poll() says of a reader that calls the library's oldest function */
static void test_recvfrom_errors(void **state)
{
	struct sigaction sa = { .sa_handler = on_signal }, old;
	char buf[64] ALIGNED;

	(void)state;
	map(MNL_RING_RX);
	played.poll_error = EINTR;
	assert_int_equal(sigaction(SIGUSR1, &sa, &old), 0);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EINTR);
	assert_int_equal(sigaction(SIGUSR1, &old, NULL), 0);
	played.poll_error = 0;
	played.poll_events = POLLERR;
	played.option_error = EBADF;
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EBADF);
	played.option_error = 0;
	assert_int_equal(fcntl(mnl_socket_get_fd(nl), F_SETFL, O_NONBLOCK), 0);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EAGAIN);
}

/* a message to nl that no frame holds */
static void send_long(void)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = mnl_socket_get_portid(nl) };
	static char buf[20000] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	nlh->nlmsg_len = sizeof(buf);
	assert_int_equal(sendto(fd, buf, sizeof(buf), 0, (void *)&addr,
				sizeof(addr)), sizeof(buf));
	close(fd);
}

/* as long as recvmsg(2) would wait */
static void test_receive_timeout(void **state)
{
	struct timeval tv = { .tv_usec = 20000 };
	char buf[64] ALIGNED;

	(void)state;
	map(MNL_RING_RX);
	assert_int_equal(setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET,
				    SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_fails(mnl_socket_recvfrom(nl, buf, sizeof(buf)), EAGAIN);
	tv.tv_sec = 100000000;
	assert_int_equal(setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET,
				    SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	deliver(0, 1);
	assert_int_equal(mnl_socket_recvfrom(nl, buf, sizeof(buf)), 16);
}

static void send_short(struct mnl_socket *to)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = mnl_socket_get_portid(to) };
	char buf[64] ALIGNED;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	assert_int_equal(sendto(mnl_socket_get_fd(nl), buf, nlh->nlmsg_len, 0,
				(void *)&addr, sizeof(addr)), nlh->nlmsg_len);
}

/* LIBMNL_RING: a ring that the program does not know of, or a plain socket */
static void test_environment(void **state)
{
#define COMES	256	/* messages after which a socket has a shadow ring */
	static const struct {
		const char *value;
		bool no_family;
		bool old;
		bool no_features;
		int set_error;
		int mmap_error;
		bool ring;
	} cases[] = {
		{ NULL, false, false, false, 0, 0, false },
		{ "", false, false, false, 0, 0, false },
		{ "0", false, false, false, 0, 0, false },
		{ "1", true, false, false, 0, 0, false },
		{ "1", false, false, false, ENOBUFS, 0, false },
		{ "1", false, false, false, 0, EAGAIN, false },
		/* kernels that have no shadow rings */
		{ "1", false, true, false, 0, 0, false },
		{ "1", false, false, true, 0, 0, false },
		{ "1", false, false, false, 0, 0, true },
		{ "yes", false, false, false, 0, 0, true },
	};
	struct mnl_socket *s;
	char buf[64] ALIGNED;
	unsigned int i, n;

	(void)state;
	for (i = 0; i < MNL_ARRAY_SIZE(cases); i++) {
		if (cases[i].value != NULL)
			setenv("LIBMNL_RING", cases[i].value, 1);
		played.old = cases[i].old;
		played.no_features = cases[i].no_features;
		played.no_family = cases[i].no_family;
		played.set_error = cases[i].set_error;
		played.mmap_error = cases[i].mmap_error;
		s = mnl_socket_open(NETLINK_USERSOCK);
		assert_non_null(s);
		assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
		for (n = 0; n < COMES; n++) {
			send_short(s);
			assert_int_equal(mnl_socket_recvfrom(s, buf,
							     sizeof(buf)), 16);
		}
		assert_int_equal(played_rx_frame(mnl_socket_get_fd(s), 0) !=
				 NULL, cases[i].ring);
		assert_null(mnl_socket_get_ring(s, MNL_RING_RX));
		mnl_socket_close(s);
	}
	unsetenv("LIBMNL_RING");
}

/* three frames a block, and a rest; no message over the rest */
static void test_block_tail(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = 4096,
		.nm_block_nr = 4,
		.nm_frame_size = 1200,
		.nm_frame_nr = 12,
	};
	struct nlmsghdr *kept;
	struct mnl_ring *rx;
	size_t len;

	(void)state;
	played.old = false;
	assert_int_equal(mnl_socket_set_ring2(nl, MNL_RING_RX, &req), 0);
	rx = map(MNL_RING_RX);
	deliver(0, 1);
	put(NL_MMAP_STATUS_VALID, 2 * 1200 - NL_MMAP_HDRLEN);
	expect(rx, 1);
	kept = mnl_ring_peek(rx, &len);
	assert_non_null(kept);
	assert_int_equal(len, 2 * 1200 - NL_MMAP_HDRLEN);
	/* behind the last frame of a block there is nothing to keep */
	assert_fails(mnl_ring_keep(rx, (void *)((char *)kept + 4096)), EINVAL);
	assert_fails(mnl_ring_release_kept(rx, kept), EINVAL);
	assert_int_equal(mnl_ring_keep(rx, kept), 0);
	assert_int_equal(mnl_ring_release_kept(rx, (void *)((char *)kept +
							    1500)), 0);
}

/* what a program keeps goes with its rings */
static void test_kept_at_the_end(void **state)
{
	struct mnl_ring *rx;
	size_t len;

	(void)state;
	rx = map(MNL_RING_RX);
	send_long();
	assert_int_equal(mnl_ring_wait(rx, 0), 1);
	assert_int_equal(mnl_ring_keep(rx, mnl_ring_peek(rx, &len)), 0);
	deliver(1, 2);
	assert_int_equal(mnl_ring_keep(rx, mnl_ring_peek(rx, &len)), 0);
}

/* woken for nothing, asleep for a batch: it sleeps on, for the first one */
static void test_batch_without_messages(void **state)
{
	struct mnl_ring *rx;
	unsigned int i, round;

	(void)state;
	played.old = false;
	rx = map(MNL_RING_RX);
	/* without end between two waits: as many as can be expected */
	assert_int_equal(mnl_ring_set_wakeup(rx, 1000, 100000), 0);
	for (round = 0; round < 12; round++) {
		/* a message, and so much time until the next that it is late */
		for (i = 0; i < 20; i++) {
			deliver((round * 20 + i) % mnl_ring_get_frame_nr(rx), i);
			assert_int_equal(mnl_ring_wait(rx, 0), 1);
			expect(rx, i);
			assert_int_equal(mnl_ring_release(rx, 1), 0);
		}
		assert_int_equal(mnl_ring_wait(rx, 2), 0);
	}
}

/* taking the announced message fails: the frame stays, or is passed over */
static void test_copy_errors(void **state)
{
	struct mnl_ring *rx;
	size_t len;

	(void)state;
	rx = map(MNL_RING_RX);
	send_long();
	assert_int_equal(mnl_ring_wait(rx, 0), 1);
	if (played_can_fail_alloc()) {
		played.fail_alloc = 1;
		assert_null_errno(mnl_ring_peek(rx, &len), ENOMEM);
	}
	assert_non_null(mnl_ring_peek(rx, &len));
	assert_int_equal(len, 20000);
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	send_long();
	assert_int_equal(mnl_ring_wait(rx, 0), 1);
	played.recv_error = ENOBUFS;
	assert_fails(mnl_ring_cb_run(rx, 0, 0, NULL, NULL, 0, NULL), ENOBUFS);
}

/* an allocation fails, the first to the last: an error, and nothing leaks */
static void test_memory(void **state)
{
	struct mnl_socket *s;
	unsigned int i;

	(void)state;
	if (!played_can_fail_alloc())
		return;
	played.fail_alloc = 1;
	assert_null_errno(mnl_socket_open(NETLINK_USERSOCK), ENOMEM);
	played.fail_alloc = 1;
	assert_null_errno(mnl_socket_fdopen(mnl_socket_get_fd(nl)), ENOMEM);
	played.fail_alloc = 1;
	assert_null_errno(mnl_nlmsg_batch_start(NULL, 0), ENOMEM);
	played.fail_alloc = 1;
	assert_fails(mnl_socket_set_ring(nl, 1, 1), ENOMEM);
	played.fail_alloc = 1;
	assert_fails(mnl_socket_set_ring2(nl, MNL_RING_RX, NULL), ENOMEM);
	for (i = 1; played.fail_alloc == 0; i++) {
		s = mnl_socket_open(NETLINK_USERSOCK);
		played.fail_alloc = i;
		if (mnl_socket_mmap(s) == -1)
			assert_int_equal(errno, ENOMEM);
		mnl_socket_close(s);
	}
	played.fail_alloc = 0;
	/* the rings, attaching, the slots of both, at the least */
	assert_true(i > 4);
}

/* without rings, buffers are allocated when they are used first */
static void test_memory_for_buffers(void **state)
{
	struct mnl_ring *rx, *tx;
	size_t len;

	(void)state;
	if (!played_can_fail_alloc())
		return;
	played.no_family = true;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = ring_of(MNL_RING_RX);
	tx = ring_of(MNL_RING_TX);
	played.fail_alloc = 1;
	assert_null_errno(mnl_ring_peek(rx, &len), ENOMEM);
	assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
	played.fail_alloc = 1;
	assert_null_errno(mnl_ring_reserve(tx, 16), ENOMEM);
	assert_non_null(mnl_ring_reserve(tx, 16));
}

static void commit(struct mnl_ring *tx)
{
	void *buf = mnl_ring_reserve(tx, 16);

	assert_non_null(buf);
	mnl_nlmsg_put_header(buf);
	assert_int_equal(mnl_ring_commit(tx, 16), 0);
}

/* without a ring: good, bad, good; nothing is sent twice, or lost */
static void test_flush_without_ring(void **state)
{
	const int bad_second[] = { 0, EPERM, 0, 0 };
	const int short_second[] = { 0, ENOBUFS, 0, 0 };
	struct mnl_ring_stats stats;
	struct mnl_ring *tx;
	char buf[16] ALIGNED;
	int i;

	(void)state;
	/* the kernel ignores these: they are no requests */
	mnl_socket_close(nl);
	nl = mnl_socket_open(NETLINK_ROUTE);
	played.no_family = true;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	tx = ring_of(MNL_RING_TX);
	for (i = 0; i < 3; i++)
		commit(tx);
	memcpy(played.send_errors, bad_second, sizeof(bad_second));
	assert_int_equal(mnl_ring_flush(tx), 16);
	assert_fails(mnl_ring_flush(tx), EPERM);
	assert_int_equal(mnl_ring_flush(tx), 16);
	assert_int_equal(mnl_ring_flush(tx), 0);

	for (i = 0; i < 3; i++)
		commit(tx);
	memcpy(played.send_errors, short_second, sizeof(short_second));
	assert_int_equal(mnl_ring_flush(tx), 16);
	assert_int_equal(mnl_ring_flush(tx), 32);

	for (i = 0; i < 2; i++)
		commit(tx);
	played.send_errors[0] = EAGAIN;
	assert_fails(mnl_ring_flush(tx), EAGAIN);
	/* it would pass what is committed */
	played.send_errors[0] = EAGAIN;
	assert_fails(mnl_socket_sendto(nl, mnl_nlmsg_put_header(buf), 16),
		     EAGAIN);
	/* the refusal of another message is no error of this one */
	played.send_errors[0] = EPERM;
	assert_int_equal(mnl_socket_sendto(nl, mnl_nlmsg_put_header(buf), 16),
			 16);
	assert_fails(mnl_ring_flush(tx), EPERM);
	assert_int_equal(mnl_ring_flush(tx), 0);
	assert_int_equal(mnl_ring_get_stats(tx, &stats, sizeof(stats)), 0);
	assert_int_equal(stats.refused, 2);
}

/* a message that is longer than any of the kernel's */
static void send_bytes(size_t len)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK,
				    .nl_pid = mnl_socket_get_portid(nl) };
	static char buf[150000] ALIGNED;
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_USERSOCK);

	mnl_nlmsg_put_header(buf)->nlmsg_len = len;
	assert_int_equal(sendto(fd, buf, len, 0, (void *)&addr, sizeof(addr)),
			 len);
	close(fd);
}

/* without a ring: one by one and several at once */
static void test_odd_lengths(void **state)
{
	struct mnl_ring *rx;
	unsigned int round, i;
	size_t len;

	(void)state;
	played.no_family = true;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = ring_of(MNL_RING_RX);
	for (round = 0; round < 3; round++) {
		send_bytes(150000);
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		assert_null_errno(mnl_ring_peek(rx, &len), ENOSPC);
		send_short(nl);
		do {
			if (mnl_ring_peek(rx, &len) != NULL)
				break;
			assert_int_equal(errno, EAGAIN);
		} while (mnl_ring_wait(rx, -1) == 1);
		assert_int_equal(len, 16);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
		/* few enough for a call that takes one */
		for (i = 0; i < 4; i++) {
			usleep(2000);
			send_short(nl);
			assert_int_equal(mnl_ring_wait(rx, 1000), 1);
			assert_non_null(mnl_ring_peek(rx, &len));
			assert_int_equal(mnl_ring_release(rx, 1), 0);
		}
	}
}

/* without a ring, on a socket that does not wait, or not for long */
static void test_impatient_sockets(void **state)
{
	struct timeval tv = { .tv_usec = 1000 };
	struct sigaction sa = { .sa_handler = on_signal }, old;
	struct mnl_ring *rx;
	unsigned int i;
	size_t len;

	(void)state;
	played.no_family = true;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = ring_of(MNL_RING_RX);
	assert_int_equal(setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET,
				    SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(sigaction(SIGALRM, &sa, &old), 0);
	for (i = 0; i < 2; i++) {
		alarm(1);
		assert_fails(mnl_ring_wait(rx, -1), EINTR);
		assert_int_equal(mnl_ring_wait(rx, 3), 0);
		assert_null_errno(mnl_ring_peek(rx, &len), EAGAIN);
		assert_int_equal(fcntl(mnl_socket_get_fd(nl), F_SETFL,
				       O_NONBLOCK), 0);
	}
	assert_int_equal(sigaction(SIGALRM, &old, NULL), 0);
	alarm(60);
	send_short(nl);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_non_null(mnl_ring_peek(rx, &len));
}

/* senders are asked for: of default rings, and where a kernel has none of it */
static void test_sender_flag(void **state)
{
	struct mnl_ring_info info;
	struct mnl_ring *rx;
	struct nlmsghdr *nlh;
	unsigned int i;
	size_t len;

	for (i = 0; i < 4; i++) {
		played.old = false;
		played.no_features = i == 1;
		played.no_family = i == 2;
		played.set_error = i == 3 ? EPERM : 0;
		if (i == 3) {
			assert_fails(mnl_socket_mmap2(nl, MNL_RING_SENDER),
				     EPERM);
			break;
		}
		assert_int_equal(mnl_socket_mmap2(nl, MNL_RING_SENDER), 0);
		rx = ring_of(MNL_RING_RX);
		send_short(nl);
		assert_int_equal(mnl_ring_wait(rx, -1), 1);
		nlh = mnl_ring_peek(rx, &len);
		assert_non_null(nlh);
		assert_int_equal(mnl_ring_get_info(rx, nlh, &info,
						   sizeof(info)), 0);
		assert_int_equal(!(info.known & MNL_RING_INFO_PORTID), i == 1);
		assert_int_equal(!(info.known & MNL_RING_INFO_NSID), i != 0);
		/* a program that was built with fewer members */
		assert_int_equal(mnl_ring_get_info(rx, nlh, &info, 4), 0);
		teardown(state);
		setup(state);
	}
	memset(&played, 0, sizeof(played));
	assert_fails(mnl_socket_mmap2(nl, 4), EINVAL);
}

/* the program has all frames: nothing comes until it gives some back */
static void test_holds_all(void **state)
{
	struct mnl_ring *rx;
	unsigned int i, nr;
	size_t len;

	(void)state;
	played.old = false;
	assert_int_equal(mnl_socket_set_ring(nl, 65536, 65536), 0);
	rx = map(MNL_RING_RX);
	nr = mnl_ring_get_frame_nr(rx);
	for (i = 0; i < nr; i++) {
		deliver(i, i);
		expect(rx, i);
	}
	send_short(nl);
	assert_null_errno(mnl_ring_peek(rx, &len), EBUSY);
	assert_fails(mnl_ring_wait(rx, -1), EBUSY);
	assert_int_equal(mnl_ring_arm(rx), 0);
	/* a long message does not fit what is left */
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_non_null(mnl_ring_peek(rx, &len));
	assert_int_equal(mnl_ring_release(rx, 1), 0);
	send_long();
	assert_fails(mnl_ring_wait(rx, -1), EBUSY);
	assert_int_equal(mnl_ring_release(rx, nr - 1), 0);
	assert_int_equal(mnl_ring_wait(rx, -1), 1);
	assert_non_null(mnl_ring_peek(rx, &len));
	assert_int_equal(len, 20000);
}

static void test_bind_errors(void **state)
{
	struct mnl_socket *s;

	(void)state;
	s = mnl_socket_open(NETLINK_USERSOCK);
	played.name_error = ENOBUFS;
	assert_fails(mnl_socket_bind(s, 0, 0), ENOBUFS);
	played.name_error = 0;
	assert_int_equal(mnl_socket_close(s), 0);
}

/* a frame that the kernel has not given back is not written to */
static void test_frame_in_use(void **state)
{
	struct mnl_ring *tx;
	char buf[16] ALIGNED;
	unsigned int i;

	(void)state;
	tx = map(MNL_RING_TX);
	for (i = 0; i < mnl_ring_get_frame_nr(tx); i++) {
		mnl_nlmsg_put_header(mnl_ring_reserve(tx, 16));
		assert_int_equal(mnl_ring_commit(tx, 16), 0);
	}
	assert_fails(mnl_ring_wait(tx, 0), EBUSY);
	assert_true(mnl_socket_sendto(nl, buf, 0) != 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_not_attached),
		TEST(test_removed),
		TEST(test_smaller),
		TEST(test_none_allowed),
		TEST(test_refused),
		TEST(test_holes),
		TEST(test_copy_is_gone),
		TEST(test_wait_errors),
		TEST(test_recvfrom_errors),
		TEST(test_receive_timeout),
		TEST(test_environment),
		TEST(test_block_tail),
		TEST(test_kept_at_the_end),
		TEST(test_batch_without_messages),
		TEST(test_copy_errors),
		TEST(test_memory),
		TEST(test_memory_for_buffers),
		TEST(test_flush_without_ring),
		TEST(test_odd_lengths),
		TEST(test_impatient_sockets),
		TEST(test_sender_flag),
		TEST(test_holds_all),
		TEST(test_bind_errors),
		TEST(test_frame_in_use),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(60);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
