// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Netlink attributes: reading, adding, nesting, validating, walking.
 */
#include <errno.h>
#include <string.h>
#include <libmnl/libmnl.h>

#include "internal.h"

/**
 * \defgroup mnl_attr Netlink attributes
 * An attribute is a length and a type, 16 bits each, and a payload, which is
 * padded to a multiple of four bytes. The length counts header and payload but
 * not the padding.
 *
 * Getters return pointers into the message, or copies of its bytes; nothing is
 * allocated. They trust the attribute: validate it first. Different messages may
 * be used by different threads.
 * @{
 */

/**
 * mnl_attr_get_type - type of an attribute
 * \param attr attribute
 *
 * Returns the type without the flags for nesting and byte order.
 */
EXPORT_SYMBOL uint16_t mnl_attr_get_type(const struct nlattr *attr)
{
	return attr->nla_type & NLA_TYPE_MASK;
}

/**
 * mnl_attr_get_len - length of an attribute
 * \param attr attribute
 *
 * Returns the bytes of header and payload.
 */
EXPORT_SYMBOL uint16_t mnl_attr_get_len(const struct nlattr *attr)
{
	return attr->nla_len;
}

/**
 * mnl_attr_get_payload_len - length of the payload
 * \param attr attribute
 *
 * Returns the bytes of payload.
 */
EXPORT_SYMBOL uint16_t mnl_attr_get_payload_len(const struct nlattr *attr)
{
	return attr->nla_len - MNL_ATTR_HDRLEN;
}

/**
 * mnl_attr_get_payload - payload
 * \param attr attribute
 *
 * Returns a pointer into the message.
 */
EXPORT_SYMBOL void *mnl_attr_get_payload(const struct nlattr *attr)
{
	return (char *)attr + MNL_ATTR_HDRLEN;
}

/**
 * mnl_attr_ok - is there a whole attribute?
 * \param attr what may be an attribute
 * \param len bytes left
 *
 * Returns true if a header fits, the length in it is one that an attribute can
 * have, and there are as many bytes.
 */
EXPORT_SYMBOL bool mnl_attr_ok(const struct nlattr *attr, int len)
{
	return len >= (int)sizeof(*attr) &&
	       attr->nla_len >= sizeof(*attr) &&
	       (int)attr->nla_len <= len;
}

/**
 * mnl_attr_next - step to the next attribute
 * \param attr attribute, for which mnl_attr_ok() is true
 *
 * Returns where the next one begins; mnl_attr_ok() tells whether there is one.
 */
EXPORT_SYMBOL struct nlattr *mnl_attr_next(const struct nlattr *attr)
{
	return (struct nlattr *)((char *)attr + MNL_ALIGN(attr->nla_len));
}

/**
 * mnl_attr_type_valid - is the type one that the program knows?
 * \param attr attribute
 * \param max highest type known
 *
 * Returns 1 if it is. Otherwise it returns -1 and errno is set to EOPNOTSUPP:
 * a newer kernel than the program, usually best skipped.
 */
EXPORT_SYMBOL int mnl_attr_type_valid(const struct nlattr *attr, uint16_t max)
{
	if (mnl_attr_get_type(attr) > max) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return 1;
}

/* bytes that a type always has, 0: any number */
static const size_t type_len[MNL_TYPE_MAX] = {
	[MNL_TYPE_U8]		= sizeof(uint8_t),
	[MNL_TYPE_U16]		= sizeof(uint16_t),
	[MNL_TYPE_U32]		= sizeof(uint32_t),
	[MNL_TYPE_U64]		= sizeof(uint64_t),
	[MNL_TYPE_MSECS]	= sizeof(uint64_t),
};

/* what a payload of this length may be, apart from its size; 0 or errno */
static int check_kind(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	size_t len = mnl_attr_get_payload_len(attr);
	const char *payload = mnl_attr_get_payload(attr);

	switch (type) {
	case MNL_TYPE_FLAG:
		return len > 0 ? ERANGE : 0;
	case MNL_TYPE_STRING:
		return len == 0 ? ERANGE : 0;
	case MNL_TYPE_NUL_STRING:
		if (len == 0)
			return ERANGE;
		return payload[len - 1] != '\0' ? EINVAL : 0;
	case MNL_TYPE_NESTED:
		return len > 0 && len < MNL_ATTR_HDRLEN ? ERANGE : 0;
	default:
		return 0;
	}
}

