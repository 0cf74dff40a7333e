/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_CORE_DIAG_H
#define XM_CORE_DIAG_H

/*
 * Messages for a person about a text that a person wrote: where, what was wrong, what was expected,
 * the line itself and a caret, as a good compiler prints them.  Collected in the order of the
 * places, printed at the end, so that all of a file's errors show at once.
 */

#include <stdarg.h>
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
	char *source; /* the line of the file, or the part of it around the column; or NULL */
	int caret;    /* columns of a terminal before the caret; -1: none */
};

struct diag {
	struct diag_message *messages;
	size_t n;
	size_t n_errors;
	size_t n_warnings;
	size_t n_left_out; /* beyond DIAG_MAX: diag_print says how many */
	bool truncated;    /* there are such */
};

#define DIAG_MAX 200
#define DIAG_TEXT_MAX 2048 /* bytes of a message; of a longer one the middle is left out */

void diag_init(struct diag *diag);
void diag_free(struct diag *diag);

/*
 * Adds a message.  `text` (may be NULL) is the whole text of the file, from which the line is
 * quoted.  `hint` may be NULL.  What a terminal could act on, or not show, is replaced in all of it.
 * Of more than DIAG_MAX messages the first errors stay, and warnings as far as there is room.
 */
void diag_add(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	      size_t text_len, const char *hint, const char *format, ...)
	__attribute__((format(printf, 7, 8)));
void diag_vadd(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	       size_t text_len, const char *hint, const char *format, va_list args)
	__attribute__((format(printf, 7, 0)));

/* Takes a message away, and from the counts too. */
void diag_remove(struct diag *diag, size_t i);

/* Whether another message of this level would only be counted. */
bool diag_is_full(const struct diag *diag, enum diag_level level);

/* Prints all as "file:line:column: error: text", the quoted line, a caret, and the hint. */
void diag_print(const struct diag *diag, FILE *out);

/* The candidate that `word` most probably was meant to be, or NULL if none is near. */
const char *diag_nearest(const char *word, const char *const *candidates, size_t n);

#endif
