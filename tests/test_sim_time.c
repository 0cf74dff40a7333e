// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: clocks, timers, slots and plans. */

#include "tests/sim_rig.h"

TestSuite(sim_time, .init = rig_demo, .fini = rig_close);

#define TIME(partition, clock) CALL(partition, GET_TIME, N(clock), OUT)

Test(sim_time, checks)
{
	IS(INVALID_PARAM, TIME(0, 2));
	IS(INVALID_PARAM, TIME(0, 99));
	IS(INVALID_PARAM, TIME(0, UINT32_MAX));
	IS(INVALID_PARAM, CALL(0, GET_TIME, N(0), NUL));
	IS(INVALID_PARAM, CALL(0, GET_TIME, N(0), BAD));
	IS(INVALID_PARAM, CALL(0, GET_TIME, N(0), { .state = XM_ST_UNALIGNED }));
	IS(INVALID_PARAM, CALL(0, GET_TIME, N(99), NUL));
}

Test(sim_time, hardware_clock_starts_at_boot)
{
	IS(OK, TIME(0, 0));
	cr_assert_eq(rig.reply.out[1].num, 0);
	rig.now += 12345;
	IS(OK, TIME(1, 0));
	cr_assert_eq(rig.reply.out[1].num, 12345);
}

Test(sim_time, hardware_clock_never_goes_back)
{
	rig.now += 100;
	IS(OK, TIME(0, 0));
	rig.now -= 50;
	IS(OK, TIME(0, 0));
	cr_assert_eq(rig.reply.out[1].num, 100);
}

/* Slots of partition 1: 50 to 75 ms of every 100 ms. */
Test(sim_time, execution_clock_counts_slots)
{
	wait_us(60000);
	IS(OK, TIME(1, 1));
	cr_assert_eq(rig.reply.out[1].num, 10000);
	wait_us(35000);
	IS(OK, TIME(1, 1));
	cr_assert_eq(rig.reply.out[1].num, 25000);
	wait_us(INT64_C(86400) * 1000000);
	IS(OK, TIME(1, 1));
	cr_assert_eq(rig.reply.out[1].num, 25000 + INT64_C(86400) * 250000);
	cr_assert_eq(status_of(1, XM_F_PARTITION_STATUS_execClock), rig.reply.out[1].words[5]);
}

Test(sim_time, execution_clock_stops_with_the_partition)
{
	wait_us(100000);
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	wait_us(1000000);
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	IS(OK, TIME(1, 1));
	cr_assert_eq(rig.reply.out[1].num, 25000);
}

#define TIMER(clock, at, interval) CALL(0, SET_TIMER, N(clock), N(at), N(interval))

Test(sim_time, timers_of_3_x)
{
	IS(OK, TIMER(0, 0, 0));
	IS(OK, TIMER(1, 0, 0));
	IS(OK, TIMER(2, 0, 0));
	IS(INVALID_PARAM, TIMER(3, 0, 0));
	IS(INVALID_PARAM, TIMER(99, 0, 0));
	IS(OK, TIMER(0, 50000000, 0));
	IS(OK, TIMER(0, 50000000, 1));
	IS(OK, TIMER(0, 1, 0));
	IS(OK, TIMER(0, INT64_MAX, INT64_MAX));
	IS(INVALID_PARAM, TIMER(0, -1, 0));
	IS(INVALID_PARAM, TIMER(0, 50000000, -1));
	IS(INVALID_PARAM, TIMER(99, -1, 0));
	wait_us(100000000);
	cr_assert_eq(STATE(0), READY);
}

/* ---- plans ---------------------------------------------------------------------------------------- */

#define SWITCH(plan) CALL(0, SWITCH_SCHED_PLAN, N(plan), OUT)

