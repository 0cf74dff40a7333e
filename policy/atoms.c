// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What images say, entry by entry: who has it, what it matches.  Owns the world of a proof.  Must take
 * everything from the index that decisions are made by, so that what is proved is what is enforced.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/atoms.h"

#define STRANGER 70000u

/* ---- entries ----------------------------------------------------------------------------------- */

/* Boxes of a clause without times: shared by its entries. */
struct clause_boxes {
	const struct region_box *box;
	uint32_t n;
	bool made;
};

struct builder {
	struct world *w;
	unsigned int image;
	bool each_rule;
	const bool *wanted; /* by operation */
	const bool *alike;  /* by slot; NULL: none is */
	uint32_t *seen;     /* by entry: so many from there on were looked at for a slot */
	uint32_t *said;     /* by entry: the first that says the same, of those of the slot */
	struct clause_boxes *clause;
};

static const struct region_set *shadow_times(struct builder *b, const struct image_entry *e)
{
	const struct image_rule *rules = image_table(b->w->image[b->image], IMAGE_RULES);
	int64_t from = rules[e->rule].observe_until;

	if (from < b->w->now)
		from = b->w->now;
	return world_intern(b->w, region_set_range(&b->w->scratch, (uint64_t)from ^ IMAGE_BIAS,
						   (uint64_t)ATOMS_LAST_TIME ^ IMAGE_BIAS, true));
}

static const struct region_set *when_times(struct builder *b, const struct image_when *when)
{
	int64_t from = when->from > b->w->now ? when->from : b->w->now;
	int64_t until = when->until == IMAGE_END_OF_TIME ? ATOMS_LAST_TIME : when->until - 1;
	struct region_piece piece = { .low = (uint64_t)from ^ IMAGE_BIAS,
				      .high = (uint64_t)until ^ IMAGE_BIAS };

	return world_intern(b->w, region_set_of(&b->w->scratch, &piece, until >= from, false));
}

#define WEEK (7 * IMAGE_DAY_MINUTES)

/* Minutes of the week, UTC, in which a window is open; one that ends on Sunday night goes on at its
 * beginning. */
static void add_window(struct buffer *pieces, const struct image_window *window, unsigned int day)
{
	int start = (int)(day * IMAGE_DAY_MINUTES) + window->start - window->offset + WEEK;
	int length = window->end - window->start;
	struct region_piece piece;

	start %= WEEK;
	piece = (struct region_piece){ .low = (uint64_t)start };
	piece.high = (uint64_t)(start + length < WEEK ? start + length : WEEK) - 1;
	buffer_push(pieces, &piece, sizeof(piece));
	if (start + length <= WEEK)
		return;
	piece = (struct region_piece){ .high = (uint64_t)(start + length - WEEK - 1) };
	buffer_push(pieces, &piece, sizeof(piece));
}

static const struct region_set *when_week(struct builder *b, const struct image_when *when)
{
	const struct image_window *window = image_table(b->w->image[b->image], IMAGE_WINDOWS);
	struct buffer pieces = { 0 };
	const struct region_set *set;

	if (!when->n_windows)
		return NULL;
	for (uint32_t i = 0; i < when->n_windows; i++)
		for (unsigned int day = 0; day < 7; day++)
			if (window[when->first_window + i].days >> day & 1)
				add_window(&pieces, &window[when->first_window + i], day);
	set = region_set_of(&b->w->scratch, (const void *)pieces.data,
			    (uint32_t)BUFFER_N(&pieces, struct region_piece), false);
	buffer_free(&pieces);
	return region_set_count(set, WEEK) == WEEK ? NULL : world_intern(b->w, set);
}

/* The boxes at the times at which the entry holds. */
static void limit_times(struct builder *b, uint32_t when, const struct image_entry *e,
			const struct atoms_op *o, struct atoms_entry *entry)
{
	const struct image_when *whens = image_table(b->w->image[b->image], IMAGE_WHENS);
	const struct region_set *times, *week = NULL;
	struct region_box *box;

	if (when == IMAGE_NONE && !e->shadow)
		return;
	times = when == IMAGE_NONE ? shadow_times(b, e) : when_times(b, &whens[when]);
	if (when != IMAGE_NONE)
		week = when_week(b, &whens[when]);
	if (times == o->space.whole[REGION_TIME])
		times = NULL;
	box = arena_alloc(&b->w->arena, entry->n_boxes * sizeof(*box));
	memcpy(box, entry->box, entry->n_boxes * sizeof(*box));
	for (unsigned int i = 0; i < entry->n_boxes; i++) {
		box[i].dim[REGION_TIME] = times;
		box[i].dim[REGION_WEEK] = week;
	}
	entry->box = box;
	if (entry->n_boxes && !region_box_is_possible(&o->space, &box[0]))
		entry->n_boxes = 0; /* its time is over, or never comes; that is the same for all */
}

