// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Goes along the chain of a log.  Owns the state of the chain and of the seals.  Must never take a
 * record for good that does not follow from the one before, and never say more than what was checked.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "xmbroker/xmaudit_verify_internal.h"

/* ---- findings ---------------------------------------------------------------------------------------- */

int verifier_find(struct verifier *v, const struct xmaudit_place *place, enum xmaudit_kind kind,
		  uint64_t seq, const char *format, ...)
{
	struct xmaudit_finding *f = &v->verdict->finding;
	va_list ap;

	f->kind = kind;
	f->file = place->file;
	f->line = place->line;
	f->seq = seq;
	va_start(ap, format);
	vsnprintf(f->text, sizeof(f->text), format, ap);
	va_end(ap);
	return 1;
}

static struct xmaudit_trouble trouble_here(const struct verifier *v)
{
	struct xmaudit_trouble t = {
		.log = v->log, .place = v->cursor.place, .seq = v->seq + 1, .seals = v->seals
	};

	memcpy(t.chain, v->chain, sizeof(t.chain));
	return t;
}

static int diagnosed(struct verifier *v, int r)
{
	if (r < 0)
		return r;
	v->verdict->finding.file = v->cursor.place.file;
	v->verdict->finding.line = v->cursor.place.line;
	return 1;
}

int verifier_diagnose(struct verifier *v)
{
	const struct xmaudit_trouble t = trouble_here(v);

	return diagnosed(v, xmaudit_diagnose(&t, &v->verdict->finding));
}

/* ---- the first record -------------------------------------------------------------------------------- */

/* The chain value of the record before the first, if an anchor has it. */
static bool anchored_before(struct verifier *v, uint64_t seq)
{
	const struct xmaudit_check *check = v->check;

	for (; v->anchor < check->n_anchors && check->anchors[v->anchor].seq < seq; v->anchor++) {
		if (check->anchors[v->anchor].seq != seq - 1) {
			v->verdict->anchors_before++;
			continue;
		}
		memcpy(v->chain, check->anchors[v->anchor++].chain, sizeof(v->chain));
		return true;
	}
	return false;
}

static int begin(struct verifier *v, const struct audit_line *line)
{
	v->begun = true;
	v->first = v->cursor.place;
	v->verdict->first = line->seq;
	v->seq = line->seq - 1;
	if (line->seq == 1)
		return 0;
	if (region_was_record(&v->region, line->seq - 1))
		return verifier_find(v, &v->region.place, XMAUDIT_EDITED, line->seq - 1,
				     "this is not a record any more");
	v->verdict->single = v->log->single;
	if (!audit_line_is(line, "start") && !audit_line_is(line, "continue"))
		return verifier_find(
			v, &v->cursor.place, XMAUDIT_BEGINNING, line->seq,
			"the first record is not the beginning of a file: records before it are "
			"missing");
	if (anchored_before(v, line->seq)) {
		v->verdict->anchors++;
		return 0;
	}
	v->verdict->first_unchecked = true;
	return 0;
}

/* Is what is missing before the first record what the log says was taken away? */
static int judge_beginning(struct verifier *v)
{
	const struct xmaudit_verdict *verdict = v->verdict;
	const struct xmaudit_place place = { 0, 0, 1 };
	uint64_t allowed = v->kept_from ? v->kept_from : 1;

	v->verdict->retained = verdict->first - 1;
	if (verdict->first <= allowed || verdict->single)
		return 0;
	v->verdict->finding.first = allowed;
	v->verdict->finding.n = verdict->first - allowed;
	return verifier_find(v, &place, XMAUDIT_BEGINNING, verdict->first,
			     "records %" PRIu64 " to %" PRIu64
			     " are missing at the beginning, and no retention record allows that",
			     allowed, verdict->first - 1);
}

/* ---- records ----------------------------------------------------------------------------------------- */

