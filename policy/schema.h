/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_SCHEMA_H
#define XM_POLICY_SCHEMA_H

#include <jansson.h>

/*
 * JSON Schema (draft-07, which editors know best) of a policy file, with the vocabulary of the table of
 * operations.  Every policy that compiles is valid; of the others it finds misspelt keys, operations,
 * attributes and constants, and values of the wrong shape.  The caller's.
 */
json_t *policy_schema(void);

/* schema_words.c: the vocabulary, for who builds the schema. */
json_t *schema_operations(void);
json_t *schema_where(void);
/* For each operation and class: a rule that names it has these attributes only. */
json_t *schema_attributes(const char *const *keys);

#endif
