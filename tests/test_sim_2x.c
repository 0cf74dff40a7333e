// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor of 2.x: partitions, slots, yielding, plans, spare time, health monitor. */

#include "tests/sim_rig.h"

/* Slots of every 20 ms: 0 to 10 of partition 0, 10 to 15 of 1, 15 to 20 of 2. */
static void rig_26(void)
{
	rig_open_as(TWO, XM_PROFILE_ID_2_6, false);
}

TestSuite(sim_2x, .init = rig_26, .fini = rig_close);

static void again(enum xm_profile profile, bool quirks)
{
	rig_close();
	rig_open_as(TWO, profile, quirks);
}

#define EXEC(p) status_of(p, XM_F_PARTITION_STATUS_execClock)
#define IRQS(p) status_of(p, XM_F_PARTITION_STATUS_noVIrqs)

/* ---- partitions --------------------------------------------------------------------------------------- */

Test(sim_2x, only_what_boots_runs)
{
	cr_assert_eq(STATE(0), READY);
	cr_assert_eq(STATE(1), READY);
	cr_assert_eq(STATE(2), HALTED);
	CALL(2, PARTITION_SELF);
	cr_assert_eq(rig.result, SIM_STOPPED);
	IS(OK, CALL(0, RESET_PARTITION, N(2), N(0), N(4)));
	cr_assert_eq(STATE(2), READY);
	cr_assert_eq(STATUS(2), 4);
	IS(OK, CALL(2, PARTITION_SELF));
	cr_assert_eq(rig.result, SIM_REPLY);
}

Test(sim_2x, the_system_starts_as_it_did)
{
	IS(OK, CALL(0, RESET_PARTITION, N(2), N(1), N(0)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(1), N(9)));
	IS(OK, CALL(0, CREATE_SAMPLING_PORT, N(0), S("out"), N(32), N(2), ABSENT));
	IS(OK, CALL(0, RESET_SYSTEM, N(0)));
	cr_assert_eq(STATE(2), HALTED);
	cr_assert_eq(COUNTER(2), 0);
	cr_assert_eq(COUNTER(1), 0);
	cr_assert_eq(STATUS(1), 0);
	IS(INVALID_PARAM, CALL(0, WRITE_SAMPLING_MESSAGE, N(0), N(0), B("x", 1), N(1)));
}

Test(sim_2x, stopping_oneself)
{
	IS(OK, CALL(1, SUSPEND_PARTITION, N(1)));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(STATE(1), SUSPENDED);
	CALL(1, PARTITION_SELF);
	cr_assert_eq(rig.result, SIM_STOPPED);
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	IS(OK, CALL(1, HALT_PARTITION, N(1)));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_eq(STATE(1), HALTED);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	IS(OK, CALL(1, RESET_PARTITION, N(1), N(3), N(8)));
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_eq(COUNTER(1), 1);
	cr_assert_eq(STATUS(1), 8);
}

/* Ports stay open and timers armed. */
Test(sim_2x, what_a_reset_leaves)
{
	IS(OK, CALL(1, CREATE_SAMPLING_PORT, N(1), S("in"), N(32), N(1), ABSENT));
	uint32_t port = rig.reply.value;

	IS(OK, CALL(1, SET_TIMER, N(2), N(30000), N(0)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	IS(OK, CALL(1, READ_SAMPLING_MESSAGE, N(1), N(port), OUT, N(32), OUT));
	wait_us(29999);
	cr_assert_eq(STATE(1), READY);
	wait_us(1);
	cr_assert_eq(STATE(1), HALTED);
}

Test(sim_2x, resumed_while_halted)
{
	IS(OK, CALL(0, SUSPEND_PARTITION, N(1)));
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	IS(OK, CALL(0, RESUME_PARTITION, N(1)));
	cr_assert_eq(STATE(1), HALTED);
}

Test(sim_2x, operating_modes)
{
	wait_us(100000);
	cr_assert_eq(OPMODE(1), 0);
	IS(OK, CALL(0, SET_PARTITION_OPMODE, N(1), N(3)));
	cr_assert_eq(OPMODE(1), 3);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	cr_assert_eq(OPMODE(1), 3);
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(1), N(4)));
	IS(INVALID_PARAM, CALL(0, SET_PARTITION_OPMODE, N(255), N(0)));
	IS(PERM_ERROR, CALL(1, SET_PARTITION_OPMODE, N(0), N(9)));
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	cr_assert_eq(OPMODE(1), 0);
	again(XM_PROFILE_ID_2_4, false);
	IS(UNKNOWN_HYPERCALL, CALL(0, SET_PARTITION_OPMODE, N(1), N(3)));
}

