// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of values: intervals of numbers, masks, names and prefixes.  Owns the order that the evaluator's
 * binary searches rely on.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/set.h"

void set_add(struct set *set, uint64_t low, uint64_t high)
{
	struct image_interval interval = { low, high };

	buffer_push(&set->intervals, &interval, sizeof(interval));
}

static int compare_intervals(const void *a, const void *b)
{
	const struct image_interval *x = a, *y = b;

	return x->low < y->low ? -1 : x->low > y->low;
}

static void merge_intervals(struct set *set)
{
	struct image_interval *interval = (void *)set->intervals.data;
	size_t n = BUFFER_N(&set->intervals, *interval), kept = 0;

	if (n < 2)
		return;
	qsort(interval, n, sizeof(*interval), compare_intervals);
	for (size_t i = 1; i < n; i++) {
		struct image_interval *last = &interval[kept];

		if (last->high == UINT64_MAX)
			break;
		if (interval[i].low > last->high + 1)
			interval[++kept] = interval[i];
		else if (interval[i].high > last->high)
			last->high = interval[i].high;
	}
	set->intervals.len = (kept + 1) * sizeof(*interval);
}

static int compare_names(const void *a, const void *b)
{
	const struct image_name *x = a, *y = b;
	int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return y->prefix - x->prefix; /* a prefix before the name that it covers */
}

static bool covers(const struct image_name *a, const struct image_name *b)
{
	if (a->prefix)
		return a->len <= b->len && !memcmp(a->bytes, b->bytes, a->len);
	return !b->prefix && a->len == b->len && !memcmp(a->bytes, b->bytes, a->len);
}

/* In this order all that a prefix covers follows it directly. */
static void merge_names(struct set *set)
{
	struct image_name *name = (void *)set->names.data;
	size_t n = BUFFER_N(&set->names, *name), kept = 0;
	const struct image_name *prefix = NULL;

	if (n)
		qsort(name, n, sizeof(*name), compare_names);
	for (size_t i = 0; i < n; i++) {
		if ((prefix && covers(prefix, &name[i])) ||
		    (kept && covers(&name[kept - 1], &name[i])))
			continue;
		name[kept] = name[i];
		if (name[kept].prefix)
			prefix = &name[kept];
		kept++;
	}
	set->names.len = kept * sizeof(*name);
}

void set_normalise(struct set *set)
{
	merge_intervals(set);
	merge_names(set);
}

void set_add_complement(struct set *to, const struct set *set, uint64_t min, uint64_t max)
{
	const struct image_interval *interval = (const void *)set->intervals.data;
	size_t n = BUFFER_N(&set->intervals, *interval);
	uint64_t next = min;

	for (size_t i = 0; i < n; i++) {
		if (interval[i].low > next)
			set_add(to, next, interval[i].low - 1);
		if (interval[i].high == max)
			return;
		next = interval[i].high + 1;
	}
	set_add(to, next, max);
}

bool set_has(const struct set *set, uint64_t value)
{
	const struct image_interval *interval = (const void *)set->intervals.data;

	for (size_t i = 0; i < BUFFER_N(&set->intervals, *interval); i++)
		if (interval[i].low <= value && value <= interval[i].high)
			return true;
	return false;
}

bool set_is_empty(const struct set *set)
{
	return !set->intervals.len && !set->masks.len && !set->names.len && !set->self;
}

void set_free(struct set *set)
{
	buffer_free(&set->intervals);
	buffer_free(&set->masks);
	buffer_free(&set->names);
}
