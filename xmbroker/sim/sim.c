// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The simulated hypervisor: its life and the dispatch of operations.  Owns all state.  Must never do
 * input or output: console bytes go to whoever asked for them.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/sim/sim_internal.h"

bool sim_same_name(const char *name, const struct xm_value *v)
{
	char given[SIM_NAME] = { 0 };

	if (v->len)
		memcpy(given, v->data, v->len < SIM_NAME ? v->len : SIM_NAME);
	return strncmp(name, given, SIM_NAME) == 0;
}

/* ---- operations that belong to no family --------------------------------------------------------- */

static enum xm_code partition_self(struct sim_call *c)
{
	c->reply->value = c->self;
	return XM_C_OK;
}

/* The originals answer -1 for a number that no hypercall has. */
static enum xm_code unclassified(struct sim_call *c)
{
	enum xm_code code = xm_unclassified_code(c->req);

	if (code == XM_C_UNKNOWN_HYPERCALL && c->sim->quirks)
		return sim_minus_one(c->sim);
	if (code == XM_C_OP_NOT_ALLOWED && c->sim->family == 2)
		return XM_C_INVALID_PARAM;
	return code;
}

static sim_fn *const operations[XM_N_OPS] = {
	[XM_OP_UNCLASSIFIED] = unclassified,
	[XM_OP_PARTITION_SELF] = partition_self,
	[XM_OP_GET_TIME] = sim_get_time,
	[XM_OP_SET_TIMER] = sim_set_timer,
	[XM_OP_HALT_PARTITION] = sim_halt_partition,
	[XM_OP_SUSPEND_PARTITION] = sim_suspend_partition,
	[XM_OP_RESUME_PARTITION] = sim_resume_partition,
	[XM_OP_RESET_PARTITION] = sim_reset_partition,
	[XM_OP_SHUTDOWN_PARTITION] = sim_shutdown_partition,
	[XM_OP_IDLE_SELF] = sim_idle_self,
	[XM_OP_HALT_SYSTEM] = sim_halt_system,
	[XM_OP_RESET_SYSTEM] = sim_reset_system,
	[XM_OP_WRITE_CONSOLE] = sim_write_console,
	[XM_OP_READ_CONSOLE] = sim_read_console,
	[XM_OP_SEEK_CONSOLE] = sim_seek_console,
	[XM_OP_CREATE_SAMPLING_PORT] = sim_create_port,
	[XM_OP_READ_SAMPLING_MESSAGE] = sim_read_sampling,
	[XM_OP_WRITE_SAMPLING_MESSAGE] = sim_write_sampling,
	[XM_OP_GET_SAMPLING_PORT_STATUS] = sim_sampling_status,
	[XM_OP_GET_SAMPLING_PORT_INFO] = sim_port_info,
	[XM_OP_CREATE_QUEUING_PORT] = sim_create_port,
	[XM_OP_SEND_QUEUING_MESSAGE] = sim_send,
	[XM_OP_RECEIVE_QUEUING_MESSAGE] = sim_receive,
	[XM_OP_GET_QUEUING_PORT_STATUS] = sim_queuing_status,
	[XM_OP_GET_QUEUING_PORT_INFO] = sim_port_info,
	[XM_OP_HM_READ] = sim_hm_read,
	[XM_OP_HM_SEEK] = sim_hm_seek,
	[XM_OP_HM_STATUS] = sim_hm_status,
	[XM_OP_HM_LOCK_EVENTS] = sim_hm_lock,
	[XM_OP_HM_UNLOCK_EVENTS] = sim_hm_unlock,
	[XM_OP_HM_RESET_EVENTS] = sim_hm_reset,
	[XM_OP_GET_SYSTEM_STATUS] = sim_system_status,
	[XM_OP_GET_PARTITION_STATUS] = sim_partition_status,
	[XM_OP_GET_PLAN_STATUS] = sim_plan_status,
	[XM_OP_SET_PARTITION_OPMODE] = sim_set_opmode,
	[XM_OP_GET_VCPU_STATUS] = sim_vcpu_status,
	[XM_OP_GET_PHYSPAGE_STATUS] = sim_physpage_status,
	[XM_OP_SWITCH_SCHED_PLAN] = sim_switch_plan,
	[XM_OP_GET_GID_BY_NAME] = sim_get_gid,
	[XM_OP_SET_SPARE_GUEST] = sim_set_spare_guest,
	[XM_OP_GATHER_SPARE_DATA] = sim_gather_spare,
	[XM_OP_SET_SPARE_PLAN] = sim_set_spare_plan,
	[XM_OP_GET_SPARE_PLAN] = sim_get_spare_plan,
	[XM_OP_TRACE_EVENT] = sim_trace_event,
	[XM_OP_TRACE_UNRECOVERABLE] = sim_trace_event,
	[XM_OP_TRACE_READ] = sim_trace_read,
	[XM_OP_TRACE_SEEK] = sim_trace_seek,
	[XM_OP_TRACE_STATUS] = sim_trace_status,
	[XM_OP_TRACE_LOCK] = sim_trace_lock,
	[XM_OP_TRACE_UNLOCK] = sim_trace_unlock,
	[XM_OP_TRACE_RESET] = sim_trace_reset,
	[XM_OP_MEMORY_COPY] = sim_memory_copy,
	[XM_OP_SET_IRQMASK] = sim_set_irqmask,
	[XM_OP_CLEAR_IRQMASK] = sim_clear_irqmask,
	[XM_OP_SET_IRQPEND] = sim_set_irqpend,
	[XM_OP_CLEAR_IRQPEND] = sim_clear_irqpend,
	[XM_OP_ROUTE_IRQ] = sim_route_irq,
	[XM_OP_MASK_HWIRQ] = sim_mask_line,
	[XM_OP_UNMASK_HWIRQ] = sim_unmask_line,
	[XM_OP_RAISE_IPVI] = sim_raise_ipvi,
	[XM_OP_RAISE_PARTITION_IPVI] = sim_raise_partition_ipvi,
	[XM_OP_UPDATE_PAGE32] = sim_update_page32,
	[XM_OP_SET_PAGE_TYPE] = sim_set_page_type,
	[XM_OP_INVLD_TLB] = sim_load_register,
	[XM_OP_OVERRIDE_TRAP_HNDL] = sim_override_trap,
	[XM_OP_RESET_VCPU] = sim_reset_vcpu,
	[XM_OP_HALT_VCPU] = sim_halt_vcpu,
	[XM_OP_SUSPEND_VCPU] = sim_suspend_vcpu,
	[XM_OP_RESUME_VCPU] = sim_resume_vcpu,
	[XM_OP_GET_VCPUID] = sim_get_vcpuid,
	[XM_OP_WRITE_REGISTER32] = sim_write_register32,
	[XM_OP_WRITE_REGISTER64] = sim_write_register64,
	[XM_OP_IA32_UPDATE_SYS_STRUCT] = sim_update_sys_struct,
	[XM_OP_IA32_SET_IDT_DESC] = sim_update_descriptor,
	[XM_OP_X86_LOAD_CR0] = sim_load_register,
	[XM_OP_X86_LOAD_CR3] = sim_load_register,
	[XM_OP_X86_LOAD_CR4] = sim_load_register,
	[XM_OP_X86_LOAD_TSS] = sim_load_register,
	[XM_OP_X86_LOAD_GDT] = sim_load_register,
	[XM_OP_X86_LOAD_IDTR] = sim_load_register,
	[XM_OP_X86_UPDATE_SS_SP] = sim_load_register,
	[XM_OP_X86_UPDATE_GDT] = sim_update_descriptor,
	[XM_OP_X86_UPDATE_IDT] = sim_update_descriptor,
	[XM_OP_X86_SET_IF] = sim_set_if,
	[XM_OP_X86_CLEAR_IF] = sim_clear_if,
	[XM_OP_RAISE_PARTITION_TRAP] = sim_raise_trap,
	[XM_OP_GET_PARTITION_TABLE] = sim_partition_table,
	[XM_OP_GET_PARTITION_MMAP] = sim_partition_mmap,
};

