/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_XML_H
#define XM_SYSTEM_XML_H

/*
 * An XML text as a tree of elements that remember where they stand.  No document type, no entities,
 * no text between elements; bounded in depth and number.  Internal to libxm/system.
 */

#include <stdarg.h>

#include "libxm/core/diag.h"

#define XML_MAX_DEPTH 16
#define XML_MAX_NODES 200000
#define XML_MAX_ATTRS 32 /* of one element; no dialect has an element with as many */

#define XML_MAX_TAG 16384
#define XML_MAX_SPACE 255 /* bytes of a namespace */

/* The text that messages are about. */
struct xml_source {
	const char *file;
	const char *text;
	size_t len;
	struct diag *diag; /* borrowed */
};

struct xml_attr {
	char *name;
	char *value;
	size_t at; /* offset of the name in the text */
};

struct xml_node {
	char *name;
	char *space; /* namespace, "" if none */
	size_t at;   /* offset of its "<" in the text */
	struct xml_attr *attrs;
	size_t n_attrs;
	struct xml_node *first, *last,
		*next; /* children, and the next sibling; owned by the parent */
	struct xml_node *parent;
	unsigned int mark; /* for the reader's use */
};

/* The tree, or NULL with an error in source->diag (or none left to report it with). */
struct xml_node *xml_parse(const struct xml_source *source);
void xml_free(struct xml_node *node);

const struct xml_attr *xml_attr(const struct xml_node *node, const char *name);

/* Adds a message about the place at offset `at`. */
void xml_report(const struct xml_source *source, enum diag_level level, size_t at, const char *hint,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
