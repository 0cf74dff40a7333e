// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a 3.x program sees it: health monitor, status and trace. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "libxm/system/events.h"
#include "tests/client_3x_rig.h"

TestSuite(client_3x, .init = client_setup, .fini = client_teardown, .timeout = 60);

Test(client_3x, health_monitor)
{
	xmHmLog_t log[XM_MAX_RECORDS + 4];
	xmHmStatus_t status;
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0);

	server->n_records = 1;
	cr_assert_eq(XM_hm_open(), XM_OK);
	cr_assert_eq(XM_hm_read(log), 1);
	expect_op(XM_OP_HM_READ);
	expect_num(0, XM_HYPERVISOR_ID);
	expect_num(2, 1);
	cr_expect_eq(log->signature, (xm_u16_t)SERVER_FIELD(XM_F_HM_LOG_signature));
	cr_expect_eq(log->opCodeL, (xm_u32_t)SERVER_FIELD(XM_F_HM_LOG_opCodeL));
	cr_expect_eq(log->timestamp, (xmTime_t)SERVER_FIELD(XM_F_HM_LOG_timestamp));
	cr_expect_eq(log->payload[3], (xmWord_t)SERVER_FIELD(XM_F_HM_LOG_payload3));
	server->n_records = 0;
	cr_assert_eq(XM_hm_read(log), 0);
	/* The raw call counts bytes, of whole records, and never of more than a reply holds. */
	server->n_records = 2;
	cr_assert_eq(XM_read_object(desc, log, 3 * sizeof(*log) - 1, 0), 2 * (int)sizeof(*log));
	expect_num(2, 2);
	cr_assert_eq(XM_read_object(desc, log, sizeof(log), 0), 2 * (int)sizeof(*log));
	expect_num(2, XM_MAX_RECORDS);
	server->value = 9;
	cr_assert_eq(XM_hm_seek(-1, XM_OBJ_SEEK_END), XM_OK, "not the position");
	expect_op(XM_OP_HM_SEEK);
	expect_num(1, (uint64_t)-1);
	cr_assert_eq(XM_hm_status(&status), XM_OK);
	cr_expect_eq(status.maxEvents, (xm_s32_t)SERVER_FIELD(XM_F_HM_STATUS_maxEvents));
	cr_assert_eq(XM_ctrl_object(desc, XM_HM_LOCK_EVENTS, NULL), XM_OK);
	expect_op(XM_OP_HM_LOCK_EVENTS);
}

/* The names that a program uses are those of the system description, and mean the same. */
Test(client_3x, health_monitor_names)
{
#define EVENT(name) cr_expect_eq(name, system_event_number(XM_PROFILE_ID_3_X, #name), #name)
#define ACTION(name) cr_expect_eq(name, system_action_number(XM_PROFILE_ID_3_X, #name), #name)
	EVENT(XM_HM_EV_INTERNAL_ERROR);
	EVENT(XM_HM_EV_SYSTEM_ERROR);
	EVENT(XM_HM_EV_PARTITION_ERROR);
	EVENT(XM_HM_EV_WATCHDOG_TIMER);
	EVENT(XM_HM_EV_FP_ERROR);
	EVENT(XM_HM_EV_MEM_PROTECTION);
	EVENT(XM_HM_EV_UNEXPECTED_TRAP);
	EVENT(XM_HM_EV_X86_DIVIDE_ERROR);
	EVENT(XM_HM_EV_X86_PAGE_FAULT);
	EVENT(XM_HM_EV_X86_X87_FPU_ERROR);
	EVENT(XM_HM_EV_X86_SIMD_FLOATING_POINT);
	ACTION(XM_HM_AC_IGNORE);
	ACTION(XM_HM_AC_SHUTDOWN);
	ACTION(XM_HM_AC_PARTITION_COLD_RESET);
	ACTION(XM_HM_AC_PARTITION_WARM_RESET);
	ACTION(XM_HM_AC_HYPERVISOR_COLD_RESET);
	ACTION(XM_HM_AC_HYPERVISOR_WARM_RESET);
	ACTION(XM_HM_AC_SUSPEND);
	ACTION(XM_HM_AC_PARTITION_HALT);
	ACTION(XM_HM_AC_HYPERVISOR_HALT);
	ACTION(XM_HM_AC_PROPAGATE);
	ACTION(XM_HM_AC_SWITCH_TO_MAINTENANCE);
	cr_assert_eq(XM_HM_MAX_EVENTS, XM_HM_EV_X86_SIMD_FLOATING_POINT + 1);
}

