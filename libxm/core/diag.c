// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Collected messages about a text.  Owns copies of all that it prints.  When memory runs out a
 * message may lose its text, but never its count: an error is always an error.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/diag.h"

#define TEXT_MAX 1024
#define SOURCE_MAX 160 /* longest quoted part of a line */

void diag_init(struct diag *diag)
{
	*diag = (struct diag){ 0 };
}

void diag_free(struct diag *diag)
{
	for (size_t i = 0; i < diag->n; i++) {
		free(diag->messages[i].file);
		free(diag->messages[i].text);
		free(diag->messages[i].hint);
		free(diag->messages[i].source);
	}
	free(diag->messages);
	diag_init(diag);
}

/* Bytes that a terminal could act on become '?'; tabs become blanks, so that the caret fits. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if (*s == '\t')
			*s = ' ';
		else if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static char *copy_printable(const char *s, size_t len)
{
	char *copy = strndup(s, len);

	if (copy)
		make_printable(copy);
	return copy;
}

static char *quote_line(const char *text, size_t len, unsigned int line)
{
	const char *end = text + len, *start = text, *stop;

	for (unsigned int i = 1; i < line; i++) {
		start = memchr(start, '\n', (size_t)(end - start));
		if (!start)
			return NULL;
		start++;
	}
	stop = memchr(start, '\n', (size_t)(end - start));
	if (!stop)
		stop = end;
	if (stop > start && stop[-1] == '\r')
		stop--;
	if (stop - start > SOURCE_MAX)
		stop = start + SOURCE_MAX;
	return copy_printable(start, (size_t)(stop - start));
}

static struct diag_message *new_message(struct diag *diag)
{
	struct diag_message *messages;

	if (diag->n >= DIAG_MAX) {
		diag->truncated = true;
		return NULL;
	}
	messages = realloc(diag->messages, (diag->n + 1) * sizeof(*messages));
	if (!messages) {
		diag->truncated = true;
		return NULL;
	}
	diag->messages = messages;
	messages[diag->n] = (struct diag_message){ 0 };
	return &messages[diag->n++];
}

void diag_add(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	      size_t text_len, const char *hint, const char *format, ...)
{
	struct diag_message *m;
	char buf[TEXT_MAX];
	va_list args;

	diag->n_errors += level == DIAG_ERROR;
	diag->n_warnings += level == DIAG_WARNING;
	m = new_message(diag);
	if (!m)
		return;
	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	m->level = level;
	m->line = place.line;
	m->column = place.column;
	m->file = place.file ? copy_printable(place.file, strlen(place.file)) : NULL;
	m->text = copy_printable(buf, strlen(buf));
	m->hint = hint ? copy_printable(hint, strlen(hint)) : NULL;
	m->source = text && place.line ? quote_line(text, text_len, place.line) : NULL;
}

static void print_source(const struct diag_message *m, FILE *out)
{
	fprintf(out, "  %s\n", m->source);
	if (!m->column || m->column > strlen(m->source) + 1)
		return;
	fputs("  ", out);
	/* Bytes that continue a UTF-8 character take no column. */
	for (unsigned int i = 0; i + 1 < m->column; i++)
		if (((unsigned char)m->source[i] & 0xc0) != 0x80)
			fputc(' ', out);
	fputs("^\n", out);
}

static void print_message(const struct diag_message *m, FILE *out)
{
	static const char *const levels[] = { "error", "warning", "note" };

	if (m->file)
		fprintf(out, "%s:", m->file);
	if (m->line)
		fprintf(out, "%u:", m->line);
	if (m->line && m->column)
		fprintf(out, "%u:", m->column);
	fprintf(out, "%s%s: %s\n", m->file || m->line ? " " : "", levels[m->level],
		m->text ? m->text : "(out of memory)");
	if (m->source)
		print_source(m, out);
	if (m->hint)
		fprintf(out, "  hint: %s\n", m->hint);
}

void diag_print(const struct diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->n; i++)
		print_message(&diag->messages[i], out);
	if (diag->truncated)
		fprintf(out, "(further messages left out)\n");
}

/* Edit distance with swaps of neighbours, letter case ignored; at most `limit`, else limit + 1. */
static size_t distance(const char *a, const char *b, size_t limit)
{
	size_t la = strlen(a), lb = strlen(b), rows[3][64];

	if (la >= 64 || lb >= 64 || (la > lb ? la - lb : lb - la) > limit)
		return limit + 1;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *up2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			int x = tolower((unsigned char)a[i - 1]),
			    y = tolower((unsigned char)b[j - 1]);
			size_t best = up[j - 1] + (x != y);

			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && up2[j - 2] + 1 < best)
				best = up2[j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[la % 3][lb];
}

const char *diag_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t limit = strlen(word) / 3 + 1, best = limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i], limit);

		if (d >= best)
			continue;
		best = d;
		nearest = candidates[i];
	}
	return nearest;
}
