// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The nearest miss: which change of a denied request, as small as can be, makes it an allowed one.  Must
 * never propose a request that is denied, too.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/prove_query.h"

/* What a change costs: of things that need equally many, the one that asks for no grant is nearer. */
#define COST_VALUE 2 /* of an argument, or the time */
#define COST_GRANT 3
#define COST_MEMBER 1 /* each thing more that one would have to be */

#define TIME (1u << XM_MAX_ARGS) /* beside the arguments, as bits */

struct candidate {
	uint32_t entry;
	uint32_t box;
	uint32_t cost;
	unsigned int failed; /* arguments and time, as bits */
	bool granted;
};

struct seeker {
	struct world w;
	struct atoms_op *o;
	struct region_box asked;
	uint32_t subject;
	struct buffer candidates; /* struct candidate */
	struct query q;
	const struct candidate *best;
	bool best_other_time;
	struct prove_witness witness;
	struct prove_witness best_witness;
	bool undecided;
};

static bool takes(void *data, const struct atoms_entry *entry)
{
	(void)data;
	return entry->classes & ATOMS_DENY;
}

/* ---- candidates -------------------------------------------------------------------------------- */

static bool fits(const struct region_box *a, const struct region_box *b, unsigned int dim)
{
	return !a->dim[dim] || !b->dim[dim] || region_set_touches(a->dim[dim], b->dim[dim]);
}

static uint32_t missing_members(const struct seeker *s, uint32_t cube)
{
	const struct atoms_cube *have = world_cube(&s->w, s->subject);
	const struct atoms_cube *want = world_cube(&s->w, cube);
	uint32_t missing = want->uid != ATOMS_ANY_USER && want->uid != have->uid;

	for (uint32_t i = 0; i < want->n; i++) {
		bool has = false;

		for (uint32_t j = 0; j < have->n && !has; j++)
			has = have->gids[j] == want->gids[i];
		missing += !has;
	}
	return missing;
}

static void add_candidate(struct seeker *s, uint32_t entry, uint32_t number)
{
	const struct region_box *box = &s->o->entry[entry].box[number];
	struct candidate c = { .entry = entry, .box = number };
	uint32_t missing = missing_members(s, s->o->entry[entry].cube);
	struct region_box both;

	for (unsigned int i = 0; i < xm_ops[s->o->op].n_args; i++)
		if (!fits(&s->asked, box, i))
			c.failed |= 1u << i;
	both = s->asked;
	both.dim[REGION_WEEK] = box->dim[REGION_WEEK];
	if (!fits(&s->asked, box, REGION_TIME) || !region_box_is_possible(&s->o->space, &both))
		c.failed |= TIME;
	/* The port is not one of those whose names fit, though its number is. */
	both = s->asked;
	both.dim[REGION_PORT] = box->dim[REGION_PORT];
	if (!region_box_is_possible(&s->o->space, &both))
		c.failed |= 1u << 1;
	c.granted = !missing;
	c.cost = COST_VALUE * (uint32_t)__builtin_popcount(c.failed) +
		 (missing ? COST_GRANT + COST_MEMBER * (missing - 1) : 0);
	buffer_push(&s->candidates, &c, sizeof(c));
}

static int by_rule(const struct seeker *s, const struct candidate *x, const struct candidate *y)
{
	uint32_t a = s->o->entry[x->entry].rule, b = s->o->entry[y->entry].rule;

	return a < b ? -1 : a > b;
}

/* ---- trying ------------------------------------------------------------------------------------ */

static bool keep(void *data, const struct region_box *piece)
{
	struct seeker *s = data;
	const struct atoms_op *o = s->o;

	return atoms_witness(o, s->q.cube, piece, &s->witness);
}

/* Who asks, with what the grant is to; or, if that is another user, just the latter. */
static uint32_t principal(struct seeker *s, const struct candidate *c)
{
	uint32_t cube = s->o->entry[c->entry].cube, both;

	return world_cube_and(&s->w, s->subject, cube, &both) ? both : cube;
}

/* The candidate with these arguments (and time) free within it, and the others as they are. */
static bool try(struct seeker *s, const struct candidate *c, unsigned int changed)
{
	const struct region_box *box = &s->o->entry[c->entry].box[c->box];
	struct region_box kept = s->asked, both;

	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		if (changed >> i & 1)
			kept.dim[i] = NULL;
	if (changed & TIME)
		kept.dim[REGION_TIME] = NULL;
	if (!region_box_and(&s->o->space, &kept, box, &both))
		return false;
	s->witness.req.op = XM_N_OPS;
	if (query_left(&s->q, principal(s, c), &both, keep, s) == REGION_UNDECIDED)
		s->undecided = true;
	return s->witness.req.op != XM_N_OPS;
}

