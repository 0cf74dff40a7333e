// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: life cycle of partitions and of the system. */

#include "tests/sim_rig.h"

TestSuite(sim_partition, .init = rig_demo, .fini = rig_close);

/* ---- who may -------------------------------------------------------------------------------------- */

Test(sim_partition, others_are_not_for_plain_partitions)
{
	IS(PERM_ERROR, CALL(1, HALT_PARTITION, N(0)));
	IS(PERM_ERROR, CALL(1, SUSPEND_PARTITION, N(2)));
	IS(PERM_ERROR, CALL(1, RESUME_PARTITION, N(0)));
	IS(PERM_ERROR, CALL(1, RESET_PARTITION, N(0), N(0), N(0)));
	IS(PERM_ERROR, CALL(1, SHUTDOWN_PARTITION, N(0)));
	IS(PERM_ERROR, CALL(1, HALT_SYSTEM));
	IS(PERM_ERROR, CALL(1, RESET_SYSTEM, N(0)));
}

Test(sim_partition, permission_comes_before_the_identifier)
{
	IS(PERM_ERROR, CALL(1, HALT_PARTITION, N(7)));
	IS(PERM_ERROR, CALL(1, SUSPEND_PARTITION, N(255)));
	IS(PERM_ERROR, CALL(1, RESUME_PARTITION, N(UINT32_MAX)));
	IS(PERM_ERROR, CALL(1, RESET_PARTITION, N(7), N(2), N(0)));
	IS(PERM_ERROR, CALL(1, SHUTDOWN_PARTITION, N(7)));
	IS(PERM_ERROR, CALL(1, RESET_SYSTEM, N(2)));
}

Test(sim_partition, identifiers_that_do_not_exist)
{
	static const uint32_t ids[] = { 3, 7, 255, UINT32_MAX, 0x10001 };

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		IS(INVALID_PARAM, CALL(0, HALT_PARTITION, N(ids[i])));
		IS(INVALID_PARAM, CALL(0, SUSPEND_PARTITION, N(ids[i])));
		IS(INVALID_PARAM, CALL(0, RESUME_PARTITION, N(ids[i])));
		IS(INVALID_PARAM, CALL(0, SHUTDOWN_PARTITION, N(ids[i])));
		IS(INVALID_PARAM, CALL(0, RESET_PARTITION, N(ids[i]), N(0), N(0)));
		IS(INVALID_PARAM, CALL(0, RESET_PARTITION, N(ids[i]), N(2), N(0)));
	}
}

/* ---- others, by state: the sequence that was seen on a real one ----------------------------------- */

Test(sim_partition, suspend_and_resume)
{
	wait_us(100000);
	cr_assert_eq(OPMODE(1), 0);
	IS(NO_ACTION, CALL(0, RESUME_PARTITION, N(1)));
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	cr_assert_eq(STATE(1), SUSPENDED);
	cr_assert_eq(OPMODE(1), 0);
	IS(NO_ACTION, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	IS(NO_ACTION, CALL(0, RESUME_PARTITION, N(1)));
	cr_assert_eq(STATE(1), READY);
}

Test(sim_partition, halt)
{
	wait_us(100000);
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	cr_assert_eq(STATE(1), HALTED);
	cr_assert_eq(OPMODE(1), 0);
	IS(NO_ACTION, CALL(0, HALT_PARTITION, N(1)));
	IS(NO_ACTION, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(NO_ACTION, CALL(0, RESUME_PARTITION, N(1)));
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert_eq(STATE(1), HALTED);
}

Test(sim_partition, shutdown_is_a_request)
{
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert_eq(STATE(1), READY);
	IS(OK, CALL(1, SHUTDOWN_PARTITION, N(1)));
	cr_assert_eq(rig.result, SIM_REPLY);
}

Test(sim_partition, reset)
{
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	IS(INVALID_PARAM, CALL(0, RESET_PARTITION, N(1), N(2), N(0)));
	IS(INVALID_PARAM, CALL(0, RESET_PARTITION, N(1), N(99), N(0)));
	cr_assert_eq(STATE(1), HALTED);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(5)));
	cr_assert_eq(STATE(1), READY);
	cr_assert_eq(OPMODE(1), 1);
	cr_assert_eq(COUNTER(1), 0);
	cr_assert_eq(STATUS(1), 5);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(1), N(6)));
	cr_assert_eq(OPMODE(1), 2);
	cr_assert_eq(COUNTER(1), 1);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(1), N(7)));
	cr_assert_eq(COUNTER(1), 2);
	cr_assert_eq(STATUS(1), 7);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(8)));
	cr_assert_eq(COUNTER(1), 0);
}

