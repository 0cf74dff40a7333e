// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What xmaudit says of a log as a whole: statistics, anchors, keys, and what verify prints.
 */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/xmaudit_rig.h"
#include "xmbroker/audit_key.h"
#include "xmbroker/xmaudit_verify.h"

TestSuite(xmaudit_report, .init = rig_setup, .fini = rig_teardown);

/* ---- stats ------------------------------------------------------------------------------------------- */

static json_t *stats(void)
{
	json_t *object;

	options.json = true;
	cr_assert_eq(run(xmaudit_stats), XMAUDIT_EXIT_GOOD);
	object = json_loads(output, 0, NULL);
	cr_assert(object, "%s", output);
	return object;
}

static json_int_t number(const json_t *object, const char *a, const char *b, const char *c)
{
	object = json_object_get(object, a);
	if (b)
		object = json_object_get(object, b);
	if (c)
		object = json_object_get(object, c);
	return json_is_integer(object) ? json_integer_value(object) : -1;
}

Test(xmaudit_report, stats_add_up)
{
	json_t *s;

	write_three();
	audit_log_add(&whole, "lost", ",\"records\":3");
	audit_log_add(&whole, "folded",
		      ",\"uid\":7,\"op\":\"XM_get_time\",\"decision\":\"deny\",\"why\":\"no rule\","
		      "\"records\":500,\"from\":12");
	audit_log_write(&whole, name);
	s = stats();
	cr_expect_eq(number(s, "allowed", NULL, NULL), 1);
	cr_expect_eq(number(s, "denied", NULL, NULL), 502);
	cr_expect_eq(number(s, "folded", NULL, NULL), 500);
	cr_expect_eq(number(s, "lost", NULL, NULL), 3);
	cr_expect_eq(number(s, "users", "7", "deny"), 500);
	cr_expect_eq(number(s, "users", "1", "allow"), 1);
	cr_expect_eq(number(s, "operations", "XM_get_time", "deny"), 502);
	cr_expect_eq(number(s, "rules", "/etc/xmbroker/policy.yaml:12:7", "allow"), 1);
	cr_expect_eq(number(s, "rules", "no rule", "deny"), 502);
	cr_expect_eq(number(s, "results", "XM_OK", NULL), 1);
	cr_expect_eq(number(s, "latency_us", "p50", NULL), 7);
	json_decref(s);
	options.filter = (struct xmaudit_filter){ .has_user = true, .user = 2 };
	s = stats();
	cr_expect_eq(number(s, "denied", NULL, NULL), 1);
	cr_expect_eq(number(s, "results", "XM_OK", NULL), -1);
	json_decref(s);
}

Test(xmaudit_report, percentiles_are_near)
{
	json_t *s;

	audit_log_start(&whole, "none");
	for (unsigned int i = 1; i <= 10000; i++) {
		char members[128];

		audit_log_decision(&whole, 1, "XM_get_time", true);
		snprintf(members, sizeof(members),
			 ",\"id\":%u,\"result\":\"XM_OK\",\"value\":0,\"latency_us\":%u", i, i);
		audit_log_add(&whole, "result", members);
	}
	audit_log_write(&whole, name);
	s = stats();
	cr_expect_float_eq((double)number(s, "latency_us", "p50", NULL), 5000, 200);
	cr_expect_float_eq((double)number(s, "latency_us", "p99", NULL), 9900, 320);
	cr_expect_eq(number(s, "latency_us", "max", NULL), 10000);
	json_decref(s);
}

Test(xmaudit_report, more_users_than_a_table_holds_are_counted_together)
{
	json_t *s;
	json_int_t others;

	audit_log_start(&whole, "none");
	for (unsigned int i = 0; i < 3000; i++)
		audit_log_decision(&whole, 10000 + i, "XM_get_time", false);
	audit_log_write(&whole, name);
	s = stats();
	others = number(s, "users", "(others)", "deny");
	cr_expect_eq(others, 3000 - 2048);
	cr_expect_eq(number(s, "operations", "XM_get_time", "deny"), 3000);
	json_decref(s);
	options.json = false;
	cr_expect_eq(run(xmaudit_stats), XMAUDIT_EXIT_GOOD);
	cr_expect_lt(printed_lines(), 60);
}

