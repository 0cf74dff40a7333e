// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Slots and plans of the simulated hypervisor, and the passing of time.  Time advances from event to
 * event, and between them in whole steps that are computed, never slot by slot, so that a long pause
 * costs no more than a short one.
 */

#include "xmbroker/sim/sim_internal.h"

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
	if (t < 0)
		return 0;
	return t / plan->major_frame + (t % plan->major_frame >= slot->start);
}

/* ---- accounting ------------------------------------------------------------------------------------ */

void sim_set_idle(struct sim *sim, struct sim_partition *p, bool idle)
{
	sim->n_idle += (uint32_t)idle - (uint32_t)p->idle;
	p->idle = idle;
	p->yields = 0;
	p->guest = NULL;
}

/* To whoever has the processor in a slot. */
static void charge(struct sim *sim, const struct system_slot *slot, int64_t us)
{
	struct sim_partition *p = &sim->partitions[slot->partition];
	struct sim_vcpu *vcpu = &p->vcpu[slot->vcpu];

	if (p->idle && p->idler == slot->vcpu)
		vcpu = p->guest ? p->guest->vcpu : NULL;
	if (vcpu && sim_vcpu_runs(vcpu))
		vcpu->exec += us;
}

/* Perhaps not for the first time since anybody looked. */
static void begin_slot(struct sim *sim, const struct system_slot *slot, int64_t times)
{
	struct sim_partition *p = &sim->partitions[slot->partition];
	struct sim_vcpu *vcpu = &p->vcpu[slot->vcpu];

	if (!sim_vcpu_runs(vcpu))
		return;
	if (p->idle && slot->vcpu == p->idler)
		sim_set_idle(sim, p, false);
	if (vcpu->fresh && sim->family == 3)
		vcpu->op_mode = SIM_MODE_NORMAL;
	vcpu->fresh = false;
	p->irqs += (uint64_t)times - 1;
	sim_raise_at(sim, p, vcpu, SIM_IRQ_SLOT_START);
}

/* What is in force at `settled`, and for how long. */
static void find_slot(const struct sim *sim, struct sim_processor *p)
{
	const struct system_plan *plan = plan_of(p);
	const struct system_slot *slot = slots_of(sim, plan);
	int64_t in = (p->settled - p->epoch) % plan->major_frame, next = plan->major_frame;

	p->slot = NULL;
	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		if (slot->start > in) {
			next = slot->start < next ? slot->start : next;
		} else if (in < slot->start + slot->duration) {
			p->slot = slot;
			next = slot->start + slot->duration;
			break;
		}
	}
	p->boundary = p->settled - in + next;
}

/*
 * Accounts one processor up to t, before which neither its plan nor any state changes.  What begins
 * at t is left to the next plan when `last`.
 */
static void account(struct sim *sim, struct sim_processor *processor, int64_t t, bool last)
{
	const struct system_plan *plan = plan_of(processor);
	const struct system_slot *slot = slots_of(sim, plan);
	int64_t from = processor->settled - processor->epoch, to = t - processor->epoch;

	if (processor->begun && t < processor->boundary) {
		if (processor->slot)
			charge(sim, processor->slot, to - from);
		processor->settled = t;
		return;
	}
	for (uint32_t i = 0; i < plan->n_slots; i++, slot++) {
		int64_t begun = processor->begun ? slot_starts(plan, slot, from) : 0;
		int64_t starts = slot_starts(plan, slot, last ? to - 1 : to);

		charge(sim, slot, slot_time(plan, slot, to) - slot_time(plan, slot, from));
		if (starts > begun)
			begin_slot(sim, slot, starts - begun);
	}
	processor->settled = t;
	processor->begun = true;
	find_slot(sim, processor);
}

static uint64_t frames_until(const struct sim_processor *p, int64_t t)
{
	return p->frames + (uint64_t)((t - p->epoch) / plan_of(p)->major_frame);
}

static void change_plan(struct sim *sim, struct sim_processor *p, uint32_t plan, int64_t t)
{
	account(sim, p, t, true);
	p->frames = frames_until(p, t);
	p->prev = (int32_t)p->plan;
	p->plan = p->next = plan;
	p->epoch = t;
	p->begun = false;
	p->switch_time = t - sim->boot;
}

static void begin_plan(struct sim *sim, struct sim_processor *p, uint32_t plan)
{
	change_plan(sim, p, plan, sim->now);
	account(sim, p, sim->now, false);
}

/* The maintenance plan does not wait for the end of the frame. */
void sim_switch_now(struct sim *sim, uint32_t plan)
{
	for (uint32_t i = 0; i < sim->n_processors; i++)
		if (plan < sim->processors[i].n_plans)
			begin_plan(sim, &sim->processors[i], plan);
}