Test(sim_partition, reset_ends_a_suspension)
{
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(5)));
	cr_assert_eq(STATE(1), READY);
	IS(NO_ACTION, CALL(0, RESUME_PARTITION, N(1)));
}

/* There a reset does not end a suspension. */
Test(sim_partition, reset_of_a_suspended_one_in_the_original)
{
	rig_close();
	rig_open_as(DEMO, 0, true);
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	cr_assert_eq(STATE(1), HALTED);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(5)));
	cr_assert_eq(STATE(1), SUSPENDED);
	wait_us(1000000);
	cr_assert_eq(OPMODE(1), 1);
	IS(NO_ACTION, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	wait_us(1000000);
	cr_assert_eq(STATE(1), READY);
	cr_assert_eq(VCPU_MODE(1), 3);
}

Test(sim_partition, reset_runs_from_its_next_slot)
{
	wait_us(60000); /* inside the slot of partition 1 */
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	wait_us(89999);
	cr_assert_eq(VCPU_MODE(1), 0);
	wait_us(1);
	cr_assert_eq(VCPU_MODE(1), 3);
}

/* ---- oneself -------------------------------------------------------------------------------------- */

Test(sim_partition, resume_oneself)
{
	IS(NO_ACTION, CALL(0, RESUME_PARTITION, N(0)));
	IS(NO_ACTION, CALL(1, RESUME_PARTITION, N(1)));
}

Test(sim_partition, suspend_oneself_returns_when_resumed)
{
	CALL(1, SUSPEND_PARTITION, N(1));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(rig.reply.code, XM_C_OK);
	cr_assert_not(sim_runs(rig.sim, 1));
	CALL(1, GET_TIME, N(0), OUT);
	cr_assert_eq(rig.result, SIM_STOPPED);
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	cr_assert(sim_runs(rig.sim, 1));
	IS(OK, CALL(1, GET_TIME, N(0), OUT));
}

Test(sim_partition, halt_oneself_never_returns)
{
	uint64_t generation = sim_generation(rig.sim, 1);

	CALL(1, HALT_PARTITION, N(1));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert(sim_halted(rig.sim, 1));
	cr_assert_neq(sim_generation(rig.sim, 1), generation);
	cr_assert_eq(STATE(1), HALTED);
}

Test(sim_partition, reset_oneself_starts_anew)
{
	uint64_t generation = sim_generation(rig.sim, 1);

	IS(INVALID_PARAM, CALL(1, RESET_PARTITION, N(1), N(2), N(0)));
	cr_assert_eq(sim_generation(rig.sim, 1), generation);
	CALL(1, RESET_PARTITION, N(1), N(1), N(0x10));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_neq(sim_generation(rig.sim, 1), generation);
	cr_assert(sim_runs(rig.sim, 1));
	cr_assert_eq(COUNTER(1), 1);
	cr_assert_eq(STATUS(1), 0x10);
}

Test(sim_partition, idle_lasts_until_the_next_slot)
{
	wait_us(10000); /* of the slot from 0 to 50 ms */
	CALL(0, IDLE_SELF);
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(rig.reply.code, XM_C_OK);
	cr_assert_not(sim_runs(rig.sim, 0));
	cr_assert_eq(sim_wakeup(rig.sim), START + 100000);
	wait_us(89999);
	cr_assert_not(sim_runs(rig.sim, 0));
	wait_us(1);
	cr_assert(sim_runs(rig.sim, 0));
	cr_assert_eq(sim_wakeup(rig.sim), -1);
}

