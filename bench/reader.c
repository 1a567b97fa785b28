// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reads the messages of a source by one way or another until its dump is
 * complete, or SIGTERM comes. Prints "ready", then one line of JSON.
 */
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "common.h"
#include "reader.h"

static const char usage[] =
	"Usage: reader [OPTION]... WAY SOURCE\n"
	"  WAY        recv | drain | recvmmsg | uring | transparent | ring |\n"
	"             ring-epoll | no-ring (which needs to be denied one)\n"
	"  SOURCE     queue | nfq (libnetfilter_queue) | log | events | routes | conntrack\n"
	"  -n VECTOR  messages a call takes at the most (recvmmsg)\n"
	"  -p PACE    microseconds to sleep before each call\n"
	"  -m MEMORY  bytes of the ring, or of the receive buffer (default: 8 MiB)\n"
	"  -q GROUP   number of the queue or log group (default: 0)\n"
	"  -b BATCH   packets a verdict; 0: each has its own. Packets a message (log)\n"
	"  -t FRAMES  verdicts in the TX ring before they are sent; 0: no TX ring\n"
	"  -d         drop packets\n"
	"  -w         write the packet anew\n"
	"  -g         packets as long as they come, up to 64 KiB\n"
	"  -s         stop (SIGSTOP) before the first look\n";

struct usage_now {
	long long	time;
	long long	idle;
	long long	cpu;		/* nanoseconds */
	long		voluntary;
	long		involuntary;
	uint64_t	syscalls;
	long		memory;		/* KiB in use at the most, ring included */
};

static struct usage_now usage_now(const struct reader *r)
{
	struct usage_now now = {
		.time = clock_ns(CLOCK_MONOTONIC),
		.idle = idle_ns(),
		.cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID),
	};
	struct mnl_ring_stats stats;
	struct rusage ru;

	if (r->rx)
		mnl_ring_get_stats(r->rx, &stats, sizeof(stats));
	now.syscalls = r->sends + (r->rx ? stats.syscalls : r->syscalls);
	getrusage(RUSAGE_SELF, &ru);
	now.voluntary = ru.ru_nvcsw;
	now.involuntary = ru.ru_nivcsw;
	now.memory = ru.ru_maxrss;
	return now;
}

static void print_result(const struct reader *r, const struct usage_now *a,
			 const struct usage_now *b)
{
	printf("{\"messages\":%" PRIu64 ",\"bytes\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"start_ns\":%lld,\"start_idle_ns\":%lld"
	       ",\"end_ns\":%lld,\"end_idle_ns\":%lld,\"cpu_ns\":%lld"
	       ",\"syscalls\":%" PRIu64 ",\"sleeps\":%ld,\"preempted\":%ld"
	       ",\"memory_kib\":%ld}\n",
	       r->messages, r->bytes, r->lost, a->time, a->idle,
	       b->time, b->idle, b->cpu - a->cpu, b->syscalls - a->syscalls,
	       b->voluntary - a->voluntary, b->involuntary - a->involuntary,
	       b->memory);
}

static void read_options(struct options *o, int argc, char *argv[])
{
	int c;

	while ((c = getopt(argc, argv, "n:p:m:q:b:t:dwgs")) != -1) {
		switch (c) {
		case 'n':
			o->vector = number(optarg, 1, usage);
			break;
		case 'p':
			o->pace = number(optarg, 0, usage);
			break;
		case 'm':
			o->memory = number(optarg, 4096, usage);
			break;
		case 'q':
			o->group = number(optarg, 0, usage);
			break;
		case 'b':
			o->batch = number(optarg, 0, usage);
			break;
		case 't':
			o->frames = number(optarg, 0, usage);
			break;
		case 'd':
			o->drop = true;
			break;
		case 'w':
			o->rewrite = true;
			break;
		case 'g':
			o->gso = true;
			break;
		case 's':
			o->stop = true;
			break;
		default:
			number("", 0, usage);
		}
	}
	if (argc - optind != 2 || o->vector > 256)
		number("", 0, usage);
}

void reader_handle(struct reader *r, void *msg, size_t len)
{
	r->bytes += len;
	r->source->handle(r, msg, len);
}

static void set_buffer(const struct reader *r)
{
	int size = r->options.memory / 2;	/* the kernel doubles it */

	if (setsockopt(mnl_socket_get_fd(r->nl), SOL_SOCKET, SO_RCVBUFFORCE,
		       &size, sizeof(size)) == -1)
		fail("SO_RCVBUFFORCE");
}

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	(void)number;
	stop = 1;
}

/* It interrupts a call that waits. */
static void catch_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGTERM, &action, NULL);
}

int main(int argc, char *argv[])
{
	static struct reader r = {
		.options = { .vector = 1, .memory = 8 << 20 },
	};
	struct usage_now first, last;
	const struct way *way;
	long long end = 0, end_idle = 0;

	read_options(&r.options, argc, argv);
	way = way_find(argv[optind]);
	r.source = source_find(argv[optind + 1]);
	if (way == NULL || r.source == NULL)
		number("", 0, usage);
	r.source->open(&r);
	set_buffer(&r);
	if (way->open)
		way->open(&r);
	catch_signal();
	puts("ready");
	fflush(stdout);
	if (r.options.stop)
		raise(SIGSTOP);

	first = usage_now(&r);
	if (r.source->start)
		r.source->start(&r);
	while (!r.done && !stop) {
		end = clock_ns(CLOCK_MONOTONIC);
		end_idle = idle_ns();
		way->receive(&r);
	}
	last = usage_now(&r);
	if (!r.done) {
		/* it waited in vain since */
		last.time = end;
		last.idle = end_idle;
	}
	print_result(&r, &first, &last);
	mnl_socket_close(r.nl);
	return EXIT_SUCCESS;
}
