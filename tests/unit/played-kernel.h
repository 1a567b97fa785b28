/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel with rings, played by the test program: see played-kernel.c.
 */
#ifndef TESTS_PLAYED_KERNEL_H
#define TESTS_PLAYED_KERNEL_H

#include <stdbool.h>
#include <linux/netlink.h>
#include <linux/netlink_mmap.h>

/* What the played kernel answers; zeroes for a kernel in good health. */
struct played_kernel {
	bool		no_family;	/* the module is not there */
	bool		old;		/* no extensions of the rings of 2013 */
	bool		no_features;	/* no room, no count of losses, no sender */
	int		attach_error;	/* errno of the attach request */
	int		set_error;	/* errno of setting a ring */
	int		mmap_error;
	int		poll_error;
	short		poll_events;	/* revents of the next poll() */
	unsigned int	bytes_allowed;	/* more in one ring: ENOBUFS; 0 any */
	int		option_error;	/* errno of getsockopt() */
	int		recv_error;	/* errno of the next recv() that takes */
	int		name_error;	/* errno of getsockname() */
	int		send_errors[4];	/* of the next sendto() calls, 0 none */
	/* the n-th allocation from now fails; compilers believe that malloc()
	 * does not read it
	 */
	volatile unsigned int fail_alloc;
};

extern struct played_kernel played;

/* whether fail_alloc works: not where sanitizers or valgrind bring a malloc */
bool played_can_fail_alloc(void);

/* the frames as the played kernel has them; NULL without a ring */
struct nl_mmap_hdr *played_rx_frame(int fd, unsigned int index);

/* the control page, NULL without one */
struct nl_mmap_control *played_control(int fd);

/* the socket lost a message: as netlink reports it */
void played_loss(int fd);

/* puts a message into the next frame, whatever it says of its length */
void played_frame(int fd, unsigned int status, unsigned int len);

/*
 * Puts a message into as many frames as it needs: 1 done, 0 no room yet, -1 not
 * where the kernel is now. Another thread may read meanwhile, if it does not
 * poll.
 */
int played_deliver(int fd, const void *msg, size_t len);

#endif
