// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Explanations: the rules that decided, or the nearest one and what it wanted; and reading a call.
 */

#include "tests/policy/helper.h"
#include "policy/explain.h"

static const char policy[] =
	PREAMBLE "roles:\n" /* 4 */
		 "  looker:\n"
		 "    - allow: XM_get_time\n" /* 6 */
		 "  operator:\n"
		 "    - allow: XM_reset_partition\n" /* 8 */
		 "      where: {partitionId: [payload, camera], resetMode: XM_WARM_RESET}\n"
		 "    - allow: \"@partition\"\n" /* 10 */
		 "      where: {partitionId: {not: camera}}\n"
		 "    - deny: XM_halt_system\n" /* 12 */
		 "      because: never in flight\n"
		 "    - allow: XM_read_sampling_message\n" /* 14 */
		 "      where: {portName: \"hk-*\"}\n"
		 "  nobodys:\n"
		 "    - allow: XM_reset_system\n" /* 17 */
		 "grants:\n"
		 "  - {to: everyone, roles: [looker]}\n"
		 "  - {to: \"user:1\", roles: [operator]}\n"; /* 20 */

static const struct policy_time now = { .now = 1800000000, .determined = true };

static struct explanation explain(const struct compiled *c, uint32_t uid, const char *text)
{
	struct policy_subject subject = { .uid = uid };
	char error[CALL_ERROR_MAX];
	struct explanation e;
	struct call call;

	cr_assert_eq(call_parse(text, policy_image_system(c->image), 0, &call, error), 0, "%s",
		     error);
	policy_explain(c->image, &subject, &call.req, 0, now, &e);
	return e;
}

Test(policy_explain, names_the_rule_that_allows)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 5, "XM_get_time(0)");

	cr_assert_eq(e.decision.effect, POLICY_ALLOW);
	cr_assert_eq(e.n_rules, 1);
	cr_assert_eq(e.rules[0].at.line, 6);
	cr_assert_str_eq(e.rules[0].role, "looker");
	compiled_free(&c);
}

Test(policy_explain, names_the_rule_that_denies)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_halt_system()");

	cr_assert_eq(e.decision.effect, POLICY_DENY);
	cr_assert_str_eq(e.why, "rule");
	cr_assert_eq(e.rules[0].at.line, 12);
	cr_assert_str_eq(e.rules[0].because, "never in flight");
	cr_assert(!e.has_nearest);
	compiled_free(&c);
}

Test(policy_explain, names_the_constraint_that_failed)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_reset_partition(camera, XM_COLD_RESET, 0)");

	cr_assert_str_eq(e.why, "no rule");
	cr_assert(e.has_nearest && e.granted);
	cr_assert_eq(e.nearest.at.line, 8);
	cr_assert_eq(e.n_failed, 1);
	cr_assert_str_eq(e.failed[0].attribute, "resetMode");
	cr_assert_str_eq(e.failed[0].wanted, "XM_WARM_RESET");
	cr_assert_str_eq(e.failed[0].had, "XM_COLD_RESET");
	cr_assert_eq(e.failed[0].at.line, 9);
	cr_assert_eq(e.failed[0].at.column, 47);
	compiled_free(&c);
}

Test(policy_explain, derived_name_in_a_failed_constraint)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_read_sampling_message(0, 8)");

	cr_assert_str_eq(e.failed[0].attribute, "portName");
	cr_assert_str_eq(e.failed[0].had, "\"attitude\"");
	e = explain(&c, 1, "XM_read_sampling_message(99, 8)");
	cr_assert_str_eq(e.failed[0].had, "unknown");
	compiled_free(&c);
}

Test(policy_explain, names_who_has_it)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 7, "XM_reset_partition(payload, XM_WARM_RESET, 0)");

	cr_assert(e.has_nearest && !e.granted);
	cr_assert_eq(e.nearest.at.line, 8);
	cr_assert_eq(e.n_failed, 0);
	cr_assert_eq(e.n_grants, 1);
	cr_assert_str_eq(e.grants[0].principal, "user:1");
	cr_assert_eq(e.grants[0].at.line, 20);
	compiled_free(&c);
}

Test(policy_explain, says_that_nobody_has_it)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_reset_system(0)");

	cr_assert(e.has_nearest && !e.granted);
	cr_assert_eq(e.n_grants, 0);
	compiled_free(&c);
}

Test(policy_explain, says_that_no_rule_is_about_it)
{
	struct compiled c = compile_good(policy);

	cr_assert(!explain(&c, 1, "XM_switch_sched_plan(1)").has_nearest);
	compiled_free(&c);
}

Test(policy_explain, own_partition_is_named_as_the_reason)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_halt_partition(self)");

	cr_assert_eq(e.nearest.at.line, 10);
	cr_assert_eq(e.n_failed, 1);
	cr_assert_null(e.failed[0].at.file);
	cr_assert(strstr(e.failed[0].wanted, "@self-stop"));
	compiled_free(&c);
}

Test(policy_explain, what_the_policy_does_not_decide)
{
	struct compiled c = compile_good(policy);
	struct policy_subject nobody = { .uid = 65534, .overflow = true };
	struct xm_request req = { .op = XM_OP_GET_TIME };
	struct explanation e = explain(&c, 0, "broker_reload(0, 0)");

	cr_assert_eq(e.decision.effect, POLICY_ALLOW);
	cr_assert_str_eq(e.why, "root");
	cr_assert(e.decision.audited);
	policy_explain(c.image, &nobody, &req, 0, now, &e);
	cr_assert_eq(e.decision.effect, POLICY_DENY);
	cr_assert_str_eq(e.why, "overflow id");
	compiled_free(&c);
}

