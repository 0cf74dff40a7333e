// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loopback hypervisor, by itself and against the simulator on the same description: the two were
 * written apart, so where they agree on random calls they probably both follow the manual.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/text.h"
#include "libxm/system/load.h"
#include "xmbroker/backend.h"
#include "xmbroker/sim/loopback.h"
#include "xmbroker/sim/sim.h"

#define N_CALLS 100000
#define SPACE 65536

struct rig {
	struct system *sys;
	struct sim *sim;
	struct loopback loopback;
	struct xm_reply a, b;
	uint8_t space_a[SPACE], space_b[SPACE];
	uint64_t random;
	int64_t now;
	unsigned int succeeded[XM_N_OPS];
};

static struct system *load_builtin(void)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load_text("loopback", system_loopback_xml, strlen(system_loopback_xml),
				      &diag, &sys),
		     0);
	diag_free(&diag);
	return sys;
}

static void boot(struct rig *rig)
{
	sim_free(rig->sim);
	rig->sim = NULL;
	cr_assert_eq(sim_new(rig->sys, NULL, rig->now, &rig->sim), 0);
	loopback_init(&rig->loopback, rig->now);
}

static struct rig *rig_new(void)
{
	struct rig *rig = calloc(1, sizeof(*rig));

	cr_assert_not_null(rig);
	rig->sys = load_builtin();
	rig->random = 88172645463325252u;
	rig->now = 1000;
	xm_reply_init(&rig->a, rig->space_a, SPACE);
	xm_reply_init(&rig->b, rig->space_b, SPACE);
	boot(rig);
	return rig;
}

static void rig_free(struct rig *rig)
{
	sim_free(rig->sim);
	free(rig->sys);
	free(rig);
}

static uint32_t dice(struct rig *rig, uint32_t n)
{
	rig->random ^= rig->random << 13;
	rig->random ^= rig->random >> 7;
	rig->random ^= rig->random << 17;
	return (uint32_t)((rig->random >> 11) % n);
}

/* ---- random requests, mostly sensible ------------------------------------------------------------- */

static const char *const names[] = {
	"attitude", "hk-1", "commands", "telemetry", "linux",
	"camera",   "safe", "nominal",  "",          "attitude-but-longer"
};

static uint64_t random_number(struct rig *rig, const struct xm_arg *arg)
{
	static const uint64_t odd[] = {
		0, 1, 2, 3, 4, 8, 64, 65, 128, 129, 255, 1000000, UINT32_MAX
	};
	uint64_t n = odd[dice(rig, sizeof(odd) / sizeof(odd[0]))];

	switch (arg->domain) {
	case XM_D_SELF:
		return dice(rig, 12) ? 0 : n;
	case XM_D_HYPERVISOR:
		return dice(rig, 12) ? XM_HYPERVISOR_ID : n;
	case XM_D_ENUM:
	case XM_D_RESOURCE_ENUM:
		return dice(rig, 12) ? dice(rig, 4) : n;
	case XM_D_SAMPLING_PORT:
	case XM_D_QUEUING_PORT:
		return dice(rig, 12) ? dice(rig, 9) : n;
	case XM_D_PARTITION:
		return dice(rig, 12) ? 1 + dice(rig, 3) : n;
	case XM_D_PLAN:
		return dice(rig, 3);
	case XM_D_RESOURCE:
		if (arg->type == XM_T_U32 || arg->type == XM_T_S32)
			return n;
		return 0x4000000 + (uint64_t)dice(rig, 4) * 0x2000000;
	case XM_D_MESSAGE_SIZE:
		return dice(rig, 4) ? 1 + dice(rig, 130) : n;
	case XM_D_COUNT:
		return dice(rig, 18);
	case XM_D_IPVI:
		return 22 + dice(rig, 12);
	case XM_D_RESOURCE_IRQ:
		return dice(rig, 36);
	default:
		break;
	}
	if (!strcmp(arg->name, "maxMsgSize"))
		return dice(rig, 3) ? (dice(rig, 2) ? 64 : 128) : n;
	if (!strcmp(arg->name, "maxNoMsgs"))
		return dice(rig, 4) ? 8 : n;
	if (!strcmp(arg->name, "validPeriod"))
		return dice(rig, 4) ? 1000000 : n;
	return n;
}

static void random_value(struct rig *rig, struct xm_request *req, const struct xm_arg *arg,
			 struct xm_value *v)
{
	static const uint8_t fields[XM_MAX_FIELDS * XM_WORD_BYTES] = { 1, 2, 3 };
	const char *name = names[dice(rig, sizeof(names) / sizeof(names[0]))];

