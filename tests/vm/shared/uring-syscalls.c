// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests by io_uring: see uring-syscalls.h.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "uring-syscalls.h"

static int ring = -1;
static struct io_uring_params params;
static char *queues;
static struct io_uring_sqe *sqe;

/* false: this kernel has none */
bool uring_open(void)
{
	size_t len;

	ring = syscall(SYS_io_uring_setup, 4, &params);
	if (ring < 0)
		return false;
	assert_true(params.features & IORING_FEAT_SINGLE_MMAP);
	len = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
	queues = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, ring,
		      IORING_OFF_SQ_RING);
	assert_true(queues != MAP_FAILED);
	sqe = mmap(NULL, params.sq_entries * sizeof(*sqe),
		   PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	assert_true(sqe != MAP_FAILED);
	return true;
}

static uint32_t *word(uint32_t offset)
{
	return (void *)(queues + offset);
}

static void submit(const struct io_uring_sqe *request)
{
	uint32_t tail = *word(params.sq_off.tail);

	*sqe = *request;
	word(params.sq_off.array)[tail & *word(params.sq_off.ring_mask)] = 0;
	__atomic_store_n(word(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0),
			 1);
}

static bool take(struct uring_end *end)
{
	struct io_uring_cqe *cqes = (void *)(queues + params.cq_off.cqes), *cqe;
	uint32_t head = *word(params.cq_off.head);

	if (head == __atomic_load_n(word(params.cq_off.tail), __ATOMIC_ACQUIRE))
		return false;
	cqe = &cqes[head & *word(params.cq_off.ring_mask)];
	end->data = cqe->user_data;
	end->res = cqe->res;
	__atomic_store_n(word(params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return true;
}

bool uring_wait(int usec, struct uring_end *end)
{
	struct __kernel_timespec ts = {
		.tv_sec = usec / 1000000,
		.tv_nsec = usec % 1000000 * 1000,
	};
	struct io_uring_getevents_arg arg = {
		.ts = usec < 0 ? 0 : (uintptr_t)&ts,
	};
	int ret;

	if (take(end))
		return true;
	assert_true(params.features & IORING_FEAT_EXT_ARG);
	ret = syscall(SYS_io_uring_enter, ring, 0, 1,
		      IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &arg,
		      sizeof(arg));
	assert_true(ret == 0 || errno == ETIME);
	return take(end);
}

int uring_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_RECVMSG,
		.fd = fd,
		.addr = (uintptr_t)msg,
		.msg_flags = flags,
	};
	struct uring_end end;

	submit(&request);
	assert_true(uring_wait(-1, &end));
	return end.res;
}

void uring_ask_poll(int fd, short events, unsigned long data)
{
	struct io_uring_sqe request = {
		.opcode = IORING_OP_POLL_ADD,
		.fd = fd,
		.poll32_events = events,
		.user_data = data,
	};

	submit(&request);
}
