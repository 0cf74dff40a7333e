// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy check: what is wrong with a policy.  Only prints what the compiler finds.
 */

#include <errno.h>
#include <stdlib.h>

#include "policy/command.h"

/* What was found good. */
struct checked {
	struct policy_about about;
	unsigned int n_tests;
};

static void count_test(void *data, const struct policy_test_result *result)
{
	(void)result;
	(*(unsigned int *)data)++;
}

static void check_json(const struct diag *diag, const struct checked *good)
{
	printf("{\"ok\":%s", good ? "true" : "false");
	if (good) {
		printf(",\"rules\":%u,\"grants\":%u,\"invariants\":%u,\"tests\":%u,\"digest\":\"",
		       good->about.n_rules, good->about.n_grants, good->about.n_nevers,
		       good->n_tests);
		command_digest(stdout, &good->about);
		fputc('"', stdout);
	}
	printf(",\"errors\":%zu,\"warnings\":%zu,\"truncated\":%s,\"messages\":", diag->n_errors,
	       diag->n_warnings, diag->truncated ? "true" : "false");
	command_json_messages(stdout, diag);
	puts("}");
}

static void print_count(const char *before, unsigned int n, const char *what)
{
	printf("%s%u %s%s", before, n, what, n == 1 ? "" : "s");
}

static void check_text(const struct diag *diag, const struct checked *good)
{
	diag_print(diag, stderr);
	if (!good)
		return;
	print_count("good: ", good->about.n_rules, "rule");
	print_count(", ", good->about.n_grants, "grant");
	print_count(", ", good->about.n_nevers, "invariant");
	print_count(", ", good->n_tests, "test");
	fputs(", digest ", stdout);
	command_digest(stdout, &good->about);
	fputc('\n', stdout);
}

static int check(struct arguments *args)
{
	struct checked good = { .n_tests = 0 };
	void *block = NULL;
	struct diag diag;
	size_t len;
	int ret;

	diag_init(&diag);
	args->options.tested = count_test;
	args->options.data = &good.n_tests;
	ret = command_compile(args, &diag, &block, &len);
	if (!ret)
		policy_image_about(block, &good.about);
	(args->json ? check_json : check_text)(&diag, ret ? NULL : &good);
	args->options.data = NULL;
	diag_free(&diag);
	free(block);
	return !ret ? EXIT_HOLDS : ret == -EINVAL ? EXIT_FAILS : EXIT_USAGE;
}

static int run_check(const struct command *command, int argc, char **argv)
{
	struct arguments args;

	if (!command_arguments(command, argc, argv, NULL, &args) || !command_policies(&args, 0))
		return EXIT_USAGE;
	args.options.find_dead = true;
	return args.n_policies ? check(&args) : command_usage(command);
}

const struct command command_check = {
	"check",
	"[--json] [--system XM_CF.xml] [--partition N] [--budget STEPS] POLICY...",
	"compile the policy and say what is wrong with it",
	COMMAND_JSON | COMMAND_SYSTEM | COMMAND_BUDGET,
	NULL,
	run_check,
};
