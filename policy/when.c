// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Times as a policy writes them: dates, hours of the day, days of the week, offsets from UTC.  Owns the
 * calendar.  Must never take a time that has two readings, nor a grant that can never hold.
 */

#include <stdio.h>
#include <string.h>

#include "policy/match.h"
#include "policy/model.h"

#define DAY 86400
#define WEEK (7 * DAY)
#define YEAR_MIN 1970

/* ---- the calendar ------------------------------------------------------------------------------ */

static bool is_leap(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_of_month(int64_t year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01.  Years are counted from March, in turns of 400. */
static int64_t day_of(int64_t year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t turn = (y >= 0 ? y : y - 399) / 400;
	int64_t of_turn = y - turn * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return turn * 146097 + of_turn * 365 + of_turn / 4 - of_turn / 100 + of_year - 719468;
}

static void date_of(int64_t day, int64_t *yearp, int *monthp, int *dayp)
{
	int64_t d = day + 719468;
	int64_t turn = (d >= 0 ? d : d - 146096) / 146097;
	int64_t of_turn = d - turn * 146097;
	int64_t year = (of_turn - of_turn / 1460 + of_turn / 36524 - of_turn / 146096) / 365;
	int64_t of_year = of_turn - (365 * year + year / 4 - year / 100);
	int64_t month = (5 * of_year + 2) / 153;

	*dayp = (int)(of_year - (153 * month + 2) / 5 + 1);
	*monthp = (int)(month < 10 ? month + 3 : month - 9);
	*yearp = turn * 400 + year + (*monthp <= 2);
}

const char *when_text(int64_t seconds, char text[WHEN_TEXT])
{
	int64_t year;
	int32_t second;
	int month, day;

	date_of(match_day(seconds, &second), &year, &month, &day);
	snprintf(text, WHEN_TEXT, "%04lld-%02d-%02dT%02d:%02d:%02dZ", (long long)year, month, day,
		 second / 3600, second / 60 % 60, second % 60);
	return text;
}

/* ---- reading ----------------------------------------------------------------------------------- */

/* Exactly `n` digits. */
static bool digits(const char **at, unsigned int n, int *valuep)
{
	const char *s = *at;
	int value = 0;

	for (unsigned int i = 0; i < n; i++, s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (*s - '0');
	}
	*at = s;
	*valuep = value;
	return true;
}

static bool character(const char **at, char c)
{
	if (**at != c)
		return false;
	(*at)++;
	return true;
}

/* HH:MM, to minutes; 24:00 only if `end`. */
static const char *clock_time(const char **at, bool end, int *minutesp)
{
	int hour, minute;

	if (!digits(at, 2, &hour) || !character(at, ':') || !digits(at, 2, &minute))
		return "hours and minutes are written 08:00";
	if (minute > 59 || hour > 24 || (hour == 24 && (!end || minute)))
		return "there is no such time of day";
	*minutesp = hour * 60 + minute;
	return NULL;
}

#define NO_OFFSET "an offset from UTC is written +02:00, and Z is none"

/* "Z", "+HH:MM" or "-HH:MM", to minutes ahead of UTC. */
static const char *read_offset(const char **at, int *minutesp)
{
	bool behind = **at == '-';
	int hour, minute;

	*minutesp = 0;
	if (character(at, 'Z'))
		return NULL;
	if (**at != '+' && **at != '-')
		return NO_OFFSET;
	(*at)++;
	if (!digits(at, 2, &hour) || !character(at, ':') || !digits(at, 2, &minute))
		return NO_OFFSET;
	if (minute > 59 || hour * 60 + minute > IMAGE_OFFSET_MAX)
		return "an offset from UTC is at most 14:00";
	*minutesp = behind ? -(hour * 60 + minute) : hour * 60 + minute;
	return NULL;
}

#define NO_TIME "a time is written 2027-01-31, or 2027-01-31T08:00:00+02:00"

static const char *read_date(const char **at, int64_t *dayp)
{
	int year, month, day;

	if (!digits(at, 4, &year) || !character(at, '-') || !digits(at, 2, &month) ||
	    !character(at, '-') || !digits(at, 2, &day))
		return NO_TIME;
	if (year < YEAR_MIN)
		return "years are 1970 to 9999";
	if (month < 1 || month > 12 || day < 1 || day > days_of_month(year, month))
		return "there is no such day";
	*dayp = day_of(year, month, day);
	return NULL;
}

const char *when_time(const char *text, int64_t *secondsp)
{
	int minutes = 0, second = 0, offset = 0;
	const char *why, *at = text;
	int64_t day = 0;

	why = read_date(&at, &day);
	if (!why && *at && !character(&at, 'T'))
		why = NO_TIME;
	if (!why && at - text > 10)
		why = clock_time(&at, false, &minutes);
	if (!why && *at == ':' && at - text > 10) {
		at++;
		if (!digits(&at, 2, &second))
			why = NO_TIME;
		else if (second > 59)
			why = "there is no such time of day";
	}
	if (!why && *at)
		why = read_offset(&at, &offset);
	if (!why && *at)
		why = NO_TIME;
	if (!why)
		*secondsp = day * DAY + minutes * 60 + second - offset * 60;
	return why;
}

bool policy_time(struct compilation *c, const struct node *node, const char *what,
		 int64_t *secondsp)
{
	const char *why;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, what))
		return false;
	why = when_time(node->text, secondsp);
	if (why)
		node_error(c->diag, node, why, "'%s' is no time", node->text);
	return !why;
}

