// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: the order of its steps, and that nothing gets past it.  The hypervisor is a recorder.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "tests/gate_rig.h"

TestSuite(gate, .init = gate_setup, .fini = gate_teardown);

Test(gate, without_a_rule_nothing_of_the_whole_table_is_forwarded)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		unsigned int code = ask_op(op);

		if (xm_ops[op].flags & XM_OPF_PUBLIC)
			cr_expect_eq(code, XM_C_OK, "%s", xm_ops[op].name);
		else if (!(xm_ops[op].flags & XM_OPF_UNCLASSIFIED))
			cr_expect_eq(code, XM_C_PERM_ERROR, "%s", xm_ops[op].name);
		else
			cr_expect_neq(code, XM_C_OK);
	}
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(n_broker, 0);
}

Test(gate, with_a_rule_for_all_every_good_call_is_forwarded_once)
{
	fake_policy.answer = FAKE_ALLOW;
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		unsigned int before = hypervisor->n_calls;

		ask_op(op);
		/* What is answered from the description may need several calls for it, or none. */
		if (!(xm_ops[op].flags & XM_OPF_DESCRIBED))
			cr_expect_eq(hypervisor->n_calls - before, fake_in_domain(&call.req), "%s",
				     xm_ops[op].name);
	}
}

Test(gate, the_unclassified_are_refused_by_reason_whatever_the_policy_says)
{
	static const enum xm_code codes[] = { XM_C_UNKNOWN_HYPERCALL, XM_C_INVALID_PARAM,
					      XM_C_OP_NOT_ALLOWED, XM_C_INVALID_PARAM,
					      XM_C_UNKNOWN_HYPERCALL };

	fake_policy.answer = FAKE_ALLOW;
	caller.subject.uid = 0;
	for (unsigned int reason = 0; reason < 5; reason++) {
		fake_request(XM_OP_UNCLASSIFIED, &call.req);
		call.req.arg[0].num = reason;
		ask();
		cr_expect_eq(reply.code, codes[reason]);
	}
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"why\":\"unclassified\""));
}

Test(gate, the_own_partition_is_told_to_everyone)
{
	gate.hypervisor.partition = 2;
	cr_expect_eq(ask_op(XM_OP_PARTITION_SELF), XM_C_OK);
	cr_expect_eq(reply.value, 2);
	cr_expect_eq(fake_policy.n_decided, 0);
}

Test(gate, a_denied_call_outside_the_domain_looks_like_any_denied_call)
{
	fake_request(XM_OP_HALT_PARTITION, &call.req);
	call.req.arg[0].num = 99;
	ask();
	cr_expect_eq(reply.code, XM_C_PERM_ERROR);
	cr_expect_not(logged("guard"));
}

Test(gate, an_allowed_call_outside_the_domain_is_answered_recorded_and_not_forwarded)
{
	fake_policy.answer = FAKE_ALLOW; /* not audited */
	fake_request(XM_OP_HALT_PARTITION, &call.req);
	call.req.arg[0].num = 99;
	ask();
	cr_expect_eq(reply.code, XM_C_INVALID_PARAM);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(gate.count.guarded, 1);
	cr_expect(logged("\"guard\":\"XM_INVALID_PARAM\""));
	cr_expect_not(logged("\"type\":\"result\""));
}

static void intent_is_logged(struct fake_backend *fake, const struct xm_request *req)
{
	(void)req;
	*(bool *)fake->data = logged("\"type\":\"decision\"") && !logged("\"type\":\"result\"");
}

Test(gate, the_intent_is_in_the_log_before_the_call_and_the_result_after)
{
	bool in_log = false;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = intent_is_logged;
	hypervisor->data = &in_log;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect(in_log);
	cr_expect(logged("\"type\":\"result\""));
}

Test(gate, what_the_policy_does_not_audit_leaves_no_record)
{
	fake_policy.answer = FAKE_ALLOW;
	ask_op(XM_OP_GET_TIME);
	cr_expect_eq(hypervisor->n_calls, 1);
	cr_expect_str_empty(log_text());
	fake_policy.answer = FAKE_DECISION(POLICY_DENY, 0, false);
	ask_op(XM_OP_GET_TIME);
	cr_expect_str_empty(log_text());
}

Test(gate, a_call_whose_intent_cannot_be_recorded_is_refused)
{
	use_audit(open("/dev/full", O_WRONLY | O_CLOEXEC));
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(gate.count.unaudited, 1);
	cr_expect(gate.audit_failing);
}

Test(gate, on_audit_failure_allow_lets_it_through)
{
	use_audit(open("/dev/full", O_WRONLY | O_CLOEXEC));
	gate.allow_unaudited = true;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 1);
}

/* Written down a second time by hand: after these nobody may be left to write anything. */
static bool may_end_us(unsigned int op)
{
	static const unsigned int ops[] = {
		XM_OP_HALT_SYSTEM,    XM_OP_RESET_SYSTEM,      XM_OP_TRACE_UNRECOVERABLE,
		XM_OP_HALT_VCPU,      XM_OP_SUSPEND_VCPU,      XM_OP_RESET_VCPU,
		XM_OP_HALT_PARTITION, XM_OP_SUSPEND_PARTITION, XM_OP_RESET_PARTITION,
	};

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i] == op)
			return true;
	return false;
}

