/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SMALL_WORLD_H
#define TESTS_SMALL_WORLD_H

/*
 * All requests, askers and times that a small random policy can tell apart, one by one, and what the naive
 * interpreter says about each: the brute force that proofs are compared with.  Rules are bits, so that a
 * decision costs next to nothing.
 */

#include "tests/random_rig.h"

#define SMALL_RULES 64
#define SMALL_REQUESTS 16384
#define SMALL_ASKERS 64 /* users 0 to 2, 4242 (see random_policy.c) and another, in any groups */
#define SMALL_MOMENTS 96
#define SMALL_PLACES (SMALL_ASKERS * SMALL_MOMENTS)

struct small_request {
	struct xm_request req;
	uint32_t self;
	uint64_t matches; /* rules */
	uint64_t nevers;  /* invariants that are about it */
};

/* An asker at a time. */
struct small_place {
	unsigned int asker, moment;
	uint64_t has; /* rules */
	/* Of these, what decides: denies that deny now, allows that allow. */
	uint64_t denies, allows;
	uint64_t watches; /* allows that only observe */
	uint64_t nevers;  /* invariants from which the asker is not excepted */
};

struct small_world {
	struct rig *rig;
	unsigned int n_requests, n_askers, n_moments, n_places;
	struct small_request request[SMALL_REQUESTS];
	struct rig_case asker[SMALL_ASKERS]; /* uid and groups */
	struct naive_moment moment[SMALL_MOMENTS];
	struct small_place place[SMALL_PLACES]; /* without those that are as others before them */
	unsigned int place_of[SMALL_ASKERS][SMALL_MOMENTS];
};

/* All of it for the policy of the rig on this partition, or (UINT32_MAX) on any. */
void small_world_make(struct small_world *w, struct rig *rig, uint32_t self);
/* The same requests, askers and times, judged by another policy about the same system. */
void small_world_copy(struct small_world *w, struct rig *rig, const struct small_world *from);

static inline bool small_allows(const struct small_request *r, const struct small_place *p)
{
	return !(r->matches & p->denies) && (r->matches & p->allows);
}

/* Calls policy_decide() and the naive interpreter proper; ends the test if they are not what the world
 * says. */
bool small_world_check(struct small_world *w, unsigned int request, unsigned int asker,
		       unsigned int moment);

#endif
