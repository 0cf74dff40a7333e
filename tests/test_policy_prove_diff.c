// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How two policies differ: in words, for whom, and each with a witness that shows it.
 */

#include "tests/policy/proof.h"

struct changes {
	struct text t;
	char room[4096];
	const struct policy_image *old, *new;
	unsigned int n;
};

static void see_change(void *data, const struct prove_change *change)
{
	struct policy_decision a, b;
	struct changes *seen = data;

	seen->n++;
	text_printf(&seen->t, "%s %s: %s: %s%s\n", xm_ops[change->op].name,
		    prove_change_text(change->kind), change->who, change->words, change->detail);
	a = prove_witness_decide(seen->old, change->witness);
	b = prove_witness_decide(seen->new, change->witness);
	cr_assert_eq(a.rule, change->old_rule);
	cr_assert_eq(b.rule, change->new_rule);
	if (change->kind <= PROVE_CHANGE_DENIED) {
		cr_assert_eq(b.effect == POLICY_ALLOW, change->kind == PROVE_CHANGE_ALLOWED);
		cr_assert_neq(a.effect, b.effect);
		return;
	}
	cr_assert_eq(a.effect, b.effect);
	if (change->kind <= PROVE_CHANGE_UNRECORDED) {
		cr_assert_neq(a.audited, b.audited);
		cr_assert_eq(b.audited, change->kind == PROVE_CHANGE_RECORDED);
	} else {
		cr_assert_eq(b.effect, POLICY_ALLOW);
	}
}

static enum prove_relation diff_images(const struct compiled *a, const struct compiled *b,
				       struct changes *seen)
{
	*seen = (struct changes){ .old = a->image, .new = b->image };
	seen->t = (struct text){ seen->room, sizeof(seen->room), 0, false };
	return prove_diff(a->image, b->image, &here, see_change, seen);
}

static enum prove_relation diff_texts(const char *old, const char *new, struct changes *seen)
{
	struct compiled a = compile_for_proof(old), b = compile_for_proof(new);
	enum prove_relation relation = diff_images(&a, &b, seen);

	compiled_free(&a);
	compiled_free(&b);
	return relation;
}

#define DIFF_OLD                                                                                   \
	PREAMBLE "roles:\n"                                                                        \
		 "  r:\n"                                                                          \
		 "    - allow: [XM_reset_partition, XM_shutdown_partition]\n"                      \
		 "      where: {partitionId: [1, 2]}\n"                                            \
		 "    - {allow: XM_create_sampling_port, where: {portName: \"hk-*\"}}\n"           \
		 "    - {deny: XM_reset_partition, where: {status: 7}}\n"                          \
		 "grants:\n"                                                                       \
		 "  - {to: \"group:5\", roles: r}\n"

Test(policy_prove_diff, the_same_said_otherwise_is_equal)
{
	struct changes seen;

	cr_assert_eq(diff_texts(DIFF_OLD,
				PREAMBLE
				"grants:\n"
				"  - {to: \"group:5\", roles: [s, t]}\n"
				"roles:\n"
				"  t:\n"
				"    - deny: XM_reset_partition\n"
				"      where: {status: {mask: 0xffffffff, is: 7}}\n"
				"    - {allow: XM_reset_partition, where: {partitionId: camera}}\n"
				"    - {allow: XM_shutdown_partition, where: {partitionId: 1..2}}\n"
				"  s:\n"
				"    - allow: XM_reset_partition\n"
				"      where: {partitionId: 1, status: [..40, 44..]}\n"
				"    - allow: XM_reset_partition\n"
				"      where: {partitionId: 1, status: 41..43}\n"
				"    - allow: XM_create_sampling_port\n"
				"      where: {portName: [\"hk-1\", \"hk-*\"]}\n",
				&seen),
		     PROVE_EQUAL, "%s", seen.room);
	cr_assert_eq(seen.n, 0, "%s", seen.room);
}

static void expect_diff(const char *old, const char *new, enum prove_relation relation,
			const char *expected)
{
	struct changes seen;

	cr_assert_eq(diff_texts(old, new, &seen), relation, "%s", seen.room);
	cr_assert_str_eq(seen.room, expected);
	cr_assert_eq(diff_texts(new, old, &seen), relation == PROVE_WIDER      ? PROVE_NARROWER
						  : relation == PROVE_NARROWER ? PROVE_WIDER
									       : relation);
}

