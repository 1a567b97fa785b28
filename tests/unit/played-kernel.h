/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel with rings, played by the test program: see played-kernel.c.
 */
#ifndef TESTS_PLAYED_KERNEL_H
#define TESTS_PLAYED_KERNEL_H

#include <stdbool.h>
#include <linux/netlink.h>
#include <linux/netlink_mmap.h>

/*
 * Ways to be kinder than the real kernel: tests/vm/guest/played-kernel-test finds each of them.
 */
enum played_leniency {
	LENIENT_NOT,
	LENIENT_OPTION_LENGTH,	/* setsockopt() takes a short request */
	LENIENT_ALIGNMENT,	/* frames of any size */
	LENIENT_FRAME_NR,	/* a number of frames that is not that of the blocks */
	LENIENT_FLAGS,		/* unknown flags are accepted */
	LENIENT_SET_TWICE,	/* a second ring in place of the first */
	LENIENT_SET_MAPPED,	/* a ring is changed while it is mapped */
	LENIENT_MAP_LENGTH,	/* mmap() of any length */
	LENIENT_DELIVERY,	/* messages come to frames by poll() only */
	LENIENT_SENDER,		/* frames do not say who sent a message */
	LENIENT_COPY_ONCE,	/* COPY is not announced again */
	LENIENT_SPAN,		/* messages take more than half of the ring */
	LENIENT_HOLES,		/* no frames are left empty at the end of the ring */
	LENIENT_KEPT,		/* kept frames are waited for */
	LENIENT_PASSED,		/* frames passed over are used at once */
	LENIENT_PARTS_LONG,	/* parts of dumps are as long as the ring takes */
	LENIENT_PARTS_SHORT,	/* parts of dumps are short */
	LENIENT_THRESHOLD,	/* the reader is woken by each message */
	LENIENT_FULL,		/* a full ring does not wake the reader */
	LENIENT_POLLOUT,	/* POLLOUT though no frame is free */
	LENIENT_TX_LENGTH,	/* TX frames of bad length are left out */
	LENIENT_TX_FORGETS,	/* an error makes bytes sent before it forgotten */
	LENIENT_OVERRUNS,	/* losses are not counted in the control page */
	LENIENT_NO_LOSS,	/* loss is not reported */
	LENIENT_ERROR_LAST,	/* loss is not reported by the next receive */
	LENIENT_ERROR_TWICE,	/* loss is reported again and again */
	LENIENCIES,
};

/* What the played kernel answers; zeroes for a kernel in good health. */
struct played_kernel {
	enum played_leniency lenient;
	bool		no_family;	/* the module is not there */
	bool		old;		/* no extensions of the rings of 2013 */
	bool		no_features;	/* no room, no count of losses, no sender */
	bool		no_shadow;	/* no shadow rings */
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

/* of a socket with a shadow ring: how often it was polled, messages in its queue */
unsigned int played_shadow_polls(int fd);
unsigned int played_shadow_queued(int fd);

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
