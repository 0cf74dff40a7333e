// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy who-can: all who can make a call, or some of several.  Must never leave somebody out, nor say
 * of somebody who can only here or only then that he can.
 */

#include <stdlib.h>
#include <string.h>

#include "policy/answer.h"
#include "policy/atoms.h"
#include "policy/call.h"
#include "policy/command.h"
#include "policy/model.h"

struct asked {
	const struct arguments *args;
	const struct policy_image *image;
	const struct system *sys;
	struct prove_pattern pattern;
	uint32_t self; /* that is being asked about */
	uint32_t n;    /* partitions asked about */
	bool several;
	bool undecided;
	json_t *holders;
};

/* ---- holders ----------------------------------------------------------------------------------- */

static json_t *groups_of(const struct prove_holder *h)
{
	json_t *groups = json_array();

	for (uint32_t i = 0; i < h->n_gids; i++)
		answer_add(groups, json_integer(h->gids[i]));
	return groups;
}

static json_t *holder_json(const struct asked *a, const struct prove_holder *h)
{
	json_t *holder = json_object();

	answer_set(holder, "principal", answer_string(h->principal));
	answer_set(holder, "uid", h->uid == UINT32_MAX ? json_null() : json_integer(h->uid));
	answer_set(holder, "groups", groups_of(h));
	answer_set(holder, "always", json_boolean(h->always && !h->limited));
	answer_set(holder, "limited",
		   json_string(!h->limited    ? "no"
			       : h->unlimited ? "partly"
					      : "yes"));
	answer_set(holder, "where", answer_string(h->words));
	answer_set(holder, "unless", answer_string(*h->unless ? h->unless : NULL));
	answer_set(holder, "partitions", json_array());
	answer_set(holder, "rule", answer_rule(a->image, h->rule));
	answer_set(holder, "grant", answer_grant(a->image, h->grant));
	answer_set(holder, "witness", answer_witness(h->witness));
	answer_set(holder, "command",
		   answer_command(a->args->policies, a->args->n_policies, a->args->options.system,
				  h->witness));
	return holder;
}

/* Whether two answers, of different partitions, say the same. */
static bool is_same(const json_t *a, const json_t *b)
{
	static const char *const members[] = { "principal", "always", "limited", "where",
					       "unless",    "rule",   "grant" };

	for (unsigned int i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!json_equal(json_object_get(a, members[i]), json_object_get(b, members[i])))
			return false;
	return true;
}

/*
 * The answer that is there already, for another partition; else this one, which is put to others of the
 * same principal.
 */
static json_t *join(json_t *holders, json_t *holder)
{
	size_t i, at = json_array_size(holders);
	json_t *other;

	json_array_foreach(holders, i, other)
	{
		if (is_same(other, holder)) {
			json_decref(holder);
			return other;
		}
		if (json_equal(json_object_get(other, "principal"),
			       json_object_get(holder, "principal")))
			at = i + 1;
	}
	if (json_array_insert_new(holders, at, holder))
		abort();
	return holder;
}

static void add_holder(void *data, const struct prove_holder *h)
{
	struct asked *a = data;
	json_t *holder = join(a->holders, holder_json(a, h));

	answer_add(json_object_get(holder, "partitions"), json_integer(a->self));
}

/* What holds in whichever partition the broker runs need not say so; what does not is not always so. */
static void settle_partitions(const struct asked *a)
{
	json_t *holder;
	size_t i;

	json_array_foreach(a->holders, i, holder)
	{
		if (json_array_size(json_object_get(holder, "partitions")) == a->n)
			answer_set(holder, "partitions", json_null());
		else
			answer_set(holder, "always", json_false());
	}
}

/* ---- what no rule decides ----------------------------------------------------------------------- */

static void add_unasked(struct asked *a, const char *principal, json_t *uid)
{
	static const char *const nothing[] = { "unless", "partitions", "rule",
					       "grant",  "witness",    "command" };
	json_t *holder = json_object();

	answer_set(holder, "principal", json_string(principal));
	answer_set(holder, "uid", uid);
	answer_set(holder, "groups", json_array());
	answer_set(holder, "always", json_true());
	answer_set(holder, "limited", json_string("no"));
	answer_set(holder, "where", json_string(""));
	for (unsigned int i = 0; i < sizeof(nothing) / sizeof(nothing[0]); i++)
		answer_set(holder, nothing[i], json_null());
	if (json_array_insert_new(a->holders, 0, holder))
		abort();
}

