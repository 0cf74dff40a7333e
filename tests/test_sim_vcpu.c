// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: virtual processors of a partition. */

#include "tests/sim_rig.h"

#define ROOT 0x4100000 /* a page of partition 0's data */
#define PTDL1 1
#define RESET(vcpu) CALL(0, RESET_VCPU, N(vcpu), N(ROOT), N(0x4000000), N(5))

TestSuite(sim_vcpu, .init = rig_traced, .fini = rig_close);

static uint64_t vcpu_status(unsigned int vcpu, unsigned int field)
{
	IS(OK, CALL(0, GET_VCPU_STATUS, N(0), N(vcpu), OUT));
	return word(2, field);
}

#define VCPU(vcpu) vcpu_status(vcpu, XM_F_VCPU_STATUS_state)

static uint32_t caller(void)
{
	IS(OK, CALL(0, GET_VCPUID));
	return rig.reply.value;
}

/* Starts the second one. */
static void start(void)
{
	IS(OK, CALL(0, SET_PAGE_TYPE, N(ROOT), N(PTDL1)));
	IS(OK, RESET(1));
}

Test(sim_vcpu, second_one_waits_to_be_started)
{
	cr_assert_eq(VCPU(0), READY);
	cr_assert_eq(VCPU(1), HALTED);
	cr_assert_eq(caller(), 0);
	start();
	cr_assert_eq(rig.result, SIM_REPLY);
	cr_assert_eq(VCPU(1), READY);
	cr_assert_eq(vcpu_status(1, XM_F_VCPU_STATUS_opMode), 0);
	wait_us(6000);
	cr_assert_eq(vcpu_status(1, XM_F_VCPU_STATUS_opMode), 3);
	cr_assert_eq(caller(), 0);
}

Test(sim_vcpu, numbers)
{
	IS(INVALID_PARAM, CALL(0, HALT_VCPU, N(2)));
	IS(INVALID_PARAM, CALL(0, SUSPEND_VCPU, N(2)));
	IS(INVALID_PARAM, CALL(0, RESUME_VCPU, N(99)));
	IS(INVALID_PARAM, CALL(1, RESUME_VCPU, N(1)));
	IS(OK, CALL(0, SET_PAGE_TYPE, N(ROOT), N(PTDL1)));
	IS(INVALID_PARAM, RESET(2));
	IS(INVALID_PARAM, RESET(99));
}

Test(sim_vcpu, reset_needs_the_root_of_page_tables)
{
	IS(INVALID_PARAM, RESET(1));
	IS(INVALID_PARAM, CALL(0, RESET_VCPU, N(0), N(0), N(0), N(0)));
	IS(OK, CALL(0, SET_PAGE_TYPE, N(ROOT), N(2)));
	IS(INVALID_PARAM, RESET(1));
	IS(OK, CALL(1, SET_PAGE_TYPE, N(0x6000000), N(PTDL1)));
	IS(INVALID_PARAM, CALL(0, RESET_VCPU, N(1), N(0x6000000), N(0), N(0)));
	cr_assert_eq(VCPU(1), HALTED);
}

Test(sim_vcpu, suspend_and_resume)
{
	IS(NO_ACTION, CALL(0, SUSPEND_VCPU, N(1))); /* halted */
	IS(NO_ACTION, CALL(0, RESUME_VCPU, N(1)));
	start();
	IS(NO_ACTION, CALL(0, RESUME_VCPU, N(1)));
	IS(OK, CALL(0, SUSPEND_VCPU, N(1)));
	cr_assert_eq(VCPU(1), SUSPENDED);
	IS(NO_ACTION, CALL(0, SUSPEND_VCPU, N(1)));
	IS(OK, CALL(0, RESUME_VCPU, N(1)));
	cr_assert_eq(VCPU(1), READY);
}

Test(sim_vcpu, other_one_calls_when_the_first_does_not_run)
{
	start();
	IS(OK, CALL(0, SUSPEND_VCPU, N(0)));
	cr_assert_eq(rig.result, SIM_REPLY);
	cr_assert_eq(caller(), 1);
	wait_us(6000);
	IS(OK, CALL(0, GET_TIME, N(1), OUT));
	cr_assert_eq(rig.reply.out[1].num, 1000); /* of the second one's slot */
	IS(OK, CALL(0, RESUME_VCPU, N(0)));
	cr_assert_eq(caller(), 0);
	IS(OK, CALL(0, HALT_VCPU, N(0)));
	cr_assert_eq(caller(), 1);
	cr_assert_eq(STATE(0), READY);
}

Test(sim_vcpu, other_one_may_idle)
{
	start();
	IS(OK, CALL(0, HALT_VCPU, N(0)));
	CALL(0, IDLE_SELF);
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_not(sim_runs(rig.sim, 0));
	cr_assert_eq(sim_wakeup(rig.sim), START + 5000);
	wait_us(5000);
	cr_assert(sim_runs(rig.sim, 0));
}

Test(sim_vcpu, suspending_the_only_one_suspends_the_partition)
{
	CALL(1, SUSPEND_VCPU, N(0));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(rig.reply.code, XM_C_OK);
	cr_assert_eq(STATE(1), SUSPENDED);
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	cr_assert(sim_runs(rig.sim, 1));
}

Test(sim_vcpu, halting_the_last_one_halts_the_partition)
{
	uint64_t before = sim_generation(rig.sim, 0);

	start();
	IS(OK, CALL(0, HALT_VCPU, N(1)));
	IS(NO_ACTION, CALL(0, HALT_VCPU, N(1)));
	cr_assert_eq(sim_generation(rig.sim, 0), before);
	CALL(0, HALT_VCPU, N(0));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_neq(sim_generation(rig.sim, 0), before);
	cr_assert(sim_halted(rig.sim, 0));
}

/* Nobody is left to run: it waits for a partition to resume it. */
Test(sim_vcpu, halting_all_but_a_suspended_one)
{
	start();
	IS(OK, CALL(0, SUSPEND_VCPU, N(1)));
	CALL(0, HALT_VCPU, N(0));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_not(sim_halted(rig.sim, 0));
	cr_assert_not(sim_runs(rig.sim, 0));
}

Test(sim_vcpu, resetting_oneself_does_not_return)
{
	uint64_t before = sim_generation(rig.sim, 0);

	IS(OK, CALL(0, SET_PAGE_TYPE, N(ROOT), N(PTDL1)));
	RESET(0);
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_neq(sim_generation(rig.sim, 0), before);
	cr_assert_eq(STATE(0), READY);
	cr_assert_eq(STATUS(0), 5);
	cr_assert_eq(COUNTER(0), 0);
}

Test(sim_vcpu, reset_of_the_partition_leaves_the_first_only)
{
	start();
	CALL(0, RESET_PARTITION, N(0), N(1), N(0));
	cr_assert_eq(VCPU(0), READY);
	cr_assert_eq(VCPU(1), HALTED);
}
