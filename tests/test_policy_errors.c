// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the compiler says about broken policies, word for word: every tests/policy/errors/NAME.yaml
 * gives the text in NAME.expected.  UPDATE_EXPECTED=1 writes those files anew, to be reviewed.
 */

#include <dirent.h>

#include "tests/policy/helper.h"

#define FOLDER "tests/policy/errors/"

static char *read_file(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = calloc(1, 65536);

	if (!file) {
		free(text);
		return NULL;
	}
	cr_assert_lt(fread(text, 1, 65535, file), 65535);
	fclose(file);
	return text;
}

static char *messages_of(const char *path)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };
	struct diag diag;
	void *block = NULL;
	char *messages;
	size_t len;

	diag_init(&diag);
	cr_expect_neq(policy_compile(&path, 1, &options, &diag, &block, &len), 0, "%s compiles",
		      path);
	cr_expect(diag.n_errors);
	messages = printed(&diag);
	diag_free(&diag);
	free(block);
	return messages;
}

static void update(const char *path, const char *messages)
{
	FILE *file = fopen(path, "we");

	cr_assert_not_null(file);
	fputs(messages, file);
	fclose(file);
}

static void compare(const char *name)
{
	char path[512], expected_path[512];
	char *messages, *expected;

	snprintf(path, sizeof(path), FOLDER "%s", name);
	snprintf(expected_path, sizeof(expected_path), FOLDER "%.*s.expected",
		 (int)strlen(name) - 5, name);
	messages = messages_of(path);
	if (getenv("UPDATE_EXPECTED"))
		update(expected_path, messages);
	expected = read_file(expected_path);
	cr_expect_not_null(expected, "%s is missing", expected_path);
	if (expected)
		cr_expect_str_eq(messages, expected, "%s: got\n%s", name, messages);
	free(messages);
	free(expected);
}

Test(policy_errors, messages)
{
	struct dirent **entries;
	int n = scandir(FOLDER, &entries, NULL, alphasort), files = 0;

	cr_assert_gt(n, 0, "run from the top folder of the project");
	for (int i = 0; i < n; i++) {
		size_t len = strlen(entries[i]->d_name);

		if (len > 5 && !strcmp(entries[i]->d_name + len - 5, ".yaml")) {
			compare(entries[i]->d_name);
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	cr_assert_geq(files, 9);
}
