// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From settings to places in the file system.  Owns the list.  Must never name a place that the
 * settings do not lead to.
 */

#include <dirent.h>
#include <elf.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "xmbroker/box_paths.h"

#define SCAN_MAX (1u << 24) /* bytes of a policy file */

void box_paths_init(struct box_paths *paths)
{
	paths->n = 0;
	paths->full = false;
}

void box_paths_deinit(struct box_paths *paths)
{
	while (paths->n > 0)
		free((char *)(uintptr_t)paths->place[--paths->n].path);
}

void box_paths_add(struct box_paths *paths, const char *path, enum box_access access)
{
	char *copy;

	for (size_t i = 0; i < paths->n; i++)
		if (paths->place[i].access == access && !strcmp(paths->place[i].path, path))
			return;
	copy = paths->n < BOX_PATHS_MAX ? strdup(path) : NULL;
	if (copy)
		paths->place[paths->n++] = (struct box_place){ copy, access };
	else
		paths->full = true;
}

/* Cuts the last name off; "." if there is only that. */
static void cut(char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(path, ".");
	else if (slash == path)
		path[1] = '\0';
	else
		*slash = '\0';
}

void box_paths_add_folder_of(struct box_paths *paths, const char *file, enum box_access access)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s", file);
	cut(path);
	box_paths_add(paths, path, access);
	if (!realpath(file, path))
		return;
	cut(path);
	box_paths_add(paths, path, access);
}

void box_paths_add_parent_of(struct box_paths *paths, const char *file, enum box_access access)
{
	char folder[PATH_MAX], path[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s", file);
	cut(folder);
	if (!realpath(folder, path))
		return;
	cut(path);
	if (strcmp(path, "/") != 0)
		box_paths_add(paths, path, access);
}

/* The value of a line `system: VALUE`; NULL if it is none. */
static char *system_in(char *line)
{
	char *value = line + strlen("system:"), *end;

	if (strncmp(line, "system:", strlen("system:")) != 0)
		return NULL;
	value += strspn(value, " \t");
	if (*value == '"' || *value == '\'') {
		value++;
		end = strchr(value, value[-1]);
	} else {
		end = strstr(value, " #");
		end = end ? end : value + strlen(value);
		while (end > value && strchr(" \t\r\n", end[-1]))
			end--;
	}
	if (!end || end == value)
		return NULL;
	*end = '\0';
	return value;
}

/* Not more than what a line says that stands by itself, as everybody writes it: this is no reader of
 * YAML, which only the compiler has, and that only within its box. */
static void add_system_of(struct box_paths *paths, const char *policy)
{
	FILE *file = fopen(policy, "re");
	char line[PATH_MAX + 16], path[2 * PATH_MAX];
	const char *slash = strrchr(policy, '/');
	size_t seen = 0;

	while (file && seen < SCAN_MAX && fgets(line, sizeof(line), file)) {
		char *system = system_in(line);

		seen += strlen(line) + 1;
		if (!system)
			continue;
		snprintf(path, sizeof(path), "%.*s%s",
			 *system == '/' || !slash ? 0 : (int)(slash + 1 - policy), policy, system);
		box_paths_add_folder_of(paths, path, BOX_READ);
	}
	if (file)
		fclose(file);
}

static void add_files_in(struct box_paths *paths, const char *folder)
{
	char path[PATH_MAX + NAME_MAX + 2], target[PATH_MAX];
	struct dirent *entry;
	DIR *dir = opendir(folder);
	struct stat st;

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (lstat(path, &st) < 0 || S_ISDIR(st.st_mode))
			continue;
		if (S_ISLNK(st.st_mode) && realpath(path, target))
			box_paths_add(paths, target, BOX_READ);
		if (S_ISREG(st.st_mode))
			add_system_of(paths, path);
	}
	if (dir)
		closedir(dir);
}

void box_paths_add_policy(struct box_paths *paths, const char *policy)
{
	char path[PATH_MAX], real[PATH_MAX];
	const char *name = strrchr(policy, '/');

	box_paths_add_folder_of(paths, policy, BOX_READ);
	add_system_of(paths, policy);
	name = name ? name + 1 : policy;
	if (strcmp(name, "policy.yaml") != 0)
		return;
	snprintf(path, sizeof(path), "%.*spolicy.d", (int)(name - policy), policy);
	if (!realpath(path, real))
		return;
	box_paths_add(paths, real, BOX_READ);
	add_files_in(paths, real);
}

static int take_loader(struct dl_phdr_info *info, size_t size, void *data)
{
	struct box_paths *paths = data;

	(void)size;
	for (size_t i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			box_paths_add_folder_of(
				paths, (const char *)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr),
				BOX_EXECUTE);
	return 1; /* the first is the program itself */
}

void box_paths_add_loader(struct box_paths *paths)
{
	dl_iterate_phdr(take_loader, paths);
}
