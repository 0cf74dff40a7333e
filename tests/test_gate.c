// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: the order of its steps, and that nothing gets past it.  The hypervisor is a recorder.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/gate.h"

static struct sealed policy;
static struct fake_backend *hypervisor;
static struct gate gate;
static struct gate_caller caller = {
	.subject = { .uid = 1000 },
	.who = { .uid = 1000,
		 .gid = 1000,
		 .pid = 42,
		 .comm = "test",
		 .cgroup = "",
		 .profile = "3.x" },
};
static struct gate_call call;
static struct xm_reply reply;
static uint8_t space[XM_WIRE_DATA_MAX];
static int log_fd;
static unsigned int n_broker;

static int broker(void *data, void *session, const struct gate_call *c, struct xm_reply *r)
{
	(void)data;
	(void)session;
	(void)c;
	r->value = 5;
	n_broker++;
	return 0;
}

static void use_audit(int fd)
{
	audit_free(gate.audit);
	cr_assert_eq(audit_new(fd, &gate.audit), 0);
}

static void setup(void)
{
	policy = fake_sealed(1);
	hypervisor = fake_backend_new();
	log_fd = memfd_create("log", 0);
	gate = (struct gate){
		.image = policy.image,
		.backend = &hypervisor->backend,
		.hypervisor = hypervisor->hv,
		.broker = broker,
	};
	use_audit(dup(log_fd));
	fake_policy.answer = FAKE_DENY;
}

static void teardown(void)
{
	audit_free(gate.audit);
	free(hypervisor);
	close(log_fd);
	sealed_unmap(&policy);
}

TestSuite(gate, .init = setup, .fini = teardown);

static int ask(void)
{
	xm_reply_init(&reply, space, sizeof(space));
	return gate_request(&gate, &caller, &call, &reply);
}

static unsigned int ask_op(unsigned int op)
{
	fake_request(op, &call.req);
	cr_assert_eq(ask(), 0);
	return reply.code;
}

static const char *log_text(void)
{
	static char text[65536];
	ssize_t n = pread(log_fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return text;
}

static bool logged(const char *s)
{
	return strstr(log_text(), s);
}

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
		cr_expect_eq(hypervisor->n_calls - before, fake_in_domain(&call.req) ? 1 : 0, "%s",
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
	fake_policy.answer = (struct policy_decision){ POLICY_DENY, 0, false };
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
	uint8_t msg[64] = { 0 };

	cr_expect_eq(gate_message(&gate, &caller, msg, sizeof(msg), &call, &reply), -EPROTO);
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

/* ---- random requests --------------------------------------------------------------------------------- */

static uint64_t state = 88172645463325252ull;

static uint64_t rnd(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t random_number(enum xm_type type)
{
	static const uint64_t values[] = { 0,  1,  2,  3,   4,   5,   7,   8,   16,  17,
					   63, 64, 65, 127, 128, 129, 254, 255, 256, 65536 };
	uint64_t v = rnd() % 8 ? values[rnd() % (sizeof(values) / sizeof(values[0]))] : rnd();

	if (rnd() % 2)
		v = rnd() % 3;
	if (rnd() % 32 == 0)
		v = -v;
	if (type == XM_T_U32)
		return (uint32_t)v;
	if (type == XM_T_S32)
		return (uint64_t)(int64_t)(int32_t)v;
	return v;
}

static void random_name(struct xm_value *v)
{
	static const char *const names[] = { "attitude",  "hk-1",    "commands", "telemetry",
					     "attitude ", "nothing", "",         "hk-",
					     "commands1", "ATTITUDE" };
	const char *s = names[rnd() % (sizeof(names) / sizeof(names[0]))];

	v->data = (const uint8_t *)s;
	v->len = (uint32_t)strlen(s);
}

static void random_pointer(const struct xm_arg *arg, struct xm_value *v)
{
	static const uint8_t bytes[1024];

	v->state = (uint8_t)(rnd() % 4 ? XM_ST_OK : rnd() % XM_N_STATES);
	if (v->state == XM_ST_ABSENT && arg->domain != XM_D_OPT_POINTER)
		v->state = XM_ST_NULL;
	if (v->state == XM_ST_OVERSIZE && arg->type != XM_T_DATA_IN && arg->type != XM_T_DATA_OUT)
		v->state = XM_ST_FAULT;
	if (v->state != XM_ST_OK)
		return;
	v->data = bytes;
	if (arg->type == XM_T_NAME)
		random_name(v);
}

static void fit_length(struct xm_value *v, uint64_t len, bool in)
{
	if (len > (in ? 1024 : XM_WIRE_DATA_MAX))
		v->state = XM_ST_OVERSIZE;
	else if (in)
		v->len = (uint32_t)len;
}

/* What the wire decoder would let through. */
static void random_request(struct xm_request *req)
{
	const struct xm_op *op;

	memset(req, 0, sizeof(*req));
	req->op = (unsigned int)(rnd() % XM_N_OPS);
	op = &xm_ops[req->op];
	for (unsigned int i = 0; i < op->n_args; i++) {
		if (xm_type_is_scalar(op->args[i].type))
			req->arg[i].num = random_number(op->args[i].type);
		else
			random_pointer(&op->args[i], &req->arg[i]);
	}
	for (unsigned int i = 0; i < op->n_args; i++) {
		bool in = op->args[i].type == XM_T_DATA_IN;

		if ((in || op->args[i].type == XM_T_DATA_OUT) && req->arg[i].state == XM_ST_OK)
			fit_length(&req->arg[i], req->arg[op->args[i].ref].num, in);
	}
}

Test(gate, of_random_requests_exactly_the_documented_domain_is_forwarded)
{
	unsigned int n_good = 0;

	fake_policy.answer = FAKE_ALLOW;
	use_audit(-1);
	for (unsigned int i = 0; i < 50000; i++) {
		unsigned int before = hypervisor->n_calls;
		bool good;

		random_request(&call.req);
		good = fake_in_domain(&call.req);
		ask();
		n_good += good;
		cr_assert_eq(hypervisor->n_calls - before, good, "request %u, %s", i,
			     xm_ops[call.req.op].name);
	}
	cr_expect_gt(n_good, 5000);
	cr_expect_lt(n_good, 45000);
}
