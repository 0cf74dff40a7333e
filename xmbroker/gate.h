/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_GATE_H
#define XMBROKER_GATE_H

/*
 * The one way to the hypervisor.  Every request, from whatever door it comes, goes through
 *
 *   decode -> decide -> guard -> audit intent -> forward -> audit result
 *
 * in this order, on one copy of the bytes that nobody else can reach.  Nothing else calls
 * backend->ops->call.  A batch takes each step with all of its elements before the next, except that
 * they are forwarded one by one, each with its result; if one is denied none goes on.
 *
 * What takes long is done in slices, so that whoever calls can let others have a turn between them.
 */

#include "policy/eval.h"
#include "xmbroker/audit.h"
#include "xmbroker/backend.h"
#include "xmbroker/holdings.h"
#include "xmbroker/limits.h"

/* Who asks. */
struct gate_caller {
	struct policy_subject subject;
	struct audit_who who;
	struct holdings *holds; /* borrowed; NULL: the caller has none */
	struct limits *limits;  /* borrowed; NULL: all its buckets are full, always */
	void *session;          /* for the broker's own operations, and for room */
	bool fold;              /* its denials are counted, not recorded one by one */
};

/* Seconds that calls took on the way to the hypervisor and back: up to 10 us, 20 us, 50 us, ...; the
 * last counter is of all that took longer. */
#define GATE_LATENCIES 15

struct gate_latency {
	uint64_t n[GATE_LATENCIES + 1];
	uint64_t sum; /* ns */
};

/* The limits, in ns. */
extern const int64_t gate_latencies[GATE_LATENCIES];

struct gate_count {
	uint64_t calls;     /* well-formed calls */
	uint64_t allowed;   /* by the policy */
	uint64_t denied;    /* by the policy */
	uint64_t limited;   /* of the denied: for want of tokens */
	uint64_t guarded;   /* allowed, but outside the documented domain */
	uint64_t unaudited; /* refused because the log could not be written */
	uint64_t forwarded;
	uint64_t batches;
	uint64_t records; /* of the audit log, tried to write */
};

/* What the policy, or something that stands above it, and the guard said. */
struct gate_verdict {
	bool allowed;
	bool audited;
	const char *why;
	uint32_t rule;
	enum xm_code code; /* of a denial */
	int guard;         /* code that the guard answered to an allowed call; -1: it passed */
	uint32_t limit;    /* that was charged a token; POLICY_NO_LIMIT: none */
	uint32_t observed; /* a shadow rule that would make it the other decision; POLICY_NO_RULE */
};

/* A call under way. */
struct gate_call {
	struct xm_request req;
	uint32_t serial;
	uint64_t audit_id; /* 0: its result is not recorded */
	int64_t began;     /* ns */
};

/* What of a batch comes next. */
enum gate_batch_step { GATE_BATCH_RECORD, GATE_BATCH_CALL, GATE_BATCH_DONE };

/* A batch under way: too much for a stack.  Its requests point into the message. */
struct gate_batch {
	uint64_t number; /* for the record */
	uint32_t serial;
	unsigned int n;
	enum gate_batch_step step;
	unsigned int at;            /* the next element of this step */
	bool refused;               /* none is made: */
	uint8_t code[XM_BATCH_MAX]; /* and these are the answers */
	struct xm_request req[XM_BATCH_MAX];
	struct gate_element {
		struct gate_call call;
		struct gate_verdict verdict;
	} element[XM_BATCH_MAX];
};

/*
 * The answer to a message.  What it is made in is lent: a reply with its space, and room for a packet,
 * in place of which stands other room when the answer may be longer.
 */
struct gate_answer {
	struct xm_reply *reply;
	uint8_t *msg;
	size_t cap;
	int len;              /* of the message; -EMSGSIZE */
	unsigned int n_calls; /* that it answers */
	bool no_room;         /* the call was not made: its answer could not be kept */
};

