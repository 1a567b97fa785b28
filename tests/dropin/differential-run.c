// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The same calls to two builds of libmnl, and whether they do the same: return
 * value, errno, callbacks and each byte written.
 *	differential-run OURS PEER [SEED [CASES]]
 *
 * A case is a scenario run with one seed, once for each library, in a memory
 * area of its own for each. All that a scenario learns goes into a record; the
 * records and the areas are compared.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#define AREA		(1024 * 1024)
#define START		(128 * 1024)	/* of what scenarios use in the area */
#define MAX_DIFFERENCES	10

#define FUNCTIONS(F)							\
	F(mnl_attr_get_type) F(mnl_attr_get_len)			\
	F(mnl_attr_get_payload_len) F(mnl_attr_get_payload)		\
	F(mnl_attr_get_u8) F(mnl_attr_get_u16) F(mnl_attr_get_u32)	\
	F(mnl_attr_get_u64) F(mnl_attr_get_str)				\
	F(mnl_attr_put) F(mnl_attr_put_u8) F(mnl_attr_put_u16)		\
	F(mnl_attr_put_u32) F(mnl_attr_put_u64) F(mnl_attr_put_str)	\
	F(mnl_attr_put_strz) F(mnl_attr_put_check)			\
	F(mnl_attr_put_u8_check) F(mnl_attr_put_u16_check)		\
	F(mnl_attr_put_u32_check) F(mnl_attr_put_u64_check)		\
	F(mnl_attr_put_str_check) F(mnl_attr_put_strz_check)		\
	F(mnl_attr_nest_start) F(mnl_attr_nest_start_check)		\
	F(mnl_attr_nest_end) F(mnl_attr_nest_cancel)			\
	F(mnl_attr_type_valid) F(mnl_attr_validate)			\
	F(mnl_attr_validate2) F(mnl_attr_ok) F(mnl_attr_next)		\
	F(mnl_attr_parse) F(mnl_attr_parse_nested)			\
	F(mnl_attr_parse_payload)					\
	F(mnl_nlmsg_size) F(mnl_nlmsg_get_payload_len)			\
	F(mnl_nlmsg_put_header) F(mnl_nlmsg_put_extra_header)		\
	F(mnl_nlmsg_ok) F(mnl_nlmsg_next) F(mnl_nlmsg_seq_ok)		\
	F(mnl_nlmsg_portid_ok) F(mnl_nlmsg_get_payload)			\
	F(mnl_nlmsg_get_payload_offset) F(mnl_nlmsg_get_payload_tail)	\
	F(mnl_nlmsg_fprintf)						\
	F(mnl_nlmsg_batch_start) F(mnl_nlmsg_batch_next)		\
	F(mnl_nlmsg_batch_stop) F(mnl_nlmsg_batch_size)			\
	F(mnl_nlmsg_batch_reset) F(mnl_nlmsg_batch_head)		\
	F(mnl_nlmsg_batch_current) F(mnl_nlmsg_batch_is_empty)		\
	F(mnl_cb_run) F(mnl_cb_run2)					\
	F(mnl_socket_open) F(mnl_socket_open2) F(mnl_socket_fdopen)	\
	F(mnl_socket_bind) F(mnl_socket_close) F(mnl_socket_get_fd)	\
	F(mnl_socket_get_portid) F(mnl_socket_sendto)			\
	F(mnl_socket_recvfrom) F(mnl_socket_setsockopt)			\
	F(mnl_socket_getsockopt)

enum {
#define NUMBER(name)	NR_##name,
	FUNCTIONS(NUMBER)
	FUNCTION_COUNT
};

static const char *const function_names[] = {
#define NAME(name)	#name,
	FUNCTIONS(NAME)
};

static unsigned long long calls[FUNCTION_COUNT];

struct fact {
	const char *what;
	long long value;
};

/* One of the two libraries, with its area and what was learnt from it. */
struct side {
	const char *path;
#define POINTER(name)	__typeof__(name) *name;
	FUNCTIONS(POINTER)
	char *area;
	uint64_t random;
	struct fact facts[4096];
	unsigned int nr;
};

static struct side sides[2];

/* what is running, for the handler of a crash */
static const struct side *running;
static const char *scenario_name;
static unsigned long long case_nr, seed;

#define CALL(s, name, ...)	(calls[NR_##name]++, errno = 0, (s)->name(__VA_ARGS__))

/* xorshift64* */
static uint64_t any(struct side *s)
{
	s->random ^= s->random >> 12;
	s->random ^= s->random << 25;
	s->random ^= s->random >> 27;
	return s->random * 2685821657736338717ULL;
}

