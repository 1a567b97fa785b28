// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Dumps a table of the kernel by mnl_socket_recvfrom() and prints what it sees.
 *	print-table [-b BYTES] [-t TIMES] [-i] [-g GROUP] [-c COMMAND] [-u COMMAND] TABLE
 *	-b	room of the buffer (default: MNL_SOCKET_BUFFER_SIZE)
 *	-t	dumps, one after the other on the same socket
 *	-c	a shell command that is run after every third datagram of the dump, with
 *		the number of the time in N
 *	-u	a shell command that undoes what -c did, run before and after
 *	-g	multicast group to listen to: its events are printed after the
 *		dump, when as many came as commands were run
 *	-i	prints only whether a message of the dump had NLM_F_DUMP_INTR
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <linux/fib_rules.h>
#include <linux/genetlink.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/inet_diag.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>

#include "reader.h"

#define NFNL(subsystem, message) (NFNL_SUBSYS_##subsystem << 8 | (message))

struct table {
	const char	*name;
	int		bus;
	uint16_t	type;		/* of the request */
	size_t		header;		/* bytes before the attributes */
	unsigned int	changing;	/* attribute that changes by itself */
	void		(*put)(struct nlmsghdr *nlh);
};

struct options {
	size_t		room;
	unsigned long	times;
	unsigned int	group;
	const char	*command;
	const char	*undo;
	bool		interrupted;
};

struct dump {
	const struct table	*table;
	const struct options	*options;
	struct reader		reader;
	unsigned int		seq;
	unsigned int		datagrams;
	unsigned int		commands;	/* run */
	unsigned int		events;		/* received */
	bool			done;
	bool			inconsistent;	/* NLM_F_DUMP_INTR was seen */
	FILE			*other;		/* events, printed last */
};

/*
 * Tables
 */

static void put_family(struct nlmsghdr *nlh)
{
	uint8_t *family = mnl_nlmsg_get_payload(nlh);

	*family = AF_INET;
}

static void put_tables(struct nlmsghdr *nlh)
{
	struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	nfg->nfgen_family = NFPROTO_UNSPEC;
}

static void put_set(struct nlmsghdr *nlh)
{
	struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	nfg->nfgen_family = NFPROTO_IPV4;
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, "t");
	mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, "s");
}

static void put_tcp(struct nlmsghdr *nlh)
{
	struct inet_diag_req_v2 *req = mnl_nlmsg_get_payload(nlh);

	req->sdiag_family = AF_INET;
	req->sdiag_protocol = IPPROTO_TCP;
	req->idiag_states = -1;
	req->idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
}

static void put_unix(struct nlmsghdr *nlh)
{
	struct unix_diag_req *req = mnl_nlmsg_get_payload(nlh);

	req->sdiag_family = AF_UNIX;
	req->udiag_states = -1;
	req->udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_ICONS | UDIAG_SHOW_MEMINFO;
}

static void put_families(struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

	genl->cmd = CTRL_CMD_GETFAMILY;
}

static const struct table tables[] = {
	{ "addresses", NETLINK_ROUTE, RTM_GETADDR, sizeof(struct ifaddrmsg), 0, NULL },
	{ "links", NETLINK_ROUTE, RTM_GETLINK, sizeof(struct ifinfomsg), 0, NULL },
	{ "routes", NETLINK_ROUTE, RTM_GETROUTE, sizeof(struct rtmsg), 0, put_family },
	{ "neighbours", NETLINK_ROUTE, RTM_GETNEIGH, sizeof(struct ndmsg), NDA_CACHEINFO, NULL },
	{ "policy-rules", NETLINK_ROUTE, RTM_GETRULE, sizeof(struct fib_rule_hdr), 0, put_family },
	{ "flows", NETLINK_NETFILTER, NFNL(CTNETLINK, IPCTNL_MSG_CT_GET),
	  sizeof(struct nfgenmsg), CTA_TIMEOUT, put_tables },
	{ "rules", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETRULE),
	  sizeof(struct nfgenmsg), 0, put_tables },
	{ "elements", NETLINK_NETFILTER, NFNL(NFTABLES, NFT_MSG_GETSETELEM),
	  sizeof(struct nfgenmsg), 0, put_set },
	{ "tcp-sockets", NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY,
	  sizeof(struct inet_diag_req_v2), 0, put_tcp },
	{ "unix-sockets", NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY,
	  sizeof(struct unix_diag_req), 0, put_unix },
	{ "families", NETLINK_GENERIC, GENL_ID_CTRL, sizeof(struct genlmsghdr), 0, put_families },
};

