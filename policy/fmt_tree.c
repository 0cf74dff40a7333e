// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The formatter's tree.  Owns the canonical order of keys, which is that of the manual.  Must never
 * leave out a node.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/fmt_internal.h"

#define KEYS_MAX 12

/* Keys in their order, and what stands behind them; a list has one without a name for its items. */
static const struct {
	struct {
		const char *name;
		enum fmt_context context;
	} key[KEYS_MAX];
	enum node_kind kind;
} contexts[FMT_N_CONTEXTS] = {
	[FMT_ROOT] = { { { "version", FMT_ANY },
			 { "system", FMT_ANY },
			 { "define", FMT_NAMED },
			 { "roles", FMT_ROLES },
			 { "grants", FMT_GRANTS },
			 { "never", FMT_NEVERS },
			 { "tests", FMT_TESTS } },
		       NODE_MAP },
	[FMT_NAMED] = { .kind = NODE_MAP },
	[FMT_ROLES] = { { { "", FMT_ROLE } }, NODE_MAP },
	[FMT_ROLE] = { { { "", FMT_RULE } }, NODE_LIST },
	[FMT_RULE] = { { { "include", FMT_ANY },
			 { "allow", FMT_ANY },
			 { "deny", FMT_ANY },
			 { "where", FMT_ANY },
			 { "limit", FMT_ANY },
			 { "observe_until", FMT_ANY },
			 { "audit", FMT_ANY },
			 { "because", FMT_ANY } },
		       NODE_MAP },
	[FMT_GRANTS] = { { { "", FMT_GRANT } }, NODE_LIST },
	[FMT_GRANT] = { { { "to", FMT_ANY },
			  { "roles", FMT_ANY },
			  { "from", FMT_ANY },
			  { "until", FMT_ANY },
			  { "hours", FMT_ANY },
			  { "days", FMT_ANY },
			  { "offset", FMT_ANY },
			  { "if_exists", FMT_ANY } },
			NODE_MAP },
	[FMT_NEVERS] = { { { "", FMT_NEVER } }, NODE_LIST },
	[FMT_NEVER] = { { { "calls", FMT_ANY },
			  { "where", FMT_ANY },
			  { "except", FMT_ANY },
			  { "because", FMT_ANY } },
			NODE_MAP },
	[FMT_TESTS] = { { { "", FMT_TEST } }, NODE_LIST },
	[FMT_TEST] = { { { "as", FMT_ANY },
			 { "call", FMT_ANY },
			 { "expect", FMT_ANY },
			 { "at", FMT_ANY },
			 { "rule", FMT_ANY } },
		       NODE_MAP },
};

/* The place of a key among those of its collection, and the context behind it. */
static unsigned int rank_of(enum fmt_context context, const char *key, enum fmt_context *behindp)
{
	unsigned int i;

	*behindp = FMT_ANY;
	for (i = 0; i < KEYS_MAX && contexts[context].key[i].name; i++)
		if (!*contexts[context].key[i].name ||
		    (key && !strcmp(contexts[context].key[i].name, key))) {
			*behindp = contexts[context].key[i].context;
			return i;
		}
	return i;
}