	*v = (struct xm_value){ .state = XM_ST_OK };
	if (xm_type_is_scalar(arg->type)) {
		v->num = random_number(rig, arg);
		if (arg->type == XM_T_S32 || arg->type == XM_T_S64)
			v->num = dice(rig, 8) ? v->num : (uint64_t) - (int64_t)dice(rig, 5);
		if (arg->domain == XM_D_OPTIONAL && dice(rig, 4) == 0)
			*v = (struct xm_value){ .state = XM_ST_ABSENT };
		return;
	}
	if (dice(rig, 16) == 0)
		v->state = (uint8_t)(1 + dice(rig, XM_N_STATES - 1));
	if (v->state == XM_ST_OK && arg->type == XM_T_NAME) {
		v->data = (const uint8_t *)name;
		v->len = (uint32_t)strlen(name);
	}
	if (v->state == XM_ST_OK && arg->type == XM_T_STRUCT_IN) {
		v->data = fields;
		v->len = xm_structs[arg->ref].n_fields;
	}
	(void)req;
}

/* The length follows the buffer in the table, so buffers are filled in at the end. */
static void fill_buffers(struct rig *rig, struct xm_request *req)
{
	const struct xm_op *op = &xm_ops[req->op];

	for (unsigned int i = 0; i < op->n_args; i++) {
		struct xm_value *v = &req->arg[i];

		if (op->args[i].type != XM_T_DATA_IN || v->state != XM_ST_OK)
			continue;
		if (req->arg[op->args[i].ref].num > SPACE)
			req->arg[op->args[i].ref].num = 7;
		v->len = (uint32_t)req->arg[op->args[i].ref].num;
		memset(rig->space_a, (int)dice(rig, 256), v->len);
		v->data = rig->space_a;
	}
}

/* Calls that mostly end in a restart are rare, so that something can build up between them. */
static bool stops(unsigned int op)
{
	return op == XM_OP_HALT_SYSTEM || op == XM_OP_RESET_SYSTEM || op == XM_OP_HALT_PARTITION ||
	       op == XM_OP_SUSPEND_PARTITION || op == XM_OP_RESET_PARTITION ||
	       op == XM_OP_HALT_VCPU || op == XM_OP_SUSPEND_VCPU || op == XM_OP_RESET_VCPU ||
	       op == XM_OP_TRACE_UNRECOVERABLE;
}

/* The broker answers these, and so does the simulator; the hypervisor has no such calls. */
static bool is_described(unsigned int op)
{
	return xm_ops[op].flags & XM_OPF_DESCRIBED;
}

/* A port is opened more often when the arguments belong together. */
static void match_port(struct rig *rig, struct xm_request *req)
{
	static const char *const own[] = { "attitude", "hk-1", "commands", "telemetry" };
	uint32_t port = dice(rig, 4);

	if (!(xm_ops[req->op].flags & XM_OPF_CREATES_PORT) || dice(rig, 3) == 0)
		return;
	req->arg[1] = (struct xm_value){ .data = (const uint8_t *)own[port],
					 .len = (uint32_t)strlen(own[port]) };
	req->arg[req->op == XM_OP_CREATE_QUEUING_PORT ? 4 : 3].num = port % 2 ? 1 : 2;
}

static void random_request(struct rig *rig, struct xm_request *req)
{
	do
		*req = (struct xm_request){ .op = dice(rig, XM_N_OPS) };
	while (stops(req->op) && dice(rig, 50));
	for (unsigned int i = 0; i < xm_ops[req->op].n_args; i++)
		random_value(rig, req, &xm_ops[req->op].args[i], &req->arg[i]);
	match_port(rig, req);
	fill_buffers(rig, req);
	/* The ways in which the two are meant to differ. */
	if (req->op == XM_OP_SET_TIMER && req->arg[XM_A_SET_TIMER_clock].num == 2)
		req->arg[XM_A_SET_TIMER_absTime].num = 0;
	if (req->op == XM_OP_TRACE_EVENT && req->arg[XM_A_TRACE_EVENT_criticality].num == 3)
		req->arg[XM_A_TRACE_EVENT_criticality].num = 0;
	if (req->op == XM_OP_IDLE_SELF || is_described(req->op))
		req->op = XM_OP_PARTITION_SELF;
}

/* ---- comparison ----------------------------------------------------------------------------------- */

