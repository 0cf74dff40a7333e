// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs about a policy: invariants, rules that do nothing, and that a budget which is spent is no proof.
 */

#include <errno.h>

#include "tests/policy/proof.h"

/* ---- invariants -------------------------------------------------------------------------------- */

struct seen {
	unsigned int n;
	uint32_t rule, grant;
	char words[512];
	char command[512];
	struct prove_witness witness;
};

static void see_example(void *data, const struct prove_counterexample *example)
{
	struct seen *seen = data;
	struct text t = TEXT_INIT(seen->command);

	seen->n++;
	seen->rule = example->rule;
	seen->grant = example->grant;
	snprintf(seen->words, sizeof(seen->words), "%s", example->words);
	prove_witness_command(&t, example->witness);
	prove_witness_copy(&seen->witness, example->witness);
}

static enum prove_result prove_text(const char *text, struct seen *seen)
{
	struct compiled c = compile_for_proof(text);
	enum prove_result result;

	memset(seen, 0, sizeof(*seen));
	result = prove_never(c.image, &here, see_example, seen, NULL);
	cr_assert_eq(result == PROVE_BROKEN, seen->n > 0);
	if (seen->n)
		cr_assert_eq(prove_witness_decide(c.image, &seen->witness).effect, POLICY_ALLOW);
	compiled_free(&c);
	return result;
}

#define TWO_GROUPS                                                                                 \
	PREAMBLE "roles:\n"                                                                        \
		 "  operator:\n"                                                                   \
		 "    - allow: XM_reset_partition\n"                                               \
		 "      where: {partitionId: [1, 2], status: {mask: 0xF0, is: 0x10}}\n"            \
		 "  rail:\n"                                                                       \
		 "    - deny: XM_reset_partition\n"                                                \
		 "      where: {status: 0..0x1f}\n"                                                \
		 "grants:\n"                                                                       \
		 "  - {to: everyone, roles: rail}\n"                                               \
		 "  - {to: {all: [\"group:5\", \"group:6\"]}, roles: operator,\n"                  \
		 "     hours: \"22:00-02:00\", days: sat, offset: \"+02:00\"}\n"                   \
		 "never:\n"

Test(policy_prove, two_groups_one_mask_one_window)
{
	struct seen seen;

	cr_assert_eq(prove_text(TWO_GROUPS "  - {calls: \"@partition\", where: {partitionId: 2},\n"
					   "     except: [\"user:0\", \"group:7\"]}\n",
				&seen),
		     PROVE_BROKEN);
	cr_assert_eq(seen.witness.n_gids, 2);
	cr_assert_eq(seen.witness.req.arg[2].num, 0x110);
	cr_assert_eq(seen.rule, 0);
	cr_assert_eq(seen.grant, 1);
	cr_assert_str_eq(seen.command, "--as user:70000,group:5,group:6 --at 2027-01-02T20:00:00Z "
				       "'XM_reset_partition(2, XM_COLD_RESET, 272)'");
	cr_assert(strstr(seen.words, "Sat 20:00-24:00 UTC"), "%s", seen.words);
}

