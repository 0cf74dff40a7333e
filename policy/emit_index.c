// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The index of the image: from (operation, principal) to the entries of each role that it has.  Entries
 * are made once a role and operation, whoever has it.  Owns nothing that lasts.  Must never leave out a
 * grant of a role, nor give one entry to a principal twice under the same conditions.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/model.h"

#define SLOTS_MAX (POLICY_IMAGE_MAX / sizeof(struct image_slot))
#define RUN_MAX UINT16_MAX

/* What stands before what in a slot. */
enum { ENTRY_DENY, ENTRY_ALLOW, ENTRY_SHADOW, N_ENTRY_KINDS };

/* Entries of one role for one operation that stand together. */
struct run {
	uint16_t op;
	uint16_t n[N_ENTRY_KINDS];
	uint32_t first;
};

/* What one principal has, before sorting. */
struct had {
	uint64_t key;
	uint32_t run;
	uint32_t all; /* the grant whose members must all match, or IMAGE_NONE */
	uint32_t when;
	uint32_t grant;
};

struct indexer {
	struct compilation *c;
	struct buffer runs; /* struct run */
	struct buffer had;  /* struct had */
};

/* ---- entries ----------------------------------------------------------------------------------- */

/* One clause of a role. */
struct said {
	uint32_t op;
	uint32_t kind;
	uint32_t clause;
	const struct rule *rule;
};

static int by_meaning(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->op != y->op)
		return x->op < y->op ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->clause < y->clause ? -1 : x->clause > y->clause;
}

static uint32_t kind_of(const struct rule *rule)
{
	if (rule->effect == POLICY_DENY)
		return ENTRY_DENY;
	return rule->observe ? ENTRY_SHADOW : ENTRY_ALLOW;
}

static void collect_clauses(const struct compilation *c, const struct role *role,
			    struct buffer *said)
{
	const struct image_clause *clause =
		BUFFER_AT(&c->out.table[IMAGE_CLAUSES], struct image_clause, 0);

	for (const struct rule *rule = role->rules; rule; rule = rule->next)
		for (uint32_t i = 0; i < rule->n_clauses; i++) {
			struct said one = {
				.op = clause[rule->first_clause + i].op,
				.kind = kind_of(rule),
				.clause = rule->first_clause + i,
				.rule = rule,
			};

			buffer_push(said, &one, sizeof(one));
		}
	if (said->len)
		qsort(said->data, BUFFER_N(said, struct said), sizeof(struct said), by_meaning);
}

static void emit_entry(struct compilation *c, const struct said *said)
{
	const struct image_clause *clause =
		BUFFER_AT(&c->out.table[IMAGE_CLAUSES], struct image_clause, said->clause);
	const struct image_rule *rule =
		BUFFER_AT(&c->out.table[IMAGE_RULES], struct image_rule, said->rule->number);
	const struct image_parts parts = {
		.constraints = (const void *)c->out.table[IMAGE_CONSTRAINTS].data,
		.terms = (const void *)c->out.table[IMAGE_TERMS].data,
		.intervals = (const void *)c->out.table[IMAGE_INTERVALS].data,
		.masks = (const void *)c->out.table[IMAGE_MASKS].data,
		.names = (const void *)c->out.table[IMAGE_NAMES].data,
	};
	struct image_entry entry = {
		.rule = said->rule->number,
		.first_constraint = clause->first_constraint,
		.n_constraints = (uint8_t)clause->n_constraints,
		.covers = clause->covers,
		.audit = rule->audit,
		.shadow = rule->observe_until != IMAGE_NO_TIME,
		.clause = said->clause,
		.limit = rule->limit,
	};

	image_sieve_entry(&entry, &parts);
	buffer_push(&c->out.table[IMAGE_ENTRIES], &entry, sizeof(entry));
}

static uint32_t run_length(const struct run *run)
{
	return (uint32_t)run->n[ENTRY_DENY] + run->n[ENTRY_ALLOW] + run->n[ENTRY_SHADOW];
}

/* The runs of a role, once. */
static void emit_role(struct indexer *x, struct role *role)
{
	struct buffer *entries = &x->c->out.table[IMAGE_ENTRIES];
	struct buffer said = { 0 };
	struct run *run = NULL;

	role->emitted = true;
	role->first_run = (uint32_t)BUFFER_N(&x->runs, *run);
	collect_clauses(x->c, role, &said);
	for (size_t i = 0; i < BUFFER_N(&said, struct said); i++) {
		const struct said *one = BUFFER_AT(&said, struct said, i);
		struct run new = {
			.op = (uint16_t)one->op,
			.first = (uint32_t)BUFFER_N(entries, struct image_entry),
		};

		if (!run || run->op != new.op || run_length(run) == RUN_MAX) {
			buffer_push(&x->runs, &new, sizeof(new));
			run = BUFFER_AT(&x->runs, struct run, BUFFER_N(&x->runs, *run) - 1);
		}
		emit_entry(x->c, one);
		run->n[one->kind]++;
	}
	role->n_runs = (uint32_t)BUFFER_N(&x->runs, *run) - role->first_run;
	buffer_free(&said);
}

