/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SIM_SIM_H
#define XMBROKER_SIM_SIM_H

/*
 * A simulated hypervisor of any profile on any system description: what every operation answers and
 * does.  Pure: no input or output, no clock of its own.  Time is microseconds
 * of any clock that does not go backwards.  Calls are carried out at once, whoever's slot it is; the
 * slots decide major frames, plan switches, execution clocks, operating modes and the end of
 * XM_idle_self.  xmsim(8) says what is simulated and what is not.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"

struct sim;

#define SIM_MEMORY (64u << 20) /* bytes of physical memory that can differ from zero */

enum sim_result {
	SIM_REPLY,    /* carried out: the reply stands */
	SIM_DEFERRED, /* carried out, but the caller stopped: it gets the reply when it runs again */
	SIM_GONE, /* carried out, and never returns: the caller's partition or the system is gone */
	SIM_STOPPED, /* not carried out: the partition does not run; to be tried when it does */
};

/* Takes bytes that a partition wrote; returns how many it accepted. */
typedef size_t (*sim_console_fn)(void *arg, uint32_t partition, const uint8_t *data, size_t len);

struct sim_options {
	enum xm_profile profile; /* 0: that of the description */
	bool quirks; /* with the known defects of the originals, not as they are documented */
};

/*
 * Boots the system.  `sys` is borrowed and must be verified; `options` may be NULL: all defaults.
 * -ENOTSUP: a profile of another family than the description's.
 */
int sim_new(const struct system *sys, const struct sim_options *options, int64_t now,
	    struct sim **simp);
void sim_free(struct sim *sim);
/* Where console output goes; without it, nowhere, and all of it is accepted. */
void sim_set_console(struct sim *sim, sim_console_fn fn, void *arg);

/* One hypercall of a partition.  The reply's space must have been lent before. */
enum sim_result sim_call(struct sim *sim, uint32_t partition, const struct xm_request *req,
			 struct xm_reply *reply, int64_t now);
/* Lets time pass without a call. */
void sim_run(struct sim *sim, int64_t now);
/* Of two times, of which -1 is never. */
static inline int64_t sim_earlier(int64_t a, int64_t b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}
/* When something happens of itself the next time; -1: not before the next call. */
int64_t sim_wakeup(const struct sim *sim);

bool sim_system_halted(const struct sim *sim);
/* Whether the partition can issue calls and receive replies. */
bool sim_runs(const struct sim *sim, uint32_t partition);
/* Whether it gave up its slot and waits for the next one. */
bool sim_idles(const struct sim *sim, uint32_t partition);
/* Whether the partition is halted, so that nothing of it is left. */
bool sim_halted(const struct sim *sim, uint32_t partition);
/* Timers that have expired so far: which of their periods were missed depends on when time was let pass. */
uint64_t sim_expiries(const struct sim *sim);
/* Changes whenever the partition is halted or starts anew: what it held before is gone. */
uint64_t sim_generation(const struct sim *sim, uint32_t partition);

/* Physical memory as it is; false: SIM_MEMORY is used up, and only a part was written. */
void sim_memory_read(const struct sim *sim, uint64_t address, void *buf, size_t len);
bool sim_memory_write(struct sim *sim, uint64_t address, const void *buf, size_t len);

/* A health monitor event, in the description's numbers, with all that follows from it; partition
 * XM_HYPERVISOR_ID: of the system. */
void sim_hm_event(struct sim *sim, uint32_t partition, uint32_t event);

#endif
