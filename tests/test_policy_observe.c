// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Shadow rules: what they observe, and that they do nothing else.
 */

#include "tests/policy/helper.h"

#define DAY INT64_C(86400)
#define T0 INT64_C(4102444800) /* 2100-01-01 */

/* Lines: 6 and 8 are allows, 9 and 11 ... as numbered. */
static const char policy[] = PREAMBLE "roles:\n"
				      "  r:\n"
				      "    - allow: \"@time\"\n"  /* 6, rule 0 */
				      "    - deny: XM_get_time\n" /* 7, rule 1 */
				      "      observe_until: 2100-01-01\n"
				      "      where: {clock: XM_EXEC_CLOCK}\n"
				      "    - allow: \"@console\"\n" /* 10, rule 2 */
				      "      observe_until: 2100-01-01\n"
				      "    - deny: XM_write_console\n" /* 12, rule 3 */
				      "      observe_until: 2100-01-01\n"
				      "      where: {buffer: {length: 100..}}\n"
				      "    - allow: \"@status\"\n" /* 15, rule 4 */
				      "      audit: never\n"
				      "    - deny: XM_get_system_status\n"  /* 17, rule 5 */
				      "    - allow: XM_get_system_status\n" /* 18, rule 6 */
				      "      observe_until: 2100-01-01\n"
				      "    - deny: XM_get_plan_status\n" /* 20, rule 7 */
				      "      observe_until: 2101-01-01\n"
				      "      audit: never\n"
				      "grants:\n"
				      "  - {to: everyone, roles: r}\n";

static struct policy_decision ask(const char *text, int64_t now, bool determined)
{
	struct compiled c = compile_good(policy);
	struct policy_subject subject = { .uid = 1 };
	struct policy_time time = { .now = now, .determined = determined };
	struct policy_decision d;
	char error[CALL_ERROR_MAX];
	struct call call;

	cr_assert_eq(call_parse(text, policy_image_system(c.image), 0, &call, error), 0, "%s",
		     error);
	d = policy_decide(c.image, &subject, &call.req, 0, time, NULL);
	compiled_free(&c);
	return d;
}

Test(policy_observe, a_shadow_deny_only_observes)
{
	struct policy_decision d = ask("XM_get_time(XM_EXEC_CLOCK)", T0 - 1, true);

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.rule, 0);
	cr_expect_eq(d.observed, 1);
	cr_expect(d.audited);
}

Test(policy_observe, a_shadow_deny_denies_from_its_time_on)
{
	struct policy_decision d = ask("XM_get_time(XM_EXEC_CLOCK)", T0, true);

	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.rule, 1);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
	cr_expect_eq(ask("XM_get_time(XM_EXEC_CLOCK)", INT64_MAX, true).effect, POLICY_DENY);
	cr_expect_eq(ask("XM_get_time(XM_EXEC_CLOCK)", INT64_MIN, true).effect, POLICY_ALLOW);
}

Test(policy_observe, a_shadow_deny_denies_when_the_time_is_unknown)
{
	cr_expect_eq(ask("XM_get_time(XM_EXEC_CLOCK)", T0 - DAY, false).effect, POLICY_DENY);
}

Test(policy_observe, what_it_does_not_match_is_not_observed)
{
	struct policy_decision d = ask("XM_get_time(XM_HW_CLOCK)", T0 - 1, true);

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
	cr_expect_not(d.audited);
}

Test(policy_observe, a_shadow_allow_never_allows)
{
	struct policy_decision d = ask("XM_write_console({length: 3})", T0 - 1, true);

	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.rule, POLICY_NO_RULE);
	cr_expect_eq(d.observed, 2);
	d = ask("XM_write_console({length: 3})", T0, true);
	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
	d = ask("XM_write_console({length: 3})", T0 - 1, false);
	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
}

/* With both in force it would be denied, as it is. */
Test(policy_observe, what_would_stay_the_same_is_not_observed)
{
	struct policy_decision d = ask("XM_write_console({length: 100})", T0 - 1, true);

	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
	d = ask("XM_get_system_status()", T0 - 1, true);
	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_eq(d.rule, 5);
	cr_expect_eq(d.observed, POLICY_NO_RULE);
}

Test(policy_observe, what_is_observed_is_recorded_whatever_the_rules_say)
{
	struct policy_decision d = ask("XM_get_plan_status()", T0, true);

	cr_expect_eq(d.effect, POLICY_ALLOW);
	cr_expect_eq(d.observed, 7);
	cr_expect(d.audited);
	d = ask("XM_get_plan_status()", 2 * T0, true);
	cr_expect_eq(d.effect, POLICY_DENY);
	cr_expect_not(d.audited);
}

/* The mask says what the broker could ever forward. */
Test(policy_observe, a_shadow_allow_is_no_part_of_the_mask)
{
	struct compiled c = compile_good(policy);
	struct xm_mask mask, without;

	policy_image_mask(c.image, &mask);
	memset(&without, 0, sizeof(without));
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (xm_ops[op].class == XM_CLASS_TIME || xm_ops[op].class == XM_CLASS_STATUS)
			xm_mask_add_call(&without, op);
	/* By which every policy's system description is compared with the hypervisor. */
	xm_mask_add(&without, XM_OP_GET_GID_BY_NAME);
	xm_mask_add(&without, XM_OP_GET_PLAN_STATUS);
	xm_mask_add(&without, XM_OP_GET_SAMPLING_PORT_INFO);
	xm_mask_add(&without, XM_OP_GET_QUEUING_PORT_INFO);
	cr_expect(xm_mask_equal(&mask, &without));
	compiled_free(&c);
}
