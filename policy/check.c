// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From rules to clauses: which operations a rule is about, and the two kinds of them that must be named.
 * Must never let a rule say something about a part of its operations only, without a word about it.
 */

#include <string.h>

#include "policy/model.h"

#define EXPAND_MAX 4096

/* ---- operations -------------------------------------------------------------------------------- */

struct ops {
	struct compilation *c;
	struct rule *rule;
	struct clause *by_op[XM_N_OPS];
	unsigned int expanded; /* names so far: defines of defines grow fast */
};

static void cover(struct ops *ops, const struct node *node, unsigned int op, unsigned int covers,
		  bool by_name)
{
	struct clause *clause = ops->by_op[op];

	if (!clause) {
		clause = arena_alloc(&ops->c->arena, sizeof(*clause));
		clause->op = op;
		clause->named = node;
		ops->by_op[op] = clause;
	}
	clause->covers |= (uint8_t)covers;
	clause->by_name |= by_name;
}

/* A class in an allow does not cover the calls that stop the own partition; in a deny it does. */
static void cover_class(struct ops *ops, const struct node *node, unsigned int class)
{
	bool any = false;

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		bool stops_self = xm_ops[op].flags & XM_OPF_STOPS_SELF;

		if (class == XM_CLASS_SELF_STOP && stops_self) {
			cover(ops, node, op, IMAGE_COVERS_SELF, false);
			ops->by_op[op]->self_stop = true;
		} else if (xm_ops[op].class == class) {
			cover(ops, node, op,
			      stops_self && ops->rule->effect == POLICY_ALLOW ? IMAGE_COVERS_OTHERS
									      : IMAGE_COVERS_ALL,
			      false);
			any = true;
		}
	}
	if (!any)
		node_warning(ops->c->diag, node, NULL, "no operation is in the class %s",
			     node->text);
}

static void name_operation(struct ops *ops, const struct node *node)
{
	struct diag *diag = ops->c->diag;
	int class = *node->text == '@' ? xm_class_by_name(node->text + 1) : -1;
	int op = *node->text == '@' ? -1 : xm_op_by_name(node->text);

	if (class > XM_CLASS_NONE)
		cover_class(ops, node, (unsigned int)class);
	else if (op >= 0 && xm_ops[op].class == XM_CLASS_NONE)
		node_error(diag, node, "remove it", "a policy does not decide %s: %s", node->text,
			   xm_ops[op].flags & XM_OPF_PUBLIC ? "every session is told"
							    : "it is always refused");
	else if (op >= 0)
		cover(ops, node, (unsigned int)op, IMAGE_COVERS_ALL, true);
	else
		node_error(diag, node,
			   diag_is_full(diag, DIAG_ERROR)
				   ? NULL
				   : vocabulary_op_hint(&ops->c->arena, node->text),
			   "there is no %s '%s'", *node->text == '@' ? "class" : "operation",
			   node->text);
}

static void name_operations(struct ops *ops, const struct node *node)
{
	struct define *define;

	if (ops->expanded > EXPAND_MAX)
		return;
	if (++ops->expanded > EXPAND_MAX) {
		node_error(ops->c->diag, ops->rule->ops, "name classes",
			   "more than %u operations are named", EXPAND_MAX);
		return;
	}
	if (node->kind == NODE_MAP) {
		node_error(ops->c->diag, node, "write [NAME, ...]",
			   "operations are a name or a list of names");
		return;
	}
	if (node->kind == NODE_LIST) {
		if (!node->n)
			node_error(ops->c->diag, node, "write [NAME, ...]",
				   "no operation is named");
		NODE_FOR_EACH(item, node)
		name_operations(ops, item);
		return;
	}
	define = policy_define(ops->c, node->text);
	if (!define) {
		name_operation(ops, node);
	} else if (define->busy) {
		policy_defined_by_itself(ops->c, node);
	} else {
		define->busy = true;
		name_operations(ops, define->value);
		define->busy = false;
	}
}

static unsigned int n_resources(const struct xm_op *op)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < op->n_args; i++)
		n += xm_domain_is_resource(op->args[i].domain);
	return n;
}

/* "@machine" in an allow is about one resource: what has none, or more than one, must be named. */
static void drop_unnamed(struct ops *ops)
{
	const struct node *node = NULL;
	const char *list = "";

	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		const struct clause *clause = ops->by_op[op];

		if (!clause || clause->by_name || xm_ops[op].class != XM_CLASS_MACHINE ||
		    n_resources(&xm_ops[op]) == 1)
			continue;
		list = arena_printf(&ops->c->arena, "%s%s%s", list, *list ? ", " : "",
				    xm_ops[op].name);
		node = clause->named;
		ops->by_op[op] = NULL;
	}
	if (node && ops->rule->where && node_get(ops->rule->where, VOCABULARY_RESOURCE))
		node_warning(ops->c->diag, node,
			     "they have no resource, or several: name them in rules of their own",
			     "this does not allow %s", list);
}

