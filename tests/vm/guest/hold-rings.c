// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Has two rings, lets a known number of messages through them, and sleeps: for
 * tests of what is shown of rings.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "ring-syscalls.h"

int main(void)
{
	struct raw_socket s, other;
	struct nl_mmap_hdr *hdr;
	static char buf[8192];
	int i;

	raw_open(&other, NETLINK_USERSOCK);
	raw_open(&s, NETLINK_USERSOCK);
	raw_attach(s.fd);
	raw_set_ring(&s, NETLINK_RX_RING, raw_req(2048, 8));
	raw_set_ring(&s, NETLINK_TX_RING, raw_req(2048, 16));
	raw_map(&s);
	for (i = 0; i < 3; i++) {
		raw_send(&other, s.portid, 0, i, 100, 0);
		raw_expect(&s, i, 100);
	}
	raw_send(&other, s.portid, 0, i, 5000, 0);
	raw_wait(&s);
	recv(s.fd, buf, sizeof(buf), 0);
	raw_release(&s.rx);
	for (i = 0; i < 2; i++)
		raw_send(&other, s.portid, 0, i, 100, 0);

	hdr = raw_current(&s.tx);
	hdr->nm_len = raw_build(raw_payload(hdr), 1, 100);
	raw_set_status(hdr, NL_MMAP_STATUS_VALID);
	raw_run_tx(&s, other.portid, 0);
	for (;;)
		pause();
}
