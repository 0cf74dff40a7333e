// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy: checks a policy and explains its decisions, without a broker.  Owns the command line;
 * see xmpolicy(1).
 */

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/call.h"
#include "policy/compile.h"
#include "policy/explain.h"
#include "policy/model.h"

#ifndef XM_VERSION
#define XM_VERSION "unknown"
#endif

enum { EXIT_HOLDS = 0, EXIT_FAILS = 1, EXIT_USAGE = 2 };

#define GROUPS_MAX 65536

struct arguments {
	bool json;
	const char *as;
	struct policy_options options;
	const char *policies[64];
	size_t n_policies;
	const char *call;
};

struct command {
	const char *name;
	const char *usage;
	const char *purpose;
	int (*run)(struct arguments *args);
};

/* ---- compiling --------------------------------------------------------------------------------- */

static int compile(const struct arguments *args, struct diag *diag, void **blockp, size_t *lenp)
{
	int ret = policy_compile(args->policies, args->n_policies, &args->options, diag, blockp,
				 lenp);

	if (!ret && !policy_image_verify(*blockp, *lenp)) {
		fputs("xmpolicy: the compiled image does not verify\n", stderr);
		abort();
	}
	return ret;
}

static void put_json_string(FILE *out, const char *s)
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

static void put_json_message(FILE *out, const struct diag_message *m)
{
	static const char *const levels[] = { "error", "warning", "note" };

	fprintf(out, "{\"level\":\"%s\",\"file\":", levels[m->level]);
	put_json_string(out, m->file);
	fprintf(out, ",\"line\":%u,\"column\":%u,\"text\":", m->line, m->column);
	put_json_string(out, m->text);
	fputs(",\"hint\":", out);
	put_json_string(out, m->hint);
	fputc('}', out);
}

static void put_digest(FILE *out, const struct policy_about *about)
{
	for (unsigned int i = 0; i < POLICY_DIGEST; i++)
		fprintf(out, "%02x", about->digest[i]);
}

/* ---- check ------------------------------------------------------------------------------------- */

static void check_json(const struct diag *diag, const struct policy_about *about)
{
	printf("{\"ok\":%s", about ? "true" : "false");
	if (about) {
		printf(",\"rules\":%u,\"grants\":%u,\"digest\":\"", about->n_rules,
		       about->n_grants);
		put_digest(stdout, about);
		fputc('"', stdout);
	}
	printf(",\"errors\":%zu,\"warnings\":%zu,\"truncated\":%s,\"messages\":[", diag->n_errors,
	       diag->n_warnings, diag->truncated ? "true" : "false");
	for (size_t i = 0; i < diag->n; i++) {
		if (i)
			fputc(',', stdout);
		put_json_message(stdout, &diag->messages[i]);
	}
	puts("]}");
}

static void check_text(const struct diag *diag, const struct policy_about *about)
{
	diag_print(diag, stderr);
	if (!about)
		return;
	printf("good: %u rule%s, %u grant%s, digest ", about->n_rules,
	       about->n_rules == 1 ? "" : "s", about->n_grants, about->n_grants == 1 ? "" : "s");
	put_digest(stdout, about);
	fputc('\n', stdout);
}

static int run_check(struct arguments *args)
{
	struct policy_about about;
	void *block = NULL;
	struct diag diag;
	size_t len;
	int ret;

	diag_init(&diag);
	ret = compile(args, &diag, &block, &len);
	if (!ret)
		policy_image_about(block, &about);
	(args->json ? check_json : check_text)(&diag, ret ? NULL : &about);
	diag_free(&diag);
	free(block);
	return !ret ? EXIT_HOLDS : ret == -EINVAL ? EXIT_FAILS : EXIT_USAGE;
}

/* ---- whom to explain --------------------------------------------------------------------------- */

struct subject {
	struct policy_subject policy;
	gid_t gids[GROUPS_MAX];
	char *user; /* as given, without the groups */
};

static bool usage_error(const char *what, const char *name)
{
	fprintf(stderr, "xmpolicy: %s: %s\n", name, what);
	return false;
}

