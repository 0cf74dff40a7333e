// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Sets of numbers: unions, intersections and differences of intervals and bit patterns.  Owns nothing.
 * Must never approximate: a piece that holds no number is never kept.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/region.h"

/* ---- pieces ------------------------------------------------------------------------------------ */

/* The smallest number, from `low` on, of which the bits `mask` are `is`.  Beside `low` itself it is the
 * one that equals it in as many leading bits as can be, and is larger in the next. */
static bool first_match(uint64_t low, uint64_t mask, uint64_t is, uint64_t *valuep)
{
	uint64_t wrong = (low ^ is) & mask;

	if (!wrong) {
		*valuep = low;
		return true;
	}
	for (unsigned int k = 0; k < 64; k++) {
		uint64_t bit = UINT64_C(1) << k, below = bit - 1;

		if ((low & bit) || (wrong & ~(below | bit)) || ((mask & bit) && !(is & bit)))
			continue;
		*valuep = (low & ~(below | bit)) | bit | (is & below);
		return true;
	}
	return false;
}

/* Brings both ends to numbers of the piece; false if it has none. */
static bool trim(struct region_piece *p)
{
	uint64_t high;

	if (p->low > p->high)
		return false;
	if (!p->mask)
		return true;
	if (!first_match(p->low, p->mask, p->is, &p->low) || p->low > p->high)
		return false;
	first_match(~p->high, p->mask, ~p->is & p->mask, &high);
	p->high = ~high;
	/* What both ends and so all between have in common needs no mask. */
	if (p->low == p->high)
		p->mask = 0;
	else
		p->mask &= (UINT64_C(2) << (63 - __builtin_clzll(p->low ^ p->high))) - 1;
	p->is &= p->mask;
	return true;
}

static bool piece_and(const struct region_piece *a, const struct region_piece *b,
		      struct region_piece *outp)
{
	if ((a->is ^ b->is) & a->mask & b->mask)
		return false;
	*outp = (struct region_piece){
		.low = a->low > b->low ? a->low : b->low,
		.high = a->high < b->high ? a->high : b->high,
		.mask = a->mask | b->mask,
		.is = a->is | b->is,
	};
	return trim(outp);
}

static void keep(struct buffer *out, struct region_piece piece)
{
	if (trim(&piece))
		buffer_push(out, &piece, sizeof(piece));
}

/* Adds what is in `a` and not in `b`: beside the interval, and, in it, once for each bit that differs. */
static void piece_minus(struct buffer *out, const struct region_piece *a,
			const struct region_piece *b)
{
	struct region_piece both, p = *a;

	if (!piece_and(a, b, &both)) {
		keep(out, *a);
		return;
	}
	if (b->low > a->low) {
		p.high = b->low - 1;
		keep(out, p);
	}
	if (b->high < a->high) {
		p = *a;
		p.low = b->high + 1;
		keep(out, p);
	}
	p = *a;
	p.low = a->low > b->low ? a->low : b->low;
	p.high = a->high < b->high ? a->high : b->high;
	for (uint64_t left = b->mask & ~a->mask; left; left &= left - 1) {
		uint64_t bit = left & -left;

		p.mask |= bit;
		p.is = (p.is & ~bit) | (~b->is & bit);
		keep(out, p);
		p.is ^= bit;
	}
}

/* ---- making sets ------------------------------------------------------------------------------- */

static int by_low(const void *a, const void *b)
{
	const struct region_piece *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high < y->high ? -1 : 1;
	if (x->mask != y->mask)
		return x->mask < y->mask ? -1 : 1;
	return x->is < y->is ? -1 : x->is > y->is;
}

static bool is_sorted(const struct region_piece *p, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (by_low(&p[i - 1], &p[i]) > 0)
			return false;
	return true;
}

/* Joins what touches; none has a mask. */
static uint32_t merge(struct region_piece *p, uint32_t n)
{
	uint32_t kept = 0;

	for (uint32_t i = 1; i < n; i++) {
		if (p[kept].high == UINT64_MAX)
			break;
		if (p[i].low > p[kept].high + 1)
			p[++kept] = p[i];
		else if (p[i].high > p[kept].high)
			p[kept].high = p[i].high;
	}
	return n ? kept + 1 : 0;
}

