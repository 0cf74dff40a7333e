// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The commands of xmaudit over the files of a log: what they print, also while the log is rotated.
 */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/xmaudit_rig.h"
#include "xmbroker/xmaudit_verify.h"

TestSuite(xmaudit_show, .init = rig_setup, .fini = rig_teardown);

Test(xmaudit_show, search_goes_through_all_files_in_order)
{
	const char *one, *two, *three;

	write_three();
	options.filter.decisions_only = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	one = strstr(output, "(1)");
	two = strstr(output, "(2)");
	three = strstr(output, "(3)");
	cr_expect_eq(printed_lines(), 3, "%s", output);
	cr_expect(one && two && three && one < two && two < three);
	/* Joined over the rotation. */
	cr_expect(strstr(output, "-> XM_OK 0 (7 us)"), "%s", output);
}

Test(xmaudit_show, a_rotated_file_is_searched_by_itself)
{
	char file[96];

	write_three();
	snprintf(file, sizeof(file), "%s.000002", name);
	options.file = file;
	options.filter.decisions_only = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 1, "%s", output);
	cr_expect(strstr(output, "(2)"));
}

Test(xmaudit_show, a_count_is_what_would_be_printed)
{
	write_three();
	options.filter.decisions_only = options.count = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	cr_expect_str_eq(output, "3\n");
	options.json = true;
	run(xmaudit_search);
	cr_expect_str_eq(output, "{\"count\":3}\n");
}

Test(xmaudit_show, tail_shows_the_last_ones_of_all_files)
{
	write_three();
	options.n = 3;
	cr_expect_eq(run(xmaudit_tail), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 3, "%s", output);
	cr_expect(strstr(output, "continue file=3"), "%s", output);
	cr_expect(strstr(output, "(3)"));
	options.n = 1;
	run(xmaudit_tail);
	cr_expect_eq(printed_lines(), 1);
}

Test(xmaudit_show, tail_of_a_long_log_is_the_tail_of_a_short_one)
{
	static char long_output[sizeof(output)];

	audit_log_start(&whole, "none");
	for (unsigned int i = 0; i < 3000; i++) {
		audit_log_decision(&whole, i % 5, "XM_get_time", i % 3);
		if (i % 3)
			audit_log_result(&whole);
		if (i == 1000 || i == 2990)
			audit_log_rotate(&whole);
	}
	audit_log_write(&whole, name);
	options.n = 100;
	cr_expect_eq(run(xmaudit_tail), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 100);
	strcpy(long_output, output);
	options.n = 1000000;
	run(xmaudit_tail);
	cr_expect_str_eq(output + output_len - strlen(long_output), long_output);
}

Test(xmaudit_show, other_files_are_not_of_the_log)
{
	char other[96];
	static const char *const others[] = { ".ledger",  ".foreign-000001", ".00001", ".000001.gz",
					      "x.000001", ".0000a1",         ".000000" };

	write_three();
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		FILE *file;

		snprintf(other, sizeof(other), "%s%s", name, others[i]);
		file = fopen(other, "we");
		fputs("no record\n", file);
		fclose(file);
	}
	options.count = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
}

Test(xmaudit_show, numbers_may_have_more_digits)
{
	char from[96], to[96];
	struct xmaudit_log log;

	write_three();
	snprintf(from, sizeof(from), "%s.000002", name);
	snprintf(to, sizeof(to), "%s.1000002", name);
	rename(from, to);
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	cr_expect_eq(log.n, 3);
	cr_expect_eq(log.files[0].number, 1);
	cr_expect_eq(log.files[1].number, 1000002);
	cr_expect_eq(log.files[2].number, XMAUDIT_CURRENT);
	xmaudit_log_close(&log);
}

Test(xmaudit_show, rotation_and_retention_take_nothing_from_a_reader)
{
	const struct xmaudit_check check = { .key = log_key };
	struct xmaudit_verdict verdict;
	char path[96], to[96];
	struct xmaudit_log log;
	FILE *file;

	write_three();
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	snprintf(path, sizeof(path), "%s.000001", name);
	cr_assert_eq(unlink(path), 0);
	snprintf(to, sizeof(to), "%s.000003", name);
	cr_assert_eq(rename(name, to), 0);
	cr_expect_not(xmaudit_log_moved_on(&log)); /* there is none for a moment */
	cr_expect_eq(xmaudit_log_next(&log), 0);
	file = fopen(name, "we");
	fclose(file);
	cr_assert_eq(xmaudit_verify_log(&log, &check, &verdict), 0);
	cr_expect_eq(verdict.finding.kind, XMAUDIT_CLEAN);
	cr_expect_eq(verdict.records, whole.chain.seq);
	cr_expect(xmaudit_log_moved_on(&log));
	cr_expect_eq(xmaudit_log_next(&log), 1);
	cr_expect_eq(log.n, 4);
	cr_expect_not(xmaudit_log_moved_on(&log));
	xmaudit_log_close(&log);
}

