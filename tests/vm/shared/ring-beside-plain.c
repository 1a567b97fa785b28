// SPDX-License-Identifier: LGPL-2.1-or-later
/* A socket with a ring and a plain one that get the same: see ring-beside-plain.h. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-beside-plain.h"

struct raw_socket ring, plain, from;

/* of both */
void set_option(int level, int option, int value)
{
	assert_int_equal(setsockopt(ring.fd, level, option, &value,
				    sizeof(value)), 0);
	assert_int_equal(setsockopt(plain.fd, level, option, &value,
				    sizeof(value)), 0);
}

void open_beside_plain(unsigned int flags)
{
	raw_open_rx(&ring, NETLINK_USERSOCK, FRAME, FRAMES, flags);
	raw_open(&plain, NETLINK_USERSOCK);
	raw_open(&from, NETLINK_USERSOCK);
	set_option(SOL_SOCKET, SO_RCVBUF, 32768);
	set_option(SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, GROUP);
}

int close_beside_plain(void **state)
{
	(void)state;
	raw_close(&ring);
	raw_close(&plain);
	raw_close(&from);
	return 0;
}

int error_of(const struct raw_socket *s)
{
	socklen_t len = sizeof(int);
	int err = -1;

	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &err, &len),
			 0);
	return err;
}

uint32_t drops_of(const struct raw_socket *s)
{
	uint32_t info[SK_MEMINFO_VARS] = { 0 };
	socklen_t len = sizeof(info);

	assert_int_equal(getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, info, &len),
			 0);
	return info[SK_MEMINFO_DROPS];
}

/* goes to the group, and to the kernel, which does not listen */
void multicast(uint32_t seq)
{
	assert_int_equal(raw_send(&from, 0, 1 << (GROUP - 1), seq, LEN, 0),
			 -1);
	assert_int_equal(errno, ECONNREFUSED);
}

/* frames that only the ring has are full: from here on both have the same */
void fill_frames(void)
{
	unsigned int i;

	for (i = 0; i < FRAMES; i++)
		assert_int_equal(raw_send(&from, ring.portid, 0, i, LEN, 0),
				 LEN);
}

/* reads all there is of both, which is the same; returns the messages */
unsigned int compare_messages(void)
{
	char buf[2 * LEN];
	unsigned int n;

	for (n = 0; recv(plain.fd, buf, sizeof(buf), MSG_DONTWAIT) == LEN; n++)
		raw_expect(&ring, ((struct raw_message *)(void *)buf)->seq,
			   LEN);
	assert_int_equal(raw_poll(&ring, POLLIN, 0), 0);
	return n;
}
