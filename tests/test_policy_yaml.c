// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The strict subset of YAML: what the reader refuses, and where it says the fault is.
 */

#include <errno.h>
#include <unistd.h>

#include "tests/policy/helper.h"
#include "policy/yaml.h"

struct trap {
	const char *text;
	const char *expected;
};

static void expect_message(const char *text, const char *expected)
{
	struct arena arena = { .chunks = NULL };
	struct source source = { "f.yaml", text, strlen(text) };
	struct diag diag;
	char *messages;

	diag_init(&diag);
	yaml_read(&arena, &source, &diag);
	messages = printed(&diag);
	cr_expect(strstr(messages, expected), "expected '%s' for '%s', got:\n%s", expected, text,
		  messages);
	cr_expect(diag.n_errors);
	free(messages);
	diag_free(&diag);
	arena_free(&arena);
}

Test(policy_yaml, words_of_another_type_are_errors)
{
	static const char *const words[] = { "yes",  "No",    "on",  "OFF",  "true", "False",
					     "y",    "N",     "~",   "null", "NULL", "1.5",
					     ".inf", "-.5",   "1e3", "010",  "08",   "0o7",
					     "0b1",  "1_000", "+5",  "0x1_f" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		char text[64];

		snprintf(text, sizeof(text), "key: %s\n", words[i]);
		expect_message(text, "f.yaml:1:6: error: '");
		snprintf(text, sizeof(text), "%s: value\n", words[i]);
		expect_message(text, "f.yaml:1:1: error: '");
	}
}

Test(policy_yaml, words_that_are_themselves_are_not)
{
	static const char text[] = "a: [one, 0, 7, -3, 0x1F, \"yes\", '~', 0..15, a.b, 2027-01-31, "
				   "..5, 5.., \"010\", e3, '']\n";
	struct arena arena = { .chunks = NULL };
	struct source source = { "f.yaml", text, sizeof(text) - 1 };
	const struct node *root;
	struct diag diag;

	diag_init(&diag);
	root = yaml_read(&arena, &source, &diag);
	cr_assert_eq(diag.n_errors, 0, "%s", printed(&diag));
	cr_assert_not_null(root);
	cr_assert_eq(root->n, 1);
	cr_assert_eq(node_get(root, "a")->n, 15);
	diag_free(&diag);
	arena_free(&arena);
}

Test(policy_yaml, structure)
{
	static const struct trap traps[] = {
		{ "a: 1\nb: 2\na: 3\n",
		  "f.yaml:3:1: error: duplicate key 'a', which is already at f.yaml:1:1" },
		{ "a: &x 1\n", "f.yaml:1:4: error: anchors are not used here" },
		{ "a: *x\n", "f.yaml:1:4: error: aliases are not used here" },
		{ "a: !!str 1\n", "error: tags are not used here" },
		{ "a: 1\n---\nb: 2\n", "f.yaml:2:1: error: a second document" },
		{ "a:\n", "error: a value is missing" },
		{ "[a]: 1\n", "error: a key must be a single word" },
		{ "? {a: 1}\n: 2\n", "error: a key must be a single word" },
		{ "", "f.yaml: error: the file is empty" },
		{ "# only a comment\n", "f.yaml: error: the file is empty" },
		{ "a: @b\n", "must be quoted" },
		{ "a: [1\n", "error: not valid YAML" },
		{ "a: b\x01\n", "f.yaml:1:5: error: a control character" },
		{ "a: b\rc\n", "carriage return" },
		{ "a: \"\xe2\x80\xae\"\n", "turns round the line" },
		{ "a: b\xe2\x80\x8f\n", "f.yaml:1:5: error: a character that turns round" },
		{ "a: 1 # \xd8\x9c\n", "f.yaml:1:8: error: a character that turns round" },
		{ "\xef\xbb\xbfversion: 1\n", "f.yaml:1:1: error: a byte order mark" },
		{ "a: \"x\\e[2J\"\n", "f.yaml:1:4: error: inside a text: a control character" },
		{ "a: \"x\\u202ey\"\n", "f.yaml:1:4: error: inside a text: a character" },
		{ "a: \xff\n", "error: not valid YAML" },
		{ "a: \"x\\0y\"\n", "NUL" },
		{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]\n", "nested more than 16 deep" },
	};

	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++)
		expect_message(traps[i].text, traps[i].expected);
}

Test(policy_yaml, columns_count_bytes)
{
	/* Two characters of two bytes each before the fault. */
	expect_message("{\"\xc3\xa4\xc3\xb6\": ~}\n", "f.yaml:1:10: error:");
	expect_message("a: 1\n\"\xe2\x82\xac\": {b: 2, c: yes}\n", "f.yaml:2:18: error:");
}

Test(policy_yaml, all_errors_at_once)
{
	static const char text[] = "a: yes\nb: ~\na: 2\n";
	struct arena arena = { .chunks = NULL };
	struct source source = { "f.yaml", text, sizeof(text) - 1 };
	struct diag diag;

	diag_init(&diag);
	yaml_read(&arena, &source, &diag);
	cr_assert_eq(diag.n_errors, 3);
	diag_free(&diag);
	arena_free(&arena);
}

Test(policy_yaml, too_many_values)
{
	size_t len = 0, cap = 2200000;
	char *text = malloc(cap);
	struct arena arena = { .chunks = NULL };
	struct source source = { "f.yaml", text, 0 };
	struct diag diag;

	text[len++] = '[';
	while (len < cap - 4) {
		text[len++] = '1';
		text[len++] = ',';
	}
	text[len++] = ']';
	source.len = len;
	diag_init(&diag);
	cr_assert_null(yaml_read(&arena, &source, &diag));
	cr_assert(strstr(diag.messages[0].text, "too many values"), "%s", diag.messages[0].text);
	diag_free(&diag);
	arena_free(&arena);
	free(text);
}

Test(policy_yaml, file_too_large)
{
	char path[] = "/tmp/xm-policy-large-XXXXXX";
	int fd = mkstemp(path);
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	struct diag diag;

	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, YAML_FILE_MAX + 1), 0);
	diag_init(&diag);
	cr_assert_eq(source_read(&arena, path, &diag, &source), -EINVAL);
	cr_assert_eq(diag.n_errors, 1);
	unlink(path);
	close(fd);
	diag_free(&diag);
	arena_free(&arena);
}

Test(policy_yaml, unreadable_file)
{
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(source_read(&arena, "/nonexistent/p.yaml", &diag, &source), -ENOENT);
	cr_assert_eq(source_read(&arena, "/tmp", &diag, &source), -EISDIR);
	cr_assert_eq(diag.n_errors, 2);
	diag_free(&diag);
	arena_free(&arena);
}
