// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The matrix in a terminal, and the notes that its other form has, too.  Names in it come from whoever
 * wrote the policy: must never let any of them act on a terminal.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/answer.h"
#include "policy/matrix.h"

#define NAME 34
#define COLUMN 6

/* ---- notes ------------------------------------------------------------------------------------- */

/* The text of the condition; NULL: it has none. */
static const char *condition_of(const json_t *cell)
{
	return json_string_value(json_object_get(cell, "where"));
}

static bool is_same(const json_t *a, const json_t *b)
{
	return json_equal(json_object_get(a, "where"), json_object_get(b, "where")) &&
	       json_integer_value(json_object_get(a, "partition")) ==
		       json_integer_value(json_object_get(b, "partition")) &&
	       !json_object_get(a, "partition") == !json_object_get(b, "partition");
}

size_t matrix_note(struct matrix_notes *notes, const json_t *cell)
{
	if (!condition_of(cell))
		return 0;
	for (size_t i = 0; i < notes->n; i++)
		if (is_same(notes->cell[i], cell))
			return i + 1;
	notes->cell = realloc(notes->cell, (notes->n + 1) * sizeof(*notes->cell));
	if (!notes->cell)
		abort();
	notes->cell[notes->n++] = cell;
	return notes->n;
}

void matrix_notes_free(struct matrix_notes *notes)
{
	free(notes->cell);
}

void matrix_put_note(FILE *out, const json_t *cell, void (*put)(FILE *out, const char *s))
{
	const json_t *partition = json_object_get(cell, "partition");
	const char *text = condition_of(cell);

	if (partition)
		fprintf(out, "if the broker runs in partition %lld%s",
			(long long)json_integer_value(partition), *text ? ": " : "");
	put(out, text);
}

/* ---- the terminal ------------------------------------------------------------------------------ */

static void put_safe(FILE *out, const char *s)
{
	char room[5] = "";

	for (; *s; s++) {
		struct text t = TEXT_INIT(room);

		text_safe(&t, s, 1);
		fputs(room, out);
	}
}

static bool is_nobodys(const json_t *operation)
{
	json_t *cell;
	size_t i;

	json_array_foreach(json_object_get(operation, "cells"), i, cell)
	{
		if (strcmp(json_string_value(json_object_get(cell, "answer")), "no"))
			return false;
	}
	return true;
}

static void print_cell(FILE *out, const json_t *cell, struct matrix_notes *notes)
{
	const char *answer = json_string_value(json_object_get(cell, "answer"));
	char text[24];

	if (!strcmp(answer, "conditional"))
		snprintf(text, sizeof(text), "~%zu", matrix_note(notes, cell));
	else
		snprintf(text, sizeof(text), "%s",
			 !strcmp(answer, "no")    ? "-"
			 : !strcmp(answer, "yes") ? "yes"
						  : "?");
	fprintf(out, "%*s", COLUMN, text);
}

static void print_block(FILE *out, const json_t *matrix, size_t from, size_t to,
			struct matrix_notes *notes)
{
	json_t *operation;
	size_t i;

	fprintf(out, "\n%-*s", NAME, "");
	for (size_t p = from; p < to; p++)
		fprintf(out, "%*zu", COLUMN, p + 1);
	fputc('\n', out);
	json_array_foreach(json_object_get(matrix, "operations"), i, operation)
	{
		const json_t *cells = json_object_get(operation, "cells");

		if (is_nobodys(operation))
			continue;
		fprintf(out, "%-*s", NAME, answer_text(operation, "op"));
		for (size_t p = from; p < to; p++)
			print_cell(out, json_array_get(cells, p), notes);
		fputc('\n', out);
	}
}

static void print_principals(FILE *out, const json_t *principals)
{
	json_t *principal;
	size_t i;

	json_array_foreach(principals, i, principal)
	{
		const char *text = answer_text(principal, "principal");
		const char *is = answer_text(principal, "is");

		fprintf(out, "%*zu  %s", COLUMN, i + 1, text);
		fprintf(out, strcmp(text, is) ? " (%s)\n" : "\n", is);
	}
}

/* Those of one kind: that root can nevertheless, or not. */
static void print_nobodys(FILE *out, const json_t *matrix, bool root, unsigned int columns)
{
	const char *begin = root ? "nobody but root: " : "nobody: ";
	const unsigned int indent = 8;
	unsigned int at = 0;
	json_t *operation;
	size_t i;

	json_array_foreach(json_object_get(matrix, "operations"), i, operation)
	{
		const char *name = answer_text(operation, "op");

		if (!is_nobodys(operation) ||
		    json_is_true(json_object_get(operation, "root")) != root)
			continue;
		if (!at || at + strlen(name) + 3 > columns) {
			fputs(at ? ",\n        " : "\n", out);
			fputs(at ? "" : begin, out);
			at = at ? indent : (unsigned int)strlen(begin);
		} else {
			fputs(", ", out);
			at += 2;
		}
		fputs(name, out);
		at += (unsigned int)strlen(name);
	}
	fputs(at ? "\n" : "", out);
}

void policy_matrix_print(FILE *out, const json_t *matrix, unsigned int columns)
{
	const json_t *principals = json_object_get(matrix, "principals");
	size_t n = json_array_size(principals), step = 1;
	struct matrix_notes notes = { NULL, 0 };

	if (columns > NAME + COLUMN)
		step = (columns - NAME) / COLUMN;
	print_principals(out, principals);
	for (size_t from = 0; from < n; from += step)
		print_block(out, matrix, from, from + step < n ? from + step : n, &notes);
	print_nobodys(out, matrix, false, columns);
	print_nobodys(out, matrix, true, columns);
	for (size_t i = 0; i < notes.n; i++) {
		fprintf(out, "%s~%-4zu ", i ? "" : "\n", i + 1);
		matrix_put_note(out, notes.cell[i], put_safe);
		fputc('\n', out);
	}
	matrix_notes_free(&notes);
}
