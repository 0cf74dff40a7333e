// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Principals and sets of values, each kept once, so that equal ones have the same number or address.
 * Owns their tables.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/atoms.h"

/* ---- principals -------------------------------------------------------------------------------- */

const struct atoms_cube *world_cube(const struct world *w, uint32_t cube)
{
	return BUFFER_AT(&w->cubes, const struct atoms_cube, cube);
}

static bool same_cube(const struct atoms_cube *a, uint32_t uid, const uint32_t *gids, uint32_t n)
{
	return a->uid == uid && a->n == n && (!n || !memcmp(a->gids, gids, n * sizeof(*gids)));
}

static uint32_t hash_cube(uint32_t uid, const uint32_t *gids, uint32_t n)
{
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, &uid, sizeof(uid));

	return image_hash(image_fnv(hash, gids, n * sizeof(*gids)));
}

static uint32_t *cube_slot(const struct world *w, uint32_t uid, const uint32_t *gids, uint32_t n)
{
	uint32_t *slot = (void *)w->cube_slots.data;
	uint32_t mask = (uint32_t)BUFFER_N(&w->cube_slots, *slot) - 1;
	uint32_t i = hash_cube(uid, gids, n) & mask;

	while (slot[i] && !same_cube(world_cube(w, slot[i] - 1), uid, gids, n))
		i = (i + 1) & mask;
	return &slot[i];
}

static void grow_cubes(struct world *w)
{
	size_t n = BUFFER_N(&w->cubes, struct atoms_cube);

	if (2 * n < BUFFER_N(&w->cube_slots, uint32_t))
		return;
	w->cube_slots.len = 0;
	buffer_add(&w->cube_slots, (n ? 4 * n : 64) * sizeof(uint32_t));
	/* A power of two, whatever n was. */
	while (BUFFER_N(&w->cube_slots, uint32_t) & (BUFFER_N(&w->cube_slots, uint32_t) - 1))
		buffer_add(&w->cube_slots, sizeof(uint32_t));
	memset(w->cube_slots.data, 0, w->cube_slots.len);
	for (uint32_t i = 0; i < n; i++) {
		const struct atoms_cube *c = world_cube(w, i);

		*cube_slot(w, c->uid, c->gids, c->n) = i + 1;
	}
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

uint32_t world_cube_of(struct world *w, uint32_t uid, const uint32_t *gids, uint32_t n)
{
	struct arena_mark mark = arena_mark(&w->scratch);
	uint32_t *sorted = arena_alloc(&w->scratch, n * sizeof(*sorted)), kept = 0, *slot, number;
	struct atoms_cube cube = { .uid = uid };
	uint32_t *own;

	if (n) {
		memcpy(sorted, gids, n * sizeof(*gids));
		qsort(sorted, n, sizeof(*sorted), compare_ids);
	}
	for (uint32_t i = 0; i < n; i++)
		if (!i || sorted[i] != sorted[kept - 1])
			sorted[kept++] = sorted[i];
	grow_cubes(w);
	slot = cube_slot(w, uid, sorted, kept);
	if (!*slot) {
		own = arena_alloc(&w->arena, kept * sizeof(*own));
		if (kept)
			memcpy(own, sorted, kept * sizeof(*own));
		cube.n = kept;
		cube.gids = own;
		buffer_push(&w->cubes, &cube, sizeof(cube));
		*slot = (uint32_t)BUFFER_N(&w->cubes, cube);
	}
	number = *slot - 1;
	arena_release(&w->scratch, mark);
	return number;
}

uint32_t world_cube_of_grant(struct world *w, const struct policy_image *image,
			     const struct image_grant *grant)
{
	const struct image_member *m = image_table(image, IMAGE_MEMBERS);
	uint32_t *gids, uid = ATOMS_ANY_USER, n = 0, cube;
	struct arena_mark mark;

	if (grant->kind == IMAGE_USER)
		return world_cube_of(w, grant->id, NULL, 0);
	if (grant->kind == IMAGE_GROUP)
		return world_cube_of(w, ATOMS_ANY_USER, &grant->id, 1);
	if (grant->kind == IMAGE_EVERYONE)
		return world_cube_of(w, ATOMS_ANY_USER, NULL, 0);
	mark = arena_mark(&w->scratch);
	gids = arena_alloc(&w->scratch, grant->n_members * sizeof(*gids));
	m += grant->first_member;
	cube = grant->n_members ? 0 : ATOMS_NOBODY;
	for (uint32_t i = 0; i < grant->n_members; i++) {
		if (m[i].kind == IMAGE_GROUP)
			gids[n++] = m[i].id;
		else if (uid != ATOMS_ANY_USER && uid != m[i].id)
			cube = ATOMS_NOBODY;
		else
			uid = m[i].id;
	}
	if (cube != ATOMS_NOBODY)
		cube = world_cube_of(w, uid, gids, n);
	arena_release(&w->scratch, mark);
	return cube;
}

static bool has_gids(const struct atoms_cube *c, const struct atoms_cube *weaker)
{
	uint32_t i = 0;

	for (uint32_t j = 0; j < weaker->n; j++) {
		while (i < c->n && c->gids[i] < weaker->gids[j])
			i++;
		if (i == c->n || c->gids[i] != weaker->gids[j])
			return false;
	}
	return true;
}

bool world_cube_implies(const struct world *w, uint32_t cube, uint32_t weaker)
{
	const struct atoms_cube *a = world_cube(w, cube), *b = world_cube(w, weaker);

	return cube == weaker || ((b->uid == ATOMS_ANY_USER || b->uid == a->uid) && has_gids(a, b));
}

bool world_cube_and(struct world *w, uint32_t a, uint32_t b, uint32_t *cubep)
{
	const struct atoms_cube x = *world_cube(w, a), y = *world_cube(w, b);
	struct arena_mark mark;
	uint32_t *gids;

	if (x.uid != y.uid && x.uid != ATOMS_ANY_USER && y.uid != ATOMS_ANY_USER)
		return false;
	if (world_cube_implies(w, a, b)) {
		*cubep = a;
		return true;
	}
	mark = arena_mark(&w->scratch);
	gids = arena_alloc(&w->scratch, (x.n + y.n) * sizeof(*gids));
	if (x.n)
		memcpy(gids, x.gids, x.n * sizeof(*gids));
	if (y.n)
		memcpy(gids + x.n, y.gids, y.n * sizeof(*gids));
	*cubep = world_cube_of(w, x.uid == ATOMS_ANY_USER ? y.uid : x.uid, gids, x.n + y.n);
	arena_release(&w->scratch, mark);
	return true;
}

struct atoms_holder *atoms_find_holder(const struct atoms_op *o, uint32_t cube)
{
	uint32_t low = 0, high = o->n_holders;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (o->holder[middle].cube < cube)
			low = middle + 1;
		else
			high = middle;
	}
	return low < o->n_holders && o->holder[low].cube == cube ? &o->holder[low] : NULL;
}