static unsigned int below(struct side *s, unsigned int limit)
{
	return (any(s) >> 33) % limit;
}

static bool one_in(struct side *s, unsigned int n)
{
	return below(s, n) == 0;
}

static void note(struct side *s, const char *what, long long value)
{
	if (s->nr == sizeof(s->facts) / sizeof(s->facts[0]))
		return;
	s->facts[s->nr].what = what;
	s->facts[s->nr++].value = value;
}

/* the return value, and errno where it is an error */
static void note_result(struct side *s, const char *what, long long value)
{
	int error = errno;

	note(s, what, value);
	if (value < 0)
		note(s, "errno", error);
}

static void note_pointer(struct side *s, const char *what, const void *p)
{
	note(s, what, p ? (const char *)p - s->area : -1);
}

static void note_bytes(struct side *s, const char *what, const void *p,
		       size_t len)
{
	const unsigned char *bytes = p;
	unsigned long long hash = 14695981039346656037ULL;

	while (len--)
		hash = (hash ^ *bytes++) * 1099511628211ULL;
	note(s, what, (long long)hash);
}

/* Random bytes where the scenario works. */
static char *fresh(struct side *s, size_t len, unsigned int misalign)
{
	char *p = s->area + START + misalign;
	uint64_t word;
	size_t i;

	for (i = 0; i < len; i += sizeof(word)) {
		word = any(s);
		memcpy(p + i, &word, sizeof(word));
	}
	return p;
}

/* A length near one that matters. */
static unsigned int near(struct side *s, unsigned int len)
{
	switch (below(s, 6)) {
	case 0:
		return len + below(s, 9);
	case 1:
		return len > 8 ? len - below(s, 9) : below(s, 9);
	case 2:
		return below(s, 2 * len + 1);
	default:
		return len;
	}
}

/*
 * Attributes, one at a time
 */

static unsigned int attr_size(struct side *s)
{
	static const unsigned int sizes[] = {
		0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 16, 20, 24, 32767, 32768,
		65532, 65535,
	};

	if (one_in(s, 4))
		return below(s, 65536);
	if (one_in(s, 2))
		return below(s, 48);
	return sizes[below(s, sizeof(sizes) / sizeof(sizes[0]))];
}

static struct nlattr *random_attr(struct side *s)
{
	struct nlattr *attr = (void *)fresh(s, 64, one_in(s, 3) ? below(s, 4) : 0);
	struct nlattr header = {
		.nla_len = attr_size(s),
		.nla_type = one_in(s, 2) ? any(s) : below(s, 8),
	};

	memcpy(attr, &header, sizeof(header));
	/* strings that end, and that do not; an attribute inside */
	if (one_in(s, 3))
		memset((char *)attr + 4, 0, below(s, 32));
	if (one_in(s, 3)) {
		header.nla_len = attr_size(s) % 64;
		memcpy((char *)attr + 4, &header, sizeof(header));
	}
	return attr;
}

static void getters(struct side *s)
{
	struct nlattr *attr = random_attr(s);

	note(s, "get_type", CALL(s, mnl_attr_get_type, attr));
	note(s, "get_len", CALL(s, mnl_attr_get_len, attr));
	note(s, "get_payload_len", CALL(s, mnl_attr_get_payload_len, attr));
	note_pointer(s, "get_payload", CALL(s, mnl_attr_get_payload, attr));
	note(s, "get_u8", CALL(s, mnl_attr_get_u8, attr));
	note(s, "get_u16", CALL(s, mnl_attr_get_u16, attr));
	note(s, "get_u32", CALL(s, mnl_attr_get_u32, attr));
	note(s, "get_u64", CALL(s, mnl_attr_get_u64, attr));
	note_pointer(s, "get_str", CALL(s, mnl_attr_get_str, attr));
	note_pointer(s, "next", CALL(s, mnl_attr_next, attr));
	note(s, "ok", CALL(s, mnl_attr_ok, attr, near(s, attr->nla_len)));
	note(s, "ok", CALL(s, mnl_attr_ok, attr, (int)any(s)));
	note(s, "ok", CALL(s, mnl_attr_ok, attr, below(s, 9)));
}

static void validating(struct side *s)
{
	struct nlattr *attr = random_attr(s);
	int type = (int)below(s, MNL_TYPE_MAX + 3);
	unsigned int max = one_in(s, 2) ? below(s, 8) : below(s, 65536);
	size_t len = one_in(s, 2) ? near(s, attr->nla_len) : below(s, 20);

	note_result(s, "type_valid", CALL(s, mnl_attr_type_valid, attr, max));
	note_result(s, "validate", CALL(s, mnl_attr_validate, attr, type));
	note_result(s, "validate2", CALL(s, mnl_attr_validate2, attr, type, len));
	if (one_in(s, 16))
		note_result(s, "validate, any type",
			    CALL(s, mnl_attr_validate, attr, (int)any(s)));
	if (one_in(s, 16))
		note_result(s, "validate2, any type",
			    CALL(s, mnl_attr_validate2, attr, (int)any(s), any(s)));
}

