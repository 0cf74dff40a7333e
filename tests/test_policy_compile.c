// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which files belong to a policy, what merging them means, and the configuration file.
 */

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/policy/helper.h"
#include "xmbroker/compiler_config.h"

/* A folder of its own for each test, removed with what is in it. */
struct folder {
	char path[64];
};

static struct folder folder_new(void)
{
	struct folder f = { "/tmp/xm-policy-test-XXXXXX" };
	char drop_ins[80];

	cr_assert_not_null(mkdtemp(f.path));
	snprintf(drop_ins, sizeof(drop_ins), "%s/policy.d", f.path);
	cr_assert_eq(mkdir(drop_ins, 0700), 0);
	return f;
}

static void write_file(const struct folder *f, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	file = fopen(path, "we");
	cr_assert_not_null(file);
	fputs(text, file);
	fclose(file);
}

static void folder_free(const struct folder *f)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", f->path);
	cr_assert_eq(system(command), 0);
}

static struct compiled compile_file(const struct folder *f, const char *name)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };
	struct compiled c = { 0 };
	char path[128];
	const char *paths = path;
	struct diag diag;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	diag_init(&diag);
	c.ret = policy_compile(&paths, 1, &options, &diag, &c.block, &c.len);
	c.messages = printed(&diag);
	c.image = c.ret ? NULL : policy_image_verify(c.block, c.len);
	diag_free(&diag);
	return c;
}

#define HEAD "version: 1\n"

Test(policy_compile, drop_ins_merge_in_sorted_order)
{
	struct folder f = folder_new();
	struct policy_source source;
	struct compiled c;

	write_file(&f, "policy.yaml",
		   PREAMBLE "roles: {a: [{allow: XM_get_time}]}\n"
			    "grants: [{to: \"user:1\", roles: [b, c]}]\n");
	write_file(&f, "policy.d/20-c.yaml", HEAD "roles: {c: [{allow: XM_halt_system}]}\n");
	write_file(&f, "policy.d/10-b.yaml",
		   HEAD "roles: {b: [{include: a}, {allow: XM_hm_status}]}\n");
	write_file(&f, "policy.d/ignored.txt", "not: yaml: at all\n");
	write_file(&f, "policy.d/.hidden.yaml", "not: yaml: at all\n");
	c = compile_file(&f, "policy.yaml");
	cr_assert_eq(c.ret, 0, "%s", c.messages);
	cr_assert(allows(&c, 1, "XM_get_time(0)"));
	cr_assert(policy_image_source(c.image, decide(&c, 1, 1, "XM_hm_status()").rule, &source));
	cr_assert(strstr(source.file, "/policy.d/10-b.yaml"));
	cr_assert_eq(decide(&c, 1, 1, "XM_halt_system()").rule, 2);
	compiled_free(&c);
	folder_free(&f);
}

Test(policy_compile, another_name_has_no_drop_ins)
{
	struct folder f = folder_new();
	struct compiled c;

	write_file(&f, "other.yaml", PREAMBLE "roles: {a: []}\n");
	write_file(&f, "policy.d/10-b.yaml", "broken\n");
	c = compile_file(&f, "other.yaml");
	cr_assert_eq(c.ret, 0, "%s", c.messages);
	compiled_free(&c);
	folder_free(&f);
}

static void expect_merge_error(const char *main_file, const char *drop_in, const char *expected)
{
	struct folder f = folder_new();
	struct compiled c;

	write_file(&f, "policy.yaml", main_file);
	write_file(&f, "policy.d/a.yaml", drop_in);
	c = compile_file(&f, "policy.yaml");
	cr_expect_eq(c.ret, -EINVAL);
	cr_expect(strstr(c.messages, expected), "%s", c.messages);
	compiled_free(&c);
	folder_free(&f);
}

Test(policy_compile, role_in_two_files)
{
	expect_merge_error(PREAMBLE "roles: {a: []}\n", HEAD "roles:\n  a: []\n",
			   "role 'a' is already defined at /tmp/");
}