static int by_rank(const void *a, const void *b)
{
	const struct fmt_entry *x = *(struct fmt_entry *const *)a;
	const struct fmt_entry *y = *(struct fmt_entry *const *)b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* Whether byte `at` is the first of its line, but for a dash, and the line before is empty. */
static bool blank_before(const struct source *source, uint32_t at)
{
	const char *text = source->text;
	size_t i = at;

	while (i && strchr(" \t-", text[i - 1]))
		i--;
	if (!i || text[i - 1] != '\n')
		return false;
	for (i--; i && (text[i - 1] == ' ' || text[i - 1] == '\t' || text[i - 1] == '\r');)
		i--;
	return !i || text[i - 1] == '\n';
}

static struct fmt_value *new_value(struct fmt_tree *tree, const struct node *node,
				   enum fmt_context context, struct fmt_entry *owner);

static void add_scalar(struct fmt_tree *tree, const struct node *node, struct fmt_entry *owner)
{
	struct fmt_scalar scalar = { node, owner };

	buffer_push(&tree->scalars, &scalar, sizeof(scalar));
}

static void add_entry(struct fmt_tree *tree, struct fmt_value *parent, const struct node *key,
		      const struct node *node)
{
	struct fmt_entry *entry = arena_alloc(tree->arena, sizeof(*entry));
	const struct node *first = key ? key : node;
	enum fmt_context behind;

	entry->key = key;
	entry->parent = parent;
	entry->rank = rank_of(parent->context, key ? key->text : NULL, &behind);
	entry->start = first->start;
	entry->end = node->end;
	/* A dash is where its list is. */
	entry->column =
		key || parent->node->style == NODE_FLOW ? first->column : parent->node->column;
	entry->blank = (key || node->kind != NODE_LIST) && blank_before(tree->source, first->start);
	parent->entry[parent->n++] = entry;
	buffer_push(&tree->entries, &entry, sizeof(entry));
	if (key)
		add_scalar(tree, key, entry);
	entry->value = new_value(tree, node, behind, entry);
}

static void add_entries(struct fmt_tree *tree, struct fmt_value *value)
{
	value->entry = arena_alloc(tree->arena, (value->node->n + 1) * sizeof(struct fmt_entry *));
	if (value->node->kind == NODE_MAP) {
		NODE_FOR_EACH_KEY(key, value->node)
		add_entry(tree, value, key, key->next);
		qsort(value->entry, value->n, sizeof(struct fmt_entry *), by_rank);
	} else {
		NODE_FOR_EACH(item, value->node)
		add_entry(tree, value, NULL, item);
	}
}

static struct fmt_value *new_value(struct fmt_tree *tree, const struct node *node,
				   enum fmt_context context, struct fmt_entry *owner)
{
	struct fmt_value *value = arena_alloc(tree->arena, sizeof(*value));

	value->node = node;
	value->text = node->text;
	value->context = node->kind == contexts[context].kind ? context : FMT_ANY;
	value->owner = owner;
	if (node->kind == NODE_SCALAR)
		add_scalar(tree, node, owner);
	else
		add_entries(tree, value);
	return value;
}

/* What cannot stand on one line, and so nothing around it can. */
static bool find_inside(struct fmt_value *value)
{
	if (value->node->kind == NODE_SCALAR)
		return value->inside = fmt_scalar_has_lines(value->text);
	value->inside = value->tail.first != NULL;
	for (unsigned int i = 0; i < value->n; i++) {
		const struct fmt_entry *entry = value->entry[i];

		value->inside |= find_inside(entry->value);
		value->inside |= entry->lead.first || entry->trail;
	}
	return value->inside;
}

/* Comments at the top of the file stay there, whatever comes first below them. */
static void take_head(struct fmt_tree *tree)
{
	struct fmt_entry *first;

	if (!tree->entries.len)
		return;
	first = *BUFFER_AT(&tree->entries, struct fmt_entry *, 0);
	tree->head = first->lead;
	first->lead = (struct fmt_comments){ NULL, NULL };
	first->blank &= tree->head.first != NULL;
	tree->root->entry[0]->blank |= first->blank;
}

bool fmt_tree_init(struct fmt_tree *tree, struct arena *arena, const struct source *source,
		   struct diag *diag)
{
	size_t errors = diag->n_errors;
	const struct node *root = yaml_read(arena, source, diag);

	*tree = (struct fmt_tree){ .arena = arena, .source = source };
	if (!root || diag->n_errors != errors)
		return false;
	if (root->kind != NODE_MAP) {
		node_error(diag, root, NULL, "a policy must be a mapping (key: value)");
		return false;
	}
	tree->root = new_value(tree, root, FMT_ROOT, NULL);
	fmt_find_comments(tree);
	fmt_place_comments(tree);
	take_head(tree);
	find_inside(tree->root);
	return true;
}

void fmt_tree_deinit(struct fmt_tree *tree)
{
	buffer_free(&tree->entries);
	buffer_free(&tree->scalars);
	buffer_free(&tree->comments);
}