static enum xm_code not_allowed(struct sim_call *c)
{
	(void)c;
	return XM_C_OP_NOT_ALLOWED;
}

/* What the profile has; NULL: nothing.  Consoles of 3.x are objects that lack two operations. */
static sim_fn *find_operation(const struct sim *sim, unsigned int op)
{
	if (sim->family == 3 && (op == XM_OP_READ_CONSOLE || op == XM_OP_SEEK_CONSOLE))
		return not_allowed;
	if (op >= XM_N_OPS || !(xm_ops[op].profiles & XM_IN(sim->profile)))
		return NULL;
	return sim->family == 2 && sim_operations_2x[op] ? sim_operations_2x[op] : operations[op];
}

/* The virtual processor that calls; by calling it shows that it has got a slot. */
static struct sim_vcpu *calling_vcpu(const struct sim *sim, const struct sim_partition *p)
{
	struct sim_vcpu *vcpu = p->vcpu;

	while (!sim_vcpu_runs(vcpu))
		vcpu++;
	if (vcpu->fresh && sim->family == 3)
		vcpu->op_mode = SIM_MODE_NORMAL;
	vcpu->fresh = false;
	return vcpu;
}

void sim_settle(struct sim_call *c, uint64_t generation)
{
	if (c->sim->halted || c->caller->generation != generation)
		c->result = SIM_GONE;
	else if (!sim_runs(c->sim, c->self))
		c->result = SIM_DEFERRED;
}

