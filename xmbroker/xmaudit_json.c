// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Stepping over JSON.  Pure functions of bytes; must never accept what the JSON library would not, and
 * never read at or behind `end`.
 */

#include <stddef.h>
#include <string.h>

#include "xmbroker/xmaudit_json.h"

#define NAMES_MAX 16 /* members of an object */
#define DEPTH_MAX 4

#define EACH UINT64_C(0x0101010101010101)
#define HIGH UINT64_C(0x8080808080808080)

/* Which bytes of a word end a run of plain characters: controls, '"', '\\' and all above ASCII.  May
 * name a byte too many behind a right one. */
static uint64_t ends_run(uint64_t word)
{
	uint64_t quote = word ^ (EACH * '"'), slash = word ^ (EACH * '\\');

	return (word | (word - EACH * 0x20) | ((quote - EACH) & ~quote) |
		((slash - EACH) & ~slash)) &
	       HIGH;
}

static const char *skip_plain(const char *p, const char *end)
{
	uint64_t word;

	for (; end - p >= 8; p += 8) {
		memcpy(&word, p, sizeof(word));
		if (ends_run(word))
			break;
	}
	while (p < end && (unsigned char)*p >= 0x20 && *p != '"' && *p != '\\' &&
	       (unsigned char)*p < 0x80)
		p++;
	return p;
}

static bool continues(const char *p, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		if (((unsigned char)p[i] & 0xc0) != 0x80)
			return false;
	return true;
}

