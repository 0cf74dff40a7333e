// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Reading the log: joining, damage, filters, and what reaches a terminal.
 */

#include <criterion/criterion.h>
#include <criterion/redirect.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "xmbroker/xmaudit_command.h"

#define DECISION(seq, id, more)                                                                    \
	"{\"seq\":" #seq                                                                           \
	",\"type\":\"decision\",\"time\":\"2026-11-20T10:00:00.250000Z\",\"mono\":1,"              \
	"\"id\":" #id                                                                              \
	",\"session\":3,\"uid\":4294967290,\"gid\":100,\"groups\":[100,200],\"pid\":42,"           \
	"\"comm\":\"hello\",\"cgroup\":\"/\",\"profile\":\"3.x\",\"op\":\"XM_reset_partition\","   \
	"\"args\":{\"partitionId\":2,\"resetMode\":\"XM_WARM_RESET\",\"status\":7}," more          \
	"\"policy\":\"ab\",\"generation\":1}\n"
#define ALLOW                                                                                      \
	"\"decision\":\"allow\",\"why\":\"rule\",\"rule\":\"/etc/p.yaml:12:7\",\"role\":\"op\","
#define DENY "\"decision\":\"deny\",\"why\":\"no rule\","
#define GUARDED ALLOW "\"guard\":\"XM_INVALID_PARAM\","
#define RESULT(seq, id)                                                                            \
	"{\"seq\":" #seq                                                                           \
	",\"type\":\"result\",\"time\":\"2026-11-20T10:00:00.250100Z\",\"mono\":2,"                \
	"\"id\":" #id ",\"result\":\"XM_OK\",\"value\":0,\"latency_us\":12}\n"
#define START                                                                                      \
	"{\"seq\":1,\"type\":\"start\",\"time\":\"2026-11-20T09:00:00.000000Z\",\"mono\":0,"       \
	"\"version\":\"1\",\"pid\":9}\n"

static struct xmaudit_reader *reader;
static struct xmaudit_lines input;
static struct xmaudit_file file = { .path = (char *)(uintptr_t) "log", .regular = true };
static const struct xmaudit_filter everything;
static char lines[100][4096];
static unsigned int n_lines;
static bool as_json;

static void keep(void *data, const struct xmaudit_entry *entry)
{
	struct text t = { lines[n_lines], sizeof(lines[0]), 0, false };
	char *json = xmaudit_json(entry);

	(void)data;
	if (as_json)
		text_puts(&t, json);
	else
		xmaudit_line(&t, entry);
	free(json);
	n_lines++;
}

static void setup(void)
{
	reader = calloc(1, sizeof(*reader));
	reader->file = "log";
	reader->numbered = true;
	reader->filter = &everything;
	reader->lines = true;
	reader->on_entry = keep;
	file.fd = memfd_create("log", MFD_CLOEXEC);
	cr_assert_eq(xmaudit_lines_init(&input), 0);
	xmaudit_lines_at(&input, &file, 0);
	cr_redirect_stderr();
}

static void teardown(void)
{
	free(reader);
	xmaudit_lines_deinit(&input);
	close(file.fd);
}

TestSuite(xmaudit, .init = setup, .fini = teardown);

static void feed_bytes(const char *s, size_t len)
{
	cr_assert_eq(write(file.fd, s, len), (ssize_t)len);
	cr_assert_eq(xmaudit_read_lines(reader, &input, UINT64_MAX), 0);
}

static void feed(const char *s)
{
	feed_bytes(s, strlen(s));
}

static void all(const char *s)
{
	struct xmaudit_log log = { .name = "log", .files = &file, .n = 1 };

	cr_assert_eq(write(file.fd, s, strlen(s)), (ssize_t)strlen(s));
	cr_assert_eq(xmaudit_read_log(reader, &log, false), 0);
}

static bool has(unsigned int n, const char *s)
{
	return n < n_lines && strstr(lines[n], s);
}

Test(xmaudit, a_decision_is_shown_with_its_result)
{
	all(DECISION(1, 1, ALLOW) RESULT(2, 1));
	cr_assert_eq(n_lines, 1);
	cr_expect_str_eq(lines[0], "2026-11-20T10:00:00.250000Z #1 allow uid(4294967290) pid 42 "
				   "\"hello\" XM_reset_partition(partitionId=2, "
				   "resetMode=XM_WARM_RESET, status=7) by /etc/p.yaml:12:7 (op) "
				   "-> XM_OK 0 (12 us)");
}

Test(xmaudit, a_denial_is_shown_at_once)
{
	feed(DECISION(1, 1, DENY));
	cr_assert_eq(n_lines, 1);
	cr_expect(has(0, " DENY  "));
	cr_expect(has(0, " by no rule"));
}