/*
 * Building a message
 */

/* The peer leaves what was in the buffer behind an attribute: 1.0.4. */
static bool no_padding;

/* Clears the padding of the attribute put at the end of old_len, if any. */
static void pad(struct nlmsghdr *nlh, unsigned int old_len)
{
	struct nlattr *attr = (void *)((char *)nlh + MNL_ALIGN(old_len));

	if (no_padding && nlh->nlmsg_len > old_len)
		memset((char *)attr + attr->nla_len, 0,
		       MNL_ALIGN(attr->nla_len) - attr->nla_len);
}

static bool leaves_padding(const struct side *s)
{
	struct nlmsghdr *nlh = (void *)s->area;
	bool left;

	s->mnl_nlmsg_put_header(nlh);
	s->area[MNL_NLMSG_HDRLEN + MNL_ATTR_HDRLEN + 3] = 1;
	s->mnl_attr_put_u8(nlh, 1, 1);
	left = s->area[MNL_NLMSG_HDRLEN + MNL_ATTR_HDRLEN + 3];
	memset(s->area, 0, 64);
	return left;
}

static void put_one(struct side *s, struct nlmsghdr *nlh)
{
	char *data = s->area + START + 300000;
	unsigned int type = any(s) & 0xffff;
	size_t len = below(s, one_in(s, 30) ? 3000 : 40);
	unsigned int old_len = nlh->nlmsg_len;

	memset(data, 'a' + below(s, 26), len);
	data[len] = '\0';
	switch (below(s, 7)) {
	case 0:
		CALL(s, mnl_attr_put, nlh, type, len, data);
		break;
	case 1:
		CALL(s, mnl_attr_put_u8, nlh, type, any(s));
		break;
	case 2:
		CALL(s, mnl_attr_put_u16, nlh, type, any(s));
		break;
	case 3:
		CALL(s, mnl_attr_put_u32, nlh, type, any(s));
		break;
	case 4:
		CALL(s, mnl_attr_put_u64, nlh, type, any(s));
		break;
	case 5:
		CALL(s, mnl_attr_put_str, nlh, type, data);
		break;
	case 6:
		CALL(s, mnl_attr_put_strz, nlh, type, data);
		break;
	}
	pad(nlh, old_len);
}

/* An end of the buffer where the attribute just fits, or just does not. */
static size_t room_for(struct side *s, const struct nlmsghdr *nlh, size_t len)
{
	size_t needs = MNL_ALIGN(nlh->nlmsg_len) + MNL_ATTR_HDRLEN + MNL_ALIGN(len);

	switch (below(s, 4)) {
	case 0:
		return needs;
	case 1:
		return needs - 6 + below(s, 13);
	case 2:
		return below(s, 8000);
	default:
		return 8000;
	}
}

static void put_one_checked(struct side *s, struct nlmsghdr *nlh)
{
	char *data = s->area + START + 300000;
	unsigned int type = any(s) & 0xffff;
	size_t len = below(s, one_in(s, 30) ? 3000 : 40), room;
	static const size_t sizes[] = { 0, 1, 2, 4, 8, 0, 0 };
	unsigned int kind = below(s, 7), old_len = nlh->nlmsg_len;

	memset(data, 'a' + below(s, 26), len);
	data[len] = '\0';
	room = room_for(s, nlh, sizes[kind] ? sizes[kind] : len);
	switch (kind) {
	case 0:
		note(s, "put_check", CALL(s, mnl_attr_put_check, nlh, room, type, len, data));
		break;
	case 1:
		note(s, "put_u8_check", CALL(s, mnl_attr_put_u8_check, nlh, room, type, any(s)));
		break;
	case 2:
		note(s, "put_u16_check", CALL(s, mnl_attr_put_u16_check, nlh, room, type, any(s)));
		break;
	case 3:
		note(s, "put_u32_check", CALL(s, mnl_attr_put_u32_check, nlh, room, type, any(s)));
		break;
	case 4:
		note(s, "put_u64_check", CALL(s, mnl_attr_put_u64_check, nlh, room, type, any(s)));
		break;
	case 5:
		note(s, "put_str_check", CALL(s, mnl_attr_put_str_check, nlh, room, type, data));
		break;
	case 6:
		note(s, "put_strz_check", CALL(s, mnl_attr_put_strz_check, nlh, room, type, data));
		break;
	}
	pad(nlh, old_len);
}

