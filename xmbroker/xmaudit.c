// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmaudit: shows, searches and verifies the audit log.  Owns the command line.
 */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "xmbroker/xmaudit_command.h"

static const char usage_text[] =
	"usage: xmaudit tail [-f] [-n N] [--json] [FILTER]... [FILE]\n"
	"       xmaudit search [--count] [--json] [FILTER]... [FILE]\n"
	"       xmaudit stats [--json] [FILTER]... [FILE]\n"
	"       xmaudit verify [--key FILE|-] [--anchor TEXT|FILE]... [--json] [FILE]\n"
	"       xmaudit anchor [FILE]\n"
	"       xmaudit key --new|--check [--state FILE] [--json]\n"
	"FILTER: --user U  --group G  --op NAME  --decision allow|deny  --rule FILE:LINE\n"
	"        --arg NAME=VALUE  --result CODE  --session N  --type TYPE  --seq N[-M]\n"
	"        --since TIME  --until TIME  --observed\n"
	"FILE is " XMAUDIT_DEFAULT_FILE " unless given: with the files that were rotated.\n";

/* ---- values ------------------------------------------------------------------------------------------ */

static bool parse_number(const char *s, uint64_t *valuep)
{
	const struct xmaudit_slice slice = { s, (uint32_t)strlen(s), false };

	return strlen(s) <= 20 && xmaudit_slice_number(&slice, valuep);
}

static bool parse_id(const char *s, uint32_t *idp)
{
	uint64_t value;

	if (!parse_number(s, &value) || value > UINT32_MAX)
		return false;
	*idp = (uint32_t)value;
	return true;
}

static bool parse_user(struct xmaudit_filter *f, const char *s)
{
	const struct passwd *pw = getpwnam(s);

	f->has_user = true;
	if (pw)
		f->user = pw->pw_uid;
	return pw || parse_id(s, &f->user);
}

static bool parse_group(struct xmaudit_filter *f, const char *s)
{
	const struct group *gr = getgrnam(s);

	f->has_group = f->decisions_only = true;
	if (gr)
		f->group = gr->gr_gid;
	return gr || parse_id(s, &f->group);
}

static bool parse_op(struct xmaudit_filter *f, const char *s)
{
	int op = xm_op_by_name(s);

	f->decisions_only = true;
	if (op >= 0)
		f->op = xm_ops[op].name;
	else if (!strcmp(s, "unclassified"))
		f->op = "unclassified";
	return f->op != NULL;
}

static bool parse_decision(struct xmaudit_filter *f, const char *s)
{
	f->decisions_only = true;
	f->decision = s;
	return !strcmp(s, "allow") || !strcmp(s, "deny");
}

static bool is_argument(const char *name)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
			if (!strcmp(xm_ops[op].args[i].name, name))
				return true;
	return false;
}

static bool parse_arg(struct xmaudit_filter *f, char *s)
{
	char *equals = strchr(s, '=');

	if (!equals || f->n_args == XM_MAX_ARGS)
		return false;
	*equals = '\0';
	f->decisions_only = true;
	f->arg[f->n_args].name = s;
	f->arg[f->n_args++].value = equals + 1;
	return is_argument(s);
}

/* "17" or "17-42". */
static bool parse_seq(struct xmaudit_filter *f, char *s)
{
	char *dash = strchr(s, '-');

	if (dash)
		*dash++ = '\0';
	f->has_seq = true;
	return parse_number(s, &f->first) && parse_number(dash ? dash : s, &f->last) &&
	       f->first <= f->last;
}

static bool parse_type(struct xmaudit_filter *f, const char *s)
{
	f->type = s;
	return xmaudit_type_of(s, strlen(s)) != XMAUDIT_OTHER;
}

/* ---- options ----------------------------------------------------------------------------------------- */

enum option_id {
	ID_USER = 256,
	ID_GROUP,
	ID_OP,
	ID_DECISION,
	ID_RULE,
	ID_OBSERVED,
	ID_SINCE,
	ID_UNTIL,
	ID_ARG,
	ID_RESULT,
	ID_SESSION,
	ID_TYPE,
	ID_SEQ,
	ID_JSON,
	ID_COUNT,
	ID_KEY,
	ID_ANCHOR,
	ID_NEW,
	ID_CHECK,
	ID_STATE,
};

static bool parse_filter(struct xmaudit_filter *f, int id)
{
	switch (id) {
	case ID_USER:
		return parse_user(f, optarg);
	case ID_GROUP:
		return parse_group(f, optarg);
	case ID_OP:
		return parse_op(f, optarg);
	case ID_DECISION:
		return parse_decision(f, optarg);
	case ID_RULE:
		f->decisions_only = true;
		f->rule = optarg;
		return true;
	case ID_OBSERVED:
		return f->decisions_only = f->observed = true;
	case ID_SINCE:
		f->has_since = true;
		return xmaudit_time(optarg, time(NULL), &f->since);
	case ID_UNTIL:
		f->has_until = true;
		return xmaudit_time(optarg, time(NULL), &f->until);
	case ID_ARG:
		return parse_arg(f, optarg);
	case ID_RESULT:
		f->result = optarg;
		return true;
	case ID_SESSION:
		f->has_session = true;
		return parse_number(optarg, &f->session);
	case ID_TYPE:
		return parse_type(f, optarg);
	case ID_SEQ:
		return parse_seq(f, optarg);
	default:
		return false;
	}
}

