// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The loopback hypervisor.  Owns nothing but the structure that it is given.  Must stay
 * freestanding, for it is also compiled into the kernel module: no allocation, no clock, no floating
 * point, no input or output; every index comes from a constant table or was checked against one.
 */

#include "xmbroker/sim/loopback_internal.h"

#define N_PLANS 2
#define CONSOLE_MAX 128

enum { READY = 1, SUSPENDED = 2, HALTED = 3 };
enum { MODE_IDLE, MODE_COLD, MODE_WARM, MODE_NORMAL };

static const char partition_names[LOOPBACK_PARTITIONS][LOOPBACK_NAME] = { "linux", "payload",
									  "camera" };
static const char plan_names[N_PLANS][LOOPBACK_NAME] = { "nominal", "safe" };
static const int64_t frame[N_PLANS] = { 100000, 200000 };

static const struct {
	int64_t start, duration; /* us; duration 0: no slot */
} slots[N_PLANS][LOOPBACK_PARTITIONS] = {
	{ { 0, 50000 }, { 50000, 25000 }, { 75000, 25000 } },
	{ { 0, 150000 }, { 150000, 50000 }, { 0, 0 } },
};

/* ---- time, slots and plans --------------------------------------------------------------------- */

/* Time that partition p has slots for in the first t us of a plan. */
static int64_t slot_time(unsigned int plan, unsigned int p, int64_t t)
{
	int64_t in = t % frame[plan] - slots[plan][p].start;

	if (in < 0)
		in = 0;
	if (in > slots[plan][p].duration)
		in = slots[plan][p].duration;
	return t / frame[plan] * slots[plan][p].duration + in;
}

/* How many of its slots begin in the first t us, the last one included. */
static int64_t slot_starts(unsigned int plan, unsigned int p, int64_t t)
{
	if (!slots[plan][p].duration)
		return 0;
	return t / frame[plan] + (t % frame[plan] >= slots[plan][p].start);
}

/* Accounts the time up to t, in which neither plan nor states change. */
static void account(struct loopback *lb, int64_t t)
{
	int64_t from = lb->settled - lb->epoch, to = t - lb->epoch;

	for (unsigned int i = 0; i < LOOPBACK_PARTITIONS; i++) {
		struct loopback_partition *p = &lb->partition[i];
		int64_t begun = lb->begun ? slot_starts(lb->plan, i, from) : 0;

		if (p->halted || p->suspended)
			continue;
		p->exec += slot_time(lb->plan, i, to) - slot_time(lb->plan, i, from);
		if (p->fresh && slot_starts(lb->plan, i, to) > begun) {
			p->fresh = false;
			p->vcpu_mode = MODE_NORMAL;
		}
	}
	lb->settled = t;
	lb->begun = true;
}

static void advance(struct loopback *lb, int64_t now)
{
	if (now > lb->now)
		lb->now = now;
	if (lb->next_plan != lb->plan && lb->now >= lb->switch_at) {
		account(lb, lb->switch_at);
		lb->frames += (uint64_t)((lb->switch_at - lb->epoch) / frame[lb->plan]);
		lb->prev_plan = (int32_t)lb->plan;
		lb->plan = lb->next_plan;
		lb->epoch = lb->switch_at;
		lb->begun = false;
		lb->switch_time = lb->switch_at - lb->boot;
	}
	account(lb, lb->now);
}

static void call_get_time(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t clock = loopback_arg(req, XM_A_GET_TIME_clock)->num;

	if (loopback_arg(req, XM_A_GET_TIME_time)->state != XM_ST_OK || clock > 1) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	xm_reply_put_num(
		reply, XM_A_GET_TIME_time,
		(uint64_t)(clock ? lb->partition[LOOPBACK_SELF].exec : loopback_clock(lb)));
}

static void call_set_timer(struct loopback *lb, const struct xm_request *req,
			   struct xm_reply *reply)
{
	(void)lb;
	if (loopback_arg(req, XM_A_SET_TIMER_clock)->num > 2 ||
	    (int64_t)loopback_arg(req, XM_A_SET_TIMER_absTime)->num < 0 ||
	    (int64_t)loopback_arg(req, XM_A_SET_TIMER_interval)->num < 0)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
}