/* Starts, ends or gives up a nest. */
static struct nlattr *put_nest(struct side *s, struct nlmsghdr *nlh,
			       struct nlattr *nest)
{
	if (!nest && one_in(s, 2)) {
		nest = CALL(s, mnl_attr_nest_start, nlh, any(s));
	} else if (!nest) {
		nest = CALL(s, mnl_attr_nest_start_check, nlh, room_for(s, nlh, 0), any(s));
	} else if (one_in(s, 4)) {
		CALL(s, mnl_attr_nest_cancel, nlh, nest);
		nest = NULL;
	} else {
		CALL(s, mnl_attr_nest_end, nlh, nest);
		nest = NULL;
	}
	note_pointer(s, "nest", nest);
	return nest;
}

static struct nlmsghdr *build(struct side *s, char *at)
{
	struct nlattr *nest = NULL;
	unsigned int n = below(s, 12);
	struct nlmsghdr *nlh;

	nlh = CALL(s, mnl_nlmsg_put_header, at);
	note_pointer(s, "put_header", nlh);
	if (one_in(s, 2))
		note_pointer(s, "put_extra_header",
			     CALL(s, mnl_nlmsg_put_extra_header, nlh, below(s, 40)));
	while (n--) {
		if (one_in(s, 4))
			nest = put_nest(s, nlh, nest);
		else if (one_in(s, 2))
			put_one(s, nlh);
		else
			put_one_checked(s, nlh);
		note(s, "nlmsg_len", nlh->nlmsg_len);
	}
	return nlh;
}

static void building(struct side *s)
{
	struct nlmsghdr *nlh = build(s, fresh(s, 512, 0));

	/* a length that is no multiple of 4, as a kernel may send it */
	if (one_in(s, 8)) {
		nlh->nlmsg_len -= below(s, 4);
		put_one(s, nlh);
		put_one_checked(s, nlh);
	}
	note(s, "nlmsg_size", (long long)CALL(s, mnl_nlmsg_size, below(s, 100000)));
}

/*
 * Reading a message
 */

static int noting_attr_cb(const struct nlattr *attr, void *data)
{
	struct side *s = data;

	note_pointer(s, "attribute", attr);
	errno = 1000;
	return one_in(s, 12) ? (int)below(s, 4) - 2 : MNL_CB_OK;
}

/* Damages some bytes of what build() made. */
static void damage(struct side *s, struct nlmsghdr *nlh)
{
	unsigned int n = below(s, 4), size = nlh->nlmsg_len;

	while (n--)
		((char *)nlh)[16 + below(s, size > 16 ? size - 15 : 1)] = any(s);
	if (one_in(s, 4))
		nlh->nlmsg_len = near(s, size);
	if (one_in(s, 20))
		nlh->nlmsg_len = below(s, 20);
}

static void parsing(struct side *s)
{
	struct nlmsghdr *nlh = build(s, fresh(s, 512, 0));
	struct nlattr *attr;

	damage(s, nlh);
	/* shorter than its header, all functions count below zero */
	if (nlh->nlmsg_len >= MNL_NLMSG_HDRLEN) {
		note_result(s, "parse", CALL(s, mnl_attr_parse, nlh, below(s, 24),
					     noting_attr_cb, s));
		note_result(s, "parse_payload",
			    CALL(s, mnl_attr_parse_payload, (char *)nlh + 16,
				 near(s, nlh->nlmsg_len - 16), noting_attr_cb, s));
	}
	attr = (struct nlattr *)((char *)nlh + 16 + 4 * below(s, 10));
	if (attr->nla_len >= 4)
		note_result(s, "parse_nested",
			    CALL(s, mnl_attr_parse_nested, attr, noting_attr_cb, s));
}

/* Is there a length over INT_MAX? See known_differences. */
static bool length_over_int(const char *buf, int len)
{
	const struct nlmsghdr *nlh = (const void *)buf;

	while (len >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh)) {
		if (nlh->nlmsg_len > INT32_MAX)
			return true;
		if ((int)nlh->nlmsg_len > len)
			return false;
		len -= MNL_ALIGN(nlh->nlmsg_len);
		nlh = (const void *)((const char *)nlh + MNL_ALIGN(nlh->nlmsg_len));
	}
	return false;
}

