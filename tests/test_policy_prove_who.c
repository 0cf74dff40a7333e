// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who can do something, and which call that is allowed is the nearest to one that is denied.
 */

#include "tests/policy/proof.h"

static void see_holder(void *data, const struct prove_holder *holder)
{
	struct text *t = data;

	text_printf(t, "%s%s: %s", holder->principal, holder->always ? " always" : "",
		    holder->words);
	text_printf(t, "%s%s\n", *holder->unless ? "; unless " : "", holder->unless);
}

Test(policy_prove_who, who_can)
{
	struct compiled c = compile_for_proof(
		PREAMBLE "roles:\n"
			 "  r:\n"
			 "    - {allow: XM_reset_partition, where: {partitionId: [1, 2]}}\n"
			 "  s:\n"
			 "    - {allow: XM_reset_partition, where: {resetMode: XM_WARM_RESET}}\n"
			 "  d:\n"
			 "    - {deny: XM_reset_partition, where: {partitionId: 2}}\n"
			 "  e:\n"
			 "    - {deny: \"@partition\"}\n"
			 "grants:\n"
			 "  - {to: \"group:5\", roles: r}\n"
			 "  - {to: \"user:3\", roles: s, until: 2027-02-01}\n"
			 "  - {to: \"group:6\", roles: d}\n"
			 "  - {to: \"group:7\", roles: e}\n"
			 "  - {to: {all: [\"group:7\", \"group:9\"]}, roles: r}\n");
	struct prove_pattern pattern = { .op = XM_OP_RESET_PARTITION };
	char room[2048] = "";
	struct text t = TEXT_INIT(room);

	cr_assert_eq(prove_who(c.image, &pattern, &here, see_holder, &t), PROVE_BROKEN);
	cr_assert_str_eq(room,
			 "group:5: partitionId is payload or camera; unless group:6 (then less), "
			 "group:7\n"
			 "user:3: resetMode is XM_WARM_RESET, until 2027-02-01T00:00:00Z; unless "
			 "group:6 (then less), group:7\n");
	t = (struct text)TEXT_INIT(room);
	pattern.fixed[0] = true;
	pattern.arg[0].num = 1;
	cr_assert_eq(prove_who(c.image, &pattern, &here, see_holder, &t), PROVE_BROKEN);
	cr_assert_str_eq(room, "group:5: ; unless group:7\n"
			       "user:3: resetMode is XM_WARM_RESET, until 2027-02-01T00:00:00Z; "
			       "unless group:7\n");
	pattern.arg[0].num = 0;
	pattern.at_time = true;
	pattern.time = (struct policy_time){ NOW + 40 * DAY, true };
	cr_assert_eq(prove_who(c.image, &pattern, &here, see_holder, &t), PROVE_HOLDS);
	compiled_free(&c);
}

/* As the grant says them, where that is one window, over midnight and over the week's end too. */
Test(policy_prove_who, hours_in_words)
{
	static const char *const hours[][2] = {
		{ "hours: \"22:00-04:00\"", "daily 22:00-04:00 UTC" },
		{ "hours: \"18:00-08:00\"", "daily 18:00-08:00 UTC" },
		{ "hours: \"22:00-04:00\", days: sun", "Sun 22:00-04:00 UTC" },
		{ "hours: \"22:00-04:00\", days: [mon-wed, sun]", "Mon-Wed,Sun 22:00-04:00 UTC" },
		{ "hours: \"22:00-04:00\", days: mon-sat", "Mon-Sat 22:00-04:00 UTC" },
		{ "hours: \"22:00-00:00\"", "daily 22:00-24:00 UTC" },
		{ "hours: \"00:00-04:00\"", "daily 00:00-04:00 UTC" },
		{ "hours: \"08:00-18:00\", days: mon-fri", "Mon-Fri 08:00-18:00 UTC" },
		{ "days: [sat, sun]", "Sat-Sun UTC" },
		{ "hours: \"01:00-02:00\", offset: \"+02:00\"", "daily 23:00-24:00 UTC" },
		{ "hours: [\"00:00-12:00\", \"13:00-24:00\"]", "but not daily 12:00-13:00 UTC" },
		{ "hours: [\"22:00-23:00\", \"01:00-02:00\"], days: sun",
		  "Sun 01:00 to Sun 02:00, Sun 22:00 to Sun 23:00 UTC" },
	};
	struct prove_pattern pattern = { .op = XM_OP_GET_TIME };
	char room[2048], expected[256];

	for (size_t i = 0; i < sizeof(hours) / sizeof(hours[0]); i++) {
		struct text t = TEXT_INIT(room);
		struct compiled c;

		snprintf(room, sizeof(room),
			 PREAMBLE "roles:\n  r: [{allow: XM_get_time}]\n"
				  "grants:\n  - {to: \"group:5\", roles: r, %s}\n",
			 hours[i][0]);
		c = compile_for_proof(room);
		prove_who(c.image, &pattern, &here, see_holder, &t);
		snprintf(expected, sizeof(expected), "group:5: %s\n", hours[i][1]);
		cr_expect_str_eq(room, expected);
		compiled_free(&c);
	}
}

