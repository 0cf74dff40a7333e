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
	int64_t now; /* seconds since the epoch, UTC */
	/* false: the clock is not to be trusted.  Grants that are limited in time give nothing then, and
	 * shadow rules that deny do. */
	bool determined;
};

/* The numbers, ascending, of the limits in which this user has no token now: see policy_image_limit(). */
struct policy_buckets {
	const uint32_t *empty;
	uint32_t n_empty;
};

#define POLICY_NO_LIMIT UINT32_MAX

enum policy_effect { POLICY_DENY, POLICY_ALLOW };
enum policy_audit { POLICY_AUDIT_NEVER, POLICY_AUDIT_DENIED, POLICY_AUDIT_ALWAYS };

struct policy_decision {
	enum policy_effect effect;
	/*
	 * The deciding rule, the first in file order: of the denies that match; else of the allows
	 * without a limit; else of those whose limit has a token; else, if it is for want of tokens that
	 * the request is denied, of the limited ones.  POLICY_NO_RULE: none matched.
	 */
	uint32_t rule;
	bool audited;   /* whether this decision is to be recorded */
	bool limited;   /* denied for want of tokens */
	uint32_t limit; /* allowed, and this limit is to be charged a token; else POLICY_NO_LIMIT */
	/*
	 * With all shadow rules in force the decision would be the other one: the first, in file order,
	 * of those that make it so.  Else POLICY_NO_RULE.  What is observed is audited.
	 */
	uint32_t observed;
};

/*
 * Decides `req`, made by `subject` on partition `self`.  `image` must be verified.  Requests of
 * classes NONE are not decided here.  `buckets` NULL: all are full.
 *
 * Derived here from the image's system description: the port name behind a descriptor, and whether
 * the request would stop the own partition.
 */
struct policy_decision policy_decide(const struct policy_image *image,
				     const struct policy_subject *subject,
				     const struct xm_request *req, uint32_t self,
				     struct policy_time time, const struct policy_buckets *buckets);

#endif