static void call_switch_plan(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	uint64_t plan = loopback_arg(req, XM_A_SWITCH_SCHED_PLAN_newPlan)->num;
	int64_t m = frame[lb->plan];

	if (loopback_arg(req, XM_A_SWITCH_SCHED_PLAN_oldPlan)->state != XM_ST_OK) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else if (plan == lb->plan) {
		xm_reply_fail(reply, XM_C_NO_ACTION);
	} else if (plan >= N_PLANS) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else {
		lb->next_plan = (uint32_t)plan;
		lb->switch_at = lb->epoch + ((lb->now - lb->epoch) / m + 1) * m;
		xm_reply_put_num(reply, XM_A_SWITCH_SCHED_PLAN_oldPlan, lb->plan);
	}
}

/* ---- life cycle -------------------------------------------------------------------------------- */

static void start_partition(struct loopback *lb, unsigned int i, uint32_t mode, uint32_t status)
{
	struct loopback_partition *p = &lb->partition[i];

	p->halted = false;
	p->suspended = false;
	p->fresh = true;
	p->op_mode = mode;
	p->vcpu_mode = MODE_IDLE;
	p->reset_counter = mode == MODE_WARM ? p->reset_counter + 1 : 0;
	p->reset_status = status;
	loopback_close_ports(lb, i);
}

void loopback_init(struct loopback *lb, int64_t now_us)
{
	memset(lb, 0, sizeof(*lb));
	lb->now = lb->boot = lb->settled = lb->epoch = now_us;
	lb->prev_plan = -1;
	for (unsigned int i = 0; i < LOOPBACK_PARTITIONS; i++)
		start_partition(lb, i, MODE_IDLE, 0);
}

/* The call that stops its own caller: how it ended, the caller does not learn. */
static void never_returns(struct xm_reply *reply)
{
	xm_reply_fail(reply, XM_C_UNKNOWN_OUTCOME);
}

void loopback_stop(struct loopback *lb, struct xm_reply *reply)
{
	lb->stopped = true;
	never_returns(reply);
}

void loopback_restart(struct loopback *lb, uint32_t status, struct xm_reply *reply)
{
	struct loopback_partition *self = &lb->partition[LOOPBACK_SELF];

	self->fresh = true;
	self->vcpu_mode = MODE_IDLE;
	self->reset_status = status;
	never_returns(reply);
}

static void call_halt_partition(struct loopback *lb, const struct xm_request *req,
				struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, 0)->num;

	if (id == LOOPBACK_SELF) {
		loopback_stop(lb, reply);
	} else if (id >= LOOPBACK_PARTITIONS) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	} else if (lb->partition[id].halted) {
		xm_reply_fail(reply, XM_C_NO_ACTION);
	} else {
		lb->partition[id].halted = true;
		lb->partition[id].op_mode = lb->partition[id].vcpu_mode = MODE_IDLE;
	}
}

static void call_suspend_partition(struct loopback *lb, const struct xm_request *req,
				   struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, 0)->num;

	if (id == LOOPBACK_SELF)
		loopback_stop(lb, reply);
	else if (id >= LOOPBACK_PARTITIONS)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else if (lb->partition[id].suspended || lb->partition[id].halted)
		xm_reply_fail(reply, XM_C_NO_ACTION);
	else
		lb->partition[id].suspended = true;
}

static void call_resume_partition(struct loopback *lb, const struct xm_request *req,
				  struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, 0)->num;

	if (id >= LOOPBACK_PARTITIONS)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else if (!lb->partition[id].suspended || lb->partition[id].halted)
		xm_reply_fail(reply, XM_C_NO_ACTION);
	else
		lb->partition[id].suspended = false;
}

static void call_reset_partition(struct loopback *lb, const struct xm_request *req,
				 struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, XM_A_RESET_PARTITION_partitionId)->num;
	uint64_t mode = loopback_arg(req, XM_A_RESET_PARTITION_resetMode)->num;

	if (id >= LOOPBACK_PARTITIONS || mode > 1) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	start_partition(lb, (unsigned int)id, mode ? MODE_WARM : MODE_COLD,
			(uint32_t)loopback_arg(req, XM_A_RESET_PARTITION_status)->num);
	if (id == LOOPBACK_SELF)
		never_returns(reply);
}

static void call_shutdown_partition(struct loopback *lb, const struct xm_request *req,
				    struct xm_reply *reply)
{
	(void)lb;
	if (loopback_arg(req, 0)->num >= LOOPBACK_PARTITIONS)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
}

static void call_halt_system(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	(void)req;
	loopback_stop(lb, reply);
}

static void call_reset_system(struct loopback *lb, const struct xm_request *req,
			      struct xm_reply *reply)
{
	uint64_t mode = loopback_arg(req, 0)->num;
	uint32_t counter = mode ? lb->reset_counter + 1 : 0;

