// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Looking at a running process from outside.  Owns nothing.  Must never take the word of the process
 * itself for what the kernel can be asked.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"

static int read_status(pid_t pid, char *text, size_t cap)
{
	char path[40];
	size_t len = 0;
	ssize_t n;
	int fd, r = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (len < cap - 1) {
		n = read(fd, text + len, cap - 1 - len);
		if (n < 0)
			r = -errno;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	text[len] = '\0';
	close(fd);
	return r == 0 && len == cap - 1 ? -E2BIG : r;
}

/* The values behind "\nNAME:\t", up to the end of the line; "" if there is no such line. */
static void value_of(const char *status, const char *name, char *value, size_t cap)
{
	size_t len = strlen(name);

	value[0] = '\0';
	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, len) != 0 || line[len] != ':')
			continue;
		line += len + 1;
		line += strspn(line, " \t");
		snprintf(value, cap, "%.*s", (int)strcspn(line, "\n"), line);
		return;
	}
}

static bool is_zero(const char *hex)
{
	return *hex && strspn(hex, "0") == strlen(hex);
}

static bool all_are(const char *numbers, unsigned long id)
{
	for (int i = 0; i < 4; i++) {
		char *end;

		if (strtoul(numbers, &end, 10) != id || end == numbers)
			return false;
		numbers = end;
	}
	return true;
}

/* The bounding set can only be emptied by root; see drop_bounding() in box.c. */
static bool judge(const char *status, const char *name, uid_t uid, gid_t gid)
{
	char value[128];

	value_of(status, name, value, sizeof(value));
	if (!strcmp(name, "Seccomp"))
		return !strcmp(value, "2");
	if (!strcmp(name, "NoNewPrivs"))
		return !strcmp(value, "1");
	if (!strcmp(name, "Uid"))
		return uid == BOX_STAY || all_are(value, uid);
	if (!strcmp(name, "Gid"))
		return uid == BOX_STAY || all_are(value, gid);
	if (!strcmp(name, "Groups"))
		return uid == BOX_STAY || strspn(value, " \t") == strlen(value);
	if (!strcmp(name, "CapBnd"))
		return uid == BOX_STAY || is_zero(value);
	return is_zero(value);
}

/* How many filters there are: a child has those of its parent in any case.  0 before Linux 5.9, which
 * does not say. */
static unsigned long filters_in(const char *status)
{
	char value[32];

	value_of(status, "Seccomp_filters", value, sizeof(value));
	return strtoul(value, NULL, 10);
}

static bool has_own_filter(const char *status, unsigned long ours)
{
	unsigned long filters = filters_in(status);

	return (filters == 0 && ours == 0) || filters > ours;
}

int box_check_process(enum box_role role, pid_t pid, uid_t uid, gid_t gid, char *text, size_t cap)
{
	static const char *const names[] = {
		"Seccomp", "NoNewPrivs", "CapInh", "CapPrm", "CapEff",
		"CapBnd",  "CapAmb",     "Uid",    "Gid",    "Groups"
	};
	static char status[65536];
	char value[128];
	unsigned long ours;
	int r = read_status(getpid(), status, sizeof(status));

	if (r < 0)
		return r;
	ours = filters_in(status);
	r = read_status(pid, status, sizeof(status));
	if (r < 0)
		return r;
	if (!has_own_filter(status, ours)) {
		snprintf(text, cap, "%s: it has no filter but ours", box_role_name(role));
		return -EPERM;
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (judge(status, names[i], uid, gid))
			continue;
		value_of(status, names[i], value, sizeof(value));
		snprintf(text, cap, "%s: %s is \"%s\"", box_role_name(role), names[i], value);
		return -EPERM;
	}
	return 0;
}
