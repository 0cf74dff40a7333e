// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rules with a limit: which bucket is charged, what the image says about limits, and that their keys
 * stay the same as long as the rules do.
 */

#include "tests/policy/helper.h"

static const char policy[] = PREAMBLE "roles:\n"
				      "  r:\n"
				      "    - allow: XM_get_time\n" /* rule 0 */
				      "      limit: {rate: 6/min, burst: 2}\n"
				      "    - allow: \"@time\"\n" /* rule 1 */
				      "      limit: {rate: 1/d}\n"
				      "      audit: never\n"
				      "    - allow: XM_get_time\n" /* rule 2 */
				      "      where: {clock: XM_EXEC_CLOCK}\n"
				      "    - allow: \"@status\"\n" /* rule 3 */
				      "      limit: {rate: 1000000/s, burst: 1000000}\n"
				      "      audit: never\n"
				      "  s:\n"
				      "    - allow: \"@status\"\n" /* rule 4 */
				      "      observe_until: 2100-01-01\n"
				      "grants:\n"
				      "  - {to: everyone, roles: r}\n"
				      "  - {to: \"user:7\", roles: [r, s]}\n";

static uint32_t limit_of(const struct policy_image *image, uint32_t rule)
{
	struct policy_limit limit;

	for (uint32_t n = 0; policy_image_limit(image, n, &limit); n++)
		if (limit.rule == rule)
			return n;
	return POLICY_NO_LIMIT;
}

/* Decides with the buckets of these rules (up to one that is UINT32_MAX) empty. */
static struct policy_decision ask(const struct compiled *c, uint32_t uid, const char *text,
				  const uint32_t *rules)
{
	struct policy_subject subject = { .uid = uid };
	struct policy_time time = { .now = 1800000000, .determined = true };
	uint32_t empty[8], n = 0;
	char error[CALL_ERROR_MAX];
	struct call call;

	for (uint32_t l = 0; l < policy_image_n_limits(c->image); l++)
		for (const uint32_t *r = rules; *r != UINT32_MAX; r++)
			if (limit_of(c->image, *r) == l)
				empty[n++] = l;
	cr_assert_eq(call_parse(text, policy_image_system(c->image), 0, &call, error), 0, "%s",
		     error);
	return policy_decide(c->image, &subject, &call.req, 0, time,
			     &(struct policy_buckets){ empty, n });
}

#define ASK(uid, text, ...) ask(&c, uid, text, (const uint32_t[]){ __VA_ARGS__ UINT32_MAX })
#define NONE

Test(policy_limit, the_first_with_a_token_is_charged)
{
	struct compiled c = compile_good(policy);
	struct policy_decision d = ASK(1, "XM_get_time(XM_HW_CLOCK)", NONE);

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.rule, 0);
	cr_expect_eq(d.limit, limit_of(c.image, 0));
	d = ASK(1, "XM_get_time(XM_HW_CLOCK)", 0, );
	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.rule, 1);
	cr_expect_eq(d.limit, limit_of(c.image, 1));
	compiled_free(&c);
}

Test(policy_limit, without_a_token_it_is_denied_and_says_so)
{
	struct compiled c = compile_good(policy);
	struct policy_decision d = ASK(1, "XM_get_time(XM_HW_CLOCK)", 0, 1, );

	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect(d.limited);
	cr_expect_eq(d.rule, 0);
	cr_expect_eq(d.limit, POLICY_NO_LIMIT);
	cr_expect(d.audited); /* the higher of the two levels */
	d = ASK(1, "XM_get_system_status()", 3, );
	cr_expect(d.limited);
	cr_expect_not(d.audited);
	compiled_free(&c);
}

Test(policy_limit, what_is_allowed_without_a_limit_charges_nothing)
{
	struct compiled c = compile_good(policy);
	struct policy_decision d = ASK(1, "XM_get_time(XM_EXEC_CLOCK)", NONE);

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.rule, 2);
	cr_expect_eq(d.limit, POLICY_NO_LIMIT);
	d = ASK(1, "XM_get_time(XM_EXEC_CLOCK)", 0, 1, );
	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_not(d.limited);
	compiled_free(&c);
}

Test(policy_limit, for_want_of_tokens_a_shadow_allow_is_observed)
{
	struct compiled c = compile_good(policy);
	struct policy_decision d = ASK(7, "XM_get_system_status()", 3, );

	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect(d.limited);
	cr_expect_eq(d.observed, 4);
	cr_expect(d.audited);
	cr_expect_eq(ASK(7, "XM_get_system_status()", NONE).observed, POLICY_NO_RULE);
	compiled_free(&c);
}