/* Root's requests to the broker, which stand above the policy, are no matter of its rules. */
static void forget_root(json_t *holders)
{
	for (size_t i = json_array_size(holders); i-- > 0;) {
		const json_t *uid = json_object_get(json_array_get(holders, i), "uid");

		if (json_is_integer(uid) && !json_integer_value(uid))
			json_array_remove(holders, i);
	}
}

static void add_above_policy(struct asked *a)
{
	unsigned int flags = xm_ops[a->pattern.op].flags;

	if (flags & XM_OPF_PUBLIC)
		add_unasked(a, "everyone", json_null());
	if (flags & XM_OPF_BROKER) {
		forget_root(a->holders);
		add_unasked(a, "user:0", json_integer(0));
	}
}

/* ---- printing ---------------------------------------------------------------------------------- */

static void print_partitions(const json_t *partitions)
{
	size_t n = json_array_size(partitions);

	if (!n)
		return;
	fputs(", if the broker runs in partition", stdout);
	for (size_t i = 0, last; i < n; i = last + 1) {
		json_int_t first = json_integer_value(json_array_get(partitions, i));

		for (last = i;
		     last + 1 < n && json_integer_value(json_array_get(partitions, last + 1)) ==
					     first + (json_int_t)(last + 1 - i);)
			last++;
		printf("%s %lld", !i ? "" : last + 1 < n ? "," : " or", (long long)first);
		if (last > i)
			printf("-%lld", (long long)first + (long long)(last - i));
	}
}

static void print_holder(const json_t *holder)
{
	const char *where = answer_text(holder, "where"), *unless = answer_text(holder, "unless");
	const json_t *grant = json_object_get(holder, "grant");
	const char *limited = answer_text(holder, "limited");

	fputs(answer_text(holder, "principal"), stdout);
	print_partitions(json_object_get(holder, "partitions"));
	printf("%s%s", *where ? ": " : "", where);
	puts(!strcmp(limited, "no")    ? ""
	     : !strcmp(limited, "yes") ? "; at a limited rate"
				       : "; some of it at a limited rate");
	if (*unless)
		printf("    but not who is also %s\n", unless);
	if (json_is_null(json_object_get(holder, "rule"))) {
		puts("    whatever the policy says");
		return;
	}
	printf("    by %s", answer_rule_text(json_object_get(holder, "rule")));
	printf(", granted to %s at %s\n", answer_text(grant, "to"), answer_place_text(grant));
	printf("    see: %s\n", answer_command_text(holder));
}

static void print(const json_t *answer)
{
	const char *result = answer_text(answer, "result");
	json_t *holder;
	size_t i;

	if (!strcmp(result, "nobody"))
		puts("nobody can");
	if (!strcmp(result, "undecided"))
		puts("undecided: more steps are needed than --budget allows, or the policy is too "
		     "large; there may be others than these");
	json_array_foreach(json_object_get(answer, "holders"), i, holder)
	{
		print_holder(holder);
	}
}

