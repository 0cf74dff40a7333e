// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Boxes: touching, containing, and what is left of one when others are taken away.  Owns the steps that
 * such questions cost.  Must never answer when they are spent, and never drop a point.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/region.h"

static const struct region_set *values(const struct region_space *space,
				       const struct region_box *box, unsigned int dim)
{
	return box->dim[dim] ? box->dim[dim] : space->whole[dim];
}

bool region_box_touches(const struct region_space *space, const struct region_box *a,
			const struct region_box *b)
{
	(void)space;
	for (unsigned int d = 0; d < REGION_DIMS; d++)
		if (a->dim[d] && b->dim[d] && a->dim[d] != b->dim[d] &&
		    !region_set_touches(a->dim[d], b->dim[d]))
			return false;
	return true;
}

/* The dimensions in which `a` has values that `b` has not, as bits. */
static unsigned int outside(const struct region_space *space, const struct region_box *a,
			    const struct region_box *b)
{
	unsigned int dims = 0;

	for (unsigned int d = 0; d < REGION_DIMS; d++)
		if (b->dim[d] && a->dim[d] != b->dim[d] &&
		    !region_set_within(space->arena, values(space, a, d), b->dim[d]))
			dims |= 1u << d;
	return dims;
}

bool region_box_within(const struct region_space *space, const struct region_box *a,
		       const struct region_box *b)
{
	return !outside(space, a, b);
}

bool region_box_and(const struct region_space *space, const struct region_box *a,
		    const struct region_box *b, struct region_box *outp)
{
	struct region_box out = *a;

	for (unsigned int d = 0; d < REGION_DIMS; d++) {
		if (!b->dim[d])
			continue;
		out.dim[d] =
			a->dim[d] ? region_set_and(space->arena, a->dim[d], b->dim[d]) : b->dim[d];
		if (region_set_is_empty(out.dim[d]))
			return false;
	}
	*outp = out;
	return true;
}

bool region_box_is_possible(const struct region_space *space, const struct region_box *box)
{
	for (unsigned int d = 0; d < REGION_DIMS; d++)
		if (box->dim[d] && region_set_is_empty(box->dim[d]))
			return false;
	return !space->possible || space->possible(space, box);
}

bool region_box_join(const struct region_space *space, const struct region_box *a,
		     const struct region_box *b, struct region_box *outp)
{
	unsigned int dims = outside(space, a, b) | outside(space, b, a);
	struct region_box out = *a;

	if (dims & (dims - 1))
		return false;
	for (unsigned int d = 0; d < REGION_DIMS; d++)
		if (dims >> d & 1)
			out.dim[d] = region_set_or(space->arena, values(space, a, d),
						   values(space, b, d));
	*outp = out;
	return true;
}

void region_box_copy(struct arena *arena, const struct region_box *from, struct region_box *to)
{
	for (unsigned int d = 0; d < REGION_DIMS; d++) {
		const struct region_set *set = from->dim[d];
		size_t size = set ? sizeof(*set) + set->n * sizeof(set->piece[0]) : 0;

		to->dim[d] = set ? memcpy(arena_alloc(arena, size), set, size) : NULL;
	}
}

/* ---- taking away ------------------------------------------------------------------------------- */

struct cutter {
	const struct region_space *space;
	bool (*visit)(void *data, const struct region_box *piece);
	void *data;
	bool left;
	bool stop;
	bool undecided;
};

struct near {
	struct region_cover **cover;
	uint32_t n;
	uint32_t best; /* the one out of which the box sticks in the fewest dimensions */
	unsigned int best_dims;
};

static bool spend(struct cutter *c)
{
	if (!*c->space->steps) {
		c->undecided = true;
		c->stop = true;
		return false;
	}
	--*c->space->steps;
	return true;
}

static bool touches(const struct cutter *c, const struct region_box *box,
		    const struct region_cover *cover)
{
	return region_box_touches(c->space, box, cover->box);
}

/*
 * Of the covers, those that touch the box; and what only one dimension keeps from covering it is taken
 * away at once, which makes no new boxes.  False: nothing is left, or the steps are spent.
 */
static bool sift(struct cutter *c, struct region_box *box, struct region_cover *const *cover,
		 uint32_t n, struct near *near)
{
	*near = (struct near){
		.cover = arena_alloc(c->space->arena, (n + 1) * sizeof(struct region_cover *)),
		.best_dims = ~0u,
	};
	for (uint32_t i = 0; i < n; i++) {
		unsigned int dims, d;

		if (!spend(c))
			return false;
		if (!touches(c, box, cover[i]))
			continue;
		dims = outside(c->space, box, cover[i]->box);
		if (!dims) {
			cover[i]->used = true;
			return false;
		}
		if (dims & (dims - 1)) {
			near->cover[near->n++] = cover[i];
			continue;
		}
		d = (unsigned int)__builtin_ctz(dims);
		cover[i]->used = true;
		box->dim[d] = region_set_minus(c->space->arena, values(c->space, box, d),
					       cover[i]->box->dim[d]);
	}
	return true;
}

/* The box has become smaller meanwhile: what is left of those near.  *changedp: one can be taken away
 * without making new boxes. */
static void choose(struct cutter *c, const struct region_box *box, struct near *near,
		   bool *changedp)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < near->n; i++) {
		unsigned int dims;

		if (!touches(c, box, near->cover[i]))
			continue;
		dims = outside(c->space, box, near->cover[i]->box);
		if (!(dims & (dims - 1)))
			*changedp = true;
		if (__builtin_popcount(dims) < __builtin_popcount(near->best_dims)) {
			near->best_dims = dims;
			near->best = kept;
		}
		near->cover[kept++] = near->cover[i];
	}
	near->n = kept;
}

