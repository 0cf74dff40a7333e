// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The life cycle of partitions and of the whole simulated system.
 */

#include <stdlib.h>

#include "xmbroker/sim/sim_internal.h"

/* What is pending and masked in 2.x stands in the partition's own table, which a halt leaves alone. */
void sim_halt(struct sim *sim, struct sim_partition *p)
{
	for (uint32_t i = 0; i < p->config->n_vcpus; i++) {
		p->vcpu[i].halted = true;
		p->vcpu[i].op_mode = SIM_MODE_IDLE;
		if (sim->family == 3)
			sim_reset_irqs(&p->vcpu[i]);
	}
	p->op_mode = SIM_MODE_IDLE;
	sim_set_idle(sim, p, false);
	p->generation++;
}

/*
 * Restarts the first virtual processor; the others wait for it to start them.  In the originals of 3.x
 * timers stay armed and who was suspended stays so.  In 2.x timers stay armed and ports open.
 */
static void restart_3x(struct sim *sim, struct sim_partition *p, uint32_t mode)
{
	for (uint32_t i = 0; i < p->config->n_vcpus && !sim->quirks; i++) {
		p->vcpu[i].suspended = false;
		for (unsigned int t = 0; t < SIM_TIMERS; t++)
			p->vcpu[i].timer[t] = (struct sim_timer){ 0 };
	}
	p->op_mode = mode;
	sim_close_ports(sim, p);
}

static void restart_2x(struct sim_partition *p, uint32_t mode, uint32_t op_mode)
{
	uint32_t pending = p->vcpu[0].irqs[SIM_EXT_IRQS].pend;

	p->vcpu[0].suspended = false;
	p->op_mode = op_mode;
	sim_reset_irqs(&p->vcpu[0]);
	if (mode == SIM_MODE_WARM)
		p->vcpu[0].irqs[SIM_EXT_IRQS].pend = pending;
}

/* One of 3.x that is not booted has no image to start from. */
int sim_restart(struct sim *sim, struct sim_partition *p, uint32_t mode, uint32_t status)
{
	uint32_t op_mode = p->op_mode;

	sim_halt(sim, p);
	if (sim->family == 3 && !(p->config->flags & SYSTEM_PF_BOOT))
		return -1;
	if (sim->family == 3)
		restart_3x(sim, p, mode);
	else
		restart_2x(p, mode, op_mode);
	p->vcpu[0].halted = false;
	p->vcpu[0].fresh = true;
	p->reset_counter = mode == SIM_MODE_WARM ? p->reset_counter + 1 : 0;
	p->reset_status = status;
	return 0;
}

void sim_suspend(struct sim_partition *p)
{
	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		if (!p->vcpu[i].halted)
			p->vcpu[i].suspended = true;
}

static void boot_partition(struct sim *sim, struct sim_partition *p, uint32_t status)
{
	for (unsigned int n = 0; n < SIM_COUNTERS; n++)
		p->count[n] = 0;
	p->irqs = 0;
	p->reset_counter = 0;
	p->reset_status = 0;
	free(p->spare);
	p->spare = NULL;
	sim_close_ports(sim, p);
	if (p->config->flags & SYSTEM_PF_BOOT)
		sim_restart(sim, p, SIM_MODE_IDLE, status);
	else
		sim_halt(sim, p);
}

static void boot(struct sim *sim, uint32_t status)
{
	for (uint32_t i = 0; i < sim->n_vcpus; i++)
		sim->vcpus[i] = (struct sim_vcpu){ .halted = true };
	sim->hm_events = 0;
	sim_time_boot(sim);
	sim_clear_channels(sim);
	sim_forget_page_types(sim);
	for (uint32_t i = 0; i < sim->n_partitions; i++)
		boot_partition(sim, &sim->partitions[i], status);
}

void sim_boot(struct sim *sim)
{
	boot(sim, 0);
}

void sim_halt_all(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->n_partitions; i++)
		sim_halt(sim, &sim->partitions[i]);
	sim->halted = true;
}

/* What stands in the health monitor log survives, for it is in memory of its own. */
void sim_reset_all(struct sim *sim, bool warm, uint32_t status)
{
	sim->reset_counter = warm || sim->family == 2 ? sim->reset_counter + 1 : 0;
	boot(sim, status);
}

/* ---- operations ----------------------------------------------------------------------------------- */

enum xm_code sim_target(const struct sim_call *c, struct sim_partition **targetp)
{
	uint64_t id = c->arg[0].num;

	if (id != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (id >= c->sim->n_partitions)
		return XM_C_INVALID_PARAM;
	*targetp = &c->sim->partitions[id];
	return XM_C_OK;
}

enum xm_code sim_halt_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);

	if (code != XM_C_OK)
		return code;
	if (target != c->caller && sim_halted(c->sim, target->config->id))
		return XM_C_NO_ACTION;
	sim_halt(c->sim, target);
	return target == c->caller ? sim_gone(c) : XM_C_OK;
}

enum xm_code sim_suspend_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);
	bool some = false;

	if (code != XM_C_OK)
		return code;
	for (uint32_t i = 0; i < target->config->n_vcpus; i++)
		some |= sim_vcpu_runs(&target->vcpu[i]);
	if (!some)
		return XM_C_NO_ACTION;
	sim_suspend(target);
	if (target == c->caller)
		c->result = SIM_DEFERRED;
	return XM_C_OK;
}

enum xm_code sim_resume_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);
	bool some = false;

	if (code != XM_C_OK)
		return code;
	for (uint32_t i = 0; i < target->config->n_vcpus; i++) {
		struct sim_vcpu *vcpu = &target->vcpu[i];

		some |= vcpu->suspended && !vcpu->halted;
		vcpu->suspended &= vcpu->halted;
	}
	return some ? XM_C_OK : XM_C_NO_ACTION;
}

enum xm_code sim_reset_partition(struct sim_call *c)
{
	uint64_t mode = c->arg[XM_A_RESET_PARTITION_resetMode].num;
	uint32_t status = (uint32_t)c->arg[XM_A_RESET_PARTITION_status].num;
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);

	if (code != XM_C_OK)
		return code;
	if (mode > 1)
		return XM_C_INVALID_PARAM;
	if (sim_restart(c->sim, target, mode ? SIM_MODE_WARM : SIM_MODE_COLD, status) < 0)
		code = XM_C_INVALID_CONFIG;
	return target == c->caller ? sim_gone(c) : code;
}

enum xm_code sim_shutdown_partition(struct sim_call *c)
{
	struct sim_partition *target;
	enum xm_code code = sim_target(c, &target);

	if (code == XM_C_OK)
		sim_raise(c->sim, target, SIM_IRQ_SHUTDOWN);
	return code;
}

enum xm_code sim_idle_self(struct sim_call *c)
{
	sim_give_up_slot(c, NULL);
	return XM_C_OK;
}

enum xm_code sim_halt_system(struct sim_call *c)
{
	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	sim_halt_all(c->sim);
	return sim_gone(c);
}

enum xm_code sim_reset_system(struct sim_call *c)
{
	uint64_t mode = c->arg[XM_A_RESET_SYSTEM_resetMode].num;

	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (mode > 1)
		return XM_C_INVALID_PARAM;
	sim_reset_all(c->sim, mode, 0);
	return sim_gone(c);
}
