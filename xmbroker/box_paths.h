/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_BOX_PATHS_H
#define XMBROKER_BOX_PATHS_H

/* The places in the file system that settings lead to, for box_confine_to(). */

#include <stdbool.h>

#include "xmbroker/box.h"

#define BOX_PATHS_MAX 256

struct box_paths {
	struct box_place place[BOX_PATHS_MAX]; /* the paths are owned */
	size_t n;
	bool full; /* one did not fit, or memory was short: it is not among them */
};

void box_paths_init(struct box_paths *paths);
void box_paths_deinit(struct box_paths *paths);

void box_paths_add(struct box_paths *paths, const char *path, enum box_access access);
/* The folder of a file, and of what a symbolic link of that name leads to. */
void box_paths_add_folder_of(struct box_paths *paths, const char *file, enum box_access access);
/* The folder above that as well, unless it is the root: for a folder that may have to be made again. */
void box_paths_add_parent_of(struct box_paths *paths, const char *file, enum box_access access);
/* What reading a policy file needs: its folder, policy.d beside it and where links in that lead, and
 * the folder of the `system` that a line of any of these names. */
void box_paths_add_policy(struct box_paths *paths, const char *policy);
/* The folder of the loader that programs of our kind are started by. */
void box_paths_add_loader(struct box_paths *paths);

#endif
