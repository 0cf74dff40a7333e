/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_FMT_H
#define XM_POLICY_FMT_H

/*
 * The canonical form of a policy: one layout for one meaning, with all comments.  Formatting it again
 * changes nothing.
 */

#include "policy/yaml.h"

/*
 * The canonical text of a source, in the arena; NULL, with errors in `diag`, if it cannot be read as
 * YAML or has no mapping at its top.  What is returned was read again and found to say the same, with
 * every comment.
 */
const char *policy_format(struct arena *arena, const struct source *source, struct diag *diag,
			  size_t *lenp);

#endif