static uint8_t classes_of(const struct image_entry *e, bool deny)
{
	if (deny)
		return ATOMS_DENY |
		       (e->audit >= POLICY_AUDIT_DENIED ? ATOMS_LOUD_DENY : ATOMS_QUIET_DENY);
	return (uint8_t)(ATOMS_ALLOW | (e->limit == IMAGE_NONE ? ATOMS_FREE : ATOMS_LIMITED) |
			 (e->audit >= POLICY_AUDIT_ALWAYS ? ATOMS_LOUD : ATOMS_SILENT));
}

static uint32_t cube_of(struct builder *b, const struct image_slot *slot)
{
	const struct image_grant *grants = image_table(b->w->image[b->image], IMAGE_GRANTS);
	struct image_grant grant = {
		.kind = (uint32_t)(slot->key >> 32) & 3,
		.id = (uint32_t)slot->key,
	};

	return world_cube_of_grant(b->w, b->w->image[b->image],
				   slot->flags & IMAGE_SLOT_ALL ? &grants[slot->grant] : &grant);
}

static uint32_t when_of(const struct builder *b, const struct image_slot *slot)
{
	const struct image_grant *grants = image_table(b->w->image[b->image], IMAGE_GRANTS);

	return slot->flags & IMAGE_SLOT_WHEN ? grants[slot->grant].when : IMAGE_NONE;
}

static void make_boxes(struct builder *b, const struct image_slot *slot,
		       const struct image_entry *e, bool deny)
{
	struct clause_boxes *c = &b->clause[e->clause];
	struct arena_mark mark = arena_mark(&b->w->scratch);

	if (!c->made)
		c->box = atoms_boxes(&b->w->op[image_key_op(slot->key)], b->image, e->covers,
				     e->first_constraint, e->n_constraints, deny, &c->n);
	c->made = true;
	arena_release(&b->w->scratch, mark);
}

static void add_entry(struct builder *b, const struct image_slot *slot, uint32_t cube,
		      const struct image_entry *e, bool deny)
{
	struct atoms_op *o = &b->w->op[image_key_op(slot->key)];
	const struct clause_boxes *c = &b->clause[e->clause];
	struct atoms_entry entry = {
		.cube = cube,
		.rule = e->rule,
		.clause = e->clause,
		.grant = slot->grant,
		.limit = e->limit,
		.image = (uint8_t)b->image,
		.classes = classes_of(e, deny),
		.box = c->box,
		.n_boxes = (uint16_t)c->n,
	};
	struct arena_mark mark = arena_mark(&b->w->scratch);

	limit_times(b, when_of(b, slot), e, o, &entry);
	o->entry[o->n++] = entry;
	arena_release(&b->w->scratch, mark);
}

/* ---- which entries ----------------------------------------------------------------------------- */

struct meaning {
	const struct image_entry *e;
	const struct clause_boxes *c;
	bool deny;
};

static int by_meaning(const void *a, const void *b)
{
	const struct meaning *x = a, *y = b;
	uint8_t p = classes_of(x->e, x->deny), q = classes_of(y->e, y->deny);
	int order;

	if (p != q)
		return p < q ? -1 : 1;
	if (x->e->limit != y->e->limit)
		return x->e->limit < y->e->limit ? -1 : 1;
	if (x->e->shadow != y->e->shadow)
		return x->e->shadow < y->e->shadow ? -1 : 1;
	/* Of shadows each has a date of its own. */
	if (x->e->shadow && x->e->rule != y->e->rule)
		return x->e->rule < y->e->rule ? -1 : 1;
	if (x->c->n != y->c->n)
		return x->c->n < y->c->n ? -1 : 1;
	order = x->c->n ? memcmp(x->c->box, y->c->box, x->c->n * sizeof(*x->c->box)) : 0;
	return order;
}

static int by_meaning_and_place(const void *a, const void *b)
{
	const struct meaning *x = a, *y = b;
	int order = by_meaning(a, b);

	return order ? order : x->e < y->e ? -1 : x->e > y->e;
}