static bool any_mask(const struct region_piece *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (p[i].mask)
			return true;
	return false;
}

/* A set of disjoint pieces, none empty.  Consumes the buffer. */
static const struct region_set *finish(struct arena *arena, struct buffer *pieces, bool unknown)
{
	struct region_piece *p = (void *)pieces->data;
	uint32_t n = (uint32_t)BUFFER_N(pieces, *p);
	struct region_set *set;

	if (n && !is_sorted(p, n))
		qsort(p, n, sizeof(*p), by_low);
	set = arena_alloc(arena, sizeof(*set) + n * sizeof(*p));
	set->masked = any_mask(p, n);
	if (!set->masked)
		n = merge(p, n);
	if (p && n)
		memcpy(set->piece, p, n * sizeof(*p));
	set->n = n;
	set->unknown = unknown;
	buffer_free(pieces);
	return set;
}

/* Adds `piece` without what is in the first `n` of `out`. */
static void add_new(struct buffer *out, const struct region_piece *piece)
{
	size_t n = BUFFER_N(out, *piece);
	struct buffer rest = { 0 }, next = { 0 };

	buffer_push(&rest, piece, sizeof(*piece));
	for (size_t i = 0; i < n; i++) {
		const struct region_piece old = *BUFFER_AT(out, struct region_piece, i);

		next.len = 0;
		for (size_t j = 0; j < BUFFER_N(&rest, *piece); j++)
			piece_minus(&next, BUFFER_AT(&rest, struct region_piece, j), &old);
		buffer_push(&rest, NULL, 0);
		rest.len = 0;
		buffer_push(&rest, next.data, next.len);
	}
	buffer_push(out, rest.data, rest.len);
	buffer_free(&rest);
	buffer_free(&next);
}

const struct region_set *region_set_of(struct arena *arena, const struct region_piece *piece,
				       uint32_t n, bool unknown)
{
	struct buffer out = { 0 };
	bool masked = any_mask(piece, n);

	for (uint32_t i = 0; i < n; i++) {
		struct region_piece p = piece[i];

		if (!trim(&p))
			continue;
		if (masked)
			add_new(&out, &p);
		else
			buffer_push(&out, &p, sizeof(p));
	}
	return finish(arena, &out, unknown);
}

const struct region_set *region_set_range(struct arena *arena, uint64_t low, uint64_t high,
					  bool unknown)
{
	struct region_piece piece = { .low = low, .high = high };

	return region_set_of(arena, &piece, 1, unknown);
}

/* ---- operations -------------------------------------------------------------------------------- */

const struct region_set *region_set_and(struct arena *arena, const struct region_set *a,
					const struct region_set *b)
{
	struct buffer out = { 0 };
	struct region_piece p;
	uint32_t i = 0, j = 0;

	if (a == b)
		return a;
	if (a->masked || b->masked) {
		for (i = 0; i < a->n; i++)
			for (j = 0; j < b->n; j++)
				if (piece_and(&a->piece[i], &b->piece[j], &p))
					buffer_push(&out, &p, sizeof(p));
		return finish(arena, &out, a->unknown && b->unknown);
	}
	while (i < a->n && j < b->n) {
		if (piece_and(&a->piece[i], &b->piece[j], &p))
			buffer_push(&out, &p, sizeof(p));
		if (a->piece[i].high < b->piece[j].high)
			i++;
		else
			j++;
	}
	return finish(arena, &out, a->unknown && b->unknown);
}

static void minus_masked(struct buffer *out, const struct region_set *a, const struct region_set *b)
{
	struct buffer next = { 0 };

	buffer_push(out, a->piece, a->n * sizeof(a->piece[0]));
	for (uint32_t j = 0; j < b->n; j++) {
		next.len = 0;
		for (size_t i = 0; i < BUFFER_N(out, struct region_piece); i++)
			piece_minus(&next, BUFFER_AT(out, struct region_piece, i), &b->piece[j]);
		out->len = 0;
		buffer_push(out, next.data, next.len);
	}
	buffer_free(&next);
}

