// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Setting up, mapping and tearing down rings: errors in their order, geometry,
 * every order of close and munmap. Needs the module and root.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "ring-syscalls.h"
#include "../../shared/wait-until-asleep.h"

#define FRAME	2048
#define FRAMES	8
#define RX_FEATURES \
	(NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL | NL_MMAP_F_SHADOW | \
	 NL_MMAP_F_SENDER)

static void expect_set_error(int fd, struct nl_mmap_req req, int error)
{
	int types[] = { NETLINK_RX_RING, NETLINK_TX_RING };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		assert_int_equal(setsockopt(fd, SOL_NETLINK, types[i], &req,
					    sizeof(req)), -1);
		assert_int_equal(errno, error);
	}
}

static void test_set_errors(void **state)
{
	unsigned int page = getpagesize();
	struct nl_mmap_req req = raw_req(FRAME, FRAMES);
	struct nl_mmap_req bad;
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);

	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &req,
				    sizeof(req) - 1), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
				    (void *)1, sizeof(req)), -1);
	assert_int_equal(errno, EFAULT);

	bad = req; bad.nm_block_size = 0;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_block_size = page + 4;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_frame_size = NL_MMAP_HDRLEN - 4;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_frame_size = FRAME + 2;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_frame_size = 2 * page; bad.nm_frame_nr = bad.nm_block_nr;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_frame_nr++;
	expect_set_error(s.fd, bad, EINVAL);
	bad = req; bad.nm_block_nr = 0;
	expect_set_error(s.fd, bad, EINVAL);
	raw_close(&s);
}

/* the errors in their order: each request has those that come later, too */
static void test_error_order(void **state)
{
	struct nl_mmap_req2 bad = { .nm_flags = 4 }, good = {
		.req = raw_req(FRAME, FRAMES),
	};
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	if (!raw_built_in()) {
		/* not available, before everything */
		assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
					    &bad, 4), -1);
		assert_int_equal(errno, ENOPROTOOPT);
		assert_int_equal(raw_attach(s.fd), 0);
	}
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
				    (void *)1, 15), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
				    (void *)1, 16), -1);
	assert_int_equal(errno, EFAULT);

	/* there is a ring, before bad geometry */
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, good.req), 0);
	bad.req.nm_block_nr = 1;
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &bad,
				    sizeof(bad)), -1);
	assert_int_equal(errno, EBUSY);

	/* bad geometry and flags, before memory */
	good.req.nm_block_size = 1U << 30;
	good.req.nm_frame_size = 1U << 30;
	good.req.nm_block_nr = good.req.nm_frame_nr = 1U << 10;
	good.nm_flags = 1;
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_TX_RING, &good,
				    sizeof(good)), -1);
	assert_int_equal(errno, EINVAL);
	raw_close(&s);
}

/* RX has extensions, TX none; a request of another length has none either */
static void test_flags(void **state)
{
	struct nl_mmap_req2 req = {
		.req = raw_req(FRAME, FRAMES),
		.nm_flags = NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL,
	};
	struct nl_mmap_req none = { 0 };
	unsigned int optlen;
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_set_ring2(&s, NETLINK_TX_RING, req.req,
				       NL_MMAP_F_SPAN), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_TX_RING, req.req,
				       NL_MMAP_F_CONTROL), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req.req,
				       1U << 31), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req.req, ~0U), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_set_ring2(&s, NETLINK_TX_RING, req.req, 0), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING, none), 0);

	for (optlen = 16; optlen < 20; optlen++) {
		assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
					    &req, optlen), 0);
		assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, none), 0);
	}
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING, req.req,
				       req.nm_flags), 0);
	raw_close(&s);
}

/* one page more, behind the TX ring, and it starts with zeroes */
/*
 * A request of a later version of the interface: accepted as long as it asks for
 * nothing that is not known here. Each bit that is reported can be asked for.
 */
