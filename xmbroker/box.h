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
	BOX_UNDERTAKER,
};

#define BOX_STAY ((uid_t)-1)

/*
 * Drops to the capabilities of the role (none but for the supervisor), becomes uid and gid without
 * supplementary groups (uid BOX_STAY: stays who it is, as when not started by root), empties the
 * bounding set where it may, and sets no_new_privs.  Returns 0 or -errno.
 */
int box_become(enum box_role role, uid_t uid, gid_t gid);

/* Installs the role's seccomp allow-list (server, sim, undertaker; others: nothing).  A call that is
 * not on it kills the process.  Returns 0 or -errno. */
int box_confine(enum box_role role);

/*
 * The same for a server that may send descriptors to its undertaker, over the descriptor with this
 * number and no other.  So that nobody else can come to be behind that number, it must be higher than
 * every other that the process will have (RLIMIT_NOFILE is best set to it plus 1), and only lower
 * ones can be closed from then on.
 */
int box_confine_with(enum box_role role, int undertaker);

#endif
