/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Memory mapped netlink: extensions of the rings that <linux/netlink.h>
 * describes (NETLINK_RX_RING, NETLINK_TX_RING, struct nl_mmap_req, struct
 * nl_mmap_hdr), and the generic netlink family "netlink_mmap", which gives a
 * socket its rings on kernels whose af_netlink has none, and lists the rings
 * of a network namespace with their counters.
 */
#ifndef _UAPI_LINUX_NETLINK_MMAP_H
#define _UAPI_LINUX_NETLINK_MMAP_H

#include <linux/types.h>
#include <linux/netlink.h>

/*
 * Frames that the reader keeps, in any RX ring: the kernel passes over frames in
 * NL_MMAP_STATUS_SKIP, and is out of frames only after a whole turn. At a frame
 * that it kept, the reader cannot know by its status whether the kernel passed
 * over it or will use it next. It goes on to the next one only if some later
 * frame, before this one comes again, is in use (neither UNUSED nor kept by the
 * reader itself), and this one is UNUSED or SKIP on a second look. A frame, and
 * each frame of a long message, counts as kept from then on until a message was
 * read there, though it was given back. The kernel uses a frame that it passed
 * over again only when the next one that it did not pass over was read, so the
 * order of messages is never in doubt.
 *
 * Extensions of an RX ring: setsockopt(NETLINK_RX_RING) with a request longer
 * than struct nl_mmap_req asks for them.
 *
 * NL_MMAP_F_SPAN: a message longer than a frame may take several frames that
 * are next to each other in the mapping, at most half of those that are, and at
 * most 128; longer ones come by COPY frame. Only the first of them has a header:
 * nm_len tells how many they are, (NL_MMAP_HDRLEN + nm_len + nm_frame_size - 1) /
 * nm_frame_size. (With NL_MMAP_F_SENDER the header has NL_MMAP_HDR2LEN bytes.)
 * The others hold the message where their headers would be. The reader gives
 * them back by setting them to NL_MMAP_STATUS_UNUSED, the first one last. A VALID
 * frame with nm_len 0 has no message: it fills the space in front of a message
 * that has to begin further on.
 *
 * NL_MMAP_F_CONTROL: after the rings the mapping has one page more, which begins
 * with a struct nl_mmap_control.
 *
 * NL_MMAP_F_SENDER: frames begin with a struct nl_mmap_hdr2, and the message
 * begins NL_MMAP_HDR2LEN bytes after the start of its frame. Without this flag a
 * message from another network namespace (NETLINK_LISTEN_ALL_NSID) comes by COPY
 * frame, since only recvmsg() can report its nsid.
 *
 * NL_MMAP_F_SHADOW, together with NL_MMAP_F_CONTROL, not with NL_MMAP_F_SPAN: the
 * ring is a cache of the receive queue. A message stays in the queue, charged to
 * the socket as always, and a copy of it is put into the next frame. recvmsg(),
 * read() and io_uring work on the queue as on a socket without a ring; poll()
 * reports what a socket without a ring reports. Messages that are longer than a
 * frame or than 64 KiB, those from another network namespace (but with
 * NL_MMAP_F_SENDER), and the parts of dumps, have no frame; nor has any message
 * that was queued after one of them, until that one left the queue. While a dump
 * may be running, messages come by recvmsg() only. A shadow ring has fewer than
 * 1 << (31 - NL_MMAP_POSITION_SHIFT) frames.
 *
 * nm_status of a shadow frame is a status and a position, NL_MMAP_POSITION_SHIFT
 * bits to the left. The first frame has position nm_frame_nr, each later one has
 * the next; the frame of position P has index P % nm_frame_nr; nm_status of a
 * frame that was never used is 0. Readers, any number of them at once, have a
 * position each and begin at @nmc_consumed. A reader takes the oldest message so:
 *
 *  1. If @nmc_overruns is not what it was when the reader looked last, it calls
 *     recvmsg().
 *  2. It reads nm_status of the frame of its position (acquire).
 *  3. VALID with this position: it copies the message, no more than a frame of it,
 *     since nm_len counts only if step 4 succeeds.
 *  4. It replaces nm_status by UNUSED with this position (compare and exchange,
 *     release). If that succeeds, the message is the reader's, and its position
 *     is the next one. Otherwise the copy is void, and it begins again.
 *  5. UNUSED with this position: another reader took the message. The reader goes
 *     on at the next position.
 *  6. Otherwise, if @nmc_consumed (acquire) is ahead of its position, it goes on
 *     there. If not, there is no message in frames, or recvmsg() is about to take
 *     one (RESERVED): the reader calls recvmsg(), or waits in poll().
 *  7. After it took messages, the reader calls poll() if @nmc_pressure is not 0.
 */
#define NL_MMAP_F_SPAN		0x1
#define NL_MMAP_F_CONTROL	0x2
#define NL_MMAP_F_SHADOW	0x4
#define NL_MMAP_F_SENDER	0x8

#define NL_MMAP_POSITION_SHIFT	8
#define NL_MMAP_STATUS_MASK	((1U << NL_MMAP_POSITION_SHIFT) - 1)

