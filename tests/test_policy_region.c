// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The algebra of boxes against sets that are listed value by value.
 */

#include <criterion/criterion.h>

#include "policy/region.h"

#define VALUES 64 /* numbers 0 to 63, and then undetermined */
#define DIMS 3

static uint64_t seed;

static unsigned int dice(unsigned int n)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned int)(seed >> 33) % n;
}

static const struct region_set *random_set(struct arena *arena, unsigned int values)
{
	struct region_piece piece[4];
	unsigned int n = 1 + dice(3);

	for (unsigned int i = 0; i < n; i++) {
		piece[i] = (struct region_piece){ .low = dice(values) };
		piece[i].high = piece[i].low + dice(values - (unsigned int)piece[i].low);
		if (dice(3))
			continue;
		piece[i].mask = dice(values);
		piece[i].is = dice(values) & piece[i].mask;
	}
	return region_set_of(arena, piece, n, dice(3) == 0);
}

static bool has(const struct region_set *set, unsigned int value, unsigned int values)
{
	return value == values ? set->unknown : region_set_has(set, value);
}

/* ---- sets -------------------------------------------------------------------------------------- */

static void check_good(const struct region_set *set)
{
	bool masked = false;

	for (uint32_t i = 0; i < set->n; i++) {
		const struct region_piece *p = &set->piece[i];

		masked |= p->mask != 0;
		cr_assert_leq(p->low, p->high);
		cr_assert_eq(p->low & p->mask, p->is);
		cr_assert_eq(p->high & p->mask, p->is);
		cr_assert(!i || set->masked || p[-1].high + 1 < p->low);
		for (uint32_t j = 0; j < i; j++)
			for (unsigned int v = 0; v < VALUES; v++)
				cr_assert(
					!((v >= p->low && v <= p->high && (v & p->mask) == p->is) &&
					  v >= set->piece[j].low && v <= set->piece[j].high &&
					  (v & set->piece[j].mask) == set->piece[j].is));
	}
	cr_assert_eq(masked, set->masked);
}

static void check_operations(struct arena *arena)
{
	const struct region_set *a = random_set(arena, VALUES), *b = random_set(arena, VALUES);
	const struct region_set *both = region_set_and(arena, a, b);
	const struct region_set *rest = region_set_minus(arena, a, b);
	const struct region_set *any = region_set_or(arena, a, b);
	bool touches = false, within = true;
	unsigned int n = 0;

	check_good(a);
	check_good(both);
	check_good(rest);
	check_good(any);
	for (unsigned int v = 0; v <= VALUES; v++) {
		bool x = has(a, v, VALUES), y = has(b, v, VALUES);

		cr_assert_eq(has(both, v, VALUES), x && y);
		cr_assert_eq(has(rest, v, VALUES), x && !y);
		cr_assert_eq(has(any, v, VALUES), x || y);
		touches |= x && y;
		within &= !x || y;
		n += v < VALUES && x;
	}
	cr_assert_eq(region_set_touches(a, b), touches);
	cr_assert_eq(region_set_within(arena, a, b), within);
	cr_assert_eq(region_set_count(a, 1000), n);
}

static void check_next(struct arena *arena)
{
	const struct region_set *a = random_set(arena, VALUES);
	uint64_t value;

	for (unsigned int from = 0; from < VALUES; from++) {
		unsigned int expected = from;

		while (expected < VALUES && !region_set_has(a, expected))
			expected++;
		cr_assert_eq(region_set_next(a, from, &value), expected < VALUES);
		cr_assert(expected == VALUES || value == expected);
	}
}

Test(policy_region, sets_are_what_their_values_say)
{
	for (unsigned int i = 0; i < 4000; i++) {
		struct arena arena = { .chunks = NULL };

		seed = i;
		check_operations(&arena);
		check_next(&arena);
		arena_free(&arena);
	}
}

