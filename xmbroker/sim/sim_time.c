// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clocks, timers, slots and plans of the simulated hypervisor.  Time advances in whole steps that
 * are computed, never slot by slot, so that a long pause costs no more than a short one.
 */

#include "xmbroker/sim/sim_internal.h"

enum { HW, EXEC, WATCHDOG };
#define EVENT_WATCHDOG 3 /* of 3.x; PRTOS has neither the timer nor the event */

static const struct system_plan *plan_of(const struct sim_processor *p)
{
	return &p->plans[p->plan];
}

static const struct system_slot *slots_of(const struct sim *sim, const struct system_plan *plan)
{
	uint32_t n;

	return system_slots(sim->sys, &n) + plan->first_slot;
}

/* Time inside a slot during the first t us of its plan. */
static int64_t slot_time(const struct system_plan *plan, const struct system_slot *slot, int64_t t)
{
	int64_t in = t % plan->major_frame - slot->start;

	if (in < 0)
		in = 0;
	if (in > slot->duration)
		in = slot->duration;
	return t / plan->major_frame * slot->duration + in;
}

/* How often it begins in the first t us, the last one included. */
static int64_t slot_starts(const struct system_plan *plan, const struct system_slot *slot,
			   int64_t t)
{
	return t / plan->major_frame + (t % plan->major_frame >= slot->start);
}

static void begin_slot(struct sim_partition *p, struct sim_vcpu *vcpu, uint32_t number)
{
	if (number == p->idler)
		p->idle = false;
	if (!vcpu->fresh)
		return;
	vcpu->fresh = false;
	vcpu->op_mode = SIM_MODE_NORMAL;
}

/* Accounts one processor up to t, before which neither its plan nor any state changes. */
static void account(struct sim *sim, struct sim_processor *processor, int64_t t)
{
	const struct system_plan *plan = plan_of(processor);
	const struct system_slot *slot = slots_of(sim, plan);
	int64_t from = processor->settled - processor->epoch, to = t - processor->epoch;

	if (to == from && processor->begun)
		return;
	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		int64_t begun = processor->begun ? slot_starts(plan, slot, from) : 0;
		struct sim_partition *p = &sim->partitions[slot->partition];
		struct sim_vcpu *vcpu = &p->vcpu[slot->vcpu];

		if (!sim_vcpu_runs(vcpu))
			continue;
		vcpu->exec += slot_time(plan, slot, to) - slot_time(plan, slot, from);
		if (slot_starts(plan, slot, to) > begun)
			begin_slot(p, vcpu, slot->vcpu);
	}
	processor->settled = t;
	processor->begun = true;
}

static uint64_t frames_until(const struct sim_processor *p, int64_t t)
{
	return p->frames + (uint64_t)((t - p->epoch) / plan_of(p)->major_frame);
}

static void change_plan(struct sim *sim, struct sim_processor *p, uint32_t plan, int64_t t)
{
	account(sim, p, t);
	p->frames = frames_until(p, t);
	p->prev = (int32_t)p->plan;
	p->plan = p->next = plan;
	p->epoch = t;
	p->begun = false;
	p->switch_time = t - sim->boot;
}

/* The maintenance plan does not wait for the end of the frame. */
void sim_switch_now(struct sim *sim, uint32_t plan)
{
	for (uint32_t i = 0; i < sim->n_processors; i++)
		if (plan < sim->processors[i].n_plans)
			change_plan(sim, &sim->processors[i], plan, sim->now);
}

void sim_time_boot(struct sim *sim)
{
	sim->boot = sim->now;
	for (uint32_t i = 0; i < sim->n_processors; i++) {
		struct sim_processor *p = &sim->processors[i];

		p->plan = p->next = 0;
		p->prev = -1;
		p->epoch = p->settled = sim->now;
		p->begun = false;
		p->switch_time = 0;
		p->frames = 0;
	}
}

/* ---- watchdogs ------------------------------------------------------------------------------------ */

static bool ticks(const struct sim_vcpu *vcpu)
{
	return vcpu->timer[WATCHDOG].at && sim_vcpu_runs(vcpu);
}

/* Missed periods are skipped: one expiry, and the next one lies in the future. */
static void expire(struct sim *sim, struct sim_partition *p, struct sim_timer *timer)
{
	int64_t now = sim_clock(sim);

	if (timer->interval)
		timer->at += ((now - timer->at) / timer->interval + 1) * timer->interval;
	else
		timer->at = 0;
	sim_hm_event(sim, p->config->id, EVENT_WATCHDOG);
}

static void check_watchdogs(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->n_partitions && !sim->halted; i++) {
		struct sim_partition *p = &sim->partitions[i];

		for (uint32_t v = 0; v < p->config->n_vcpus; v++)
			if (ticks(&p->vcpu[v]) && p->vcpu[v].timer[WATCHDOG].at <= sim_clock(sim))
				expire(sim, p, &p->vcpu[v].timer[WATCHDOG]);
	}
}

/* ---- the passing of time -------------------------------------------------------------------------- */

