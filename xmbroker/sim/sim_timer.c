// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Clocks and timers of the simulated hypervisor.  A timer of the hardware clock expires while its
 * virtual processor has a slot, one of the execution clock while it runs, a watchdog at any time as
 * long as it is neither halted nor suspended.  Missed periods are skipped: however much time passes at
 * once, a timer expires once, and the next expiry lies in the future.
 */

#include "xmbroker/sim/sim_internal.h"

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static bool has_slots(const struct sim_partition *p, uint32_t v)
{
	return p->slots & 1u << v;
}

/* When it has the processor at or after `at`; -1: not in the plan in force. */
static int64_t next_presence(const struct sim *sim, const struct sim_partition *p, uint32_t v,
			     int64_t at)
{
	struct sim_place place;

	if (!has_slots(p, v))
		return at;
	place = sim_locate(sim, p->config->id, v, at);
	return place.in_slot ? at : place.next;
}

/* When a timer that the passing of time makes expire does so, if that is not after `until`. */
static int64_t expiry(const struct sim *sim, const struct sim_partition *p, uint32_t v,
		      unsigned int timer, int64_t until)
{
	int64_t at = p->vcpu[v].timer[timer].at;

	if (!at || !sim_vcpu_runs(&p->vcpu[v]) || sim->boot + at > until)
		return -1;
	at = later(sim->boot + at, sim->now);
	return timer == SIM_TIMER_HW ? next_presence(sim, p, v, at) : at;
}

int64_t sim_next_timer(const struct sim *sim, int64_t until)
{
	int64_t next = -1;

	for (uint32_t i = 0; i < sim->n_partitions; i++) {
		const struct sim_partition *p = &sim->partitions[i];

		for (uint32_t v = 0; v < p->config->n_vcpus; v++) {
			next = sim_earlier(next, expiry(sim, p, v, SIM_TIMER_HW, until));
			next = sim_earlier(next, expiry(sim, p, v, SIM_TIMER_WATCHDOG, until));
		}
	}
	return next;
}

/* Watchdogs have consequences; of the others, one that ends a yield. */
int64_t sim_timer_wakeup(const struct sim *sim)
{
	int64_t next = -1;

	for (uint32_t i = 0; i < sim->n_partitions; i++) {
		const struct sim_partition *p = &sim->partitions[i];

		for (uint32_t v = 0; v < p->config->n_vcpus; v++)
			next = sim_earlier(next, expiry(sim, p, v, SIM_TIMER_WATCHDOG, INT64_MAX));
		if (p->idle && p->yields > sim->now)
			next = sim_earlier(next,
					   expiry(sim, p, p->idler, SIM_TIMER_HW, p->yields - 1));
	}
	return next;
}

/* ---- expiry ---------------------------------------------------------------------------------------- */

static void rearm(struct sim_timer *timer, int64_t until)
{
	if (timer->interval > 0 && until >= timer->at)
		timer->at += ((until - timer->at) / timer->interval + 1) * timer->interval;
	else
		timer->at = 0;
}

static bool is_due(const struct sim *sim, const struct sim_partition *p, uint32_t v,
		   unsigned int timer)
{
	const struct sim_vcpu *vcpu = &p->vcpu[v];

	if (timer == SIM_TIMER_EXEC)
		return vcpu->timer[timer].at && sim_vcpu_runs(vcpu) &&
		       vcpu->exec >= vcpu->timer[timer].at;
	return expiry(sim, p, v, timer, sim->now) == sim->now;
}

static void expire(struct sim *sim, struct sim_partition *p, uint32_t v, unsigned int timer,
		   int64_t until)
{
	struct sim_vcpu *vcpu = &p->vcpu[v];

	sim->expiries++;
	rearm(&vcpu->timer[timer], timer == SIM_TIMER_EXEC ? vcpu->exec : until - sim->boot);
	sim_raise_at(sim, p, vcpu, SIM_IRQ_HW_TIMER + timer);
	if (timer == SIM_TIMER_WATCHDOG)
		sim_hm_raise(sim, p->config->id, v, sim_event_watchdog(sim), NULL);
}

/* An event of the health monitor can halt or restart everything. */
void sim_fire_timers(struct sim *sim, int64_t until)
{
	bool armed = false;

	for (uint32_t i = 0; i < sim->n_partitions; i++) {
		struct sim_partition *p = &sim->partitions[i];

		for (uint32_t n = 0; n < p->config->n_vcpus * SIM_TIMERS; n++) {
			if (is_due(sim, p, n / SIM_TIMERS, n % SIM_TIMERS))
				expire(sim, p, n / SIM_TIMERS, n % SIM_TIMERS, until);
			if (sim->halted || !sim->timers)
				return;
			armed |= p->vcpu[n / SIM_TIMERS].timer[n % SIM_TIMERS].at;
		}
	}
	sim->timers = armed;
}

/* ---- operations ------------------------------------------------------------------------------------ */

enum xm_code sim_get_time(struct sim_call *c)
{
	uint64_t clock = c->arg[XM_A_GET_TIME_clock].num;

	if (c->arg[XM_A_GET_TIME_time].state != XM_ST_OK || clock > SIM_TIMER_EXEC)
		return XM_C_INVALID_PARAM;
	xm_reply_put_num(c->reply, XM_A_GET_TIME_time,
			 (uint64_t)(clock == SIM_TIMER_EXEC ? c->vcpu->exec : sim_clock(c->sim)));
	return XM_C_OK;
}

/* Beyond what a clock can reach there is no telling times apart. */
static int64_t limit(int64_t t)
{
	return t > SYSTEM_MAX_TIME ? SYSTEM_MAX_TIME : t;
}

/* In 2.x an interval that is not positive is none. */
enum xm_code sim_set_timer(struct sim_call *c)
{
	uint64_t clock = c->arg[XM_A_SET_TIMER_clock].num;
	int64_t at = (int64_t)c->arg[XM_A_SET_TIMER_absTime].num;
	int64_t interval = (int64_t)c->arg[XM_A_SET_TIMER_interval].num;

	if (clock > (c->sim->prtos ? SIM_TIMER_EXEC : SIM_TIMER_WATCHDOG) || at < 0)
		return XM_C_INVALID_PARAM;
	if (interval < 0) {
		if (c->sim->family == 3)
			return XM_C_INVALID_PARAM;
		interval = 0;
	}
	c->vcpu->timer[clock] = (struct sim_timer){ limit(at), limit(interval) };
	c->sim->timers |= at > 0;
	return XM_C_OK;
}
