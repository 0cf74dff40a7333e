// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Enumeration of all that a small policy can tell apart.  Numbers go up to RANDOM_SMALL_MAX, names are
 * those of the system with all their beginnings and one letter more; times are where something begins or
 * ends, and just before.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/small_world.h"

/* ---- requests --------------------------------------------------------------------------------------- */

#define MAX_NAMES 96

static char names[MAX_NAMES][XM_NAME_MAX + 1];
static unsigned int n_names;

static void note_name(const char *name)
{
	for (unsigned int i = 0; i < n_names; i++)
		if (!strcmp(names[i], name))
			return;
	if (n_names == MAX_NAMES)
		abort();
	strcpy(names[n_names++], name);
}

static void note_names(const struct system *sys)
{
	char name[XM_NAME_MAX + 1];
	uint32_t n;
	const struct system_partition *part = system_partitions(sys, &n);

	n_names = 0;
	for (uint32_t i = 0; i < n; i++) {
		for (size_t len = 0; len <= strlen(part[i].name); len++) {
			snprintf(name, sizeof(name), "%.*s", (int)len, part[i].name);
			note_name(name);
		}
		strcat(name, "~");
		note_name(name);
	}
}

#define MASKED 8 /* values that masks tell apart */

/* How many values of an argument there are to try. */
static unsigned int n_values(const struct system *sys, const struct xm_arg *arg)
{
	uint32_t n;

	switch (arg->domain) {
	case XM_D_SELF:
	case XM_D_PARTITION:
		system_partitions(sys, &n);
		return n + 1;
	case XM_D_SAMPLING_PORT:
		system_ports(sys, &n);
		return n < MASKED ? MASKED : n + 1;
	case XM_D_HYPERVISOR:
		return 9;
	case XM_D_ENUM:
		return 4;
	default:
		if (arg->type == XM_T_NAME)
			return n_names + 1;
		if (!xm_type_is_scalar(arg->type))
			return 1;
		return arg->type == XM_T_S32 ? 2 * RANDOM_SMALL_MAX : RANDOM_SMALL_MAX;
	}
}

static void put_value(const struct xm_arg *arg, unsigned int i, struct xm_value *v)
{
	memset(v, 0, sizeof(*v));
	if (arg->type == XM_T_NAME) {
		v->state = i == n_names ? XM_ST_NULL : XM_ST_OK;
		v->data = i == n_names ? NULL : (const uint8_t *)names[i];
		v->len = i == n_names ? 0 : (uint32_t)strlen(names[i]);
	} else if (arg->domain == XM_D_HYPERVISOR) {
		v->num = i < 8 ? i : XM_HYPERVISOR_ID;
	} else {
		v->num = arg->type == XM_T_S32 ? (uint64_t)((int64_t)i - RANDOM_SMALL_MAX) : i;
	}
}

/* Of an operation that rules can only name by its class, the first argument is enough. */
static void add_requests(struct small_world *w, unsigned int op_id, uint32_t self, bool whole)
{
	const struct xm_op *op = &xm_ops[op_id];
	const struct system *sys = w->rig->p.shape.sys;
	unsigned int at[XM_MAX_ARGS] = { 0 }, arg;

	do {
		struct small_request *r = &w->request[w->n_requests++];

		if (w->n_requests > SMALL_REQUESTS)
			abort();
		memset(r, 0, sizeof(*r));
		r->req.op = op_id;
		r->self = self;
		for (arg = 0; arg < op->n_args; arg++)
			put_value(&op->args[arg], at[arg], &r->req.arg[arg]);
		for (arg = 0; arg < op->n_args; arg++) {
			if ((!arg || whole) && ++at[arg] < n_values(sys, &op->args[arg]))
				break;
			at[arg] = 0;
		}
	} while (arg < op->n_args);
}

/* ---- askers and times ---------------------------------------------------------------------------------- */

static void add_askers(struct small_world *w, unsigned int ids)
{
	for (unsigned int uid = 0; uid <= ids + 1; uid++)
		for (unsigned int set = 0; set < 1u << ids; set++) {
			struct rig_case *a = &w->asker[w->n_askers++];

			memset(a, 0, sizeof(*a));
			a->uid = uid == ids ? 4242 : uid;
			for (unsigned int g = 0; g < ids; g++)
				if (set >> g & 1)
					a->gids[a->n_gids++] = g;
		}
}

static void add_moment(struct small_world *w, int64_t now, bool determined)
{
	if (now < RANDOM_NOW || w->n_moments == SMALL_MOMENTS)
		return;
	w->moment[w->n_moments++] = (struct naive_moment){ now, determined };
}

static void add_moments(struct small_world *w)
{
	const struct random_policy *p = &w->rig->p;

	add_moment(w, RANDOM_NOW, false);
	add_moment(w, RANDOM_NOW, true);
	for (unsigned int i = 0; i < p->n_times; i++) {
		add_moment(w, p->times[i] - 1, true);
		add_moment(w, p->times[i], true);
	}
	for (unsigned int i = 0; i < 40 && p->n_windows; i++)
		add_moment(w, random_now(p), true);
}

/* ---- what the naive interpreter says ----------------------------------------------------------------- */

