// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the lines of a log to entries.  Owns the decisions that wait for their results.  Must never
 * stop at a line that it cannot read: what follows is somebody else's record.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/audit_chain.h"
#include "xmbroker/xmaudit.h"

static void hand_on(struct xmaudit_reader *r, const struct xmaudit_entry *entry,
		    const struct xmaudit_slice *result)
{
	if (r->on_entry && xmaudit_result_matches(r->filter, result))
		r->on_entry(r->data, entry);
}

/* ---- decisions that wait ----------------------------------------------------------------------------- */

static struct xmaudit_open take_open(struct xmaudit_reader *r, size_t i)
{
	struct xmaudit_open open = r->open[i];

	memmove(r->open + i, r->open + i + 1, (--r->n_open - i) * sizeof(r->open[0]));
	r->open_bytes -= open.len;
	r->n_wanted -= open.wanted;
	return open;
}

/* The oldest decision will not get its result any more. */
static void give_up_oldest(struct xmaudit_reader *r)
{
	struct xmaudit_open open = take_open(r, 0);

	if (open.wanted)
		hand_on(r, &(struct xmaudit_entry){ .line = open.line, .len = open.len }, NULL);
	free(open.line);
}

void xmaudit_read_gap(struct xmaudit_reader *r)
{
	while (r->n_open)
		give_up_oldest(r);
}

static bool awaits_result(const struct xmaudit_record *record, uint64_t *idp)
{
	return record->type == XMAUDIT_IS_DECISION && !record->member[XMAUDIT_GUARD].s &&
	       xmaudit_slice_is(&record->member[XMAUDIT_DECISION], "allow") &&
	       xmaudit_slice_number(&record->member[XMAUDIT_ID], idp);
}

/*
 * Whether the result of a decision that nobody wants has to be known as such: otherwise it would be
 * taken for one whose decision is not in the log.
 */
static bool must_remember(const struct xmaudit_reader *r)
{
	return !r->filter->decisions_only;
}

static bool keep_open(struct xmaudit_reader *r, uint64_t id, bool wanted, const char *line,
		      size_t len)
{
	struct xmaudit_open open = { .id = id, .wanted = wanted };

	if (wanted && r->lines) {
		open.line = malloc(len ? len : 1);
		if (!open.line)
			return false;
		memcpy(open.line, line, len);
		open.len = len;
	}
	while (r->n_open == XMAUDIT_OPEN ||
	       (r->n_open && r->open_bytes + open.len > XMAUDIT_OPEN_BYTES))
		give_up_oldest(r);
	r->open_bytes += open.len;
	r->n_wanted += wanted;
	r->open[r->n_open++] = open;
	return true;
}

static bool find_open(const struct xmaudit_reader *r, uint64_t id, size_t *ip)
{
	/* Most results follow their decision. */
	for (size_t i = r->n_open; i-- > 0;)
		if (r->open[i].id == id) {
			*ip = i;
			return true;
		}
	return false;
}

/* ---- records ----------------------------------------------------------------------------------------- */

/* true: it was the result of a decision that was known. */
static bool join(struct xmaudit_reader *r, const struct xmaudit_record *record, const char *line,
		 size_t len)
{
	struct xmaudit_entry entry = { .result = line, .result_len = len };
	struct xmaudit_open open;
	uint64_t id;
	size_t i;

	if (!xmaudit_slice_number(&record->member[XMAUDIT_ID], &id) || !find_open(r, id, &i))
		return false;
	open = take_open(r, i);
	if (open.wanted) {
		entry.line = open.line;
		entry.len = open.len;
		if (r->on_record)
			r->on_record(r->data, record);
		hand_on(r, &entry, &record->member[XMAUDIT_RESULT]);
	}
	free(open.line);
	return true;
}

static void take(struct xmaudit_reader *r, const struct xmaudit_record *record, const char *line,
		 size_t len)
{
	bool wanted = xmaudit_matches(r->filter, record);
	const struct xmaudit_entry entry = { .line = r->lines ? line : NULL, .len = len };
	uint64_t id;

	if (wanted && r->on_record)
		r->on_record(r->data, record);
	if (awaits_result(record, &id) && (wanted || must_remember(r)) &&
	    keep_open(r, id, wanted, line, len))
		return;
	/* Identifiers begin anew with the process that writes them. */
	if (record->type == XMAUDIT_IS_START)
		xmaudit_read_gap(r);
	if (wanted)
		hand_on(r, &entry,
			record->type == XMAUDIT_IS_RESULT ? &record->member[XMAUDIT_RESULT] : NULL);
}

static void report(struct xmaudit_reader *r, const char *what, uint64_t line, uint64_t offset)
{
	r->bad++;
	if (r->quiet)
		return;
	if (r->numbered)
		fprintf(stderr, "xmaudit: %s:%" PRIu64 ": %s\n", r->file, line, what);
	else
		fprintf(stderr, "xmaudit: %s: at byte %" PRIu64 ": %s\n", r->file, offset, what);
}

void xmaudit_read_bad(struct xmaudit_reader *r, const char *what)
{
	report(r, what, r->line, r->offset);
}

/* ---- torn pieces ------------------------------------------------------------------------------------- */

#define TORN_AGE 3 /* records within which one tells of the piece before them */

static void end_torn(struct xmaudit_reader *r)
{
	if (r->torn)
		report(r, "a torn record, of which no other tells", r->torn_line, r->torn_offset);
	r->torn = false;
}

static bool is_torn(const char *line, size_t len)
{
	size_t n = strlen(AUDIT_TORN_END);

	return len > n && !memcmp(line + len - n, AUDIT_TORN_END, n);
}

static void begin_torn(struct xmaudit_reader *r)
{
	end_torn(r);
	r->torn = true;
	r->torn_age = 0;
	r->torn_line = r->line;
	r->torn_offset = r->offset;
}

static void after_torn(struct xmaudit_reader *r, const struct xmaudit_record *record)
{
	if (!r->torn)
		return;
	if (record->type == XMAUDIT_IS_RECOVERED)
		r->torn = false;
	else if (++r->torn_age >= TORN_AGE)
		end_torn(r);
}

/* ---- lines ------------------------------------------------------------------------------------------- */

void xmaudit_read_line(struct xmaudit_reader *r, const char *line, size_t len)
{
	struct xmaudit_record record;

	if (!xmaudit_record_read(line, len, &record)) {
		if (is_torn(line, len))
			begin_torn(r);
		else
			xmaudit_read_bad(r, "not a record");
		return;
	}
	after_torn(r, &record);
	if (record.type != XMAUDIT_IS_RESULT || !join(r, &record, line, len))
		take(r, &record, line, len);
	xmaudit_record_release(&record);
}

int xmaudit_read_lines(struct xmaudit_reader *r, struct xmaudit_lines *lines, uint64_t limit)
{
	const char *line;
	size_t len;
	int what;

	while (lines->offset < limit) {
		r->offset = lines->offset;
		what = xmaudit_lines_next(lines, &line, &len);
		if (what <= XMAUDIT_END)
			return what;
		r->line++;
		if (what == XMAUDIT_TOO_LONG)
			xmaudit_read_bad(r, "too long for a record");
		else
			xmaudit_read_line(r, line, len);
	}
	return 0;
}

void xmaudit_read_end(struct xmaudit_reader *r)
{
	end_torn(r);
	xmaudit_read_gap(r);
}
