// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The promises of the evaluator: each test fails if the check that it is about is taken out.
 */

#include <limits.h>

#include "tests/policy/helper.h"

static struct compiled good(const char *rest)
{
	char text[4096];

	snprintf(text, sizeof(text), "%s%s", PREAMBLE, rest);
	return compile_good(text);
}

Test(policy_rules, deny_wins_in_any_order)
{
	static const char *const policies[] = {
		"roles:\n  r:\n  - deny: XM_halt_system\n  - allow: XM_halt_system\n"
		"grants: [{to: everyone, roles: [r]}]\n",
		"roles:\n  r:\n  - allow: XM_halt_system\n  - deny: XM_halt_system\n"
		"grants: [{to: everyone, roles: [r]}]\n",
		"roles:\n  a:\n  - allow: XM_halt_system\n  d:\n  - deny: XM_halt_system\n"
		"grants: [{to: \"user:5\", roles: [a]}, {to: everyone, roles: [d]}]\n",
		"roles:\n  a:\n  - allow: XM_halt_system\n  d:\n  - deny: XM_halt_system\n"
		"grants: [{to: everyone, roles: [a]}, {to: \"user:5\", roles: [d]}]\n",
		"roles:\n  a:\n  - allow: XM_halt_system\n  d:\n  - deny: XM_halt_system\n"
		"grants: [{to: \"user:5\", roles: [a]}, {to: \"group:100\", roles: [d]}]\n",
	};

	for (size_t i = 0; i < sizeof(policies) / sizeof(policies[0]); i++) {
		struct compiled c = good(policies[i]);

		cr_expect(!allows(&c, 5, "XM_halt_system()"), "%s", policies[i]);
		compiled_free(&c);
	}
}

Test(policy_rules, nothing_matches_is_a_recorded_denial)
{
	struct compiled c = good("roles: {r: []}\ngrants: []\n");
	struct policy_decision d = decide(&c, 5, 100, "XM_halt_system()");

	cr_assert_eq(d.effect, POLICY_DENY);
	cr_assert_eq(d.rule, POLICY_NO_RULE);
	cr_assert(d.audited);
	compiled_free(&c);
}

/* A broad class must not give away the own partition. */
Test(policy_rules, class_does_not_cover_stopping_oneself)
{
	struct compiled c = good("roles:\n  r:\n  - allow: \"@partition\"\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert(allows(&c, 5, "XM_halt_partition(1)"));
	cr_assert(allows(&c, 5, "XM_resume_partition(0)"));
	cr_assert(!allows(&c, 5, "XM_halt_partition(0)"));
	cr_assert(!allows(&c, 5, "XM_suspend_partition(self)"));
	cr_assert(!allows(&c, 5, "XM_reset_partition(linux, XM_WARM_RESET, 0)"));
	cr_assert(!allows(&c, 5, "XM_idle_self()"));
	compiled_free(&c);
}

Test(policy_rules, self_stop_class_covers_nothing_else)
{
	struct compiled c = good("roles:\n  r:\n  - allow: \"@self-stop\"\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert(allows(&c, 5, "XM_halt_partition(0)"));
	cr_assert(allows(&c, 5, "XM_idle_self()"));
	cr_assert(!allows(&c, 5, "XM_halt_partition(1)"));
	compiled_free(&c);
}

Test(policy_rules, both_classes_cover_both)
{
	struct compiled c = good("roles:\n  r:\n  - allow: [\"@partition\", \"@self-stop\"]\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert(allows(&c, 5, "XM_halt_partition(0)"));
	cr_assert(allows(&c, 5, "XM_halt_partition(1)"));
	compiled_free(&c);
}

Test(policy_rules, deny_by_class_covers_stopping_oneself)
{
	struct compiled c =
		good("roles:\n  r:\n  - allow: XM_halt_partition\n  - deny: \"@partition\"\n"
		     "    where: {partitionId: self}\n"
		     "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert(!allows(&c, 5, "XM_halt_partition(0)"));
	cr_assert(allows(&c, 5, "XM_halt_partition(1)"));
	cr_assert(strstr(c.messages, "warning: this also allows XM_halt_partition of the own"),
		  "%s", c.messages);
	compiled_free(&c);
}

Test(policy_rules, own_stop_by_name_warns_only_without_a_constraint)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_halt_partition\n"
				 "    where: {partitionId: {not: self}}\n"
				 "  - allow: [XM_reset_partition, \"@self-stop\"]\n");

	cr_assert_str_empty(c.messages);
	compiled_free(&c);
}

static struct policy_decision decide_as(const struct compiled *c, bool overflow)
{
	struct xm_request req = { .op = XM_OP_HALT_SYSTEM };
	struct policy_subject subject = { .uid = 65534, .overflow = overflow };
	struct policy_time time = { .determined = false };

	return policy_decide(c->image, &subject, &req, 0, time, NULL);
}

Test(policy_rules, overflow_id_matches_no_rule)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_halt_system\n    audit: never\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert_eq(decide_as(&c, false).effect, POLICY_ALLOW);
	cr_assert_eq(decide_as(&c, true).effect, POLICY_DENY);
	cr_assert_eq(decide_as(&c, true).rule, POLICY_NO_RULE);
	cr_assert(decide_as(&c, true).audited);
	compiled_free(&c);
}

Test(policy_rules, operations_outside_the_policy_are_never_allowed)
{
	struct compiled c = good("roles:\n  r:\n  - allow: [\"@time\"]\n"
				 "grants: [{to: everyone, roles: [r]}]\n");
	struct xm_request req = { .op = XM_OP_UNCLASSIFIED };

	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	req.op = XM_OP_PARTITION_SELF;
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	req.op = XM_N_OPS;
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	req.op = UINT_MAX;
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	compiled_free(&c);
}

/* ---- attributes that a request does not determine ---------------------------------------------- */

#define CREATE "XM_create_sampling_port(attitude, 64, XM_SOURCE_PORT, 0)"

static enum policy_effect with_state(const struct compiled *c, unsigned int arg, uint8_t state)
{
	char error[CALL_ERROR_MAX];
	struct call call;

	cr_assert_eq(call_parse(CREATE, policy_image_system(c->image), 0, &call, error), 0);
	call.req.arg[arg].state = state;
	return decide_request(c->image, 5, NULL, 0, &call.req, 0).effect;
}

Test(policy_rules, undetermined_never_allows)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_create_sampling_port\n"
				 "    where: {portName: {not: hk-1}}\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert_eq(with_state(&c, 1, XM_ST_OK), POLICY_ALLOW);
	for (uint8_t state = XM_ST_NULL; state < XM_N_STATES; state++)
		cr_expect_eq(with_state(&c, 1, state), POLICY_DENY, "state %u", state);
	compiled_free(&c);
}

