// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Virtual processors of the caller's own partition.  A connection is one of the partition, not of one
 * of them: it is served as long as one runs, and calls come from the first that does.
 */

#include "xmbroker/sim/sim_internal.h"

static struct sim_vcpu *target(const struct sim_call *c)
{
	uint64_t number = c->arg[0].num;

	return number < c->caller->config->n_vcpus ? &c->caller->vcpu[number] : NULL;
}

/* The originals test these two the wrong way round: one that runs cannot be suspended there. */
static bool may_be_suspended(const struct sim_call *c, const struct sim_vcpu *vcpu)
{
	return sim_vcpu_runs(vcpu) != c->sim->quirks;
}

static bool may_be_resumed(const struct sim_call *c, const struct sim_vcpu *vcpu)
{
	return (vcpu->suspended && !vcpu->halted) != c->sim->quirks;
}

enum xm_code sim_get_vcpuid(struct sim_call *c)
{
	c->reply->value = sim_vcpu_number(c);
	return XM_C_OK;
}

enum xm_code sim_halt_vcpu(struct sim_call *c)
{
	uint64_t generation = c->caller->generation;
	struct sim_vcpu *vcpu = target(c);

	if (!vcpu)
		return XM_C_INVALID_PARAM;
	if (vcpu->halted)
		return XM_C_NO_ACTION;
	vcpu->halted = true;
	vcpu->op_mode = SIM_MODE_IDLE;
	if (sim_halted(c->sim, c->self))
		sim_halt(c->sim, c->caller);
	sim_settle(c, generation);
	return XM_C_OK;
}

enum xm_code sim_suspend_vcpu(struct sim_call *c)
{
	struct sim_vcpu *vcpu = target(c);

	if (!vcpu)
		return XM_C_INVALID_PARAM;
	if (!may_be_suspended(c, vcpu))
		return XM_C_NO_ACTION;
	vcpu->suspended = true;
	sim_settle(c, c->caller->generation);
	return XM_C_OK;
}

enum xm_code sim_resume_vcpu(struct sim_call *c)
{
	struct sim_vcpu *vcpu = target(c);

	if (!vcpu)
		return XM_C_INVALID_PARAM;
	if (!may_be_resumed(c, vcpu))
		return XM_C_NO_ACTION;
	vcpu->suspended = false;
	return XM_C_OK;
}

/* In the originals timers stay armed and one that was suspended stays so, as when a partition is reset. */
enum xm_code sim_reset_vcpu(struct sim_call *c)
{
	uint64_t root = c->arg[XM_A_RESET_VCPU_ptdL1].num;
	uint64_t generation = c->caller->generation;
	struct sim_vcpu *vcpu = target(c);

	if (!vcpu || !sim_area(c->sim, c->self, root, 1) ||
	    sim_page_type(c->sim, root) != SIM_PAGE_PTDL1)
		return XM_C_INVALID_PARAM;
	if (!c->sim->quirks)
		*vcpu = (struct sim_vcpu){ .exec = vcpu->exec };
	vcpu->halted = false;
	vcpu->fresh = true;
	vcpu->op_mode = SIM_MODE_IDLE;
	sim_reset_irqs(vcpu);
	if (vcpu == c->caller->vcpu)
		c->caller->reset_status = (uint32_t)c->arg[XM_A_RESET_VCPU_status].num;
	if (vcpu == c->vcpu)
		c->caller->generation++;
	sim_settle(c, generation);
	return XM_C_OK;
}