static int check_type(const struct nlattr *attr, enum mnl_attr_data_type type,
		      size_t len)
{
	size_t payload_len = mnl_attr_get_payload_len(attr);
	int err;

	if (payload_len < len)
		return ERANGE;
	err = check_kind(attr, type);
	if (err)
		return err;
	return len > 0 && payload_len > len ? ERANGE : 0;
}

/**
 * mnl_attr_validate - is the payload what the type says?
 * \param attr attribute
 * \param type type that it should have
 *
 * Integers have exactly their size, flags no payload, strings at least a byte,
 * NUL strings end with NUL, nested attributes are empty or hold a header.
 * Returns 0 if so. Otherwise it returns -1 and errno is set: ERANGE wrong
 * size, EINVAL no such type or a string without its NUL.
 */
EXPORT_SYMBOL int mnl_attr_validate(const struct nlattr *attr,
				    enum mnl_attr_data_type type)
{
	if ((unsigned int)type >= MNL_TYPE_MAX) {
		errno = EINVAL;
		return -1;
	}
	return mnl_attr_validate2(attr, type, type_len[type]);
}

/**
 * mnl_attr_validate2 - is the payload what the type says, of this size?
 * \param attr attribute
 * \param type type that it should have
 * \param len bytes that the payload should have, 0 for any number
 *
 * For structures and other data whose size only the program knows. Returns and
 * sets errno as mnl_attr_validate().
 */
EXPORT_SYMBOL int mnl_attr_validate2(const struct nlattr *attr,
				     enum mnl_attr_data_type type, size_t len)
{
	int err = EINVAL;

	if ((unsigned int)type < MNL_TYPE_MAX)
		err = check_type(attr, type, len);
	if (err == 0)
		return 0;
	errno = err;
	return -1;
}

/**
 * mnl_attr_parse_payload - call a function for each attribute in a buffer
 * \param payload where the first attribute begins
 * \param payload_len bytes of attributes
 * \param cb called for each attribute, in order
 * \param data passed to the callback
 *
 * Stops at the first callback that returns MNL_CB_STOP or less. Returns what
 * the last callback returned, MNL_CB_OK if there was no attribute.
 */
EXPORT_SYMBOL int mnl_attr_parse_payload(const void *payload,
					 size_t payload_len, mnl_attr_cb_t cb,
					 void *data)
{
	const struct nlattr *attr;
	int ret = MNL_CB_OK;

	mnl_attr_for_each_payload(payload, payload_len) {
		ret = cb(attr, data);
		if (ret <= MNL_CB_STOP)
			break;
	}
	return ret;
}

/**
 * mnl_attr_parse - call a function for each attribute of a message
 * \param nlh message
 * \param offset bytes of the extra header
 * \param cb called for each attribute, in order
 * \param data passed to the callback
 *
 * Returns as mnl_attr_parse_payload().
 */
EXPORT_SYMBOL int mnl_attr_parse(const struct nlmsghdr *nlh,
				 unsigned int offset, mnl_attr_cb_t cb,
				 void *data)
{
	const char *payload = mnl_nlmsg_get_payload_offset(nlh, offset);
	const char *tail = mnl_nlmsg_get_payload_tail(nlh);

	if (tail < payload)
		return MNL_CB_OK;
	return mnl_attr_parse_payload(payload, tail - payload, cb, data);
}

/**
 * mnl_attr_parse_nested - call a function for each nested attribute
 * \param nested attribute that holds others
 * \param cb called for each of them, in order
 * \param data passed to the callback
 *
 * Returns as mnl_attr_parse_payload().
 */
EXPORT_SYMBOL int mnl_attr_parse_nested(const struct nlattr *nested,
					mnl_attr_cb_t cb, void *data)
{
	return mnl_attr_parse_payload(mnl_attr_get_payload(nested),
				      mnl_attr_get_payload_len(nested), cb,
				      data);
}

/* payloads are aligned to four bytes only, and read in the host's order */
#define GET_PAYLOAD(type, attr)						\
({									\
	type value;							\
	memcpy(&value, mnl_attr_get_payload(attr), sizeof(value));	\
	value;								\
})

/**
 * mnl_attr_get_u8 - payload of 8 bits
 * \param attr attribute with at least a byte
 *
 * Returns the number.
 */
EXPORT_SYMBOL uint8_t mnl_attr_get_u8(const struct nlattr *attr)
{
	return GET_PAYLOAD(uint8_t, attr);
}

/**
 * mnl_attr_get_u16 - payload of 16 bits
 * \param attr attribute with at least two bytes
 *
 * Returns the number.
 */