Test(client_3x, status)
{
	xmSystemStatus_t ss;
	xmPartitionStatus_t ps;
	xmPlanStatus_t plan;
	xmVirtualCpuStatus_t vcpu;

	cr_assert_eq(XM_get_system_status(&ss), XM_OK);
	expect_op(XM_OP_GET_SYSTEM_STATUS);
	EXPECT_FIELD(SYSTEM_STATUS, ss, resetCounter);
	EXPECT_FIELD(SYSTEM_STATUS, ss, noHmEvents);
	EXPECT_FIELD(SYSTEM_STATUS, ss, currentMaf);
	EXPECT_FIELD(SYSTEM_STATUS, ss, noQueuingPortMsgsReceived);
	cr_assert_eq(XM_get_partition_status(1, &ps), XM_OK);
	expect_op(XM_OP_GET_PARTITION_STATUS);
	expect_num(0, 1);
	EXPECT_FIELD(PARTITION_STATUS, ps, state);
	EXPECT_FIELD(PARTITION_STATUS, ps, opMode);
	EXPECT_FIELD(PARTITION_STATUS, ps, noVIrqs);
	EXPECT_FIELD(PARTITION_STATUS, ps, execClock);
	EXPECT_FIELD(PARTITION_STATUS, ps, noQueuingPortMsgsReceived);
	cr_assert_eq(XM_get_plan_status(&plan), XM_OK);
	expect_op(XM_OP_GET_PLAN_STATUS);
	expect_num(0, SELF);
	EXPECT_FIELD(PLAN_STATUS, plan, switchTime);
	EXPECT_FIELD(PLAN_STATUS, plan, prev);
	cr_assert_eq(XM_get_vcpu_status(3, &vcpu), XM_OK);
	expect_op(XM_OP_GET_VCPU_STATUS);
	expect_num(0, SELF);
	expect_num(1, 3);
	EXPECT_FIELD(VCPU_STATUS, vcpu, opMode);
	cr_assert_eq(XM_get_partition_vcpu_status(1, 2, &vcpu), XM_OK);
	expect_num(0, 1);
	expect_num(1, 2);
	cr_assert_eq(XM_set_partition_opmode(XM_OPMODE_NORMAL), XM_OK);
	expect_op(XM_OP_SET_PARTITION_OPMODE);
	expect_num(1, XM_OPMODE_NORMAL);
}

/* ---- trace --------------------------------------------------------------------------------------- */

static xmTraceEvent_t an_event(xm_u32_t criticality, xm_u32_t code)
{
	xmTraceEvent_t event = { .opCodeH = criticality << TRACE_OPCODE_CRIT_BIT | 0xfffffff1,
				 .opCodeL = code << TRACE_OPCODE_CODE_BIT | 0x1234,
				 .payload = { 1, 2, 3, (xmWord_t)-4 } };

	event.opCodeH &= criticality << TRACE_OPCODE_CRIT_BIT | ~TRACE_OPCODE_CRIT_MASK;
	return event;
}

Test(client_3x, trace_event)
{
	xmTraceEvent_t event = an_event(XM_TRACE_DEBUG, 0xbeef);

	server->value = 1;
	cr_assert_eq(XM_trace_event(TRACE_BM_ALWAYS, &event), XM_OK);
	expect_op(XM_OP_TRACE_EVENT);
	expect_num(0, SELF);
	expect_num(1, 0xffffffff);
	expect_num(2, XM_TRACE_DEBUG);
	expect_num(3, 0xbeef);
	cr_expect_eq(field_in(4, XM_F_TRACE_PAYLOAD_moduleId), 0);
	cr_expect_eq(field_in(4, XM_F_TRACE_PAYLOAD_payload1), 2);
	cr_expect_eq(field_in(4, XM_F_TRACE_PAYLOAD_payload3), (xmWord_t)-4);
	expect_num(6, 1);
	cr_expect_eq(event.signature, (xm_u16_t)SERVER_FIELD(XM_F_TRACE_LOG_signature));
	cr_expect_eq(event.checksum, (xm_u16_t)SERVER_FIELD(XM_F_TRACE_LOG_checksum));
	cr_expect_eq(event.opCodeH, (xm_u32_t)SERVER_FIELD(XM_F_TRACE_LOG_opCodeH));
	cr_expect_eq(event.opCodeL, (xm_u32_t)SERVER_FIELD(XM_F_TRACE_LOG_opCodeL));
	cr_expect_eq(event.timestamp, (xmTime_t)SERVER_FIELD(XM_F_TRACE_LOG_timestamp));
	cr_expect_eq(event.payload[2], (xmWord_t)SERVER_FIELD(XM_F_TRACE_LOG_payload2));
	event = an_event(XM_TRACE_UNRECOVERABLE, 1);
	cr_assert_eq(XM_trace_event(1, &event), XM_OK);
	expect_op(XM_OP_TRACE_UNRECOVERABLE);
	expect_num(2, 3);
	expect_num(3, 1);
	server->value = 0;
	cr_assert_eq(XM_trace_event(1, &event), XM_INVALID_CONFIG);
	cr_assert_eq(errno, EDOM);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_trace_event(1, NULL), XM_INVALID_PARAM);
	expect_op(XM_OP_TRACE_EVENT);
	expect_state(4, XM_ST_NULL);
	expect_state(5, XM_ST_NULL);
}