/* ---- anchors, keys ----------------------------------------------------------------------------------- */

Test(xmaudit_report, the_anchor_that_is_printed_holds)
{
	struct xmaudit_anchors anchors = { 0 };
	const struct xmaudit_check check = { .key = log_key, .n_anchors = 1, .anchors = NULL };
	struct xmaudit_check with = check;
	struct xmaudit_verdict verdict;
	struct xmaudit_log log;

	write_three();
	cr_expect_eq(run(xmaudit_anchor), XMAUDIT_EXIT_GOOD);
	cr_expect(strstr(output, " epoch=3 "), "%s", output);
	cr_assert_eq(xmaudit_anchors_add(&anchors, output), 0);
	cr_expect_eq(anchors.list[0].seq, whole.chain.seq);
	with.anchors = anchors.list;
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	cr_assert_eq(xmaudit_verify_log(&log, &with, &verdict), 0);
	cr_expect_eq(verdict.finding.kind, XMAUDIT_CLEAN);
	cr_expect_eq(verdict.anchors, 1);
	xmaudit_log_close(&log);
	xmaudit_anchors_free(&anchors);
}

Test(xmaudit_report, anchors_are_found_among_other_lines)
{
	struct xmaudit_anchors anchors = { 0 };
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/auth.log", folder);
	file = fopen(path, "we");
	for (unsigned int i = 3; i; i--)
		fprintf(file,
			"Nov 20 10:00:0%u host sshd[1]: hello\n"
			"Nov 20 10:00:0%u host xmbroker[7]: xmbroker-audit-anchor:1 seq=%u epoch=- "
			"chain=%064u "
			"time=2026-11-20T10:00:00Z\n",
			i, i, i, i);
	fclose(file);
	cr_assert_eq(xmaudit_anchors_add(&anchors, path), 0);
	xmaudit_anchors_sort(&anchors);
	cr_assert_eq(anchors.n, 3);
	cr_expect_eq(anchors.list[0].seq, 1);
	cr_expect_eq(anchors.list[2].chain[31], 3);
	cr_redirect_stderr();
	cr_expect_lt(xmaudit_anchors_add(&anchors, "xmbroker-audit-anchor:1 seq=1 chain=00"), 0);
	cr_expect_lt(xmaudit_anchors_add(&anchors, name), 0);
	xmaudit_anchors_free(&anchors);
}

Test(xmaudit_report, a_new_key_is_printed_once_and_verifies)
{
	char state[96], path[96];
	struct audit_key now;
	FILE *file;

	snprintf(state, sizeof(state), "%s/audit.key", folder);
	snprintf(path, sizeof(path), "%s/printed", folder);
	options.state = state;
	options.create = true;
	options.key = path;
	cr_redirect_stderr();
	cr_assert_eq(run(xmaudit_key), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(output_len, 64 + 7 + 1); /* in groups of eight */
	file = fopen(path, "we");
	fputs(output, file);
	fclose(file);
	/* A log that is sealed with what is in the file is proven by what was printed. */
	cr_assert_eq(audit_key_read(state, &now), 0);
	memcpy(whole.chain.epoch_key, now.bytes, 32);
	whole.chain.epoch = now.epoch;
	audit_log_start(&whole, "none"); /* takes the key after it: an epoch may be left out */
	audit_log_write(&whole, name);
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_GOOD);
	cr_expect(strstr(output, "seals checked 1"), "%s", output);
	options.create = false;
	options.check = true;
	cr_assert_eq(run(xmaudit_key), XMAUDIT_EXIT_GOOD);
	cr_expect(strstr(output, "epoch 1"), "%s", output);
	options.create = true;
	cr_expect_eq(run(xmaudit_key), XMAUDIT_EXIT_USAGE); /* it is not overwritten */
}

/* ---- verify, the command ----------------------------------------------------------------------------- */

