// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy replay: what of an audit log another policy would have decided otherwise.
 */

#include <stdlib.h>

#include "policy/command.h"
#include "policy/replay.h"

#define LOGS 64

struct replay_options {
	const char *logs[LOGS];
	size_t n_logs;
	const char *against;
};

static bool set_log(struct arguments *args, const char *value)
{
	struct replay_options *options = args->more;

	if (options->n_logs == LOGS)
		return command_error("too many logs", value);
	options->logs[options->n_logs++] = value;
	return true;
}

static bool set_against(struct arguments *args, const char *value)
{
	((struct replay_options *)args->more)->against = value;
	return true;
}

static int replay(const struct arguments *args, const struct policy_image *image,
		  const struct policy_image *against)
{
	const struct replay_options *options = args->more;
	struct decision_log log = { .records = 0 };
	struct replay r;
	bool flips;

	replay_init(&r, image);
	r.against = against;
	r.self = args->options.partition;
	for (size_t i = 0; i < options->n_logs; i++)
		if (decision_log_read(options->logs[i], replay_decision, &r, &log)) {
			replay_deinit(&r);
			return EXIT_USAGE;
		}
	replay_sort(&r);
	(args->json ? replay_json : replay_print)(stdout, &r, &log);
	flips = r.to_allow || r.to_deny;
	replay_deinit(&r);
	return fflush(stdout) ? EXIT_USAGE : flips ? EXIT_FAILS : EXIT_HOLDS;
}

static int run_replay(const struct command *command, int argc, char **argv)
{
	struct replay_options options = { .n_logs = 0 };
	struct policy_image *image, *against = NULL;
	struct arguments args;
	int ret = EXIT_USAGE;

	if (!command_arguments(command, argc, argv, &options, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	if (!options.n_logs)
		return command_needs(command, "--log");
	if (!args.n_policies)
		return command_needs(command, "a policy");
	image = command_image(&args);
	if (image && options.against)
		against = command_image_of(&args, options.against);
	if (image && (against || !options.against))
		ret = replay(&args, image, against);
	free(against);
	free(image);
	return ret;
}

static const struct command_option options_of_replay[] = {
	{ "log", true, set_log },
	{ "against", true, set_against },
	{ NULL, false, NULL },
};

const struct command command_replay = {
	"replay",
	"[--json] [--system XM_CF.xml] [--partition N] --log LOG... [--against OLD] POLICY...",
	"put every decision of an audit log to a policy: which flip, by which rules",
	COMMAND_JSON | COMMAND_SYSTEM,
	options_of_replay,
	run_replay,
};