void sim_time_boot(struct sim *sim)
{
	sim->boot = sim->now;
	sim->timers = false;
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

/* ---- where one is in the plan ---------------------------------------------------------------------- */

static void look_up(struct sim_place *place, const struct sim_processor *p,
		    const struct system_slot *slot, int64_t at)
{
	int64_t frame = plan_of(p)->major_frame;
	int64_t start = at - (at - p->epoch) % frame + slot->start;

	if (at >= start && at < start + slot->duration) {
		place->in_slot = true;
		place->end = start + slot->duration;
	}
	place->next = sim_earlier(place->next, start > at ? start : start + frame);
}

struct sim_place sim_locate(const struct sim *sim, uint32_t partition, uint32_t vcpu, int64_t at)
{
	struct sim_place place = { .next = -1 };

	for (uint32_t i = 0; i < sim->n_processors; i++) {
		const struct sim_processor *p = &sim->processors[i];
		const struct system_slot *slot = slots_of(sim, plan_of(p));

		for (uint32_t s = 0; s < plan_of(p)->n_slots; s++, slot++)
			if (slot->partition == partition && slot->vcpu == vcpu)
				look_up(&place, p, slot, at);
	}
	return place;
}

/* ---- the passing of time -------------------------------------------------------------------------- */

static int64_t next_switch(const struct sim *sim)
{
	int64_t next = -1;

	for (uint32_t i = 0; i < sim->n_processors; i++)
		if (sim->processors[i].next != sim->processors[i].plan)
			next = sim_earlier(next, sim->processors[i].switch_at);
	return next;
}

/* The next slot of one who waits for it; a plan switch before it is to be asked about first. */
static int64_t next_awakening(const struct sim *sim)
{
	int64_t next = -1;

	for (uint32_t i = 0; sim->n_idle && i < sim->n_partitions; i++) {
		const struct sim_partition *p = &sim->partitions[i];

		if (p->idle && sim_vcpu_runs(&p->vcpu[p->idler]))
			next = sim_earlier(next, sim_locate(sim, i, p->idler, sim->now).next);
	}
	return next;
}

static int64_t next_event(const struct sim *sim, int64_t until)
{
	int64_t next = sim_earlier(next_switch(sim), next_awakening(sim));

	return sim->timers ? sim_earlier(next, sim_next_timer(sim, until)) : next;
}

static void step(struct sim *sim, int64_t t, int64_t until)
{
	sim->now = t;
	for (uint32_t i = 0; i < sim->n_processors; i++) {
		struct sim_processor *p = &sim->processors[i];

		if (p->next != p->plan && t >= p->switch_at)
			change_plan(sim, p, p->next, p->switch_at);
		account(sim, p, t, false);
	}
	if (sim->timers)
		sim_fire_timers(sim, until);
}

/* Every event ends what it comes from, so that there are not more of them than timers, partitions and
 * processors. */
void sim_advance(struct sim *sim, int64_t now)
{
	int64_t t;

	if (now < sim->now)
		now = sim->now;
	while (!sim->halted && (t = next_event(sim, now)) >= 0 && t <= now)
		step(sim, t, now);
	if (sim->halted)
		sim->now = now;
	else
		step(sim, now, now);
}

int64_t sim_wakeup(const struct sim *sim)
{
	int64_t next = -1;

	if (sim->halted)
		return -1;
	if (sim->n_idle)
		next = sim_earlier(next_switch(sim), next_awakening(sim));
	return sim->timers ? sim_earlier(next, sim_timer_wakeup(sim)) : next;
}

/* A virtual processor that no plan gives a slot is not scheduled by slots, and has none to give up.
 * Outside of its slot there is nothing that an interrupt could give back. */
void sim_give_up_slot(struct sim_call *c, const struct sim_partition *guest)
{
	uint32_t vcpu = sim_vcpu_number(c);
	struct sim_place place = sim_locate(c->sim, c->self, vcpu, c->sim->now);

	if (!(c->caller->slots & 1u << vcpu))
		return;
	sim_set_idle(c->sim, c->caller, true);
	c->caller->idler = vcpu;
	c->caller->guest = guest;
	if (c->sim->family == 2 && place.in_slot && !guest)
		c->caller->yields = place.end;
	c->result = SIM_DEFERRED;
}

/* ---- plans ------------------------------------------------------------------------------------------ */

static void request_switch(struct sim *sim, struct sim_processor *p, uint32_t plan)
{
	int64_t frame = plan_of(p)->major_frame;

	p->next = plan;
	p->switch_at = p->epoch + ((sim->now - p->epoch) / frame + 1) * frame;
}

void sim_request_plan(struct sim_call *c, uint32_t plan)
{
	for (uint32_t i = 0; i < c->sim->n_processors; i++)
		if (plan < c->sim->processors[i].n_plans)
			request_switch(c->sim, &c->sim->processors[i], plan);
	xm_reply_put_num(c->reply, XM_A_SWITCH_SCHED_PLAN_oldPlan, c->sim->processors->plan);
}

enum xm_code sim_switch_plan(struct sim_call *c)
{
	uint64_t plan = c->arg[XM_A_SWITCH_SCHED_PLAN_newPlan].num;
	const struct sim_processor *first = c->sim->processors;

	if (!sim_is_system(c))
		return XM_C_PERM_ERROR;
	if (c->arg[XM_A_SWITCH_SCHED_PLAN_oldPlan].state != XM_ST_OK)
		return XM_C_INVALID_PARAM;
	if (first->n_plans && plan == first->plan)
		return XM_C_NO_ACTION;
	if ((c->sim->prtos && plan == 0) || plan >= first->n_plans)
		return XM_C_INVALID_PARAM;
	sim_request_plan(c, (uint32_t)plan);
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