static void message(struct side *s)
{
	struct nlmsghdr *nlh = build(s, fresh(s, 512, 0));
	int len = nlh->nlmsg_len, rest;

	damage(s, nlh);
	len = one_in(s, 10) ? (int)any(s) : (int)near(s, len);
	note(s, "ok", CALL(s, mnl_nlmsg_ok, nlh, len));
	rest = len;
	note_pointer(s, "next", CALL(s, mnl_nlmsg_next, nlh, &rest));
	note(s, "rest", rest);
	note(s, "payload_len", (long long)CALL(s, mnl_nlmsg_get_payload_len, nlh));
	note_pointer(s, "payload", CALL(s, mnl_nlmsg_get_payload, nlh));
	note_pointer(s, "payload_offset",
		     CALL(s, mnl_nlmsg_get_payload_offset, nlh, below(s, 100)));
	note_pointer(s, "payload_tail", CALL(s, mnl_nlmsg_get_payload_tail, nlh));
	nlh->nlmsg_seq = below(s, 3);
	nlh->nlmsg_pid = below(s, 3);
	note(s, "seq_ok", CALL(s, mnl_nlmsg_seq_ok, nlh, below(s, 3)));
	note(s, "portid_ok", CALL(s, mnl_nlmsg_portid_ok, nlh, below(s, 3)));
}

static void printing(struct side *s)
{
	struct nlmsghdr *nlh = build(s, fresh(s, 512, 0));
	unsigned int size = near(s, nlh->nlmsg_len), extra = 4 * below(s, 4);
	char *text = NULL;
	size_t len = 0;
	FILE *file;

	if (one_in(s, 2))
		damage(s, nlh);
	if (one_in(s, 4))
		nlh->nlmsg_type = below(s, 5);
	if (length_over_int((char *)nlh, size))
		return;
	file = open_memstream(&text, &len);
	if (file == NULL) {
		perror("open_memstream");
		exit(EXIT_FAILURE);
	}
	CALL(s, mnl_nlmsg_fprintf, file, nlh, size, extra);
	fclose(file);
	note(s, "bytes printed", (long long)len);
	note_bytes(s, "text", text, len);
	free(text);
}

/*
 * Callbacks
 */

static int noting_cb(const struct nlmsghdr *nlh, void *data)
{
	struct side *s = data;

	note_pointer(s, "message", nlh);
	note(s, "its type", nlh->nlmsg_type);
	errno = 1000;
	return one_in(s, 10) ? (int)below(s, 4) - 2 : MNL_CB_OK;
}

static char *put_message(struct side *s, char *at)
{
	static const int errors[] = { 0, 0, -1, -2, -22, 22, 5, -2147483647 };
	struct nlmsghdr *nlh = CALL(s, mnl_nlmsg_put_header, at);
	struct nlmsgerr *err;

	nlh->nlmsg_type = one_in(s, 2) ? below(s, 5) : below(s, 40);
	nlh->nlmsg_flags = one_in(s, 3) ? (any(s) & 0xffff) : 0;
	if (!one_in(s, 8))
		nlh->nlmsg_flags &= ~NLM_F_DUMP_INTR;
	nlh->nlmsg_seq = one_in(s, 10) ? below(s, 4) : 1;
	nlh->nlmsg_pid = one_in(s, 10) ? below(s, 4) : 2;
	if (nlh->nlmsg_type == NLMSG_ERROR && !one_in(s, 6)) {
		err = CALL(s, mnl_nlmsg_put_extra_header, nlh, sizeof(*err));
		err->error = errors[below(s, 8)];
	} else {
		CALL(s, mnl_nlmsg_put_extra_header, nlh, below(s, 24));
	}
	if (one_in(s, 30))
		nlh->nlmsg_len = near(s, nlh->nlmsg_len);
	return at + MNL_ALIGN(nlh->nlmsg_len);
}

static void callbacks(struct side *s)
{
	char *buf = fresh(s, 256, 0), *end = buf;
	mnl_cb_t controls[24] = {};
	unsigned int n = 1 + below(s, 5), i;
	unsigned int seq = below(s, 4) ? 1 : below(s, 3);
	unsigned int portid = below(s, 4) ? 2 : below(s, 3);
	mnl_cb_t cb = one_in(s, 8) ? NULL : noting_cb;
	size_t len;

	while (n--)
		end = put_message(s, end);
	len = near(s, end - buf);
	if (length_over_int(buf, len))
		return;
	note_result(s, "cb_run", CALL(s, mnl_cb_run, buf, len, seq, portid, cb, s));

	for (i = 0; i < 24; i++)
		controls[i] = one_in(s, 2) ? noting_cb : NULL;
	note_result(s, "cb_run2",
		    CALL(s, mnl_cb_run2, buf, len, seq, portid, cb, s,
			 one_in(s, 6) ? NULL : controls, below(s, 24)));
}