static uint64_t number_of(const struct xmaudit_record *record, enum xmaudit_member member)
{
	uint64_t value = 0;

	xmaudit_slice_number(&record->member[member], &value);
	return value;
}

/* A new segment: its key. */
static int begin_segment(struct verifier *v, const struct audit_line *line,
			 const struct xmaudit_record *record)
{
	struct xmaudit_verdict *verdict = v->verdict;
	uint64_t epoch = number_of(record, XMAUDIT_EPOCH), before = verdict->epoch_last;

	verdict->segments++;
	v->seals.open = v->seals.sealed = false;
	if (!line->sealed)
		return 0;
	v->seals.sealed = true;
	if (epoch <= before)
		return verifier_find(v, &v->cursor.place, XMAUDIT_FORGED, line->seq,
				     "a segment of epoch %" PRIu64
				     " cannot follow one of epoch %" PRIu64,
				     epoch, before);
	if (before)
		verdict->epochs_missing += epoch - before - 1;
	else
		verdict->epoch_first = epoch;
	verdict->epoch_last = epoch;
	if (v->seals.known && !xmaudit_seals_begin(&v->seals, epoch))
		return verifier_find(v, &v->cursor.place, XMAUDIT_FORGED, line->seq,
				     "epoch %" PRIu64 " is beyond all that can be", epoch);
	return 0;
}

static int on_start(struct verifier *v, const struct xmaudit_record *record)
{
	const struct xmaudit_slice *previous = &record->member[XMAUDIT_PREVIOUS];

	if (xmaudit_slice_is(previous, "stopped"))
		v->verdict->restarts++;
	if (!xmaudit_slice_is(previous, "ended"))
		return 0;
	v->verdict->restarts++;
	v->verdict->crashes++;
	return 0;
}

/* Of a record that follows from the one before: what it says of the log. */
static int take_meaning(struct verifier *v, const char *text, size_t len,
			const struct audit_line *line)
{
	struct xmaudit_record record;
	uint64_t first;
	int r = 0;

	if (!xmaudit_record_read(text, len, &record))
		return verifier_find(v, &v->cursor.place, XMAUDIT_EDITED, line->seq,
				     "this is not JSON");
	switch (v->type) {
	case XMAUDIT_IS_START:
	case XMAUDIT_IS_CONTINUE:
		r = begin_segment(v, line, &record);
		if (r == 0 && v->type == XMAUDIT_IS_START)
			r = on_start(v, &record);
		break;
	case XMAUDIT_IS_LOST:
		v->verdict->lost += number_of(&record, XMAUDIT_RECORDS);
		break;
	case XMAUDIT_IS_FOLDED:
		v->verdict->folded += number_of(&record, XMAUDIT_RECORDS);
		break;
	case XMAUDIT_IS_RETENTION:
		first = number_of(&record, XMAUDIT_FIRST);
		if (first > v->kept_from && first <= line->seq)
			v->kept_from = first;
		break;
	case XMAUDIT_IS_RECOVERED:
		r = region_recovered(v, &record);
		break;
	default:
		break;
	}
	xmaudit_record_release(&record);
	return r;
}

static bool has_meaning(enum xmaudit_type type)
{
	return type == XMAUDIT_IS_START || type == XMAUDIT_IS_CONTINUE || type == XMAUDIT_IS_LOST ||
	       type == XMAUDIT_IS_FOLDED || type == XMAUDIT_IS_RETENTION ||
	       type == XMAUDIT_IS_RECOVERED;
}

