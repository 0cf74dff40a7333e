// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy learn: a policy from an audit log.  Must never print one that it did not compile together with
 * its base, and to which it did not put the log again.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "policy/command.h"
#include "policy/learn.h"
#include "policy/model.h"

#define LOGS 64

struct learn_options {
	struct learn learn;
	const char *logs[LOGS];
	size_t n_logs;
	const char *base;
	const char *output;
};

static bool set_log(struct arguments *args, const char *value)
{
	struct learn_options *o = args->more;

	if (o->n_logs == LOGS)
		return command_error("too many logs", value);
	o->logs[o->n_logs++] = value;
	return true;
}

static bool set_base(struct arguments *args, const char *value)
{
	((struct learn_options *)args->more)->base = value;
	return true;
}

static bool set_output(struct arguments *args, const char *value)
{
	((struct learn_options *)args->more)->output = value;
	return true;
}

static bool set_generalise(struct arguments *args, const char *value)
{
	const char *wrong = learn_generalise(&((struct learn_options *)args->more)->learn, value);

	return !wrong || command_error(wrong, value);
}

static bool set_self_stop(struct arguments *args, const char *value)
{
	(void)value;
	((struct learn_options *)args->more)->learn.allow_self_stop = true;
	return true;
}

static bool set_machine(struct arguments *args, const char *value)
{
	(void)value;
	((struct learn_options *)args->more)->learn.allow_machine = true;
	return true;
}

/* ---- the base ---------------------------------------------------------------------------------- */

/* Names for the roles that no role of the base has. */
static void name_roles(void *data, const struct compilation *c)
{
	struct learn *l = data;
	unsigned int suffix = 1;
	size_t i = 0;

	while (i < BUFFER_N(&c->roles, const struct role *)) {
		const char *name = (*BUFFER_AT(&c->roles, const struct role *, i))->name->text;
		size_t len = strlen(l->role);

		if (!strncmp(name, l->role, len) && name[len] == '-') {
			snprintf(l->role, sizeof(l->role), "learned-%u", ++suffix);
			i = 0;
		} else {
			i++;
		}
	}
}

static struct policy_image *base_image(const struct arguments *args)
{
	struct learn_options *o = args->more;
	struct arguments with = *args;

	with.options.parsed = name_roles;
	with.options.data = &o->learn;
	return command_image_of(&with, o->base);
}

/* An empty policy, for its system. */
static struct policy_image *system_image(const struct arguments *args)
{
	static const char text[] = "version: 1\n";
	void *block = NULL;
	struct diag diag;
	size_t len;

	diag_init(&diag);
	if (policy_compile_text("learned.yaml", text, sizeof(text) - 1, &args->options, &diag,
				&block, &len))
		diag_print(&diag, stderr);
	diag_free(&diag);
	return block;
}

/* ---- the log ----------------------------------------------------------------------------------- */

static int read_logs(const struct learn_options *o,
		     bool (*call)(void *data, const struct logged_decision *decision), void *data,
		     struct decision_log *log)
{
	for (size_t i = 0; i < o->n_logs; i++)
		if (decision_log_read(o->logs[i], call, data, log))
			return EXIT_USAGE;
	return EXIT_HOLDS;
}

/* Together with the base; NULL: what is wrong was said. */
static struct policy_image *compiled(const struct arguments *args, const char *text, size_t len)
{
	const struct learn_options *o = args->more;
	void *block = NULL;
	struct diag diag;
	size_t size;

	diag_init(&diag);
	if (policy_compile_more(&o->base, o->base ? 1 : 0, "learned.yaml", text, len,
				&args->options, &diag, &block, &size)) {
		diag_print(&diag, stderr);
		if (o->base)
			fputs("xmpolicy: what would be learned does not go together with the base: "
			      "nothing is written\n",
			      stderr);
		block = NULL;
	}
	diag_free(&diag);
	return block;
}

/* The log once more, put to what was compiled. */
static bool is_proved(struct learn_options *o, const struct policy_image *image)
{
	struct decision_log again = { .records = 0 };
	struct learn_proof proof;
	const char *wrong;

	learn_proof_init(&proof, &o->learn, image);
	if (read_logs(o, learn_prove, &proof, &again))
		return false;
	wrong = learn_proved(&proof);
	if (wrong)
		fprintf(stderr, "xmpolicy: %s\n", wrong);
	return !wrong;
}

/* ---- what comes of it -------------------------------------------------------------------------- */

