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
#include "xmbroker/gate_internal.h"
#include "xmbroker/guard.h"
#include "xmbroker/log.h"

#define AUDIT_QUIET_NS 2000000000 /* without a failure, after which an incident is over */

const int64_t gate_latencies[GATE_LATENCIES] = {
	10000,   20000,    50000,    100000,   200000,    500000,     1000000,     2000000,
	5000000, 10000000, 20000000, 50000000, 100000000, 1000000000, 10000000000,
};

int64_t gate_now(void)
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

static void tell_failing(struct gate *gate, int error)
{
	gate->audit_told = true;
	log_error("cannot write the audit log: %s; %s", strerror(error),
		  gate->allow_unaudited ? "calls go on unrecorded (on_audit_failure: allow)"
					: "calls that are to be recorded are refused");
}

/* On a disk that is all but full a short record fits and the next one does not: an incident is over
 * when nothing has failed for some time. */
void gate_note_audit(struct gate *gate, int r)
{
	gate->audit_failing = r < 0;
	if (r < 0) {
		gate->audit_failed_at = gate_now();
		if (!gate->audit_told)
			tell_failing(gate, -r);
	} else if (gate->audit_told && gate_now() - gate->audit_failed_at > AUDIT_QUIET_NS) {
		gate->audit_told = false;
		log_notice("the audit log can be written again");
	}
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

/* What the rules say, with the buckets as they are; if a limited one allows it, its token is taken. */
static struct policy_decision ask_policy(const struct gate *gate, const struct gate_caller *caller,
					 const struct xm_request *req)
{
	uint32_t self = gate->hypervisor.partition;
	struct policy_time time = policy_now(gate->image);
	struct policy_buckets buckets;
	struct policy_decision d;

	d = policy_decide(gate->image, &caller->subject, req, self, time, NULL);
	if (d.limit == POLICY_NO_LIMIT || !caller->limits)
		return d;
	limits_use(caller->limits, gate->image, gate->generation);
	if (limits_take(caller->limits, d.limit))
		return d;
	buckets = limits_empty(caller->limits);
	d = policy_decide(gate->image, &caller->subject, req, self, time, &buckets);
	if (d.limit == POLICY_NO_LIMIT || limits_take(caller->limits, d.limit))
		return d;
	/* Too many buckets, or no memory for one more. */
	d.effect = POLICY_DENY;
	d.limited = d.audited = true;
	d.limit = POLICY_NO_LIMIT;
	d.observed = POLICY_NO_RULE;
	return d;
}

void gate_give_back(const struct gate_caller *caller, struct gate_verdict *v)
{
	if (v->limit != POLICY_NO_LIMIT && caller->limits)
		limits_give_back(caller->limits, v->limit);
	v->limit = POLICY_NO_LIMIT;
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
		.limit = POLICY_NO_LIMIT,
		.observed = POLICY_NO_RULE,
	};
	struct policy_decision d;

	if (flags & XM_OPF_UNCLASSIFIED) {
		v.why = "unclassified";
		v.code = xm_unclassified_code(req);
		return v;
	}
	d = ask_policy(gate, caller, req);
	v.allowed = d.effect == POLICY_ALLOW;
	v.rule = d.rule;
	v.audited = d.audited;
	v.limit = d.limit;
	v.observed = d.observed;
	v.why = d.limited ? "limit" : d.rule != POLICY_NO_RULE ? "rule" : "no rule";
	if (v.allowed)
		return v;
	if ((flags & XM_OPF_BROKER) && caller->subject.uid == 0)
		return (struct gate_verdict){
			.allowed = true,
			.audited = true,
			.why = "root",
			.rule = POLICY_NO_RULE,
			.code = XM_C_OK,
			.guard = -1,
			.limit = POLICY_NO_LIMIT,
			.observed = POLICY_NO_RULE,
		};
	if (caller->subject.overflow)
		v.why = "overflow id";
	return v;
}

/* Decides on the request as it would be forwarded, and guards what is allowed. */
struct gate_verdict gate_judge(struct gate *gate, const struct gate_caller *caller,
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
	gate->count.limited += !v.allowed && !strcmp(v.why, "limit");
	if (!v.allowed)
		return v;
	guarded = guard_check(sys, &gate->hypervisor, req);
	if (guarded != XM_C_OK) {
		v.guard = (int)guarded;
		gate_give_back(caller, &v);
	}
	return v;
}

/* ---- audit ----------------------------------------------------------------------------------------- */

/* Calls after which there may be nobody left to write what is still in memory. */
bool gate_may_not_return(const struct gate *gate, const struct xm_request *req)
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
bool gate_is_recorded(const struct gate_verdict *v)
{
	return v->audited || v->guard >= 0;
}

int gate_record(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		const struct gate_verdict *v, uint64_t batch, unsigned int element)
{
	const struct audit_decision decision = {
		.who = &caller->who,
		.req = &call->req,
		.allowed = v->allowed,
		.why = v->why,
		.image = gate->image,
		.rule = v->rule,
		.observed = v->observed,
		.generation = gate->generation,
		.guard = v->guard,
		.batch = batch,
		.element = element,
		.fold = caller->fold,
	};
	uint64_t id = 0;
	int r = audit_decision(gate->audit, &decision,
			       goes_on(v) && gate_may_not_return(gate, &call->req), &id);

	gate->count.records += goes_on(v) || !caller->fold;
	if (!batch) /* of a batch it is known when its run of records ends */
		gate_note_audit(gate, r);
	if (goes_on(v))
		call->audit_id = id;
	return r;
}

