// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the commands of xmpolicy that ask are made of: patterns of calls, the matrix, its page, the graph,
 * and the command lines that are printed for a shell.
 */

#include "policy/answer.h"
#include "policy/graph.h"
#include "policy/matrix.h"
#include "tests/policy/helper.h"

#define NOW INT64_C(1798761600) /* 2027-01-01T00:00:00Z */

/* ---- patterns ---------------------------------------------------------------------------------- */

static struct call call;
static bool any[XM_MAX_ARGS];
static char error[CALL_ERROR_MAX];

static int parse_pattern(const char *text)
{
	return call_parse_pattern(text, NULL, 2, &call, any, error);
}

Test(policy_ask, an_operation_without_parentheses_is_all_its_calls)
{
	cr_assert_eq(parse_pattern("XM_reset_partition"), 0);
	cr_assert(any[0] && any[1] && any[2]);
}

Test(policy_ask, an_underscore_is_any_value)
{
	cr_assert_eq(parse_pattern("XM_reset_partition(1, _, status=_)"), 0, "%s", error);
	cr_assert(!any[0] && any[1] && any[2]);
	cr_assert_eq(call.req.arg[0].num, 1);
}

Test(policy_ask, any_length_is_any_buffer)
{
	const struct xm_op *op;

	cr_assert_eq(parse_pattern("XM_write_console(_)"), 0, "%s", error);
	op = &xm_ops[call.req.op];
	for (unsigned int i = 0; i < op->n_args; i++)
		if (op->args[i].type == XM_T_DATA_IN)
			cr_assert(any[i] && any[op->args[i].ref]);
		else if (op->args[i].domain == XM_D_SELF)
			cr_assert(!any[i] && call.req.arg[i].num == 2);
}

Test(policy_ask, a_pattern_must_be_complete)
{
	cr_assert_neq(parse_pattern("XM_reset_partition(1, _)"), 0);
	cr_assert_neq(parse_pattern("XM_reset_partition(1, _, _) x"), 0);
	cr_assert_neq(parse_pattern("XM_halt_partition(_, _)"), 0);
}

Test(policy_ask, an_underscore_is_no_value_of_a_call)
{
	cr_assert_neq(call_parse("XM_halt_partition(_)", NULL, 0, &call, error), 0);
}

/* ---- the matrix -------------------------------------------------------------------------------- */

#define RULES                                                                                      \
	PREAMBLE "roles:\n"                                                                        \
		 "  all:\n"                                                                        \
		 "    - allow: [XM_resume_partition, XM_get_time]\n"                               \
		 "  one:\n"                                                                        \
		 "    - allow: XM_resume_partition\n"                                              \
		 "      where: {partitionId: 1}\n"                                                 \
		 "  rest:\n"                                                                       \
		 "    - allow: XM_resume_partition\n"                                              \
		 "      where: {partitionId: {not: 1}}\n"                                          \
		 "  limited:\n"                                                                    \
		 "    - allow: XM_resume_partition\n"                                              \
		 "      limit: {rate: 6/min}\n"                                                    \
		 "  never1:\n"                                                                     \
		 "    - deny: XM_resume_partition\n"                                               \
		 "      where: {partitionId: 1}\n"                                                 \
		 "  never:\n"                                                                      \
		 "    - deny: XM_resume_partition\n"                                               \
		 "  none:\n"                                                                       \
		 "    - allow: XM_get_time\n"                                                      \
		 "grants:\n"

static json_t *matrix_of(const char *text)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION,
						       .now = NOW };
	const struct prove_options prove = { .now = NOW, .self = PROVE_ANY_PARTITION };
	struct compiled c = compile_with(text, &options);
	bool undecided = true;
	json_t *matrix;

	cr_assert_eq(c.ret, 0, "%s", c.messages);
	matrix = policy_matrix(c.image, &prove, &undecided);
	cr_assert(!undecided);
	compiled_free(&c);
	return matrix;
}

/* The cell of an operation and the principal of this number. */
static json_t *cell_of(const json_t *matrix, const char *op, size_t principal)
{
	json_t *operation;
	size_t i;

	json_array_foreach(
		json_object_get(matrix, "operations"), i,
		operation) if (!strcmp(json_string_value(json_object_get(operation, "op")),
				       op)) return json_array_get(json_object_get(operation,
										  "cells"),
								  principal);
	cr_assert(false, "no %s", op);
	return NULL;
}

