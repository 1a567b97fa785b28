// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Prints what a kernel with rings does, call by call: results, errors, frames,
 * readiness, who is woken. The same program is linked twice, for a real kernel
 * and for the one that unit tests play (tests/unit/played-kernel.c);
 * played-kernel-test compares the two. System calls only, no library.
 *	print-transcript [-l LENIENCY] [SCENE]...
 *	-l	a number of enum played_leniency, for the played kernel; exit status
 *		77 if there is none with that number
 * In a network namespace with 200 links more, see add-200-links.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/rtnetlink.h>

#include "../../shared/wait-until-asleep.h"
#include "ring-syscalls.h"

#ifdef PLAYED
#include "../../unit/played-kernel.h"
#endif

#define FRAME		2048
#define GROUP		5

static char buffer[256 * 1024];

/*
 * What is printed
 */

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

/* a call, with its result or error */
static void say_call(const char *what, long ret)
{
	if (ret == -1)
		say("%s: %s", what, strerrorname_np(errno));
	else
		say("%s: %ld", what, ret);
}

#define CALL(call) say_call(#call, (long)(call))

static const char *status_name(unsigned int status)
{
	static const char * const names[] = {
		[NL_MMAP_STATUS_UNUSED]		= "unused",
		[NL_MMAP_STATUS_RESERVED]	= "reserved",
		[NL_MMAP_STATUS_VALID]		= "valid",
		[NL_MMAP_STATUS_COPY]		= "copy",
		[NL_MMAP_STATUS_SKIP]		= "skip",
	};

	return status < sizeof(names) / sizeof(*names) ? names[status] : "bad";
}

/* the number in a message of ours */
static uint32_t number_of(const void *message)
{
	return ((const struct raw_message *)message)->seq;
}

static void say_frame(const struct raw_socket *s, unsigned int index)
{
	struct nl_mmap_hdr *hdr = raw_frame(&s->rx, index);
	unsigned int status = raw_status(hdr);

	printf("  %u %s", index, status_name(status));
	if (status == NL_MMAP_STATUS_VALID || status == NL_MMAP_STATUS_COPY)
		printf(" length %u", hdr->nm_len);
	if (status == NL_MMAP_STATUS_VALID && hdr->nm_len > 0)
		printf(" number %u group %u from %s uid %u gid %u",
		       number_of(raw_payload(hdr)), hdr->nm_group,
		       hdr->nm_pid == (uint32_t)getpid() ? "us" :
		       hdr->nm_pid ? "others" : "kernel",
		       hdr->nm_uid, hdr->nm_gid);
	say("%s", "");
}

/* from the reader's position, once round; not what is inside of a message */
static void say_frames(const struct raw_socket *s)
{
	unsigned int nr = s->rx.req.nm_frame_nr, offset = 0, index, span;
	struct nl_mmap_hdr *hdr;

	while (offset < nr) {
		index = (s->rx.head + offset) % nr;
		hdr = raw_frame(&s->rx, index);
		say_frame(s, index);
		span = s->rx.kept[index];
		if (raw_status(hdr) == NL_MMAP_STATUS_VALID && hdr->nm_len > 0)
			span = raw_span(&s->rx, hdr->nm_len);
		offset += span ? span : 1;
	}
}

static void say_poll(const struct raw_socket *s)
{
	short revents = raw_poll(s, POLLIN | POLLOUT, 0);

	say("poll:%s%s%s", revents & POLLIN ? " in" : "",
	    revents & POLLOUT ? " out" : "", revents & POLLERR ? " error" : "");
}

static void say_error(const struct raw_socket *s)
{
	socklen_t len = sizeof(int);
	int error = 0;

	getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	say("SO_ERROR: %s", error ? strerrorname_np(error) : "0");
}

/* one receive from the queue */
static void say_recv(const struct raw_socket *s, size_t len, int flags)
{
	ssize_t ret = recv(s->fd, buffer, len, flags | MSG_DONTWAIT);

	if (ret == -1)
		say("recv: %s", strerrorname_np(errno));
	else
		say("recv: %zd number %u", ret, number_of(buffer));
}