static void find_operations(struct compilation *c, struct rule *rule)
{
	struct ops ops = { .c = c, .rule = rule };
	struct clause **tail = &rule->clauses;

	name_operations(&ops, rule->ops);
	if (rule->effect == POLICY_ALLOW)
		drop_unnamed(&ops);
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		if (ops.by_op[op]) {
			*tail = ops.by_op[op];
			tail = &(*tail)->next;
		}
}

/* ---- what must be named ------------------------------------------------------------------------ */

static bool constrains(const struct rule *rule, unsigned int op, unsigned int arg)
{
	enum image_attribute kind;
	unsigned int i;

	if (rule->where)
		NODE_FOR_EACH_KEY(key, rule->where)
	if (vocabulary_attribute(&xm_ops[op], key->text, &kind, &i) && kind != IMAGE_PORT_NAME &&
	    i == arg)
		return true;
	return false;
}

/* A resource is where a copy begins. */
static void check_copy_size(struct compilation *c, const struct rule *rule,
			    const struct clause *clause, unsigned int arg)
{
	const struct xm_op *op = &xm_ops[clause->op];

	if (op->args[arg].domain != XM_D_COPY_SIZE || constrains(rule, clause->op, arg))
		return;
	node_warning(c->diag, clause->named,
		     arena_printf(&c->arena, "add `where: {%s: ...}`", op->args[arg].name),
		     "this allows %s of any length: the addresses only say where it begins",
		     op->name);
}

/* Of an operation that the rule names. */
static void check_resources(struct compilation *c, const struct rule *rule,
			    const struct clause *clause)
{
	const struct xm_op *op = &xm_ops[clause->op];

	for (unsigned int i = 0; i < op->n_args; i++) {
		check_copy_size(c, rule, clause, i);
		if (!xm_domain_is_resource(op->args[i].domain))
			continue;
		if (!constrains(rule, clause->op, i))
			node_error(
				c->diag, clause->named,
				arena_printf(&c->arena, "add `where: {%s: ...}`", op->args[i].name),
				"%s is about the machine: the rule must say which %s", op->name,
				op->args[i].name);
		if (op->args[i].domain == XM_D_CLIENT_ADDRESS)
			node_warning(c->diag, clause->named, NULL,
				     "%s is never forwarded, whatever the policy says: only the "
				     "caller knows what its address means",
				     op->name);
	}
}

/* Of the class, which means only operations with one resource. */
static void check_machine(struct compilation *c, const struct rule *rule)
{
	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		if (clause->by_name || xm_ops[clause->op].class != XM_CLASS_MACHINE ||
		    (rule->where && node_get(rule->where, VOCABULARY_RESOURCE)))
			continue;
		node_error(c->diag, clause->named,
			   "add `where: {" VOCABULARY_RESOURCE
			   ": ...}`, or better name the operations",
			   "a rule about the machine must say which resource");
		return;
	}
}

static void check_own_stop(struct compilation *c, const struct rule *rule,
			   const struct clause *clause)
{
	if (!clause->by_name || clause->self_stop || constrains(rule, clause->op, 0))
		return;
	node_warning(
		c->diag, clause->named,
		"add `where: {partitionId: {not: self}}`, or name \"@self-stop\" if it is meant",
		"this also allows %s of the own partition, which ends this Linux",
		xm_ops[clause->op].name);
}

static void check_allow(struct compilation *c, const struct rule *rule)
{
	check_machine(c, rule);
	for (const struct clause *clause = rule->clauses; clause; clause = clause->next) {
		if (clause->by_name && xm_ops[clause->op].class == XM_CLASS_MACHINE)
			check_resources(c, rule, clause);
		if (xm_ops[clause->op].flags & XM_OPF_STOPS_SELF)
			check_own_stop(c, rule, clause);
	}
}

/* Whether a description stands for one hypervisor or, as those of 2.x do, for two. */
static const char *family_of(const struct system *sys, unsigned int *profilesp)
{
	bool two = XM_IN(sys->profile) & XM_IN_2;

	*profilesp = two ? XM_IN_2 : XM_IN(sys->profile);
	return two ? "2.x" : xm_profile_name(sys->profile);
}

/* Classes have operations of all hypervisors; who names one expects that it is there. */
static void check_profile(struct compilation *c, const struct rule *rule)
{
	unsigned int profiles;
	const char *family;

	if (!c->sys)
		return;
	family = family_of(c->sys, &profiles);
	for (const struct clause *clause = rule->clauses; clause; clause = clause->next)
		if (clause->by_name && !(xm_ops[clause->op].profiles & profiles))
			node_warning(c->diag, clause->named,
				     clause->op == XM_OP_RAISE_IPVI
					     ? "what 2.x calls so is XM_raise_partition_ipvi here"
					     : NULL,
				     "the system's hypervisor, %s, has no %s: it is always refused",
				     family, xm_ops[clause->op].name);
}

void policy_check_rule(struct compilation *c, struct rule *rule)
{
	find_operations(c, rule);
	if (rule->role)
		check_profile(c, rule);
	policy_constrain(c, rule);
	if (rule->effect == POLICY_ALLOW)
		check_allow(c, rule);
}

void policy_check(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->rules, struct rule *); i++)
		policy_check_rule(c, *BUFFER_AT(&c->rules, struct rule *, i));
	policy_check_nevers(c);
}
