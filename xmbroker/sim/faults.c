// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Faults.  Owns the rules of the file, their counts and their random numbers.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/sim/faults.h"
#include "xmbroker/sim/scenario.h"

#define MILLION 1000000u

struct fault {
	unsigned int op;
	int partition;          /* -1: any */
	uint64_t nth, every;    /* 0: not by count */
	uint64_t probability;   /* in a million */
	uint64_t count, random; /* calls so far; state of the generator */
	enum xm_code code;      /* XM_C_OK: the call is carried out */
	int64_t delay;          /* us */
};

struct faults {
	size_t n;
	struct fault fault[];
};

/* ---- striking --------------------------------------------------------------------------------------- */

/* SplitMix64: the numbers are those of the seed, on every machine. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static bool strikes(struct fault *f)
{
	f->count++;
	if (f->nth)
		return f->count == f->nth;
	if (f->every)
		return f->count % f->every == 0;
	return next_random(&f->random) % MILLION < f->probability;
}

/* Every rule counts every call that it is about, whatever the others do. */
enum xm_code faults_strike(struct faults *faults, uint32_t partition, unsigned int op,
			   int64_t *delayp)
{
	enum xm_code code = XM_C_OK;

	for (size_t i = 0; i < faults->n; i++) {
		struct fault *f = &faults->fault[i];

		if (f->op != op || (f->partition >= 0 && (uint32_t)f->partition != partition) ||
		    !strikes(f))
			continue;
		if (code == XM_C_OK)
			code = f->code;
		*delayp += f->delay;
		if (*delayp > SYSTEM_MAX_TIME)
			*delayp = SYSTEM_MAX_TIME;
	}
	return code;
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static const char *const keys[] = { "call",        "partition", "nth",    "every",
				    "probability", "seed",      "result", "delay" };
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static void read_call(struct scenario *s, const struct node *rule, struct fault *f)
{
	const struct node *node = scenario_required(s, rule, "call");
	const char *name = node ? scenario_text(s, node) : NULL, *names[XM_N_OPS];
	int op = name ? xm_op_by_name(name) : -1;
	size_t n = 0;

	if (op > XM_OP_UNCLASSIFIED && !(xm_ops[op].flags & (XM_OPF_BROKER | XM_OPF_PUBLIC))) {
		f->op = (unsigned int)op;
		return;
	}
	if (!name)
		return;
	for (unsigned int i = 0; i < XM_N_OPS; i++)
		if (!(xm_ops[i].flags & (XM_OPF_BROKER | XM_OPF_PUBLIC)))
			names[n++] = xm_ops[i].name;
	node_error(s->diag, node, scenario_hint(s, name, names, n), "unknown hypercall '%s'", name);
}

static bool has_code(uint32_t profile, enum xm_code code)
{
	bool is_2 = profile == XM_PROFILE_ID_2_4 || profile == XM_PROFILE_ID_2_6;

	switch (code) {
	case XM_C_NO_ACTION:
		return !is_2;
	case XM_C_NOT_AVAILABLE:
		return is_2;
	default:
		return code != XM_C_OK && code < XM_C_UNKNOWN_OUTCOME;
	}
}

static void read_result(struct scenario *s, const struct node *node, struct fault *f)
{
	const char *name = scenario_text(s, node), *names[XM_N_CODES];
	size_t n = 0;

	for (unsigned int i = 0; name && i < XM_N_CODES; i++) {
		if (!has_code(s->profile, i))
			continue;
		names[n++] = xm_code_name(i);
		if (!strcmp(name, names[n - 1]))
			f->code = i;
	}
	if (name && f->code == XM_C_OK)
		node_error(s->diag, node, scenario_hint(s, name, names, n),
			   "'%s' is no failure that a hypervisor of profile %s reports", name,
			   xm_profile_name(s->profile));
}

/* A percentage: 10%, 0.25%. */
static bool to_millionths(const char *text, uint64_t *valuep)
{
	uint64_t value = 0, unit = MILLION / 100;
	const char *p = text;

	for (; *p >= '0' && *p <= '9' && value <= MILLION; p++)
		value = value * 10 + (uint64_t)(*p - '0') * unit;
	if (*p == '.' && p > text)
		for (p++; *p >= '0' && *p <= '9' && unit; p++)
			value += (uint64_t)(*p - '0') * (unit /= 10);
	*valuep = value;
	return p > text && !strcmp(p, "%") && value && value <= MILLION;
}

static void read_probability(struct scenario *s, const struct node *node, struct fault *f)
{
	const char *text = scenario_text(s, node);

	if (text && !to_millionths(text, &f->probability))
		node_error(s->diag, node, "write it as 10% or 0.5%",
			   "expected a percentage of at most 100%%, got '%s'", text);
}

static void read_when(struct scenario *s, const struct node *rule, struct fault *f)
{
	const struct node *nth = node_get(rule, "nth"), *every = node_get(rule, "every");
	const struct node *probability = node_get(rule, "probability");
	const struct node *seed = node_get(rule, "seed");

	if (!!nth + !!every + !!probability > 1)
		node_error(s->diag, rule, NULL, "only one of nth, every and probability can be");
	if (seed && !probability)
		node_error(s->diag, seed, NULL, "a seed belongs to a probability");
	if (nth)
		scenario_number(s, nth, 1, UINT64_MAX, &f->nth);
	if (every)
		scenario_number(s, every, 1, UINT64_MAX, &f->every);
	if (probability)
		read_probability(s, probability, f);
	if (seed)
		scenario_number(s, seed, 0, UINT64_MAX, &f->random);
	if (!nth && !every && !probability)
		f->every = 1;
}

static void read_rule(struct scenario *s, const struct node *rule, struct fault *f)
{
	const struct node *partition, *result, *delay;

	*f = (struct fault){ .partition = -1 };
	if (!scenario_is_map(s, rule, keys, N_KEYS))
		return;
	read_call(s, rule, f);
	read_when(s, rule, f);
	partition = node_get(rule, "partition");
	result = node_get(rule, "result");
	delay = node_get(rule, "delay");
	if (partition)
		f->partition = scenario_partition(s, partition);
	if (result)
		read_result(s, result, f);
	if (delay)
		scenario_time(s, delay, &f->delay);
	if (!result && !delay)
		node_error(s->diag, rule, NULL, "one of 'result' and 'delay' is missing");
}

int faults_load(const char *path, const struct system *sys, enum xm_profile profile,
		struct diag *diag, struct faults **faultsp)
{
	struct scenario s;
	struct faults *faults = NULL;
	int r = scenario_open(&s, path, sys, profile, diag);

	if (r == 0 && scenario_is_list(&s, s.root)) {
		faults = calloc(1, sizeof(*faults) + s.root->n * sizeof(faults->fault[0]));
		r = faults ? 0 : -ENOMEM;
	}
	if (faults)
		NODE_FOR_EACH(rule, s.root)
	read_rule(&s, rule, &faults->fault[faults->n++]);
	r = scenario_close(&s) < 0 && r == 0 ? -EINVAL : r;
	if (r < 0)
		faults_free(faults);
	else
		*faultsp = faults;
	return r;
}

void faults_free(struct faults *faults)
{
	free(faults);
}
