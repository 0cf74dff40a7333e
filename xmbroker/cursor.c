// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Log cursors.  Owns where each session stands in each log.  Must never let the place of one session
 * depend on what another reads, nor take a record for read that the session did not get.
 *
 * The hypervisor keeps a log as a ring of records, and one read position for everybody who may read
 * it.  Two programs that follow the same log would each get every other record, and so would we and a
 * program in another partition.  So a session has a position of its own, and every call of it is
 * carried out as a seek to that position and a read, in one turn.
 *
 * A position is a number of records from the oldest, and the oldest is dropped when a full ring gets
 * a new one: then every record stands one place lower, and a number that was kept is too high.  The
 * hypervisor corrects its own position (3.x) or forgets to (2.x); ours we correct ourselves.  What
 * stays is the record that the session got last: its contents, with time stamp and sequence, are kept
 * as the cursor's anchor.  A read begins one record before the position and so brings the anchor
 * again.  If it does, what follows it is new.  If not,
 *
 *   - somebody else may have moved the hypervisor's position between our seek and our read: another
 *     partition runs on another processor, or in its own slot.  So it is tried again;
 *   - or records were dropped.  They can only have moved the anchor down, so it is searched for from
 *     there to the oldest, in chunks.  A record that moves while we search moves towards where we
 *     have not looked yet;
 *   - or the anchor itself was dropped, or the log erased: the session goes on with the oldest.
 *
 * A search is paid for: it passes little more records than were written since the session read last.
 * It goes on in another turn after SEARCH_MAX chunks, which others do not have to wait for.  Where it
 * stopped is the new position, since from there on down the anchor must be.
 *
 * A session begins at the oldest record.  At position 0 there is no anchor, nor need of one: whatever
 * is the oldest now is next.  There, somebody else's move is seen by the hypervisor's position after
 * the read, which can be at most what was read.
 */

#include <stdlib.h>
#include <string.h>

#include "xmbroker/cursor.h"

#define FIELDS XM_NF_HM_LOG /* of a record, in both kinds of logs */
#define TRIES 4             /* before somebody else's moves are an error */
#define NEAR 32             /* records that are looked through before a search */
#define SEARCH_MAX 16       /* chunks that are searched in one turn */

_Static_assert(XM_NF_HM_LOG == XM_NF_TRACE_LOG && XM_NF_HM_STATUS == XM_NF_TRACE_STATUS,
	       "both kinds of logs look alike");
_Static_assert((unsigned int)XM_F_HM_STATUS_noEvents == (unsigned int)XM_F_TRACE_STATUS_noEvents &&
		       (unsigned int)XM_F_HM_STATUS_currentEvent ==
			       (unsigned int)XM_F_TRACE_STATUS_currentEvent,
	       "and so do their states");

struct cursor {
	struct cursor *next;
	struct cursor_at at;
	uint64_t anchor[FIELDS]; /* the record before the position, if that is not 0 */
};

/* A call of a session under way.  `reply` serves for all calls to the hypervisor. */
struct reading {
	const struct backend_issuer *issuer;
	struct cursor *cursor;
	struct xm_reply *reply;
	unsigned int searched; /* chunks */
	bool unfinished;
};

/* Positions of the arguments that the operations of both kinds of logs have. */
enum { ARG_PARTITION = 0, ARG_RECORDS = 1, ARG_COUNT = 2 };
enum { ARG_OFFSET = 1, ARG_WHENCE = 2, ARG_STATUS = 1 };

_Static_assert((int)XM_A_HM_READ_log == ARG_RECORDS && (int)XM_A_TRACE_READ_event == ARG_RECORDS &&
		       (int)XM_A_HM_READ_noLogs == ARG_COUNT &&
		       (int)XM_A_TRACE_READ_noEvents == ARG_COUNT &&
		       (int)XM_A_HM_SEEK_offset == ARG_OFFSET &&
		       (int)XM_A_TRACE_SEEK_offset == ARG_OFFSET &&
		       (int)XM_A_HM_SEEK_whence == ARG_WHENCE &&
		       (int)XM_A_TRACE_SEEK_whence == ARG_WHENCE &&
		       (int)XM_A_HM_STATUS_status == ARG_STATUS &&
		       (int)XM_A_TRACE_STATUS_status == ARG_STATUS,
	       "the table has the arguments where they are sought");

