// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The question of which proofs are made.  Owns the choice of entries that can matter: those of the
 * principals that are implied.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

/* ---- the question ------------------------------------------------------------------------------ */

void query_init(struct query *q, struct atoms_op *o,
		bool (*takes)(void *data, const struct atoms_entry *entry), void *data)
{
	*q = (struct query){ .o = o, .takes = takes, .data = data };
}

void query_deinit(struct query *q)
{
	buffer_free(&q->holders);
	buffer_free(&q->several);
}

static void make_index(struct atoms_op *o, struct atoms_holder *h)
{
	struct arena *arena = &o->world->arena;
	struct region_cover *cover;
	uint32_t n = 0;

	for (uint32_t i = h->first; i < h->first + h->n; i++)
		n += o->entry[i].n_boxes;
	cover = arena_alloc(arena, n * sizeof(*cover));
	n = 0;
	for (uint32_t i = h->first; i < h->first + h->n; i++)
		for (uint32_t j = 0; j < o->entry[i].n_boxes; j++)
			cover[n++] = (struct region_cover){ &o->entry[i].box[j], i, false };
	region_index_init(&h->index, arena, cover, n);
	h->indexed = true;
}

static void add_holder(struct query *q, struct atoms_holder *h)
{
	if (!h)
		return;
	if (!h->indexed)
		make_index(q->o, h);
	buffer_push(&q->holders, &h, sizeof(h));
}

static bool is_single(const struct world *w, uint32_t cube)
{
	const struct atoms_cube *c = world_cube(w, cube);

	return c->n + (c->uid != ATOMS_ANY_USER) <= 1;
}

static void add_single(struct query *q, uint32_t uid, const uint32_t *gid)
{
	add_holder(q, atoms_find_holder(q->o, world_cube_of(q->o->world, uid, gid, gid != NULL)));
}

/* Everyone, each of what the principal is by itself, and those of several things that it is. */
static void find_holders(struct query *q, uint32_t cube)
{
	const struct atoms_cube c = *world_cube(q->o->world, cube);

	q->holders.len = 0;
	q->cube = cube;
	q->ready = true;
	add_single(q, ATOMS_ANY_USER, NULL);
	if (c.uid != ATOMS_ANY_USER)
		add_single(q, c.uid, NULL);
	for (uint32_t i = 0; i < c.n; i++)
		add_single(q, ATOMS_ANY_USER, &c.gids[i]);
	if (is_single(q->o->world, cube))
		return;
	if (!q->has_several)
		for (uint32_t i = 0; i < q->o->n_holders; i++) {
			struct atoms_holder *h = &q->o->holder[i];

			if (!is_single(q->o->world, h->cube))
				buffer_push(&q->several, &h, sizeof(h));
		}
	q->has_several = true;
	for (size_t i = 0; i < BUFFER_N(&q->several, struct atoms_holder *); i++) {
		struct atoms_holder *h = *BUFFER_AT(&q->several, struct atoms_holder *, i);

		if (world_cube_implies(q->o->world, cube, h->cube))
			add_holder(q, h);
	}
}

/* Without a look into sets: equal ones are kept once. */
static bool is_plainly_within(const struct region_box *box, const struct region_box *cover)
{
	for (unsigned int d = 0; d < REGION_DIMS; d++)
		if (cover->dim[d] && cover->dim[d] != box->dim[d])
			return false;
	return true;
}

/* Adds what may touch the box, of one holder; or, if one alone covers it and that is `enough`, just that,
 * and says so. */
static bool gather_of(struct query *q, const struct atoms_holder *h, const struct region_box *box,
		      bool enough, struct buffer *covers)
{
	uint32_t first, end;
	uint64_t low;

	region_index_span(&h->index, box, &first, &end, &low);
	for (uint32_t i = first; i < end; i++) {
		struct region_cover *cover = h->index.slot[i].cover;
		bool all;

		if (h->index.slot[i].high < low ||
		    (q->takes && !q->takes(q->data, &q->o->entry[cover->tag])))
			continue;
		all = enough && is_plainly_within(box, cover->box);
		if (all)
			covers->len = 0;
		cover->used = false;
		buffer_push(covers, &cover, sizeof(cover));
		if (all)
			return true;
	}
	return false;
}

static void gather(struct query *q, const struct region_box *box, bool enough,
		   struct buffer *covers)
{
	for (size_t i = 0; i < BUFFER_N(&q->holders, struct atoms_holder *); i++)
		if (gather_of(q, *BUFFER_AT(&q->holders, struct atoms_holder *, i), box, enough,
			      covers))
			return;
}