/* the next message by frame, given back; or by recv() */
static void say_next(struct raw_socket *s)
{
	struct nl_mmap_hdr *hdr = raw_next(&s->rx);

	if (hdr == NULL) {
		say("next: nothing");
		return;
	}
	say("next: frame %u %s length %u number %u", s->rx.head,
	    status_name(raw_status(hdr)), hdr->nm_len,
	    raw_status(hdr) == NL_MMAP_STATUS_VALID ?
	    number_of(raw_payload(hdr)) : 0);
	if (raw_status(hdr) == NL_MMAP_STATUS_COPY)
		say_recv(s, sizeof(buffer), 0);
	raw_take(&s->rx);
}

/*
 * Sockets
 */

static struct raw_socket receiver, sender;
static uint32_t number;

static void open_sender(void)
{
	raw_open(&sender, NETLINK_USERSOCK);
	number = 0;
}

static void open_pair(unsigned int frames, unsigned int flags)
{
	raw_open_rx(&receiver, NETLINK_USERSOCK, FRAME, frames, flags);
	open_sender();
}

static void close_pair(void)
{
	raw_close(&receiver);
	raw_close(&sender);
}

/* the next message of the sender */
static void send_to_receiver(size_t len)
{
	ssize_t ret = raw_send(&sender, receiver.portid, 0, ++number, len,
			       MSG_DONTWAIT);

	if (ret == -1)
		say("send %u, %zu bytes: %s", number, len, strerrorname_np(errno));
	else
		say("send %u: %zd", number, ret);
}

/* the group gets it, and port ID 0, which nobody has */
static void multicast(size_t len)
{
	assert_int_equal(raw_send(&sender, 0, 1U << (GROUP - 1), ++number, len,
				  MSG_DONTWAIT), -1);
}

static void join(struct raw_socket *s, int group)
{
	setsockopt(s->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group,
		   sizeof(group));
}

/*
 * Setting and mapping
 */

static void set(int type, unsigned int block_size, unsigned int block_nr,
		unsigned int frame_size, unsigned int frame_nr)
{
	struct nl_mmap_req req = { block_size, block_nr, frame_size, frame_nr };

	printf("set %s %u x %u, %u x %u: ", type == NETLINK_RX_RING ? "RX" : "TX",
	       block_nr, block_size, frame_nr, frame_size);
	if (setsockopt(receiver.fd, SOL_NETLINK, type, &req, sizeof(req)) == -1)
		say("%s", strerrorname_np(errno));
	else
		say("done");
}

static void set_with(unsigned int len, unsigned int flags)
{
	struct nl_mmap_req2 req2 = { { 4096, 2, FRAME, 4 }, flags };

	printf("set %u bytes, flags %x: ", len, flags);
	if (setsockopt(receiver.fd, SOL_NETLINK, NETLINK_RX_RING, &req2, len) == -1)
		say("%s", strerrorname_np(errno));
	else
		say("done");
}

/* NL_MMAP_F_SHADOW is not played */
static void get_features(void)
{
	struct nl_mmap_state state = { .nm_features = 0 };
	socklen_t len = sizeof(state);

	getsockopt(receiver.fd, SOL_NETLINK, NETLINK_RX_RING, &state, &len);
	say("features %x", state.nm_features & ~NL_MMAP_F_SHADOW);
}

static void get(socklen_t room)
{
	struct nl_mmap_state state = { .nm_head = 77 };
	socklen_t len = room;

	printf("get %u bytes: ", room);
	if (getsockopt(receiver.fd, SOL_NETLINK, NETLINK_RX_RING, &state, &len) == -1)
		say("%s", strerrorname_np(errno));
	else
		say("%u bytes, %u x %u, %u x %u, head %u, flags %x", len,
		    state.req.nm_block_nr, state.req.nm_block_size,
		    state.req.nm_frame_nr, state.req.nm_frame_size,
		    state.nm_head, state.nm_flags);
}

static void attach(int fd, const char *what)
{
	uint16_t family;
	int genl = raw_open_family(&family);
	int error = raw_attach_by(genl, family, fd);

	say("attach %s: %s", what, error ? strerrorname_np(error) : "done");
	close(genl);
}

