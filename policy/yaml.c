// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From text to a tree.  The only file that sees libyaml.  Owns the parser and the strictness: what it
 * lets through has one meaning in every reader of YAML.  Must never give a value a type: that is the
 * business of whoever expects it.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "policy/yaml.h"
#include "policy/yaml_trap.h"

struct reader {
	struct arena *arena;
	const struct source *source;
	struct diag *diag;
	yaml_parser_t parser;
	struct node *stack[YAML_DEPTH_MAX];
	unsigned int depth;
	unsigned int nodes;
	unsigned int documents;
	struct node *root;
	bool stop; /* nothing after this can be read sensibly */
	/* Where the last mark was: marks come in order and count characters, places count bytes. */
	size_t at_line;
	size_t at_column;
	size_t at;
	size_t line_start;
};

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The byte of a mark, and with it where its line begins. */
static uint32_t byte_offset(struct reader *r, const yaml_mark_t *mark)
{
	const char *text = r->source->text;

	if (mark->line < r->at_line || (mark->line == r->at_line && mark->column < r->at_column))
		r->at_line = r->at_column = r->at = r->line_start = 0;
	while (r->at_line < mark->line && r->at < r->source->len)
		if (text[r->at++] == '\n') {
			r->at_line++;
			r->at_column = 0;
			r->line_start = r->at;
		}
	for (; r->at_column < mark->column && r->at < r->source->len; r->at_column++)
		for (r->at++; r->at < r->source->len && continues(text[r->at]);)
			r->at++;
	return (uint32_t)r->at;
}

static struct node *new_node(struct reader *r, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *node = arena_alloc(r->arena, sizeof(*node));

	node->kind = kind;
	node->source = r->source;
	node->line = (unsigned int)mark->line + 1;
	node->start = node->end = byte_offset(r, mark);
	node->column = (unsigned int)(r->at - r->line_start) + 1;
	return node;
}

static void stop_at(struct reader *r, const yaml_mark_t *mark, const char *hint, const char *text)
{
	node_error(r->diag, new_node(r, NODE_SCALAR, mark), hint, "%s", text);
	r->stop = true;
}

/* ---- what plain words and numbers must not be -------------------------------------------------- */

static bool is_truth(const char *s)
{
	return !strcmp(s, "true") || !strcmp(s, "false");
}

/* truth: it should have been true or false. */
static void check_trap(struct reader *r, struct node *node, bool truth)
{
	const char *why = yaml_trap(node->text);
	const char *hint = NULL;

	if (!why)
		return;
	if (truth)
		hint = "write true or false";
	else if (!*node->text)
		hint = "write what is meant, or remove the key";
	else if (yaml_is_sexagesimal(node->text))
		hint = arena_printf(r->arena, "quote it: \"%s\"", node->text);
	else if (strchr("0123456789.+-", *node->text))
		hint = "write a plain decimal number, a 0x number, or quote it if it is a name";
	else
		hint = arena_printf(r->arena, "if the word is meant, quote it: \"%s\"", node->text);
	if (*node->text)
		node_error(r->diag, node, hint, "'%s': %s", node->text, why);
	else
		node_error(r->diag, node, hint, "%s", why);
	node->bad = true;
}

/* ---- the tree ---------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b)
{
	const struct node *x = *(const struct node *const *)a;
	const struct node *y = *(const struct node *const *)b;
	int order = strcmp(x->text, y->text);

	if (order)
		return order;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

static void check_duplicates(struct reader *r, const struct node *map)
{
	struct buffer keys = { 0 };
	const struct node **key;

	NODE_FOR_EACH_KEY(k, map)
	buffer_push(&keys, &k, sizeof(k));
	if (map->n > 1)
		qsort(keys.data, map->n, sizeof(*key), compare_keys);
	key = (const struct node **)(void *)keys.data;
	for (unsigned int i = 1; i < map->n; i++)
		if (!strcmp(key[i]->text, key[i - 1]->text))
			node_error(r->diag, key[i], "remove one of the two, or put them together",
				   "duplicate key '%s', which is already at %s:%u:%u", key[i]->text,
				   key[i]->source->name, key[i - 1]->line, key[i - 1]->column);
	buffer_free(&keys);
}

static bool expects_key(const struct node *parent)
{
	unsigned int children = parent->n;

	return parent->kind == NODE_MAP && !(children & 1);
}

/* Truth values stand only where nothing else can. */
static bool wants_truth(const struct reader *r)
{
	const struct node *parent = r->depth ? r->stack[r->depth - 1] : NULL;

	return parent && parent->kind == NODE_MAP && !expects_key(parent) &&
	       !strcmp(parent->last->text, YAML_TRUTH);
}

