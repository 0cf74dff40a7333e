// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy graph: a drawing of a policy for Graphviz.
 */

#include <stdlib.h>

#include "policy/command.h"
#include "policy/graph.h"

static void draw(void *data, const struct compilation *c)
{
	policy_graph(data, c);
}

static int run_graph(const struct command *command, int argc, char **argv)
{
	struct policy_image *image;
	struct arguments args;

	if (!command_arguments(command, argc, argv, NULL, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	if (!args.n_policies)
		return command_usage(command);
	args.quiet = true;
	args.options.skip_never = args.options.skip_tests = true;
	args.options.parsed = draw;
	args.options.data = stdout;
	image = command_image(&args);
	if (!image)
		return EXIT_USAGE;
	free(image);
	return EXIT_HOLDS;
}

const struct command command_graph = {
	"graph",
	"[--system XM_CF.xml] [--partition N] POLICY...",
	"draw principals, roles and what they allow, for Graphviz",
	COMMAND_SYSTEM,
	NULL,
	run_graph,
};