static void scene_setting(void)
{
	unsigned int i;
	int udp = socket(AF_INET, SOCK_DGRAM, 0), file = open("/", O_RDONLY);

	raw_open(&receiver, NETLINK_USERSOCK);
	if (!raw_built_in()) {
		set(NETLINK_RX_RING, 4096, 2, FRAME, 4);
		get(16);
		attach(-1, "without descriptor");
		attach(1000, "a closed descriptor");
		attach(file, "a folder");
		attach(udp, "a UDP socket");
		attach(receiver.fd, "a netlink socket");
		attach(receiver.fd, "it again");
	}
	close(udp);
	close(file);
	get(24);
	get_features();
	set(NETLINK_RX_RING, 0, 2, FRAME, 4);
	set(NETLINK_RX_RING, 4095, 2, FRAME, 2);
	set(NETLINK_RX_RING, 4096, 2, NL_MMAP_HDRLEN - 4, 8);
	set(NETLINK_RX_RING, 4096, 2, 2046, 4);
	set(NETLINK_RX_RING, 4096, 2, 8192, 4);
	set(NETLINK_RX_RING, 4096, 2, FRAME, 3);
	set(NETLINK_RX_RING, 4096, 0, FRAME, 4);
	set(NETLINK_RX_RING, 65536, 65537, 16, 65536);
	set(NETLINK_RX_RING, 4096, 2, FRAME, 4);
	set(NETLINK_RX_RING, 4096, 2, FRAME, 4);
	set(NETLINK_RX_RING, 4096, 2, 2046, 4);
	for (i = 12; i <= 24; i += 3)
		get(i);
	set(NETLINK_RX_RING, 0, 0, 0, 0);
	get(24);
	set_with(12, 0);
	set_with(16, 0x8000);
	get(24);
	get(28);
	set(NETLINK_RX_RING, 0, 0, 0, 0);
	set_with(20, 0x8000);
	set_with(20, NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL);
	get(24);
	set(NETLINK_TX_RING, 4096, 1, 4096, 1);
	CALL(close(receiver.fd));
}

static void map(size_t len, int flags, off_t offset)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, receiver.fd,
			 offset);

	printf("map %zu bytes%s at %ld: ", len,
	       flags == MAP_PRIVATE ? ", private," : "", (long)offset);
	if (map == MAP_FAILED) {
		say("%s", strerrorname_np(errno));
		return;
	}
	say("done");
	set(NETLINK_RX_RING, 0, 0, 0, 0);
	set(NETLINK_TX_RING, 4096, 1, 4096, 1);
	munmap(map, len);
}

static void scene_mapping(void)
{
	raw_open(&receiver, NETLINK_USERSOCK);
	if (!raw_built_in())
		attach(receiver.fd, "a netlink socket");
	map(8192, MAP_SHARED, 0);
	set(NETLINK_RX_RING, 4096, 2, FRAME, 4);
	map(4096, MAP_SHARED, 0);
	map(12288, MAP_SHARED, 0);
	map(8192, MAP_SHARED, 4096);
	map(8192, MAP_PRIVATE, 0);
	map(8192, MAP_SHARED, 0);
	set(NETLINK_TX_RING, 4096, 1, 4096, 1);
	map(8192, MAP_SHARED, 0);
	map(12288, MAP_SHARED, 0);
	set(NETLINK_RX_RING, 0, 0, 0, 0);
	set_with(20, NL_MMAP_F_CONTROL);
	map(12288, MAP_SHARED, 0);
	map(16384, MAP_SHARED, 0);
	CALL(close(receiver.fd));
}

/*
 * Reception
 */

static void scene_delivery(void)
{
	unsigned int i;

	open_pair(8, 0);
	join(&receiver, GROUP);
	say_poll(&receiver);
	say_recv(&receiver, 100, 0);
	send_to_receiver(100);
	send_to_receiver(FRAME - NL_MMAP_HDRLEN);
	multicast(40);
	say_frames(&receiver);
	say_poll(&receiver);
	for (i = 0; i < 5; i++)
		say_next(&receiver);
	say_poll(&receiver);
	close_pair();
}

/* what finds no frame waits, moves on in order, and can be received beside */
static void scene_full(void)
{
	unsigned int i;

	open_pair(4, 0);
	for (i = 0; i < 9; i++)
		send_to_receiver(100 + i);
	say_frames(&receiver);
	say_poll(&receiver);
	say_recv(&receiver, sizeof(buffer), MSG_PEEK);
	say_recv(&receiver, sizeof(buffer), 0);
	say_next(&receiver);
	say_frames(&receiver);
	send_to_receiver(200);
	say_frames(&receiver);
	say_next(&receiver);
	say_next(&receiver);
	say_poll(&receiver);
	say_frames(&receiver);
	say_recv(&receiver, sizeof(buffer), 0);
	for (i = 0; i < 10; i++) {
		say_next(&receiver);
		if (i % 4 == 3)
			say_poll(&receiver);
	}
	close_pair();
}

