// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a rule says beside what it allows: how often, and since when in earnest.  Owns the keys by which
 * the buckets of limits outlive a policy.  Must never give two rules of a policy the same one.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/model.h"

static const char *const limit_keys[] = { "rate", "burst" };
#define N_LIMIT_KEYS (sizeof(limit_keys) / sizeof(limit_keys[0]))

/* ---- reading ----------------------------------------------------------------------------------- */

static uint32_t period_of(const char *unit)
{
	if (!strcmp(unit, "s"))
		return 1;
	if (!strcmp(unit, "min"))
		return 60;
	if (!strcmp(unit, "h"))
		return 3600;
	return strcmp(unit, "d") ? 0 : 86400;
}

static bool is_amount(const char *text, uint32_t *np)
{
	bool negative;
	uint64_t value;

	if (!policy_number(text, &value, &negative) || negative || !value ||
	    value > IMAGE_LIMIT_MAX)
		return false;
	*np = (uint32_t)value;
	return true;
}

static void parse_rate(struct compilation *c, const struct node *node, struct limit *limit)
{
	const char *slash;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "rate"))
		return;
	slash = strchr(node->text, '/');
	limit->period = slash ? period_of(slash + 1) : 0;
	if (!limit->period ||
	    !is_amount(arena_strndup(&c->arena, node->text, (size_t)(slash - node->text)),
		       &limit->count))
		node_error(c->diag, node, "write 6/min: 1 to 1000000, per s, min, h or d",
			   "'%s' is no rate", node->text);
}

static void parse_burst(struct compilation *c, const struct node *node, struct limit *limit)
{
	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "burst"))
		return;
	if (!node->plain || !is_amount(node->text, &limit->burst))
		node_error(c->diag, node,
			   node->plain ? "a number from 1 to 1000000" : "remove the quotes",
			   "'%s' is no burst", node->text);
}

/* A key of a map, or NULL. */
static const struct node *key_of(const struct node *map, const char *name)
{
	NODE_FOR_EACH_KEY(key, map)
	if (!strcmp(key->text, name))
		return key;
	return NULL;
}

void policy_parse_limit(struct compilation *c, struct rule *rule)
{
	const struct node *key = key_of(rule->node, "limit");
	const struct node *map = key ? key->next : NULL;
	const struct node *rate, *burst;
	struct limit *limit;
	size_t errors;

	if (!map || map->bad)
		return;
	if (rule->effect == POLICY_DENY) {
		node_error(c->diag, key, "only what is allowed can be limited; remove it",
			   "a limit in a deny");
		return;
	}
	if (rule->observe) {
		node_error(c->diag, key, "remove it",
			   "a rule with observe_until, at %s:%u:%u, allows nothing that could be "
			   "limited",
			   rule->observe->source->name, rule->observe->line, rule->observe->column);
		return;
	}
	if (map->kind != NODE_MAP) {
		node_error(c->diag, map, "write {rate: 6/min, burst: 2}",
			   "a limit is a mapping with a rate");
		return;
	}
	errors = c->diag->n_errors;
	policy_check_keys(c, map, limit_keys, N_LIMIT_KEYS, "a limit");
	limit = arena_alloc(&c->arena, sizeof(*limit));
	limit->burst = 1;
	rate = node_get(map, "rate");
	burst = node_get(map, "burst");
	if (rate)
		parse_rate(c, rate, limit);
	else if (c->diag->n_errors == errors) /* else a key is misspelt, which was said */
		node_error(c->diag, map, "write {rate: 6/min, burst: 2}", "the limit has no rate");
	if (burst)
		parse_burst(c, burst, limit);
	rule->limit = limit;
}

void policy_parse_observe(struct compilation *c, struct rule *rule)
{
	const struct node *node = node_get(rule->node, "observe_until");
	char text[WHEN_TEXT];

	rule->observe_until = IMAGE_NO_TIME;
	if (!node)
		return;
	rule->observe = node;
	if (!policy_time(c, node, "observe_until", &rule->observe_until) ||
	    rule->observe_until > c->now)
		return;
	if (rule->effect == POLICY_ALLOW)
		node_warning(c->diag, node, "remove observe_until to allow it, or remove the rule",
			     "this has passed: the rule does nothing any more");
	else
		node_warning(c->diag, node, "remove observe_until",
			     "this has passed: the rule denies since %s",
			     when_text(rule->observe_until, text));
}

