/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_REGION_H
#define XM_POLICY_REGION_H

/*
 * The algebra of regions: a region is a union of boxes, a box is a set of values in each of a few
 * dimensions.  What the dimensions mean is the business of atoms.h; here they are sets of 64-bit
 * numbers (intervals and bit patterns) and, beside, the value "undetermined".  All answers are exact;
 * each costs steps, of which a space has only so many.
 *
 * Results live in the arena of the space, or are one of the arguments; nothing is ever changed.
 */

#include <stdbool.h>

#include "libxm/core/table.h"
#include "policy/arena.h"

/* ---- sets -------------------------------------------------------------------------------------- */

/* The numbers from low to high of which the bits `mask` are `is`; never empty. */
struct region_piece {
	uint64_t low;
	uint64_t high;
	uint64_t mask;
	uint64_t is;
};

/* Disjoint pieces.  Without masks they are ascending and none touches the next, so that equal sets are
 * equal pieces. */
struct region_set {
	uint32_t n;
	bool unknown; /* undetermined belongs to it */
	bool masked;  /* some piece has a mask */
	struct region_piece piece[];
};

/* The union of `n` pieces, which may be empty or overlap. */
const struct region_set *region_set_of(struct arena *arena, const struct region_piece *piece,
				       uint32_t n, bool unknown);
const struct region_set *region_set_range(struct arena *arena, uint64_t low, uint64_t high,
					  bool unknown);
const struct region_set *region_set_and(struct arena *arena, const struct region_set *a,
					const struct region_set *b);
const struct region_set *region_set_minus(struct arena *arena, const struct region_set *a,
					  const struct region_set *b);
const struct region_set *region_set_or(struct arena *arena, const struct region_set *a,
				       const struct region_set *b);
bool region_set_is_empty(const struct region_set *set);
bool region_set_touches(const struct region_set *a, const struct region_set *b);
/* Whether all of `a` is in `b`. */
bool region_set_within(struct arena *arena, const struct region_set *a, const struct region_set *b);
bool region_set_has(const struct region_set *set, uint64_t value);
/* The smallest number in it that is not below `from`; false if there is none. */
bool region_set_next(const struct region_set *set, uint64_t from, uint64_t *valuep);
/* How many numbers are in it, at most `max`. */
uint64_t region_set_count(const struct region_set *set, uint64_t max);

/* ---- boxes ------------------------------------------------------------------------------------- */

enum region_dim {
	/* Arguments stand at their positions; a buffer is 0 if its pointer is good, else undetermined. */
	REGION_PORT = XM_MAX_ARGS, /* 1: argument 1 is a port of the partition in argument 0 */
	REGION_PORT_2,             /* the same by the description of the second image */
	REGION_TIME, /* seconds since the epoch, biased; undetermined: no good clock */
	REGION_WEEK, /* minute of the week, UTC, from Monday 0:00 */
	REGION_DIMS
};

struct region_box {
	const struct region_set *dim[REGION_DIMS]; /* NULL: all values */
};

/* What boxes are in. */
struct region_space {
	struct arena *arena;
	const struct region_set *whole[REGION_DIMS];
	/* Dimensions may depend on each other: whether some point of the box (in which no dimension is
	 * empty) can exist.  NULL: always. */
	bool (*possible)(const struct region_space *space, const struct region_box *box);
	const void *data;
	uint64_t *steps; /* that are left */
};

bool region_box_touches(const struct region_space *space, const struct region_box *a,
			const struct region_box *b);
/* Whether all of `a` is in `b`. */
bool region_box_within(const struct region_space *space, const struct region_box *a,
		       const struct region_box *b);
/* False if it is empty. */
bool region_box_and(const struct region_space *space, const struct region_box *a,
		    const struct region_box *b, struct region_box *outp);
bool region_box_is_possible(const struct region_space *space, const struct region_box *box);
/* The box that is just `a` and `b`, which then differ in one dimension only; false if there is none. */
bool region_box_join(const struct region_space *space, const struct region_box *a,
		     const struct region_box *b, struct region_box *outp);
/* A copy in an arena that outlives the space's. */
void region_box_copy(struct arena *arena, const struct region_box *from, struct region_box *to);

/* A box that is taken away from others. */
struct region_cover {
	const struct region_box *box;
	uint32_t tag; /* the caller's */
	bool used;    /* it took something away */
};

enum region_answer { REGION_COVERED, REGION_LEFT, REGION_UNDECIDED };

/*
 * What of `box` is in none of the covers: `visit` is called with disjoint possible boxes, valid during
 * the call, and ends the search by returning true; NULL: the first is enough.
 */
enum region_answer region_uncovered(const struct region_space *space, const struct region_box *box,
				    struct region_cover *const *cover, uint32_t n,
				    bool (*visit)(void *data, const struct region_box *piece),
				    void *data);

/* ---- many boxes -------------------------------------------------------------------------------- */

struct region_index_slot {
	uint64_t low;
	uint64_t high;
	uint64_t highest; /* of this and all before it */
	struct region_cover *cover;
};

/* Covers by their extent in the dimension that tells most of them apart. */
struct region_index {
	unsigned int dim;
	uint32_t n;
	struct region_index_slot *slot;
};

void region_index_init(struct region_index *index, struct arena *arena, struct region_cover *cover,
		       uint32_t n);
/* The slots, from *firstp to before *endp, of which those may touch the box whose `high` is not below
 * *lowp. */
void region_index_span(const struct region_index *index, const struct region_box *box,
		       uint32_t *firstp, uint32_t *endp, uint64_t *lowp);
/* Those that may touch the box, as an array in the arena. */
struct region_cover **region_index_find(const struct region_index *index, struct arena *arena,
					const struct region_box *box, uint32_t *np);

#endif
