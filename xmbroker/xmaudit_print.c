// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How an entry looks.  Must never let a byte of the log through to a terminal other than by
 * text_safe(), or as JSON with everything but printable ASCII escaped.
 */

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit.h"

static const char *string_of(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static void put_safe(struct text *t, const char *s)
{
	text_safe(t, s, strlen(s));
}

static void put_value(struct text *t, const json_t *value);

static void put_members(struct text *t, const json_t *object)
{
	const char *key, *between = "{";
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		text_puts(t, between);
		put_safe(t, key);
		text_char(t, '=');
		put_value(t, value);
		between = ", ";
	}
	text_char(t, '}');
}

static void put_list(struct text *t, const json_t *list)
{
	size_t i;
	json_t *value;

	text_char(t, '[');
	json_array_foreach(list, i, value)
	{
		if (i)
			text_puts(t, ", ");
		put_value(t, value);
	}
	text_char(t, ']');
}

/* The reader of lines bounds how deep values nest. */
static void put_value(struct text *t, const json_t *value)
{
	const json_t *length = json_object_get(value, "length");

	if (json_is_string(value)) {
		put_safe(t, json_string_value(value));
	} else if (json_is_integer(value)) {
		text_s64(t, json_integer_value(value));
	} else if (length) {
		text_char(t, '{');
		put_value(t, length);
		text_puts(t, " bytes}");
	} else if (json_is_object(value) && json_object_size(value)) {
		put_members(t, value);
	} else if (json_is_array(value)) {
		put_list(t, value);
	} else {
		text_char(t, '?');
	}
}

static void put_field(struct text *t, const json_t *record, const char *key)
{
	put_value(t, json_object_get(record, key));
}

/* "name(uid)"; the last name is remembered, since records of one user come in a row. */
static void put_user(struct text *t, const json_t *record)
{
	static json_int_t last_uid = -1;
	static char last_name[64];
	const json_t *uid = json_object_get(record, "uid");

	if (json_is_integer(uid) && json_integer_value(uid) != last_uid) {
		const struct passwd *pw = getpwuid((uid_t)json_integer_value(uid));

		last_uid = json_integer_value(uid);
		snprintf(last_name, sizeof(last_name), "%s", pw ? pw->pw_name : "uid");
	}
	put_safe(t, json_is_integer(uid) ? last_name : "uid");
	text_char(t, '(');
	put_value(t, uid);
	text_char(t, ')');
}

static void put_call(struct text *t, const json_t *record)
{
	const char *key, *between = "";
	json_t *args = json_object_get(record, "args"), *value;

	put_field(t, record, "op");
	text_char(t, '(');
	json_object_foreach(args, key, value)
	{
		text_puts(t, between);
		put_safe(t, key);
		text_char(t, '=');
		put_value(t, value);
		between = ", ";
	}
	text_char(t, ')');
}

static void put_reason(struct text *t, const json_t *record)
{
	const char *rule = string_of(record, "rule");

	text_puts(t, " by ");
	if (rule[0]) {
		put_safe(t, rule);
		if (string_of(record, "role")[0]) {
			text_puts(t, " (");
			put_field(t, record, "role");
			text_char(t, ')');
		}
		if (!strcmp(string_of(record, "why"), "limit"))
			text_puts(t, ", no token left");
	} else {
		put_field(t, record, "why");
	}
	if (string_of(record, "because")[0]) {
		text_puts(t, ": ");
		put_field(t, record, "because");
	}
}

/* What shadow rules would have made of it. */
static void put_observed(struct text *t, const json_t *record)
{
	if (!json_object_get(record, "observed"))
		return;
	text_puts(t, " [would ");
	put_field(t, record, "would");
	text_puts(t, " by ");
	put_safe(t, string_of(record, "observed"));
	text_char(t, ']');
}

static void put_result(struct text *t, const json_t *result)
{
	text_puts(t, " -> ");
	put_field(t, result, "result");
	if (!strcmp(string_of(result, "result"), "XM_OK")) {
		text_char(t, ' ');
		put_field(t, result, "value");
	}
	text_puts(t, " (");
	put_field(t, result, "latency_us");
	text_puts(t, " us)");
}

/* " [batch 3.0]": element 0 of batch 3. */
static void put_element(struct text *t, const json_t *record)
{
	if (!json_object_get(record, "batch"))
		return;
	text_puts(t, " [batch ");
	put_field(t, record, "batch");
	text_char(t, '.');
	put_field(t, record, "element");
	text_char(t, ']');
}

