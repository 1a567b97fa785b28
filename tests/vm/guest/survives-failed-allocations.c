// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Each allocation and copy from user space in the module's calls fails once, the
 * first, then the second and so on: the call tells an error or does without, and
 * works when it is tried again. Needs the module, root, and a kernel with fault
 * injection (build-kernel kasan).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

#define FRAME	2048
#define FRAMES	8

static struct raw_socket s, from;
static uint16_t family;
static int genl = -1;
static bool built_in;

/* a number in /proc/thread-self/fail-nth: the so manieth from now on fails */
static void fail_nth(unsigned int n)
{
	char text[16];
	int fd = open("/proc/thread-self/fail-nth", O_WRONLY);

	snprintf(text, sizeof(text), "%u", n);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* what is left of the count: 0 when one failed. No injection from here on */
static unsigned int left(void)
{
	char text[16] = "";
	int fd = open("/proc/thread-self/fail-nth", O_RDONLY);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return 0;
	close(fd);
	fail_nth(0);
	return strtoul(text, NULL, 10);
}

/* 0 or errno; what was done is undone */
struct call {
	const char *name;
	int (*run)(void);
	void (*prepare)(void);
};

static int attach(void)
{
	return built_in ? 0 : raw_attach_by(genl, family, s.fd);
}

static void prepare_family(void)
{
	built_in = raw_built_in();
	if (genl < 0)
		genl = raw_open_family(&family);
}

static void prepare_attached(void)
{
	assert_int_equal(raw_attach(s.fd), 0);
}

static int set_rx(void)
{
	return raw_set_ring2(&s, NETLINK_RX_RING, raw_req(FRAME, FRAMES),
			     NL_MMAP_F_SPAN | NL_MMAP_F_CONTROL) ? errno : 0;
}

static int set_tx(void)
{
	return raw_set_ring(&s, NETLINK_TX_RING, raw_req(FRAME, FRAMES)) ?
	       errno : 0;
}

static void prepare_rings(void)
{
	prepare_attached();
	assert_int_equal(set_rx(), 0);
	assert_int_equal(set_tx(), 0);
}

static int map(void)
{
	return raw_map(&s) ? errno : 0;
}

static void prepare_mapped(void)
{
	prepare_rings();
	assert_int_equal(map(), 0);
}

static int deliver(void)
{
	if (raw_send(&from, s.portid, 0, 1, 100, MSG_DONTWAIT) < 0)
		return errno;
	return raw_status(raw_current(&s.rx)) == NL_MMAP_STATUS_VALID ? 0 : -1;
}

/* full ring, and more in the queue: poll() fills it again */
static void prepare_spilled(void)
{
	unsigned int i;

	prepare_mapped();
	for (i = 0; i < FRAMES + 4; i++)
		assert_int_equal(raw_send(&from, s.portid, 0, i, 100, 0), 100);
	for (i = 0; i < FRAMES; i++) {
		assert_non_null(raw_next(&s.rx));
		raw_take(&s.rx);
	}
}

static int fill(void)
{
	struct pollfd pfd = { .fd = s.fd, .events = POLLIN };

	if (poll(&pfd, 1, 0) < 0)
		return errno;
	return raw_next(&s.rx) ? 0 : -1;
}

static void prepare_frames(void)
{
	int i;

	prepare_mapped();
	for (i = 0; i < 4; i++) {
		struct nl_mmap_hdr *hdr = raw_current(&s.tx);

		hdr->nm_len = raw_build(raw_payload(hdr), i, 100);
		raw_set_status(hdr, NL_MMAP_STATUS_VALID);
		raw_advance(&s.tx);
	}
}

/* the frames that were not sent are sent by the next call */
static int transmit(void)
{
	return raw_run_tx(&s, from.portid, MSG_DONTWAIT) < 0 ? errno : 0;
}

static const struct call calls[] = {
	{ "attach", attach, prepare_family },
	{ "set RX ring", set_rx, prepare_attached },
	{ "set TX ring", set_tx, prepare_attached },
	{ "mmap", map, prepare_rings },
	{ "deliver", deliver, prepare_mapped },
	{ "poll", fill, prepare_spilled },
	{ "send", transmit, prepare_frames },
};

/* returns how many allocations there were */
static unsigned int fail_each(const struct call *c)
{
	unsigned int n, failed;
	int err;

	for (n = 1; n < 1000; n++) {
		raw_open(&s, NETLINK_USERSOCK);
		raw_open(&from, NETLINK_USERSOCK);
		c->prepare();
		fail_nth(n);
		err = c->run();
		failed = !left();
		if (err && failed) {
			/* told, and nothing is left of it */
			assert_in_set(err, ((unsigned long[]){
					    ENOMEM, ENOBUFS, EAGAIN, EFAULT }), 4);
			assert_int_equal(c->run(), 0);
		} else {
			assert_int_equal(err, 0);
		}
		raw_close(&s);
		raw_close(&from);
		if (!failed)
			return n - 1;
	}
	return n;
}

static void test_each(void **state)
{
	unsigned int i, n;

	(void)state;
	for (i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		n = fail_each(&calls[i]);
		print_message("  %-12s %3u failures\n", calls[i].name,
			      n);
	}
}

/* allocations that may sleep fail, too, and the log stays empty */
static void set_up(void)
{
	if (system("mount -t debugfs none /sys/kernel/debug 2>/dev/null;"
		   "cd /sys/kernel/debug && "
		   "for i in failslab fail_page_alloc fail_usercopy; do "
		   "echo 0 >$i/verbose; done && "
		   "for i in failslab fail_page_alloc; do "
		   "echo N >$i/ignore-gfp-wait; done && "
		   "echo 0 >fail_page_alloc/min-order"))
		exit(1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
	};

	if (access("/proc/thread-self/fail-nth", W_OK)) {
		puts("skipped: this kernel has no fault injection");
		return 77;
	}
	set_up();
	watchdog(600);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
