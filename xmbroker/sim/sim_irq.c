// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Virtual interrupts: masks, what is pending, and those that one partition raises at others.  An
 * interrupt that is not masked is taken at once by a virtual processor that takes interrupts, after
 * which it is no longer pending; what its handler does is nobody's business here.  In 2.x any that is
 * raised gives a partition that yielded the rest of its slot back.
 */

#include "xmbroker/sim/sim_internal.h"

#define VECTORS 32 /* of traps, hardware lines and interrupts of the hypervisor each */
#define LINES 16   /* of 2.x */
#define ROUTES 3

static void take(struct sim_vcpu *vcpu)
{
	for (unsigned int i = 0; vcpu->takes_irqs && i < SIM_IRQS; i++)
		vcpu->irqs[i].pend &= vcpu->irqs[i].mask;
}

void sim_reset_irqs(struct sim_vcpu *vcpu)
{
	vcpu->takes_irqs = false;
	for (unsigned int i = 0; i < SIM_IRQS; i++)
		vcpu->irqs[i] = (struct sim_irqs){ .mask = UINT32_MAX };
}

void sim_raise_at(struct sim *sim, struct sim_partition *p, struct sim_vcpu *vcpu, unsigned int irq)
{
	if (sim->family == 2 && vcpu->halted)
		return;
	vcpu->irqs[SIM_EXT_IRQS].pend |= 1u << irq;
	take(vcpu);
	p->irqs++;
	if (p->idle && sim->now < p->yields)
		sim_set_idle(sim, p, false);
}

void sim_raise(struct sim *sim, struct sim_partition *p, unsigned int irq)
{
	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		sim_raise_at(sim, p, &p->vcpu[i], irq);
}

/* ---- one's own ------------------------------------------------------------------------------------ */

/* The arguments are the bits of the hardware's interrupts, and those of the hypervisor's. */
static uint32_t bits(const struct sim_call *c, unsigned int kind)
{
	return (uint32_t)c->arg[kind].num;
}

enum xm_code sim_set_irqmask(struct sim_call *c)
{
	for (unsigned int i = 0; i < SIM_IRQS; i++)
		c->vcpu->irqs[i].mask |= bits(c, i);
	return XM_C_OK;
}

enum xm_code sim_clear_irqmask(struct sim_call *c)
{
	for (unsigned int i = 0; i < SIM_IRQS; i++)
		c->vcpu->irqs[i].mask &= ~bits(c, i);
	take(c->vcpu);
	return XM_C_OK;
}

enum xm_code sim_set_irqpend(struct sim_call *c)
{
	for (unsigned int i = 0; i < SIM_IRQS; i++)
		c->vcpu->irqs[i].pend |= bits(c, i);
	take(c->vcpu);
	return XM_C_OK;
}

enum xm_code sim_clear_irqpend(struct sim_call *c)
{
	for (unsigned int i = 0; i < SIM_IRQS; i++)
		c->vcpu->irqs[i].pend &= ~bits(c, i);
	return XM_C_OK;
}

enum xm_code sim_set_if(struct sim_call *c)
{
	c->vcpu->takes_irqs = true;
	take(c->vcpu);
	return XM_C_OK;
}

enum xm_code sim_clear_if(struct sim_call *c)
{
	c->vcpu->takes_irqs = false;
	return XM_C_OK;
}

/* Vectors have no effect that a call could see. */
enum xm_code sim_route_irq(struct sim_call *c)
{
	if (c->arg[XM_A_ROUTE_IRQ_type].num >= ROUTES || c->arg[XM_A_ROUTE_IRQ_irq].num >= VECTORS)
		return XM_C_INVALID_PARAM;
	return XM_C_OK;
}

/* That of 3.x does nothing and does not look at its arguments. */
enum xm_code sim_override_trap(struct sim_call *c)
{
	if (c->sim->family == 3)
		return XM_C_OK;
	return c->arg[XM_A_OVERRIDE_TRAP_HNDL_entry].num < VECTORS &&
			       c->arg[XM_A_OVERRIDE_TRAP_HNDL_handler].state == XM_ST_OK
		       ? XM_C_OK
		       : XM_C_INVALID_PARAM;
}

