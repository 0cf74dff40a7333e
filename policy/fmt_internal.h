/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_FMT_INTERNAL_H
#define XM_POLICY_FMT_INTERNAL_H

/*
 * The tree that the formatter writes: that of the reader, in canonical order, with each comment at what
 * it is about.
 */

#include "policy/fmt.h"

#define FMT_WIDTH 100 /* columns of a line, if that can be had */

struct fmt_comment {
	struct fmt_comment *next;
	const char *text; /* from the # on, without blanks at the end */
	size_t len;
	uint32_t start;
	unsigned int column;
	bool blank; /* an empty line stands before it */
	bool alone; /* nothing stands before it on its line */
};

struct fmt_comments {
	struct fmt_comment *first, *last;
};

/* What keys and layout a collection has. */
enum fmt_context {
	FMT_ANY,
	FMT_ROOT,
	FMT_NAMED, /* of define */
	FMT_ROLES,
	FMT_ROLE,
	FMT_RULE,
	FMT_GRANTS,
	FMT_GRANT,
	FMT_NEVERS,
	FMT_NEVER,
	FMT_TESTS,
	FMT_TEST,
	FMT_N_CONTEXTS
};

struct fmt_entry;

struct fmt_value {
	const struct node *node;
	const char *text; /* of a scalar */
	enum fmt_context context;
	struct fmt_entry *owner; /* NULL: the top */
	struct fmt_entry **entry;
	unsigned int n;
	struct fmt_comments tail; /* after the last entry */
	bool inside;           /* comments, or texts of several lines, are in it: no single line */
	unsigned int out_line; /* where it was written */
};

/* An item of a list, or a key with its value. */
struct fmt_entry {
	const struct node *key; /* NULL: an item */
	struct fmt_value *value;
	struct fmt_value *parent;
	struct fmt_comments lead;  /* on lines of their own, before it */
	struct fmt_comment *trail; /* on its first line */
	uint32_t start, end;
	unsigned int column;
	unsigned int rank; /* in canonical order */
	bool blank;        /* an empty line stands before it */
};

struct fmt_tree {
	struct arena *arena;
	const struct source *source;
	struct fmt_value *root;
	struct buffer entries;  /* struct fmt_entry *, in the order of the source */
	struct buffer scalars;  /* struct fmt_scalar, likewise */
	struct buffer comments; /* struct fmt_comment *, likewise */
	struct fmt_comments head;
};

struct fmt_scalar {
	const struct node *node;
	struct fmt_entry *owner;
};

/* fmt_tree.c: false after an error. */
bool fmt_tree_init(struct fmt_tree *tree, struct arena *arena, const struct source *source,
		   struct diag *diag);
void fmt_tree_deinit(struct fmt_tree *tree);

/* fmt_comment.c: finds all comments of the source, and puts each at what it is about. */
void fmt_find_comments(struct fmt_tree *tree);
void fmt_place_comments(struct fmt_tree *tree);
void fmt_comments_add(struct fmt_comments *list, struct fmt_comment *comment);

/* fmt_scalar.c */
/* A text as it is written on one line. */
const char *fmt_scalar(struct arena *arena, const struct node *node, const char *text);
/* How a text is written on several: "|", "|-", ">-"; NULL: not at all.  `room`: columns for it on one. */
const char *fmt_scalar_block(const char *text, bool fits);
bool fmt_same_scalar(const struct fmt_value *a, const struct fmt_value *b);
/* Whether the text has lines, which is how it then is written. */
bool fmt_scalar_has_lines(const char *text);

#endif
