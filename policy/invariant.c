// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Invariants: what nobody but some may ever be allowed.  Owns their way from the policy into the image,
 * where they decide nothing; that they hold is proved from there.  Must never take one for less than it
 * says: what cannot be understood is an error, and not an invariant that holds.
 */

#include <string.h>

#include "policy/model.h"

static const char *const never_keys[] = { "calls", "where", "except", "because" };
#define N_NEVER_KEYS (sizeof(never_keys) / sizeof(never_keys[0]))

static void add_except(struct compilation *c, void *to, const struct node *node)
{
	struct invariant *invariant = to;
	struct except *except = arena_alloc(&c->arena, sizeof(*except));

	except->grant.node = node;
	except->grant.to = node;
	if (invariant->last_except)
		invariant->last_except->next = except;
	else
		invariant->excepts = except;
	invariant->last_except = except;
}

static void parse_never(struct compilation *c, void *to, const struct node *node)
{
	const struct node *except;
	size_t errors = c->diag->n_errors;
	struct invariant *invariant;

	(void)to;
	if (node->bad || !policy_is_kind(c, node, NODE_MAP, "an invariant"))
		return;
	policy_check_keys(c, node, never_keys, N_NEVER_KEYS, "an invariant");
	invariant = arena_alloc(&c->arena, sizeof(*invariant));
	invariant->rule = (struct rule){
		.node = node,
		.ops = node_get(node, "calls"),
		.where = policy_where(c, node),
		.because = policy_because(c, node),
		.effect = POLICY_DENY,
		.observe_until = IMAGE_NO_TIME,
		.number = (uint32_t)BUFFER_N(&c->nevers, struct invariant *),
	};
	except = node_get(node, "except");
	if (except)
		policy_each(c, except, invariant, add_except);
	if (invariant->rule.ops)
		buffer_push(&c->nevers, &invariant, sizeof(invariant));
	else if (c->diag->n_errors == errors) /* else a key is misspelt, which was said */
		node_error(c->diag, node, "write calls: [OPERATION, ...]",
			   "the invariant does not say which calls");
}

void policy_parse_nevers(struct compilation *c, const struct node *root)
{
	const struct node *nevers = node_get(root, "never");

	if (nevers && !nevers->bad && policy_is_kind(c, nevers, NODE_LIST, "never"))
		policy_each(c, nevers, NULL, parse_never);
}

static void check_except(struct compilation *c, struct grant *grant)
{
	policy_resolve_principal(c, grant);
	if (grant->kind == IMAGE_EVERYONE)
		node_error(c->diag, grant->to, "name the users and groups that may",
			   "an invariant that excepts everyone says nothing");
}

void policy_check_nevers(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->nevers, struct invariant *); i++) {
		struct invariant *invariant = *BUFFER_AT(&c->nevers, struct invariant *, i);

		policy_check_rule(c, &invariant->rule);
		for (struct except *e = invariant->excepts; e; e = e->next)
			check_except(c, &e->grant);
	}
}

static void emit_one(struct compilation *c, const struct invariant *invariant)
{
	const struct rule *rule = &invariant->rule;
	struct buffer *clauses = &c->out.table[IMAGE_NEVER_CLAUSES];
	struct buffer *excepts = &c->out.table[IMAGE_EXCEPTS];
	struct image_never out = {
		.file = emit_text(c, rule->node->source->name),
		.line = rule->node->line,
		.column = rule->node->column,
		.because = emit_text(c, rule->because),
		.first_clause = (uint32_t)BUFFER_N(clauses, struct image_clause),
		.first_except = (uint32_t)BUFFER_N(excepts, struct image_grant),
	};

	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		struct image_clause record = emit_clause(clause, rule->number);

		buffer_push(clauses, &record, sizeof(record));
		out.n_clauses++;
	}
	for (const struct except *e = invariant->excepts; e; e = e->next) {
		struct image_grant record = emit_principal(c, &e->grant);

		buffer_push(excepts, &record, sizeof(record));
		out.n_excepts++;
	}
	buffer_push(&c->out.table[IMAGE_NEVERS], &out, sizeof(out));
}

void never_emit(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->nevers, struct invariant *); i++)
		emit_one(c, *BUFFER_AT(&c->nevers, struct invariant *, i));
}
