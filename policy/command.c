// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What the commands of xmpolicy have in common: their command lines, compiling, and JSON.  Owns no
 * command.
 */

#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "policy/command.h"
#include "policy/model.h"

#define OPTIONS_MAX 32
#define USAGE_COLUMNS 79

/* ---- complaints -------------------------------------------------------------------------------- */

/* The length of the next option with its value, or operand, with all that is in brackets. */
static size_t usage_word(const char *s)
{
	bool option = *s == '-';
	unsigned int depth = 0;
	size_t n = 0;

	for (; s[n] && (depth || option || s[n] != ' '); n++)
		if (s[n] == '[')
			depth++;
		else if (s[n] == ']')
			depth--;
		else if (s[n] == ' ' && !depth)
			option = false;
	return n;
}

void command_print_usage(FILE *out, const char *before, const struct command *command)
{
	int indent = (int)strlen(before) + 4;
	int at = fprintf(out, "%sxmpolicy %s", before, command->name);
	const char *s = command->usage;

	while (*s) {
		int n = (int)usage_word(s);

		if (at + 1 + n > USAGE_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			at = indent;
		} else {
			at += fprintf(out, " ");
		}
		at += fprintf(out, "%.*s", n, s);
		s += n;
		s += *s == ' ';
	}
	fputc('\n', out);
}

int command_usage(const struct command *command)
{
	command_print_usage(stderr, "usage: ", command);
	return EXIT_USAGE;
}

bool command_error(const char *what, const char *name)
{
	fprintf(stderr, "xmpolicy: %s: %s\n", name, what);
	return false;
}

int command_needs(const struct command *command, const char *what)
{
	fprintf(stderr, "xmpolicy: %s needs %s\n", command->name, what);
	return command_usage(command);
}

/* ---- options ----------------------------------------------------------------------------------- */

bool command_number(const char *text, uint32_t *valuep)
{
	uint64_t value;
	bool negative;

	if (!policy_number(text, &value, &negative) || negative || value >= UINT32_MAX)
		return false;
	*valuep = (uint32_t)value;
	return true;
}

static bool set_json(struct arguments *args, const char *value)
{
	(void)value;
	args->json = true;
	return true;
}

static bool set_system(struct arguments *args, const char *value)
{
	args->options.system = value;
	return true;
}

static bool set_partition(struct arguments *args, const char *value)
{
	return command_number(value, &args->options.partition) ||
	       command_error("no partition number", value);
}

static bool set_budget(struct arguments *args, const char *value)
{
	bool negative = false;

	if (!policy_number(value, &args->options.budget, &negative) || negative ||
	    !args->options.budget)
		return command_error("no number of steps", value);
	return true;
}

static bool set_policy(struct arguments *args, const char *value)
{
	if (args->n_policies == COMMAND_POLICIES)
		return command_error("too many policies", value);
	args->policies[args->n_policies++] = value;
	return true;
}

static bool set_as(struct arguments *args, const char *value)
{
	args->as = value;
	return true;
}

static const struct {
	unsigned int flag;
	struct command_option option;
} common[] = {
	{ COMMAND_JSON, { "json", false, set_json } },
	{ COMMAND_SYSTEM, { "system", true, set_system } },
	{ COMMAND_SYSTEM, { "partition", true, set_partition } },
	{ COMMAND_BUDGET, { "budget", true, set_budget } },
	{ COMMAND_POLICY, { "policy", true, set_policy } },
	{ COMMAND_AS, { "as", true, set_as } },
};

/* All options of a command, as getopt wants them and as they are set. */
struct option_list {
	struct option getopt[OPTIONS_MAX + 1];
	const struct command_option *option[OPTIONS_MAX];
	size_t n;
	size_t output; /* which of them is --output, that may be written -o; OPTIONS_MAX: none */
};

static void list_add(struct option_list *list, const struct command_option *option)
{
	struct option *to = &list->getopt[list->n];

	if (list->n == OPTIONS_MAX)
		abort();
	if (!strcmp(option->name, "output"))
		list->output = list->n;
	to->name = option->name;
	to->has_arg = option->has_value ? required_argument : no_argument;
	to->val = (int)list->n;
	list->option[list->n++] = option;
}

