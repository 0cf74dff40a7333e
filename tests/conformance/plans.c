// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.6: scheduling plans. */

#include "tests/conformance/conformance.h"

#define NEEDS_PLANS NEEDS(machine.n_plans > 1, "two plans")
#define INVALID_FIRST (XM_FAMILY == 2 || XM_PROFILE == XM_PROFILE_PRTOS)

static long switch_plan(unsigned int plan, xm_u32_t *old)
{
#if XM_FAMILY == 2
	(void)old;
	return XM_set_plan(plan);
#else
	return XM_switch_sched_plan(plan, old);
#endif
}

static xmPlanStatus_t plan_now(void)
{
	xmPlanStatus_t status;

	memset(&status, 0x55, sizeof(status));
	IS(XM_OK, XM_get_plan_status(&status));
	return status;
}

static void wait_frame(int plan)
{
	machine_pass(machine.frame[plan] + 1000);
}

/* Makes plan 1 that in force. */
static void enter_second(void)
{
	xm_u32_t old;

	if (plan_now().current != 1)
		IS(XM_OK, switch_plan(1, &old));
	wait_frame(plan_now().current);
	EQ(1, plan_now().current);
}

static void at_the_end_of_the_frame(void)
{
	xmPlanStatus_t status;
	long long asked, done;
	xm_u32_t old = 77;
	int from, to;

	NEEDS_PLANS;
	from = plan_now().current;
	to = from == 1 ? (INVALID_FIRST ? 2 : 0) : 1;
	NEEDS(to < (int)machine.n_plans, "a third plan");
	wait_frame(from); /* the switch before, if there was one, is over */
	asked = machine_time();
	IS(XM_OK, switch_plan((unsigned int)to, &old));
	done = machine_time();
	if (XM_FAMILY == 3)
		EQ(from, old);
	status = plan_now();
	EQ(to, status.next);
	wait_frame(from);
	status = plan_now();
	EQ(to, status.current);
	EQ(to, status.next);
	EQ(from, status.prev);
	HOLDS(status.switchTime >= asked && status.switchTime <= done + machine.frame[from]);
}

static void current(void)
{
	xm_u32_t old;

	NEEDS_PLANS;
	enter_second();
	IS(ALREADY, switch_plan(1, &old));
	EQ(1, plan_now().next);
}

/* Two requests in one frame; false: a frame ended between them, which says nothing. */
static bool request_twice(void)
{
	xmPlanStatus_t status;
	xm_u32_t old;

	enter_second();
	IS(XM_OK, switch_plan(INVALID_FIRST ? 2 : 0, &old));
	if (plan_now().current != 1)
		return false;
	EQ(INVALID_FIRST ? 2 : 0, plan_now().next);
	switch_plan(2, &old);
	status = plan_now();
	return status.current == 1 || (status.current == 2 && status.prev == 1);
}

static void last_request_counts(void)
{
	NEEDS_PLANS;
	NEEDS(machine.n_plans > 2, "a third plan");
	for (int i = 0; i < 20 && !request_twice(); i++)
		;
	wait_frame(1);
	EQ(2, plan_now().current);
	EQ(1, plan_now().prev);
	enter_second();
}

/* In 2.x and PRTOS the initial plan cannot be entered again. */
static void first_plan(void)
{
	xm_u32_t old;

	NEEDS_PLANS;
	enter_second();
	if (INVALID_FIRST) {
		IS(XM_INVALID_PARAM, switch_plan(0, &old));
		EQ(1, plan_now().next);
		return;
	}
	IS(XM_OK, switch_plan(0, &old));
	EQ(1, old);
	wait_frame(1);
	EQ(0, plan_now().current);
}

static void unknown(void)
{
	xm_u32_t old;

	NEEDS_PLANS;
	IS(XM_INVALID_PARAM, switch_plan(machine.n_plans, &old));
	IS(XM_INVALID_PARAM, switch_plan(1000, &old));
	IS(XM_INVALID_PARAM, switch_plan(~0U, &old));
}

static void bad_pointers(void)
{
	IS(XM_INVALID_PARAM, XM_get_plan_status(NULL));
	IS(XM_INVALID_PARAM, XM_get_plan_status(bad_memory()));
#if XM_FAMILY == 3
	IS(XM_INVALID_PARAM, switch_plan(1, NULL));
	IS(XM_INVALID_PARAM, switch_plan(1, bad_memory()));
#endif
}

static long far_switch(void *arg)
{
	xm_u32_t old;

	return switch_plan((unsigned int)*(long *)arg, &old);
}

static long far_plan_status(void *arg)
{
	xmPlanStatus_t status;

	(void)arg;
	return XM_get_plan_status(&status);
}

static void rights(void)
{
	long plan = 1;

	NEEDS(peer_has(machine.plain.partition), "a process in the plain partition");
	IS(XM_PERM_ERROR, peer_run(machine.plain.partition, far_switch, &plan, sizeof(plan)));
	plan = 1000;
	IS(XM_PERM_ERROR, peer_run(machine.plain.partition, far_switch, &plan, sizeof(plan)));
	IS(XM_OK, peer_run(machine.plain.partition, far_plan_status, &plan, sizeof(plan)));
}

/* ---- spare time, which only a partition with a flag of its own may give away ---------------------- */

#if XM_PROFILE == XM_PROFILE_2_4

static void spare(void)
{
	struct xmcSchedSpareSlot slots[4];
	struct xmcSchedSparePlan plan = { { 4, 0 }, slots };

	IS(XM_PERM_ERROR, XM_gather_spare_data(&plan));
	plan.header.noSlots = 0;
	IS(XM_PERM_ERROR, XM_set_spare_plan(&plan));
	plan.header.noSlots = 4;
	IS(XM_PERM_ERROR, XM_get_spare_plan(&plan));
}

#elif XM_PROFILE == XM_PROFILE_2_6

static void spare(void)
{
	xmTime_t start, stop;

	IS(XM_PERM_ERROR, XM_set_spare_guest((xm_u32_t)machine.managed.partition, &start, &stop));
}

#endif

const struct row plan_rows[] = {
	{ "6.6", "plans / switch at the end of the frame", at_the_end_of_the_frame, false },
	{ "6.6", "plans / switch: to the current one", current, false },
	{ "6.6", "plans / switch: the last request counts", last_request_counts, false },
	{ "6.6", "plans / switch: back to the first", first_plan, false },
	{ "6.6", "plans / switch: no such plan", unknown, false },
	{ "6.6", "plans / bad pointers", bad_pointers, false },
	{ "6.6", "plans / rights", rights, false },
#if XM_FAMILY == 2
	{ "6.10", "spare time / without the right", spare, false },
#endif
	{ NULL, NULL, NULL, false },
};
