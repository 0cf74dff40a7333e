// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The matrix of principals and operations.  Owns its cells.  Must never say "yes" where some request is
 * denied, nor "no" where one is allowed.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/answer.h"
#include "policy/matrix.h"
#include "policy/prove_query.h"

#define PIECES 512

struct principal {
	const struct image_grant *grant;
	uint32_t cube;
};

struct cell {
	bool some, all, undecided;
	const char *words; /* of what it can do */
};

struct matrix {
	const struct policy_image *image;
	struct world w;
	struct buffer principals; /* struct principal */
	uint64_t steps;
	uint32_t first; /* partition */
	bool several;   /* partitions */
	bool too_large; /* to be known */
};

/* ---- one cell ---------------------------------------------------------------------------------- */

static bool takes_deny(void *data, const struct atoms_entry *entry)
{
	(void)data;
	return entry->classes & ATOMS_DENY;
}

static bool takes_free(void *data, const struct atoms_entry *entry)
{
	(void)data;
	return entry->classes & ATOMS_FREE;
}

static bool takes_both(void *data, const struct atoms_entry *entry)
{
	return takes_deny(data, entry) || takes_free(data, entry);
}

static void note_deny(void *data, const struct region_box *both)
{
	(void)both;
	*(bool *)data = true;
}

/* What the entry allows, without what the query takes. */
static bool collect_entry(struct query *q, uint32_t cube, const struct atoms_entry *entry,
			  struct found_pieces *pieces)
{
	bool decided = true;

	for (unsigned int i = 0; i < entry->n_boxes; i++)
		decided &= query_left(q, cube, &entry->box[i], pieces_visit, pieces) !=
			   REGION_UNDECIDED;
	return decided;
}

/* What is allowed without a limit, or what beside that with one.  False: undecided. */
static bool collect(struct atoms_op *o, uint32_t cube, struct query *q, bool limited,
		    struct found_pieces *pieces)
{
	bool decided = true;

	for (uint32_t i = 0; i < o->n; i++) {
		const struct atoms_entry *entry = &o->entry[i];

		if ((entry->classes & ATOMS_ALLOW) && !(entry->classes & ATOMS_FREE) == limited &&
		    world_cube_implies(o->world, cube, entry->cube))
			decided &= collect_entry(q, cube, entry, pieces);
	}
	pieces_merge(pieces, &o->space);
	return decided;
}

/* Whether everything is allowed as often as one likes. */
static enum region_answer rest_of_all(struct atoms_op *o, uint32_t cube, struct query *denies)
{
	const struct region_box all = { .dim = { NULL } };
	enum region_answer answer;
	bool denied = false;
	struct query free_ones;

	query_each(denies, cube, &all, note_deny, &denied);
	if (denied)
		return REGION_LEFT;
	query_init(&free_ones, o, takes_free, NULL);
	answer = query_left(&free_ones, cube, &all, NULL, NULL);
	query_deinit(&free_ones);
	return answer;
}

static const char *words_of(struct atoms_op *o, struct found_pieces *pieces)
{
	const char *words =
		pieces_words(pieces, o, 0, BUFFER_N(&pieces->pieces, struct found_piece));

	return pieces->more ? arena_printf(pieces->arena, "%s and more", words) : words;
}

/* "partitionId is 1; at a limited rate also partitionId is 2" */
static const char *condition(struct atoms_op *o, struct found_pieces *unlimited,
			     struct found_pieces *limited)
{
	const char *words = unlimited->pieces.len ? words_of(o, unlimited) : "";
	const char *rest = limited->pieces.len ? words_of(o, limited) : "";

	if (!limited->pieces.len)
		return words;
	if (!unlimited->pieces.len)
		return arena_printf(limited->arena, "at a limited rate%s%s", *rest ? ": " : "",
				    rest);
	return arena_printf(limited->arena, "%s; at a limited rate also %s", words,
			    *rest ? rest : "all else");
}

