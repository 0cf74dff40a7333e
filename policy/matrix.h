/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_MATRIX_H
#define XM_POLICY_MATRIX_H

/*
 * Principals against operations: what who is just this principal can do.  Exact, by the boxes of
 * region.h.
 */

#include <jansson.h>
#include <stdio.h>

#include "policy/prove.h"

/*
 * As xmpolicy(1) documents it; the caller's.  *undecidedp: some cells are.  `options` as of any proof; an
 * answer is "yes" or "no" only if it is so on each partition that the broker may run in.
 */
json_t *policy_matrix(const struct policy_image *image, const struct prove_options *options,
		      bool *undecidedp);
/* For a terminal of this many columns. */
void policy_matrix_print(FILE *out, const json_t *matrix, unsigned int columns);
/* One page, which needs nothing else and runs nothing. */
void policy_matrix_html(FILE *out, const json_t *matrix);

/* Conditions that several cells share, numbered as they are met. */
struct matrix_notes {
	const json_t **cell; /* of the matrix: the first that has it */
	size_t n;
};

/* The number, from 1, of the condition of a cell; 0: it has none. */
size_t matrix_note(struct matrix_notes *notes, const json_t *cell);
/* "if the broker runs in partition 2: partitionId is 2": elsewhere it may be another. */
void matrix_put_note(FILE *out, const json_t *cell, void (*put)(FILE *out, const char *s));
void matrix_notes_free(struct matrix_notes *notes);

#endif
