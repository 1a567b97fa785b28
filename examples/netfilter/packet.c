// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Payloads of packets: see packet.h.
 */
#include <arpa/inet.h>
#include <string.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>

#include "packet.h"

/* what follows the header of IPv4, a whole UDP or TCP header at the least */
static uint8_t *transport(void *packet, size_t len, size_t *transport_len)
{
	struct iphdr *ip = packet;
	size_t total, header;

	if (len < sizeof(*ip) || ip->version != 4)
		return NULL;
	header = ip->ihl * 4;
	total = ntohs(ip->tot_len);
	if (header < sizeof(*ip) || total > len || total < header)
		return NULL;
	if (ip->frag_off & htons(IP_OFFMASK | IP_MF))
		return NULL;
	*transport_len = total - header;
	if ((ip->protocol != IPPROTO_UDP ||
	     *transport_len < sizeof(struct udphdr)) &&
	    (ip->protocol != IPPROTO_TCP ||
	     *transport_len < sizeof(struct tcphdr)))
		return NULL;
	return (uint8_t *)packet + header;
}

uint8_t *packet_data(void *packet, size_t len, size_t *data_len)
{
	const struct iphdr *ip = packet;
	size_t header, transport_len;
	uint8_t *data = transport(packet, len, &transport_len);

	if (data == NULL)
		return NULL;
	header = ip->protocol == IPPROTO_UDP ? sizeof(struct udphdr) :
		 ((struct tcphdr *)data)->doff * 4U;
	if (header > transport_len)
		return NULL;
	*data_len = transport_len - header;
	return data + header;
}

bool packet_contains(void *packet, size_t len, const char *text)
{
	size_t data_len;
	uint8_t *data = packet_data(packet, len, &data_len);

	return data && memmem(data, data_len, text, strlen(text));
}

/* RFC 1071 */
static uint32_t sum(const void *data, size_t len, uint32_t value)
{
	const uint8_t *byte = data;
	size_t i;

	for (i = 0; i < len; i++)
		value += i % 2 ? byte[i] : byte[i] << 8;
	return value;
}

static void set_checksum(struct iphdr *ip, uint8_t *data, size_t len)
{
	size_t offset = ip->protocol == IPPROTO_UDP ?
			offsetof(struct udphdr, check) :
			offsetof(struct tcphdr, check);
	uint32_t value;
	uint16_t check;

	memset(data + offset, 0, sizeof(check));
	value = sum(&ip->saddr, 8, ip->protocol + len);
	value = sum(data, len, value);
	while (value >> 16)
		value = (value & 0xffff) + (value >> 16);
	check = htons(~value);
	/* 0 means that there is none */
	if (check == 0)
		check = 0xffff;
	memcpy(data + offset, &check, sizeof(check));
}

void packet_replace(void *packet, size_t len, const char *from, const char *to)
{
	size_t data_len, size = strlen(from);
	uint8_t *data = packet_data(packet, len, &data_len), *at, *end;

	if (data == NULL)
		return;
	end = data + data_len;
	for (at = data; (at = memmem(at, end - at, from, size)); at += size)
		memcpy(at, to, size);
	data = transport(packet, len, &data_len);
	set_checksum(packet, data, data_len);
}