/* ---- yielding ------------------------------------------------------------------------------------------ */

/* Until the end of its slot it is idle, then it waits for the next one. */
Test(sim_2x, yields_the_rest_of_its_slot)
{
	wait_us(11000);
	IS(OK, CALL(1, IDLE_SELF));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert(!sim_runs(rig.sim, 1));
	cr_assert_eq(STATE(1), IDLE);
	wait_us(4000);
	cr_assert_eq(STATE(1), READY);
	cr_assert(!sim_runs(rig.sim, 1));
	cr_assert_eq(sim_wakeup(rig.sim), START + 30000);
	wait_us(14999);
	cr_assert(!sim_runs(rig.sim, 1));
	wait_us(1);
	cr_assert(sim_runs(rig.sim, 1));
	cr_assert_eq(EXEC(1), 1000);
}

Test(sim_2x, an_interrupt_ends_a_yield)
{
	wait_us(11000);
	IS(OK, CALL(1, IDLE_SELF));
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert(sim_runs(rig.sim, 1));
	cr_assert_eq(STATE(1), READY);
	IS(OK, CALL(1, IDLE_SELF));
	IS(OK, CALL(0, RAISE_PARTITION_IPVI, N(1), N(24)));
	cr_assert(sim_runs(rig.sim, 1));
}

Test(sim_2x, an_interrupt_after_the_slot_does_not)
{
	wait_us(11000);
	IS(OK, CALL(1, IDLE_SELF));
	wait_us(4000);
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert(!sim_runs(rig.sim, 1));
}

Test(sim_2x, a_timer_ends_a_yield)
{
	wait_us(11000);
	IS(OK, CALL(1, SET_TIMER, N(0), N(13000), N(0)));
	IS(OK, CALL(1, IDLE_SELF));
	cr_assert_eq(sim_wakeup(rig.sim), START + 13000);
	wait_us(1999);
	cr_assert(!sim_runs(rig.sim, 1));
	wait_us(1);
	cr_assert(sim_runs(rig.sim, 1));
}

Test(sim_2x, traffic_in_a_queue_ends_a_yield)
{
	IS(OK, CALL(0, CREATE_QUEUING_PORT, N(0), S("queue"), N(2), N(32), N(2)));
	IS(OK, CALL(1, CREATE_QUEUING_PORT, N(1), S("queue"), N(2), N(32), N(1)));
	wait_us(11000);
	IS(OK, CALL(1, IDLE_SELF));
	IS(OK, CALL(0, SEND_QUEUING_MESSAGE, N(0), N(1), B("x", 1), N(1)));
	cr_assert(sim_runs(rig.sim, 1));
}

/* Whoever calls outside of its slot waits for the next one, whatever happens. */
Test(sim_2x, yields_outside_of_its_slot)
{
	IS(OK, CALL(1, IDLE_SELF));
	cr_assert_eq(STATE(1), READY);
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	cr_assert(!sim_runs(rig.sim, 1));
	wait_us(10000);
	cr_assert(sim_runs(rig.sim, 1));
}

/* ---- interrupts ---------------------------------------------------------------------------------------- */

