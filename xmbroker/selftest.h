/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SELFTEST_H
#define XMBROKER_SELFTEST_H

/*
 * The proof that a box is in force: for each thing that a role must not be able to do, a child enters
 * the box and tries it.  Each program tests its own roles, `PROGRAM --self-test`, and writes a line a
 * probe: role, layer, attempt, what must happen, what happened, and the verdict, with tabs between.
 */

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "xmbroker/box.h"

/* The layers of the box: each is tried alone, so that none hides that another is missing. */
enum selftest_layer {
	SELFTEST_IDENTITY, /* user, groups, capabilities */
	SELFTEST_ROOT,     /* the empty root; when started by root */
	SELFTEST_LIMITS,
	SELFTEST_FILES,   /* Landlock: file system, from version 1 */
	SELFTEST_NETWORK, /* Landlock: TCP, from version 4 */
	SELFTEST_SCOPE,   /* Landlock: signals and abstract sockets, from version 6 */
	SELFTEST_CALLS,   /* seccomp, with all others in force */
	SELFTEST_KILL,    /* that what seccomp refuses cannot be caught */
	SELFTEST_N_LAYERS,
};

/* What the probed process would be. */
struct selftest_box {
	enum box_role role;
	uid_t uid; /* BOX_STAY: no other than now */
	gid_t gid;
	int root; /* as of box_root_make(), borrowed; -1: not started by root */
	const struct box_place *places;
	size_t n_places;
	/* Made by selftest_run(): */
	pid_t parent;
	int log;     /* opened as the audit log is */
	int pair[2]; /* a connected socket pair */
};

enum selftest_verdict {
	SELFTEST_IN_FORCE,
	SELFTEST_ABSENT, /* this kernel does not have it, or this user cannot */
	SELFTEST_MISSING,
};

#define SELFTEST_TEXT 64

struct selftest_row {
	char role[16], layer[16], attempt[SELFTEST_TEXT], wanted[SELFTEST_TEXT], got[SELFTEST_TEXT];
	enum selftest_verdict verdict;
};

/* One attempt: returns what a system call returns, with errno. */
typedef long selftest_try(const struct selftest_box *box);

#define SELFTEST_DIES 0 /* killed by SIGSYS */
/* errno of an attempt that was not made, because it proves nothing about root; no real one is so high. */
#define SELFTEST_ROOT_MAY 248

struct selftest_probe {
	unsigned int roles; /* BOX_BIT() */
	enum selftest_layer layer;
	const char *attempt;
	selftest_try *try;
	int wanted;    /* SELFTEST_DIES, or an errno */
	int or_wanted; /* or this one; 0: none */
};

extern const struct selftest_probe selftest_probes[];
extern const size_t selftest_n_probes;

/* Runs all probes of the box's role; takes descriptor 3, which the listener has in the real thing, and
 * gives each row to `take`.  The process is not confined by it.  0, or -errno if it cannot be done. */
int selftest_run(const struct selftest_box *box,
		 void (*take)(void *context, const struct selftest_row *row), void *context);

/* The lines of `PROGRAM --self-test`. */
void selftest_write(void *file, const struct selftest_row *row);
/* -EPROTO: not such a line (without its newline). */
int selftest_read(char *line, struct selftest_row *rowp);

/* What `xmbroker-server --self-test` and its like do for these roles: options --uid, --gid, --root-fd.
 * Returns the exit status. */
int selftest_main(int argc, char **argv, const enum box_role *roles, size_t n);

/* ---- the machine ------------------------------------------------------------------------------------- */

/*
 * Tries the hypercall instructions of the hypervisors from user mode, in children that are nobody.
 * A row each: SELFTEST_MISSING is an answer that only a hypervisor gives who takes hypercalls from any
 * process.
 */
void selftest_machine(uid_t nobody, void (*take)(void *context, const struct selftest_row *row),
		      void *context);

#endif
