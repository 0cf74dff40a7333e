// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Resource limits, the empty root, and which descriptors stay.  Owns none of them.  Must never raise a
 * limit, and must leave no descriptor open that could lead out of the root.
 */

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "xmbroker/box_tables.h"

/* ---- limits ------------------------------------------------------------------------------------------ */

static int lower(const struct box_limit *limit, uint64_t extra)
{
	rlim_t max = limit->max + extra;
	struct rlimit now;

	if (getrlimit(limit->resource, &now) < 0)
		return -errno;
	if (now.rlim_max > max)
		now.rlim_max = max;
	if (now.rlim_cur > now.rlim_max)
		now.rlim_cur = now.rlim_max;
	/* A soft limit can be raised again as long as the hard one is above it. */
	now.rlim_max = now.rlim_cur;
	return setrlimit(limit->resource, &now) < 0 ? -errno : 0;
}

int box_limit(enum box_role role, const struct box_room *room)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < box_n_limits; i++) {
		const struct box_limit *limit = &box_limits_table[i];

		if (!(limit->roles & BOX_BIT(role)) || (limit->room != BOX_ROOM_NONE && !room))
			continue;
		r = lower(limit, limit->room == BOX_ROOM_MEMORY  ? room->memory
				 : limit->room == BOX_ROOM_FILES ? room->files
								 : 0);
	}
	return r;
}

/* ---- empty root -------------------------------------------------------------------------------------- */

int box_root_make(int *rootp)
{
	static const char *const folders[] = { "/run", "/tmp", "/var/tmp" };
	char path[64];
	int fd = -1, r = -ENOENT;

	if (capng_get_caps_process() < 0 || !capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_CHROOT))
		return -EPERM;
	for (size_t i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++) {
		strcpy(path, folders[i]);
		strcat(path, "/.xmbroker-root.XXXXXX");
		if (!mkdtemp(path)) {
			r = -errno;
			continue;
		}
		fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		r = fd < 0 ? -errno : 0;
		if (rmdir(path) < 0 && r == 0) {
			r = -errno;
			close(fd);
			return r;
		}
	}
	if (fd < 0)
		return r;
	*rootp = fd;
	return 0;
}

/* Whether it was removed: then it holds no name, and never will. */
static int check_removed(int root)
{
	struct stat st;

	if (fstat(root, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) && st.st_nlink == 0 ? 0 : -EINVAL;
}

int box_root_enter(int root)
{
	int r;

	if (root < 0)
		return 0;
	tzset(); /* while there is a zone file */
	r = check_removed(root);
	if (r == 0 && (fchdir(root) < 0 || chroot(".") < 0)) /* where it now is, too */
		r = -errno;
	close(root);
	return r;
}

/* ---- descriptors ------------------------------------------------------------------------------------- */

static int close_between(int first, int last)
{
	if (first > last)
		return 0;
	return syscall(SYS_close_range, first, last, 0) < 0 ? -errno : 0;
}

/* Not qsort(): it asks for the size of memory. */
static void sort(int *fds, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		int fd = fds[i];
		size_t at = i;

		for (; at > 0 && fds[at - 1] > fd; at--)
			fds[at] = fds[at - 1];
		fds[at] = fd;
	}
}

int box_keep_only(int *fds, size_t n)
{
	int from = STDERR_FILENO + 1, r;

	sort(fds, n);
	for (size_t i = 0; i < n; i++) {
		if (fds[i] < 0)
			continue;
		if (fds[i] < from)
			return -EINVAL;
		r = close_between(from, fds[i] - 1);
		if (r < 0)
			return r;
		if (fcntl(fds[i], F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
		from = fds[i] + 1;
	}
	return close_between(from, INT32_MAX);
}
