// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times of the naive interpreter: dates, hours and days as the manual has them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/naive.h"

#define DAY 86400

/* "+HH:MM", "-HH:MM", "Z" or nothing: seconds. */
static int64_t offset_of(const char *text)
{
	int hours = 0, minutes = 0;

	while (*text == ' ')
		text++;
	if ((*text == '+' || *text == '-') && sscanf(text + 1, "%d:%d", &hours, &minutes) == 2)
		return (*text == '-' ? -60 : 60) * (int64_t)(hours * 60 + minutes);
	return 0;
}

static bool leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_before(int year, int month, int day)
{
	static const int of[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int64_t days = day - 1;

	for (int y = 1970; y < year; y++)
		days += leap(y) ? 366 : 365;
	for (int m = 1; m < month; m++)
		days += of[m - 1] + (m == 2 && leap(year));
	return days;
}

int64_t naive_date(const char *text)
{
	int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
	int64_t time;

	if (sscanf(text, "%d-%d-%d%n", &year, &month, &day, &used) != 3)
		naive_stuck(NULL, text);
	text += used;
	if (*text == 'T') {
		used = 0;
		sscanf(text, "T%d:%d%n", &hour, &minute, &used);
		text += used;
		used = 0;
		if (sscanf(text, ":%d%n", &second, &used) == 1)
			text += used;
	}
	time = days_before(year, month, day) * DAY + hour * 3600 + minute * 60 + second;
	return time - offset_of(text);
}

/* 0 is Monday. */
static int day_number(const char *name)
{
	static const char days[] = "montuewedthufrisatsun";

	for (int i = 0; i < 7; i++)
		if (!strncmp(days + 3 * i, name, 3))
			return i;
	naive_stuck(NULL, name);
}

static bool day_in_text(const char *text, int weekday)
{
	int first = day_number(text);
	int last = text[3] == '-' ? day_number(text + 4) : first;

	for (int d = first;; d = (d + 1) % 7) {
		if (d == weekday)
			return true;
		if (d == last)
			return false;
	}
}

static bool day_in(const struct tree *days, int weekday)
{
	if (!days)
		return true;
	if (days->kind == TREE_TEXT)
		return day_in_text(days->text, weekday);
	for (size_t i = 0; i < days->n; i++)
		if (day_in_text(days->item[i]->text, weekday))
			return true;
	return false;
}

/* Whether `now` is within hours that began today or yesterday, as the clock of these hours has it. */
static bool hours_hold(const char *text, const struct tree *days, int64_t offset, int64_t now)
{
	int h1, m1, h2, m2, used = 0;
	int64_t start, end, local, today;

	if (sscanf(text, "%d:%d-%d:%d%n", &h1, &m1, &h2, &m2, &used) != 4)
		naive_stuck(NULL, text);
	if (text[used])
		offset = offset_of(text + used);
	start = (h1 * 60 + m1) * 60;
	end = (h2 * 60 + m2) * 60;
	if (end <= start)
		end += DAY;
	local = now + offset;
	today = local / DAY;
	if (today * DAY > local)
		today--;
	for (int64_t day = today - 1; day <= today; day++) {
		int weekday = (int)(((day % 7) + 7 + 3) % 7); /* the first of 1970 was a Thursday */

		if (day_in(days, weekday) && day * DAY + start <= local && local < day * DAY + end)
			return true;
	}
	return false;
}

static bool windows_hold(const struct tree *grant, int64_t now)
{
	const struct tree *hours = tree_get(grant, "hours"), *days = tree_get(grant, "days");
	const struct tree *offset = tree_get(grant, "offset");
	int64_t ahead = offset ? offset_of(offset->text) : 0;

	if (!hours)
		return hours_hold("00:00-24:00", days, ahead, now);
	if (hours->kind == TREE_TEXT)
		return hours_hold(hours->text, days, ahead, now);
	for (size_t i = 0; i < hours->n; i++)
		if (hours_hold(hours->item[i]->text, days, ahead, now))
			return true;
	return false;
}

bool naive_in_time(const struct tree *grant, struct naive_moment moment)
{
	const struct tree *from = tree_get(grant, "from"), *until = tree_get(grant, "until");

	if (!from && !until && !tree_get(grant, "hours") && !tree_get(grant, "days"))
		return true;
	if (!moment.determined)
		return false;
	return (!from || moment.now >= naive_date(from->text)) &&
	       (!until || moment.now < naive_date(until->text)) && windows_hold(grant, moment.now);
}