Test(policy_region, ends_of_all_numbers)
{
	struct arena arena = { .chunks = NULL };
	const struct region_set *all = region_set_range(&arena, 0, UINT64_MAX, false);
	const struct region_piece odd = { 0, UINT64_MAX, 1, 1 };
	const struct region_set *odds = region_set_of(&arena, &odd, 1, false);
	uint64_t value;

	cr_assert(region_set_is_empty(region_set_minus(&arena, all, all)));
	cr_assert_eq(region_set_count(all, UINT64_MAX), UINT64_MAX);
	cr_assert(!region_set_next(odds, UINT64_MAX, &value) || value == UINT64_MAX);
	cr_assert(region_set_next(odds, UINT64_MAX - 1, &value));
	cr_assert_eq(value, UINT64_MAX);
	cr_assert(region_set_within(&arena, odds, all) && !region_set_within(&arena, all, odds));
	arena_free(&arena);
}

Test(policy_region, a_pattern_of_leading_bits_is_an_interval)
{
	struct arena arena = { .chunks = NULL };
	const struct region_piece piece = { 0, 0xff, 0xf0, 0x10 };
	const struct region_set *set = region_set_of(&arena, &piece, 1, false);

	cr_assert_eq(set->n, 1);
	cr_assert(!set->masked && set->piece[0].low == 0x10 && set->piece[0].high == 0x1f);
	arena_free(&arena);
}

/* ---- boxes ------------------------------------------------------------------------------------- */

#define SMALL 5

struct rig {
	struct arena arena;
	struct region_space space;
	uint64_t steps;
	unsigned int seen[SMALL + 1][SMALL + 1][SMALL + 1];
};

/* Some points cannot be: those whose first two numbers are the same. */
static bool differs(const struct region_space *space, const struct region_box *box)
{
	const struct region_set *a = box->dim[0] ? box->dim[0] : space->whole[0];
	const struct region_set *b = box->dim[1] ? box->dim[1] : space->whole[1];

	for (unsigned int x = 0; x <= SMALL; x++)
		for (unsigned int y = 0; y <= SMALL; y++)
			if (x != y && has(a, x, SMALL) && has(b, y, SMALL))
				return true;
	return false;
}

static void rig_init(struct rig *r, uint64_t steps)
{
	memset(r, 0, sizeof(*r));
	r->steps = steps;
	r->space = (struct region_space){ .arena = &r->arena,
					  .steps = &r->steps,
					  .possible = differs };
	for (unsigned int d = 0; d < REGION_DIMS; d++)
		r->space.whole[d] = region_set_range(&r->arena, 0, SMALL - 1, true);
}

static void random_box(struct rig *r, struct region_box *box)
{
	memset(box, 0, sizeof(*box));
	for (unsigned int d = 0; d < DIMS; d++)
		if (dice(4))
			box->dim[d] = region_set_and(&r->arena, r->space.whole[d],
						     random_set(&r->arena, SMALL));
}

static bool has_point(const struct region_box *box, unsigned int x, unsigned int y, unsigned int z)
{
	const unsigned int value[DIMS] = { x, y, z };

	for (unsigned int d = 0; d < DIMS; d++)
		if (box->dim[d] && !has(box->dim[d], value[d], SMALL))
			return false;
	return true;
}

#define FOR_EACH_POINT(x, y, z)                                                                    \
	for (unsigned int x = 0; x <= SMALL; x++)                                                  \
		for (unsigned int y = 0; y <= SMALL; y++)                                          \
			for (unsigned int z = 0; z <= SMALL; z++)

static bool mark(void *data, const struct region_box *piece)
{
	struct rig *r = data;

	FOR_EACH_POINT(x, y, z)
	r->seen[x][y][z] += has_point(piece, x, y, z);
	return false;
}