static void cut(struct cutter *c, struct region_box box, struct region_cover *const *cover,
		uint32_t n);

/* What is outside of the best cover, in pieces: outside of it in one dimension, and inside in those
 * before. */
static void split(struct cutter *c, struct region_box box, struct near *near)
{
	struct region_cover *best = near->cover[near->best];
	struct arena *arena = c->space->arena;

	best->used = true;
	near->cover[near->best] = near->cover[--near->n];
	for (unsigned int d = 0; d < REGION_DIMS && !c->stop; d++) {
		struct region_box piece = box;

		if (!(near->best_dims >> d & 1))
			continue;
		piece.dim[d] =
			region_set_minus(arena, values(c->space, &box, d), best->box->dim[d]);
		if (region_box_is_possible(c->space, &piece))
			cut(c, piece, near->cover, near->n);
		box.dim[d] = region_set_and(arena, values(c->space, &box, d), best->box->dim[d]);
	}
}

static void cut(struct cutter *c, struct region_box box, struct region_cover *const *cover,
		uint32_t n)
{
	struct arena_mark mark = arena_mark(c->space->arena);
	bool changed = true;
	struct near near;

	while (changed) {
		changed = false;
		if (!sift(c, &box, cover, n, &near) || !region_box_is_possible(c->space, &box)) {
			arena_release(c->space->arena, mark);
			return;
		}
		choose(c, &box, &near, &changed);
		cover = near.cover;
		n = near.n;
	}
	if (near.n) {
		split(c, box, &near);
	} else {
		c->left = true;
		c->stop = !c->visit || c->visit(c->data, &box);
	}
	arena_release(c->space->arena, mark);
}

enum region_answer region_uncovered(const struct region_space *space, const struct region_box *box,
				    struct region_cover *const *cover, uint32_t n,
				    bool (*visit)(void *data, const struct region_box *piece),
				    void *data)
{
	struct cutter c = { .space = space, .visit = visit, .data = data };

	if (!region_box_is_possible(space, box))
		return REGION_COVERED;
	cut(&c, *box, cover, n);
	if (c.undecided)
		return REGION_UNDECIDED;
	return c.left ? REGION_LEFT : REGION_COVERED;
}

/* ---- many boxes -------------------------------------------------------------------------------- */

/* From the lowest to the highest number; all, where undetermined belongs to it. */
static void extent(const struct region_box *box, unsigned int dim, uint64_t *lowp, uint64_t *highp)
{
	const struct region_set *set = box->dim[dim];

	*lowp = 0;
	*highp = UINT64_MAX;
	if (!set || set->unknown || !set->n)
		return;
	*lowp = set->piece[0].low;
	*highp = set->piece[0].high;
	for (uint32_t i = 1; i < set->n; i++)
		if (set->piece[i].high > *highp)
			*highp = set->piece[i].high;
}

/* The dimension in which most of them are confined. */
static unsigned int selective(const struct region_cover *cover, uint32_t n)
{
	uint32_t confined[REGION_DIMS] = { 0 };
	unsigned int best = 0;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned int d = 0; d < REGION_DIMS; d++) {
			uint64_t low, high;

			extent(cover[i].box, d, &low, &high);
			confined[d] += low || high != UINT64_MAX;
		}
	for (unsigned int d = 1; d < REGION_DIMS; d++)
		if (confined[d] > confined[best])
			best = d;
	return best;
}

static int by_low(const void *a, const void *b)
{
	const struct region_index_slot *x = a, *y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	return x->cover < y->cover ? -1 : x->cover > y->cover;
}

void region_index_init(struct region_index *index, struct arena *arena, struct region_cover *cover,
		       uint32_t n)
{
	uint64_t highest = 0;

	index->n = n;
	index->dim = selective(cover, n);
	index->slot = arena_alloc(arena, n * sizeof(*index->slot));
	for (uint32_t i = 0; i < n; i++) {
		struct region_index_slot *slot = &index->slot[i];

		extent(cover[i].box, index->dim, &slot->low, &slot->high);
		slot->cover = &cover[i];
	}
	qsort(index->slot, n, sizeof(*index->slot), by_low);
	for (uint32_t i = 0; i < n; i++) {
		if (index->slot[i].high > highest)
			highest = index->slot[i].high;
		index->slot[i].highest = highest;
	}
}

void region_index_span(const struct region_index *index, const struct region_box *box,
		       uint32_t *firstp, uint32_t *endp, uint64_t *lowp)
{
	uint32_t from = 0, to = index->n;
	uint64_t high;

	extent(box, index->dim, lowp, &high);
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (index->slot[middle].low <= high)
			from = middle + 1;
		else
			to = middle;
	}
	*endp = from;
	while (from && index->slot[from - 1].highest >= *lowp)
		from--;
	*firstp = from;
}

struct region_cover **region_index_find(const struct region_index *index, struct arena *arena,
					const struct region_box *box, uint32_t *np)
{
	struct region_cover **out;
	uint32_t first, end, n = 0;
	uint64_t low;

	region_index_span(index, box, &first, &end, &low);
	out = arena_alloc(arena, (end - first + 1) * sizeof(struct region_cover *));
	for (uint32_t i = first; i < end; i++)
		if (index->slot[i].high >= low)
			out[n++] = index->slot[i].cover;
	*np = n;
	return out;
}
