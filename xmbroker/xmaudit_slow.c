// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The slow way from a line to its members, by the JSON library: for what is not in our writer's form
 * but may be a record all the same.
 */

#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit_scan.h"

/*
 * Numbers are at most 20 digits, more than the JSON library's integers hold: such a number becomes a
 * string.  Returns an allocated copy, or NULL without a need (or memory) for one.
 */
static char *quote_big_numbers(const char *line, size_t len)
{
	char *copy = NULL, *out = NULL;
	bool in_string = false;

	for (size_t i = 0; i < len;) {
		size_t digits = 0;
		bool big;

		while (!in_string && i + digits < len && line[i + digits] >= '0' &&
		       line[i + digits] <= '9')
			digits++;
		big = digits > 18;
		if (big && !copy) {
			copy = malloc(len + len / 8 + 3);
			if (!copy)
				return NULL;
			memcpy(copy, line, i);
			out = copy + i;
		}
		if (digits) {
			if (big && out)
				*out++ = '"';
			if (out) {
				memcpy(out, line + i, digits);
				out += digits;
			}
			if (big && out)
				*out++ = '"';
			i += digits;
			continue;
		}
		if (line[i] == '"')
			in_string = !in_string;
		if (in_string && line[i] == '\\' && i + 1 < len) {
			if (out)
				*out++ = line[i];
			i++;
		}
		if (out)
			*out++ = line[i];
		i++;
	}
	if (out)
		*out = '\0';
	return copy;
}

json_t *xmaudit_json_read(const char *line, size_t len)
{
	char *quoted = memchr(line, 0, len) ? NULL : quote_big_numbers(line, len);
	json_t *record = json_loadb(quoted ? quoted : line, quoted ? strlen(quoted) : len,
				    JSON_REJECT_DUPLICATES, NULL);
	const char *type = json_string_value(json_object_get(record, "type"));

	free(quoted);
	if (record && (!json_is_object(record) || !type || !*type)) {
		json_decref(record);
		return NULL;
	}
	return record;
}

/* A number as its digits, which the record has room for: it is made a string of the object. */
static const char *digits_of(json_t *object, const char *name, json_t *value)
{
	char digits[24];
	json_t *string;

	snprintf(digits, sizeof(digits), "%lld", (long long)json_integer_value(value));
	string = json_string(digits);
	if (!string || json_object_set_new(object, name, string) < 0)
		return NULL;
	return json_string_value(string);
}

static void take_text(const char *text, struct xmaudit_slice *slice)
{
	if (text)
		*slice = (struct xmaudit_slice){ text, (uint32_t)strlen(text), false };
}

bool xmaudit_scan_json(const char *line, size_t len, struct xmaudit_record *record)
{
	memset(record, 0, sizeof(*record));
	record->json = xmaudit_json_read(line, len);
	if (!record->json)
		return false;
	for (unsigned int i = 0; i < XMAUDIT_N_MEMBERS; i++) {
		const char *name = xmaudit_member_name(i);
		json_t *value = json_object_get(record->json, name);
		struct xmaudit_slice *slice = &record->member[i];

		if (json_is_string(value))
			take_text(json_string_value(value), slice);
		else if (json_is_integer(value))
			take_text(digits_of(record->json, name, value), slice);
		else if (json_is_true(value))
			take_text("true", slice);
		else if (json_is_object(value) && i == XMAUDIT_ARGS)
			take_text(record->text[0] = json_dumps(value, JSON_COMPACT), slice);
		else if (json_is_array(value) && i == XMAUDIT_GROUPS)
			take_text(record->text[1] = json_dumps(value, JSON_COMPACT), slice);
	}
	record->type =
		xmaudit_type_of(record->member[XMAUDIT_TYPE].s, record->member[XMAUDIT_TYPE].len);
	return true;
}

void xmaudit_record_release(struct xmaudit_record *record)
{
	if (!record->json)
		return;
	json_decref(record->json);
	free(record->text[0]);
	free(record->text[1]);
	record->json = NULL;
	record->text[0] = record->text[1] = NULL;
}

bool xmaudit_record_read(const char *line, size_t len, struct xmaudit_record *record)
{
	return xmaudit_scan(line, len, record) || xmaudit_scan_json(line, len, record);
}