/* ---- the keys of buckets ------------------------------------------------------------------------ */

static uint64_t add_table(const struct compilation *c, uint64_t hash, enum image_table table,
			  uint32_t first, uint32_t n)
{
	size_t size = image_record_size[table];

	hash = image_fnv(hash, &n, sizeof(n));
	return n ? image_fnv(hash, c->out.table[table].data + first * size, n * size) : hash;
}

/* What a constraint wants, however it is written. */
static uint64_t constraint_key(const struct compilation *c, const struct image_constraint *record)
{
	const uint8_t what[] = { record->attribute, record->arg, record->length_arg,
				 record->width };
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, what, sizeof(what));

	for (uint32_t i = 0; i < record->n_terms; i++) {
		const struct image_term *term = BUFFER_AT(
			&c->out.table[IMAGE_TERMS], struct image_term, record->first_term + i);
		const uint8_t bits[] = { term->negated, term->self };

		hash = image_fnv(hash, bits, sizeof(bits));
		hash = add_table(c, hash, IMAGE_INTERVALS, term->first_interval, term->n_intervals);
		hash = add_table(c, hash, IMAGE_MASKS, term->first_mask, term->n_masks);
		hash = add_table(c, hash, IMAGE_NAMES, term->first_name, term->n_names);
	}
	return hash;
}

/* The order of constraints does not matter. */
static uint64_t clause_key(const struct compilation *c, uint64_t hash, const struct clause *clause)
{
	const char *name = xm_ops[clause->op].name;
	uint64_t all = 0;

	hash = image_fnv(hash, name, strlen(name) + 1);
	hash = image_fnv(hash, &clause->covers, sizeof(clause->covers));
	for (uint32_t i = 0; i < clause->n_constraints; i++)
		all += constraint_key(c, BUFFER_AT(&c->out.table[IMAGE_CONSTRAINTS],
						   struct image_constraint,
						   clause->first_constraint + i));
	return image_fnv(hash, &all, sizeof(all));
}

static uint64_t rule_key(const struct compilation *c, const struct rule *rule)
{
	const char *role = rule->role->name->text;
	uint64_t hash = image_fnv(IMAGE_FNV_BASIS, role, strlen(role) + 1);

	for (const struct clause *clause = rule->clauses; clause; clause = clause->next)
		hash = clause_key(c, hash, clause);
	return hash;
}

static int compare_limits(const void *a, const void *b)
{
	const struct image_limit *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return x->rule < y->rule ? -1 : x->rule > y->rule;
}

/* Rules that say the same in the same role: the second, the third, ... each have a key of their own. */
static void sort_limits(struct image_limit *limit, size_t n)
{
	bool again = n > 0;

	while (again) {
		uint32_t before = 0;

		qsort(limit, n, sizeof(*limit), compare_limits);
		again = false;
		for (size_t i = 1; i < n; i++) {
			uint64_t key = limit[i - 1 - before].key;

			if (limit[i].key != key) {
				before = 0;
				continue;
			}
			before++;
			limit[i].key = image_fnv(key, &before, sizeof(before));
			again = true;
			if (limit[i].key == key)
				limit[i].key++;
		}
	}
}

void limit_emit(struct compilation *c)
{
	struct buffer *limits = &c->out.table[IMAGE_LIMITS];
	struct rule **rules = (void *)c->rules.data;

	for (size_t i = 0; i < BUFFER_N(&c->rules, *rules); i++) {
		const struct limit *limit = rules[i]->limit;
		struct image_limit out = { .rule = (uint32_t)i };

		if (!limit)
			continue;
		out.key = rule_key(c, rules[i]);
		out.count = limit->count;
		out.period = limit->period;
		out.burst = limit->burst;
		buffer_push(limits, &out, sizeof(out));
	}
	sort_limits((void *)limits->data, BUFFER_N(limits, struct image_limit));
	for (uint32_t i = 0; i < BUFFER_N(limits, struct image_limit); i++)
		rules[BUFFER_AT(limits, struct image_limit, i)->rule]->limit->number = i;
}