static void expect_cell(const char *grants, size_t principal, const char *answer, const char *where)
{
	char text[4096];
	const char *had;
	json_t *matrix, *cell;

	snprintf(text, sizeof(text), "%s%s", RULES, grants);
	matrix = matrix_of(text);
	cell = cell_of(matrix, "XM_resume_partition", principal);
	had = json_string_value(json_object_get(cell, "where"));
	cr_expect_str_eq(json_string_value(json_object_get(cell, "answer")), answer, "%s", grants);
	cr_expect(where ? had && strstr(had, where) : !had, "%s: %s", grants, had ? had : "-");
	json_decref(matrix);
}

Test(policy_ask, a_cell_is_yes_no_or_conditional)
{
	expect_cell("  - {to: group:5, roles: all}\n", 0, "yes", NULL);
	expect_cell("  - {to: group:5, roles: one}\n", 0, "conditional", "partitionId is payload");
	expect_cell("  - {to: group:5, roles: never}\n", 0, "no", NULL);
	expect_cell("  - {to: group:5, roles: all, until: 2027-02-01}\n", 0, "conditional",
		    "until 2027-02-01");
}

Test(policy_ask, a_cell_is_yes_if_rules_together_allow_all)
{
	expect_cell("  - {to: group:5, roles: [one, rest]}\n", 0, "yes", NULL);
	expect_cell("  - {to: everyone, roles: one}\n  - {to: group:5, roles: rest}\n", 1, "yes",
		    NULL);
}

Test(policy_ask, a_deny_of_any_weaker_principal_counts)
{
	expect_cell("  - {to: group:5, roles: all}\n  - {to: everyone, roles: never}\n", 0, "no",
		    NULL);
	expect_cell("  - {to: group:5, roles: all}\n  - {to: everyone, roles: never1}\n", 0,
		    "conditional", "partitionId is");
	/* Who is just group 5 is not in group 6. */
	expect_cell("  - {to: group:5, roles: all}\n  - {to: group:6, roles: never}\n", 0, "yes",
		    NULL);
	expect_cell("  - {to: group:5, roles: all}\n  - {to: group:6, roles: never}\n"
		    "  - {to: {all: [group:5, group:6]}, roles: all}\n",
		    2, "no", NULL);
}

Test(policy_ask, what_is_limited_is_conditional)
{
	expect_cell("  - {to: group:5, roles: limited}\n", 0, "conditional", "at a limited rate");
	expect_cell("  - {to: group:5, roles: [limited, all]}\n", 0, "yes", NULL);
	expect_cell("  - {to: group:5, roles: [limited, one]}\n", 0, "conditional",
		    "payload; at a limited rate also");
}

Test(policy_ask, a_principal_stands_there_once)
{
	json_t *matrix = matrix_of(RULES "  - {to: group:5, roles: one}\n"
					 "  - {to: group:5, roles: rest}\n");

	cr_assert_eq(json_array_size(json_object_get(matrix, "principals")), 1);
	json_decref(matrix);
}

/* ---- every cell, asked one by one --------------------------------------------------------------- */

static const char *const principals[] = { "everyone",
					  "group:5",
					  "group:6",
					  "user:7",
					  "{all: [group:5, group:6]}",
					  "{all: [user:7, group:5]}" };
static const struct policy_subject members[] = {
	{ .uid = 99 },
	{ .uid = 99, .gids = (const uint32_t[]){ 5 }, .n_gids = 1 },
	{ .uid = 99, .gids = (const uint32_t[]){ 6 }, .n_gids = 1 },
	{ .uid = 7 },
	{ .uid = 99, .gids = (const uint32_t[]){ 5, 6 }, .n_gids = 2 },
	{ .uid = 7, .gids = (const uint32_t[]){ 5 }, .n_gids = 1 },
};
#define N_PRINCIPALS (sizeof(principals) / sizeof(principals[0]))

/* Of all calls: partitions beyond those that the rules name are alike. */
static const char *decide_all(const struct policy_image *image, const struct policy_subject *member)
{
	unsigned int allowed = 0;

	for (unsigned int id = 0; id < 5; id++) {
		struct xm_request req = { .op = XM_OP_RESUME_PARTITION, .arg[0].num = id };
		struct policy_time time = { .now = NOW, .determined = true };
		struct policy_subject subject = *member;
		uint32_t gids[2];

		memcpy(gids, member->gids ? member->gids : gids, member->n_gids * sizeof(*gids));
		subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, member->n_gids);
		subject.gids = gids;
		allowed +=
			policy_decide(image, &subject, &req, 0, time, NULL).effect == POLICY_ALLOW;
	}
	return allowed == 5 ? "yes" : allowed ? "conditional" : "no";
}