/* While a map is open, n counts keys and values. */
static void append(struct reader *r, struct node *node)
{
	struct node *parent = r->depth ? r->stack[r->depth - 1] : NULL;

	r->nodes++;
	if (!parent) {
		r->root = node;
		return;
	}
	if (expects_key(parent) && node->kind != NODE_SCALAR) {
		node_error(r->diag, node, "write KEY: VALUE", "a key must be a single word");
		r->stop = true;
		return;
	}
	if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	parent->last = node;
	parent->n++;
}

static void check_decoration(struct reader *r, const yaml_event_t *event, const yaml_char_t *anchor,
			     const yaml_char_t *tag)
{
	if (anchor)
		stop_at(r, &event->start_mark, "use `define:` for a value that is used twice",
			"anchors are not used here");
	else if (tag)
		stop_at(r, &event->start_mark, "remove what begins with !",
			"tags are not used here");
}

/* What the file may not hold, a text of it may not either. */
static void check_escapes(struct reader *r, struct node *node, size_t len)
{
	const unsigned char *s = (const unsigned char *)node->text;

	for (size_t i = 0; i < len; i++) {
		const char *why = yaml_bad_character(s + i, len - i);

		if (!why)
			continue;
		node_error(r->diag, node, NULL, "inside a text: %s", why);
		node->bad = true;
		return;
	}
}

static uint8_t style_of(yaml_scalar_style_t style)
{
	switch (style) {
	case YAML_PLAIN_SCALAR_STYLE:
		return NODE_PLAIN;
	case YAML_LITERAL_SCALAR_STYLE:
		return NODE_LITERAL;
	case YAML_FOLDED_SCALAR_STYLE:
		return NODE_FOLDED;
	default:
		return NODE_QUOTED;
	}
}

static void on_scalar(struct reader *r, const yaml_event_t *event)
{
	struct node *node = new_node(r, NODE_SCALAR, &event->start_mark);
	const char *value = (const char *)event->data.scalar.value;
	bool truth;

	check_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (r->stop)
		return;
	if (memchr(value, 0, event->data.scalar.length)) {
		stop_at(r, &event->start_mark, NULL, "a NUL character inside a text");
		return;
	}
	node->text = arena_strndup(r->arena, value, event->data.scalar.length);
	node->style = style_of(event->data.scalar.style);
	node->plain = node->style == NODE_PLAIN;
	node->end = byte_offset(r, &event->end_mark);
	check_escapes(r, node, event->data.scalar.length);
	truth = wants_truth(r);
	if (node->plain && !(truth && is_truth(node->text)))
		check_trap(r, node, truth);
	append(r, node);
}

static bool is_flow(const yaml_event_t *event)
{
	return event->type == YAML_SEQUENCE_START_EVENT
		       ? event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE
		       : event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;
}

static void too_deep(struct reader *r, const yaml_mark_t *mark)
{
	node_error(r->diag, new_node(r, NODE_SCALAR, mark), "use `define:` for what is inside",
		   "lists and mappings are nested more than %u deep", YAML_DEPTH_MAX);
	r->stop = true;
}

static void on_open(struct reader *r, const yaml_event_t *event, enum node_kind kind)
{
	struct node *node = new_node(r, kind, &event->start_mark);

	if (kind == NODE_LIST)
		check_decoration(r, event, event->data.sequence_start.anchor,
				 event->data.sequence_start.tag);
	else
		check_decoration(r, event, event->data.mapping_start.anchor,
				 event->data.mapping_start.tag);
	if (r->stop)
		return;
	node->style = is_flow(event) ? NODE_FLOW : NODE_BLOCK;
	append(r, node);
	if (r->depth == YAML_DEPTH_MAX)
		too_deep(r, &event->start_mark);
	else
		r->stack[r->depth++] = node;
}

static void on_close(struct reader *r, const yaml_event_t *event)
{
	struct node *node = r->stack[--r->depth];

	if (node->style == NODE_FLOW)
		node->end = byte_offset(r, &event->end_mark);
	else if (node->last)
		node->end = node->last->end;
	if (node->kind != NODE_MAP)
		return;
	node->n /= 2;
	check_duplicates(r, node);
}

