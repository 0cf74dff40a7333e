// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy matrix: principals against operations.
 */

#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "policy/answer.h"
#include "policy/command.h"
#include "policy/matrix.h"

static unsigned int terminal_columns(void)
{
	struct winsize size;

	return isatty(STDOUT_FILENO) && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col
		       ? size.ws_col
		       : 100;
}

static void add_digest(json_t *matrix, const struct policy_image *image)
{
	struct policy_about about;
	char hex[2 * POLICY_DIGEST + 1];

	policy_image_about(image, &about);
	for (unsigned int i = 0; i < POLICY_DIGEST; i++)
		snprintf(&hex[(size_t)2 * i], 3, "%02x", about.digest[i]);
	answer_set(matrix, "digest", json_string(hex));
}

static int write_page(const json_t *matrix, const char *path)
{
	char *page = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&page, &len);
	int ret;

	if (!out)
		return EXIT_USAGE;
	policy_matrix_html(out, matrix);
	ret = fclose(out) ? EXIT_USAGE : EXIT_HOLDS;
	if (!ret && command_write(path, page, len))
		ret = EXIT_USAGE;
	free(page);
	return ret;
}

static int show(const struct arguments *args, const struct policy_image *image)
{
	const struct prove_options options = { .now = args->options.now,
					       .self = args->options.partition,
					       .budget = args->options.budget };
	const char *page = *(const char *const *)args->more;
	bool undecided;
	json_t *matrix = policy_matrix(image, &options, &undecided);
	int ret = EXIT_HOLDS;

	add_digest(matrix, image);
	if (page) {
		ret = write_page(matrix, page);
	} else if (args->json) {
		json_dumpf(matrix, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		policy_matrix_print(stdout, matrix, terminal_columns());
	}
	json_decref(matrix);
	if (undecided)
		fputs("xmpolicy: some cells are undecided: more steps are needed than --budget "
		      "allows, or the policy is too large\n",
		      stderr);
	if (ret)
		return EXIT_USAGE;
	return undecided ? EXIT_FAILS : EXIT_HOLDS;
}

static bool set_html(struct arguments *args, const char *value)
{
	*(const char **)args->more = value;
	return true;
}

static int run_matrix(const struct command *command, int argc, char **argv)
{
	struct policy_image *image;
	const char *page = NULL;
	struct arguments args;
	int ret = EXIT_USAGE;

	if (!command_arguments(command, argc, argv, &page, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	if (!args.n_policies || (page && args.json))
		return command_usage(command);
	args.quiet = true;
	args.options.skip_never = args.options.skip_tests = true;
	args.options.now = time(NULL);
	image = command_image(&args);
	if (image)
		ret = show(&args, image);
	free(image);
	return ret;
}

static const struct command_option matrix_options[] = {
	{ "html", true, set_html },
	{ NULL, false, NULL },
};

const struct command command_matrix = {
	"matrix",
	"[--json | --html FILE] [--system XM_CF.xml] [--partition N] [--budget STEPS] POLICY...",
	"show which principals can make which calls: always, never, or on conditions",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_BUDGET,
	matrix_options,
	run_matrix,
};