/* ---- hours and days ---------------------------------------------------------------------------- */

struct hours {
	struct buffer windows; /* struct image_window, without days */
	int offset;            /* of those that have none of their own */
	uint8_t days;
};

/* "HH:MM-HH:MM", and perhaps an offset. */
static const char *read_hours(const char *text, struct image_window *window, int *offsetp)
{
	const char *why, *at = text;
	int start, end;

	why = clock_time(&at, false, &start);
	if (!why && !character(&at, '-'))
		why = "hours are written \"08:00-18:00\"";
	if (!why)
		why = clock_time(&at, true, &end);
	if (!why && *at) {
		while (*at == ' ')
			at++;
		why = read_offset(&at, offsetp);
		if (!why && *at)
			why = NO_OFFSET;
	}
	if (why)
		return why;
	if (start == end)
		return "the whole day is \"00:00-24:00\"";
	window->start = (uint16_t)start;
	window->end = (uint16_t)(end > start ? end : end + IMAGE_DAY_MINUTES);
	return NULL;
}

static void add_hours(struct compilation *c, void *to, const struct node *node)
{
	struct image_window window = { .days = 0 };
	struct hours *hours = to;
	int offset = hours->offset;
	const char *why;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "hours"))
		return;
	why = read_hours(node->text, &window, &offset);
	if (why) {
		node_error(c->diag, node, why, "'%s' is no time of the day", node->text);
		return;
	}
	window.offset = (int16_t)offset;
	buffer_push(&hours->windows, &window, sizeof(window));
}

static const char *const day_names[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };

static int find_day(const char *name, size_t len)
{
	for (int i = 0; i < 7; i++)
		if (len == 3 && !strncmp(name, day_names[i], 3))
			return i;
	return -1;
}

static void add_days(struct compilation *c, void *to, const struct node *node)
{
	struct hours *hours = to;
	const char *dash;
	int first, last;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "days"))
		return;
	dash = strchr(node->text, '-');
	first = find_day(node->text, dash ? (size_t)(dash - node->text) : strlen(node->text));
	last = dash ? find_day(dash + 1, strlen(dash + 1)) : first;
	if (first < 0 || last < 0) {
		const char *wrong = first < 0 ? node->text : dash + 1;
		size_t len = dash && first < 0 ? (size_t)(dash - node->text) : strlen(wrong);
		const char *hint = vocabulary_hint(&c->arena, arena_strndup(&c->arena, wrong, len),
						   day_names, 7);

		node_error(c->diag, node, hint ? hint : "days are mon to sun, or as mon-fri",
			   "'%s' is no day of the week", node->text);
		return;
	}
	for (int day = first;; day = (day + 1) % 7) {
		hours->days |= (uint8_t)(1u << day);
		if (day == last)
			return;
	}
}

static void parse_offset(struct compilation *c, const struct node *node, struct hours *hours)
{
	const char *at = node->text, *why;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "offset"))
		return;
	why = read_offset(&at, &hours->offset);
	if (!why && *at)
		why = NO_OFFSET;
	if (why)
		node_error(c->diag, node, why, "'%s' is no offset", node->text);
}

static void check_list(struct compilation *c, const struct node *node, const char *what)
{
	if (node->kind == NODE_LIST && !node->n)
		node_error(c->diag, node, "name some, or remove the key",
			   "an empty list of %s: the grant could never hold", what);
}