/* With `more` things changed beside those that must be; time as the last. */
static bool try_more(struct seeker *s, const struct candidate *c, unsigned int more)
{
	unsigned int args = (1u << xm_ops[s->o->op].n_args) - 1;

	for (unsigned int i = 0; i < 2 * (args + 1); i++) {
		unsigned int changed = (i & args) | (i > args ? TIME : 0);

		if ((changed & c->failed) || (unsigned int)__builtin_popcount(changed) != more ||
		    !try(s, c, changed | c->failed))
			continue;
		s->best_other_time = (changed | c->failed) & TIME;
		return true;
	}
	return false;
}

static void seek(struct seeker *s)
{
	const struct candidate *c = (const void *)s->candidates.data;
	size_t n = BUFFER_N(&s->candidates, *c);
	uint32_t most = 0;

	for (size_t i = 0; i < n; i++)
		if (c[i].cost > most)
			most = c[i].cost;
	most += COST_VALUE * (xm_ops[s->o->op].n_args + 1);
	for (uint32_t cost = 0; cost <= most && !s->best && !s->undecided; cost++)
		for (size_t i = 0; i < n && !s->undecided; i++) {
			uint32_t more = (cost - c[i].cost) / COST_VALUE;

			if (cost < c[i].cost || (cost - c[i].cost) % COST_VALUE ||
			    (s->best && by_rule(s, s->best, &c[i]) <= 0))
				continue;
			if (!try_more(s, &c[i], more))
				continue;
			s->best = &c[i];
			prove_witness_copy(&s->best_witness, &s->witness);
		}
}

/* ---- the whole --------------------------------------------------------------------------------- */

static void find_candidates(struct seeker *s, const struct policy_subject *subject,
			    const struct xm_request *req, struct policy_time time)
{
	s->o = &s->w.op[req->op];
	atoms_request_box(s->o, req, NULL, &s->asked);
	atoms_time_box(s->o, time, &s->asked);
	s->subject = world_cube_of(&s->w, subject->uid, subject->gids, subject->n_gids);
	query_init(&s->q, s->o, takes, NULL);
	for (uint32_t i = 0; i < s->o->n; i++)
		for (uint32_t j = 0;
		     (s->o->entry[i].classes & ATOMS_ALLOW) && j < s->o->entry[i].n_boxes; j++)
			add_candidate(s, i, j);
}

static void tell(struct seeker *s, void (*found)(void *data, const struct prove_nearest *nearest),
		 void *data)
{
	const struct atoms_entry *e = &s->o->entry[s->best->entry];
	struct prove_nearest out = {
		.rule = e->rule,
		.clause = e->clause,
		.grant = s->best->granted ? IMAGE_NONE : e->grant,
		.n_constraints = (uint32_t)__builtin_popcount(s->best->failed & ~TIME),
		.other_time = s->best_other_time,
		.witness = &s->best_witness,
	};

	if (found)
		found(data, &out);
}

enum prove_result prove_nearest(const struct policy_image *image,
				const struct policy_subject *subject, const struct xm_request *req,
				struct policy_time time, const struct prove_options *options,
				void (*found)(void *data, const struct prove_nearest *nearest),
				void *data)
{
	struct seeker *s = calloc(1, sizeof(*s));
	int64_t now = world_now(image, NULL, options);
	enum prove_result result;
	bool is_found;

	if (!s)
		abort();
	if (time.determined && time.now < now)
		now = time.now;
	if (!world_init(&s->w, image, NULL, req->op,
			options->self == PROVE_ANY_PARTITION ? 0 : options->self, now, req, NULL,
			false))
		s->undecided = true;
	s->w.steps = options->budget ? options->budget : PROVE_BUDGET;
	find_candidates(s, subject, req, time);
	seek(s);
	is_found = s->best != NULL;
	if (is_found)
		tell(s, found, data);
	result = is_found ? PROVE_BROKEN : s->undecided ? PROVE_UNDECIDED : PROVE_HOLDS;
	query_deinit(&s->q);
	buffer_free(&s->candidates);
	world_free(&s->w);
	free(s);
	return result;
}
