// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writing the canonical form.  Owns the layout: the sections, roles, rules and invariants on lines of
 * their own; everything in them on one line if it fits and no comment is within.  Must never return a
 * text before it was read again and compared.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/fmt_internal.h"

#define PASSES_MAX 8

struct writer {
	struct arena *arena;
	struct buffer out;
	unsigned int line; /* that is being written */
	bool begun;        /* something stands above */
};

static void put(struct writer *w, const char *text, size_t len)
{
	buffer_push(&w->out, text, len);
	for (size_t i = 0; i < len; i++)
		w->line += text[i] == '\n';
}

static void puts_to(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

static void indent(struct writer *w, unsigned int columns)
{
	while (columns--)
		put(w, " ", 1);
}

static void put_blank(struct writer *w, bool blank)
{
	if (blank && w->begun)
		put(w, "\n", 1);
	w->begun = true;
}

/* ---- comments ---------------------------------------------------------------------------------- */

static void put_comments(struct writer *w, const struct fmt_comments *list, unsigned int column)
{
	for (const struct fmt_comment *c = list->first; c; c = c->next) {
		put_blank(w, c->blank);
		indent(w, column);
		put(w, c->text, c->len);
		put(w, "\n", 1);
	}
}

static void end_line(struct writer *w, const struct fmt_comment *trail)
{
	if (trail) {
		put(w, " ", 1);
		put(w, trail->text, trail->len);
	}
	put(w, "\n", 1);
}

/* ---- on one line ------------------------------------------------------------------------------- */

static void put_flow(struct arena *arena, struct buffer *out, const struct fmt_value *value)
{
	bool map = value->node->kind == NODE_MAP;
	const char *text;

	if (value->node->kind == NODE_SCALAR) {
		text = fmt_scalar(arena, value->node, value->text);
		buffer_push(out, text, strlen(text));
		return;
	}
	buffer_push(out, map ? "{" : "[", 1);
	for (unsigned int i = 0; i < value->n; i++) {
		const struct node *key = value->entry[i]->key;

		if (i)
			buffer_push(out, ", ", 2);
		if (key) {
			text = fmt_scalar(arena, key, key->text);
			buffer_push(out, text, strlen(text));
			buffer_push(out, ": ", 2);
		}
		put_flow(arena, out, value->entry[i]->value);
	}
	buffer_push(out, map ? "}" : "]", 1);
}

/* Characters, which are what columns are. */
static unsigned int width_of(const struct buffer *text)
{
	unsigned int width = 0;

	for (size_t i = 0; i < text->len; i++)
		width += (text->data[i] & 0xc0) != 0x80;
	return width;
}

/* Collections that are never on one line. */
static bool is_spread(const struct fmt_value *value)
{
	static const bool spread[FMT_N_CONTEXTS] = {
		[FMT_ROOT] = true,   [FMT_NAMED] = true, [FMT_ROLES] = true,
		[FMT_ROLE] = true,   [FMT_RULE] = true,  [FMT_GRANTS] = true,
		[FMT_NEVERS] = true, [FMT_NEVER] = true, [FMT_TESTS] = true,
	};

	return value->n && spread[value->context];
}

/* ---- on several lines -------------------------------------------------------------------------- */

static void put_from(struct writer *w, const struct fmt_value *value, unsigned int i,
		     unsigned int column);
static void put_behind(struct writer *w, struct fmt_value *value, unsigned int at,
		       unsigned int column, const struct fmt_comment *trail);

static void put_literal(struct writer *w, const char *text, unsigned int column)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len)
			indent(w, column);
		put(w, text, len);
		put(w, "\n", 1);
		text += len + (text[len] == '\n');
	}
}

static void put_folded(struct writer *w, const char *text, unsigned int column)
{
	unsigned int at = 0;

	while (*text) {
		struct buffer word = { (uint8_t *)(uintptr_t)text, strcspn(text, " "), 0 };
		unsigned int width = width_of(&word);

		if (at && at + 1 + width > FMT_WIDTH) {
			put(w, "\n", 1);
			at = 0;
		}
		if (at)
			put(w, " ", 1);
		else
			indent(w, column);
		at += at ? 1 + width : column + width;
		put(w, text, word.len);
		text += word.len;
		text += *text == ' ';
	}
	put(w, "\n", 1);
}

/* A map behind a dash: its first key is on the same line, and so are comments of both. */
static void put_item_map(struct writer *w, struct fmt_value *map, unsigned int column,
			 const struct fmt_comment *trail)
{
	struct fmt_entry *first = map->entry[0];
	const struct fmt_comment *comment = first->trail ? first->trail : trail;
	struct buffer key = { 0 };
	const char *text = fmt_scalar(w->arena, first->key, first->key->text);

	buffer_push(&key, text, strlen(text));
	put(w, "- ", 2);
	put(w, text, key.len);
	put(w, ":", 1);
	put_behind(w, first->value, column + 2 + width_of(&key) + 1, column + 2, comment);
	buffer_free(&key);
}