static const struct table *find_table(const char *name)
{
	size_t i;

	for (i = 0; i < MNL_ARRAY_SIZE(tables); i++)
		if (strcmp(tables[i].name, name) == 0)
			return &tables[i];
	fprintf(stderr, "no such table: %s\n", name);
	exit(EXIT_FAILURE);
}

/*
 * Dumps
 */

static void request(struct dump *d)
{
	char buf[512] __attribute__((aligned(MNL_ALIGNTO)));
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = d->table->type;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	nlh->nlmsg_seq = ++d->seq;
	mnl_nlmsg_put_extra_header(nlh, d->table->header);
	if (d->table->put != NULL)
		d->table->put(nlh);
	if (mnl_socket_sendto(d->reader.nl, nlh, nlh->nlmsg_len) == -1)
		reader_die("mnl_socket_sendto");
}

static void print(FILE *to, const struct dump *d, const struct nlmsghdr *nlh)
{
	fprintf(to, "  %u flags %x length %u digest %08x\n",
		nlh->nlmsg_type, nlh->nlmsg_flags, nlh->nlmsg_len,
		nlh->nlmsg_type < NLMSG_MIN_TYPE ? 0 :
		reader_digest(nlh, d->table->header, d->table->changing));
}

static void see_part(struct dump *d, const struct nlmsghdr *nlh)
{
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		d->inconsistent = true;
	if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
		d->done = true;
	if (!d->options->interrupted)
		print(stdout, d, nlh);
}

static void see_event(struct dump *d, const struct nlmsghdr *nlh)
{
	d->events++;
	print(d->other, d, nlh);
}

static void run_command(const char *command, unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	setenv("N", text, 1);
	fflush(stdout);
	if (system(command) != 0)
		reader_die(command);
}

/* How events and parts alternate depends on when a part was made: not compared. */
static void see_datagram(struct dump *d, int len)
{
	const struct nlmsghdr *nlh = (void *)d->reader.buf;
	bool part = nlh->nlmsg_seq == d->seq;

	if (part && !d->options->interrupted)
		printf("datagram %d\n", len);
	for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len))
		(part ? see_part : see_event)(d, nlh);
	if (part && d->options->command != NULL && !d->done &&
	    d->datagrams++ % 3 == 0)
		run_command(d->options->command, ++d->commands);
}

static void receive_dump(struct dump *d)
{
	ssize_t len;

	d->done = false;
	while (!d->done || (d->options->group && d->events < d->commands)) {
		len = mnl_socket_recvfrom(d->reader.nl, d->reader.buf,
					  d->reader.size);
		if (len == -1) {
			printf("error %s\n", strerrorname_np(errno));
			exit(2);
		}
		see_datagram(d, len);
	}
}

static void run(struct dump *d)
{
	unsigned int group = d->options->group;
	unsigned long i;
	char *events;
	size_t len;

	d->other = open_memstream(&events, &len);
	if (d->other == NULL)
		reader_die("open_memstream");
	reader_open(&d->reader, d->table->bus, group ? 1U << (group - 1) : 0,
		    d->options->room);
	if (d->options->undo != NULL)
		run_command(d->options->undo, 0);
	d->seq = 1000000;
	for (i = 0; i < d->options->times; i++) {
		request(d);
		receive_dump(d);
	}
	fclose(d->other);
	if (d->options->interrupted)
		printf("NLM_F_DUMP_INTR %s\n", d->inconsistent ? "seen" : "not seen");
	if (group)
		printf("events\n%s", events);
	free(events);
	if (d->options->undo != NULL)
		run_command(d->options->undo, d->commands);
	reader_close(&d->reader);
}

int main(int argc, char *argv[])
{
	struct options options = { MNL_SOCKET_BUFFER_SIZE, 1, 0, NULL, NULL, false };
	struct dump d = { .options = &options };
	int c;

	while ((c = getopt(argc, argv, "b:t:g:c:u:i")) != -1) {
		switch (c) {
		case 'b': options.room = reader_number(optarg); break;
		case 't': options.times = reader_number(optarg); break;
		case 'g': options.group = reader_number(optarg); break;
		case 'c': options.command = optarg; break;
		case 'u': options.undo = optarg; break;
		case 'i': options.interrupted = true; break;
		default: exit(EXIT_FAILURE);
		}
	}
	if (optind != argc - 1) {
		fputs("Usage: print-table [OPTION]... TABLE\n", stderr);
		exit(EXIT_FAILURE);
	}
	d.table = find_table(argv[optind]);
	run(&d);
	return 0;
}
