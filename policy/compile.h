/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_COMPILE_H
#define XM_POLICY_COMPILE_H

/*
 * From policy files to an image.  For short-lived programs only: needs libyaml, libsodium and the
 * loader of system descriptions, asks the user and group databases, and ends the program when memory
 * runs out.
 */

#include <stddef.h>
#include <stdint.h>

#include "libxm/core/diag.h"

#define POLICY_NO_PARTITION UINT32_MAX

struct policy_options {
	const char *
		system; /* description to use when no file names one: a path, "loopback:", or NULL */
	uint32_t partition; /* the one the broker will run in, if known; else POLICY_NO_PARTITION */
	bool system_required; /* no description at all is an error */
};

/*
 * Compiles the files at `paths` and, for each one called policy.yaml, those in the folder policy.d
 * beside it.  On success returns 0 and the image, which the caller frees with free(); `diag` may hold
 * warnings.  Otherwise there are errors in `diag`, and it returns -EINVAL for a bad policy or system
 * description, or another -errno when something cannot be read.
 */
int policy_compile(const char *const *paths, size_t n, const struct policy_options *options,
		   struct diag *diag, void **imagep, size_t *lenp);

/* The same from one text in memory, called `name` in messages; a `system:` in it is resolved as if
 * it were a file of that name. */
int policy_compile_text(const char *name, const char *text, size_t len,
			const struct policy_options *options, struct diag *diag, void **imagep,
			size_t *lenp);

#endif
