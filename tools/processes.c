// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which processes have a socket: see processes.h.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "processes.h"

/* A command is whatever the process wrote: no control characters to the terminal. */
static void read_command(struct process *p)
{
	char path[64], *c;
	FILE *file;

	strcpy(p->command, "?");
	snprintf(path, sizeof(path), "/proc/%u/comm", p->pid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(p->command, sizeof(p->command), file))
		p->command[strcspn(p->command, "\n")] = '\0';
	fclose(file);
	for (c = p->command; *c; c++)
		if (!isprint((unsigned char)*c))
			*c = '?';
}

static bool is_there(const struct processes *all, uint64_t inode, unsigned int pid)
{
	unsigned int i;

	for (i = all->count; i-- > 0 && all->process[i].pid == pid;)
		if (all->process[i].inode == inode)
			return true;
	return false;
}

static void add(struct processes *all, uint64_t inode, unsigned int pid)
{
	struct process *p;

	/* a process may have a socket twice */
	if (is_there(all, inode, pid))
		return;
	p = realloc(all->process, (all->count + 1) * sizeof(*p));
	if (!p)
		return;
	all->process = p;
	p += all->count++;
	p->inode = inode;
	p->pid = pid;
	read_command(p);
}

static bool is_number(const char *name)
{
	return name[strspn(name, "0123456789")] == '\0';
}

static void look_at(struct processes *all, unsigned int pid,
		    bool (*wanted)(const void *, uint64_t), const void *data)
{
	char path[64], target[64];
	struct dirent *entry;
	uint64_t inode;
	ssize_t len;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%u/fd", pid);
	folder = opendir(path);
	if (!folder)
		return;
	while ((entry = readdir(folder))) {
		len = readlinkat(dirfd(folder), entry->d_name, target,
				 sizeof(target) - 1);
		if (len <= 0)
			continue;
		target[len] = '\0';
		if (sscanf(target, "socket:[%" SCNu64 "]", &inode) == 1 &&
		    wanted(data, inode))
			add(all, inode, pid);
	}
	closedir(folder);
}

static int by_pid(const void *a, const void *b)
{
	const struct process *p = a, *q = b;

	return (p->pid > q->pid) - (p->pid < q->pid);
}

struct processes find_processes(bool (*wanted)(const void *data, uint64_t inode),
				const void *data)
{
	struct processes all = { 0 };
	struct dirent *entry;
	DIR *folder;

	folder = opendir("/proc");
	if (!folder)
		return all;
	while ((entry = readdir(folder)))
		if (is_number(entry->d_name))
			look_at(&all, strtoul(entry->d_name, NULL, 10), wanted, data);
	closedir(folder);
	if (all.count > 0)
		qsort(all.process, all.count, sizeof(*all.process), by_pid);
	return all;
}
