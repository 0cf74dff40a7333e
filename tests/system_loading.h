/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_SYSTEM_LOADING_H
#define TESTS_SYSTEM_LOADING_H

/* For tests of system descriptions: files, and loading with all that is printed. */

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/table.h"
#include "libxm/system/load.h"

static inline char *read_file(const char *dir, const char *name, const char *ending, size_t *lenp)
{
	char path[600], *text = calloc(1, SYSTEM_FILE_MAX);
	FILE *file;

	snprintf(path, sizeof(path), "tests/%s/%s%s", dir, name, ending);
	file = fopen(path, "re");
	cr_assert_not_null(file, "%s (run from the top folder)", path);
	*lenp = fread(text, 1, SYSTEM_FILE_MAX - 1, file);
	fclose(file);
	return text;
}

/* Everything that a failed or successful load prints. */
static inline int load_as(const char *file, const char *text, size_t len,
			  const struct system_options *options, struct system **sysp,
			  char **printedp)
{
	struct diag diag;
	size_t size;
	FILE *out = open_memstream(printedp, &size);
	int r;

	diag_init(&diag);
	r = system_load_text_as(file, text, len, options, &diag, sysp);
	cr_assert_eq(r == 0, diag.n_errors == 0);
	diag_print(&diag, out);
	diag_free(&diag);
	fclose(out);
	return r;
}

static inline int load(const char *file, const char *text, size_t len, struct system **sysp,
		       char **printedp)
{
	return load_as(file, text, len, &(struct system_options){ 0 }, sysp, printedp);
}

static inline unsigned int for_each(const char *dir, void (*fn)(const char *name))
{
	char path[300];
	struct dirent *entry;
	unsigned int n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "tests/%s", dir);
	d = opendir(path);
	cr_assert_not_null(d, "%s (run from the top folder)", path);
	while ((entry = readdir(d))) {
		char *ending = strstr(entry->d_name, ".xml");

		if (!ending)
			continue;
		*ending = '\0';
		fn(entry->d_name);
		n++;
	}
	closedir(d);
	return n;
}

static inline struct system *load_file(const char *dir, const char *name)
{
	struct system *sys = NULL;
	char *printed = NULL;
	size_t len;
	char *text = read_file(dir, name, ".xml", &len);

	cr_assert_eq(load(name, text, len, &sys, &printed), 0, "%s", printed);
	free(printed);
	free(text);
	return sys;
}

static inline struct system *load_good(const char *name)
{
	return load_file("system/good", name);
}

#endif
