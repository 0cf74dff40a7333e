// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The YAML of the naive interpreter: libyaml's document as a tree, nothing more.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "tests/naive.h"

void naive_stuck(const struct tree *node, const char *why)
{
	fprintf(stderr, "naive: line %u: '%s': %s\n", node ? node->line : 0,
		node && node->text ? node->text : "", why);
	abort();
}

static struct tree *convert(yaml_document_t *doc, int index)
{
	const yaml_node_t *y = yaml_document_get_node(doc, index);
	struct tree *node = calloc(1, sizeof(*node));

	node->line = (unsigned int)y->start_mark.line + 1;
	if (y->type == YAML_SCALAR_NODE) {
		node->kind = TREE_TEXT;
		node->text = strndup((const char *)y->data.scalar.value, y->data.scalar.length);
		node->quoted = y->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	} else if (y->type == YAML_SEQUENCE_NODE) {
		node->kind = TREE_LIST;
		node->n = (size_t)(y->data.sequence.items.top - y->data.sequence.items.start);
		node->item = calloc(node->n + 1, sizeof(*node->item));
		for (size_t i = 0; i < node->n; i++)
			node->item[i] = convert(doc, y->data.sequence.items.start[i]);
	} else {
		node->kind = TREE_MAP;
		node->n = 2 * (size_t)(y->data.mapping.pairs.top - y->data.mapping.pairs.start);
		node->item = calloc(node->n + 1, sizeof(*node->item));
		for (size_t i = 0; i < node->n; i += 2) {
			node->item[i] = convert(doc, y->data.mapping.pairs.start[i / 2].key);
			node->item[i + 1] = convert(doc, y->data.mapping.pairs.start[i / 2].value);
		}
	}
	return node;
}

struct tree *tree_read(const char *text, size_t len)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	struct tree *node;

	if (!yaml_parser_initialize(&parser))
		abort();
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &doc) || !yaml_document_get_root_node(&doc))
		naive_stuck(NULL, "no YAML");
	node = convert(&doc, 1);
	yaml_document_delete(&doc);
	yaml_parser_delete(&parser);
	return node;
}

void tree_free(struct tree *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n; i++)
		tree_free(node->item[i]);
	free(node->item);
	free(node->text);
	free(node);
}

struct tree *tree_get(const struct tree *map, const char *key)
{
	if (!map || map->kind != TREE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i += 2)
		if (!strcmp(map->item[i]->text, key))
			return map->item[i + 1];
	return NULL;
}

bool tree_is(const struct tree *node, const char *text)
{
	return node && node->kind == TREE_TEXT && !strcmp(node->text, text);
}