/*
 * Makes room for an answer that may be longer than a packet, on the account of the session's user;
 * NULL: over the budget, or no memory.  The session's owner frees it.
 */
typedef uint8_t *(*gate_room_fn)(void *session, size_t len);

#define GATE_DEFERRED 1 /* the answer comes later, by gate_finish() */
#define GATE_LONG 2     /* a batch of more than GATE_SLICE elements; nothing was decided */
#define GATE_AGAIN 3    /* gate_resume() goes on with the call, after others had a turn */

#define GATE_SLICE 32          /* elements of a batch that are made in a slice */
#define GATE_SLICE_NS 100000   /* and ns that it takes, after which it ends as well */
#define GATE_SLICE_RECORDS 128 /* elements that are recorded in a slice */

/* Answers one of the broker's own operations: 0, or GATE_DEFERRED when the answer comes later. */
typedef int (*gate_broker_fn)(void *data, void *session, const struct gate_call *call,
			      struct xm_reply *reply);

struct gate {
	const struct policy_image *image; /* borrowed; replaced whole at a reload */
	uint32_t generation;
	struct backend *backend; /* borrowed */
	struct backend_info hypervisor;
	bool hypervisor_lost;   /* its connection is gone: nothing is forwarded */
	bool hypervisor_halted; /* and it gives no other, since it is halted */
	struct audit *audit;    /* borrowed */
	bool allow_unaudited;   /* on_audit_failure: allow */
	bool audit_failing;
	bool audit_told;         /* to the operator, and its end not yet */
	int64_t audit_failed_at; /* ns */
	gate_broker_fn broker;
	void *broker_data;
	gate_room_fn room;        /* NULL: there is none but what is lent */
	struct gate_batch *batch; /* borrowed; NULL: batches are malformed */
	bool slices;              /* long batches are left to gate_batch_begin() */
	struct gate_count count;
	struct gate_latency latency;
};

/* Whether an image describes the system that the hypervisor told of; logs why not. */
bool gate_image_fits(const struct policy_image *image, const struct backend_info *hypervisor);

/*
 * Handles one message of an open session: a call, or a batch.  0: answer->msg is the answer.
 * GATE_DEFERRED: gate_finish() will be called for *callp, whose buffers are no longer valid.
 * GATE_AGAIN: gate_resume() will, for *callp, which has no buffers.  GATE_LONG, where the gate slices:
 * the message is to be kept for gate_batch_begin().  -EPROTO: neither a well-formed call nor a batch;
 * nothing was decided.
 */
int gate_message(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		 size_t len, struct gate_call *callp, struct gate_answer *answer);

/* Goes on with a call; 0 or GATE_AGAIN. */
int gate_resume(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		struct gate_answer *answer);

/*
 * Decides a whole batch, whose message was found good, and goes on with it for a slice at a time:
 * true while there is more to do, after which answer->msg is the answer.  The message must stay until
 * then, and the policy image in force, too.
 */
void gate_batch_begin(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		      size_t len, struct gate_batch *batch, struct gate_answer *answer);
bool gate_batch_step(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch,
		     struct gate_answer *answer);

/* The same from a decoded request in call->req, answered in the reply and the space lent to it. */
int gate_request(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		 struct xm_reply *reply);

/*
 * Makes one call on the hypervisor, whose answer is not adapted.  The only caller of
 * backend->ops->call.  Only as part of a call that was decided, guarded and recorded; or of those that
 * compare the system description with the hypervisor (activation.h), for nobody.
 */
void gate_issue(struct gate *gate, const struct xm_request *req, struct xm_reply *reply);

/* Records the result of a call that was deferred. */
void gate_finish(struct gate *gate, const struct gate_call *call, const struct xm_reply *reply);

/* Takes note of how writing to the audit log went; the operator is told once per incident. */
void gate_note_audit(struct gate *gate, int r);

#endif
