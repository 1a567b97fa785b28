// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Callbacks: walk over the messages of a buffer and hand each to a function.
 */
#include <errno.h>
#include <libmnl/libmnl.h>

#include "internal.h"

/**
 * \defgroup mnl_callback Callbacks
 * Most netlink programs receive a buffer and do something with each message in
 * it. These functions walk over the buffer, check that the messages answer the
 * program's request, deal with control messages and call a function of the
 * program for each other message. The buffer stays the caller's, and any thread may
 * call them.
 * @{
 */

static int cb_noop(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_OK;
}

/* The kernel says -errno; some old subsystems say errno. */
static int cb_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);

	(void)data;
	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*err))) {
		errno = EBADMSG;
		return MNL_CB_ERROR;
	}
	/* INT_MIN has no positive twin */
	errno = err->error < 0 ? (int)-(unsigned int)err->error : err->error;
	return err->error == 0 ? MNL_CB_STOP : MNL_CB_ERROR;
}

static int cb_stop(const struct nlmsghdr *nlh, void *data)
{
	(void)nlh;
	(void)data;
	return MNL_CB_STOP;
}

static const mnl_cb_t default_ctl[NLMSG_MIN_TYPE] = {
	[NLMSG_NOOP]	= cb_noop,
	[NLMSG_ERROR]	= cb_error,
	[NLMSG_DONE]	= cb_stop,
	[NLMSG_OVERRUN]	= cb_noop,
};

/* @ret: what the callback before returned, for messages that none is for */
static int cb_one(const struct nlmsghdr *nlh, mnl_cb_t cb_data, void *data,
		  const mnl_cb_t *ctl, unsigned int ctl_len, int ret)
{
	mnl_cb_t cb;

	if (nlh->nlmsg_type >= NLMSG_MIN_TYPE)
		cb = cb_data;
	else if (nlh->nlmsg_type < ctl_len)
		cb = ctl ? ctl[nlh->nlmsg_type] : NULL;
	else
		cb = default_ctl[nlh->nlmsg_type];
	return cb ? cb(nlh, data) : ret;
}

/* Does the message answer our request, and is it whole? errno if not. */
static int cb_check(const struct nlmsghdr *nlh, unsigned int seq,
		    unsigned int portid)
{
	if (!mnl_nlmsg_portid_ok(nlh, portid))
		return ESRCH;
	if (!mnl_nlmsg_seq_ok(nlh, seq))
		return EPROTO;
	/* the dump changed while it ran: messages may be missing */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		return EINTR;
	return 0;
}

/**
 * mnl_cb_run2 - run callbacks over the messages of a buffer
 * \param buf buffer with netlink messages
 * \param numbytes bytes in it
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any
 * \param cb_data called for each message that is no control message; NULL to
 * ignore those
 * \param data passed to the callbacks
 * \param cb_ctl_array callbacks for control messages (types below
 * NLMSG_MIN_TYPE), indexed by type; what has a NULL entry is ignored
 * \param cb_ctl_array_len number of entries in cb_ctl_array
 *
 * Control messages of types beyond the array have the default behaviour:
 * NLMSG_ERROR ends the run with the error, or with MNL_CB_STOP for an
 * acknowledgement, NLMSG_DONE ends it with MNL_CB_STOP, others are ignored.
 *
 * Ends early when a callback returns MNL_CB_STOP or less, with that value;
 * otherwise returns what the last callback returned, MNL_CB_OK if none ran. On
 * error, it returns -1 and errno is set: ESRCH wrong port ID, EPROTO wrong
 * sequence number, EINTR the dump is inconsistent and should be repeated,
 * EBADMSG an error message that is too short, or what the error message or the
 * callback said.
 */
EXPORT_SYMBOL int mnl_cb_run2(const void *buf, size_t numbytes,
			      unsigned int seq, unsigned int portid,
			      mnl_cb_t cb_data, void *data,
			      const mnl_cb_t *cb_ctl_array,
			      unsigned int cb_ctl_array_len)
{
	const struct nlmsghdr *nlh = buf;
	int len = numbytes, ret = MNL_CB_OK, err;

	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
		err = cb_check(nlh, seq, portid);
		if (err) {
			errno = err;
			return MNL_CB_ERROR;
		}
		ret = cb_one(nlh, cb_data, data, cb_ctl_array,
			     cb_ctl_array_len, ret);
		if (ret <= MNL_CB_STOP)
			break;
	}
	return ret;
}

/**
 * mnl_cb_run - run a callback over the messages of a buffer
 * \param buf buffer with netlink messages
 * \param numbytes bytes in it
 * \param seq sequence number that answers must carry, 0 for any
 * \param portid port ID that answers must be for, 0 for any
 * \param cb_data called for each message that is no control message, or NULL
 * \param data passed to the callback
 *
 * mnl_cb_run2() with the default behaviour for all control messages. On error,
 * it returns -1 and errno is set as described there.
 */
EXPORT_SYMBOL int mnl_cb_run(const void *buf, size_t numbytes,
			     unsigned int seq, unsigned int portid,
			     mnl_cb_t cb_data, void *data)
{
	return mnl_cb_run2(buf, numbytes, seq, portid, cb_data, data, NULL, 0);
}

/**
 * @}
 */