static void compare_cells(const char *text)
{
	static const struct policy_options options = { .partition = POLICY_NO_PARTITION,
						       .now = NOW };
	struct compiled c = compile_with(text, &options);
	json_t *matrix;

	cr_assert_eq(c.ret, 0, "%s", c.messages);
	matrix = matrix_of(text);
	for (size_t i = 0; i < N_PRINCIPALS; i++) {
		json_t *cell = cell_of(matrix, "XM_resume_partition", i);

		cr_assert_str_eq(json_string_value(json_object_get(cell, "answer")),
				 decide_all(c.image, &members[i]), "%s for %s", text,
				 principals[i]);
	}
	json_decref(matrix);
	compiled_free(&c);
}

Test(policy_ask, cells_are_what_is_decided)
{
	static const char *const roles[] = { "all", "one", "rest", "never1", "never" };
	unsigned int seed = 1;

	for (unsigned int n = 0; n < 300; n++) {
		char text[4096];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", RULES);

		for (size_t i = 0; i < N_PRINCIPALS; i++) {
			/* A role that says nothing of it puts the principal into the matrix. */
			len += (size_t)snprintf(text + len, sizeof(text) - len,
						"  - {to: %s, roles: [none", principals[i]);
			for (unsigned int r = 0; r < 5; r++) {
				seed = seed * 1103515245 + 12345;
				if (seed >> 16 & 1 && seed >> 17 & 1 && (r < 4 || seed >> 18 & 1))
					len += (size_t)snprintf(text + len, sizeof(text) - len,
								", %s", roles[r]);
			}
			len += (size_t)snprintf(text + len, sizeof(text) - len, "]}\n");
		}
		compare_cells(text);
	}
}

static char *page_of(const json_t *matrix)
{
	char *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);

	policy_matrix_html(out, matrix);
	fclose(out);
	return page;
}

Test(policy_ask, nothing_in_a_page_is_markup_but_its_own)
{
	json_t *matrix = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:s,s:[{s:s,s:s}]}],s:s}", "principals",
				   "principal", "<script>&'", "is", "\"><b>", "operations", "op",
				   "XM_x", "class", "x", "cells", "answer", "conditional", "where",
				   "\"><i>\n", "digest", "00");
	char *page = page_of(matrix);

	cr_expect_not_null(strstr(page, "&lt;script&gt;&amp;&#39;"));
	cr_expect_not_null(strstr(page, "<small>&quot;&gt;&lt;b&gt;</small>"));
	cr_expect_not_null(strstr(page, "&quot;&gt;&lt;i&gt;?"));
	cr_expect_null(strstr(page, "<script"));
	cr_expect_null(strstr(page, "<b>"));
	cr_expect_null(strstr(page, "<i>"));
	cr_expect_null(strstr(page, "http:"));
	cr_expect_null(strstr(page, "https:"));
	free(page);
	json_decref(matrix);
}

Test(policy_ask, nothing_in_a_matrix_acts_on_a_terminal)
{
	json_t *matrix = json_pack("{s:[{s:s,s:s}],s:[{s:s,s:[{s:s,s:s}]}]}", "principals",
				   "principal", "\033[2J", "is", "\033[2J", "operations", "op",
				   "XM_x", "cells", "answer", "conditional", "where", "\033[2J");
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	policy_matrix_print(out, matrix, 80);
	fclose(out);
	cr_expect_null(strchr(text, '\033'));
	cr_expect_not_null(strstr(text, "\\x1b[2J"));
	free(text);
	json_decref(matrix);
}

/* Where it depends on the partition that the broker runs in, it is said of which one this is. */
Test(policy_ask, a_condition_of_one_partition_says_so)
{
	json_t *matrix = matrix_of(PREAMBLE "roles:\n"
					    "  own:\n"
					    "    - allow: XM_resume_partition\n"
					    "      where: {partitionId: self}\n"
					    "    - allow: XM_suspend_partition\n"
					    "      where: {partitionId: [self, 1]}\n"
					    "    - allow: XM_shutdown_partition\n"
					    "      where: {partitionId: 1}\n"
					    "grants:\n"
					    "  - {to: group:5, roles: own}\n");
	json_t *own = cell_of(matrix, "XM_resume_partition", 0);
	json_t *both = cell_of(matrix, "XM_suspend_partition", 0);
	json_t *fixed = cell_of(matrix, "XM_shutdown_partition", 0);

	cr_expect_str_eq(json_string_value(json_object_get(own, "answer")), "conditional");
	cr_expect_str_eq(json_string_value(json_object_get(own, "where")), "partitionId is self");
	cr_expect_null(json_object_get(own, "partition"));
	cr_expect_str_eq(json_string_value(json_object_get(both, "answer")), "conditional");
	cr_assert(json_is_integer(json_object_get(both, "partition")));
	cr_expect_eq(json_integer_value(json_object_get(both, "partition")), 0);
	cr_expect_str_eq(json_string_value(json_object_get(fixed, "answer")), "conditional");
	cr_expect_null(json_object_get(fixed, "partition"));
	json_decref(matrix);
}