static void list_options(const struct command *command, struct option_list *list)
{
	memset(list, 0, sizeof(*list));
	list->output = OPTIONS_MAX;
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (command->common & common[i].flag)
			list_add(list, &common[i].option);
	for (const struct command_option *o = command->options; o && o->name; o++)
		list_add(list, o);
}

bool command_arguments(const struct command *command, int argc, char **argv, void *more,
		       struct arguments *argsp)
{
	static char name[] = "xmpolicy";
	struct option_list list;
	int option;

	list_options(command, &list);
	*argsp = (struct arguments){ .options.partition = POLICY_NO_PARTITION, .more = more };
	argv[0] = name; /* for the messages of getopt */
	while ((option = getopt_long(argc, argv, list.output < OPTIONS_MAX ? "o:" : "", list.getopt,
				     NULL)) >= 0) {
		if (option == 'o')
			option = (int)list.output;
		if (option >= (int)list.n || !list.option[option]->set(argsp, optarg)) {
			command_usage(command);
			return false;
		}
	}
	argsp->operands = argv + optind;
	argsp->n_operands = (size_t)(argc - optind);
	return true;
}

bool command_policies(struct arguments *args, size_t first)
{
	for (size_t i = first; i < args->n_operands; i++)
		if (!set_policy(args, args->operands[i]))
			return false;
	return true;
}

/* ---- compiling --------------------------------------------------------------------------------- */

static int compile(const struct arguments *args, const char *const *paths, size_t n,
		   struct diag *diag, void **blockp, size_t *lenp)
{
	int ret = policy_compile(paths, n, &args->options, diag, blockp, lenp);

	if (!ret && !policy_image_verify(*blockp, *lenp)) {
		fputs("xmpolicy: the compiled image does not verify\n", stderr);
		abort();
	}
	return ret;
}

int command_compile(const struct arguments *args, struct diag *diag, void **blockp, size_t *lenp)
{
	return compile(args, args->policies, args->n_policies, diag, blockp, lenp);
}

static struct policy_image *image_of(const struct arguments *args, const char *const *paths,
				     size_t n)
{
	void *block = NULL;
	struct diag diag;
	size_t len;

	diag_init(&diag);
	if (compile(args, paths, n, &diag, &block, &len))
		block = NULL;
	if (!block || !args->quiet)
		diag_print(&diag, stderr);
	diag_free(&diag);
	return block;
}

struct policy_image *command_image(const struct arguments *args)
{
	return image_of(args, args->policies, args->n_policies);
}

struct policy_image *command_image_of(const struct arguments *args, const char *path)
{
	return image_of(args, &path, 1);
}

/* ---- output ------------------------------------------------------------------------------------ */

void command_json_string(FILE *out, const char *s)
{
	size_t cap = s ? strlen(s) * 6 + 16 : 16;
	char *room = malloc(cap);
	struct text t = { room, cap, 0, false };

	if (!room)
		exit(EXIT_USAGE);
	if (s)
		text_json(&t, s, strlen(s));
	fputs(s ? room : "null", out);
	free(room);
}

static void put_message(FILE *out, const struct diag_message *m)
{
	static const char *const levels[] = { "error", "warning", "note" };

	fprintf(out, "{\"level\":\"%s\",\"file\":", levels[m->level]);
	command_json_string(out, m->file);
	fprintf(out, ",\"line\":%u,\"column\":%u,\"text\":", m->line, m->column);
	command_json_string(out, m->text);
	fputs(",\"hint\":", out);
	command_json_string(out, m->hint);
	fputc('}', out);
}

void command_json_messages(FILE *out, const struct diag *diag)
{
	fputc('[', out);
	for (size_t i = 0; i < diag->n; i++) {
		if (i)
			fputc(',', out);
		put_message(out, &diag->messages[i]);
	}
	fputc(']', out);
}

void command_digest(FILE *out, const struct policy_about *about)
{
	for (unsigned int i = 0; i < POLICY_DIGEST; i++)
		fprintf(out, "%02x", about->digest[i]);
}
