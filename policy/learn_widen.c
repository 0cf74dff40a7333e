// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Generalising over all that was called, as the user says and no further.  Must never make a call of
 * another partition one of the own.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/learn.h"

/* ---- ranges and prefixes ----------------------------------------------------------------------- */

static int compare_calls(const void *a, const void *b)
{
	const struct learn_call *x = a, *y = b;

	if (x->principal != y->principal)
		return x->principal < y->principal ? -1 : 1;
	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	return memcmp(x->value, y->value, sizeof(x->value));
}

/* The own partition is in no range of operations that stop it. */
static bool in_range(const struct learn *l, const struct learn_call *c, unsigned int i, int side)
{
	bool stops = (xm_ops[c->op].flags & XM_OPF_STOPS_SELF) && !i;

	if (c->value[i].kind != LEARN_ONE)
		return false;
	if (!stops)
		return side > 0;
	return side > 0 ? c->value[i].low > l->self : c->value[i].low < l->self;
}

static void to_range(const struct learn *l, struct learn_call *c, size_t n, unsigned int i,
		     int side)
{
	uint64_t low = UINT64_MAX, high = 0;

	for (size_t j = 0; j < n; j++)
		if (in_range(l, &c[j], i, side)) {
			low = c[j].value[i].low < low ? c[j].value[i].low : low;
			high = c[j].value[i].high > high ? c[j].value[i].high : high;
		}
	for (size_t j = 0; low < high && j < n; j++)
		if (in_range(l, &c[j], i, side)) {
			c[j].value[i].kind = LEARN_RANGE;
			c[j].value[i].low = low;
			c[j].value[i].high = high;
		}
}

static void to_prefix(struct learn_call *c, size_t n, unsigned int i)
{
	uint32_t len = c->value[i].len;
	bool differ = false;

	for (size_t j = 1; j < n; j++) {
		uint32_t same = 0;

		while (same < len && same < c[j].value[i].len &&
		       c->value[i].name[same] == c[j].value[i].name[same])
			same++;
		differ |= same < c[j].value[i].len || same < c->value[i].len;
		len = same;
	}
	for (size_t j = 0; differ && len && j < n; j++) {
		struct learn_value prefix = { .kind = LEARN_PREFIX, .len = len };

		memcpy(prefix.name, c[j].value[i].name, len);
		c[j].value[i] = prefix;
	}
}

static void generalise_run(const struct learn *l, struct learn_call *c, size_t n)
{
	struct learn_attribute attributes[XM_MAX_ARGS];
	unsigned int count = learn_attributes(l, c->op, attributes);

	for (unsigned int i = 0; i < count; i++) {
		if (!attributes[i].is_name &&
		    learn_generalises(l, c->op, attributes[i].name, LEARN_TO_RANGE)) {
			to_range(l, c, n, i, -1);
			to_range(l, c, n, i, 1);
		}
		if (attributes[i].is_name && c->value[i].kind == LEARN_NAME &&
		    learn_generalises(l, c->op, attributes[i].name, LEARN_TO_PREFIX))
			to_prefix(c, n, i);
	}
}

/* Whether `a` allows what `b` does: where a caller's interface lacks an argument, it is not asked for. */
static bool covers(const struct learn_call *a, const struct learn_call *b)
{
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		if (a->value[i].kind != LEARN_ANY &&
		    memcmp(&a->value[i], &b->value[i], sizeof(a->value[i])))
			return false;
	return true;
}

/* A bit for each attribute that is not constrained. */
static unsigned int free_ones(const struct learn_call *c)
{
	unsigned int mask = 0;

	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		mask |= (unsigned int)(c->value[i].kind == LEARN_ANY) << i;
	return mask;
}

/* Of calls that leave the same attributes free none covers another. */
static bool all_alike(const struct learn_call *c, size_t n)
{
	unsigned int first = free_ones(c);

	for (size_t i = 1; i < n; i++)
		if (free_ones(&c[i]) != first)
			return false;
	return true;
}