Test(policy_ask, root_may_ask_the_broker_whatever_the_policy_says)
{
	json_t *matrix = matrix_of(PREAMBLE "roles:\n"
					    "  none:\n"
					    "    - allow: XM_get_time\n"
					    "grants:\n"
					    "  - {to: user:0, roles: none}\n"
					    "  - {to: user:1, roles: none}\n");

	cr_expect_str_eq(
		json_string_value(json_object_get(cell_of(matrix, "broker_reload", 0), "answer")),
		"yes");
	cr_expect_str_eq(
		json_string_value(json_object_get(cell_of(matrix, "broker_reload", 1), "answer")),
		"no");
	cr_expect_str_eq(
		json_string_value(json_object_get(cell_of(matrix, "XM_halt_system", 0), "answer")),
		"no");
	json_decref(matrix);
}

/* ---- the graph --------------------------------------------------------------------------------- */

static void draw(void *data, const struct compilation *c)
{
	policy_graph(data, c);
}

Test(policy_ask, a_graph_has_grants_roles_includes_and_operations)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const struct policy_options options = {
		.partition = POLICY_NO_PARTITION, .now = NOW, .parsed = draw, .data = out
	};
	struct compiled c =
		compile_with(PREAMBLE "roles:\n"
				      "  base:\n"
				      "    - allow: XM_get_time\n"
				      "  top:\n"
				      "    - include: base\n"
				      "    - deny: [XM_halt_system]\n"
				      "      because: \"no\"\n"
				      "grants:\n"
				      "  - {to: {all: [group:5, group:6]}, roles: top}\n"
				      "  - {to: user:1, roles: base, until: 2028-01-01}\n",
			     &options);

	fclose(out);
	cr_assert_eq(c.ret, 0, "%s", c.messages);
	cr_expect_not_null(strstr(text, "\"to all: group:5, group:6\" -> \"role top\""));
	cr_expect_not_null(strstr(text, "\"role top\" -> \"role base\" [arrowhead=empty"));
	cr_expect_not_null(strstr(text, "\"to user:1\" -> \"role base\" [style=dashed, "
					"label=\"until 2028-01-01\"]"));
	cr_expect_not_null(strstr(text, "\"role top\" -> \"call XM_halt_system\" [color=red, "
					"style=solid"));
	compiled_free(&c);
	free(text);
}

Test(policy_ask, a_graph_has_what_names_stand_for)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	const struct policy_options options = {
		.partition = POLICY_NO_PARTITION, .now = NOW, .parsed = draw, .data = out
	};
	struct compiled c = compile_with("version: 1\nsystem: \"loopback:\"\n"
					 "define:\n"
					 "  calls: [XM_get_time, more]\n"
					 "  more: [\"@trace\"]\n"
					 "  crew: \"group:5\"\n"
					 "roles:\n"
					 "  r:\n"
					 "    - allow: calls\n"
					 "grants:\n"
					 "  - {to: crew, roles: r}\n",
					 &options);

	fclose(out);
	cr_assert_eq(c.ret, 0, "%s", c.messages);
	cr_expect_not_null(strstr(text, "\"role r\" -> \"call XM_get_time\""));
	cr_expect_not_null(strstr(text, "\"role r\" -> \"call @trace\""));
	cr_expect_not_null(strstr(text, "\"to group:5\" -> \"role r\""));
	cr_expect_null(strstr(text, "calls"));
	cr_expect_null(strstr(text, "crew"));
	compiled_free(&c);
	free(text);
}

/* ---- command lines ----------------------------------------------------------------------------- */

Test(policy_ask, a_path_is_quoted_for_a_shell)
{
	const char *paths[] = { "/etc/p.yaml", "a b.yaml", "it's; rm", "-x", "\033'\\\xc3" };
	struct prove_witness witness = { .uid = 7, .nobodys_group = 9, .time.determined = false };
	json_t *command;

	witness.req.op = XM_OP_HALT_SYSTEM;
	command = answer_command(paths, 5, "loopback:", &witness);
	cr_assert_str_eq(json_string_value(command),
			 "xmpolicy explain --policy /etc/p.yaml --policy 'a b.yaml' --policy "
			 "'it'\\''s; rm' --policy '-x' --policy $'\\033\\'\\\\\\303' --system "
			 "loopback: --as user:7,group:9 --at "
			 "unknown 'XM_halt_system()'");
	json_decref(command);
}
