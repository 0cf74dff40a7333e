// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: traces. */

#include "tests/sim_rig.h"

#define HV XM_HYPERVISOR_ID
#define EVENT_PARTITION_ERROR 2
#define UNRECOVERABLE 3

TestSuite(sim_trace, .init = rig_traced, .fini = rig_close);

static uint8_t fields[XM_NF_TRACE_PAYLOAD * XM_WORD_BYTES];

#define PAYLOAD                                                                                    \
	{                                                                                          \
		.data = fields, .len = XM_NF_TRACE_PAYLOAD                                         \
	}
#define EVENT(p, bitmask, code)                                                                    \
	CALL(p, TRACE_EVENT, N(p), N(bitmask), N(1), N(code), PAYLOAD, OUT, N(1))
#define ABORT(p, bitmask)                                                                          \
	CALL(p, TRACE_UNRECOVERABLE, N(p), N(bitmask), N(UNRECOVERABLE), N(7), PAYLOAD, OUT, N(1))
#define READ(p, id, n) CALL(p, TRACE_READ, N(id), OUT, N(n))
#define SEEK(p, id, off, whence) CALL(p, TRACE_SEEK, N(id), N(off), N(whence))

static uint64_t trace_status(uint32_t id, unsigned int field)
{
	IS(OK, CALL(0, TRACE_STATUS, N(id), OUT));
	return word(1, field);
}

#define EVENTS(id) trace_status(id, XM_F_TRACE_STATUS_noEvents)
#define CURSOR(id) trace_status(id, XM_F_TRACE_STATUS_currentEvent)
#define CAPACITY(id) trace_status(id, XM_F_TRACE_STATUS_maxEvents)

static void events(uint32_t p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		IS(OK, EVENT(p, UINT32_MAX, i));
		cr_assert_eq(rig.reply.value, 1);
	}
}

Test(sim_trace, only_one_s_own_may_be_written)
{
	IS(PERM_ERROR, CALL(0, TRACE_EVENT, N(1), NUL, N(0), N(0), NUL, NUL, N(0)));
	IS(PERM_ERROR, CALL(0, TRACE_EVENT, N(HV), N(1), N(0), N(0), PAYLOAD, OUT, N(1)));
	IS(PERM_ERROR, CALL(1, TRACE_UNRECOVERABLE, N(0), N(1), N(3), N(0), PAYLOAD, OUT, N(1)));
	cr_assert_eq(STATE(1), READY);
}

Test(sim_trace, pointers_of_a_record)
{
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), NUL, N(0), N(0), PAYLOAD, OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), BAD, N(0), N(0), PAYLOAD, OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), N(1), N(0), N(0), NUL, OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), N(1), N(0), N(0), B(fields, 4), OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), N(1), N(0), N(0), PAYLOAD, BAD, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_EVENT, N(0), N(1), N(0), N(0), PAYLOAD, OUT, N(0)));
	IS(INVALID_PARAM, CALL(2, TRACE_UNRECOVERABLE, N(2), NUL, N(3), N(0), PAYLOAD, OUT, N(1)));
	cr_assert_eq(STATE(2), READY);
	cr_assert_eq(EVENTS(0), 0);
}

Test(sim_trace, record)
{
	uint32_t sum;

	xm_put_word(&fields[XM_F_TRACE_PAYLOAD_payload0 * XM_WORD_BYTES], 0x00020001);
	xm_put_word(&fields[XM_F_TRACE_PAYLOAD_payload3 * XM_WORD_BYTES], UINT64_C(5) << 32);
	rig.now += 0x12345;
	events(1, 1);
	IS(OK, CALL(1, TRACE_EVENT, N(1), N(0x10), N(2), N(0x10003), PAYLOAD, OUT, N(9)));
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(rig.reply.out[5].len, XM_NF_TRACE_LOG);
	for (unsigned int arg = 5; arg; arg = arg == 5 ? 1 : 0) {
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_signature), 0xc33c);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_opCodeH), 1 << 4 | 2 << 1);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_opCodeL), 3 << 16 | 1);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_timestamp), 0x12345);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_moduleId), 0);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_payload0), 0x00020001);
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_payload3), UINT64_C(5) << 32);
		sum = 0xc33c + (1 << 4 | 2 << 1) + 3 + 1 + 0x2345 + 1 + 2 + 1 + 5;
		cr_assert_eq(word(arg, XM_F_TRACE_LOG_checksum), (uint16_t)~sum);
		/* and once more, as it was kept */
		IS(OK, SEEK(1, 1, 1, 1));
		IS(OK, READ(1, 1, 1));
	}
}