/* Sets are kept once, so equal boxes are the same bytes. */
static void find_same(struct builder *b, const struct image_slot *slot, uint32_t n)
{
	const struct image_entry *all = image_table(b->w->image[b->image], IMAGE_ENTRIES);
	struct meaning *m = calloc(n + 1, sizeof(*m));

	if (!m)
		abort();
	b->seen[slot->first] = n;
	for (uint32_t i = 0; i < n; i++) {
		m[i].e = &all[slot->first + i];
		m[i].deny = i < slot->n_deny;
		make_boxes(b, slot, m[i].e, m[i].deny);
		m[i].c = &b->clause[m[i].e->clause];
		b->said[slot->first + i] = slot->first + i;
	}
	if (!b->each_rule) {
		qsort(m, n, sizeof(*m), by_meaning_and_place);
		for (uint32_t i = 1; i < n; i++)
			if (!by_meaning(&m[i - 1], &m[i]))
				b->said[m[i].e - all] = b->said[m[i - 1].e - all];
	}
	free(m);
}

static void count_entry(struct builder *b, const struct image_slot *slot,
			const struct image_entry *e)
{
	b->w->op[image_key_op(slot->key)].n++;
	b->w->size += 1 + (uint64_t)b->clause[e->clause].n;
}

/* The entries of the image that are wanted; `add` is false when they are only counted. */
static void each_entry(struct builder *b, bool add)
{
	const struct policy_image *image = b->w->image[b->image];
	const struct image_slot *slot = image_table(image, IMAGE_INDEX);
	const struct image_entry *e = image_table(image, IMAGE_ENTRIES);

	for (uint32_t i = 0; i < image->table[IMAGE_INDEX].count; i++, slot++) {
		uint32_t cube, n = (uint32_t)slot->n_deny + slot->n_allow;

		if (!slot->key || !b->wanted[image_key_op(slot->key)] || !n ||
		    (b->alike && b->alike[i]))
			continue;
		cube = cube_of(b, slot);
		if (cube == ATOMS_NOBODY)
			continue;
		if (b->seen[slot->first] < n)
			find_same(b, slot, n);
		for (uint32_t j = slot->first; j < slot->first + n; j++) {
			if (b->said[j] != j && b->said[j] >= slot->first)
				continue;
			if (add)
				add_entry(b, slot, cube, &e[j], j - slot->first < slot->n_deny);
			else
				count_entry(b, slot, &e[j]);
		}
	}
}

static void init_builder(struct builder *b, struct world *w, unsigned int image, const bool *wanted,
			 const bool *alike, bool each_rule)
{
	const struct policy_image *from = w->image[image];
	uint32_t n = from->table[IMAGE_ENTRIES].count + 1;

	*b = (struct builder){
		.w = w, .image = image, .each_rule = each_rule, .wanted = wanted, .alike = alike
	};
	b->clause = calloc(from->table[IMAGE_CLAUSES].count + 1, sizeof(*b->clause));
	b->seen = calloc(n, sizeof(*b->seen));
	b->said = calloc(n, sizeof(*b->said));
	if (!b->clause || !b->seen || !b->said)
		abort();
}

static void free_builder(struct builder *b)
{
	free(b->clause);
	free(b->seen);
	free(b->said);
}

static int by_cube(const void *a, const void *b)
{
	const struct atoms_entry *x = a, *y = b;

	if (x->cube != y->cube)
		return x->cube < y->cube ? -1 : 1;
	if (x->image != y->image)
		return x->image < y->image ? -1 : 1;
	if (x->rule != y->rule)
		return x->rule < y->rule ? -1 : 1;
	return x->clause < y->clause ? -1 : x->clause > y->clause;
}

static void finish_op(struct world *w, struct atoms_op *o)
{
	struct buffer holders = { 0 };

	if (o->n)
		qsort(o->entry, o->n, sizeof(*o->entry), by_cube);
	for (uint32_t i = 0; i < o->n; i++) {
		struct atoms_holder holder = { .cube = o->entry[i].cube, .first = i };

		if (!i || o->entry[i - 1].cube != holder.cube)
			buffer_push(&holders, &holder, sizeof(holder));
		BUFFER_AT(&holders, struct atoms_holder, BUFFER_N(&holders, holder) - 1)->n++;
	}
	o->n_holders = (uint32_t)BUFFER_N(&holders, struct atoms_holder);
	o->holder = arena_alloc(&w->arena, holders.len + 1);
	if (holders.len)
		memcpy(o->holder, holders.data, holders.len);
	buffer_free(&holders);
}

/* ---- the whole --------------------------------------------------------------------------------- */