Test(policy_region, what_is_left_is_what_no_box_covers)
{
	static struct rig r;

	for (unsigned int i = 0; i < 3000; i++) {
		struct region_cover cover[8], *covers[8];
		struct region_box box, boxes[8];
		unsigned int n, left = 0;
		enum region_answer answer;

		seed = i;
		n = dice(9);
		rig_init(&r, 1000000);
		random_box(&r, &box);
		for (unsigned int j = 0; j < n; j++) {
			random_box(&r, &boxes[j]);
			cover[j] = (struct region_cover){ .box = &boxes[j] };
			covers[j] = &cover[j];
		}
		answer = region_uncovered(&r.space, &box, covers, n, mark, &r);
		FOR_EACH_POINT(x, y, z)
		{
			bool expected = has_point(&box, x, y, z);

			for (unsigned int j = 0; j < n; j++)
				expected &= !has_point(&boxes[j], x, y, z);
			/* What cannot be may or may not be among it. */
			if (x != y)
				cr_assert_eq(r.seen[x][y][z], expected, "seed %u", i);
			left += x != y && expected;
		}
		cr_assert_eq(answer, left ? REGION_LEFT : REGION_COVERED, "seed %u", i);
		arena_free(&r.arena);
	}
}

Test(policy_region, index_finds_all_that_touch)
{
	static struct rig r;

	for (unsigned int i = 0; i < 500; i++) {
		struct region_cover cover[40], **found;
		struct region_box box, boxes[40];
		struct region_index index;
		uint32_t n;

		seed = i;
		rig_init(&r, 1000000);
		random_box(&r, &box);
		for (unsigned int j = 0; j < 40; j++) {
			random_box(&r, &boxes[j]);
			cover[j] = (struct region_cover){ .box = &boxes[j] };
		}
		region_index_init(&index, &r.arena, cover, 40);
		found = region_index_find(&index, &r.arena, &box, &n);
		for (unsigned int j = 0; j < 40; j++) {
			bool is = false;

			for (uint32_t k = 0; k < n; k++)
				is |= found[k] == &cover[j];
			cr_assert(is || !region_box_touches(&r.space, &box, &boxes[j]) ||
				  !region_box_is_possible(&r.space, &boxes[j]) ||
				  !region_box_is_possible(&r.space, &box));
		}
		arena_free(&r.arena);
	}
}

Test(policy_region, joined_boxes_are_both)
{
	static struct rig r;
	unsigned int joined = 0;

	for (unsigned int i = 0; i < 3000; i++) {
		struct region_box a, b, both;

		seed = i;
		rig_init(&r, 1000000);
		random_box(&r, &a);
		b = a;
		b.dim[dice(DIMS)] = random_set(&r.arena, SMALL);
		if (dice(2))
			random_box(&r, &b);
		if (region_box_join(&r.space, &a, &b, &both)) {
			joined++;
			FOR_EACH_POINT(x, y, z)
			cr_assert_eq(has_point(&both, x, y, z),
				     has_point(&a, x, y, z) || has_point(&b, x, y, z));
		}
		arena_free(&r.arena);
	}
	cr_assert_gt(joined, 500);
}

/* Boxes that overlap in all dimensions make many pieces. */
Test(policy_region, spent_steps_leave_it_undecided)
{
	struct region_cover cover[12], *covers[12];
	struct region_box box = { .dim = { NULL } }, boxes[12];
	static struct rig r;

	seed = 7;
	rig_init(&r, 20);
	for (unsigned int i = 0; i < 12; i++) {
		boxes[i] = (struct region_box){ .dim = { NULL } };
		for (unsigned int d = 0; d < DIMS; d++)
			boxes[i].dim[d] =
				region_set_range(&r.arena, (i + d) % SMALL, (i + d) % SMALL, true);
		cover[i] = (struct region_cover){ .box = &boxes[i] };
		covers[i] = &cover[i];
	}
	cr_assert_eq(region_uncovered(&r.space, &box, covers, 12, mark, &r), REGION_UNDECIDED);
	cr_assert_eq(r.steps, 0);
	arena_free(&r.arena);
}

/* ---- memory ------------------------------------------------------------------------------------ */

Test(policy_region, released_memory_comes_back_zeroed)
{
	struct arena arena = { .chunks = NULL };
	struct arena_mark mark_;
	uint8_t *p;

	arena_alloc(&arena, 100);
	mark_ = arena_mark(&arena);
	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 40; i++) {
			p = arena_alloc(&arena, 5000);
			for (unsigned int j = 0; j < 5000; j++)
				cr_assert_eq(p[j], 0);
			memset(p, 0xff, 5000);
		}
		arena_release(&arena, mark_);
	}
	arena_free(&arena);
}