EXPORT_SYMBOL uint16_t mnl_attr_get_u16(const struct nlattr *attr)
{
	return GET_PAYLOAD(uint16_t, attr);
}

/**
 * mnl_attr_get_u32 - payload of 32 bits
 * \param attr attribute with at least four bytes
 *
 * Returns the number.
 */
EXPORT_SYMBOL uint32_t mnl_attr_get_u32(const struct nlattr *attr)
{
	return GET_PAYLOAD(uint32_t, attr);
}

/**
 * mnl_attr_get_u64 - payload of 64 bits
 * \param attr attribute with at least eight bytes
 *
 * Returns the number.
 */
EXPORT_SYMBOL uint64_t mnl_attr_get_u64(const struct nlattr *attr)
{
	return GET_PAYLOAD(uint64_t, attr);
}

/**
 * mnl_attr_get_uint - payload of 8, 16, 32 or 64 bits, as long as it is
 * \param attr attribute
 *
 * Returns the number; UINT64_MAX with errno set to EINVAL if the payload has
 * none of these sizes.
 */
EXPORT_SYMBOL uint64_t mnl_attr_get_uint(const struct nlattr *attr)
{
	switch (mnl_attr_get_payload_len(attr)) {
	case sizeof(uint8_t):
		return mnl_attr_get_u8(attr);
	case sizeof(uint16_t):
		return mnl_attr_get_u16(attr);
	case sizeof(uint32_t):
		return mnl_attr_get_u32(attr);
	case sizeof(uint64_t):
		return mnl_attr_get_u64(attr);
	default:
		errno = EINVAL;
		return UINT64_MAX;
	}
}

/**
 * mnl_attr_get_str - payload as a string
 * \param attr attribute, validated as MNL_TYPE_NUL_STRING
 *
 * Returns a pointer into the message.
 */
EXPORT_SYMBOL const char *mnl_attr_get_str(const struct nlattr *attr)
{
	return mnl_attr_get_payload(attr);
}

/* Appends a header and padding; the payload is the caller's. */
static void *put(struct nlmsghdr *nlh, uint16_t type, size_t len)
{
	struct nlattr *attr = mnl_nlmsg_get_payload_tail(nlh);
	char *payload = mnl_attr_get_payload(attr);

	attr->nla_type = type;
	attr->nla_len = MNL_ATTR_HDRLEN + len;
	memset(payload + len, 0, MNL_ALIGN(len) - len);
	nlh->nlmsg_len += MNL_ATTR_HDRLEN + MNL_ALIGN(len);
	return payload;
}

static bool has_room(const struct nlmsghdr *nlh, size_t buflen, size_t len)
{
	return nlh->nlmsg_len + MNL_ATTR_HDRLEN + MNL_ALIGN(len) <= buflen;
}

/**
 * mnl_attr_put - append an attribute
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param len bytes of payload
 * \param data payload, copied
 */
EXPORT_SYMBOL void mnl_attr_put(struct nlmsghdr *nlh, uint16_t type,
				size_t len, const void *data)
{
	void *payload = put(nlh, type, len);

	if (len)
		memcpy(payload, data, len);
}

/**
 * mnl_attr_put_u8 - append a number of 8 bits
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data number
 */