static void test_longer_request(void **state)
{
	struct {
		struct nl_mmap_req2 req;
		unsigned char later[5000];
	} *longer = calloc(1, sizeof(*longer));
	const socklen_t known = sizeof(longer->req);
	struct nl_mmap_req none = { 0 };
	struct nl_mmap_state got;
	socklen_t len = sizeof(got);
	struct raw_socket s;
	unsigned int flag;

	(void)state;
	assert_non_null(longer);
	longer->req.req = raw_req(FRAME, FRAMES);
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, longer,
				    known + 100), 0);
	longer->later[99] = 1;
	/* before EBUSY */
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, longer,
				    known + 100), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, none), 0);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, longer,
				    known + 100), -1);
	assert_int_equal(errno, E2BIG);
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, longer,
				    known + 99), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, none), 0);
	longer->later[99] = 0;
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, longer,
				    getpagesize() + 1), -1);
	assert_int_equal(errno, E2BIG);
	/* bytes that cannot be read */
	assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
				    (void *)1, 100), -1);
	assert_int_equal(errno, EFAULT);

	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	for (flag = 1; flag; flag <<= 1) {
		longer->req.nm_flags = flag | NL_MMAP_F_CONTROL;
		assert_int_equal(setsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING,
					    longer, known),
				 got.nm_features & flag ? 0 : -1);
		raw_set_ring(&s, NETLINK_RX_RING, none);
	}
	free(longer);
	raw_close(&s);
}

static void test_control_page(void **state)
{
	size_t page = getpagesize(), rings = 2 * FRAME * FRAMES;
	struct raw_socket s;
	void *map;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING,
				       raw_req(FRAME, FRAMES),
				       NL_MMAP_F_CONTROL), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	map = mmap(NULL, rings, PROT_READ | PROT_WRITE, MAP_SHARED, s.fd, 0);
	assert_ptr_equal(map, MAP_FAILED);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(raw_map(&s), 0);
	assert_int_equal(s.map_len, rings + page);
	assert_int_equal(s.control->nmc_wakeup, 0);
	raw_close(&s);
}

/*
 * lesson 17 (put back: setting a ring empties the queue): what waits when a ring
 * is set, or removed, is not lost
 */
static void test_queue_survives(void **state)
{
	struct raw_socket s, from;
	char buf[FRAME];
	int i;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	for (i = 0; i < 20; i++)
		assert_int_equal(raw_send(&from, s.portid, 0, i, 100, 0), 100);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(raw_map(&s), 0);
	for (i = 0; i < 4; i++)
		raw_expect(&s, i, 100);
	raw_unmap(&s);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      (struct nl_mmap_req){ 0 }), 0);
	/* the frames are gone with what was in them, and that is reported */
	assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), -1);
	assert_int_equal(errno, ENOBUFS);
	/* the queue is not gone */
	for (i = FRAMES; i < 20; i++) {
		assert_int_equal(recv(s.fd, buf, sizeof(buf), 0), 100);
		raw_check(buf, i, 100);
	}
	assert_int_equal(recv(s.fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	raw_close(&from);
	raw_close(&s);
}

/* lesson 18 (put back: a product of 32 bits): 2^31 + 1 blocks of 2 frames */
static void test_frame_product_overflow(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = getpagesize(),
		.nm_block_nr = (1U << 31) + 1,
		.nm_frame_size = getpagesize() / 2,
		.nm_frame_nr = 2,
	};
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	expect_set_error(s.fd, req, EINVAL);
	raw_close(&s);
}

static void test_too_large(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = 1U << 30,
		.nm_block_nr = 1U << 10,
		.nm_frame_size = 1U << 30,
		.nm_frame_nr = 1U << 10,
	};
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	expect_set_error(s.fd, req, ENOMEM);
	raw_close(&s);
}

static void test_busy(void **state)
{
	struct nl_mmap_req none = { 0 };
	struct raw_socket s;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	expect_set_error(s.fd, raw_req(FRAME, FRAMES), EBUSY);
	expect_set_error(s.fd, none, EBUSY);
	raw_unmap(&s);
	expect_set_error(s.fd, raw_req(FRAME, FRAMES), EBUSY);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, none), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING, none), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING, none), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	raw_close(&s);
}

