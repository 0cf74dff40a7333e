/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef TESTS_LOG_RIG_H
#define TESTS_LOG_RIG_H

/*
 * Decisions as a reader of the audit log hands them out.
 */

#include <string.h>

#include "policy/logged_call.h"

#define LOG_NOW INT64_C(1798761600) /* 2027-01-01 */

/* Denied, because no rule was there for it, on partition 0. */
static inline struct logged_decision logged(uint32_t uid, const char *op, const char *args)
{
	struct logged_decision d = { .file = "audit.jsonl",
				     .line = 1,
				     .now = LOG_NOW,
				     .args = args,
				     .args_len = strlen(args),
				     .has_uid = true,
				     .uid = uid,
				     .gids = { uid },
				     .n_gids = 1,
				     .has_self = true };

	strcpy(d.time, "2027-01-01T00:00:00.000000Z");
	strcpy(d.why, "no rule");
	strncpy(d.op, op, sizeof(d.op) - 1);
	return d;
}

static inline struct logged_decision logged_why(struct logged_decision d, const char *why)
{
	strncpy(d.why, why, sizeof(d.why) - 1);
	return d;
}

#endif
