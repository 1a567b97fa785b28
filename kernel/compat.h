/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What older kernels lack. The sources are written for the newest kernel;
 * Kbuild includes this file in front of each of them, so that no other file
 * mentions a kernel version.
 */
#ifndef NETLINK_MMAP_COMPAT_H
#define NETLINK_MMAP_COMPAT_H

#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 1, 0)
#error "netlink_mmap needs Linux 6.1 or newer"
#endif

/*
 * <linux/netlink.h> shows the ring definitions to user space only since the
 * rings left the kernel (4.6).
 */
#include <uapi/linux/netlink.h>

#ifndef NETLINK_RX_RING
#define NETLINK_RX_RING		6
#define NETLINK_TX_RING		7

enum nl_mmap_status {
	NL_MMAP_STATUS_UNUSED,
	NL_MMAP_STATUS_RESERVED,
	NL_MMAP_STATUS_VALID,
	NL_MMAP_STATUS_COPY,
	NL_MMAP_STATUS_SKIP,
};

#define NL_MMAP_MSG_ALIGNMENT	NLMSG_ALIGNTO
#define NL_MMAP_MSG_ALIGN(sz)	__ALIGN_KERNEL(sz, NL_MMAP_MSG_ALIGNMENT)
#define NL_MMAP_HDRLEN		NL_MMAP_MSG_ALIGN(sizeof(struct nl_mmap_hdr))
#endif

/* macros, behind the headers: a patched kernel has these functions already */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 3, 0)
#include <linux/mm.h>
#define vm_flags_set(vma, flags)	((vma)->vm_flags |= (flags))
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 9, 0)
#include <linux/shm.h>
#define cpu_dcache_is_aliasing()	(SHMLBA > PAGE_SIZE)
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 18, 0)
#include <net/sock.h>
#define sk_drops_read(sk)		atomic_read(&(sk)->sk_drops)
#endif

/* see nlm_known_ops; what else some kernels lack in there is looked for by Kbuild */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 5, 0)
#define NLM_SENDPAGE
#endif

#endif /* NETLINK_MMAP_COMPAT_H */
