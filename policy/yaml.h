/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_YAML_H
#define XM_POLICY_YAML_H

/*
 * The strict subset of YAML that policies and configuration files are written in, as a tree in which
 * every node knows its place.  What YAML is notorious for is an error here: duplicate keys, anchors,
 * aliases, tags, several documents, words that silently become another type (yes, ~, 1.5, 010).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxm/core/diag.h"
#include "policy/arena.h"

#define YAML_FILE_MAX (4u << 20) /* bytes of a file */
#define YAML_DEPTH_MAX 16
#define YAML_NODES_MAX 1000000u
#define YAML_TRUTH "if_exists" /* the one key whose value may be true or false */

/* The text of a file, for parsing and for quoting lines. */
struct source {
	const char *name;
	const char *text;
	size_t len;
};

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };
/* How it is written; only for who writes it again. */
enum node_style { NODE_BLOCK, NODE_FLOW, NODE_PLAIN, NODE_QUOTED, NODE_LITERAL, NODE_FOLDED };

struct node {
	enum node_kind kind;
	bool plain;    /* a scalar without quotes */
	bool bad;      /* an error was already reported here; node_error() adds no second one */
	uint8_t style; /* enum node_style: of lists and maps BLOCK or FLOW, else of scalars */
	/* Bytes of the source from `start` up to `end`; of block lists and maps `end` is that of the last
	 * in them. */
	uint32_t start;
	uint32_t end;
	unsigned int line;
	unsigned int column; /* in bytes, from 1 */
	unsigned int n;      /* children; of a map: pairs */
	const struct source *source;
	const char *text;   /* of a scalar; no NUL inside */
	struct node *first; /* a map's children are key, value, key, value, ... */
	struct node *last;
	struct node *next;
};

/* Iterates over the keys of a map; the value is key->next. */
#define NODE_FOR_EACH_KEY(key, map)                                                                \
	for (const struct node *key = (map)->first; key; key = key->next->next)
#define NODE_FOR_EACH(item, list)                                                                  \
	for (const struct node *item = (list)->first; item; item = item->next)

/*
 * Reads a regular file of at most YAML_FILE_MAX bytes.  `name` is how messages call it.  On failure
 * -errno with an error in `diag`; -EINVAL for a file that is too large.
 */
int source_read(struct arena *arena, const char *name, struct diag *diag,
		const struct source **sourcep);

/*
 * The tree of a source; NULL if there is none, with at least one error in `diag`.  Errors may also be
 * in `diag` beside a tree, which then serves to find the others.  The root may be of any kind.
 */
const struct node *yaml_read(struct arena *arena, const struct source *source, struct diag *diag);

/* The value of a key of a map, or NULL. */
const struct node *node_get(const struct node *map, const char *key);
struct diag_place node_place(const struct node *node);

/* Adds an error or warning at a node; `hint` may be NULL. */
void node_error(struct diag *diag, const struct node *node, const char *hint, const char *format,
		...) __attribute__((format(printf, 4, 5)));
void node_warning(struct diag *diag, const struct node *node, const char *hint, const char *format,
		  ...) __attribute__((format(printf, 4, 5)));

/* Puts messages in the order of their places, file by file; those without a place come last.  One that
 * is there twice stays once. */
void source_sort_messages(struct diag *diag);

#endif
