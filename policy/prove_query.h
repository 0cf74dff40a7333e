/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_PROVE_QUERY_H
#define XM_POLICY_PROVE_QUERY_H

/*
 * The one question of which all proofs are made: what of a box, for the smallest member of a principal,
 * do certain entries not match?  And what was left, collected and put together again for people.
 */

#include "policy/atoms.h"

struct query {
	struct atoms_op *o;
	/* Whether an entry is taken away; NULL: every one. */
	bool (*takes)(void *data, const struct atoms_entry *entry);
	/* Called for each entry that took something away, after the answer; may be NULL. */
	void (*used)(void *data, const struct atoms_entry *entry);
	void *data;
	/* The holders that `cube` implies. */
	uint32_t cube;
	bool ready;
	struct buffer holders; /* struct atoms_holder * */
	struct buffer several; /* the same: all that are of several things */
	bool has_several;
};

void query_init(struct query *q, struct atoms_op *o,
		bool (*takes)(void *data, const struct atoms_entry *entry), void *data);
void query_deinit(struct query *q);
enum region_answer query_left(struct query *q, uint32_t cube, const struct region_box *box,
			      bool (*visit)(void *data, const struct region_box *piece),
			      void *data);

/* Calls `each` for the boxes, of entries that are taken and that `cube` implies, that touch this one: what
 * both are, in the arena of the space. */
void query_each(struct query *q, uint32_t cube, const struct region_box *box,
		void (*each)(void *data, const struct region_box *both), void *data);

/* Boxes that were found, each of one principal. */
struct found_piece {
	uint32_t cube;
	uint32_t rule;
	struct region_box box;
};

struct found_pieces {
	struct arena *arena;
	struct buffer pieces; /* struct found_piece */
	uint32_t cube;        /* of those that pieces_visit() adds, with the rule */
	uint32_t rule;
	uint32_t max;
	bool more; /* there were more than max */
};

/* A visit for query_left(): collects all. */
bool pieces_visit(void *data, const struct region_box *piece);
/* Puts boxes of the same principal together where they are one box, and sorts by principal. */
void pieces_merge(struct found_pieces *p, const struct region_space *space);
/* The words of `n` boxes, in the arena. */
const char *pieces_words(struct found_pieces *p, const struct atoms_op *o, size_t first, size_t n);

#endif