Test(policy_limit, no_buckets_are_full_buckets)
{
	struct compiled c = compile_good(policy);
	struct policy_decision d = decide(&c, 1, 100, "XM_get_time(XM_HW_CLOCK)");

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.limit, limit_of(c.image, 0));
	compiled_free(&c);
}

Test(policy_limit, the_image_tells_about_them)
{
	struct compiled c = compile_good(policy);
	struct policy_limit limit, before = { .key = 0 };
	uint32_t n;

	cr_assert_eq(policy_image_n_limits(c.image), 3);
	for (uint32_t i = 0; i < 3; i++) {
		cr_assert(policy_image_limit(c.image, i, &limit));
		cr_expect(!i || limit.key > before.key);
		cr_expect(policy_image_find_limit(c.image, limit.key, &n) && n == i);
		before = limit;
	}
	cr_expect_not(policy_image_limit(c.image, 3, &limit));
	cr_expect_not(policy_image_find_limit(c.image, before.key + 1, &n));
	policy_image_limit(c.image, limit_of(c.image, 0), &limit);
	cr_expect(limit.count == 6 && limit.period == 60 && limit.burst == 2);
	policy_image_limit(c.image, limit_of(c.image, 1), &limit);
	cr_expect(limit.count == 1 && limit.period == 86400 && limit.burst == 1);
	policy_image_limit(c.image, limit_of(c.image, 3), &limit);
	cr_expect(limit.count == 1000000 && limit.period == 1 && limit.burst == 1000000);
	compiled_free(&c);
}

/* ---- keys -------------------------------------------------------------------------------------- */

static uint64_t key_of(const char *role, const char *rule)
{
	char text[1024];
	struct policy_limit limit;
	struct compiled c;

	snprintf(text, sizeof(text),
		 PREAMBLE "define:\n  two: [payload, camera]\nroles:\n  %s:\n    - %s\n", role,
		 rule);
	c = compile_good(text);
	cr_assert_eq(policy_image_n_limits(c.image), 1);
	policy_image_limit(c.image, 0, &limit);
	compiled_free(&c);
	return limit.key;
}

#define RULE "{allow: [XM_reset_partition], where: {partitionId: two, status: 1..3}, limit: "

Test(policy_limit, a_key_stays_as_long_as_the_rule_does)
{
	uint64_t key = key_of("r", RULE "{rate: 6/min}}");

	cr_expect_eq(key, key_of("r", RULE "{rate: 7/h, burst: 9}, audit: always, because: x}"));
	cr_expect_eq(key,
		     key_of("r", "{limit: {rate: 6/min}, where: {status: [1, 2, 3], partitionId: "
				 "[2, 1]}, allow: XM_reset_partition}"));
	cr_expect_neq(key, key_of("q", RULE "{rate: 6/min}}"));
	cr_expect_neq(key,
		      key_of("r", "{allow: XM_reset_partition, where: {partitionId: two, status: "
				  "1..4}, limit: {rate: 6/min}}"));
	cr_expect_neq(key, key_of("r", "{allow: XM_reset_partition, where: {partitionId: two, "
				       "resetMode: 1}, limit: {rate: 6/min}}"));
	cr_expect_neq(key,
		      key_of("r", "{allow: [XM_halt_partition], where: {partitionId: two}, limit: "
				  "{rate: 6/min}}"));
}

Test(policy_limit, rules_that_say_the_same_have_buckets_of_their_own)
{
	struct compiled c = compile_good(PREAMBLE "roles:\n"
						  "  r:\n"
						  "    - {allow: \"@time\", limit: {rate: 1/s}}\n"
						  "    - {allow: \"@time\", limit: {rate: 1/s}}\n"
						  "    - {allow: \"@time\", limit: {rate: 1/h}}\n"
						  "grants: [{to: everyone, roles: r}]\n");
	struct policy_decision d;

	cr_assert_eq(policy_image_n_limits(c.image), 3);
	d = ASK(1, "XM_get_time(0)", 0, );
	cr_expect_eq(d.rule, 1);
	d = ASK(1, "XM_get_time(0)", 0, 1, );
	cr_expect_eq(d.rule, 2);
	d = ASK(1, "XM_get_time(0)", 0, 1, 2, );
	cr_expect(d.limited);
	compiled_free(&c);
}