static void on_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (event->data.document_start.version_directive ||
		    event->data.document_start.tag_directives.start !=
			    event->data.document_start.tag_directives.end)
			stop_at(r, &event->start_mark, "remove the line that begins with %",
				"directives are not used here");
		else if (r->documents++)
			stop_at(r, &event->start_mark, "remove the line ---, or make two files",
				"a second document in one file");
		break;
	case YAML_ALIAS_EVENT:
		stop_at(r, &event->start_mark,
			"for a name that ends in *, write the * last and quote it: \"name-*\"",
			"aliases are not used here");
		break;
	case YAML_SCALAR_EVENT:
		on_scalar(r, event);
		break;
	case YAML_SEQUENCE_START_EVENT:
		on_open(r, event, NODE_LIST);
		break;
	case YAML_MAPPING_START_EVENT:
		on_open(r, event, NODE_MAP);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		on_close(r, event);
		break;
	default:
		break;
	}
	if (r->nodes > YAML_NODES_MAX && !r->stop)
		stop_at(r, &event->start_mark, "split the file", "too many values in one file");
}

static const char *syntax_hint(const struct reader *r, const struct node *node)
{
	char c = node->start < r->source->len ? r->source->text[node->start] : '\0';

	if (r->parser.error == YAML_READER_ERROR)
		return "save the file as UTF-8";
	if (c == '\t')
		return "indent with blanks";
	if (c && strchr("@`%", c))
		return "text that begins with @, ` or % must be quoted";
	return NULL;
}

static void syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	const struct node *node, *begin;
	yaml_mark_t mark = p->problem_mark;

	/* A bad byte is found before the parser has a place for it. */
	if (p->error == YAML_READER_ERROR) {
		mark = (yaml_mark_t){ 0 };
		for (size_t i = 0; i < p->problem_offset && i < r->source->len; i++) {
			mark.column += !continues(r->source->text[i]);
			if (r->source->text[i] == '\n') {
				mark.line++;
				mark.column = 0;
			}
		}
	}
	if (p->error == YAML_MEMORY_ERROR) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	node = new_node(r, NODE_SCALAR, &mark);
	if (p->error == YAML_PARSER_ERROR && p->context) {
		begin = new_node(r, NODE_SCALAR, &p->context_mark);
		node_error(r->diag, node, "close what is open, and indent as before",
			   "not valid YAML: %s, %s that begins at %s:%u:%u", p->problem, p->context,
			   r->source->name, begin->line, begin->column);
	} else {
		node_error(r->diag, node, syntax_hint(r, node), "not valid YAML: %s%s%s",
			   p->problem ? p->problem : "unreadable", p->context ? ", " : "",
			   p->context ? p->context : "");
	}
	r->stop = true;
}

/* ---- the file ----------------------------------------------------------------------------------- */

/* Tells of the first bad character of each line. */
static bool characters_good(struct arena *arena, const struct source *source, struct diag *diag)
{
	const unsigned char *s = (const unsigned char *)source->text;
	struct node *node = arena_alloc(arena, sizeof(*node));
	size_t start = 0, errors = diag->n_errors;

	node->source = source;
	node->line = 1;
	for (size_t i = 0; i < source->len; i++) {
		const char *why = node->bad ? NULL : yaml_bad_character(s + i, source->len - i);

		if (why) {
			node->column = (unsigned int)(i - start) + 1;
			node_error(diag, node, NULL, "%s", why);
			node->bad = true;
		}
		if (s[i] == '\n') {
			node->line++;
			node->bad = false;
			start = i + 1;
		}
	}
	return diag->n_errors == errors;
}

static void read_events(struct reader *r)
{
	while (!r->stop) {
		yaml_event_t event;
		bool end;

		if (!yaml_parser_parse(&r->parser, &event)) {
			syntax_error(r);
			return;
		}
		on_event(r, &event);
		end = event.type == YAML_STREAM_END_EVENT;
		yaml_event_delete(&event);
		if (end)
			return;
	}
}

const struct node *yaml_read(struct arena *arena, const struct source *source, struct diag *diag)
{
	struct reader r = { .arena = arena, .source = source, .diag = diag };
	struct diag_place place = { .file = source->name };
	size_t errors = diag->n_errors;

	if (!characters_good(arena, source, diag))
		return NULL;
	if (!yaml_parser_initialize(&r.parser)) {
		fputs("out of memory\n", stderr);
		exit(2);
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)source->text, source->len);
	read_events(&r);
	yaml_parser_delete(&r.parser);
	if (!r.root && diag->n_errors == errors)
		diag_add(diag, DIAG_ERROR, place, NULL, 0, NULL, "the file is empty");
	return r.stop ? NULL : r.root;
}

const struct node *node_get(const struct node *map, const char *key)
{
	NODE_FOR_EACH_KEY(k, map)
	if (!strcmp(k->text, key))
		return k->next;
	return NULL;
}
