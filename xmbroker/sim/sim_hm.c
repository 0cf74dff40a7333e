// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The health monitor of the simulated hypervisor: events, what follows from them, and their log.
 */

#include <string.h>

#include "xmbroker/sim/sim_internal.h"

#define GENERIC_3_X 7 /* events before those of the processor */
#define GENERIC_PRTOS 6

enum action {
	IGNORE,
	SHUTDOWN,
	COLD_RESET,
	WARM_RESET,
	HYPERVISOR_COLD_RESET,
	HYPERVISOR_WARM_RESET,
	SUSPEND,
	HALT,
	HYPERVISOR_HALT,
	PROPAGATE,
	MAINTENANCE,
};

static const struct sim_log_kind kind = { 0xfecf, XM_F_HM_LOG_payload0 };

/* ---- events --------------------------------------------------------------------------------------- */

/* The entry of the description, or the hypervisor's own. */
static struct system_hm entry_for(const struct sim *sim, uint32_t scope, uint32_t event)
{
	uint32_t n, generic = sim->prtos ? GENERIC_PRTOS : GENERIC_3_X;
	const struct system_hm *hm = system_hm(sim->sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (hm[i].scope == scope && hm[i].event == event)
			return hm[i];
	if (scope == XM_HYPERVISOR_ID)
		return (struct system_hm){ scope, event, HYPERVISOR_HALT, 1 };
	return (struct system_hm){ scope, event, HALT, event < generic };
}

static void restart_or_halt(struct sim *sim, struct sim_partition *p, uint32_t mode, uint32_t event)
{
	if (sim_restart(sim, p, mode, event) < 0)
		sim_halt(sim, p);
}

static void act_on_partition(struct sim *sim, struct sim_partition *p, uint32_t action,
			     uint32_t event)
{
	if (action == COLD_RESET)
		restart_or_halt(sim, p, SIM_MODE_COLD, event);
	else if (action == WARM_RESET)
		restart_or_halt(sim, p, SIM_MODE_WARM, event);
	else if (action == SUSPEND)
		sim_suspend(p);
	else if (action == HALT)
		sim_halt(sim, p);
}

static void act(struct sim *sim, uint32_t scope, uint32_t action, uint32_t event)
{
	switch (action) {
	case HYPERVISOR_COLD_RESET:
	case HYPERVISOR_WARM_RESET:
		sim_reset_all(sim, action == HYPERVISOR_WARM_RESET);
		break;
	case HYPERVISOR_HALT:
		sim_halt_all(sim);
		break;
	case MAINTENANCE:
		sim_switch_now(sim, 1);
		break;
	default:
		/* Shutdown and propagation are interrupts, which are not simulated. */
		if (scope < sim->n_partitions)
			act_on_partition(sim, &sim->partitions[scope], action, event);
	}
}

void sim_hm_raise(struct sim *sim, uint32_t partition, uint32_t vcpu, uint32_t event,
		  const uint64_t *payload)
{
	struct system_hm entry = entry_for(sim, partition, event);
	struct sim_record record = {
		.op_code_h = sim->log.sequence << 4 | (partition == XM_HYPERVISOR_ID),
		.op_code_l = event << 16 | vcpu << 8 | partition,
		.timestamp = sim_clock(sim),
	};

	if (payload)
		memcpy(record.payload, payload, sizeof(record.payload));
	sim->log.sequence++;
	sim->hm_events++;
	if (entry.log)
		sim_log_insert(&sim->log, &record);
	act(sim, partition, entry.action, event);
}

void sim_hm_event(struct sim *sim, uint32_t partition, uint32_t event)
{
	sim_hm_raise(sim, partition, 0, event, NULL);
}

/* ---- operations: the log belongs to the hypervisor, and only a system partition may ask ----------- */

static enum xm_code check_caller(const struct sim_call *c)
{
	if (c->arg[0].num != XM_HYPERVISOR_ID)
		return XM_C_INVALID_PARAM;
	return sim_is_system(c) ? XM_C_OK : XM_C_PERM_ERROR;
}

enum xm_code sim_hm_read(struct sim_call *c)
{
	uint64_t wanted = c->arg[XM_A_HM_READ_noLogs].num;
	enum xm_code code = check_caller(c);

	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_HM_READ_log].state != XM_ST_OK || wanted == 0)
		return XM_C_INVALID_PARAM;
	sim_log_read(c, XM_A_HM_READ_log, wanted, &c->sim->log, &kind);
	return XM_C_OK;
}

enum xm_code sim_hm_seek(struct sim_call *c)
{
	enum xm_code code = check_caller(c);

	if (code != XM_C_OK)
		return code;
	return sim_log_seek(&c->sim->log, &c->arg[XM_A_HM_SEEK_offset],
			    &c->arg[XM_A_HM_SEEK_whence])
		       ? XM_C_OK
		       : XM_C_INVALID_PARAM;
}

enum xm_code sim_hm_status(struct sim_call *c)
{
	enum xm_code code = check_caller(c);

	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_HM_STATUS_status].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	sim_log_status(c, XM_A_HM_STATUS_status, &c->sim->log);
	return XM_C_OK;
}

static enum xm_code set_lock(struct sim_call *c, bool locked)
{
	enum xm_code code = check_caller(c);

	if (code == XM_C_OK)
		c->sim->log.locked = locked;
	return code;
}

enum xm_code sim_hm_lock(struct sim_call *c)
{
	return set_lock(c, true);
}

enum xm_code sim_hm_unlock(struct sim_call *c)
{
	return set_lock(c, false);
}

/* Reads the stream's state back from its device, which always holds the same. */
enum xm_code sim_hm_reset(struct sim_call *c)
{
	return check_caller(c);
}