Test(sim_trace, second_vcpu_signs_its_records)
{
	IS(OK, CALL(0, SET_PAGE_TYPE, N(0x4100000), N(1)));
	IS(OK, CALL(0, RESET_VCPU, N(1), N(0x4100000), N(0), N(0)));
	IS(OK, CALL(0, SUSPEND_VCPU, N(0)));
	IS(OK, EVENT(0, 1, 5));
	cr_assert_eq(word(5, XM_F_TRACE_LOG_opCodeL), 5 << 16 | 1 << 8);
}

Test(sim_trace, what_the_mask_leaves_out_is_not_kept)
{
	IS(OK, EVENT(0, 4, 0));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(rig.reply.out[5].state, XM_ST_ABSENT);
	IS(OK, EVENT(0, 0, 0));
	IS(OK, EVENT(2, UINT32_MAX, 0)); /* no trace at all */
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(EVENTS(0), 0);
	cr_assert_eq(EVENTS(2), 0);
	IS(OK, EVENT(0, 6, 0));
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(EVENTS(0), 1);
}

Test(sim_trace, device_that_cannot_be_read_back_keeps_nothing)
{
	events(3, 2);
	cr_assert_eq(word(5, XM_F_TRACE_LOG_opCodeH), 1 << 4 | 1 << 1);
	cr_assert_eq(EVENTS(3), 0);
	cr_assert_eq(CAPACITY(3), 0);
	IS(OK, READ(3, 3, 5));
	cr_assert_eq(rig.reply.value, 0);
}

/* ---- reading -------------------------------------------------------------------------------------- */

Test(sim_trace, checks)
{
	IS(PERM_ERROR, READ(1, 0, 1));
	IS(PERM_ERROR, READ(1, HV, 0));
	IS(PERM_ERROR, READ(1, 1023, 1));
	IS(INVALID_PARAM, READ(0, 4, 1));
	IS(INVALID_PARAM, READ(0, 1023, 1));
	IS(INVALID_PARAM, READ(0, 1, 0));
	IS(INVALID_PARAM, CALL(0, TRACE_READ, N(1), NUL, N(1)));
	IS(INVALID_PARAM, CALL(0, TRACE_READ, N(1), BAD, N(1)));
	IS(OK, READ(0, 1, 1));
	IS(OK, READ(1, 1, 1));
	IS(OK, READ(0, HV, 1));
	IS(PERM_ERROR, SEEK(1, 2, 0, 1));
	IS(INVALID_PARAM, SEEK(0, 4, 0, 9));
	IS(NO_ACTION, SEEK(0, 1, 0, 3));
	IS(NO_ACTION, SEEK(0, HV, 0, 99));
	IS(PERM_ERROR, CALL(1, TRACE_STATUS, N(0), OUT));
	IS(INVALID_PARAM, CALL(0, TRACE_STATUS, N(4), OUT));
	IS(INVALID_PARAM, CALL(0, TRACE_STATUS, N(0), NUL));
	IS(PERM_ERROR, CALL(1, TRACE_LOCK, N(0)));
	IS(PERM_ERROR, CALL(1, TRACE_UNLOCK, N(HV)));
	IS(INVALID_PARAM, CALL(0, TRACE_RESET, N(4)));
	IS(OK, CALL(1, TRACE_RESET, N(1)));
}

Test(sim_trace, reading_and_seeking)
{
	events(1, 5);
	IS(OK, READ(1, 1, 2));
	cr_assert_eq(rig.reply.value, 2);
	cr_assert_eq(rig.reply.out[1].len, 2 * XM_NF_TRACE_LOG);
	IS(OK, READ(0, 1, 64)); /* from where the owner stopped */
	cr_assert_eq(rig.reply.value, 3);
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeL), 2 << 16 | 1);
	IS(OK, SEEK(1, 1, 1, 1));
	cr_assert_eq(rig.reply.value, 1);
	IS(OK, SEEK(1, 1, 2, 0));
	cr_assert_eq(rig.reply.value, 3);
	IS(OK, SEEK(1, 1, -1, 2));
	cr_assert_eq(rig.reply.value, 4);
	IS(OK, SEEK(1, 1, 99999, 1));
	cr_assert_eq(rig.reply.value, 5);
	IS(OK, SEEK(1, 1, INT32_MIN, 0));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(CURSOR(1), 0);
	cr_assert_eq(CAPACITY(1), (65536 - 56) / 36);
}

