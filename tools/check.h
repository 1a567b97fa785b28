/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why a kernel gives no rings.
 */
#ifndef MNL_RING_CHECK_H
#define MNL_RING_CHECK_H

/*
 * The family netlink_mmap is not there: what is missing, and what to do about it.
 * In static memory.
 */
const char *why_no_module(void);

/* Setting a ring of so many bytes failed with this errno. In static memory. */
const char *why_no_ring(int err, unsigned long bytes);

#endif