Test(sim_2x, interrupts_between_partitions)
{
	static const struct {
		uint32_t caller;
		uint64_t target, number;
		unsigned int code;
	} rows[] = {
		{ 0, 1, 24, XM_C_OK },
		{ 1, 0, 31, XM_C_OK }, /* needs neither permission nor configuration */
		{ 1, 1, 24, XM_C_OK },
		{ 0, 1, 24, XM_C_OK }, /* nor does it matter whether it pends */
		{ 0, 2, 24, XM_C_OK }, /* or whether anybody is there */
		{ 0, 1, 23, XM_C_INVALID_PARAM },
		{ 0, 1, 32, XM_C_INVALID_PARAM },
		{ 0, 3, 24, XM_C_INVALID_PARAM },
		{ 0, 255, 24, XM_C_INVALID_PARAM },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		cr_assert_eq(CALL(rows[i].caller, RAISE_PARTITION_IPVI, N(rows[i].target),
				  N(rows[i].number)),
			     rows[i].code, "row %u", i);
	IS(UNKNOWN_HYPERCALL, CALL(0, RAISE_IPVI, N(24)));
	cr_assert_eq(IRQS(2), 0);
}

Test(sim_2x, lines_of_the_hardware)
{
	static const struct {
		uint32_t caller;
		uint64_t line;
		unsigned int code;
	} rows[] = {
		{ 0, 3, XM_C_OK },
		{ 0, 4, XM_C_OK },
		{ 0, 5, XM_C_PERM_ERROR },
		{ 1, 3, XM_C_PERM_ERROR },
		{ 0, 15, XM_C_PERM_ERROR },
		{ 0, 16, XM_C_INVALID_PARAM },
		{ 0, UINT32_MAX, XM_C_INVALID_PARAM },
	};

	for (unsigned int i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		cr_assert_eq(CALL(rows[i].caller, MASK_HWIRQ, N(rows[i].line)), rows[i].code);
		cr_assert_eq(CALL(rows[i].caller, UNMASK_HWIRQ, N(rows[i].line)), rows[i].code);
	}
}

/* Start of slots at 10 and 30 ms, the timer at 12 and then, for it expires between slots, at 30. */
Test(sim_2x, interrupts_are_counted)
{
	IS(OK, CALL(1, SET_TIMER, N(0), N(12000), N(8000)));
	wait_us(9999);
	cr_assert_eq(IRQS(1), 0);
	wait_us(1);
	cr_assert_eq(IRQS(1), 1);
	wait_us(2000);
	cr_assert_eq(IRQS(1), 2);
	wait_us(17999);
	cr_assert_eq(IRQS(1), 2);
	wait_us(1);
	cr_assert_eq(IRQS(1), 4);
	IS(OK, CALL(0, HALT_PARTITION, N(1)));
	IS(OK, CALL(0, SHUTDOWN_PARTITION, N(1)));
	wait_us(1000000);
	cr_assert_eq(IRQS(1), 4);
}

Test(sim_2x, execution_timer)
{
	IS(OK, CALL(1, SET_TIMER, N(1), N(7000), N(-5)));
	wait_us(31999);
	cr_assert_eq(IRQS(1), 2);
	wait_us(1);
	cr_assert_eq(IRQS(1), 3);
	wait_us(7999);
	cr_assert_eq(IRQS(1), 3);
}

/* ---- plans --------------------------------------------------------------------------------------------- */

Test(sim_2x, plan_is_switched_at_the_end_of_the_frame)
{
	wait_us(1000);
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(2), OUT));
	cr_assert_eq(rig.reply.out[1].num, 0);
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(1), OUT));
	wait_us(19000);
	IS(OK, CALL(1, GET_PLAN_STATUS, N(1), OUT));
	cr_assert_eq(word(1, XM_F_PLAN_STATUS_current), 1);
	cr_assert_eq(word(1, XM_F_PLAN_STATUS_switchTime), 20000);
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(1), OUT));
	cr_assert_eq(rig.reply.out[1].num, 1);
	IS(PERM_ERROR, CALL(1, SWITCH_SCHED_PLAN, N(0), NUL));
	IS(INVALID_PARAM, CALL(1, SWITCH_SCHED_PLAN, N(1), BAD));
}

/* Who has no slot any more does not wake at the end of a plan in which it had one. */
Test(sim_2x, a_slot_of_the_plan_that_ends_does_not_begin)
{
	IS(OK, CALL(0, SWITCH_SCHED_PLAN, N(2), OUT));
	wait_us(5000);
	IS(OK, CALL(0, IDLE_SELF));
	wait_us(15000);
	cr_assert(!sim_runs(rig.sim, 0));
	cr_assert_eq(sim_wakeup(rig.sim), -1);
	wait_us(10000000);
	cr_assert(!sim_runs(rig.sim, 0));
}

