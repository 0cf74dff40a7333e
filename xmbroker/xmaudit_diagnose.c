// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What was done to a log where its chain breaks.  Looks ahead as far as it has to, in memory that does
 * not grow.  Must never call something good: it is asked only when it is not.
 */

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/xmaudit_verify.h"

#define EPOCHS_TRIED 64      /* that a damaged beginning of a segment may be of */
#define EPOCHS_MAX 10000000u /* steps: some seconds */

struct copy {
	char *text; /* owned */
	struct audit_line line;
	struct xmaudit_place place;
};

struct look {
	const struct xmaudit_trouble *trouble;
	struct xmaudit_cursor cursor;
	struct copy bad, next; /* the record that does not follow, and the one behind it */
	bool has_next;
	uint8_t should[AUDIT_CHAIN_BYTES]; /* the chain value that the bad one would have had */
	struct xmaudit_finding *finding;
};

/* ---- records ----------------------------------------------------------------------------------------- */

/* The next line that is a record: 1; 0: there is none. */
static int next_record(struct xmaudit_cursor *c, const char **textp, struct audit_line *line)
{
	size_t len;
	int what;

	while ((what = xmaudit_cursor_next(c, textp, &len)) > XMAUDIT_END)
		if (what == XMAUDIT_LINE && audit_line_parse(*textp, len, line))
			return 1;
	return what;
}

static int copy_next(struct xmaudit_cursor *c, struct copy *copy)
{
	const char *text;
	int r = next_record(c, &text, &copy->line);
	size_t len;

	if (r <= 0)
		return r;
	len = copy->line.body_len;
	copy->text = malloc(len + 24); /* room for another number */
	if (!copy->text)
		return -ENOMEM;
	memcpy(copy->text, text, len);
	copy->line.type = copy->text + (copy->line.type - text);
	copy->place = c->place;
	return 1;
}

static bool links(const uint8_t chain[AUDIT_CHAIN_BYTES], const char *body,
		  const struct audit_line *line)
{
	uint8_t value[AUDIT_CHAIN_BYTES];

	memcpy(value, chain, sizeof(value));
	audit_chain_next(value, body, line->body_len);
	return !memcmp(value, line->chain, sizeof(value));
}

/* Hexadecimal digits that two values share. */
static unsigned int shared(const uint8_t *a, const uint8_t *b, size_t len)
{
	unsigned int n = 0;

	for (size_t i = 0; i < len; i++)
		n += (a[i] >> 4 == b[i] >> 4) + ((a[i] & 15) == (b[i] & 15));
	return n;
}