static void plan_is(int64_t current, int64_t next, int64_t prev, int64_t switched)
{
	IS(OK, CALL(0, GET_PLAN_STATUS, N(0), OUT));
	cr_assert_eq((int64_t)word(1, XM_F_PLAN_STATUS_current), current);
	cr_assert_eq((int64_t)word(1, XM_F_PLAN_STATUS_next), next);
	cr_assert_eq((int64_t)word(1, XM_F_PLAN_STATUS_prev), prev);
	cr_assert_eq((int64_t)word(1, XM_F_PLAN_STATUS_switchTime), switched);
}

Test(sim_time, plan_checks)
{
	IS(PERM_ERROR, CALL(1, SWITCH_SCHED_PLAN, N(99), NUL));
	IS(INVALID_PARAM, CALL(0, SWITCH_SCHED_PLAN, N(1), NUL));
	IS(INVALID_PARAM, CALL(0, SWITCH_SCHED_PLAN, N(0), BAD));
	IS(NO_ACTION, SWITCH(0));
	IS(INVALID_PARAM, SWITCH(2));
	IS(INVALID_PARAM, SWITCH(99));
	IS(INVALID_PARAM, SWITCH(UINT32_MAX));
	IS(INVALID_PARAM, CALL(0, GET_PLAN_STATUS, N(0), NUL));
	IS(PERM_ERROR, CALL(1, GET_PLAN_STATUS, N(0), OUT));
	IS(OK, CALL(1, GET_PLAN_STATUS, N(1), OUT));
}

Test(sim_time, plan_switches_at_the_end_of_the_frame)
{
	wait_us(130000);
	plan_is(0, 0, -1, 0);
	IS(OK, SWITCH(1));
	cr_assert_eq(rig.reply.out[1].num, 0);
	plan_is(0, 1, -1, 0);
	IS(OK, SWITCH(1));
	wait_us(69999);
	plan_is(0, 1, -1, 0);
	wait_us(1);
	plan_is(1, 1, 0, 200000);
	IS(NO_ACTION, SWITCH(1));
	IS(OK, SWITCH(0));
	wait_us(INT64_C(3600) * 1000000);
	plan_is(0, 0, 1, 400000);
}

Test(sim_time, partition_without_a_slot_stands_still)
{
	IS(OK, SWITCH(1));
	wait_us(100000);
	IS(OK, TIME(2, 1));
	cr_assert_eq(rig.reply.out[1].num, 25000);
	wait_us(10000000);
	IS(OK, TIME(2, 1));
	cr_assert_eq(rig.reply.out[1].num, 25000);
}

Test(sim_time, major_frames_are_counted_over_plans)
{
	IS(OK, SWITCH(1));
	wait_us(299999); /* one of 100 ms, not quite one of 200 ms */
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_currentMaf), 1);
	wait_us(1);
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_currentMaf), 2);
}

/* ---- PRTOS ---------------------------------------------------------------------------------------- */

TestSuite(sim_time_prtos, .init = rig_prtos, .fini = rig_close);

Test(sim_time_prtos, has_no_watchdog)
{
	IS(INVALID_PARAM, TIMER(2, 0, 0));
	IS(INVALID_PARAM, TIMER(2, 50000000, 0));
	IS(OK, TIMER(1, 50000000, 0));
}

Test(sim_time_prtos, first_plan_is_left_for_ever)
{
	IS(NO_ACTION, SWITCH(0));
	IS(OK, SWITCH(1));
	wait_us(600000);
	IS(NO_ACTION, SWITCH(1));
	IS(INVALID_PARAM, SWITCH(0));
	IS(INVALID_PARAM, SWITCH(2));
	plan_is(1, 1, 0, 600000);
}

/* ---- no plans at all ------------------------------------------------------------------------------ */

static void rig_fixed(void)
{
	rig_open("tests/system/good/fixed-priority.xml");
}

TestSuite(sim_time_fixed, .init = rig_fixed, .fini = rig_close);

Test(sim_time_fixed, has_no_plans)
{
	IS(INVALID_PARAM, SWITCH(0));
	IS(OK, CALL(0, GET_PLAN_STATUS, N(0), OUT));
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	IS(OK, CALL(0, IDLE_SELF));
	cr_assert_eq(rig.result, SIM_REPLY);
}
