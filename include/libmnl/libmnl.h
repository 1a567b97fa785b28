/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public interface of libmnl, and of its rings.
 */
#ifndef _LIBMNL_H_
#define _LIBMNL_H_

#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Netlink sockets
 */
/**
 * \ingroup mnl_socket
 * For mnl_socket_bind(): the kernel chooses the port ID.
 */
#define MNL_SOCKET_AUTOPID	0

/**
 * \ingroup mnl_socket
 * Bytes of a buffer for messages to and from the kernel: a page, 8192 at the
 * most. Evaluated at run time.
 */
#define MNL_SOCKET_BUFFER_SIZE	\
	(sysconf(_SC_PAGESIZE) < 8192L ? sysconf(_SC_PAGESIZE) : 8192L)

/**
 * \ingroup mnl_socket
 * Bytes of a buffer for the parts of a dump; the kernel makes none longer.
 */
#define MNL_SOCKET_DUMP_SIZE	32768

struct mnl_socket;

extern struct mnl_socket *mnl_socket_open(int bus);
extern struct mnl_socket *mnl_socket_open2(int bus, int flags);
extern struct mnl_socket *mnl_socket_fdopen(int fd);
extern int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups, pid_t pid);
extern int mnl_socket_close(struct mnl_socket *nl);
extern int mnl_socket_get_fd(const struct mnl_socket *nl);
extern unsigned int mnl_socket_get_portid(const struct mnl_socket *nl);
extern ssize_t mnl_socket_sendto(const struct mnl_socket *nl, const void *req, size_t siz);
extern ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl, void *buf, size_t siz);
extern int mnl_socket_setsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t len);
extern int mnl_socket_getsockopt(const struct mnl_socket *nl, int type, void *buf, socklen_t *len);

/*
 * Netlink messages
 */
/**
 * \ingroup mnl_nlmsg
 * Bytes to whose multiples messages and attributes are aligned, as
 * NLMSG_ALIGNTO of linux/netlink.h.
 */
#define MNL_ALIGNTO		4

/* x | 3 ^ 3 is x & ~3, without a negative constant to warn about */
/**
 * \ingroup mnl_nlmsg
 * A number of bytes, rounded up to a multiple of MNL_ALIGNTO.
 * \param len bytes
 */
#define MNL_ALIGN(len)		\
	((((len)+MNL_ALIGNTO-1) | (MNL_ALIGNTO-1)) ^ (MNL_ALIGNTO-1))

/**
 * \ingroup mnl_nlmsg
 * Bytes of a message header, 16.
 */
#define MNL_NLMSG_HDRLEN	MNL_ALIGN(sizeof(struct nlmsghdr))

extern size_t mnl_nlmsg_size(size_t len);
extern size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *nlh);

/* building a message */
extern struct nlmsghdr *mnl_nlmsg_put_header(void *buf);
extern void *mnl_nlmsg_put_extra_header(struct nlmsghdr *nlh, size_t size);

/* walking over messages */
extern bool mnl_nlmsg_ok(const struct nlmsghdr *nlh, int len);
extern struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *nlh, int *len);

/* whose answer it is */
extern bool mnl_nlmsg_seq_ok(const struct nlmsghdr *nlh, unsigned int seq);
extern bool mnl_nlmsg_portid_ok(const struct nlmsghdr *nlh, unsigned int portid);

/* payload */
extern void *mnl_nlmsg_get_payload(const struct nlmsghdr *nlh);
extern void *mnl_nlmsg_get_payload_offset(const struct nlmsghdr *nlh, size_t offset);
extern void *mnl_nlmsg_get_payload_tail(const struct nlmsghdr *nlh);

/* for people to read */
extern void mnl_nlmsg_fprintf(FILE *fd, const void *data, size_t datalen, size_t extra_header_size);

/*
 * Batches of messages
 */
struct mnl_nlmsg_batch;

extern struct mnl_nlmsg_batch *mnl_nlmsg_batch_start(void *buf, size_t bufsiz);
extern bool mnl_nlmsg_batch_next(struct mnl_nlmsg_batch *b);
extern void mnl_nlmsg_batch_stop(struct mnl_nlmsg_batch *b);
extern size_t mnl_nlmsg_batch_size(struct mnl_nlmsg_batch *b);
extern void mnl_nlmsg_batch_reset(struct mnl_nlmsg_batch *b);
extern void *mnl_nlmsg_batch_head(struct mnl_nlmsg_batch *b);
extern void *mnl_nlmsg_batch_current(struct mnl_nlmsg_batch *b);
extern bool mnl_nlmsg_batch_is_empty(struct mnl_nlmsg_batch *b);

