// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One request at a time by io_uring: see uring-syscalls.h.
 */
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

/* as recvmsg(), or a negative errno */
int uring_recvmsg(int fd, struct msghdr *msg, int flags)
{
	uint32_t tail = *word(params.sq_off.tail), head;
	struct io_uring_cqe *cqes = (void *)(queues + params.cq_off.cqes);
	int res;

	memset(sqe, 0, sizeof(*sqe));
	sqe->opcode = IORING_OP_RECVMSG;
	sqe->fd = fd;
	sqe->addr = (uintptr_t)msg;
	sqe->msg_flags = flags;
	word(params.sq_off.array)[tail & *word(params.sq_off.ring_mask)] = 0;
	__atomic_store_n(word(params.sq_off.tail), tail + 1, __ATOMIC_RELEASE);
	assert_int_equal(syscall(SYS_io_uring_enter, ring, 1, 1,
				 IORING_ENTER_GETEVENTS, NULL, 0), 1);
	head = *word(params.cq_off.head);
	assert_true(head != __atomic_load_n(word(params.cq_off.tail),
					    __ATOMIC_ACQUIRE));
	res = cqes[head & *word(params.cq_off.ring_mask)].res;
	__atomic_store_n(word(params.cq_off.head), head + 1, __ATOMIC_RELEASE);
	return res;
}