/* ---- the nearest miss -------------------------------------------------------------------------- */

static void see_nearest(void *data, const struct prove_nearest *nearest)
{
	struct text *t = data;

	text_printf(t, "rule %u, %u constraints%s%s: ", nearest->rule, nearest->n_constraints,
		    nearest->other_time ? ", another time" : "",
		    nearest->grant == UINT32_MAX ? "" : ", a grant");
	prove_witness_call(t, nearest->witness);
	text_puts(t, " ");
	prove_witness_as(t, nearest->witness);
}

static void expect_nearest(const struct compiled *c, uint32_t gid, const char *call,
			   const char *expected)
{
	struct policy_subject subject = { .uid = 1, .gids = &gid, .n_gids = 1 };
	struct policy_time time = { NOW, true };
	char error[CALL_ERROR_MAX], room[512] = "";
	struct text t = TEXT_INIT(room);
	struct call parsed;

	cr_assert_eq(call_parse(call, policy_image_system(c->image), 0, &parsed, error), 0, "%s",
		     error);
	prove_nearest(c->image, &subject, &parsed.req, time, &here, see_nearest, &t);
	cr_assert_str_eq(room, expected, "%s: %s", call, room);
}

Test(policy_prove_who, the_nearest_is_allowed)
{
	struct compiled c = compile_for_proof(
		PREAMBLE "roles:\n"
			 "  r:\n"
			 "    - allow: XM_reset_partition\n"
			 "      where: {partitionId: [1, 2], resetMode: XM_WARM_RESET}\n"
			 "    - {deny: XM_reset_partition, where: {partitionId: 1, status: 4..}}\n"
			 "  s:\n"
			 "    - {allow: XM_reset_partition, where: {partitionId: 0}}\n"
			 "    - {allow: XM_create_sampling_port, where: {portName: \"hk-*\"}}\n"
			 "grants:\n"
			 "  - {to: \"group:5\", roles: r}\n"
			 "  - {to: \"group:6\", roles: s}\n");

	expect_nearest(&c, 5, "XM_reset_partition(2, XM_COLD_RESET, 9)",
		       "rule 0, 1 constraints: XM_reset_partition(2, XM_WARM_RESET, 9) "
		       "user:1,group:5");
	/* Not partition 1, which is denied with this status. */
	expect_nearest(&c, 5, "XM_reset_partition(0, XM_WARM_RESET, 9)",
		       "rule 0, 1 constraints: XM_reset_partition(2, XM_WARM_RESET, 9) "
		       "user:1,group:5");
	expect_nearest(&c, 7, "XM_reset_partition(0, XM_WARM_RESET, 9)",
		       "rule 2, 0 constraints, a grant: XM_reset_partition(0, XM_WARM_RESET, 9) "
		       "user:1,group:6,group:7");
	expect_nearest(&c, 6, "XM_create_sampling_port(\"other\", 1, 1)",
		       "rule 3, 1 constraints: XM_create_sampling_port(\"hk-1\", 1, "
		       "XM_DESTINATION_PORT) user:1,group:6");
	expect_nearest(&c, 6, "XM_halt_system()", "");
	compiled_free(&c);
}