static bool fits_on_line(struct writer *w, const struct fmt_value *value, unsigned int at,
			 struct buffer *flow)
{
	if (is_spread(value) || value->inside)
		return false;
	put_flow(w->arena, flow, value);
	return at + width_of(flow) <= FMT_WIDTH;
}

static void put_item(struct writer *w, const struct fmt_entry *item, unsigned int column)
{
	struct fmt_value *value = item->value;
	struct buffer flow = { 0 };
	bool spread = value->n && !fits_on_line(w, value, column + 2, &flow);

	value->out_line = w->line;
	indent(w, column);
	if (spread && value->node->kind == NODE_MAP) {
		put_item_map(w, value, column, item->trail);
		put_from(w, value, 1, column + 2);
		put_comments(w, &value->tail, column + 2);
	} else {
		put(w, "-", 1);
		put_behind(w, value, column + 1, column, item->trail);
	}
	buffer_free(&flow);
}

/* What stands behind "key:" or "-", which ends at column `at` and began at `column`; ends the line. */
static void put_behind(struct writer *w, struct fmt_value *value, unsigned int at,
		       unsigned int column, const struct fmt_comment *trail)
{
	struct buffer flow = { 0 };
	bool fits = fits_on_line(w, value, at + 1, &flow);
	const char *style = NULL;

	value->out_line = w->line;
	if (value->node->kind == NODE_SCALAR)
		style = fmt_scalar_block(value->text, fits);
	if (style) {
		put(w, " ", 1);
		puts_to(w, style);
		end_line(w, trail);
		(*style == '|' ? put_literal : put_folded)(w, value->text, column + 2);
	} else if (fits || value->node->kind == NODE_SCALAR || !value->n) {
		put(w, " ", 1);
		put(w, (const char *)flow.data, flow.len);
		end_line(w, trail);
	} else {
		end_line(w, trail);
		w->begun = false;
		put_from(w, value, 0, column + 2);
		put_comments(w, &value->tail, column + 2);
	}
	buffer_free(&flow);
}

static bool is_section(const struct fmt_entry *entry)
{
	return is_spread(entry->value);
}

/* Between sections there is always an empty line; elsewhere one, if there was any. */
static void put_before(struct writer *w, const struct fmt_entry *entry, bool section,
		       unsigned int column)
{
	struct fmt_comment *first = entry->lead.first;

	if (section && first)
		first->blank = true;
	put_comments(w, &entry->lead, column);
	put_blank(w, (section && !first) || entry->blank);
}

static void put_entry(struct writer *w, const struct fmt_entry *entry, unsigned int column)
{
	struct buffer key = { 0 };
	const char *text;

	if (!entry->key) {
		put_item(w, entry, column);
		return;
	}
	text = fmt_scalar(w->arena, entry->key, entry->key->text);
	buffer_push(&key, text, strlen(text));
	indent(w, column);
	put(w, text, key.len);
	put(w, ":", 1);
	put_behind(w, entry->value, column + width_of(&key) + 1, column, entry->trail);
	buffer_free(&key);
}

static void put_from(struct writer *w, const struct fmt_value *value, unsigned int i,
		     unsigned int column)
{
	for (; i < value->n; i++) {
		const struct fmt_entry *entry = value->entry[i];
		bool section = value->context == FMT_ROOT && i &&
			       (is_section(entry) || is_section(value->entry[i - 1]));

		put_before(w, entry, section, column);
		put_entry(w, entry, column);
	}
}

static void write_tree(struct writer *w, struct fmt_tree *tree)
{
	w->out.len = 0;
	w->line = 1;
	w->begun = false;
	put_comments(w, &tree->head, 0);
	put_from(w, tree->root, 0, 0);
	put_comments(w, &tree->root->tail, 0);
}

/* ---- tests that name a rule by its line -------------------------------------------------------- */