enum region_answer query_left(struct query *q, uint32_t cube, const struct region_box *box,
			      bool (*visit)(void *data, const struct region_box *piece), void *data)
{
	struct arena_mark mark = arena_mark(q->o->space.arena);
	struct buffer covers = { 0 };
	struct region_cover **cover;
	enum region_answer answer;
	uint32_t n;

	if (!*q->o->space.steps)
		return REGION_UNDECIDED;
	--*q->o->space.steps;
	if (!q->ready || q->cube != cube)
		find_holders(q, cube);
	gather(q, box, true, &covers);
	cover = (void *)covers.data;
	n = (uint32_t)BUFFER_N(&covers, *cover);
	answer = region_uncovered(&q->o->space, box, cover, n, visit, data);
	for (uint32_t i = 0; q->used && i < n; i++)
		if (cover[i]->used)
			q->used(q->data, &q->o->entry[cover[i]->tag]);
	buffer_free(&covers);
	arena_release(q->o->space.arena, mark);
	return answer;
}

void query_each(struct query *q, uint32_t cube, const struct region_box *box,
		void (*each)(void *data, const struct region_box *both), void *data)
{
	struct arena_mark mark = arena_mark(q->o->space.arena);
	struct buffer covers = { 0 };
	struct region_box both;

	if (!q->ready || q->cube != cube)
		find_holders(q, cube);
	gather(q, box, false, &covers);
	for (size_t i = 0; i < BUFFER_N(&covers, struct region_cover *); i++)
		if (region_box_and(&q->o->space, box,
				   (*BUFFER_AT(&covers, struct region_cover *, i))->box, &both))
			each(data, &both);
	buffer_free(&covers);
	arena_release(q->o->space.arena, mark);
}

/* ---- what was found ---------------------------------------------------------------------------- */

#define MERGED 256 /* so many boxes of one principal are put together */
#define SAID 6

bool pieces_visit(void *data, const struct region_box *piece)
{
	struct found_pieces *p = data;
	struct found_piece found = { .cube = p->cube, .rule = p->rule };

	if (p->max && BUFFER_N(&p->pieces, found) >= p->max) {
		p->more = true;
		return true;
	}
	region_box_copy(p->arena, piece, &found.box);
	buffer_push(&p->pieces, &found, sizeof(found));
	return false;
}

static int by_cube(const void *a, const void *b)
{
	const struct found_piece *x = a, *y = b;

	if (x->cube != y->cube)
		return x->cube < y->cube ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* One that is joined with another is marked by an impossible principal. */
static bool join_with_later(struct found_pieces *p, const struct region_space *space,
			    struct found_piece *piece, size_t n)
{
	struct region_box both;

	for (size_t i = 1; i < n; i++) {
		if (piece[i].cube == ATOMS_NOBODY ||
		    !region_box_join(space, &piece[0].box, &piece[i].box, &both))
			continue;
		region_box_copy(p->arena, &both, &piece[i].box);
		if (piece[0].rule < piece[i].rule)
			piece[i].rule = piece[0].rule;
		piece[0].cube = ATOMS_NOBODY;
		return true;
	}
	return false;
}

static void merge_group(struct found_pieces *p, const struct region_space *space,
			struct found_piece *piece, size_t n)
{
	bool again = n > 1 && n <= MERGED;

	while (again) {
		again = false;
		for (size_t i = 0; i + 1 < n; i++)
			if (piece[i].cube != ATOMS_NOBODY)
				again |= join_with_later(p, space, &piece[i], n - i);
	}
}

void pieces_merge(struct found_pieces *p, const struct region_space *space)
{
	struct arena_mark mark = arena_mark(space->arena);
	struct found_piece *piece = (void *)p->pieces.data;
	size_t n = BUFFER_N(&p->pieces, *piece), kept = 0;

	if (n < 2)
		return;
	qsort(piece, n, sizeof(*piece), by_cube);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i; end < n && piece[end].cube == piece[i].cube;)
			end++;
		merge_group(p, space, &piece[i], end - i);
	}
	for (size_t i = 0; i < n; i++)
		if (piece[i].cube != ATOMS_NOBODY)
			piece[kept++] = piece[i];
	p->pieces.len = kept * sizeof(*piece);
	arena_release(space->arena, mark);
}

const char *pieces_words(struct found_pieces *p, const struct atoms_op *o, size_t first, size_t n)
{
	char room[4096];
	struct text t = TEXT_INIT(room);

	room[0] = '\0';
	for (size_t i = 0; i < n && i < SAID; i++) {
		text_puts(&t, i ? "; or " : "");
		atoms_words(&t, o, &BUFFER_AT(&p->pieces, struct found_piece, first + i)->box);
	}
	if (n > SAID)
		text_printf(&t, "; and %zu more regions", n - SAID);
	return arena_strndup(p->arena, room, strlen(room));
}
