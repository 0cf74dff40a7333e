/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_COMPILE_H
#define XM_POLICY_COMPILE_H

/*
 * From policy files to an image.  For short-lived programs only: needs libyaml, libsodium and the
 * loader of system descriptions, asks the user and group databases, and ends the program when memory
 * runs out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libxm/core/diag.h"

#define POLICY_NO_PARTITION UINT32_MAX

struct policy_test_result;
struct compilation;

struct policy_options {
	const char *
		system; /* description to use when no file names one: a path, "loopback:", or NULL */
	uint32_t partition; /* the one the broker will run in, if known; else POLICY_NO_PARTITION */
	bool system_required; /* no description at all is an error */
	int64_t now;          /* when it is compiled, seconds since the epoch; 0: by the clock */
	uint64_t budget;      /* steps of each proof; 0: as many as xmpolicy(1) says */
	/* For who wants to look at a policy that fails them: */
	bool skip_never; /* invariants are not proved */
	bool skip_tests; /* tests are not run */
	bool find_dead;  /* warn of rules that do nothing */
	/* Called for each test that is run, in the order of the files; NULL: nobody is.  Those that fail
	 * are errors in `diag` all the same. */
	void (*tested)(void *data, const struct policy_test_result *result);
	/* Called with what a good policy says (model.h), for who wants to draw it; NULL: nobody is. */
	void (*parsed)(void *data, const struct compilation *c);
	void *data;
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

/* Both: the files, and a text that belongs to the same policy. */
int policy_compile_more(const char *const *paths, size_t n, const char *name, const char *text,
			size_t len, const struct policy_options *options, struct diag *diag,
			void **imagep, size_t *lenp);

#endif