enum xm_code sim_gone(struct sim_call *c)
{
	c->result = SIM_GONE;
	return XM_C_OK;
}

enum sim_result sim_call(struct sim *sim, uint32_t partition, const struct xm_request *req,
			 struct xm_reply *reply, int64_t now)
{
	struct sim_call call = {
		.sim = sim,
		.self = partition,
		.caller = &sim->partitions[partition],
		.arg = req->arg,
		.req = req,
		.reply = reply,
		.result = SIM_REPLY,
	};
	enum xm_code code = XM_C_UNKNOWN_HYPERCALL;
	sim_fn *operation = find_operation(sim, req->op);

	sim_advance(sim, now);
	if (!sim_runs(sim, partition))
		return SIM_STOPPED;
	call.vcpu = calling_vcpu(sim, call.caller);
	xm_reply_init(reply, reply->space, reply->space_len);
	if (operation)
		code = operation(&call);
	if (code != XM_C_OK)
		xm_reply_fail(reply, code);
	return call.result;
}

void sim_run(struct sim *sim, int64_t now)
{
	sim_advance(sim, now);
}

/* ---- state ---------------------------------------------------------------------------------------- */

bool sim_system_halted(const struct sim *sim)
{
	return sim->halted;
}

bool sim_halted(const struct sim *sim, uint32_t partition)
{
	const struct sim_partition *p = &sim->partitions[partition];

	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		if (!p->vcpu[i].halted)
			return false;
	return true;
}

bool sim_runs(const struct sim *sim, uint32_t partition)
{
	const struct sim_partition *p = &sim->partitions[partition];

	if (sim->halted || p->idle)
		return false;
	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		if (sim_vcpu_runs(&p->vcpu[i]))
			return true;
	return false;
}

bool sim_idles(const struct sim *sim, uint32_t partition)
{
	return !sim->halted && sim->partitions[partition].idle;
}

uint64_t sim_expiries(const struct sim *sim)
{
	return sim->expiries;
}

