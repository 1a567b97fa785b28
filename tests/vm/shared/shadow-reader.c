// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A reader of shadow rings: see shadow-reader.h.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "shadow-reader.h"

#define FRAME	2048

void shadow_open(struct raw_socket *s, int protocol, unsigned int frames)
{
	raw_open_rx(s, protocol, FRAME, frames,
		    NL_MMAP_F_SHADOW | NL_MMAP_F_CONTROL);
}

static uint32_t look(const uint32_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

/* Any reader may begin at any time: the kernel says where the oldest message is. */
void shadow_begin(struct shadow *r, const struct raw_socket *s)
{
	r->s = s;
	r->overruns = look(&s->control->nmc_overruns);
	r->position = look(&s->control->nmc_consumed);
}

/* Positions wrap around in nm_status before they do in nmc_consumed. */
unsigned int shadow_word(unsigned int status, uint32_t position)
{
	return status | position << NL_MMAP_POSITION_SHIFT;
}

static struct nl_mmap_hdr *shadow_frame(const struct raw_socket *s,
					uint32_t position)
{
	return raw_frame(&s->rx, position % s->rx.req.nm_frame_nr);
}

unsigned int shadow_status(const struct raw_socket *s, uint32_t position)
{
	return raw_status(shadow_frame(s, position));
}

/*
 * The message in this frame, copied before it is taken. The copy may be of
 * anything if somebody else takes it meanwhile: so its length is not to be
 * trusted, and it counts only if the exchange succeeds.
 */
static bool shadow_copy(const struct shadow *r, struct nl_mmap_hdr *hdr,
			void *buf, size_t room, size_t *len)
{
	const size_t most = r->s->rx.req.nm_frame_size - NL_MMAP_HDRLEN;
	unsigned int old = shadow_word(NL_MMAP_STATUS_VALID, r->position);

	*len = hdr->nm_len < most ? hdr->nm_len : most;
	memcpy(buf, raw_payload(hdr), *len < room ? *len : room);
	return __atomic_compare_exchange_n(&hdr->nm_status, &old,
		shadow_word(NL_MMAP_STATUS_UNUSED, r->position), false,
		__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/*
 * The next message, as recv(MSG_TRUNC) returns it; -1: call recvmsg(), which
 * has a message, an error, or waits.
 */
ssize_t shadow_take(struct shadow *r, void *buf, size_t room)
{
	const struct nl_mmap_control *control = r->s->control;
	struct nl_mmap_hdr *hdr;
	unsigned int word;
	uint32_t value;
	size_t len;

	for (;;) {
		/* a loss is reported before what is still queued */
		value = look(&control->nmc_overruns);
		if (value != r->overruns) {
			r->overruns = value;
			return -1;
		}
		hdr = shadow_frame(r->s, r->position);
		word = raw_status(hdr);
		if (word == shadow_word(NL_MMAP_STATUS_VALID, r->position)) {
			if (!shadow_copy(r, hdr, buf, room, &len))
				continue;
			r->position++;
			if (look(&control->nmc_pressure))
				raw_poll(r->s, POLLIN, 0);
			return len;
		}
		/* another reader took it */
		if (word == shadow_word(NL_MMAP_STATUS_UNUSED, r->position)) {
			r->position++;
			continue;
		}
		/* recvmsg() took it, and perhaps others */
		value = look(&control->nmc_consumed);
		if ((int32_t)(value - r->position) <= 0)
			return -1;
		r->position = value;
	}
}
