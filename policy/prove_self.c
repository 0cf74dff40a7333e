// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The partitions that must be looked at, one after the other, where the own one may be any.  Must never
 * leave one out of which something could be said that is not said of another that is looked at.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

/* ---- what depends on it -------------------------------------------------------------------------- */

static bool names_self(const struct policy_image *image, const struct image_constraint *c)
{
	const struct image_term *term = image_table(image, IMAGE_TERMS);

	for (uint32_t i = 0; i < c->n_terms; i++)
		if (term[c->first_term + i].self)
			return true;
	return false;
}

/* The arguments that a clause compares with the own partition, as bits. */
static unsigned int args_of(const struct policy_image *image, const struct image_clause *clause)
{
	const struct image_constraint *c = image_table(image, IMAGE_CONSTRAINTS);
	unsigned int args = 0;

	c += clause->first_constraint;
	for (uint32_t i = 0; i < clause->n_constraints; i++)
		if (names_self(image, &c[i]))
			args |= 1u << c[i].arg;
	if (clause->covers != IMAGE_COVERS_ALL && (xm_ops[clause->op].flags & XM_OPF_STOPS_SELF))
		args |= 1;
	return args;
}

static const enum image_table tables[] = { IMAGE_CLAUSES, IMAGE_NEVER_CLAUSES };

static unsigned int all_args_of(const struct policy_image *image, unsigned int op)
{
	unsigned int args = 0;

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		const struct image_clause *clause = image_table(image, tables[t]);

		for (uint32_t i = 0; i < image->table[tables[t]].count; i++)
			if (clause[i].op == op)
				args |= args_of(image, &clause[i]);
	}
	return args;
}

bool world_depends(const struct policy_image *image, unsigned int op)
{
	return all_args_of(image, op) != 0;
}

static bool depends(const struct policy_image *image, uint8_t args[XM_N_OPS])
{
	unsigned int any = 0;

	for (size_t t = 0; image && t < sizeof(tables) / sizeof(tables[0]); t++) {
		const struct image_clause *clause = image_table(image, tables[t]);

		for (uint32_t i = 0; i < image->table[tables[t]].count; i++)
			args[clause[i].op] |= (uint8_t)args_of(image, &clause[i]);
	}
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		any |= args[op];
	return any != 0;
}

/* ---- without a description ----------------------------------------------------------------------- */

/*
 * Two partitions are alike if all sets, of what is anywhere compared with the own one, have both or
 * neither: to exchange the two, there and as the own one, changes nothing then.  So one of each kind is
 * enough.
 */
struct kinds {
	uint32_t n;
	uint8_t of[SYSTEM_MAX_PARTITIONS]; /* ascending by the first of each kind */
};

static void mark_members(const struct policy_image *image, const struct image_term *term,
			 bool has[SYSTEM_MAX_PARTITIONS])
{
	const struct image_interval *interval = image_table(image, IMAGE_INTERVALS);
	const struct image_mask *mask = image_table(image, IMAGE_MASKS);

	for (uint32_t i = 0; i < term->n_intervals; i++) {
		const struct image_interval *in = &interval[term->first_interval + i];

		for (uint64_t id = in->low; id <= in->high && id < SYSTEM_MAX_PARTITIONS; id++)
			has[id] = true;
	}
	for (uint32_t i = 0; i < term->n_masks; i++)
		for (uint32_t id = 0; id < SYSTEM_MAX_PARTITIONS; id++)
			if ((id & mask[term->first_mask + i].mask) == mask[term->first_mask + i].is)
				has[id] = true;
}

/* Of each kind, those that are in the set become one of their own. */
static void part(struct kinds *k, const bool has[SYSTEM_MAX_PARTITIONS])
{
	uint8_t kind[SYSTEM_MAX_PARTITIONS][2];
	uint32_t n = 0;

	memset(kind, UINT8_MAX, sizeof(kind));
	for (uint32_t id = 0; id < SYSTEM_MAX_PARTITIONS; id++) {
		uint8_t *new = &kind[k->of[id]][has[id]];

		if (*new == UINT8_MAX)
			*new = (uint8_t)n++;
		k->of[id] = *new;
	}
	k->n = n;
}

static void part_by_term(struct kinds *k, const struct policy_image *image,
			 const struct image_term *term)
{
	bool has[SYSTEM_MAX_PARTITIONS] = { false };

	mark_members(image, term, has);
	part(k, has);
}

/* The ports of its partitions tell them apart. */
static void part_by_system(struct kinds *k, const struct policy_image *image)
{
	const struct system *sys = policy_image_system(image);
	uint32_t n = 0;

	if (sys)
		system_partitions(sys, &n);
	for (uint32_t id = 0; id < n && id < SYSTEM_MAX_PARTITIONS; id++) {
		bool has[SYSTEM_MAX_PARTITIONS] = { false };

		has[id] = true;
		part(k, has);
	}
}

static void part_by_image(struct kinds *k, const struct policy_image *image,
			  const uint8_t args[XM_N_OPS])
{
	const struct image_constraint *constraints = image_table(image, IMAGE_CONSTRAINTS);
	const struct image_term *term = image_table(image, IMAGE_TERMS);

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		const struct image_clause *clause = image_table(image, tables[t]);

		for (uint32_t i = 0; i < image->table[tables[t]].count; i++, clause++) {
			const struct image_constraint *c = constraints + clause->first_constraint;

			for (uint32_t j = 0; j < clause->n_constraints; j++, c++)
				for (uint32_t m = 0; (args[clause->op] >> c->arg & 1) &&
						     m < c->n_terms && k->n < SYSTEM_MAX_PARTITIONS;
				     m++)
					part_by_term(k, image, &term[c->first_term + m]);
		}
	}
}

static void add_kinds(struct buffer *selves, const struct policy_image *first,
		      const struct policy_image *second, const uint8_t args[XM_N_OPS])
{
	struct kinds k = { .n = 1 };
	uint32_t next = 0;

	part_by_system(&k, first);
	part_by_image(&k, first, args);
	if (second)
		part_by_image(&k, second, args);
	for (uint32_t id = 0; id < SYSTEM_MAX_PARTITIONS; id++)
		if (k.of[id] == next) {
			buffer_push(selves, &id, sizeof(id));
			next++;
		}
}

/* ---- the whole ----------------------------------------------------------------------------------- */

uint32_t *world_selves(struct arena *arena, const struct policy_image *first,
		       const struct policy_image *second, uint32_t self, uint32_t *np)
{
	uint32_t *out, n = 0, one = self == PROVE_ANY_PARTITION ? 0 : self;
	const struct system *sys = policy_image_system(second ? second : first);
	struct buffer selves = { 0 };
	uint8_t args[XM_N_OPS] = { 0 };
	bool any = depends(first, args);

	any = depends(second, args) || any; /* each of them fills `args` */
	any = any && self == PROVE_ANY_PARTITION;
	if (any && sys)
		system_partitions(sys, &n);
	for (uint32_t i = 0; i < n; i++)
		buffer_push(&selves, &i, sizeof(i));
	if (any && !sys)
		add_kinds(&selves, first, second, args);
	if (!selves.len)
		buffer_push(&selves, &one, sizeof(one));
	out = arena_alloc(arena, selves.len);
	memcpy(out, selves.data, selves.len);
	*np = (uint32_t)BUFFER_N(&selves, one);
	buffer_free(&selves);
	return out;
}
