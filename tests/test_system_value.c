// SPDX-License-Identifier: LGPL-2.1-or-later
/* Notations of a system description. */

#include <criterion/criterion.h>
#include <string.h>

#include "libxm/system/value.h"

struct row {
	const char *text;
	bool good;
	uint64_t value;
};

static void check(bool (*parse)(const char *s, uint64_t *valuep), const struct row *row)
{
	for (; row->text; row++) {
		uint64_t value = 4711;

		cr_expect_eq(parse(row->text, &value), row->good, "\"%s\"", row->text);
		cr_expect_eq(value, row->good ? row->value : 4711, "\"%s\": %llu", row->text,
			     (unsigned long long)value);
	}
}

Test(system_value, numbers)
{
	static const struct row rows[] = {
		{ "0", true, 0 },     { "18446744073709551615", true, UINT64_MAX },
		{ "", false, 0 },     { "18446744073709551616", false, 0 },
		{ "-1", false, 0 },   { "1 ", false, 0 },
		{ "0x10", false, 0 }, { NULL, false, 0 },
	};

	check(value_number, rows);
}

Test(system_value, hexadecimal)
{
	static const struct row rows[] = {
		{ "0x0", true, 0 },   { "0xDeadBeef", true, 0xdeadbeef },
		{ "0X10", true, 16 }, { "0xffffffffffffffff", true, UINT64_MAX },
		{ "0x", false, 0 },   { "0x10000000000000000", false, 0 },
		{ "10", false, 0 },   { "0x1g", false, 0 },
		{ NULL, false, 0 },
	};

	check(value_hex, rows);
}

Test(system_value, sizes)
{
	static const struct row rows[] = {
		{ "64B", true, 64 },        { "4KB", true, 4096 },
		{ "1.5MB", true, 1572864 }, { "0.25KB", true, 256 },
		{ "0.1B", true, 0 },        { "2048MB", true, UINT64_C(2048) << 20 },
		{ "64", false, 0 },         { "1GB", false, 0 },
		{ "1.KB", false, 0 },       { ".5KB", false, 0 },
		{ "1.2.3KB", false, 0 },    { "18446744073709551615KB", false, 0 },
		{ "1 KB", false, 0 },       { "1kb", false, 0 },
		{ "KB", false, 0 },         { NULL, false, 0 },
	};

	check(value_size, rows);
}

Test(system_value, times)
{
	static const struct row rows[] = {
		{ "0s", true, 0 },         { "10ms", true, 10000 },
		{ "250us", true, 250 },    { "1.5s", true, 1500000 },
		{ "2S", true, 2000000 },   { "0.000001s", true, 1 },
		{ "0.0000009s", true, 0 }, { "1.0000000000000000001s", true, 1000000 },
		{ "10", false, 0 },        { "10min", false, 0 },
		{ "-1s", false, 0 },       { NULL, false, 0 },
	};

	check(value_time, rows);
}

Test(system_value, frequencies)
{
	static const struct row rows[] = {
		{ "50MHz", true, 50000 }, { "0.5Mhz", true, 500 }, { "800KHz", true, 800 },
		{ "1GHz", false, 0 },     { NULL, false, 0 },
	};

	check(value_frequency, rows);
}

Test(system_value, booleans)
{
	bool b = false;

	cr_assert(value_boolean("yes", &b) && b);
	cr_assert(value_boolean("false", &b) && !b);
	cr_assert_not(value_boolean("YES", &b));
	cr_assert_not(value_boolean("", &b));
}

Test(system_value, words)
{
	const char *list = "  a bc\td\n", *word;
	size_t len;

	cr_assert(value_word(&list, &word, &len) && len == 1 && *word == 'a');
	cr_assert(value_word(&list, &word, &len) && len == 2 && !memcmp(word, "bc", 2));
	cr_assert(value_word(&list, &word, &len) && len == 1);
	cr_assert_not(value_word(&list, &word, &len));
}