uint64_t sim_generation(const struct sim *sim, uint32_t partition)
{
	return sim->partitions[partition].generation;
}

void sim_set_console(struct sim *sim, sim_console_fn fn, void *arg)
{
	sim->console = fn;
	sim->console_arg = arg;
}

/* ---- making one ----------------------------------------------------------------------------------- */

static void count(struct sim *sim)
{
	uint32_t n_plans;
	const struct system_partition *p = system_partitions(sim->sys, &sim->n_partitions);
	const struct system_plan *plan = system_plans(sim->sys, &n_plans);

	for (uint32_t i = 0; i < sim->n_partitions; i++)
		sim->n_vcpus += p[i].n_vcpus;
	for (uint32_t i = 0; i < n_plans; i++)
		sim->n_processors += i == 0 || plan[i].processor != plan[i - 1].processor;
	system_ports(sim->sys, &sim->n_ports);
	system_channels(sim->sys, &sim->n_channels);
}

static void lay_out_partitions(struct sim *sim)
{
	uint32_t n, vcpu = 0;
	const struct system_slot *slot = system_slots(sim->sys, &n);

	for (uint32_t i = 0; i < sim->n_partitions; i++) {
		struct sim_partition *p = &sim->partitions[i];

		p->config = system_partition(sim->sys, i);
		p->vcpu = &sim->vcpus[vcpu];
		vcpu += p->config->n_vcpus;
	}
	for (uint32_t i = 0; i < n; i++)
		sim->partitions[slot[i].partition].slots |= 1u << slot[i].vcpu;
}

/* Ports of a channel one after another, the last of them first. */
static void lay_out_channels(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->n_channels; i++)
		sim->channels[i].first = sim->n_ports;
	for (uint32_t i = 0; i < sim->n_ports; i++) {
		uint32_t channel = system_port(sim->sys, i)->channel;

		if (channel == SYSTEM_NO_CHANNEL)
			continue;
		sim->next_port[i] = sim->channels[channel].first;
		sim->channels[channel].first = i;
	}
}

static void lay_out_processors(struct sim *sim)
{
	uint32_t n;
	const struct system_plan *plan = system_plans(sim->sys, &n);
	struct sim_processor *p = sim->processors;

	for (uint32_t i = 0; i < n; i++) {
		p += i && plan[i].processor != plan[i - 1].processor;
		if (!p->n_plans)
			p->plans = &plan[i];
		p->n_plans++;
	}
}

/* Large blocks take memory only as messages fill them. */
static int allocate_channels(struct sim *sim)
{
	uint32_t n;
	const struct system_channel *config = system_channels(sim->sys, &n);

	for (uint32_t i = 0; i < n; i++) {
		size_t room = config[i].max_no_messages ? config[i].max_no_messages : 1;

		sim->channels[i].data = calloc(room, config[i].max_message_length);
		sim->channels[i].len = calloc(room, sizeof(uint32_t));
		if (!sim->channels[i].data || !sim->channels[i].len)
			return -ENOMEM;
		if (sim->family == 3 || config[i].type != SYSTEM_QUEUING)
			continue;
		sim->channels[i].stamps = calloc(room, sizeof(int64_t));
		if (!sim->channels[i].stamps)
			return -ENOMEM;
	}
	return 0;
}

static int allocate_consoles(struct sim *sim)
{
	uint32_t n;
	const struct system_partition *config = system_partitions(sim->sys, &n);

	for (uint32_t i = 0; i < n && sim->family == 2; i++) {
		if (!config[i].console_capacity)
			continue;
		sim->partitions[i].console = calloc(1, config[i].console_capacity);
		if (!sim->partitions[i].console)
			return -ENOMEM;
	}
	return 0;
}

/* One more, so that none is no NULL. */
static int allocate_log(struct sim_log *log, uint32_t capacity)
{
	log->capacity = capacity;
	log->records = calloc((size_t)capacity + 1, sizeof(*log->records));
	return log->records ? 0 : -ENOMEM;
}

