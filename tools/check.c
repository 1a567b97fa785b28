// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Why a kernel gives no rings: see check.h.
 */
#include <errno.h>
#include <glob.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "check.h"

/* that the module is made for, see kernel/compat.h */
#define LEAST_MAJOR	6
#define LEAST_MINOR	1

static const char *say(const char *format, ...)
{
	static char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return text;
}

/* Is the word in a line of the file? */
static bool file_has(const char *path, const char *word)
{
	FILE *file = fopen(path, "re");
	bool found = false;
	char line[4096];

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, word);
	if (file)
		fclose(file);
	return found;
}

static bool is_too_old(const char *release)
{
	unsigned int major, minor;

	if (sscanf(release, "%u.%u", &major, &minor) != 2)
		return false;
	return major < LEAST_MAJOR ||
	       (major == LEAST_MAJOR && minor < LEAST_MINOR);
}

static bool is_container(void)
{
	return access("/run/systemd/container", F_OK) == 0 ||
	       access("/.dockerenv", F_OK) == 0 ||
	       access("/run/.containerenv", F_OK) == 0;
}

static bool has_module(const char *folder)
{
	char path[768];

	snprintf(path, sizeof(path), "%s/modules.dep", folder);
	return file_has(path, "netlink_mmap.ko");
}

/* another kernel's folder that has the module, or NULL */
static const char *other_with_module(void)
{
	static char found[256];
	glob_t folders;
	size_t i;

	found[0] = '\0';
	if (glob("/lib/modules/*", GLOB_ONLYDIR, NULL, &folders) == 0) {
		for (i = 0; i < folders.gl_pathc && found[0] == '\0'; i++)
			if (has_module(folders.gl_pathv[i]))
				snprintf(found, sizeof(found), "%s",
					 strrchr(folders.gl_pathv[i], '/') + 1);
		globfree(&folders);
	}
	return found[0] ? found : NULL;
}

static bool wants_signatures(void)
{
	return file_has("/sys/module/module/parameters/sig_enforce", "Y") ||
	       file_has("/sys/kernel/security/lockdown", "[integrity]") ||
	       file_has("/sys/kernel/security/lockdown", "[confidentiality]");
}

/* The module is there, and was not loaded. */
static const char *why_not_loaded(void)
{
	if (file_has("/proc/sys/kernel/modules_disabled", "1"))
		return "this kernel loads no modules any more (kernel.modules_disabled): load netlink_mmap when it boots";
	if (wants_signatures())
		return "this kernel loads only modules with a signature that it knows (Secure Boot): enrol the key of DKMS (mokutil --import /var/lib/dkms/mok.pub) and reboot";
	return "the module netlink_mmap is there, but was not loaded: \"modprobe netlink_mmap\" and the kernel's log (dmesg) tell why";
}

const char *why_no_module(void)
{
	const char *other;
	struct utsname name;
	char folder[512];

	uname(&name);
	if (is_too_old(name.release))
		return say("Linux %s is too old: the module needs %d.%d or later",
			   name.release, LEAST_MAJOR, LEAST_MINOR);
	snprintf(folder, sizeof(folder), "/lib/modules/%s", name.release);
	if (has_module(folder))
		return why_not_loaded();
	if (is_container())
		return "this is a container: its host has to have the module netlink_mmap (Debian: netlink-mmap-dkms)";
	other = other_with_module();
	if (other)
		return say("the module netlink_mmap is there for Linux %s, but not for %s, which runs: install its headers (Debian: linux-headers-%s) and \"dkms autoinstall\", or reboot",
			   other, name.release, name.release);
	if (access(folder, F_OK) == -1)
		return say("there are no modules of Linux %s here: its host has to have the module netlink_mmap, if this is a container (Debian: netlink-mmap-dkms)",
			   name.release);
	return say("the module netlink_mmap is not there: install it (Debian: netlink-mmap-dkms and linux-headers-%s)",
		   name.release);
}

const char *why_no_ring(int err, unsigned long bytes)
{
	struct rlimit limit;

	switch (err) {
	case ENOBUFS:
		getrlimit(RLIMIT_MEMLOCK, &limit);
		return say("%lu KiB are more than RLIMIT_MEMLOCK allows (%llu KiB for all rings of this user): raise it (ulimit -l, LimitMEMLOCK= in a systemd unit), ask for less, or have CAP_IPC_LOCK",
			   bytes >> 10,
			   (unsigned long long)limit.rlim_cur >> 10);
	case ENOMEM:
		return say("there is no memory for %lu KiB, or the memory cgroup does not allow them: ask for less",
			   bytes >> 10);
	case EINVAL:
		return say("%lu KiB are too large for a ring: ask for less",
			   bytes >> 10);
	case EPERM:
	case EACCES:
		return "no permission to share memory with the kernel: a security module or seccomp filter refuses it";
	}
	return strerror(err);
}
