/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_GATE_INTERNAL_H
#define XMBROKER_GATE_INTERNAL_H

/* What the parts of the gate know of each other: single calls (gate.c) and batches (gate_batch.c). */

#include "xmbroker/gate.h"

/* Most bytes that stand in an answer before the data of a call, counted from where the last one ended:
 * there the hypervisor may put them, and they are moved to the front. */
#define GATE_AHEAD 256

int64_t gate_now(void); /* ns */
/* Decides on the request as it would be forwarded, and guards what is allowed. */
struct gate_verdict gate_judge(struct gate *gate, const struct gate_caller *caller,
			       struct xm_request *req);
/* The call will not be forwarded: it costs no token. */
void gate_give_back(const struct gate_caller *caller, struct gate_verdict *v);
/* What is outside the domain is always recorded, like what has no rule. */
bool gate_is_recorded(const struct gate_verdict *v);
/* Calls after which there may be nobody left to write what is still in memory. */
bool gate_may_not_return(const struct gate *gate, const struct xm_request *req);
/* Records the decision; of a batch: its number, and which element.  How it went is the caller's to
 * note. */
int gate_record(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		const struct gate_verdict *v, uint64_t batch, unsigned int element);
/* The intent could not be recorded, or not safely: the call does not take place. */
void gate_refuse_unaudited(struct gate *gate, const struct gate_call *call, struct xm_reply *reply);
/* Sees to it that answer->msg has room for `len` bytes. */
bool gate_has_room(const struct gate *gate, const struct gate_caller *caller, size_t len,
		   struct gate_answer *answer);
/* The call of a verdict that has been recorded.  0, GATE_DEFERRED or GATE_AGAIN. */
int gate_carry_out(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		   const struct gate_verdict *v, struct gate_answer *answer);

#endif
