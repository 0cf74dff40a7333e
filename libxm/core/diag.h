/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_DIAG_H
#define XM_CORE_DIAG_H

/*
 * Messages for a person about a text that a person wrote: where, what was wrong, what was expected,
 * the line itself and a caret, as a good compiler prints them.  Collected in the order of the
 * places, printed at the end, so that all of a file's errors show at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum diag_level { DIAG_ERROR, DIAG_WARNING, DIAG_NOTE };

struct diag_place {
	const char *file;    /* borrowed until diag_free; NULL: no place */
	unsigned int line;   /* from 1; 0: unknown */
	unsigned int column; /* from 1, in bytes; 0: unknown */
};

struct diag_message {
	enum diag_level level;
	char *file;
	unsigned int line;
	unsigned int column;
	char *text;   /* what was wrong; one line, printable */
	char *hint;   /* what to do about it, or NULL */
	char *source; /* the line of the file, or NULL */
};

struct diag {
	struct diag_message *messages;
	size_t n;
	size_t n_errors;
	size_t n_warnings;
	bool truncated; /* more than DIAG_MAX: the rest was dropped, and diag_print says so */
};

#define DIAG_MAX 200

void diag_init(struct diag *diag);
void diag_free(struct diag *diag);

/*
 * Adds a message.  `text` (may be NULL) is the whole text of the file, from which the line is
 * quoted.  `hint` may be NULL.  Control characters in any of it are replaced.
 */
void diag_add(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	      size_t text_len, const char *hint, const char *format, ...)
	__attribute__((format(printf, 7, 8)));

/* Prints all as "file:line:column: error: text", the quoted line, a caret, and the hint. */
void diag_print(const struct diag *diag, FILE *out);

/* The candidate that `word` most probably was meant to be, or NULL if none is near. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t n);

#endif
