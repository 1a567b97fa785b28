/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of memory mapped netlink: what happens to a message.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM netlink_ring

#if !defined(NETLINK_MMAP_RING_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define NETLINK_MMAP_RING_TRACE_H

#include <linux/tracepoint.h>
#include <net/sock.h>

DECLARE_EVENT_CLASS(netlink_ring_message,
	TP_PROTO(const struct sock *sk, unsigned int len, unsigned int group),
	TP_ARGS(sk, len, group),
	TP_STRUCT__entry(
		__field(const void *, skaddr)
		__field(u16, protocol)
		__field(unsigned int, len)
		__field(unsigned int, group)
	),
	TP_fast_assign(
		__entry->skaddr = sk;
		__entry->protocol = sk->sk_protocol;
		__entry->len = len;
		__entry->group = group;
	),
	TP_printk("skaddr=%p protocol=%u len=%u group=%u", __entry->skaddr,
		  __entry->protocol, __entry->len, __entry->group)
);

/* a message is in a frame of the RX ring */
DEFINE_EVENT(netlink_ring_message, netlink_ring_rx,
	TP_PROTO(const struct sock *sk, unsigned int len, unsigned int group),
	TP_ARGS(sk, len, group)
);

/* a message is announced by a COPY frame */
DEFINE_EVENT(netlink_ring_message, netlink_ring_copy,
	TP_PROTO(const struct sock *sk, unsigned int len, unsigned int group),
	TP_ARGS(sk, len, group)
);

/* a call ran the TX ring; bytes of the messages accepted, or errno */
TRACE_EVENT(netlink_ring_tx,
	TP_PROTO(const struct sock *sk, int ret),
	TP_ARGS(sk, ret),
	TP_STRUCT__entry(
		__field(const void *, skaddr)
		__field(u16, protocol)
		__field(int, ret)
	),
	TP_fast_assign(
		__entry->skaddr = sk;
		__entry->protocol = sk->sk_protocol;
		__entry->ret = ret;
	),
	TP_printk("skaddr=%p protocol=%u ret=%d", __entry->skaddr,
		  __entry->protocol, __entry->ret)
);

/* the reader is woken */
TRACE_EVENT(netlink_ring_wakeup,
	TP_PROTO(const struct sock *sk),
	TP_ARGS(sk),
	TP_STRUCT__entry(
		__field(const void *, skaddr)
		__field(u16, protocol)
	),
	TP_fast_assign(
		__entry->skaddr = sk;
		__entry->protocol = sk->sk_protocol;
	),
	TP_printk("skaddr=%p protocol=%u", __entry->skaddr, __entry->protocol)
);

#endif /* NETLINK_MMAP_RING_TRACE_H */

/* outside of the protection, as <trace/define_trace.h> wants it */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE ring_trace
#include <trace/define_trace.h>