const struct region_set *region_set_minus(struct arena *arena, const struct region_set *a,
					  const struct region_set *b)
{
	bool unknown = a->unknown && !b->unknown;
	struct buffer out = { 0 };
	uint32_t j = 0;

	if (a->masked || b->masked) {
		minus_masked(&out, a, b);
		return finish(arena, &out, unknown);
	}
	for (uint32_t i = 0; i < a->n; i++) {
		uint64_t low = a->piece[i].low, high = a->piece[i].high;
		bool over = false;

		while (j < b->n && b->piece[j].high < low)
			j++;
		for (uint32_t k = j; k < b->n && b->piece[k].low <= high && !over; k++) {
			if (b->piece[k].low > low)
				keep(&out, (struct region_piece){ low, b->piece[k].low - 1, 0, 0 });
			over = b->piece[k].high >= high;
			low = b->piece[k].high + 1;
		}
		if (!over)
			keep(&out, (struct region_piece){ low, high, 0, 0 });
	}
	return finish(arena, &out, unknown);
}

const struct region_set *region_set_or(struct arena *arena, const struct region_set *a,
				       const struct region_set *b)
{
	struct buffer out = { 0 };
	const struct region_set *set;

	buffer_push(&out, a->piece, a->n * sizeof(a->piece[0]));
	buffer_push(&out, b->piece, b->n * sizeof(b->piece[0]));
	set = region_set_of(arena, (const void *)out.data, a->n + b->n, a->unknown || b->unknown);
	buffer_free(&out);
	return set;
}

/* ---- questions --------------------------------------------------------------------------------- */

bool region_set_is_empty(const struct region_set *set)
{
	return !set->n && !set->unknown;
}

bool region_set_touches(const struct region_set *a, const struct region_set *b)
{
	struct region_piece p;
	uint32_t i = 0, j = 0;

	if (a->unknown && b->unknown)
		return true;
	if (a->masked || b->masked) {
		for (i = 0; i < a->n; i++)
			for (j = 0; j < b->n; j++)
				if (piece_and(&a->piece[i], &b->piece[j], &p))
					return true;
		return false;
	}
	while (i < a->n && j < b->n) {
		if (a->piece[i].high < b->piece[j].low)
			i++;
		else if (b->piece[j].high < a->piece[i].low)
			j++;
		else
			return true;
	}
	return false;
}

bool region_set_within(struct arena *arena, const struct region_set *a, const struct region_set *b)
{
	struct arena_mark mark;
	uint32_t j = 0;
	bool within;

	if (a == b)
		return true;
	if (a->unknown && !b->unknown)
		return false;
	if (a->masked || b->masked) {
		mark = arena_mark(arena);
		within = region_set_is_empty(region_set_minus(arena, a, b));
		arena_release(arena, mark);
		return within;
	}
	for (uint32_t i = 0; i < a->n; i++) {
		while (j < b->n && b->piece[j].high < a->piece[i].high)
			j++;
		if (j == b->n || b->piece[j].low > a->piece[i].low)
			return false;
	}
	return true;
}

bool region_set_has(const struct region_set *set, uint64_t value)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (set->piece[i].low <= value && value <= set->piece[i].high &&
		    (value & set->piece[i].mask) == set->piece[i].is)
			return true;
	return false;
}

bool region_set_next(const struct region_set *set, uint64_t from, uint64_t *valuep)
{
	bool found = false;

	for (uint32_t i = 0; i < set->n; i++) {
		struct region_piece p = set->piece[i];

		if (p.low < from)
			p.low = from;
		if (!trim(&p) || (found && p.low >= *valuep))
			continue;
		*valuep = p.low;
		found = true;
	}
	return found;
}

uint64_t region_set_count(const struct region_set *set, uint64_t max)
{
	uint64_t n = 0, value;

	for (uint32_t i = 0; i < set->n && n < max; i++) {
		const struct region_piece *p = &set->piece[i];

		if (!p->mask) {
			n = p->high - p->low >= max - n ? max : n + (p->high - p->low) + 1;
			continue;
		}
		value = p->low;
		for (n++; n < max && value < p->high; n++)
			if (!first_match(value + 1, p->mask, p->is, &value) || value > p->high)
				break;
	}
	return n;
}
