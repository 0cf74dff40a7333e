// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers to the questions of which a difference is made.  What both policies say in the same words is
 * dropped first.  Owns the choice of what is looked at: of whatever differs for somebody, it must find it
 * for some principal that he is.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_diff.h"

#define PIECES 65536u /* of one box; more are undecided */
#define JOINED 16     /* principals that are found for one piece of a seed */

static bool is_of(const struct atoms_entry *entry, const struct pick *pick)
{
	return entry->image == pick->image && (entry->classes & pick->classes);
}

uint64_t diff_rate(const struct policy_image *image, uint32_t limit)
{
	const struct image_limit *l = image_table(image, IMAGE_LIMITS);

	if (limit == IMAGE_NONE)
		return 0;
	l += limit;
	return ((uint64_t)l->count << 44) | ((uint64_t)l->period << 24) | l->burst;
}

static uint64_t rate_of(const struct differ *d, const struct atoms_entry *entry)
{
	return diff_rate(d->image[entry->image], entry->limit);
}

/* ---- the same words ---------------------------------------------------------------------------- */

static int compare_boxes(const struct atoms_entry *x, const struct atoms_entry *y)
{
	if (x->n_boxes != y->n_boxes)
		return x->n_boxes < y->n_boxes ? -1 : 1;
	return x->n_boxes ? memcmp(x->box, y->box, x->n_boxes * sizeof(*x->box)) : 0;
}

static int by_meaning(const void *a, const void *b)
{
	const struct atoms_entry *x = *(const struct atoms_entry *const *)a;
	const struct atoms_entry *y = *(const struct atoms_entry *const *)b;

	if (x->cube != y->cube)
		return x->cube < y->cube ? -1 : 1;
	if ((x->classes ^ y->classes) & ATOMS_DENY)
		return x->classes & ATOMS_DENY ? -1 : 1;
	return compare_boxes(x, y);
}