EXPORT_SYMBOL void mnl_attr_put_u8(struct nlmsghdr *nlh, uint16_t type,
				   uint8_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u16 - append a number of 16 bits
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 */
EXPORT_SYMBOL void mnl_attr_put_u16(struct nlmsghdr *nlh, uint16_t type,
				    uint16_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u32 - append a number of 32 bits
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 */
EXPORT_SYMBOL void mnl_attr_put_u32(struct nlmsghdr *nlh, uint16_t type,
				    uint32_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u64 - append a number of 64 bits
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 */
EXPORT_SYMBOL void mnl_attr_put_u64(struct nlmsghdr *nlh, uint16_t type,
				    uint64_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_str - append a string without its NUL
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data string
 */
EXPORT_SYMBOL void mnl_attr_put_str(struct nlmsghdr *nlh, uint16_t type,
				    const char *data)
{
	mnl_attr_put(nlh, type, strlen(data), data);
}

/**
 * mnl_attr_put_strz - append a string with its NUL
 * \param nlh message; the caller sees to it that there is room
 * \param type type, with its flags
 * \param data string
 */
EXPORT_SYMBOL void mnl_attr_put_strz(struct nlmsghdr *nlh, uint16_t type,
				     const char *data)
{
	mnl_attr_put(nlh, type, strlen(data) + 1, data);
}

/**
 * mnl_attr_nest_start - begin an attribute that holds others
 * \param nlh message; the caller sees to it that there is room
 * \param type type; the flag for nesting is added
 *
 * Returns the attribute, for mnl_attr_nest_end() or mnl_attr_nest_cancel().
 */
EXPORT_SYMBOL struct nlattr *mnl_attr_nest_start(struct nlmsghdr *nlh,
						 uint16_t type)
{
	struct nlattr *start = mnl_nlmsg_get_payload_tail(nlh);

	/* its length is not known before the end */
	start->nla_type = NLA_F_NESTED | type;
	nlh->nlmsg_len += MNL_ALIGN(sizeof(*start));
	return start;
}

/**
 * mnl_attr_put_check - append an attribute if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param len bytes of payload
 * \param data payload, copied
 *
 * Returns true if it was added, false if there is no room: then the message is
 * unchanged.
 */
EXPORT_SYMBOL bool mnl_attr_put_check(struct nlmsghdr *nlh, size_t buflen,
				      uint16_t type, size_t len,
				      const void *data)
{
	if (!has_room(nlh, buflen, len))
		return false;
	mnl_attr_put(nlh, type, len, data);
	return true;
}

/**
 * mnl_attr_put_u8_check - append a number of 8 bits if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data number
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_u8_check(struct nlmsghdr *nlh, size_t buflen,
					 uint16_t type, uint8_t data)
{
	return mnl_attr_put_check(nlh, buflen, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u16_check - append a number of 16 bits if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_u16_check(struct nlmsghdr *nlh, size_t buflen,
					  uint16_t type, uint16_t data)
{
	return mnl_attr_put_check(nlh, buflen, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u32_check - append a number of 32 bits if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_u32_check(struct nlmsghdr *nlh, size_t buflen,
					  uint16_t type, uint32_t data)
{
	return mnl_attr_put_check(nlh, buflen, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_u64_check - append a number of 64 bits if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data number, in the order of bytes that it is to have
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_u64_check(struct nlmsghdr *nlh, size_t buflen,
					  uint16_t type, uint64_t data)
{
	return mnl_attr_put_check(nlh, buflen, type, sizeof(data), &data);
}

/**
 * mnl_attr_put_str_check - append a string without its NUL if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data string
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_str_check(struct nlmsghdr *nlh, size_t buflen,
					  uint16_t type, const char *data)
{
	return mnl_attr_put_check(nlh, buflen, type, strlen(data), data);
}

/**
 * mnl_attr_put_strz_check - append a string with its NUL if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type, with its flags
 * \param data string
 *
 * Returns as mnl_attr_put_check().
 */
EXPORT_SYMBOL bool mnl_attr_put_strz_check(struct nlmsghdr *nlh, size_t buflen,
					   uint16_t type, const char *data)
{
	return mnl_attr_put_check(nlh, buflen, type, strlen(data) + 1, data);
}

/**
 * mnl_attr_nest_start_check - begin a nested attribute if there is room
 * \param nlh message
 * \param buflen bytes of the buffer that holds the message
 * \param type type; the flag for nesting is added
 *
 * Returns the attribute, or NULL if there is no room for its header.
 */
EXPORT_SYMBOL struct nlattr *mnl_attr_nest_start_check(struct nlmsghdr *nlh,
						       size_t buflen,
						       uint16_t type)
{
	if (!has_room(nlh, buflen, 0))
		return NULL;
	return mnl_attr_nest_start(nlh, type);
}

/**
 * mnl_attr_nest_end - end a nested attribute
 * \param nlh message
 * \param start what mnl_attr_nest_start() returned; gets its length
 */
EXPORT_SYMBOL void mnl_attr_nest_end(struct nlmsghdr *nlh,
				     struct nlattr *start)
{
	start->nla_len = (char *)mnl_nlmsg_get_payload_tail(nlh) -
			 (char *)start;
}

/**
 * mnl_attr_nest_cancel - take back a nested attribute and all in it
 * \param nlh message
 * \param start what mnl_attr_nest_start() returned
 */
EXPORT_SYMBOL void mnl_attr_nest_cancel(struct nlmsghdr *nlh,
					struct nlattr *start)
{
	nlh->nlmsg_len -= (char *)mnl_nlmsg_get_payload_tail(nlh) -
			  (char *)start;
}

/**
 * @}
 */