Test(gate, the_intent_of_what_may_end_us_is_on_the_disk_before)
{
	unsigned int before_call;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = sync_came_first;
	hypervisor->data = &before_call;
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		if (xm_ops[op].flags & (XM_OPF_UNCLASSIFIED | XM_OPF_PUBLIC | XM_OPF_BROKER))
			continue;
		fake_request(op, &call.req);
		if (op == XM_OP_HALT_PARTITION || op == XM_OP_SUSPEND_PARTITION ||
		    op == XM_OP_RESET_PARTITION)
			call.req.arg[0].num = hypervisor->hv.partition;
		n_syncs = before_call = 0;
		ask();
		cr_expect_eq(before_call, may_end_us(op), "%s", xm_ops[op].name);
	}
}

Test(gate, what_stops_another_partition_need_not_be_on_the_disk)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_request(XM_OP_HALT_PARTITION, &call.req);
	call.req.arg[0].num = hypervisor->hv.partition + 1;
	cr_assert_eq(ask(), 0);
	cr_expect_eq(hypervisor->n_calls, 1);
	cr_expect_eq(n_syncs, 0);
}

Test(gate, what_may_end_us_is_not_done_when_its_intent_is_not_on_the_disk)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	sync_fails_at = 1;
	cr_expect_eq(ask_op(XM_OP_HALT_SYSTEM), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"result\":\"XM_PERM_ERROR\""));
}

Test(gate, an_unaudited_call_needs_no_log)
{
	use_audit(open("/dev/full", O_WRONLY | O_CLOEXEC));
	fake_policy.answer = FAKE_ALLOW;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
}

Test(gate, root_may_use_the_broker_without_a_rule)
{
	caller.subject.uid = 0;
	cr_expect_eq(ask_op(XM_OP_BROKER_STATUS), XM_C_OK);
	cr_expect_eq(n_broker, 1);
	cr_expect(logged("\"why\":\"root\""));
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(gate, the_brokers_own_operations_are_not_forwarded)
{
	fake_policy.answer = FAKE_ALLOW;
	cr_expect_eq(ask_op(XM_OP_BROKER_KICK), XM_C_OK);
	cr_expect_eq(reply.value, 5);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(gate, an_overflow_identity_is_named_in_the_record)
{
	caller.subject.overflow = true;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_PERM_ERROR);
	cr_expect(fake_policy.last.overflow);
	cr_expect(logged("\"why\":\"overflow id\""));
}

Test(gate, an_absent_period_is_decided_and_forwarded_as_the_description_has_it)
{
	struct xm_value *period = &call.req.arg[XM_A_CREATE_SAMPLING_PORT_validPeriod];

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_request(XM_OP_CREATE_SAMPLING_PORT, &call.req);
	*period = (struct xm_value){ .state = XM_ST_ABSENT };
	ask();
	period = &hypervisor->last.arg[XM_A_CREATE_SAMPLING_PORT_validPeriod];
	cr_expect_eq(period->state, XM_ST_OK);
	cr_expect_eq(period->num, 1000000);
	cr_expect(logged("\"validPeriod\":1000000"));
}

static void ask_open_port(uint32_t size)
{
	fake_policy.answer = FAKE_ALLOW;
	hypervisor->code = XM_C_NO_ACTION;
	fake_request(XM_OP_CREATE_QUEUING_PORT, &call.req);
	call.req.arg[XM_A_CREATE_QUEUING_PORT_maxNoMsgs].num = 8;
	call.req.arg[XM_A_CREATE_QUEUING_PORT_maxMsgSize].num = size;
	ask();
}

Test(gate, a_port_that_is_open_already_has_its_id)
{
	ask_open_port(128);
	cr_expect_eq(reply.code, XM_C_OK);
	cr_expect_eq(reply.value, 2);
}

Test(gate, a_wrong_description_of_an_open_port_is_an_error)
{
	ask_open_port(64);
	cr_expect_eq(reply.code, XM_C_INVALID_CONFIG);
}

Test(gate, no_action_of_another_call_is_left_alone)
{
	fake_policy.answer = FAKE_ALLOW;
	hypervisor->code = XM_C_NO_ACTION;
	cr_expect_eq(ask_op(XM_OP_HALT_PARTITION), XM_C_NO_ACTION);
}

Test(gate, without_a_hypervisor_calls_are_decided_recorded_and_not_made)
{
	gate.hypervisor_lost = true;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_INVALID_MODE);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"result\":\"XM_INVALID_MODE\""));
}

Test(gate, an_unknown_outcome_is_recorded_as_such)
{
	hypervisor->code = XM_C_UNKNOWN_OUTCOME;
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_expect_eq(ask_op(XM_OP_GET_TIME), XM_C_UNKNOWN_OUTCOME);
	cr_expect_eq(hypervisor->n_calls, 1);
	cr_expect(logged("\"result\":\"unknown\""));
}

Test(gate, a_malformed_message_is_not_decided)
{
	struct gate_answer answer = { .reply = &reply };
	uint8_t msg[64] = { 0 };

	cr_expect_eq(gate_message(&gate, &caller, msg, sizeof(msg), &call, &answer), -EPROTO);
	cr_expect_eq(fake_policy.n_decided, 0);
}

Test(gate, an_image_of_another_system_does_not_fit)
{
	struct backend_info hv = hypervisor->hv;

	cr_expect(gate_image_fits(policy.image, &hv));
	hv.n_partitions = 4;
	cr_expect_not(gate_image_fits(policy.image, &hv));
	hv = (struct backend_info){ XM_PROFILE_ID_3_X, 3, 3 };
	cr_expect_not(gate_image_fits(policy.image, &hv));
}