/*
 * Attributes
 */
/**
 * \ingroup mnl_attr
 * Bytes of an attribute header, 4.
 */
#define MNL_ATTR_HDRLEN		MNL_ALIGN(sizeof(struct nlattr))

/* reading */
extern uint16_t mnl_attr_get_type(const struct nlattr *attr);
extern uint16_t mnl_attr_get_len(const struct nlattr *attr);
extern uint16_t mnl_attr_get_payload_len(const struct nlattr *attr);
extern void *mnl_attr_get_payload(const struct nlattr *attr);
extern uint8_t mnl_attr_get_u8(const struct nlattr *attr);
extern uint16_t mnl_attr_get_u16(const struct nlattr *attr);
extern uint32_t mnl_attr_get_u32(const struct nlattr *attr);
extern uint64_t mnl_attr_get_u64(const struct nlattr *attr);
extern uint64_t mnl_attr_get_uint(const struct nlattr *attr);
extern const char *mnl_attr_get_str(const struct nlattr *attr);

/* adding */
extern void mnl_attr_put(struct nlmsghdr *nlh, uint16_t type, size_t len, const void *data);
extern void mnl_attr_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t data);
extern void mnl_attr_put_u16(struct nlmsghdr *nlh, uint16_t type, uint16_t data);
extern void mnl_attr_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t data);
extern void mnl_attr_put_u64(struct nlmsghdr *nlh, uint16_t type, uint64_t data);
extern void mnl_attr_put_str(struct nlmsghdr *nlh, uint16_t type, const char *data);
extern void mnl_attr_put_strz(struct nlmsghdr *nlh, uint16_t type, const char *data);

/* adding, if there is room */
extern bool mnl_attr_put_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, size_t len, const void *data);
extern bool mnl_attr_put_u8_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, uint8_t data);
extern bool mnl_attr_put_u16_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, uint16_t data);
extern bool mnl_attr_put_u32_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, uint32_t data);
extern bool mnl_attr_put_u64_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, uint64_t data);
extern bool mnl_attr_put_str_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, const char *data);
extern bool mnl_attr_put_strz_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type, const char *data);

/* nesting */
extern struct nlattr *mnl_attr_nest_start(struct nlmsghdr *nlh, uint16_t type);
extern struct nlattr *mnl_attr_nest_start_check(struct nlmsghdr *nlh, size_t buflen, uint16_t type);
extern void mnl_attr_nest_end(struct nlmsghdr *nlh, struct nlattr *start);
extern void mnl_attr_nest_cancel(struct nlmsghdr *nlh, struct nlattr *start);

/* validating */
/**
 * \ingroup mnl_attr
 * What the payload of an attribute is, for mnl_attr_validate().
 */
enum mnl_attr_data_type {
	MNL_TYPE_UNSPEC,	/**< any bytes */
	MNL_TYPE_U8,		/**< 1 byte */
	MNL_TYPE_U16,		/**< 2 bytes, byte order as the attribute says */
	MNL_TYPE_U32,		/**< 4 bytes */
	MNL_TYPE_U64,		/**< 8 bytes */
	MNL_TYPE_STRING,	/**< a string, ended by a NUL or not */
	MNL_TYPE_FLAG,		/**< nothing */
	MNL_TYPE_MSECS,		/**< 8 bytes: milliseconds */
	MNL_TYPE_NESTED,	/**< attributes, or nothing */
	MNL_TYPE_NESTED_COMPAT,	/**< a structure, attributes behind it */
	MNL_TYPE_NUL_STRING,	/**< a string ended by a NUL */
	MNL_TYPE_BINARY,	/**< any bytes */
	MNL_TYPE_MAX,		/**< number of types */
};

extern int mnl_attr_type_valid(const struct nlattr *attr, uint16_t maxtype);
extern int mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type);
extern int mnl_attr_validate2(const struct nlattr *attr, enum mnl_attr_data_type type, size_t len);

/* walking over attributes */
extern bool mnl_attr_ok(const struct nlattr *attr, int len);
extern struct nlattr *mnl_attr_next(const struct nlattr *attr);

/**
 * \ingroup mnl_attr
 * A loop over the attributes of a message, up to the first that is not whole.
 * \param attr struct nlattr *, the attribute of each turn
 * \param nlh message
 * \param offset bytes of the extra header in front of the attributes
 */
#define mnl_attr_for_each(attr, nlh, offset) \
	for ((attr) = (struct nlattr *)mnl_nlmsg_get_payload_offset((nlh), (offset)); \
	     mnl_attr_ok((attr), (int)((char *)mnl_nlmsg_get_payload_tail(nlh) - (char *)(attr))); \
	     (attr) = mnl_attr_next(attr))

