// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring core of memory mapped netlink: geometry and memory of a ring, and for how
 * long they are there.
 */
#include <linux/capability.h>
#include <linux/gfp.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring_core.h"

/**
 * nl_ring_mapped_size - bytes of the mapping that are a ring's
 * @ring: the ring or NULL
 */
size_t nl_ring_mapped_size(const struct nl_ring *ring)
{
	if (!ring)
		return 0;
	return ring->size + (ring->control ? PAGE_SIZE : 0);
}

static bool nl_ring_try_charge(struct nl_ring *ring)
{
	unsigned long pages = nl_ring_mapped_size(ring) >> PAGE_SHIFT;
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	struct user_struct *user = get_uid(current_user());

	if (atomic_long_add_return(pages, &user->locked_vm) > limit) {
		atomic_long_sub(pages, &user->locked_vm);
		free_uid(user);
		return false;
	}
	ring->user = user;
	return true;
}

static int nl_ring_charge(struct nl_ring *ring)
{
	if (capable(CAP_IPC_LOCK) || nl_ring_try_charge(ring))
		return 0;

	/* rings that the user gave up count until they are freed */
	rcu_barrier();
	return nl_ring_try_charge(ring) ? 0 : -ENOBUFS;
}

static void nl_ring_uncharge(struct nl_ring *ring)
{
	if (!ring->user)
		return;
	atomic_long_sub(nl_ring_mapped_size(ring) >> PAGE_SHIFT,
			&ring->user->locked_vm);
	free_uid(ring->user);
}

static void nl_ring_free(struct nl_ring *ring)
{
	nl_ring_uncharge(ring);
	vfree(ring->mem);
	kvfree(ring->slots);
	free_page((unsigned long)ring->control);
	kfree(ring);
}

static void nl_ring_free_rcu(struct rcu_head *rcu)
{
	nl_ring_free(container_of(rcu, struct nl_ring, rcu));
}

/**
 * nl_ring_retire - free a ring that no socket has any more
 * @ring: the ring or NULL
 *
 * Deliveries may be copying into it for a grace period. Any context.
 */
void nl_ring_retire(struct nl_ring *ring)
{
	if (ring)
		call_rcu(&ring->rcu, nl_ring_free_rcu);
}

static void nl_ring_init_geometry(struct nl_ring *ring,
				  const struct nl_mmap_req2 *req)
{
	const struct nl_mmap_req *g = &req->req;
	unsigned int span = 1;

	ring->req = *g;
	ring->flags = req->nm_flags;
	ring->frames_per_block = g->nm_block_size / g->nm_frame_size;
	ring->hdrlen = nl_ring_hdrlen(req->nm_flags);
	ring->capacity = g->nm_frame_size - ring->hdrlen;
	ring->size = (size_t)g->nm_block_size * g->nm_block_nr;

	ring->run_length = g->nm_frame_nr;
	if (g->nm_block_size % g->nm_frame_size)
		ring->run_length = ring->frames_per_block;
	/*
	 * A message has to find its place wherever the head is: in another
	 * block, or in one half of the only run there is. It is looked for, and
	 * its frames are claimed, under a lock.
	 */
	if (ring->flags & NL_MMAP_F_SPAN)
		span = min3(ring->run_length, max(g->nm_frame_nr / 2, 1U),
			    NL_RING_LOOKS);
	ring->longest = min_t(u64, (u64)span * g->nm_frame_size, INT_MAX) -
			ring->hdrlen;
}

static int nl_ring_alloc_rx(struct nl_ring *ring)
{
	unsigned int i;

	ring->slots = kvcalloc(ring->req.nm_frame_nr, sizeof(*ring->slots),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ring->slots)
		return -ENOMEM;
	for (i = 0; i < ring->req.nm_frame_nr; i++)
		ring->slots[i].span = 1;
	return 0;
}

/**
 * nl_ring_alloc - a ring with its memory
 * @req: geometry and flags, checked
 * @rx: RX ring
 *
 * Return: the ring, or -ENOBUFS over RLIMIT_MEMLOCK, -ENOMEM.
 */
struct nl_ring *nl_ring_alloc(const struct nl_mmap_req2 *req, bool rx)
{
	u64 size = (u64)req->req.nm_block_size * req->req.nm_block_nr;
	struct nl_ring *ring;
	int err;

	if (size > LONG_MAX || req->req.nm_frame_nr > INT_MAX)
		return ERR_PTR(-ENOMEM);

	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		return ERR_PTR(-ENOMEM);

	nl_ring_init_geometry(ring, req);

	err = -ENOMEM;
	if (ring->flags & NL_MMAP_F_CONTROL) {
		ring->control = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!ring->control)
			goto err_free;
	}

	err = nl_ring_charge(ring);
	if (err)
		goto err_free;

	err = -ENOMEM;
	ring->mem = __vmalloc(ring->size, GFP_KERNEL_ACCOUNT | __GFP_ZERO |
					  __GFP_NOWARN | __GFP_RETRY_MAYFAIL);
	if (!ring->mem)
		goto err_free;

	err = rx ? nl_ring_alloc_rx(ring) : 0;
	if (err)
		goto err_free;
	return ring;

err_free:
	nl_ring_free(ring);
	return ERR_PTR(err);
}
