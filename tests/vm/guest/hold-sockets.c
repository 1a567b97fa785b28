// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Holds many sockets, so that there are some to list, until it is killed.
 *	hold-sockets NUMBER	listening TCP sockets, and as many of AF_UNIX
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

static void hold(const struct sockaddr *addr, socklen_t len)
{
	int fd = socket(addr->sa_family, SOCK_STREAM, 0);

	if (fd == -1 || bind(fd, addr, len) == -1 || listen(fd, 1) == -1) {
		perror("hold-sockets");
		exit(EXIT_FAILURE);
	}
}

int main(int argc, char *argv[])
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int i, number = argc == 2 ? atoi(argv[1]) : 0;

	for (i = 0; i < number; i++) {
		in.sin_port = htons(10000 + i);
		hold((struct sockaddr *)&in, sizeof(in));
		/* an abstract name */
		snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "held-%d", i);
		hold((struct sockaddr *)&un, sizeof(un));
	}
	puts("held");
	fflush(stdout);
	pause();
	return EXIT_SUCCESS;
}