/* ---- who has them ------------------------------------------------------------------------------ */

static void add_runs(struct indexer *x, const struct grant *grant, uint32_t number,
		     const struct role *role)
{
	enum image_principal kind = grant->kind;
	uint32_t id = grant->id;

	if (kind == IMAGE_ALL) {
		kind = grant->members->kind;
		id = grant->members->id;
	}
	for (uint32_t i = 0; i < role->n_runs; i++) {
		uint32_t run = role->first_run + i;
		struct had had = {
			.key = image_key(BUFFER_AT(&x->runs, struct run, run)->op, kind, id),
			.run = run,
			.all = grant->kind == IMAGE_ALL ? number : IMAGE_NONE,
			.when = grant->when ? grant->when->number : IMAGE_NONE,
			.grant = number,
		};

		buffer_push(&x->had, &had, sizeof(had));
	}
}

static void collect(struct indexer *x, const struct grant *grant, uint32_t number,
		    struct role *role)
{
	if (role->mark == number || BUFFER_N(&x->had, struct had) > SLOTS_MAX)
		return;
	role->mark = number;
	if (!role->emitted)
		emit_role(x, role);
	add_runs(x, grant, number, role);
	for (const struct include *include = role->includes; include; include = include->next)
		if (include->role)
			collect(x, grant, number, include->role);
}

/* Those that give the same, by different grants, are equal. */
static int compare_given(const struct had *x, const struct had *y)
{
	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (x->all != y->all)
		return x->all < y->all ? -1 : 1;
	return x->when < y->when ? -1 : x->when > y->when;
}

static int compare_had(const void *a, const void *b)
{
	const struct had *x = a, *y = b;
	int order = compare_given(x, y);

	if (order)
		return order;
	return x->grant < y->grant ? -1 : x->grant > y->grant;
}

/* Sorted, and of those that are equal the first grant. */
static void settle(struct buffer *buffer)
{
	struct had *had = (void *)buffer->data;
	size_t n = BUFFER_N(buffer, *had), kept = 0;

	if (!n)
		return;
	qsort(had, n, sizeof(*had), compare_had);
	for (size_t i = 0; i < n; i++)
		if (!i || compare_given(&had[i], &had[kept - 1]))
			had[kept++] = had[i];
	buffer->len = kept * sizeof(*had);
}

/* ---- slots ------------------------------------------------------------------------------------- */

static struct image_slot *free_slot(struct buffer *index, uint64_t key)
{
	struct image_slot *slots = (void *)index->data;
	uint32_t mask = (uint32_t)BUFFER_N(index, *slots) - 1;
	uint32_t i = image_hash(key) & mask;

	while (slots[i].key)
		i = (i + 1) & mask;
	return &slots[i];
}

static void emit_slots(struct indexer *x)
{
	struct buffer *index = &x->c->out.table[IMAGE_INDEX];
	size_t n = BUFFER_N(&x->had, struct had), slots = 8;

	while (3 * slots < 4 * n)
		slots *= 2;
	buffer_add(index, slots * sizeof(struct image_slot));
	for (size_t i = 0; i < n; i++) {
		const struct had *had = BUFFER_AT(&x->had, struct had, i);
		const struct run *run = BUFFER_AT(&x->runs, struct run, had->run);

		*free_slot(index, had->key) = (struct image_slot){
			.key = had->key,
			.first = run->first,
			.n_deny = run->n[ENTRY_DENY],
			.n_allow = run->n[ENTRY_ALLOW],
			.n_shadow = run->n[ENTRY_SHADOW],
			.flags = (uint16_t)((had->all != IMAGE_NONE ? IMAGE_SLOT_ALL : 0) |
					    (had->when != IMAGE_NONE ? IMAGE_SLOT_WHEN : 0)),
			.grant = had->grant,
		};
	}
}

void emit_index(struct compilation *c)
{
	struct indexer x = { .c = c };

	for (uint32_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++) {
		const struct grant *grant = *BUFFER_AT(&c->grants, struct grant *, i);

		for (const struct granted *g = grant->granted; g; g = g->next)
			collect(&x, grant, i, g->role);
	}
	settle(&x.had);
	emit_slots(&x);
	buffer_free(&x.runs);
	buffer_free(&x.had);
}
