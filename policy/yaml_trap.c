// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What looks like one thing and is another, to a reader of YAML or to the eye: words and numbers that
 * silently become another type, characters that are not seen.  Owns nothing.  Must never let through
 * what two readers of YAML take for two things.
 */

#include <string.h>

#include "policy/yaml_trap.h"

/* ---- characters -------------------------------------------------------------------------------- */

/* Characters that make a file look other than it reads: controls, other line ends, direction marks. */
const char *yaml_bad_character(const unsigned char *s, size_t left)
{
	if (s[0] == '\r')
		return left > 1 && s[1] == '\n' ? NULL : "a carriage return that ends no line";
	if ((s[0] < 0x20 && s[0] != '\n' && s[0] != '\t') || s[0] == 0x7f)
		return "a control character";
	if (left > 1 && s[0] == 0xc2 && s[1] >= 0x80 && s[1] <= 0x9f)
		return "a control character";
	if (left > 2 && s[0] == 0xef && s[1] == 0xbb && s[2] == 0xbf)
		return "a byte order mark: save the file as UTF-8 without it";
	if ((left > 2 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0x8e || s[2] == 0x8f)) ||
	    (left > 1 && s[0] == 0xd8 && s[1] == 0x9c))
		return "a character that turns round the direction of text";
	if (left > 2 && s[0] == 0xe2 && s[1] == 0x80 && s[2] >= 0xa8 && s[2] <= 0xae)
		return "a character that breaks or turns round the line";
	if (left > 2 && s[0] == 0xe2 && s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9)
		return "a character that turns round the line";
	return NULL;
}

/* ---- what plain words and numbers must not be -------------------------------------------------- */

static bool is_word(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (!strcasecmp(s, *words))
			return true;
	return false;
}

static bool is_float(const char *s)
{
	static const char *const words[] = { ".inf", ".nan", NULL };
	size_t digits = 0, points = 0, exponents = 0;

	s += *s == '-' || *s == '+';
	if (is_word(s, words))
		return true;
	for (; *s; s++) {
		if (*s >= '0' && *s <= '9')
			digits++;
		else if (*s == '.')
			points++;
		else if ((*s == 'e' || *s == 'E') && digits && s[1])
			exponents++, s += s[1] == '-' || s[1] == '+';
		else
			return false;
	}
	return digits && points <= 1 && exponents <= 1 && points + exponents;
}

static bool all_of(const char *s, const char *set)
{
	return *s && !s[strspn(s, set)];
}

/* 1:30 and 190:20:30.15, which to YAML 1.1 are numbers to the base of 60. */
bool yaml_is_sexagesimal(const char *s)
{
	unsigned int colons = 0;

	s += *s == '-' || *s == '+';
	if (*s < '0' || *s > '9')
		return false;
	for (; *s; s++)
		if (*s == ':' && s[1] >= '0' && s[1] <= '9')
			colons++;
		else if (!strchr("0123456789_.", *s))
			return false;
	return colons > 0;
}

static bool is_odd_number(const char *s)
{
	if (*s == '+' && all_of(s + 1, "0123456789"))
		return true;
	s += *s == '-' || *s == '+';
	if (*s < '0' || *s > '9')
		return false;
	if (strchr(s, '_') && (all_of(s, "0123456789_") ||
			       (!strncmp(s, "0x", 2) && all_of(s + 2, "0123456789abcdefABCDEF_"))))
		return true;
	return s[0] == '0' && s[1] &&
	       (all_of(s, "01234567") || all_of(s, "0123456789") ||
		((s[1] == 'o' || s[1] == 'b') && all_of(s + 2, "01234567")));
}

/* Why a plain scalar must not stand there, or NULL. */
const char *yaml_trap(const char *s)
{
	static const char *const booleans[] = { "yes",   "no", "on", "off", "true",
						"false", "y",  "n",  NULL };
	static const char *const nulls[] = { "~", "null", NULL };
	static const char *const merges[] = { "<<", "=", NULL };

	if (!*s)
		return "a value is missing";
	if (is_word(s, nulls))
		return "this is YAML's null, not a word";
	if (is_word(s, booleans))
		return "this is a YAML truth value, not a word";
	if (is_word(s, merges))
		return "this is a merge key or default key of YAML, which are not used here";
	if (yaml_is_sexagesimal(s))
		return "to some readers of YAML this is a number to the base of 60";
	if (is_float(s))
		return "this is a YAML floating point number; only whole numbers are used here";
	if (is_odd_number(s))
		return "readers of YAML disagree on this number (octal, binary, sign or "
		       "separators)";
	return NULL;
}
