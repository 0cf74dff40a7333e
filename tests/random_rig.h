/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_RANDOM_RIG_H
#define TESTS_RANDOM_RIG_H

/*
 * A random policy, compiled, beside the naive interpreter of the same text; and questions to both.
 */

#include "policy/eval.h"
#include "tests/naive.h"
#include "tests/random_policy.h"

#define RIG_RULES 1024

struct rig {
	struct random_policy p;
	const struct policy_image *image;
	void *block;
	size_t len;
	struct naive *naive;
	/* The limit of each rule, or POLICY_NO_LIMIT. */
	uint32_t limit[RIG_RULES];
	bool shared; /* some rules share a bucket, so that which is empty cannot be said by rule */
};

/* One question.  The request borrows memory of tests/random_request.c until the next one is made. */
struct rig_case {
	struct xm_request req;
	uint32_t self;
	uint32_t uid;
	bool overflow;
	uint32_t gids[RANDOM_IDS];
	unsigned int n_gids;
	struct naive_moment moment;
	uint64_t empty; /* says which buckets are; 0: none */
};

struct rig_answers {
	struct naive_answer naive;
	struct policy_decision compiled;
	const char *differ; /* in what; NULL: they agree */
};

/* Numbers from the environment. */
uint64_t rig_number(const char *variable, uint64_t otherwise);
/* Descriptions that policies can be about; the first is the loopback one. */
void rig_systems_make(unsigned int n);
void rig_systems_free(void);
void rig_pick_system(struct random_shape *shape);

/*
 * Makes a policy of this shape and compiles it without the parts that are errors; false: nothing is left.
 * The path of the description and the folder for files are the rig's own business.
 */
bool rig_make(struct rig *rig, const struct random_shape *shape);
/* Compiles what lives.  False: it has errors, which `messagesp` (may be NULL) gets; to be freed. */
bool rig_compile(struct rig *rig, char **messagesp);
/* Whether the compiler refuses what lives, invariants included. */
bool rig_is_refused(const struct rig *rig);
void rig_free(struct rig *rig);

void rig_random_case(const struct rig *rig, struct rig_case *c);
void rig_ask(struct rig *rig, const struct rig_case *c, struct rig_answers *answers);
/* Takes out all of the policy that does not matter to the difference, and says what is left. */
void rig_report(struct rig *rig, const struct rig_case *c);
void rig_print_case(const struct rig_case *c);

#endif