Test(sim_trace, full_trace_drops_the_oldest)
{
	events(0, 4);
	IS(OK, SEEK(0, 0, 3, 1));
	events(0, 2);
	cr_assert_eq(EVENTS(0), 4);
	cr_assert_eq(CURSOR(0), 1);
	IS(OK, READ(0, 0, 1));
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeH), 3 << 4 | 1 << 1);
}

Test(sim_trace, locked_trace_drops_the_newest)
{
	IS(OK, CALL(0, TRACE_LOCK, N(0)));
	events(0, 6);
	IS(OK, SEEK(0, 0, -1, 2));
	IS(OK, READ(0, 0, 1));
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeH), 3 << 4 | 1 << 1);
	IS(OK, CALL(0, TRACE_RESET, N(0)));
	cr_assert_eq(EVENTS(0), 4);
	IS(OK, CALL(0, TRACE_UNLOCK, N(0)));
	events(0, 1);
	IS(OK, SEEK(0, 0, -1, 2));
	IS(OK, READ(0, 0, 1));
	cr_assert_eq(word(1, XM_F_TRACE_LOG_opCodeH), 6 << 4 | 1 << 1);
}

Test(sim_trace, hypervisor_has_one_and_writes_nothing)
{
	sim_hm_event(rig.sim, 1, EVENT_PARTITION_ERROR);
	cr_assert_eq(EVENTS(HV), 0);
	cr_assert_eq(CAPACITY(HV), 4);
}

Test(sim_trace, outlives_resets)
{
	events(1, 2);
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	cr_assert_eq(EVENTS(1), 2);
	CALL(0, RESET_SYSTEM, N(0));
	cr_assert_eq(EVENTS(1), 2);
}

/* ---- what is unrecoverable ------------------------------------------------------------------------ */

static uint64_t hm_events(void)
{
	IS(OK, CALL(1, GET_PARTITION_STATUS, N(1), OUT));
	CALL(0, HM_STATUS, N(HV), OUT);
	return word(1, XM_F_HM_STATUS_noEvents);
}

Test(sim_trace, unrecoverable_is_kept_and_told_to_the_health_monitor)
{
	xm_put_word(&fields[XM_F_TRACE_PAYLOAD_payload1 * XM_WORD_BYTES], 77);
	IS(OK, ABORT(1, 0x80));
	cr_assert_eq(rig.result, SIM_REPLY);
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(word(5, XM_F_TRACE_LOG_opCodeH), UNRECOVERABLE << 1);
	cr_assert_eq(EVENTS(1), 1);
	IS(OK, CALL(0, HM_READ, N(HV), OUT, N(1)));
	cr_assert_eq(word(1, XM_F_HM_LOG_opCodeL), EVENT_PARTITION_ERROR << 16 | 1);
	cr_assert_eq(word(1, XM_F_HM_LOG_payload1), 77);
	cr_assert_eq(STATE(1), READY); /* its action is to ignore it */
}

Test(sim_trace, unrecoverable_counts_though_the_mask_leaves_it_out)
{
	IS(OK, ABORT(1, 0));
	cr_assert_eq(rig.reply.value, 0);
	cr_assert_eq(EVENTS(1), 0);
	cr_assert_eq(hm_events(), 1);
}

Test(sim_trace, unrecoverable_halts_by_default)
{
	ABORT(0, 1);
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert(sim_halted(rig.sim, 0));
}

Test(sim_trace, unrecoverable_may_suspend)
{
	ABORT(2, 1);
	cr_assert_eq(rig.result, SIM_DEFERRED);
	cr_assert_eq(STATE(2), SUSPENDED);
}

Test(sim_trace, unrecoverable_may_restart)
{
	uint64_t before = sim_generation(rig.sim, 3);

	ABORT(3, 1);
	cr_assert_eq(rig.result, SIM_GONE);
	cr_assert_neq(sim_generation(rig.sim, 3), before);
	cr_assert_eq(STATE(3), READY);
	cr_assert_eq(STATUS(3), EVENT_PARTITION_ERROR);
}

/* Whoever lets only the first operation through has to see to its argument, as the broker does. */
Test(sim_trace, criticality_decides_not_the_operation)
{
	CALL(2, TRACE_EVENT, N(2), N(1), N(UNRECOVERABLE), N(0), PAYLOAD, OUT, N(1));
	cr_assert_eq(STATE(2), SUSPENDED);
}
