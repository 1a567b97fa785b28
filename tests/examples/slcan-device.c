// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A CAN interface without hardware: the driver for serial adapters, on a
 * pseudo terminal. Prints the interface's name; it is gone when the program
 * ends, which is when nobody reads its output any more.
 */
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <linux/tty.h>

static void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

int main(void)
{
	struct pollfd out = { .fd = STDOUT_FILENO };
	int discipline = N_SLCAN, controller, line;
	struct ifreq ifr;

	controller = posix_openpt(O_RDWR | O_NOCTTY);
	if (controller == -1 || grantpt(controller) == -1 ||
	    unlockpt(controller) == -1)
		die("posix_openpt");
	line = open(ptsname(controller), O_RDWR | O_NOCTTY);
	if (line == -1)
		die("open");
	if (ioctl(line, TIOCSETD, &discipline) == -1)
		die("TIOCSETD");
	memset(&ifr, 0, sizeof(ifr));
	if (ioctl(line, SIOCGIFNAME, ifr.ifr_name) == -1)
		die("SIOCGIFNAME");
	printf("%s\n", ifr.ifr_name);
	fflush(stdout);
	/* POLLERR, asked for or not, when the reader closes */
	poll(&out, 1, -1);
	return EXIT_SUCCESS;
}