/*
 * Batches
 */

static void note_batch(struct side *s, struct mnl_nlmsg_batch *b)
{
	note(s, "batch_size", (long long)CALL(s, mnl_nlmsg_batch_size, b));
	note_pointer(s, "batch_head", CALL(s, mnl_nlmsg_batch_head, b));
	note_pointer(s, "batch_current", CALL(s, mnl_nlmsg_batch_current, b));
	note(s, "batch_is_empty", CALL(s, mnl_nlmsg_batch_is_empty, b));
}

static void batches(struct side *s)
{
	unsigned int limit = 16 * (1 + below(s, 40)) + (one_in(s, 3) ? below(s, 16) : 0);
	unsigned int n = 2 + below(s, 14);
	char *buf = fresh(s, 2048, 0);
	struct mnl_nlmsg_batch *b;
	struct nlmsghdr *nlh;

	b = CALL(s, mnl_nlmsg_batch_start, buf, limit);
	note(s, "batch_start", b != NULL);
	note_batch(s, b);
	while (n--) {
		nlh = CALL(s, mnl_nlmsg_put_header, CALL(s, mnl_nlmsg_batch_current, b));
		nlh->nlmsg_seq = n;
		CALL(s, mnl_attr_put, nlh, 1, below(s, 60), buf + 8192);
		pad(nlh, MNL_NLMSG_HDRLEN);
		/* ends with the batch, or one byte before or behind */
		if (one_in(s, 4) && (char *)nlh + 20 < buf + limit) {
			nlh->nlmsg_len = buf + limit - (char *)nlh;
			nlh->nlmsg_len += (int)below(s, 3) - 1;
		}
		if (!CALL(s, mnl_nlmsg_batch_next, b)) {
			note(s, "batch is full", n);
			note_batch(s, b);
			if (nlh->nlmsg_len > CALL(s, mnl_nlmsg_batch_size, b))
				break;	/* see known_differences */
			CALL(s, mnl_nlmsg_batch_reset, b);
		} else if (one_in(s, 10)) {
			CALL(s, mnl_nlmsg_batch_reset, b);
		}
		note_batch(s, b);
	}
	CALL(s, mnl_nlmsg_batch_stop, b);
}

/*
 * Sockets
 */

static void note_port(struct side *s, struct mnl_socket *nl)
{
	struct sockaddr_nl addr = {};
	socklen_t len = sizeof(addr);

	getsockname(CALL(s, mnl_socket_get_fd, nl), (struct sockaddr *)&addr, &len);
	note(s, "port is the socket's",
	     CALL(s, mnl_socket_get_portid, nl) == addr.nl_pid);
	note(s, "groups", addr.nl_groups);
}

/* A request, and its answers into buffers that may be too small. */
static void talk(struct side *s, struct mnl_socket *nl)
{
	char *buf = fresh(s, 64, 0);
	struct nlmsghdr *nlh = CALL(s, mnl_nlmsg_put_header, buf);
	struct ifinfomsg *ifi;
	ssize_t ret;
	size_t size;

	nlh->nlmsg_type = one_in(s, 4) ? below(s, 200) : RTM_GETLINK;
	nlh->nlmsg_flags = NLM_F_REQUEST | (one_in(s, 3) ? NLM_F_ACK : 0);
	if (nlh->nlmsg_type == RTM_GETLINK && one_in(s, 2))
		nlh->nlmsg_flags |= NLM_F_DUMP;
	nlh->nlmsg_seq = 7;
	ifi = CALL(s, mnl_nlmsg_put_extra_header, nlh, sizeof(*ifi));
	ifi->ifi_index = 1;
	/* what is no request is not answered */
	if (nlh->nlmsg_type < NLMSG_MIN_TYPE)
		nlh->nlmsg_flags |= NLM_F_ACK;
	note_result(s, "sendto", CALL(s, mnl_socket_sendto, nl, nlh, nlh->nlmsg_len));
	do {
		size = one_in(s, 4) ? below(s, 200) : 65536;
		memset(buf, 0, 32);
		ret = CALL(s, mnl_socket_recvfrom, nl, buf, size);
		note_result(s, "recvfrom", ret);
		if (ret >= 16) {
			note(s, "type", nlh->nlmsg_type);
			note(s, "length", nlh->nlmsg_len);
			note_result(s, "cb_run", CALL(s, mnl_cb_run, buf, ret, 7,
						      CALL(s, mnl_socket_get_portid, nl),
						      noting_cb, s));
		}
	} while (ret > 0 && nlh->nlmsg_flags & NLM_F_MULTI &&
		 nlh->nlmsg_type != NLMSG_DONE);
	/* port IDs differ between the two */
	memset(s->area + START, 0, 128 * 1024);
}

