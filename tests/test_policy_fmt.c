// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The canonical form: what it looks like, that it keeps every comment, that it is its own, and that it
 * means the same, which is proved.
 */

#include <dirent.h>
#include <inttypes.h>

#include "policy/fmt.h"
#include "policy/prove.h"
#include "tests/policy/helper.h"
#include "tests/random_rig.h"

#define POLICIES 400

struct formatted {
	struct arena arena;
	const char *text; /* NULL: it was refused */
	size_t len;
	char *messages;
};

static struct formatted format(const char *text)
{
	struct source source = { .name = "p.yaml", .text = text, .len = strlen(text) };
	struct formatted f = { .text = NULL };
	struct diag diag;

	diag_init(&diag);
	f.text = policy_format(&f.arena, &source, &diag, &f.len);
	f.messages = printed(&diag);
	cr_assert_eq(!f.text, diag.n_errors > 0, "%s", f.messages);
	diag_free(&diag);
	return f;
}

static void formatted_free(struct formatted *f)
{
	free(f->messages);
	arena_free(&f->arena);
}

static void expect(const char *text, const char *canonical)
{
	struct formatted f = format(text);

	cr_assert(f.text, "%s", f.messages);
	cr_assert_str_eq(f.text, canonical);
	formatted_free(&f);
}

Test(policy_fmt, orders_keys_and_keeps_comments_at_what_they_are_about)
{
	expect("# top\n"
	       "grants: # of grants\n"
	       "  - {roles: [a, b], to: \"user:1\"} # the first\n"
	       "  # before the second\n"
	       "  - to: everyone\n"
	       "    roles: a\n"
	       "roles:\n"
	       "  # of a\n"
	       "  a:\n"
	       "    - where: {status: 0x10, partitionId: 1}   # all of it\n"
	       "      allow: XM_reset_partition\n"
	       "      because: 'so'\n"
	       "  b: [{allow: XM_get_time}] # short\n"
	       "version:   1\n"
	       "# end\n",
	       "# top\n"
	       "version: 1\n"
	       "\n"
	       "roles:\n"
	       "  # of a\n"
	       "  a:\n"
	       "    - allow: XM_reset_partition\n"
	       "      where: {status: 0x10, partitionId: 1} # all of it\n"
	       "      because: so\n"
	       "  b: # short\n"
	       "    - allow: XM_get_time\n"
	       "\n"
	       "grants: # of grants\n"
	       "  - {to: \"user:1\", roles: [a, b]} # the first\n"
	       "  # before the second\n"
	       "  - {to: everyone, roles: a}\n"
	       "# end\n");
}

Test(policy_fmt, quotes_what_some_reader_takes_for_something_else)
{
	expect("version: 1\nroles:\n  a:\n    - allow: XM_get_time\n      because: \"yes\"\n"
	       "    - allow: '@status'\n      because: \"plain\"\n",
	       "version: 1\n\nroles:\n  a:\n    - allow: XM_get_time\n      because: \"yes\"\n"
	       "    - allow: \"@status\"\n      because: plain\n");
}

Test(policy_fmt, a_test_that_names_a_rule_by_its_line_follows_it)
{
	static const char text[] =
		"tests:\n"
		"  - {as: {user: 1}, call: XM_get_time(0), expect: allow, rule: \"p.yaml:7\"}\n"
		"grants: [{to: everyone, roles: a}]\n"
		"system: \"loopback:\"\n"
		"version: 1\n"
		"roles:\n"
		"  a: [{allow: XM_get_time}]\n";
	struct formatted f = format(text);
	struct compiled before = compile_good(text), after = compile_good(f.text);

	cr_assert(strstr(f.text, "rule: \"p.yaml:6\""), "%s", f.text);
	compiled_free(&before);
	compiled_free(&after);
	formatted_free(&f);
}

Test(policy_fmt, what_cannot_be_read_is_refused)
{
	static const char *const bad[] = { "version: [1\n", "- a\n", "a: &x 1\nb: *x\n",
					   "a: 1\na: 2\n",  "",      "a: \x01\n" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct formatted f = format(bad[i]);

		cr_assert_null(f.text, "%s", bad[i]);
		cr_assert(*f.messages);
		formatted_free(&f);
	}
}

/* ---- all sorts of policies ---------------------------------------------------------------------- */

static void count_change(void *data, const struct prove_change *change)
{
	(void)change;
	++*(unsigned int *)data;
}

static const struct policy_options plain = {
	.partition = POLICY_NO_PARTITION, .now = RANDOM_NOW, .skip_never = true, .skip_tests = true
};

static struct compiled compile_as(const char *name, const char *text)
{
	struct compiled c = { 0 };
	struct diag diag;

