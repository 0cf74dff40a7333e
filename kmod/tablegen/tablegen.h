/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TABLEGEN_H
#define TABLEGEN_H

/* What the module has to know of a hypercall: rules.c finds it out, tablegen.c writes it down. */

#include "libxm/raw.h"

#define MAX_PARTS 4
#define MAX_PLACES 24

struct place {
	unsigned int offset, size;
};

/* Memory that a call works on: what a word, or a pointer in such memory, points to. */
struct part {
	int parent;
	unsigned int word, depth, at;
	const char *kind;
	bool in, out, optional, by_result;
	unsigned int size; /* of all, or of one record */
	int length_word;
	int count_in; /* the part with the field that holds the number of records */
	unsigned int count_at, count_size;
	unsigned int n_places;
	struct place places[MAX_PLACES];
};

struct rule {
	const struct raw_row *row;
	unsigned int n_parts;
	struct part parts[MAX_PARTS];
	const char *words[RAW_WORDS];
	int sized; /* the part whose size in bytes a word is, or -1 */
};

static inline const struct xm_op *op_of(const struct raw_row *row)
{
	return &xm_ops[row->op];
}

/* All of a rule, from its row of the table. */
void describe(struct rule *rule, const struct raw_row *row);

#endif
