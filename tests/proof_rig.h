/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_PROOF_RIG_H
#define TESTS_PROOF_RIG_H

/*
 * Small random policies, one after the other, each with the world in which all that it can tell apart is
 * tried; and what is expected of the witnesses of a proof.
 */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "policy/prove.h"
#include "tests/small_world.h"

/* The policy, and what brute force says. */
extern struct rig rig;
extern struct small_world world;
extern uint64_t proof_seed;
extern uint32_t proof_self; /* the partition of the proof, or UINT32_MAX */
extern struct proof_count {
	uint64_t policies, answers, witnesses, tried, undecided;
} seen;

#define FAIL(r, ...)                                                                               \
	do {                                                                                       \
		fprintf(stderr, "%s%s\n", (r)->p.text[0], (r)->p.text[1]);                         \
		fprintf(stderr, __VA_ARGS__);                                                      \
		cr_assert_fail("\nXM_SEED=%" PRIu64 " XM_POLICIES=1 shows it", proof_seed);        \
	} while (0)

/* A policy for `rig`. */
bool proof_policy(bool nevers);
/* Calls `check` for each policy, in its world. */
void proof_each(bool nevers, void (*check)(uint32_t self));

struct rig_case proof_case(const struct rig *r, const struct prove_witness *w);
/* How both decide the witness, which must be alike. */
struct naive_answer proof_ask(struct rig *r, const struct prove_witness *w);
void proof_expect(struct rig *r, const struct prove_witness *w, bool allowed);

#endif
