/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BOX_H
#define XMBROKER_BOX_H

/*
 * What a process gives up before it serves: identity, capabilities, the right to regain either, and
 * every system call that it does not need.  One way: there is no function that gives anything back.
 * A process in which any of it fails must not go on.
 */

#include <sys/types.h>

enum box_role {
	BOX_SUPERVISOR, /* keeps the few capabilities named in box.c */
	BOX_COMPILER,
	BOX_SERVER,
	BOX_SIM,
};

#define BOX_STAY ((uid_t)-1)

/*
 * Drops to the capabilities of the role (none but for the supervisor), becomes uid and gid without
 * supplementary groups (uid BOX_STAY: stays who it is, as when not started by root), empties the
 * bounding set where it may, and sets no_new_privs.  Returns 0 or -errno.
 */
int box_become(enum box_role role, uid_t uid, gid_t gid);

/* Installs the role's seccomp allow-list (server and sim; others: nothing).  A call that is not on
 * it kills the process.  Returns 0 or -errno. */
int box_confine(enum box_role role);

#endif