/* ---- sets -------------------------------------------------------------------------------------- */

static uint32_t hash_set(const struct region_set *set)
{
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, set->piece, set->n * sizeof(set->piece[0]));

	return image_hash(hash ^ set->unknown);
}

static bool same_set(const struct region_set *a, const struct region_set *b)
{
	return a->n == b->n && a->unknown == b->unknown &&
	       !memcmp(a->piece, b->piece, a->n * sizeof(a->piece[0]));
}

static const struct region_set **set_slot(const struct world *w, const struct region_set *set)
{
	const struct region_set **slot = (void *)w->sets.data;
	uint32_t mask = (uint32_t)BUFFER_N(&w->sets, *slot) - 1, i = hash_set(set) & mask;

	while (slot[i] && !same_set(slot[i], set))
		i = (i + 1) & mask;
	return &slot[i];
}

static void grow_sets(struct world *w)
{
	struct buffer old = w->sets;
	size_t n = BUFFER_N(&old, const struct region_set *);

	if (n && 2 * (size_t)w->n_sets < n)
		return;
	w->sets = (struct buffer){ 0 };
	buffer_add(&w->sets, (n ? 2 * n : 256) * sizeof(const struct region_set *));
	for (size_t i = 0; i < n; i++) {
		const struct region_set *set = *BUFFER_AT(&old, const struct region_set *, i);

		if (set)
			*set_slot(w, set) = set;
	}
	buffer_free(&old);
}

const struct region_set *world_intern(struct world *w, const struct region_set *set)
{
	size_t size = sizeof(*set) + set->n * sizeof(set->piece[0]);
	const struct region_set **slot;

	grow_sets(w);
	slot = set_slot(w, set);
	if (!*slot) {
		*slot = memcpy(arena_alloc(&w->arena, size), set, size);
		w->n_sets++;
	}
	return *slot;
}