Test(xmaudit, a_guarded_call_is_shown_at_once)
{
	feed(DECISION(1, 1, GUARDED));
	cr_expect(has(0, "-> guarded: XM_INVALID_PARAM"));
}

Test(xmaudit, results_are_joined_by_id_in_whatever_order)
{
	all(DECISION(1, 1, ALLOW) DECISION(2, 2, ALLOW) RESULT(3, 2) RESULT(4, 1));
	cr_assert_eq(n_lines, 2);
	cr_expect(has(0, "#2 "));
	cr_expect(has(1, "#1 "));
}

Test(xmaudit, a_decision_without_a_result_is_shown_at_the_end)
{
	feed(DECISION(1, 1, ALLOW));
	cr_expect_eq(n_lines, 0);
	xmaudit_read_end(reader);
	cr_expect(has(0, "-> (no result)"));
}

Test(xmaudit, ids_begin_anew_with_a_start)
{
	all(DECISION(1, 1, ALLOW) START RESULT(2, 1));
	cr_assert_eq(n_lines, 3);
	cr_expect(has(0, "(no result)"));
	cr_expect(has(1, " start version=1 pid=9"));
	cr_expect(has(2, " result id=1"));
}

Test(xmaudit, lines_may_come_in_pieces)
{
	const char *s = DECISION(1, 1, DENY);

	for (; *s; s++)
		feed_bytes(s, 1);
	cr_expect_eq(n_lines, 1);
	cr_expect_eq(reader->bad, 0);
}

Test(xmaudit, bad_lines_are_reported_by_number_and_do_no_harm)
{
	all("garbage\n" DECISION(1, 1, DENY) "{\"seq\":2,\"ty\n[1]\n\n" DECISION(3, 2, DENY));
	cr_expect_eq(n_lines, 2);
	cr_expect_eq(reader->bad, 4);
	cr_assert_stderr_eq_str("xmaudit: log:1: not a record\nxmaudit: log:3: not a record\n"
				"xmaudit: log:4: not a record\nxmaudit: log:5: not a record\n");
}

Test(xmaudit, a_torn_record_is_fine_if_another_tells_of_it)
{
	all("{\"seq\":1,\"ty torn\n" START "{\"seq\":2,\"type\":\"recovered\",\"bytes\":12}\n");
	cr_expect_eq(reader->bad, 0);
	cr_expect_eq(n_lines, 2);
}

Test(xmaudit, and_reported_if_none_does)
{
	all("{\"seq\":1,\"ty torn\n" DECISION(1, 1, DENY) DECISION(2, 2, DENY)
		    DECISION(3, 3, DENY));
	cr_expect_eq(n_lines, 3);
	cr_assert_stderr_eq_str("xmaudit: log:1: a torn record, of which no other tells\n");
}

Test(xmaudit, folded_denials_are_shown_with_their_count)
{
	all("{\"seq\":1,\"type\":\"folded\",\"time\":\"T\",\"mono\":1,\"uid\":4294967290,\"op\":"
	    "\"XM_get_time\",\"decision\":\"deny\",\"why\":\"no rule\",\"records\":500,\"from\":1,"
	    "\"interrupted\":true}\n");
	cr_assert_eq(n_lines, 1);
	cr_expect_str_eq(lines[0],
			 "T #1 DENY  uid(4294967290) XM_get_time by no rule (folded: 500 of them) "
			 "[counted by a process that was killed]");
}

Test(xmaudit, chain_and_seal_are_not_for_people)
{
	all("{\"type\":\"x\",\"a\":1,\"chain\":\"00\",\"seal\":\"11\"}\n");
	cr_expect(has(0, "x a=1"));
	cr_expect_not(has(0, "00") || has(0, "seal"));
}

/* Decisions that are not wanted must not leave their results behind as if they stood alone. */
Test(xmaudit, results_of_what_is_not_wanted_are_not_shown)
{
	const struct xmaudit_filter filter = { .has_seq = true, .first = 3, .last = 9 };

	reader->filter = &filter;
	all(DECISION(1, 1, ALLOW) DECISION(2, 2, ALLOW) RESULT(3, 1) RESULT(4, 2) RESULT(5, 7));
	cr_assert_eq(n_lines, 1);
	cr_expect(has(0, "#5 result"));
}

Test(xmaudit, a_result_is_wanted_by_its_code)
{
	struct xmaudit_filter filter = { .decisions_only = true, .result = "XM_OK" };

	reader->filter = &filter;
	all(DECISION(1, 1, ALLOW) RESULT(2, 1) DECISION(3, 2, ALLOW) DECISION(4, 3, DENY));
	cr_assert_eq(n_lines, 1);
	cr_expect(has(0, "#1 "));
}

