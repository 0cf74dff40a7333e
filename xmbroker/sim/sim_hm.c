// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The health monitor of the simulated hypervisor: events, what follows from them, and their log.
 */

#include <string.h>

#include "libxm/system/events.h"
#include "xmbroker/sim/sim_internal.h"

static const struct sim_log_kind kind = { 0xfecf, XM_F_HM_LOG_payload0, SIM_PAYLOAD, -1 };

/* ---- events, in the numbers of the description ----------------------------------------------------- */

enum event_2x {
	INTERNAL_ERROR,
	UNEXPECTED_TRAP,
	UNRECOVERABLE,
	PARTITION_ERROR,
	INTEGRITY,
	MEM_PROTECTION,
	OVERRUN,
	SCHED_ERROR,
	WATCHDOG,
	INCOMPATIBLE_INTERFACE,
	N_GENERIC_2X
};

uint32_t sim_event_watchdog(const struct sim *sim)
{
	return sim->family == 2 ? WATCHDOG : 3;
}

uint32_t sim_event_partition_error(const struct sim *sim)
{
	return sim->family == 2 ? PARTITION_ERROR : 2;
}

/* ---- what follows from them ------------------------------------------------------------------------ */

/* What 2.x does where the description is silent. */
static struct system_hm default_2x(uint32_t scope, uint32_t event)
{
	static const uint8_t actions[N_GENERIC_2X] = {
		[INTERNAL_ERROR] = SYSTEM_ACTION_PARTITION_WARM_RESET,
		[UNRECOVERABLE] = SYSTEM_ACTION_PARTITION_HALT,
		[PARTITION_ERROR] = SYSTEM_ACTION_PARTITION_HALT,
		[INTEGRITY] = SYSTEM_ACTION_PARTITION_HALT,
		[MEM_PROTECTION] = SYSTEM_ACTION_SUSPEND,
		[WATCHDOG] = SYSTEM_ACTION_PARTITION_HALT,
	};

	if (scope == XM_HYPERVISOR_ID && (event == OVERRUN || event == SCHED_ERROR))
		return (struct system_hm){ scope, event, SYSTEM_ACTION_IGNORE, 1 };
	if (scope == XM_HYPERVISOR_ID)
		return (struct system_hm){ scope, event, SYSTEM_ACTION_HYPERVISOR_HALT, 1 };
	if (event < N_GENERIC_2X)
		return (struct system_hm){ scope, event, actions[event], 1 };
	return (struct system_hm){ scope, event, SYSTEM_ACTION_PROPAGATE, 0 };
}

static struct system_hm default_3x(const struct sim *sim, uint32_t scope, uint32_t event)
{
	uint32_t generic = system_event_first_of_processor(sim->sys->profile);

	if (scope == XM_HYPERVISOR_ID)
		return (struct system_hm){ scope, event, SYSTEM_ACTION_HYPERVISOR_HALT, 1 };
	return (struct system_hm){ scope, event, SYSTEM_ACTION_PARTITION_HALT, event < generic };
}

/* The entry of the description, or the hypervisor's own. */
static struct system_hm entry_for(const struct sim *sim, uint32_t scope, uint32_t event)
{
	uint32_t n;
	const struct system_hm *hm = system_hm(sim->sys, &n);

	for (uint32_t i = 0; i < n; i++)
		if (hm[i].scope == scope && hm[i].event == event)
			return hm[i];
	return sim->family == 2 ? default_2x(scope, event) : default_3x(sim, scope, event);
}

static void restart_or_halt(struct sim *sim, struct sim_partition *p, uint32_t mode, uint32_t event)
{
	if (sim_restart(sim, p, mode, event) < 0)
		sim_halt(sim, p);
}

/* A trap that is propagated has no effect that a call could see. */
static void act_on_partition(struct sim *sim, struct sim_partition *p, uint32_t action,
			     uint32_t event)
{
	if (action == SYSTEM_ACTION_SHUTDOWN)
		sim_raise(sim, p, SIM_IRQ_SHUTDOWN);
	else if (action == SYSTEM_ACTION_PARTITION_COLD_RESET)
		restart_or_halt(sim, p, SIM_MODE_COLD, event);
	else if (action == SYSTEM_ACTION_PARTITION_WARM_RESET)
		restart_or_halt(sim, p, SIM_MODE_WARM, event);
	else if (action == SYSTEM_ACTION_SUSPEND)
		sim_suspend(p);
	else if (action == SYSTEM_ACTION_PARTITION_HALT)
		sim_halt(sim, p);
}

#define RESET_BY_MONITOR (2u << 16) /* in the reset status that partitions find */

static void act(struct sim *sim, uint32_t scope, uint32_t action, uint32_t event)
{
	switch (action) {
	case SYSTEM_ACTION_HYPERVISOR_COLD_RESET:
	case SYSTEM_ACTION_HYPERVISOR_WARM_RESET:
		sim_reset_all(sim, action == SYSTEM_ACTION_HYPERVISOR_WARM_RESET,
			      RESET_BY_MONITOR | event);
		break;
	case SYSTEM_ACTION_HYPERVISOR_HALT:
		sim_halt_all(sim);
		break;
	case SYSTEM_ACTION_MAINTENANCE:
		sim_switch_now(sim, 1);
		break;
	default:
		if (scope < sim->n_partitions)
			act_on_partition(sim, &sim->partitions[scope], action, event);
	}
}

/* Records carry the number that the wire has for the event; those of 2.x are not numbered themselves. */
void sim_hm_raise(struct sim *sim, uint32_t partition, uint32_t vcpu, uint32_t event,
		  const uint64_t *payload)
{
	struct system_hm entry = entry_for(sim, partition, event);
	uint32_t number = system_event_canonical(sim->sys->profile, event);
	struct sim_record record = {
		.op_code_h = (sim->family == 2 ? 0 : sim->log.sequence << 4) |
			     (partition == XM_HYPERVISOR_ID),
		.op_code_l = number << 16 | vcpu << 8 | partition,
		.timestamp = sim_clock(sim),
	};

	if (payload)
		memcpy(record.payload, payload, sizeof(record.payload));
	sim->log.sequence++;
	sim->hm_events++;
	if (entry.log)
		sim_log_insert(sim, &sim->log, &record);
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

	if (sim_bad_pointer(c, XM_A_HM_READ_log))
		return XM_C_INVALID_PARAM;
	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_HM_READ_log].state != XM_ST_OK || wanted == 0)
		return XM_C_INVALID_PARAM;
	sim_log_read(c, XM_A_HM_READ_log, wanted, &c->sim->log, &kind);
	return XM_C_OK;
}

/* That of 2.x says where it went. */
enum xm_code sim_hm_seek(struct sim_call *c)
{
	enum xm_code code = check_caller(c);

	if (code != XM_C_OK)
		return code;
	if (!sim_log_seek(&c->sim->log, &c->arg[XM_A_HM_SEEK_offset], &c->arg[XM_A_HM_SEEK_whence]))
		return c->sim->family == 3 ? XM_C_INVALID_PARAM : sim_no_such_whence(c->sim);
	if (c->sim->family == 2)
		c->reply->value = c->sim->log.cursor;
	return XM_C_OK;
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