/* Bytes of the character above ASCII at p; 0: it is not valid UTF-8. */
static unsigned int utf8_length(const char *p, const char *end)
{
	unsigned char a = (unsigned char)p[0], b = end - p > 1 ? (unsigned char)p[1] : 0;
	unsigned int n = a >= 0xf0 ? 4 : a >= 0xe0 ? 3 : 2;

	if (a < 0xc2 || a > 0xf4 || end - p < (ptrdiff_t)n || !continues(p, n))
		return 0;
	if ((a == 0xe0 && b < 0xa0) || (a == 0xed && b > 0x9f) || (a == 0xf0 && b < 0x90) ||
	    (a == 0xf4 && b > 0x8f))
		return 0;
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes of the escape at p; 0: it is none that our writer uses. */
static unsigned int escape_length(const char *p, const char *end)
{
	if (end - p >= 2 && (p[1] == '"' || p[1] == '\\'))
		return 2;
	if (end - p < 6 || memcmp(p, "\\u00", 4) || hex_digit(p[4]) < 0 || hex_digit(p[5]) < 0)
		return 0;
	return p[4] == '0' && p[5] == '0' ? 0 : 6;
}

const char *xmaudit_skip_string(const char *p, const char *end, bool *escapedp)
{
	for (;;) {
		unsigned int n;

		p = skip_plain(p, end);
		if (p == end || (unsigned char)*p < 0x20)
			return NULL;
		if (*p == '"')
			return p;
		if (*p == '\\') {
			n = escape_length(p, end);
			*escapedp = true;
		} else {
			n = utf8_length(p, end);
		}
		if (!n)
			return NULL;
		p += n;
	}
}

const char *xmaudit_skip_number(const char *p, const char *end)
{
	const char *digits;

	if (p < end && *p == '-') {
		p++;
		if (p < end && *p == '0')
			return NULL;
	}
	for (digits = p; p < end && *p >= '0' && *p <= '9'; p++)
		;
	if (p == digits || p - digits > 20 || (*digits == '0' && p - digits > 1))
		return NULL;
	/* The library takes these for strings, which knows no minus. */
	return digits[-1] == '-' && p - digits > 18 ? NULL : p;
}

const char *xmaudit_skip_list(const char *p, const char *end)
{
	if (end - p < 2 || *p != '[')
		return NULL;
	if (p[1] == ']')
		return p + 2;
	do {
		p = xmaudit_skip_number(p + 1, end);
	} while (p && p < end && *p == ',');
	return p && p < end && *p == ']' ? p + 1 : NULL;
}

static const char *skip_records(const char *p, const char *end, unsigned int depth)
{
	if (end - p < 2 || *p != '[')
		return NULL;
	if (p[1] == ']')
		return p + 2;
	do {
		p = xmaudit_skip_object(p + 1, end, depth);
	} while (p && p < end && *p == ',');
	return p && p < end && *p == ']' ? p + 1 : NULL;
}

static const char *skip_value(const char *p, const char *end, unsigned int depth)
{
	bool escaped;

	if (p == end)
		return NULL;
	if (*p == '"') {
		p = xmaudit_skip_string(p + 1, end, &escaped);
		return p ? p + 1 : NULL;
	}
	if (*p == '{')
		return xmaudit_skip_object(p, end, depth);
	return *p == '[' ? skip_records(p, end, depth) : xmaudit_skip_number(p, end);
}

struct name {
	const char *s;
	size_t len;
};

static bool is_new(const struct name *names, unsigned int n, const struct name *name)
{
	for (unsigned int i = 0; i < n; i++)
		if (names[i].len == name->len && !memcmp(names[i].s, name->s, name->len))
			return false;
	return true;
}

const char *xmaudit_skip_object(const char *p, const char *end, unsigned int depth)
{
	struct name names[NAMES_MAX];
	unsigned int n = 0;

	if (end - p < 2 || *p != '{' || depth > DEPTH_MAX)
		return NULL;
	if (p[1] == '}')
		return p + 2;
	do {
		bool escaped = false;
		struct name *name = &names[n];

		if (n == NAMES_MAX || end - p < 2 || p[1] != '"')
			return NULL;
		name->s = p + 2;
		p = xmaudit_skip_string(p + 2, end, &escaped);
		if (!p || escaped || end - p < 2 || p[1] != ':')
			return NULL;
		name->len = (size_t)(p - name->s);
		if (!is_new(names, n++, name))
			return NULL;
		p = skip_value(p + 2, end, depth + 1);
	} while (p && p < end && *p == ',');
	return p && p < end && *p == '}' ? p + 1 : NULL;
}

/* ---- escapes ----------------------------------------------------------------------------------------- */

static uint32_t hex4(const char *p, const char *end)
{
	uint32_t value = 0;

	if (end - p < 4)
		return 0xfffd;
	for (unsigned int i = 0; i < 4; i++) {
		int digit = hex_digit(p[i]);

		if (digit < 0)
			return 0xfffd;
		value = value << 4 | (uint32_t)digit;
	}
	return value;
}

static unsigned int put_utf8(uint32_t code, char utf8[4])
{
	unsigned int n = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (unsigned int i = n - 1; i > 0; i--, code >>= 6)
		utf8[i] = (char)(0x80 | (code & 0x3f));
	utf8[0] = (char)(lead[n] | code);
	return n;
}

/* \uXXXX, of which two may make one character. */
static uint32_t take_code(const char **pp, const char *end)
{
	uint32_t code = hex4(*pp, end), low;

	*pp += end - *pp < 4 ? end - *pp : 4;
	if (code < 0xd800 || code > 0xdbff || end - *pp < 6 || (*pp)[0] != '\\' || (*pp)[1] != 'u')
		return code;
	low = hex4(*pp + 2, end);
	if (low < 0xdc00 || low > 0xdfff)
		return code;
	*pp += 6;
	return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
}

unsigned int xmaudit_unescape(const char **pp, const char *end, char utf8[4])
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	const char *letter;

	if (*pp == end)
		return 0;
	utf8[0] = *(*pp)++;
	if (utf8[0] != '\\' || *pp == end)
		return 1;
	utf8[0] = *(*pp)++;
	if (utf8[0] == 'u')
		return put_utf8(take_code(pp, end), utf8);
	letter = utf8[0] ? strchr(letters, utf8[0]) : NULL;
	if (letter)
		utf8[0] = meanings[letter - letters];
	return 1;
}
