// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Spare scheduling of 2.x: a host that gives the rest of its slot to a guest (2.6), or has a plan of
 * its own for what it does with its slots (2.4), which is kept but not carried out.
 */

#include <stdlib.h>

#include "xmbroker/sim/sim_internal.h"

#define SHORTEST 50 /* us */

static bool is_host(const struct sim_call *c)
{
	return c->caller->config->flags & SYSTEM_PF_SPARE_HOST;
}

/* ---- 2.6 --------------------------------------------------------------------------------------------- */

static void put_time(struct sim_call *c, unsigned int arg, int64_t time)
{
	if (c->arg[arg].state == XM_ST_OK)
		xm_reply_put_num(c->reply, arg, (uint64_t)time);
}

/* Until the end of the host's slot; outside of it there is nothing to give. */
enum xm_code sim_set_spare_guest(struct sim_call *c)
{
	uint64_t id = c->arg[XM_A_SET_SPARE_GUEST_partitionId].num;
	struct sim_place place = sim_locate(c->sim, c->self, sim_vcpu_number(c), c->sim->now);
	int64_t now = sim_clock(c->sim);

	if (!is_host(c))
		return XM_C_PERM_ERROR;
	if (id == c->self || id >= c->sim->n_partitions || sim_halted(c->sim, (uint32_t)id))
		return XM_C_INVALID_PARAM;
	put_time(c, XM_A_SET_SPARE_GUEST_start, now);
	put_time(c, XM_A_SET_SPARE_GUEST_stop, place.in_slot ? place.end - c->sim->boot : now);
	if (place.in_slot)
		sim_give_up_slot(c, &c->sim->partitions[id]);
	return XM_C_OK;
}

/* ---- 2.4 --------------------------------------------------------------------------------------------- */

static enum xm_code check_host(const struct sim_call *c)
{
	if (c->arg[0].num != XM_HYPERVISOR_ID)
		return XM_C_INVALID_PARAM;
	return is_host(c) ? XM_C_OK : XM_C_PERM_ERROR;
}

static enum xm_code check_outputs(const struct sim_call *c)
{
	enum xm_code code = check_host(c);

	if (code != XM_C_OK)
		return code;
	return c->arg[1].state == XM_ST_OK && c->arg[2].state == XM_ST_OK ? XM_C_OK
									  : XM_C_INVALID_PARAM;
}

/* Cycle time and slots, as many as there is room for. */
static void put_plan(struct sim_call *c, int64_t cycle, const struct sim_spare_slot *slot,
		     uint32_t n)
{
	uint64_t room = c->arg[3].num;
	uint64_t *words;

	if (n > room)
		n = (uint32_t)room;
	if (n > XM_MAX_RECORDS)
		n = XM_MAX_RECORDS;
	xm_reply_put_num(c->reply, 1, (uint64_t)cycle);
	words = xm_reply_put_words(c->reply, 2, n * XM_NF_SPARE_SLOT);
	for (uint32_t i = 0; i < n; i++, slot++, words += XM_NF_SPARE_SLOT) {
		words[XM_F_SPARE_SLOT_id] = slot->id;
		words[XM_F_SPARE_SLOT_partitionId] = slot->partition;
		words[XM_F_SPARE_SLOT_duration] = slot->duration;
	}
}

/* What a partition has in a major frame of the plan in force. */
static uint32_t time_of(const struct sim *sim, uint32_t partition)
{
	const struct sim_processor *p = sim->processors;
	const struct system_plan *plan = p->n_plans ? &p->plans[p->plan] : NULL;
	uint32_t n;
	const struct system_slot *slot = system_slots(sim->sys, &n);
	int64_t time = 0;

	for (uint32_t i = 0; plan && i < plan->n_slots; i++)
		if (slot[plan->first_slot + i].partition == partition)
			time += slot[plan->first_slot + i].duration;
	return time < UINT32_MAX ? (uint32_t)time : UINT32_MAX;
}

enum xm_code sim_gather_spare(struct sim_call *c)
{
	const struct sim_processor *p = c->sim->processors;
	struct sim_spare_slot slot[SYSTEM_MAX_PARTITIONS];
	enum xm_code code = check_outputs(c);

	if (code != XM_C_OK)
		return code;
	for (uint32_t i = 0; i < c->sim->n_partitions; i++)
		slot[i] = (struct sim_spare_slot){ i, i, time_of(c->sim, i) };
	put_plan(c, p->n_plans ? p->plans[p->plan].major_frame : 0, slot, c->sim->n_partitions);
	return XM_C_OK;
}

enum xm_code sim_get_spare_plan(struct sim_call *c)
{
	static const struct sim_spare_plan none = { 0 };
	const struct sim_spare_plan *plan = c->caller->spare ? c->caller->spare : &none;
	enum xm_code code = check_outputs(c);

	if (code == XM_C_OK)
		put_plan(c, plan->cycle, plan->slot, plan->n);
	return code;
}

/* All that the request says, if the slots are good ones. */
static bool read_plan(const struct sim_call *c, struct sim_spare_plan *plan)
{
	const struct xm_value *slots = &c->arg[XM_A_SET_SPARE_PLAN_slots];
	uint64_t n = c->arg[XM_A_SET_SPARE_PLAN_noSlots].num;

	plan->cycle = (int64_t)c->arg[XM_A_SET_SPARE_PLAN_cycleTime].num;
	plan->n = (uint32_t)n;
	if (plan->cycle < 0 || n > XM_MAX_SPARE_SLOTS || slots->state != XM_ST_OK ||
	    slots->len < n * XM_NF_SPARE_SLOT)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = i * XM_NF_SPARE_SLOT;
		uint64_t partition = xm_value_word(slots, at + XM_F_SPARE_SLOT_partitionId);
		uint64_t duration = xm_value_word(slots, at + XM_F_SPARE_SLOT_duration);

		if (partition >= c->sim->n_partitions || duration < SHORTEST ||
		    duration > UINT32_MAX)
			return false;
		plan->slot[i] = (struct sim_spare_slot){ (uint32_t)xm_value_word(
								 slots, at + XM_F_SPARE_SLOT_id),
							 (uint32_t)partition, (uint32_t)duration };
	}
	return true;
}

enum xm_code sim_set_spare_plan(struct sim_call *c)
{
	struct sim_spare_plan plan = { 0 };
	enum xm_code code = check_host(c);

	if (code != XM_C_OK)
		return code;
	if (c->arg[XM_A_SET_SPARE_PLAN_noSlots].num == 0) {
		free(c->caller->spare);
		c->caller->spare = NULL;
		return XM_C_OK;
	}
	if (!read_plan(c, &plan))
		return XM_C_INVALID_PARAM;
	if (!c->caller->spare)
		c->caller->spare = malloc(sizeof(plan));
	if (!c->caller->spare)
		return XM_C_INVALID_PARAM;
	*c->caller->spare = plan;
	return XM_C_OK;
}
