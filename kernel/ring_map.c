// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ring core of memory mapped netlink: mapping, and who has the rings mapped.
 *
 * A ring that nobody maps is no ring: messages stay in the queue, and all calls do
 * what they do on a plain socket, before the first mmap() and after the last
 * munmap() or exit. What was not read in its frames by then is for a process that
 * maps it next. If one receives from the queue instead, it is lost, and that
 * process gets ENOBUFS, as if the queue had not had room for it.
 *
 * Memory areas of one process share a struct nl_ring_mapper. It goes with the
 * last of them, and that is before the process's address space goes: a pointer
 * to it is only compared.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring_core.h"

/* pages that go into the page tables with one look at them */
#define NL_RING_MAP_BATCH	32

/**
 * struct nl_ring_mapper - a process that maps the rings of a socket
 * @rs: rings of the socket
 * @mm: the process's address space
 * @areas: its memory areas that map them
 * @list: in @rs->mappers
 *
 * Protected by @rs->map_mutex.
 */
struct nl_ring_mapper {
	struct nl_ring_sock	*rs;
	struct mm_struct	*mm;
	unsigned int		areas;
	struct list_head	list;
};

static struct nl_ring_mapper *nl_ring_find_mapper(const struct nl_ring_sock *rs,
						  const struct mm_struct *mm)
{
	struct nl_ring_mapper *mapper;

	lockdep_assert_held(&rs->map_mutex);
	list_for_each_entry(mapper, &rs->mappers, list)
		if (mapper->mm == mm)
			return mapper;
	return NULL;
}

/* One area more of a process. NULL without memory, unless @gfp rules that out. */
static struct nl_ring_mapper *nl_ring_add_area(struct nl_ring_sock *rs,
					       struct mm_struct *mm, gfp_t gfp)
{
	struct nl_ring_mapper *mapper = nl_ring_find_mapper(rs, mm);

	if (!mapper) {
		mapper = kzalloc(sizeof(*mapper), gfp);
		if (!mapper)
			return NULL;
		mapper->rs = rs;
		mapper->mm = mm;
		list_add(&mapper->list, &rs->mappers);
	}
	mapper->areas++;
	atomic_inc(&rs->mapped);
	return mapper;
}

static void nl_ring_remove_area(struct nl_ring_mapper *mapper)
{
	struct nl_ring_sock *rs = mapper->rs;

	lockdep_assert_held(&rs->map_mutex);
	atomic_dec(&rs->mapped);
	if (!--mapper->areas) {
		list_del(&mapper->list);
		kfree(mapper);
	}
}

/* There is a first area now, or the last one went. */
static void nl_ring_use(struct nl_ring_sock *rs, bool use)
{
	struct sk_buff_head *queue = &rs->sk->sk_receive_queue;
	struct nl_ring *ring = nl_ring_rx_set(rs);

	lockdep_assert_held(&rs->map_mutex);
	spin_lock_irq(&queue->lock);
	WRITE_ONCE(rs->in_use, use);
	WRITE_ONCE(rs->told, false);
	spin_unlock_irq(&queue->lock);
	WRITE_ONCE(rs->unsettled, !use && ring &&
		   !(ring->flags & NL_MMAP_F_SHADOW));
	/* deliveries that found the ring in use copy no longer than that */
	if (rs->unsettled)
		rs->unmapped = get_state_synchronize_rcu();
	nl_shadow_map(rs);
}

/**
 * nl_ring_settle_locked - give up what is in the frames of a ring without readers
 * @rs: rings of the socket
 *
 * Process context, @rs->map_mutex held.
 *
 * Return: messages that are lost by that.
 */
unsigned int nl_ring_settle_locked(struct nl_ring_sock *rs)
{
	lockdep_assert_held(&rs->map_mutex);
	if (!rs->unsettled)
		return 0;

	WRITE_ONCE(rs->unsettled, false);
	cond_synchronize_rcu(rs->unmapped);
	return nl_ring_clear(nl_ring_rx_set(rs));
}

/**
 * nl_ring_report_loss - count messages as lost, and report it, as netlink does
 * @rs: rings of the socket
 * @lost: how many
 */
void nl_ring_report_loss(struct nl_ring_sock *rs, unsigned int lost)
{
	struct sock *sk = rs->sk;

	if (!lost)
		return;
	atomic_add(lost, &sk->sk_drops);
	if (!nl_host_reports_loss(rs))
		return;
	WRITE_ONCE(sk->sk_err, ENOBUFS);
	sk_error_report(sk);
}

/**
 * nl_ring_settle - a process goes on receiving without the ring
 * @rs: rings of the socket
 *
 * Process context.
 */