static struct cell cell_of(struct world *w, struct atoms_op *o, uint32_t cube)
{
	struct found_pieces unlimited = { .arena = &w->arena, .max = PIECES };
	struct found_pieces limited = { .arena = &w->arena, .max = PIECES };
	struct cell cell = { .words = "" };
	struct query denies, both;
	enum region_answer rest;

	query_init(&denies, o, takes_deny, NULL);
	query_init(&both, o, takes_both, NULL);
	cell.undecided = !collect(o, cube, &denies, false, &unlimited);
	cell.undecided |= !collect(o, cube, &both, true, &limited);
	cell.some = unlimited.pieces.len || limited.pieces.len;
	rest = unlimited.pieces.len ? rest_of_all(o, cube, &denies) : REGION_LEFT;
	cell.undecided |= rest == REGION_UNDECIDED;
	cell.all = rest == REGION_COVERED;
	if (cell.some && !cell.all)
		cell.words = condition(o, &unlimited, &limited);
	query_deinit(&denies);
	query_deinit(&both);
	buffer_free(&unlimited.pieces);
	buffer_free(&limited.pieces);
	return cell;
}

/* ---- all of them ------------------------------------------------------------------------------- */

static bool is_listed(unsigned int op)
{
	return xm_ops[op].class != XM_CLASS_NONE && !(xm_ops[op].flags & XM_OPF_UNCLASSIFIED) &&
	       !(xm_ops[op].flags & XM_OPF_PUBLIC);
}

static void add_principal(struct matrix *m, const struct image_grant *grant)
{
	struct principal p = { grant, world_cube_of_grant(&m->w, m->image, grant) };

	if (p.cube == ATOMS_NOBODY)
		return;
	for (size_t i = 0; i < BUFFER_N(&m->principals, p); i++)
		if (BUFFER_AT(&m->principals, struct principal, i)->cube == p.cube)
			return;
	buffer_push(&m->principals, &p, sizeof(p));
}

static const char *answer_name(const struct cell *cell)
{
	return cell->undecided ? "undecided"
	       : cell->all     ? "yes"
	       : cell->some    ? "conditional"
			       : "no";
}

static json_t *cell_json(const struct cell *cell)
{
	json_t *value = json_object();
	bool conditional = cell->some && !cell->all;

	answer_set(value, "answer", json_string(answer_name(cell)));
	if (conditional && !cell->undecided)
		answer_set(value, "where", answer_string(cell->words));
	return value;
}

static void undecide(json_t *known)
{
	json_object_del(known, "where");
	json_object_del(known, "partition");
	answer_set(known, "answer", json_string("undecided"));
}

/*
 * What was found on another partition, put together with what is known: if it is not the same, `where`
 * is of one partition, on which something can be done.
 */
static void join(const struct matrix *m, json_t *known, const struct cell *cell)
{
	const char *before = json_string_value(json_object_get(known, "answer"));
	const char *now = answer_name(cell);
	const json_t *where = json_object_get(known, "where");
	const bool was_no = !strcmp(before, "no");

	if (!strcmp(before, "undecided"))
		return;
	if (cell->undecided) {
		undecide(known);
		return;
	}
	if (!strcmp(before, now) && (!where || !strcmp(json_string_value(where), cell->words)))
		return;
	answer_set(known, "answer", json_string("conditional")); /* `before` is gone */
	if (was_no) {
		answer_set(known, "where", answer_string(cell->words));
		answer_set(known, "partition", json_integer(m->w.self));
	} else if (!json_object_get(known, "partition")) {
		if (!where)
			answer_set(known, "where", json_string(""));
		answer_set(known, "partition", json_integer(m->first));
	}
}

static bool is_roots(unsigned int op)
{
	return xm_ops[op].flags & XM_OPF_BROKER;
}

/* What root may ask the broker stands above the policy. */
static struct cell cell_in(struct matrix *m, unsigned int op, uint32_t cube)
{
	m->w.several = m->several && world_depends(m->image, op);
	if (is_roots(op) && !world_cube(&m->w, cube)->uid)
		return (struct cell){ .some = true, .all = true, .words = "" };
	if (m->too_large)
		return (struct cell){ .undecided = true, .words = "" };
	return cell_of(&m->w, &m->w.op[op], cube);
}

