// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Collected messages about a text.  Owns copies of all that it prints.  When memory runs out a
 * message may lose its text, but never its count: an error is always an error.
 */

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/diag.h"

#define WORD_MAX 300  /* of a message: the middle of a longer word is left out */
#define QUOTE_MAX 160 /* of a line: of a longer one the part around the caret is shown */
#define BEFORE_CARET 100

void diag_init(struct diag *diag)
{
	*diag = (struct diag){ 0 };
}

static void free_message(struct diag_message *m)
{
	free(m->file);
	free(m->text);
	free(m->hint);
	free(m->source);
}

void diag_free(struct diag *diag)
{
	for (size_t i = 0; i < diag->n; i++)
		free_message(&diag->messages[i]);
	free(diag->messages);
	diag_init(diag);
}

/* ---- what a terminal shows --------------------------------------------------------------------- */

struct span {
	uint32_t first, last;
};

static bool is_in(uint32_t code, const struct span *spans, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (code >= spans[i].first && code <= spans[i].last)
			return true;
	return false;
}

#define IS_IN(code, spans) is_in(code, spans, sizeof(spans) / sizeof((spans)[0]))

/* Controls, and what is not seen or turns round what is seen. */
static const struct span hidden[] = {
	{ 0x00, 0x1f },     { 0x7f, 0x9f },     { 0xad, 0xad },     { 0x61c, 0x61c },
	{ 0x115f, 0x1160 }, { 0x180e, 0x180e }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
	{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
};
/* Drawn over the character before. */
static const struct span combining[] = {
	{ 0x300, 0x36f },   { 0x483, 0x489 },   { 0x591, 0x5bd },   { 0x610, 0x61a },
	{ 0x64b, 0x65f },   { 0x1ab0, 0x1aff }, { 0x1dc0, 0x1dff }, { 0x20d0, 0x20ff },
	{ 0xfe00, 0xfe0f }, { 0xfe20, 0xfe2f },
};
/* Two columns. */
static const struct span wide[] = {
	{ 0x1100, 0x115e },   { 0x2e80, 0x303e },   { 0x3041, 0xa4cf },   { 0xac00, 0xd7a3 },
	{ 0xf900, 0xfaff },   { 0xfe30, 0xfe6f },   { 0xff00, 0xff60 },   { 0xffe0, 0xffe6 },
	{ 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
};

static bool continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* The character at s: its length, or 0 if that is not UTF-8. */
static size_t decode(const char *s, size_t len, uint32_t *codep)
{
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char first = (unsigned char)s[0];
	size_t n = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	uint32_t code = n > 1 ? first & (0x7fu >> n) : first;

	if (!n || n > len || first > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (!continues(s[i]))
			return 0;
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	}
	if (code < smallest[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*codep = code;
	return n;
}

/*
 * Copies what a terminal can show as it is, tabs as blanks and all else as '?'; nothing becomes longer.
 * The columns that it takes up to the byte `at` go to *columnsp, unless that is NULL.
 */
static size_t copy_shown(char *to, const char *s, size_t len, size_t at, int *columnsp)
{
	size_t used = 0, n;
	uint32_t code;
	int columns = 0;

	for (size_t i = 0; i < len; i += n) {
		if (columnsp && i <= at)
			*columnsp = columns;
		n = decode(s + i, len - i, &code);
		if (n && !IS_IN(code, hidden)) {
			memcpy(to + used, s + i, n);
			used += n;
			columns += IS_IN(code, combining) ? 0 : IS_IN(code, wide) ? 2 : 1;
			continue;
		}
		to[used++] = n && code == '\t' ? ' ' : '?';
		columns++;
		n = n ? n : 1;
	}
	if (columnsp && at >= len)
		*columnsp = columns;
	return used;
}

static char *copy_printable(const char *s)
{
	size_t len = strlen(s);
	char *copy = malloc(len + 1);

	if (copy)
		copy[copy_shown(copy, s, len, 0, NULL)] = '\0';
	return copy;
}

/* ---- a line ------------------------------------------------------------------------------------ */

/* The line without its end; NULL: there is no such. */
static const char *find_line(const char *text, size_t len, unsigned int line, size_t *lenp)
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
	*lenp = (size_t)(stop - start);
	return start;
}

static size_t begin_character(const char *line, size_t len, size_t at)
{
	for (size_t i = 0; i < 3 && at && at < len && continues(line[at]); i++)
		at--;
	return at;
}

/* Quotes the line, or of a long one the part around the column. */
static void quote_line(struct diag_message *m, const char *text, size_t text_len)
{
	size_t len, from = 0, to, at = m->column ? m->column - 1 : 0, used = 0;
	const char *line = find_line(text, text_len, m->line, &len);

	if (!line)
		return;
	if (len > QUOTE_MAX && at > BEFORE_CARET)
		from = begin_character(line, len, (at < len ? at : len) - BEFORE_CARET);
	to = len - from > QUOTE_MAX ? begin_character(line, len, from + QUOTE_MAX) : len;
	m->source = malloc(to - from + sizeof("......"));
	if (!m->source)
		return;
	if (from)
		used = (size_t)(stpcpy(m->source, "...") - m->source);
	m->caret = 0;
	used += copy_shown(m->source + used, line + from, to - from, at - from, &m->caret);
	if (from)
		m->caret += 3;
	strcpy(m->source + used, to < len ? "..." : "");
	if (!m->column || at > len)
		m->caret = -1;
}

/* ---- messages ---------------------------------------------------------------------------------- */

/* Takes the middle out of what is longer than `max`. */
static void shorten(char *s, size_t *lenp, size_t max)
{
	size_t head = max * 2 / 3, tail = max - head - 3, len = *lenp;

	if (len <= max)
		return;
	head = begin_character(s, len, head);
	tail = len - begin_character(s, len, len - tail);
	memset(s + head, '.', 3);
	memmove(s + head + 3, s + len - tail, tail);
	*lenp = head + 3 + tail;
}

/* What a message quotes may be of any length: no more of it than shows what is meant. */
static void shorten_words(char *s)
{
	char *to = s, *at = s;
	size_t len;

	while (*at) {
		size_t all = strcspn(at, " "), word = all;

		shorten(at, &word, WORD_MAX);
		memmove(to, at, word);
		to += word;
		at += all;
		if (*at)
			*to++ = *at++;
	}
	len = (size_t)(to - s);
	shorten(s, &len, DIAG_TEXT_MAX);
	s[len] = '\0';
}

bool diag_is_full(const struct diag *diag, enum diag_level level)
{
	return level == DIAG_ERROR ? diag->n_errors >= DIAG_MAX : diag->n >= DIAG_MAX;
}

static void take_out(struct diag *diag, size_t i)
{
	free_message(&diag->messages[i]);
	diag->n--;
	memmove(&diag->messages[i], &diag->messages[i + 1],
		(diag->n - i) * sizeof(diag->messages[0]));
}

void diag_remove(struct diag *diag, size_t i)
{
	diag->n_errors -= diag->messages[i].level == DIAG_ERROR;
	diag->n_warnings -= diag->messages[i].level == DIAG_WARNING;
	take_out(diag, i);
}

/* Errors stand above all else: no warning takes the room of one. */
static void drop_lesser(struct diag *diag)
{
	size_t i = diag->n;

	while (i-- > 0)
		if (diag->messages[i].level != DIAG_ERROR)
			break;
	take_out(diag, i);
	diag->n_left_out++;
	diag->truncated = true;
}

/* NULL: it is only counted. */
static struct diag_message *new_message(struct diag *diag, enum diag_level level)
{
	struct diag_message *messages = NULL;

	if (!diag_is_full(diag, level)) {
		if (diag->n == DIAG_MAX)
			drop_lesser(diag);
		messages = realloc(diag->messages, (diag->n + 1) * sizeof(*messages));
	}
	if (!messages) {
		diag->n_left_out++;
		diag->truncated = true;
		return NULL;
	}
	diag->messages = messages;
	messages[diag->n] = (struct diag_message){ .level = level, .caret = -1 };
	return &messages[diag->n++];
}

void diag_vadd(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	       size_t text_len, const char *hint, const char *format, va_list args)
{
	struct diag_message *m = new_message(diag, level);
	char *said = NULL;

	diag->n_errors += level == DIAG_ERROR;
	diag->n_warnings += level == DIAG_WARNING;
	if (!m)
		return;
	m->line = place.line;
	m->column = place.column;
	m->file = place.file ? copy_printable(place.file) : NULL;
	m->hint = hint ? copy_printable(hint) : NULL;
	if (vasprintf(&said, format, args) >= 0) {
		shorten_words(said);
		m->text = copy_printable(said);
		free(said);
	}
	if (text && place.line)
		quote_line(m, text, text_len);
}

void diag_add(struct diag *diag, enum diag_level level, struct diag_place place, const char *text,
	      size_t text_len, const char *hint, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	diag_vadd(diag, level, place, text, text_len, hint, format, args);
	va_end(args);
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
		fprintf(out, "  %s\n", m->source);
	if (m->source && m->caret >= 0)
		fprintf(out, "  %*s^\n", m->caret, "");
	if (m->hint)
		fprintf(out, "  hint: %s\n", m->hint);
}

void diag_print(const struct diag *diag, FILE *out)
{
	for (size_t i = 0; i < diag->n; i++)
		print_message(&diag->messages[i], out);
	if (diag->truncated)
		fprintf(out, "(%zu further messages left out)\n", diag->n_left_out);
}

/* ---- words that are near ------------------------------------------------------------------------ */

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

/* A word of which nothing stays is not near, whatever the distance; "monday" is so to "mon". */
static bool has_in_common(const char *word, const char *candidate, size_t d)
{
	size_t len = strlen(candidate);

	return (d < strlen(word) && d < len) || (len > 2 && !strncasecmp(word, candidate, len));
}

const char *diag_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t limit = strlen(word) / 3 + 1, best = limit + 1;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i], limit);

		if (d >= best || !has_in_common(word, candidates[i], d))
			continue;
		best = d;
		nearest = candidates[i];
	}
	return nearest;
}
