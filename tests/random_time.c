// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Random times: what grants are limited by, and moments at which that begins or ends.
 */

#include <time.h>

#include "tests/random_policy.h"

#define DAY 86400

static void note_time(struct random_policy *p, int64_t time)
{
	if (p->n_times < sizeof(p->times) / sizeof(p->times[0]))
		p->times[p->n_times++] = time;
}

static void out_offset(struct random_text *t, int minutes)
{
	int size = minutes < 0 ? -minutes : minutes;

	out(t, "%c%02d:%02d", minutes < 0 ? '-' : '+', size / 60, size % 60);
}

static int random_offset(void)
{
	static const int offsets[] = { 0, 60, 120, 330, -480, 840, -840, -30, 765 };

	return offsets[dice(sizeof(offsets) / sizeof(offsets[0]))];
}

void random_date(struct random_text *t, struct random_policy *p)
{
	static const int64_t spans[] = {
		1, 59, 3600, DAY, 7 * DAY, 40 * DAY, 400 * DAY, 3000 * DAY
	};
	int64_t time = RANDOM_NOW + spans[dice(8)] * ((int64_t)dice(9) - 2), local;
	unsigned int form = dice(5);
	int offset = form == 4 ? random_offset() : 0;
	struct tm tm;

	if (form == 0)
		time -= time % DAY;
	else if (form != 2)
		time -= time % 60;
	local = time + offset * 60;
	gmtime_r(&local, &tm);
	out(t, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
	if (form)
		out(t, "T%02d:%02d", tm.tm_hour, tm.tm_min);
	if (form == 2 || (form && tm.tm_sec))
		out(t, ":%02d", tm.tm_sec);
	if (form == 3)
		out(t, "Z");
	if (form == 4)
		out_offset(t, offset);
	note_time(p, time);
}

static void random_hours(struct random_text *t, struct random_policy *p, int offset)
{
	static const int times[] = { 0, 1, 480, 539, 720, 1080, 1320, 1439, 360, 23 };
	int start = times[dice(10)], end = dice(5) ? times[dice(10)] : 1440;

	out(t, "\"%02d:%02d-%02d:%02d", start / 60, start % 60, end / 60, end % 60);
	if (!dice(4)) {
		offset = random_offset();
		out(t, "%s", dice(2) ? " " : "");
		out_offset(t, offset);
	} else if (!dice(6)) {
		offset = 0;
		out(t, "Z");
	}
	out(t, "\"");
	if (p->n_windows < 32) {
		p->window[p->n_windows].start = start;
		p->window[p->n_windows].end = end;
		p->window[p->n_windows++].offset = offset;
	}
}

static void random_days(struct random_text *t)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	unsigned int n = 1 + dice(2);

	out(t, ", days: [");
	for (unsigned int i = 0; i < n; i++) {
		out(t, "%s%s", i ? ", " : "", days[dice(7)]);
		if (dice(2))
			out(t, "-%s", days[dice(7)]);
	}
	out(t, "]");
}

static void random_windows(struct random_text *t, struct random_policy *p)
{
	bool hours = dice(3), days = !hours || dice(2), offset = dice(2);
	int ahead = offset ? random_offset() : 0;
	unsigned int n = 1 + dice(2);

	if (offset) {
		out(t, ", offset: \"");
		out_offset(t, ahead);
		out(t, "\"");
	}
	if (days)
		random_days(t);
	if (!hours) {
		if (p->n_windows < 32) {
			p->window[p->n_windows].end = 1440;
			p->window[p->n_windows].start = 0;
			p->window[p->n_windows++].offset = ahead;
		}
		return;
	}
	out(t, ", hours: ");
	if (n == 1 && dice(2)) {
		random_hours(t, p, ahead);
		return;
	}
	out(t, "[");
	for (unsigned int i = 0; i < n; i++) {
		out(t, "%s", i ? ", " : "");
		random_hours(t, p, ahead);
	}
	out(t, "]");
}

void random_times(struct random_text *t, struct random_policy *p)
{
	if (!dice(3)) {
		out(t, ", from: ");
		random_date(t, p);
	}
	if (!dice(3)) {
		out(t, ", until: ");
		random_date(t, p);
	}
	if (dice(2))
		random_windows(t, p);
}

int64_t random_now(const struct random_policy *p)
{
	int64_t nudge = (int64_t)dice(3) - 1, day;
	unsigned int which = dice(8);

	if (which < 3 && p->n_times)
		return p->times[dice(p->n_times)] + nudge;
	if (which < 7 && p->n_windows) {
		unsigned int i = dice(p->n_windows);

		day = RANDOM_NOW / DAY + dice(16) - 4;
		return day * DAY + nudge +
		       ((dice(2) ? p->window[i].start : p->window[i].end) - p->window[i].offset) *
			       60;
	}
	return RANDOM_NOW + (int64_t)dice(20 * DAY) - 3 * DAY;
}
