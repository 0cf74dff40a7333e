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

static void gather(struct query *q, const struct region_box *box, struct buffer *covers)
{
	struct arena *arena = q->o->space.arena;

	for (size_t i = 0; i < BUFFER_N(&q->holders, struct atoms_holder *); i++) {
		struct atoms_holder *h = *BUFFER_AT(&q->holders, struct atoms_holder *, i);
		struct region_cover **cover;
		uint32_t n;

		cover = region_index_find(&h->index, arena, box, &n);
		for (uint32_t j = 0; j < n; j++) {
			if (q->takes && !q->takes(q->data, &q->o->entry[cover[j]->tag]))
				continue;
			cover[j]->used = false;
			buffer_push(covers, &cover[j], sizeof(cover[j]));
		}
	}
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
	gather(q, box, &covers);
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
	gather(q, box, &covers);
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

/* ---- partitions -------------------------------------------------------------------------------- */

static bool names_self(const struct policy_image *image, const struct image_clause *clause)
{
	const struct image_constraint *c = image_table(image, IMAGE_CONSTRAINTS);
	const struct image_term *term = image_table(image, IMAGE_TERMS);

	c += clause->first_constraint;
	for (uint32_t i = 0; i < clause->n_constraints; i++, c++)
		for (uint32_t j = 0; j < c->n_terms; j++)
			if (term[c->first_term + j].self)
				return true;
	return clause->covers != IMAGE_COVERS_ALL && (xm_ops[clause->op].flags & XM_OPF_STOPS_SELF);
}

static bool any_names_self(const struct policy_image *image, enum image_table clauses,
			   unsigned int op)
{
	const struct image_clause *clause = image_table(image, clauses);

	for (uint32_t i = 0; i < image->table[clauses].count; i++)
		if (clause[i].op == op && names_self(image, &clause[i]))
			return true;
	return false;
}

bool world_depends(const struct policy_image *image, unsigned int op)
{
	return any_names_self(image, IMAGE_CLAUSES, op) ||
	       any_names_self(image, IMAGE_NEVER_CLAUSES, op);
}

static bool depends_on_self(const struct policy_image *image)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (world_depends(image, op))
			return true;
	return false;
}

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Without a description: one partition of each kind that some interval tells from the others. */
static void add_ends(struct buffer *selves, const struct policy_image *image)
{
	const struct image_interval *interval = image_table(image, IMAGE_INTERVALS);

	for (uint32_t i = 0; i < image->table[IMAGE_INTERVALS].count; i++) {
		uint32_t low = (uint32_t)interval[i].low, after = (uint32_t)interval[i].high + 1;

		if (interval[i].low < SYSTEM_MAX_PARTITIONS)
			buffer_push(selves, &low, sizeof(low));
		if (interval[i].high < SYSTEM_MAX_PARTITIONS)
			buffer_push(selves, &after, sizeof(after));
	}
}

uint32_t *world_selves(struct arena *arena, const struct policy_image *first,
		       const struct policy_image *second, uint32_t self, uint32_t *np)
{
	bool depends = depends_on_self(first) || (second && depends_on_self(second));
	uint32_t *out, n = 0, one = self == PROVE_ANY_PARTITION ? 0 : self;
	const struct system *sys = policy_image_system(second ? second : first);
	struct buffer selves = { 0 };

	if (self == PROVE_ANY_PARTITION && depends && sys)
		system_partitions(sys, &n);
	for (uint32_t i = 0; i < n; i++)
		buffer_push(&selves, &i, sizeof(i));
	if (!n)
		buffer_push(&selves, &one, sizeof(one));
	if (self == PROVE_ANY_PARTITION && depends && !sys) {
		add_ends(&selves, first);
		if (second)
			add_ends(&selves, second);
	}
	qsort(selves.data, BUFFER_N(&selves, one), sizeof(one), compare_ids);
	out = arena_alloc(arena, selves.len);
	n = 0;
	for (size_t i = 0; i < BUFFER_N(&selves, one); i++)
		if (!n || *BUFFER_AT(&selves, uint32_t, i) != out[n - 1])
			out[n++] = *BUFFER_AT(&selves, uint32_t, i);
	buffer_free(&selves);
	*np = n;
	return out;
}