void nl_ring_settle(struct nl_ring_sock *rs)
{
	unsigned int lost;

	mutex_lock(&rs->map_mutex);
	lost = nl_ring_settle_locked(rs);
	mutex_unlock(&rs->map_mutex);
	nl_ring_report_loss(rs, lost);
}

/**
 * nl_ring_is_mapper - does the calling process have the rings mapped?
 * @rs: rings of the socket
 */
bool nl_ring_is_mapper(struct nl_ring_sock *rs)
{
	bool found;

	mutex_lock(&rs->map_mutex);
	found = current->mm && nl_ring_find_mapper(rs, current->mm);
	mutex_unlock(&rs->map_mutex);
	return found;
}

/* An area was split, or copied by fork(): then it is in another address space. */
static void nl_ring_vm_open(struct vm_area_struct *vma)
{
	struct nl_ring_mapper *mapper = vma->vm_private_data;
	struct nl_ring_sock *rs = mapper->rs;

	mutex_lock(&rs->map_mutex);
	vma->vm_private_data = nl_ring_add_area(rs, vma->vm_mm,
						GFP_KERNEL_ACCOUNT |
						__GFP_NOFAIL);
	mutex_unlock(&rs->map_mutex);
}

static void nl_ring_vm_close(struct vm_area_struct *vma)
{
	struct nl_ring_mapper *mapper = vma->vm_private_data;
	struct nl_ring_sock *rs = mapper->rs;
	bool last;

	mutex_lock(&rs->map_mutex);
	nl_ring_remove_area(mapper);
	last = !atomic_read(&rs->mapped);
	if (last)
		nl_ring_use(rs, false);
	mutex_unlock(&rs->map_mutex);
	if (!last)
		return;
	/* pairs with nl_ring_recvmsg(): it may not be on the wait queue yet */
	smp_mb();
	if (atomic_read(&rs->sleepers))
		nl_ring_settle_first(rs);
	nl_ring_wake(rs);
}

static const struct vm_operations_struct nl_ring_vm_ops = {
	.open	= nl_ring_vm_open,
	.close	= nl_ring_vm_close,
};

static int nl_ring_map_pages(struct vm_area_struct *vma, unsigned long *addr,
			     const struct nl_ring *ring)
{
	struct page *pages[NL_RING_MAP_BATCH];
	size_t offset = 0;
	unsigned long n, left;
	int err;

	while (ring && offset < ring->size) {
		for (n = 0; n < ARRAY_SIZE(pages) && offset < ring->size; n++) {
			pages[n] = vmalloc_to_page(ring->mem + offset);
			offset += PAGE_SIZE;
		}
		left = n;
		err = vm_insert_pages(vma, *addr, pages, &left);
		if (err)
			return err;
		*addr += n * PAGE_SIZE;
	}
	return 0;
}

static int nl_ring_map_all(struct vm_area_struct *vma, const struct nl_ring *rx,
			   const struct nl_ring *tx)
{
	unsigned long addr = vma->vm_start;
	int err;

	err = nl_ring_map_pages(vma, &addr, rx);
	if (!err)
		err = nl_ring_map_pages(vma, &addr, tx);
	if (!err && rx && rx->control)
		err = vm_insert_page(vma, addr, virt_to_page(rx->control));
	return err;
}

/**
 * nl_ring_mmap - map the rings, RX first, then the control page if there is one
 * @rs: rings of the socket
 * @vma: where to; offset 0, shared, exactly as long as these together
 *
 * Return: 0; -EINVAL other offset, length or kind of mapping, or no ring;
 * -ENOMEM.
 */
int nl_ring_mmap(struct nl_ring_sock *rs, struct vm_area_struct *vma)
{
	struct nl_ring_mapper *mapper;
	struct nl_ring *rx, *tx;
	u64 size;
	int err;

	if (vma->vm_pgoff || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;

	mutex_lock(&rs->map_mutex);
	rx = nl_ring_rx_set(rs);
	tx = nl_ring_tx_set(rs);
	size = (u64)nl_ring_mapped_size(rx) + nl_ring_mapped_size(tx);
	err = -EINVAL;
	if (!size || size != vma->vm_end - vma->vm_start)
		goto out;

	err = -ENOMEM;
	mapper = nl_ring_add_area(rs, vma->vm_mm, GFP_KERNEL_ACCOUNT);
	if (!mapper)
		goto out;
	vm_flags_set(vma, VM_DONTEXPAND | VM_DONTDUMP);
	err = nl_ring_map_all(vma, rx, tx);
	if (err) {
		nl_ring_remove_area(mapper);
		goto out;
	}

	if (!rs->in_use)
		nl_ring_use(rs, true);
	vma->vm_private_data = mapper;
	vma->vm_ops = &nl_ring_vm_ops;
out:
	mutex_unlock(&rs->map_mutex);
	return err;
}
