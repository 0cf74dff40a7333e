// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy fmt: policies in their canonical form.  Must never touch a file that it cannot read to the
 * end, or that somebody changed meanwhile.
 */

#include <errno.h>
#include <string.h>

#include "policy/command.h"
#include "policy/fmt.h"

struct fmt_options {
	bool check, write;
	size_t n_done; /* files so far */
};

static bool set_check(struct arguments *args, const char *value)
{
	(void)value;
	((struct fmt_options *)args->more)->check = true;
	return true;
}

static bool set_write(struct arguments *args, const char *value)
{
	(void)value;
	((struct fmt_options *)args->more)->write = true;
	return true;
}

/* Whether the file still says what was formatted. */
static bool is_unchanged(struct arena *arena, const struct source *source, struct diag *diag)
{
	const struct source *now;

	if (source_read(arena, source->name, diag, &now))
		return false;
	if (now->len == source->len && !memcmp(now->text, source->text, now->len))
		return true;
	diag_add(diag, DIAG_ERROR, (struct diag_place){ .file = source->name }, NULL, 0, NULL,
		 "somebody changed it meanwhile: nothing was written");
	return false;
}

static int write_back(struct arena *arena, const struct source *source, const char *text,
		      size_t len, struct diag *diag)
{
	if (!is_unchanged(arena, source, diag))
		return EXIT_USAGE;
	return command_write(source->name, text, len) ? EXIT_USAGE : EXIT_HOLDS;
}

static void tell(const struct arguments *args, const char *file, bool canonical)
{
	struct fmt_options *options = args->more;

	if (args->json) {
		printf("%s{\"file\":", options->n_done++ ? "," : "");
		command_json_string(stdout, file);
		printf(",\"canonical\":%s}", canonical ? "true" : "false");
	} else if (!canonical) {
		puts(file);
	}
}

static int deal_with(const struct arguments *args, struct arena *arena, const struct source *source,
		     struct diag *diag)
{
	const struct fmt_options *options = args->more;
	size_t len;
	const char *text = policy_format(arena, source, diag, &len);
	bool canonical;

	if (!text)
		return EXIT_USAGE;
	canonical = len == source->len && !memcmp(text, source->text, len);
	if (!options->check && !options->write)
		return command_write(NULL, text, len) ? EXIT_USAGE : EXIT_HOLDS;
	tell(args, source->name, canonical);
	if (options->write)
		return canonical ? EXIT_HOLDS : write_back(arena, source, text, len, diag);
	return canonical ? EXIT_HOLDS : EXIT_FAILS;
}

static int format(const struct arguments *args, const char *path)
{
	struct arena arena = { .chunks = NULL };
	const struct source *source;
	struct diag diag;
	int ret = EXIT_USAGE;

	diag_init(&diag);
	if (!source_read(&arena, path, &diag, &source))
		ret = deal_with(args, &arena, source, &diag);
	source_sort_messages(&diag);
	diag_print(&diag, stderr);
	diag_free(&diag);
	arena_free(&arena);
	return ret;
}

static int run_fmt(const struct command *command, int argc, char **argv)
{
	struct fmt_options options = { .check = false };
	struct arguments args;
	int worst = EXIT_HOLDS;

	if (!command_arguments(command, argc, argv, &options, &args))
		return EXIT_USAGE;
	if (!args.n_operands || (options.check && options.write) ||
	    (args.json && !options.check && !options.write))
		return command_usage(command);
	if (args.json)
		fputs("{\"files\":[", stdout);
	for (size_t i = 0; i < args.n_operands; i++) {
		int ret = format(&args, args.operands[i]);

		worst = ret > worst ? ret : worst;
	}
	if (args.json)
		puts("]}");
	return worst;
}

static const struct command_option options_of_fmt[] = {
	{ "check", false, set_check },
	{ "write", false, set_write },
	{ NULL, false, NULL },
};

const struct command command_fmt = {
	"fmt",
	"[--check | --write] [--json] FILE...",
	"print a policy in its canonical form, comments included; or put it there, or say which is "
	"not",
	COMMAND_JSON,
	options_of_fmt,
	run_fmt,
};
