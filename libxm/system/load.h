/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SYSTEM_LOAD_H
#define XM_SYSTEM_LOAD_H

/*
 * From an XM_CF.xml file to a struct system.  All errors of a file are collected, each with its
 * place; the caller prints them.
 */

#include "libxm/core/diag.h"
#include "libxm/system/system.h"

#define SYSTEM_FILE_MAX (4u << 20) /* bytes of a description */

struct system_options {
	uint32_t profile; /* enum xm_profile; 0: the one that the namespace names, of 2.x 2.4 */
	bool notes;       /* add to diag what the description says that has no effect */
};

/*
 * Reads the description in `text` (len bytes, called `file` in messages).  On success returns 0 and
 * a block that the caller frees with free(); otherwise -EINVAL with at least one error in `diag`, or
 * -ENOMEM.
 */
int system_load_text(const char *file, const char *text, size_t len, struct diag *diag,
		     struct system **sysp);
/* The same from a file; -errno with an error in `diag` when it cannot be read. */
int system_load(const char *path, struct diag *diag, struct system **sysp);

/* The same with options.  -EINVAL, with an error, too for a profile of another dialect. */
int system_load_text_as(const char *file, const char *text, size_t len,
			const struct system_options *options, struct diag *diag,
			struct system **sysp);
int system_load_as(const char *path, const struct system_options *options, struct diag *diag,
		   struct system **sysp);

/* The built-in description of the loopback hypervisor's system (loopback_xml.c). */
extern const char system_loopback_xml[];

#endif
