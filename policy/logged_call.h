/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_POLICY_LOGGED_CALL_H
#define XM_POLICY_LOGGED_CALL_H

/*
 * A request from what the audit log says of it: the way back from text_args_json().
 */

#include "policy/call.h"
#include "policy/decision_log.h"
#include "policy/eval.h"

/* Why a decision cannot be put to a policy. */
enum logged_gap {
	LOGGED_WHOLE,
	LOGGED_UNCLASSIFIED, /* no policy decides it */
	LOGGED_UNKNOWN_OP,   /* no operation of this version */
	LOGGED_NO_ARGS,      /* an argument that the operation has is missing */
	LOGGED_BAD_ARGS,     /* one is there that it cannot have, or in another form */
	LOGGED_AMBIGUOUS,    /* a name that the log writes as it writes something else */
	LOGGED_NO_USER,
	LOGGED_NO_GROUPS, /* the user has more groups than are recorded */
	LOGGED_NO_TIME,
	LOGGED_NO_PARTITION,    /* nothing says which partition the broker ran in */
	LOGGED_OTHER_PARTITION, /* than at other times in the log, and "self" would be both */
	LOGGED_OTHER_SYSTEM,    /* it was forwarded, but is about what the system does not have */
	LOGGED_BUCKETS,         /* it was decided by what else the user had done */
	LOGGED_N_GAPS
};

/* "an argument is missing", ... */
const char *logged_gap_text(enum logged_gap gap);

/* The request; `callp` holds what it borrows. */
enum logged_gap logged_call(const struct logged_decision *decision, struct call *callp);

/* What the policy itself said, whatever then came of it in a batch; false: no policy did. */
bool logged_effect(const struct logged_decision *decision, enum policy_effect *effectp);

/* Puts it to a policy; `self` is the partition that the broker ran in. */
struct policy_decision logged_decide(const struct policy_image *image,
				     const struct logged_decision *decision,
				     const struct xm_request *req, uint32_t self);

/* Whether an argument is about what the system does not have; no system: no. */
bool logged_is_foreign(const struct system *sys, const struct xm_request *req);

#endif
