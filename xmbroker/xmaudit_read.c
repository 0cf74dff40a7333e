// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the bytes of a log to entries.  Owns the decisions that wait for their results.  Must never
 * stop at a line that it cannot read: what follows is somebody else's record.
 */

#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit.h"

void xmaudit_entry_free(struct xmaudit_entry *entry)
{
	json_decref(entry->record);
	json_decref(entry->result);
	*entry = (struct xmaudit_entry){ 0 };
}

static void hand_on(struct xmaudit_reader *r, struct xmaudit_entry *entry)
{
	r->fn(r->data, entry);
	xmaudit_entry_free(entry);
}

/* The oldest decision will not get its result any more. */
static void give_up_oldest(struct xmaudit_reader *r)
{
	struct xmaudit_entry entry = r->open[0];

	memmove(r->open, r->open + 1, --r->n_open * sizeof(r->open[0]));
	hand_on(r, &entry);
}

static const char *string_of(const json_t *record, const char *key)
{
	const char *s = json_string_value(json_object_get(record, key));

	return s ? s : "";
}

static bool awaits_result(const json_t *record)
{
	return !strcmp(string_of(record, "type"), "decision") &&
	       !strcmp(string_of(record, "decision"), "allow") && !json_object_get(record, "guard");
}

static void join(struct xmaudit_reader *r, json_t *result)
{
	const json_t *id = json_object_get(result, "id");
	struct xmaudit_entry entry = { .record = result };

	for (size_t i = 0; i < r->n_open; i++) {
		if (!json_equal(json_object_get(r->open[i].record, "id"), id))
			continue;
		entry = r->open[i];
		entry.result = result;
		memmove(r->open + i, r->open + i + 1, (--r->n_open - i) * sizeof(r->open[0]));
		break;
	}
	hand_on(r, &entry);
}

static void take(struct xmaudit_reader *r, json_t *record)
{
	struct xmaudit_entry entry = { .record = record };
	const char *type = string_of(record, "type");

	if (!strcmp(type, "result")) {
		join(r, record);
		return;
	}
	if (awaits_result(record)) {
		if (r->n_open == XMAUDIT_OPEN)
			give_up_oldest(r);
		r->open[r->n_open++] = entry;
		return;
	}
	/* Identifiers begin anew with the process that writes them. */
	if (!strcmp(type, "start"))
		while (r->n_open)
			give_up_oldest(r);
	hand_on(r, &entry);
}

/* ---- lines ------------------------------------------------------------------------------------------- */

/*
 * Numbers are at most 20 digits, more than the JSON library's integers hold: such a number becomes a
 * string.  Returns an allocated copy, or NULL without a need (or memory) for one.
 */
static char *quote_big_numbers(const char *line)
{
	size_t len = strlen(line);
	char *copy = NULL, *out = NULL;
	bool in_string = false;

	for (size_t i = 0; i < len;) {
		size_t digits = in_string ? 0 : strspn(line + i, "0123456789");
		bool big = digits > 18;

		if (big && !copy) {
			copy = malloc(len + len / 8 + 3);
			if (!copy)
				return NULL;
			memcpy(copy, line, i);
			out = copy + i;
		}
		if (digits) {
			if (big)
				*out++ = '"';
			if (out) {
				memcpy(out, line + i, digits);
				out += digits;
			}
			if (big)
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

static json_t *parse(const char *line, size_t len)
{
	char *quoted = memchr(line, 0, len) ? NULL : quote_big_numbers(line);
	json_t *record = json_loadb(quoted ? quoted : line, quoted ? strlen(quoted) : len,
				    JSON_REJECT_DUPLICATES, NULL);

	free(quoted);
	if (record && (!json_is_object(record) || !string_of(record, "type")[0])) {
		json_decref(record);
		return NULL;
	}
	return record;
}

static void report(struct xmaudit_reader *r, const char *what)
{
	r->bad++;
	fprintf(stderr, "xmaudit: %s:%lu: %s\n", r->file, r->line, what);
}

static void end_line(struct xmaudit_reader *r)
{
	json_t *record;

	r->line++;
	if (r->skipping) {
		report(r, "too long for a record");
	} else {
		r->buf[r->len] = '\0';
		record = parse(r->buf, r->len);
		if (record)
			take(r, record);
		else
			report(r, "not a record");
	}
	r->len = 0;
	r->skipping = false;
}

void xmaudit_feed(struct xmaudit_reader *r, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t part = end ? (size_t)(end - data) : len;

		if (part > XMAUDIT_LINE_MAX - r->len) {
			r->skipping = true;
		} else if (!r->skipping) {
			memcpy(r->buf + r->len, data, part);
			r->len += part;
		}
		if (!end)
			return;
		end_line(r);
		data += part + 1;
		len -= part + 1;
	}
}

void xmaudit_end(struct xmaudit_reader *r)
{
	while (r->n_open)
		give_up_oldest(r);
	if (!r->len && !r->skipping)
		return;
	r->line++;
	report(r, "torn off: the line has no end");
	r->len = 0;
}
