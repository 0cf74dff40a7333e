// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Notations to numbers.  Pure.  Must never round a value that it could not tell from another: a
 * fraction is exact or cut below the unit that the hypervisor counts in.
 */

#include <string.h>

#include "libxm/system/value.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static bool digits(const char **sp, uint64_t *valuep)
{
	const char *s = *sp;
	uint64_t value = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return false;
	*sp = s;
	*valuep = value;
	return true;
}

bool value_number(const char *s, uint64_t *valuep)
{
	uint64_t value;

	if (!digits(&s, &value) || *s)
		return false;
	*valuep = value;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool value_hex(const char *s, uint64_t *valuep)
{
	uint64_t value = 0;

	if (s[0] != '0' || (s[1] != 'x' && s[1] != 'X') || !s[2])
		return false;
	for (s += 2; *s; s++) {
		int digit = hex_digit(*s);

		if (digit < 0 || value >> 60)
			return false;
		value = value << 4 | (uint64_t)digit;
	}
	*valuep = value;
	return true;
}

bool value_bytes(const char *s, uint8_t *data)
{
	for (; *s; s += 2) {
		int high = hex_digit(s[0]), low = high < 0 ? -1 : hex_digit(s[1]);

		if (low < 0)
			return false;
		*data++ = (uint8_t)(high << 4 | low);
	}
	return true;
}

/* The digits after the point, as parts of `factor`, cut to whole ones. */
static bool fraction(const char **sp, uint64_t factor, uint64_t *partp)
{
	const char *s = *sp;
	uint64_t numerator = 0, denominator = 1;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		if (denominator >= 1000000000)
			continue;
		numerator = numerator * 10 + (uint64_t)(*s - '0');
		denominator *= 10;
	}
	*sp = s;
	*partp = numerator * factor / denominator;
	return true;
}

static const struct unit *find_unit(const char *name, const struct unit *units)
{
	for (; units->name; units++)
		if (!strcmp(units->name, name))
			return units;
	return NULL;
}

static bool with_unit(const char *s, const struct unit *units, uint64_t *valuep)
{
	const char *end = s + strspn(s, "0123456789.");
	const struct unit *unit = find_unit(end, units);
	uint64_t value, part = 0;

	if (!unit || !digits(&s, &value))
		return false;
	if (*s == '.') {
		s++;
		if (!fraction(&s, unit->factor, &part))
			return false;
	}
	if (s != end || __builtin_mul_overflow(value, unit->factor, &value) ||
	    __builtin_add_overflow(value, part, &value))
		return false;
	*valuep = value;
	return true;
}

bool value_size(const char *s, uint64_t *valuep)
{
	static const struct unit units[] = {
		{ "B", 1 }, { "KB", 1024 }, { "MB", 1024 * 1024 }, { NULL, 0 }
	};

	return with_unit(s, units, valuep);
}

bool value_time(const char *s, uint64_t *valuep)
{
	static const struct unit units[] = {
		{ "us", 1 }, { "ms", 1000 }, { "s", 1000000 }, { "S", 1000000 }, { NULL, 0 }
	};

	return with_unit(s, units, valuep);
}

bool value_frequency(const char *s, uint64_t *valuep)
{
	static const struct unit units[] = {
		{ "KHz", 1 }, { "Khz", 1 }, { "MHz", 1000 }, { "Mhz", 1000 }, { NULL, 0 }
	};

	return with_unit(s, units, valuep);
}

bool value_boolean(const char *s, bool *valuep)
{
	if (!strcmp(s, "yes") || !strcmp(s, "true"))
		*valuep = true;
	else if (!strcmp(s, "no") || !strcmp(s, "false"))
		*valuep = false;
	else
		return false;
	return true;
}

bool value_word(const char **listp, const char **wordp, size_t *lenp)
{
	const char *s = *listp + strspn(*listp, " \t\r\n");

	*wordp = s;
	*lenp = strcspn(s, " \t\r\n");
	*listp = s + *lenp;
	return *lenp > 0;
}
