// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a search wants.  Pure functions of a record.
 */

#include <string.h>

#include "xmbroker/xmaudit_filter.h"

#define MICRO 1000000

/* "*" in a folded record stands for several: what is looked for may be among them. */
static bool is_or_may_be(const struct xmaudit_record *record, enum xmaudit_member member,
			 const char *wanted)
{
	const struct xmaudit_slice *slice = &record->member[member];

	if (xmaudit_slice_is(slice, wanted))
		return true;
	return record->type == XMAUDIT_IS_FOLDED && xmaudit_slice_is(slice, "*");
}

static bool number_is(const struct xmaudit_slice *slice, uint64_t number)
{
	uint64_t value;

	return xmaudit_slice_number(slice, &value) && value == number;
}

static bool user_is(const struct xmaudit_record *record, uint32_t user)
{
	const struct xmaudit_slice *uid = &record->member[XMAUDIT_UID];

	return number_is(uid, user) ||
	       (record->type == XMAUDIT_IS_FOLDED && xmaudit_slice_is(uid, "*"));
}

static bool in_group(const struct xmaudit_record *record, uint32_t group)
{
	return number_is(&record->member[XMAUDIT_GID], group) ||
	       xmaudit_list_has(&record->member[XMAUDIT_GROUPS], group);
}

/* "policy.yaml:12" is the rule at policy.yaml:12:7, and at /etc/xmbroker/policy.yaml:12:7. */
static bool rule_is(const struct xmaudit_slice *slice, const char *wanted)
{
	size_t len = strlen(wanted);
	char rule[1024];

	if (!slice->s)
		return false;
	xmaudit_slice_copy(slice, rule, sizeof(rule));
	for (const char *part = rule;; part++) {
		if (!strncmp(part, wanted, len) && (part[len] == ':' || !part[len]))
			return true;
		part = strchr(part, '/');
		if (!part)
			return false;
	}
}

static bool argument_is(const struct xmaudit_record *record, const char *name, const char *wanted)
{
	struct xmaudit_slice value, length;

	if (!xmaudit_object_get(&record->member[XMAUDIT_ARGS], name, &value) || !value.len)
		return false;
	if (*value.s == '{') {
		if (!xmaudit_object_get(&value, "length", &length))
			return false;
		value = length;
	}
	if (value.len >= 2 && *value.s == '"') {
		value.s++;
		value.len -= 2;
		value.escaped = memchr(value.s, '\\', value.len) != NULL;
	}
	return xmaudit_slice_is(&value, wanted);
}

static bool in_time(const struct xmaudit_filter *f, const struct xmaudit_record *record)
{
	int64_t at;

	if (!f->has_since && !f->has_until)
		return true;
	if (!xmaudit_time_of(&record->member[XMAUDIT_TIME], &at))
		return false;
	return !(f->has_since && at < f->since) && !(f->has_until && at >= f->until);
}

static bool in_numbers(const struct xmaudit_filter *f, const struct xmaudit_record *record)
{
	uint64_t seq;

	return !f->has_seq || (xmaudit_slice_number(&record->member[XMAUDIT_SEQ], &seq) &&
			       seq >= f->first && seq <= f->last);
}

static bool is_decision(const struct xmaudit_record *record)
{
	return record->type == XMAUDIT_IS_DECISION || record->type == XMAUDIT_IS_FOLDED;
}

bool xmaudit_matches(const struct xmaudit_filter *f, const struct xmaudit_record *record)
{
	const struct xmaudit_slice *member = record->member;

	if (f->decisions_only && !is_decision(record))
		return false;
	if (f->type && !xmaudit_slice_is(&member[XMAUDIT_TYPE], f->type))
		return false;
	if (f->has_user && !user_is(record, f->user))
		return false;
	if (f->has_session && !number_is(&member[XMAUDIT_SESSION], f->session))
		return false;
	if (f->op && !is_or_may_be(record, XMAUDIT_OP, f->op))
		return false;
	if (f->decision && !is_or_may_be(record, XMAUDIT_DECISION, f->decision))
		return false;
	if (f->has_group && !in_group(record, f->group))
		return false;
	if (f->rule && !rule_is(&member[XMAUDIT_RULE], f->rule) &&
	    !rule_is(&member[XMAUDIT_OBSERVED], f->rule))
		return false;
	if (f->observed && !member[XMAUDIT_OBSERVED].s)
		return false;
	for (unsigned int i = 0; i < f->n_args; i++)
		if (!argument_is(record, f->arg[i].name, f->arg[i].value))
			return false;
	return in_numbers(f, record) && in_time(f, record);
}

bool xmaudit_result_matches(const struct xmaudit_filter *f, const struct xmaudit_slice *result)
{
	if (!f->result)
		return true;
	return result && xmaudit_slice_is(result, f->result);
}

/* ---- time -------------------------------------------------------------------------------------------- */

static bool parse_ago(const char *s, time_t now, int64_t *usp)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	size_t digits = strspn(s, "0123456789");
	int64_t n = 0;

	if (!digits || digits > 9 || !s[digits] || s[digits + 1])
		return false;
	for (size_t i = 0; i < digits; i++)
		n = n * 10 + (s[i] - '0');
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (units[i].unit != s[digits])
			continue;
		*usp = ((int64_t)now - n * units[i].seconds) * MICRO;
		return true;
	}
	return false;
}

static const char *skip_fraction(const char *s, int64_t *usp)
{
	int64_t unit = MICRO / 10;

	*usp = 0;
	if (*s != '.')
		return s;
	for (s++; *s >= '0' && *s <= '9'; s++, unit /= 10)
		*usp += (*s - '0') * unit;
	return s;
}

bool xmaudit_time(const char *s, time_t now, int64_t *usp)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
					       "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d" };

	if (parse_ago(s, now, usp))
		return true;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(s, formats[i], &tm);
		int64_t fraction;

		if (!end)
			continue;
		end = skip_fraction(end, &fraction);
		if (*end == 'Z')
			end++;
		if (*end)
			continue;
		*usp = (int64_t)timegm(&tm) * MICRO + fraction;
		return true;
	}
	return false;
}

static int digits(const char *s, unsigned int n)
{
	int value = 0;

	for (unsigned int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

/* Days since the epoch: the calendar repeats every 400 years, which begin in March here. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year, era = (y >= 0 ? y : y - 399) / 400;
	int64_t of_era = y - era * 400,
		of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* The form that our writer uses: "2027-01-31T12:00:00.250000Z". */
static bool parse_exact(const char *s, int64_t *usp)
{
	int year = digits(s, 4), month = digits(s + 5, 2), day = digits(s + 8, 2);
	int hour = digits(s + 11, 2), minute = digits(s + 14, 2), second = digits(s + 17, 2);
	int us = digits(s + 20, 6);

	if (s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' ||
	    s[19] != '.' || s[26] != 'Z')
		return false;
	if (year < 0 || month < 1 || month > 12 || day < 1 || day > 28 + 3 * (month != 2) ||
	    hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
	    us < 0)
		return false;
	*usp = (((days_of(year, month, day) * 24 + hour) * 60 + minute) * 60 + second) * MICRO + us;
	return true;
}

bool xmaudit_time_of(const struct xmaudit_slice *slice, int64_t *usp)
{
	char text[64];

	if (!slice->s || slice->escaped || slice->len >= sizeof(text))
		return false;
	if (slice->len == 27 && parse_exact(slice->s, usp))
		return true;
	xmaudit_slice_copy(slice, text, sizeof(text));
	return xmaudit_time(text, 0, usp);
}
