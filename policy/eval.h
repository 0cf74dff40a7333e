/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_EVAL_H
#define XM_POLICY_EVAL_H

/*
 * The decision: a pure function of image, subject, request, time and buckets.  Freestanding C: no
 * allocation, no library call, loops bounded by the image.
 */

#include <stdbool.h>

#include "libxm/core/request.h"
#include "policy/image.h"

#define POLICY_NO_RULE UINT32_MAX

/* Who asks, as the kernel attested it. */
struct policy_subject {
	uint32_t uid;
	bool overflow;        /* uid or gid is the kernel's overflow id: matches no rule at all */
	const uint32_t *gids; /* primary and supplementary, filtered and sorted (see image.h) */
	uint32_t n_gids;
};

struct policy_time {
	int64_t now;     /* seconds since the epoch, UTC */
	bool determined; /* false: the clock is not to be trusted */
};

/* Token buckets of rules with a limit; none yet. */
struct policy_buckets;

enum policy_effect { POLICY_DENY, POLICY_ALLOW };
enum policy_audit { POLICY_AUDIT_NEVER, POLICY_AUDIT_DENIED, POLICY_AUDIT_ALWAYS };

struct policy_decision {
	enum policy_effect effect;
	uint32_t
		rule; /* the deciding rule, the first in file order; POLICY_NO_RULE: none matched */
	bool audited; /* whether this decision is to be recorded */
};

/*
 * Decides `req`, made by `subject` on partition `self`.  `image` must be verified.  Requests of
 * classes NONE are not decided here.
 *
 * Derived here from the image's system description: the port name behind a descriptor, and whether
 * the request would stop the own partition.
 */
struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, struct policy_buckets *buckets);

#endif