static bool same_output(const struct xm_value *a, const struct xm_value *b)
{
	return a->state == b->state && a->len == b->len && a->num == b->num &&
	       !a->data == !b->data && !a->words == !b->words &&
	       (!a->data || !memcmp(a->data, b->data, a->len)) &&
	       (!a->words || !memcmp(a->words, b->words, a->len * sizeof(uint64_t)));
}

static void compare(const struct rig *rig, const struct xm_request *req, unsigned int nr)
{
	char buf[512];
	struct text text = TEXT_INIT(buf);

	text_call(&text, req);
	cr_assert_eq(rig->a.code, rig->b.code, "call %u %s: simulator %s, loopback %s", nr, buf,
		     xm_code_name(rig->a.code), xm_code_name(rig->b.code));
	cr_assert_eq(rig->a.value, rig->b.value, "call %u %s: %u, %u", nr, buf, rig->a.value,
		     rig->b.value);
	for (unsigned int i = 0; i < XM_MAX_ARGS; i++)
		cr_assert(same_output(&rig->a.out[i], &rig->b.out[i]), "call %u %s: output %u", nr,
			  buf, i);
}

/* Only the simulator counts virtual interrupts. */
static void forget_irqs(struct rig *rig, const struct xm_request *req)
{
	if (req->op == XM_OP_GET_PARTITION_STATUS && rig->a.code == XM_C_OK)
		rig->a.words[XM_F_PARTITION_STATUS_noVIrqs] = 0;
}

/* Passes through the codes that only one side has: see loopback.h. */
static void step(struct rig *rig, unsigned int nr)
{
	struct xm_request req;
	enum sim_result result;

	rig->now += dice(rig, 3) ? dice(rig, 100) : dice(rig, 300000);
	random_request(rig, &req);
	/* The loopback side keeps what it needs of the buffer, which the simulator may overwrite. */
	loopback_call(&rig->loopback, &req, &rig->b, rig->now);
	rig->a.space = rig->space_a + SPACE / 2;
	rig->a.space_len = SPACE / 2;
	result = sim_call(rig->sim, 0, &req, &rig->a, rig->now);
	if (result == SIM_REPLY) {
		forget_irqs(rig, &req);
		compare(rig, &req, nr);
		rig->succeeded[req.op] += rig->a.code == XM_C_OK;
		return;
	}
	cr_assert_eq(rig->b.code, XM_C_UNKNOWN_OUTCOME);
	loopback_call(&rig->loopback, &(struct xm_request){ .op = XM_OP_PARTITION_SELF }, &rig->b,
		      rig->now);
	result = sim_call(rig->sim, 0, &(struct xm_request){ .op = XM_OP_PARTITION_SELF }, &rig->a,
			  rig->now);
	cr_assert_eq(rig->b.code, result == SIM_REPLY ? XM_C_OK : XM_C_INVALID_MODE);
	if (result != SIM_REPLY)
		boot(rig);
}

static bool can_succeed(unsigned int op)
{
	if (!(xm_ops[op].profiles & XM_IN_3X) || is_described(op) ||
	    xm_ops[op].flags & XM_OPF_BROKER)
		return false;
	switch (op) {
	case XM_OP_IDLE_SELF:   /* not compared */
	case XM_OP_HALT_SYSTEM: /* never return */
	case XM_OP_RESET_SYSTEM:
	case XM_OP_TRACE_UNRECOVERABLE:
	case XM_OP_HALT_VCPU:
	case XM_OP_SUSPEND_VCPU:
	case XM_OP_RESET_VCPU:
	case XM_OP_RESUME_VCPU: /* who runs is not suspended */
	case XM_OP_RAISE_IPVI:  /* none leads anywhere */
	case XM_OP_RAISE_PARTITION_IPVI:
	case XM_OP_RECEIVE_QUEUING_MESSAGE: /* nobody sends */
		return false;
	default:
		return true;
	}
}

Test(loopback, answers_as_the_simulator)
{
	struct rig *rig = rig_new();

	for (unsigned int i = 0; i < N_CALLS; i++)
		step(rig, i);
	/* The comparison is worth something only if every operation also succeeded. */
	for (unsigned int op = XM_OP_GET_TIME; op < XM_N_OPS; op++)
		if (can_succeed(op))
			cr_assert_gt(rig->succeeded[op], 0, "%s", xm_ops[op].name);
	rig_free(rig);
}

/* The same with every port open, so that messages really flow. */
static void call_both(struct rig *rig, const struct xm_request *req)
{
	rig->a.space = rig->space_a;
	sim_call(rig->sim, 0, req, &rig->a, rig->now);
	loopback_call(&rig->loopback, req, &rig->b, rig->now);
	compare(rig, req, 0);
}

