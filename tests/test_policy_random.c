// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The compiled evaluator against the naive interpreter, which was written from the manual alone: random
 * policies over the whole language, random requests, users, times and buckets.  All of the decision is
 * compared.
 *
 * XM_SEED says other policies than always, XM_POLICIES how many of them (in each of the tests), and
 * XM_REQUESTS how many questions are asked about each.
 */

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "tests/policy/helper.h"
#include "tests/random_rig.h"

/* Together more than a million questions. */
#define POLICIES 3000
#define REQUESTS 400

static struct {
	uint64_t policies, hopeless, cases, allowed, limited, charged, observed, overridden,
		unmatched;
} seen;

static void count(const struct policy_decision *d)
{
	seen.cases++;
	seen.allowed += d->effect == POLICY_ALLOW;
	seen.limited += d->limited;
	seen.charged += d->limit != POLICY_NO_LIMIT;
	seen.observed += d->observed != POLICY_NO_RULE;
	seen.unmatched += d->rule == POLICY_NO_RULE;
	seen.overridden += d->effect == POLICY_DENY && d->rule != POLICY_NO_RULE && !d->limited;
}

static void ask_all(struct rig *rig, uint64_t seed, uint64_t n)
{
	struct rig_answers answers;
	struct rig_case c;

	for (uint64_t i = 0; i < n; i++) {
		rig_random_case(rig, &c);
		rig_ask(rig, &c, &answers);
		count(&answers.compiled);
		if (!answers.differ)
			continue;
		rig_report(rig, &c);
		cr_assert_fail("XM_SEED=%" PRIu64 " XM_POLICIES=1 shows it", seed);
	}
}

/* Sanitizers make everything slow, and the test is about logic. */
static uint64_t policies(void)
{
	const char *sanitized = getenv("XM_SANITIZED");

	return rig_number("XM_POLICIES", sanitized && *sanitized ? POLICIES / 10 : POLICIES);
}

static void run(struct random_shape shape, uint64_t part)
{
	uint64_t first = rig_number("XM_SEED", 1 + part * 1000000), n = policies();
	uint64_t requests = rig_number("XM_REQUESTS", REQUESTS);
	static struct rig rig;

	random_seed = 1;
	rig_systems_make(12);
	for (uint64_t seed = first; seed < first + n; seed++) {
		random_seed = seed * UINT64_C(0x2545f4914f6cdd1d);
		rig_pick_system(&shape);
		if (!rig_make(&rig, &shape)) {
			seen.hopeless++;
			continue;
		}
		seen.policies++;
		ask_all(&rig, seed, requests);
		rig_free(&rig);
	}
	rig_systems_free();
	fprintf(stderr,
		"count: %" PRIu64 " questions about %" PRIu64 " policies (seeds %" PRIu64
		" on): 0 differences; %" PRIu64 " allowed, %" PRIu64 " of them charged, %" PRIu64
		" denied by a rule, %" PRIu64 " for want of tokens, %" PRIu64 " observed\n",
		seen.cases, seen.policies, first, seen.allowed, seen.charged, seen.overridden,
		seen.limited, seen.observed);
	cr_assert_lt(seen.hopeless * 10, n + 9);
}

/* The comparison means something only if all outcomes are common. */
static void expect_variety(bool limits, bool shadows)
{
	if (seen.policies < 50)
		return;
	cr_assert_gt(seen.allowed, seen.cases / 20);
	cr_assert_gt(seen.overridden, seen.cases / 50);
	cr_assert_gt(seen.unmatched, seen.cases / 20);
	cr_assert_gt(seen.charged, limits ? seen.cases / 200 : 0);
	cr_assert_gt(seen.limited, limits ? seen.cases / 200 : 0);
	cr_assert_gt(seen.observed, shadows ? seen.cases / 200 : 0);
}

#define WHOLE .times = true, .limits = true, .shadows = true

Test(policy_random, the_whole_language)
{
	run((struct random_shape){ .roles = 6, .rules = 6, .grants = 8, WHOLE }, 0);
	expect_variety(true, true);
}

Test(policy_random, few_operations)
{
	run((struct random_shape){ .roles = 4, .rules = 6, .grants = 6, .small = true, WHOLE }, 1);
	expect_variety(true, true);
}

Test(policy_random, few_rules)
{
	run((struct random_shape){ .roles = 2, .rules = 2, .grants = 3, WHOLE }, 2);
	expect_variety(true, true);
}

Test(policy_random, two_files)
{
	run((struct random_shape){ .roles = 6,
				   .rules = 4,
				   .grants = 4,
				   .two_files = true,
				   .nevers = true,
				   WHOLE },
	    3);
	expect_variety(true, true);
}

/* What the comparison has found. */
Test(policy_random, not_of_what_one_argument_cannot_be)
{
	struct compiled c = compile_good(PREAMBLE "roles:\n"
						  "  r:\n"
						  "  - allow: XM_halt_vcpu\n"
						  "    where: {vcpuId: 0..3}\n"
						  "  - deny: [XM_halt_vcpu, XM_update_page32]\n"
						  "    where: {resource: {not: 0x100000000}}\n"
						  "grants:\n"
						  "- {to: everyone, roles: r}\n");

	cr_assert_eq(decide(&c, 1, 1, "XM_halt_vcpu(0)").rule, 1);
	compiled_free(&c);
}
