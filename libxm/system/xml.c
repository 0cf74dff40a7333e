// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The only file that sees expat.  Owns the parser and the tree while it grows.  Must never expand an
 * entity, follow a reference, or let nesting or number of elements grow without bound.
 */

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/xml.h"

#define SEPARATOR '\n' /* between namespace and name; cannot occur in either */
#define INSTANCE "http://www.w3.org/2001/XMLSchema-instance"

struct builder {
	const struct xml_source *source;
	XML_Parser parser;
	struct xml_node *root, *current;
	size_t n_nodes;
	unsigned int depth;
	bool failed; /* an error was reported and the parser told to stop */
};

/* ---- messages ---------------------------------------------------------------------------------- */

static struct diag_place place_of(const struct xml_source *source, size_t at)
{
	struct diag_place place = { source->file, 1, 1 };

	for (size_t i = 0; i < at && i < source->len; i++) {
		place.column++;
		if (source->text[i] == '\n') {
			place.line++;
			place.column = 1;
		}
	}
	return place;
}

void xml_report(const struct xml_source *source, enum diag_level level, size_t at, const char *hint,
		const char *format, ...)
{
	struct diag_place place = { source->file, 0, 0 };
	char text[512];
	va_list args;

	/* Once messages are dropped they are only counted, and finding the line is not worth it. */
	if (!diag_is_full(source->diag, level))
		place = place_of(source, at);
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	diag_add(source->diag, level, place, source->text, source->len, hint, "%s", text);
}

/* ---- tree -------------------------------------------------------------------------------------- */

static void free_attrs(struct xml_node *node)
{
	for (size_t i = 0; i < node->n_attrs; i++) {
		free(node->attrs[i].name);
		free(node->attrs[i].value);
	}
	free(node->attrs);
}

/* Recursion is bounded by XML_MAX_DEPTH. */
void xml_free(struct xml_node *node)
{
	if (!node)
		return;
	while (node->first) {
		struct xml_node *child = node->first;

		node->first = child->next;
		xml_free(child);
	}
	free_attrs(node);
	free(node->name);
	free(node->space);
	free(node);
}

const struct xml_attr *xml_attr(const struct xml_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_attrs; i++)
		if (!strcmp(node->attrs[i].name, name))
			return &node->attrs[i];
	return NULL;
}

static void append(struct builder *b, struct xml_node *node)
{
	node->parent = b->current;
	if (!b->current)
		b->root = node;
	else if (b->current->last)
		b->current->last->next = node;
	else
		b->current->first = node;
	if (b->current)
		b->current->last = node;
	b->current = node;
}

/* ---- where an attribute stands: expat tells only where its element does ------------------------ */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t skip_blanks(const struct xml_source *s, size_t i)
{
	while (i < s->len && is_blank(s->text[i]))
		i++;
	return i;
}

static size_t skip_name(const struct xml_source *s, size_t i)
{
	while (i < s->len && !is_blank(s->text[i]) && !strchr("=/>\"'", s->text[i]))
		i++;
	return i;
}

static size_t skip_value(const struct xml_source *s, size_t i)
{
	const char *end;

	i = skip_blanks(s, i);
	if (i >= s->len || s->text[i] != '=')
		return s->len;
	i = skip_blanks(s, i + 1);
	if (i >= s->len)
		return s->len;
	end = memchr(s->text + i + 1, s->text[i], s->len - i - 1);
	return end ? (size_t)(end - s->text) + 1 : s->len;
}

/* The tag at `at` is well-formed: expat has just read it. */
static size_t find_attr(const struct xml_source *s, size_t at, const char *name)
{
	size_t i = skip_name(s, at + 1), len = strlen(name);

	for (;;) {
		size_t start = skip_blanks(s, i), end = skip_name(s, start);

		if (end == start)
			return at;
		if (end - start == len && !memcmp(s->text + start, name, len))
			return start;
		i = skip_value(s, end);
	}
}

/* ---- handlers ---------------------------------------------------------------------------------- */

static size_t here(const struct builder *b)
{
	XML_Index i = XML_GetCurrentByteIndex(b->parser);

	return i < 0 ? 0 : (size_t)i;
}

static void fail(struct builder *b, const char *what, const char *hint)
{
	if (b->failed)
		return;
	b->failed = true;
	xml_report(b->source, DIAG_ERROR, here(b), hint, "%s", what);
	XML_StopParser(b->parser, XML_FALSE);
}

static int add_attr(struct builder *b, struct xml_node *node, const char *name, const char *value)
{
	struct xml_attr *attrs = realloc(node->attrs, (node->n_attrs + 1) * sizeof(node->attrs[0]));
	struct xml_attr attr = { strdup(name), strdup(value),
				 find_attr(b->source, node->at, name) };

	if (attrs)
		node->attrs = attrs;
	if (!attrs || !attr.name || !attr.value) {
		free(attr.name);
		free(attr.value);
		return -1;
	}
	node->attrs[node->n_attrs++] = attr;
	return 0;
}

static struct xml_node *new_node(struct builder *b, const char *name, const char **attrs)
{
	const char *local = strchr(name, SEPARATOR);
	struct xml_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->at = here(b);
	node->name = strdup(local ? local + 1 : name);
	node->space = local ? strndup(name, (size_t)(local - name)) : strdup("");
	if (!node->name || !node->space)
		goto fail;
	for (; *attrs && node->n_attrs < XML_MAX_ATTRS; attrs += 2) {
		/* Hints for schema validators say nothing about the system. */
		if (!strncmp(attrs[0], INSTANCE, strlen(INSTANCE)))
			continue;
		local = strchr(attrs[0], SEPARATOR);
		if (add_attr(b, node, local ? local + 1 : attrs[0], attrs[1]) < 0)
			goto fail;
	}
	return node;
fail:
	xml_free(node);
	return NULL;
}