/* a message that is longer than a frame */
static void scene_copy(void)
{
	open_pair(4, 0);
	send_to_receiver(100);
	send_to_receiver(FRAME);
	send_to_receiver(102);
	send_to_receiver(5000);
	say_frames(&receiver);
	say_next(&receiver);
	say_recv(&receiver, 500, MSG_PEEK);
	say_recv(&receiver, 500, MSG_TRUNC | MSG_PEEK);
	say_frames(&receiver);
	/* given back, and not taken */
	raw_release(&receiver.rx);
	say_frames(&receiver);
	send_to_receiver(103);
	say_frames(&receiver);
	say_poll(&receiver);
	say_frames(&receiver);
	say_recv(&receiver, 500, MSG_TRUNC);
	say_frames(&receiver);
	raw_release(&receiver.rx);
	say_next(&receiver);
	say_poll(&receiver);
	say_next(&receiver);
	say_next(&receiver);
	say_next(&receiver);
	say_poll(&receiver);
	close_pair();
}

/* messages of several frames, and where none begins */
static void scene_spans(void)
{
	unsigned int i;

	open_pair(8, NL_MMAP_F_SPAN);
	send_to_receiver(FRAME - NL_MMAP_HDRLEN);
	send_to_receiver(FRAME - NL_MMAP_HDRLEN + 1);
	send_to_receiver(3 * FRAME - NL_MMAP_HDRLEN);
	say_frames(&receiver);
	for (i = 0; i < 3; i++)
		say_next(&receiver);
	/* two frames are left in front of the end */
	send_to_receiver(2 * FRAME);
	say_frames(&receiver);
	say_next(&receiver);
	send_to_receiver(4 * FRAME - NL_MMAP_HDRLEN);
	say_frames(&receiver);
	say_next(&receiver);
	send_to_receiver(4 * FRAME - NL_MMAP_HDRLEN + 1);
	send_to_receiver(50);
	say_poll(&receiver);
	say_frames(&receiver);
	say_next(&receiver);
	say_poll(&receiver);
	say_next(&receiver);
	close_pair();
}

/* blocks that frames do not fill: no message over the end of one */
static void scene_tails(void)
{
	struct nl_mmap_req req = { 8192, 2, 2100, 6 };
	unsigned int i;

	raw_open(&receiver, NETLINK_USERSOCK);
	if (!raw_built_in())
		assert_int_equal(raw_attach(receiver.fd), 0);
	assert_int_equal(raw_set_ring2(&receiver, NETLINK_RX_RING, req,
				       NL_MMAP_F_SPAN), 0);
	assert_int_equal(raw_map(&receiver), 0);
	open_sender();
	for (i = 0; i < 4; i++) {
		send_to_receiver(100);
		send_to_receiver(4000);
		send_to_receiver(6000);
		send_to_receiver(7000);
		say_frames(&receiver);
		for (say_poll(&receiver); raw_next(&receiver.rx);
		     say_poll(&receiver))
			say_next(&receiver);
	}
	close_pair();
}

/* frames that the reader keeps are passed over */
static void scene_kept(void)
{
	unsigned int i, kept;

	open_pair(6, 0);
	for (i = 0; i < 3; i++)
		send_to_receiver(100 + i);
	kept = raw_keep(&receiver.rx);
	say_next(&receiver);
	say_next(&receiver);
	for (i = 0; i < 6; i++)
		send_to_receiver(200 + i);
	say_frames(&receiver);
	say_poll(&receiver);
	for (i = 0; i < 5; i++)
		say_next(&receiver);
	say_poll(&receiver);
	say_frames(&receiver);
	/* given back: used again only when what comes behind it is read */
	for (i = 0; i < 5; i++)
		send_to_receiver(300 + i);
	raw_give_back(&receiver.rx, kept);
	send_to_receiver(400);
	say_frames(&receiver);
	for (i = 0; i < 8; i++) {
		say_next(&receiver);
		say_poll(&receiver);
	}
	for (i = 0; i < 8; i++)
		send_to_receiver(500 + i);
	say_frames(&receiver);
	close_pair();
}