static void test_getsockopt(void **state)
{
	struct nl_mmap_state got;
	struct nl_mmap_req req = raw_req(FRAME, FRAMES);
	socklen_t len = sizeof(got);
	struct raw_socket s, from;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	assert_int_equal(len, sizeof(got));
	assert_memory_equal(&got.req, &req, sizeof(req));
	assert_int_equal(got.nm_head, 1);

	assert_int_equal(got.nm_flags, 0);
	assert_int_equal(got.nm_features, RX_FEATURES);

	/* as much as there is room for, in whole members */
	len = 23;
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	assert_int_equal(len, 20);
	len = 1000;
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	assert_int_equal(len, sizeof(got));

	len = sizeof(req);
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_TX_RING, &got,
				    &len), 0);
	assert_int_equal(len, sizeof(req));
	assert_int_equal(got.req.nm_frame_nr, 0);
	len = sizeof(got);
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_TX_RING, &got,
				    &len), 0);
	assert_int_equal(got.nm_features, 0);

	/* also of a ring that is not there yet */
	len = sizeof(got);
	assert_int_equal(raw_attach(from.fd), 0);
	assert_int_equal(getsockopt(from.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), 0);
	assert_int_equal(got.req.nm_frame_nr, 0);
	assert_int_equal(got.nm_features, RX_FEATURES);
	len = sizeof(req) - 1;
	assert_int_equal(getsockopt(s.fd, SOL_NETLINK, NETLINK_RX_RING, &got,
				    &len), -1);
	assert_int_equal(errno, EINVAL);
	raw_close(&from);
	raw_close(&s);
}

static void expect_no_map(int fd, size_t len, int flags, off_t offset)
{
	assert_ptr_equal(mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd,
			      offset), MAP_FAILED);
	assert_int_equal(errno, EINVAL);
}

static void test_mmap_errors(void **state)
{
	size_t page = getpagesize();
	struct raw_socket s;
	size_t len;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	expect_no_map(s.fd, page, MAP_SHARED, 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING,
				      raw_req(FRAME, 2 * FRAMES)), 0);
	len = 3 * FRAMES * FRAME;
	expect_no_map(s.fd, len - page, MAP_SHARED, 0);
	expect_no_map(s.fd, len + page, MAP_SHARED, 0);
	expect_no_map(s.fd, len, MAP_SHARED, page);
	expect_no_map(s.fd, len, MAP_PRIVATE, 0);
	assert_int_equal(raw_map(&s), 0);
	assert_int_equal(s.map_len, len);
	raw_close(&s);
}

/* RX first, TX behind it, and both are what the kernel uses */
static void test_layout(void **state)
{
	struct raw_socket s, to;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_open(&to, NETLINK_USERSOCK);
	assert_int_equal(raw_send(&to, s.portid, 0, 7, 200, 0), 200);
	assert_int_equal(raw_status((void *)s.map), NL_MMAP_STATUS_VALID);
	raw_check(s.map + NL_MMAP_HDRLEN, 7, 200);

	assert_ptr_equal(s.tx.mem, s.map + FRAME * FRAMES);
	raw_current(&s.tx)->nm_len = raw_build(raw_payload(raw_current(&s.tx)),
					       8, 300);
	raw_set_status(raw_current(&s.tx), NL_MMAP_STATUS_VALID);
	assert_int_equal(raw_run_tx(&s, to.portid, 0), 300);
	assert_int_equal(raw_status(raw_current(&s.tx)),
			 NL_MMAP_STATUS_UNUSED);
	raw_close(&to);
	raw_close(&s);
}

static void test_munmap_then_close(void **state)
{
	struct raw_socket s;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_close(&s);
}

/* the mapping holds the socket: messages still come */
static void test_close_then_munmap(void **state)
{
	struct raw_socket s, from;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	raw_open(&from, NETLINK_USERSOCK);
	assert_int_equal(close(s.fd), 0);
	assert_int_equal(raw_send(&from, s.portid, 0, 5, 400, 0), 400);
	assert_int_equal(raw_status(raw_current(&s.rx)),
			 NL_MMAP_STATUS_VALID);
	raw_check(raw_payload(raw_current(&s.rx)), 5, 400);
	raw_unmap(&s);
	assert_int_equal(raw_send(&from, s.portid, 0, 6, 400, 0), -1);
	assert_int_equal(errno, ECONNREFUSED);
	raw_close(&from);
}

static void test_partial_munmap(void **state)
{
	size_t page = getpagesize();
	struct raw_socket s;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, FRAMES);
	assert_int_equal(munmap(s.map + page, page), 0);
	expect_set_error(s.fd, (struct nl_mmap_req){ 0 }, EBUSY);
	raw_close(&s);
}

