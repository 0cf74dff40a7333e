// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The gate: the order of its steps, and that nothing gets past it.  The hypervisor is a recorder.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/gate.h"

/* In place of the C library's: counts, and can fail from some call on. */
static unsigned int n_syncs, sync_fails_at;

int fdatasync(int fd)
{
	(void)fd;
	if (++n_syncs != sync_fails_at)
		return 0;
	errno = EIO;
	return -1;
}

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
static uint8_t space[XM_WIRE_PLAIN];
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

static void sync_came_first(struct fake_backend *fake, const struct xm_request *req)
{
	(void)req;
	*(unsigned int *)fake->data = n_syncs;
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

static void random_state(const struct xm_arg *arg, struct xm_value *v)
{
	v->state = (uint8_t)(rnd() % 4 ? XM_ST_OK : rnd() % XM_N_STATES);
	if (v->state == XM_ST_ABSENT && arg->domain != XM_D_OPT_POINTER)
		v->state = XM_ST_NULL;
	if (v->state == XM_ST_OVERSIZE && arg->type != XM_T_DATA_IN && arg->type != XM_T_DATA_OUT)
		v->state = XM_ST_FAULT;
}

static void random_pointer(const struct xm_arg *arg, struct xm_value *v)
{
	static const uint8_t bytes[XM_MAX_RECORDS * XM_MAX_FIELDS * XM_WORD_BYTES];

	random_state(arg, v);
	if (v->state != XM_ST_OK)
		return;
	v->data = bytes;
	if (arg->type == XM_T_STRUCT_IN)
		v->len = xm_structs[arg->ref].n_fields;
	if (arg->type == XM_T_NAME)
		random_name(v);
}

static void fit_records(struct xm_value *v, uint64_t n, unsigned int fields)
{
	if (n > XM_MAX_RECORDS)
		v->state = XM_ST_OVERSIZE;
	else
		v->len = (uint32_t)n * fields;
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
		if (xm_arg_is_pointed(&op->args[i]))
			random_state(&op->args[i], &req->arg[i]);
		else if (!xm_type_is_scalar(op->args[i].type))
			random_pointer(&op->args[i], &req->arg[i]);
	}
	for (unsigned int i = 0; i < op->n_args; i++) {
		bool in = op->args[i].type == XM_T_DATA_IN;

		if ((in || op->args[i].type == XM_T_DATA_OUT) && req->arg[i].state == XM_ST_OK)
			fit_length(&req->arg[i], req->arg[op->args[i].ref].num, in);
		if (op->args[i].type == XM_T_RECORDS_IN && req->arg[i].state == XM_ST_OK)
			fit_records(&req->arg[i], req->arg[i + 1].num,
				    xm_structs[op->args[i].ref].n_fields);
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
		if (xm_ops[call.req.op].flags & XM_OPF_DESCRIBED)
			cr_assert(good || hypervisor->n_calls == before);
		else
			cr_assert_eq(hypervisor->n_calls - before, good, "request %u, %s", i,
				     xm_ops[call.req.op].name);
	}
	cr_expect_gt(n_good, 5000);
	cr_expect_lt(n_good, 45000);
}

/* ---- batches ----------------------------------------------------------------------------------------- */

static struct gate_batch batch;
static struct xm_request elements[XM_BATCH_MAX];
static struct xm_wire_batch_result results;
static uint8_t message[1 << 20], tx[XM_WIRE_PACKET], *room;
static size_t room_size;
static struct gate_answer answer;

static uint8_t *make_room(void *session, size_t len)
{
	(void)session;
	room_size = len;
	return room;
}

/* The decision about one operation; all else is allowed and audited. */
static unsigned int denied_op;

static struct policy_decision deny_one(const struct policy_image *image,
				       const struct policy_subject *subject,
				       const struct xm_request *req)
{
	(void)image;
	(void)subject;
	return req->op == denied_op ? FAKE_DENY : FAKE_ALLOW_AUDITED;
}

static unsigned int fill(unsigned int n, const unsigned int ops[])
{
	for (unsigned int i = 0; i < n; i++)
		fake_request(ops[i], &elements[i]);
	return n;
}

#define FILL(...)                                                                                  \
	fill(sizeof((unsigned int[]){ __VA_ARGS__ }) / sizeof(unsigned int),                       \
	     (unsigned int[]){ __VA_ARGS__ })

/* Sends the elements; their answer is in `results`. */
static void ask_batch(unsigned int n)
{
	int len = xm_wire_put_batch(message, sizeof(message), 77, elements, n);
	struct xm_wire_head head;

	cr_assert_gt(len, 0);
	gate.batch = &batch;
	gate.room = make_room;
	answer = (struct gate_answer){ .reply = &reply, .msg = tx, .cap = sizeof(tx) };
	xm_reply_init(&reply, space, sizeof(space));
	cr_assert_eq(gate_message(&gate, &caller, message, (size_t)len, &call, &answer), 0);
	cr_assert_gt(answer.len, 0);
	cr_expect_eq(answer.n_calls, n);
	cr_assert_eq(xm_wire_get_head(answer.msg, (size_t)answer.len, &head), 0);
	cr_expect_eq(head.serial, 77);
	cr_assert_eq(xm_wire_get_batch_result(answer.msg, (size_t)answer.len, n, &results), 0);
}