static const struct fmt_value *rule_at_line(const struct fmt_value *value, unsigned int line)
{
	if (value->context == FMT_RULE && value->node->line == line)
		return value;
	for (unsigned int i = 0; i < value->n; i++) {
		const struct fmt_value *found = rule_at_line(value->entry[i]->value, line);

		if (found)
			return found;
	}
	return NULL;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The line in "policy.yaml:12" or "policy.yaml:12:5", if that is this file; 0: it is something else. */
static unsigned int line_in(const struct source *source, const char *text, size_t *prefixp,
			    const char **restp)
{
	const char *base = base_name(source->name), *at = base_name(text);
	size_t len = strlen(base);
	unsigned long line;
	char *end;

	if (strncmp(at, base, len) || at[len] != ':')
		return 0;
	*prefixp = (size_t)(at - text) + len + 1;
	line = strtoul(text + *prefixp, &end, 10);
	*restp = end;
	return end == text + *prefixp || line > YAML_FILE_MAX ? 0 : (unsigned int)line;
}

/* Says where the rules are now; true if that changed something. */
static bool follow_rules(struct fmt_tree *tree, const struct fmt_value *value)
{
	const struct fmt_value *rule;
	bool changed = false;
	const char *rest, *text;
	size_t prefix;
	unsigned int line;

	for (unsigned int i = 0; i < value->n; i++) {
		struct fmt_value *v = value->entry[i]->value;

		changed |= follow_rules(tree, v);
		if (value->context != FMT_TEST || v->node->kind != NODE_SCALAR ||
		    strcmp(value->entry[i]->key->text, "rule"))
			continue;
		line = line_in(tree->source, v->node->text, &prefix, &rest);
		rule = line ? rule_at_line(tree->root, line) : NULL;
		if (!rule)
			continue;
		text = arena_printf(tree->arena, "%.*s%u%s", (int)prefix, v->node->text,
				    rule->out_line, *rest == ':' ? ":7" : "");
		changed |= strcmp(text, v->text) != 0;
		v->text = text;
	}
	return changed;
}

/* ---- comparing --------------------------------------------------------------------------------- */

static bool same_value(const struct fmt_value *a, const struct fmt_value *b)
{
	if (a->node->kind != b->node->kind || a->n != b->n)
		return false;
	if (a->node->kind == NODE_SCALAR)
		return fmt_same_scalar(a, b);
	for (unsigned int i = 0; i < a->n; i++) {
		const struct node *x = a->entry[i]->key, *y = b->entry[i]->key;

		if ((x && strcmp(x->text, y->text)) ||
		    !same_value(a->entry[i]->value, b->entry[i]->value))
			return false;
	}
	return true;
}

static int compare_comments(const void *a, const void *b)
{
	const struct fmt_comment *x = *(struct fmt_comment *const *)a;
	const struct fmt_comment *y = *(struct fmt_comment *const *)b;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->text, y->text, len);

	return order ? order : x->len < y->len ? -1 : x->len > y->len;
}

static bool same_comments(struct fmt_tree *a, struct fmt_tree *b)
{
	size_t n = BUFFER_N(&a->comments, struct fmt_comment *);
	struct fmt_comment **x = (void *)a->comments.data, **y = (void *)b->comments.data;

	if (n != BUFFER_N(&b->comments, struct fmt_comment *))
		return false;
	if (n) {
		qsort(x, n, sizeof(*x), compare_comments);
		qsort(y, n, sizeof(*y), compare_comments);
	}
	for (size_t i = 0; i < n; i++)
		if (compare_comments(&x[i], &y[i]))
			return false;
	return true;
}

/* Reads the result, compares, and writes it once more. */
static bool is_faithful(struct writer *w, struct fmt_tree *tree)
{
	struct source *source = arena_alloc(w->arena, sizeof(*source));
	struct writer again = { .arena = w->arena };
	struct fmt_tree read = { .arena = NULL };
	struct diag diag;
	bool good;

	*source = (struct source){ tree->source->name,
				   arena_strndup(w->arena, (const char *)w->out.data, w->out.len),
				   w->out.len };
	diag_init(&diag);
	good = fmt_tree_init(&read, w->arena, source, &diag);
	if (good) {
		write_tree(&again, &read);
		good = same_value(tree->root, read.root) && same_comments(tree, &read) &&
		       again.out.len == w->out.len &&
		       (!w->out.len || !memcmp(again.out.data, w->out.data, w->out.len));
	}
	fmt_tree_deinit(&read);
	buffer_free(&again.out);
	diag_free(&diag);
	return good;
}

const char *policy_format(struct arena *arena, const struct source *source, struct diag *diag,
			  size_t *lenp)
{
	struct writer w = { .arena = arena };
	struct diag_place place = { .file = source->name };
	struct fmt_tree tree;
	const char *text = NULL;

	if (fmt_tree_init(&tree, arena, source, diag)) {
		write_tree(&w, &tree);
		for (unsigned int i = 0; i < PASSES_MAX && follow_rules(&tree, tree.root); i++)
			write_tree(&w, &tree);
		if (is_faithful(&w, &tree)) {
			text = arena_strndup(arena, (const char *)w.out.data, w.out.len);
			*lenp = w.out.len;
		} else {
			diag_add(diag, DIAG_ERROR, place, NULL, 0,
				 "this is a bug of xmpolicy; the file is as it was",
				 "it cannot be formatted without changing what it says");
		}
	}
	fmt_tree_deinit(&tree);
	buffer_free(&w.out);
	return text;
}
