// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The status object and the names of the simulated hypervisor.
 */

#include "xmbroker/sim/sim_internal.h"

enum { IDLE = 0, READY = 1, SUSPENDED = 2, HALTED = 3 };

/* Whoever asks for another than himself must be a system partition; then come pointer and ids. */
static enum xm_code check(const struct sim_call *c, uint64_t partition,
			  const struct xm_value *status)
{
	if (partition != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	return status && status->state != XM_ST_OK ? XM_C_INVALID_PARAM : XM_C_OK;
}

static uint32_t vcpu_state(const struct sim_vcpu *vcpu)
{
	return vcpu->halted ? HALTED : vcpu->suspended ? SUSPENDED : READY;
}

/* 2.x looks at its flags in another order, and one that yielded is idle until its slot ends. */
static uint32_t state_2x(const struct sim *sim, const struct sim_partition *p)
{
	if (!p->vcpu->halted && p->idle && sim->now < p->yields)
		return IDLE;
	return vcpu_state(p->vcpu);
}

static uint32_t state_3x(const struct sim_partition *p)
{
	bool seen[HALTED + 1] = { false };

	for (uint32_t i = 0; i < p->config->n_vcpus; i++)
		seen[vcpu_state(&p->vcpu[i])] = true;
	return seen[READY] ? READY : seen[SUSPENDED] ? SUSPENDED : HALTED;
}

static uint64_t sum(const struct sim *sim, unsigned int which)
{
	uint64_t total = 0;

	for (uint32_t i = 0; i < sim->n_partitions; i++)
		total += sim->partitions[i].count[which];
	return total;
}

static uint64_t major_frames(const struct sim *sim)
{
	const struct sim_processor *p = sim->processors;

	if (!p->n_plans)
		return 0;
	return p->frames + (uint64_t)((sim->now - p->epoch) / p->plans[p->plan].major_frame);
}

enum xm_code sim_system_status(struct sim_call *c)
{
	enum xm_code code = check(c, XM_HYPERVISOR_ID, &c->arg[XM_A_GET_SYSTEM_STATUS_status]);
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	words = xm_reply_put_words(c->reply, XM_A_GET_SYSTEM_STATUS_status, XM_NF_SYSTEM_STATUS);
	words[XM_F_SYSTEM_STATUS_resetCounter] = c->sim->reset_counter;
	words[XM_F_SYSTEM_STATUS_noHmEvents] = c->sim->hm_events;
	words[XM_F_SYSTEM_STATUS_currentMaf] = major_frames(c->sim);
	words[XM_F_SYSTEM_STATUS_noSamplingPortMsgsRead] = sum(c->sim, SIM_SAMPLES_READ);
	words[XM_F_SYSTEM_STATUS_noSamplingPortMsgsWritten] = sum(c->sim, SIM_SAMPLES_WRITTEN);
	words[XM_F_SYSTEM_STATUS_noQueuingPortMsgsSent] = sum(c->sim, SIM_SENT);
	words[XM_F_SYSTEM_STATUS_noQueuingPortMsgsReceived] = sum(c->sim, SIM_RECEIVED);
	return XM_C_OK;
}

enum xm_code sim_partition_status(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_GET_PARTITION_STATUS_partitionId].num;
	enum xm_code code = check(c, id, &c->arg[XM_A_GET_PARTITION_STATUS_status]);
	const struct sim_partition *p;
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	if (id >= c->sim->n_partitions)
		return XM_C_INVALID_PARAM;
	p = &c->sim->partitions[id];
	words = xm_reply_put_words(c->reply, XM_A_GET_PARTITION_STATUS_status,
				   XM_NF_PARTITION_STATUS);
	words[XM_F_PARTITION_STATUS_state] =
		c->sim->family == 2 ? state_2x(c->sim, p) : state_3x(p);
	if (c->sim->profile != XM_PROFILE_ID_2_4)
		words[XM_F_PARTITION_STATUS_opMode] = p->op_mode;
	words[XM_F_PARTITION_STATUS_noVIrqs] = p->irqs;
	words[XM_F_PARTITION_STATUS_resetCounter] = p->reset_counter;
	words[XM_F_PARTITION_STATUS_resetStatus] = p->reset_status;
	/* The original of 3.x leaves it out. */
	if (c->sim->profile != XM_PROFILE_ID_3_X || !c->sim->quirks)
		words[XM_F_PARTITION_STATUS_execClock] = (uint64_t)p->vcpu[0].exec;
	words[XM_F_PARTITION_STATUS_noSamplingPortMsgsRead] = p->count[SIM_SAMPLES_READ];
	words[XM_F_PARTITION_STATUS_noSamplingPortMsgsWritten] = p->count[SIM_SAMPLES_WRITTEN];
	words[XM_F_PARTITION_STATUS_noQueuingPortMsgsSent] = p->count[SIM_SENT];
	words[XM_F_PARTITION_STATUS_noQueuingPortMsgsReceived] = p->count[SIM_RECEIVED];
	return XM_C_OK;
}