static int say(struct look *look, enum xmaudit_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int say(struct look *look, enum xmaudit_kind kind, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(look->finding->text, sizeof(look->finding->text), format, ap);
	va_end(ap);
	look->finding->kind = kind;
	return 1;
}

/* ---- seals ------------------------------------------------------------------------------------------- */

bool xmaudit_seals_begin(struct xmaudit_seals *seals, uint64_t epoch)
{
	if (epoch <= seals->epoch || epoch > EPOCHS_MAX)
		return false;
	for (; seals->epoch < epoch; seals->epoch++)
		audit_epoch_next(seals->epoch_key);
	audit_segment_key(seals->epoch_key, seals->key);
	seals->open = seals->sealed = true;
	return true;
}

static bool seal_fits(const struct xmaudit_seals *seals, const uint8_t chain[AUDIT_CHAIN_BYTES],
		      const struct audit_line *line)
{
	uint8_t key[AUDIT_KEY_BYTES], seal[AUDIT_SEAL_BYTES];

	if (!line->sealed || !seals->open)
		return false;
	memcpy(key, seals->key, sizeof(key));
	audit_seal_next(key, chain, seal);
	return !memcmp(seal, line->seal, sizeof(seal));
}

/*
 * Whether the seal is right for this chain value, by the key that is next or by that of a segment that
 * begins here: the record may have been the beginning of one before it was altered.
 */
static bool is_sealed(const struct xmaudit_seals *now, const uint8_t chain[AUDIT_CHAIN_BYTES],
		      const struct audit_line *line)
{
	struct xmaudit_seals seals = *now;

	if (!seals.known || !line->sealed)
		return false;
	if (seal_fits(&seals, chain, line))
		return true;
	for (unsigned int i = 0; i < EPOCHS_TRIED; i++)
		if (xmaudit_seals_begin(&seals, seals.epoch + 1) && seal_fits(&seals, chain, line))
			return true;
	return false;
}

static bool begins_segment(const struct audit_line *line)
{
	return audit_line_is(line, "start") || audit_line_is(line, "continue");
}

static bool epoch_of(const char *text, const struct audit_line *line, uint64_t *epochp)
{
	static const char key[] = ",\"epoch\":";
	const char *p = memmem(text, line->body_len, key, sizeof(key) - 1);
	struct xmaudit_slice digits;

	if (!begins_segment(line) || !p)
		return false;
	digits = (struct xmaudit_slice){ p + sizeof(key) - 1, 0, false };
	while (digits.s + digits.len < text + line->body_len && digits.s[digits.len] >= '0' &&
	       digits.s[digits.len] <= '9')
		digits.len++;
	return xmaudit_slice_number(&digits, epochp);
}

/*
 * Whether the key fits where it can be tried without what is before: at the beginnings of segments
 * from a place on.  1: at the first; 0: there is one, and it does not; -1: there is none.
 */
static int key_fits(struct look *look, const struct xmaudit_place *from, bool any)
{
	struct xmaudit_seals seals = look->trouble->seals;
	const char *text;
	struct audit_line line;
	uint64_t epoch;
	int found = -1;

	if (!seals.known)
		return -1;
	xmaudit_cursor_go(&look->cursor, from);
	while (found < 1 && next_record(&look->cursor, &text, &line) > 0) {
		if (!line.sealed || !epoch_of(text, &line, &epoch))
			continue;
		found = xmaudit_seals_begin(&seals, epoch) && seal_fits(&seals, line.chain, &line);
		if (!any)
			break;
	}
	return found;
}

/* ---- the chain --------------------------------------------------------------------------------------- */

/* Whether the record would follow if it had the number that is due: then only that was altered. */
static bool renumbered(const struct look *look)
{
	const struct audit_line *line = &look->bad.line;
	const char *digits = look->bad.text + 7, *rest = digits;
	struct audit_line other = *line;
	char *text;
	bool good;
	int n;

	while (*rest >= '0' && *rest <= '9')
		rest++;
	text = malloc(line->body_len + 24);
	if (!text)
		return false;
	n = sprintf(text, "{\"seq\":%" PRIu64, look->trouble->seq);
	other.body_len = line->body_len - (size_t)(rest - look->bad.text);
	memcpy(text + n, rest, other.body_len);
	other.body_len += (size_t)n;
	good = links(look->trouble->chain, text, &other);
	free(text);
	return good;
}

/* The record is in its place: was it altered? */
static int try_edited(struct look *look)
{
	const struct audit_line *bad = &look->bad.line;
	const struct xmaudit_seals *seals = &look->trouble->seals;

	if (bad->seq != look->trouble->seq)
		return renumbered(look) && say(look, XMAUDIT_EDITED, "its number was altered");
	if (shared(look->should, bad->chain, AUDIT_CHAIN_BYTES) >= 2 * AUDIT_CHAIN_BYTES / 2 ||
	    (look->has_next && links(look->should, look->next.text, &look->next.line)) ||
	    is_sealed(seals, look->should, bad))
		return say(look, XMAUDIT_EDITED, "its chain value was altered");
	if (is_sealed(seals, bad->chain, bad))
		return say(look, XMAUDIT_EDITED,
			   "its text was altered: chain value and seal are those "
			   "of another text");
	return 0;
}

/* Finds the record that follows the last good one, behind the bad one: 1. */
static int find_true_next(struct look *look, struct xmaudit_place *placep, struct audit_line *line)
{
	const char *text;
	int r;

	xmaudit_cursor_go(&look->cursor, &look->bad.place);
	while ((r = next_record(&look->cursor, &text, line)) > 0) {
		if (line->seq != look->trouble->seq || !links(look->trouble->chain, text, line))
			continue;
		*placep = look->cursor.place;
		return 1;
	}
	return r;
}

/* From there on as far as records follow; which number is due then, behind which chain value. */
static void walk(struct look *look, uint64_t *seqp, uint8_t chain[AUDIT_CHAIN_BYTES])
{
	const char *text;
	struct audit_line line;

	while (next_record(&look->cursor, &text, &line) > 0 && line.seq == *seqp &&
	       links(chain, text, &line)) {
		memcpy(chain, line.chain, AUDIT_CHAIN_BYTES);
		++*seqp;
	}
}

struct block {
	uint64_t n;
	bool run;   /* each follows the one before */
	bool right; /* one of them is what is due where the walk ended */
};

/* What stands between the last good record and the one that follows it. */
static struct block see_block(struct look *look, const struct xmaudit_place *end, uint64_t seq,
			      const uint8_t chain[AUDIT_CHAIN_BYTES])
{
	struct block block = { .run = true };
	struct audit_line line, before = { 0 };
	const char *text;

	xmaudit_cursor_go(&look->cursor, &look->bad.place);
	while (next_record(&look->cursor, &text, &line) > 0) {
		const struct xmaudit_place *at = &look->cursor.place;

		if (at->file == end->file && at->offset == end->offset)
			break;
		if (block.n++)
			block.run = block.run && line.seq == before.seq + 1 &&
				    links(before.chain, text, &line);
		if (line.seq == seq && links(chain, text, &line))
			block.right = true;
		before = line;
	}
	return block;
}

static int try_misplaced(struct look *look)
{
	const uint64_t bad = look->bad.line.seq;
	struct xmaudit_place place;
	struct audit_line line;
	struct block block;
	uint8_t chain[AUDIT_CHAIN_BYTES];
	uint64_t seq;
	int r = find_true_next(look, &place, &line);

	if (r <= 0)
		return r;
	memcpy(chain, line.chain, sizeof(chain));
	seq = line.seq + 1;
	walk(look, &seq, chain);
	block = see_block(look, &place, seq, chain);
	look->finding->first = bad;
	look->finding->n = block.n;
	if (block.right)
		return say(look, XMAUDIT_REORDERED,
			   "record %" PRIu64 " stands here; record %" PRIu64 " comes %" PRIu64
			   " records later",
			   bad, look->trouble->seq, block.n);
	if (block.run && block.n > 1)
		return say(look, XMAUDIT_SPLICED,
			   "%" PRIu64 " records that follow each other, numbered from %" PRIu64
			   ", stand before it",
			   block.n, bad);
	return say(look, XMAUDIT_INSERTED,
		   "%" PRIu64 " records, the first numbered %" PRIu64 ", stand before it", block.n,
		   bad);
}

static bool next_follows(const struct look *look)
{
	return look->has_next && look->next.line.seq == look->bad.line.seq + 1 &&
	       links(look->bad.line.chain, look->next.text, &look->next.line);
}

/* Its number is too high, and nothing that is missing comes later. */
static int judge_gap(struct look *look)
{
	const uint64_t seq = look->bad.line.seq, due = look->trouble->seq;
	int fits;

	if (look->has_next && look->next.line.seq == due + 1)
		return say(look, XMAUDIT_EDITED, "its number and text were altered");
	look->finding->first = due;
	look->finding->n = seq - due;
	fits = key_fits(look, &look->bad.place, false);
	if (fits == 0)
		return say(look, XMAUDIT_SPLICED,
			   "records numbered from %" PRIu64 " follow that are not of this log",
			   seq);
	if (fits < 0)
		look->finding->maybe = XMAUDIT_SPLICED;
	return say(look, XMAUDIT_REMOVED,
		   "%" PRIu64 " records are missing, %" PRIu64 " to %" PRIu64, seq - due, due,
		   seq - 1);
}

static int judge_repeated(struct look *look)
{
	const uint64_t seq = look->bad.line.seq;

	if (look->has_next && look->next.line.seq == look->trouble->seq + 1)
		return say(look, XMAUDIT_EDITED, "its number and text were altered");
	look->finding->first = seq;
	if (next_follows(look))
		return say(look, XMAUDIT_SPLICED,
			   "records numbered from %" PRIu64 " follow once more", seq);
	look->finding->n = 1;
	return say(look, XMAUDIT_INSERTED, "a record numbered %" PRIu64 " stands here", seq);
}

/* Its number is right, its chain value is not, and nothing later is in its place. */
static int judge_changed(struct look *look)
{
	const struct xmaudit_seals *seals = &look->trouble->seals;
	bool run = next_follows(look);

	if (!seals->known || !look->bad.line.sealed) {
		if (run || !look->has_next)
			look->finding->maybe = run ? XMAUDIT_SPLICED : XMAUDIT_INSERTED;
		return say(look, XMAUDIT_EDITED, "it does not follow from the record before");
	}
	if (run)
		return say(
			look, XMAUDIT_SPLICED,
			"records follow that do not continue this log and are not sealed for it");
	if (!look->has_next)
		return say(look, XMAUDIT_INSERTED, "a record that is not sealed for this place");
	return say(look, XMAUDIT_EDITED, "it was replaced by another record");
}

/* ---- asked ------------------------------------------------------------------------------------------- */

static int look_init(struct look *look, const struct xmaudit_trouble *trouble,
		     struct xmaudit_finding *finding)
{
	int r;

	*look = (struct look){ .trouble = trouble, .finding = finding };
	r = xmaudit_cursor_init(&look->cursor, trouble->log);
	if (r < 0)
		return r;
	xmaudit_cursor_go(&look->cursor, &trouble->place);
	r = copy_next(&look->cursor, &look->bad);
	if (r <= 0)
		return r < 0 ? r : -EIO;
	r = copy_next(&look->cursor, &look->next);
	look->has_next = r > 0;
	memcpy(look->should, trouble->chain, sizeof(look->should));
	audit_chain_next(look->should, look->bad.text, look->bad.line.body_len);
	finding->seq = trouble->seq;
	return r < 0 ? r : 0;
}

static void look_deinit(struct look *look)
{
	xmaudit_cursor_deinit(&look->cursor);
	free(look->bad.text);
	free(look->next.text);
}

/* Two lines may look like one record when the newline between them is gone. */
static int try_merged(struct look *look)
{
	const size_t len = look->bad.line.body_len;
	struct xmaudit_record record;

	look->bad.text[len] = '}'; /* there is room */
	if (!xmaudit_record_read(look->bad.text, len + 1, &record))
		return say(look, XMAUDIT_EDITED, "this is not a record any more");
	xmaudit_record_release(&record);
	return 0;
}

int xmaudit_diagnose(const struct xmaudit_trouble *trouble, struct xmaudit_finding *finding)
{
	struct look look;
	int r = look_init(&look, trouble, finding);

	if (r == 0)
		r = try_edited(&look);
	if (r == 0)
		r = try_misplaced(&look);
	if (r == 0)
		r = try_merged(&look);
	if (r == 0 && look.bad.line.seq > trouble->seq)
		r = judge_gap(&look);
	else if (r == 0 && look.bad.line.seq < trouble->seq)
		r = judge_repeated(&look);
	else if (r == 0)
		r = judge_changed(&look);
	look_deinit(&look);
	return r < 0 ? r : 0;
}

/* Whether the record behind one with a wrong seal is sealed right: its key does not depend on that. */
static bool next_is_sealed(const struct look *look)
{
	struct xmaudit_seals seals = look->trouble->seals;
	uint8_t seal[AUDIT_SEAL_BYTES];

	if (!look->has_next || begins_segment(&look->next.line))
		return false;
	audit_seal_next(seals.key, look->bad.line.chain, seal);
	return seal_fits(&seals, look->next.line.chain, &look->next.line);
}

static unsigned int seal_digits_shared(const struct look *look)
{
	uint8_t key[AUDIT_KEY_BYTES], seal[AUDIT_SEAL_BYTES];

	memcpy(key, look->trouble->seals.key, sizeof(key));
	audit_seal_next(key, look->bad.line.chain, seal);
	return shared(seal, look->bad.line.seal, sizeof(seal));
}

static int judge_seal(struct look *look, bool first_seal)
{
	const struct audit_line *bad = &look->bad.line;

	if (!bad->sealed && look->has_next && look->next.line.sealed)
		return say(look, XMAUDIT_EDITED, "its seal was taken off");
	/* Who does not have the key cannot guess half of a seal. */
	if (bad->sealed && (seal_digits_shared(look) >= AUDIT_SEAL_BYTES || next_is_sealed(look)))
		return say(look, XMAUDIT_EDITED, "its seal was altered");
	if (first_seal && key_fits(look, &look->bad.place, true) < 1)
		return say(look, XMAUDIT_WRONG_KEY,
			   "no seal fits the key: it is that of another log, or all of this one is "
			   "forged");
	return say(look, XMAUDIT_FORGED,
		   "the chain is consistent, but from here on it is not sealed "
		   "with the key: it was made anew");
}

int xmaudit_diagnose_seal(const struct xmaudit_trouble *trouble, bool first_seal,
			  struct xmaudit_finding *finding)
{
	struct look look;
	int r = look_init(&look, trouble, finding);

	if (r == 0)
		judge_seal(&look, first_seal);
	look_deinit(&look);
	return r;
}
