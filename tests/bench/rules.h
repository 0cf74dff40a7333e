/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_BENCH_RULES_H
#define TESTS_BENCH_RULES_H

/*
 * Large policies, as an integrator's tools would write them: the same ones for the same numbers, good,
 * with next to no dead rule, for a system of 64 partitions and 256 channels (large_write()).
 */

#include <stdint.h>

#include "libxm/core/request.h"

#define RULES_FILES 16       /* a file is at most 4 MiB */
#define RULES_FIRST_ID 20000 /* of users, and of groups */
#define RULES_GIDS 4         /* that a subject is in at most */

struct rules {
	unsigned int rules, roles, grants;
	uint64_t random; /* where the next draw comes from; not 0 */
};

/* Numbers of roles and grants that go with so many rules: 200 roles and 2,000 grants with 10,000. */
struct rules rules_of(unsigned int n);

/* Writes it to NAME-0.yaml, ... in `folder`; returns the number of files.  `system` is what it names. */
unsigned int rules_write(const struct rules *rules, const char *folder, const char *name,
			 const char *system);

/* Somebody to whom something is granted, and a call of which there are rules. */
struct rules_asker {
	uint32_t uid;
	uint32_t gids[RULES_GIDS]; /* ascending */
	uint32_t n_gids;
	struct xm_request req;
};
void rules_draw(struct rules *rules, struct rules_asker *asker);

#endif
