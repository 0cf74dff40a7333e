// SPDX-License-Identifier: LGPL-2.1-or-later
/* Messages about a text: place, line, caret, hint. */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/diag.h"

static const char text[] = "first\n\tsecond: \x1b[31mx\nlast";

static char *printed(struct diag *diag)
{
	char *buf = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&buf, &len);

	diag_print(diag, out);
	fclose(out);
	diag_free(diag);
	return buf;
}

Test(diag, quotes_the_line_and_points_at_the_column)
{
	struct diag diag;
	char *s;

	diag_init(&diag);
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ "p.yaml", 2, 2 }, text, sizeof(text) - 1,
		 "write it so", "unknown key '%s'", "second");
	cr_assert_eq(diag.n_errors, 1);
	s = printed(&diag);
	cr_assert_str_eq(s, "p.yaml:2:2: error: unknown key 'second'\n"
			    "   second: ?[31mx\n"
			    "   ^\n"
			    "  hint: write it so\n");
	free(s);
}

Test(diag, last_line_without_a_newline_and_a_line_that_is_not_there)
{
	struct diag diag;
	char *s;

	diag_init(&diag);
	diag_add(&diag, DIAG_WARNING, (struct diag_place){ "p", 3, 1 }, text, sizeof(text) - 1,
		 NULL, "a");
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ "p", 9, 1 }, text, sizeof(text) - 1, NULL,
		 "b");
	cr_assert_eq(diag.n_warnings, 1);
	s = printed(&diag);
	cr_assert_str_eq(s, "p:3:1: warning: a\n  last\n  ^\np:9:1: error: b\n");
	free(s);
}

Test(diag, controls_in_a_message_do_not_reach_the_terminal)
{
	struct diag diag;
	char *s;

	diag_init(&diag);
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ "a\x1b", 0, 0 }, NULL, 0, "\x07", "%s",
		 "\x1b[2J");
	s = printed(&diag);
	cr_assert_null(strchr(s, 0x1b));
	cr_assert_null(strchr(s, 0x07));
	free(s);
}

Test(diag, too_many_messages_are_counted_and_said)
{
	struct diag diag;
	char *s;

	diag_init(&diag);
	for (int i = 0; i < DIAG_MAX + 5; i++)
		diag_add(&diag, DIAG_ERROR, (struct diag_place){ "p", 0, 0 }, NULL, 0, NULL, "e");
	cr_assert_eq(diag.n_errors, DIAG_MAX + 5);
	s = printed(&diag);
	cr_assert_not_null(strstr(s, "further messages left out"));
	free(s);
}

Test(diag, nearest_word)
{
	static const char *const words[] = { "partitionId", "resetMode", "status" };

	cr_assert_str_eq(diag_nearest("partitonId", words, 3), "partitionId");
	cr_assert_str_eq(diag_nearest("stauts", words, 3), "status");
	cr_assert_null(diag_nearest("frobnicate", words, 3));
	cr_assert_null(diag_nearest("", words, 3));
}

static char *quoted(const char *line, unsigned int column)
{
	struct diag diag;

	diag_init(&diag);
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ "p", 1, column }, line, strlen(line), NULL,
		 "e");
	return printed(&diag);
}

Test(diag, the_caret_stands_under_what_is_meant)
{
	static const struct {
		const char *line;
		unsigned int column; /* in bytes */
		const char *expected;
	} lines[] = {
		{ "a\tb", 3, "  a b\n    ^\n" },
		{ "\xc3\xa4\xe2\x82\xac x", 7, "  \xc3\xa4\xe2\x82\xac x\n     ^\n" },
		{ "\xe6\xbc\xa2\xe5\xad\x97 x", 8, "  \xe6\xbc\xa2\xe5\xad\x97 x\n       ^\n" },
		{ "e\xcc\x81 x", 5, "  e\xcc\x81 x\n    ^\n" },
		{ "\x1b[2J x", 6, "  ?[2J x\n       ^\n" },
		{ "\xc2\x9b"
		  "2J x",
		  6, "  ?2J x\n      ^\n" },
		{ "\x9b\xff\xc3 x", 5, "  ??? x\n      ^\n" },
		{ "\xe2\x80\xae x", 5, "  ? x\n    ^\n" },
		{ "\xed\xa0\x80 \xf4\x90\x80\x80 x", 10, "  ??? ???? x\n           ^\n" },
		{ "\xc0\xaf \xe0\x80\xaf x", 8, "  ?? ??? x\n         ^\n" },
		{ "ab", 3, "  ab\n    ^\n" },
		{ "ab", 4, "  ab\n" },
		{ "ab\r\ncd", 3, "  ab\n    ^\n" },
		{ "\xf0\x9f\x98", 1, "  ???\n  ^\n" },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char *s = quoted(lines[i].line, lines[i].column);
		const char *place = strchr(s, '\n');

		cr_expect_str_eq(place + 1, lines[i].expected, "%zu: %s", i, s);
		free(s);
	}
}

