// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * xmpolicy: checks a policy and answers questions about it, without a broker.  Owns the table of its
 * commands, and what holds for all of them: see xmpolicy(1).  Must never end as if it had answered when
 * the answer could not be written.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "policy/command.h"
#include "policy/prove.h"

#ifndef XM_VERSION
#define XM_VERSION "unknown"
#endif

static const struct command *const commands[] = {
	&command_check,  &command_explain, &command_who,   &command_diff,   &command_test,
	&command_matrix, &command_graph,   &command_fmt,   &command_schema, &command_compile_image,
	&command_dump,   &command_replay,  &command_learn,
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
	puts("usage:");
	for (size_t i = 0; i < N_COMMANDS; i++) {
		command_print_usage(stdout, "  ", commands[i]);
		printf("      %s\n", commands[i]->purpose);
	}
	puts("  xmpolicy --help | --version\n"
	     "exit: 0 it holds (explain: allowed), 1 it does not (denied), 2 usage or unreadable\n"
	     "See xmpolicy(1).");
}

/* For somebody who knows that there is a program, but not what it does. */
static int print_commands(void)
{
	fputs("usage: xmpolicy COMMAND [OPTION]... [ARGUMENT]...\n", stderr);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(stderr, "  %-8s  %s\n", commands[i]->name, commands[i]->purpose);
	fputs("xmpolicy COMMAND --help says more of one, xmpolicy --help of all.\n", stderr);
	return EXIT_USAGE;
}

static int no_such_command(const char *name)
{
	const char *names[N_COMMANDS], *nearest;

	for (size_t i = 0; i < N_COMMANDS; i++)
		names[i] = commands[i]->name;
	nearest = diag_nearest(name, names, N_COMMANDS);
	fprintf(stderr, "xmpolicy: there is no command '%s'%s%s%s\n", name,
		nearest ? "; did you mean '" : "", nearest ? nearest : "", nearest ? "'?" : "");
	return print_commands();
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

static int run(const struct command *command, int argc, char **argv)
{
	if (!wants_help(argc, argv))
		return command->run(command, argc, argv);
	command_print_usage(stdout, "usage: ", command);
	puts(command->purpose);
	if (command->common & COMMAND_BUDGET)
		printf("What no proof is found for in STEPS steps (else %llu, of diff %llu)\n"
		       "is undecided, which is a failure.\n",
		       (unsigned long long)PROVE_BUDGET, (unsigned long long)PROVE_DIFF_BUDGET);
	return EXIT_HOLDS;
}

static int find_and_run(int argc, char **argv)
{
	if (argc < 2)
		return print_commands();
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		print_help();
		return EXIT_HOLDS;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("xmpolicy " XM_VERSION);
		return EXIT_HOLDS;
	}
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(argv[1], commands[i]->name))
			return run(commands[i], argc - 1, argv + 1);
	return no_such_command(argv[1]);
}

/* A standard descriptor that is closed must not become that of a policy, and take an answer. */
static void keep_standard(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	int status;

	keep_standard();
	status = find_and_run(argc, argv);
	errno = 0;
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	fprintf(stderr, "xmpolicy: the answer could not be written%s%s\n", errno ? ": " : "",
		errno ? strerror(errno) : "");
	return EXIT_USAGE;
}
