// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Replaying an audit log.  Owns the counts.  Must never count as replayed what was not decided twice.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/image_layout.h"
#include "policy/replay.h"

void replay_init(struct replay *r, const struct policy_image *image)
{
	*r = (struct replay){ .image = image, .self = UINT32_MAX };
	r->rows = calloc(REPLAY_ROWS, sizeof(*r->rows));
	if (!r->rows) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
}

void replay_deinit(struct replay *r)
{
	free(r->rows);
	r->rows = NULL;
}

static bool names_groups(const struct replay *r)
{
	return r->image->table[IMAGE_GROUPS].count ||
	       (r->against && r->against->table[IMAGE_GROUPS].count);
}

/* What stands in the way of putting it to a policy. */
static enum logged_gap gap_of(const struct replay *r, const struct logged_decision *d,
			      struct call *callp, uint32_t *selfp)
{
	enum logged_gap gap = logged_call(d, callp);

	if (gap)
		return gap;
	if (!d->has_uid)
		return LOGGED_NO_USER;
	if (d->more_groups && names_groups(r))
		return LOGGED_NO_GROUPS;
	if (d->now == INT64_MIN)
		return LOGGED_NO_TIME;
	if (r->self == UINT32_MAX && !d->has_self)
		return LOGGED_NO_PARTITION;
	*selfp = r->self == UINT32_MAX ? d->self : r->self;
	/* What was forwarded was about something that is there. */
	if (d->allowed && !d->guarded &&
	    logged_is_foreign(policy_image_system(r->image), &callp->req))
		return LOGGED_OTHER_SYSTEM;
	return LOGGED_WHOLE;
}

static void name_rule(const struct policy_image *image, const struct policy_decision *decision,
		      char *out)
{
	struct policy_source source;

	if (decision->rule == POLICY_NO_RULE ||
	    !policy_image_source(image, decision->rule, &source))
		snprintf(out, REPLAY_RULE, "%s",
			 decision->effect == POLICY_ALLOW ? "root" : "no rule");
	else
		snprintf(out, REPLAY_RULE, "%s:%u:%u", source.file, source.line, source.column);
}

static bool same_row(const struct replay_row *a, const struct replay_row *b)
{
	return a->from == b->from && !strcmp(a->from_rule, b->from_rule) &&
	       !strcmp(a->to_rule, b->to_rule);
}

static void describe(struct replay_row *row, const struct logged_decision *d,
		     const struct xm_request *req)
{
	struct text t = TEXT_INIT(row->call);

	text_call(&t, req);
	snprintf(row->file, sizeof(row->file), "%s", d->file);
	row->line = d->line;
	snprintf(row->time, sizeof(row->time), "%s", d->time);
	row->uid = d->uid;
}

static void add_flip(struct replay *r, struct replay_row *row, const struct logged_decision *d,
		     const struct xm_request *req)
{
	if (row->from == POLICY_DENY)
		r->to_allow++;
	else
		r->to_deny++;
	for (size_t i = 0; i < r->n_rows; i++)
		if (same_row(&r->rows[i], row)) {
			r->rows[i].count++;
			return;
		}
	if (r->n_rows == REPLAY_ROWS) {
		r->other_flips++;
		return;
	}
	row->count = 1;
	describe(row, d, req);
	r->rows[r->n_rows++] = *row;
}

bool replay_decision(void *data, const struct logged_decision *d)
{
	struct replay *r = data;
	struct replay_row row = { .count = 0 };
	struct policy_decision old, now;
	enum logged_gap gap;
	struct call call;
	uint32_t self = 0;

	gap = gap_of(r, d, &call, &self);
	if (!gap && !r->against && !logged_effect(d, &row.from))
		gap = LOGGED_BUCKETS;
	r->gaps[gap]++;
	if (gap)
		return true;
	r->replayed++;
	snprintf(row.from_rule, sizeof(row.from_rule), "%.*s", REPLAY_RULE - 1,
		 d->rule[0] ? d->rule : d->why);
	if (r->against) {
		old = logged_decide(r->against, d, &call.req, self);
		row.from = old.effect;
		name_rule(r->against, &old, row.from_rule);
	}
	now = logged_decide(r->image, d, &call.req, self);
	if (now.effect == row.from)
		return true;
	name_rule(r->image, &now, row.to_rule);
	add_flip(r, &row, d, &call.req);
	return true;
}

static int by_count(const void *a, const void *b)
{
	const struct replay_row *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->time, y->time);
}

void replay_sort(struct replay *r)
{
	qsort(r->rows, r->n_rows, sizeof(*r->rows), by_count);
}