/* Wherever the column is, the character that it means stands over the caret. */
Test(diag, of_a_long_line_the_part_around_the_caret_is_shown)
{
	char line[1001];

	for (size_t i = 0; i < 1000; i++)
		line[i] = (char)('0' + i % 10);
	line[1000] = '\0';
	for (unsigned int column = 1; column <= 1000; column++) {
		char *s = quoted(line, column), *shown, *caret;

		shown = strchr(s, '\n') + 1;
		caret = strchr(shown, '\n') + 1;
		cr_assert_lt(caret - shown, 180);
		cr_assert_eq(shown[strlen(caret) - 2], line[column - 1], "%u:\n%s", column, s);
		free(s);
	}
}

Test(diag, of_a_long_line_no_character_is_cut)
{
	char line[1201];

	for (size_t i = 0; i < 1200; i += 3)
		memcpy(line + i, "\xe2\x82\xac", 3);
	line[1200] = '\0';
	for (unsigned int column = 1; column <= 1200; column++) {
		char *s = quoted(line, column);

		cr_assert_null(strchr(s, '?'), "%u: %s", column, s);
		free(s);
	}
}

Test(diag, of_long_words_the_middle_is_left_out)
{
	static char word[100001];
	struct diag diag;
	char *s;

	memset(word, 'x', sizeof(word) - 1);
	diag_init(&diag);
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ .file = NULL }, NULL, 0, NULL,
		 "'%s' is no value for status", word);
	memset(word, ' ', sizeof(word) - 1);
	diag_add(&diag, DIAG_ERROR, (struct diag_place){ .file = NULL }, NULL, 0, NULL,
		 "'%s' is no value for offset", word);
	s = printed(&diag);
	cr_assert_lt(strlen(s), 300 + DIAG_TEXT_MAX + 100);
	cr_assert(strstr(s, "xxx...xxx"));
	cr_assert(strstr(s, "x' is no value for status\n"));
	cr_assert(strstr(s, " ' is no value for offset\n"));
	free(s);
}

/* However many warnings there are, errors are shown. */
Test(diag, errors_take_the_room_of_warnings)
{
	static const struct diag_place place = { "p", 0, 0 };
	struct diag diag;
	char *s;

	diag_init(&diag);
	for (int i = 0; i < DIAG_MAX + 50; i++)
		diag_add(&diag, DIAG_WARNING, place, NULL, 0, NULL, "w%d", i);
	for (int i = 0; i < 3; i++)
		diag_add(&diag, DIAG_ERROR, place, NULL, 0, NULL, "e%d", i);
	cr_assert_eq(diag.n, DIAG_MAX);
	cr_assert_eq(diag.n_errors, 3);
	cr_assert_eq(diag.n_warnings, DIAG_MAX + 50);
	s = printed(&diag);
	cr_assert(strstr(s, "w196\np: error: e0\np: error: e1\np: error: e2\n(53 further messages "
			    "left out)\n"),
		  "%s", s);
	free(s);
}

Test(diag, a_word_of_which_nothing_stays_is_not_near)
{
	static const char *const words[] = { "a", "mon", "user" };

	cr_assert_null(diag_nearest("a*b", words, 1));
	cr_assert_null(diag_nearest("x", words, 3));
	cr_assert_str_eq(diag_nearest("monday", words, 3), "mon");
	cr_assert_str_eq(diag_nearest("usr", words, 3), "user");
}
