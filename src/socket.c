// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Netlink sockets: opening, binding, sending, receiving, options.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <libmnl/libmnl.h>

#include "internal.h"
#include "ring_shadow.h"

/**
 * \defgroup mnl_socket Netlink sockets
 * A socket object is used by one thread at a time, but for its rings, which
 * see. It belongs to the program, which ends it with mnl_socket_close().
 * @{
 */

const struct sockaddr_nl mnl_kernel_addr = { .nl_family = AF_NETLINK };

/**
 * mnl_socket_get_fd - file descriptor of a socket
 * \param nl socket
 *
 * Returns the descriptor, which stays the socket's.
 */
EXPORT_SYMBOL int mnl_socket_get_fd(const struct mnl_socket *nl)
{
	return nl->fd;
}

/**
 * mnl_socket_get_portid - port ID of a socket
 * \param nl socket
 *
 * Returns the port ID that mnl_socket_bind() got, 0 before.
 */
EXPORT_SYMBOL unsigned int mnl_socket_get_portid(const struct mnl_socket *nl)
{
	return nl->addr.nl_pid;
}

static struct mnl_socket *open_plain(int bus, int flags)
{
	struct mnl_socket *nl = calloc(1, sizeof(*nl));

	if (nl == NULL)
		return NULL;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | flags, bus);
	if (nl->fd == -1) {
		free(nl);
		return NULL;
	}
	return nl;
}

static bool ring_is_wanted(void)
{
	const char *value = secure_getenv("LIBMNL_RING");

	return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

static void want_shadow(struct mnl_socket *nl)
{
	nl->shadow = calloc(1, sizeof(*nl->shadow));
	if (nl->shadow != NULL)
		ring_shadow_open(nl->shadow, nl->fd);
}

/**
 * mnl_socket_open2 - open a netlink socket with flags
 * \param bus netlink protocol: NETLINK_ROUTE, NETLINK_NETFILTER, ...
 * \param flags for socket(2): SOCK_CLOEXEC, SOCK_NONBLOCK
 *
 * With LIBMNL_RING=1 in the environment, which is not looked at in programs
 * with more rights than their user, the socket gets a shadow ring
 * (netlink_mmap(7)) when it has received many messages, if the kernel has such
 * rings: mnl_socket_recvfrom() takes messages from there. For the program
 * nothing else changes, see libmnl-ring-preload(7).
 *
 * Returns the socket. On error, it returns NULL and errno is what socket(2)
 * or calloc(3) said.
 */
EXPORT_SYMBOL struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
	struct mnl_socket *nl = open_plain(bus, flags);

	if (nl != NULL && ring_is_wanted())
		want_shadow(nl);
	return nl;
}

/**
 * mnl_socket_open - open a netlink socket
 * \param bus netlink protocol: NETLINK_ROUTE, NETLINK_NETFILTER, ...
 *
 * Returns the socket. On error, it returns NULL and errno is set, see
 * mnl_socket_open2().
 */
EXPORT_SYMBOL struct mnl_socket *mnl_socket_open(int bus)
{
	return mnl_socket_open2(bus, 0);
}

/**
 * mnl_socket_fdopen - make a socket of a file descriptor
 * \param fd netlink socket, bound or not; the object's from then on
 *
 * A socket of another family is taken, too, and has no port ID, as it always
 * was; only its calls fail.
 *
 * Returns the socket. On error, it returns NULL, fd stays the caller's, and
 * errno is what getsockname(2) or calloc(3) said.
 */
EXPORT_SYMBOL struct mnl_socket *mnl_socket_fdopen(int fd)
{
	struct sockaddr_nl addr = { 0 };
	socklen_t len = sizeof(addr);
	struct mnl_socket *nl;

	if (getsockname(fd, (struct sockaddr *)&addr, &len) == -1)
		return NULL;
	nl = calloc(1, sizeof(*nl));
	if (nl == NULL)
		return NULL;
	nl->fd = fd;
	if (addr.nl_family == AF_NETLINK)
		nl->addr = addr;
	return nl;
}

/**
 * mnl_socket_bind - bind a socket
 * \param nl socket
 * \param groups mask of the multicast groups 1 to 32 to join
 * \param pid port ID, or MNL_SOCKET_AUTOPID to have the kernel choose
 *
 * Returns 0. On error, it returns -1 and errno is what bind(2) said, or
 * EINVAL if the kernel's answer is no netlink address.
 */
