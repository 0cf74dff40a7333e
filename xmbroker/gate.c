// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate.  Owns the order of the steps between a message and the hypervisor.  Must never forward
 * what was not decided, guarded and recorded before, forward anything twice, or look at the bytes of
 * a client again after the decision.
 */

#include <errno.h>
#include <string.h>
#include <time.h>

#include "libxm/core/wire.h"
#include "xmbroker/adapt.h"
#include "xmbroker/cursor.h"
#include "xmbroker/described.h"
#include "xmbroker/gate.h"
#include "xmbroker/guard.h"
#include "xmbroker/log.h"

/* Most bytes that stand in an answer before the data of a call, counted from where the last one ended:
 * there the hypervisor may put them, and they are moved to the front. */
#define AHEAD 256

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool gate_image_fits(const struct policy_image *image, const struct backend_info *hypervisor)
{
	const struct system *sys = policy_image_system(image);
	uint32_t n = 0;

	if (!sys) {
		log_error("the policy has no system description");
		return false;
	}
	system_partitions(sys, &n);
	if (n != hypervisor->n_partitions) {
		log_error("the system description has %u partitions, the hypervisor %u", n,
			  hypervisor->n_partitions);
		return false;
	}
	if (hypervisor->partition >= n) {
		log_error("the system description has no partition %u, in which we run",
			  hypervisor->partition);
		return false;
	}
	return true;
}

void gate_note_audit(struct gate *gate, int r)
{
	if (r < 0 && !gate->audit_failing)
		log_error("cannot write the audit log: %s; %s", strerror(-r),
			  gate->allow_unaudited ? "calls go on unrecorded (on_audit_failure: allow)"
						: "calls that are to be recorded are refused");
	else if (r >= 0 && gate->audit_failing)
		log_notice("the audit log can be written again");
	gate->audit_failing = r < 0;
}

/* ---- decide ---------------------------------------------------------------------------------------- */

/* A clock that stands before the time at which the policy was compiled is wrong. */
static struct policy_time policy_now(const struct policy_image *image)
{
	struct policy_about about;
	struct timespec now;

	policy_image_about(image, &about);
	clock_gettime(CLOCK_REALTIME, &now);
	return (struct policy_time){
		.now = now.tv_sec,
		.determined = now.tv_sec >= about.compiled_at,
	};
}

static struct gate_verdict decide(const struct gate *gate, const struct gate_caller *caller,
				  const struct xm_request *req)
{
	unsigned int flags = xm_ops[req->op].flags;
	struct gate_verdict v = {
		.rule = POLICY_NO_RULE,
		.audited = true,
		.code = XM_C_PERM_ERROR,
		.guard = -1,
	};
	struct policy_decision d;

	if (flags & XM_OPF_UNCLASSIFIED) {
		v.why = "unclassified";
		v.code = xm_unclassified_code(req);
		return v;
	}
	d = policy_decide(gate->image, &caller->subject, req, gate->hypervisor.partition,
			  policy_now(gate->image), NULL);
	v.allowed = d.effect == POLICY_ALLOW;
	v.rule = d.rule;
	v.audited = d.audited;
	v.why = d.rule != POLICY_NO_RULE ? "rule" : "no rule";
	if (v.allowed)
		return v;
	if ((flags & XM_OPF_BROKER) && caller->subject.uid == 0)
		return (struct gate_verdict){ true, true, "root", POLICY_NO_RULE, XM_C_OK, -1 };
	if (caller->subject.overflow)
		v.why = "overflow id";
	return v;
}

/* Decides on the request as it would be forwarded, and guards what is allowed. */
static struct gate_verdict judge(struct gate *gate, const struct gate_caller *caller,
				 struct xm_request *req)
{
	const struct system *sys = policy_image_system(gate->image);
	struct gate_verdict v;
	enum xm_code guarded;

	gate->count.calls++;
	adapt_request(sys, &gate->hypervisor, req);
	v = decide(gate, caller, req);
	gate->count.allowed += v.allowed;
	gate->count.denied += !v.allowed;
	if (!v.allowed)
		return v;
	guarded = guard_check(sys, &gate->hypervisor, req);
	if (guarded != XM_C_OK)
		v.guard = (int)guarded;
	return v;
}

/* ---- audit ----------------------------------------------------------------------------------------- */