Test(policy_compile, define_in_two_files)
{
	expect_merge_error(PREAMBLE "define: {a: 1}\n", HEAD "define: {a: 2}\n",
			   "value 'a' is already defined at /tmp/");
}

Test(policy_compile, system_in_two_files)
{
	expect_merge_error(PREAMBLE, PREAMBLE, "the system is already named at /tmp/");
}

Test(policy_compile, drop_in_without_a_version)
{
	expect_merge_error(PREAMBLE, "roles: {}\n",
			   "policy.d/a.yaml:1:1: error: the version is missing");
}

Test(policy_compile, unreadable_is_not_bad)
{
	struct folder f = folder_new();
	struct compiled c = compile_file(&f, "policy.yaml");

	cr_assert_eq(c.ret, -ENOENT);
	compiled_free(&c);
	write_file(&f, "policy.yaml", HEAD "system: missing.xml\n");
	c = compile_file(&f, "policy.yaml");
	cr_assert_eq(c.ret, -ENOENT, "%d %s", c.ret, c.messages);
	cr_assert_null(c.block);
	compiled_free(&c);
	folder_free(&f);
}

Test(policy_compile, partition_that_the_system_does_not_have)
{
	static const struct policy_options options = { .partition = 7 };
	struct compiled c = compile_with(PREAMBLE, &options);

	cr_assert_eq(c.ret, -EINVAL);
	cr_assert(strstr(c.messages, ": error: the system has no partition 7"), "%s", c.messages);
	compiled_free(&c);
}

Test(policy_compile, without_a_system)
{
	struct policy_options options = { .partition = POLICY_NO_PARTITION };
	struct compiled c = compile_with(HEAD, &options);

	cr_assert_eq(c.ret, 0);
	cr_assert_null(policy_image_system(c.image));
	compiled_free(&c);
	options.system_required = true;
	c = compile_with(HEAD, &options);
	cr_assert_eq(c.ret, -EINVAL);
	compiled_free(&c);
	options.system = "loopback:";
	c = compile_with(HEAD, &options);
	cr_assert_eq(c.ret, 0);
	cr_assert_not_null(policy_image_system(c.image));
	compiled_free(&c);
}

/* Every defined value is expanded at most so far; this one would have 4^10 elements. */
Test(policy_compile, defines_that_explode)
{
	char text[8192] = PREAMBLE "define:\n  v0: [1, 2]\n";
	size_t len = strlen(text);

	for (int i = 1; i <= 10; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
					"  v%d: [v%d, v%d, v%d, v%d]\n", i, i - 1, i - 1, i - 1,
					i - 1);
	snprintf(text + len, sizeof(text) - len,
		 "roles:\n  r:\n  - deny: XM_halt_partition\n    where: {partitionId: v10}\n");
	expect_error(text, "has more than 65536 values");
}

/* Each role includes the next one; in the order of their names, or the other way round. */
static struct compiled include_chain(int n, bool backwards)
{
	size_t cap = 4u << 20, len;
	char *text = malloc(cap);
	struct compiled c;

	len = (size_t)snprintf(text, cap, PREAMBLE "roles:\n");
	for (int i = 0; i < n; i++)
		len += (size_t)snprintf(text + len, cap - len, "  r%06d: [{include: r%06d}]\n",
					backwards ? i + 1 : i, backwards ? i : i + 1);
	len += (size_t)snprintf(text + len, cap - len, "  r%06d: [{allow: XM_halt_system}]\n",
				backwards ? 0 : n);
	snprintf(text + len, cap - len, "grants: [{to: everyone, roles: [r%06d]}]\n",
		 backwards ? n : 0);
	c = compile_text(text);
	free(text);
	return c;
}

/* Whether a policy compiles does not depend on how its roles are called. */
Test(policy_compile, chain_of_includes)
{
	for (int backwards = 0; backwards < 2; backwards++) {
		struct compiled longest = include_chain(64, backwards);
		struct compiled longer = include_chain(65, backwards);
		struct compiled far = include_chain(100000, backwards);

		cr_assert_eq(longest.ret, 0, "%s", longest.messages);
		cr_assert(allows(&longest, 5, "XM_halt_system()"));
		cr_assert(strstr(longer.messages, "a chain of more than 64 includes"),
			  "backwards: %d", backwards);
		cr_assert(strstr(far.messages, "a chain of more than 64 includes"), "backwards: %d",
			  backwards);
		compiled_free(&longest);
		compiled_free(&longer);
		compiled_free(&far);
	}
}

