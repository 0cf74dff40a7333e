// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a constraint wants, for people: its text with defined names replaced.  Must never be taken for
 * what is enforced.
 */

#include <string.h>

#include "policy/model.h"

#define WANTED_DEPTH_MAX 32
#define WANTED_MAX 160

static const char *render(struct compilation *c, const struct node *node, unsigned int depth)
{
	const struct define *define =
		node->kind == NODE_SCALAR ? policy_define(c, node->text) : NULL;
	const char *text = node->kind == NODE_LIST ? "[" : "{", *comma = "";

	if (depth > WANTED_DEPTH_MAX)
		return "...";
	if (define)
		return render(c, define->value, depth + 1);
	if (node->kind == NODE_SCALAR)
		return node->text;
	for (const struct node *item = node->first; item && strlen(text) < WANTED_MAX;
	     item = item->next) {
		text = arena_printf(&c->arena, "%s%s%s", text, comma, render(c, item, depth + 1));
		comma = ", ";
		if (node->kind == NODE_MAP) {
			item = item->next;
			text = arena_printf(&c->arena, "%s: %s", text, render(c, item, depth + 1));
		}
		if (item->next && strlen(text) >= WANTED_MAX)
			text = arena_printf(&c->arena, "%s, ...", text);
	}
	return arena_printf(&c->arena, "%s%s", text, node->kind == NODE_LIST ? "]" : "}");
}

const char *policy_wanted(struct compilation *c, const struct node *node)
{
	return render(c, node, 0);
}
