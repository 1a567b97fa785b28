// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A thread plays the kernel while another reads, keeps and gives back: each
 * message comes once, whole and in order. And two threads use the two rings of
 * a socket. No privileges.
 */
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "played-kernel.h"
#include "unit.h"

#define MESSAGES	100000
#define FRAME_SIZE	256
#define FRAMES		64
#define SHORT		100
#define LONG		900	/* four frames */
#define KEPT		8

static struct mnl_socket *nl;
static struct mnl_ring *rx;

static int setup(void **state)
{
	struct nl_mmap_req req = {
		.nm_block_size = FRAME_SIZE * FRAMES,
		.nm_block_nr = 1,
		.nm_frame_size = FRAME_SIZE,
		.nm_frame_nr = FRAMES,
	};

	(void)state;
	memset(&played, 0, sizeof(played));
	nl = mnl_socket_open(NETLINK_USERSOCK);
	assert_non_null(nl);
	assert_int_equal(mnl_socket_set_ring2(nl, MNL_RING_RX, &req), 0);
	assert_int_equal(mnl_socket_set_ring(nl, 0, 65536), 0);
	assert_int_equal(mnl_socket_mmap(nl), 0);
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return mnl_socket_close(nl);
}

static void build(char *buf, unsigned int seq, size_t len)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	memset(buf + sizeof(*nlh), seq, len - sizeof(*nlh));
	nlh->nlmsg_len = len;
	nlh->nlmsg_seq = seq;
}

static void check(const struct nlmsghdr *nlh, unsigned int seq)
{
	const unsigned char *data = (const unsigned char *)(nlh + 1);
	size_t i;

	assert_int_equal(nlh->nlmsg_seq, seq);
	for (i = 0; i < nlh->nlmsg_len - sizeof(*nlh); i++)
		assert_int_equal(data[i], seq & 0xff);
}

/*
 * One in five is long, unless the ring is crowded just there. (Put back: a frame
 * is not RESERVED while its message is written. The reader takes a piece of it
 * for a frame in use, passes over the frame that it kept, and hangs.)
 */
static void *play_kernel(void *arg)
{
	int fd = mnl_socket_get_fd(nl), done;
	char buf[LONG] ALIGNED;
	unsigned int seq;
	size_t len;

	(void)arg;
	for (seq = 0; seq < MESSAGES; seq++) {
		len = seq % 5 ? SHORT : LONG;
		do {
			build(buf, seq, len);
			done = played_deliver(fd, buf, len);
			if (done == -1)
				len = SHORT;
			if (done == 0)
				sched_yield();
		} while (done != 1);
	}
	return NULL;
}

static void test_receive(void **state)
{
	pthread_t kernel;
	unsigned int seq = 0;
	struct nlmsghdr *nlh;
	size_t len;

	(void)state;
	assert_int_equal(pthread_create(&kernel, NULL, play_kernel, NULL), 0);
	while (seq < MESSAGES) {
		nlh = mnl_ring_peek(rx, &len);
		if (nlh == NULL) {
			assert_int_equal(errno, EAGAIN);
			sched_yield();
			continue;
		}
		check(nlh, seq++);
		assert_int_equal(mnl_ring_release(rx, 1), 0);
	}
	assert_int_equal(pthread_join(kernel, NULL), 0);
}

static void test_keep(void **state)
{
	struct { struct nlmsghdr *nlh; unsigned int seq; } kept[KEPT] = {
		{ NULL, 0 } };
	unsigned int seq = 0, i, random = 1;
	struct nlmsghdr *nlh;
	pthread_t kernel;
	size_t len;

	(void)state;
	assert_int_equal(pthread_create(&kernel, NULL, play_kernel, NULL), 0);
	while (seq < MESSAGES) {
		random = random * 1103515245 + 12345;
		i = random >> 16 & (KEPT - 1);
		nlh = mnl_ring_peek(rx, &len);
		if (nlh == NULL) {
			assert_int_equal(errno, EAGAIN);
			sched_yield();
		} else {
			check(nlh, seq);
			if (kept[i].nlh == NULL && random >> 20 & 1) {
				assert_int_equal(mnl_ring_keep(rx, nlh), 0);
				kept[i].nlh = nlh;
				kept[i].seq = seq;
			} else {
				assert_int_equal(mnl_ring_release(rx, 1), 0);
			}
			seq++;
		}
		i = random >> 24 & (KEPT - 1);
		if (kept[i].nlh != NULL && (random >> 28 & 1 || nlh == NULL)) {
			check(kept[i].nlh, kept[i].seq);
			assert_int_equal(mnl_ring_release_kept(rx, kept[i].nlh),
					 0);
			kept[i].nlh = NULL;
		}
	}
	assert_int_equal(pthread_join(kernel, NULL), 0);
}

/* the other ring is another thread's */
static void *send_requests(void *arg)
{
	struct mnl_ring *tx = arg;
	unsigned int i;
	void *buf;

	for (i = 0; i < 2000; i++) {
		buf = mnl_ring_reserve(tx, 64);
		if (buf == NULL)
			return "reserve";
		mnl_nlmsg_put_header(buf);
		if (mnl_ring_commit(tx, 16) == -1)
			return "commit";
		/* nobody listens: the error is the message's own */
		mnl_ring_flush(tx);
	}
	return NULL;
}

static void test_both_rings(void **state)
{
	pthread_t sender;
	void *failed;

	assert_int_equal(pthread_create(&sender, NULL, send_requests,
					mnl_socket_get_ring(nl, MNL_RING_TX)),
			 0);
	test_receive(state);
	assert_int_equal(pthread_join(sender, &failed), 0);
	assert_null(failed);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_receive),
		TEST(test_keep),
		TEST(test_both_rings),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(120);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