static void XMLCALL on_start(void *data, const char *name, const char **attrs)
{
	struct builder *b = data;
	struct xml_node *node;

	if (b->failed)
		return;
	if (b->depth >= XML_MAX_DEPTH || b->n_nodes >= XML_MAX_NODES) {
		fail(b,
		     b->depth >= XML_MAX_DEPTH ? "elements are nested too deeply"
					       : "too many elements",
		     NULL);
		return;
	}
	node = new_node(b, name, attrs);
	if (!node) {
		fail(b, "out of memory", NULL);
		return;
	}
	if (node->n_attrs == XML_MAX_ATTRS)
		fail(b, "too many attributes", NULL);
	append(b, node);
	b->depth++;
	b->n_nodes++;
}

static void XMLCALL on_end(void *data, const char *name)
{
	struct builder *b = data;

	(void)name;
	if (b->failed)
		return;
	b->depth--;
	if (b->current->parent)
		b->current = b->current->parent;
}

static void XMLCALL on_text(void *data, const char *text, int len)
{
	struct builder *b = data;

	for (int i = 0; i < len; i++) {
		if (is_blank(text[i]))
			continue;
		fail(b, "unexpected text: a system description consists of elements and attributes",
		     NULL);
		return;
	}
}

static void XMLCALL on_doctype(void *data, const char *name, const char *sysid, const char *pubid,
			       int has_internal)
{
	(void)name;
	(void)sysid;
	(void)pubid;
	(void)has_internal;
	fail(data, "a document type is not accepted",
	     "remove the <!DOCTYPE ...>: entities are never expanded");
}

/* Every name of that namespace would carry it. */
static void XMLCALL on_namespace(void *data, const char *prefix, const char *uri)
{
	(void)prefix;
	if (uri && strlen(uri) > XML_MAX_SPACE)
		fail(data, "a namespace is too long", NULL);
}

static void report_malformed(struct builder *b)
{
	enum XML_Error error = XML_GetErrorCode(b->parser);
	bool mismatch = error == XML_ERROR_TAG_MISMATCH && b->current;
	char hint[128] = "";

	if (mismatch)
		snprintf(hint, sizeof(hint), "the open element is <%.100s>", b->current->name);
	xml_report(b->source, DIAG_ERROR, here(b), mismatch ? hint : NULL,
		   "not well-formed XML: %s", XML_ErrorString(error));
}

static XML_Parser new_parser(struct builder *b)
{
	XML_Parser parser = XML_ParserCreateNS("UTF-8", SEPARATOR);

	if (!parser)
		return NULL;
	XML_SetUserData(parser, b);
	XML_SetElementHandler(parser, on_start, on_end);
	XML_SetCharacterDataHandler(parser, on_text);
	XML_SetStartNamespaceDeclHandler(parser, on_namespace);
	XML_SetStartDoctypeDeclHandler(parser, on_doctype);
	XML_SetParamEntityParsing(parser, XML_PARAM_ENTITY_PARSING_NEVER);
	return parser;
}

static bool begins(const struct xml_source *s, size_t at, const char *with)
{
	size_t len = strlen(with);

	return s->len - at >= len && !memcmp(s->text + at, with, len);
}

/* Where what begins with the "<" at `at` ends, or the next "<" is; or the end of the text. */
static size_t end_of_markup(const struct xml_source *s, size_t at)
{
	const char *rest = s->text + at + 1, *end;
	size_t len = s->len - at - 1;

	if (begins(s, at, "<!--"))
		end = memmem(rest, len, "-->", 3);
	else if (begins(s, at, "<?"))
		end = memmem(rest, len, "?>", 2);
	else
		end = memchr(rest, '<', len);
	return end ? (size_t)(end - s->text) : s->len;
}

static void report_long(const struct xml_source *s, size_t at)
{
	bool ends = memchr(s->text + at, '>', XML_MAX_TAG);

	xml_report(s, DIAG_ERROR, at, NULL, "a tag %s more than %d bytes",
		   ends ? "and the text behind it have" : "has", XML_MAX_TAG);
}

/* The parser keeps a whole tag, and every prefix in it as its namespace: before it sees one that is
 * beyond reason, it must be refused. */
static bool check_tags(const struct xml_source *s)
{
	const char *tag = memchr(s->text, '<', s->len), *zero = memchr(s->text, '\0', s->len);

	/* Of every encoding that the parser might guess, UTF-8 alone has none. */
	if (zero) {
		xml_report(s, DIAG_ERROR, (size_t)(zero - s->text), NULL,
			   "a system description is a text in UTF-8");
		return false;
	}

	while (tag) {
		size_t at = (size_t)(tag - s->text), end = end_of_markup(s, at), last = end;

		while (last > at && is_blank(s->text[last - 1]))
			last--;
		if (last - at > XML_MAX_TAG && !begins(s, at, "<!--")) {
			report_long(s, at);
			return false;
		}
		tag = memchr(s->text + end, '<', s->len - end);
	}
	return true;
}

struct xml_node *xml_parse(const struct xml_source *source)
{
	struct builder b = { .source = source };

	if (!check_tags(source))
		return NULL;
	b.parser = new_parser(&b);
	if (!b.parser) {
		xml_report(source, DIAG_ERROR, 0, NULL, "out of memory");
		return NULL;
	}
	if (XML_Parse(b.parser, source->text, (int)source->len, 1) != XML_STATUS_OK && !b.failed) {
		report_malformed(&b);
		b.failed = true;
	}
	XML_ParserFree(b.parser);
	if (b.failed) {
		xml_free(b.root);
		return NULL;
	}
	return b.root;
}