	if (mode > 1) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	loopback_init(lb, lb->now);
	lb->reset_counter = counter;
	never_returns(reply);
}

/* ---- console ----------------------------------------------------------------------------------- */

static void call_write_console(struct loopback *lb, const struct xm_request *req,
			       struct xm_reply *reply)
{
	uint64_t length = loopback_arg(req, XM_A_WRITE_CONSOLE_length)->num;

	(void)lb;
	if (loopback_arg(req, XM_A_WRITE_CONSOLE_partitionId)->num != LOOPBACK_SELF)
		xm_reply_fail(reply, XM_C_PERM_ERROR);
	else if (loopback_arg(req, XM_A_WRITE_CONSOLE_buffer)->state != XM_ST_OK ||
		 length > CONSOLE_MAX)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else
		reply->value = (uint32_t)length;
}

static void call_not_allowed(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	(void)lb;
	(void)req;
	xm_reply_fail(reply, XM_C_OP_NOT_ALLOWED);
}

/* ---- status and names -------------------------------------------------------------------------- */

static uint64_t sum(const struct loopback *lb, unsigned int which)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < LOOPBACK_PARTITIONS; i++)
		total += lb->partition[i].count[which];
	return total;
}

static void call_system_status(struct loopback *lb, const struct xm_request *req,
			       struct xm_reply *reply)
{
	uint64_t *words;

	if (loopback_arg(req, 0)->state != XM_ST_OK) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	words = xm_reply_put_words(reply, 0, XM_NF_SYSTEM_STATUS);
	words[XM_F_SYSTEM_STATUS_resetCounter] = lb->reset_counter;
	words[XM_F_SYSTEM_STATUS_currentMaf] =
		lb->frames + (uint64_t)((lb->now - lb->epoch) / frame[lb->plan]);
	words[XM_F_SYSTEM_STATUS_noSamplingPortMsgsRead] = sum(lb, SAMPLES_READ);
	words[XM_F_SYSTEM_STATUS_noSamplingPortMsgsWritten] = sum(lb, SAMPLES_WRITTEN);
	words[XM_F_SYSTEM_STATUS_noQueuingPortMsgsSent] = sum(lb, MESSAGES_SENT);
	words[XM_F_SYSTEM_STATUS_noQueuingPortMsgsReceived] = sum(lb, MESSAGES_RECEIVED);
}

static uint32_t state_of(const struct loopback_partition *p)
{
	return p->halted ? HALTED : p->suspended ? SUSPENDED : READY;
}

static void call_partition_status(struct loopback *lb, const struct xm_request *req,
				  struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, 0)->num;
	const struct loopback_partition *p;
	uint64_t *words;

	if (loopback_arg(req, 1)->state != XM_ST_OK || id >= LOOPBACK_PARTITIONS) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	p = &lb->partition[id];
	words = xm_reply_put_words(reply, 1, XM_NF_PARTITION_STATUS);
	words[XM_F_PARTITION_STATUS_state] = state_of(p);
	words[XM_F_PARTITION_STATUS_opMode] = p->op_mode;
	words[XM_F_PARTITION_STATUS_resetCounter] = p->reset_counter;
	words[XM_F_PARTITION_STATUS_resetStatus] = p->reset_status;
	words[XM_F_PARTITION_STATUS_execClock] = (uint64_t)p->exec;
	words[XM_F_PARTITION_STATUS_noSamplingPortMsgsRead] = p->count[SAMPLES_READ];
	words[XM_F_PARTITION_STATUS_noSamplingPortMsgsWritten] = p->count[SAMPLES_WRITTEN];
	words[XM_F_PARTITION_STATUS_noQueuingPortMsgsSent] = p->count[MESSAGES_SENT];
	words[XM_F_PARTITION_STATUS_noQueuingPortMsgsReceived] = p->count[MESSAGES_RECEIVED];
}

static void call_vcpu_status(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, XM_A_GET_VCPU_STATUS_partitionId)->num;
	uint64_t *words;

	if (loopback_arg(req, XM_A_GET_VCPU_STATUS_status)->state != XM_ST_OK ||
	    id >= LOOPBACK_PARTITIONS || loopback_arg(req, XM_A_GET_VCPU_STATUS_vcpu)->num != 0) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	words = xm_reply_put_words(reply, XM_A_GET_VCPU_STATUS_status, XM_NF_VCPU_STATUS);
	words[XM_F_VCPU_STATUS_state] = state_of(&lb->partition[id]);
	words[XM_F_VCPU_STATUS_opMode] = lb->partition[id].vcpu_mode;
}