void sim_advance(struct sim *sim, int64_t now)
{
	if (now > sim->now)
		sim->now = now;
	if (sim->halted)
		return;
	for (uint32_t i = 0; i < sim->n_processors; i++) {
		struct sim_processor *p = &sim->processors[i];

		if (p->next != p->plan && sim->now >= p->switch_at)
			change_plan(sim, p, p->next, p->switch_at);
		account(sim, p, sim->now);
	}
	check_watchdogs(sim);
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static bool waits_for_slot(const struct sim_partition *p)
{
	return p->idle && sim_vcpu_runs(&p->vcpu[p->idler]);
}

/* When an idle partition gets its next slot; no later than a plan switch, after which to ask again. */
static int64_t next_slot(const struct sim *sim, const struct sim_processor *p)
{
	const struct system_plan *plan = plan_of(p);
	const struct system_slot *slot = slots_of(sim, plan);
	int64_t frame = (sim->now - p->epoch) / plan->major_frame * plan->major_frame + p->epoch;
	int64_t next = -1;

	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		int64_t at = frame + slot->start;

		const struct sim_partition *owner = &sim->partitions[slot->partition];

		if (!waits_for_slot(owner) || slot->vcpu != owner->idler)
			continue;
		next = earlier(next, at > sim->now ? at : at + plan->major_frame);
	}
	return p->next != p->plan ? earlier(next, p->switch_at) : next;
}

int64_t sim_wakeup(const struct sim *sim)
{
	bool idle = false;
	int64_t next = -1;

	if (sim->halted)
		return -1;
	for (uint32_t i = 0; i < sim->n_partitions; i++)
		idle |= waits_for_slot(&sim->partitions[i]);
	for (uint32_t i = 0; idle && i < sim->n_processors; i++)
		next = earlier(next, next_slot(sim, &sim->processors[i]));
	for (uint32_t i = 0; i < sim->n_vcpus; i++)
		if (ticks(&sim->vcpus[i]))
			next = earlier(next, sim->boot + sim->vcpus[i].timer[WATCHDOG].at);
	return next;
}

/* ---- operations ----------------------------------------------------------------------------------- */

enum xm_code sim_get_time(struct sim_call *c)
{
	uint64_t clock = c->arg[XM_A_GET_TIME_clock].num;

	if (c->arg[XM_A_GET_TIME_time].state != XM_ST_OK || clock > EXEC)
		return XM_C_INVALID_PARAM;
	xm_reply_put_num(c->reply, XM_A_GET_TIME_time,
			 (uint64_t)(clock == EXEC ? c->vcpu->exec : sim_clock(c->sim)));
	return XM_C_OK;
}

/* Of the timers only the watchdog has an effect that a call can see: their interrupts are not
 * simulated. */
enum xm_code sim_set_timer(struct sim_call *c)
{
	uint64_t clock = c->arg[XM_A_SET_TIMER_clock].num;
	int64_t at = (int64_t)c->arg[XM_A_SET_TIMER_absTime].num;
	int64_t interval = (int64_t)c->arg[XM_A_SET_TIMER_interval].num;

	if (clock > (c->sim->prtos ? EXEC : WATCHDOG) || at < 0 || interval < 0)
		return XM_C_INVALID_PARAM;
	/* Beyond what a clock can reach there is no telling times apart. */
	if (at > SYSTEM_MAX_TIME)
		at = SYSTEM_MAX_TIME;
	if (interval > SYSTEM_MAX_TIME)
		interval = SYSTEM_MAX_TIME;
	c->vcpu->timer[clock] = (struct sim_timer){ at, interval };
	return XM_C_OK;
}

static void request_switch(struct sim *sim, struct sim_processor *p, uint32_t plan)
{
	int64_t frame = plan_of(p)->major_frame;

	p->next = plan;
	p->switch_at = p->epoch + ((sim->now - p->epoch) / frame + 1) * frame;
}

enum xm_code sim_switch_plan(struct sim_call *c)
{
	uint64_t plan = c->arg[XM_A_SWITCH_SCHED_PLAN_newPlan].num;
	struct sim *sim = c->sim;
	const struct sim_processor *first = sim->processors;

	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_SWITCH_SCHED_PLAN_oldPlan].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	if (first->n_plans && plan == first->plan)
		return XM_C_NO_ACTION;
	if ((sim->prtos && plan == 0) || plan >= first->n_plans)
		return XM_C_INVALID_PARAM;
	for (uint32_t i = 0; i < sim->n_processors; i++)
		if (plan < sim->processors[i].n_plans)
			request_switch(sim, &sim->processors[i], (uint32_t)plan);
	xm_reply_put_num(c->reply, XM_A_SWITCH_SCHED_PLAN_oldPlan, first->plan);
	return XM_C_OK;
}

/* Whichever partition is named, the plan is that of the first processor. */
enum xm_code sim_plan_status(struct sim_call *c)
{
	const struct sim_processor *p = c->sim->processors;
	uint64_t *words;

	if (c->arg[XM_A_GET_PLAN_STATUS_partitionId].num != c->self && !sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_GET_PLAN_STATUS_status].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	words = xm_reply_put_words(c->reply, XM_A_GET_PLAN_STATUS_status, XM_NF_PLAN_STATUS);
	words[XM_F_PLAN_STATUS_switchTime] = (uint64_t)p->switch_time;
	words[XM_F_PLAN_STATUS_next] = p->next;
	words[XM_F_PLAN_STATUS_current] = p->plan;
	words[XM_F_PLAN_STATUS_prev] = (uint64_t)(int64_t)p->prev;
	return XM_C_OK;
}
