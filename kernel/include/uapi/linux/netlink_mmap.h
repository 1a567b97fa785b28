/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * Generic netlink family "netlink_mmap": gives a netlink socket its rings on
 * kernels whose af_netlink has none, and lists the rings of a network
 * namespace with their counters.
 *
 * The rings themselves are spoken to through <linux/netlink.h>
 * (NETLINK_RX_RING, NETLINK_TX_RING, struct nl_mmap_req, struct nl_mmap_hdr).
 */
#ifndef _UAPI_LINUX_NETLINK_MMAP_H
#define _UAPI_LINUX_NETLINK_MMAP_H

#define NETLINK_MMAP_FAMILY_NAME	"netlink_mmap"
#define NETLINK_MMAP_FAMILY_VERSION	1

/**
 * enum netlink_mmap_cmd - commands of the family
 * @NETLINK_MMAP_CMD_ATTACH: make the netlink socket behind
 *	%NETLINK_MMAP_A_ATTACH_FD accept %NETLINK_RX_RING and
 *	%NETLINK_TX_RING. Attaching twice is no error. Errors: %EINVAL no
 *	descriptor given, %EBADF, %ENOTSOCK, %EAFNOSUPPORT not a netlink
 *	socket, %EBUSY another layer uses the socket.
 * @NETLINK_MMAP_CMD_RING_GET: dump only; one message per ring in the
 *	caller's network namespace, attributes of enum netlink_mmap_a_ring.
 */
enum netlink_mmap_cmd {
	NETLINK_MMAP_CMD_ATTACH = 1,
	NETLINK_MMAP_CMD_RING_GET,

	/* private: */
	__NETLINK_MMAP_CMD_MAX,
	NETLINK_MMAP_CMD_MAX = __NETLINK_MMAP_CMD_MAX - 1,
};

/**
 * enum netlink_mmap_a_attach - attributes of %NETLINK_MMAP_CMD_ATTACH
 * @NETLINK_MMAP_A_ATTACH_FD: u32, file descriptor in the calling process
 */
enum netlink_mmap_a_attach {
	NETLINK_MMAP_A_ATTACH_FD = 1,

	/* private: */
	__NETLINK_MMAP_A_ATTACH_MAX,
	NETLINK_MMAP_A_ATTACH_MAX = __NETLINK_MMAP_A_ATTACH_MAX - 1,
};

/**
 * enum netlink_mmap_a_ring - attributes of %NETLINK_MMAP_CMD_RING_GET
 * @NETLINK_MMAP_A_RING_PAD: alignment of 64-bit attributes
 * @NETLINK_MMAP_A_RING_TYPE: u32, %NETLINK_RX_RING or %NETLINK_TX_RING
 * @NETLINK_MMAP_A_RING_PROTOCOL: u32, netlink protocol of the socket
 * @NETLINK_MMAP_A_RING_PORTID: u32, port ID of the socket, 0 if not bound
 * @NETLINK_MMAP_A_RING_INODE: u64, inode number of the socket
 * @NETLINK_MMAP_A_RING_BLOCK_SIZE: u32, bytes
 * @NETLINK_MMAP_A_RING_BLOCK_NR: u32
 * @NETLINK_MMAP_A_RING_FRAME_SIZE: u32, bytes
 * @NETLINK_MMAP_A_RING_FRAME_NR: u32
 * @NETLINK_MMAP_A_RING_HEAD: u32, index of the frame the kernel uses next
 * @NETLINK_MMAP_A_RING_MESSAGES: u64, messages that went through frames
 * @NETLINK_MMAP_A_RING_BYTES: u64, their bytes
 * @NETLINK_MMAP_A_RING_COPIES: u64, COPY frames: messages larger than a frame
 * @NETLINK_MMAP_A_RING_SPILLED: u64, messages that waited in the socket's
 *	queue, because the ring was full or a dump was running, before poll()
 *	moved them to frames; part of the messages
 * @NETLINK_MMAP_A_RING_ERRORS: u64, TX frames refused
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
	NETLINK_MMAP_A_RING_HEAD,
	NETLINK_MMAP_A_RING_MESSAGES,
	NETLINK_MMAP_A_RING_BYTES,
	NETLINK_MMAP_A_RING_COPIES,
	NETLINK_MMAP_A_RING_SPILLED,
	NETLINK_MMAP_A_RING_ERRORS,

	/* private: */
	__NETLINK_MMAP_A_RING_MAX,
	NETLINK_MMAP_A_RING_MAX = __NETLINK_MMAP_A_RING_MAX - 1,
};

#endif /* _UAPI_LINUX_NETLINK_MMAP_H */