Test(xmaudit, a_torn_last_line_is_reported)
{
	all(DECISION(1, 1, DENY) "{\"seq\":2,");
	cr_expect_eq(n_lines, 1);
	cr_assert_stderr_eq_str("xmaudit: log:2: torn off: the line has no end\n");
}

Test(xmaudit, an_endless_line_is_skipped)
{
	static char big[XMAUDIT_LINE_MAX];

	memset(big, 'x', sizeof(big));
	for (unsigned int i = 0; i < 12; i++) /* more than is read at once */
		feed_bytes(big, sizeof(big));
	feed("\n");
	feed(DECISION(1, 1, DENY));
	cr_expect_eq(n_lines, 1);
	cr_expect_eq(reader->bad, 1);
}

Test(xmaudit, a_nul_in_a_line_is_damage)
{
	feed_bytes("{\"type\":\"x\"}\0\n", 14);
	cr_expect_eq(reader->bad, 1);
}

Test(xmaudit, numbers_beyond_the_librarys_are_kept)
{
	all("{\"type\":\"x\",\"a\":18446744073709551615,\"b\":\"18446744073709551615\",\"c\":[1,2]}"
	    "\n");
	cr_expect_eq(reader->bad, 0);
	cr_expect(has(0, "a=18446744073709551615"));
}

static void expect_clean(void)
{
	for (const char *s = lines[0]; *s; s++)
		cr_assert(*s >= 0x20 && *s < 0x7f, "%x", (unsigned char)*s);
}

#define EVIL "\\u001b[2J\\n\\u007f\\u009b\xc2\x9b\xe2\x80\xae"
#define EVIL_DECISION                                                                              \
	"{\"type\":\"decision\",\"time\":\"" EVIL "\",\"seq\":\"" EVIL "\",\"comm\":\"" EVIL       \
	"\",\"op\":\"" EVIL "\",\"uid\":\"" EVIL "\",\"pid\":\"" EVIL "\",\"args\":{\"" EVIL       \
	"\":\"" EVIL "\"},\"decision\":\"deny\",\"because\":\"" EVIL "\",\"rule\":\"" EVIL         \
	"\",\"role\":\"" EVIL "\",\"guard\":\"" EVIL "\"}\n"

Test(xmaudit, control_characters_never_reach_the_terminal)
{
	all(EVIL_DECISION);
	cr_assert_eq(n_lines, 1);
	expect_clean();
}

Test(xmaudit, nor_as_json)
{
	as_json = true;
	all(EVIL_DECISION);
	cr_assert_eq(n_lines, 1);
	expect_clean();
}

Test(xmaudit, nor_from_a_record_of_another_type)
{
	all("{\"type\":\"" EVIL "\",\"time\":\"" EVIL "\",\"" EVIL "\":\"" EVIL "\"}\n");
	cr_assert_eq(n_lines, 1);
	expect_clean();
}

Test(xmaudit, json_has_the_decision_with_its_result)
{
	as_json = true;
	all(DECISION(1, 1, ALLOW) RESULT(2, 1));
	cr_assert_eq(n_lines, 1);
	cr_expect(has(0, "\"decision\":\"allow\""));
	cr_expect(has(0, "\"result\":\"XM_OK\",\"value\":0,\"latency_us\":12"));
}

/* ---- filters ----------------------------------------------------------------------------------------- */

/* By both ways of reading, which have to agree. */
static bool matches(struct xmaudit_filter filter)
{
	const char *line = DECISION(1, 1, ALLOW);
	struct xmaudit_record quick, slow;
	bool r;

	cr_assert(xmaudit_scan(line, strlen(line) - 1, &quick));
	cr_assert(xmaudit_scan_json(line, strlen(line) - 1, &slow));
	r = xmaudit_matches(&filter, &quick);
	cr_expect_eq(xmaudit_matches(&filter, &slow), r);
	xmaudit_record_release(&slow);
	return r;
}

#define MATCHES(...) matches((struct xmaudit_filter){ __VA_ARGS__ })

