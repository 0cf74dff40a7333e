// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a search wants.  Pure functions of a record.
 */

#include <string.h>

#include "xmbroker/xmaudit.h"

#define MICRO 1000000

static const char *string_of(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static bool number_is(const json_t *value, uint32_t number)
{
	return json_is_integer(value) && json_integer_value(value) == (json_int_t)number;
}

static bool in_group(const json_t *record, uint32_t group)
{
	const json_t *groups = json_object_get(record, "groups");
	size_t i;
	json_t *gid;

	if (number_is(json_object_get(record, "gid"), group))
		return true;
	json_array_foreach(groups, i, gid) if (number_is(gid, group)) return true;
	return false;
}

/* "policy.yaml:12" is the rule at policy.yaml:12:7, and at /etc/xmbroker/policy.yaml:12:7. */
static bool rule_is(const char *rule, const char *wanted)
{
	size_t len = strlen(wanted);

	for (const char *part = rule;; part++) {
		if (!strncmp(part, wanted, len) && (part[len] == ':' || !part[len]))
			return true;
		part = strchr(part, '/');
		if (!part)
			return false;
	}
}

static bool argument_is(const json_t *value, const char *wanted)
{
	char number[24];
	const json_t *length = json_object_get(value, "length");

	if (json_is_string(value))
		return !strcmp(json_string_value(value), wanted);
	if (length)
		value = length;
	if (!json_is_integer(value))
		return false;
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
	return !strcmp(number, wanted);
}

static bool in_time(const struct xmaudit_filter *f, const json_t *record)
{
	int64_t at;

	if (!f->has_since && !f->has_until)
		return true;
	if (!xmaudit_time(string_of(record, "time"), 0, &at))
		return false;
	return !(f->has_since && at < f->since) && !(f->has_until && at >= f->until);
}

bool xmaudit_matches(const struct xmaudit_filter *f, const json_t *record)
{
	if (f->decisions_only && strcmp(string_of(record, "type"), "decision"))
		return false;
	if (f->has_user && !number_is(json_object_get(record, "uid"), f->user))
		return false;
	if (f->has_group && !in_group(record, f->group))
		return false;
	if (f->op && strcmp(string_of(record, "op"), f->op))
		return false;
	if (f->decision && strcmp(string_of(record, "decision"), f->decision))
		return false;
	if (f->rule && !rule_is(string_of(record, "rule"), f->rule))
		return false;
	for (unsigned int i = 0; i < f->n_args; i++)
		if (!argument_is(json_object_get(json_object_get(record, "args"), f->arg[i].name),
				 f->arg[i].value))
			return false;
	return in_time(f, record);
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