enum xm_code sim_vcpu_status(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_GET_VCPU_STATUS_partitionId].num;
	uint64_t vcpu = c->arg[XM_A_GET_VCPU_STATUS_vcpu].num;
	enum xm_code code = check(c, id, &c->arg[XM_A_GET_VCPU_STATUS_status]);
	const struct sim_partition *p;
	uint64_t *words;

	if (code != XM_C_OK)
		return code;
	if (id >= c->sim->n_partitions)
		return XM_C_INVALID_PARAM;
	p = &c->sim->partitions[id];
	/* The originals let one more pass, and tell of something else: here, of nothing. */
	if (vcpu >= p->config->n_vcpus + (c->sim->quirks ? 1u : 0u))
		return XM_C_INVALID_PARAM;
	words = xm_reply_put_words(c->reply, XM_A_GET_VCPU_STATUS_status, XM_NF_VCPU_STATUS);
	if (vcpu == p->config->n_vcpus)
		return XM_C_OK;
	words[XM_F_VCPU_STATUS_state] = vcpu_state(&p->vcpu[vcpu]);
	words[XM_F_VCPU_STATUS_opMode] = p->vcpu[vcpu].op_mode;
	return XM_C_OK;
}

enum xm_code sim_set_opmode(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_SET_PARTITION_OPMODE_partitionId].num;
	uint64_t mode = c->arg[XM_A_SET_PARTITION_OPMODE_opMode].num;
	enum xm_code code = check(c, id, NULL);

	if (code != XM_C_OK)
		return code;
	if (id >= c->sim->n_partitions || mode > SIM_MODE_NORMAL)
		return XM_C_INVALID_PARAM;
	c->sim->partitions[id].op_mode = (uint32_t)mode;
	return XM_C_OK;
}

static const char *name_of(const struct sim *sim, uint64_t entity, uint32_t i)
{
	uint32_t n;

	if (entity == 0)
		return i < sim->n_partitions ? system_partition(sim->sys, i)->name : NULL;
	return i < system_n_plans(sim->sys) ? system_plans(sim->sys, &n)[i].name : NULL;
}

enum xm_code sim_get_gid(struct sim_call *c)
{
	const struct xm_value *name = &c->arg[XM_A_GET_GID_BY_NAME_name];
	uint64_t entity = c->arg[XM_A_GET_GID_BY_NAME_entity].num;
	const char *known;

	if (name->state != XM_ST_OK || entity > 1)
		return XM_C_INVALID_PARAM;
	for (uint32_t i = 0; (known = name_of(c->sim, entity, i)); i++) {
		if (*known && sim_same_name(known, name)) {
			c->reply->value = i;
			return XM_C_OK;
		}
	}
	return XM_C_INVALID_CONFIG;
}
