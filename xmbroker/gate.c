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
#include "xmbroker/gate.h"
#include "xmbroker/guard.h"
#include "xmbroker/log.h"

/* What the policy, or something that stands above it, said. */
struct verdict {
	bool allowed;
	bool audited;
	const char *why;
	uint32_t rule;
	enum xm_code code; /* of a denial */
};

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

static struct verdict decide(const struct gate *gate, const struct gate_caller *caller,
			     const struct xm_request *req)
{
	unsigned int flags = xm_ops[req->op].flags;
	struct verdict v = { .rule = POLICY_NO_RULE, .audited = true, .code = XM_C_PERM_ERROR };
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
		return (struct verdict){ true, true, "root", POLICY_NO_RULE, XM_C_OK };
	if (caller->subject.overflow)
		v.why = "overflow id";
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

/* Records the decision.  `guard` is the code that the guard answered, or -1. */
static int record(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		  const struct verdict *v, int guard)
{
	const struct audit_decision decision = {
		.who = &caller->who,
		.req = &call->req,
		.allowed = v->allowed,
		.why = v->why,
		.image = gate->image,
		.rule = v->rule,
		.generation = gate->generation,
		.guard = guard,
	};
	bool goes_on = v->allowed && guard < 0;
	uint64_t id = 0;
	int r = audit_decision(gate->audit, &decision, goes_on && may_not_return(gate, &call->req),
			       &id);

	gate_note_audit(gate, r);
	if (goes_on)
		call->audit_id = id;
	return r;
}

/* The intent could not be recorded, or not safely: the call does not take place. */
static int refuse_unaudited(struct gate *gate, const struct gate_call *call, struct xm_reply *reply)
{
	gate->count.unaudited++;
	xm_reply_fail(reply, XM_C_PERM_ERROR);
	if (call->audit_id)
		audit_result(gate->audit, call->audit_id, reply, 0);
	return 0;
}

void gate_finish(struct gate *gate, const struct gate_call *call, const struct xm_reply *reply)
{
	if (!call->audit_id)
		return;
	gate_note_audit(gate, audit_result(gate->audit, call->audit_id, reply,
					   (uint64_t)(now_ns() - call->began) / 1000));
}

/* ---- the way ---------------------------------------------------------------------------------------- */

static int answer_public(const struct gate *gate, const struct xm_request *req,
			 struct xm_reply *reply)
{
	if (req->op == XM_OP_PARTITION_SELF)
		reply->value = gate->hypervisor.partition;
	else
		xm_reply_fail(reply, XM_C_UNKNOWN_HYPERCALL);
	return 0;
}

static int refuse(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		  const struct verdict *v, struct xm_reply *reply)
{
	gate->count.denied++;
	if (v->audited)
		record(gate, caller, call, v, -1);
	xm_reply_fail(reply, v->code);
	return 0;
}

static int forward(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		   struct xm_reply *reply)
{
	call->began = now_ns();
	if (xm_ops[call->req.op].flags & XM_OPF_BROKER) {
		if (gate->broker(gate->broker_data, caller->session, call, reply) == GATE_DEFERRED)
			return GATE_DEFERRED;
	} else if (gate->hypervisor_lost) {
		xm_reply_fail(reply, XM_C_INVALID_MODE);
	} else {
		gate->count.forwarded++;
		gate->backend->ops->call(gate->backend, &call->req, reply);
		adapt_reply(policy_image_system(gate->image), &gate->hypervisor, &call->req, reply);
	}
	gate_finish(gate, call, reply);
	return 0;
}

int gate_request(struct gate *gate, const struct gate_caller *caller, struct gate_call *call,
		 struct xm_reply *reply)
{
	const struct system *sys = policy_image_system(gate->image);
	enum xm_code guarded;
	struct verdict v;

	call->audit_id = 0;
	gate->count.calls++;
	if (xm_ops[call->req.op].flags & XM_OPF_PUBLIC)
		return answer_public(gate, &call->req, reply);
	adapt_request(sys, &gate->hypervisor, &call->req);
	v = decide(gate, caller, &call->req);
	if (!v.allowed)
		return refuse(gate, caller, call, &v, reply);
	gate->count.allowed++;
	guarded = guard_check(sys, &gate->hypervisor, &call->req);
	if (guarded != XM_C_OK) {
		gate->count.guarded++;
		record(gate, caller, call, &v, (int)guarded);
		xm_reply_fail(reply, guarded);
		return 0;
	}
	if (v.audited && record(gate, caller, call, &v, -1) < 0 && !gate->allow_unaudited)
		return refuse_unaudited(gate, call, reply);
	return forward(gate, caller, call, reply);
}

int gate_message(struct gate *gate, const struct gate_caller *caller, const uint8_t *msg,
		 size_t len, struct gate_call *callp, struct xm_reply *replyp)
{
	struct xm_wire_head head;
	int r = xm_wire_get_head(msg, len, &head);

	if (r == 0)
		r = xm_wire_get_call(msg, len, &callp->req);
	if (r < 0)
		return r;
	callp->serial = head.serial;
	return gate_request(gate, caller, callp, replyp);
}