/* Removes calls of a run that others of it cover; returns how many stay. */
static size_t drop_covered(struct learn_call *c, size_t n)
{
	size_t kept = 0;

	if (all_alike(c, n))
		return n;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; free_ones(&c[i]) && c[i].count && j < n; j++)
			if (j != i && c[j].count && covers(&c[i], &c[j])) {
				c[i].count += c[j].count;
				c[j].count = 0;
			}
	for (size_t i = 0; i < n; i++)
		if (c[i].count)
			c[kept++] = c[i];
	return kept;
}

static void unite_equal(struct learn *l)
{
	struct learn_call *c = (struct learn_call *)(void *)l->calls.data;
	size_t n = BUFFER_N(&l->calls, *c), kept = 0;

	if (n)
		qsort(c, n, sizeof(*c), compare_calls);
	for (size_t i = 0; i < n; i++)
		if (kept && !compare_calls(&c[kept - 1], &c[i]))
			c[kept - 1].count += c[i].count;
		else
			c[kept++] = c[i];
	l->calls.len = kept * sizeof(*c);
}

/* ---- whom the group stands for ----------------------------------------------------------------- */

static int compare_users(const void *a, const void *b, void *data)
{
	const struct learn_principal *who = data;
	const struct learn_call *x = a, *y = b;
	const struct learn_principal *p = &who[x->principal], *q = &who[y->principal];
	int order = p->uid < q->uid ? -1 : p->uid > q->uid;

	if (!order)
		order = x->op < y->op ? -1 : x->op > y->op;
	if (!order)
		order = memcmp(x->value, y->value, sizeof(x->value));
	/* The user alone, whose gid is the greatest, first. */
	return order ? order : p->gid > q->gid ? -1 : p->gid < q->gid;
}

/* What a user also called without the group is allowed to the user, not by the group. */
static void unite_users(struct learn *l)
{
	struct learn_call *c = (struct learn_call *)(void *)l->calls.data;
	struct learn_principal *who = (struct learn_principal *)(void *)l->principals.data;
	size_t n = BUFFER_N(&l->calls, *c), kept = 0;

	if (n)
		qsort_r(c, n, sizeof(*c), compare_users, who);
	for (size_t i = 0; i < n; i++) {
		struct learn_call *last = kept ? &c[kept - 1] : NULL;

		if (last && who[last->principal].gid == LEARN_NOBODY &&
		    who[last->principal].uid == who[c[i].principal].uid && last->op == c[i].op &&
		    !memcmp(last->value, c[i].value, sizeof(last->value)))
			last->count += c[i].count;
		else
			c[kept++] = c[i];
	}
	l->calls.len = kept * sizeof(*c);
}

/* From now on calls by the same group are of one principal, the first with it. */
static void forget_members(struct learn *l)
{
	struct learn_principal *who = (struct learn_principal *)(void *)l->principals.data;
	size_t n = BUFFER_N(&l->principals, *who);

	for (size_t i = 0; i < BUFFER_N(&l->calls, struct learn_call); i++) {
		struct learn_call *c = BUFFER_AT(&l->calls, struct learn_call, i);

		for (uint32_t j = 0; who[c->principal].gid != LEARN_NOBODY && j < n; j++)
			if (who[j].gid == who[c->principal].gid) {
				c->principal = j;
				break;
			}
	}
}

/* ---- all of it --------------------------------------------------------------------------------- */

void learn_widen(struct learn *l)
{
	struct learn_call *c = (struct learn_call *)(void *)l->calls.data;
	size_t n, kept = 0;

	unite_users(l);
	forget_members(l);
	unite_equal(l);
	n = BUFFER_N(&l->calls, *c);
	for (size_t i = 0, run; i < n; i += run) {
		for (run = 1; i + run < n && c[i].principal == c[i + run].principal &&
			      c[i].op == c[i + run].op;)
			run++;
		generalise_run(l, &c[i], run);
	}
	unite_equal(l);
	n = BUFFER_N(&l->calls, *c);
	for (size_t i = 0, run, stay; i < n; i += run) {
		for (run = 1; i + run < n && c[i].principal == c[i + run].principal &&
			      c[i].op == c[i + run].op;)
			run++;
		stay = drop_covered(&c[i], run);
		memmove(&c[kept], &c[i], stay * sizeof(*c));
		kept += stay;
	}
	l->calls.len = kept * sizeof(*c);
}