/**
 * struct nl_mmap_hdr2 - frame header with NL_MMAP_F_SENDER
 * @hdr: as without
 * @nm_portid: port ID of the sender, 0: the kernel
 * @nm_nsid: network namespace of the sender as SOL_NETLINK's
 *	NETLINK_LISTEN_ALL_NSID reports it, -1: the socket's own
 */
struct nl_mmap_hdr2 {
	struct nl_mmap_hdr	hdr;
	__u32			nm_portid;
	__s32			nm_nsid;
};

#define NL_MMAP_HDR2LEN		NL_MMAP_MSG_ALIGN(sizeof(struct nl_mmap_hdr2))

/**
 * struct nl_mmap_req2 - a request with extensions
 * @req: geometry
 * @nm_flags: NL_MMAP_F_*
 *
 * A longer request is accepted if every byte after these members is 0, else the
 * error is %E2BIG: the kernel does not know what it asks for. %EINVAL: flags that
 * this kind of ring cannot have.
 */
struct nl_mmap_req2 {
	struct nl_mmap_req	req;
	__u32			nm_flags;
};

/**
 * struct nl_mmap_state - what getsockopt(NETLINK_RX_RING, NETLINK_TX_RING)
 *	returns, or as many of its members as there is room for, 16 bytes or more
 * @req: geometry, zeroes without ring
 * @nm_head: index of the frame that the kernel uses next
 * @nm_flags: NL_MMAP_F_* of this ring
 * @nm_features: NL_MMAP_F_* that this kernel has for this kind of ring, also
 *	while the socket has none. A kernel that returns this member heeds
 *	@nmc_room and counts @nmc_overruns.
 */
struct nl_mmap_state {
	struct nl_mmap_req	req;
	__u32			nm_head;
	__u32			nm_flags;
	__u32			nm_features;
};

/**
 * struct nl_mmap_control - what reader and kernel report to each other without
 *	a system call
 * @nmc_wakeup: messages that have to wait before the reader is woken; 0 is as
 *	1. Below that, poll() does not report the socket readable either. Messages
 *	are visible in their frames at once. A message that does not fit the ring
 *	always wakes. There is no timer: the reader bounds its sleep by the time
 *	that it can leave the messages waiting. Not for shadow rings.
 * @nmc_room: bytes that the reader would offer to recvmsg(): the next part of a
 *	dump is no longer than the longest room that was offered on this socket.
 *	0: as much as the ring holds. Not for shadow rings: recvmsg() offers room.
 * @reserved: 0
 * @nmc_consumed: shadow rings: position of the oldest frame whose message is
 *	still queued, or of the next one to be used
 * @nmc_overruns: how often the socket had an error to report since the ring was
 *	set, which is usually that messages were lost. A plain
 *	socket reports a loss (%ENOBUFS) before the messages that it still holds,
 *	so a reader that finds a new value before it takes a frame calls recvmsg()
 *	or getsockopt(SO_ERROR) first.
 * @nmc_pressure: shadow rings: not 0 while the receive queue is over half of
 *	SO_RCVBUF, or so full that a message might not fit, or while messages are
 *	refused until the queue was empty. Messages that were taken from frames are
 *	charged until the next delivery, poll() or recvmsg()
 *
 * The reader writes the first two, the kernel the last three.
 *
 * The reader writes @nmc_wakeup, then a full fence, then looks at its next frame
 * once more, then sleeps in poll(). On a socket without this page SO_RCVLOWAT, in
 * bytes, does the same.
 */
struct nl_mmap_control {
	__u32			nmc_wakeup;
	__u32			nmc_room;
	__u32			reserved[14];
	__u32			nmc_consumed;
	__u32			nmc_overruns;
	__u32			nmc_pressure;
};

#define NETLINK_MMAP_FAMILY_NAME	"netlink_mmap"
#define NETLINK_MMAP_FAMILY_VERSION	1

/**
 * enum netlink_mmap_cmd - commands of the family
 * @NETLINK_MMAP_CMD_ATTACH: make the netlink socket behind
 *	%NETLINK_MMAP_A_ATTACH_FD accept %NETLINK_RX_RING and
 *	%NETLINK_TX_RING. Attaching twice is no error. Errors: %EINVAL no
 *	descriptor given, %EBADF, %ENOTSOCK, %EAFNOSUPPORT not a netlink
 *	socket, %EBUSY another layer uses the socket, %ENOENT the module is
 *	being removed, and the family with it, %ENOMEM, %EOPNOTSUPP this
 *	kernel's own netlink has rings, so that nothing needs to be attached, or
 *	it has operations that the module does not know.
 * @NETLINK_MMAP_CMD_RING_GET: as a dump, one message per ring in the caller's
 *	network namespace; else the one with this %NETLINK_MMAP_A_RING_INODE
 *	and %NETLINK_MMAP_A_RING_TYPE. Attributes of enum netlink_mmap_a_ring.
 *	Errors: %EINVAL one of the two is missing, %ENOENT no such ring.
 * @__NETLINK_MMAP_CMD_MAX: internal use
 */