static bool names_id(const struct world *w, uint32_t kind, uint32_t id)
{
	for (unsigned int i = 0; i < w->n_images; i++) {
		const struct policy_image *image = w->image[i];
		const struct image_member *m = image_table(image, IMAGE_MEMBERS);
		const struct image_grant *g = image_table(image, IMAGE_GRANTS);
		const struct image_grant *x = image_table(image, IMAGE_EXCEPTS);

		for (uint32_t j = 0; j < image->table[IMAGE_MEMBERS].count; j++)
			if (m[j].kind == kind && m[j].id == id)
				return true;
		for (uint32_t j = 0; j < image->table[IMAGE_GRANTS].count; j++)
			if (g[j].kind == kind && g[j].id == id)
				return true;
		for (uint32_t j = 0; j < image->table[IMAGE_EXCEPTS].count; j++)
			if (x[j].kind == kind && x[j].id == id)
				return true;
	}
	return false;
}

static uint32_t unnamed(const struct world *w, uint32_t kind)
{
	uint32_t id = STRANGER;

	while (names_id(w, kind, id))
		id++;
	return id;
}

/* In the order of the file, so that what is found is told in it. */
static void number_grants(struct world *w)
{
	for (unsigned int i = 0; i < w->n_images; i++) {
		const struct image_grant *grant = image_table(w->image[i], IMAGE_GRANTS);

		for (uint32_t j = 0; j < w->image[i]->table[IMAGE_GRANTS].count; j++)
			world_cube_of_grant(w, w->image[i], &grant[j]);
	}
}

static bool is_wanted(const struct world *w, unsigned int only, unsigned int op)
{
	if (only != ATOMS_SELF_OPS)
		return only == ATOMS_ALL_OPS || only == op;
	return world_depends(w->image[0], op) || (w->image[1] && world_depends(w->image[1], op));
}

/* Everything is counted before memory is taken for it. */
static bool add_images(struct world *w, const bool *wanted, const bool *alike, bool each_rule)
{
	struct builder b[2] = { 0 };

	for (unsigned int i = 0; i < 2 && w->image[i]; i++) {
		w->size += w->image[i]->table[IMAGE_INTERVALS].count;
		init_builder(&b[i], w, i, wanted, alike, each_rule);
		each_entry(&b[i], false);
	}
	for (unsigned int i = 0; i < XM_N_OPS && w->size <= PROVE_SIZE; i++) {
		w->op[i].entry =
			arena_alloc(&w->arena, (w->op[i].n + 1) * sizeof(struct atoms_entry));
		w->op[i].n = 0;
	}
	for (unsigned int i = 0; i < 2 && w->image[i] && w->size <= PROVE_SIZE; i++)
		each_entry(&b[i], true);
	free_builder(&b[0]);
	free_builder(&b[1]);
	return w->size <= PROVE_SIZE;
}

bool world_init(struct world *w, const struct policy_image *first,
		const struct policy_image *second, unsigned int op, uint32_t self, int64_t now,
		const struct xm_request *req, const bool *alike, bool each_rule)
{
	bool wanted[XM_N_OPS], fits;

	*w = (struct world){ .image = { first, second }, .n_images = 1 + !!second, .self = self };
	w->now = now < ATOMS_LAST_TIME ? now : ATOMS_LAST_TIME;
	w->stranger = unnamed(w, IMAGE_USER);
	w->outside = unnamed(w, IMAGE_GROUP);
	world_init_names(w, req);
	number_grants(w);
	for (unsigned int i = 0; i < XM_N_OPS; i++) {
		w->op[i].world = w;
		w->op[i].op = i;
		wanted[i] = is_wanted(w, op, i);
		if (wanted[i])
			atoms_init_space(&w->op[i]);
	}
	w->size = BUFFER_N(&w->cubes, struct atoms_cube) + w->n_cuts;
	fits = add_images(w, wanted, alike, each_rule);
	for (unsigned int i = 0; i < XM_N_OPS; i++)
		if (fits)
			finish_op(w, &w->op[i]);
		else
			w->op[i].n = 0;
	return fits;
}

void world_free(struct world *w)
{
	buffer_free(&w->cubes);
	buffer_free(&w->cube_slots);
	buffer_free(&w->sets);
	arena_free(&w->scratch);
	arena_free(&w->arena);
}

int64_t world_now(const struct policy_image *first, const struct policy_image *second,
		  const struct prove_options *options)
{
	if (options->now)
		return options->now;
	return second && second->compiled_at > first->compiled_at ? second->compiled_at
								  : first->compiled_at;
}

bool prove_is_too_large(const struct policy_image *image, bool each_rule)
{
	bool *alike = world_alike(image), fits;
	struct world w;

	fits = world_init(&w, image, NULL, ATOMS_ALL_OPS, 0, image->compiled_at, NULL, alike,
			  each_rule);
	world_free(&w);
	free(alike);
	return !fits;
}
