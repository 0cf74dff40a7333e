// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Texts and numbers as the canonical form writes them: without quotes where no reader of YAML, of
 * whatever version and in whatever place, could take them for something else.  Must never turn a number
 * into a text or a text into a number.
 */

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "policy/fmt_internal.h"
#include "policy/model.h"

static bool is_word_of_yaml(const char *text)
{
	static const char *const words[] = { "yes", "no", "on",   "off",  "true",  "false",
					     "y",   "n",  "null", ".inf", "-.inf", ".nan" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

/* Digits and what may stand among them: some reader takes it for a number. */
static bool looks_like_number(const char *text)
{
	bool digit = false;

	for (const char *s = text; *s; s++) {
		digit |= isdigit((unsigned char)*s) != 0;
		if (!strchr("0123456789abcdefABCDEFxXoO+-_.", *s))
			return false;
	}
	return digit && strchr("0123456789+-.", *text);
}

static bool is_range(const char *text)
{
	return strstr(text, "..") != NULL;
}

/* 2027-01-31. */
static bool is_date(const char *text)
{
	static const char form[] = "dddd-dd-dd";

	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != form[i])
			return false;
	return true;
}

static bool is_plain(const char *text)
{
	size_t len = strlen(text);

	if (!len || !(isalnum((unsigned char)*text) || strchr("_./-", *text)) ||
	    text[len - 1] == ' ' || is_word_of_yaml(text) || !strncmp(text, "---", 3) ||
	    !strcmp(text, "..."))
		return false;
	if (*text == '-' && !isdigit((unsigned char)text[1]))
		return false;
	for (const char *s = text; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_./+- ", *s))
			return false;
	return true;
}

/* Without quotes it stays what it is. */
static bool stays_plain(const struct node *node, const char *text)
{
	uint64_t value;
	bool negative;

	if (node->plain && (!strcmp(text, "true") || !strcmp(text, "false")))
		return true;
	if (!is_plain(text))
		return false;
	if (policy_number(text, &value, &negative))
		return node->plain;
	return !looks_like_number(text) || is_range(text) || (is_date(text) && node->plain);
}

static const char *quoted(struct arena *arena, const char *text)
{
	struct buffer out = { 0 };
	const char *result;

	buffer_push(&out, "\"", 1);
	for (const unsigned char *s = (const unsigned char *)text; *s; s++)
		if (*s == '\n')
			buffer_push(&out, "\\n", 2);
		else if (*s == '\t')
			buffer_push(&out, "\\t", 2);
		else if (*s == '"' || *s == '\\')
			buffer_push(&out, (char[]){ '\\', (char)*s }, 2);
		else
			buffer_push(&out, s, 1);
	buffer_push(&out, "\"", 1);
	result = arena_strndup(arena, (const char *)out.data, out.len);
	buffer_free(&out);
	return result;
}

const char *fmt_scalar(struct arena *arena, const struct node *node, const char *text)
{
	return stays_plain(node, text) ? text : quoted(arena, text);
}

/* Lines that a literal text can keep: at most one line end behind them, and no blanks at ends. */
bool fmt_scalar_has_lines(const char *text)
{
	size_t len = strlen(text);
	const char *first = strchr(text, '\n');

	if (!first || !first[1] || *text == ' ' || *text == '\n' || *text == '\t' ||
	    strchr(text, '\t'))
		return false;
	if (strchr(text, '\r') || (len > 1 && text[len - 1] == '\n' && text[len - 2] == '\n'))
		return false;
	for (const char *s = text; *s; s++)
		if (*s == ' ' && (!s[1] || s[1] == '\n'))
			return false;
	return true;
}

/* Words with one blank between them, which can be folded. */
static bool can_fold(const char *text)
{
	if (!strchr(text, ' ') || *text == ' ')
		return false;
	for (const char *s = text; *s; s++)
		if (*s == '\n' || *s == '\t' || *s == '\r' || (*s == ' ' && (!s[1] || s[1] == ' ')))
			return false;
	return true;
}

const char *fmt_scalar_block(const char *text, bool fits)
{
	if (fmt_scalar_has_lines(text))
		return text[strlen(text) - 1] == '\n' ? "|" : "|-";
	return !fits && can_fold(text) ? ">-" : NULL;
}

/* Whether a reader that tells numbers from texts reads both alike. */
bool fmt_same_scalar(const struct fmt_value *a, const struct fmt_value *b)
{
	uint64_t value;
	bool negative;

	if (strcmp(a->text, b->text))
		return false;
	return a->node->plain == b->node->plain ||
	       !(policy_number(a->text, &value, &negative) || is_word_of_yaml(a->text));
}