bool cursor_serves(unsigned int op)
{
	return op == XM_OP_HM_READ || op == XM_OP_HM_SEEK || op == XM_OP_HM_STATUS ||
	       op == XM_OP_TRACE_READ || op == XM_OP_TRACE_SEEK || op == XM_OP_TRACE_STATUS;
}

/* ---- cursors of a session -------------------------------------------------------------------------- */

/* The session's cursor in this log, which becomes its first; NULL: it may not have one more. */
static struct cursor *find(struct holdings *holds, bool trace, uint32_t partition)
{
	struct cursor **p = &holds->cursors, *c;

	while (*p && ((*p)->at.trace != trace || (*p)->at.partition != partition))
		p = &(*p)->next;
	c = *p;
	if (c) {
		*p = c->next;
	} else {
		if (holds->n_cursors == CURSOR_MAX || !holds->charge(holds->data, sizeof(*c)))
			return NULL;
		c = calloc(1, sizeof(*c));
		if (!c)
			return NULL;
		c->at = (struct cursor_at){ trace, partition, 0 };
		holds->n_cursors++;
	}
	c->next = holds->cursors;
	holds->cursors = c;
	return c;
}

bool cursor_get(const struct holdings *holds, unsigned int i, struct cursor_at *atp)
{
	const struct cursor *c = holds->cursors;

	while (c && i--)
		c = c->next;
	if (c)
		*atp = c->at;
	return c;
}

void cursor_free_all(struct holdings *holds)
{
	struct cursor *next;

	for (struct cursor *c = holds->cursors; c; c = next) {
		next = c->next;
		free(c);
	}
	holds->cursors = NULL;
	holds->n_cursors = 0;
}

/* ---- calls to the hypervisor ----------------------------------------------------------------------- */

/* Each returns whether the hypervisor did it; if not, r->reply is the answer. */
static bool issue(struct reading *r, unsigned int hm_op, unsigned int trace_op,
		  struct xm_request *req)
{
	req->op = r->cursor->at.trace ? trace_op : hm_op;
	req->arg[ARG_PARTITION].num = r->cursor->at.partition;
	xm_reply_init(r->reply, NULL, 0);
	r->issuer->issue(r->issuer->data, req, r->reply);
	return r->reply->code == XM_C_OK;
}

static bool seek_to(struct reading *r, uint32_t position)
{
	struct xm_request req = { .op = 0 };

	req.arg[ARG_OFFSET].num = position;
	req.arg[ARG_WHENCE].num = 1; /* XM_OBJ_SEEK_SET */
	return issue(r, XM_OP_HM_SEEK, XM_OP_TRACE_SEEK, &req);
}

/* Reads at most `n` records from where the hypervisor stands into `words`. */
static bool read_on(struct reading *r, uint32_t n, uint64_t *words, uint32_t *np)
{
	struct xm_request req = { .op = 0 };
	const struct xm_value *out = &r->reply->out[ARG_RECORDS];

	req.arg[ARG_COUNT].num = n;
	if (!issue(r, XM_OP_HM_READ, XM_OP_TRACE_READ, &req))
		return false;
	*np = out->state == XM_ST_OK ? out->len / FIELDS : 0;
	if (*np > n)
		*np = n;
	if (*np)
		memcpy(words, out->words, (size_t)*np * FIELDS * sizeof(*words));
	return true;
}

static bool read_at(struct reading *r, uint32_t position, uint32_t n, uint64_t *words, uint32_t *np)
{
	return seek_to(r, position) && read_on(r, n, words, np);
}

