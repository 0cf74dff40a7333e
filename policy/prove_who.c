// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Who can: of each principal that something allows, what it can do, and who beside it is denied that.
 * Must name every principal by which somebody can.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

#define UNLESS 8

struct asker {
	struct world w;
	struct atoms_op *o;
	const struct prove_pattern *pattern;
	struct region_box asked;
	uint32_t cube;
	bool weaker; /* what weaker principals can is not said again */
	struct found_pieces pieces;
	const struct atoms_entry *first;
	bool limited; /* an entry with a limit allows what none without one does */
	bool unlimited;
	void (*found)(void *data, const struct prove_holder *holder);
	void *data;
	struct buffer seen; /* uint64_t: principals, of other partitions */
	bool several;       /* there are partitions that may differ */
	bool one_of_several;
	bool broken;
	bool undecided;
};

static bool takes(void *data, const struct atoms_entry *entry)
{
	const struct asker *a = data;

	return (entry->classes & ATOMS_DENY) ||
	       (a->weaker && (entry->classes & ATOMS_ALLOW) && entry->cube != a->cube);
}

static bool takes_unlimited(void *data, const struct atoms_entry *entry)
{
	(void)data;
	return entry->classes & (ATOMS_DENY | ATOMS_FREE);
}

/* Whether something of the box is not allowed without a limit, too. */
static void note_limited(struct asker *a, const struct region_box *box)
{
	enum region_answer answer;
	struct query q;

	query_init(&q, a->o, takes_unlimited, NULL);
	answer = query_left(&q, a->cube, box, NULL, NULL);
	a->undecided |= answer == REGION_UNDECIDED;
	a->limited |= answer == REGION_LEFT;
	query_deinit(&q);
}

static void ask(struct asker *a, struct query *q, const struct atoms_entry *entry)
{
	size_t before = a->pieces.pieces.len;
	struct region_box both;

	for (unsigned int i = 0; i < entry->n_boxes; i++) {
		if (!region_box_and(&a->o->space, &entry->box[i], &a->asked, &both))
			continue;
		if (query_left(q, entry->cube, &both, pieces_visit, &a->pieces) == REGION_UNDECIDED)
			a->undecided = true;
		if (!(entry->classes & ATOMS_FREE))
			note_limited(a, &both);
	}
	a->unlimited |= a->pieces.pieces.len > before && (entry->classes & ATOMS_FREE);
	if (a->pieces.pieces.len > before && (!a->first || entry->rule < a->first->rule))
		a->first = entry;
}

/* ---- who is denied ------------------------------------------------------------------------------ */

struct whole {
	const struct asker *asker;
	const struct region_box *box;
	bool is;
};

static bool is_whole(void *data, const struct region_box *piece)
{
	struct whole *w = data;

	w->is = region_box_within(&w->asker->o->space, w->box, piece);
	return true;
}

/* Whether who is `also` too can still do all (2), some (1) or nothing (0) of it. */
static unsigned int remains(struct asker *a, struct query *q, uint32_t also)
{
	bool all = true, any = false;

	a->weaker = false;
	for (size_t i = 0; i < BUFFER_N(&a->pieces.pieces, struct found_piece); i++) {
		const struct found_piece *p = BUFFER_AT(&a->pieces.pieces, struct found_piece, i);
		struct whole whole = { a, &p->box, false };
		enum region_answer answer = query_left(q, also, &p->box, is_whole, &whole);

		a->undecided |= answer == REGION_UNDECIDED;
		any |= answer == REGION_LEFT;
		all &= whole.is;
	}
	return all ? 2 : any;
}

static void add_unless(struct asker *a, struct text *t, uint32_t cube, unsigned int rest,
		       unsigned int *np)
{
	if (++*np > UNLESS)
		return;
	text_puts(t, *np > 1 ? ", " : "");
	atoms_cube_words(t, &a->w, cube);
	if (rest)
		text_puts(t, " (then less)");
}

static bool denies(const struct atoms_op *o, const struct atoms_holder *h)
{
	for (uint32_t i = h->first; i < h->first + h->n; i++)
		if (o->entry[i].classes & ATOMS_DENY)
			return true;
	return false;
}

static const char *unless(struct asker *a, struct query *q)
{
	char room[1024];
	struct text t = TEXT_INIT(room);
	unsigned int n = 0;
	uint32_t also;

	room[0] = '\0';
	for (uint32_t i = 0; i < a->o->n_holders && n <= UNLESS; i++) {
		const struct atoms_holder *h = &a->o->holder[i];
		unsigned int rest;

		if (!denies(a->o, h) || world_cube_implies(&a->w, a->cube, h->cube) ||
		    !world_cube_and(&a->w, a->cube, h->cube, &also))
			continue;
		rest = remains(a, q, also);
		if (rest < 2)
			add_unless(a, &t, h->cube, rest, &n);
	}
	if (n > UNLESS)
		text_puts(&t, " and more");
	return arena_strndup(&a->w.arena, room, strlen(room));
}

/* ---- one principal ------------------------------------------------------------------------------ */

static bool is_all(const struct asker *a)
{
	for (size_t i = 0; i < BUFFER_N(&a->pieces.pieces, struct found_piece); i++)
		if (region_box_within(&a->o->space, &a->asked,
				      &BUFFER_AT(&a->pieces.pieces, struct found_piece, i)->box))
			return true;
	return false;
}