EXPORT_SYMBOL int mnl_socket_bind(struct mnl_socket *nl, unsigned int groups,
				  pid_t pid)
{
	socklen_t len = sizeof(nl->addr);

	nl->addr.nl_family = AF_NETLINK;
	nl->addr.nl_groups = groups;
	nl->addr.nl_pid = pid;
	if (bind(nl->fd, (struct sockaddr *)&nl->addr, len) == -1)
		return -1;
	if (getsockname(nl->fd, (struct sockaddr *)&nl->addr, &len) == -1)
		return -1;
	if (len != sizeof(nl->addr) || nl->addr.nl_family != AF_NETLINK) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

/**
 * mnl_socket_sendto - send messages to the kernel
 * \param nl socket
 * \param buf messages
 * \param len bytes in buf
 *
 * On a socket with a TX ring, messages that were committed go first; without
 * data (NULL, 0) that is all it does, as in the interface of 2012. If the kernel
 * refuses one of them, the next mnl_ring_flush() reports it. If it cannot take
 * one now (EAGAIN, EINTR, ENOBUFS, ENOMEM), nothing that comes after it is sent.
 *
 * Returns the bytes sent. On error, it returns -1 and errno is what sendto(2)
 * said.
 */
EXPORT_SYMBOL ssize_t mnl_socket_sendto(const struct mnl_socket *nl,
					const void *buf, size_t len)
{
	struct ring_tx *tx = mnl_socket_send_after(nl);

	if (tx != NULL && len == 0)
		return ring_tx_flush(tx);
	if (tx != NULL && ring_tx_drain(tx) == -1)
		return -1;
	return sendto(nl->fd, buf, len, 0,
		      (const struct sockaddr *)&mnl_kernel_addr,
		      sizeof(mnl_kernel_addr));
}

static ssize_t receive(const struct mnl_socket *nl, struct msghdr *msg)
{
	ssize_t ret;

	if (nl->shadow == NULL || !nl->shadow->open)
		return recvmsg(nl->fd, msg, 0);
	pthread_testcancel();
	if (ring_shadow_take(nl->shadow, msg, 0, &ret))
		return ret;
	ret = recvmsg(nl->fd, msg, 0);
	ring_shadow_called(nl->shadow, msg, ret);
	return ret;
}

/**
 * mnl_socket_recvfrom - receive messages
 * \param nl socket
 * \param buf where to
 * \param len bytes of room; MNL_SOCKET_BUFFER_SIZE, for dumps better
 * MNL_SOCKET_DUMP_SIZE
 *
 * On a socket with an RX ring, the messages come from there, in order, and are
 * those that a socket without a ring receives. If the program has read messages
 * in place (mnl_ring_peek()), the parts of a dump may be longer than buf: then
 * the call returns the netlink messages that fit, and the next call the rest.
 *
 * Returns the bytes received. On error, it returns -1 and errno is what
 * recvmsg(2) said (ENOBUFS: messages were lost), or ENOSPC if the messages
 * did not fit: the rest of them is lost; EINVAL if the sender's address is no
 * netlink address; EBUSY if messages of the RX ring were peeked and not
 * released.
 */
EXPORT_SYMBOL ssize_t mnl_socket_recvfrom(const struct mnl_socket *nl,
					  void *buf, size_t len)
{
	struct sockaddr_nl addr;
	struct iovec iov = { .iov_base = buf, .iov_len = len };
	struct msghdr msg = {
		.msg_name	= &addr,
		.msg_namelen	= sizeof(addr),
		.msg_iov	= &iov,
		.msg_iovlen	= 1,
	};
	struct ring_rx *rx = mnl_socket_copy_from(nl);
	ssize_t ret;

	if (rx != NULL)
		return ring_rx_recvfrom(rx, buf, len);

	ret = receive(nl, &msg);
	if (ret == -1)
		return -1;
	if (msg.msg_flags & MSG_TRUNC) {
		errno = ENOSPC;
		return -1;
	}
	if (msg.msg_namelen != sizeof(addr)) {
		errno = EINVAL;
		return -1;
	}
	return ret;
}

/**
 * mnl_socket_close - end a socket
 * \param nl socket; freed, its rings too
 *
 * Returns 0. On error, it returns -1 and errno is what close(2) said; the
 * socket is freed all the same.
 */
EXPORT_SYMBOL int mnl_socket_close(struct mnl_socket *nl)
{
	int ret;

	mnl_socket_munmap(nl);
	if (nl->shadow != NULL) {
		ring_shadow_close(nl->shadow);
		ring_shadow_free(nl->shadow);
		free(nl->shadow);
	}
	ret = close(nl->fd);
	free(nl);
	return ret;
}

/**
 * mnl_socket_setsockopt - set an option of the netlink socket
 * \param nl socket
 * \param type option of level SOL_NETLINK, see netlink(7)
 * \param buf value
 * \param len bytes in buf
 *
 * NETLINK_RX_RING and NETLINK_TX_RING set a ring that the program maps by itself,
 * or with mnl_socket_mmap2(nl, MNL_RING_RAW). On a kernel whose sockets have no
 * such options, they are asked of the module first.
 *
 * Returns 0. On error, it returns -1 and errno is what setsockopt(2) said.
 */
EXPORT_SYMBOL int mnl_socket_setsockopt(const struct mnl_socket *nl, int type,
					void *buf, socklen_t len)
{
	if (type == NETLINK_RX_RING || type == NETLINK_TX_RING) {
		/* in place of the one that the program did not ask for */
		if (nl->shadow != NULL)
			ring_shadow_close(nl->shadow);
		return ring_setsockopt(nl->fd, type, buf, len);
	}
	return setsockopt(nl->fd, SOL_NETLINK, type, buf, len);
}

/**
 * mnl_socket_getsockopt - get an option of the netlink socket
 * \param nl socket
 * \param type option of level SOL_NETLINK, see netlink(7)
 * \param buf receives the value
 * \param len bytes of room in buf, then bytes written
 *
 * Returns 0. On error, it returns -1 and errno is what getsockopt(2) said.
 */
EXPORT_SYMBOL int mnl_socket_getsockopt(const struct mnl_socket *nl, int type,
					void *buf, socklen_t *len)
{
	return getsockopt(nl->fd, SOL_NETLINK, type, buf, len);
}

/**
 * @}
 */