	diag_init(&diag);
	c.ret = policy_compile_text(name, text, strlen(text), &plain, &diag, &c.block, &c.len);
	c.messages = printed(&diag);
	diag_free(&diag);
	c.image = c.ret ? NULL : policy_image_verify(c.block, c.len);
	cr_assert(c.image, "%s", c.messages);
	return c;
}

/* That both, in a file of this name, say the same: by proof. */
static void expect_same(const char *name, const char *before, const char *after)
{
	struct prove_options options = { .self = PROVE_ANY_PARTITION };
	struct compiled old = compile_as(name, before), new = compile_as(name, after);
	enum prove_relation relation;
	unsigned int n = 0;

	relation = prove_diff(old.image, new.image, &options, count_change, &n);
	cr_assert(relation == PROVE_EQUAL && !n, "%u changes:\n%s\n%s", n, before, after);
	compiled_free(&old);
	compiled_free(&new);
}

static void expect_canonical(const char *text)
{
	struct formatted once = format(text), twice;

	cr_assert(once.text, "%s\n%s", once.messages, text);
	twice = format(once.text);
	cr_assert(twice.text, "%s\n%s", twice.messages, once.text);
	cr_assert_str_eq(twice.text, once.text);
	formatted_free(&twice);
	formatted_free(&once);
}

/* A comment behind many lines, and between them. */
static char *with_comments(const char *text, unsigned int *np)
{
	char *out = NULL;
	size_t len;
	FILE *f = open_memstream(&out, &len);

	cr_assert_not_null(f);
	*np = 0;
	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line && !dice(3))
			fprintf(f, "%*s# c%u-\n", (int)dice(7), "", (*np)++);
		fwrite(text, 1, line, f);
		if (line && dice(2))
			fprintf(f, " # c%u-", (*np)++);
		fputc('\n', f);
		text += line + (text[line] == '\n');
	}
	fclose(f);
	return out;
}

static void expect_comments(const char *text, unsigned int n)
{
	char comment[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(comment, sizeof(comment), "# c%u-", i);
		cr_assert(strstr(text, comment), "%s is lost in\n%s", comment, text);
	}
}

Test(policy_fmt, random_policies_mean_the_same_and_keep_their_comments, .timeout = 300)
{
	struct random_shape shape = { .roles = 3,
				      .rules = 6,
				      .grants = 4,
				      .small = true,
				      .times = true,
				      .limits = true,
				      .shadows = true };
	uint64_t policies = rig_number("XM_POLICIES", POLICIES), first = rig_number("XM_SEED", 1);
	unsigned int n, made = 0;
	struct rig rig;

	rig_systems_make(1);
	for (uint64_t seed = first; seed < first + policies; seed++) {
		random_seed = seed;
		rig_pick_system(&shape);
		if (rig_make(&rig, &shape)) {
			char *text = with_comments(rig.p.text[0], &n);
			struct formatted f = format(text);

			cr_assert(f.text, "XM_SEED=%" PRIu64 "\n%s\n%s", seed, f.messages, text);
			expect_comments(f.text, n);
			expect_same("p.yaml", text, f.text);
			expect_canonical(text);
			formatted_free(&f);
			free(text);
			made++;
		}
		rig_free(&rig);
	}
	rig_systems_free();
	cr_assert(made * 2 > policies, "%u of %" PRIu64, made, policies);
}

static char *read_all(const char *path)
{
	FILE *f = fopen(path, "r");
	char *text = calloc(1, 1 << 20);
	size_t n;

	cr_assert(f && text, "%s", path);
	n = fread(text, 1, (1 << 20) - 1, f);
	cr_assert(n && feof(f), "%s", path);
	fclose(f);
	return text;
}

/* alice and bob are not known on most machines: their numbers, which are as long. */
static void number_users(char *text)
{
	char *at;

	while ((at = strstr(text, "user:alice")))
		memcpy(at, "user:10001", 10);
	while ((at = strstr(text, "user:bob")))
		memcpy(at, "user:102", 8);
}

static unsigned int format_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	unsigned int n = 0;
	char path[512];

	cr_assert_not_null(dir, "%s", folder);
	while ((entry = readdir(dir))) {
		const char *dot = strrchr(entry->d_name, '.');
		struct formatted f;
		char *text;

		if (!dot || strcmp(dot, ".yaml"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		text = read_all(path);
		number_users(text);
		f = format(text);
		cr_assert(f.text, "%s: %s", path, f.messages);
		expect_canonical(text);
		expect_same(path, text, f.text);
		formatted_free(&f);
		free(text);
		n++;
	}
	closedir(dir);
	return n;
}

Test(policy_fmt, the_samples_and_the_cases)
{
	cr_assert_gt(format_folder("policy/examples"), 0);
	cr_assert_gt(format_folder("tests/policy/cases"), 1);
}