static unsigned int next_code(unsigned int i, bool last)
{
	static struct xm_reply r;

	cr_assert_eq(xm_wire_next_batch_result(&results, &elements[i], last, &r), 0);
	return r.code;
}

static unsigned int count(const char *s)
{
	unsigned int n = 0;

	for (const char *p = log_text(); (p = strstr(p, s)); p++)
		n++;
	return n;
}

Test(gate, a_batch_runs_in_order_each_element_with_its_record)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_PLAN_STATUS));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_OK);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 3);
	cr_expect_eq(hypervisor->last.op, XM_OP_GET_PLAN_STATUS);
	cr_expect_eq(count("\"type\":\"decision\""), 3);
	cr_expect_eq(count("\"type\":\"result\""), 3);
	cr_expect(logged("\"batch\":1,\"element\":2}"));
}

static void all_intents_are_logged(struct fake_backend *fake, const struct xm_request *req)
{
	(void)req;
	if (fake->n_calls == 1)
		*(bool *)fake->data =
			count("\"type\":\"decision\"") == 3 && !logged("\"type\":\"result\"");
}

Test(gate, all_intents_of_a_batch_are_in_the_log_before_its_first_call)
{
	bool in_log = false;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = all_intents_are_logged;
	hypervisor->data = &in_log;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME, XM_OP_GET_TIME));
	cr_expect(in_log);
}

Test(gate, if_one_element_is_denied_none_is_made_and_all_are_recorded)
{
	fake_policy.decide = deny_one;
	denied_op = XM_OP_HALT_PARTITION;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_PLAN_STATUS));
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OK);
	cr_expect_eq(results.codes[1], XM_C_PERM_ERROR);
	cr_expect_eq(results.codes[2], XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(count("\"decision\":\"deny\""), 3);
	cr_expect_eq(count("\"why\":\"another element of the batch was refused\""), 2);
	cr_expect_eq(count("\"why\":\"no rule\""), 1);
	cr_expect_not(logged("\"type\":\"result\""));
}

Test(gate, what_the_policy_does_not_audit_is_not_recorded_when_a_batch_is_refused)
{
	fake_policy.answer = FAKE_ALLOW;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_UNCLASSIFIED));
	cr_expect_eq(count("\"type\":\"decision\""), 1);
}

Test(gate, an_unclassified_element_keeps_the_batch_from_being_made)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(2, (unsigned int[]){ XM_OP_UNCLASSIFIED, XM_OP_GET_TIME });
	elements[0].arg[0].num = XM_REASON_OPERATION;
	ask_batch(2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_OP_NOT_ALLOWED);
	cr_expect_eq(results.codes[1], XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 0);
}

Test(gate, an_element_outside_the_domain_is_answered_and_the_others_are_made)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(3, (unsigned int[]){ XM_OP_GET_TIME, XM_OP_HALT_PARTITION, XM_OP_GET_TIME });
	elements[1].arg[0].num = 99;
	ask_batch(3);
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_INVALID_PARAM);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(count("\"guard\":\"XM_INVALID_PARAM\""), 1);
	cr_expect_eq(gate.count.guarded, 1);
}

Test(gate, an_error_of_the_hypervisor_does_not_stop_a_batch)
{
	hypervisor->code = XM_C_NO_ACTION;
	fake_policy.answer = FAKE_ALLOW;
	ask_batch(FILL(XM_OP_HALT_PARTITION, XM_OP_HALT_PARTITION));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_NO_ACTION);
	cr_expect_eq(next_code(1, true), XM_C_NO_ACTION);
	cr_expect_eq(hypervisor->n_calls, 2);
}

Test(gate, a_batch_whose_intents_cannot_be_recorded_is_not_made)
{
	use_audit(open("/dev/full", O_WRONLY | O_CLOEXEC));
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME));
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_PERM_ERROR);
	cr_expect_eq(results.codes[1], XM_C_PERM_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
}

/* Where the log is a pipe that is full after the first intent. */
Test(gate, intents_that_were_recorded_before_one_could_not_be_have_a_result)
{
	struct rlimit limit = { 0, 0 };

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	cr_assert_eq(ask_op(XM_OP_GET_TIME), XM_C_OK);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = strlen(log_text()) + 600; /* one more decision, and its result */
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_GET_TIME, XM_OP_GET_TIME));
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_FSIZE, &limit);
	cr_assert_not(results.ran);
	cr_expect_eq(hypervisor->n_calls, 1);
}

Test(gate, an_absent_argument_of_an_element_is_filled_in)
{
	fake_policy.answer = FAKE_ALLOW;
	fill(1, (unsigned int[]){ XM_OP_CREATE_SAMPLING_PORT });
	elements[0].arg[XM_A_CREATE_SAMPLING_PORT_validPeriod] =
		(struct xm_value){ .state = XM_ST_ABSENT };
	ask_batch(1);
	cr_assert(results.ran);
	cr_expect_eq(hypervisor->last.arg[XM_A_CREATE_SAMPLING_PORT_validPeriod].num, 1000000);
}

