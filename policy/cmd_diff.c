// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy diff: whether two policies decide alike, and where they do not.  Must never say "equal" of
 * what could not be decided.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/answer.h"
#include "policy/command.h"

struct differ {
	const struct arguments *args;
	const struct policy_image *old, *new;
	json_t *changes;
};

static json_t *side(const struct policy_image *image, uint32_t rule,
		    const struct prove_witness *witness)
{
	struct policy_decision decision = prove_witness_decide(image, witness);
	json_t *value = json_object();

	answer_set(value, "decision",
		   json_string(decision.effect == POLICY_ALLOW ? "allow" : "deny"));
	answer_set(value, "recorded", json_boolean(decision.audited));
	answer_set(value, "rule", answer_rule(image, rule));
	return value;
}

static void add_change(void *data, const struct prove_change *c)
{
	static const char *const kinds[] = {
		[PROVE_CHANGE_ALLOWED] = "allowed",   [PROVE_CHANGE_DENIED] = "denied",
		[PROVE_CHANGE_RECORDED] = "recorded", [PROVE_CHANGE_UNRECORDED] = "unrecorded",
		[PROVE_CHANGE_LIMITED] = "limited",   [PROVE_CHANGE_UNLIMITED] = "unlimited",
		[PROVE_CHANGE_RATE] = "rate",
	};
	struct differ *d = data;
	json_t *change = json_object();

	answer_set(change, "kind", json_string(kinds[c->kind]));
	answer_set(change, "text", json_string(prove_change_text(c->kind)));
	answer_set(change, "op", json_string(xm_ops[c->op].name));
	answer_set(change, "class", json_string(xm_class_names[xm_ops[c->op].class]));
	answer_set(change, "who", answer_string(c->who));
	answer_set(change, "where", answer_string(c->words));
	answer_set(change, "detail", answer_string(*c->detail ? c->detail : NULL));
	answer_set(change, "old", side(d->old, c->old_rule, c->witness));
	answer_set(change, "new", side(d->new, c->new_rule, c->witness));
	answer_set(change, "more", json_boolean(c->more));
	answer_set(change, "more", json_boolean(c->more));
	answer_set(change, "witness", answer_witness(c->witness));
	answer_set(change, "command",
		   answer_command((const char *const *)&d->args->operands[1], 1,
				  d->args->options.system, c->witness));
	answer_add(d->changes, change);
}

/* ---- printing ---------------------------------------------------------------------------------- */

static void print_side(const char *name, const json_t *side)
{
	const json_t *rule = json_object_get(side, "rule");
	bool allowed = !strcmp(answer_text(side, "decision"), "allow");

	printf("    %s %s%s%s%s\n", name, allowed ? "allowed" : "denied",
	       json_is_null(rule) ? ": " : " by ", answer_rule_text(rule),
	       json_is_true(json_object_get(side, "recorded")) ? ", recorded" : "");
}

static void print_change(const json_t *change)
{
	const char *where = answer_text(change, "where"), *detail = answer_text(change, "detail");

	printf("\n%s %s for %s", answer_text(change, "op"), answer_text(change, "text"),
	       answer_text(change, "who"));
	printf("%s%s%s%s%s\n", *where ? ": " : "", where, *detail ? " (" : "", detail,
	       *detail ? ")" : "");
	if (json_is_true(json_object_get(change, "more")))
		puts("    and more of this kind");
	print_side("old:", json_object_get(change, "old"));
	print_side("new:", json_object_get(change, "new"));
	printf("    see: %s\n", answer_command_text(change));
	if (json_is_true(json_object_get(change, "more")))
		printf("\n%s %s for more than these: too many regions to list\n",
		       answer_text(change, "op"), answer_text(change, "text"));
}

static void print(const json_t *answer)
{
	static const char *const texts[] = {
		[PROVE_EQUAL] = "both allow the same",
		[PROVE_WIDER] = "the new policy allows all that the old one does, and more",
		[PROVE_NARROWER] = "the old policy allows all that the new one does, and more",
		[PROVE_INCOMPARABLE] = "each allows what the other one does not",
		[PROVE_UNKNOWN] =
			("more steps are needed than --budget allows, or the policies are too "
			 "large; what follows is true, but not all"),
	};
	json_t *changes = json_object_get(answer, "changes"), *change;
	json_int_t n = json_integer_value(json_object_get(answer, "number"));
	size_t i;

	printf("%s: %s%s\n", answer_text(answer, "relation"), texts[n],
	       n == PROVE_EQUAL && json_array_size(changes)
		       ? ", but what is recorded or limited differs"
		       : "");
	json_array_foreach(changes, i, change)
	{
		print_change(change);
	}
}

/* ---- the command ------------------------------------------------------------------------------- */

static const char *relation_name(enum prove_relation relation)
{
	static const char *const names[] = {
		[PROVE_EQUAL] = "equal",       [PROVE_WIDER] = "wider",
		[PROVE_NARROWER] = "narrower", [PROVE_INCOMPARABLE] = "incomparable",
		[PROVE_UNKNOWN] = "undecided",
	};

	return names[relation];
}

static int compare(struct differ *d)
{
	const struct prove_options options = { .now = d->args->options.now,
					       .self = d->args->options.partition,
					       .budget = d->args->options.budget };
	enum prove_relation relation;
	json_t *answer = json_object();
	bool same;

	d->changes = json_array();
	relation = prove_diff(d->old, d->new, &options, add_change, d);
	same = relation == PROVE_EQUAL && !json_array_size(d->changes);
	answer_set(answer, "relation", json_string(relation_name(relation)));
	answer_set(answer, "same", json_boolean(same));
	answer_set(answer, "changes", d->changes);
	if (d->args->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		answer_set(answer, "number", json_integer(relation));
		print(answer);
	}
	json_decref(answer);
	return same ? EXIT_HOLDS : EXIT_FAILS;
}

static int run_diff(const struct command *command, int argc, char **argv)
{
	struct arguments args;
	struct policy_image *old, *new = NULL;
	int ret = EXIT_USAGE;

	if (!command_arguments(command, argc, argv, NULL, &args))
		return EXIT_USAGE;
	if (args.n_operands != 2)
		return command_usage(command);
	/* A policy that fails its invariants or tests may be the old one, or what one asks about. */
	args.quiet = true;
	args.options.skip_never = args.options.skip_tests = true;
	args.options.now = time(NULL);
	old = command_image_of(&args, args.operands[0]);
	if (old)
		new = command_image_of(&args, args.operands[1]);
	if (new) {
		struct differ d = { .args = &args, .old = old, .new = new };

		ret = compare(&d);
	}
	free(old);
	free(new);
	return ret;
}

const struct command command_diff = {
	"diff",
	"[--json] [--system XM_CF.xml] [--partition N] [--budget STEPS] OLD NEW",
	"say whether two policies decide alike, and where they do not",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_BUDGET,
	NULL,
	run_diff,
};
