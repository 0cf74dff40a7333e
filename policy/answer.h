/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_ANSWER_H
#define XM_POLICY_ANSWER_H

/*
 * Pieces of the answers of xmpolicy that rest on proofs, as JSON in the form that xmpolicy(1) documents.
 * Each answer is made as JSON and printed from it, so that both forms say the same.
 */

#include <jansson.h>

#include "policy/prove.h"

/* What is no UTF-8 is escaped; null for NULL. */
json_t *answer_string(const char *s);
void answer_set(json_t *object, const char *name, json_t *value);
void answer_add(json_t *array, json_t *value);

/* {"at": {...}, "role": ..., "because": ...}; null for POLICY_NO_RULE. */
json_t *answer_rule(const struct policy_image *image, uint32_t rule);
/* {"at": {...}, "to": ...}; null for IMAGE_NONE. */
json_t *answer_grant(const struct policy_image *image, uint32_t grant);
/* {"call": ..., "as": ..., "at": ..., "partition": ...} */
json_t *answer_witness(const struct prove_witness *witness);
/* The command line of xmpolicy explain that shows it. */
json_t *answer_command(const char *const *policies, size_t n, const char *system,
		       const struct prove_witness *witness);

/* ---- printing ---------------------------------------------------------------------------------- */

/* The string of an object for a terminal, "" if it has none; valid until the eighth call after it. */
const char *answer_text(const json_t *object, const char *name);
/* Its command line, as a shell reads it; likewise. */
const char *answer_command_text(const json_t *object);
/* "p.yaml:5:3 in role 'x'", or "no rule"; likewise. */
const char *answer_rule_text(const json_t *rule);
/* "p.yaml:5:3"; likewise. */
const char *answer_place_text(const json_t *object);

#endif