static int allocate_logs(struct sim *sim)
{
	const struct system_partition *p = system_partition(sim->sys, 0);
	int r = allocate_log(&sim->log, sim->sys->hm_capacity);

	for (uint32_t i = 0; i < sim->n_partitions && r == 0; i++)
		r = allocate_log(&sim->traces[i], p[i].trace_capacity);
	return r < 0 ? r : allocate_log(&sim->traces[sim->n_partitions], sim->sys->trace_capacity);
}

/* One more of each, so that an empty table is no NULL. */
static int allocate(struct sim *sim)
{
	sim->partitions = calloc(sim->n_partitions + 1, sizeof(*sim->partitions));
	sim->vcpus = calloc(sim->n_vcpus + 1, sizeof(*sim->vcpus));
	sim->ports = calloc(sim->n_ports + 1, sizeof(*sim->ports));
	sim->next_port = calloc(sim->n_ports + 1, sizeof(*sim->next_port));
	sim->channels = calloc(sim->n_channels + 1, sizeof(*sim->channels));
	sim->processors = calloc(sim->n_processors + 1, sizeof(*sim->processors));
	sim->traces = calloc(sim->n_partitions + 1, sizeof(*sim->traces));
	if (!sim->partitions || !sim->vcpus || !sim->ports || !sim->channels || !sim->processors ||
	    !sim->traces || !sim->next_port || allocate_logs(sim) < 0 || allocate_consoles(sim) < 0)
		return -ENOMEM;
	return allocate_channels(sim);
}

/* 0: no such profile. */
static unsigned int family_of(enum xm_profile profile)
{
	switch (profile) {
	case XM_PROFILE_ID_2_4:
	case XM_PROFILE_ID_2_6:
		return 2;
	case XM_PROFILE_ID_3_X:
	case XM_PROFILE_ID_PRTOS:
		return 3;
	}
	return 0;
}

int sim_new(const struct system *sys, const struct sim_options *options, int64_t now,
	    struct sim **simp)
{
	static const struct sim_options defaults = { 0 };
	enum xm_profile profile;
	struct sim *sim;
	int r;

	options = options ? options : &defaults;
	profile = options->profile ? options->profile : sys->profile;
	if (!family_of(profile) || family_of(profile) != family_of(sys->profile))
		return -ENOTSUP;
	sim = calloc(1, sizeof(*sim));
	if (!sim)
		return -ENOMEM;
	sim->sys = sys;
	sim->profile = profile;
	sim->family = family_of(profile);
	sim->quirks = options->quirks;
	sim->prtos = profile == XM_PROFILE_ID_PRTOS;
	sim->now = now;
	count(sim);
	r = allocate(sim);
	if (r < 0) {
		sim_free(sim);
		return r;
	}
	lay_out_partitions(sim);
	lay_out_processors(sim);
	lay_out_channels(sim);
	sim_boot(sim);
	*simp = sim;
	return 0;
}

void sim_free(struct sim *sim)
{
	if (!sim)
		return;
	for (uint32_t i = 0; sim->channels && i < sim->n_channels; i++) {
		free(sim->channels[i].data);
		free(sim->channels[i].len);
		free(sim->channels[i].stamps);
	}
	for (uint32_t i = 0; sim->partitions && i < sim->n_partitions; i++) {
		free(sim->partitions[i].console);
		free(sim->partitions[i].spare);
	}
	for (uint32_t i = 0; sim->traces && i <= sim->n_partitions; i++)
		free(sim->traces[i].records);
	free(sim->traces);
	sim_memory_free(&sim->memory);
	free(sim->partitions);
	free(sim->vcpus);
	free(sim->ports);
	free(sim->next_port);
	free(sim->channels);
	free(sim->processors);
	free(sim->log.records);
	free(sim);
}