static uint64_t bits(const bool *rules, uint32_t n)
{
	uint64_t set = 0;

	for (uint32_t r = 0; r < n; r++)
		set |= (uint64_t)rules[r] << r;
	return set;
}

static void judge_request(struct small_world *w, struct small_request *r)
{
	struct naive *naive = w->rig->naive;
	bool rules[SMALL_RULES];

	naive_matching(naive, &r->req, r->self, rules);
	r->matches = bits(rules, naive_n_rules(naive));
	r->nevers = 0;
	for (uint32_t i = 0; i < naive_n_nevers(naive); i++)
		r->nevers |= (uint64_t)naive_never_covers(naive, i, &r->req, r->self) << i;
}

/* One rule alone says by its decision what it does now: allow, deny (with the rule), or nothing. */
static void judge_place(struct small_world *w, struct small_place *p)
{
	struct naive *naive = w->rig->naive;
	const struct rig_case *a = &w->asker[p->asker];
	const struct naive_asker asker = { a->uid, false, a->gids, a->n_gids };
	const struct naive_moment moment = w->moment[p->moment];
	bool rules[SMALL_RULES];

	naive_having(naive, &asker, moment, rules);
	p->has = bits(rules, naive_n_rules(naive));
	p->denies = p->allows = p->watches = p->nevers = 0;
	for (uint32_t r = 0; r < naive_n_rules(naive); r++) {
		bool one[SMALL_RULES] = { false };
		struct naive_answer answer;

		if (!rules[r])
			continue;
		one[r] = true;
		answer = naive_conclude(naive, one, moment, NULL);
		p->allows |= (uint64_t)answer.allowed << r;
		p->watches |= (uint64_t)(answer.observed == r) << r;
		p->denies |= (uint64_t)(!answer.allowed && answer.rule == r) << r;
	}
	for (uint32_t i = 0; i < naive_n_nevers(naive); i++)
		p->nevers |= (uint64_t)!naive_never_excepts(naive, i, &asker) << i;
}

static bool same_place(const struct small_place *a, const struct small_place *b)
{
	return a->has == b->has && a->denies == b->denies && a->allows == b->allows &&
	       a->watches == b->watches && a->nevers == b->nevers;
}

static void judge(struct small_world *w)
{
	if (naive_n_rules(w->rig->naive) > SMALL_RULES || naive_n_nevers(w->rig->naive) > 64)
		abort();
	for (unsigned int i = 0; i < w->n_requests; i++)
		judge_request(w, &w->request[i]);
	w->n_places = 0;
	for (unsigned int a = 0; a < w->n_askers; a++)
		for (unsigned int m = 0; m < w->n_moments; m++) {
			struct small_place *p = &w->place[w->n_places];
			unsigned int i = 0;

			*p = (struct small_place){ .asker = a, .moment = m };
			judge_place(w, p);
			while (i < w->n_places && !same_place(p, &w->place[i]))
				i++;
			w->place_of[a][m] = i;
			w->n_places += i == w->n_places;
		}
}

void small_world_make(struct small_world *w, struct rig *rig, uint32_t self)
{
	static const unsigned int by_class[] = { XM_OP_RESUME_PARTITION, XM_OP_SHUTDOWN_PARTITION,
						 XM_OP_SET_PARTITION_OPMODE,
						 XM_OP_TRACE_UNRECOVERABLE };
	uint32_t n;

	w->rig = rig;
	w->n_requests = w->n_askers = w->n_moments = 0;
	system_partitions(rig->p.shape.sys, &n);
	note_names(rig->p.shape.sys);
	for (uint32_t id = 0; id < n; id++) {
		if (self != UINT32_MAX && self != id)
			continue;
		for (unsigned int i = 0; i < RANDOM_SMALL_OPS; i++)
			add_requests(w, random_small_ops[i], id, true);
		for (unsigned int i = 0; i < sizeof(by_class) / sizeof(by_class[0]); i++)
			add_requests(w, by_class[i], id, false);
	}
	add_askers(w, rig->p.shape.ids);
	add_moments(w);
	judge(w);
}

void small_world_copy(struct small_world *w, struct rig *rig, const struct small_world *from)
{
	w->rig = rig;
	w->n_requests = from->n_requests;
	w->n_askers = from->n_askers;
	w->n_moments = from->n_moments;
	memcpy(w->request, from->request, from->n_requests * sizeof(w->request[0]));
	memcpy(w->asker, from->asker, from->n_askers * sizeof(w->asker[0]));
	memcpy(w->moment, from->moment, from->n_moments * sizeof(w->moment[0]));
	judge(w);
}

bool small_world_check(struct small_world *w, unsigned int request, unsigned int asker,
		       unsigned int moment)
{
	const struct small_request *r = &w->request[request];
	struct rig_case c = w->asker[asker];
	struct rig_answers answers;

	c.req = r->req;
	c.self = r->self;
	c.moment = w->moment[moment];
	rig_ask(w->rig, &c, &answers);
	if (!answers.differ &&
	    answers.naive.allowed == small_allows(r, &w->place[w->place_of[asker][moment]]))
		return true;
	rig_print_case(&c);
	return false;
}
