/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BOX_H
#define XMBROKER_BOX_H

/*
 * What a process gives up before it serves: identity, capabilities, the right to regain either, the
 * file system, the network, resources, and every system call that it does not need.  One way: there is
 * no function that gives anything back.  A process in which any of it fails must not go on.
 *
 * The order: box_root_enter(), box_become(), whatever must be opened or started, box_confine*().
 */

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum box_role {
	BOX_SUPERVISOR, /* keeps the few capabilities named in box_tables.c */
	BOX_COMPILER,
	BOX_SERVER,
	BOX_SIM,
	BOX_UNDERTAKER,
	BOX_N_ROLES,
};

const char *box_role_name(enum box_role role);

#define BOX_STAY ((uid_t)-1)

/* ---- root and descriptors ---------------------------------------------------------------------------- */

/*
 * Opens a folder that is empty for ever: it has been removed, so that nothing can be made in it.  The
 * descriptor is good for nothing but to be entered.  Returns 0 or -errno; -EPERM: this process could
 * not enter it.
 */
int box_root_make(int *rootp);

/*
 * Makes it the root of the file system for this process; takes `root`, of which -1 keeps the root that
 * there is.  Needs CAP_SYS_CHROOT, which box_become() gives up.  Returns 0 or -errno.
 */
int box_root_enter(int root);

/*
 * Closes every descriptor but the standard ones and these (-1: none), and marks these close-on-exec.
 * `fds` is sorted by it.  -EINVAL: one is named twice or is a standard one, -EBADF: one is not open.
 */
int box_keep_only(int *fds, size_t n);

/* ---- identity ---------------------------------------------------------------------------------------- */

/*
 * Drops to the capabilities of the role (none but for the supervisor), becomes uid and gid without
 * supplementary groups (uid BOX_STAY: stays who it is, as when not started by root), empties the
 * bounding set where it may, and sets no_new_privs.  Returns 0 or -errno.
 */
int box_become(enum box_role role, uid_t uid, gid_t gid);

/* ---- resources, files, network, system calls --------------------------------------------------------- */

/* What settings add to the limits of the table. */
struct box_room {
	uint64_t memory; /* bytes */
	uint64_t files;  /* descriptors */
};

/* Sets the role's resource limits, hard ones too; never raises one.  0 or -errno. */
int box_limit(enum box_role role, const struct box_room *room);

enum box_access {
	BOX_READ,    /* read all beneath */
	BOX_EXECUTE, /* and execute it */
	BOX_STORE,   /* read, write, make, rename and remove files in it */
	BOX_RENEW,   /* and make folders in it */
	BOX_APPEND,  /* write files in it, and make them */
	BOX_REMOVE,  /* remove files from it */
	BOX_DEVICE,  /* read and write this file */
};

/* A place in the file system that a role may use, by what is there now: a folder, or a file. */
struct box_place {
	const char *path;
	enum box_access access;
};

/* The version of Landlock's interface that the kernel has; 0: none; -errno: it cannot be asked. */
int box_landlock_version(void);

/*
 * Leaves the role only these places and those of the table.  Does nothing where the kernel has no
 * Landlock.  A place that does not exist is left out.  Returns 0 or -errno.
 */
int box_landlock(enum box_role role, const struct box_place *places, size_t n);

/* The highest descriptor that the server has of its own: shutdown() works on later ones only. */
#define BOX_LISTENER 3

/*
 * Installs resource limits (box_limit(), without room of settings), no
 * file system and network (box_landlock()), and the role's seccomp allow-list.  A call that is not on it
 * kills the process.  Returns 0 or -errno.
 */
int box_confine(enum box_role role);

/* The same for roles that need files. */
int box_confine_to(enum box_role role, const struct box_place *places, size_t n);

/*
 * The same for a server that may send descriptors to its undertaker, over the descriptor with this
 * number and no other.  So that nobody else can come to be behind that number, it must be higher than
 * every other that the process will have (RLIMIT_NOFILE is best set to it plus 1), and only lower
 * ones can be closed from then on.  -1: there is none.  `room`: as for box_limit().
 */
int box_confine_with(enum box_role role, int undertaker, const struct box_room *room);

/* The allow-list as the kernel takes it. */
struct box_program {
	size_t n;
	struct sock_filter code[BPF_MAXINSNS];
};

/*
 * Makes only the allow-list, for this process, in two children, and compares: see box_calls.c.  `trap`:
 * what is not on it ends the process by a SIGSYS that the kernel does not log, which a handler could
 * catch: for the self-test.  Has to come before box_limit(), which allows no children.  Returns 0 or
 * -errno.
 */
int box_program_make(enum box_role role, int undertaker, int trap, struct box_program *program);

/* Puts it in force.  0; -errno: nothing is in force. */
int box_program_load(enum box_role role, struct box_program *program);

/* ---- others ------------------------------------------------------------------------------------------ */

/*
 * Looks at a child of this role through /proc: that it is filtered, cannot gain privileges, has no
 * capability and is `uid` and `gid` (BOX_STAY: whoever it is) without other groups.  0; -EPERM: `text`
 * says what is not so; other -errno: it cannot be looked at.
 */
int box_check_process(enum box_role role, pid_t pid, uid_t uid, gid_t gid, char *text, size_t cap);

#endif