static bool add_anchor(struct xmaudit_options *o, const char *text)
{
	const char **more = reallocarray(o->anchors, o->n_anchors + 1, sizeof(*more));

	if (!more)
		return false;
	o->anchors = more;
	more[o->n_anchors++] = text;
	return true;
}

static bool parse_option(struct xmaudit_options *o, int id)
{
	switch (id) {
	case 'f':
		return o->follow = true;
	case 'n':
		return parse_number(optarg, &o->n) && o->n >= 1 && o->n <= 1000000;
	case ID_JSON:
		return o->json = true;
	case ID_COUNT:
		return o->count = true;
	case ID_KEY:
		o->key = optarg;
		return true;
	case ID_ANCHOR:
		return add_anchor(o, optarg);
	case ID_NEW:
		return o->create = true;
	case ID_CHECK:
		return o->check = true;
	case ID_STATE:
		o->state = optarg;
		return true;
	default:
		o->filtered = true;
		return parse_filter(&o->filter, id);
	}
}

#define FILTER_OPTIONS                                                                             \
	{ "user", required_argument, NULL, ID_USER },                                              \
		{ "group", required_argument, NULL, ID_GROUP },                                    \
		{ "op", required_argument, NULL, ID_OP },                                          \
		{ "decision", required_argument, NULL, ID_DECISION },                              \
		{ "rule", required_argument, NULL, ID_RULE },                                      \
		{ "observed", no_argument, NULL, ID_OBSERVED },                                    \
		{ "since", required_argument, NULL, ID_SINCE },                                    \
		{ "until", required_argument, NULL, ID_UNTIL },                                    \
		{ "arg", required_argument, NULL, ID_ARG },                                        \
		{ "session", required_argument, NULL, ID_SESSION },                                \
		{ "type", required_argument, NULL, ID_TYPE },                                      \
		{ "seq", required_argument, NULL, ID_SEQ },                                        \
	{                                                                                          \
		"json", no_argument, NULL, ID_JSON                                                 \
	}

static const struct option tail_options[] = {
	FILTER_OPTIONS,
	{ "result", required_argument, NULL, ID_RESULT },
	{ "follow", no_argument, NULL, 'f' },
	{ "lines", required_argument, NULL, 'n' },
	{ NULL, 0, NULL, 0 },
};

static const struct option search_options[] = {
	FILTER_OPTIONS,
	{ "result", required_argument, NULL, ID_RESULT },
	{ "count", no_argument, NULL, ID_COUNT },
	{ NULL, 0, NULL, 0 },
};

static const struct option stats_options[] = { FILTER_OPTIONS, { NULL, 0, NULL, 0 } };

static const struct option verify_options[] = {
	{ "key", required_argument, NULL, ID_KEY },
	{ "anchor", required_argument, NULL, ID_ANCHOR },
	{ "json", no_argument, NULL, ID_JSON },
	{ NULL, 0, NULL, 0 },
};

static const struct option no_options[] = { { NULL, 0, NULL, 0 } };

static const struct option key_options[] = {
	{ "new", no_argument, NULL, ID_NEW },
	{ "check", no_argument, NULL, ID_CHECK },
	{ "state", required_argument, NULL, ID_STATE },
	{ "json", no_argument, NULL, ID_JSON },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	const char *letters;
	const struct option *options;
	int (*run)(const struct xmaudit_options *o);
} commands[] = {
	{ "tail", "fn:", tail_options, xmaudit_tail },
	{ "search", "", search_options, xmaudit_search },
	{ "stats", "", stats_options, xmaudit_stats },
	{ "verify", "", verify_options, xmaudit_verify },
	{ "anchor", "", no_options, xmaudit_anchor },
	{ "key", "", key_options, xmaudit_key },
};

static int usage(void)
{
	fputs(usage_text, stderr);
	return XMAUDIT_EXIT_USAGE;
}

static int run(const struct command *command, int argc, char **argv)
{
	struct xmaudit_options o = { .file = XMAUDIT_DEFAULT_FILE,
				     .state = XMAUDIT_DEFAULT_STATE,
				     .n = 10 };
	static char name[] = "xmaudit";
	int id, code;

	argv[0] = name; /* for the messages of getopt */
	while ((id = getopt_long(argc, argv, command->letters, command->options, NULL)) >= 0) {
		if (parse_option(&o, id))
			continue;
		if (id != '?')
			fprintf(stderr, "xmaudit: bad value: %s\n", optarg ? optarg : "");
		return usage();
	}
	if (optind < argc && command->run != xmaudit_key)
		o.file = argv[optind++];
	if (optind < argc || (command->run == xmaudit_key && o.create == o.check))
		return usage();
	code = command->run(&o);
	free(o.anchors);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(stderr, "xmaudit: standard output: %s\n", strerror(errno));
		return XMAUDIT_EXIT_USAGE;
	}
	return code;
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0) {
		fputs("xmaudit: libsodium cannot be used here\n", stderr);
		return XMAUDIT_EXIT_USAGE;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run(&commands[i], argc - 1, argv + 1);
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return XMAUDIT_EXIT_GOOD;
	}
	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts("xmaudit " XM_VERSION);
		return XMAUDIT_EXIT_GOOD;
	}
	return usage();
}
