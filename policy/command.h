/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_COMMAND_H
#define XM_POLICY_COMMAND_H

/*
 * The commands of xmpolicy, and what they have in common: options, compiling, JSON on standard output,
 * and who asks.  A command is a file cmd_NAME.c with a struct command, named in the table of xmpolicy.c.
 */

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "libxm/core/diag.h"
#include "policy/compile.h"
#include "policy/eval.h"

/* What every command ends with: it holds, it does not, it could not be found out. */
enum { EXIT_HOLDS = 0, EXIT_FAILS = 1, EXIT_USAGE = 2 };

#define COMMAND_POLICIES 64

/* What is on the command line. */
struct arguments {
	bool json;
	bool quiet;     /* warnings are not what was asked for */
	const char *as; /* NULL: not given */
	struct policy_options options;
	const char *policies[COMMAND_POLICIES]; /* of --policy; command_policies() adds operands */
	size_t n_policies;
	char **operands;
	size_t n_operands;
	void *more; /* of the command: what its own options set */
};

/* An option of one command.  `set` says on standard error what is wrong with a value. */
struct command_option {
	const char *name; /* without the dashes; "output" may be written -o too */
	bool has_value;
	bool (*set)(struct arguments *args, const char *value);
};

/* Which of the common options a command takes. */
#define COMMAND_JSON 0x1
#define COMMAND_SYSTEM 0x2 /* --system and --partition */
#define COMMAND_POLICY 0x4 /* --policy */
#define COMMAND_AS 0x8
#define COMMAND_BUDGET 0x10

struct command {
	const char *name;
	const char *usage;
	const char *purpose;
	unsigned int common;
	const struct command_option *options; /* up to one without a name; NULL: none */
	int (*run)(const struct command *command, int argc, char **argv);
};

extern const struct command command_check, command_explain;
extern const struct command command_fmt, command_compile_image, command_dump, command_schema,
	command_replay, command_learn;

extern const struct command command_diff, command_graph, command_matrix, command_test, command_who;

/*
 * Reads options and operands; false: the command ends with EXIT_USAGE, and all has been said.  `more`
 * is for the command's own options.
 */
bool command_arguments(const struct command *command, int argc, char **argv, void *more,
		       struct arguments *argsp);
/* How the command is written, on lines that a terminal has room for; the first follows `before`. */
void command_print_usage(FILE *out, const char *before, const struct command *command);
/* "usage: ..." on standard error; returns EXIT_USAGE. */
int command_usage(const struct command *command);
/* "xmpolicy: NAME: WHAT"; returns false. */
bool command_error(const char *what, const char *name);
/* "xmpolicy: NEEDER needs WHAT" and the usage; returns EXIT_USAGE. */
int command_needs(const struct command *command, const char *what);
/* All operands, from this one on, are policies too. */
bool command_policies(struct arguments *args, size_t first);

/* ---- compiling --------------------------------------------------------------------------------- */

/* As policy_compile(), verified. */
int command_compile(const struct arguments *args, struct diag *diag, void **blockp, size_t *lenp);
/*
 * The same for a command that needs a good policy: prints the messages, errors and warnings, on
 * standard error.  NULL: it is not good.  The image is freed with free().
 */
struct policy_image *command_image(const struct arguments *args);
/* Of one policy, whatever args->policies are. */
struct policy_image *command_image_of(const struct arguments *args, const char *path);

/* A number of at most 32 bits. */
bool command_number(const char *text, uint32_t *valuep);

/* ---- output ------------------------------------------------------------------------------------ */

/* A JSON string; null for NULL. */
void command_json_string(FILE *out, const char *s);
void command_json_messages(FILE *out, const struct diag *diag);
void command_digest(FILE *out, const struct policy_about *about);

/* ---- files -------------------------------------------------------------------------------------- */

/*
 * Replaces (or makes) a file as a whole: readers see the old or the new one.  It keeps the mode and, if
 * that may be, the owner of the one that was there; behind a symbolic link the file is replaced, not the
 * link.  `path` NULL or "-": standard output.  0, or -errno, which was said.
 */
int command_write(const char *path, const void *data, size_t len);

/* ---- who asks ---------------------------------------------------------------------------------- */

#define COMMAND_GROUPS 65536

struct command_subject {
	struct policy_subject policy;
	gid_t gids[COMMAND_GROUPS];
	uint32_t n_gids; /* all of them; of policy only those that the image names */
	char *user;      /* as given, without the groups */
};

/*
 * "user:alice", "user:alice,group:ops,group:100": given groups replace those of the databases.  NULL:
 * what is wrong was said.
 */
struct command_subject *command_subject_new(const char *as);
/* Before the subject is put to an image; once only, the groups are sorted in place. */
void command_subject_settle(struct command_subject *subject, const struct policy_image *image);
void command_subject_free(struct command_subject *subject);

#endif
