/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_GRAMMAR_H
#define XM_SYSTEM_GRAMMAR_H

/*
 * The grammar of system descriptions as tables: for each element its attributes and children in each
 * dialect.  Internal to libxm/system.
 */

#include <stdbool.h>

#include "libxm/system/schema.h"

#define GRAMMAR_MAX_ATTRS 13
#define GRAMMAR_MAX_CHILDREN 9

enum notation {
	TEXT,
	NAME,
	NUMBER,
	LABEL, /* a number, decimal or 0x... */
	HEX,
	SIZE,
	TIME,
	FREQUENCY,
	BOOLEAN,
	ONE_OF,  /* of `words` */
	LIST_OF, /* of `words` */
	NUMBERS, /* a list */
	EVENT,
	ACTION,
};

/* `dialects` is a set of SCHEMA_...; 0: all.  The same name may stand twice, for other dialects. */
struct attr_rule {
	const char *name;
	bool required;
	enum notation notation;
	const char *words;
	unsigned int dialects;
};

struct child_rule {
	enum schema_element element;
	unsigned int min, max; /* max 0: the end of the list */
	unsigned int dialects;
};

struct element_rule {
	const char *name;
	struct attr_rule attrs[GRAMMAR_MAX_ATTRS];
	struct child_rule children[GRAMMAR_MAX_CHILDREN];
};

extern const struct element_rule grammar[SE_N];

#endif