/* ---- spare time ---------------------------------------------------------------------------------------- */

Test(sim_2x, spare_guest)
{
	wait_us(4000);
	IS(OK, CALL(0, SET_SPARE_GUEST, N(1), OUT, OUT));
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(rig.reply.out[1].num, 4000);
	cr_assert_eq(rig.reply.out[2].num, 10000);
	wait_us(16000);
	cr_assert(sim_runs(rig.sim, 0));
	cr_assert_eq(EXEC(0), 4000);
	cr_assert_eq(EXEC(1), 6000 + 5000);
	wait_us(15000);
	IS(OK, CALL(0, SET_SPARE_GUEST, N(1), NUL, NUL)); /* outside of its slot */
	cr_assert_eq(rig.result, SIM_REPLY);
}

Test(sim_2x, spare_guest_checks)
{
	IS(PERM_ERROR, CALL(1, SET_SPARE_GUEST, N(99), OUT, OUT));
	IS(INVALID_PARAM, CALL(0, SET_SPARE_GUEST, N(0), OUT, OUT));
	IS(INVALID_PARAM, CALL(0, SET_SPARE_GUEST, N(3), OUT, OUT));
	IS(INVALID_PARAM, CALL(0, SET_SPARE_GUEST, N(2), OUT, OUT)); /* halted */
	again(XM_PROFILE_ID_2_4, false);
	IS(UNKNOWN_HYPERCALL, CALL(0, SET_SPARE_GUEST, N(1), OUT, OUT));
}

static void put_slot(uint8_t *at, uint64_t id, uint64_t partition, uint64_t duration)
{
	xm_put_word(at, id);
	xm_put_word(at + 8, partition);
	xm_put_word(at + 16, duration);
}

#define SPARE(n) CALL(0, GET_SPARE_PLAN, N(255), OUT, OUT, N(n))

static void install(unsigned int expected, uint64_t partition, uint64_t duration)
{
	uint8_t slots[48];

	put_slot(slots, 7, partition, duration);
	put_slot(slots + 24, 8, 1, 50);
	cr_assert_eq(CALL(0, SET_SPARE_PLAN, N(255), N(5000), B(slots, 6), N(2)), expected);
}

Test(sim_2x, spare_plan)
{
	IS(UNKNOWN_HYPERCALL, SPARE(4));
	again(XM_PROFILE_ID_2_4, false);
	IS(OK, SPARE(4));
	cr_assert_eq(rig.reply.out[2].len, 0);
	install(XM_C_INVALID_PARAM, 3, 100);
	install(XM_C_INVALID_PARAM, 1, 49);
	install(XM_C_OK, 1, 60);
	IS(OK, SPARE(4));
	cr_assert_eq(rig.reply.out[1].num, 5000);
	cr_assert_eq(rig.reply.out[2].len, 6);
	cr_assert_eq(word(2, 0), 7);
	cr_assert_eq(word(2, 5), 50);
	IS(OK, SPARE(1));
	cr_assert_eq(rig.reply.out[2].len, 3);
	IS(OK, CALL(0, SET_SPARE_PLAN, N(255), N(0), NUL, N(0)));
	IS(OK, SPARE(4));
	cr_assert_eq(rig.reply.out[2].len, 0);
	IS(INVALID_PARAM, CALL(0, SET_SPARE_PLAN, N(0), N(0), NUL, N(0)));
	IS(PERM_ERROR, CALL(1, SET_SPARE_PLAN, N(255), N(0), NUL, N(0)));
	IS(PERM_ERROR, CALL(1, GATHER_SPARE_DATA, N(255), OUT, OUT, N(4)));
	IS(OK, CALL(0, GATHER_SPARE_DATA, N(255), OUT, OUT, N(4)));
	cr_assert_eq(rig.reply.out[1].num, 20000);
	cr_assert_eq(word(2, 3 + XM_F_SPARE_SLOT_duration), 5000);
}

/* ---- health monitor ------------------------------------------------------------------------------------ */

