// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What another program costs: runs it until it ends, with its output in
 * the standard error, and prints one line of JSON like those of reader and
 * udp-load. UNITS is what the cost is to be divided by.
 */
#include <signal.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "common.h"

static const char usage[] = "Usage: stopwatch UNITS COMMAND [ARGUMENT]...\n";

static long long cpu_ns(const struct rusage *ru)
{
	return (ru->ru_utime.tv_sec + ru->ru_stime.tv_sec) * 1000000000LL +
	       (ru->ru_utime.tv_usec + ru->ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char *argv[])
{
	unsigned long units = number(argc > 2 ? argv[1] : "", 0, usage);
	long long start = clock_ns(CLOCK_MONOTONIC), idle = idle_ns();
	struct rusage ru;
	int status;
	pid_t pid;

	/* Interrupted are those that it runs, not the stopwatch. */
	signal(SIGINT, SIG_IGN);
	pid = fork();
	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		signal(SIGINT, SIG_DFL);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execvp(argv[2], argv + 2);
		fail(argv[2]);
	}
	if (waitpid(pid, &status, 0) == -1 || status != 0 ||
	    getrusage(RUSAGE_CHILDREN, &ru) == -1)
		fail(argv[2]);
	printf("{\"sent\":%lu,\"received\":%lu,\"messages\":%lu"
	       ",\"start_ns\":%lld,\"start_idle_ns\":%lld,\"end_ns\":%lld"
	       ",\"end_idle_ns\":%lld,\"cpu_ns\":%lld"
	       ",\"sleeps\":%ld,\"preempted\":%ld}\n", units, units, units,
	       start, idle, clock_ns(CLOCK_MONOTONIC), idle_ns(), cpu_ns(&ru),
	       ru.ru_nvcsw, ru.ru_nivcsw);
	return EXIT_SUCCESS;
}