static json_t *row(struct matrix *m, unsigned int op, json_t *known)
{
	json_t *cells = known ? known : json_array();

	for (size_t i = 0; i < BUFFER_N(&m->principals, struct principal); i++) {
		struct cell cell =
			cell_in(m, op, BUFFER_AT(&m->principals, struct principal, i)->cube);

		if (known)
			join(m, json_array_get(cells, i), &cell);
		else
			answer_add(cells, cell_json(&cell));
	}
	return cells;
}

static void add_row(struct matrix *m, json_t *operations, unsigned int op)
{
	json_t *operation = json_object();

	answer_set(operation, "op", json_string(xm_ops[op].name));
	answer_set(operation, "class", json_string(xm_class_names[xm_ops[op].class]));
	answer_set(operation, "root", json_boolean(is_roots(op)));
	answer_set(operation, "cells", row(m, op, NULL));
	answer_add(operations, operation);
}

static json_t *principals_json(struct matrix *m)
{
	const char *text = image_table(m->image, IMAGE_TEXT);
	json_t *list = json_array();

	for (size_t i = 0; i < BUFFER_N(&m->principals, struct principal); i++) {
		const struct principal *p = BUFFER_AT(&m->principals, struct principal, i);
		json_t *value = json_object();
		char room[1024];
		struct text t = TEXT_INIT(room);

		room[0] = '\0';
		atoms_cube_words(&t, &m->w, p->cube);
		answer_set(value, "principal", answer_string(text + p->grant->text));
		answer_set(value, "is", answer_string(room));
		answer_add(list, value);
	}
	return list;
}

/* The numbers of principals are those of one world. */
static void add_partition(struct matrix *m, json_t *answer, uint32_t self, int64_t now)
{
	const struct image_grant *grant = image_table(m->image, IMAGE_GRANTS);
	json_t *operations = json_object_get(answer, "operations");
	bool first = !operations;
	size_t n = 0;

	m->too_large = !world_init(&m->w, m->image, NULL, first ? ATOMS_ALL_OPS : ATOMS_SELF_OPS,
				   self, now, NULL, NULL, false);
	m->w.steps = m->steps;
	m->principals.len = 0;
	for (uint32_t i = 0; i < m->image->table[IMAGE_GRANTS].count; i++)
		add_principal(m, &grant[i]);
	if (first) {
		answer_set(answer, "principals", principals_json(m));
		answer_set(answer, "operations", json_array());
		operations = json_object_get(answer, "operations");
	}
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		if (!is_listed(op))
			continue;
		if (first)
			add_row(m, operations, op);
		else if (world_depends(m->image, op))
			row(m, op, json_object_get(json_array_get(operations, n), "cells"));
		n++;
	}
	m->steps = m->w.steps;
	world_free(&m->w);
}

static bool is_undecided(const json_t *cell)
{
	return !strcmp(json_string_value(json_object_get(cell, "answer")), "undecided");
}

static bool has_undecided(const json_t *answer)
{
	json_t *operation, *cell;
	size_t i, j;

	json_array_foreach(json_object_get(answer, "operations"), i, operation)
	{
		json_array_foreach(json_object_get(operation, "cells"), j, cell)
		{
			if (is_undecided(cell))
				return true;
		}
	}
	return false;
}

json_t *policy_matrix(const struct policy_image *image, const struct prove_options *options,
		      bool *undecidedp)
{
	struct matrix m = { .image = image,
			    .steps = options->budget ? options->budget : PROVE_BUDGET };
	int64_t now = world_now(image, NULL, options);
	struct arena arena = { .chunks = NULL };
	json_t *answer = json_object();
	uint32_t n, *selves;

	selves = world_selves(&arena, image, NULL, options->self, &n);
	m.first = selves[0];
	m.several = n > 1;
	for (uint32_t i = 0; i < n; i++)
		add_partition(&m, answer, selves[i], now);
	*undecidedp = has_undecided(answer);
	buffer_free(&m.principals);
	arena_free(&arena);
	return answer;
}
