// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the compiler says about broken policies, word for word: every tests/policy/errors/NAME.yaml, or
 * NAME/policy.yaml with its policy.d, gives the text in NAME.expected.  A first line "# options: ..."
 * may have: dead (as xmpolicy check), required (a system description is), good (only warnings),
 * partition=N.  UPDATE_EXPECTED=1 writes the expected files anew, to be reviewed.
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

/* 2026-11-01: what is past and what is to come stays so. */
#define NOW 1793491200

static struct policy_options options_of(const char *path, bool *goodp)
{
	struct policy_options options = { .partition = POLICY_NO_PARTITION, .now = NOW };
	char *text = read_file(path), *number;

	cr_assert_not_null(text, "%s", path);
	*goodp = false;
	if (!strncmp(text, "# options: ", 11)) {
		*strchr(text, '\n') = '\0';
		options.find_dead = strstr(text, "dead");
		options.system_required = strstr(text, "required");
		*goodp = strstr(text, "good");
		number = strstr(text, "partition=");
		if (number)
			options.partition = (uint32_t)strtoul(number + 10, NULL, 10);
	}
	free(text);
	return options;
}

static char *messages_of(const char *path)
{
	struct policy_options options;
	void *block = NULL;
	struct diag diag;
	char *messages;
	size_t len;
	bool good;
	int ret;

	options = options_of(path, &good);
	diag_init(&diag);
	ret = policy_compile(&path, 1, &options, &diag, &block, &len);
	cr_expect_eq(!ret, good, "%s: %s", path, ret ? "has errors" : "compiles");
	cr_expect_eq(!diag.n_errors, good);
	cr_expect(diag.n);
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

/* `name` is that of the entry: NAME.yaml, or NAME. */
static void compare(const char *name)
{
	int stem = (int)strcspn(name, ".");
	char path[512], expected_path[512];
	char *messages, *expected;

	snprintf(path, sizeof(path), FOLDER "%s%s", name, name[stem] ? "" : "/policy.yaml");
	snprintf(expected_path, sizeof(expected_path), FOLDER "%.*s.expected", stem, name);
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
		const char *dot = strchr(entries[i]->d_name, '.');

		if (!dot || (dot != entries[i]->d_name && !strcmp(dot, ".yaml"))) {
			compare(entries[i]->d_name);
			files++;
		}
		free(entries[i]);
	}
	free(entries);
	cr_assert_geq(files, 30);
}