/* Calls after which there may be nobody left to write what is still in memory. */
static bool may_not_return(const struct gate *gate, const struct xm_request *req)
{
	unsigned int flags = xm_ops[req->op].flags;

	return (flags & XM_OPF_MAY_NOT_RETURN) ||
	       ((flags & XM_OPF_STOPS_SELF) && req->arg[0].num == gate->hypervisor.partition);
}

static bool goes_on(const struct gate_verdict *v)
{
	return v->allowed && v->guard < 0;
}

/* What is outside the domain is always recorded, like what has no rule. */
static bool is_recorded(const struct gate_verdict *v)
{
	return v->audited || v->guard >= 0;
}

static int record_as(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		     const struct gate_verdict *v, uint64_t batch, unsigned int element)
{
	const struct audit_decision decision = {
		.who = &caller->who,
		.req = &call->req,
		.allowed = v->allowed,
		.why = v->why,
		.image = gate->image,
		.rule = v->rule,
		.generation = gate->generation,
		.guard = v->guard,
		.batch = batch,
		.element = element,
	};
	uint64_t id = 0;
	int r = audit_decision(gate->audit, &decision,
			       goes_on(v) && may_not_return(gate, &call->req), &id);

	gate_note_audit(gate, r);
	if (goes_on(v))
		call->audit_id = id;
	return r;
}

/* The intent could not be recorded, or not safely: the call does not take place. */
static void refuse_unaudited(struct gate *gate, const struct gate_call *call,
			     struct xm_reply *reply)
{
	gate->count.unaudited++;
	xm_reply_fail(reply, XM_C_PERM_ERROR);
	if (call->audit_id)
		audit_result(gate->audit, call->audit_id, reply, 0);
}

void gate_finish(struct gate *gate, const struct gate_call *call, const struct xm_reply *reply)
{
	if (!call->audit_id)
		return;
	gate_note_audit(gate, audit_result(gate->audit, call->audit_id, reply,
					   (uint64_t)(now_ns() - call->began) / 1000));
}

/* ---- room for long answers -------------------------------------------------------------------------- */

/* Most bytes of data that the call gives. */
static size_t data_out(const struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	for (unsigned int i = 0; i < op->n_args; i++)
		if (op->args[i].type == XM_T_DATA_OUT && req->arg[i].state == XM_ST_OK)
			return req->arg[op->args[i].ref].num;
	return 0;
}

/* Sees to it that answer->msg has room for `len` bytes. */
static bool has_room(const struct gate *gate, const struct gate_caller *caller, size_t len,
		     struct gate_answer *answer)
{
	uint8_t *room;

	if (len <= answer->cap)
		return true;
	room = gate->room ? gate->room(caller->session, len) : NULL;
	if (!room)
		return false;
	answer->msg = room;
	answer->cap = len;
	return true;
}

/* Sees to it that there is room for all data that the call can give, which will go into its answer. */
static bool has_space(const struct gate *gate, const struct gate_caller *caller,
		      const struct xm_request *req, struct gate_answer *answer)
{
	size_t need = data_out(req);

	if (need <= answer->reply->space_len)
		return true;
	if (!has_room(gate, caller, xm_wire_batch_result_max(req, 1) + AHEAD, answer))
		return false;
	answer->reply->space = answer->msg + AHEAD;
	answer->reply->space_len = answer->cap - AHEAD;
	return true;
}

/* ---- forward ---------------------------------------------------------------------------------------- */

void gate_issue(struct gate *gate, const struct xm_request *req, struct xm_reply *reply)
{
	gate->count.forwarded++;
	gate->backend->ops->call(gate->backend, req, reply);
}

static void issue(void *data, const struct xm_request *req, struct xm_reply *reply)
{
	gate_issue(data, req, reply);
}

/* One call of the client is at most one of the hypervisor, except where others serve it. */
static void call_hypervisor(struct gate *gate, const struct gate_caller *caller,
			    const struct xm_request *req, struct xm_reply *reply)
{
	const struct system *sys = policy_image_system(gate->image);
	const struct backend_issuer issuer = { issue, gate };

	if (gate->hypervisor_lost) {
		xm_reply_fail(reply, XM_C_INVALID_MODE);
	} else if (xm_ops[req->op].flags & XM_OPF_DESCRIBED) {
		described_call(sys, &gate->hypervisor, &issuer, req, reply);
	} else if (caller->holds && cursor_serves(req->op)) {
		cursor_call(caller->holds, &issuer, req, reply);
	} else {
		gate_issue(gate, req, reply);
		adapt_reply(sys, &gate->hypervisor, req, reply);
		holdings_note(caller->holds, req, reply);
	}
}

