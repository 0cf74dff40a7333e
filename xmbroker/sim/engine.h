/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_ENGINE_H
#define XMBROKER_SIM_ENGINE_H

/*
 * A simulated hypervisor in operation: its clock, and everything that happens at a time.  Whoever
 * wants something of the simulator while it runs asks the engine, so that each call finds the clock
 * where it belongs, partitions without a process do what they should, faults strike, and the recorder
 * sees all of it in order.
 *
 * The virtual clock stands still but for 1 us that each call costs, until somebody moves it.
 */

#include "xmbroker/sim/sim.h"

struct behaviour;
struct faults;
struct record;

struct engine {
	struct sim *sim; /* borrowed, as all of these */
	const struct system *sys;
	enum xm_profile profile;
	bool quirks;
	bool is_virtual;
	int64_t start, now;          /* us of the clock */
	struct behaviour *behaviour; /* NULL: none */
	struct faults *faults;       /* NULL: none */
	struct record *record;       /* NULL: not recorded */
};

#define ENGINE_STEPS_MAX 10000000u /* that engine_run_until() takes at most */

/* What the clock shows now: the time to boot a simulator at. */
int64_t engine_boot_time(bool is_virtual);
/* `start` is when `sim` booted. */
void engine_init(struct engine *engine, struct sim *sim, const struct system *sys,
		 const struct sim_options *options, bool is_virtual, int64_t start);

/* us since the start. */
int64_t engine_time(const struct engine *engine);
/* Brings everything up to the clock. */
void engine_run(struct engine *engine);
/* The same up to time `t` of the clock, which a virtual one shows then; false: too much happens until
 * then, and the clock stands somewhere before. */
bool engine_run_until(struct engine *engine, int64_t t);
/* `us` after t; not beyond the end of the clock, at which nothing happens any more. */
int64_t engine_later(const struct engine *engine, int64_t t, int64_t us);
/* When something happens of itself the next time, of the clock; -1: nothing does. */
int64_t engine_next(const struct engine *engine);

/* Whether a behaviour has something left that it does once. */
bool engine_is_busy(const struct engine *engine);

/* A hypercall of a connection; `delay` is by how many us its answer is to be late. */
enum sim_result engine_call(struct engine *engine, uint32_t partition, const struct xm_request *req,
			    struct xm_reply *reply, int64_t *delayp);
/* What behaviours do, at once: it sets no others off.  A call that polls, and fails, counts as not
 * made. */
enum sim_result engine_issue(struct engine *engine, uint32_t partition,
			     const struct xm_request *req, struct xm_reply *reply, bool polling);
void engine_raise(struct engine *engine, uint32_t partition, uint32_t event);
/* A health monitor event of a partition, or of the system (XM_HYPERVISOR_ID). */
void engine_event(struct engine *engine, uint32_t partition, uint32_t event);

#endif