/* A decision with its result, or another record. */
struct joined {
	json_t *record, *result; /* owned */
};

static void put_decision(struct text *t, const struct joined *entry)
{
	const json_t *record = entry->record;
	bool allowed = !strcmp(string_of(record, "decision"), "allow");

	text_puts(t, allowed ? " allow " : " DENY  ");
	put_user(t, record);
	text_puts(t, " pid ");
	put_field(t, record, "pid");
	text_puts(t, " \"");
	put_safe(t, string_of(record, "comm"));
	text_puts(t, "\" ");
	put_call(t, record);
	put_element(t, record);
	put_reason(t, record);
	put_observed(t, record);
	if (json_object_get(record, "guard")) {
		text_puts(t, " -> guarded: ");
		put_field(t, record, "guard");
	} else if (entry->result) {
		put_result(t, entry->result);
	} else if (allowed) {
		text_puts(t, " -> (no result)");
	}
}

static bool is_common(const char *key)
{
	static const char *const keys[] = { "seq", "type", "time", "mono", "chain", "seal" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

/* Records without a form of their own: all their fields. */
static void put_other(struct text *t, const json_t *record)
{
	const char *key;
	json_t *value;

	text_char(t, ' ');
	put_field(t, record, "type");
	json_object_foreach((json_t *)(uintptr_t)record, key, value)
	{
		if (is_common(key))
			continue;
		text_char(t, ' ');
		put_safe(t, key);
		text_char(t, '=');
		put_value(t, value);
	}
}

/* Denials that were counted instead of recorded. */
static void put_folded(struct text *t, const json_t *record)
{
	text_puts(t, strcmp(string_of(record, "decision"), "allow") ? " DENY  " : " allow ");
	put_user(t, record);
	text_char(t, ' ');
	put_field(t, record, "op");
	put_reason(t, record);
	if (json_object_get(record, "guard")) {
		text_puts(t, " -> guarded: ");
		put_field(t, record, "guard");
	}
	text_puts(t, " (folded: ");
	put_field(t, record, "records");
	text_puts(t, " of them)");
	if (json_is_true(json_object_get(record, "interrupted")))
		text_puts(t, " [counted by a process that was killed]");
}

static void put_entry(struct text *t, const struct joined *entry)
{
	const char *type = string_of(entry->record, "type");

	put_safe(t, string_of(entry->record, "time"));
	text_puts(t, " #");
	put_field(t, entry->record, "seq");
	if (!strcmp(type, "decision"))
		put_decision(t, entry);
	else if (!strcmp(type, "folded"))
		put_folded(t, entry->record);
	else
		put_other(t, entry->record);
}

/* A result whose decision is not in the log is an entry by itself. */
static struct joined read_entry(const struct xmaudit_entry *entry)
{
	struct joined joined = { 0 };

	if (entry->line)
		joined.record = xmaudit_json_read(entry->line, entry->len);
	if (entry->result)
		joined.result = xmaudit_json_read(entry->result, entry->result_len);
	return joined;
}

static void release(struct joined *joined)
{
	json_decref(joined->record);
	json_decref(joined->result);
}

void xmaudit_line(struct text *t, const struct xmaudit_entry *entry)
{
	struct joined joined = read_entry(entry);

	if (joined.record)
		put_entry(t, &joined);
	release(&joined);
}

/* jansson leaves DEL as it is. */
static char *escape_del(char *s)
{
	size_t n = 0, len = strlen(s);
	char *copy, *out;

	for (size_t i = 0; i < len; i++)
		n += s[i] == 0x7f;
	if (!n)
		return s;
	copy = out = malloc(len + 5 * n + 1);
	for (size_t i = 0; copy && i <= len; i++) {
		if (s[i] == 0x7f) {
			memcpy(out, "\\u007f", 6);
			out += 6;
		} else {
			*out++ = s[i];
		}
	}
	free(s);
	return copy;
}

char *xmaudit_json_text(json_t *object)
{
	char *s = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);

	json_decref(object);
	return s ? escape_del(s) : NULL;
}

char *xmaudit_json(const struct xmaudit_entry *entry)
{
	static const char *const of_result[] = { "result", "value", "latency_us" };
	struct joined joined = read_entry(entry);

	for (size_t i = 0; joined.result && i < sizeof(of_result) / sizeof(of_result[0]); i++) {
		json_t *value = json_object_get(joined.result, of_result[i]);

		if (value)
			json_object_set(joined.record, of_result[i], value);
	}
	json_decref(joined.result);
	return joined.record ? xmaudit_json_text(joined.record) : NULL;
}
