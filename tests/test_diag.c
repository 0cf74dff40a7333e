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