static int forward(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		   struct gate_answer *answer)
{
	struct xm_reply *reply = answer->reply;

	call->began = now_ns();
	if (xm_ops[call->req.op].flags & XM_OPF_BROKER) {
		if (gate->broker(gate->broker_data, caller->session, call, reply) == GATE_DEFERRED)
			return GATE_DEFERRED;
	} else if (has_space(gate, caller, &call->req, answer)) {
		call_hypervisor(gate, caller, &call->req, reply);
	} else {
		answer->no_room = true;
		xm_reply_fail(reply, XM_C_INVALID_MODE);
	}
	gate_finish(gate, call, reply);
	return 0;
}

/* The call of a verdict that has been recorded. */
static int carry_out(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		     const struct gate_verdict *v, struct gate_answer *answer)
{
	if (v->guard < 0)
		return forward(gate, caller, call, answer);
	gate->count.guarded++;
	xm_reply_fail(answer->reply, (enum xm_code)v->guard);
	return 0;
}

/* ---- one call --------------------------------------------------------------------------------------- */

static int answer_public(const struct gate *gate, const struct xm_request *req,
			 struct xm_reply *reply)
{
	if (req->op == XM_OP_PARTITION_SELF)
		reply->value = gate->hypervisor.partition;
	else
		xm_reply_fail(reply, XM_C_UNKNOWN_HYPERCALL);
	return 0;
}

static int handle_request(struct gate *gate, const struct gate_caller *caller,
			  struct gate_call *call, struct gate_answer *answer)
{
	struct gate_verdict v;
	int r = 0;

	call->audit_id = 0;
	if (xm_ops[call->req.op].flags & XM_OPF_PUBLIC) {
		gate->count.calls++;
		return answer_public(gate, &call->req, answer->reply);
	}
	v = judge(gate, caller, &call->req);
	if (is_recorded(&v))
		r = record_as(gate, caller, call, &v, 0, 0);
	if (!v.allowed)
		xm_reply_fail(answer->reply, v.code);
	else if (r < 0 && v.guard < 0 && !gate->allow_unaudited)
		refuse_unaudited(gate, call, answer->reply);
	else
		return carry_out(gate, caller, call, &v, answer);
	return 0;
}

int gate_request(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		 struct xm_reply *reply)
{
	struct gate_answer answer = { .reply = reply };

	return handle_request(gate, caller, call, &answer);
}

static int handle_call(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		       struct gate_answer *answer)
{
	int r = handle_request(gate, caller, call, answer);

	answer->n_calls = 1;
	if (r == 0)
		answer->len = xm_wire_put_result(answer->msg, answer->cap, call->serial, &call->req,
						 answer->reply);
	return r;
}

/* ---- batch ------------------------------------------------------------------------------------------ */

static int record_element(struct gate *gate, const struct gate_caller *caller,
			  struct gate_batch *batch, unsigned int i)
{
	struct gate_element *e = &batch->element[i];

	return record_as(gate, caller, &e->call, &e->verdict, batch->number, i);
}

/* Whether all of it is allowed. */
static bool judge_all(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch)
{
	bool allowed = true;

	for (unsigned int i = 0; i < batch->n; i++) {
		struct gate_element *e = &batch->element[i];

		e->call = (struct gate_call){ .req = batch->req[i] };
		e->verdict = judge(gate, caller, &e->call.req);
		allowed &= e->verdict.allowed;
	}
	return allowed;
}

/*
 * None is made.  Records that, and says which were denied; the others, which nobody denied, were not
 * made because of `why` and have `code`.
 */
static void make_none(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch,
		      const char *why, enum xm_code code, struct gate_answer *answer)
{
	uint8_t codes[XM_BATCH_MAX];

	for (unsigned int i = 0; i < batch->n; i++) {
		struct gate_verdict *v = &batch->element[i].verdict;

		codes[i] = (uint8_t)(v->allowed ? code : v->code);
		if (v->allowed) {
			v->allowed = false;
			v->why = why;
			v->guard = -1;
		}
		if (v->audited)
			record_element(gate, caller, batch, i);
	}
	answer->len = xm_wire_put_batch_refusal(answer->msg, answer->cap,
						batch->element[0].call.serial, codes, batch->n);
}