enum xm_code sim_raise_trap(struct sim_call *c)
{
	return c->arg[XM_A_RAISE_PARTITION_TRAP_trap].num < VECTORS ? XM_C_OK : XM_C_INVALID_PARAM;
}

/* Lines of the hardware, of which 2.x lets a partition mask those that it has. */
static enum xm_code check_line(const struct sim_call *c)
{
	uint64_t line = c->arg[0].num;

	if (line >= LINES)
		return XM_C_INVALID_PARAM;
	return c->caller->config->hw_irqs & 1u << line ? XM_C_OK : XM_C_PERM_ERROR;
}

enum xm_code sim_mask_line(struct sim_call *c)
{
	enum xm_code code = check_line(c);

	if (code == XM_C_OK)
		c->vcpu->irqs[SIM_HW_IRQS].mask |= 1u << c->arg[0].num;
	return code;
}

enum xm_code sim_unmask_line(struct sim_call *c)
{
	enum xm_code code = check_line(c);

	if (code == XM_C_OK)
		c->vcpu->irqs[SIM_HW_IRQS].mask &= ~(1u << c->arg[0].num);
	take(c->vcpu);
	return code;
}

/* ---- between partitions --------------------------------------------------------------------------- */

static bool is_ipvi(uint64_t number)
{
	return number >= SYSTEM_FIRST_IPVI && number < SYSTEM_FIRST_IPVI + SYSTEM_N_IPVIS;
}

static bool pends_at(const struct sim_partition *p, uint64_t number)
{
	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		if (!(p->vcpu[i].irqs[SIM_EXT_IRQS].pend & 1u << number))
			return false;
	return true;
}

static bool reaches(const struct sim_call *c, uint64_t destination, uint64_t number)
{
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(c->sim->sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (ipvi[i].source == c->self && ipvi[i].destination == destination &&
		    ipvi[i].number == number)
			return true;
	return false;
}

enum xm_code sim_raise_ipvi(struct sim_call *c)
{
	uint64_t number = c->arg[XM_A_RAISE_IPVI_noIpvi].num;
	enum xm_code code = XM_C_NO_ACTION;
	uint32_t n;
	const struct system_ipvi *ipvi = system_ipvis(c->sim->sys, &n);

	if (!is_ipvi(number))
		return XM_C_INVALID_PARAM;
	for (uint32_t i = 0; i < n; i++) {
		if (ipvi[i].source != c->self || ipvi[i].number != number)
			continue;
		sim_raise(c->sim, &c->sim->partitions[ipvi[i].destination], (unsigned int)number);
		code = XM_C_OK;
	}
	return code;
}

/* The originals of 3.x only find that no interrupt leads to a partition that there is not. */
static enum xm_code no_such_partition(const struct sim_call *c)
{
	return c->sim->quirks && c->sim->family == 3 ? XM_C_INVALID_CONFIG : XM_C_INVALID_PARAM;
}

/* In 2.x anybody may, at anybody, and it matters to nobody whether it pends there already. */
enum xm_code sim_raise_partition_ipvi(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_RAISE_PARTITION_IPVI_partitionId].num;
	uint64_t number = c->arg[XM_A_RAISE_PARTITION_IPVI_noIpvi].num;

	if (!is_ipvi(number))
		return XM_C_INVALID_PARAM;
	if (id >= c->sim->n_partitions)
		return no_such_partition(c);
	if (c->sim->family == 3 && !reaches(c, id, number))
		return XM_C_INVALID_CONFIG;
	if (c->sim->family == 3 && pends_at(&c->sim->partitions[id], number))
		return XM_C_NO_ACTION;
	sim_raise(c->sim, &c->sim->partitions[id], (unsigned int)number);
	return XM_C_OK;
}
