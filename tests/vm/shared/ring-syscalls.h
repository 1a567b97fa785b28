/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Netlink sockets with rings for the guest tests, by system calls alone: what
 * a program does that was written for the kernel's document, without libmnl.
 */
#ifndef TESTS_VM_RING_SYSCALLS_H
#define TESTS_VM_RING_SYSCALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <linux/netlink.h>
#include <linux/netlink_mmap.h>

struct raw_ring {
	struct nl_mmap_req req;
	unsigned int flags;
	char *mem;
	unsigned int head;
	unsigned int *kept;	/* frames kept there since it was read last */
};

struct raw_socket {
	int fd;
	uint32_t portid;
	struct raw_ring rx;
	struct raw_ring tx;
	char *map;
	size_t map_len;
	struct nl_mmap_control *control;
};

/* a message of the tests: a sequence number and a pattern derived from it */
struct raw_message {
	struct nlmsghdr nlh;
	uint32_t seq;
	unsigned char pattern[];
};

void watchdog(unsigned int seconds);
bool raw_built_in(void);
int raw_attach(int fd);
int raw_open_family(uint16_t *family);
int raw_attach_by(int genl, uint16_t family, int fd);
struct nl_mmap_req raw_req(unsigned int frame_size, unsigned int frames);
int raw_set_ring(struct raw_socket *s, int type, struct nl_mmap_req req);
int raw_set_ring2(struct raw_socket *s, int type, struct nl_mmap_req req,
		  unsigned int flags);
int raw_map(struct raw_socket *s);
void raw_unmap(struct raw_socket *s);

void raw_open(struct raw_socket *s, int protocol);
void raw_open_rings(struct raw_socket *s, int protocol, unsigned int frame_size,
		    unsigned int rx_frames, unsigned int tx_frames);
void raw_open_rx(struct raw_socket *s, int protocol, unsigned int frame_size,
		 unsigned int frames, unsigned int flags);
void raw_close(struct raw_socket *s);

struct nl_mmap_hdr *raw_frame(const struct raw_ring *r, unsigned int index);
struct nl_mmap_hdr *raw_current(const struct raw_ring *r);
void *raw_payload(struct nl_mmap_hdr *hdr);
unsigned int raw_status(const struct nl_mmap_hdr *hdr);
void raw_set_status(struct nl_mmap_hdr *hdr, unsigned int status);
void raw_advance(struct raw_ring *r);
void raw_release(struct raw_ring *r);

/* a reader that keeps frames, and reads messages of several */
unsigned int raw_span(const struct raw_ring *r, size_t len);
struct nl_mmap_hdr *raw_next(struct raw_ring *r);
void raw_take(struct raw_ring *r);
unsigned int raw_keep(struct raw_ring *r);
void raw_give_back(struct raw_ring *r, unsigned int index);

short raw_poll(const struct raw_socket *s, short events, int timeout);
struct nl_mmap_hdr *raw_wait(struct raw_socket *s);

size_t raw_build(void *buf, uint32_t seq, size_t len);
void raw_check(const void *buf, uint32_t seq, size_t len);
ssize_t raw_send(const struct raw_socket *s, uint32_t portid, uint32_t groups,
		 uint32_t seq, size_t len, int flags);
void raw_expect(struct raw_socket *s, uint32_t seq, size_t len);
ssize_t raw_run_tx(const struct raw_socket *s, uint32_t portid, int flags);
uint64_t raw_number(const char *msg, int type);
void raw_for_each_ring(void (*cb)(const char *msg, void *data), void *data);
int64_t raw_get(uint64_t inode, uint32_t type, int attr);
unsigned int raw_count_rings(void);
uint64_t raw_counter(const struct raw_socket *s, int type, int attr);

bool preempt_in_kernel(bool preempt);

#endif