static struct mnl_socket *open_some(struct side *s)
{
	static const int types[] = { SOCK_CLOEXEC, SOCK_NONBLOCK, 0, -1, 5 };
	struct mnl_socket *nl;
	int fd;

	switch (below(s, 3)) {
	case 0:
		nl = CALL(s, mnl_socket_open, one_in(s, 4) ? (int)below(s, 40) : NETLINK_ROUTE);
		break;
	case 1:
		nl = CALL(s, mnl_socket_open2, NETLINK_ROUTE, types[below(s, 5)]);
		break;
	default:
		fd = one_in(s, 6) ? socket(AF_UNIX, SOCK_DGRAM, 0) :
				    socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
		if (one_in(s, 6)) {
			close(fd);
			fd = -1;
		}
		nl = CALL(s, mnl_socket_fdopen, fd);
		if (nl == NULL && fd >= 0) {
			note(s, "errno of fdopen", errno);
			close(fd);
			errno = 0;
		}
		break;
	}
	if (nl == NULL)
		note(s, "errno of open", errno);
	return nl;
}

static void sockets(struct side *s)
{
	struct mnl_socket *nl = open_some(s);
	struct timeval now = { .tv_usec = 1 };
	int value = below(s, 3), protocol = -1;
	socklen_t len = one_in(s, 4) ? below(s, 5) : sizeof(value);

	note(s, "open", nl != NULL);
	if (nl == NULL)
		return;
	/* nothing here waits: the answers are there when sendto returns */
	setsockopt(CALL(s, mnl_socket_get_fd, nl), SOL_SOCKET, SO_RCVTIMEO,
		   &now, sizeof(now));
	note_result(s, "bind", CALL(s, mnl_socket_bind, nl, one_in(s, 2) ? 0 : any(s) & 0xff,
				    MNL_SOCKET_AUTOPID));
	note_port(s, nl);
	if (one_in(s, 4))
		note_result(s, "bind again", CALL(s, mnl_socket_bind, nl, 1, 12345));
	note_result(s, "setsockopt",
		    CALL(s, mnl_socket_setsockopt, nl, below(s, 14), &value, len));
	len = one_in(s, 4) ? below(s, 5) : sizeof(value);
	note_result(s, "getsockopt",
		    CALL(s, mnl_socket_getsockopt, nl, below(s, 14), &value, &len));
	note(s, "value", value);
	note(s, "its size", len);
	len = sizeof(protocol);
	getsockopt(CALL(s, mnl_socket_get_fd, nl), SOL_SOCKET, SO_PROTOCOL, &protocol, &len);
	if (protocol == NETLINK_ROUTE)
		talk(s, nl);
	if (one_in(s, 10)) {
		close(CALL(s, mnl_socket_get_fd, nl));
		note_result(s, "sendto, closed", CALL(s, mnl_socket_sendto, nl, "", 1));
		note_result(s, "recvfrom, closed",
			    CALL(s, mnl_socket_recvfrom, nl, s->area, 16));
	}
	note_result(s, "close", CALL(s, mnl_socket_close, nl));
}

/*
 * Comparing
 */

/* Upstream's faults that ours does not have; the scenarios avoid them. */
static const char *const known_differences[] = {
	"mnl_nlmsg_ok(): a length over INT_MAX counts as negative, and so as one "
	"that the buffer holds; what walks on from there reads far outside. Ours "
	"returns false.",
	"mnl_nlmsg_batch_reset(): a message larger than the batch before it is "
	"copied over itself, and its length read afterwards. Ours moves it.",
	"mnl_nlmsg_fprintf(): an extra header that is no multiple of four bytes "
	"makes a counter wrap. Ours rounds it up.",
};

static const struct scenario {
	const char *name;
	void (*run)(struct side *s);
	unsigned int weight;
} scenarios[] = {
	{ "getters", getters, 200 },
	{ "validating", validating, 240 },
	{ "building", building, 160 },
	{ "parsing", parsing, 160 },
	{ "message", message, 80 },
	{ "printing", printing, 20 },
	{ "callbacks", callbacks, 160 },
	{ "batches", batches, 80 },
	{ "sockets", sockets, 4 },
};
#define SCENARIO_COUNT	(sizeof(scenarios) / sizeof(scenarios[0]))

static const struct scenario *pick(struct side *s)
{
	unsigned int i, sum = 0;

	for (i = 0; i < SCENARIO_COUNT; i++)
		sum += scenarios[i].weight;
	sum = below(s, sum);
	for (i = 0; sum >= scenarios[i].weight; i++)
		sum -= scenarios[i].weight;
	return &scenarios[i];
}

