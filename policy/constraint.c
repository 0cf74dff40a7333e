// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a rule says of arguments: whether each of its operations has the attributes that it constrains,
 * and the constraints of its clauses, into the image.  Must never constrain a part of the operations
 * only, without a word about it.
 */

#include <string.h>

#include "policy/model.h"

static enum image_width width_of(enum xm_type type)
{
	switch (type) {
	case XM_T_S32:
		return IMAGE_S32;
	case XM_T_U64:
		return IMAGE_U64;
	case XM_T_S64:
		return IMAGE_S64;
	default:
		return IMAGE_U32;
	}
}

/* What the value behind an attribute may be: the same for all kinds of port names. */
static struct condition wanted_condition(const struct xm_op *op, const struct node *attribute,
					 enum image_attribute kind, unsigned int arg)
{
	struct condition cond = { .attribute = attribute, .kind = kind, .width = IMAGE_U32 };
	enum xm_domain domain = op->args[arg].domain;

	if (kind == IMAGE_NUMBER) {
		cond.width = width_of(op->args[arg].type);
		cond.domain = domain;
		cond.ref = op->args[arg].ref;
	} else if (kind == IMAGE_PORT_NAME || domain == XM_D_QUEUING_NAME ||
		   domain == XM_D_SAMPLING_NAME) {
		cond.kind = IMAGE_NAME;
		cond.domain = XM_D_SAMPLING_NAME;
	}
	return cond;
}

/* Whether the operations of a rule mean different things by "resource". */
static bool is_shared(const struct rule *rule, const struct node *key)
{
	const struct xm_arg *first = NULL;
	enum image_attribute kind;
	unsigned int i;

	if (strcmp(key->text, VOCABULARY_RESOURCE))
		return false;
	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		const struct xm_arg *arg;

		if (!vocabulary_attribute(&xm_ops[clause->op], key->text, &kind, &i))
			return false;
		arg = &xm_ops[clause->op].args[i];
		if (!first)
			first = arg;
		if (arg->domain != first->domain || arg->ref != first->ref ||
		    arg->type != first->type)
			return true;
	}
	return false;
}

static bool same_condition(const struct condition *a, const struct condition *b)
{
	return a->attribute == b->attribute && a->kind == b->kind && a->width == b->width &&
	       a->domain == b->domain && a->ref == b->ref;
}

/* Compiles the value once for all operations that take it alike; after an error, never again. */
static const struct condition *get_condition(struct compilation *c, struct rule *rule,
					     const struct condition *wanted)
{
	struct condition *cond;

	for (cond = rule->conditions; cond; cond = cond->next)
		if (same_condition(cond, wanted) ||
		    (cond->attribute == wanted->attribute && !cond->good))
			return cond;
	cond = arena_alloc(&c->arena, sizeof(*cond));
	*cond = *wanted;
	policy_condition(c, cond, wanted->attribute->next);
	cond->next = rule->conditions;
	rule->conditions = cond;
	return cond;
}

/* The name that messages use: the operation's own, whatever synonym the policy has. */
static const char *canonical(const struct xm_op *op, enum image_attribute kind, unsigned int arg)
{
	return kind == IMAGE_PORT_NAME ? "portName" : op->args[arg].name;
}

static void add_constraint(struct compilation *c, struct rule *rule, struct clause *clause,
			   const struct node *key, enum image_attribute kind, unsigned int arg)
{
	const struct xm_op *op = &xm_ops[clause->op];
	struct condition wanted = wanted_condition(op, key, kind, arg);
	const struct condition *cond;
	struct image_constraint out;

	if (is_shared(rule, key)) {
		wanted.shared = true;
		wanted.domain = XM_D_RESOURCE;
		wanted.ref = 0;
	}
	cond = get_condition(c, rule, &wanted);
	out = (struct image_constraint){
		.attribute = (uint8_t)kind,
		.arg = (uint8_t)arg,
		.length_arg = (uint8_t)(kind == IMAGE_LENGTH ? op->args[arg].ref : 0),
		.width = (uint8_t)cond->width,
		.first_term = cond->first_term,
		.n_terms = cond->n_terms,
		.file = emit_text(c, key->source->name),
		.line = key->line,
		.column = key->column,
		.name = emit_text(c, canonical(op, kind, arg)),
		.wanted = cond->wanted,
	};

	buffer_push(&c->out.table[IMAGE_CONSTRAINTS], &out, sizeof(out));
	clause->n_constraints++;
}

static void lacks_attribute(struct compilation *c, const struct rule *rule,
			    const struct clause *clause, const struct node *key)
{
	const struct xm_op *op = &xm_ops[clause->op];
	const char *hint = vocabulary_attribute_hint(&c->arena, op, key->text);
	int arg = xm_arg_by_name(op, key->text);

	if (arg >= 0 && xm_type_is_in(op->args[arg].type))
		node_error(c->diag, key, hint, "'%s' of %s is a structure: it has no single value",
			   key->text, op->name);
	else if (arg >= 0)
		node_error(c->diag, key, hint, "'%s' of %s is an output: it has no value yet",
			   key->text, op->name);
	else if (rule->clauses->next)
		node_error(c->diag, key, hint,
			   "%s, which this rule is also about, has no attribute '%s'", op->name,
			   key->text);
	else
		node_error(c->diag, key, hint, "%s has no attribute '%s'", op->name, key->text);
}

/* An attribute has several names.  The key before this one that means the same, or NULL. */
static const struct node *same_before(const struct rule *rule, const struct node *key)
{
	enum image_attribute kind, kind_before;
	unsigned int arg, arg_before;

	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		const struct xm_op *op = &xm_ops[clause->op];

		vocabulary_attribute(op, key->text, &kind, &arg);
		for (const struct node *k = rule->where->first; k != key; k = k->next->next)
			if (vocabulary_attribute(op, k->text, &kind_before, &arg_before) &&
			    kind == kind_before && arg == arg_before)
				return k;
	}
	return NULL;
}

static bool every_op_has(struct compilation *c, const struct rule *rule, const struct node *key)
{
	const struct node *before;
	enum image_attribute kind;
	unsigned int arg;

	for (const struct clause *clause = rule->clauses; clause; clause = clause->next)
		if (!vocabulary_attribute(&xm_ops[clause->op], key->text, &kind, &arg)) {
			lacks_attribute(c, rule, clause, key);
			return false;
		}
	before = same_before(rule, key);
	if (before && strcmp(before->text, key->text)) /* else the reader has reported it */
		node_error(c->diag, key, "constrain each attribute once",
			   "'%s' is another name of '%s', at %s:%u:%u", key->text, before->text,
			   before->source->name, before->line, before->column);
	return !before;
}

void policy_constrain(struct compilation *c, struct rule *rule)
{
	enum image_attribute kind;
	unsigned int arg;
	struct buffer good = { 0 };

	if (rule->where)
		NODE_FOR_EACH_KEY(key, rule->where)
	if (every_op_has(c, rule, key))
		buffer_push(&good, &key, sizeof(key));
	for (struct clause *clause = rule->clauses; clause; clause = clause->next) {
		clause->first_constraint = (uint32_t)BUFFER_N(&c->out.table[IMAGE_CONSTRAINTS],
							      struct image_constraint);
		for (size_t i = 0; i < BUFFER_N(&good, const struct node *); i++) {
			const struct node *key = *BUFFER_AT(&good, const struct node *, i);

			vocabulary_attribute(&xm_ops[clause->op], key->text, &kind, &arg);
			add_constraint(c, rule, clause, key, kind, arg);
		}
	}
	buffer_free(&good);
}
