// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tables of decisions: tests/policy/cases/NAME.cases lists who, which call, what is expected and the
 * line of the deciding rule, for the policy NAME.yaml beside it, or the sample policy.
 */

#include "tests/policy/helper.h"
#include "policy/model.h"

#define FOLDER "tests/policy/cases/"

struct who {
	uint32_t uid;
	uint32_t gids[8];
	size_t n;
};

static struct who parse_who(const char *text)
{
	struct who who = { .n = 0 };

	cr_assert_eq(sscanf(text, "user:%u", &who.uid), 1, "%s", text);
	for (const char *p = strchr(text, ','); p && who.n < 8; p = strchr(p + 1, ','))
		cr_assert_eq(sscanf(p, ",group:%u", &who.gids[who.n++]), 1, "%s", text);
	return who;
}

static void run_case(const struct policy_image *image, const struct node *row)
{
	const struct node *as = row->first, *call = as->next, *expect = call->next,
			  *line = expect->next;
	struct who who = parse_who(as->text);
	struct policy_source source = { .line = 0 };
	struct policy_decision decision;
	char error[CALL_ERROR_MAX];
	struct call parsed;

	cr_assert_eq(call_parse(call->text, policy_image_system(image), 0, &parsed, error), 0,
		     "%s:%u: %s", row->source->name, row->line, error);
	decision = decide_request(image, who.uid, who.gids, who.n, &parsed.req, 0);
	policy_image_source(image, decision.rule, &source);
	cr_expect_eq(decision.effect, strcmp(expect->text, "allow") ? POLICY_DENY : POLICY_ALLOW,
		     "%s:%u: %s %s", row->source->name, row->line, as->text, call->text);
	cr_expect_eq(source.line, (uint32_t)atoi(line->text), "%s:%u: decided at line %u",
		     row->source->name, row->line, source.line);
}

static void run_cases(const struct policy_image *image, const char *path)
{
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	const struct node *table;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(source_read(&arena, path, &diag, &source), 0,
		     "%s: run from the top folder of the project", path);
	table = yaml_read(&arena, source, &diag);
	cr_assert(table && !diag.n_errors, "%s", printed(&diag));
	cr_assert_gt(table->n, 10);
	NODE_FOR_EACH(row, table)
	run_case(image, row);
	diag_free(&diag);
	arena_free(&arena);
}

static void run_file(const char *path, const char *cases)
{
	static const struct policy_options options = { .partition = 0 };
	struct diag diag;
	void *block;
	size_t len;

	diag_init(&diag);
	cr_assert_eq(policy_compile(&path, 1, &options, &diag, &block, &len), 0, "%s",
		     printed(&diag));
	run_cases(policy_image_verify(block, len), cases);
	diag_free(&diag);
	free(block);
}

Test(policy_cases, basics)
{
	run_file(FOLDER "basics.yaml", FOLDER "basics.cases");
}

Test(policy_cases, machine)
{
	run_file(FOLDER "machine.yaml", FOLDER "machine.cases");
}

/* A copy of `text` in which `to` stands for `from`, which must be there. */
static char *replaced(struct arena *arena, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	cr_assert_not_null(at, "%s", from);
	return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
}

/* alice and bob are not known on most machines. */
Test(policy_cases, sample_policy)
{
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	struct compiled c;
	struct diag diag;
	char *text;

	diag_init(&diag);
	cr_assert_eq(source_read(&arena, "policy/examples/demo.yaml", &diag, &source), 0);
	text = arena_strndup(&arena, source->text, source->len);
	text = replaced(&arena, text, "user:alice", "user:1001");
	text = replaced(&arena, text, "user:bob", "user:1002");
	text = replaced(&arena, text, "system: demo.xml", "system: \"loopback:\"");
	c = compile_good(text);
	cr_assert_str_empty(c.messages);
	run_cases(c.image, FOLDER "demo.cases");
	compiled_free(&c);
	arena_free(&arena);
}
