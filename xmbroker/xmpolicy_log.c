// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The audit log as xmpolicy reads it: the decisions in it, in the terms of policy/.  Linked into xmpolicy
 * alone.  Must never take a member for what it does not say: one that is missing stays missing.
 */

#include <errno.h>
#include <string.h>

#include "policy/decision_log.h"
#include "policy/model.h"
#include "xmbroker/audit_chain.h"
#include "xmbroker/xmaudit.h"
#include "xmbroker/xmaudit_scan.h"

struct log_reader {
	bool (*on_decision)(void *data, const struct logged_decision *decision);
	void *data;
	struct decision_log *log;
	struct logged_decision decision; /* the partition stays from record to record */
	bool stop;
};

static bool number32(const struct xmaudit_slice *slice, uint32_t *valuep)
{
	uint64_t value;

	if (!slice->s || !xmaudit_slice_number(slice, &value) || value > UINT32_MAX)
		return false;
	*valuep = (uint32_t)value;
	return true;
}

static void count(const struct xmaudit_slice *slice, uint64_t *sum)
{
	uint64_t value;

	if (slice->s && xmaudit_slice_number(slice, &value))
		*sum += value;
}

static int64_t seconds_of(const char *time)
{
	char second[20]; /* without its fraction */
	int64_t now;

	if (strlen(time) < sizeof(second) - 1)
		return INT64_MIN;
	memcpy(second, time, sizeof(second) - 1);
	second[sizeof(second) - 1] = '\0';
	return when_time(second, &now) ? INT64_MIN : now;
}

/* "[1,20]": digits, and what may stand between them.  The log has them in ascending order; a policy is
 * asked with those that it names only, which are put in order again. */
static bool read_groups(const struct xmaudit_slice *slice, struct logged_decision *d)
{
	const char *p = slice->s, *end = p + slice->len;

	d->n_gids = 0;
	while (p < end) {
		uint64_t value = 0;
		const char *first = p;

		for (; p < end && *p >= '0' && *p <= '9' && value <= UINT32_MAX; p++)
			value = value * 10 + (uint64_t)(*p - '0');
		if (p == first) {
			p++;
			continue;
		}
		if (value > UINT32_MAX || d->n_gids == DECISION_LOG_GROUPS)
			return false;
		d->gids[d->n_gids++] = (uint32_t)value;
	}
	return true;
}

static void read_who(const struct xmaudit_slice *member, struct logged_decision *d)
{
	uint64_t omitted = 0;

	d->has_uid = number32(&member[XMAUDIT_UID], &d->uid);
	d->n_gids = 0;
	if (member[XMAUDIT_GROUPS].s && !read_groups(&member[XMAUDIT_GROUPS], d))
		d->has_uid = false;
	count(&member[XMAUDIT_GROUPS_OMITTED], &omitted);
	d->more_groups = omitted || !member[XMAUDIT_GROUPS].s;
}

#define COPY(from, to) xmaudit_slice_copy((from), (to), sizeof(to))

static void on_decision(struct log_reader *r, const struct xmaudit_slice *member)
{
	struct logged_decision *d = &r->decision;

	r->log->decisions++;
	COPY(&member[XMAUDIT_TIME], d->time);
	d->now = seconds_of(d->time);
	COPY(&member[XMAUDIT_OP], d->op);
	COPY(&member[XMAUDIT_WHY], d->why);
	COPY(&member[XMAUDIT_RULE], d->rule);
	COPY(&member[XMAUDIT_POLICY], d->policy);
	d->args = member[XMAUDIT_ARGS].s;
	d->args_len = member[XMAUDIT_ARGS].len;
	d->allowed = xmaudit_slice_is(&member[XMAUDIT_DECISION], "allow");
	d->guarded = member[XMAUDIT_GUARD].s != NULL;
	read_who(member, d);
	r->stop = !r->on_decision(r->data, d);
}

static void on_record(struct log_reader *r, const struct xmaudit_record *record)
{
	const struct xmaudit_slice *member = record->member;

	r->log->records++;
	switch (record->type) {
	case XMAUDIT_IS_DECISION:
		on_decision(r, member);
		break;
	case XMAUDIT_IS_START:
		r->decision.has_self = number32(&member[XMAUDIT_PARTITION], &r->decision.self);
		break;
	case XMAUDIT_IS_FOLDED:
		count(&member[XMAUDIT_RECORDS], &r->log->folded);
		break;
	case XMAUDIT_IS_LOST:
		count(&member[XMAUDIT_RECORDS], &r->log->lost);
		break;
	default:
		break;
	}
}

static bool is_torn(const char *line, size_t len)
{
	size_t n = strlen(AUDIT_TORN_END);

	return len > n && !memcmp(line + len - n, AUDIT_TORN_END, n);
}

static int read_file(struct log_reader *r, struct xmaudit_lines *lines,
		     const struct xmaudit_file *file, struct xmaudit_progress *progress,
		     uint64_t before)
{
	struct xmaudit_record record;
	const char *line;
	size_t len;
	int what = XMAUDIT_END;

	xmaudit_lines_at(lines, file, 0);
	r->decision.file = file->path;
	r->decision.line = 0;
	while (!r->stop && (what = xmaudit_lines_next(lines, &line, &len)) > XMAUDIT_END) {
		r->decision.line++;
		if (what == XMAUDIT_LINE && xmaudit_record_read(line, len, &record)) {
			on_record(r, &record);
			xmaudit_record_release(&record);
		} else if (what == XMAUDIT_TOO_LONG || !is_torn(line, len)) {
			r->log->bad++;
		}
		xmaudit_progress(progress, before + lines->offset);
	}
	return r->stop || what >= 0 ? 0 : what;
}

static int read_files(struct log_reader *r, const struct xmaudit_log *files)
{
	struct xmaudit_progress progress;
	struct xmaudit_lines lines;
	uint64_t before = 0;
	int ret = xmaudit_lines_init(&lines);

	if (ret)
		return ret;
	xmaudit_progress_begin(&progress, xmaudit_log_size(files));
	for (size_t i = 0; i < files->n && !ret && !r->stop; i++) {
		ret = read_file(r, &lines, &files->files[i], &progress, before);
		before += files->files[i].size;
	}
	xmaudit_progress_end(&progress);
	if (ret)
		fprintf(stderr, "xmpolicy: %s: %s\n", r->decision.file, strerror(-ret));
	xmaudit_lines_deinit(&lines);
	return ret;
}

int decision_log_read(const char *name,
		      bool (*call)(void *data, const struct logged_decision *decision), void *data,
		      struct decision_log *log)
{
	struct log_reader r = { .on_decision = call, .data = data, .log = log };
	struct xmaudit_log files;
	int ret = xmaudit_log_open(name, &files);

	if (ret)
		return ret;
	ret = read_files(&r, &files);
	xmaudit_log_close(&files);
	return ret;
}