#define ONE_RULE(rule, grant)                                                                      \
	PREAMBLE "roles:\n  r:\n" rule "grants:\n  - {to: everyone, roles: base}\n"                \
		 "  - {roles: r, " grant "}\n"

#define BASE "  base:\n    - {allow: XM_get_vcpuid}\n"

Test(policy_prove_diff, differences_in_words)
{
	expect_diff(ONE_RULE("    - {allow: XM_reset_partition, where: {status: 3..5}}\n" BASE,
			     "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_reset_partition, where: {status: 3..6}}\n" BASE,
			     "to: \"group:5\""),
		    PROVE_WIDER, "XM_reset_partition is allowed now: group:5: status is 6\n");
	expect_diff(ONE_RULE("    - {allow: XM_create_sampling_port}\n" BASE, "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_create_sampling_port, "
			     "where: {portName: {not: \"hk-*\"}, direction: 1}}\n" BASE,
			     "to: \"group:5\""),
		    PROVE_NARROWER,
		    "XM_create_sampling_port is denied now: group:5: portName is \"hk-*\", or "
		    "undetermined; or portName is not \"hk-*\", direction is not "
		    "XM_DESTINATION_PORT\n");
	expect_diff(
		ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"group:5\""),
		ONE_RULE("    - {allow: XM_get_time}\n" BASE,
			 "to: \"group:5\", until: 2027-02-01, hours: \"08:00-18:00\""),
		PROVE_NARROWER,
		"XM_get_time is denied now: group:5: from 2027-02-01T00:00:00Z or while the clock "
		"is not to be trusted; or until 2027-02-01T00:00:00Z, daily 18:00-08:00 UTC\n");
	expect_diff(ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"user:5\""),
		    PROVE_INCOMPARABLE,
		    "XM_get_time is allowed now: user:5: \n"
		    "XM_get_time is denied now: group:5: \n");
	expect_diff(ONE_RULE("    - {allow: XM_read_sampling_message, where: {portName: "
			     "\"hk-1\"}}\n" BASE,
			     "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_read_sampling_message, where: {portName: "
			     "[\"hk-1\", attitude]}}\n" BASE,
			     "to: \"group:5\""),
		    PROVE_WIDER,
		    "XM_read_sampling_message is allowed now: group:5: portName is \"attitude\"\n");
}

Test(policy_prove_diff, a_deny_that_goes_away)
{
	expect_diff(PREAMBLE "roles:\n"
			     "  r: [{allow: XM_get_time}]\n"
			     "  d: [{deny: XM_get_time}]\n"
			     "grants:\n"
			     "  - {to: \"group:5\", roles: r}\n"
			     "  - {to: \"user:7\", roles: d}\n",
		    PREAMBLE "roles:\n"
			     "  r: [{allow: XM_get_time}]\n"
			     "grants:\n"
			     "  - {to: \"group:5\", roles: r}\n",
		    PROVE_WIDER, "XM_get_time is allowed now: user:7 and group:5: \n");
}

Test(policy_prove_diff, recording_and_limits_are_told_apart)
{
	struct changes seen;

	expect_diff(ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_get_time, audit: always}\n" BASE, "to: \"group:5\""),
		    PROVE_EQUAL, "XM_get_time is recorded now: group:5: \n");
	expect_diff(ONE_RULE("    - {deny: XM_get_time, audit: never}\n" BASE, "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_hm_status}\n" BASE, "to: \"group:6\""), PROVE_WIDER,
		    "XM_hm_status is allowed now: group:6: \n"
		    "XM_get_time is recorded now: group:5: \n");
	expect_diff(ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_get_time, limit: {rate: 6/min, burst: 2}}\n" BASE,
			     "to: \"group:5\""),
		    PROVE_EQUAL,
		    "XM_get_time is limited now: group:5: no limit -> 6/min, burst 2\n");
	expect_diff(ONE_RULE("    - {allow: XM_get_time, limit: {rate: 3/s}}\n" BASE,
			     "to: \"group:5\""),
		    ONE_RULE("    - {allow: XM_get_time, limit: {rate: 6/min, burst: 2}}\n" BASE,
			     "to: \"group:5\""),
		    PROVE_EQUAL,
		    "XM_get_time is limited otherwise: group:5: 3/s, burst 1 -> 6/min, burst 2\n");
	/* Two that differ in nothing else are two. */
	cr_assert_eq(diff_texts(ONE_RULE("    - {allow: XM_get_time, limit: {rate: 3/s}}\n" BASE,
					 "to: \"group:5\""),
				ONE_RULE("    - {allow: XM_get_time, limit: {rate: 3/s}}\n"
					 "    - {allow: XM_get_time, limit: {rate: 6/min}}\n" BASE,
					 "to: \"group:5\""),
				&seen),
		     PROVE_EQUAL);
	cr_assert(strstr(seen.room, "XM_get_time is limited otherwise: group:5"), "%s", seen.room);
}

