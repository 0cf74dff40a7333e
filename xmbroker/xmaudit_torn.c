// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What stands in a log between its records: torn pieces, of which a record has to tell, and anything
 * else, which nobody wrote there.  Owns the bytes of it, up to a bound.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit_verify_internal.h"

#define REGION_MAX (4u << 20)

static bool region_ends_with(const struct region *region, const char *end)
{
	size_t n = strlen(end);

	return region->len >= n && !memcmp(region->text + region->len - n, end, n);
}

/* What was a record, or a part of one: no single byte can hide both marks. */
static bool region_is_like_a_record(const struct region *region)
{
	static const char chain[] = ",\"chain\":\"", seq[] = "{\"seq\":";

	return (region->len >= sizeof(seq) - 1 && !memcmp(region->text, seq, sizeof(seq) - 1)) ||
	       (region->len && memmem(region->text, region->len, chain, sizeof(chain) - 1));
}

static bool region_is_torn(const struct region *region)
{
	return region_ends_with(region, AUDIT_TORN_END);
}

/* Where a record was that is none any more: its first byte may be what is missing. */
const struct xmaudit_place *region_damage(const struct region *region)
{
	return region->torn_len ? &region->after_torn : &region->place;
}

static int region_add(struct verifier *v, const char *text, size_t len, bool whole, bool too_long)
{
	const struct region line = { .text = (char *)(uintptr_t)text, .len = len };
	struct region *region = &v->region;
	char *more;

	if (!region->open) {
		region->open = true;
		region->len = region->lines = region->age = region->torn_len = 0;
		region->too_long = region->damaged = false;
		region->place = v->cursor.place;
	}
	if (region->lines && region_is_torn(region)) {
		region->torn_len = region->len;
		region->after_torn = v->cursor.place;
	}
	region->damaged |= !region_is_torn(&line) && region_is_like_a_record(&line);
	region->too_long |= too_long || region->len + len + 1 > REGION_MAX;
	region->whole = whole;
	region->lines++;
	if (region->too_long)
		return 0;
	more = realloc(region->text, region->len + len + 1);
	if (!more)
		return -ENOMEM;
	region->text = more;
	if (region->lines > 1)
		region->text[region->len++] = '\n';
	memcpy(region->text + region->len, text, len);
	region->len += len;
	return 0;
}

/* Without what its line was ended with. */
static size_t piece_length(const struct region *region)
{
	size_t n = strlen(AUDIT_TORN_END);

	if (region->whole && region->len >= n &&
	    !memcmp(region->text + region->len - n, AUDIT_TORN_END, n))
		return region->len - n;
	return region->len;
}

static bool piece_is(const struct region *region, size_t len, const struct xmaudit_record *record)
{
	uint8_t hash[AUDIT_TORN_BYTES], should[AUDIT_TORN_BYTES];
	const struct xmaudit_slice *hex = &record->member[XMAUDIT_HASH];
	uint64_t bytes;

	if (!xmaudit_slice_number(&record->member[XMAUDIT_BYTES], &bytes) || bytes != len ||
	    hex->len != 2 * sizeof(hash) || !audit_hex_get(hex->s, should, sizeof(should)))
		return false;
	audit_torn_hash(region->text, len, hash);
	return !memcmp(hash, should, sizeof(hash));
}

/* A line that does not belong to the piece that the record tells of. */
static const struct xmaudit_place *stranger(const struct region *region,
					    const struct xmaudit_record *record)
{
	const char *last = region->len ? memrchr(region->text, '\n', region->len) : NULL;
	struct region part = *region;

	part.len = region->torn_len;
	if (part.len && piece_is(&part, piece_length(&part), record))
		return &region->after_torn;
	if (!last)
		return NULL;
	part.text = region->text + (last + 1 - region->text);
	part.len = region->len - (size_t)(part.text - region->text);
	return piece_is(&part, piece_length(&part), record) ? &region->place : NULL;
}

/* A record tells of a piece. */
int region_recovered(struct verifier *v, const struct xmaudit_record *record)
{
	struct region *region = &v->region;
	const struct xmaudit_place *place;

	if (!region->open)
		return verifier_find(v, &v->cursor.place, XMAUDIT_REMOVED, v->seq,
				     "the torn piece that this record tells of is gone");
	place = region->too_long ? NULL : stranger(region, record);
	if (place)
		return verifier_find(v, place, XMAUDIT_INSERTED, v->seq, "this is not a record");
	if (region->too_long || (!piece_is(region, piece_length(region), record) &&
				 !piece_is(region, region->len, record)))
		return verifier_find(
			v, &region->place, XMAUDIT_EDITED, v->seq,
			"the torn piece is not the one that record %" PRIu64 " tells of", v->seq);
	region->open = false;
	v->verdict->recovered++;
	return 0;
}

