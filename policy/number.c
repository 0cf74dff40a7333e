// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Numbers as a policy writes them: decimal or 0x, with an optional minus sign.  Nothing else, so that
 * a number has one reading.
 */

#include <string.h>

#include "policy/model.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

bool policy_number(const char *text, uint64_t *magnitudep, bool *negativep)
{
	bool negative = *text == '-';
	uint64_t value = 0;
	unsigned int base;

	text += negative;
	base = !strncmp(text, "0x", 2) ? 16 : 10;
	if (base == 16)
		text += 2;
	else if (text[0] == '0' && text[1])
		return false;
	if (!*text)
		return false;
	for (; *text; text++) {
		unsigned int d = (unsigned int)digit(*text);

		if (d >= base || value > (UINT64_MAX - d) / base)
			return false;
		value = value * base + d;
	}
	*magnitudep = value;
	*negativep = negative;
	return true;
}