/* The seal of a record whose chain value is right. */
static int check_seal(struct verifier *v, const struct audit_line *line,
		      const struct xmaudit_trouble *before)
{
	struct xmaudit_verdict *verdict = v->verdict;
	uint8_t seal[AUDIT_SEAL_BYTES];

	if (!v->seals.sealed) {
		if (line->sealed)
			return verifier_find(v, &v->cursor.place, XMAUDIT_EDITED, line->seq,
					     "a seal was added");
		if (v->seals.known && verdict->sealed)
			return verifier_find(
				v, &v->cursor.place, XMAUDIT_FORGED, line->seq,
				"from here on the log is not sealed any more: nothing shows who "
				"wrote it");
		verdict->unsealed_last++;
		return 0;
	}
	verdict->unsealed_last = 0;
	if (v->seals.open) {
		audit_seal_next(v->seals.key, line->chain, seal);
		if (!line->sealed || memcmp(seal, line->seal, sizeof(seal)) != 0)
			return diagnosed(v, xmaudit_diagnose_seal(before, !verdict->checked,
								  &verdict->finding));
		verdict->checked++;
	} else if (!line->sealed) {
		return verifier_find(v, &v->cursor.place, XMAUDIT_EDITED, line->seq,
				     "its seal was taken off");
	}
	verdict->sealed++;
	return 0;
}

static int check_anchors(struct verifier *v, const struct audit_line *line)
{
	const struct xmaudit_check *check = v->check;

	for (; v->anchor < check->n_anchors && check->anchors[v->anchor].seq == line->seq;
	     v->anchor++) {
		if (!memcmp(check->anchors[v->anchor].chain, line->chain, AUDIT_CHAIN_BYTES)) {
			v->verdict->anchors++;
			continue;
		}
		if (v->seals.open)
			return verifier_find(
				v, &v->cursor.place, XMAUDIT_TRUNCATED, line->seq,
				"an anchor names another record: the log was cut here or before, "
				"and went on");
		v->verdict->finding.maybe = XMAUDIT_TRUNCATED;
		return verifier_find(
			v, &v->cursor.place, XMAUDIT_FORGED, line->seq,
			"an anchor names another record: the chain was made anew here or before");
	}
	return 0;
}

static bool hashes_on(const struct verifier *v, const char *text, const struct audit_line *line)
{
	uint8_t chain[AUDIT_CHAIN_BYTES];

	memcpy(chain, v->chain, sizeof(chain));
	audit_chain_next(chain, text, line->body_len);
	return !memcmp(chain, line->chain, sizeof(chain));
}

static bool follows(const struct verifier *v, const char *text, const struct audit_line *line)
{
	if (v->verdict->first_unchecked && v->verdict->records == 0)
		return true;
	return line->seq == v->seq + 1 && hashes_on(v, text, line);
}

static int does_not_follow(struct verifier *v, const char *text, const struct audit_line *line)
{
	const struct region *region = &v->region;

	if (v->verdict->first_unchecked && v->verdict->records == 1 && hashes_on(v, text, line))
		return verifier_find(v, &v->first, XMAUDIT_EDITED, line->seq - 1,
				     "its number was altered");
	if (region->age == 0 && line->seq > v->seq + 1 && region_was_record(region, v->seq + 1))
		return verifier_find(v, region_damage(region), XMAUDIT_EDITED, v->seq + 1,
				     "this is not a record any more");
	return verifier_diagnose(v);
}

static int take_record(struct verifier *v, const char *text, size_t len,
		       const struct audit_line *line)
{
	struct xmaudit_trouble before;
	int r = v->begun ? 0 : begin(v, line);

	if (r == 0 && !follows(v, text, line))
		return does_not_follow(v, text, line);
	if (r)
		return r;
	before = trouble_here(v);
	v->type = xmaudit_type_of(line->type, line->type_len);
	memcpy(v->chain, line->chain, sizeof(v->chain));
	v->seq = line->seq;
	if (has_meaning(v->type))
		r = take_meaning(v, text, len, line);
	if (v->type == XMAUDIT_IS_START || v->type == XMAUDIT_IS_CONTINUE)
		before.seals = v->seals;
	if (r == 0)
		r = check_seal(v, line, &before);
	if (r == 0)
		r = check_anchors(v, line);
	if (r)
		return r;
	v->verdict->records++;
	v->verdict->last = line->seq;
	return region_passed(v);
}

