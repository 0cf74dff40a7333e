/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BOX_TABLES_H
#define XMBROKER_BOX_TABLES_H

/* What each role keeps, as data: box_tables.c is all that has to be read to know it. */

#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "xmbroker/box.h"

#if defined(__SANITIZE_ADDRESS__)
#define BOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define BOX_SANITIZED 1
#endif
#endif
#ifndef BOX_SANITIZED
#define BOX_SANITIZED 0
#endif

/* Builds whose run-time library does things of its own at exit: see box_calls_at_exit. */
#if BOX_SANITIZED || defined(XM_COVERAGE)
#define BOX_INSTRUMENTED 1
#else
#define BOX_INSTRUMENTED 0
#endif

#define BOX_BIT(role) (1u << (role))

struct box_capability {
	unsigned int cap;
	unsigned int roles; /* BOX_BIT() of those that keep it */
	const char *why;
};

extern const struct box_capability box_capabilities[];
extern const size_t box_n_capabilities;

/* Set and locked for all but the supervisor. */
extern const unsigned long box_securebits;

/* A limit that depends on settings is `max` plus what struct box_room says. */
enum box_room_kind { BOX_ROOM_NONE, BOX_ROOM_MEMORY, BOX_ROOM_FILES };

struct box_limit {
	int resource; /* RLIMIT_* */
	const char *name;
	unsigned int roles;
	uint64_t max;
	enum box_room_kind room;
	const char *why;
};

extern const struct box_limit box_limits_table[];
extern const size_t box_n_limits;

/* Landlock: who is restricted at all, and which scopes.  What the kernel knows of file system and
 * network is always handled whole: only what follows is allowed. */
struct box_scope {
	unsigned int roles;
	bool abstract; /* no abstract socket of others */
	bool signals;  /* no signal to others */
	const char *why;
};

extern const struct box_scope box_scopes[];
extern const size_t box_n_scopes;

/* Places that are allowed whatever the settings are; others come through struct box_place. */
struct box_standard_place {
	unsigned int roles;
	struct box_place place;
	const char *why;
};

extern const struct box_standard_place box_places[];
extern const size_t box_n_places;

/* Landlock rights of each kind of place, by enum box_access. */
extern const uint64_t box_rights[];

/* error 0: may be called; else the call fails with that.  All that is not here kills. */
struct box_call {
	int nr;
	unsigned int roles;
	int error;
	unsigned int n_args;
	struct scmp_arg_cmp arg[2];
};

extern const struct box_call box_calls[];
extern const size_t box_n_calls;

#endif