Test(client_3x, trace_bitmask_is_behind_a_pointer)
{
	xmTraceEvent_t event = an_event(0, 1);
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_TRACE, SELF, 0);
	xm_u32_t masks[2] = { 0x12345678, 0 };

	server->value = 1;
	cr_assert_eq(XM_write_object(desc, &event, sizeof(event), masks), (int)sizeof(event));
	expect_num(1, 0x12345678);
	XM_write_object(desc, &event, sizeof(event), NULL);
	expect_state(1, XM_ST_NULL);
	XM_write_object(desc, &event, sizeof(event), (void *)((char *)masks + 2));
	expect_state(1, XM_ST_UNALIGNED);
	XM_write_object(desc, &event, sizeof(event), (void *)64);
	expect_state(1, XM_ST_FAULT);
}

Test(client_3x, trace_streams)
{
	xmTraceEvent_t event;
	xmTraceStatus_t status;
	xm_s32_t stream = XM_trace_open(XM_HYPERVISOR_ID);

	cr_assert_eq(stream, OBJDESC_BUILD(OBJ_CLASS_TRACE, XM_HYPERVISOR_ID, 0));
	cr_assert_eq(XM_trace_open(SELF), OBJDESC_BUILD(OBJ_CLASS_TRACE, SELF, 0));
	cr_assert_eq(XM_trace_open(3), XM_INVALID_PARAM);
	cr_assert_eq(XM_trace_open((xmId_t)-1), XM_INVALID_PARAM);
	cr_assert_eq(server->n_calls, 0);
	server->n_records = 1;
	cr_assert_eq(XM_trace_read(stream, &event), 1);
	expect_op(XM_OP_TRACE_READ);
	expect_num(0, XM_HYPERVISOR_ID);
	cr_expect_eq(event.opCodeL, (xm_u32_t)SERVER_FIELD(XM_F_TRACE_LOG_opCodeL));
	server->n_records = 0;
	cr_assert_eq(XM_trace_read(stream, &event), 0);
	server->value = 5;
	cr_assert_eq(XM_trace_seek(stream, 5, XM_TRACE_SEEK_SET), 5);
	expect_op(XM_OP_TRACE_SEEK);
	cr_assert_eq(XM_trace_status(stream, &status), XM_OK);
	expect_op(XM_OP_TRACE_STATUS);
	cr_expect_eq(status.noEvents, (xm_s32_t)SERVER_FIELD(XM_F_TRACE_STATUS_noEvents));
	cr_assert_eq(XM_ctrl_object((xm_u32_t)stream, XM_TRACE_LOCK, NULL), XM_OK);
	expect_op(XM_OP_TRACE_LOCK);
	cr_assert_eq(XM_ctrl_object((xm_u32_t)stream, XM_TRACE_UNLOCK, NULL), XM_OK);
	expect_op(XM_OP_TRACE_UNLOCK);
	cr_assert_eq(XM_ctrl_object((xm_u32_t)stream, XM_TRACE_RESET, NULL), XM_OK);
	expect_op(XM_OP_TRACE_RESET);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_trace_seek(OBJDESC_BUILD(OBJ_CLASS_HM, 255, 0), 0, 0), XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
}
