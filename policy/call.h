/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_CALL_H
#define XM_POLICY_CALL_H

/*
 * A call as a person writes it, XM_reset_partition(camera, XM_COLD_RESET, 0), to a request:
 * xmpolicy(1) says how.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"

#define CALL_ERROR_MAX 256
#define CALL_FIELDS_MAX (XM_MAX_SPARE_SLOTS * XM_NF_SPARE_SLOT)

struct call {
	struct xm_request req; /* borrows the rest */
	uint8_t names[XM_MAX_ARGS][XM_NAME_MAX + 1];
	uint8_t fields[CALL_FIELDS_MAX * XM_WORD_BYTES]; /* of a structure or of records */
};

/*
 * Reads `text`; names of partitions and plans are those of `sys` (may be NULL), and what is left out
 * is that of partition `self`.  Returns 0, or -EINVAL with what is wrong in `error`.
 */
int call_parse(const char *text, const struct system *sys, uint32_t self, struct call *callp,
	       char error[CALL_ERROR_MAX]);
/*
 * The same for several calls at once: an argument that is written as _ may be any value, and so may all
 * if there are no parentheses.  any[i] says of which arguments the value in `callp` means nothing.
 */
int call_parse_pattern(const char *text, const struct system *sys, uint32_t self,
		       struct call *callp, bool any[XM_MAX_ARGS], char error[CALL_ERROR_MAX]);

#endif