static const struct {
	uint32_t event;
	unsigned int state; /* of partition 1 after it */
	uint64_t logged;    /* its number on the wire; 0: it is not */
} events[] = {
	{ 0, READY, 1 }, /* which restarts it: see below */
	{ 1, READY, 6 },     { 2, HALTED, 0x102 }, { 3, HALTED, 2 },    { 4, HALTED, 0x104 },
	{ 5, SUSPENDED, 5 }, { 6, READY, 0x106 },  { 7, READY, 0x107 }, { 8, HALTED, 3 },
	{ 9, READY, 0x109 }, { 10, READY, 0 },     { 29, READY, 0 },
};

Test(sim_2x, events_of_partitions)
{
	for (unsigned int i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		again(XM_PROFILE_ID_2_6, false);
		wait_us(5);
		sim_hm_event(rig.sim, 1, events[i].event);
		cr_assert_eq(STATE(1), events[i].state, "event %u", events[i].event);
		cr_assert_eq(COUNTER(1), events[i].event == 0);
		IS(OK, CALL(0, HM_READ, N(255), OUT, N(4)));
		cr_assert_eq(rig.reply.value, events[i].event < 10, "event %u", events[i].event);
		if (!rig.reply.value)
			continue;
		if (events[i].event) /* 0 is several on the wire */
			cr_assert_eq(word(1, XM_F_HM_LOG_opCodeL), events[i].logged << 16 | 1,
				     "event %u", events[i].event);
		cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 0);
		cr_assert_eq(word(1, XM_F_HM_LOG_signature), 0);
		cr_assert_eq(word(1, XM_F_HM_LOG_checksum), 0);
		cr_assert_eq(word(1, XM_F_HM_LOG_timestamp), 5);
	}
}

Test(sim_2x, events_of_the_system)
{
	sim_hm_event(rig.sim, 255, 6);
	sim_hm_event(rig.sim, 255, 7);
	cr_assert(!sim_system_halted(rig.sim));
	IS(OK, CALL(0, HM_READ, N(255), OUT, N(4)));
	cr_assert_eq(rig.reply.value, 2);
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeH), 1);
	sim_hm_event(rig.sim, 255, 0);
	cr_assert(sim_system_halted(rig.sim));
}

/* Four records fit.  The original skips one for each that is lost. */
Test(sim_2x, log_that_overflows)
{
	for (unsigned int quirks = 0; quirks < 2; quirks++) {
		again(XM_PROFILE_ID_2_6, quirks);
		for (unsigned int i = 0; i < 4; i++) {
			sim_hm_event(rig.sim, 1, 6);
			wait_us(10);
		}
		IS(OK, CALL(0, HM_READ, N(255), OUT, N(2)));
		sim_hm_event(rig.sim, 1, 6);
		IS(OK, CALL(0, HM_READ, N(255), OUT, N(4)));
		cr_assert_eq(rig.reply.value, quirks ? 2 : 3);
		cr_assert_eq(word(1, XM_F_HM_LOG_timestamp), quirks ? 30 : 20);
	}
}

Test(sim_2x, seeking_in_the_log)
{
	sim_hm_event(rig.sim, 1, 6);
	sim_hm_event(rig.sim, 1, 6);
	IS(OK, CALL(0, HM_SEEK, N(255), N(1000), N(1)));
	cr_assert_eq(rig.reply.value, 2);
	IS(OK, CALL(0, HM_SEEK, N(255), N(-1), N(2)));
	cr_assert_eq(rig.reply.value, 1);
	IS(INVALID_PARAM, CALL(0, HM_SEEK, N(255), N(0), N(3)));
	IS(PERM_ERROR, CALL(1, HM_SEEK, N(255), N(0), N(1)));
	IS(INVALID_PARAM, CALL(1, HM_SEEK, N(1), N(0), N(1)));
	IS(INVALID_PARAM, CALL(1, HM_READ, N(255), BAD, N(1)));
	IS(UNKNOWN_HYPERCALL, CALL(0, HM_LOCK_EVENTS, N(255)));
	again(XM_PROFILE_ID_2_6, true);
	IS(NO_ACTION, CALL(0, HM_SEEK, N(255), N(0), N(3)));
	again(XM_PROFILE_ID_2_4, true);
	IS(UNKNOWN_HYPERCALL, CALL(0, HM_SEEK, N(255), N(0), N(3)));
}