/* What was asked for need not be said. */
static const char *words(struct asker *a)
{
	size_t n = BUFFER_N(&a->pieces.pieces, struct found_piece);

	for (size_t i = 0; i < n; i++) {
		struct region_box *box = &BUFFER_AT(&a->pieces.pieces, struct found_piece, i)->box;

		for (unsigned int d = 0; d < REGION_DIMS; d++)
			if (a->asked.dim[d] && box->dim[d] &&
			    region_set_within(a->o->space.arena, a->asked.dim[d], box->dim[d]))
				box->dim[d] = NULL;
	}
	return pieces_words(&a->pieces, a->o, 0, n);
}

static bool is_new(struct asker *a, const char *principal)
{
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, principal, strlen(principal));

	for (size_t i = 0; i < BUFFER_N(&a->seen, hash); i++)
		if (*BUFFER_AT(&a->seen, uint64_t, i) == hash)
			return false;
	buffer_push(&a->seen, &hash, sizeof(hash));
	return true;
}

/* What lies within another piece need not be said. */
static void drop_within(struct asker *a)
{
	struct found_piece *p = BUFFER_AT(&a->pieces.pieces, struct found_piece, 0);
	size_t n = BUFFER_N(&a->pieces.pieces, struct found_piece), kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool within = false;

		for (size_t j = 0; j < n && !within; j++)
			within = (j < kept || j > i) &&
				 region_box_within(&a->o->space, &p[i].box, &p[j].box);
		if (!within)
			p[kept++] = p[i];
	}
	a->pieces.pieces.len = kept * sizeof(*p);
}

static void report(struct asker *a, struct query *q)
{
	struct prove_witness *witness = arena_alloc(&a->w.arena, sizeof(*witness));
	const struct atoms_cube cube = *world_cube(&a->w, a->cube);
	struct prove_holder out = {
		.uid = cube.uid, .gids = cube.gids, .n_gids = cube.n, .witness = witness
	};
	char room[1024];
	struct text t = TEXT_INIT(room);

	pieces_merge(&a->pieces, &a->o->space);
	drop_within(a);
	room[0] = '\0';
	atoms_cube_words(&t, &a->w, a->cube);
	out.principal = room;
	out.rule = a->first->rule;
	out.grant = a->first->grant;
	out.unless = unless(a, q);
	out.always = !a->several && !*out.unless && is_all(a);
	out.limited = a->limited;
	out.unlimited = a->unlimited;
	a->broken = true;
	if (!is_new(a, out.principal))
		return;
	if (!atoms_witness(a->o, a->cube, &BUFFER_AT(&a->pieces.pieces, struct found_piece, 0)->box,
			   witness))
		a->undecided = true;
	out.words = words(a);
	if (a->found && !a->undecided)
		a->found(a->data, &out);
}

static void ask_holder(struct asker *a, const struct atoms_holder *h)
{
	struct query q;

	a->cube = a->pieces.cube = h->cube;
	a->pieces.pieces.len = 0;
	a->first = NULL;
	a->limited = a->unlimited = false;
	query_init(&q, a->o, takes, a);
	a->weaker = true;
	for (uint32_t i = h->first; i < h->first + h->n; i++)
		if (a->o->entry[i].classes & ATOMS_ALLOW)
			ask(a, &q, &a->o->entry[i]);
	if (a->pieces.pieces.len)
		report(a, &q);
	query_deinit(&q);
}

static void ask_partition(struct asker *a, const struct policy_image *image, uint32_t self,
			  int64_t now, uint64_t *steps)
{
	const struct prove_pattern *p = a->pattern;
	struct xm_request req = { .op = p->op };

	for (unsigned int i = 0; i < XM_MAX_ARGS; i++) {
		req.arg[i] = p->arg[i];
		if (!p->fixed[i])
			req.arg[i].state = XM_ST_ABSENT;
	}
	if (!world_init(&a->w, image, NULL, p->op, self, now, &req, NULL, false))
		a->undecided = true;
	a->w.steps = *steps;
	a->w.several = a->one_of_several;
	a->o = &a->w.op[p->op];
	a->pieces = (struct found_pieces){ .arena = &a->w.arena, .max = 4096 };
	atoms_request_box(a->o, &req, p->fixed, &a->asked);
	if (p->at_time)
		atoms_time_box(a->o, p->time, &a->asked);
	for (uint32_t i = 0; i < a->o->n_holders; i++)
		ask_holder(a, &a->o->holder[i]);
	*steps = a->w.steps;
	buffer_free(&a->pieces.pieces);
	world_free(&a->w);
}

enum prove_result prove_who(const struct policy_image *image, const struct prove_pattern *pattern,
			    const struct prove_options *options,
			    void (*found)(void *data, const struct prove_holder *holder),
			    void *data)
{
	struct asker a = { .pattern = pattern, .found = found, .data = data };
	uint64_t steps = options->budget ? options->budget : PROVE_BUDGET;
	int64_t now = world_now(image, NULL, options);
	struct arena arena = { .chunks = NULL };
	uint32_t n, *selves;

	if (pattern->at_time && pattern->time.determined && pattern->time.now < now)
		now = pattern->time.now;
	selves = world_selves(&arena, image, NULL, options->self, &n);
	a.several = n > 1;
	a.one_of_several = options->one_of_several || a.several;
	for (uint32_t i = 0; i < n; i++)
		ask_partition(&a, image, selves[i], now, &steps);
	buffer_free(&a.seen);
	arena_free(&arena);
	return a.undecided ? PROVE_UNDECIDED : a.broken ? PROVE_BROKEN : PROVE_HOLDS;
}
