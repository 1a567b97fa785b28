// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Netlink messages: building, walking, printing, and batches of them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <libmnl/libmnl.h>

#include "internal.h"

/**
 * \defgroup mnl_nlmsg Netlink messages
 * A message is a header of 16 bytes and a payload; both begin at multiples of
 * four bytes. The payload is often a header of the subsystem ("extra header")
 * followed by attributes.
 *
 * \verbatim
   |<------- MNL_NLMSG_HDRLEN ------->|<--- nlmsg_len - MNL_NLMSG_HDRLEN -->|
   | length, type, flags, seq, portid | extra header | attribute | attribute |
   \endverbatim
 *
 * None of these functions takes ownership of a buffer. Different messages may
 * be used by different threads.
 * @{
 */

/**
 * mnl_nlmsg_size - bytes that a message with this payload has
 * \param len bytes of payload
 *
 * Returns the bytes of header and payload, without padding behind it.
 */
EXPORT_SYMBOL size_t mnl_nlmsg_size(size_t len)
{
	return MNL_NLMSG_HDRLEN + len;
}

/**
 * mnl_nlmsg_get_payload_len - bytes of payload
 * \param nlh message
 *
 * Returns nlmsg_len less the header.
 */
EXPORT_SYMBOL size_t mnl_nlmsg_get_payload_len(const struct nlmsghdr *nlh)
{
	return nlh->nlmsg_len - MNL_NLMSG_HDRLEN;
}

/**
 * mnl_nlmsg_put_header - begin a message
 * \param buf where; at least MNL_NLMSG_HDRLEN bytes
 *
 * Writes a header of zeroes whose length is its own. Returns the message.
 */
EXPORT_SYMBOL struct nlmsghdr *mnl_nlmsg_put_header(void *buf)
{
	struct nlmsghdr *nlh = buf;

	memset(nlh, 0, MNL_NLMSG_HDRLEN);
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN;
	return nlh;
}

/**
 * mnl_nlmsg_put_extra_header - append the subsystem's header
 * \param nlh message; the caller sees to it that there is room
 * \param size bytes of the header; rounded up to a multiple of four
 *
 * Returns the header, filled with zeroes.
 */
EXPORT_SYMBOL void *mnl_nlmsg_put_extra_header(struct nlmsghdr *nlh,
					       size_t size)
{
	void *extra = (char *)nlh + nlh->nlmsg_len;

	size = MNL_ALIGN(size);
	nlh->nlmsg_len += size;
	memset(extra, 0, size);
	return extra;
}

/**
 * mnl_nlmsg_get_payload - what follows the header
 * \param nlh message
 *
 * Returns a pointer into the message.
 */
EXPORT_SYMBOL void *mnl_nlmsg_get_payload(const struct nlmsghdr *nlh)
{
	return (char *)nlh + MNL_NLMSG_HDRLEN;
}

/**
 * mnl_nlmsg_get_payload_offset - what follows the extra header
 * \param nlh message
 * \param offset bytes of the extra header; rounded up to a multiple of four
 *
 * Returns a pointer into the message.
 */
EXPORT_SYMBOL void *mnl_nlmsg_get_payload_offset(const struct nlmsghdr *nlh,
						 size_t offset)
{
	return (char *)nlh + MNL_NLMSG_HDRLEN + MNL_ALIGN(offset);
}

/**
 * mnl_nlmsg_ok - is there a whole message?
 * \param nlh what may be a message
 * \param len bytes left in the buffer
 *
 * Returns true if a header fits, the length in it is one that a message can
 * have, and the buffer holds as much.
 */
EXPORT_SYMBOL bool mnl_nlmsg_ok(const struct nlmsghdr *nlh, int len)
{
	return len >= (int)sizeof(*nlh) &&
	       nlh->nlmsg_len >= sizeof(*nlh) &&
	       nlh->nlmsg_len <= (unsigned int)len;
}

/**
 * mnl_nlmsg_next - step to the next message of a buffer
 * \param nlh message, for which mnl_nlmsg_ok() is true
 * \param len bytes left in the buffer from nlh on; updated
 *
 * Returns where the next message begins; mnl_nlmsg_ok() tells whether there is
 * one.
 */
EXPORT_SYMBOL struct nlmsghdr *mnl_nlmsg_next(const struct nlmsghdr *nlh,
					      int *len)
{
	size_t size = MNL_ALIGN(nlh->nlmsg_len);

	*len -= size;
	return (struct nlmsghdr *)((char *)nlh + size);
}

/**
 * mnl_nlmsg_get_payload_tail - where a message ends
 * \param nlh message
 *
 * Returns the address behind the message, padding included: where the next
 * attribute goes.
 */
