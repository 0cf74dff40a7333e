// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy schema: what an editor needs to know about policies.
 */

#include "policy/command.h"
#include "policy/schema.h"

static int run_schema(const struct command *command, int argc, char **argv)
{
	struct arguments args;
	json_t *schema;
	int bad;

	if (!command_arguments(command, argc, argv, NULL, &args))
		return EXIT_USAGE;
	if (args.n_operands)
		return command_usage(command);
	schema = policy_schema();
	bad = json_dumpf(schema, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(schema);
	return bad || fflush(stdout) ? EXIT_USAGE : EXIT_HOLDS;
}

const struct command command_schema = {
	"schema", "", "print the JSON Schema of policies, for editors", 0, NULL, run_schema,
};
