// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: health monitor events, actions and log. */

#include "tests/sim_rig.h"

#define EVENT_PARTITION_ERROR 2
#define EVENT_PAGE_FAULT (7 + 14)
#define HV XM_HYPERVISOR_ID

TestSuite(sim_hm, .init = rig_demo, .fini = rig_close);

#define HM_READ(n) CALL(0, HM_READ, N(HV), OUT, N(n))
#define HM_SEEK(off, whence) CALL(0, HM_SEEK, N(HV), N(off), N(whence))

static uint64_t hm_status(unsigned int field)
{
	IS(OK, CALL(0, HM_STATUS, N(HV), OUT));
	return word(1, field);
}

#define EVENTS() hm_status(XM_F_HM_STATUS_noEvents)
#define CURSOR() hm_status(XM_F_HM_STATUS_currentEvent)

/* Events that leave partition 0 alone. */
static void events(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		sim_hm_event(rig.sim, 1, EVENT_PARTITION_ERROR);
}

Test(sim_hm, checks)
{
	IS(INVALID_PARAM, CALL(0, HM_READ, N(0), OUT, N(1)));
	IS(INVALID_PARAM, CALL(1, HM_READ, N(1), OUT, N(1)));
	IS(PERM_ERROR, CALL(1, HM_READ, N(HV), NUL, N(0)));
	IS(INVALID_PARAM, CALL(0, HM_READ, N(HV), NUL, N(1)));
	IS(INVALID_PARAM, CALL(0, HM_READ, N(HV), BAD, N(1)));
	IS(INVALID_PARAM, CALL(0, HM_READ, N(HV), OUT, N(0)));
	IS(PERM_ERROR, CALL(1, HM_SEEK, N(HV), N(0), N(0)));
	IS(INVALID_PARAM, CALL(0, HM_SEEK, N(1023), N(0), N(0)));
	IS(INVALID_PARAM, HM_SEEK(0, 3));
	IS(INVALID_PARAM, HM_SEEK(0, 99));
	IS(PERM_ERROR, CALL(1, HM_STATUS, N(HV), OUT));
	IS(INVALID_PARAM, CALL(0, HM_STATUS, N(HV), NUL));
	IS(INVALID_PARAM, CALL(0, HM_STATUS, N(1), OUT));
	IS(PERM_ERROR, CALL(1, HM_LOCK_EVENTS, N(HV)));
	IS(INVALID_PARAM, CALL(0, HM_UNLOCK_EVENTS, N(0)));
	IS(OK, CALL(0, HM_RESET_EVENTS, N(HV)));
}

Test(sim_hm, empty)
{
	IS(OK, HM_READ(7));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(rig.reply.out[1].len, 0);
	IS(OK, HM_SEEK(99999, 1));
	IS(OK, HM_SEEK(-5, 1));
	cr_assert_eq(CURSOR(), 0);
	cr_assert_eq(hm_status(XM_F_HM_STATUS_maxEvents), (4096 - 56) / 36);
}

Test(sim_hm, record)
{
	uint32_t sum = 0;

	rig.now += 0x12345;
	sim_run(rig.sim, rig.now);
	events(2);
	IS(OK, HM_SEEK(1, 1));
	IS(OK, HM_READ(1));
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(word(1, XM_F_HM_LOG_signature), 0xfecf);
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 1 << 4); /* the second, of a partition */
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeL), EVENT_PARTITION_ERROR << 16 | 1);
	cr_assert_eq(word(1, XM_F_HM_LOG_timestamp), 0x12345);
	sum = 0xfecf + (1 << 4) + EVENT_PARTITION_ERROR + 1 + 0x2345 + 0x1;
	cr_assert_eq(word(1, XM_F_HM_LOG_checksum), (uint16_t)~sum);
}

Test(sim_hm, reading_moves_on)
{
	events(5);
	IS(OK, HM_READ(2));
	cr_assert_eq(rig.reply.value, 2);
	cr_assert_eq(rig.reply.out[1].len, 2 * XM_NF_HM_LOG);
	cr_assert_eq(CURSOR(), 2);
	IS(OK, HM_READ(16));
	cr_assert_eq(rig.reply.value, 3);
	IS(OK, HM_READ(1));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(EVENTS(), 5);
}

Test(sim_hm, seek)
{
	events(5);
	IS(OK, HM_SEEK(3, 1));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(CURSOR(), 3);
	IS(OK, HM_SEEK(-1, 0));
	cr_assert_eq(CURSOR(), 2);
	IS(OK, HM_SEEK(-1, 2));
	cr_assert_eq(CURSOR(), 4);
	IS(OK, HM_SEEK(1000, 1));
	cr_assert_eq(CURSOR(), 5);
	IS(OK, HM_SEEK(INT32_MIN, 0));
	cr_assert_eq(CURSOR(), 0);
	IS(OK, HM_SEEK(INT32_MAX, 2));
	cr_assert_eq(CURSOR(), 5);
}

Test(sim_hm, full_log_drops_the_oldest)
{
	events(112);
	IS(OK, HM_SEEK(10, 1));
	events(3);
	cr_assert_eq(EVENTS(), 112);
	cr_assert_eq(CURSOR(), 7);
	IS(OK, HM_SEEK(0, 1));
	IS(OK, HM_READ(1));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 3 << 4);
}

