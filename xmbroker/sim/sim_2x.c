// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Partitions, system and plans as 2.x manages them: three flags a partition (ready, halted, yielded),
 * which calls set and clear without asking whether there is anything to do.
 */

#include "xmbroker/sim/sim_internal.h"

static enum xm_code halt_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);

	if (code != XM_C_OK)
		return code;
	if (!target->vcpu->halted)
		sim_halt(c->sim, target);
	return target == c->caller ? sim_gone(c) : XM_C_OK;
}

static enum xm_code suspend_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);

	if (code != XM_C_OK)
		return code;
	if (target->vcpu->halted)
		return XM_C_OP_NOT_ALLOWED;
	target->vcpu->suspended = true;
	if (target == c->caller)
		c->result = SIM_DEFERRED;
	return XM_C_OK;
}

/* One that is halted becomes ready, and stays halted.  Oneself, too, needs the right to manage. */
static enum xm_code resume_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_is_system(c) ? sim_target(c, &target) : XM_C_PERM_ERROR;

	if (code == XM_C_OK)
		target->vcpu->suspended = false;
	return code;
}

/* That there is such a partition is looked at before whether the caller may. */
static enum xm_code reset_partition(struct sim_call *c)
{
	uint64_t mode = c->arg[XM_A_RESET_PARTITION_resetMode].num & 1;
	uint32_t status = (uint32_t)c->arg[XM_A_RESET_PARTITION_status].num;
	struct sim_partition *target;
	enum xm_code code;

	if (c->arg[XM_A_RESET_PARTITION_partitionId].num >= c->sim->n_partitions)
		return XM_C_INVALID_PARAM;
	code = sim_target(c, &target);
	if (code != XM_C_OK)
		return code;
	sim_restart(c->sim, target, mode ? SIM_MODE_WARM : SIM_MODE_COLD, status);
	return target == c->caller ? sim_gone(c) : XM_C_OK;
}

static enum xm_code reset_system(struct sim_call *c)
{
	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	sim_reset_all(c->sim, c->arg[XM_A_RESET_SYSTEM_resetMode].num & 1, 0);
	return sim_gone(c);
}

/* The first plan is left for ever. */
static enum xm_code set_plan(struct sim_call *c)
{
	uint64_t plan = c->arg[XM_A_SWITCH_SCHED_PLAN_newPlan].num;
	const struct sim_processor *first = c->sim->processors;

	if (sim_bad_pointer(c, XM_A_SWITCH_SCHED_PLAN_oldPlan))
		return XM_C_INVALID_PARAM;
	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_SWITCH_SCHED_PLAN_oldPlan].state != XM_ST_OK || plan == 0 ||
	    plan >= first->n_plans)
		return XM_C_INVALID_PARAM;
	if (plan == first->plan)
		xm_reply_put_num(c->reply, XM_A_SWITCH_SCHED_PLAN_oldPlan, first->plan);
	else
		sim_request_plan(c, (uint32_t)plan);
	return XM_C_OK;
}

sim_fn *const sim_operations_2x[XM_N_OPS] = {
	[XM_OP_HALT_PARTITION] = halt_partition,     [XM_OP_SUSPEND_PARTITION] = suspend_partition,
	[XM_OP_RESUME_PARTITION] = resume_partition, [XM_OP_RESET_PARTITION] = reset_partition,
	[XM_OP_RESET_SYSTEM] = reset_system,         [XM_OP_SWITCH_SCHED_PLAN] = set_plan,
	[XM_OP_MEMORY_COPY] = sim_memory_copy_2x,
};