static bool is_id(const char *text, uint32_t *idp)
{
	uint64_t value;
	bool negative;

	if (!policy_number(text, &value, &negative) || negative || value >= UINT32_MAX)
		return false;
	*idp = (uint32_t)value;
	return true;
}

/* The user's groups as the databases have them; none for a number that they do not know. */
static bool groups_of(struct subject *s, const struct passwd *pw)
{
	int n = GROUPS_MAX;

	if (!pw)
		return true;
	if (getgrouplist(pw->pw_name, pw->pw_gid, s->gids, &n) < 0)
		return usage_error("too many groups", pw->pw_name);
	s->policy.n_gids = (uint32_t)n;
	return true;
}

static bool add_group(struct subject *s, const char *name)
{
	const struct group *group;
	uint32_t id;

	if (s->policy.n_gids == GROUPS_MAX)
		return usage_error("too many groups", name);
	if (!is_id(name, &id)) {
		group = getgrnam(name);
		if (!group)
			return usage_error("no such group", name);
		id = group->gr_gid;
	}
	s->gids[s->policy.n_gids++] = id;
	return true;
}

static bool set_user(struct subject *s, bool groups_given)
{
	const char *name = s->user + (strncmp(s->user, "user:", 5) ? 0 : 5);
	const struct passwd *pw;

	if (is_id(name, &s->policy.uid)) {
		pw = getpwuid(s->policy.uid);
	} else {
		pw = getpwnam(name);
		if (!pw)
			return usage_error("no such user", name);
		s->policy.uid = pw->pw_uid;
	}
	return groups_given || groups_of(s, pw);
}

/* "user:alice", "user:alice,group:ops,group:100": given groups replace those of the databases. */
static bool parse_subject(const char *as, struct subject *s)
{
	char *rest, *word;

	s->user = strdup(as);
	if (!s->user)
		exit(EXIT_USAGE);
	rest = strchr(s->user, ',');
	if (rest)
		*rest++ = '\0';
	if (!set_user(s, rest != NULL))
		return false;
	while ((word = strsep(&rest, ",")))
		if (strncmp(word, "group:", 6))
			return usage_error("write group:NAME after the user", word);
		else if (!add_group(s, word + 6))
			return false;
	return true;
}

static void settle_subject(struct subject *s, const struct policy_image *image)
{
	uint32_t overflow = policy_overflow_id(true);

	_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "group ids are passed as they are");
	s->policy.overflow = s->policy.uid == policy_overflow_id(false);
	/* Of the groups it is the primary one that tells whether the kernel could name the gid. */
	if (s->policy.n_gids && s->gids[0] == overflow)
		s->policy.overflow = true;
	s->policy.n_gids = (uint32_t)policy_image_filter_groups(image, s->gids, s->policy.n_gids);
	s->policy.gids = s->gids;
}

/* ---- explain ----------------------------------------------------------------------------------- */

static int explain_call(const struct arguments *args, const struct policy_image *image,
			const struct subject *s)
{
	static char room[65536];
	struct text t = TEXT_INIT(room);
	char error[CALL_ERROR_MAX];
	struct explanation e;
	struct call call;
	uint32_t self =
		args->options.partition == POLICY_NO_PARTITION ? 0 : args->options.partition;
	struct explain_context ctx = { s->user, &s->policy, &call.req, self };

	if (call_parse(args->call, policy_image_system(image), self, &call, error)) {
		fprintf(stderr, "xmpolicy: %s\n", error);
		return EXIT_USAGE;
	}
	policy_explain(image, &s->policy, &call.req, self, &e);
	(args->json ? explain_json : explain_print)(&t, &ctx, &e);
	printf("%s%s", room, args->json ? "\n" : "");
	return e.decision.effect == POLICY_ALLOW ? EXIT_HOLDS : EXIT_FAILS;
}

