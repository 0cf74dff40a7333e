// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the comparisons of proofs with brute force share.  XM_SEED says other policies than always,
 * XM_POLICIES how many of them in each of the tests.
 */

#include "libxm/core/wire.h"
#include "tests/proof_rig.h"

#define POLICIES 500

struct rig rig;
struct small_world world;
uint64_t proof_seed;
uint32_t proof_self;
struct proof_count seen;

/* ---- witnesses ----------------------------------------------------------------------------------- */

static void check_sendable(const struct rig *r, const struct xm_request *req)
{
	static uint8_t msg[XM_WIRE_MAX];
	struct xm_request back;
	int len = xm_wire_put_call(msg, sizeof(msg), 1, req);

	if (len < 0 || xm_wire_get_call(msg, (size_t)len, &back))
		FAIL(r, "the witness cannot be sent: %s", xm_ops[req->op].name);
}

struct rig_case proof_case(const struct rig *r, const struct prove_witness *w)
{
	struct rig_case c = { .req = w->req, .self = w->self, .uid = w->uid };
	uint32_t n;

	system_partitions(r->p.shape.sys, &n);
	if (w->n_gids > RANDOM_IDS || w->self >= n ||
	    (w->time.determined && w->time.now < RANDOM_NOW))
		FAIL(r, "the witness is nobody, nowhere or of the past");
	memcpy(c.gids, w->gids, w->n_gids * sizeof(*w->gids));
	c.n_gids = w->n_gids;
	c.moment = (struct naive_moment){ w->time.now, w->time.determined };
	return c;
}

struct naive_answer proof_ask(struct rig *r, const struct prove_witness *w)
{
	struct rig_case c = proof_case(r, w);
	struct rig_answers answers;

	seen.witnesses++;
	check_sendable(r, &w->req);
	rig_ask(r, &c, &answers);
	if (answers.differ) {
		rig_print_case(&c);
		FAIL(r, "the witness is decided differently");
	}
	return answers.naive;
}

void proof_expect(struct rig *r, const struct prove_witness *w, bool allowed)
{
	struct rig_case c = proof_case(r, w);

	if (proof_ask(r, w).allowed == allowed)
		return;
	rig_print_case(&c);
	FAIL(r, "the witness is not %s", allowed ? "allowed" : "denied");
}

/* ---- policies ---------------------------------------------------------------------------------------- */

bool proof_policy(bool nevers)
{
	struct random_shape shape = { .roles = 3,
				      .rules = 4,
				      .grants = 5,
				      .ids = 3,
				      .small = true,
				      .times = dice(2),
				      .limits = true,
				      .shadows = dice(2),
				      .nevers = nevers };

	rig_pick_system(&shape);
	return rig_make(&rig, &shape);
}

static uint32_t pick_self(void)
{
	uint32_t n;

	system_partitions(rig.p.shape.sys, &n);
	return dice(3) ? dice(n) : UINT32_MAX;
}

/* That the world is the one that is decided in: a few questions. */
static void check_world(struct small_world *w)
{
	for (unsigned int i = 0; i < 50; i++)
		if (!small_world_check(w, dice(w->n_requests), dice(w->n_askers),
				       dice(w->n_moments)))
			FAIL(w->rig, "the brute force is wrong");
}

void proof_each(bool nevers, void (*check)(uint32_t self))
{
	const char *sanitized = getenv("XM_SANITIZED");
	uint64_t first = rig_number("XM_SEED", 1);
	uint64_t n = rig_number("XM_POLICIES", sanitized && *sanitized ? POLICIES / 10 : POLICIES);

	random_seed = 1;
	rig_systems_make(12);
	for (proof_seed = first; proof_seed < first + n; proof_seed++) {
		random_seed = proof_seed * UINT64_C(0x2545f4914f6cdd1d);
		if (!proof_policy(nevers))
			continue;
		proof_self = pick_self();
		small_world_make(&world, &rig, proof_self);
		check_world(&world);
		seen.policies++;
		seen.tried += (uint64_t)world.n_requests * world.n_askers * world.n_moments;
		check(proof_self);
		rig_free(&rig);
	}
	rig_systems_free();
	fprintf(stderr,
		"count: %" PRIu64 " policies (seeds %" PRIu64 " on), %" PRIu64
		" answers and %" PRIu64 " witnesses against %" PRIu64
		" decisions: 0 differences, %" PRIu64 " undecided\n",
		seen.policies, first, seen.answers, seen.witnesses, seen.tried, seen.undecided);
	cr_assert_gt(seen.policies * 2, n);
	cr_assert_eq(seen.undecided, 0);
}