/* ---- few regions in words ---------------------------------------------------------------------- */

static enum prove_relation diff_anywhere(const char *old, const char *new, struct changes *seen)
{
	static const struct prove_options anywhere = { .now = NOW, .self = PROVE_ANY_PARTITION };
	struct compiled a = compile_for_proof(old), b = compile_for_proof(new);
	enum prove_relation relation;

	*seen = (struct changes){ .old = a.image, .new = b.image };
	seen->t = (struct text){ seen->room, sizeof(seen->room), 0, false };
	relation = prove_diff(a.image, b.image, &anywhere, see_change, seen);
	compiled_free(&a);
	compiled_free(&b);
	return relation;
}

/* What is the same of each partition is one change, whichever it is. */
Test(policy_prove_diff, the_own_partition_is_not_called_by_its_name)
{
	struct changes seen;

	cr_assert_eq(diff_anywhere(ONE_RULE("    - {allow: XM_shutdown_partition, where: "
					    "{partitionId: 1}}\n" BASE,
					    "to: \"group:5\""),
				   ONE_RULE("    - {allow: XM_shutdown_partition, where: "
					    "{partitionId: [self, 1]}}\n" BASE,
					    "to: \"group:5\""),
				   &seen),
		     PROVE_WIDER);
	cr_assert_str_eq(seen.room, "XM_shutdown_partition is allowed now: group:5: partitionId is "
				    "self\n");
	cr_assert_eq(diff_anywhere(ONE_RULE("    - {allow: XM_halt_partition, where: "
					    "{partitionId: {not: self}}}\n" BASE,
					    "to: \"group:5\""),
				   ONE_RULE("    - {allow: XM_get_time}\n" BASE, "to: \"group:5\""),
				   &seen),
		     PROVE_INCOMPARABLE);
	cr_assert_str_eq(seen.room,
			 "XM_get_time is allowed now: group:5: \n"
			 "XM_halt_partition is denied now: group:5: partitionId is not self\n");
}

static void see_more(void *data, const struct prove_change *change)
{
	unsigned int *n = data;

	n[change->kind == PROVE_CHANGE_DENIED]++;
	cr_assert_eq(change->more, change->kind == PROVE_CHANGE_ALLOWED && n[0] == PROVE_CHANGES);
}

/* Of very many regions so many are told, and that there are more. */
Test(policy_prove_diff, regions_beyond_what_is_listed)
{
	char rules[8192] = "", text[12288];
	struct text t = TEXT_INIT(rules);
	unsigned int n[2] = { 0, 0 };
	struct compiled a, b;

	for (unsigned int i = 0; i < PROVE_CHANGES + 8; i++)
		text_printf(&t, "  r%u:\n    - {allow: XM_reset_partition, where: {status: %u}}\n",
			    i, 2 * i);
	text_puts(&t, "grants:\n");
	for (unsigned int i = 0; i < PROVE_CHANGES + 8; i++)
		text_printf(&t, "  - {to: \"group:%u\", roles: r%u}\n", i + 1, i);
	snprintf(text, sizeof(text), PREAMBLE "roles:\n%s", rules);
	a = compile_for_proof(PREAMBLE "roles:\n  r:\n    - allow: XM_get_time\n"
				       "grants:\n  - {to: everyone, roles: r}\n");
	b = compile_for_proof(text);
	cr_assert_eq(prove_diff(a.image, b.image, &here, see_more, n), PROVE_INCOMPARABLE);
	cr_assert_eq(n[0], PROVE_CHANGES);
	cr_assert_eq(n[1], 1);
	compiled_free(&a);
	compiled_free(&b);
}