static void call_plan_status(struct loopback *lb, const struct xm_request *req,
			     struct xm_reply *reply)
{
	uint64_t *words;

	if (loopback_arg(req, XM_A_GET_PLAN_STATUS_status)->state != XM_ST_OK) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	words = xm_reply_put_words(reply, XM_A_GET_PLAN_STATUS_status, XM_NF_PLAN_STATUS);
	words[XM_F_PLAN_STATUS_switchTime] = (uint64_t)lb->switch_time;
	words[XM_F_PLAN_STATUS_next] = lb->next_plan;
	words[XM_F_PLAN_STATUS_current] = lb->plan;
	words[XM_F_PLAN_STATUS_prev] = (uint64_t)(int64_t)lb->prev_plan;
}

static void call_opmode(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	uint64_t id = loopback_arg(req, XM_A_SET_PARTITION_OPMODE_partitionId)->num;
	uint64_t mode = loopback_arg(req, XM_A_SET_PARTITION_OPMODE_opMode)->num;

	if (id >= LOOPBACK_PARTITIONS || mode > MODE_NORMAL)
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
	else
		lb->partition[id].op_mode = (uint32_t)mode;
}

static void call_get_gid(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	const struct xm_value *name = loopback_arg(req, XM_A_GET_GID_BY_NAME_name);
	uint64_t entity = loopback_arg(req, XM_A_GET_GID_BY_NAME_entity)->num;
	const char(*names)[LOOPBACK_NAME] = entity ? plan_names : partition_names;
	uint32_t n = entity ? N_PLANS : LOOPBACK_PARTITIONS;

	(void)lb;
	if (name->state != XM_ST_OK || entity > 1) {
		xm_reply_fail(reply, XM_C_INVALID_PARAM);
		return;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (loopback_same_name(names[i], name)) {
			reply->value = i;
			return;
		}
	}
	xm_reply_fail(reply, XM_C_INVALID_CONFIG);
}

/* ---- dispatch ---------------------------------------------------------------------------------- */

static void call_nothing(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply)
{
	(void)lb;
	(void)req;
	(void)reply;
}

