// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy test: the invariants and tests of a policy, one by one.  Must never pass what was not
 * decided.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/answer.h"
#include "policy/cases.h"
#include "policy/command.h"
#include "policy/image_layout.h"
#include "policy/model.h"

struct tester {
	const struct arguments *args;
	const struct policy_image *image;
	json_t *invariants, *tests;
	unsigned int passed, failed;
};

static json_t *place(const char *file, unsigned int line, unsigned int column)
{
	json_t *at = json_object();

	answer_set(at, "file", answer_string(file));
	answer_set(at, "line", json_integer(line));
	answer_set(at, "column", json_integer(column));
	return at;
}

/* ---- invariants -------------------------------------------------------------------------------- */

static void found_broken(void *data, const struct prove_counterexample *example)
{
	struct tester *t = data;
	json_t *invariant = json_array_get(t->invariants, example->never);

	answer_set(invariant, "result", json_string("broken"));
	answer_set(invariant, "rule", answer_rule(t->image, example->rule));
	answer_set(invariant, "grant", answer_grant(t->image, example->grant));
	answer_set(invariant, "where", answer_string(example->words));
	answer_set(invariant, "witness", answer_witness(example->witness));
	answer_set(invariant, "command",
		   answer_command(t->args->policies, t->args->n_policies, t->args->options.system,
				  example->witness));
}

static void list_invariants(struct tester *t)
{
	const struct image_never *never = image_table(t->image, IMAGE_NEVERS);
	const char *text = image_table(t->image, IMAGE_TEXT);

	for (uint32_t i = 0; i < t->image->table[IMAGE_NEVERS].count; i++) {
		const char *because = text + never[i].because;
		json_t *invariant = json_object();

		answer_set(invariant, "at",
			   place(text + never[i].file, never[i].line, never[i].column));
		answer_set(invariant, "because", answer_string(*because ? because : NULL));
		answer_set(invariant, "result", json_string("holds"));
		answer_add(t->invariants, invariant);
	}
}

/* Those before the first that is undecided are known; of those after it, only the broken ones. */
static void prove_invariants(struct tester *t)
{
	const struct prove_options options = { .now = t->args->options.now,
					       .self = t->args->options.partition,
					       .budget = t->args->options.budget };
	uint32_t undecided = UINT32_MAX;
	json_t *invariant;
	size_t i;

	list_invariants(t);
	prove_never(t->image, &options, found_broken, t, &undecided);
	json_array_foreach(t->invariants, i, invariant)
	{
		bool holds =
			!strcmp(json_string_value(json_object_get(invariant, "result")), "holds");

		if (holds && i >= undecided)
			answer_set(invariant, "result", json_string("undecided"));
		if (holds && i < undecided)
			t->passed++;
		else
			t->failed++;
	}
}

/* ---- tests ------------------------------------------------------------------------------------- */

static const char *effect_name(enum policy_effect effect)
{
	return effect == POLICY_ALLOW ? "allow" : "deny";
}

static void add_test(void *data, const struct policy_test_result *r)
{
	const struct explanation *e = r->explanation;
	struct tester *t = data;
	json_t *test = json_object();
	char at[WHEN_TEXT];

	answer_set(test, "at", place(r->at.file, r->at.line, r->at.column));
	answer_set(test, "as", answer_string(r->as));
	answer_set(test, "call", answer_string(r->call));
	answer_set(test, "time", answer_string(when_text(r->time.now, at)));
	answer_set(test, "expected", json_string(effect_name(r->expected)));
	answer_set(test, "decision", json_string(effect_name(e->decision.effect)));
	answer_set(test, "rule", answer_rule(t->image, e->decision.rule));
	answer_set(test, "wanted_rule", answer_string(r->rule));
	answer_set(test, "passed", json_boolean(r->passed));
	answer_set(test, "failure", answer_string(r->failure));
	answer_add(t->tests, test);
	if (r->passed)
		t->passed++;
	else
		t->failed++;
}

/* false: the policy has other errors too, which were said. */
static bool run_tests(struct tester *t, struct diag *diag)
{
	struct arguments args = *t->args;
	unsigned int before = t->failed;
	void *block = NULL;
	size_t len;
	int ret;

	args.options.skip_tests = false;
	args.options.tested = add_test;
	args.options.data = t;
	ret = command_compile(&args, diag, &block, &len);
	free(block);
	return !ret || (ret == -EINVAL && t->failed > before);
}

/* ---- printing ---------------------------------------------------------------------------------- */

static bool holds(const json_t *invariant)
{
	return !strcmp(answer_text(invariant, "result"), "holds");
}

/* In TAP what follows a # may make a failure one that does not count. */
static void put(const char *s, bool tap)
{
	for (; *s; s++)
		if (tap && *s == '#')
			fputs("\\x23", stdout);
		else
			putchar(*s);
}