/* How full the log is, and where the hypervisor stands. */
static bool look(struct reading *r, uint32_t *n_eventsp, uint32_t *currentp)
{
	struct xm_request req = { .op = 0 };
	const struct xm_value *out = &r->reply->out[ARG_STATUS];
	bool good;

	if (!issue(r, XM_OP_HM_STATUS, XM_OP_TRACE_STATUS, &req))
		return false;
	good = out->state == XM_ST_OK && out->len == XM_NF_HM_STATUS;
	*n_eventsp = good ? (uint32_t)out->words[XM_F_HM_STATUS_noEvents] : 0;
	*currentp = good ? (uint32_t)out->words[XM_F_HM_STATUS_currentEvent] : 0;
	if (*n_eventsp > INT32_MAX)
		*n_eventsp = 0;
	return true;
}

/* ---- the anchor ------------------------------------------------------------------------------------ */

static bool is_anchor(const struct reading *r, const uint64_t *words)
{
	return !memcmp(words, r->cursor->anchor, sizeof(r->cursor->anchor));
}

/* Moves on by `n` records, of which the last is now the anchor. */
static void advance(struct reading *r, const uint64_t *words, uint32_t n)
{
	if (!n)
		return;
	r->cursor->at.position += n;
	memcpy(r->cursor->anchor, words + (size_t)(n - 1) * FIELDS, sizeof(r->cursor->anchor));
}

/* Looks for the anchor below where it was, and sets the position after it; to 0 if it is gone. */
static bool search(struct reading *r)
{
	uint64_t words[XM_MAX_RECORDS * FIELDS];
	uint32_t high = r->cursor->at.position, low, n;

	for (; high; high = low) {
		if (r->searched++ == SEARCH_MAX) {
			r->cursor->at.position = high;
			r->unfinished = true;
			return false;
		}
		low = high > XM_MAX_RECORDS ? high - XM_MAX_RECORDS : 0;
		if (!read_at(r, low, high - low, words, &n))
			return false;
		while (n--)
			if (is_anchor(r, words + (size_t)n * FIELDS)) {
				r->cursor->at.position = low + n + 1;
				return true;
			}
	}
	r->cursor->at.position = 0;
	return true;
}

enum step { STEP_DONE, STEP_MOVED, STEP_FAILED };

/* The records after the anchor, if that is one of the `back` before the position. */
static enum step read_behind(struct reading *r, uint32_t back, uint32_t n, uint64_t *words,
			     uint32_t *np)
{
	uint64_t all[XM_MAX_RECORDS * FIELDS];
	uint32_t at = r->cursor->at.position, low = at > back ? at - back : 0, want, got, i;

	want = n < XM_MAX_RECORDS - (at - low) ? n + (at - low) : XM_MAX_RECORDS;
	if (!read_at(r, low, want, all, &got))
		return STEP_FAILED;
	for (i = got < at - low ? got : at - low; i; i--)
		if (is_anchor(r, all + (size_t)(i - 1) * FIELDS))
			break;
	if (!i)
		return STEP_MOVED;
	r->cursor->at.position = low + i;
	*np = got - i < n ? got - i : n;
	memcpy(words, all + (size_t)i * FIELDS, (size_t)*np * FIELDS * sizeof(*words));
	return STEP_DONE;
}

/* The oldest records, if nobody moved the position meanwhile. */
static enum step read_oldest(struct reading *r, uint32_t n, uint64_t *words, uint32_t *np)
{
	uint32_t n_events, current;

	if (!n) {
		*np = 0;
		return STEP_DONE;
	}
	if (!read_at(r, 0, n, words, np) || !look(r, &n_events, &current))
		return STEP_FAILED;
	return current > *np ? STEP_MOVED : STEP_DONE;
}

