// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the constraints of an image to boxes.  Must say exactly what match.h does: an allow wants every
 * attribute determined, a deny matches what is not.
 */

#include <string.h>

#include "policy/atoms.h"
#include "policy/match.h"

/* The boxes of one clause while they are made. */
struct maker {
	struct atoms_op *o;
	const struct policy_image *image;
	unsigned int image_number;
	bool deny;
	struct buffer boxes; /* struct region_box */
};

/* ---- sets -------------------------------------------------------------------------------------- */

static void add_piece(struct buffer *out, struct region_piece piece)
{
	buffer_push(out, &piece, sizeof(piece));
}

static void positive_pieces(const struct maker *m, const struct image_term *term,
			    const struct region_set *whole, struct buffer *out)
{
	const struct image_interval *interval = image_table(m->image, IMAGE_INTERVALS);
	const struct image_mask *mask = image_table(m->image, IMAGE_MASKS);
	const struct image_name *name = image_table(m->image, IMAGE_NAMES);
	const struct world *w = m->o->world;

	for (uint32_t i = 0; i < term->n_intervals; i++) {
		const struct image_interval *from = &interval[term->first_interval + i];

		add_piece(out, (struct region_piece){ .low = from->low, .high = from->high });
	}
	for (uint32_t i = 0; i < term->n_masks; i++) {
		const struct image_mask *from = &mask[term->first_mask + i];

		if (!(from->is & ~from->mask))
			add_piece(out, (struct region_piece){
					       .high = whole->n ? whole->piece[0].high : 0,
					       .mask = from->mask,
					       .is = from->is,
				       });
	}
	for (uint32_t i = 0; i < term->n_names; i++)
		add_piece(out, world_name_piece(w, &name[term->first_name + i]));
	if (term->self)
		add_piece(out, (struct region_piece){ .low = w->self, .high = w->self });
}

static const struct region_set *term_set(const struct maker *m, const struct image_term *term,
					 const struct region_set *whole)
{
	struct arena *arena = m->o->space.arena;
	struct buffer pieces = { 0 };
	const struct region_set *set;

	positive_pieces(m, term, whole, &pieces);
	set = region_set_of(arena, (const void *)pieces.data,
			    (uint32_t)BUFFER_N(&pieces, struct region_piece), false);
	buffer_free(&pieces);
	return term->negated ? region_set_minus(arena, whole, set)
			     : region_set_and(arena, whole, set);
}

/* All values for which the constraint holds; without the undetermined one. */
static const struct region_set *constraint_set(const struct maker *m,
					       const struct image_constraint *c,
					       const struct region_set *whole)
{
	const struct image_term *term = image_table(m->image, IMAGE_TERMS);
	struct arena *arena = m->o->space.arena;
	const struct region_set *known = region_set_of(arena, whole->piece, whole->n, false);
	const struct region_set *set = term_set(m, &term[c->first_term], known);

	for (uint32_t i = 1; i < c->n_terms; i++)
		set = region_set_or(arena, set, term_set(m, &term[c->first_term + i], known));
	return set;
}

static const struct region_set *single(const struct maker *m, uint64_t value)
{
	return region_set_range(m->o->space.arena, value, value, false);
}

/* ---- boxes ------------------------------------------------------------------------------------- */

static void narrow_one(const struct maker *m, struct region_box *box, unsigned int dim,
		       const struct region_set *set)
{
	struct arena *arena = m->o->space.arena;

	box->dim[dim] = box->dim[dim] ? region_set_and(arena, box->dim[dim], set) : set;
}

static void narrow(struct maker *m, unsigned int dim, const struct region_set *set)
{
	for (size_t i = 0; i < BUFFER_N(&m->boxes, struct region_box); i++)
		narrow_one(m, BUFFER_AT(&m->boxes, struct region_box, i), dim, set);
}

/* Of a deny: `dim` is `unknown`, or both hold of the other two.  Makes two boxes of each. */
static void either(struct maker *m, unsigned int dim, const struct region_set *unknown,
		   const struct region_set *known, unsigned int dim_2, const struct region_set *set)
{
	size_t n = BUFFER_N(&m->boxes, struct region_box);

	for (size_t i = 0; i < n; i++) {
		struct region_box other = *BUFFER_AT(&m->boxes, struct region_box, i);

		narrow_one(m, &other, dim, known);
		narrow_one(m, &other, dim_2, set);
		narrow_one(m, BUFFER_AT(&m->boxes, struct region_box, i), dim, unknown);
		buffer_push(&m->boxes, &other, sizeof(other));
	}
}

static const struct region_set *with_unknown(const struct maker *m, const struct region_set *set,
					     const struct region_set *whole)
{
	return m->deny && whole->unknown
		       ? region_set_of(m->o->space.arena, set->piece, set->n, true)
		       : set;
}

static void add_length(struct maker *m, const struct image_constraint *c)
{
	const struct region_set *whole = m->o->space.whole[c->length_arg];
	const struct region_set *set = with_unknown(m, constraint_set(m, c, whole), whole);
	const struct region_set *missing = region_set_of(m->o->space.arena, NULL, 0, true);

	if (m->deny) {
		either(m, c->arg, missing, single(m, 0), c->length_arg, set);
		return;
	}
	narrow(m, c->arg, single(m, 0));
	narrow(m, c->length_arg, set);
}

