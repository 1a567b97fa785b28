/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Payloads of packets: UDP and TCP over IPv4. Others have none.
 */
#ifndef PACKET_H
#define PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The data after the headers, and its length; NULL if there is none. */
uint8_t *packet_data(void *packet, size_t len, size_t *data_len);

bool packet_contains(void *packet, size_t len, const char *text);

/*
 * Replaces each @from by @to, which is as long, and makes the checksum new: it
 * was not calculated yet if the packet comes from this machine.
 */
void packet_replace(void *packet, size_t len, const char *from,
		    const char *to);

#endif
