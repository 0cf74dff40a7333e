// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Whether a condition leaves any value.  Exact where the values of the domain can be looked at one by
 * one, and for intervals and names; for masks on larger domains it is the proofs that tell.  Must never
 * say that none is left while one is.
 */

#include "policy/set.h"

static bool is_any_name(const struct image_name *name)
{
	return name->prefix && !name->len;
}

static bool is_in(const struct set *set, uint64_t value)
{
	const struct image_mask *mask = (const void *)set->masks.data;

	for (size_t i = 0; i < BUFFER_N(&set->masks, *mask); i++)
		if ((value & mask[i].mask) == mask[i].is)
			return true;
	return set_has(set, value);
}

/* Whether the condition holds of a number, taken for one that is not the own partition's. */
static bool holds_of(void *data, uint64_t value)
{
	const struct set_leaves *l = data;

	for (size_t i = 0; i < l->n; i++)
		if (!is_in(&l->negated[i], value))
			return true;
	return is_in(l->positive, value);
}

/* Whether a value can be outside of the set. */
static bool leaves_others(const struct set_leaves *l, const struct set *set)
{
	struct set rest = { .self = false };
	bool leaves;

	if (l->cond->kind == IMAGE_NAME)
		return !is_any_name((const void *)set->names.data);
	set_add_complement(&rest, set, l->min, l->max);
	leaves = domain_leaves(l->c, l->cond, &rest);
	set_free(&rest);
	return leaves;
}

bool set_leaves(struct set_leaves *l)
{
	enum domain_has has = DOMAIN_LARGE;

	if (l->cond->kind == IMAGE_NUMBER && !l->positive->self)
		has = domain_find(l->c, l->cond, holds_of, l);
	if (has != DOMAIN_LARGE)
		return has == DOMAIN_SOME;
	for (size_t i = 0; i < l->n; i++)
		if (leaves_others(l, &l->negated[i]))
			return true;
	return l->positive->self || l->positive->masks.len || l->positive->names.len ||
	       domain_leaves(l->c, l->cond, l->positive);
}
