// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invariants: that nobody but the exceptions is ever allowed certain requests.  Must look at every
 * entry that allows; of what it allows, all that no deny takes away from who is just its principal.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

struct prover {
	struct world *w;
	uint32_t never;
	uint32_t *except; /* cubes */
	uint32_t n_excepts;
	void (*found)(void *data, const struct prove_counterexample *example);
	void *data;
	bool broken;
	bool undecided;
};

static bool denies(void *data, const struct atoms_entry *entry)
{
	(void)data;
	return entry->classes & ATOMS_DENY;
}

static bool is_excepted(const struct prover *p, uint32_t cube)
{
	for (uint32_t i = 0; i < p->n_excepts; i++)
		if (world_cube_implies(p->w, cube, p->except[i]))
			return true;
	return false;
}

static void report(struct prover *p, struct query *q, const struct atoms_entry *entry,
		   struct found_pieces *pieces)
{
	struct prove_witness *witness = calloc(1, sizeof(*witness));
	struct prove_counterexample example = {
		.never = p->never, .rule = entry->rule, .grant = entry->grant, .witness = witness
	};

	if (!witness)
		abort();
	pieces_merge(pieces, &q->o->space);
	example.words =
		pieces_words(pieces, q->o, 0, BUFFER_N(&pieces->pieces, struct found_piece));
	/* Without a witness (of more groups than one has room for) it is not shown, and not proved. */
	if (!atoms_witness(q->o, entry->cube,
			   &BUFFER_AT(&pieces->pieces, struct found_piece, 0)->box, witness)) {
		p->undecided = true;
	} else {
		p->broken = true;
		if (p->found)
			p->found(p->data, &example);
	}
	free(witness);
}

/* What one entry allows of one box of the invariant. */
static void try_entry(struct prover *p, struct query *q, const struct atoms_entry *entry,
		      const struct region_box *never, uint32_t n)
{
	struct found_pieces pieces = { .arena = &p->w->arena, .cube = entry->cube, .max = 64 };
	struct region_box both;

	for (uint32_t i = 0; i < entry->n_boxes; i++)
		for (uint32_t j = 0; j < n; j++)
			if (region_box_and(&q->o->space, &entry->box[i], &never[j], &both) &&
			    query_left(q, entry->cube, &both, pieces_visit, &pieces) ==
				    REGION_UNDECIDED)
				p->undecided = true;
	if (pieces.pieces.len)
		report(p, q, entry, &pieces);
	buffer_free(&pieces.pieces);
}

static void try_clause(struct prover *p, const struct image_clause *clause)
{
	struct atoms_op *o = &p->w->op[clause->op];
	const struct region_box *box;
	struct query q;
	uint32_t n;

	if (!o->n) /* nothing is said, or nothing that was not proved on another partition */
		return;
	box = atoms_boxes(o, 0, clause->covers, clause->first_constraint, clause->n_constraints,
			  true, &n);
	query_init(&q, o, denies, NULL);
	for (uint32_t i = 0; i < o->n && !p->broken; i++)
		if ((o->entry[i].classes & ATOMS_ALLOW) && !is_excepted(p, o->entry[i].cube))
			try_entry(p, &q, &o->entry[i], box, n);
	query_deinit(&q);
}

static enum prove_result try_never(struct prover *p, const struct policy_image *image)
{
	const struct image_never *never = image_table(image, IMAGE_NEVERS);
	const struct image_clause *clause = image_table(image, IMAGE_NEVER_CLAUSES);
	const struct image_grant *except = image_table(image, IMAGE_EXCEPTS);

	never += p->never;
	p->broken = p->undecided = false;
	p->except = arena_alloc(&p->w->arena, never->n_excepts * sizeof(*p->except));
	p->n_excepts = 0;
	for (uint32_t i = 0; i < never->n_excepts; i++) {
		uint32_t cube = world_cube_of_grant(p->w, image, &except[never->first_except + i]);

		if (cube != ATOMS_NOBODY)
			p->except[p->n_excepts++] = cube;
	}
	for (uint32_t i = 0; i < never->n_clauses && !p->broken; i++)
		try_clause(p, &clause[never->first_clause + i]);
	return p->broken ? PROVE_BROKEN : p->undecided ? PROVE_UNDECIDED : PROVE_HOLDS;
}

enum prove_result prove_never(const struct policy_image *image, const struct prove_options *options,
			      void (*found)(void *data, const struct prove_counterexample *example),
			      void *data, uint32_t *neverp)
{
	uint32_t n = image->table[IMAGE_NEVERS].count, n_selves, *selves;
	struct prover p = { .found = found, .data = data };
	enum prove_result *result, all = PROVE_HOLDS;
	struct arena arena = { .chunks = NULL };
	struct world w;
	bool *alike;

	if (!n)
		return PROVE_HOLDS;
	alike = world_alike(image);
	result = arena_alloc(&arena, n * sizeof(*result));
	selves = world_selves(&arena, image, NULL, options->self, &n_selves);
	for (uint32_t i = 0; i < n_selves; i++) {
		bool fits =
			world_init(&w, image, NULL, i ? ATOMS_SELF_OPS : ATOMS_ALL_OPS, selves[i],
				   world_now(image, NULL, options), NULL, alike, false);

		w.steps = options->budget ? options->budget : PROVE_BUDGET;
		p.w = &w;
		for (p.never = 0; p.never < n; p.never++)
			if (result[p.never] != PROVE_BROKEN) {
				enum prove_result now =
					fits ? try_never(&p, image) : PROVE_UNDECIDED;

				if (now != PROVE_HOLDS)
					result[p.never] = now;
			}
		world_free(&w);
	}
	for (uint32_t i = n; i--;) {
		if (result[i] == PROVE_UNDECIDED && neverp)
			*neverp = i;
		if (result[i] == PROVE_BROKEN ||
		    (result[i] == PROVE_UNDECIDED && all == PROVE_HOLDS))
			all = result[i];
	}
	arena_free(&arena);
	free(alike);
	return all;
}