Test(policy_compile, ten_thousand_rules)
{
	size_t cap = 4u << 20, len;
	char *text = malloc(cap);
	struct compiled c;

	len = (size_t)snprintf(text, cap, PREAMBLE "roles:\n");
	for (int i = 0; i < 10000; i++)
		len += (size_t)snprintf(text + len, cap - len,
					"  r%d:\n  - allow: XM_reset_partition\n"
					"    where: {partitionId: 1, status: %d}\n",
					i, i);
	len += (size_t)snprintf(text + len, cap - len, "grants:\n");
	for (int i = 0; i < 10000; i++)
		len += (size_t)snprintf(text + len, cap - len,
					"- {to: \"user:%d\", roles: [r%d]}\n", i + 1, i);
	c = compile_good(text);
	cr_assert(allows(&c, 7001, "XM_reset_partition(1, 0, 7000)"));
	cr_assert(!allows(&c, 7001, "XM_reset_partition(1, 0, 7001)"));
	compiled_free(&c);
	free(text);
}

/* ---- the configuration file -------------------------------------------------------------------- */

static int print_config(const char *text, char *output, size_t cap, char **messagesp)
{
	struct folder f = folder_new();
	FILE *out = fmemopen(output, cap, "w");
	struct diag diag;
	char path[128];
	int ret;

	write_file(&f, "xmbroker.yaml", text);
	snprintf(path, sizeof(path), "%s/xmbroker.yaml", f.path);
	diag_init(&diag);
	ret = compiler_config_print(path, &diag, out);
	fclose(out);
	*messagesp = printed(&diag);
	diag_free(&diag);
	folder_free(&f);
	return ret;
}

Test(compiler_config, prints_lines)
{
	char output[1024] = "", *messages;

	cr_assert_eq(print_config("policy: [/a.yaml, /b c.yaml]\nbackend: \"sim:/x.xml\"\n"
				  "partition: 0x1\nuser: root\non_audit_failure: deny\n",
				  output, sizeof(output), &messages),
		     0, "%s", messages);
	cr_assert_str_eq(output, "policy=/a.yaml\npolicy=/b c.yaml\nbackend=sim:/x.xml\n"
				 "partition=1\nuser=root\non_audit_failure=deny\n");
	free(messages);
}

Test(compiler_config, refuses)
{
	static const struct {
		const char *text;
		const char *expected;
	} bad[] = {
		{ "sokcet: /run/x\n", "xmbroker.yaml:1:1: error: unknown setting 'sokcet'" },
		{ "sokcet: /run/x\n", "did you mean 'socket'?" },
		{ "backend: xen\n", "backend: it must be device" },
		{ "backend: \"sim:\"\n", "path after the colon" },
		{ "max_sessions: 0\n", "too small" },
		{ "max_sessions: 1000001\n", "too large" },
		{ "max_sessions: \"7\"\n", "whole number" },
		{ "session_max_age: 1h\n", "whole number" },
		{ "on_audit_failure: maybe\n", "deny or allow" },
		{ "user: no-such-user-here\n", "no such user" },
		{ "user: \"5:6x\"\n", "no such user" },
		{ "user: \"5:99999999999\"\n", "no such user" },
		{ "socket: [a, b]\n", "single value" },
		{ "policy: []\n", "empty list" },
		{ "policy: \"a\\nbackend=loopback\"\n", "control character" },
		{ "- a\n", "a configuration is a mapping" },
		{ "audit: off\n", "truth value" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char output[1024] = "", *messages;

		cr_expect_eq(print_config(bad[i].text, output, sizeof(output), &messages), -EINVAL);
		cr_expect(strstr(messages, bad[i].expected), "%s: %s", bad[i].text, messages);
		cr_expect_str_empty(output);
		free(messages);
	}
}