/* The next records, at most `n`, from wherever the cursor's place now is.  False: r->reply says why. */
static bool take(struct reading *r, uint32_t n, uint64_t *words, uint32_t *np)
{
	enum step step;

	for (unsigned int i = 0; i < TRIES; i++) {
		if (i >= 2 && r->cursor->at.position && !search(r))
			return false;
		step = r->cursor->at.position ? read_behind(r, i ? NEAR : 1, n, words, np)
					      : read_oldest(r, n, words, np);
		if (step == STEP_FAILED)
			return false;
		if (step == STEP_DONE) {
			advance(r, words, *np);
			return true;
		}
	}
	xm_reply_fail(r->reply, XM_C_NOT_AVAILABLE);
	return false;
}

/* ---- operations ------------------------------------------------------------------------------------ */

/* Two rounds may be needed: one of them reads the anchor too. */
static void read_records(struct reading *r, uint64_t wanted)
{
	uint64_t words[XM_MAX_RECORDS * FIELDS];
	uint32_t n = wanted < XM_MAX_RECORDS ? (uint32_t)wanted : XM_MAX_RECORDS, have = 0, got;

	do {
		if (!take(r, n - have, words + (size_t)have * FIELDS, &got)) {
			if (!have)
				return;
			r->unfinished = false;
			break; /* the cursor stands behind those that we have */
		}
		have += got;
	} while (got && have < n);
	xm_reply_init(r->reply, NULL, 0);
	memcpy(xm_reply_put_words(r->reply, ARG_RECORDS, have * FIELDS), words,
	       (size_t)have * FIELDS * sizeof(*words));
	r->reply->value = have;
}

/* Corrects the position for what was dropped since; reads nothing. */
static bool settle(struct reading *r)
{
	uint64_t words[XM_MAX_RECORDS * FIELDS];
	uint32_t n;

	return take(r, 0, words, &n);
}

static void move(struct reading *r, int64_t offset, uint64_t whence)
{
	uint64_t record[FIELDS];
	uint32_t n_events, current, n = 0;

	if ((whence == 0 && !settle(r)) || !look(r, &n_events, &current))
		return;
	offset += whence == 0 ? r->cursor->at.position : whence == 2 ? n_events : 0;
	offset = offset < 0 ? 0 : offset > n_events ? n_events : offset;
	if (offset && !read_at(r, (uint32_t)offset - 1, 1, record, &n))
		return;
	r->cursor->at.position = 0;
	if (n) {
		r->cursor->at.position = (uint32_t)offset - 1;
		advance(r, record, 1);
	}
	xm_reply_init(r->reply, NULL, 0);
	r->reply->value = r->cursor->at.position;
}

static void tell(struct reading *r)
{
	uint32_t n_events, current;

	if (!settle(r) || !look(r, &n_events, &current))
		return;
	if (r->reply->out[ARG_STATUS].len != XM_NF_HM_STATUS)
		return;
	current = r->cursor->at.position < n_events ? r->cursor->at.position : n_events;
	r->reply->words[XM_F_HM_STATUS_currentEvent] = current;
	r->reply->out[ARG_STATUS].words = r->reply->words;
}

bool cursor_call(struct holdings *holds, const struct backend_issuer *issuer,
		 const struct xm_request *req, struct xm_reply *reply)
{
	bool trace = req->op == XM_OP_TRACE_READ || req->op == XM_OP_TRACE_SEEK ||
		     req->op == XM_OP_TRACE_STATUS;
	struct reading r = { .issuer = issuer, .reply = reply };
	uint8_t *space = reply->space;
	size_t space_len = reply->space_len;

	r.cursor = find(holds, trace, (uint32_t)req->arg[ARG_PARTITION].num);
	if (!r.cursor) {
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
		return true;
	}
	if (req->op == XM_OP_HM_READ || req->op == XM_OP_TRACE_READ)
		read_records(&r, req->arg[ARG_COUNT].num);
	else if (req->op == XM_OP_HM_SEEK || req->op == XM_OP_TRACE_SEEK)
		move(&r, (int64_t)req->arg[ARG_OFFSET].num, req->arg[ARG_WHENCE].num);
	else
		tell(&r);
	reply->space = space;
	reply->space_len = space_len;
	return !r.unfinished;
}