Test(policy_prove, invariants_that_hold)
{
	static const char *const nevers[] = {
		"  - {calls: \"@partition\", except: \"group:5\"}\n",
		"  - {calls: \"@partition\", except: {all: [\"group:6\", \"group:5\"]}}\n",
		"  - {calls: XM_reset_partition, where: {partitionId: 0}}\n",
		"  - {calls: XM_reset_partition, where: {status: ..0x10f}}\n",
		"  - {calls: XM_reset_partition, where: {status: {mask: 0x30, is: 0x20}}}\n",
		"  - {calls: [XM_halt_partition, \"@system\"]}\n",
	};
	char text[2048];
	struct seen seen;

	for (size_t i = 0; i < sizeof(nevers) / sizeof(nevers[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", TWO_GROUPS, nevers[i]);
		cr_assert_eq(prove_text(text, &seen), PROVE_HOLDS, "%s: %s", nevers[i],
			     seen.command);
	}
}

Test(policy_prove, invariants_that_do_not)
{
	static const char *const nevers[] = {
		"  - {calls: \"@partition\", except: {all: [\"group:6\", \"group:7\"]}}\n",
		"  - {calls: XM_reset_partition, where: {status: ..0x110}}\n",
		"  - {calls: XM_reset_partition, where: {partitionId: {not: 1}}}\n",
		"  - {calls: XM_reset_partition, where: {status: {mask: 0xff, is: 0x1f}}}\n",
	};
	char text[2048];
	struct seen seen;

	for (size_t i = 0; i < sizeof(nevers) / sizeof(nevers[0]); i++) {
		snprintf(text, sizeof(text), "%s%s", TWO_GROUPS, nevers[i]);
		cr_assert_eq(prove_text(text, &seen), PROVE_BROKEN, "%s", nevers[i]);
	}
}

Test(policy_prove, the_compiler_refuses_with_all_places)
{
	static const struct policy_options options = { .partition = 0, .now = NOW };
	struct compiled c = compile_with(
		TWO_GROUPS "  - {calls: XM_reset_partition, where: {partitionId: camera}}\n",
		&options);

	cr_assert_eq(c.ret, -EINVAL);
	cr_assert(strstr(c.messages, "p.yaml:16:5: error: this is allowed to somebody"), "%s",
		  c.messages);
	cr_assert(strstr(c.messages, "role 'operator' at p.yaml:6:7"), "%s", c.messages);
	cr_assert(strstr(c.messages, "granted at p.yaml:13:5"), "%s", c.messages);
	cr_assert(strstr(c.messages, "xmpolicy explain --policy p.yaml --as user:70000,group:5"),
		  "%s", c.messages);
	compiled_free(&c);
}

Test(policy_prove, a_shadow_that_denies_does_so_from_its_date_on)
{
	static const char text[] = PREAMBLE "roles:\n"
					    "  r:\n"
					    "    - allow: XM_halt_system\n"
					    "    - deny: XM_halt_system\n"
					    "      observe_until: 2027-03-01\n"
					    "grants:\n"
					    "  - {to: \"user:1\", roles: r}\n"
					    "never:\n"
					    "  - {calls: XM_halt_system}\n";
	struct prove_options later = { .now = NOW + 59 * DAY };
	struct compiled c = compile_for_proof(text);

	cr_assert_eq(prove_never(c.image, &here, NULL, NULL, NULL), PROVE_BROKEN);
	cr_assert_eq(prove_never(c.image, &later, NULL, NULL, NULL), PROVE_HOLDS);
	compiled_free(&c);
}

Test(policy_prove, what_is_not_determined_breaks_no_invariant_unless_it_is_allowed)
{
	struct seen seen;

	/* A NULL pointer satisfies no allow with a constraint, but one without. */
	cr_assert_eq(prove_text(PREAMBLE
				"roles:\n"
				"  r:\n"
				"    - {allow: XM_write_console}\n"
				"grants:\n"
				"  - {to: everyone, roles: r}\n"
				"never:\n"
				"  - {calls: XM_write_console, where: {buffer: {length: 9}}}\n",
				&seen),
		     PROVE_BROKEN);
	cr_assert_eq(prove_text(PREAMBLE
				"roles:\n"
				"  r:\n"
				"    - {allow: XM_write_console, where: {buffer: {length: ..8}}}\n"
				"grants:\n"
				"  - {to: everyone, roles: r}\n"
				"never:\n"
				"  - {calls: XM_write_console, where: {buffer: {length: 9..}}}\n",
				&seen),
		     PROVE_HOLDS);
}

/* ---- budget ------------------------------------------------------------------------------------ */

Test(policy_prove, a_spent_budget_is_undecided)
{
	static const char text[] =
		TWO_GROUPS "  - {calls: XM_reset_partition, where: {status: ..0x10f}}\n";
	struct prove_options poor = { .now = NOW, .budget = 1 };
	struct compiled c = compile_for_proof(text), d = compile_for_proof(TWO_GROUPS "  []\n");
	uint32_t never = 7;

	cr_assert_eq(prove_never(c.image, &poor, NULL, NULL, &never), PROVE_UNDECIDED);
	cr_assert_eq(never, 0);
	cr_assert_eq(prove_dead(c.image, &poor, NULL, NULL), PROVE_UNDECIDED);
	compiled_free(&d);
	d = compile_for_proof(PREAMBLE "roles:\n"
				       "  r:\n"
				       "    - {allow: XM_reset_partition, where: {status: ..7}}\n"
				       "    - {allow: XM_reset_partition, where: {status: 8..9}}\n"
				       "    - {allow: XM_reset_partition, where: {status: 12}}\n"
				       "grants:\n"
				       "  - {to: everyone, roles: r}\n");
	cr_assert_eq(prove_diff(c.image, d.image, &poor, NULL, NULL), PROVE_UNKNOWN);
	compiled_free(&c);
	compiled_free(&d);
}

/* ---- dead rules -------------------------------------------------------------------------------- */

static void see_dead(void *data, const struct prove_dead_rule *dead)
{
	struct text *t = data;

	text_printf(t, "%u:%d", dead->rule, (int)dead->reason);
	for (uint32_t i = 0; i < dead->n_by; i++)
		text_printf(t, "%s%u", i ? "," : " by ", dead->by[i]);
	text_puts(t, ";");
}

static void expect_dead(const char *rules, const char *expected)
{
	char text[4096], room[512] = "";
	struct text t = TEXT_INIT(room);
	struct compiled c;

	snprintf(text, sizeof(text),
		 PREAMBLE "roles:\n%sgrants:\n"
			  "  - {to: everyone, roles: r}\n"
			  "  - {to: \"group:5\", roles: s}\n",
		 rules);
	c = compile_for_proof(text);
	prove_dead(c.image, &here, see_dead, &t);
	cr_assert_str_eq(room, expected, "%s", text);
	compiled_free(&c);
}

Test(policy_prove, dead_rules)
{
	/* The narrower of two, wherever it stands; of two equal ones the later. */
	expect_dead("  r:\n"
		    "    - {allow: XM_reset_partition, where: {status: 1..5}}\n"
		    "    - {allow: XM_reset_partition, where: {status: 1..9}}\n"
		    "  s:\n"
		    "    - {allow: XM_get_time}\n"
		    "    - {allow: XM_get_time}\n",
		    "0:2 by 1;3:2 by 2;");
	/* By several together, and by what only everyone has. */
	expect_dead("  r:\n"
		    "    - {allow: XM_reset_partition, where: {status: ..5}}\n"
		    "    - {allow: XM_reset_partition, where: {status: 6..}}\n"
		    "  s:\n"
		    "    - {allow: XM_reset_partition, where: {partitionId: 1}}\n",
		    "2:2 by 0,1;");
	/* Not by what only others have. */
	expect_dead("  r:\n"
		    "    - {allow: XM_reset_partition, where: {partitionId: 1}}\n"
		    "  s:\n"
		    "    - {allow: XM_reset_partition}\n",
		    "");
	expect_dead("  r:\n"
		    "    - {allow: XM_reset_partition, where: {status: 3}}\n"
		    "    - {deny: XM_reset_partition, where: {status: 2..4}}\n"
		    "  s:\n"
		    "    - {allow: XM_reset_partition, where: {status: 2..5}}\n",
		    "0:3 by 1;");
	expect_dead("  r:\n"
		    "    - {allow: XM_reset_partition, where: {status: 3..8}}\n"
		    "    - {deny: XM_reset_partition, where: {status: 2..4}}\n"
		    "    - {allow: XM_reset_partition, where: {status: 5..9}}\n"
		    "  s:\n"
		    "    - {deny: XM_reset_partition, where: {status: 4}}\n",
		    "0:4 by 1,2;3:2 by 1;");
	/* Recording and charging are part of what a rule does. */
	expect_dead("  r:\n"
		    "    - {allow: XM_get_time, audit: always, where: {clock: XM_HW_CLOCK}}\n"
		    "    - {allow: XM_get_time}\n"
		    "  s:\n"
		    "    - {allow: XM_reset_system, where: {resetMode: XM_COLD_RESET}}\n"
		    "    - {allow: XM_reset_system, limit: {rate: 1/s}}\n"
		    "    - {deny: XM_halt_system, audit: never}\n",
		    "");
	/* One rule allows without a limit, another one records. */
	expect_dead("  r:\n"
		    "    - {allow: XM_get_time}\n"
		    "    - {allow: XM_get_time, audit: always, limit: {rate: 1/s}}\n"
		    "    - {allow: XM_get_time, audit: always, limit: {rate: 2/s}}\n"
		    "  s:\n"
		    "    - {allow: XM_halt_system}\n",
		    "2:2 by 0,1;");
	/* One that nobody has, and one whose constraints cannot hold together. */
	expect_dead("  r:\n"
		    "    - {allow: XM_write_console, where: {buffer: {length: ..4}, length: 5..}}\n"
		    "  s:\n"
		    "    - {allow: XM_get_time}\n"
		    "  t:\n"
		    "    - {allow: XM_get_time}\n"
		    "    - {allow: XM_halt_system}\n",
		    "0:0;2:1;");
}

Test(policy_prove, check_warns_of_dead_rules)
{
	static const struct policy_options options = { .partition = 0,
						       .now = NOW,
						       .find_dead = true };
	struct compiled c = compile_with(PREAMBLE "roles:\n"
						  "  r:\n"
						  "    - allow: XM_get_time\n"
						  "      where: {clock: XM_HW_CLOCK}\n"
						  "    - allow: \"@time\"\n"
						  "grants:\n"
						  "  - {to: everyone, roles: r}\n",
					 &options);

	cr_assert(strstr(c.messages, "p.yaml:6:7: warning: this rule does nothing that others do "
				     "not do: p.yaml:8:7"),
		  "%s", c.messages);
	compiled_free(&c);
}