/* The intent could not be recorded, or not safely: the call does not take place. */
void gate_refuse_unaudited(struct gate *gate, const struct gate_call *call, struct xm_reply *reply)
{
	gate->count.unaudited++;
	xm_reply_fail(reply, XM_C_PERM_ERROR);
	if (call->audit_id)
		audit_result(gate->audit, call->audit_id, reply, 0);
}

static void count_latency(struct gate *gate, int64_t ns)
{
	unsigned int i = 0;

	while (i < GATE_LATENCIES && ns > gate_latencies[i])
		i++;
	gate->latency.n[i]++;
	gate->latency.sum += (uint64_t)ns;
}

void gate_finish(struct gate *gate, const struct gate_call *call, const struct xm_reply *reply)
{
	int64_t took = gate_now() - call->began;

	count_latency(gate, took);
	if (!call->audit_id)
		return;
	gate->count.records++;
	gate_note_audit(gate,
			audit_result(gate->audit, call->audit_id, reply, (uint64_t)took / 1000));
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
bool gate_has_room(const struct gate *gate, const struct gate_caller *caller, size_t len,
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
	if (!gate_has_room(gate, caller, xm_wire_batch_result_max(req, 1) + GATE_AHEAD, answer))
		return false;
	answer->reply->space = answer->msg + GATE_AHEAD;
	answer->reply->space_len = answer->cap - GATE_AHEAD;
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
static int call_hypervisor(struct gate *gate, const struct gate_caller *caller,
			   const struct xm_request *req, struct xm_reply *reply)
{
	const struct system *sys = policy_image_system(gate->image);
	const struct backend_issuer issuer = { issue, gate };

	if (gate->hypervisor_lost) {
		xm_reply_fail(reply, XM_C_INVALID_MODE);
	} else if (xm_ops[req->op].flags & XM_OPF_DESCRIBED) {
		described_call(sys, &gate->hypervisor, &issuer, req, reply);
	} else if (caller->holds && cursor_serves(req->op)) {
		if (!cursor_call(caller->holds, &issuer, req, reply))
			return GATE_AGAIN;
	} else {
		gate_issue(gate, req, reply);
		adapt_reply(sys, &gate->hypervisor, req, reply);
		holdings_note(caller->holds, req, reply);
	}
	return 0;
}

static int forward(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		   struct gate_answer *answer)
{
	struct xm_reply *reply = answer->reply;

	if (!call->began)
		call->began = gate_now();
	if (xm_ops[call->req.op].flags & XM_OPF_BROKER) {
		if (gate->broker(gate->broker_data, caller->session, call, reply) == GATE_DEFERRED)
			return GATE_DEFERRED;
	} else if (has_space(gate, caller, &call->req, answer)) {
		if (call_hypervisor(gate, caller, &call->req, reply) == GATE_AGAIN)
			return GATE_AGAIN;
	} else {
		answer->no_room = true;
		xm_reply_fail(reply, XM_C_INVALID_MODE);
	}
	gate_finish(gate, call, reply);
	return 0;
}

/* The call of a verdict that has been recorded. */
int gate_carry_out(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
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

static void refuse_unaudited(struct gate *gate, const struct gate_caller *caller,
			     const struct gate_call *call, struct gate_verdict *v,
			     struct xm_reply *reply)
{
	gate_give_back(caller, v);
	gate_refuse_unaudited(gate, call, reply);
}

static int handle_request(struct gate *gate, const struct gate_caller *caller,
			  struct gate_call *call, struct gate_answer *answer)
{
	struct gate_verdict v;
	int r = 0;

	call->audit_id = 0;
	call->began = 0;
	if (xm_ops[call->req.op].flags & XM_OPF_PUBLIC) {
		gate->count.calls++;
		return answer_public(gate, &call->req, answer->reply);
	}
	v = gate_judge(gate, caller, &call->req);
	if (gate_is_recorded(&v)) {
		r = gate_record(gate, caller, call, &v, 0, 0);
		gate_note_audit(gate, r);
	}
	if (!v.allowed)
		xm_reply_fail(answer->reply, v.code);
	else if (r < 0 && v.guard < 0 && !gate->allow_unaudited)
		refuse_unaudited(gate, caller, call, &v, answer->reply);
	else
		return gate_carry_out(gate, caller, call, &v, answer);
	return 0;
}

int gate_request(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		 struct xm_reply *reply)
{
	struct gate_answer answer = { .reply = reply };

	return handle_request(gate, caller, call, &answer);
}

static void put_result(const struct gate_call *call, struct gate_answer *answer)
{
	answer->n_calls = 1;
	answer->len = xm_wire_put_result(answer->msg, answer->cap, call->serial, &call->req,
					 answer->reply);
}

int gate_resume(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		struct gate_answer *answer)
{
	int r = forward(gate, caller, call, answer);

	if (r == 0)
		put_result(call, answer);
	return r;
}

static int handle_call(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		       struct gate_answer *answer)
{
	int r = handle_request(gate, caller, call, answer);

	answer->n_calls = 1;
	if (r == 0)
		put_result(call, answer);
	return r;
}

/* ---- a message ---------------------------------------------------------------------------------------- */

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
	if (r < 0)
		return r;
	if (gate->slices && gate->batch->n > GATE_SLICE)
		return GATE_LONG;
	gate_batch_begin(gate, caller, msg, len, gate->batch, answer);
	while (gate_batch_step(gate, caller, gate->batch, answer))
		;
	return 0;
}