static void test_two_mappings(void **state)
{
	struct raw_socket s, from;
	char *second;

	(void)state;
	raw_open_rings(&s, NETLINK_USERSOCK, FRAME, FRAMES, 0);
	raw_open(&from, NETLINK_USERSOCK);
	second = mmap(NULL, s.map_len, PROT_READ | PROT_WRITE, MAP_SHARED,
		      s.fd, 0);
	assert_ptr_not_equal(second, MAP_FAILED);
	assert_int_equal(raw_send(&from, s.portid, 0, 9, 100, 0), 100);
	raw_check(second + NL_MMAP_HDRLEN, 9, 100);
	raw_unmap(&s);
	expect_set_error(s.fd, (struct nl_mmap_req){ 0 }, EBUSY);
	assert_int_equal(munmap(second, s.map_len), 0);
	raw_close(&from);
	raw_close(&s);
}

/* rmmod is refused as long as a socket has, or only had, rings */
static void test_module_in_use(void **state)
{
	struct raw_socket s;

	(void)state;
	if (raw_built_in()) {
		print_message("not run: there is no module\n");
		return;
	}
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(syscall(SYS_delete_module, "netlink_mmap",
				 O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING,
				      raw_req(FRAME, FRAMES)), 0);
	assert_int_equal(raw_map(&s), 0);
	assert_int_equal(close(s.fd), 0);
	assert_int_equal(syscall(SYS_delete_module, "netlink_mmap",
				 O_NONBLOCK), -1);
	assert_int_equal(errno, EWOULDBLOCK);
	raw_unmap(&s);
}

static pid_t stranger_tid;

static void *receive_as_stranger(void *data)
{
	const struct raw_socket *s = data;
	static char buf[200];

	__atomic_store_n(&stranger_tid, gettid(), __ATOMIC_RELEASE);
	return recv(s->fd, buf, sizeof(buf), 0) == 100 ? buf : NULL;
}

/*
 * A recvmsg() that sleeps since before the socket was attached takes what comes
 * next, past the ring. Put back: it receives one byte that no sender sent, when
 * a dump is made beside it.
 */
static void test_stranger(void **state)
{
	static const unsigned int flags[] = {
		0, NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL
	};
	struct raw_socket s, from;
	pthread_t thread;
	unsigned int i;
	void *buf;

	(void)state;
	raw_open(&from, NETLINK_USERSOCK);
	for (i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
		raw_open(&s, NETLINK_USERSOCK);
		stranger_tid = 0;
		assert_int_equal(pthread_create(&thread, NULL,
						receive_as_stranger, &s), 0);
		assert_int_equal(wait_until_asleep(&stranger_tid), 0);
		assert_int_equal(raw_attach(s.fd), 0);
		assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING,
					       raw_req(2048, 8), flags[i]), -1);
		assert_int_equal(errno, EBUSY);
		/* sending is none of its business */
		assert_int_equal(raw_set_ring(&s, NETLINK_TX_RING,
					      raw_req(2048, 8)), 0);
		assert_int_equal(raw_send(&from, s.portid, 0, 1, 100, 0), 100);
		assert_int_equal(pthread_join(thread, &buf), 0);
		assert_non_null(buf);
		raw_check(buf, 1, 100);
		assert_int_equal(raw_set_ring2(&s, NETLINK_RX_RING,
					       raw_req(2048, 8), flags[i]), 0);
		raw_close(&s);
	}
	raw_close(&from);
}

/* who waits in epoll_wait() takes nothing */
static void test_no_stranger(void **state)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLEXCLUSIVE };
	int epoll_fd = epoll_create1(0);
	struct raw_socket s;

	(void)state;
	raw_open(&s, NETLINK_USERSOCK);
	assert_int_equal(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, s.fd, &ev), 0);
	assert_int_equal(raw_attach(s.fd), 0);
	assert_int_equal(raw_set_ring(&s, NETLINK_RX_RING, raw_req(2048, 8)),
			 0);
	close(epoll_fd);
	raw_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_errors),
		cmocka_unit_test(test_error_order),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_longer_request),
		cmocka_unit_test(test_control_page),
		cmocka_unit_test(test_queue_survives),
		cmocka_unit_test(test_frame_product_overflow),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_busy),
		cmocka_unit_test(test_stranger),
		cmocka_unit_test(test_no_stranger),
		cmocka_unit_test(test_getsockopt),
		cmocka_unit_test(test_mmap_errors),
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_munmap_then_close),
		cmocka_unit_test(test_close_then_munmap),
		cmocka_unit_test(test_partial_munmap),
		cmocka_unit_test(test_two_mappings),
		cmocka_unit_test(test_module_in_use),
	};

	watchdog(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