static const struct scenario *run(struct side *s)
{
	const struct scenario *scenario;

	/* splitmix64: neighbouring cases have nothing in common */
	s->random = (seed + case_nr) * 0x9e3779b97f4a7c15ULL;
	s->random = (s->random ^ (s->random >> 30)) * 0xbf58476d1ce4e5b9ULL;
	s->random |= 1;
	any(s);
	s->nr = 0;
	scenario = pick(s);
	running = s;
	scenario_name = scenario->name;
	scenario->run(s);
	return scenario;
}

/* the way to the difference */
static void print_facts(const struct side *s, unsigned int last)
{
	unsigned int i = last > 8 ? last - 8 : 0;

	for (; i < last; i++)
		printf("\tstep %u: %s %lld\n", i, s->facts[i].what,
		       s->facts[i].value);
}

static bool same(const struct scenario *scenario)
{
	const struct side *ours = &sides[0], *peer = &sides[1];
	size_t size = case_nr % 1024 ? 4096 : AREA - START;
	unsigned int i;

	for (i = 0; i < ours->nr && i < peer->nr; i++) {
		if (ours->facts[i].value == peer->facts[i].value)
			continue;
		print_facts(ours, i);
		printf("%s, case %llu: %s (step %u): ours %lld, peer %lld\n",
		       scenario->name, case_nr, ours->facts[i].what, i,
		       ours->facts[i].value, peer->facts[i].value);
		return false;
	}
	if (ours->nr != peer->nr) {
		printf("%s, case %llu: ours took %u steps, peer %u\n",
		       scenario->name, case_nr, ours->nr, peer->nr);
		return false;
	}
	if (memcmp(ours->area + START - 512, peer->area + START - 512, size + 512)) {
		printf("%s, case %llu: different bytes written\n",
		       scenario->name, case_nr);
		memcpy(peer->area, ours->area, AREA);
		return false;
	}
	return true;
}

static void crashed(int signal)
{
	printf("signal %d in %s, case %llu, with %s\n", signal, scenario_name,
	       case_nr, running->path);
	fflush(stdout);
	_exit(EXIT_FAILURE);
}

static void load(struct side *s, const char *path)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(EXIT_FAILURE);
	}
	s->path = path;
#define LOAD(name)							\
	s->name = (__typeof__(s->name))dlsym(handle, #name);		\
	if (s->name == NULL) {						\
		fprintf(stderr, "%s: no " #name "\n", path);		\
		exit(EXIT_FAILURE);					\
	}
	FUNCTIONS(LOAD)
	s->area = calloc(1, AREA);
	if (s->area == NULL) {
		perror("calloc");
		exit(EXIT_FAILURE);
	}
}

static int print_calls(void)
{
	int i, missing = 0;

	for (i = 0; i < FUNCTION_COUNT; i++) {
		printf("%s%-30s %10llu", i % 2 ? "  " : "", function_names[i],
		       calls[i] / 2);
		if (i % 2 || i == FUNCTION_COUNT - 1)
			printf("\n");
		missing += calls[i] == 0;
	}
	if (missing)
		printf("%d functions were never called\n", missing);
	return missing;
}

int main(int argc, char *argv[])
{
	unsigned long long cases = argc > 4 ? strtoull(argv[4], NULL, 0) : 1000000;
	const struct scenario *scenario;
	int differences = 0;
	unsigned int i;

	if (argc < 3 || argc > 5) {
		fprintf(stderr, "Usage: %s OURS PEER [SEED [CASES]]\n", argv[0]);
		return 2;
	}
	seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (unsigned long long)time(NULL);
	load(&sides[0], argv[1]);
	load(&sides[1], argv[2]);
	signal(SIGSEGV, crashed);
	signal(SIGBUS, crashed);
	signal(SIGABRT, crashed);
	no_padding = leaves_padding(&sides[1]);
	printf("seed %llu\n", seed);
	for (; case_nr < cases && differences < MAX_DIFFERENCES; case_nr++) {
		scenario = run(&sides[0]);
		run(&sides[1]);
		differences += !same(scenario);
	}
	for (i = 0; i < MNL_ARRAY_SIZE(known_differences); i++)
		printf("not compared: %s\n", known_differences[i]);
	if (no_padding)
		printf("not compared: mnl_attr_put(): this peer leaves in the "
		       "padding what was in the buffer. Ours clears it, as 1.0.5 "
		       "does.\n");
	printf("%llu cases, %d differences\n", case_nr, differences);
	return print_calls() || differences ? EXIT_FAILURE : EXIT_SUCCESS;
}