Test(gate, a_batch_of_the_greatest_length_runs_whole)
{
	static unsigned int ops[XM_BATCH_MAX];

	fake_policy.answer = FAKE_ALLOW;
	for (unsigned int i = 0; i < XM_BATCH_MAX; i++)
		ops[i] = XM_OP_GET_TIME;
	ask_batch(fill(XM_BATCH_MAX, ops));
	cr_assert(results.ran);
	for (unsigned int i = 0; i < XM_BATCH_MAX; i++)
		cr_assert_eq(next_code(i, i + 1 == XM_BATCH_MAX), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, XM_BATCH_MAX);
}

static void fill_with_reads(unsigned int n, uint32_t size)
{
	for (unsigned int i = 0; i < n; i++) {
		fake_request(XM_OP_READ_SAMPLING_MESSAGE, &elements[i]);
		elements[i].arg[XM_A_READ_SAMPLING_MESSAGE_size].num = size;
	}
}

Test(gate, a_batch_whose_answer_may_be_long_gets_room_or_is_not_made)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fill_with_reads(3, 60000);
	ask_batch(3);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_INVALID_MODE);
	cr_expect(logged("no memory for the answer to the batch"));
	cr_expect_gt(room_size, 180000);
	room = malloc(room_size);
	ask_batch(3);
	cr_expect(results.ran);
	cr_expect_eq(answer.msg, room);
	cr_expect_eq(next_code(0, false), XM_C_INVALID_CONFIG, "out of the domain, as it is");
	free(room);
}

/* What the hypervisor gives is made behind the place where it goes: that takes some room too. */
Test(gate, a_batch_whose_answer_just_fits_into_what_is_lent_gets_room)
{
	size_t max;

	fake_policy.answer = FAKE_ALLOW;
	fill_with_reads(1, 60000);
	max = xm_wire_batch_result_max(elements, 1);
	fill_with_reads(1, (uint32_t)(60000 + sizeof(tx) - max));
	cr_assert_eq(xm_wire_batch_result_max(elements, 1), sizeof(tx));
	ask_batch(1);
	cr_expect_not(results.ran);
	cr_expect_gt(room_size, sizeof(tx));
}

Test(gate, a_batch_whose_answer_may_be_too_long_is_not_made)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fill_with_reads(2, XM_WIRE_DATA_MAX);
	ask_batch(2);
	cr_assert_not(results.ran);
	cr_expect_eq(results.codes[0], XM_C_MULTICALL_ERROR);
	cr_expect_eq(results.codes[1], XM_C_MULTICALL_ERROR);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("the answer to the batch would be too long"));
}

Test(gate, a_broken_batch_is_not_decided)
{
	int len;

	fill(2, (unsigned int[]){ XM_OP_GET_TIME, XM_OP_BROKER_KICK });
	len = xm_wire_put_batch(message, sizeof(message), 77, elements, 2);
	gate.batch = &batch;
	cr_expect_eq(gate_message(&gate, &caller, message, (size_t)len, &call, &answer), -EPROTO);
	cr_expect_eq(fake_policy.n_decided, 0);
}

/* ---- long answers ------------------------------------------------------------------------------------ */

Test(gate, data_beyond_what_is_lent_need_room)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &call.req);
	xm_reply_init(&reply, space, 2);
	cr_assert_eq(gate_request(&gate, &caller, &call, &reply), 0);
	cr_expect_eq(reply.code, XM_C_INVALID_MODE);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect(logged("\"result\":\"XM_INVALID_MODE\""));
}

Test(gate, the_results_of_a_batch_are_on_the_disk_before_an_element_that_may_end_us)
{
	unsigned int before_call = 0;

	fake_policy.answer = FAKE_ALLOW_AUDITED;
	hypervisor->on_call = sync_came_first;
	hypervisor->data = &before_call;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM));
	cr_expect_eq(before_call, 2, "once with the intents, once more with the result");
}

Test(gate, an_element_that_may_end_us_is_not_made_when_the_disk_fails)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	sync_fails_at = 2;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM, XM_OP_GET_TIME));
	cr_assert(results.ran);
	cr_expect_eq(next_code(0, false), XM_C_OK);
	cr_expect_eq(next_code(1, false), XM_C_PERM_ERROR);
	cr_expect_eq(next_code(2, true), XM_C_OK);
	cr_expect_eq(hypervisor->n_calls, 2);
	cr_expect_eq(count("\"type\":\"result\""), 3);
}

Test(gate, a_batch_is_not_made_when_an_intent_is_not_on_the_disk)
{
	fake_policy.answer = FAKE_ALLOW_AUDITED;
	sync_fails_at = 1;
	ask_batch(FILL(XM_OP_GET_TIME, XM_OP_HALT_SYSTEM));
	cr_assert_not(results.ran);
	cr_expect_eq(hypervisor->n_calls, 0);
	cr_expect_eq(count("\"type\":\"result\""), 2);
}