EXPORT_SYMBOL void *mnl_nlmsg_get_payload_tail(const struct nlmsghdr *nlh)
{
	return (char *)nlh + MNL_ALIGN(nlh->nlmsg_len);
}

/**
 * mnl_nlmsg_seq_ok - does the message answer this request?
 * \param nlh message
 * \param seq sequence number of the request
 *
 * Returns true if the numbers are equal or one of them is zero: events carry
 * zero, and a zero request accepts all.
 */
EXPORT_SYMBOL bool mnl_nlmsg_seq_ok(const struct nlmsghdr *nlh,
				    unsigned int seq)
{
	return !nlh->nlmsg_seq || !seq || nlh->nlmsg_seq == seq;
}

/**
 * mnl_nlmsg_portid_ok - is the message for this socket?
 * \param nlh message
 * \param portid port ID of the socket
 *
 * Returns true if the port IDs are equal or one of them is zero.
 */
EXPORT_SYMBOL bool mnl_nlmsg_portid_ok(const struct nlmsghdr *nlh,
				       unsigned int portid)
{
	return !nlh->nlmsg_pid || !portid || nlh->nlmsg_pid == portid;
}

static const char print_rule[] = "----------------\t------------------\n";

static void print_header(FILE *fd, const struct nlmsghdr *nlh)
{
	unsigned int flags = nlh->nlmsg_flags;

	fputs(print_rule, fd);
	fprintf(fd, "|  %.10u  |\t| message length |\n", nlh->nlmsg_len);
	fprintf(fd, "| %.5u | %c%c%c%c |\t|  type | flags  |\n",
		nlh->nlmsg_type,
		flags & NLM_F_REQUEST ? 'R' : '-',
		flags & NLM_F_MULTI ? 'M' : '-',
		flags & NLM_F_ACK ? 'A' : '-',
		flags & NLM_F_ECHO ? 'E' : '-');
	fprintf(fd, "|  %.10u  |\t| sequence number|\n", nlh->nlmsg_seq);
	fprintf(fd, "|  %.10u  |\t|     port ID    |\n", nlh->nlmsg_pid);
	fputs(print_rule, fd);
}

static void print_bytes(FILE *fd, const unsigned char *b, const char *what)
{
	fprintf(fd, "| %.2x %.2x %.2x %.2x  |\t|%s|", b[0], b[1], b[2], b[3],
		what);
}

static void print_attr(FILE *fd, const struct nlattr *attr)
{
	unsigned int type = attr->nla_type;

	fprintf(fd, "|\033[1;31m%.5u\033[0m|\033[1;32m%c%c\033[0m|"
		"\033[1;34m%.5u\033[0m|\t|len |flags| type|\n",
		attr->nla_len,
		type & NLA_F_NESTED ? 'N' : '-',
		type & NLA_F_NET_BYTEORDER ? 'B' : '-',
		type & NLA_TYPE_MASK);
}

static int printable(unsigned char c)
{
	return isprint(c) ? c : ' ';
}

static void print_data(FILE *fd, const unsigned char *b)
{
	print_bytes(fd, b, "      data      ");
	fprintf(fd, "\t %c %c %c %c\n", printable(b[0]), printable(b[1]),
		printable(b[2]), printable(b[3]));
}

/* Four bytes behind the extra header. @rest: of the attribute's payload. */
static void print_payload(FILE *fd, const unsigned char *b, int *rest)
{
	const struct nlattr *attr = (const void *)b;

	if (*rest > 0) {
		print_data(fd, b);
		*rest -= MNL_ALIGNTO;
	} else if (attr->nla_type & NLA_TYPE_MASK) {
		print_attr(fd, attr);
		if (!(attr->nla_type & NLA_F_NESTED))
			*rest = MNL_ALIGN(attr->nla_len) - MNL_ATTR_HDRLEN;
	}
}

static void print_message(FILE *fd, const struct nlmsghdr *nlh, size_t extra)
{
	const unsigned char *b = (const void *)nlh;
	size_t at, payload = MNL_NLMSG_HDRLEN + MNL_ALIGN(extra);
	int rest = 0;

	print_header(fd, nlh);
	for (at = MNL_NLMSG_HDRLEN; at < nlh->nlmsg_len; at += MNL_ALIGNTO) {
		if (nlh->nlmsg_type < NLMSG_MIN_TYPE) {
			print_bytes(fd, b + at, "                ");
			fputc('\n', fd);
		} else if (at < payload) {
			print_bytes(fd, b + at, "  extra header  ");
			fputc('\n', fd);
		} else {
			print_payload(fd, b + at, &rest);
		}
	}
	fputs(print_rule, fd);
}