/**
 * \ingroup mnl_attr
 * A loop over the attributes in an attribute, up to the first that is not
 * whole.
 * \param attr struct nlattr *, the attribute of each turn
 * \param nest attribute around them
 */
#define mnl_attr_for_each_nested(attr, nest) \
	for ((attr) = (struct nlattr *)mnl_attr_get_payload(nest); \
	     mnl_attr_ok((attr), (int)((char *)mnl_attr_get_payload(nest) + mnl_attr_get_payload_len(nest) - (char *)(attr))); \
	     (attr) = mnl_attr_next(attr))

/**
 * \ingroup mnl_attr
 * A loop over the attributes in a buffer, up to the first that is not whole.
 * The attribute of each turn is in a variable of the program that must be
 * named attr.
 * \param payload first attribute
 * \param payload_size bytes of the attributes
 */
#define mnl_attr_for_each_payload(payload, payload_size) \
	for ((attr) = (struct nlattr *)(payload); \
	     mnl_attr_ok((attr), (int)((char *)(payload) + (payload_size) - (char *)(attr))); \
	     (attr) = mnl_attr_next(attr))

/* walking with a callback */
/**
 * \ingroup mnl_attr
 * Called for an attribute; data is the program's. Returns MNL_CB_OK to go on,
 * MNL_CB_STOP or MNL_CB_ERROR to end the walk.
 */
typedef int (*mnl_attr_cb_t)(const struct nlattr *attr, void *data);

extern int mnl_attr_parse(const struct nlmsghdr *nlh, unsigned int offset, mnl_attr_cb_t cb, void *data);
extern int mnl_attr_parse_nested(const struct nlattr *attr, mnl_attr_cb_t cb, void *data);
extern int mnl_attr_parse_payload(const void *payload, size_t payload_len, mnl_attr_cb_t cb, void *data);

/*
 * Callbacks
 */
/**
 * \ingroup mnl_callback
 * The walk ends, and what ran it returns this value; errno says why.
 */
#define MNL_CB_ERROR		-1

/**
 * \ingroup mnl_callback
 * The walk ends without an error.
 */
#define MNL_CB_STOP		 0

/**
 * \ingroup mnl_callback
 * The walk goes on.
 */
#define MNL_CB_OK		 1

/**
 * \ingroup mnl_callback
 * Called for a message; data is the program's. Returns MNL_CB_OK to go on,
 * MNL_CB_STOP or MNL_CB_ERROR to end the walk.
 */
typedef int (*mnl_cb_t)(const struct nlmsghdr *nlh, void *data);

extern int mnl_cb_run(const void *buf, size_t numbytes, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data);
extern int mnl_cb_run2(const void *buf, size_t numbytes, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data, const mnl_cb_t *cb_ctl_array, unsigned int cb_ctl_array_len);

/*
 * Other
 */
#ifndef SOL_NETLINK
#define SOL_NETLINK	270
#endif

#ifndef MNL_ARRAY_SIZE
/**
 * \ingroup mnl_attr
 * Number of elements of an array.
 * \param a array
 */
#define MNL_ARRAY_SIZE(a) (sizeof(a)/sizeof((a)[0]))
#endif

/*
 * Netlink rings
 */
/**
 * \ingroup mnl_ring
 * Version of the ring calls, major << 16 | minor << 8 | patch. A program that
 * builds with and without them tests whether it is defined.
 */
#define LIBMNL_MMAP_VERSION		0x000200

/**
 * \ingroup mnl_ring
 * The same as a string.
 */
#define LIBMNL_MMAP_VERSION_STRING	"0.2.0"

/**
 * \ingroup mnl_ring
 * The two rings of a socket.
 */
enum mnl_ring_type {
	MNL_RING_RX,	/**< messages from the kernel */
	MNL_RING_TX,	/**< messages to the kernel */
};

struct mnl_ring;

/**
 * \ingroup mnl_ring
 * \brief counters of a ring, since mnl_socket_mmap()
 */
struct mnl_ring_stats {
	uint64_t messages;	/**< messages received or accepted for sending */
	uint64_t bytes;		/**< their bytes */
	uint64_t by_ring;	/**< of the messages, those that used a frame */
	uint64_t by_copy;	/**< those too long for the ring, received by recvmsg() after a COPY frame */
	uint64_t by_queue;	/**< those that used recvmmsg()/sendto(): no kernel ring */
	uint64_t overruns;	/**< times that ENOBUFS reported lost messages */
	uint64_t syscalls;	/**< system calls made for this ring */
	uint64_t refused;	/**< messages that the kernel refused when they were sent */
};