static int answer(const struct asked *a)
{
	const char *result = a->undecided                  ? "undecided"
			     : json_array_size(a->holders) ? "somebody"
							   : "nobody";
	uint32_t partition = a->args->options.partition;
	json_t *answer = json_object();

	answer_set(answer, "call", answer_string(a->args->operands[0]));
	answer_set(answer, "op", json_string(xm_ops[a->pattern.op].name));
	answer_set(answer, "partition",
		   partition == POLICY_NO_PARTITION ? json_null() : json_integer(partition));
	answer_set(answer, "result", json_string(result));
	answer_set(answer, "holders", json_incref(a->holders));
	if (a->args->json) {
		json_dumpf(answer, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print(answer);
	}
	json_decref(answer);
	return strcmp(result, "somebody") ? EXIT_FAILS : EXIT_HOLDS;
}

/* ---- asking ------------------------------------------------------------------------------------ */

/* What the call means to a broker in the partition `self`; names of the pattern point into `call`. */
static bool read_call(struct asked *a, uint32_t self, struct call *call)
{
	char error[CALL_ERROR_MAX];
	bool any[XM_MAX_ARGS];

	if (call_parse_pattern(a->args->operands[0], a->sys, self, call, any, error)) {
		fprintf(stderr, "xmpolicy: %s\n", error);
		return false;
	}
	a->self = self;
	a->pattern.op = call->req.op;
	for (unsigned int i = 0; i < xm_ops[call->req.op].n_args; i++) {
		a->pattern.fixed[i] = !any[i];
		a->pattern.arg[i] = call->req.arg[i];
	}
	return true;
}

static bool ask_partition(struct asked *a, uint32_t self)
{
	const struct prove_options options = { .now = a->args->options.now,
					       .self = self,
					       .budget = a->args->options.budget,
					       .one_of_several = a->several };
	struct call call;

	if (!read_call(a, self, &call))
		return false;
	if (prove_who(a->image, &a->pattern, &options, add_holder, a) == PROVE_UNDECIDED)
		a->undecided = true;
	a->n++;
	return true;
}

/* Whether the call, or what the policy says of it, may be another one in another partition. */
static bool depends_on_partition(struct asked *a, const struct call *here)
{
	struct call there;

	if (!read_call(a, 1, &there))
		return true;
	for (unsigned int i = 0; i < xm_ops[here->req.op].n_args; i++)
		if (a->pattern.fixed[i] && here->req.arg[i].num != there.req.arg[i].num)
			return true;
	return world_depends(a->image, here->req.op);
}

static bool ask_all(struct asked *a)
{
	uint32_t self = a->args->options.partition, n = SYSTEM_MAX_PARTITIONS;
	struct call here;

	if (self != POLICY_NO_PARTITION)
		return ask_partition(a, self);
	if (!read_call(a, 0, &here))
		return false;
	if (!depends_on_partition(a, &here))
		return ask_partition(a, 0);
	if (a->sys)
		system_partitions(a->sys, &n);
	a->several = n > 1;
	for (uint32_t i = 0; i < n; i++)
		if (!ask_partition(a, i))
			return false;
	return true;
}

static int ask(const struct arguments *args, const struct policy_image *image)
{
	struct asked a = { .args = args,
			   .image = image,
			   .sys = policy_image_system(image),
			   .pattern = *(const struct prove_pattern *)args->more,
			   .holders = json_array() };
	int ret = EXIT_USAGE;

	if (ask_all(&a)) {
		settle_partitions(&a);
		add_above_policy(&a);
		ret = answer(&a);
	}
	json_decref(a.holders);
	return ret;
}

static bool set_at(struct arguments *args, const char *value)
{
	struct prove_pattern *pattern = args->more;
	const char *why = NULL;

	pattern->at_time = true;
	pattern->time.determined = strcmp(value, "unknown") != 0;
	if (pattern->time.determined)
		why = when_time(value, &pattern->time.now);
	return !why || command_error(why, value);
}

static int run_who(const struct command *command, int argc, char **argv)
{
	struct prove_pattern pattern = { .at_time = false };
	struct policy_image *image;
	struct arguments args;
	int ret = EXIT_USAGE;

	if (!command_arguments(command, argc, argv, &pattern, &args))
		return EXIT_USAGE;
	if (!args.n_policies || args.n_operands != 1)
		return command_needs(command,
				     args.n_policies ? "the call, as one word" : "--policy");
	args.quiet = true;
	args.options.skip_never = args.options.skip_tests = true;
	image = command_image(&args);
	if (image)
		ret = ask(&args, image);
	free(image);
	return ret;
}

static const struct command_option who_options[] = {
	{ "at", true, set_at },
	{ NULL, false, NULL },
};

const struct command command_who = {
	"who-can",
	"[--json] [--system XM_CF.xml] [--partition N] [--budget STEPS] --policy POLICY [--at "
	"TIME|unknown] CALL",
	"name all who can make a call; an argument _ is any value",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_BUDGET | COMMAND_POLICY,
	who_options,
	run_who,
};
