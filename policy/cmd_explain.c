// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy explain: how one call of one user is decided.
 */

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "policy/call.h"
#include "policy/command.h"
#include "policy/explain.h"
#include "policy/model.h"

/* What --at says. */
struct at {
	const char *text; /* NULL: not given, which is now */
	struct policy_time time;
};

static bool set_at(struct arguments *args, const char *value)
{
	struct at *at = args->more;
	const char *why = NULL;

	at->text = value;
	at->time.determined = strcmp(value, "unknown") != 0;
	if (at->time.determined)
		why = when_time(value, &at->time.now);
	return !why || command_error(why, value);
}

static struct policy_time time_of(const struct at *at)
{
	if (at->text)
		return at->time;
	return (struct policy_time){ .now = time(NULL), .determined = true };
}

static int explain_call(const struct arguments *args, const struct policy_image *image,
			const struct command_subject *s)
{
	static char room[65536];
	struct text t = TEXT_INIT(room);
	char error[CALL_ERROR_MAX];
	struct explanation e;
	struct call call;
	uint32_t self =
		args->options.partition == POLICY_NO_PARTITION ? 0 : args->options.partition;
	const struct at *at = args->more;
	struct explain_context ctx = { image, s->user, at->text, &s->policy, &call.req, self };

	if (call_parse(args->operands[0], policy_image_system(image), self, &call, error)) {
		fprintf(stderr, "xmpolicy: %s\n", error);
		return EXIT_USAGE;
	}
	policy_explain(image, &s->policy, &call.req, self, time_of(at), &e);
	(args->json ? explain_json : explain_print)(&t, &ctx, &e);
	printf("%s%s", room, args->json ? "\n" : "");
	return e.decision.effect == POLICY_ALLOW ? EXIT_HOLDS : EXIT_FAILS;
}

static int explain_compiled(const struct arguments *args)
{
	void *block = NULL;
	struct command_subject *s;
	struct diag diag;
	size_t len;
	int ret = EXIT_USAGE;

	diag_init(&diag);
	if (command_compile(args, &diag, &block, &len)) {
		diag_print(&diag, stderr);
	} else {
		s = command_subject_new(args->as);
		if (s) {
			command_subject_settle(s, block);
			ret = explain_call(args, block, s);
		}
		command_subject_free(s);
	}
	diag_free(&diag);
	free(block);
	return ret;
}

static int run_explain(const struct command *command, int argc, char **argv)
{
	struct at at = { NULL, { 0, false } };
	struct arguments args;
	const char *missing;

	if (!command_arguments(command, argc, argv, &at, &args))
		return EXIT_USAGE;
	/* A policy that fails its invariants or tests is just what one wants to ask about. */
	args.options.skip_never = args.options.skip_tests = true;
	missing = !args.n_policies       ? "--policy"
		  : !args.as             ? "--as"
		  : args.n_operands != 1 ? "the call, as one word"
					 : NULL;
	return missing ? command_needs(command, missing) : explain_compiled(&args);
}

static const struct command_option explain_options[] = {
	{ "at", true, set_at },
	{ NULL, false, NULL },
};

const struct command command_explain = {
	"explain",
	"[--json] [--system XM_CF.xml] [--partition N] --policy POLICY "
	"--as user:NAME[,group:NAME...] [--at TIME|unknown] CALL",
	"say how a call is decided, by which rule, and what would have to be otherwise",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_POLICY | COMMAND_AS,
	explain_options,
	run_explain,
};
