// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Folding: what shares a record, and that no denial is in none or in two.
 */

#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/audit_rig.h"

TestSuite(audit_fold, .init = rig_setup, .fini = rig_teardown);

/* The nth record "folded" of the log; NULL: there are not so many. */
static json_t *folded(unsigned int n)
{
	static char text[1 << 20];
	ssize_t len = pread(log_fd, text, sizeof(text) - 1, 0);
	char *line = text;

	text[len > 0 ? len : 0] = '\0';
	while ((line = strstr(line, "\"type\":\"folded\"")) && n--)
		line++;
	if (!line)
		return NULL;
	while (line > text && line[-1] != '\n')
		line--;
	return json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
}

static void expect_text(unsigned int n, const char *key, const char *value)
{
	json_t *r = folded(n);
	const char *found;

	cr_assert_not_null(r);
	found = json_string_value(json_object_get(r, key));
	cr_expect_str_eq(found ? found : "(none)", value, "%s", key);
	json_decref(r);
}

static long long number_of(unsigned int n, const char *key)
{
	json_t *r = folded(n);
	long long value;

	cr_assert_not_null(r);
	value = json_integer_value(json_object_get(r, key));
	json_decref(r);
	return value;
}

Test(audit_fold, denials_of_a_sort_are_one_record)
{
	struct rig_log found;

	rig_serve(0);
	for (unsigned int i = 0; i < 1000; i++)
		cr_assert_eq(rig_deny(true), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.records, 1);
	cr_assert_eq(audit_flush_folds(audit), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.n_folded, 1);
	cr_expect_eq(found.folded, 1000);
	cr_expect_eq(number_of(0, "uid"), 1000);
	expect_text(0, "op", "XM_get_time");
	expect_text(0, "decision", "deny");
	expect_text(0, "why", "rule");
	expect_text(0, "rule", "policy.yaml:12:7");
	expect_text(0, "guard", "(none)");
	cr_expect_gt(number_of(0, "from"), 0);
	cr_assert_eq(audit_flush_folds(audit), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.n_folded, 1);
}

Test(audit_fold, what_differs_has_a_record_of_its_own)
{
	struct xm_request other;
	struct rig_log found;

	rig_serve(0);
	rig_deny(true);
	who.uid++;
	rig_deny(true);
	decision.why = "no rule";
	decision.rule = POLICY_NO_RULE;
	rig_deny(true);
	fake_request(XM_OP_HALT_SYSTEM, &other);
	decision.req = &other;
	rig_deny(true);
	decision.guard = XM_C_INVALID_PARAM;
	rig_deny(true);
	audit_flush_folds(audit);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.n_folded, 5);
	cr_expect_eq(found.folded, 5);
}

Test(audit_fold, a_guarded_call_is_folded_as_what_it_is)
{
	uint64_t id = 99;

	rig_serve(0);
	decision.guard = XM_C_INVALID_PARAM;
	decision.fold = true;
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	cr_expect_eq(id, 99);
	audit_flush_folds(audit);
	expect_text(0, "decision", "allow");
	expect_text(0, "guard", "XM_INVALID_PARAM");
}

Test(audit_fold, an_allowed_call_is_never_folded)
{
	struct rig_log found;
	uint64_t id;

	rig_serve(0);
	decision.fold = true;
	audit_space(audit, false);
	cr_assert_eq(audit_decision(audit, &decision, false, &id), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, 1);
}

Test(audit_fold, when_the_disk_is_nearly_full_every_denial_is)
{
	struct rig_log found;

	rig_serve(0);
	audit_space(audit, false);
	rig_deny(false);
	audit_space(audit, true);
	rig_deny(false);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.decisions, 1);
	cr_assert_eq(audit_stop(audit, "x"), 0);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.folded, 1);
}

Test(audit_fold, a_full_table_counts_by_user_and_then_for_everybody)
{
	struct rig_log found;
	uint64_t denials = 0;

	rig_serve(0);
	for (who.uid = 1000; who.uid < 1400; who.uid++)
		for (decision.rule = 0; decision.rule < 3; decision.rule++, denials++)
			rig_deny(true);
	audit_flush_folds(audit);
	rig_read(&log_fd, 1, &found);
	cr_expect_eq(found.n_folded, AUDIT_LEDGER_SLOTS);
	cr_expect_eq(found.folded, denials);
	expect_text(AUDIT_LEDGER_USERS, "op", "*");
	expect_text(AUDIT_LEDGER_USERS, "decision", "*");
	cr_expect_geq(number_of(AUDIT_LEDGER_USERS, "uid"), 1000);
	expect_text(AUDIT_LEDGER_EVERYBODY, "uid", "*");
}

Test(audit_fold, counts_that_cannot_be_written_stay)
{
	struct rig_log found;
	struct audit_count count;

	rig_serve(0);
	for (who.uid = 0; who.uid < 20; who.uid++)
		rig_deny(true);
	for (off_t more = 0; more < 12000; more += 997) {
		rig_limit(more);
		audit_flush_folds(audit);
		rig_limit(-1);
		audit_count(audit, &count);
		rig_read(&log_fd, 1, &found);
		cr_assert_eq(found.folded + count.waiting, 20);
	}
	cr_expect_eq(count.waiting, 0);
}

/* Whatever happens, in whatever order: each denial is in a record of its own or in a count, once, and
 * each record that could not be written is counted. */
Test(audit_fold, totals_are_exact_under_a_random_workload)
{
	for (unsigned int seed = 1; seed <= 20; seed++) {
		uint64_t denials = 0, refused = 0, failed = 0;
		struct rig_log found;

		srand(seed);
		cr_assert_eq(ftruncate(log_fd, 0), 0);
		memset(ledger, 0, sizeof(*ledger));
		rig_serve(0);
		for (unsigned int i = 0; i < 2000; i++) {
			who.uid = (uid_t)(rand() % (seed % 2 ? 400 : 5));
			decision.rule = (uint32_t)rand() % 4;
			decision.guard = rand() % 5 ? -1 : XM_C_INVALID_PARAM;
			decision.why = rand() % 2 ? "rule" : "overflow id";
			if (rand() % 100 == 0)
				rig_limit(rand() % 3000);
			if (rand() % 20 == 0)
				rig_limit(-1);
			if (rand() % 200 == 0)
				audit_flush_folds(audit);
			if (rand() % 10) {
				denials++;
				rig_deny(true);
			} else if (rig_deny(false) == 0) {
				refused++;
			} else {
				failed++;
			}
			if (rand() % 400 == 0) {
				rig_limit(-1);
				rig_serve(i); /* as after a kill */
			}
		}
		rig_limit(-1);
		cr_assert_eq(audit_stop(audit, "x"), 0);
		rig_read(&log_fd, 1, &found);
		cr_assert_eq(found.folded, denials);
		cr_assert_eq(found.decisions, refused);
		cr_assert_eq(found.lost, failed);
		cr_assert_eq(found.torn, 0);
	}
}