Test(policy_rules, undetermined_always_denies)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_create_sampling_port\n"
				 "  - deny: XM_create_sampling_port\n    where: {portName: hk-1}\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	cr_assert_eq(with_state(&c, 1, XM_ST_OK), POLICY_ALLOW);
	for (uint8_t state = XM_ST_NULL; state < XM_N_STATES; state++)
		cr_expect_eq(with_state(&c, 1, state), POLICY_DENY, "state %u", state);
	compiled_free(&c);
}

Test(policy_rules, deny_with_one_failing_constraint_does_not_match)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_create_sampling_port\n"
				 "  - deny: XM_create_sampling_port\n"
				 "    where: {portName: hk-1, direction: XM_DESTINATION_PORT}\n"
				 "grants: [{to: everyone, roles: [r]}]\n");

	/* The name is unknown, but the direction is certainly another. */
	cr_assert_eq(with_state(&c, 1, XM_ST_FAULT), POLICY_ALLOW);
	compiled_free(&c);
}

Test(policy_rules, port_that_does_not_exist_has_no_name)
{
	struct compiled c =
		good("roles:\n  a:\n  - allow: XM_read_sampling_message\n"
		     "    where: {portName: \"*\"}\n"
		     "  d:\n  - allow: XM_read_sampling_message\n"
		     "  - deny: XM_read_sampling_message\n    where: {portName: hk-1}\n"
		     "grants: [{to: \"user:1\", roles: [a]}, {to: \"user:2\", roles: [d]}]\n");

	cr_assert(allows(&c, 1, "XM_read_sampling_message(0, 8)"));
	cr_assert(allows(&c, 2, "XM_read_sampling_message(0, 8)"));
	cr_assert(!allows(&c, 2, "XM_read_sampling_message(1, 8)"));
	/* 99: no port; 2: a queuing port; 4: a port of another partition. */
	cr_assert(!allows(&c, 1, "XM_read_sampling_message(99, 8)"));
	cr_assert(!allows(&c, 2, "XM_read_sampling_message(99, 8)"));
	cr_assert(!allows(&c, 1, "XM_read_sampling_message(2, 8)"));
	cr_assert(!allows(&c, 1, "XM_read_sampling_message(4, 8)"));
	cr_assert(!allows(&c, 2, "XM_read_sampling_message(0xffffffff, 8)"));
	compiled_free(&c);
}

Test(policy_rules, number_wider_than_its_type_is_undetermined)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_halt_partition\n"
				 "    where: {partitionId: [payload, {not: camera}]}\n"
				 "grants: [{to: everyone, roles: [r]}]\n");
	struct xm_request req = { .op = XM_OP_HALT_PARTITION };

	req.arg[0].num = 1;
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_ALLOW);
	req.arg[0].num = (UINT64_C(1) << 32) + 1;
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	compiled_free(&c);
}

/* ---- who --------------------------------------------------------------------------------------- */