Test(sim_hm, locked_log_drops_the_newest)
{
	IS(OK, CALL(0, HM_LOCK_EVENTS, N(HV)));
	events(115);
	IS(OK, HM_SEEK(-1, 2));
	IS(OK, HM_READ(1));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 111 << 4);
	IS(OK, CALL(0, HM_UNLOCK_EVENTS, N(HV)));
	events(1);
	IS(OK, HM_SEEK(-1, 2));
	IS(OK, HM_READ(1));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 115 << 4);
}

Test(sim_hm, events_are_counted_and_survive_a_reset_of_the_system)
{
	events(3);
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_noHmEvents), 3);
	CALL(0, RESET_SYSTEM, N(1));
	cr_assert_eq(EVENTS(), 3);
}

/* ---- default actions ------------------------------------------------------------------------------ */

Test(sim_hm, partition_is_halted_by_default)
{
	events(1);
	cr_assert_eq(STATE(1), HALTED);
	cr_assert_eq(EVENTS(), 1);
}

Test(sim_hm, events_of_the_processor_are_not_logged_by_default)
{
	sim_hm_event(rig.sim, 1, EVENT_PAGE_FAULT);
	cr_assert_eq(STATE(1), HALTED);
	cr_assert_eq(EVENTS(), 0);
}

Test(sim_hm, hypervisor_is_halted_by_default)
{
	sim_hm_event(rig.sim, HV, 0);
	cr_assert(sim_system_halted(rig.sim));
}

Test(sim_hm, watchdog)
{
	IS(OK, CALL(1, SET_TIMER, N(2), N(5000), N(0)));
	cr_assert_eq(sim_wakeup(rig.sim), START + 5000);
	wait_us(4999);
	cr_assert_eq(STATE(1), READY);
	wait_us(1);
	cr_assert_eq(STATE(1), HALTED);
	IS(OK, HM_READ(1));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeL), 3 << 16 | 1);
	cr_assert_eq(sim_wakeup(rig.sim), -1);
}

Test(sim_hm, watchdog_disarmed)
{
	IS(OK, CALL(1, SET_TIMER, N(2), N(5000), N(1)));
	IS(OK, CALL(1, SET_TIMER, N(2), N(0), N(0)));
	wait_us(100000);
	cr_assert_eq(STATE(1), READY);
}

/* ---- configured actions --------------------------------------------------------------------------- */

/* Gives partition 1 of "everything" an action of its own, and an event. */
static void set_action(uint32_t action)
{
	struct system_hm *hm;

	rig_open("tests/system/good/everything.xml");
	hm = (struct system_hm *)(void *)((char *)rig.sys + rig.sys->table[SYSTEM_HM].offset);
	hm[1] = (struct system_hm){ 1, EVENT_PARTITION_ERROR, action, 1 };
	sim_hm_event(rig.sim, 1, EVENT_PARTITION_ERROR);
}

TestSuite(sim_hm_action, .fini = rig_close);

Test(sim_hm_action, ignore)
{
	set_action(0);
	cr_assert_eq(STATE(1), READY);
	cr_assert_eq(EVENTS(), 1);
}

Test(sim_hm_action, cold_reset)
{
	set_action(2);
	cr_assert_eq(STATE(1), READY);
	cr_assert_eq(OPMODE(1), 1);
	cr_assert_eq(STATUS(1), EVENT_PARTITION_ERROR);
}

Test(sim_hm_action, warm_reset)
{
	set_action(3);
	cr_assert_eq(OPMODE(1), 2);
	cr_assert_eq(COUNTER(1), 1);
}

Test(sim_hm_action, reset_of_the_hypervisor)
{
	set_action(5);
	IS(OK, CALL(0, GET_SYSTEM_STATUS, OUT));
	cr_assert_eq(word(0, XM_F_SYSTEM_STATUS_resetCounter), 1);
}

Test(sim_hm_action, suspend)
{
	set_action(6);
	cr_assert_eq(STATE(1), SUSPENDED);
}

Test(sim_hm_action, halt_of_the_hypervisor)
{
	set_action(8);
	cr_assert(sim_system_halted(rig.sim));
}

Test(sim_hm_action, propagate)
{
	set_action(9);
	cr_assert_eq(STATE(1), READY);
}

Test(sim_hm_action, maintenance)
{
	set_action(10);
	IS(OK, CALL(0, GET_PLAN_STATUS, N(0), OUT));
	cr_assert_eq(word(1, XM_F_PLAN_STATUS_current), 1);
	cr_assert_eq(word(1, XM_F_PLAN_STATUS_prev), 0);
}

Test(sim_hm_action, periodic_watchdog_fires_once_after_a_pause)
{
	set_action(0);
	IS(OK, CALL(0, SET_TIMER, N(2), N(1000), N(1000)));
	wait_us(10500); /* the action is to switch to maintenance, which harms nobody */
	cr_assert_eq(EVENTS(), 2);
	cr_assert_eq(sim_wakeup(rig.sim), START + 11000);
	wait_us(500);
	cr_assert_eq(EVENTS(), 3);
}