enum netlink_mmap_cmd {
	NETLINK_MMAP_CMD_ATTACH = 1,
	NETLINK_MMAP_CMD_RING_GET,
	__NETLINK_MMAP_CMD_MAX,
};

#define NETLINK_MMAP_CMD_MAX	(__NETLINK_MMAP_CMD_MAX - 1)

/**
 * enum netlink_mmap_a_attach - attributes of %NETLINK_MMAP_CMD_ATTACH
 * @NETLINK_MMAP_A_ATTACH_FD: u32, file descriptor in the calling process
 * @__NETLINK_MMAP_A_ATTACH_MAX: internal use
 */
enum netlink_mmap_a_attach {
	NETLINK_MMAP_A_ATTACH_FD = 1,
	__NETLINK_MMAP_A_ATTACH_MAX,
};

#define NETLINK_MMAP_A_ATTACH_MAX	(__NETLINK_MMAP_A_ATTACH_MAX - 1)

/**
 * enum netlink_mmap_a_ring - attributes of %NETLINK_MMAP_CMD_RING_GET
 * @NETLINK_MMAP_A_RING_PAD: alignment of 64-bit attributes
 * @NETLINK_MMAP_A_RING_TYPE: u32, %NETLINK_RX_RING or %NETLINK_TX_RING
 * @NETLINK_MMAP_A_RING_PROTOCOL: u32, netlink protocol of the socket
 * @NETLINK_MMAP_A_RING_PORTID: u32, port ID of the socket, 0 if not bound
 * @NETLINK_MMAP_A_RING_INODE: u64, inode number of the socket, as fstat() says
 * @NETLINK_MMAP_A_RING_BLOCK_SIZE: u32, bytes
 * @NETLINK_MMAP_A_RING_BLOCK_NR: u32
 * @NETLINK_MMAP_A_RING_FRAME_SIZE: u32, bytes
 * @NETLINK_MMAP_A_RING_FRAME_NR: u32
 * @NETLINK_MMAP_A_RING_FLAGS: u32, NL_MMAP_F_*
 * @NETLINK_MMAP_A_RING_HEAD: u32, index of the frame the kernel uses next
 * @NETLINK_MMAP_A_RING_IN_USE: u32, RX: frames from the oldest that the reader
 *	has neither released nor kept to the last that the kernel used; TX: frames
 *	that wait to be sent
 * @NETLINK_MMAP_A_RING_MESSAGES: u64, messages received or sent, by frames or
 *	by recvmsg(); for TX those accepted
 * @NETLINK_MMAP_A_RING_BYTES: u64, their bytes
 * @NETLINK_MMAP_A_RING_BY_RING: u64, messages that went through frames
 * @NETLINK_MMAP_A_RING_BY_COPY: u64, RX: messages that recvmsg() took
 * @NETLINK_MMAP_A_RING_SPILLED: u64, RX: messages that waited in the socket's
 *	queue, because the ring was full, until a call of the reader moved them
 *	to frames; part of those by ring
 * @NETLINK_MMAP_A_RING_SPANS: u64, RX: messages of several frames; part of
 *	those by ring
 * @NETLINK_MMAP_A_RING_WAKEUPS: u64, RX: deliveries that woke somebody
 * @NETLINK_MMAP_A_RING_DROPS: u64, RX: messages lost, sk_drops of the socket
 * @NETLINK_MMAP_A_RING_ERRORS: u64, TX: frames refused
 * @__NETLINK_MMAP_A_RING_MAX: internal use
 */
enum netlink_mmap_a_ring {
	NETLINK_MMAP_A_RING_PAD = 1,
	NETLINK_MMAP_A_RING_TYPE,
	NETLINK_MMAP_A_RING_PROTOCOL,
	NETLINK_MMAP_A_RING_PORTID,
	NETLINK_MMAP_A_RING_INODE,
	NETLINK_MMAP_A_RING_BLOCK_SIZE,
	NETLINK_MMAP_A_RING_BLOCK_NR,
	NETLINK_MMAP_A_RING_FRAME_SIZE,
	NETLINK_MMAP_A_RING_FRAME_NR,
	NETLINK_MMAP_A_RING_FLAGS,
	NETLINK_MMAP_A_RING_HEAD,
	NETLINK_MMAP_A_RING_IN_USE,
	NETLINK_MMAP_A_RING_MESSAGES,
	NETLINK_MMAP_A_RING_BYTES,
	NETLINK_MMAP_A_RING_BY_RING,
	NETLINK_MMAP_A_RING_BY_COPY,
	NETLINK_MMAP_A_RING_SPILLED,
	NETLINK_MMAP_A_RING_SPANS,
	NETLINK_MMAP_A_RING_WAKEUPS,
	NETLINK_MMAP_A_RING_DROPS,
	NETLINK_MMAP_A_RING_ERRORS,
	__NETLINK_MMAP_A_RING_MAX,
};

#define NETLINK_MMAP_A_RING_MAX	(__NETLINK_MMAP_A_RING_MAX - 1)

#endif /* _UAPI_LINUX_NETLINK_MMAP_H */