Test(xmaudit_show, what_was_rotated_twice_in_between_is_not_left_out)
{
	char a[96], b[96];
	struct xmaudit_log log;

	write_three();
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	snprintf(a, sizeof(a), "%s.000003", name);
	snprintf(b, sizeof(b), "%s.000004", name);
	rename(name, a);
	fclose(fopen(b, "we"));
	fclose(fopen(name, "we"));
	cr_expect_eq(xmaudit_log_next(&log), 1);
	cr_assert_eq(log.n, 5);
	cr_expect_str_eq(log.files[3].path, b);
	cr_expect_eq(log.files[4].number, XMAUDIT_CURRENT);
	xmaudit_log_close(&log);
}

Test(xmaudit_show, a_log_that_is_not_there_is_an_error)
{
	cr_redirect_stderr();
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_USAGE);
	cr_expect_eq(run(xmaudit_verify), XMAUDIT_EXIT_USAGE);
	cr_expect_eq(run(xmaudit_tail), XMAUDIT_EXIT_USAGE);
	cr_expect_eq(run(xmaudit_stats), XMAUDIT_EXIT_USAGE);
	cr_expect_eq(run(xmaudit_anchor), XMAUDIT_EXIT_USAGE);
}

/* ---- spans ------------------------------------------------------------------------------------------- */

static uint64_t bytes_of(const struct xmaudit_spans *spans, uint64_t size)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < spans->n; i++)
		bytes +=
			(spans->list[i].to < size ? spans->list[i].to : size) - spans->list[i].from;
	return bytes;
}

/* A long file, in which the clock is set back once. */
static void write_long(unsigned int records, bool set_back)
{
	audit_log_start(&whole, "none");
	for (unsigned int i = 0; i < records; i++) {
		audit_log_decision(&whole, i % 5, "XM_get_time", false);
		whole.mono += 10000000;
	}
	if (set_back)
		for (size_t i = whole.n / 2; i < whole.n / 2 + whole.n / 10; i++)
			memcpy(strstr(whole.lines[i].text, "\"time\":\"") + 8, "2027-01-01", 10);
	audit_log_write(&whole, name);
}

static void expect_found(const char *since, const char *until, bool less)
{
	struct xmaudit_filter *f = &options.filter;
	struct xmaudit_spans spans;
	struct xmaudit_log log;
	unsigned long found, wanted = 0;

	f->has_since = f->has_until = true;
	cr_assert(xmaudit_time(since, 0, &f->since) && xmaudit_time(until, 0, &f->until));
	for (size_t i = 0; i < whole.n; i++) {
		struct xmaudit_record record;

		cr_assert(xmaudit_scan(whole.lines[i].text, strlen(whole.lines[i].text), &record));
		wanted += xmaudit_matches(f, &record);
	}
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	cr_assert_eq(xmaudit_spans_find(&log.files[0], f, &spans), 0);
	if (less)
		cr_expect_lt(bytes_of(&spans, log.files[0].size), log.files[0].size / 2);
	xmaudit_spans_free(&spans);
	xmaudit_log_close(&log);
	options.count = true;
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	found = strtoul(output, NULL, 10);
	cr_expect_gt(wanted, 0);
	cr_expect_eq(found, wanted, "%lu, not %lu, from %s to %s", found, wanted, since, until);
}

Test(xmaudit_show, of_a_long_file_only_what_can_be_wanted_is_read)
{
	write_long(40000, false);
	expect_found("2027-01-15T08:01:00Z", "2027-01-15T08:02:00Z", true);
	expect_found("2027-01-15T08:00:00Z", "2027-01-15T08:00:10Z", true);
	expect_found("2027-01-15T08:05:00Z", "2027-01-16", false);
	expect_found("2027-01-15", "2027-01-16", false);
}

Test(xmaudit_show, records_of_a_clock_that_was_set_back_are_found)
{
	write_long(40000, true);
	expect_found("2027-01-01", "2027-01-02", false);
	expect_found("2027-01-15T08:01:00Z", "2027-01-15T08:02:00Z", false);
}

Test(xmaudit_show, records_are_found_by_number_quickly)
{
	struct xmaudit_spans spans;
	struct xmaudit_log log;

	write_long(40000, false);
	options.filter = (struct xmaudit_filter){ .has_seq = true, .first = 20000, .last = 20004 };
	cr_expect_eq(run(xmaudit_search), XMAUDIT_EXIT_GOOD);
	cr_expect_eq(printed_lines(), 5);
	cr_assert_eq(xmaudit_log_open(name, &log), 0);
	cr_assert_eq(xmaudit_spans_find(&log.files[0], &options.filter, &spans), 0);
	cr_expect_leq(bytes_of(&spans, log.files[0].size), 5u << 20);
	xmaudit_spans_free(&spans);
	xmaudit_log_close(&log);
}
