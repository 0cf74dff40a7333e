// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests of a policy: that all of them run, on what is enforced, and that none passes unseen.
 */

#include "policy/cases.h"
#include "tests/policy/helper.h"

#define RULES                                                                                      \
	PREAMBLE "roles:\n  r:\n    - allow: XM_get_time\ngrants:\n  - {to: \"group:5\", roles: "  \
		 "r}\n"

struct seen {
	unsigned int n, failed;
	char last[256];
};

static void note(void *data, const struct policy_test_result *result)
{
	struct seen *seen = data;

	seen->n++;
	seen->failed += !result->passed;
	cr_expect_eq(result->passed, !result->failure);
	snprintf(seen->last, sizeof(seen->last), "%u %s %s %s", result->at.line, result->as,
		 result->call, result->failure ? result->failure : "passed");
}

static struct compiled compile_seen(const char *text, struct seen *seen, bool skip)
{
	const struct policy_options options = {
		.partition = POLICY_NO_PARTITION, .skip_tests = skip, .tested = note, .data = seen
	};

	*seen = (struct seen){ 0 };
	return compile_with(text, &options);
}

Test(policy_tests, every_construct)
{
	const char *path = "tests/policy/cases/whole.yaml";
	struct seen seen = { 0 };
	const struct policy_options options = { .partition = 0, .tested = note, .data = &seen };
	struct diag diag;
	void *block = NULL;
	size_t len;

	diag_init(&diag);
	cr_expect_eq(policy_compile(&path, 1, &options, &diag, &block, &len), 0, "%s",
		     printed(&diag));
	cr_expect_eq(seen.n, 22);
	cr_expect_eq(diag.n_warnings, 1, "%s", printed(&diag));
	diag_free(&diag);
	free(block);
}

Test(policy_tests, what_passed_is_told)
{
	struct seen seen;
	struct compiled c = compile_seen(RULES "tests:\n  - {as: {user: 1, groups: [5, 4]}, call: "
					       "XM_get_time(0), expect: allow}\n",
					 &seen, false);

	cr_expect_eq(c.ret, 0, "%s", c.messages);
	cr_expect_str_eq(seen.last, "10 user:1,group:5,group:4 XM_get_time(0) passed");
	compiled_free(&c);
}

Test(policy_tests, each_that_fails_is_an_error_and_the_others_still_run)
{
	struct seen seen;
	struct compiled c = compile_seen(
		RULES "tests:\n"
		      "  - {as: {user: 1, groups: 5}, call: XM_get_time(0), expect: deny}\n"
		      "  - {as: {user: 1, groups: 5}, call: XM_get_time(0), expect: allow}\n"
		      "  - {as: {user: 1}, call: XM_get_time(0), expect: allow}\n",
		&seen, false);

	cr_expect_neq(c.ret, 0);
	cr_expect_null(c.block);
	cr_expect_eq(seen.n, 3);
	cr_expect_eq(seen.failed, 2);
	cr_expect(strstr(c.messages, "error: the test expects deny, but this is allowed "
				     "by p.yaml:6:7 in role 'r'"));
	cr_expect(strstr(c.messages, "it is granted to group:5, at p.yaml:8:5"));
	compiled_free(&c);
}

Test(policy_tests, they_can_be_left_out)
{
	struct seen seen;
	struct compiled c = compile_seen(
		RULES "tests:\n  - {as: {user: 1}, call: XM_get_time(0), expect: allow}\n", &seen,
		true);

	cr_expect_eq(c.ret, 0);
	cr_expect_eq(seen.n, 0);
	compiled_free(&c);
}

/* What cannot be read is an error even if it is not run. */
Test(policy_tests, a_call_that_is_none_is_an_error_anyway)
{
	struct seen seen;
	struct compiled c = compile_seen(
		RULES "tests:\n  - {as: {user: 1}, call: XM_get_tim(0), expect: deny}\n", &seen,
		true);

	cr_expect_neq(c.ret, 0);
	cr_expect(strstr(c.messages, "did you mean 'XM_get_time'"));
	compiled_free(&c);
}

Test(policy_tests, self_is_the_partition_that_the_compiler_is_told)
{
	const struct policy_options options = { .partition = 2 };
	struct compiled c = compile_with(
		PREAMBLE
		"roles:\n  r:\n    - {allow: XM_get_partition_status, where: {partitionId: "
		"self}}\ngrants:\n  - {to: everyone, roles: r}\ntests:\n"
		"  - {as: {user: 1}, call: XM_get_partition_status(2), expect: allow}\n"
		"  - {as: {user: 1}, call: XM_get_partition_status(0), expect: deny}\n",
		&options);

	cr_expect_eq(c.ret, 0, "%s", c.messages);
	compiled_free(&c);
}

/* Groups of the user database do not count, nor does how often a test was run. */
Test(policy_tests, buckets_are_full_for_every_test)
{
	struct compiled c = compile_good(
		PREAMBLE
		"roles:\n  r:\n    - {allow: XM_get_time, limit: {rate: 1/d}}\ngrants:\n"
		"  - {to: everyone, roles: r}\ntests:\n"
		"  - {as: {user: 1}, call: XM_get_time(0), expect: allow, rule: r}\n"
		"  - {as: {user: 1}, call: XM_get_time(0), expect: allow, rule: \"p.yaml:6\"}\n");

	compiled_free(&c);
}