static int run_explain(struct arguments *args)
{
	struct subject *s = calloc(1, sizeof(*s));
	void *block = NULL;
	struct diag diag;
	size_t len;
	int ret = EXIT_USAGE;

	if (!s)
		return EXIT_USAGE;
	diag_init(&diag);
	if (compile(args, &diag, &block, &len)) {
		diag_print(&diag, stderr);
	} else if (parse_subject(args->as, s)) {
		settle_subject(s, block);
		ret = explain_call(args, block, s);
	}
	diag_free(&diag);
	free(block);
	free(s->user);
	free(s);
	return ret;
}

/* ---- command line ------------------------------------------------------------------------------ */

static const struct command commands[] = {
	{ "check", "[--json] [--system XM_CF.xml] [--partition N] POLICY...",
	  "compile the policy and say what is wrong with it", run_check },
	{ "explain",
	  "[--json] [--system XM_CF.xml] [--partition N] --policy POLICY "
	  "--as user:NAME[,group:NAME...] CALL",
	  "say how a call is decided, by which rule, and what would have to be otherwise",
	  run_explain },
};

static void print_usage(FILE *out)
{
	fputs("usage:\n", out);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  xmpolicy %s %s\n      %s\n", commands[i].name, commands[i].usage,
			commands[i].purpose);
	fputs("exit: 0 it holds (explain: allowed), 1 it does not (denied), 2 usage or "
	      "unreadable\n",
	      out);
}

static bool add_policy(struct arguments *args, const char *path)
{
	if (args->n_policies == sizeof(args->policies) / sizeof(args->policies[0]))
		return usage_error("too many policies", path);
	args->policies[args->n_policies++] = path;
	return true;
}

static bool set_option(struct arguments *args, int option, const char *value)
{
	switch (option) {
	case 'j':
		args->json = true;
		return true;
	case 's':
		args->options.system = value;
		return true;
	case 'p':
		return add_policy(args, value);
	case 'a':
		args->as = value;
		return true;
	case 'n':
		return is_id(value, &args->options.partition) ||
		       usage_error("no partition number", value);
	default:
		return false;
	}
}

static bool parse_options(struct arguments *args, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "system", required_argument, NULL, 's' },
		{ "policy", required_argument, NULL, 'p' },
		{ "as", required_argument, NULL, 'a' },
		{ "partition", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	static char name[] = "xmpolicy";
	int option;

	argv[0] = name; /* for the messages of getopt */
	args->options.partition = POLICY_NO_PARTITION;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0)
		if (!set_option(args, option, optarg))
			return false;
	return true;
}

static bool parse_operands(struct arguments *args, const struct command *command, int argc,
			   char **argv)
{
	if (command->run == run_explain) {
		const char *missing = !args->n_policies ? "--policy"
				      : !args->as       ? "--as"
				      : argc != 1       ? "the call, as one word"
							: NULL;

		if (missing) {
			fprintf(stderr, "xmpolicy: explain needs %s\n", missing);
			return false;
		}
		args->call = argv[0];
		return true;
	}
	if (args->as)
		return false;
	for (int i = 0; i < argc; i++)
		if (!add_policy(args, argv[i]))
			return false;
	return args->n_policies > 0;
}

static int run_command(const struct command *command, int argc, char **argv)
{
	struct arguments args = { .json = false };

	if (!parse_options(&args, argc, argv) ||
	    !parse_operands(&args, command, argc - optind, argv + optind)) {
		fprintf(stderr, "usage: xmpolicy %s %s\n", command->name, command->usage);
		return EXIT_USAGE;
	}
	return command->run(&args);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		print_usage(stdout);
		return EXIT_HOLDS;
	}
	if (argc >= 2 && !strcmp(argv[1], "--version")) {
		puts("xmpolicy " XM_VERSION);
		return EXIT_HOLDS;
	}
	for (size_t i = 0; argc >= 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			return run_command(&commands[i], argc - 1, argv + 1);
	if (argc >= 2)
		fprintf(stderr, "xmpolicy: there is no command '%s'\n", argv[1]);
	print_usage(stderr);
	return EXIT_USAGE;
}