/* The intents that are in the log have no call to follow. */
static void refuse_all_unaudited(struct gate *gate, struct gate_batch *batch,
				 struct gate_answer *answer)
{
	uint8_t codes[XM_BATCH_MAX];

	for (unsigned int i = 0; i < batch->n; i++) {
		refuse_unaudited(gate, &batch->element[i].call, answer->reply);
		codes[i] = XM_C_PERM_ERROR;
	}
	answer->len = xm_wire_put_batch_refusal(answer->msg, answer->cap,
						batch->element[0].call.serial, codes, batch->n);
}

static int record_all(struct gate *gate, const struct gate_caller *caller, struct gate_batch *batch)
{
	for (unsigned int i = 0; i < batch->n; i++) {
		const struct gate_verdict *v = &batch->element[i].verdict;
		int r = is_recorded(v) ? record_element(gate, caller, batch, i) : 0;

		if (r < 0 && v->guard < 0 && !gate->allow_unaudited)
			return r;
	}
	return 0;
}

/* The results of those before it have been recorded since its intent was put onto the disk. */
static bool is_on_disk(struct gate *gate, const struct gate_element *e)
{
	int r;

	if (!e->call.audit_id || !may_not_return(gate, &e->call.req))
		return true;
	r = audit_sync(gate->audit);
	gate_note_audit(gate, r);
	return r == 0 || gate->allow_unaudited;
}

/* Every answer is written before the next call: the reply is one for all. */
static void carry_out_all(struct gate *gate, const struct gate_caller *caller,
			  struct gate_batch *batch, struct gate_answer *answer)
{
	int len = xm_wire_begin_batch_result(answer->msg, answer->cap,
					     batch->element[0].call.serial, batch->n);

	for (unsigned int i = 0; i < batch->n && len > 0; i++) {
		struct gate_element *e = &batch->element[i];
		size_t at = (size_t)len + AHEAD;

		xm_reply_init(answer->reply, answer->msg + at, answer->cap - at);
		if (is_on_disk(gate, e))
			carry_out(gate, caller, &e->call, &e->verdict, answer);
		else
			refuse_unaudited(gate, &e->call, answer->reply);
		len = xm_wire_add_batch_result(answer->msg, answer->cap, len, &e->call.req,
					       answer->reply);
	}
	answer->len = xm_wire_end_batch_result(answer->msg, answer->cap, len);
}

static void handle_batch(struct gate *gate, const struct gate_caller *caller,
			 struct gate_batch *batch, uint32_t serial, struct gate_answer *answer)
{
	size_t max = xm_wire_batch_result_max(batch->req, batch->n);
	bool allowed;

	answer->n_calls = batch->n;
	batch->number = ++gate->n_batches;
	allowed = judge_all(gate, caller, batch);
	batch->element[0].call.serial = serial;
	if (!allowed)
		make_none(gate, caller, batch, "another element of the batch was refused", XM_C_OK,
			  answer);
	else if (max > XM_WIRE_MAX)
		make_none(gate, caller, batch, "the answer to the batch would be too long",
			  XM_C_MULTICALL_ERROR, answer);
	else if (!has_room(gate, caller, max + AHEAD, answer))
		make_none(gate, caller, batch, "no memory for the answer to the batch",
			  XM_C_INVALID_MODE, answer);
	else if (record_all(gate, caller, batch) < 0)
		refuse_all_unaudited(gate, batch, answer);
	else
		carry_out_all(gate, caller, batch, answer);
}

int gate_message(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		 size_t len, struct gate_call *callp, struct gate_answer *answer)
{
	struct xm_wire_head head;
	int r = xm_wire_get_head(msg, len, &head);

	if (r < 0)
		return r;
	if (head.type == XM_WIRE_CALL) {
		r = xm_wire_get_call(msg, len, &callp->req);
		callp->serial = head.serial;
		return r < 0 ? r : handle_call(gate, caller, callp, answer);
	}
	if (head.type != XM_WIRE_BATCH || !gate->batch)
		return -EPROTO;
	r = xm_wire_get_batch(msg, len, gate->batch->req, &gate->batch->n);
	if (r == 0)
		handle_batch(gate, caller, gate->batch, head.serial, answer);
	return r;
}