static void print_json(const struct learn_options *o, const struct decision_log *log,
		       const char *text)
{
	const struct learn *l = &o->learn;

	printf("{\"denied\":%" PRIu64 ",\"learned\":%" PRIu64 ",\"already\":%" PRIu64
	       ",\"policy\":",
	       l->denied, l->learned, l->already);
	command_json_string(stdout, o->output ? NULL : text);
	fputs(",\"left_out\":[", stdout);
	for (size_t i = 0; i < l->n_left; i++) {
		const struct learn_left *row = &l->left[i];

		printf("%s{\"call\":", i ? "," : "");
		command_json_string(stdout, row->call);
		fputs(",\"why\":", stdout);
		command_json_string(stdout, row->why);
		fputs(",\"write\":", stdout);
		command_json_string(stdout, row->write[0] ? row->write : NULL);
		if (row->has_uid)
			printf(",\"uid\":%u", row->uid);
		else
			fputs(",\"uid\":null", stdout);
		printf(",\"count\":%" PRIu64 "}", row->count);
	}
	printf("],\"other_left\":%" PRIu64 ",\"folded\":%" PRIu64 ",\"lost\":%" PRIu64
	       ",\"bad_lines\":%" PRIu64 "}\n",
	       l->other_left, log->folded, log->lost, log->bad);
}

static void tell(const struct learn *l, const struct decision_log *log)
{
	fprintf(stderr,
		"xmpolicy: %" PRIu64 " of %" PRIu64 " denied calls are allowed by it, %" PRIu64
		" were already\n",
		l->learned, l->denied, l->already);
	if (log->folded)
		fprintf(stderr,
			"xmpolicy: %" PRIu64 " decisions were counted in the log, not recorded\n",
			log->folded);
	if (log->lost)
		fprintf(stderr, "xmpolicy: %" PRIu64 " records are missing, says the log\n",
			log->lost);
	if (log->bad)
		fprintf(stderr, "xmpolicy: %" PRIu64 " lines are no records: see xmaudit verify\n",
			log->bad);
}

static int hand_out(const struct arguments *args, const struct decision_log *log, const char *text,
		    size_t len)
{
	const struct learn_options *o = args->more;
	const struct learn *l = &o->learn;

	if ((o->output || !args->json) && command_write(o->output, text, len))
		return EXIT_USAGE;
	if (args->json)
		print_json(o, log, text);
	tell(l, log);
	if (fflush(stdout))
		return EXIT_USAGE;
	return l->learned + l->already == l->denied && !log->folded ? EXIT_HOLDS : EXIT_FAILS;
}

static int finish(const struct arguments *args, const struct decision_log *log)
{
	struct learn_options *o = args->more;
	struct policy_image *image;
	const char *text;
	size_t len;
	int ret = EXIT_USAGE;

	if (o->learn.too_many) {
		fputs("xmpolicy: too many different calls were denied: use --generalise\n", stderr);
		return EXIT_USAGE;
	}
	o->learn.folded = log->folded;
	text = learn_text(&o->learn, o->base ? NULL : args->options.system, &len);
	image = text ? compiled(args, text, len) : NULL;
	if (image && is_proved(o, image))
		ret = hand_out(args, log, text, len);
	free(image);
	return ret;
}

static int learn(const struct arguments *args)
{
	struct learn_options *o = args->more;
	struct policy_image *image = o->base ? base_image(args) : system_image(args);
	struct decision_log log = { .records = 0 };
	int ret = EXIT_USAGE;

	if (!image)
		return EXIT_USAGE;
	o->learn.base = o->base ? image : NULL;
	o->learn.sys = policy_image_system(image);
	o->learn.self = args->options.partition;
	o->learn.self_given = args->options.partition != POLICY_NO_PARTITION;
	if (!read_logs(o, learn_decision, &o->learn, &log))
		ret = finish(args, &log);
	free(image);
	return ret;
}

static int run_learn(const struct command *command, int argc, char **argv)
{
	struct learn_options *o = calloc(1, sizeof(*o));
	struct arguments args;
	int ret = EXIT_USAGE;

	if (!o)
		return EXIT_USAGE;
	learn_init(&o->learn);
	if (!command_arguments(command, argc, argv, o, &args))
		ret = EXIT_USAGE;
	else if (!o->n_logs)
		ret = command_needs(command, "--log");
	else
		ret = args.n_operands ? command_usage(command) : learn(&args);
	learn_deinit(&o->learn);
	free(o);
	return ret;
}

static const struct command_option options_of_learn[] = {
	{ "log", true, set_log },
	{ "base", true, set_base },
	{ "generalise", true, set_generalise },
	{ "allow-self-stop", false, set_self_stop },
	{ "allow-machine", false, set_machine },
	{ "output", true, set_output },
	{ NULL, false, NULL },
};

const struct command command_learn = {
	"learn",
	"[--json] [--system XM_CF.xml] [--partition N] --log LOG... [--base POLICY] [--generalise "
	"WHAT]... "
	"[--allow-self-stop] [--allow-machine] [--output FILE]",
	"a policy that allows what an audit log shows was denied, and nothing else",
	COMMAND_JSON | COMMAND_SYSTEM,
	options_of_learn,
	run_learn,
};
