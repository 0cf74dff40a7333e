// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Landlock: the file system, the network and the reach of signals and abstract sockets.  Owns the
 * ruleset until it is in force.  Must use all that the kernel has, and must never take an error of a
 * kernel that has Landlock for one that has none.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "xmbroker/box_landlock.h"
#include "xmbroker/box_tables.h"

#ifndef SYS_landlock_create_ruleset /* the same numbers on every architecture */
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

int box_landlock_version(void)
{
	long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);

	if (version < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	return (int)version;
}

static uint64_t handled_files(int version)
{
	if (version >= 5)
		return LANDLOCK_FS_UP_TO(IOCTL_DEV);
	if (version >= 3)
		return LANDLOCK_FS_UP_TO(TRUNCATE);
	return version == 2 ? LANDLOCK_FS_UP_TO(REFER) : LANDLOCK_FS_UP_TO(MAKE_SYM);
}

static uint64_t scopes_of(enum box_role role)
{
	uint64_t scoped = 0;

	for (size_t i = 0; i < box_n_scopes; i++)
		if (box_scopes[i].roles & BOX_BIT(role))
			scoped |= (box_scopes[i].abstract ? LANDLOCK_SCOPED_ABSTRACT : 0) |
				  (box_scopes[i].signals ? LANDLOCK_SCOPED_SIGNALS : 0);
	return scoped;
}

static int make_ruleset(enum box_role role, int version, struct landlock_ruleset *attr)
{
	size_t size = version >= 6 ? sizeof(*attr) : version >= 4 ? 16 : 8;
	long fd;

	*attr = (struct landlock_ruleset){ .fs = handled_files(version) };
	if (version >= 4)
		attr->net = LANDLOCK_NET_ALL;
	if (version >= 6)
		attr->scoped = scopes_of(role);
	fd = syscall(SYS_landlock_create_ruleset, attr, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

/* What is not there, or out of reach, needs no rule. */
static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == EACCES || error == ELOOP;
}

static int add_place(int ruleset, const struct landlock_ruleset *attr,
		     const struct box_place *place)
{
	struct landlock_beneath rule = { .allowed = box_rights[place->access] & attr->fs };
	struct stat st;
	int r = 0;

	rule.parent = open(place->path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return is_absent(errno) ? 0 : -errno;
	if (fstat(rule.parent, &st) < 0)
		r = -errno;
	else if (!S_ISDIR(st.st_mode))
		rule.allowed &= LANDLOCK_FS_OF_FILES;
	if (r == 0 && rule.allowed &&
	    syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_BENEATH, &rule, 0) < 0)
		r = -errno;
	close(rule.parent);
	return r;
}

static int add_places(int ruleset, const struct landlock_ruleset *attr, enum box_role role,
		      const struct box_place *places, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < box_n_places; i++)
		if (box_places[i].roles & BOX_BIT(role))
			r = add_place(ruleset, attr, &box_places[i].place);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_place(ruleset, attr, &places[i]);
	return r;
}

int box_landlock(enum box_role role, const struct box_place *places, size_t n)
{
	int version = box_landlock_version(), ruleset, r;
	struct landlock_ruleset attr;

	if (version <= 0)
		return version;
	ruleset = make_ruleset(role, version, &attr);
	if (ruleset < 0)
		return ruleset;
	r = add_places(ruleset, &attr, role, places, n);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		r = -errno;
	close(ruleset);
	return r;
}