static void note_twins(struct differ *d, const struct atoms_entry **entry, uint32_t n)
{
	uint8_t classes[2] = { 0, 0 };
	uint64_t limit[2] = { 0, 0 };

	for (uint32_t i = 0; i < n; i++) {
		classes[entry[i]->image] |= entry[i]->classes;
		if (entry[i]->limit != IMAGE_NONE)
			limit[entry[i]->image] = rate_of(d, entry[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		d->twin[entry[i] - d->o->entry] = classes[!entry[i]->image];
		d->twin_limit[entry[i] - d->o->entry] = limit[!entry[i]->image];
	}
}

/* Sets are kept once, so equal boxes are the same bytes. */
void diff_find_twins(struct differ *d)
{
	uint32_t n = d->o->n;
	const struct atoms_entry **entry = arena_alloc(&d->arena, n * sizeof(const void *));

	d->twin = arena_alloc(&d->arena, n);
	d->twin_limit = arena_alloc(&d->arena, n * sizeof(*d->twin_limit));
	for (uint32_t i = 0; i < n; i++)
		entry[i] = &d->o->entry[i];
	if (n)
		qsort(entry, n, sizeof(*entry), by_meaning);
	for (uint32_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && !by_meaning(&entry[i], &entry[end]);)
			end++;
		note_twins(d, &entry[i], end - i);
	}
}

/* ---- what is taken away ------------------------------------------------------------------------ */

static bool is_minus(const struct differ *d, const struct atoms_entry *entry)
{
	const struct question *q = d->question;

	for (unsigned int i = 0; i < q->n_minus; i++)
		if (is_of(entry, &q->minus[i]))
			return true;
	/* Of what is joined nothing is known yet of the seed, or its limit. */
	return q->rate && d->part != DIFF_JOIN && entry->image != q->seed.image &&
	       (entry->classes & ATOMS_LIMITED) && rate_of(d, entry) == d->rate;
}

static bool is_like_seed(const struct differ *d, const struct atoms_entry *entry)
{
	return is_of(entry, &d->question->seed) &&
	       (!d->question->rate || rate_of(d, entry) == d->rate);
}

/*
 * Whatever differs for who is less is told of him, and not again of who is more: so of a seed, or what
 * is joined, what is that of a weaker principal too is taken away; and of both, where who has what is
 * joined has a seed as well.
 */
static bool takes(void *data, const struct atoms_entry *entry)
{
	const struct differ *d = data;
	bool is_own = entry->cube == d->cube;

	switch (d->part) {
	case DIFF_SEED:
		return is_minus(d, entry) || (!is_own && is_like_seed(d, entry));
	case DIFF_JOIN:
		return is_minus(d, entry) || (!is_own && is_of(entry, &d->question->join));
	case DIFF_PAIR:
		return is_minus(d, entry) || (d->joined != ATOMS_NOBODY && is_like_seed(d, entry) &&
					      world_cube_implies(&d->w, d->joined, entry->cube));
	case DIFF_PICK:
		break;
	}
	return is_of(entry, &d->pick);
}

static void left(struct differ *d, enum diff_part part, uint32_t cube, const struct region_box *box,
		 struct found_pieces *out)
{
	d->part = part;
	d->cube = out->cube = cube;
	if (query_left(&d->query, cube, box, pieces_visit, out) == REGION_UNDECIDED)
		d->undecided = true;
}

static struct found_pieces some_pieces(struct differ *d)
{
	return (struct found_pieces){ .arena = &d->arena, .max = PIECES };
}

/* What a helper collected must be complete. */
static size_t complete(struct differ *d, const struct found_pieces *p)
{
	if (p->more)
		d->undecided = true;
	return d->undecided ? 0 : BUFFER_N(&p->pieces, struct found_piece);
}

static const struct region_box *box_of(const struct found_pieces *p, size_t i)
{
	return &BUFFER_AT(&p->pieces, struct found_piece, i)->box;
}

/* Of a box: what entries of `pick` match (into `in`) and what not (into `rest`), for who is `cube`. */
static void part_by(struct differ *d, struct pick pick, uint32_t cube, const struct region_box *box,
		    struct found_pieces *in, struct found_pieces *rest)
{
	size_t before = BUFFER_N(&rest->pieces, struct found_piece), n;
	struct region_cover *cover, **covers;

	d->pick = pick;
	left(d, DIFF_PICK, cube, box, rest);
	n = complete(d, rest);
	if (d->undecided)
		return;
	n -= before;
	cover = arena_alloc(&d->arena, n * sizeof(*cover));
	covers = arena_alloc(&d->arena, n * sizeof(struct region_cover *));
	for (size_t i = 0; i < n; i++) {
		cover[i].box = box_of(rest, before + i);
		covers[i] = &cover[i];
	}
	in->cube = cube;
	if (region_uncovered(&d->o->space, box, covers, (uint32_t)n, pieces_visit, in) ==
	    REGION_UNDECIDED)
		d->undecided = true;
}

/* ---- what is joined ---------------------------------------------------------------------------- */

struct joins {
	struct found_pieces boxes;
	struct buffer tags; /* uint32_t: entries */
};

static void add_join(struct differ *d, struct joins *j, uint32_t entry,
		     const struct region_box *box)
{
	left(d, DIFF_JOIN, d->o->entry[entry].cube, box, &j->boxes);
	while (BUFFER_N(&j->tags, entry) < BUFFER_N(&j->boxes.pieces, struct found_piece))
		buffer_push(&j->tags, &entry, sizeof(entry));
}

static void add_entry(struct differ *d, struct joins *j, uint32_t entry)
{
	const struct atoms_entry *e = &d->o->entry[entry];
	struct found_pieces in = some_pieces(d), rest = some_pieces(d);

	for (unsigned int i = 0; i < e->n_boxes && !d->undecided; i++) {
		if (!d->question->also.classes) {
			add_join(d, j, entry, &e->box[i]);
			continue;
		}
		in.pieces.len = rest.pieces.len = 0;
		part_by(d, d->question->also, e->cube, &e->box[i], &in, &rest);
		for (size_t k = 0, n = complete(d, &in); k < n; k++)
			add_join(d, j, entry, box_of(&in, k));
	}
	buffer_free(&in.pieces);
	buffer_free(&rest.pieces);
}

static void make_join_index(struct differ *d)
{
	struct joins j = { .boxes = { .arena = &d->arena } };
	struct region_cover *cover;
	struct region_box *box;
	uint32_t n;

	for (uint32_t i = 0; i < d->o->n && !d->undecided; i++)
		if (is_of(&d->o->entry[i], &d->question->join))
			add_entry(d, &j, i);
	n = (uint32_t)BUFFER_N(&j.tags, uint32_t);
	box = arena_alloc(&d->arena, n * sizeof(*box));
	cover = arena_alloc(&d->arena, n * sizeof(*cover));
	for (uint32_t i = 0; i < n; i++) {
		box[i] = *box_of(&j.boxes, i);
		cover[i] =
			(struct region_cover){ &box[i], *BUFFER_AT(&j.tags, uint32_t, i), false };
	}
	region_index_init(&d->joins, &d->arena, cover, n);
	d->has_joins = true;
	buffer_free(&j.boxes.pieces);
	buffer_free(&j.tags);
}

/* For who is both. */
static void join_one(struct differ *d, uint32_t cube, const struct region_box *box,
		     const struct region_cover *cover)
{
	uint32_t joined = d->o->entry[cover->tag].cube, together;
	struct region_box both;

	if (!d->w.steps) {
		d->undecided = true;
		return;
	}
	d->w.steps--;
	if (!region_box_and(&d->o->space, box, cover->box, &both) ||
	    !world_cube_and(&d->w, cube, joined, &together))
		return;
	d->joined = together == joined ? ATOMS_NOBODY : joined;
	left(d, DIFF_PAIR, together, &both, &d->pieces);
}

/* Whoever is this and anything else for whom it was the only obstacle: enough of them are told. */
static void join_others(struct differ *d, uint32_t cube, const struct region_box *box)
{
	struct arena_mark mark = arena_mark(&d->w.scratch);
	struct region_cover **cover;
	uint32_t n, found = 0;

	if (!d->has_joins)
		make_join_index(d);
	cover = region_index_find(&d->joins, &d->w.scratch, box, &n);
	for (uint32_t i = 0; i < n && !d->undecided && !d->pieces.more; i++) {
		size_t before = d->pieces.pieces.len;

		if (found == JOINED) {
			d->more[d->o->op][d->question->kind] = true;
			break;
		}
		join_one(d, cube, box, cover[i]);
		found += d->pieces.pieces.len > before;
	}
	arena_release(&d->w.scratch, mark);
}

/* What who is just the seed's principal has of what is joined, as one; the rest with what others have. */
static void join(struct differ *d, uint32_t cube, const struct region_box *box)
{
	struct found_pieces in = some_pieces(d), rest = some_pieces(d), unused = some_pieces(d);
	size_t n;

	part_by(d, d->question->join, cube, box, &in, &rest);
	n = complete(d, &in);
	for (size_t i = 0; i < n && !d->undecided; i++) {
		if (d->question->also.classes)
			part_by(d, d->question->also, cube, box_of(&in, i), &d->pieces, &unused);
		else
			d->pieces.cube = cube, pieces_visit(&d->pieces, box_of(&in, i));
	}
	n = complete(d, &rest);
	for (size_t i = 0; i < n && !d->undecided && !d->pieces.more; i++)
		join_others(d, cube, box_of(&rest, i));
	buffer_free(&in.pieces);
	buffer_free(&rest.pieces);
	buffer_free(&unused.pieces);
}

/* ---- seeds ------------------------------------------------------------------------------------- */

/* Of the seed, first what remains for who is just it: most often nothing. */
static void ask_box(struct differ *d, uint32_t cube, const struct region_box *box)
{
	struct found_pieces own = some_pieces(d);
	size_t n;

	if (d->question->joins == ALONE) {
		left(d, DIFF_SEED, cube, box, &d->pieces);
		return;
	}
	left(d, DIFF_SEED, cube, box, &own);
	n = complete(d, &own);
	for (size_t i = 0; i < n && !d->undecided && !d->pieces.more; i++)
		join(d, cube, box_of(&own, i));
	buffer_free(&own.pieces);
}

static bool is_seed(const struct differ *d, uint32_t i)
{
	const struct atoms_entry *e = &d->o->entry[i];
	const struct question *q = d->question;

	if (!is_of(e, &q->seed))
		return false;
	return q->rate ? d->twin_limit[i] != rate_of(d, e) : !(d->twin[i] & q->seed.classes);
}

/* Whether there are two limits that differ. */
static bool has_rates(const struct differ *d)
{
	uint64_t first = 0;

	for (uint32_t i = 0; i < d->o->n; i++) {
		uint64_t rate = rate_of(d, &d->o->entry[i]);

		if (rate && first && rate != first)
			return true;
		first = rate ? rate : first;
	}
	return false;
}

void diff_ask(struct differ *d, const struct question *question)
{
	if (question->rate && !has_rates(d))
		return;
	d->question = question;
	d->has_joins = false;
	query_init(&d->query, d->o, takes, d);
	for (uint32_t i = 0; i < d->o->n && !d->undecided && !d->pieces.more; i++) {
		const struct atoms_entry *e = &d->o->entry[i];

		if (!is_seed(d, i))
			continue;
		d->rate = rate_of(d, e);
		for (unsigned int j = 0; j < e->n_boxes && !d->undecided; j++)
			ask_box(d, e->cube, &e->box[j]);
	}
	query_deinit(&d->query);
}