static void scene_all_kept(void)
{
	unsigned int i, kept[4];

	open_pair(4, NL_MMAP_F_SPAN);
	for (i = 0; i < 4; i++) {
		send_to_receiver(100 + i);
		kept[i] = raw_keep(&receiver.rx);
	}
	send_to_receiver(200);
	send_to_receiver(3000);
	say_frames(&receiver);
	say_poll(&receiver);
	for (i = 0; i < 4; i++) {
		raw_give_back(&receiver.rx, kept[3 - i]);
		say_poll(&receiver);
		say_frames(&receiver);
	}
	for (i = 0; i < 3; i++) {
		say_next(&receiver);
		say_poll(&receiver);
	}
	close_pair();
}

/*
 * Readiness and wake-ups
 */

static pid_t poller_tid;
static bool woken;

static void *poll_for_ever(void *data)
{
	(void)data;
	__atomic_store_n(&poller_tid, syscall(SYS_gettid), __ATOMIC_RELEASE);
	raw_poll(&receiver, POLLIN, -1);
	__atomic_store_n(&woken, true, __ATOMIC_RELEASE);
	return NULL;
}

static void want(unsigned int messages)
{
	__atomic_store_n(&receiver.control->nmc_wakeup, messages,
			 __ATOMIC_SEQ_CST);
	say("wanted: %u", messages);
}

/* Messages of this length until somebody who sleeps in poll() is woken. */
static void say_wakeups(size_t len)
{
	pthread_t poller;
	unsigned int i;

	poller_tid = 0;
	woken = false;
	assert_int_equal(pthread_create(&poller, NULL, poll_for_ever, NULL), 0);
	for (i = 0; i < 10; i++) {
		if (wait_until_asleep(&poller_tid) == -1)
			break;
		say("asleep");
		send_to_receiver(len);
	}
	pthread_join(poller, NULL);
	say("%s", woken ? "woken" : "not woken");
}

static void scene_wakeups(void)
{
	unsigned int i;

	open_pair(8, NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL);
	say_wakeups(100);
	say_next(&receiver);
	want(3);
	say_wakeups(100);
	for (i = 0; i < 3; i++) {
		say_next(&receiver);
		say_poll(&receiver);
	}
	/* all that is there was counted, whoever came before */
	send_to_receiver(100);
	say_wakeups(100);
	say_next(&receiver);
	say_poll(&receiver);
	want(2);
	say_poll(&receiver);
	want(0);
	say_next(&receiver);
	say_poll(&receiver);
	say_next(&receiver);
	/* what does not fit wakes */
	want(20);
	say_wakeups(100);
	say_frames(&receiver);
	for (i = 0; i < 9; i++)
		say_next(&receiver);
	say_poll(&receiver);
	say_next(&receiver);
	want(5);
	send_to_receiver(100);
	say_poll(&receiver);
	say_wakeups(20000);
	say_next(&receiver);
	say_next(&receiver);
	say_poll(&receiver);
	close_pair();
}

