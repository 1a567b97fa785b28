// SPDX-License-Identifier: LGPL-2.1-or-later
/* A program that receives and prints what it sees: see reader.h. */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reader.h"

void reader_die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

unsigned long reader_number(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 0);

	if (number == 0 || *end != '\0') {
		fprintf(stderr, "not a number: %s\n", text);
		exit(EXIT_FAILURE);
	}
	return number;
}

static void set_ring(struct reader *r)
{
	const char *ring = getenv("RING");
	unsigned int size;

	if (ring == NULL)
		return;
	size = strtoul(ring, NULL, 0);
	if (size > 0 && mnl_socket_set_ring(r->nl, size, 0) == -1)
		reader_die("mnl_socket_set_ring");
	if (mnl_socket_mmap(r->nl) == -1)
		reader_die("mnl_socket_mmap");
}

void reader_open(struct reader *r, int bus, unsigned int groups, size_t size)
{
	r->nl = mnl_socket_open(bus);
	if (r->nl == NULL)
		reader_die("mnl_socket_open");
	if (mnl_socket_bind(r->nl, groups, MNL_SOCKET_AUTOPID) == -1)
		reader_die("mnl_socket_bind");
	set_ring(r);
	r->size = size;
	r->buf = malloc(size);
	if (r->buf == NULL)
		reader_die("malloc");
}

void reader_close(struct reader *r)
{
	free(r->buf);
	mnl_socket_close(r->nl);
}

ssize_t reader_receive(struct reader *r)
{
	ssize_t len = mnl_socket_recvfrom(r->nl, r->buf, r->size);

	if (len == -1)
		printf("error %s\n", strerrorname_np(errno));
	else
		printf("datagram %zd\n", len);
	return len;
}

static unsigned int add_bytes(unsigned int digest, const void *bytes,
			      size_t len)
{
	const unsigned char *byte = bytes;

	while (len--)
		digest = (digest ^ *byte++) * 16777619U;
	return digest;
}

unsigned int reader_digest(const struct nlmsghdr *nlh, size_t header,
			   unsigned int changing)
{
	unsigned int digest = 2166136261U;
	size_t payload = mnl_nlmsg_get_payload_len(nlh);
	const struct nlattr *attr;

	if (changing == 0 || payload < MNL_ALIGN(header))
		return add_bytes(digest, mnl_nlmsg_get_payload(nlh), payload);
	digest = add_bytes(digest, mnl_nlmsg_get_payload(nlh), header);
	mnl_attr_for_each(attr, nlh, header)
		if (mnl_attr_get_type(attr) != changing)
			digest = add_bytes(digest, attr, attr->nla_len);
	return digest;
}
