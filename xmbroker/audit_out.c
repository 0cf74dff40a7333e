// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How records get into the file.  Owns the descriptor, the numbering, the chain and the key of the
 * seals.  Must never take a record for written that is not whole in the file, use a number or go on
 * in the chain for one that is not, or keep a key whose seal is in the file.
 *
 * Records are put together behind one another in a buffer and written at once: a single one, or those
 * of a run.  If that fails, those that are whole stay, and the state goes back to the last of them.
 * A line that was torn off is ended, so that it cannot become a record, and declared by a record
 * "recovered".  These two are owed: kept as they are until the file has all of them, before anything
 * else goes there.
 */

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "xmbroker/audit_internal.h"

#define TAIL_MAX 128 /* chain and seal, and the end of the line */
#define LOST_MAX 512 /* a record "lost" */

int audit_write(int fd, const char *data, size_t len, size_t *wrotep)
{
	for (*wrotep = 0; *wrotep < len;) {
		ssize_t n = write(fd, data + *wrotep, len - *wrotep);

		if (n > 0)
			*wrotep += (size_t)n;
		else if (n == 0)
			return -EIO;
		else if (errno != EINTR)
			return -errno;
	}
	return 0;
}

/* ---- one record -------------------------------------------------------------------------------------- */

int audit_close_record(struct audit *audit, struct text *t, size_t from)
{
	struct audit_point *point = &audit->point;
	uint8_t seal[AUDIT_SEAL_BYTES];

	/* The end of the line fits: a record that would not leave room for it is refused here. */
	if (t->truncated || t->cap - t->len <= TAIL_MAX ||
	    t->len - from > AUDIT_LINE_MAX - TAIL_MAX)
		return -EMSGSIZE;
	audit_chain_next(point->chain, t->buf + from, t->len - from);
	AUDIT_KEY(t, "chain");
	audit_put_hex(t, point->chain, sizeof(point->chain));
	if (audit->sealed) {
		audit_seal_next(point->key, point->chain, seal);
		AUDIT_KEY(t, "seal");
		audit_put_hex(t, seal, sizeof(seal));
	}
	AUDIT_PUT(t, "}\n");
	point->seq++;
	return 0;
}

/* ---- what is owed ------------------------------------------------------------------------------------ */

struct text audit_owed(struct audit *audit)
{
	return (struct text)TEXT_INIT(audit->owed);
}

void audit_owe(struct audit *audit, size_t len)
{
	audit->owed_len = len;
	audit->owed_done = 0;
	audit->written = audit->point;
}

int audit_pay(struct audit *audit)
{
	size_t wrote;
	int r;

	if (!audit->owed_len)
		return 0;
	r = audit_write(audit->fd, audit->owed + audit->owed_done,
			audit->owed_len - audit->owed_done, &wrote);
	audit->owed_done += wrote;
	audit->count.bytes += wrote;
	if (r == 0)
		audit->owed_len = 0;
	return r;
}

void audit_put_recovered(struct audit *audit, struct text *t, uint64_t bytes,
			 const uint8_t hash[AUDIT_TORN_BYTES])
{
	size_t from = t->len;

	audit_put_head(audit, t, audit_next_seq(audit), "recovered");
	AUDIT_NUMBER(t, "bytes", bytes);
	AUDIT_KEY(t, "hash");
	audit_put_hex(t, hash, AUDIT_TORN_BYTES);
	audit_close_record(audit, t, from);
	audit->count.records++;
}

/* The piece may lack nothing but its newline, and was reported as not written: it must not become a
 * record now. */
static void owe_recovered(struct audit *audit, const char *piece, size_t len)
{
	struct text t = audit_owed(audit);
	uint8_t hash[AUDIT_TORN_BYTES];

	audit_torn_hash(piece, len, hash);
	AUDIT_PUT(&t, AUDIT_TORN_END "\n");
	audit_put_recovered(audit, &t, len, hash);
	audit_owe(audit, t.len);
}

/* ---- the buffer -------------------------------------------------------------------------------------- */

/* The records in the buffer are in the file up to the nth. */
static void accept(struct audit *audit, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (audit->waiting[i].id)
			audit->written_id = audit->waiting[i].id;
	audit->count.records += n;
	audit->count.bytes += n ? audit->waiting[n - 1].end : 0;
}

static void count_lost(struct audit *audit, unsigned int n)
{
	audit->ledger->lost += n;
	audit->count.failed += n;
}

/* Where the chain stood after a record in the buffer, from where it stood before it. */
static void follow(struct audit *audit, struct audit_point *point, const char *line, size_t len)
{
	struct audit_line found;
	uint8_t seal[AUDIT_SEAL_BYTES];

	if (!audit_line_parse(line, len - 1, &found))
		return;
	point->seq = found.seq;
	memcpy(point->chain, found.chain, sizeof(point->chain));
	if (audit->sealed)
		audit_seal_next(point->key, point->chain, seal);
}