/**
 * mnl_nlmsg_fprintf - print messages for people to read
 * \param fd stream to print to
 * \param data buffer with messages
 * \param datalen bytes in it
 * \param extra_header_size bytes of the subsystem's header
 *
 * One line for four bytes, attribute headers in colours, in the layout that
 * libmnl has always had.
 */
EXPORT_SYMBOL void mnl_nlmsg_fprintf(FILE *fd, const void *data,
				     size_t datalen, size_t extra_header_size)
{
	const struct nlmsghdr *nlh = data;
	int len = datalen;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		print_message(fd, nlh, extra_header_size);
}

/**
 * @}
 */

/**
 * \defgroup mnl_batch Batches of messages
 * A batch puts several messages into one buffer, to be sent with one call. The
 * buffer must be larger than what the batch may fill, by one message: the one
 * that turns out not to fit is built there, and opens the next batch.
 *
 * \verbatim
   |<----------------- bufsiz ---------------->|<-- room for one message -->|
   | message | message |        ...            | the one that did not fit   |
   \endverbatim
 *
 * A batch is used by one thread at a time.
 * @{
 */

struct mnl_nlmsg_batch {
	char	*buf;		/* the program's */
	size_t	limit;		/* bytes that the batch may fill */
	size_t	len;		/* bytes filled */
	bool	overflow;	/* the message at len is for the next batch */
};

/**
 * mnl_nlmsg_batch_start - begin a batch
 * \param buf buffer, which stays the caller's, aligned to four bytes
 * \param bufsiz bytes that the batch may fill; the buffer has room for one
 * more message behind them
 *
 * Returns the batch, to be freed with mnl_nlmsg_batch_stop(). On error, it
 * returns NULL and errno is set to ENOMEM.
 */
EXPORT_SYMBOL struct mnl_nlmsg_batch *mnl_nlmsg_batch_start(void *buf,
							    size_t bufsiz)
{
	struct mnl_nlmsg_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->buf = buf;
	b->limit = bufsiz;
	return b;
}

/**
 * mnl_nlmsg_batch_stop - end a batch
 * \param b batch; freed, the buffer is not
 */
EXPORT_SYMBOL void mnl_nlmsg_batch_stop(struct mnl_nlmsg_batch *b)
{
	free(b);
}

/**
 * mnl_nlmsg_batch_next - add the message that was built at the current place
 * \param b batch
 *
 * Returns true if it fits. If not, it returns false: send the batch without
 * it, then call mnl_nlmsg_batch_reset(), which makes it the first of the next
 * one.
 */
EXPORT_SYMBOL bool mnl_nlmsg_batch_next(struct mnl_nlmsg_batch *b)
{
	const struct nlmsghdr *nlh = mnl_nlmsg_batch_current(b);

	if (b->len + nlh->nlmsg_len > b->limit) {
		b->overflow = true;
		return false;
	}
	b->len += nlh->nlmsg_len;
	return true;
}

/**
 * mnl_nlmsg_batch_reset - empty a batch that was sent
 * \param b batch
 *
 * A message that did not fit moves to the front of the buffer and is in the
 * batch.
 */
EXPORT_SYMBOL void mnl_nlmsg_batch_reset(struct mnl_nlmsg_batch *b)
{
	const struct nlmsghdr *nlh = mnl_nlmsg_batch_current(b);

	b->len = 0;
	if (!b->overflow)
		return;
	b->overflow = false;
	b->len = nlh->nlmsg_len;
	memmove(b->buf, nlh, b->len);
}

/**
 * mnl_nlmsg_batch_size - bytes in the batch
 * \param b batch
 *
 * Returns the bytes to send.
 */
EXPORT_SYMBOL size_t mnl_nlmsg_batch_size(struct mnl_nlmsg_batch *b)
{
	return b->len;
}

/**
 * mnl_nlmsg_batch_head - where the batch begins
 * \param b batch
 *
 * Returns the buffer, for sending it.
 */
EXPORT_SYMBOL void *mnl_nlmsg_batch_head(struct mnl_nlmsg_batch *b)
{
	return b->buf;
}

/**
 * mnl_nlmsg_batch_current - where the next message is to be built
 * \param b batch
 *
 * Returns a place in the buffer.
 */
EXPORT_SYMBOL void *mnl_nlmsg_batch_current(struct mnl_nlmsg_batch *b)
{
	return b->buf + b->len;
}

/**
 * mnl_nlmsg_batch_is_empty - is there nothing to send?
 * \param b batch
 *
 * Returns true if no message was added.
 */
EXPORT_SYMBOL bool mnl_nlmsg_batch_is_empty(struct mnl_nlmsg_batch *b)
{
	return b->len == 0;
}

/**
 * @}
 */