Test(policy_rules, all_needs_all)
{
	struct compiled c =
		good("roles:\n  r:\n  - allow: XM_halt_system\n"
		     "grants: [{to: {all: [\"group:7\", \"group:9\", \"user:5\"]}, roles: [r]}]\n");
	struct xm_request req = { .op = XM_OP_HALT_SYSTEM };
	uint32_t both[] = { 9, 3, 7, 9 }, one[] = { 3, 9 };

	cr_assert_eq(decide_request(c.image, 5, both, 4, &req, 0).effect, POLICY_ALLOW);
	cr_assert_eq(decide_request(c.image, 6, both, 4, &req, 0).effect, POLICY_DENY);
	cr_assert_eq(decide_request(c.image, 5, one, 2, &req, 0).effect, POLICY_DENY);
	cr_assert_eq(decide_request(c.image, 5, NULL, 0, &req, 0).effect, POLICY_DENY);
	compiled_free(&c);
}

Test(policy_rules, defined_principals)
{
	struct compiled c =
		good("define: {ops: crew, crew: \"group:7\", both: [ops, \"user:5\"], short: limit,"
		     " limit: {length: ..4}}\n"
		     "roles:\n  r:\n  - allow: XM_halt_system\n  s:\n"
		     "  - allow: XM_reset_system\n  w:\n  - allow: XM_write_console\n"
		     "    where: {buffer: short}\n"
		     "grants: [{to: ops, roles: [r]}, {to: {all: both}, roles: [s]},"
		     " {to: {all: [ops, \"user:5\"]}, roles: [w]}]\n");

	cr_assert_eq(decide(&c, 6, 7, "XM_halt_system()").effect, POLICY_ALLOW);
	cr_assert_eq(decide(&c, 6, 8, "XM_halt_system()").effect, POLICY_DENY);
	cr_assert_eq(decide(&c, 5, 7, "XM_reset_system(0)").effect, POLICY_ALLOW);
	cr_assert_eq(decide(&c, 6, 7, "XM_reset_system(0)").effect, POLICY_DENY);
	cr_assert_eq(decide(&c, 5, 7, "XM_write_console(4)").effect, POLICY_ALLOW);
	cr_assert_eq(decide(&c, 5, 7, "XM_write_console(5)").effect, POLICY_DENY);
	compiled_free(&c);
}

Test(policy_rules, user_and_group_of_one_number_are_two)
{
	struct compiled c = good("roles:\n  r:\n  - allow: XM_halt_system\n"
				 "grants: [{to: \"group:5\", roles: [r]}]\n");

	cr_assert(!allows(&c, 5, "XM_halt_system()"));
	cr_assert_eq(decide(&c, 6, 5, "XM_halt_system()").effect, POLICY_ALLOW);
	compiled_free(&c);
}

Test(policy_rules, filter_keeps_named_groups_once_and_sorted)
{
	struct compiled c = good("roles: {r: []}\ngrants:\n- {to: \"group:9\", roles: [r]}\n"
				 "- {to: {all: [\"group:4\", \"group:7\"]}, roles: [r]}\n");
	uint32_t gids[] = { 9, 1, 7, 9, 100, 4, 7 };

	cr_assert_eq(policy_image_filter_groups(c.image, gids, 7), 3);
	cr_assert_eq(gids[0], 4);
	cr_assert_eq(gids[1], 7);
	cr_assert_eq(gids[2], 9);
	compiled_free(&c);
}

/* ---- which rule, and whether it is recorded ---------------------------------------------------- */

Test(policy_rules, first_in_file_order_decides_and_the_highest_level_audits)
{
	struct compiled c = good("roles:\n  r:\n"
				 "  - allow: XM_halt_system\n"
				 "  - allow: XM_halt_system\n    audit: always\n"
				 "  d:\n"
				 "  - deny: XM_halt_system\n    audit: never\n"
				 "  e:\n"
				 "  - deny: XM_halt_system\n"
				 "grants:\n"
				 "- {to: \"user:1\", roles: [r]}\n"
				 "- {to: \"user:2\", roles: [r, d]}\n"
				 "- {to: \"user:3\", roles: [e, d, r]}\n");
	struct policy_decision d = decide(&c, 1, 100, "XM_halt_system()");

	cr_assert_eq(d.effect, POLICY_ALLOW);
	cr_assert_eq(d.rule, 0);
	cr_assert(d.audited);
	d = decide(&c, 2, 100, "XM_halt_system()");
	cr_assert_eq(d.effect, POLICY_DENY);
	cr_assert_eq(d.rule, 2);
	cr_assert(!d.audited);
	d = decide(&c, 3, 100, "XM_halt_system()");
	cr_assert_eq(d.rule, 2);
	cr_assert(d.audited);
	compiled_free(&c);
}

Test(policy_rules, source_of_a_rule)
{
	struct compiled c =
		good("roles:\n  r:\n  - allow: XM_halt_system\n    because: it is late\n");
	struct policy_source source;

	cr_assert(policy_image_source(c.image, 0, &source));
	cr_assert_str_eq(source.file, "p.yaml");
	cr_assert_eq(source.line, 6);
	cr_assert_eq(source.column, 5);
	cr_assert_str_eq(source.role, "r");
	cr_assert_str_eq(source.because, "it is late");
	cr_assert(!policy_image_source(c.image, 1, &source));
	cr_assert(!policy_image_source(c.image, POLICY_NO_RULE, &source));
	compiled_free(&c);
}
