// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Programs for the ring calls of 2012 and 2014: with libmnl/ring_2012.h, and as
 * the tables of doc/ring-guide.md say, which make takes out of it. On the kernel
 * that is running, and in a second program on a played one. No privileges.
 */
#include <poll.h>
#include <unistd.h>
#include <sys/mman.h>
#include <libmnl/ring_2012.h>
#include <linux/rtnetlink.h>

#include "unit.h"
#include "unit/guide-ports.h"

struct mnl_nlmsg_batch *next_batch(struct mnl_nlmsg_batch *batch, void *buf,
				   size_t limit);
#include "unit/guide-4.h"

#define FRAMES		256U
#define MESSAGES	(2 * FRAMES + 100)
#define FITS		16360	/* a frame, without its header */
#define TOO_LONG	20000

static struct mnl_socket *nl, *peer;
static char message[TOO_LONG] ALIGNED;
static bool has_rings;

static struct mnl_socket *open_bound(int bus)
{
	struct mnl_socket *s = mnl_socket_open(bus);

	assert_non_null(s);
	assert_int_equal(mnl_socket_bind(s, 0, MNL_SOCKET_AUTOPID), 0);
	return s;
}

static int setup_route(void **state)
{
	(void)state;
	nl = open_bound(NETLINK_ROUTE);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	nl = open_bound(NETLINK_USERSOCK);
	peer = open_bound(NETLINK_USERSOCK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(mnl_socket_close(nl), 0);
	if (peer != NULL)
		assert_int_equal(mnl_socket_close(peer), 0);
	peer = NULL;
	return 0;
}

static int look_for_rings(void **state)
{
	setup(state);
	has_rings = mnl_socket_set_ring(nl, 0, 0) == 0;
	assert_true(has_rings || errno == ENOPROTOOPT);
	print_message("the kernel %s rings\n", has_rings ? "has" : "has no");
	if (getenv("EXPECT_RINGS") != NULL)
		assert_true(has_rings);
	return teardown(state);
}

/* what is in message @seq: nothing of the one before is left */
static size_t build(unsigned int seq)
{
	static const size_t lens[] = { 100, FITS, TOO_LONG, 16 };
	size_t len = lens[seq % 4];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(message);

	memset(message, seq, len);
	nlh->nlmsg_len = len;
	nlh->nlmsg_type = NLMSG_MIN_TYPE;
	nlh->nlmsg_flags = 0;
	nlh->nlmsg_seq = seq;
	nlh->nlmsg_pid = 0;
	return len;
}

static void send_message(unsigned int seq)
{
	struct sockaddr_nl to = {
		.nl_family = AF_NETLINK,
		.nl_pid = mnl_socket_get_portid(nl),
	};
	size_t len = build(seq);

	assert_int_equal(sendto(mnl_socket_get_fd(peer), message, len, 0,
				(void *)&to, sizeof(to)), len);
}

static void expect(const void *data, size_t len, unsigned int seq)
{
	assert_int_equal(len, build(seq));
	assert_memory_equal(data, message, len);
}

static void wait_for_messages(void)
{
	struct pollfd pfd = {
		.fd = mnl_socket_get_fd(nl),
		.events = POLLIN | POLLERR,
	};

	assert_int_equal(poll(&pfd, 1, -1), 1);
	assert_int_equal(pfd.revents & POLLERR, 0);
}

/*
 * The interface of 2012
 */

/* a plain socket stays one */
static void test_2012_without_rings(void **state)
{
	char buf[TOO_LONG];

	(void)state;
	if (has_rings)
		skip();
	assert_fails(mnl_socket_set_ring(nl, 0, 0), ENOPROTOOPT);
	assert_null_errno(mnl_socket_get_frame(nl, MNL_RING_RX), EBADR);
	mnl_socket_advance_ring(nl, MNL_RING_RX);
	send_message(1);
	expect(buf, mnl_socket_recvfrom(nl, buf, sizeof(buf)), 1);
}

enum idiom {
	PLAIN,		/* status, advance; a COPY frame by recv(2) */
	ADVANCE_FIRST,	/* advance, status; a COPY frame by the library */
	SKIP_FIRST,	/* SKIP while the message is looked at */
};

static size_t receive_copy(void *buf, size_t size, enum idiom idiom)
{
	return idiom == PLAIN ?
	       recv(mnl_socket_get_fd(nl), buf, size, MSG_DONTWAIT) :
	       mnl_socket_recvfrom(nl, buf, size);
}

/* the inner loop of the examples: messages that were looked at */
static unsigned int receive_2012(unsigned int seq, enum idiom idiom)
{
	enum mnl_ring_types type = MNL_RING_RX;
	char buf[TOO_LONG] ALIGNED;
	struct nl_mmap_hdr *hdr;
	unsigned int count;

	for (count = 0; ; count++) {
		hdr = mnl_socket_get_frame(nl, type);
		assert_non_null(hdr);
		if (hdr->nm_status == NL_MMAP_STATUS_VALID) {
			if (idiom == SKIP_FIRST)
				hdr->nm_status = NL_MMAP_STATUS_SKIP;
			expect((char *)hdr + NL_MMAP_HDRLEN, hdr->nm_len,
			       seq + count);
		} else if (hdr->nm_status == NL_MMAP_STATUS_COPY) {
			expect(buf, receive_copy(buf, sizeof(buf), idiom),
			       seq + count);
		} else {
			return count;
		}
		if (idiom == ADVANCE_FIRST)
			mnl_socket_advance_ring(nl, MNL_RING_RX);
		hdr->nm_status = NL_MMAP_STATUS_UNUSED;
		if (idiom != ADVANCE_FIRST)
			mnl_socket_advance_ring(nl, MNL_RING_RX);
	}
}

static void receive_all_2012(enum idiom idiom)
{
	unsigned int sent = 0, seen = 0;

	if (!has_rings)
		skip();
	assert_int_equal(mnl_socket_set_ring(nl, 0, 0), 0);
	while (seen < MESSAGES) {
		while (sent < MESSAGES && sent < seen + 7)
			send_message(sent++);
		wait_for_messages();
		seen += receive_2012(seen, idiom);
	}
	assert_int_equal(seen, sent);
}

static void test_2012_receive(void **state)
{
	(void)state;
	receive_all_2012(PLAIN);
}

static void test_2012_advance_first(void **state)
{
	(void)state;
	receive_all_2012(ADVANCE_FIRST);
}

static void test_2012_skip_first(void **state)
{
	(void)state;
	receive_all_2012(SKIP_FIRST);
}

/* the first frame waits while the ring turns: the program goes past it */
static void test_2012_keep(void **state)
{
	struct nl_mmap_hdr *kept;
	unsigned int i;

	(void)state;
	if (!has_rings)
		skip();
	assert_int_equal(mnl_socket_set_ring(nl, 0, 0), 0);
	send_message(0);
	kept = mnl_socket_get_frame(nl, MNL_RING_RX);
	assert_int_equal(kept->nm_status, NL_MMAP_STATUS_VALID);
	kept->nm_status = NL_MMAP_STATUS_SKIP;
	mnl_socket_advance_ring(nl, MNL_RING_RX);
	for (i = 1; i < MESSAGES; i++) {
		if (mnl_socket_get_frame(nl, MNL_RING_RX) == kept)
			mnl_socket_advance_ring(nl, MNL_RING_RX);
		send_message(i);
		wait_for_messages();
		assert_int_equal(receive_2012(i, PLAIN), 1);
	}
	expect((char *)kept + NL_MMAP_HDRLEN, kept->nm_len, 0);
}

static size_t build_get_link(void *buf, unsigned int seq, uint16_t flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *link;

	nlh->nlmsg_type = RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = seq;
	link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	link->ifi_index = flags & NLM_F_DUMP ? 0 : 1;
	return nlh->nlmsg_len;
}

static void put_2012(unsigned int seq, uint16_t flags, bool advance)
{
	struct nl_mmap_hdr *hdr = mnl_socket_get_frame(nl, MNL_RING_TX);

	assert_non_null(hdr);
	assert_int_equal(hdr->nm_status, NL_MMAP_STATUS_UNUSED);
	hdr->nm_len = build_get_link((char *)hdr + NL_MMAP_HDRLEN, seq, flags);
	hdr->nm_status = NL_MMAP_STATUS_VALID;
	if (advance)
		mnl_socket_advance_ring(nl, MNL_RING_TX);
}

/* the sequence number of the next answer, of this type */
static unsigned int next_answer(uint16_t type)
{
	struct nl_mmap_hdr *hdr = mnl_socket_get_frame(nl, MNL_RING_RX);
	const struct nlmsghdr *nlh = (void *)((char *)hdr + NL_MMAP_HDRLEN);
	unsigned int seq;

	wait_for_messages();
	assert_int_equal(hdr->nm_status, NL_MMAP_STATUS_VALID);
	assert_int_equal(nlh->nlmsg_type, type);
	seq = nlh->nlmsg_seq;
	hdr->nm_status = NL_MMAP_STATUS_UNUSED;
	mnl_socket_advance_ring(nl, MNL_RING_RX);
	return seq;
}

/* one call for each frame, before it or after it goes on; then one for several */
static void test_2012_send(void **state)
{
	unsigned int seq, i;

	(void)state;
	if (!has_rings)
		skip();
	assert_int_equal(mnl_socket_set_ring(nl, 0, 0), 0);
	for (seq = 1; seq < 2 * FRAMES; seq++) {
		put_2012(seq, 0, seq % 2);
		assert_int_equal(mnl_socket_sendto(nl, NULL, 0), 32);
		if (seq % 2 == 0)
			mnl_socket_advance_ring(nl, MNL_RING_TX);
		assert_int_equal(next_answer(RTM_NEWLINK), seq);
	}
	for (i = 0; i < 20; i++)
		put_2012(seq + i, 0, true);
	assert_int_equal(mnl_socket_sendto(nl, NULL, 0), 20 * 32);
	for (i = 0; i < 20; i++)
		assert_int_equal(next_answer(RTM_NEWLINK), seq + i);
}

/* what is not in frames goes as on a plain socket */
static void test_2012_send_plain(void **state)
{
	char buf[64] ALIGNED;

	(void)state;
	if (!has_rings)
		skip();
	assert_int_equal(mnl_socket_set_ring(nl, 0, 0), 0);
	assert_int_equal(mnl_socket_sendto(nl, buf, build_get_link(buf, 9, 0)),
			 32);
	assert_int_equal(next_answer(RTM_NEWLINK), 9);
}

static int link_cb(const struct nlmsghdr *nlh, void *data)
{
	unsigned int *links = data;

	*links += nlh->nlmsg_type == RTM_NEWLINK;
	return MNL_CB_OK;
}

/* poll() continues a dump */
static void test_2012_dump(void **state)
{
	struct nl_mmap_hdr *hdr;
	unsigned int links = 0;
	int ret = MNL_CB_OK;

	(void)state;
	if (!has_rings)
		skip();
	assert_int_equal(mnl_socket_set_ring(nl, 0, 0), 0);
	put_2012(5, NLM_F_DUMP, true);
	assert_int_equal(mnl_socket_sendto(nl, NULL, 0), 32);
	while (ret > MNL_CB_STOP) {
		wait_for_messages();
		hdr = mnl_socket_get_frame(nl, MNL_RING_RX);
		assert_int_equal(hdr->nm_status, NL_MMAP_STATUS_VALID);
		ret = mnl_cb_run((char *)hdr + NL_MMAP_HDRLEN, hdr->nm_len, 5,
				 mnl_socket_get_portid(nl), link_cb, &links);
		hdr->nm_status = NL_MMAP_STATUS_UNUSED;
		mnl_socket_advance_ring(nl, MNL_RING_RX);
	}
	assert_int_equal(ret, MNL_CB_STOP);
	assert_true(links > 0);
}

/* its rows in the guide, for programs that move on */
static void test_2012_rows(void **state)
{
	struct mnl_ring *rx, *tx;
	struct nlmsghdr *nlh;
	size_t len, size = 64;
	char *buf;

	(void)state;
	assert_int_equal(ROW_mnl_socket_set_ring, 0);
	rx = mnl_socket_get_ring(nl, MNL_RING_RX);
	tx = mnl_socket_get_ring(nl, MNL_RING_TX);
	if (getenv("EXPECT_RINGS") != NULL)
		assert_true(mnl_ring_is_mapped(rx));
	buf = ROW_mnl_socket_get_frame_TX;
	assert_non_null(buf);
	len = build_get_link(buf, 3, 0);
	assert_int_equal(ROW_mnl_socket_advance_ring_TX, 0);
	assert_int_equal(ROW_mnl_socket_sendto, 32);
	assert_int_equal(ROW_poll, 1);
	nlh = ROW_mnl_socket_get_frame_RX;
	assert_non_null(nlh);
	assert_int_equal(nlh->nlmsg_type, RTM_NEWLINK);
	assert_int_equal(nlh->nlmsg_seq, 3);
	assert_int_equal(ROW_mnl_socket_advance_ring_RX, 0);
}

/*
 * The fork of 2014
 */

static struct nl_mmap_req ring_2014(void)
{
	struct nl_mmap_req req = {
		.nm_block_size	= getpagesize() * 4,
		.nm_block_nr	= 8,
		.nm_frame_size	= getpagesize(),
		.nm_frame_nr	= 32,
	};

	return req;
}

static void map_2014(void)
{
	struct nl_mmap_req req = ring_2014();

	assert_int_equal(ROW_mnl_socket_set_ringopt_RX, 0);
	assert_int_equal(ROW_mnl_socket_set_ringopt_TX, 0);
	assert_int_equal(ROW_mnl_socket_map_ring, 0);
}

static void test_2014_not_set(void **state)
{
	struct nl_mmap_req req = ring_2014();

	(void)state;
	assert_fails(ROW_mnl_socket_map_ring, EBADR);
	assert_null_errno(ROW_mnl_socket_get_ring_RX, EBADR);
	if (!has_rings) {
		assert_fails(ROW_mnl_socket_set_ringopt_RX, ENOPROTOOPT);
		return;
	}
	req.nm_frame_nr++;
	assert_fails(ROW_mnl_socket_set_ringopt_RX, EINVAL);
	assert_fails(mnl_socket_mmap2(nl, MNL_RING_RAW | MNL_RING_SENDER),
		     EINVAL);
}

/* frames of others are not for these calls */
static void test_2014_other_rings(void **state)
{
	struct mnl_ring *ring;

	(void)state;
	assert_int_equal(mnl_socket_mmap(nl), 0);
	ring = mnl_socket_get_ring(nl, MNL_RING_RX);
	assert_null_errno(mnl_ring_current_frame(ring), EOPNOTSUPP);
	assert_fails(mnl_ring_advance(ring), EOPNOTSUPP);
}

static void test_2014_receive(void **state)
{
	struct nl_mmap_hdr *frame;
	struct mnl_ring *ring;
	struct nlmsghdr *nlh;
	unsigned int i;

	(void)state;
	if (!has_rings)
		skip();
	map_2014();
	ring = ROW_mnl_socket_get_ring_RX;
	assert_int_equal(mnl_ring_get_frame_nr(ring), 32);
	for (i = 0; i < 100; i++) {
		send_message(4 * i);
		wait_for_messages();
		frame = ROW_mnl_ring_current_frame;
		assert_ptr_equal(frame, ROW_mnl_ring_get_frame);
		assert_int_equal(frame->nm_status, NL_MMAP_STATUS_VALID);
		nlh = ROW_MNL_FRAME_PAYLOAD;
		expect(nlh, frame->nm_len, 4 * i);
		assert_ptr_equal(frame, ROW_MNL_NLMSG_FRAME);
		frame->nm_status = NL_MMAP_STATUS_UNUSED;
		ROW_mnl_ring_advance;
	}
	assert_int_equal(ROW_mnl_socket_unmap_ring, 0);
	send_message(1);
	expect(message, mnl_socket_recvfrom(nl, message, sizeof(message)), 1);
}

/* a batch fills a frame, and goes on in the next */
static void test_2014_batch(void **state)
{
	unsigned int seq = 0, frames = 0, in_frame = 0;
	struct mnl_nlmsg_batch *batch;
	struct nl_mmap_hdr *frame;
	struct mnl_ring *ring;
	size_t limit = 300;
	char *buf;

	(void)state;
	if (!has_rings)
		skip();
	map_2014();
	ring = mnl_socket_get_ring(nl, MNL_RING_TX);
	frame = mnl_ring_current_frame(ring);
	batch = mnl_nlmsg_batch_start((char *)frame + NL_MMAP_HDRLEN, limit);
	for (seq = 1; frames < 3; seq++) {
		build_get_link(mnl_nlmsg_batch_current(batch), seq, 0);
		in_frame++;
		if (mnl_nlmsg_batch_next(batch))
			continue;
		frame->nm_len = mnl_nlmsg_batch_size(batch);
		frame->nm_status = NL_MMAP_STATUS_VALID;
		mnl_ring_advance(ring);
		frame = mnl_ring_current_frame(ring);
		assert_int_equal(frame->nm_status, NL_MMAP_STATUS_UNUSED);
		buf = (char *)frame + NL_MMAP_HDRLEN;
		batch = ROW_mnl_nlmsg_batch_reset_buffer;
		frames++;
	}
	assert_int_equal(mnl_nlmsg_batch_size(batch), 32);
	assert_int_equal(mnl_socket_sendto(nl, NULL, 0), (in_frame - 1) * 32);
	for (seq = 1; seq < in_frame; seq++)
		assert_int_equal(next_answer(RTM_NEWLINK), seq);
	mnl_nlmsg_batch_stop(batch);
}

/*
 * The kernel's interface: only the library's setsockopt
 */

static void test_raw(void **state)
{
	struct nl_mmap_req req = ring_2014(), is = { 0 };
	size_t size = (size_t)req.nm_block_size * req.nm_block_nr;
	socklen_t len = sizeof(is);
	struct nl_mmap_hdr *hdr;
	char *ring;

	(void)state;
	if (!has_rings) {
		assert_fails(mnl_socket_setsockopt(nl, NETLINK_RX_RING, &req,
						   sizeof(req)), ENOPROTOOPT);
		assert_fails(mnl_socket_setsockopt(nl, NETLINK_TX_RING, &req,
						   sizeof(req)), ENOPROTOOPT);
		return;
	}
	assert_int_equal(mnl_socket_setsockopt(nl, NETLINK_RX_RING, &req,
					       sizeof(req)), 0);
	assert_int_equal(mnl_socket_getsockopt(nl, NETLINK_RX_RING, &is, &len),
			 0);
	assert_memory_equal(&is, &req, sizeof(req));
	ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		    mnl_socket_get_fd(nl), 0);
	assert_ptr_not_equal(ring, MAP_FAILED);
	send_message(4);
	wait_for_messages();
	hdr = (void *)ring;
	assert_int_equal(hdr->nm_status, NL_MMAP_STATUS_VALID);
	expect(ring + NL_MMAP_HDRLEN, hdr->nm_len, 4);
	assert_int_equal(munmap(ring, size), 0);
}

int main(void)
{
#define USER_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define ROUTE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_route, teardown)
	const struct CMUnitTest tests[] = {
		USER_TEST(test_2012_without_rings),
		USER_TEST(test_2012_receive),
		USER_TEST(test_2012_advance_first),
		USER_TEST(test_2012_skip_first),
		USER_TEST(test_2012_keep),
		ROUTE_TEST(test_2012_send),
		ROUTE_TEST(test_2012_send_plain),
		ROUTE_TEST(test_2012_dump),
		ROUTE_TEST(test_2012_rows),
		USER_TEST(test_2014_not_set),
		USER_TEST(test_2014_other_rings),
		USER_TEST(test_2014_receive),
		ROUTE_TEST(test_2014_batch),
		USER_TEST(test_raw),
	};

	skip_without(NETLINK_USERSOCK, MNL_ARRAY_SIZE(tests));
	alarm(60);
	return cmocka_run_group_tests(tests, look_for_rings, NULL);
}