static void put_invariant(const json_t *invariant, bool tap)
{
	const char *because = answer_text(invariant, "because");

	put("never ", tap);
	put(answer_place_text(invariant), tap);
	put(*because ? ": " : "", tap);
	put(because, tap);
	if (!strcmp(answer_text(invariant, "result"), "undecided"))
		put(" (undecided: more steps are needed than --budget allows, or the "
		    "policy is too large)",
		    tap);
	putchar('\n');
	if (strcmp(answer_text(invariant, "result"), "broken"))
		return;
	printf("#   %s is allowed", answer_text(json_object_get(invariant, "witness"), "call"));
	printf(" by %s,", answer_rule_text(json_object_get(invariant, "rule")));
	printf(" granted at %s\n", answer_place_text(json_object_get(invariant, "grant")));
	printf("#   see: %s\n", answer_command_text(invariant));
}

static void put_test(const json_t *test, bool tap)
{
	static const char *const parts[] = { ": ", "as", " ", "call", ": ", "expected" };

	put("test ", tap);
	put(answer_place_text(test), tap);
	for (unsigned int i = 0; i < 6; i += 2) {
		put(parts[i], tap);
		put(answer_text(test, parts[i + 1]), tap);
	}
	putchar('\n');
	if (json_is_string(json_object_get(test, "failure")))
		printf("#   %s\n", answer_text(test, "failure"));
}

static void begin(size_t number, bool passed, bool tap)
{
	if (tap)
		printf("%s %zu - ", passed ? "ok" : "not ok", number);
	else
		fputs(passed ? "ok      " : "FAILED  ", stdout);
}

static void print_all(const struct tester *t, bool tap)
{
	size_t i, n = json_array_size(t->invariants);
	json_t *value;

	if (tap)
		printf("TAP version 13\n1..%u\n", t->passed + t->failed);
	json_array_foreach(t->invariants, i, value)
	{
		begin(i + 1, holds(value), tap);
		put_invariant(value, tap);
	}
	json_array_foreach(t->tests, i, value)
	{
		begin(n + i + 1, json_is_true(json_object_get(value, "passed")), tap);
		put_test(value, tap);
	}
	if (!tap)
		printf("%u passed, %u failed%s\n", t->passed, t->failed,
		       t->passed + t->failed ? "" : ": the policy has no invariants and no tests");
}

static void print_json(const struct tester *t)
{
	json_t *answer = json_object();

	answer_set(answer, "ok", json_boolean(!t->failed));
	answer_set(answer, "passed", json_integer(t->passed));
	answer_set(answer, "failed", json_integer(t->failed));
	answer_set(answer, "invariants", json_incref(t->invariants));
	answer_set(answer, "tests", json_incref(t->tests));
	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(answer);
}

/* ---- the command ------------------------------------------------------------------------------- */

static int test(struct tester *t, bool tap)
{
	struct diag diag;
	bool good;

	diag_init(&diag);
	prove_invariants(t);
	good = run_tests(t, &diag);
	/* With carets and hints, where there is a person. */
	if (!good || (t->failed && !t->args->json && !tap))
		diag_print(&diag, stderr);
	diag_free(&diag);
	if (!good)
		return EXIT_USAGE;
	if (t->args->json)
		print_json(t);
	else
		print_all(t, tap);
	return t->failed ? EXIT_FAILS : EXIT_HOLDS;
}

static bool set_tap(struct arguments *args, const char *value)
{
	(void)value;
	*(bool *)args->more = true;
	return true;
}

static int run_test(const struct command *command, int argc, char **argv)
{
	struct tester t = { .passed = 0 };
	struct policy_image *image;
	struct arguments args;
	bool tap = false;
	int ret = EXIT_USAGE;

	if (!command_arguments(command, argc, argv, &tap, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	if (!args.n_policies || (tap && args.json))
		return command_usage(command);
	args.quiet = true;
	args.options.skip_never = args.options.skip_tests = true;
	args.options.now = time(NULL);
	image = command_image(&args);
	if (image) {
		t = (struct tester){ &args, image, json_array(), json_array(), 0, 0 };
		ret = test(&t, tap);
		json_decref(t.invariants);
		json_decref(t.tests);
	}
	free(image);
	return ret;
}

static const struct command_option test_options[] = {
	{ "tap", false, set_tap },
	{ NULL, false, NULL },
};

const struct command command_test = {
	"test",
	"[--json | --tap] [--system XM_CF.xml] [--partition N] [--budget STEPS] POLICY...",
	"prove the invariants of a policy and run its tests, a line each",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_BUDGET,
	test_options,
	run_test,
};