/* Ports, by their numbers, whose names satisfy the constraint. */
static const struct region_set *port_set(const struct maker *m, const struct image_constraint *c)
{
	const struct system *sys = policy_image_system(m->image);
	struct match_request match = { .image = m->image };
	struct buffer pieces = { 0 };
	const struct system_port *port;
	const struct region_set *set;
	uint32_t n = 0;

	port = sys ? system_ports(sys, &n) : NULL;
	for (uint32_t i = 0; i < n; i++) {
		struct match_name name = { (const uint8_t *)port[i].name, 0 };

		name.len = (uint32_t)strnlen(port[i].name, SYSTEM_NAME - 1);
		if ((port[i].type == SYSTEM_QUEUING) == match_ops[m->o->op].queuing &&
		    match_terms_name(&match, c, name) == MATCH_YES)
			add_piece(&pieces, (struct region_piece){ .low = i, .high = i });
	}
	set = region_set_of(m->o->space.arena, (const void *)pieces.data,
			    (uint32_t)BUFFER_N(&pieces, struct region_piece), false);
	buffer_free(&pieces);
	return set;
}

static void add_port(struct maker *m, const struct image_constraint *c)
{
	unsigned int dim = atoms_port_dim(m->o, m->image_number);

	if (m->deny) {
		either(m, dim, single(m, 0), single(m, 1), 1, port_set(m, c));
		return;
	}
	narrow(m, dim, single(m, 1));
	narrow(m, 1, port_set(m, c));
}

static void add_constraint(struct maker *m, const struct image_constraint *c)
{
	const struct region_set *whole = m->o->space.whole[c->arg];

	switch (c->attribute) {
	case IMAGE_LENGTH:
		add_length(m, c);
		break;
	case IMAGE_PORT_NAME:
		add_port(m, c);
		break;
	default:
		narrow(m, c->arg, with_unknown(m, constraint_set(m, c, whole), whole));
	}
}

static void add_covers(struct maker *m, unsigned int covers)
{
	const struct region_set *own = single(m, m->o->world->self);

	if (!(xm_ops[m->o->op].flags & XM_OPF_STOPS_SELF) || covers == IMAGE_COVERS_ALL)
		return;
	if (!(covers & IMAGE_COVERS_SELF))
		own = region_set_minus(m->o->space.arena, m->o->space.whole[0], own);
	if (covers)
		narrow(m, 0, own);
	else
		m->boxes.len = 0;
}

/* Keeps those that are not empty, each in the one form that says it. */
static const struct region_box *finish(struct maker *m, uint32_t *np)
{
	struct world *w = m->o->world;
	size_t n = BUFFER_N(&m->boxes, struct region_box);
	struct region_box *out = arena_alloc(&w->arena, n * sizeof(*out));
	uint32_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		struct region_box box = *BUFFER_AT(&m->boxes, struct region_box, i);

		if (!region_box_is_possible(&m->o->space, &box))
			continue;
		for (unsigned int d = 0; d < REGION_DIMS; d++) {
			if (box.dim[d])
				box.dim[d] = world_intern(w, box.dim[d]);
			if (box.dim[d] == m->o->space.whole[d])
				box.dim[d] = NULL;
		}
		out[kept++] = box;
	}
	buffer_free(&m->boxes);
	*np = kept;
	return out;
}

const struct region_box *atoms_boxes(struct atoms_op *o, unsigned int image, unsigned int covers,
				     uint32_t first_constraint, uint32_t n, bool deny, uint32_t *np)
{
	struct maker m = {
		.o = o, .image = o->world->image[image], .image_number = image, .deny = deny
	};
	const struct image_constraint *c = image_table(m.image, IMAGE_CONSTRAINTS);
	struct region_box all = { .dim = { NULL } };

	buffer_push(&m.boxes, &all, sizeof(all));
	add_covers(&m, covers);
	for (uint32_t i = 0; i < n; i++)
		add_constraint(&m, &c[first_constraint + i]);
	return finish(&m, np);
}

/* ---- a request --------------------------------------------------------------------------------- */

static const struct region_set *value_set(struct atoms_op *o, unsigned int i,
					  const struct xm_value *v)
{
	enum xm_type type = xm_ops[o->op].args[i].type;
	uint64_t number = 0;

	if (v->state != XM_ST_OK)
		return region_set_of(o->space.arena, NULL, 0, true);
	if (type == XM_T_NAME)
		number = world_name_number(o->world, v->data, v->len);
	else if (type == XM_T_S32 || type == XM_T_S64)
		number = v->num ^ IMAGE_BIAS;
	else if (xm_type_is_scalar(type))
		number = v->num;
	return region_set_range(o->space.arena, number, number, false);
}

void atoms_request_box(struct atoms_op *o, const struct xm_request *req, const bool *fixed,
		       struct region_box *outp)
{
	*outp = (struct region_box){ .dim = { NULL } };
	for (unsigned int i = 0; i < xm_ops[o->op].n_args; i++)
		if (!fixed || fixed[i])
			outp->dim[i] = world_intern(o->world, value_set(o, i, &req->arg[i]));
}

void atoms_time_box(struct atoms_op *o, struct policy_time time, struct region_box *box)
{
	uint64_t at = (uint64_t)time.now ^ IMAGE_BIAS;

	box->dim[REGION_TIME] = world_intern(
		o->world, time.determined ? region_set_range(o->space.arena, at, at, false)
					  : region_set_of(o->space.arena, NULL, 0, true));
}
