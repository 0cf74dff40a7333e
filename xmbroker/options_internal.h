/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_OPTIONS_INTERNAL_H
#define XMBROKER_OPTIONS_INTERNAL_H

/*
 * What the parts of the options know of each other: where they come from (options.c) and what each
 * may be (options_values.c).  Whom to run as is in options_user.c.
 */

#include "xmbroker/options.h"

/* Where a setting came from, for messages. */
struct options_origin {
	const char *file; /* NULL: the command line */
	const char *key;
};

/* A setting that comes as text: the name of the option, whose hyphens are underscores in the file. */
struct options_setting {
	const char *name;
	int (*set)(struct options *opts, const struct options_setting *setting, const char *value,
		   const struct options_origin *from);
	size_t at;               /* offset in struct options, where one function serves several */
	uint32_t min, max, init; /* of numbers */
	const char *arg, *help;  /* of numbers */
};

#define OPTIONS_SETTINGS_MAX 64 /* bits of options.given */

extern const struct options_setting options_settings[];
extern const size_t options_n_settings;

/* -EINVAL: wrong, and said so; -ENOMEM. */
int options_set_string(char **stringp, const char *value, const struct options_origin *from);
/* Gives every number its default. */
void options_set_numbers(struct options *opts);
/* One line each for --help. */
void options_print_numbers(void);

#endif