/* A deny that is enforced from a date on stands in the way then, at whatever time the rule holds. */
Test(policy_prove_who, the_nearest_may_be_at_another_time)
{
	struct compiled c =
		compile_for_proof(PREAMBLE "roles:\n"
					   "  r:\n"
					   "    - {allow: XM_get_time}\n"
					   "    - {deny: XM_get_time, observe_until: 2027-06-01}\n"
					   "grants:\n"
					   "  - {to: \"group:5\", roles: r}\n");
	const struct prove_options from_now = { .now = NOW };
	uint32_t gid = 5;
	struct policy_subject subject = { .uid = 1, .gids = &gid, .n_gids = 1 };
	struct xm_request req = { .op = XM_OP_GET_TIME };
	struct policy_time later = { NOW + 300 * DAY, true }, unknown = { 0, false };
	char room[512] = "";
	struct text t = TEXT_INIT(room);

	cr_assert_eq(prove_nearest(c.image, &subject, &req, later, &from_now, see_nearest, &t),
		     PROVE_BROKEN);
	cr_assert_eq(prove_nearest(c.image, &subject, &req, unknown, &from_now, see_nearest, &t),
		     PROVE_BROKEN);
	cr_assert_str_eq(room, "rule 0, 0 constraints, another time: XM_get_time(XM_HW_CLOCK) "
			       "user:1,group:5rule 0, 0 constraints, another time: "
			       "XM_get_time(XM_HW_CLOCK) user:1,group:5");
	compiled_free(&c);
}

/* ---- budget ------------------------------------------------------------------------------------ */

Test(policy_prove_who, a_spent_budget_is_undecided)
{
	struct compiled c = compile_for_proof(PREAMBLE "roles:\n"
						       "  r:\n"
						       "    - {allow: XM_halt_partition}\n"
						       "    - {deny: XM_halt_partition}\n"
						       "grants:\n"
						       "  - {to: \"group:5\", roles: r}\n");
	struct prove_pattern pattern = { .op = XM_OP_HALT_PARTITION };
	struct prove_options poor = { .now = NOW, .budget = 1 };
	struct policy_subject nobody = { .uid = 1 };
	struct xm_request req = { .op = XM_OP_HALT_PARTITION };
	struct policy_time time = { NOW, true };

	cr_assert_eq(prove_who(c.image, &pattern, &poor, NULL, NULL), PROVE_UNDECIDED);
	cr_assert_eq(prove_nearest(c.image, &nobody, &req, time, &poor, NULL, NULL),
		     PROVE_UNDECIDED);
	poor.budget = 100;
	cr_assert_eq(prove_who(c.image, &pattern, &poor, NULL, NULL), PROVE_HOLDS);
	cr_assert_eq(prove_nearest(c.image, &nobody, &req, time, &poor, NULL, NULL), PROVE_HOLDS);
	compiled_free(&c);
}

/* ---- what is not determined -------------------------------------------------------------------- */

Test(policy_prove_who, a_deny_matches_what_is_not_determined)
{
	struct compiled c = compile_for_proof(
		PREAMBLE "roles:\n"
			 "  r:\n"
			 "    - {allow: XM_create_sampling_port}\n"
			 "    - {deny: XM_create_sampling_port, where: {portName: \"hk-*\"}}\n"
			 "grants:\n"
			 "  - {to: \"group:5\", roles: r}\n");
	struct prove_pattern pattern = { .op = XM_OP_CREATE_SAMPLING_PORT };
	char room[512] = "";
	struct text t = TEXT_INIT(room);

	cr_assert_eq(prove_who(c.image, &pattern, &here, see_holder, &t), PROVE_BROKEN);
	cr_assert_str_eq(room, "group:5: portName is not \"hk-*\"\n");
	pattern.fixed[1] = true;
	pattern.arg[1].state = XM_ST_NULL;
	cr_assert_eq(prove_who(c.image, &pattern, &here, see_holder, &t), PROVE_HOLDS);
	compiled_free(&c);
}
