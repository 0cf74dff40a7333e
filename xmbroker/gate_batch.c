// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Batches at the gate.  Owns how far one has got.  Must never make a call of a batch before all of it
 * was decided and its intents are in the log, nor make one when any was denied.
 */

#include <errno.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "xmbroker/gate_internal.h"

/* ---- deciding ---------------------------------------------------------------------------------------- */

/* Whether all of it is allowed. */
static bool judge_all(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch)
{
	bool allowed = true;

	for (unsigned int i = 0; i < batch->n; i++) {
		struct gate_element *e = &batch->element[i];

		e->call = (struct gate_call){ .req = batch->req[i] };
		e->verdict = gate_judge(gate, caller, &e->call.req);
		allowed &= e->verdict.allowed;
	}
	return allowed;
}

/*
 * None is made.  The record says that, and which were denied; the others, which nobody denied, were
 * not made because of `why` and have `code`.
 */
static void refuse(const struct gate_caller *caller, struct gate_batch *batch, const char *why,
		   enum xm_code code)
{
	batch->refused = true;
	for (unsigned int i = 0; i < batch->n; i++) {
		struct gate_verdict *v = &batch->element[i].verdict;

		batch->code[i] = (uint8_t)(v->allowed ? code : v->code);
		if (v->allowed) {
			v->allowed = false;
			v->why = why;
			v->guard = -1;
			v->observed = POLICY_NO_RULE;
		}
		gate_give_back(caller, v);
	}
}

void gate_batch_begin(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		      size_t len, struct gate_batch *batch, struct gate_answer *answer)
{
	struct xm_wire_head head = { 0, 0 };
	size_t max;

	batch->step = GATE_BATCH_DONE;
	batch->refused = false;
	batch->at = 0;
	answer->len = -EPROTO;
	if (xm_wire_get_head(msg, len, &head) < 0 ||
	    xm_wire_get_batch(msg, len, batch->req, &batch->n) < 0)
		return;
	batch->step = GATE_BATCH_RECORD;
	batch->number = ++gate->count.batches;
	batch->serial = head.serial;
	answer->n_calls = batch->n;
	max = xm_wire_batch_result_max(batch->req, batch->n);
	if (!judge_all(gate, caller, batch))
		refuse(caller, batch, "another element of the batch was refused", XM_C_OK);
	else if (max > XM_WIRE_MAX)
		refuse(caller, batch, "the answer to the batch would be too long",
		       XM_C_MULTICALL_ERROR);
	else if (!gate_has_room(gate, caller, max + GATE_AHEAD, answer))
		refuse(caller, batch, "no memory for the answer to the batch", XM_C_INVALID_MODE);
}

/* ---- recording --------------------------------------------------------------------------------------- */

static void put_refusal(struct gate_batch *batch, struct gate_answer *answer)
{
	answer->len = xm_wire_put_batch_refusal(answer->msg, answer->cap, batch->serial,
						batch->code, batch->n);
	batch->step = GATE_BATCH_DONE;
}

/* The intents that are in the log have no call to follow. */
static void refuse_unaudited(struct gate *gate, const struct gate_caller *caller,
			     struct gate_batch *batch, struct gate_answer *answer)
{
	for (unsigned int i = 0; i < batch->n; i++) {
		gate_give_back(caller, &batch->element[i].verdict);
		gate_refuse_unaudited(gate, &batch->element[i].call, answer->reply);
		batch->code[i] = XM_C_PERM_ERROR;
	}
	put_refusal(batch, answer);
}

static bool is_recorded(const struct gate_batch *batch, const struct gate_verdict *v)
{
	return batch->refused ? v->audited : gate_is_recorded(v);
}