/* without the control page: SO_RCVLOWAT, in bytes */
static void scene_low_water(void)
{
	int bytes = 250;

	open_pair(8, 0);
	setsockopt(receiver.fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
	say_wakeups(100);
	say_next(&receiver);
	say_poll(&receiver);
	send_to_receiver(49);
	say_poll(&receiver);
	send_to_receiver(20);
	say_poll(&receiver);
	close_pair();
}

/*
 * Loss
 */

static void flood(unsigned int messages)
{
	while (messages--)
		multicast(500);
}

/* all that is there, in one line */
static void say_rest(void)
{
	unsigned int received = 0, holes = 0;
	uint32_t first = 0, last = 0, now;

	for (;;) {
		struct nl_mmap_hdr *hdr = raw_next(&receiver.rx);

		if (hdr == NULL) {
			if (!(raw_poll(&receiver, POLLIN, 0) & POLLIN))
				break;
			if (raw_next(&receiver.rx) == NULL)
				break;
			continue;
		}
		now = number_of(raw_payload(hdr));
		if (received++ == 0)
			first = now;
		else
			holes += now != last + 1;
		last = now;
		raw_take(&receiver.rx);
	}
	say("received %u, from %u to %u, %u holes", received, first, last, holes);
}

static void scene_loss(void)
{
	int bytes = 20000;
	unsigned int i;

	open_pair(8, NL_MMAP_F_CONTROL);
	join(&receiver, GROUP);
	setsockopt(receiver.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (i = 0; i < 3; i++) {
		number = 0;
		flood(400);
		say("overruns: %u", receiver.control->nmc_overruns);
		say_poll(&receiver);
		if (i == 0)
			say_recv(&receiver, sizeof(buffer), 0);
		else if (i == 1)
			say_error(&receiver);
		say_poll(&receiver);
		say_error(&receiver);
		say_rest();
		say_poll(&receiver);
		say_error(&receiver);
		send_to_receiver(100);
		say_next(&receiver);
		say_recv(&receiver, sizeof(buffer), 0);
	}
	close_pair();
}

/* a sender that would have to wait for room */
static void scene_senders(void)
{
	int bytes = 5000;
	unsigned int i;

	open_pair(4, 0);
	setsockopt(receiver.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	for (i = 0; i < 20; i++)
		send_to_receiver(500);
	say_error(&receiver);
	say_rest();
	send_to_receiver(500);
	say_next(&receiver);
	close_pair();
}

/*
 * Dumps
 */

static void request_links(void)
{
	struct {
		struct nlmsghdr nlh;
		struct ifinfomsg ifi;
	} req = {
		.nlh = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = RTM_GETLINK,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	say("request: %zd", sendto(receiver.fd, &req, sizeof(req), 0,
				   (void *)&kernel, sizeof(kernel)));
}

static bool is_done(const void *message)
{
	return ((const struct nlmsghdr *)message)->nlmsg_type == NLMSG_DONE;
}

/*
 * The frames of a dump. How many of them a poll() brings is not printed: it
 * depends on when the next part is made.
 */
static void say_dump(unsigned int most)
{
	struct nl_mmap_hdr *hdr;
	bool done = false;
	unsigned int taken;

	while (!done) {
		if (!(raw_poll(&receiver, POLLIN, 0) & POLLIN))
			break;
		for (taken = 0; taken < most && (hdr = raw_next(&receiver.rx));
		     taken++) {
			say("  frame %u %s length %u", receiver.rx.head,
			    status_name(raw_status(hdr)), hdr->nm_len);
			if (raw_status(hdr) == NL_MMAP_STATUS_COPY) {
				say_recv(&receiver, sizeof(buffer), 0);
				done = is_done(buffer);
			} else {
				done = is_done(raw_payload(hdr));
			}
			raw_take(&receiver.rx);
		}
		if (taken == 0)
			break;
	}
	say("%s", done ? "done" : "no end");
}

static void open_route(unsigned int frames, unsigned int flags)
{
	raw_open_rx(&receiver, NETLINK_ROUTE, FRAME, frames, flags);
}

static void scene_dump(void)
{
	open_route(32, NL_MMAP_F_SPAN);
	request_links();
	say_dump(-1);
	request_links();
	say_dump(1);
	raw_close(&receiver);

	/* frames that no part fits */
	open_route(8, 0);
	request_links();
	say_dump(-1);
	raw_close(&receiver);
}

/* the room that the reader offers */
static void scene_room(void)
{
	static const unsigned int rooms[] = { 4096, 16384, 65536, 0 };
	unsigned int i;

	for (i = 0; i < sizeof(rooms) / sizeof(*rooms); i++) {
		say("room: %u", rooms[i]);
		open_route(64, NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL);
		receiver.control->nmc_room = rooms[i];
		request_links();
		say_dump(2);
		request_links();
		say_dump(-1);
		raw_close(&receiver);
	}
}

/*
 * Sending
 */

static void open_tx(unsigned int frames)
{
	raw_open_rings(&receiver, NETLINK_USERSOCK, FRAME, 0, frames);
	raw_open(&sender, NETLINK_USERSOCK);
	number = 0;
}

/* a message in the next TX frame, that says it is @claimed bytes long */
static void put_tx(size_t len, unsigned int claimed)
{
	struct nl_mmap_hdr *hdr = raw_current(&receiver.tx);

	raw_build(raw_payload(hdr), ++number, len);
	hdr->nm_len = claimed;
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_advance(&receiver.tx);
	say("frame with %u, length %u", number, claimed);
}

static void run_tx(void)
{
	unsigned int i;

	say_call("run", raw_run_tx(&receiver, sender.portid, MSG_DONTWAIT));
	printf(" ");
	for (i = 0; i < receiver.tx.req.nm_frame_nr; i++)
		printf(" %s", status_name(raw_status(raw_frame(&receiver.tx, i))));
	say("%s", "");
	say_poll(&receiver);
}

static void say_arrived(void)
{
	ssize_t len;

	while ((len = recv(sender.fd, buffer, sizeof(buffer), MSG_DONTWAIT)) >= 0)
		say("arrived: %zd number %u", len, number_of(buffer));
	say("%s", strerrorname_np(errno));
}

static void scene_tx(void)
{
	static const unsigned int bad[] = {
		0, NLMSG_HDRLEN - 1, FRAME - NL_MMAP_HDRLEN + 1, 0xffffffff,
	};
	unsigned int i;

	open_tx(4);
	say_poll(&receiver);
	run_tx();
	put_tx(100, 100);
	put_tx(200, 200);
	say_poll(&receiver);
	run_tx();
	say_arrived();
	for (i = 0; i < 4; i++)
		put_tx(FRAME - NL_MMAP_HDRLEN, FRAME - NL_MMAP_HDRLEN);
	say_poll(&receiver);
	run_tx();
	say_arrived();
	for (i = 0; i < 4; i++) {
		put_tx(100, bad[i]);
		run_tx();
		put_tx(100, 100);
		put_tx(100, bad[i]);
		put_tx(102, 102);
		run_tx();
		run_tx();
		run_tx();
		run_tx();
		say_arrived();
	}
	/* other data is sent as it is, past the frames */
	put_tx(100, 100);
	say("sent: %zd", raw_send(&receiver, sender.portid, 0, ++number, 60, 0));
	say_arrived();
	run_tx();
	say_arrived();
	/* to nobody */
	put_tx(100, 100);
	put_tx(101, 101);
	say_call("run", raw_run_tx(&receiver, 0x7fffff00, MSG_DONTWAIT));
	run_tx();
	say_arrived();
	close_pair();
}

/*
 * What is left when rings go
 */

static void scene_removal(void)
{
	unsigned int i;

	open_pair(4, 0);
	for (i = 0; i < 7; i++)
		send_to_receiver(100 + i);
	say_next(&receiver);
	raw_unmap(&receiver);
	set(NETLINK_RX_RING, 0, 0, 0, 0);
	get(24);
	for (i = 0; i < 5; i++)
		say_recv(&receiver, sizeof(buffer), 0);
	send_to_receiver(200);
	say_recv(&receiver, sizeof(buffer), 0);
	/* and what waits when one is set */
	for (i = 0; i < 3; i++)
		send_to_receiver(300 + i);
	assert_int_equal(raw_set_ring(&receiver, NETLINK_RX_RING,
				      raw_req(FRAME, 2)), 0);
	assert_int_equal(raw_map(&receiver), 0);
	say_frames(&receiver);
	say_poll(&receiver);
	say_frames(&receiver);
	for (i = 0; i < 3; i++) {
		say_next(&receiver);
		say_poll(&receiver);
	}
	close_pair();
}

static const struct scene {
	const char *name;
	void (*run)(void);
} scenes[] = {
	{ "setting", scene_setting },
	{ "mapping", scene_mapping },
	{ "delivery", scene_delivery },
	{ "full", scene_full },
	{ "copy", scene_copy },
	{ "spans", scene_spans },
	{ "tails", scene_tails },
	{ "kept", scene_kept },
	{ "all-kept", scene_all_kept },
	{ "wakeups", scene_wakeups },
	{ "low-water", scene_low_water },
	{ "loss", scene_loss },
	{ "senders", scene_senders },
	{ "dump", scene_dump },
	{ "room", scene_room },
	{ "tx", scene_tx },
	{ "removal", scene_removal },
};

static bool is_wanted(const char *name, int nr, char *names[])
{
	int i;

	for (i = 0; i < nr; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return nr == 0;
}

int main(int argc, char *argv[])
{
	size_t i;
	int c;

	while ((c = getopt(argc, argv, "l:")) != -1) {
		if (c != 'l')
			return EXIT_FAILURE;
#ifdef PLAYED
		played.lenient = atoi(optarg);
		if (played.lenient >= LENIENCIES)
			return 77;
#endif
	}
	for (i = 0; i < sizeof(scenes) / sizeof(*scenes); i++) {
		if (!is_wanted(scenes[i].name, argc - optind, argv + optind))
			continue;
		say("== %s", scenes[i].name);
		scenes[i].run();
	}
	return EXIT_SUCCESS;
}
