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

/* The byte column (from 1) of a mark. */
static unsigned int byte_column(struct reader *r, const yaml_mark_t *mark)
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
	return (unsigned int)(r->at - r->line_start) + 1;
}

static struct node *new_node(struct reader *r, enum node_kind kind, const yaml_mark_t *mark)
{
	struct node *node = arena_alloc(r->arena, sizeof(*node));

	node->kind = kind;
	node->source = r->source;
	node->line = (unsigned int)mark->line + 1;
	node->column = byte_column(r, mark);
	return node;
}

static void stop_at(struct reader *r, const yaml_mark_t *mark, const char *hint, const char *text)
{
	node_error(r->diag, new_node(r, NODE_SCALAR, mark), hint, "%s", text);
	r->stop = true;
}

/* ---- characters -------------------------------------------------------------------------------- */

/* Characters that make a file look other than it reads: controls, other line ends, direction marks. */
static const char *bad_character(const unsigned char *s, size_t left)
{
	if (s[0] == '\r')
		return left > 1 && s[1] == '\n' ? NULL : "a carriage return that ends no line";
	if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f)
		return "a control character";
	if (left > 1 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		return "a control character";
	if (left > 2 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return "a byte order mark: save the file as UTF-8 without it";
	if ((left > 2 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f)) ||
	    (left > 1 && s[0] == 0xd8 && s[1] == 0x9c))
		return "a character that turns round the direction of text";
	if (left > 2 && s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae)
		return "a character that breaks or turns round the line";
	if (left > 2 && s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)
		return "a character that turns round the line";
	return NULL;
}

/* ---- what plain words and numbers must not be -------------------------------------------------- */

static bool is_word(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcasecmp(s, *words))
			return true;
	return false;
}

static bool is_float(const char *s)
{
	static const char *const words[] = { ".inf", ".nan", NULL };
	size_t digits = 0, points = 0, exponents = 0;

	s += *s == '-' || *s == '+';
	if (is_word(s, words))
		return true;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digits++;
		else if (*s == '.')
			points++;
		else if ((*s == 'e' || *s == 'E') && digits && s[1])
			exponents++, s += s[1] == '-' || s[1] == '+';
		else
			return false;
	}
	return digits && points <= 1 && exponents <= 1 && points + exponents;
}

static bool all_of(const char *s, const char *set)
{
	return *s && !s[strspn(s, set)];
}

static bool is_odd_number(const char *s)
{
	if (*s == '+' && all_of(s + 1, "0123456789"))
		return true;
	s += *s == '-' || *s == '+';
	if (*s < '0' || *s > '9')
		return false;
	if (strchr(s, '_') && (all_of(s, "0123456789_") ||
			       (!strncmp(s, "0x", 2) && all_of(s + 2, "0123456789abcdefABCDEF_"))))
		return true;
	return s[0] == '0' && s[1] &&
	       (all_of(s, "01234567") || all_of(s, "0123456789") ||
		((s[1] == 'o' || s[1] == 'b') && all_of(s + 2, "01234567")));
}

/* Why a plain scalar must not stand there, or NULL. */
static const char *trap(const char *s)
{
	static const char *const booleans[] = { "yes",   "no", "on", "off", "true",
						"false", "y",  "n",  NULL };
	static const char *const nulls[] = { "~", "null", NULL };

	if (!*s)
		return "a value is missing";
	if (is_word(s, nulls))
		return "this is YAML's null, not a word";
	if (is_word(s, booleans))
		return "this is a YAML truth value, not a word";
	if (is_float(s))
		return "this is a YAML floating point number; only whole numbers are used here";
	if (is_odd_number(s))
		return "readers of YAML disagree on this number (octal, binary, sign or "
		       "separators)";
	return NULL;
}

static void check_trap(struct reader *r, struct node *node)
{
	const char *why = trap(node->text);
	const char *hint = NULL;

	if (!why)
		return;
	if (*node->text >= '0' && *node->text <= '9')
		hint = "write a plain decimal number, a 0x number, or quote it if it is a name";
	else if (*node->text && *node->text != '-' && *node->text != '+')
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
			node_error(r->diag, key[i], NULL, "duplicate key '%s', first at line %u",
				   key[i]->text, key[i - 1]->line);
	buffer_free(&keys);
}

static bool expects_key(const struct node *parent)
{
	unsigned int children = parent->n;

	return parent->kind == NODE_MAP && !(children & 1);
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
		node_error(r->diag, node, NULL, "a key must be a single word");
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
		stop_at(r, &event->start_mark, NULL, "tags are not used here");
}

/* What the file may not hold, a text of it may not either. */
static void check_escapes(struct reader *r, struct node *node, size_t len)
{
	const unsigned char *s = (const unsigned char *)node->text;

	for (size_t i = 0; i < len; i++) {
		const char *why = bad_character(s + i, len - i);

		if (!why)
			continue;
		node_error(r->diag, node, NULL, "inside a text: %s", why);
		node->bad = true;
		return;
	}
}

static void on_scalar(struct reader *r, const yaml_event_t *event)
{
	struct node *node = new_node(r, NODE_SCALAR, &event->start_mark);
	const char *value = (const char *)event->data.scalar.value;

	check_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag);
	if (r->stop)
		return;
	if (memchr(value, 0, event->data.scalar.length)) {
		stop_at(r, &event->start_mark, NULL, "a NUL character inside a text");
		return;
	}
	node->text = arena_strndup(r->arena, value, event->data.scalar.length);
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	check_escapes(r, node, event->data.scalar.length);
	if (node->plain)
		check_trap(r, node);
	append(r, node);
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
	append(r, node);
	if (r->depth == YAML_DEPTH_MAX)
		stop_at(r, &event->start_mark, NULL, "nested too deeply");
	else
		r->stack[r->depth++] = node;
}

static void on_close(struct reader *r)
{
	struct node *node = r->stack[--r->depth];

	if (node->kind != NODE_MAP)
		return;
	node->n /= 2;
	check_duplicates(r, node);
}

static void on_event(struct reader *r, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (r->documents++)
			stop_at(r, &event->start_mark, NULL, "a second document in one file");
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
		on_close(r);
		break;
	default:
		break;
	}
	if (r->nodes > YAML_NODES_MAX && !r->stop)
		stop_at(r, &event->start_mark, "split the file", "too many values in one file");
}

static void syntax_error(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
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
	node_error(r->diag, new_node(r, NODE_SCALAR, &mark),
		   strstr(p->problem ? p->problem : "", "cannot start any token")
			   ? "text that begins with @ ` % or a tab must be quoted"
			   : NULL,
		   "not valid YAML: %s%s%s", p->problem ? p->problem : "unreadable",
		   p->context ? ", " : "", p->context ? p->context : "");
	r->stop = true;
}

/* ---- the file ----------------------------------------------------------------------------------- */

static bool characters_good(struct arena *arena, const struct source *source, struct diag *diag)
{
	const unsigned char *s = (const unsigned char *)source->text;
	struct node *node = arena_alloc(arena, sizeof(*node));
	size_t start = 0;

	node->source = source;
	node->line = 1;
	for (size_t i = 0; i < source->len; i++) {
		const char *why = bad_character(s + i, source->len - i);

		if (why) {
			node->column = (unsigned int)(i - start) + 1;
			node_error(diag, node, NULL, "%s", why);
			return false;
		}
		if (s[i] == '\n') {
			node->line++;
			start = i + 1;
		}
	}
	return true;
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