/**
 * \ingroup mnl_ring
 * For mnl_socket_mmap2(): mnl_ring_get_info() is to know the port ID and the
 * network namespace of senders.
 */
#define MNL_RING_SENDER		0x1

/**
 * \ingroup mnl_ring
 * For mnl_socket_mmap2(): the program set the rings with
 * mnl_socket_setsockopt(), and reads and writes frames as programs of 2012 do
 * (mnl_ring_current_frame()).
 */
#define MNL_RING_RAW		0x2

/**
 * \ingroup mnl_ring
 * \brief where a message comes from, see mnl_ring_get_info()
 */
struct mnl_ring_info {
	uint32_t known;		/**< MNL_RING_INFO_*: which of these are known */
	uint32_t group;		/**< multicast group, 0: none */
	uint32_t pid;		/**< process ID of the sender, 0: the kernel */
	uint32_t uid;		/**< its user */
	uint32_t gid;		/**< its group */
	uint32_t portid;	/**< port ID of the sender, 0: the kernel */
	int32_t nsid;		/**< network namespace of the sender, -1: the socket's own */
};

/**
 * \ingroup mnl_ring
 * The group is known.
 */
#define MNL_RING_INFO_GROUP		0x1
/**
 * \ingroup mnl_ring
 * pid, uid and gid are known.
 */
#define MNL_RING_INFO_CREDENTIALS	0x2
/**
 * \ingroup mnl_ring
 * portid is known.
 */
#define MNL_RING_INFO_PORTID		0x4
/**
 * \ingroup mnl_ring
 * nsid is known.
 */
#define MNL_RING_INFO_NSID		0x8

/* setup */
extern int mnl_socket_mmap(struct mnl_socket *nl);
extern int mnl_socket_mmap2(struct mnl_socket *nl, unsigned int flags);
extern int mnl_socket_set_ring(struct mnl_socket *nl, unsigned int rx_size, unsigned int tx_size);
extern int mnl_socket_set_ring2(struct mnl_socket *nl, enum mnl_ring_type type, const struct nl_mmap_req *req);
extern int mnl_socket_munmap(struct mnl_socket *nl);
extern struct mnl_ring *mnl_socket_get_ring(const struct mnl_socket *nl, enum mnl_ring_type type);

/* both directions */
extern bool mnl_ring_is_mapped(const struct mnl_ring *ring);
extern unsigned int mnl_ring_get_frame_nr(const struct mnl_ring *ring);
extern size_t mnl_ring_get_frame_size(const struct mnl_ring *ring);
extern int mnl_ring_get_stats(const struct mnl_ring *ring, struct mnl_ring_stats *stats, size_t len);
extern int mnl_ring_wait(struct mnl_ring *ring, int timeout);
extern int mnl_ring_arm(struct mnl_ring *ring);
extern void mnl_ring_disarm(struct mnl_ring *ring);
extern int mnl_ring_set_wakeup(struct mnl_ring *ring, unsigned int messages, unsigned int delay);
extern void mnl_ring_set_busy_poll(struct mnl_ring *ring, unsigned int usec);

/* receive */
extern struct nlmsghdr *mnl_ring_peek(struct mnl_ring *ring, size_t *len);
extern int mnl_ring_release(struct mnl_ring *ring, unsigned int nr);
extern int mnl_ring_keep(struct mnl_ring *ring, const struct nlmsghdr *nlh);
extern int mnl_ring_release_kept(struct mnl_ring *ring, const struct nlmsghdr *nlh);
extern unsigned int mnl_ring_get_ready(struct mnl_ring *ring);
extern int mnl_ring_get_info(struct mnl_ring *ring, const struct nlmsghdr *nlh, struct mnl_ring_info *info, size_t len);
extern int mnl_ring_cb_run(struct mnl_ring *ring, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data, unsigned int budget, unsigned int *done);
extern int mnl_ring_cb_run2(struct mnl_ring *ring, unsigned int seq, unsigned int portid, mnl_cb_t cb_data, void *data, const mnl_cb_t *cb_ctl_array, unsigned int cb_ctl_array_len, unsigned int budget, unsigned int *done);

/* transmit */
extern void *mnl_ring_reserve(struct mnl_ring *ring, size_t size);
extern int mnl_ring_commit(struct mnl_ring *ring, size_t len);
extern void mnl_ring_cancel(struct mnl_ring *ring);
extern ssize_t mnl_ring_flush(struct mnl_ring *ring);

/* raw access */
extern struct nl_mmap_hdr *mnl_ring_current_frame(struct mnl_ring *ring);
extern int mnl_ring_advance(struct mnl_ring *ring);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif
