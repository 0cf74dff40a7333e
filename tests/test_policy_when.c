// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times: reading and writing them, and when a grant holds, from one end of time to the other.  What day
 * it is, is told by the C library and by counting.
 */

#include <time.h>

#include "policy/match.h"
#include "policy/model.h"
#include "tests/policy/helper.h"

#define ROLES "roles:\n  r:\n    - allow: XM_get_time\ngrants:\n"

static int64_t at(const char *text)
{
	int64_t seconds = 0;
	const char *why = when_time(text, &seconds);

	cr_assert_null(why, "%s: %s", text, why);
	return seconds;
}

static bool holds(const struct compiled *c, int64_t now)
{
	struct policy_subject subject = { .uid = 1 };
	struct policy_time time = { .now = now, .determined = true };
	struct xm_request req = { .op = XM_OP_GET_TIME };

	return policy_decide(c->image, &subject, &req, 0, time, NULL).effect == POLICY_ALLOW;
}

static struct compiled granted(const char *when)
{
	char text[1024];

	snprintf(text, sizeof(text), PREAMBLE ROLES "  - {to: everyone, roles: r, %s}\n", when);
	return compile_good(text);
}

/* At which of these times, given as text, it holds: "+" before those. */
static void expect(const char *when, const char *const *times)
{
	struct compiled c = granted(when);

	for (; *times; times++) {
		bool wanted = **times == '+';

		cr_expect_eq(holds(&c, at(*times + 1)), wanted, "%s: %s", when, *times);
	}
	compiled_free(&c);
}

#define EXPECT(when, ...) expect(when, (const char *const[]){ __VA_ARGS__, NULL })

/* ---- the calendar ------------------------------------------------------------------------------ */

Test(policy_when, every_day_of_the_calendar_as_the_c_library_has_it)
{
	char mine[WHEN_TEXT], theirs[WHEN_TEXT], date[16];

	for (int64_t day = 0; day < 2932897; day++) {
		time_t t = day * 86400 + day % 86400;
		struct tm tm;

		gmtime_r(&t, &tm);
		strftime(theirs, sizeof(theirs), "%Y-%m-%dT%H:%M:%SZ", &tm);
		when_text(t, mine);
		if (strcmp(mine, theirs))
			cr_assert_str_eq(mine, theirs);
		memcpy(date, mine, 10);
		date[10] = '\0';
		if (at(mine) != t || at(date) != day * 86400)
			cr_assert_fail("%s", mine);
		if (match_weekday(day) != (unsigned int)(tm.tm_wday + 6) % 7)
			cr_assert_fail("weekday of %s", mine);
	}
}

Test(policy_when, the_ends_of_time_are_times_too)
{
	char text[WHEN_TEXT];
	int32_t second;

	cr_expect_str_eq(when_text(INT64_MAX, text), "292277026596-12-04T15:30:07Z");
	cr_expect_str_eq(when_text(INT64_MIN, text), "-292277022657-01-27T08:29:52Z");
	cr_expect_str_eq(when_text(-1, text), "1969-12-31T23:59:59Z");
	cr_expect_eq(match_weekday(match_day(INT64_MAX, &second)), 6); /* a Sunday */
	cr_expect_eq(match_weekday(match_day(INT64_MIN, &second)), 6);
	cr_expect_eq(second, 8 * 3600 + 29 * 60 + 52);
}

Test(policy_when, offsets_are_subtracted)
{
	cr_expect_eq(at("1970-01-01"), 0);
	cr_expect_eq(at("1970-01-01T00:00+14:00"), -14 * 3600);
	cr_expect_eq(at("1970-01-01T00:00:01-14:00"), 14 * 3600 + 1);
	cr_expect_eq(at("2027-01-31T08:00+02:00"), at("2027-01-31T06:00Z"));
	cr_expect_eq(at("2028-02-29T23:59:59-00:30"), at("2028-03-01T00:29:59"));
	cr_expect_eq(at("9999-12-31T23:59:59-14:00"), INT64_C(253402300799) + 14 * 3600);
}

Test(policy_when, what_is_no_time)
{
	static const char *const texts[] = {
		"",
		"2027",
		"2027-1-31",
		"2027-02-29",
		"2100-02-29",
		"2027-00-10",
		"2027-01-00",
		"2027-04-31",
		"2027-01-31T",
		"2027-01-31T8:00",
		"2027-01-31T08",
		"2027-01-31T08:60",
		"02027-01-31",
		"2027-01-31T08:00:",
		"2027-01-31T08:00z",
		"2027-01-31T24:00",
		"2027-01-31 ",
		"2027-01-31T08:00Z ",
		"2027-01-31T08:00:00.5",
		"-2027-01-31",
		"2027-01-31t08:00",
		"2027-01-31+02:00",
		"2027-01-31T08:00+02",
		"2027-01-31T08:00+0200",
		"2027-01-31T08:00+14:01",
		"2027-01-31T08:00+02:60",
		"1969-12-31",
		"2027-01-31T08:00ZZ",
	};
	int64_t seconds;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		cr_expect_not_null(when_time(texts[i], &seconds), "%s", texts[i]);
}

/* ---- grants ------------------------------------------------------------------------------------ */

Test(policy_when, nothing_before_from)
{
	EXPECT("from: 2027-01-31T08:00+02:00", "-2027-01-31T05:59:59", "+2027-01-31T06:00",
	       "+9999-12-31", "-1970-01-01");
}

Test(policy_when, nothing_from_until_on)
{
	EXPECT("until: 2100-01-31", "+2100-01-30T23:59:59", "-2100-01-31", "-9999-12-31",
	       "+1970-01-01");
}

Test(policy_when, from_and_until_at_the_ends_of_time)
{
	struct compiled from = granted("from: 2100-01-01"), until = granted("until: 2100-01-01");

	cr_expect(holds(&from, INT64_MAX));
	cr_expect_not(holds(&from, INT64_MIN));
	cr_expect_not(holds(&until, INT64_MAX));
	cr_expect(holds(&until, INT64_MIN));
	compiled_free(&from);
	compiled_free(&until);
}

Test(policy_when, hours_are_half_open)
{
	EXPECT("hours: \"08:00-18:00\"", "-2027-01-31T07:59:59", "+2027-01-31T08:00",
	       "+2027-01-31T17:59:59", "-2027-01-31T18:00");
	EXPECT("hours: \"00:00-24:00\"", "+2027-01-31", "+2027-01-31T23:59:59");
	EXPECT("hours: \"18:00-24:00\"", "-2027-01-31T17:59", "+2027-01-31T23:59:59",
	       "-2027-02-01");
	EXPECT("hours: \"18:00-00:00\"", "-2027-01-31T17:59", "+2027-01-31T23:59:59",
	       "-2027-02-01");
}

/* 2027-01-29 is a Friday. */
Test(policy_when, hours_over_midnight_belong_to_the_day_they_begin)
{
	EXPECT("hours: \"22:00-06:00\", days: fri", "-2027-01-29T05:59:59", "-2027-01-29T21:59:59",
	       "+2027-01-29T22:00", "+2027-01-30T05:59:59", "-2027-01-30T06:00",
	       "-2027-01-30T22:00");
	EXPECT("hours: \"22:00-06:00\", days: sun", "+2027-01-31T23:00", "+2027-02-01T05:00",
	       "-2027-02-01T22:00", "-2027-01-31T05:00");
	EXPECT("hours: \"12:00-11:59\"", "+2027-01-29T11:58:59", "-2027-01-29T11:59",
	       "+2027-01-29T12:00");
}

Test(policy_when, days_alone_are_whole_and_may_go_over_the_end_of_the_week)
{
	EXPECT("days: [sat-mon]", "-2027-01-29T23:59:59", "+2027-01-30", "+2027-01-31",
	       "+2027-02-01T23:59:59", "-2027-02-02");
	EXPECT("days: [mon, wed-thu]", "+2027-02-01", "-2027-02-02", "+2027-02-03", "+2027-02-04",
	       "-2027-02-05");
	EXPECT("days: mon-sun", "+2027-02-01", "+2027-02-07");
	EXPECT("days: tue-mon", "+2027-02-01", "+2027-02-07");
}

Test(policy_when, days_and_hours_are_those_of_the_offset)
{
	EXPECT("days: sun, offset: \"+14:00\"", "-2027-01-30T09:59:59", "+2027-01-30T10:00",
	       "+2027-01-31T09:59:59", "-2027-01-31T10:00");
	EXPECT("days: sun, offset: \"-14:00\"", "-2027-01-31T13:59:59", "+2027-01-31T14:00",
	       "+2027-02-01T13:59:59", "-2027-02-01T14:00");
	EXPECT("hours: \"22:00-06:00\", days: fri, offset: \"+14:00\"", "-2027-01-29T07:59:59",
	       "+2027-01-29T08:00", "+2027-01-29T15:59:59", "-2027-01-29T16:00");
	EXPECT("hours: [\"08:00-09:00\", \"08:00-09:00 -03:30\", \"20:00-21:00Z\"], offset: "
	       "\"+05:45\"",
	       "+2027-01-31T02:15", "-2027-01-31T03:15", "+2027-01-31T11:30", "-2027-01-31T12:30",
	       "+2027-01-31T20:30", "-2027-01-31T21:00", "-2027-01-31T08:30");
}

/* The window of a day on another clock reaches into three days of ours. */
Test(policy_when, every_minute_of_two_weeks_as_counted_by_hand)
{
	static const int offsets[] = { -840, -839, -720, -1, 0, 1, 345, 839, 840 };
	int64_t begin = at("2027-12-25");

	for (unsigned int o = 0; o < sizeof(offsets) / sizeof(offsets[0]); o++)
		for (unsigned int n = 0; n < 64; n++) {
			const struct image_window w = {
				.days = (uint8_t)(1 + n * 37 % 127),
				.start = (uint16_t)(n * 613 % 1440),
				.end = (uint16_t)(n * 613 % 1440 + 1 + n * 389 % 1440),
				.offset = (int16_t)offsets[o],
			};

			for (int64_t minute = 0; minute < 14 * 1440; minute += 7) {
				int64_t now = begin + minute * 60;
				bool open = false;

				for (int64_t day = -3; day < 18; day++) {
					int64_t from =
						begin + day * 86400 + w.start * 60 - w.offset * 60;
					int64_t weekday = (5 + day + 70) % 7; /* a Saturday */

					open |= (w.days >> weekday & 1) && now >= from &&
						now < from + (w.end - w.start) * 60;
				}
				if (match_window(&w, now) != open)
					cr_assert_fail("offset %d, %u: minute %lld", offsets[o], n,
						       (long long)minute);
			}
		}
}

Test(policy_when, windows_at_the_ends_of_time_do_not_overflow)
{
	const struct image_window all = { .days = IMAGE_ALL_DAYS, .end = 1440, .offset = 840 };
	const struct image_window west = { .days = IMAGE_ALL_DAYS, .end = 1440, .offset = -840 };

	cr_expect(match_window(&all, INT64_MAX));
	cr_expect(match_window(&all, INT64_MIN));
	cr_expect(match_window(&west, INT64_MAX));
	cr_expect(match_window(&west, INT64_MIN));
}

Test(policy_when, all_of_it_must_hold)
{
	EXPECT("from: 2027-01-30T09:00, until: 2027-01-31T09:00, days: [sat, sun], hours: "
	       "\"08:00-10:00\"",
	       "-2027-01-30T08:59", "+2027-01-30T09:00", "-2027-01-30T10:00", "+2027-01-31T08:00",
	       "-2027-01-31T09:00", "-2027-02-06T09:00");
}

Test(policy_when, nothing_at_an_unknown_time)
{
	struct compiled c = granted("from: 2020-01-01");
	struct policy_subject subject = { .uid = 1 };
	struct policy_time time = { .now = at("2027-01-01"), .determined = false };
	struct xm_request req = { .op = XM_OP_GET_TIME };

	cr_expect_eq(policy_decide(c.image, &subject, &req, 0, time, NULL).effect, POLICY_DENY);
	compiled_free(&c);
}

/* A grant without end of the same role is not touched by one with an end. */
Test(policy_when, several_grants_add_up)
{
	struct compiled c = compile_good(PREAMBLE ROLES
					 "  - {to: \"user:1\", roles: r, until: 2100-01-01}\n"
					 "  - {to: everyone, roles: r, from: 2100-06-01}\n"
					 "  - {to: \"user:1\", roles: r, from: 2100-03-01, until: "
					 "2100-04-01}\n");

	cr_expect(holds(&c, at("2099-12-31")));
	cr_expect_not(holds(&c, at("2100-02-01")));
	cr_expect(holds(&c, at("2100-03-01")));
	cr_expect_not(holds(&c, at("2100-04-01")));
	cr_expect(holds(&c, at("2100-06-01")));
	compiled_free(&c);
}

Test(policy_when, what_could_never_hold_is_an_error)
{
	expect_error(PREAMBLE ROLES "  - {to: everyone, roles: r, from: 2100-01-01T09:00, until: "
				    "2100-01-01T10:00, hours: \"10:00-09:00\"}\n",
		     "could never hold");
	/* Open already when it begins. */
	EXPECT("from: 2100-01-02T03:00, until: 2100-01-02T04:00, hours: \"22:00-06:00\", days: fri",
	       "+2100-01-02T03:30");
	EXPECT("from: 2100-01-01, until: 2100-01-02T00:00:01, days: sat", "+2100-01-02");
}

/* The compiler is told the time, so that the image says when. */
Test(policy_when, the_image_knows_when_it_was_compiled)
{
	const struct policy_options options = { .partition = POLICY_NO_PARTITION,
						.now = 4102444800 };
	struct compiled c = compile_with(
		PREAMBLE ROLES "  - {to: everyone, roles: r, until: 2100-01-01}\n", &options);
	struct policy_about about;

	cr_assert_eq(c.ret, 0);
	cr_expect(strstr(c.messages, "this has passed"));
	policy_image_about(c.image, &about);
	cr_expect_eq(about.compiled_at, 4102444800);
	compiled_free(&c);
}
