// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Drawing a policy.  Owns what is a node and what an edge.  Must never let a name end the string that it
 * stands in.
 */

#include <string.h>

#include "policy/graph.h"
#include "policy/model.h"

/* ---- words ------------------------------------------------------------------------------------- */

/* Inside of double quotes. */
static void put(FILE *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fputc('\\', out);
		fputc((unsigned char)*s < ' ' || *s == 0x7f ? '?' : *s, out);
	}
}

/* What a defined name stands for in the end: in a good policy no such name is defined by itself. */
static const struct node *meaning(const struct compilation *c, const struct node *node)
{
	const struct define *define;

	while (node->kind == NODE_SCALAR && (define = policy_define(c, node->text)))
		node = define->value;
	return node;
}

/* A scalar, or what is in it, as it is written: "all: a, b". */
static void put_node(FILE *out, const struct compilation *c, const struct node *node)
{
	const char *between = "";

	node = meaning(c, node);

	if (node->kind == NODE_SCALAR)
		put(out, node->text);
	if (node->kind == NODE_LIST)
		NODE_FOR_EACH(item, node)
		{
			fputs(between, out);
			put_node(out, c, item);
			between = ", ";
		}
	if (node->kind == NODE_MAP)
		NODE_FOR_EACH_KEY(key, node)
		{
			fputs(between, out);
			put(out, key->text);
			fputs(": ", out);
			put_node(out, c, key->next);
			between = ", ";
		}
}

static void put_keys(FILE *out, const struct node *map)
{
	const char *between = "";

	NODE_FOR_EACH_KEY(key, map)
	{
		fputs(between, out);
		put(out, key->text);
		between = ", ";
	}
}

static void put_role(FILE *out, const struct role *role)
{
	fputs("\"role ", out);
	put(out, role->name->text);
	fputc('"', out);
}

/* ---- grants ------------------------------------------------------------------------------------ */

static void put_when(FILE *out, const struct compilation *c, const struct node *grant)
{
	static const char *const keys[] = { "from", "until", "hours", "days", "offset" };
	const char *between = " [style=dashed, label=\"";
	bool any = false;

	for (unsigned int i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct node *value = node_get(grant, keys[i]);

		if (!value)
			continue;
		fprintf(out, "%s%s ", between, keys[i]);
		put_node(out, c, value);
		between = "\\n";
		any = true;
	}
	fputs(any ? "\"]" : "", out);
}

static void put_grant(FILE *out, const struct compilation *c, const struct grant *grant)
{
	if (grant->dropped)
		return;
	fputs("  \"to ", out);
	put_node(out, c, grant->to);
	fputs("\" [shape=ellipse, label=\"", out);
	put_node(out, c, grant->to);
	fputs("\"]\n", out);
	for (const struct granted *g = grant->granted; g; g = g->next) {
		fputs("  \"to ", out);
		put_node(out, c, grant->to);
		fputs("\" -> ", out);
		put_role(out, g->role);
		put_when(out, c, grant->node);
		fputc('\n', out);
	}
}

/* ---- rules ------------------------------------------------------------------------------------- */

static const char *line_style(const struct rule *rule)
{
	if (rule->observe)
		return "dotted";
	return rule->where || rule->limit ? "dashed" : "solid";
}

static void put_rule_label(FILE *out, const struct rule *rule)
{
	fputs(rule->effect == POLICY_ALLOW ? "allow" : "deny", out);
	if (rule->where) {
		fputs("\\nby ", out);
		put_keys(out, rule->where);
	}
	if (rule->limit)
		fputs("\\nlimited", out);
	if (rule->observe) {
		fputs("\\nobserved until ", out);
		put(out, rule->observe->text);
	}
}

static void put_target(FILE *out, const struct rule *rule, const char *named)
{
	fputs("  \"call ", out);
	put(out, named);
	fputs("\" [shape=plain, label=\"", out);
	put(out, named);
	fputs("\"]\n  ", out);
	put_role(out, rule->role);
	fputs(" -> \"call ", out);
	put(out, named);
	fprintf(out, "\" [color=%s, style=%s, label=\"",
		rule->effect == POLICY_ALLOW ? "darkgreen" : "red", line_style(rule));
	put_rule_label(out, rule);
	fputs("\"]\n", out);
}

/* Each operation or class, also of lists that have a name. */
static void put_targets(FILE *out, const struct compilation *c, const struct rule *rule,
			const struct node *ops)
{
	ops = meaning(c, ops);
	if (ops->kind == NODE_SCALAR)
		put_target(out, rule, ops->text);
	if (ops->kind == NODE_LIST)
		NODE_FOR_EACH(named, ops)
	put_targets(out, c, rule, named);
}

static void put_whole_role(FILE *out, const struct compilation *c, const struct role *role)
{
	fputs("  ", out);
	put_role(out, role);
	fputs(" [shape=box, label=\"", out);
	put(out, role->name->text);
	fputs("\"]\n", out);
	for (const struct include *i = role->includes; i; i = i->next) {
		fputs("  ", out);
		put_role(out, role);
		fputs(" -> ", out);
		put_role(out, i->role);
		fputs(" [arrowhead=empty, label=\"includes\"]\n", out);
	}
	for (const struct rule *rule = role->rules; rule; rule = rule->next)
		put_targets(out, c, rule, rule->ops);
}

void policy_graph(FILE *out, const struct compilation *c)
{
	fputs("digraph policy {\n  rankdir=LR\n  node [fontname=\"sans-serif\"]\n"
	      "  edge [fontname=\"sans-serif\", fontsize=10]\n",
	      out);
	for (size_t i = 0; i < BUFFER_N(&c->grants, struct grant *); i++)
		put_grant(out, c, *BUFFER_AT(&c->grants, struct grant *, i));
	for (size_t i = 0; i < BUFFER_N(&c->roles, struct role *); i++)
		put_whole_role(out, c, *BUFFER_AT(&c->roles, struct role *, i));
	fputs("}\n", out);
}