static loopback_fn *const calls[XM_N_OPS] = {
	[XM_OP_PARTITION_SELF] = call_nothing, /* partition 0 */
	[XM_OP_GET_TIME] = call_get_time,
	[XM_OP_SET_TIMER] = call_set_timer,
	[XM_OP_HALT_PARTITION] = call_halt_partition,
	[XM_OP_SUSPEND_PARTITION] = call_suspend_partition,
	[XM_OP_RESUME_PARTITION] = call_resume_partition,
	[XM_OP_RESET_PARTITION] = call_reset_partition,
	[XM_OP_SHUTDOWN_PARTITION] = call_shutdown_partition,
	[XM_OP_IDLE_SELF] = call_nothing,
	[XM_OP_HALT_SYSTEM] = call_halt_system,
	[XM_OP_RESET_SYSTEM] = call_reset_system,
	[XM_OP_WRITE_CONSOLE] = call_write_console,
	[XM_OP_READ_CONSOLE] = call_not_allowed,
	[XM_OP_SEEK_CONSOLE] = call_not_allowed,
	[XM_OP_CREATE_SAMPLING_PORT] = loopback_create_port,
	[XM_OP_READ_SAMPLING_MESSAGE] = loopback_read_sampling,
	[XM_OP_WRITE_SAMPLING_MESSAGE] = loopback_write_sampling,
	[XM_OP_GET_SAMPLING_PORT_STATUS] = loopback_sampling_status,
	[XM_OP_GET_SAMPLING_PORT_INFO] = loopback_port_info,
	[XM_OP_CREATE_QUEUING_PORT] = loopback_create_port,
	[XM_OP_SEND_QUEUING_MESSAGE] = loopback_send,
	[XM_OP_RECEIVE_QUEUING_MESSAGE] = loopback_receive,
	[XM_OP_GET_QUEUING_PORT_STATUS] = loopback_queuing_status,
	[XM_OP_GET_QUEUING_PORT_INFO] = loopback_port_info,
	[XM_OP_HM_READ] = loopback_hm,
	[XM_OP_HM_SEEK] = loopback_hm,
	[XM_OP_HM_STATUS] = loopback_hm,
	[XM_OP_HM_LOCK_EVENTS] = loopback_hm,
	[XM_OP_HM_UNLOCK_EVENTS] = loopback_hm,
	[XM_OP_HM_RESET_EVENTS] = loopback_hm,
	[XM_OP_GET_SYSTEM_STATUS] = call_system_status,
	[XM_OP_GET_PARTITION_STATUS] = call_partition_status,
	[XM_OP_GET_PLAN_STATUS] = call_plan_status,
	[XM_OP_SET_PARTITION_OPMODE] = call_opmode,
	[XM_OP_GET_VCPU_STATUS] = call_vcpu_status,
	[XM_OP_GET_PHYSPAGE_STATUS] = loopback_physpage,
	[XM_OP_SWITCH_SCHED_PLAN] = call_switch_plan,
	[XM_OP_GET_GID_BY_NAME] = call_get_gid,
	[XM_OP_TRACE_EVENT] = loopback_trace_event,
	[XM_OP_TRACE_UNRECOVERABLE] = loopback_trace_event,
	[XM_OP_TRACE_READ] = loopback_trace,
	[XM_OP_TRACE_SEEK] = loopback_trace,
	[XM_OP_TRACE_STATUS] = loopback_trace,
	[XM_OP_TRACE_LOCK] = loopback_trace,
	[XM_OP_TRACE_UNLOCK] = loopback_trace,
	[XM_OP_TRACE_RESET] = loopback_trace,
	[XM_OP_MEMORY_COPY] = loopback_memory_copy,
	[XM_OP_SET_IRQMASK] = call_nothing,
	[XM_OP_CLEAR_IRQMASK] = call_nothing,
	[XM_OP_SET_IRQPEND] = call_nothing,
	[XM_OP_CLEAR_IRQPEND] = call_nothing,
	[XM_OP_ROUTE_IRQ] = loopback_route_irq,
	[XM_OP_RAISE_IPVI] = loopback_raise_ipvi,
	[XM_OP_RAISE_PARTITION_IPVI] = loopback_raise_ipvi,
	[XM_OP_UPDATE_PAGE32] = loopback_update_page32,
	[XM_OP_SET_PAGE_TYPE] = loopback_set_page_type,
	[XM_OP_INVLD_TLB] = call_nothing,
	[XM_OP_OVERRIDE_TRAP_HNDL] = call_nothing,
	[XM_OP_RESET_VCPU] = loopback_vcpu,
	[XM_OP_HALT_VCPU] = loopback_vcpu,
	[XM_OP_SUSPEND_VCPU] = loopback_vcpu,
	[XM_OP_RESUME_VCPU] = loopback_vcpu,
	[XM_OP_GET_VCPUID] = call_nothing, /* virtual processor 0 */
	[XM_OP_X86_LOAD_CR0] = call_nothing,
	[XM_OP_X86_LOAD_CR3] = call_nothing,
	[XM_OP_X86_LOAD_CR4] = call_nothing,
	[XM_OP_X86_LOAD_TSS] = call_nothing,
	[XM_OP_X86_LOAD_GDT] = call_nothing,
	[XM_OP_X86_LOAD_IDTR] = call_nothing,
	[XM_OP_X86_UPDATE_SS_SP] = call_nothing,
	[XM_OP_X86_UPDATE_GDT] = loopback_update_descriptor,
	[XM_OP_X86_UPDATE_IDT] = loopback_update_descriptor,
	[XM_OP_X86_SET_IF] = call_nothing,
	[XM_OP_X86_CLEAR_IF] = call_nothing,
};

/* What the caller itself could not classify; the reasons are those of libxm. */
static enum xm_code unclassified(const struct xm_request *req)
{
	return req->op == XM_OP_UNCLASSIFIED ? xm_unclassified_code(req) : XM_C_UNKNOWN_HYPERCALL;
}

void loopback_call(struct loopback *lb, const struct xm_request *req, struct xm_reply *reply,
		   int64_t now_us)
{
	xm_reply_init(reply, reply->space, reply->space_len);
	if (lb->stopped) {
		xm_reply_fail(reply, XM_C_INVALID_MODE);
		return;
	}
	advance(lb, now_us);
	/* Whoever calls has got a slot. */
	if (lb->partition[LOOPBACK_SELF].fresh) {
		lb->partition[LOOPBACK_SELF].fresh = false;
		lb->partition[LOOPBACK_SELF].vcpu_mode = MODE_NORMAL;
	}
	if (req->op < XM_N_OPS && calls[req->op])
		calls[req->op](lb, req, reply);
	else
		xm_reply_fail(reply, unclassified(req));
}
