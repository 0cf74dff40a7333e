// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tests of a policy.  Owns what they say; runs them on the finished image, as the broker would
 * decide, with all buckets full.  Must never pass one that could not be read.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/cases.h"
#include "policy/model.h"

struct policy_test {
	const struct node *node;
	const struct node *as, *user, *groups, *call, *expect, *at, *rule; /* values; the last two,
									      and groups: or NULL */
	enum policy_effect expected;
	uint32_t uid;
	uint32_t *gids; /* owned by the arena */
	uint32_t n_gids;
	int64_t time;
};

static const char *const test_keys[] = { "as", "call", "expect", "at", "rule" };
static const char *const as_keys[] = { "user", "groups" };
#define N(array) (sizeof(array) / sizeof((array)[0]))

static const char *effect_name(enum policy_effect effect)
{
	return effect == POLICY_ALLOW ? "allow" : "deny";
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool parse_as(struct compilation *c, struct policy_test *test)
{
	size_t errors = c->diag->n_errors;

	if (!policy_is_kind(c, test->as, NODE_MAP, "as"))
		return false;
	policy_check_keys(c, test->as, as_keys, N(as_keys), "a user of a test");
	test->user = node_get(test->as, "user");
	test->groups = node_get(test->as, "groups");
	if (!test->user && c->diag->n_errors == errors)
		node_error(c->diag, test->as, "write as: {user: NAME, groups: [NAME, ...]}",
			   "the test does not say as which user");
	return test->user;
}

static bool parse_expect(struct compilation *c, struct policy_test *test)
{
	static const char *const effects[] = { "deny", "allow" };
	const struct node *node = test->expect;

	if (node->bad || !policy_is_kind(c, node, NODE_SCALAR, "expect"))
		return false;
	for (unsigned int i = 0; i < N(effects); i++)
		if (!strcmp(node->text, effects[i])) {
			test->expected = i ? POLICY_ALLOW : POLICY_DENY;
			return true;
		}
	node_error(c->diag, node, vocabulary_hint(&c->arena, node->text, effects, N(effects)),
		   "'%s' is no decision; it is allow or deny", node->text);
	return false;
}

/* Whether all is there that has to be; a key that is misspelt has been told of. */
static bool is_complete(struct compilation *c, const struct policy_test *test, bool told)
{
	const char *missing = !test->as       ? "as"
			      : !test->call   ? "call"
			      : !test->expect ? "expect"
					      : NULL;

	if (missing && !told)
		node_error(c->diag, test->node,
			   "write {as: {user: NAME, groups: [...]}, call: \"XM_...(...)\", expect: "
			   "deny}",
			   "the test has no '%s'", missing);
	return !missing;
}

static void parse_test(struct compilation *c, void *to, const struct node *node)
{
	size_t errors = c->diag->n_errors;
	struct policy_test *test;
	bool good;

	(void)to;
	if (node->bad || !policy_is_kind(c, node, NODE_MAP, "a test"))
		return;
	policy_check_keys(c, node, test_keys, N(test_keys), "a test");
	test = arena_alloc(&c->arena, sizeof(*test));
	*test = (struct policy_test){
		.node = node,
		.as = node_get(node, "as"),
		.call = node_get(node, "call"),
		.expect = node_get(node, "expect"),
		.at = node_get(node, "at"),
		.rule = node_get(node, "rule"),
		.time = c->now,
	};
	good = is_complete(c, test, c->diag->n_errors != errors) && parse_as(c, test);
	if (test->expect)
		good &= parse_expect(c, test);
	if (test->at)
		good &= policy_time(c, test->at, "at", &test->time);
	if (test->call)
		good &= policy_is_kind(c, test->call, NODE_SCALAR, "a call");
	if (test->rule)
		good &= policy_is_kind(c, test->rule, NODE_SCALAR, "rule");
	if (good)
		buffer_push(&c->tests, &test, sizeof(test));
}

void policy_parse_tests(struct compilation *c, const struct node *root)
{
	const struct node *tests = node_get(root, "tests");

	if (tests && !tests->bad && policy_is_kind(c, tests, NODE_LIST, "tests"))
		policy_each(c, tests, NULL, parse_test);
}

/* ---- names ------------------------------------------------------------------------------------- */

static void add_group(struct compilation *c, void *to, const struct node *node)
{
	struct policy_test *test = to;

	if (policy_resolve_id(c, node, true, &test->gids[test->n_gids]))
		test->n_gids++;
}

static uint32_t own_partition(const struct compilation *c)
{
	return c->options->partition == POLICY_NO_PARTITION ? 0 : c->options->partition;
}

static struct call *read_call(struct compilation *c, const struct policy_test *test)
{
	struct call *call = arena_alloc(&c->arena, sizeof(*call));
	char error[CALL_ERROR_MAX], *hint;

	if (!call_parse(test->call->text, c->sys, own_partition(c), call, error))
		return call;
	hint = strstr(error, "; ");
	if (hint) {
		*hint = '\0';
		hint += 2;
	}
	node_error(c->diag, test->call, hint, "%s", error);
	return NULL;
}

static void resolve_test(struct compilation *c, struct policy_test *test)
{
	struct arena_mark mark;
	const struct node *groups = test->groups;
	size_t n = !groups ? 0 : groups->kind == NODE_LIST ? groups->n : 1;

	policy_resolve_id(c, test->user, false, &test->uid);
	test->gids = arena_alloc(&c->arena, (n + 1) * sizeof(*test->gids));
	if (groups)
		policy_each(c, groups, test, add_group);
	mark = arena_mark(&c->arena);
	read_call(c, test);
	arena_release(&c->arena, mark);
}

void policy_resolve_tests(struct compilation *c)
{
	for (size_t i = 0; i < BUFFER_N(&c->tests, struct policy_test *); i++)
		resolve_test(c, *BUFFER_AT(&c->tests, struct policy_test *, i));
}

/* ---- running ----------------------------------------------------------------------------------- */

static bool is_place(const struct explain_place *at, const char *wanted)
{
	const char *colon = strrchr(wanted, ':');
	size_t len = colon ? (size_t)(colon - wanted) : 0, file_len = strlen(at->file);
	const char *tail = at->file + file_len - len;
	bool negative;
	uint64_t line;

	if (!colon || !policy_number(colon + 1, &line, &negative) || line != at->line ||
	    len > file_len || strncmp(tail, wanted, len))
		return false;
	return tail == at->file || tail[-1] == '/';
}

/* Whether one of the rules that decided is the one that must have. */
static bool decided_by(const struct explanation *e, const char *wanted)
{
	for (uint32_t i = 0; i < e->n_rules && i < EXPLAIN_RULES; i++)
		if (!strcmp(e->rules[i].role, wanted) || is_place(&e->rules[i].at, wanted))
			return true;
	return false;
}

static const char *rule_text(struct compilation *c, const struct explain_rule *rule)
{
	return arena_printf(&c->arena, "%s:%u:%u in role '%s'", rule->at.file, rule->at.line,
			    rule->at.column, rule->role);
}

static const char *decider_text(struct compilation *c, const struct explanation *e)
{
	if (e->n_rules)
		return arena_printf(&c->arena, "by %s%s", rule_text(c, &e->rules[0]),
				    e->n_rules > 1 ? ", and others" : "");
	if (!strcmp(e->why, "overflow id"))
		return "since the kernel's overflow id matches no rule";
	return strcmp(e->why, "no rule") ? arena_printf(&c->arena, "as %s", e->why)
					 : "since no rule allows it";
}

/* What is wrong, or NULL. */
static const char *find_failure(struct compilation *c, const struct policy_test *test,
				const struct explanation *e)
{
	const char *done = e->decision.effect == POLICY_ALLOW ? "allowed" : "denied";

	if (e->decision.effect != test->expected)
		return arena_printf(&c->arena, "the test expects %s, but this is %s %s",
				    effect_name(test->expected), done, decider_text(c, e));
	if (!test->rule || decided_by(e, test->rule->text))
		return NULL;
	return arena_printf(&c->arena, "this is %s, as expected, but %s, not by '%s'", done,
			    decider_text(c, e), test->rule->text);
}

/* To whom, or when, the nearest rule is given. */
static const char *granted_text(struct compilation *c, const struct policy_image *image,
				const struct explanation *e)
{
	char room[256];
	struct text when = TEXT_INIT(room);
	const struct explain_grant *grant = &e->grants[0];

	if (!e->n_grants)
		return "its role is granted to nobody";
	explain_when(&when, image, grant->grant);
	return arena_printf(&c->arena, "it is granted to %s%s%s%s, at %s:%u:%u%s", grant->principal,
			    when.len ? " (" : "", when.len ? room : "", when.len ? ")" : "",
			    grant->at.file, grant->at.line, grant->at.column,
			    e->n_grants > 1 ? ", and to others" : "");
}

/* Of a request that should be allowed. */
static const char *nearest_text(struct compilation *c, const struct policy_image *image,
				const struct explanation *e)
{
	const char *text;

	if (!e->has_nearest)
		return NULL;
	text = arena_printf(&c->arena, "the nearest rule is %s", rule_text(c, &e->nearest));
	for (uint32_t i = 0; i < e->n_failed; i++)
		text = arena_printf(&c->arena, "%s; %s must be %s, and it is %s", text,
				    e->failed[i].attribute, e->failed[i].wanted, e->failed[i].had);
	if (!e->granted)
		text = arena_printf(&c->arena, "%s; %s", text, granted_text(c, image, e));
	return text;
}

static const char *as_text(struct compilation *c, const struct policy_test *test)
{
	const char *text = arena_printf(&c->arena, "user:%u", test->uid);

	for (uint32_t i = 0; i < test->n_gids; i++)
		text = arena_printf(&c->arena, "%s,group:%u", text, test->gids[i]);
	return text;
}

static struct policy_subject subject_of(const struct policy_image *image,
					const struct policy_test *test, uint32_t *gids)
{
	struct policy_subject subject = { .uid = test->uid, .gids = gids };

	subject.overflow = test->uid == policy_overflow_id(false) ||
			   (test->n_gids && test->gids[0] == policy_overflow_id(true));
	memcpy(gids, test->gids, test->n_gids * sizeof(*gids));
	subject.n_gids = (uint32_t)policy_image_filter_groups(image, gids, test->n_gids);
	return subject;
}

static void run_test(struct compilation *c, const struct policy_image *image,
		     const struct policy_test *test)
{
	const struct policy_time time = { .now = test->time, .determined = true };
	struct call *call = read_call(c, test);
	uint32_t *gids = arena_alloc(&c->arena, (test->n_gids + 1) * sizeof(*gids));
	struct policy_subject subject = subject_of(image, test, gids);
	struct explanation e;
	struct policy_test_result result = {
		.at = node_place(test->node),
		.as = as_text(c, test),
		.call = test->call->text,
		.rule = test->rule ? test->rule->text : NULL,
		.expected = test->expected,
		.time = time,
		.explanation = &e,
	};

	policy_explain_decision(image, &subject, &call->req, own_partition(c), time, &e);
	if (find_failure(c, test, &e))
		policy_explain(image, &subject, &call->req, own_partition(c), time, &e);
	result.failure = find_failure(c, test, &e);
	result.passed = !result.failure;
	if (result.failure)
		node_error(c->diag, e.decision.effect == test->expected ? test->rule : test->expect,
			   test->expected == POLICY_ALLOW ? nearest_text(c, image, &e) : NULL, "%s",
			   result.failure);
	if (c->options->tested)
		c->options->tested(c->options->data, &result);
}

void policy_run_tests(struct compilation *c, const struct policy_image *image)
{
	for (size_t i = 0; i < BUFFER_N(&c->tests, struct policy_test *); i++) {
		struct arena_mark mark = arena_mark(&c->arena);

		run_test(c, image, *BUFFER_AT(&c->tests, struct policy_test *, i));
		arena_release(&c->arena, mark);
	}
}
