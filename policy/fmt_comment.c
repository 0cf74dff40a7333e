// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Comments.  Since every scalar knows its bytes, a # anywhere else begins a comment.  Owns the rule what
 * a comment is about: what stands before it on its line, else what follows at its column, else what it is
 * indented like.
 */

#include <string.h>

#include "policy/fmt_internal.h"

/* ---- finding ----------------------------------------------------------------------------------- */

static size_t line_start(const struct source *source, size_t at)
{
	while (at && source->text[at - 1] != '\n')
		at--;
	return at;
}

static bool only_blanks(const char *text, size_t from, size_t to)
{
	for (; from < to; from++)
		if (text[from] != ' ' && text[from] != '\t' && text[from] != '\r')
			return false;
	return true;
}

static bool blank_before(const struct source *source, size_t start)
{
	return start && only_blanks(source->text, line_start(source, start - 1), start - 1);
}

/* Returns where the line ends. */
static size_t add_comment(struct fmt_tree *tree, size_t at)
{
	const struct source *source = tree->source;
	struct fmt_comment *comment = arena_alloc(tree->arena, sizeof(*comment));
	const char *text = source->text + at;
	const char *newline = memchr(text, '\n', source->len - at);
	size_t len = newline ? (size_t)(newline - text) : source->len - at;
	size_t start = line_start(source, at);

	comment->text = text;
	comment->len = len;
	while (comment->len && only_blanks(text, comment->len - 1, comment->len))
		comment->len--;
	comment->start = (uint32_t)at;
	comment->column = (unsigned int)(at - start) + 1;
	comment->alone = only_blanks(source->text, start, at);
	comment->blank = comment->alone && blank_before(source, start);
	buffer_push(&tree->comments, &comment, sizeof(comment));
	return at + len;
}

static void find_between(struct fmt_tree *tree, size_t from, size_t to)
{
	while (from < to)
		if (tree->source->text[from] == '#')
			from = add_comment(tree, from);
		else
			from++;
}

/* Behind the | or > of a text of several lines. */
static void find_in_header(struct fmt_tree *tree, const struct node *node)
{
	const char *text = tree->source->text;
	size_t at = node->start;

	if (node->style != NODE_LITERAL && node->style != NODE_FOLDED)
		return;
	while (at < node->end && text[at] != '\n' && text[at] != '#')
		at++;
	if (at < node->end && text[at] == '#')
		add_comment(tree, at);
}

void fmt_find_comments(struct fmt_tree *tree)
{
	size_t at = 0;

	for (size_t i = 0; i < BUFFER_N(&tree->scalars, struct fmt_scalar); i++) {
		const struct node *node = BUFFER_AT(&tree->scalars, struct fmt_scalar, i)->node;

		find_between(tree, at, node->start);
		find_in_header(tree, node);
		at = node->end;
	}
	find_between(tree, at, tree->source->len);
}

/* ---- placing ----------------------------------------------------------------------------------- */

void fmt_comments_add(struct fmt_comments *list, struct fmt_comment *comment)
{
	comment->next = NULL;
	if (list->last)
		list->last->next = comment;
	else
		list->first = comment;
	list->last = comment;
}

static void move_comments(struct fmt_comments *to, struct fmt_comments *from)
{
	for (struct fmt_comment *c = from->first, *next; c; c = next) {
		next = c->next;
		fmt_comments_add(to, c);
	}
	*from = (struct fmt_comments){ NULL, NULL };
}

static struct fmt_entry *up(const struct fmt_entry *entry)
{
	return entry->parent->owner;
}

