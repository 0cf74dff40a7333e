/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_GATE_H
#define XMBROKER_GATE_H

/*
 * The one way to the hypervisor.  Every request, from whatever door it comes, goes through
 *
 *   decode -> decide -> guard -> audit intent -> forward -> audit result
 *
 * in this order, on one copy of the bytes that nobody else can reach.  Nothing else calls
 * backend->ops->call.
 */

#include "policy/eval.h"
#include "xmbroker/audit.h"
#include "xmbroker/backend.h"

/* Who asks. */
struct gate_caller {
	struct policy_subject subject;
	struct audit_who who;
	void *session; /* for the broker's own operations */
};

struct gate_count {
	uint64_t calls;     /* well-formed calls */
	uint64_t allowed;   /* by the policy */
	uint64_t denied;    /* by the policy */
	uint64_t guarded;   /* allowed, but outside the documented domain */
	uint64_t unaudited; /* refused because the log could not be written */
	uint64_t forwarded;
};

/* A call under way. */
struct gate_call {
	struct xm_request req;
	uint32_t serial;
	uint64_t audit_id; /* 0: its result is not recorded */
	int64_t began;     /* ns */
};

#define GATE_DEFERRED 1

/* Answers one of the broker's own operations: 0, or GATE_DEFERRED when the answer comes later. */
typedef int (*gate_broker_fn)(void *data, void *session, const struct gate_call *call,
			      struct xm_reply *reply);

struct gate {
	const struct policy_image *image; /* borrowed; replaced whole at a reload */
	uint32_t generation;
	struct backend *backend; /* borrowed */
	struct backend_info hypervisor;
	bool hypervisor_lost; /* its connection is gone: nothing is forwarded */
	struct audit *audit;  /* borrowed */
	bool allow_unaudited; /* on_audit_failure: allow */
	bool audit_failing;
	gate_broker_fn broker;
	void *broker_data;
	struct gate_count count;
};

/* Whether an image describes the system that the hypervisor told of; logs why not. */
bool gate_image_fits(const struct policy_image *image, const struct backend_info *hypervisor);

/*
 * Handles one message of an open session.  0: *replyp answers *callp.  GATE_DEFERRED: gate_finish()
 * will be called for *callp, whose buffers are no longer valid.  -EPROTO: not a well-formed call;
 * nothing was decided.  The reply's space must have been lent to it.
 */
int gate_message(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		 size_t len, struct gate_call *callp, struct xm_reply *replyp);

/* The same from a decoded request in call->req. */
int gate_request(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		 struct xm_reply *reply);

/* Records the result of a call that was deferred. */
void gate_finish(struct gate *gate, const struct gate_call *call, const struct xm_reply *reply);

/* Takes note of how writing to the audit log went; the operator is told once per incident. */
void gate_note_audit(struct gate *gate, int r);

#endif
