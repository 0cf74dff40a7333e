// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Replaying decisions: which flip, by which rules; what cannot be replayed is counted with its reason and
 * never as one or the other.
 */

#include "policy/replay.h"
#include "tests/log_rig.h"
#include "tests/policy/helper.h"

#define SUSPEND_1 "{\"partitionId\":1}"
#define SUSPEND_2 "{\"partitionId\":2}"

static const char policy[] = PREAMBLE "roles:\n"
				      "  operator:\n"
				      "    - allow: XM_suspend_partition\n" /* 6 */
				      "      where: {partitionId: 1}\n"
				      "    - deny: XM_halt_system\n" /* 8 */
				      "  later:\n"
				      "    - allow: XM_resume_partition\n"
				      "grants:\n"
				      "  - {to: \"user:5\", roles: operator}\n"
				      "  - {to: \"group:70\", roles: later, from: 2027-06-01}\n";

struct replayed {
	struct compiled c;
	struct replay r;
};

static struct replayed begin(void)
{
	struct replayed r = { .c = compile_good(policy) };

	replay_init(&r.r, r.c.image);
	return r;
}

static void end(struct replayed *r)
{
	replay_deinit(&r->r);
	compiled_free(&r->c);
}

static void play(struct replayed *r, struct logged_decision d)
{
	cr_assert(replay_decision(&r->r, &d));
}

Test(policy_replay, a_denied_call_that_a_rule_allows_now_flips)
{
	struct replayed r = begin();
	struct logged_decision d = logged(5, "XM_suspend_partition", SUSPEND_1);

	play(&r, d);
	d.line = 9;
	play(&r, d);
	play(&r, logged(6, "XM_suspend_partition", SUSPEND_1));
	play(&r, logged(5, "XM_suspend_partition", SUSPEND_2));
	cr_assert_eq(r.r.replayed, 4);
	cr_assert_eq(r.r.to_allow, 2);
	cr_assert_eq(r.r.to_deny, 0);
	cr_assert_eq(r.r.n_rows, 1);
	cr_assert_str_eq(r.r.rows[0].to_rule, "p.yaml:6:7");
	cr_assert_str_eq(r.r.rows[0].from_rule, "no rule");
	cr_assert_eq(r.r.rows[0].line, 1);
	cr_assert_str_eq(r.r.rows[0].call, "XM_suspend_partition(1)");
	end(&r);
}

Test(policy_replay, an_allowed_call_that_is_denied_now_flips)
{
	struct replayed r = begin();
	struct logged_decision d = logged_why(logged(5, "XM_halt_system", "{}"), "rule");

	d.allowed = true;
	strcpy(d.rule, "old.yaml:3:1");
	play(&r, d);
	cr_assert_eq(r.r.to_deny, 1);
	cr_assert_str_eq(r.r.rows[0].from_rule, "old.yaml:3:1");
	cr_assert_str_eq(r.r.rows[0].to_rule, "p.yaml:8:7");
	end(&r);
}

Test(policy_replay, groups_and_times_are_those_of_the_log)
{
	struct replayed r = begin();
	struct logged_decision d = logged(6, "XM_resume_partition", SUSPEND_1);

	play(&r, d);
	d.gids[0] = 70;
	play(&r, d);
	cr_assert_eq(r.r.to_allow, 0);
	d.now += 200 * 86400;
	play(&r, d);
	cr_assert_eq(r.r.to_allow, 1);
	end(&r);
}

Test(policy_replay, what_cannot_be_replayed_is_counted_with_its_reason)
{
	struct logged_decision good = logged(5, "XM_suspend_partition", SUSPEND_1), d[10];
	static const enum logged_gap gaps[] = {
		LOGGED_NO_USER,    LOGGED_NO_GROUPS, LOGGED_NO_TIME,  LOGGED_NO_PARTITION,
		LOGGED_UNKNOWN_OP, LOGGED_NO_ARGS,   LOGGED_BAD_ARGS, LOGGED_BAD_ARGS,
		LOGGED_BUCKETS,    LOGGED_AMBIGUOUS,
	};
	struct replayed r = begin();

	for (unsigned int i = 0; i < 10; i++)
		d[i] = good;
	d[0].has_uid = false;
	d[1].more_groups = true;
	d[2].now = INT64_MIN;
	d[3].has_self = false;
	strcpy(d[4].op, "XM_no_such_call");
	d[5].args = "{}", d[5].args_len = 2;
	d[6] = logged(5, "XM_suspend_partition", "{\"partitionId\":1,\"x\":2}");
	d[7] = logged(5, "XM_suspend_partition", "{\"partitionId\":\"one\"}");
	d[8] = logged_why(good, "limit");
	d[9] = logged(5, "XM_get_gid_by_name", "{\"name\":\"null\",\"entity\":0}");
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t before = r.r.gaps[gaps[i]];

		play(&r, d[i]);
		cr_assert_eq(r.r.gaps[gaps[i]], before + 1, "%u: %s", i, logged_gap_text(gaps[i]));
		cr_assert_eq(r.r.replayed, 0);
	}
	play(&r, good);
	cr_assert_eq(r.r.replayed, 1);
	end(&r);
}

Test(policy_replay, against_another_policy_the_log_says_only_what_was_called)
{
	struct compiled other =
		compile_good(PREAMBLE "roles:\n  a: [{allow: XM_suspend_partition}]\n"
				      "grants: [{to: everyone, roles: a}]\n");
	struct replayed r = begin();

	r.r.against = other.image;
	play(&r, logged(5, "XM_suspend_partition", SUSPEND_1));
	play(&r, logged(5, "XM_suspend_partition", SUSPEND_2));
	cr_assert_eq(r.r.to_allow, 0);
	cr_assert_eq(r.r.to_deny, 1);
	cr_assert_str_eq(r.r.rows[0].to_rule, "no rule");
	end(&r);
	compiled_free(&other);
}

Test(policy_replay, more_flips_than_are_listed_are_counted)
{
	struct replayed r = begin();
	struct logged_decision d = logged_why(logged(5, "XM_suspend_partition", SUSPEND_1), "rule");

	for (unsigned int i = 0; i < REPLAY_ROWS + 3; i++) {
		snprintf(d.rule, sizeof(d.rule), "p.yaml:%u:1", i);
		play(&r, d);
	}
	cr_assert_eq(r.r.n_rows, REPLAY_ROWS);
	cr_assert_eq(r.r.other_flips, 3);
	cr_assert_eq(r.r.to_allow, REPLAY_ROWS + 3);
	end(&r);
}

Test(policy_replay, nothing_of_the_log_acts_on_a_terminal)
{
	struct replayed r = begin();
	struct logged_decision d = logged_why(logged(5, "XM_suspend_partition", SUSPEND_1), "rule");
	struct decision_log log = { .decisions = 1, .folded = 2, .lost = 3, .bad = 4 };
	char *out = NULL;
	size_t len;
	FILE *f;

	strcpy(d.rule, "\033[2Jx\n\"y");
	strcpy(d.time, "\033]0;t\a");
	d.file = "\033[1m";
	play(&r, d);
	for (int json = 0; json < 2; json++) {
		f = open_memstream(&out, &len);
		(json ? replay_json : replay_print)(f, &r.r, &log);
		fclose(f);
		cr_assert_null(strchr(out, '\033'), "%s", out);
		cr_assert_null(strchr(out, '\a'));
		cr_assert(strstr(out, json ? "\"folded\":2,\"lost\":3,\"bad_lines\":4"
					   : "2 denials were counted"),
			  "%s", out);
		free(out);
	}
	end(&r);
}
