// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs against brute force: small random policies, of which all requests, users and times are tried one
 * by one by the naive interpreter, and what the algebra says about the same.  What a proof calls possible
 * must be so for its witness; what it calls impossible must not be found.
 */

#include "tests/proof_rig.h"

/* ---- invariants -------------------------------------------------------------------------------------- */

static void broken(void *data, const struct prove_counterexample *example)
{
	struct rig_case c = proof_case(&rig, example->witness);
	const struct naive_asker asker = { c.uid, false, c.gids, c.n_gids };
	uint64_t *foundp = data;
	bool matches[RIG_RULES];

	*foundp |= UINT64_C(1) << example->never;
	proof_expect(&rig, example->witness, true);
	naive_matching(rig.naive, &c.req, c.self, matches);
	if (!matches[example->rule])
		FAIL(&rig, "rule %u does not allow the counterexample", example->rule);
	if (!naive_never_covers(rig.naive, example->never, &c.req, c.self) ||
	    naive_never_excepts(rig.naive, example->never, &asker))
		FAIL(&rig, "the counterexample does not break invariant %u", example->never);
}

static void check_never(uint32_t self)
{
	const struct prove_options options = { .now = RANDOM_NOW, .self = self };
	uint64_t proved = 0, found = 0;
	enum prove_result result = prove_never(rig.image, &options, broken, &proved, NULL);

	for (unsigned int r = 0; r < world.n_requests; r++)
		for (unsigned int p = 0; p < world.n_places; p++)
			if (small_allows(&world.request[r], &world.place[p]))
				found |= world.request[r].nevers & world.place[p].nevers;
	seen.answers += naive_n_nevers(rig.naive);
	seen.undecided += result == PROVE_UNDECIDED;
	if (found & ~proved)
		FAIL(&rig,
		     "invariants %" PRIx64 " are broken, %" PRIx64 " are said to be (self %d)",
		     found, proved, (int)self);
	if (result != (proved ? PROVE_BROKEN : PROVE_HOLDS))
		FAIL(&rig, "the result does not fit");
	/* The compiler is asked too, for which it may be any partition. */
	if (self == UINT32_MAX && rig_is_refused(&rig) != (proved != 0))
		FAIL(&rig, "the compiler takes another view");
}

Test(policy_proofs, never)
{
	proof_each(true, check_never);
}

/* ---- dead rules ---------------------------------------------------------------------------------------- */

struct corpses {
	uint64_t dead;
};

static void dead(void *data, const struct prove_dead_rule *found)
{
	if (found->reason != PROVE_DEAD_UNGRANTED)
		((struct corpses *)data)->dead |= UINT64_C(1) << found->rule;
}

/* All that counts of a decision by these rules. */
static uint64_t outcome(uint64_t set, struct naive_moment moment, const bool *empty)
{
	bool rules[SMALL_RULES];
	struct naive_answer a;

	for (unsigned int r = 0; r < SMALL_RULES; r++)
		rules[r] = set >> r & 1;
	a = naive_conclude(rig.naive, rules, moment, empty);
	/* A deny that denies what nothing allows is a guard rail, and lives. */
	return (uint64_t)a.charged << 8 | (a.allowed | a.audited << 1 | a.limited << 2 |
					   (!a.allowed && !a.limited && a.rule != NAIVE_NONE) << 3 |
					   (a.observed != NAIVE_NONE) << 4);
}

/* Whether some decision is another without the rules `out`; all that match are `set`. */
static bool matter(uint64_t set, uint64_t out, struct naive_moment moment)
{
	bool empty[SMALL_RULES] = { false };

	if (!(set & out))
		return false;
	if (outcome(set, moment, NULL) != outcome(set & ~out, moment, NULL))
		return true;
	/* One bucket, or all but one, or all are empty. */
	for (unsigned int round = 0; round < 2; round++)
		for (uint32_t one = 0; one <= naive_n_rules(rig.naive); one++) {
			for (uint32_t r = 0; r < naive_n_rules(rig.naive); r++)
				empty[r] = (r == one) != round && naive_says(rig.naive, r, "limit");
			if (outcome(set, moment, empty) != outcome(set & ~out, moment, empty))
				return true;
		}
	return false;
}

/* The different sets of rules that requests match. */
static unsigned int distinct(uint64_t sets[SMALL_REQUESTS])
{
	unsigned int n = 0, i;

	for (unsigned int r = 0; r < world.n_requests; r++) {
		for (i = 0; i < n && sets[i] != world.request[r].matches; i++)
			;
		if (i == n)
			sets[n++] = world.request[r].matches;
	}
	return n;
}

static void check_dead(uint32_t self)
{
	const struct prove_options options = { .now = RANDOM_NOW, .self = self };
	static uint64_t sets[SMALL_REQUESTS];
	struct corpses corpses = { 0 };
	enum prove_result result = prove_dead(rig.image, &options, dead, &corpses);
	uint64_t had = 0, needed = 0, all = (UINT64_C(1) << naive_n_rules(rig.naive)) - 1;
	unsigned int n = distinct(sets);

	for (unsigned int p = 0; p < world.n_places; p++)
		for (unsigned int i = 0; i < n; i++) {
			const struct naive_moment moment = world.moment[world.place[p].moment];
			uint64_t set = sets[i] & world.place[p].has;

			had |= world.place[p].has;
			if (matter(set, corpses.dead, moment))
				FAIL(&rig, "rules %" PRIx64 " are not dead (self %d): %" PRIx64,
				     corpses.dead, (int)self, set);
			for (uint32_t r = 0; r < naive_n_rules(rig.naive); r++)
				/* Of shadow rules nothing is said. */
				if (naive_says(rig.naive, r, "observe_until"))
					needed |= UINT64_C(1) << r;
				else if (!(needed >> r & 1) && (set >> r & 1) &&
					 matter(set & ~corpses.dead, UINT64_C(1) << r, moment))
					needed |= UINT64_C(1) << r;
		}
	seen.answers += naive_n_rules(rig.naive);
	seen.undecided += result == PROVE_UNDECIDED;
	/* Of windows there are more times than are tried. */
	if ((had & all & ~needed & ~corpses.dead) && !rig.p.n_windows)
		FAIL(&rig,
		     "rules %" PRIx64 " are dead, and only %" PRIx64 " are said to be (self %d)",
		     had & all & ~needed, corpses.dead, (int)self);
}

Test(policy_proofs, dead_rules)
{
	proof_each(false, check_dead);
}