static int take_line(struct verifier *v, int what, const char *text, size_t len)
{
	struct audit_line line;

	v->verdict->bytes += len + 1;
	if (what == XMAUDIT_LINE && audit_line_parse(text, len, &line) && line.seq)
		return take_record(v, text, len, &line);
	return region_take(v, what, text, len);
}

/* ---- the end ----------------------------------------------------------------------------------------- */

/* A rotation ends a file when the next one is there. */
static int judge_rotation(struct verifier *v)
{
	const struct xmaudit_file *last = &v->log->files[v->log->n - 1];
	const struct xmaudit_place end = { v->log->n - 1, 0, v->cursor.line };

	if (v->type != XMAUDIT_IS_ROTATE || v->log->single)
		return 0;
	if (last->number != XMAUDIT_CURRENT)
		return verifier_find(v, &end, XMAUDIT_TRUNCATED, v->seq + 1,
				     "the file behind the last rotation is gone");
	v->verdict->empty_after_rotation = true;
	return 0;
}

static int judge_anchors(struct verifier *v)
{
	const struct xmaudit_check *check = v->check;
	const struct xmaudit_place end = { v->log->n - 1, 0, v->cursor.line };
	uint64_t seq;

	if (v->anchor == check->n_anchors || v->log->single)
		return 0;
	seq = check->anchors[check->n_anchors - 1].seq;
	v->verdict->finding.first = v->seq + 1;
	v->verdict->finding.n = seq - v->seq;
	return verifier_find(v, &end, XMAUDIT_TRUNCATED, v->seq + 1,
			     "the log ends with record %" PRIu64
			     "; an anchor names record %" PRIu64,
			     v->seq, seq);
}

static int judge_end(struct verifier *v)
{
	int r = v->verdict->records ? judge_beginning(v) : 0;

	if (r == 0)
		r = judge_anchors(v);
	if (r == 0)
		r = judge_rotation(v);
	return r ? r : region_end(v);
}

/* At the end a record may be just being written. */
static int settle(struct verifier *v, int what, const char **textp, size_t *lenp)
{
	const struct timespec ms = { 0, 1000000 };
	const struct xmaudit_place place = v->cursor.place;

	for (unsigned int i = 0;
	     what == XMAUDIT_REST && i < v->check->settle_ms && place.file + 1 == v->log->n; i++) {
		nanosleep(&ms, NULL);
		xmaudit_cursor_go(&v->cursor, &place);
		what = xmaudit_cursor_next(&v->cursor, textp, lenp);
	}
	return what;
}

static int go_along(struct verifier *v)
{
	const char *text;
	uint64_t steps = 0;
	size_t len;
	int what, r = 0;

	while (r == 0) {
		what = settle(v, xmaudit_cursor_next(&v->cursor, &text, &len), &text, &len);
		if (what == XMAUDIT_END)
			return judge_end(v);
		r = what < 0 ? what : take_line(v, what, text, len);
		if ((++steps & 4095) == 0 && v->check->progress)
			xmaudit_progress(v->check->progress, v->verdict->bytes);
	}
	return r;
}

int xmaudit_verify_log(const struct xmaudit_log *log, const struct xmaudit_check *check,
		       struct xmaudit_verdict *verdict)
{
	struct verifier v = { .log = log, .check = check, .verdict = verdict };
	int r = xmaudit_cursor_init(&v.cursor, log);

	memset(verdict, 0, sizeof(*verdict));
	if (check->key) {
		v.seals.known = true;
		memcpy(v.seals.epoch_key, check->key, sizeof(v.seals.epoch_key));
	}
	if (r == 0)
		r = go_along(&v);
	if (r < 0)
		fprintf(stderr, "xmaudit: %s: %s\n", log->files[v.cursor.file].path, strerror(-r));
	xmaudit_cursor_deinit(&v.cursor);
	free(v.region.text);
	explicit_bzero(&v.seals, sizeof(v.seals));
	return r < 0 ? r : 0;
}