Test(loopback, moves_messages_as_the_simulator)
{
	struct rig *rig = rig_new();
	const uint8_t message[100] = "go";
	struct xm_request create = { .op = XM_OP_CREATE_QUEUING_PORT,
				     .arg = { { .num = 0 },
					      { .data = (const uint8_t *)"commands", .len = 8 },
					      { .num = 8 },
					      { .num = 128 },
					      { .num = 2 } } };
	struct xm_request send = { .op = XM_OP_SEND_QUEUING_MESSAGE,
				   .arg = { { .num = 0 },
					    { .num = 2 },
					    { .data = message, .len = 100 },
					    { .num = 100 } } };
	struct xm_request status = { .op = XM_OP_GET_QUEUING_PORT_STATUS,
				     .arg = { { .num = 0 }, { .num = 2 } } };

	call_both(rig, &create);
	cr_assert_eq(rig->a.value, 2);
	for (unsigned int i = 0; i < 9; i++)
		call_both(rig, &send);
	cr_assert_eq(rig->a.code, XM_C_OP_NOT_ALLOWED);
	call_both(rig, &status);
	cr_assert_eq(rig->a.words[XM_F_QUEUING_STATUS_noMsgs], 8);
	rig_free(rig);
}

/* ---- by itself ------------------------------------------------------------------------------------ */

static struct xm_reply call_loopback(struct loopback *lb, unsigned int op, uint64_t a0, uint64_t a1)
{
	static __thread uint8_t space[256];
	struct xm_request req = { .op = op, .arg = { { .num = a0 }, { .num = a1 } } };
	struct xm_reply reply;

	xm_reply_init(&reply, space, sizeof(space));
	loopback_call(lb, &req, &reply, lb->now + 1);
	return reply;
}

Test(loopback, halted_system_answers_invalid_mode)
{
	struct loopback lb;

	loopback_init(&lb, 0);
	cr_assert_eq(call_loopback(&lb, XM_OP_HALT_SYSTEM, 0, 0).code, XM_C_UNKNOWN_OUTCOME);
	cr_assert_eq(call_loopback(&lb, XM_OP_GET_TIME, 0, 0).code, XM_C_INVALID_MODE);
	cr_assert_eq(call_loopback(&lb, XM_OP_RESET_SYSTEM, 0, 0).code, XM_C_INVALID_MODE);
}

Test(loopback, reset_counts_and_starts_anew)
{
	struct loopback lb;

	loopback_init(&lb, 500);
	cr_assert_eq(call_loopback(&lb, XM_OP_HALT_PARTITION, 1, 0).code, XM_C_OK);
	cr_assert_eq(call_loopback(&lb, XM_OP_RESET_SYSTEM, 1, 0).code, XM_C_UNKNOWN_OUTCOME);
	cr_assert_eq(call_loopback(&lb, XM_OP_GET_PARTITION_STATUS, 1, 0).words[0], 1);
	cr_assert_eq(call_loopback(&lb, XM_OP_GET_SYSTEM_STATUS, 0, 0).words[0], 1);
	cr_assert_eq(call_loopback(&lb, XM_OP_RESET_SYSTEM, 0, 0).code, XM_C_UNKNOWN_OUTCOME);
	cr_assert_eq(call_loopback(&lb, XM_OP_GET_SYSTEM_STATUS, 0, 0).words[0], 0);
}

Test(loopback, time_never_goes_backwards)
{
	struct loopback lb;
	struct xm_request req = { .op = XM_OP_GET_TIME };
	struct xm_reply reply;

	loopback_init(&lb, 1000);
	xm_reply_init(&reply, NULL, 0);
	loopback_call(&lb, &req, &reply, 1500);
	cr_assert_eq(reply.out[1].num, 500);
	loopback_call(&lb, &req, &reply, 1200);
	cr_assert_eq(reply.out[1].num, 500);
}

Test(loopback, is_a_backend)
{
	struct backend *backend = NULL;
	struct backend_info info;
	struct xm_request req = { .op = XM_OP_GET_TIME };
	struct xm_reply reply;

	cr_assert_eq(backend_loopback_new(&backend), 0);
	backend->ops->info(backend, &info);
	cr_assert_eq(info.profile, XM_PROFILE_ID_3_X);
	cr_assert_eq(info.n_partitions, 3);
	xm_reply_init(&reply, NULL, 0);
	backend->ops->call(backend, &req, &reply);
	cr_assert_eq(reply.code, XM_C_OK);
	cr_assert_eq(backend->ops->fd(backend), -1);
	backend->ops->free(backend);
}