/* Only so many bytes of the buffer got into the file: goes back to the last record that is whole. */
static unsigned int go_back(struct audit *audit, size_t wrote, size_t *endp)
{
	unsigned int n = 0;

	for (*endp = 0; n < audit->n_waiting && audit->waiting[n].end <= wrote; n++) {
		follow(audit, &audit->written, audit->buf + *endp, audit->waiting[n].end - *endp);
		*endp = audit->waiting[n].end;
	}
	audit->point = audit->written;
	return n;
}

/* What is in the file now; the counts that went with it are done with, the others still stand.  Before
 * the number of a record that is not can be used again. */
static void settle(struct audit *audit, unsigned int n)
{
	accept(audit, n);
	if (audit->noted)
		audit_ledger_settle(audit->ledger, audit->written.seq);
	audit->noted = false;
	for (; n < audit->n_waiting; n++)
		count_lost(audit, audit->waiting[n].counted);
	audit->n_waiting = 0;
	audit->len = 0;
}

int audit_flush(struct audit *audit)
{
	size_t wrote, end;
	int r;

	if (!audit->n_waiting)
		return 0;
	r = audit_write(audit->fd, audit->buf, audit->len, &wrote);
	if (r == 0) {
		audit->written = audit->point;
		settle(audit, audit->n_waiting);
		return 0;
	}
	settle(audit, go_back(audit, wrote, &end));
	if (wrote > end)
		owe_recovered(audit, audit->buf + end, wrote - end);
	return r;
}

static struct text text_at_end(struct audit *audit, size_t cap)
{
	return (struct text){ audit->buf + audit->len, cap, 0, false };
}

static int put_in_buffer(struct audit *audit, struct text *t, uint64_t id, bool counted)
{
	int r = audit_close_record(audit, t, 0);

	if (r < 0)
		return r;
	audit->len += t->len;
	audit->waiting[audit->n_waiting++] =
		(struct audit_waiting){ (uint32_t)audit->len, counted, id };
	return 0;
}

/* Says how many records are missing before the one that is about to be put together. */
static void put_lost(struct audit *audit)
{
	struct text t = text_at_end(audit, LOST_MAX);

	audit_put_head(audit, &t, audit_next_seq(audit), "lost");
	AUDIT_NUMBER(&t, "records", audit->ledger->lost);
	audit_ledger_note_lost(audit->ledger, audit_next_seq(audit));
	audit->noted = true;
	put_in_buffer(audit, &t, 0, false);
}

/* Sees to it that there is room for a record and one before it. */
static int make_room(struct audit *audit)
{
	if (audit->run_error || audit->failing)
		return audit->run_error ? audit->run_error : -audit->failing;
	if (audit->n_waiting + 2 > AUDIT_RUN_RECORDS ||
	    audit->len + LOST_MAX + AUDIT_LINE_MAX > sizeof(audit->buf))
		audit->run_error = audit_flush(audit);
	return audit->run_error;
}

struct text audit_begin(struct audit *audit, const char *type)
{
	struct text t = { 0 };
	int r;

	if (audit->fd < 0)
		return t;
	r = make_room(audit);
	if (r == 0)
		r = audit_pay(audit);
	audit->blocked = r;
	if (r < 0)
		return t;
	if (audit->ledger->lost && !audit->ledger->lost_seq)
		put_lost(audit);
	t = text_at_end(audit, AUDIT_LINE_MAX);
	audit_put_head(audit, &t, audit_next_seq(audit), type);
	return t;
}

int audit_finish(struct audit *audit, struct text *t, uint64_t id, bool counted)
{
	int r = audit->blocked;
	int flushed = 0;

	if (audit->fd < 0)
		return 0;
	if (r == 0)
		r = put_in_buffer(audit, t, id, counted);
	/* What is counted as lost now must not be told of by a record that is in the buffer. */
	if (!audit->in_run || r < 0)
		flushed = audit_flush(audit);
	if (audit->in_run && flushed < 0)
		audit->run_error = flushed;
	if (r < 0 && counted)
		count_lost(audit, 1);
	return r < 0 ? r : flushed;
}

/* ---- runs -------------------------------------------------------------------------------------------- */

void audit_run_begin(struct audit *audit)
{
	audit->in_run = true;
	audit->run_sync = false;
	audit->run_error = 0;
}

int audit_run_end(struct audit *audit)
{
	int r = audit_flush(audit);

	if (audit->run_error)
		r = audit->run_error;
	audit->in_run = false;
	audit->run_error = 0;
	return r == 0 && audit->run_sync ? audit_sync(audit) : r;
}

bool audit_is_written(const struct audit *audit, uint64_t id)
{
	return id && id <= audit->written_id;
}

int audit_sync_file(int fd)
{
	if (fdatasync(fd) == 0 || errno == EINVAL || errno == EROFS)
		return 0;
	return -errno;
}

int audit_sync(struct audit *audit)
{
	int r = audit_flush(audit);

	if (r < 0 && audit->in_run)
		audit->run_error = r;
	return r < 0 || audit->fd < 0 ? r : audit_sync_file(audit->fd);
}