/* Of calls that were to be recorded by `end`, whether one was not; those have no result, either. */
static bool is_missing(const struct gate *gate, struct gate_batch *batch, unsigned int end)
{
	bool missing = false;

	for (unsigned int i = batch->at; i < end; i++) {
		struct gate_element *e = &batch->element[i];

		if (!is_recorded(batch, &e->verdict) || e->verdict.guard >= 0)
			continue;
		missing |= !e->call.audit_id || gate_may_not_return(gate, &e->call.req);
		if (e->call.audit_id && !audit_is_written(gate->audit, e->call.audit_id)) {
			e->call.audit_id = 0;
			missing = true;
		}
	}
	return missing;
}

static void record_slice(struct gate *gate, const struct gate_caller *caller,
			 struct gate_batch *batch, struct gate_answer *answer)
{
	unsigned int left = batch->n - batch->at;
	unsigned int end = batch->at + (left < GATE_SLICE_RECORDS ? left : GATE_SLICE_RECORDS);
	int r;

	audit_run_begin(gate->audit);
	for (unsigned int i = batch->at; i < end; i++) {
		struct gate_element *e = &batch->element[i];

		if (is_recorded(batch, &e->verdict))
			gate_record(gate, caller, &e->call, &e->verdict, batch->number, i);
	}
	r = audit_run_end(gate->audit);
	gate_note_audit(gate, r);
	if (r < 0 && !batch->refused && is_missing(gate, batch, end) && !gate->allow_unaudited) {
		refuse_unaudited(gate, caller, batch, answer);
		return;
	}
	batch->at = end;
}

static void record(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch,
		   struct gate_answer *answer)
{
	record_slice(gate, caller, batch, answer);
	if (batch->step != GATE_BATCH_RECORD || batch->at < batch->n)
		return;
	if (batch->refused) {
		put_refusal(batch, answer);
		return;
	}
	answer->len = xm_wire_begin_batch_result(answer->msg, answer->cap, batch->serial, batch->n);
	batch->step = GATE_BATCH_CALL;
	batch->at = 0;
}

/* ---- making the calls -------------------------------------------------------------------------------- */

/* The results of those before it have been recorded since its intent was put onto the disk. */
static bool is_on_disk(struct gate *gate, const struct gate_element *e)
{
	int r;

	if (!e->call.audit_id || !gate_may_not_return(gate, &e->call.req))
		return true;
	r = audit_sync(gate->audit);
	gate_note_audit(gate, r);
	return r == 0 || gate->allow_unaudited;
}

/* Every answer is written before the next call: the reply is one for all. */
static bool call_next(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch,
		      struct gate_answer *answer)
{
	struct gate_element *e = &batch->element[batch->at];
	size_t at = (size_t)answer->len + GATE_AHEAD;

	xm_reply_init(answer->reply, answer->msg + at, answer->cap - at);
	if (!is_on_disk(gate, e)) {
		gate_give_back(caller, &e->verdict);
		gate_refuse_unaudited(gate, &e->call, answer->reply);
	} else if (gate_carry_out(gate, caller, &e->call, &e->verdict, answer) == GATE_AGAIN) {
		return false;
	}
	answer->len = xm_wire_add_batch_result(answer->msg, answer->cap, answer->len, &e->call.req,
					       answer->reply);
	batch->at++;
	return true;
}

static void call_slice(struct gate *gate, const struct gate_caller *caller,
		       struct gate_batch *batch, struct gate_answer *answer)
{
	int64_t end = gate_now() + GATE_SLICE_NS;

	for (unsigned int i = 0; i < GATE_SLICE; i++) {
		if (batch->at == batch->n || answer->len < 0) {
			answer->len =
				xm_wire_end_batch_result(answer->msg, answer->cap, answer->len);
			batch->step = GATE_BATCH_DONE;
			return;
		}
		if (!call_next(gate, caller, batch, answer) || gate_now() > end)
			return;
	}
}

bool gate_batch_step(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch,
		     struct gate_answer *answer)
{
	if (batch->step == GATE_BATCH_RECORD)
		record(gate, caller, batch, answer);
	else if (batch->step == GATE_BATCH_CALL)
		call_slice(gate, caller, batch, answer);
	return batch->step != GATE_BATCH_DONE;
}
