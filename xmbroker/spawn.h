/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SPAWN_H
#define XMBROKER_SPAWN_H

/* Starting a helper process of the same build with exactly the descriptors that it is meant to have. */

#include <limits.h>
#include <sys/types.h>

#include "xmbroker/box.h"

#define SPAWN_FIRST_FD 3
#define SPAWN_FDS_MAX 8

struct spawn {
	const char *path;        /* as spawn_find() gave it */
	const char *const *argv; /* ends with NULL */
	int fds[SPAWN_FDS_MAX];  /* appear as 3, 4, ... in the child; borrowed */
	unsigned int n_fds;
	int out;            /* standard output; -1: none */
	int err;            /* standard error; -1: ours */
	enum box_role role; /* BOX_COMPILER: boxed before exec; others do that themselves */
};

/* Finds a helper beside this executable, or in ../libexec/xmbroker.  0 or -ENOENT. */
int spawn_find(const char *name, char path[PATH_MAX]);

/*
 * Starts it.  The child dies with us, has no signal blocked or ignored, an empty standard input, and
 * no descriptor but those named.  Returns 0 once the program runs, or -errno, also when exec failed.
 */
int spawn_run(const struct spawn *spawn, pid_t *pidp);

#endif