static void parse_windows(struct compilation *c, const struct node *map, struct when *when)
{
	const struct node *hours = node_get(map, "hours"), *days = node_get(map, "days");
	const struct node *offset = node_get(map, "offset");
	struct hours h = { .offset = 0 };

	if (offset)
		parse_offset(c, offset, &h);
	if (offset && !hours && !days)
		node_error(c->diag, offset,
			   "dates have an offset of their own: 2027-01-31T08:00+02:00",
			   "an offset without hours and days");
	if (hours) {
		check_list(c, hours, "hours");
		policy_each(c, hours, &h, add_hours);
	} else if (days) {
		const struct image_window day = { .end = IMAGE_DAY_MINUTES,
						  .offset = (int16_t)h.offset };

		buffer_push(&h.windows, &day, sizeof(day));
	}
	if (days) {
		check_list(c, days, "days");
		policy_each(c, days, &h, add_days);
	} else {
		h.days = IMAGE_ALL_DAYS;
	}
	for (size_t i = 0; i < BUFFER_N(&h.windows, struct image_window); i++)
		BUFFER_AT(&h.windows, struct image_window, i)->days = h.days;
	when->n_windows = (uint32_t)BUFFER_N(&h.windows, struct image_window);
	when->windows =
		(const void *)arena_strndup(&c->arena, (const char *)h.windows.data, h.windows.len);
	buffer_free(&h.windows);
}

/* ---- a grant ----------------------------------------------------------------------------------- */

/* When the window begins on a day, counted from 1970-01-01 on its own clock. */
static int64_t begins(const struct image_window *w, int64_t day)
{
	return day * DAY + (w->start - w->offset) * 60;
}

/* Whether one of the windows is open at some time of [from, until), which is less than a week long. */
static bool opens(const struct when *when)
{
	for (uint32_t i = 0; i < when->n_windows; i++) {
		const struct image_window *w = &when->windows[i];
		int32_t second;
		int64_t day = match_day(when->from, &second) - 2;

		if (match_window(w, when->from))
			return true;
		for (; begins(w, day) < when->until; day++)
			if ((w->days >> match_weekday(day) & 1) && begins(w, day) >= when->from)
				return true;
	}
	return false;
}

static void check_when(struct compilation *c, const struct when *when)
{
	char from[WHEN_TEXT], until[WHEN_TEXT];

	if (when->until_node && when->until <= c->now)
		node_warning(c->diag, when->until_node, "remove the grant, or change until",
			     "this has passed: the grant gives nothing any more");
	if (!when->from_node || !when->until_node)
		return;
	if (when->until <= when->from)
		node_error(c->diag, when->until_node, "until has to be later than from",
			   "the grant ends at %s, which is not after it begins: `from`, at "
			   "%s:%u:%u, is %s",
			   when_text(when->until, until), when->from_node->source->name,
			   when->from_node->line, when->from_node->column,
			   when_text(when->from, from));
	else if (when->n_windows && when->until - when->from < WEEK && !opens(when))
		node_error(c->diag, when->limited, "change from and until, or hours and days",
			   "the grant could never hold: between %s and %s there are no such hours "
			   "and days",
			   when_text(when->from, from), when_text(when->until, until));
}

static const struct node *first_limit(const struct node *map)
{
	static const char *const keys[] = { "from", "until", "hours", "days" };

	NODE_FOR_EACH_KEY(key, map)
	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key->text, keys[i]))
			return key;
	return NULL;
}

void policy_parse_when(struct compilation *c, struct grant *grant)
{
	const struct node *from = node_get(grant->node, "from");
	const struct node *until = node_get(grant->node, "until");
	size_t errors = c->diag->n_errors;
	struct when *when;

	if (!first_limit(grant->node) && !node_get(grant->node, "offset"))
		return;
	when = arena_alloc(&c->arena, sizeof(*when));
	when->from = IMAGE_NO_TIME;
	when->until = IMAGE_END_OF_TIME;
	if (from && policy_time(c, from, "from", &when->from))
		when->from_node = from;
	if (until && policy_time(c, until, "until", &when->until))
		when->until_node = until;
	parse_windows(c, grant->node, when);
	when->limited = first_limit(grant->node);
	if (c->diag->n_errors == errors)
		check_when(c, when);
	if (when->limited)
		grant->when = when;
}

void when_emit(struct compilation *c, struct when *when)
{
	struct buffer *windows = &c->out.table[IMAGE_WINDOWS];
	struct image_when out = {
		.from = when->from,
		.until = when->until,
		.first_window = (uint32_t)BUFFER_N(windows, struct image_window),
		.n_windows = when->n_windows,
	};

	buffer_push(windows, when->windows, when->n_windows * sizeof(*when->windows));
	when->number = (uint32_t)BUFFER_N(&c->out.table[IMAGE_WHENS], struct image_when);
	buffer_push(&c->out.table[IMAGE_WHENS], &out, sizeof(out));
}
