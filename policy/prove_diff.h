/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_PROVE_DIFF_H
#define XM_POLICY_PROVE_DIFF_H

/*
 * Between the files of prove_diff: what is asked about an operation (prove_diff.c), how it is answered
 * (prove_diff_ask.c), and what is told of it (prove_diff_tell.c).
 */

#include "policy/prove_query.h"

#define DIFF_KINDS (PROVE_CHANGE_RATE + 1)

/* Entries of one image that have one of the classes. */
struct pick {
	uint8_t image;
	uint8_t classes;
};

/*
 * The requests that a seed matches, and then, where there is such a step, an entry of `join`, and that
 * none of `minus` matches.  With `also`: only what the image before matched too for who is just the
 * principal of the one that is joined; else that alone is a change, which another question finds.
 */
struct question {
	enum prove_change_kind kind;
	struct pick seed;
	enum { ALONE, JOIN } joins;
	struct pick join;
	struct pick also;
	struct pick minus[4];
	unsigned int n_minus;
	bool rate; /* entries of `seed` and of the other image are told apart by their limits too */
};

/* What is taken away, beside what the question says. */
enum diff_part {
	DIFF_SEED, /* of a seed: seeds of those of whom it says less */
	DIFF_JOIN, /* of what is joined: the same */
	DIFF_PAIR, /* of both: seeds of those that `joined` is */
	DIFF_PICK, /* only what `pick` says */
};

struct differ {
	struct world w;
	struct arena arena;                  /* of one operation */
	struct arena lasting;                /* of what is told */
	const struct policy_image *image[2]; /* 0: old, 1: new */
	const struct question *question;
	struct atoms_op *o;
	struct query query;
	uint8_t *twin; /* of each entry: classes that the other image's have, of the same words */
	uint64_t *twin_limit; /* a limit of one of these, as diff_rate() */
	enum diff_part part;
	struct pick pick;
	uint32_t cube;   /* whose the box at hand is */
	uint32_t joined; /* the second of two, or ATOMS_NOBODY: it is the first one, too */
	uint64_t rate;
	struct region_index
		joins; /* of question->join, what is left of each, tagged with the entry */
	bool has_joins;
	struct found_pieces pieces;      /* that were found, of one question */
	struct buffer told;              /* struct told */
	bool more[XM_N_OPS][DIFF_KINDS]; /* than are told */
	unsigned int n_told[XM_N_OPS][DIFF_KINDS];
	unsigned int wider; /* bits: 1 more is allowed, 2 less */
	bool undecided;
};

/* What a limit is, as one number; 0: none. */
uint64_t diff_rate(const struct policy_image *image, uint32_t limit);

/* prove_diff_ask.c: to be called for each operation, before it is asked about. */
void diff_find_twins(struct differ *d);
/* Leaves in d->pieces what differs in this way. */
void diff_ask(struct differ *d, const struct question *question);

/* prove_diff_tell.c: takes d->pieces, and keeps it as changes. */
void diff_keep(struct differ *d);
/* Calls `found` for all that was kept, and forgets it. */
void diff_tell(struct differ *d, void (*found)(void *data, const struct prove_change *change),
	       void *data);

#endif
