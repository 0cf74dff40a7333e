// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is in an image, read from the image: the values that are compared, who has them and when; and that
 * nothing of it acts on a terminal.
 */

#include "policy/dump.h"
#include "tests/policy/helper.h"

static const char policy[] =
	PREAMBLE "roles:\n"
		 "  operator:\n"
		 "    - allow: XM_reset_partition\n"
		 "      where: {partitionId: {not: self}, status: [3..5, 9]}\n"
		 "      limit: {rate: 6/min, burst: 2}\n"
		 "      audit: always\n"
		 "    - deny: XM_halt_system\n"
		 "      because: \"never in flight\"\n"
		 "  reader:\n"
		 "    - allow: [XM_read_sampling_message]\n"
		 "      where: {portName: [\"hk-*\", attitude]}\n"
		 "grants:\n"
		 "  - {to: \"user:1\", roles: operator}\n"
		 "  - {to: {all: [\"group:5\", \"group:6\"]}, roles: reader, until: 2037-01-31}\n"
		 "never:\n"
		 "  - {calls: XM_halt_system, except: \"user:7\"}\n";

static const json_t *at(const json_t *value, const char *list, size_t i)
{
	const json_t *found = json_array_get(json_object_get(value, list), i);

	cr_assert_not_null(found, "%s %zu", list, i);
	return found;
}

static const char *text(const json_t *value, const char *name)
{
	const char *found = json_string_value(json_object_get(value, name));

	cr_assert_not_null(found, "%s", name);
	return found;
}

Test(policy_dump, has_the_values_that_are_compared)
{
	struct compiled c = compile_good(policy);
	json_t *dump = policy_dump(c.image);
	const json_t *clause = at(at(dump, "rules", 0), "clauses", 0);

	cr_assert_eq(json_array_size(json_object_get(dump, "rules")), 3);
	cr_assert_str_eq(text(clause, "op"), "XM_reset_partition");
	cr_assert_str_eq(text(clause, "class"), "partition");
	cr_assert_str_eq(text(at(clause, "where", 0), "attribute"), "partitionId");
	cr_assert_str_eq(text(at(clause, "where", 1), "attribute"), "status");
	cr_assert_str_eq(text(at(clause, "where", 1), "compiled"), "[3..5, 9]");
	clause = at(at(dump, "rules", 2), "clauses", 0);
	cr_assert(strstr(text(at(clause, "where", 0), "compiled"), "\"hk-*\""));
	json_decref(dump);
	compiled_free(&c);
}

Test(policy_dump, has_who_has_them_and_when)
{
	struct compiled c = compile_good(policy);
	json_t *dump = policy_dump(c.image);
	const json_t *grant = at(dump, "grants", 1);

	cr_assert_str_eq(text(at(dump, "grants", 0), "kind"), "user");
	cr_assert_eq(json_integer_value(json_object_get(at(dump, "grants", 0), "id")), 1);
	cr_assert_str_eq(text(grant, "kind"), "all");
	cr_assert_eq(json_integer_value(json_object_get(at(grant, "members", 1), "id")), 6);
	cr_assert(strstr(text(grant, "when"), "2037-01-31"));
	cr_assert_eq(json_array_size(json_object_get(dump, "never")), 1);
	json_decref(dump);
	compiled_free(&c);
}

/* What a policy says is an argument of a rule of the dump: the numbers are those of the image. */
Test(policy_dump, a_changed_image_shows_the_change)
{
	struct compiled c = compile_good(policy);
	char *before = policy_dump_constraint(c.image, 1), *after;
	struct compiled d;
	char *other = strdup(policy);

	cr_assert_not_null(other);
	*strstr(other, "9]") = '8';
	d = compile_good(other);
	after = policy_dump_constraint(d.image, 1);
	cr_assert_str_eq(before, "[3..5, 9]");
	cr_assert_str_eq(after, "[3..5, 8]");
	free(other);
	free(before);
	free(after);
	compiled_free(&c);
	compiled_free(&d);
}

/* Paths are the only texts that may hold anything. */
Test(policy_dump, nothing_acts_on_a_terminal)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION };
	char *out = NULL, *json;
	struct diag diag;
	void *block;
	size_t len;
	json_t *dump;
	FILE *f;

	diag_init(&diag);
	cr_assert_eq(policy_compile_text("p\033[31m\n.yaml", policy, strlen(policy), &options,
					 &diag, &block, &len),
		     0);
	dump = policy_dump(block);
	json = json_dumps(dump, 0);
	f = open_memstream(&out, &len);
	policy_dump_print(f, dump);
	fclose(f);
	cr_assert(strstr(out, "p\\x1b[31m\\x0a.yaml:6:7"), "%s", out);
	for (size_t i = 0; i < len; i++)
		cr_assert(out[i] == '\n' || (out[i] >= ' ' && out[i] <= '~'), "byte %d", out[i]);
	cr_assert_null(strchr(json, '\033'));
	free(out);
	free(json);
	json_decref(dump);
	diag_free(&diag);
	free(block);
}