Test(policy_explain, what_everybody_is_told_is_not_recorded)
{
	struct compiled c = compile_good(policy);
	struct explanation e = explain(&c, 1, "XM_PARTITION_SELF()");

	cr_assert_eq(e.decision.effect, POLICY_ALLOW);
	cr_assert_str_eq(e.why, "public");
	cr_assert(!e.decision.audited);
	compiled_free(&c);
}

/* Root needs no rule, but a rule that allows decides about the record. */
Test(policy_explain, a_rule_that_allows_root)
{
	struct compiled c = compile_good(PREAMBLE "roles:\n"
						  "  asker:\n"
						  "    - allow: broker_status\n" /* 6 */
						  "      audit: never\n"
						  "grants:\n"
						  "  - {to: everyone, roles: [asker]}\n");
	struct explanation e = explain(&c, 0, "broker_status()");

	cr_assert_eq(e.decision.effect, POLICY_ALLOW);
	cr_assert_str_eq(e.why, "rule");
	cr_assert_eq(e.rules[0].at.line, 6);
	cr_assert(!e.decision.audited);
	compiled_free(&c);
}

Test(policy_explain, json_and_text)
{
	static char room[8192];
	struct compiled c = compile_good(policy);
	struct policy_subject subject = { .uid = 1 };
	char error[CALL_ERROR_MAX];
	struct call call;
	struct explanation e;
	struct explain_context ctx = { c.image, "user:1", NULL, &subject, &call.req, 0 };
	struct text t = TEXT_INIT(room);

	cr_assert_eq(call_parse("XM_reset_partition(0, 0, 0)", policy_image_system(c.image), 0,
				&call, error),
		     0);
	policy_explain(c.image, &subject, &call.req, 0, now, &e);
	explain_json(&t, &ctx, &e);
	cr_assert(strstr(room, "{\"decision\":\"deny\",\"why\":\"no rule\",\"audited\":true,"),
		  "%s", room);
	cr_assert(strstr(room, "\"failed\":[{\"attribute\":\"partitionId\","), "%s", room);
	t.len = 0;
	explain_print(&t, &ctx, &e);
	cr_assert(strstr(room, "denied: XM_reset_partition(0, XM_COLD_RESET, 0)\n"), "%s", room);
	cr_assert(!t.truncated);
	compiled_free(&c);
}

/* ---- calls ------------------------------------------------------------------------------------- */

static void refuse(const char *text, const char *expected)
{
	char error[CALL_ERROR_MAX] = "";
	struct call call;

	cr_expect_neq(call_parse(text, NULL, 0, &call, error), 0, "%s", text);
	cr_expect(strstr(error, expected), "'%s': expected '%s', got '%s'", text, expected, error);
}

Test(policy_call, refusals)
{
	refuse("XM_get_tme(0)", "did you mean 'XM_get_time'?");
	refuse("XM_get_time(", "missing");
	refuse("XM_get_time(0", "closing parenthesis");
	refuse("XM_get_time()", "needs clock");
	refuse("XM_get_time", "needs clock");
	refuse("XM_get_time(0,)", "missing");
	refuse("XM_get_time(0, 1)", "fewer arguments");
	refuse("XM_get_time(0) x", "unexpected text");
	refuse("XM_get_time(clock=0, clock=1)", "given twice");
	refuse("XM_get_time(clok=0)", "no argument 'clok'");
	refuse("XM_get_time(XM_WALL_CLOCK)", "no value for clock");
	refuse("XM_halt_partition(-1)", "does not fit");
	refuse("XM_halt_partition(4294967296)", "does not fit");
	refuse("XM_halt_partition(camera)", "no value");
	refuse("XM_write_console({size: 4})", "as {length: N}");
	refuse("XM_create_sampling_port(\"abc, 1, 1)", "closing parenthesis");
	refuse("XM_get_time(time=5, 0)", "output");
}

static struct xm_request request(const char *text)
{
	static struct call call;
	char error[CALL_ERROR_MAX] = "";

	cr_assert_eq(call_parse(text, NULL, 2, &call, error), 0, "%s: %s", text, error);
	return call.req;
}

Test(policy_call, positions_names_and_defaults)
{
	struct xm_request req = request("XM_reset_partition(1, status=7, XM_WARM_RESET)");

	cr_assert_eq(req.arg[0].num, 1);
	cr_assert_eq(req.arg[1].num, 1);
	cr_assert_eq(req.arg[2].num, 7);
	req = request(" XM_write_console ( 14 ) ");
	cr_assert_eq(req.arg[0].num, 2);
	cr_assert_eq(req.arg[1].len, 14);
	cr_assert_eq(req.arg[2].num, 14);
	req = request("XM_write_console(partitionId=0, {length: 0x10})");
	cr_assert_eq(req.arg[0].num, 0);
	cr_assert_eq(req.arg[2].num, 16);
	req = request("XM_hm_read(3)");
	cr_assert_eq(req.arg[0].num, XM_HYPERVISOR_ID);
	cr_assert_eq(req.arg[2].num, 3);
	req = request("XM_get_plan_status()");
	cr_assert_eq(req.arg[0].num, 2);
	req = request("XM_create_sampling_port(\"a, b\", 64, XM_SOURCE_PORT)");
	cr_assert_eq(req.arg[1].len, 4);
	cr_assert_eq(req.arg[3].num, 2);
	cr_assert_eq(req.arg[4].state, XM_ST_ABSENT);
	req = request("XM_hm_seek(-3, 0)");
	cr_assert_eq((int64_t)req.arg[1].num, -3);
	req = request("XM_write_console(NULL, 100000)");
	cr_assert_eq(req.arg[1].state, XM_ST_NULL);
	req = request("XM_write_console(20000000)");
	cr_assert_eq(req.arg[1].state, XM_ST_OVERSIZE);
}