Test(xmaudit, filters)
{
	cr_expect(MATCHES(.has_user = true, .user = 4294967290u));
	cr_expect_not(MATCHES(.has_user = true, .user = 1));
	cr_expect(MATCHES(.has_group = true, .group = 200));
	cr_expect_not(MATCHES(.has_group = true, .group = 300));
	cr_expect(MATCHES(.has_session = true, .session = 3));
	cr_expect_not(MATCHES(.has_session = true, .session = 4));
	cr_expect(MATCHES(.type = "decision"));
	cr_expect_not(MATCHES(.type = "result"));
	cr_expect(MATCHES(.has_seq = true, .first = 1, .last = 1));
	cr_expect_not(MATCHES(.has_seq = true, .first = 2, .last = 9));
	cr_expect(MATCHES(.op = "XM_reset_partition"));
	cr_expect_not(MATCHES(.op = "XM_get_time"));
	cr_expect(MATCHES(.decision = "allow"));
	cr_expect_not(MATCHES(.decision = "deny"));
	cr_expect(MATCHES(.rule = "/etc/p.yaml:12"));
	cr_expect(MATCHES(.rule = "p.yaml:12"));
	cr_expect(MATCHES(.rule = "p.yaml:12:7"));
	cr_expect_not(MATCHES(.rule = "p.yaml:1"));
	cr_expect_not(MATCHES(.rule = "yaml:12"));
	cr_expect(MATCHES(.n_args = 1, .arg = { { "partitionId", "2" } }));
	cr_expect_not(MATCHES(.n_args = 1, .arg = { { "partitionId", "3" } }));
	cr_expect(MATCHES(.n_args = 1, .arg = { { "resetMode", "XM_WARM_RESET" } }));
	cr_expect_not(MATCHES(.n_args = 1, .arg = { { "clock", "2" } }));
	cr_expect(MATCHES(.n_args = 2,
			  .arg = { { "partitionId", "2" }, { "resetMode", "XM_WARM_RESET" } }));
	cr_expect_not(MATCHES(.n_args = 2,
			      .arg = { { "partitionId", "3" }, { "resetMode", "XM_WARM_RESET" } }));
	cr_expect_not(MATCHES(.n_args = 2,
			      .arg = { { "partitionId", "2" }, { "resetMode", "XM_COLD_RESET" } }));
}

static bool folded_matches(struct xmaudit_filter filter)
{
	static const char line[] = "{\"seq\":1,\"type\":\"folded\",\"time\":\"2026-11-20T10:00:00."
				   "250000Z\",\"mono\":1,"
				   "\"uid\":7,\"op\":\"*\",\"decision\":\"deny\",\"why\":\"no "
				   "rule\",\"records\":5,\"from\":1}";
	struct xmaudit_record record;

	cr_assert(xmaudit_scan(line, strlen(line), &record));
	return xmaudit_matches(&filter, &record);
}

#define FOLDED(...) folded_matches((struct xmaudit_filter){ __VA_ARGS__ })

Test(xmaudit, folded_denials_are_found_like_their_own)
{
	cr_expect(FOLDED(.decisions_only = true, .has_user = true, .user = 7));
	cr_expect_not(FOLDED(.has_user = true, .user = 8));
	cr_expect(FOLDED(.decisions_only = true, .op = "XM_get_time")); /* may be among them */
	cr_expect(FOLDED(.decision = "deny"));
	cr_expect_not(FOLDED(.decision = "allow"));
}

static int64_t at(const char *s)
{
	int64_t us = -1;

	cr_expect(xmaudit_time(s, 1000000, &us), "%s", s);
	return us;
}

Test(xmaudit, times)
{
	int64_t us;

	cr_expect_eq(at("1970-01-02"), 86400ll * 1000000);
	cr_expect_eq(at("1970-01-01T00:01:00.5Z"), 60500000);
	cr_expect_eq(at("1970-01-01 00:01"), 60000000);
	cr_expect_eq(at("2h"), (1000000ll - 7200) * 1000000);
	cr_expect_not(xmaudit_time("yesterday", 0, &us));
	cr_expect_not(xmaudit_time("2h30", 0, &us));
	cr_expect_not(xmaudit_time("2026-13-01", 0, &us));
	cr_expect_not(xmaudit_time("", 0, &us));
}

/* The quick way with times, against the C library's. */
Test(xmaudit, times_of_records)
{
	unsigned int seed = 1;

	for (unsigned int i = 0; i < 100000; i++) {
		int64_t want = ((int64_t)rand_r(&seed) * 40 - 20000000000) * 1000000 + 250000, got;
		time_t seconds = (time_t)((want - 250000) / 1000000);
		char text[64];
		struct xmaudit_slice slice = { text, 27, false };
		struct tm tm;

		gmtime_r(&seconds, &tm);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.250000Z", &tm);
		if (strlen(text) != 27)
			continue;
		cr_assert(xmaudit_time_of(&slice, &got), "%s", text);
		cr_assert_eq(got, want, "%s", text);
	}
}

Test(xmaudit, a_span_of_time_contains_its_beginning_and_not_its_end)
{
	int64_t when = at("2026-11-20T10:00:00.25Z");

	cr_expect(MATCHES(.has_since = true, .since = when));
	cr_expect_not(MATCHES(.has_since = true, .since = when + 1));
	cr_expect(MATCHES(.has_until = true, .until = when + 1));
	cr_expect_not(MATCHES(.has_until = true, .until = when));
}