Test(xmaudit_report, verify_says_where_and_what)
{
	char expected[256], path[96];
	size_t at;

	write_three();
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_GOOD);
	cr_expect(strstr(output, "Without the key"), "%s", output);
	cr_expect(strstr(output, "Without an anchor"), "%s", output);
	for (at = 0; whole.lines[at].seq != 6; at++)
		;
	strstr(whole.lines[at].text, "why\":\"no")[6] = 'N';
	audit_log_write(&whole, name);
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_BAD);
	snprintf(path, sizeof(path), "%s.000002", name);
	snprintf(expected, sizeof(expected), "%s:3: record 6: EDITED: ", path);
	cr_expect_eq(strncmp(output, expected, strlen(expected)), 0, "%s", output);
	options.json = true;
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_BAD);
	cr_expect(strstr(output, "\"verdict\":\"edited\""), "%s", output);
	cr_expect(strstr(output, "\"seq\":6"), "%s", output);
}

Test(xmaudit_report, a_torn_tail_is_not_tampering)
{
	write_three();
	cr_assert_eq(truncate(name, (off_t)strlen(whole.lines[whole.n - 2].text) + 40), 0);
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_TORN);
	cr_expect(strstr(output, "TORN TAIL"), "%s", output);
}

/* ---- shadow rules ------------------------------------------------------------------------------------ */

static void add_observed(const char *decision, const char *rule, const char *observed,
			 const char *would)
{
	char members[512];

	snprintf(members, sizeof(members),
		 ",\"id\":%llu,\"session\":1,\"uid\":5,\"gid\":5,\"groups\":[5],\"pid\":42,"
		 "\"comm\":\"hello\",\"cgroup\":\"/\",\"profile\":\"3.x\",\"op\":\"XM_get_time\","
		 "\"args\":{},\"decision\":\"%s\",\"why\":\"rule\",\"rule\":\"%s\","
		 "\"observed\":\"%s\",\"would\":\"%s\",\"policy\":\"0011223344556677\","
		 "\"generation\":1",
		 (unsigned long long)++whole.id, decision, rule, observed, would);
	audit_log_add(&whole, "decision", members);
}

static void write_observed(void)
{
	audit_log_start(&whole, "none");
	audit_log_decision(&whole, 5, "XM_get_time", true);
	add_observed("allow", "/p.yaml:3:1", "/p.yaml:9:1", "deny");
	add_observed("allow", "/p.yaml:3:1", "/p.yaml:9:1", "deny");
	add_observed("deny", "/p.yaml:4:1", "/p.yaml:8:1", "allow");
	audit_log_write(&whole, name);
}

Test(xmaudit_report, what_shadow_rules_would_change_is_found)
{
	write_observed();
	options.filter.decisions_only = options.filter.observed = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 3, "%s", output);
	cr_expect(strstr(output, "[would deny by /p.yaml:9:1]"), "%s", output);
	cr_expect(strstr(output, "[would allow by /p.yaml:8:1]"), "%s", output);
	options.filter.rule = "p.yaml:8";
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 1, "%s", output);
	/* A rule is found as the one that decided, too. */
	options.filter.rule = "p.yaml:3";
	run(xmaudit_search);
	cr_expect_eq(printed_lines(), 2, "%s", output);
	options.filter.rule = "p.yaml:12";
	run(xmaudit_search);
	cr_expect_eq(printed_lines(), 0, "what decided without a shadow rule is not observed");
}

Test(xmaudit_report, what_shadow_rules_would_change_is_counted)
{
	json_t *s;

	write_observed();
	s = stats();
	cr_expect_eq(number(s, "observed", "/p.yaml:9:1", "allow"), 2);
	cr_expect_eq(number(s, "observed", "/p.yaml:9:1", "deny"), 0);
	cr_expect_eq(number(s, "observed", "/p.yaml:8:1", "deny"), 1);
	cr_expect_eq(number(s, "allowed", NULL, NULL), 3);
	json_decref(s);
	options.filter = (struct xmaudit_filter){ .decisions_only = true, .observed = true };
	s = stats();
	cr_expect_eq(number(s, "allowed", NULL, NULL), 2);
	cr_expect_eq(number(s, "rules", "/etc/xmbroker/policy.yaml:12:7", "allow"), -1);
	json_decref(s);
	options.json = false;
	run(xmaudit_stats);
	cr_expect(strstr(output, "Decisions that shadow rules would change"), "%s", output);
}
