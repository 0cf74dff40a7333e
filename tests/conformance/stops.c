// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Rows of sections 6.1, 6.2 and 6.4 that stop a partition under its own process, or the system: run
 * last, each in a process of its own, the end of the system at the very end.
 */

#include <time.h>

#include "tests/conformance/conformance.h"

#define PLAIN ((unsigned int)machine.plain.partition)
#define NEEDS_PLAIN NEEDS(peer_has(machine.plain.partition), "a process in the plain partition")

struct self_call {
	unsigned int nr;
	unsigned long id, mode, status;
};

static long do_self_call(void *arg)
{
	const struct self_call *call = arg;

	return XM_hcall((int)call->nr, call->id, call->mode, call->status, 0, 0);
}

static struct self_call the_call;

/* Has the plain partition do this to itself. */
static void begin(unsigned int nr, unsigned long mode, unsigned long status)
{
	the_call = (struct self_call){ nr, PLAIN, mode, status };
	peer_begin(PLAIN, do_self_call, &the_call, sizeof(the_call));
}

/* Whether the call came back with an answer of the hypervisor. */
static bool answered(unsigned int timeout_ms, long *valuep)
{
	return peer_end(PLAIN, valuep, timeout_ms) && *valuep != XM_INVALID_MODE;
}

static void wait_state(long state)
{
	const struct timespec pause = { 0, 1000000 };

	for (int i = 0; i < 2000 && state_of(PLAIN) != state; i++)
		nanosleep(&pause, NULL);
	EQ(state, state_of(PLAIN));
}

static void idle(void)
{
	NEEDS(machine.n_plans, "plans");
	IS(XM_OK, machine_idle());
	IS(XM_OK, machine_idle());
	EQ(XM_STATUS_READY, state_of((unsigned int)machine.self.partition));
}

/* Not before its next slot. */
static void idle_until_next_slot(void)
{
	long long before, total = 0;

	NEEDS(machine.n_plans, "plans");
	for (int i = 0; i < 4; i++) {
		before = machine_time();
		IS(XM_OK, machine_idle());
		total += machine_time() - before;
	}
	HOLDS(total >= machine.frame[1] || total >= machine.frame[0]);
}

static void suspend_self(void)
{
	long value;

	NEEDS_PLAIN;
	revive(PLAIN);
	begin(suspend_partition_nr, 0, 0);
	wait_state(XM_STATUS_SUSPENDED);
	HOLDS(!answered(100, &value));
	IS(XM_OK, XM_resume_partition(PLAIN));
	HOLDS(answered(5000, &value));
	EQ(XM_OK, value);
	EQ(XM_STATUS_READY, state_of(PLAIN));
}

static void halt_self(void)
{
	long value;

	NEEDS_PLAIN;
	revive(PLAIN);
	begin(halt_partition_nr, 0, 0);
	wait_state(XM_STATUS_HALTED);
	HOLDS(!answered(100, &value));
	IS(XM_OK, XM_reset_partition(PLAIN, XM_COLD_RESET, 0));
	peer_renew(PLAIN);
	EQ(PLAIN, peer_hcall(PLAIN, NR_HYPERCALLS, 0, 0, 0));
}

static void reset_self(void)
{
	xmPartitionStatus_t status;
	long value;

	NEEDS_PLAIN;
	revive(PLAIN);
	begin(reset_partition_nr, XM_WARM_RESET, 99);
	HOLDS(!answered(300, &value));
	wait_state(XM_STATUS_READY);
	IS(XM_OK, partition_status(PLAIN, &status));
	EQ(1, status.resetCounter);
	EQ(99, status.resetStatus);
	peer_renew(PLAIN);
	EQ(PLAIN, peer_hcall(PLAIN, NR_HYPERCALLS, 0, 0, 0));
}

/* A call in hand waits while its partition is suspended. */
static void suspended_by_another(void)
{
	long value;

	NEEDS_PLAIN;
	revive(PLAIN);
	EQ(PLAIN, peer_hcall(PLAIN, NR_HYPERCALLS, 0, 0, 0));
	IS(XM_OK, XM_suspend_partition(PLAIN));
	begin(shutdown_partition_nr, 0, 0);
	HOLDS(!peer_end(PLAIN, &value, 200));
	IS(XM_OK, XM_resume_partition(PLAIN));
	HOLDS(answered(5000, &value));
	EQ(XM_OK, value);
}

/* ---- the system ----------------------------------------------------------------------------------- */

static long reset_counter(void)
{
	xmSystemStatus_t status;
#if XM_FAMILY == 2
	long code = XM_system_get_status(&status);
#else
	long code = XM_get_system_status(&status);
#endif

	return code == XM_OK ? (long)status.resetCounter : code;
}

/* After a reset the hypervisor, or the broker, may take a moment. */
static bool comes_back(void)
{
	const struct timespec pause = { 0, 10000000 };

	for (int i = 0; i < 1000; i++) {
		if (machine_time() >= 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

static void reset_system(unsigned int mode, long counter)
{
	long code = XM_reset_system(mode);

	EQ(XM_INVALID_MODE, code);
	EQ(ECONNRESET, errno);
	HOLDS(comes_back());
	EQ(counter, reset_counter());
	EQ(XM_STATUS_READY, state_of((unsigned int)machine.self.partition));
}

static void reset_warm(void)
{
	long before = reset_counter();

	HOLDS(before >= 0);
	reset_system(XM_WARM_RESET, before + 1);
	reset_system(XM_WARM_RESET, before + 2);
}

/* The counter goes on in 2.x. */
static void reset_cold(void)
{
	reset_system(XM_COLD_RESET, XM_FAMILY == 2 ? reset_counter() + 1 : 0);
}

static void reset_clears(void)
{
	xmPlanStatus_t plan;
	xmTime_t now;

	IS(XM_OK, XM_halt_partition((xm_u32_t)machine.managed.partition));
	reset_system(XM_WARM_RESET, reset_counter() + 1);
	EQ(XM_STATUS_READY, state_of((unsigned int)machine.managed.partition));
	IS(XM_OK, XM_get_plan_status(&plan));
	EQ(0, plan.current);
	EQ(-1, plan.prev);
	IS(XM_OK, XM_get_time(XM_HW_CLOCK, &now));
	HOLDS(now < 60000000);
}

static void halt_system(void)
{
	long code = XM_halt_system();

	EQ(XM_INVALID_MODE, code);
	EQ(ECONNRESET, errno);
	code = machine_time() < 0;
	HOLDS(code);
}

const struct row stop_rows[] = {
	{ "6.1", "idle / the rest of the slot", idle, true },
	{ "6.1", "idle / until the next slot", idle_until_next_slot, true },
	{ "6.2", "partitions / suspend itself", suspend_self, true },
	{ "6.2", "partitions / suspended in mid-call", suspended_by_another, true },
	{ "6.2", "partitions / halt itself", halt_self, true },
	{ "6.2", "partitions / reset itself", reset_self, true },
	{ "6.4", "system / warm reset", reset_warm, true },
	{ "6.4", "system / cold reset", reset_cold, true },
	{ "6.4", "system / what a reset clears", reset_clears, true },
	{ "6.4", "system / halt", halt_system, true },
	{ NULL, NULL, NULL, false },
};
