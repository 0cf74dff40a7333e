// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The difference of two policies: which questions it is made of, asked of each operation on each
 * partition.  Must never be silent about a kind of change of an operation that there is.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_diff.h"

#define FOUND 4096 /* pieces of an operation and a question; of more, that there are */

/* ---- the questions ------------------------------------------------------------------------------ */

#define A ATOMS_ALLOW
#define F ATOMS_FREE
#define T ATOMS_LIMITED
#define L ATOMS_LOUD
#define S ATOMS_SILENT
#define D ATOMS_DENY
#define U ATOMS_LOUD_DENY
#define Q ATOMS_QUIET_DENY

/*
 * Of each change the ways in which it can come about; `o` and `n` are the images before and after.  Each
 * takes away, of the other image, what its seed is, so that seeds of the same words need no asking.
 */
/* clang-format off */
#define EFFECT(kind, o, n) \
	{ kind, { n, A }, ALONE, { 0, 0 }, { 0, 0 }, { { n, D }, { o, A } }, 2, false }, \
	{ kind, { o, D }, JOIN, { n, A }, { o, A }, { { n, D } }, 1, false }
#define LIMIT(kind, o, n) \
	{ kind, { o, F }, JOIN, { n, T }, { 0, 0 }, { { n, F | D }, { o, D } }, 2, false }
#define RECORDED(kind, o, n) \
	{ kind, { n, L }, JOIN, { o, S }, { 0, 0 }, { { n, D }, { o, D | L } }, 2, false }
#define UNRECORDED_DENY(kind, o, n) \
	{ kind, { n, Q }, ALONE, { 0, 0 }, { 0, 0 }, { { n, U }, { o, Q | A } }, 2, false }, \
	{ kind, { o, U }, JOIN, { n, Q }, { o, Q | A }, { { n, U } }, 1, false }
/* Limited in both, but not by the same limits. */
#define RATE(o, n) \
	{ PROVE_CHANGE_RATE, { n, T }, JOIN, { o, T }, { 0, 0 }, \
	  { { n, F | D }, { o, F | D } }, 2, true }

static const struct question effects[] = {
	EFFECT(PROVE_CHANGE_ALLOWED, 0, 1),
	EFFECT(PROVE_CHANGE_DENIED, 1, 0),
};

static const struct question others[] = {
	RECORDED(PROVE_CHANGE_RECORDED, 0, 1),
	UNRECORDED_DENY(PROVE_CHANGE_RECORDED, 1, 0),
	RECORDED(PROVE_CHANGE_UNRECORDED, 1, 0),
	UNRECORDED_DENY(PROVE_CHANGE_UNRECORDED, 0, 1),
	LIMIT(PROVE_CHANGE_LIMITED, 0, 1),
	LIMIT(PROVE_CHANGE_UNLIMITED, 1, 0),
	RATE(0, 1),
	RATE(1, 0),
};
/* clang-format on */

/* Everything about the operations of one partition. */
static void differ_on(struct differ *d, const struct question *question, size_t n)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		d->o = &d->w.op[op];
		if (!d->o->n)
			continue;
		diff_find_twins(d);
		for (size_t i = 0; i < n && !d->undecided; i++) {
			diff_ask(d, &question[i]);
			diff_keep(d);
		}
		arena_free(&d->arena);
	}
}

/* What is decided counts most: its questions come first. */
static void differ_as(struct differ *d, unsigned int ops, uint32_t self, int64_t now,
		      uint64_t *steps)
{
	if (!world_init(&d->w, d->image[0], d->image[1], ops, self, now, NULL, NULL, false))
		d->undecided = true;
	d->w.steps = *steps;
	d->pieces = (struct found_pieces){ .arena = &d->arena, .max = FOUND };
	differ_on(d, effects, sizeof(effects) / sizeof(effects[0]));
	differ_on(d, others, sizeof(others) / sizeof(others[0]));
	*steps = d->w.steps;
	buffer_free(&d->pieces.pieces);
	world_free(&d->w);
}

static enum prove_relation conclude(const struct differ *d)
{
	static const enum prove_relation relations[] = { PROVE_EQUAL, PROVE_WIDER, PROVE_NARROWER,
							 PROVE_INCOMPARABLE };

	return d->undecided ? PROVE_UNKNOWN : relations[d->wider];
}

enum prove_relation prove_diff(const struct policy_image *old, const struct policy_image *new,
			       const struct prove_options *options,
			       void (*found)(void *data, const struct prove_change *change),
			       void *data)
{
	uint64_t steps = options->budget ? options->budget : PROVE_DIFF_BUDGET;
	struct differ *d = calloc(1, sizeof(*d));
	struct arena arena = { .chunks = NULL };
	enum prove_relation relation;
	uint32_t n, *selves;

	if (!d)
		abort();
	d->image[0] = old;
	d->image[1] = new;
	selves = world_selves(&arena, old, new, options->self, &n);
	for (uint32_t i = 0; i < n && !d->undecided; i++)
		differ_as(d, i ? ATOMS_SELF_OPS : ATOMS_ALL_OPS, selves[i],
			  world_now(old, new, options), &steps);
	relation = conclude(d);
	diff_tell(d, found, data);
	arena_free(&arena);
	free(d);
	return relation;
}

const char *prove_change_text(enum prove_change_kind kind)
{
	static const char *const texts[] = {
		[PROVE_CHANGE_ALLOWED] = "is allowed now",
		[PROVE_CHANGE_DENIED] = "is denied now",
		[PROVE_CHANGE_RECORDED] = "is recorded now",
		[PROVE_CHANGE_UNRECORDED] = "is recorded no more",
		[PROVE_CHANGE_LIMITED] = "is limited now",
		[PROVE_CHANGE_UNLIMITED] = "is limited no more",
		[PROVE_CHANGE_RATE] = "is limited otherwise",
	};

	return texts[kind];
}