/* The last scalar that begins before a place, or NULL. */
static const struct fmt_scalar *scalar_before(const struct fmt_tree *tree, uint32_t at)
{
	const struct fmt_scalar *scalars = (const void *)tree->scalars.data;
	size_t low = 0, high = BUFFER_N(&tree->scalars, struct fmt_scalar);

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (scalars[middle].node->start < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &scalars[low - 1] : NULL;
}

/* The first entry, the outermost of several, that begins behind a place, or NULL. */
static struct fmt_entry *entry_behind(const struct fmt_tree *tree, uint32_t at)
{
	struct fmt_entry *const *entries = (void *)tree->entries.data;
	size_t low = 0, high = BUFFER_N(&tree->entries, struct fmt_entry *);
	size_t n = high;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (entries[middle]->start <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < n ? entries[low] : NULL;
}

static bool same_line(const struct fmt_tree *tree, uint32_t from, uint32_t to)
{
	return from <= to && !memchr(tree->source->text + from, '\n', to - from);
}

/* What a comment behind something on its line is about, or NULL. */
static struct fmt_entry *entry_on_line(const struct fmt_tree *tree, const struct fmt_scalar *before,
				       uint32_t at)
{
	struct fmt_entry *entry = before->owner, *found;
	bool header = before->node->end > at; /* in that of a text of several lines */

	if (header)
		return entry;
	if (before->node == entry->key && entry->value->node->end > at)
		return same_line(tree, before->node->end, at) ? entry : NULL;
	/* A closing bracket may stand between. */
	while (entry && !(entry->end <= at && same_line(tree, entry->end, at)))
		entry = up(entry);
	found = entry;
	for (; entry && entry->end <= at; entry = up(entry))
		if (same_line(tree, entry->start, at))
			found = entry;
	return found;
}

static bool is_within(const struct fmt_entry *entry, const struct fmt_entry *outer)
{
	while (entry && entry != outer)
		entry = up(entry);
	return entry != NULL;
}

/* The collection that a comment on a line of its own is in, by brackets and columns. */
static struct fmt_value *collection_of(const struct fmt_scalar *before,
				       const struct fmt_comment *comment)
{
	struct fmt_value *value = before->owner->parent;

	while (value) {
		const struct node *node = value->node;

		if (node->style == NODE_FLOW ? comment->start < node->end
					     : comment->column >= node->column)
			return value;
		value = value->owner ? value->owner->parent : NULL;
	}
	return NULL;
}

static struct fmt_entry *first_behind(const struct fmt_value *value, uint32_t at)
{
	struct fmt_entry *found = NULL;

	for (unsigned int i = 0; i < value->n; i++)
		if (value->entry[i]->start > at &&
		    (!found || value->entry[i]->start < found->start))
			found = value->entry[i];
	return found;
}

static void place_alone(struct fmt_tree *tree, struct fmt_comment *comment)
{
	const struct fmt_scalar *before = scalar_before(tree, comment->start);
	struct fmt_entry *behind = entry_behind(tree, comment->start);
	struct fmt_value *value = tree->root;
	/* Behind a dash or a bracket it is about what follows. */
	struct fmt_entry *owner = before && (comment->alone || !behind) ? before->owner : NULL;

	if (owner && before->node == owner->key && owner->value->node->start > comment->start) {
		/* Between a key and its value. */
		if (!behind || !is_within(behind, owner))
			behind = owner;
	} else if (owner && !(behind && behind->column == comment->column)) {
		value = collection_of(before, comment);
		value = value ? value : tree->root;
		behind = first_behind(value, comment->start);
	}
	fmt_comments_add(behind ? &behind->lead : &value->tail, comment);
}

static void place(struct fmt_tree *tree, struct fmt_comment *comment)
{
	const struct fmt_scalar *before = scalar_before(tree, comment->start);
	struct fmt_entry *entry = NULL;

	if (before && !comment->alone)
		entry = entry_on_line(tree, before, comment->start);
	if (!entry)
		place_alone(tree, comment);
	else if (entry->trail)
		fmt_comments_add(&entry->lead, comment);
	else
		entry->trail = comment;
}

static void lead_instead(struct fmt_entry *entry)
{
	if (!entry->trail)
		return;
	entry->trail->blank = false;
	fmt_comments_add(&entry->lead, entry->trail);
	entry->trail = NULL;
}

/*
 * Nothing can stand between a dash and what follows it, and what stands behind the only one in an item
 * is seen to be about the item.
 */
static void hoist(struct fmt_value *value)
{
	for (unsigned int i = 0; i < value->n; i++) {
		struct fmt_entry *entry = value->entry[i], *first;

		hoist(entry->value);
		if (entry->key || !entry->value->n)
			continue;
		first = entry->value->entry[0];
		move_comments(&entry->lead, &first->lead);
		if (first->trail)
			lead_instead(entry);
		if (entry->value->n == 1) {
			entry->trail = entry->trail ? entry->trail : first->trail;
			first->trail = NULL;
		}
		if (entry->value->node->kind == NODE_LIST)
			lead_instead(entry);
	}
}

void fmt_place_comments(struct fmt_tree *tree)
{
	for (size_t i = 0; i < BUFFER_N(&tree->comments, struct fmt_comment *); i++)
		place(tree, *BUFFER_AT(&tree->comments, struct fmt_comment *, i));
	hoist(tree->root);
}