Test(sim_partition, idle_without_a_slot_lasts_until_the_plan_has_one)
{
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(1), OUT));
	wait_us(100000);
	CALL(2, IDLE_SELF);
	wait_us(1000000);
	cr_assert_not(sim_runs(rig.sim, 2));
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(0), OUT));
	cr_assert_eq(sim_wakeup(rig.sim), START + 1300000);
	wait_us(200000);
	cr_assert_not(sim_runs(rig.sim, 2));
	wait_us(75000);
	cr_assert(sim_runs(rig.sim, 2));
}

Test(sim_partition, a_suspended_idler_wakes_nobody)
{
	CALL(1, IDLE_SELF);
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	cr_assert_eq(sim_wakeup(rig.sim), -1);
	wait_us(1000000);
	cr_assert_not(sim_runs(rig.sim, 1));
}

/* ---- system --------------------------------------------------------------------------------------- */

Test(sim_partition, halt_of_the_system)
{
	CALL(0, HALT_SYSTEM);
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert(sim_system_halted(rig.sim));
	cr_assert_not(sim_runs(rig.sim, 0));
	cr_assert_not(sim_runs(rig.sim, 1));
	CALL(1, GET_TIME, N(0), OUT);
	cr_assert_eq(rig.result, SIM_STOPPED);
	cr_assert_eq(sim_wakeup(rig.sim), -1);
	wait_us(1000000);
}

static uint64_t system_counter(void)
{
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	return word(0, XM_F_SYSTEM_STATUS_resetCounter);
}

Test(sim_partition, reset_of_the_system)
{
	uint64_t generation = sim_generation(rig.sim, 2);

	IS(INVALID_PARAM, CALL(0, RESET_SYSTEM, N(2)));
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	CALL(0, RESET_SYSTEM, N(1));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_neq(sim_generation(rig.sim, 2), generation);
	cr_assert_eq(system_counter(), 1);
	cr_assert_eq(STATE(1), READY);
	CALL(0, RESET_SYSTEM, N(1));
	cr_assert_eq(system_counter(), 2);
	CALL(0, RESET_SYSTEM, N(0));
	cr_assert_eq(system_counter(), 0);
}

Test(sim_partition, reset_of_the_system_starts_the_clock)
{
	wait_us(5000);
	CALL(0, RESET_SYSTEM, N(1));
	wait_us(7);
	IS(OK, CALL(0, GET_TIME, N(0), OUT));
	cr_assert_eq(rig.reply.out[1].num, 7);
}

/* ---- several virtual processors ------------------------------------------------------------------- */

static void rig_everything(void)
{
	rig_open("tests/system/good/everything.xml");
}

TestSuite(sim_vcpu, .init = rig_everything, .fini = rig_close);

Test(sim_vcpu, only_the_first_is_started)
{
	IS(OK, CALL(0, GET_VCPU_STATUS, N(0), N(0), OUT));
	cr_assert_eq(word(2, XM_F_VCPU_STATUS_state), READY);
	IS(OK, CALL(0, GET_VCPU_STATUS, N(0), N(1), OUT));
	cr_assert_eq(word(2, XM_F_VCPU_STATUS_state), HALTED);
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(0), N(2), OUT));
	IS(INVALID_PARAM, CALL(0, GET_VCPU_STATUS, N(1), N(1), OUT));
	cr_assert_eq(STATE(0), READY);
}

/* A partition that cannot be started again is halted by the attempt. */
Test(sim_vcpu, reset_without_an_image)
{
	struct system_partition *p =
		(struct system_partition *)(void *)((char *)rig.sys +
						    rig.sys->table[SYSTEM_PARTITIONS].offset);

	p[1].flags &= ~(uint32_t)SYSTEM_PF_BOOT;
	IS(INVALID_CONFIG, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	cr_assert_eq(STATE(1), HALTED);
}
