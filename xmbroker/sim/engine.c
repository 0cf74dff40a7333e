// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The clock and the order of what happens.  Owns the time.  Must never let anything happen before
 * something that is due earlier, or reach the simulator without the recorder knowing.
 */

#include <time.h>

#include "xmbroker/sim/behaviour.h"
#include "xmbroker/sim/engine.h"
#include "xmbroker/sim/faults.h"
#include "xmbroker/sim/record.h"

#define CALL_COST 1 /* us, on the virtual clock */

static int64_t monotonic_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t engine_boot_time(bool is_virtual)
{
	return is_virtual ? 0 : monotonic_us();
}

void engine_init(struct engine *e, struct sim *sim, const struct system *sys,
		 const struct sim_options *options, bool is_virtual, int64_t start)
{
	*e = (struct engine){
		.sim = sim,
		.sys = sys,
		.profile = options && options->profile ? options->profile : sys->profile,
		.quirks = options && options->quirks,
		.is_virtual = is_virtual,
		.start = start,
	};
	e->now = start;
}

int64_t engine_time(const struct engine *e)
{
	return e->now - e->start;
}

/* ---- time ------------------------------------------------------------------------------------------- */

/* The virtual clock ends somewhere, so that times can be added; a real one does not come that far. */
static int64_t end_of_time(const struct engine *e)
{
	return e->is_virtual ? e->start + SYSTEM_MAX_TIME : INT64_MAX;
}

int64_t engine_later(const struct engine *e, int64_t t, int64_t us)
{
	int64_t end = end_of_time(e);

	return us < end - t ? t + us : end;
}

int64_t engine_next(const struct engine *e)
{
	int64_t a = sim_wakeup(e->sim);
	int64_t b = e->behaviour ? behaviour_next(e->behaviour, e) : -1;
	int64_t next = sim_earlier(a, b);

	return next <= end_of_time(e) ? next : -1;
}

bool engine_is_busy(const struct engine *e)
{
	return e->behaviour && behaviour_is_busy(e->behaviour, e);
}

static void step(struct engine *e, int64_t t)
{
	int64_t due = e->record ? sim_wakeup(e->sim) : -1;
	uint64_t expiries = sim_expiries(e->sim);

	if (t > e->now)
		e->now = t;
	sim_run(e->sim, e->now);
	if (e->record && ((due >= 0 && due <= e->now) || sim_expiries(e->sim) != expiries))
		record_time(e->record, engine_time(e));
	if (e->behaviour)
		behaviour_run(e->behaviour, e);
}

/* Of the real clock periods may be missed, as when the machine sleeps; of the virtual one none is. */
bool engine_run_until(struct engine *e, int64_t t)
{
	int64_t next = e->is_virtual ? engine_next(e) : -1;

	t = engine_later(e, t, 0);
	for (unsigned int n = 0; next >= 0 && next <= t; n++) {
		if (n == ENGINE_STEPS_MAX)
			return false;
		step(e, next);
		next = engine_next(e);
	}
	step(e, t);
	return true;
}

void engine_run(struct engine *e)
{
	engine_run_until(e, e->is_virtual ? e->now : monotonic_us());
}

/* ---- what happens ----------------------------------------------------------------------------------- */

enum sim_result engine_issue(struct engine *e, uint32_t partition, const struct xm_request *req,
			     struct xm_reply *reply, bool polling)
{
	enum sim_result result = sim_call(e->sim, partition, req, reply, e->now);
	bool made = result != SIM_STOPPED && (!polling || reply->code == XM_C_OK);

	if (made && e->record)
		record_call(e->record, engine_time(e), partition, req, result, reply);
	return result;
}

void engine_raise(struct engine *e, uint32_t partition, uint32_t event)
{
	if (e->record)
		record_event(e->record, engine_time(e), partition, event);
	sim_hm_event(e->sim, partition, event);
}

/* Whether a fault takes the place of the call. */
static bool fails(struct engine *e, uint32_t partition, const struct xm_request *req,
		  struct xm_reply *reply, int64_t *delayp)
{
	enum xm_code code = XM_C_OK;

	if (e->faults && sim_runs(e->sim, partition))
		code = faults_strike(e->faults, partition, req->op, delayp);
	if (code == XM_C_OK)
		return false;
	xm_reply_init(reply, reply->space, reply->space_len);
	xm_reply_fail(reply, code);
	if (e->record)
		record_fault(e->record, engine_time(e), partition, req, code);
	return true;
}

enum sim_result engine_call(struct engine *e, uint32_t partition, const struct xm_request *req,
			    struct xm_reply *reply, int64_t *delayp)
{
	enum sim_result result;

	*delayp = 0;
	if (e->is_virtual && sim_runs(e->sim, partition))
		engine_run_until(e, e->now + CALL_COST);
	else
		engine_run(e);
	if (fails(e, partition, req, reply, delayp))
		return SIM_REPLY;
	result = engine_issue(e, partition, req, reply, false);
	if (e->behaviour)
		behaviour_run(e->behaviour, e);
	return result;
}

void engine_event(struct engine *e, uint32_t partition, uint32_t event)
{
	engine_run(e);
	engine_raise(e, partition, event);
	if (e->behaviour)
		behaviour_run(e->behaviour, e);
}