/* Whether a record stands at the beginning of a torn piece: their newline is gone. */
static bool region_hides_record(const struct region *region, uint64_t seq)
{
	const char *p = region->text, *end = region->text + region->len;
	struct audit_line line;

	while (!region->too_long && (p = memmem(p, (size_t)(end - p), "\"}", 2))) {
		p += 2;
		if (audit_line_parse(region->text, (size_t)(p - region->text), &line))
			return line.seq == seq;
	}
	return false;
}

/* No record told of it in time. */
static int region_undeclared(struct verifier *v, uint64_t seq)
{
	const struct region *region = &v->region;

	if (!region->too_long && !region_is_like_a_record(region) && !region_is_torn(region))
		return verifier_find(v, &region->place, XMAUDIT_INSERTED, seq,
				     "this is not a record");
	return verifier_find(v, &region->place, XMAUDIT_UNDECLARED, seq,
			     "a torn record, of which no other record tells");
}

/* The next record tells of it, or the one behind the start of the process that found it. */
int region_passed(struct verifier *v)
{
	if (!v->region.open || (++v->region.age == 1 && v->type == XMAUDIT_IS_START))
		return 0;
	return region_undeclared(v, v->seq - v->region.age + 1);
}

bool region_was_record(const struct region *region, uint64_t seq)
{
	return region->open && (region->damaged || region_hides_record(region, seq));
}

/* Goes to the next record: does it come too early, since what told of the piece is missing? */
static bool next_is_ahead(struct verifier *v, struct audit_line *line)
{
	const char *text;
	size_t len;
	int what;

	while ((what = xmaudit_cursor_next(&v->cursor, &text, &len)) > XMAUDIT_END)
		if (what == XMAUDIT_LINE && audit_line_parse(text, len, line))
			return line->seq > v->seq + 1;
	return false;
}

/* A line that is no record, while nothing has told of the torn piece a little before it as yet. */
static int another_line(struct verifier *v, int what, const char *text, size_t len)
{
	const struct region line = { .text = (char *)(uintptr_t)text, .len = len };
	bool both = region_is_torn(&v->region) && region_is_torn(&line);
	bool neither = !region_is_torn(&v->region), was_record = region_is_like_a_record(&line);
	struct audit_line next;

	/* A crash in the middle of telling. */
	if (what == XMAUDIT_REST && v->cursor.place.file + 1 == v->log->n) {
		v->region.open = false;
		return region_add(v, text, len, false, false);
	}
	if (both && next_is_ahead(v, &next))
		return verifier_diagnose(v);
	if (both || neither)
		return region_undeclared(v, v->seq - v->region.age + 1);
	if (was_record)
		return verifier_find(v, &v->cursor.place, XMAUDIT_EDITED, v->seq + 1,
				     "this is not a record any more");
	return verifier_find(v, &v->cursor.place, XMAUDIT_INSERTED, v->seq + 1,
			     "this is not a record");
}

int region_take(struct verifier *v, int what, const char *text, size_t len)
{
	if (v->region.open && v->region.age)
		return another_line(v, what, text, len);
	return region_add(v, text, len, what != XMAUDIT_REST, what == XMAUDIT_TOO_LONG);
}

int region_end(struct verifier *v)
{
	const struct region *region = &v->region;

	if (!region->open)
		return 0;
	if (region->age && region_is_torn(region))
		return verifier_find(v, &region->place, XMAUDIT_TORN_TAIL, v->seq + 1,
				     "the log ends where a record should tell of a torn one");
	if (region->age)
		return region_undeclared(v, v->seq - region->age + 1);
	/* The end of a line is written with all of the record, or to end a torn piece. */
	if (region->whole && region->damaged)
		return verifier_find(v, region_damage(region), XMAUDIT_EDITED, v->seq + 1,
				     "this is not a record");
	return verifier_find(v, &region->place, XMAUDIT_TORN_TAIL, v->seq + 1,
			     "the log ends within a record, of which it has %zu bytes",
			     piece_length(region));
}
