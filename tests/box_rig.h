/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BOX_RIG_H
#define TESTS_BOX_RIG_H

/* A child that confines itself, does one thing and is then looked at. */

#include <stdbool.h>
#include <sys/types.h>

#include "xmbroker/box.h"
#include "xmbroker/box_tables.h"

#define OTHER_UID 64242
#define OTHER_GID 64243

struct fds {
	int socket[2]; /* a connected pair */
	int file;      /* a temporary file, already unlinked, O_APPEND */
	int listener;
	pid_t parent; /* asking for it is not allowed in the box */
};

void fds_init(struct fds *fds);
void fds_deinit(struct fds *fds);

/* Runs `act` in a child that is confined as `role`; returns the wait status. */
int confined(enum box_role role, int (*act)(const struct fds *fds));
bool is_killed(int status);
bool is_exit(int status, int code);

/* Runs `act` in a child; returns its exit status. */
int in_child(int (*act)(void));
/* The same with Landlock alone. */
int in_landlock(enum box_role role, const struct box_place *places, size_t n, int (*act)(void));

#define ROOT_ONLY()                                                                                \
	do {                                                                                       \
		if (geteuid() != 0)                                                                \
			cr_skip_test("not run: needs root");                                       \
	} while (0)

/* act_NAME: returns 0 when the call came back with an error, 1 when it worked. */
#define ACT(name, ...)                                                                             \
	static int act_##name(const struct fds *fds)                                               \
	{                                                                                          \
		(void)fds;                                                                         \
		return (__VA_ARGS__) < 0 ? 0 : 1;                                                  \
	}

#endif
