// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a libxm-linux program (profile 2.4) sees it, also above a 3.x hypervisor. */

#include <xm_inc/arch/arch_types.h>

#include <xm-linux.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "client_server.h"
#include "libxm/raw.h"

#define SELF 1
#define W(x) ((unsigned long)(x))

static struct server *server;

static void setup(void)
{
	server = server_start();
	server->partition = SELF;
	errno = 0;
}

static void teardown(void)
{
	server_stop(server);
}

TestSuite(client_24, .init = setup, .fini = teardown, .timeout = 60);

static struct xm_value last_arg(unsigned int op, unsigned int arg)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
	return req.arg[arg];
}

Test(client_24, hello_program)
{
	char text[] = "Hello World!\n";

	init_libxm(0, 0);
	server->value = 14;
	cr_assert_eq(XM_write_console(text, 14), 14);
	cr_assert_eq(last_arg(XM_OP_WRITE_CONSOLE, 2).num, 14);
	cr_assert_eq(last_arg(XM_OP_WRITE_CONSOLE, 0).num, SELF);
	cr_assert_eq(XM_PARTITION_SELF, SELF);
	cr_assert_eq(XM_hcall(NR_HYPERCALLS, 0, 0, 0, 0, 0), SELF);
	cr_assert_eq(server->hello.profile, XM_PROFILE_ID_2_4);
}

Test(client_24, numbers_of_the_profile)
{
	xmTime_t t = 0;

	cr_assert_eq(XM_hcall(10, XM_HW_CLOCK, W(&t), 0, 0, 0), XM_OK);
	cr_assert_eq(t, SERVER_NUMBER);
	last_arg(XM_OP_GET_TIME, 0);
	cr_assert_eq(XM_hcall(11, 0, 5, 6, 0, 0), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_TIMER, 2).num, 6);
}

Test(client_24, one_bit_of_a_reset_mode_counts)
{
	cr_assert_eq(XM_reset_partition(1, 2, 7), XM_OK);
	cr_assert_eq(last_arg(XM_OP_RESET_PARTITION, XM_A_RESET_PARTITION_resetMode).num,
		     XM_COLD_RESET);
	cr_assert_eq(XM_reset_partition(1, 3, 7), XM_OK);
	cr_assert_eq(last_arg(XM_OP_RESET_PARTITION, XM_A_RESET_PARTITION_resetMode).num,
		     XM_WARM_RESET);
}

Test(client_24, create_gives_a_descriptor)
{
	char name[] = "attitude";
	xm_s32_t port;

	server->value = 3;
	port = XM_create_sampling_port(name, 64, XM_SOURCE_PORT);
	cr_assert_eq(port, OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, SELF, 3));
	cr_assert_eq(last_arg(XM_OP_CREATE_SAMPLING_PORT, 4).state, XM_ST_ABSENT,
		     "no period in 2.4");
	cr_assert_eq(XM_write_sampling_message(port, name, 4), XM_OK);
	cr_assert_eq(last_arg(XM_OP_WRITE_SAMPLING_MESSAGE, 1).num, 3);
	port = XM_create_queuing_port(name, 8, 64, XM_DESTINATION_PORT);
	cr_assert_eq(port, OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, SELF, 3));
	cr_assert_eq(last_arg(XM_OP_CREATE_QUEUING_PORT, 2).num, 8);
	/* More ports than a descriptor can name. */
	server->value = 1024;
	cr_assert_eq(XM_create_queuing_port(name, 8, 64, 1), XM_INVALID_PARAM);
}

Test(client_24, create_errors)
{
	char name[] = "p";

	server->code = XM_C_INVALID_CONFIG;
	cr_assert_eq(XM_create_sampling_port(name, 64, 1), XM_INVALID_PARAM);
	cr_assert_eq(errno, EINVAL);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_create_sampling_port(name, 64, 1), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	/* "Open already" of a 3.x hypervisor is no descriptor. */
	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_create_sampling_port(name, 64, 1), XM_INVALID_PARAM);
}

Test(client_24, a_descriptor_of_another_class_is_refused)
{
	char buffer[8] = "";
	xm_s32_t console = (xm_s32_t)OBJDESC_BUILD(OBJ_CLASS_CONSOLE, SELF, 0);

	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_write_sampling_message(console, buffer, 8), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, 1);
	cr_assert_eq(XM_send_queuing_message(XM_INVALID_PARAM, buffer, 8), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, 1);
}

Test(client_24, results_of_a_3x_hypervisor)
{
	char buffer[8];
	xm_s32_t queue = (xm_s32_t)OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, SELF, 0);

	errno = 0;
	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_suspend_partition(2), XM_OK);
	cr_assert_eq(errno, 0);
	server->code = XM_C_OP_NOT_ALLOWED;
	cr_assert_eq(XM_receive_queuing_message(queue, buffer, 8, NULL), XM_NOT_AVAILABLE);
	cr_assert_eq(errno, EAGAIN);
	cr_assert_eq(XM_suspend_partition(2), XM_OP_NOT_ALLOWED);
	cr_assert_eq(errno, EOPNOTSUPP);
	/* A class without the operation: 2.x says INVALID_PARAM. */
	cr_assert_eq(XM_seek_object(queue, 0, 0), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, 2);
	cr_assert_eq(errno, EINVAL);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_suspend_partition(2), -3);
	cr_assert_eq(errno, EPERM);
}

Test(client_24, receive_flags)
{
	char buffer[8] = "";
	xm_u32_t flags = 0;
	xm_s32_t queue = (xm_s32_t)OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, SELF, 7);

	server->value = server->data_len = 2;
	cr_assert_eq(XM_receive_queuing_message(queue, buffer, 8, &flags), 2);
	cr_assert_str_eq(buffer, "ab");
	cr_assert_eq(flags, (xm_u32_t)SERVER_NUMBER);
	cr_assert_eq(last_arg(XM_OP_RECEIVE_QUEUING_MESSAGE, 1).num, 7);
}

Test(client_24, hm_read)
{
	xmHmLog_t log;

	server->n_records = 1;
	cr_assert_eq(XM_hm_read(&log), XM_OK);
	/* An event of the processor, of which 2.x has the same in other places. */
	cr_expect_eq(log.eventId,
		     ((SERVER_FIELD(XM_F_HM_LOG_opCodeL) >> 16 & 0xffff) + 3) & 0x1fff);
	cr_expect_eq(log.system, SERVER_FIELD(XM_F_HM_LOG_opCodeH) & 1);
	cr_expect_eq(log.partitionId, SERVER_FIELD(XM_F_HM_LOG_opCodeL) & 0xff);
	cr_expect_eq(log.moduleId, 0);
	cr_expect_eq(log.word[4], (xm_u32_t)SERVER_FIELD(XM_F_HM_LOG_payload4));
	cr_expect_eq(log.timeStamp, (xmTime_t)SERVER_FIELD(XM_F_HM_LOG_timestamp));
	server->n_records = 0;
	cr_assert_eq(XM_hm_read(&log), XM_INVALID_CONFIG);
	cr_assert_eq(errno, EDOM);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_hm_read(&log), XM_PERM_ERROR);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_hm_read(NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_HM_READ, 1).state, XM_ST_NULL);
	server->code = XM_C_OK;
	server->value = 4;
	cr_assert_eq(XM_hm_seek(4, XM_OBJ_SEEK_SET), 4);
}

#define EXPECT_FIELD(ID, s, field)                                                                 \
	cr_expect_eq((s).field, (__typeof__((s).field))SERVER_FIELD(XM_F_##ID##_##field))

Test(client_24, status)
{
	xmSystemStatus_t ss;
	xmPartitionStatus_t ps;
	xmSamplingPortStatus_t sp;
	xmQueuingPortStatus_t qp;
	xmPlanStatus_t plan;

	cr_assert_eq(XM_system_get_status(&ss), XM_OK);
	last_arg(XM_OP_GET_SYSTEM_STATUS, 0);
	EXPECT_FIELD(SYSTEM_STATUS, ss, noSamplingPortMsgsWritten);
	cr_assert_eq(XM_partition_get_status(2, &ps), XM_OK);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_STATUS, 0).num, 2);
	EXPECT_FIELD(PARTITION_STATUS, ps, noVIrqs);
	EXPECT_FIELD(PARTITION_STATUS, ps, resetStatus);
	EXPECT_FIELD(PARTITION_STATUS, ps, noQueuingPortMsgsReceived);
	cr_assert_eq(XM_get_plan_status(&plan), XM_OK);
	EXPECT_FIELD(PLAN_STATUS, plan, current);
	cr_assert_eq(
		XM_get_sampling_port_status(OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, SELF, 2), &sp),
		XM_OK);
	EXPECT_FIELD(SAMPLING_STATUS, sp, validPeriod);
	EXPECT_FIELD(SAMPLING_STATUS, sp, lastMsgSize);
	cr_assert_eq(
		XM_get_queuing_port_status(OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, SELF, 2), &qp),
		XM_OK);
	EXPECT_FIELD(QUEUING_STATUS, qp, maxNoMsgs);
	EXPECT_FIELD(QUEUING_STATUS, qp, noMsgs);
}

Test(client_24, set_plan)
{
	union statusCmd cmd = { .schedPlan = { .new = 1, .current = 99 } };

	cr_assert_eq(XM_set_plan(1), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SWITCH_SCHED_PLAN, 0).num, 1);
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0),
				    XM_SWITCH_SCHED_PLAN, &cmd),
		     XM_OK);
	cr_assert_eq(cmd.schedPlan.current, (xm_u32_t)SERVER_NUMBER);
	cr_assert_eq(cmd.schedPlan.new, 1);
}

Test(client_24, console_kept_in_memory)
{
	char buffer[8] = "";
	xmObjDesc_t console = OBJDESC_BUILD(OBJ_CLASS_CONSOLE, SELF, 0);

	server->value = server->data_len = 2;
	cr_assert_eq(XM_read_object(console, buffer, 8, 0), 2);
	last_arg(XM_OP_READ_CONSOLE, 0);
	cr_assert_str_eq(buffer, "ab");
	cr_assert_eq(XM_seek_object(console, (xm_u32_t)-2, XM_OBJ_SEEK_END), 2);
	cr_assert_eq(last_arg(XM_OP_SEEK_CONSOLE, 1).num, (uint64_t)-2);
}

/* The same call of a 3.x library in the same process: its own symbol, its own codes. */
xm_s32_t call_of_3x(xm_u32_t partitionId) __asm__("xm3x_XM_suspend_partition");

Test(client_24, both_profiles_in_one_process)
{
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_suspend_partition(2), -3);
	cr_assert_eq(call_of_3x(2), -4);
	cr_assert_eq(server->n_connections, 1);
}

/* ---- trace --------------------------------------------------------------------------------------- */

static xmTraceEvent_t an_event(xm_u32_t criticality)
{
	xmTraceEvent_t event = { .opCode = { .code = 0x1abc,
					     .criticality = criticality,
					     .moduleId = 0x5a,
					     .partitionId = 0x77 },
				 .reserved = 0x99,
				 .word = { 1, 2, 3, 0xfffffff4 } };

	return event;
}

static uint64_t field_in(unsigned int op, unsigned int arg, unsigned int field)
{
	struct xm_value v = last_arg(op, arg);

	cr_assert_eq(v.state, XM_ST_OK);
	cr_assert_lt(field, v.len);
	return xm_value_word(&v, field);
}

Test(client_24, trace_event)
{
	xmTraceEvent_t event = an_event(XM_TRACE_WARNING);

	server->value = 1;
	cr_assert_eq(XM_trace_event(0x80000001, &event), XM_OK);
	cr_expect_eq(last_arg(XM_OP_TRACE_EVENT, 0).num, SELF);
	cr_expect_eq(last_arg(XM_OP_TRACE_EVENT, 1).num, 0x80000001);
	cr_expect_eq(last_arg(XM_OP_TRACE_EVENT, 2).num, XM_TRACE_WARNING);
	cr_expect_eq(last_arg(XM_OP_TRACE_EVENT, 3).num, 0x1abc);
	cr_expect_eq(field_in(XM_OP_TRACE_EVENT, 4, XM_F_TRACE_PAYLOAD_moduleId), 0x5a);
	cr_expect_eq(field_in(XM_OP_TRACE_EVENT, 4, XM_F_TRACE_PAYLOAD_payload0), 1);
	cr_expect_eq(field_in(XM_OP_TRACE_EVENT, 4, XM_F_TRACE_PAYLOAD_payload3), 0xfffffff4);
	cr_expect_eq(last_arg(XM_OP_TRACE_EVENT, 6).num, 1);
	/* As the hypervisor stamped it. */
	cr_expect_eq(event.opCode.code, SERVER_FIELD(XM_F_TRACE_LOG_opCodeL) >> 16 & 0x1fff);
	cr_expect_eq(event.opCode.criticality, SERVER_FIELD(XM_F_TRACE_LOG_opCodeH) >> 1 & 7);
	cr_expect_eq(event.opCode.moduleId, SERVER_FIELD(XM_F_TRACE_LOG_moduleId) & 0xff);
	cr_expect_eq(event.opCode.partitionId, SERVER_FIELD(XM_F_TRACE_LOG_opCodeL) & 0xff);
	cr_expect_eq(event.reserved, 0x99);
	cr_expect_eq(event.timeStamp, (xmTime_t)SERVER_FIELD(XM_F_TRACE_LOG_timestamp));
	cr_expect_eq(event.word[3], (xm_u32_t)SERVER_FIELD(XM_F_TRACE_LOG_payload3));
}

Test(client_24, trace_event_that_is_not_kept)
{
	xmTraceEvent_t event = an_event(XM_TRACE_NOTIFY);

	server->value = 0;
	cr_assert_eq(XM_trace_event(1, &event), XM_INVALID_CONFIG);
	cr_assert_eq(errno, EDOM);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_trace_event(1, &event), XM_PERM_ERROR);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_trace_event(1, NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, 4).state, XM_ST_NULL);
}

/* What stops the partition is another operation, whatever the record says besides. */
Test(client_24, trace_event_unrecoverable)
{
	xmTraceEvent_t event = an_event(XM_TRACE_UNRECOVERABLE);
	xm_u32_t bitmask = 1;

	server->value = 1;
	cr_assert_eq(XM_trace_event(1, &event), XM_OK);
	cr_assert_eq(last_arg(XM_OP_TRACE_UNRECOVERABLE, 2).num, 3);
	cr_assert_eq(field_in(XM_OP_TRACE_UNRECOVERABLE, 4, XM_F_TRACE_PAYLOAD_moduleId), 0x5a);
	/* A criticality of three bits that is none stays what it is. */
	event = an_event(7);
	cr_assert_eq(XM_hcall(write_object_nr, OBJDESC_BUILD(OBJ_CLASS_TRACE, SELF, 0), W(&event),
			      sizeof(event), W(&bitmask), 0),
		     (int)sizeof(event));
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, 2).num, 7);
}

Test(client_24, trace_event_raw)
{
	xmTraceEvent_t events[3] = { an_event(0), an_event(0), an_event(3) };
	xmObjDesc_t trace = OBJDESC_BUILD(OBJ_CLASS_TRACE, SELF, 0);

	server->value = 1;
	cr_assert_eq(XM_write_object(trace, events, sizeof(events), NULL), (int)sizeof(*events));
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, 6).num, 1, "one record, however many there are");
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, 1).state, XM_ST_NULL);
	XM_write_object(trace, events, sizeof(*events) - 1, NULL);
	cr_assert_eq(last_arg(XM_OP_TRACE_EVENT, 6).num, 0, "less than a record");
	server->value = 0;
	cr_assert_eq(XM_write_object(trace, events, sizeof(*events), NULL), 0);
}

Test(client_24, trace_streams)
{
	xmTraceEvent_t event;
	xmTraceStatus_t status;
	xm_s32_t stream = XM_trace_open(2);

	cr_assert_eq(stream, OBJDESC_BUILD(OBJ_CLASS_TRACE, 2, 0));
	cr_assert_eq(XM_trace_open(XM_HYPERVISOR_ID), OBJDESC_BUILD(OBJ_CLASS_TRACE, 255, 0));
	cr_assert_eq(XM_trace_open(3), XM_INVALID_PARAM, "there are three partitions");
	cr_assert_eq(errno, EINVAL);
	server->n_records = 1;
	cr_assert_eq(XM_trace_read(stream, &event), XM_OK);
	cr_assert_eq(last_arg(XM_OP_TRACE_READ, 0).num, 2);
	cr_assert_eq(last_arg(XM_OP_TRACE_READ, 2).num, 1);
	cr_expect_eq(event.opCode.code, SERVER_FIELD(XM_F_TRACE_LOG_opCodeL) >> 16 & 0x1fff);
	cr_expect_eq(event.opCode.moduleId, SERVER_FIELD(XM_F_TRACE_LOG_moduleId) & 0xff);
	server->n_records = 0;
	cr_assert_eq(XM_trace_read(stream, &event), XM_INVALID_CONFIG);
	server->value = 6;
	cr_assert_eq(XM_trace_seek(stream, -1, XM_TRACE_SEEK_END), 6);
	cr_assert_eq(last_arg(XM_OP_TRACE_SEEK, 1).num, (uint64_t)-1);
	cr_assert_eq(XM_trace_status(stream, &status), XM_OK);
	last_arg(XM_OP_TRACE_STATUS, 0);
	cr_expect_eq(status.maxEvents, (xm_s32_t)SERVER_FIELD(XM_F_TRACE_STATUS_maxEvents));
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_trace_read(OBJDESC_BUILD(OBJ_CLASS_HM, 2, 0), &event), XM_INVALID_PARAM);
	last_arg(XM_OP_UNCLASSIFIED, 0);
}

/* ---- memory -------------------------------------------------------------------------------------- */

static void expect_copy(uint64_t dst, uint64_t dst_addr, uint64_t src, uint64_t src_addr,
			int64_t size)
{
	cr_expect_eq(last_arg(XM_OP_MEMORY_COPY, XM_A_MEMORY_COPY_dstId).num, dst);
	cr_expect_eq(last_arg(XM_OP_MEMORY_COPY, XM_A_MEMORY_COPY_dstAddr).num, dst_addr);
	cr_expect_eq(last_arg(XM_OP_MEMORY_COPY, XM_A_MEMORY_COPY_srcId).num, src);
	cr_expect_eq(last_arg(XM_OP_MEMORY_COPY, XM_A_MEMORY_COPY_srcAddr).num, src_addr);
	cr_expect_eq((int64_t)last_arg(XM_OP_MEMORY_COPY, XM_A_MEMORY_COPY_size).num, size);
}

Test(client_24, memory_copy)
{
	server->value = 64;
	cr_assert_eq(XM_memory_copy(2, 0x2000, SELF, 0x1000, 64), 64);
	expect_copy(2, 0x2000, SELF, 0x1000, 64);
	cr_assert_eq(XM_memory_copy(SELF, 0x1000, 0, 0xfffff000, 64), 64);
	expect_copy(SELF, 0x1000, 0, 0xfffff000, 64);
	cr_assert_eq(XM_memory_copy(SELF, 0x1000, SELF, 0x3000, 0xffffffff), 64);
	expect_copy(SELF, 0x1000, SELF, 0x3000, -1);
	/* The two addresses exchanged, as programs do it that know the original. */
	cr_assert_eq(XM_memory_copy_swapped(2, 0x1000, SELF, 0x2000, 64), 64);
	expect_copy(2, 0x2000, SELF, 0x1000, 64);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_memory_copy(0, 0x1000, 2, 0x2000, 64), XM_INVALID_PARAM, "neither is ours");
	last_arg(XM_OP_UNCLASSIFIED, 0);
	cr_assert_eq(XM_memory_copy(1025, 0x1000, SELF, 0x2000, 64), XM_INVALID_PARAM);
	last_arg(XM_OP_UNCLASSIFIED, 0);
}

/* Of the objects, the buffer is the own partition's side. */
Test(client_24, memory_objects)
{
	XM_hcall(read_object_nr, OBJDESC_BUILD(OBJ_CLASS_MEM, 2, 0), 0x1000, 16, 0x2000, 0);
	expect_copy(SELF, 0x1000, 2, 0x2000, 16);
	XM_hcall(write_object_nr, OBJDESC_BUILD(OBJ_CLASS_MEM, 2, 0), 0x1000, 16, 0x2000, 0);
	expect_copy(2, 0x2000, SELF, 0x1000, 16);
#ifdef __LP64__
	/* An address that is none of theirs does not become one. */
	XM_hcall(read_object_nr, OBJDESC_BUILD(OBJ_CLASS_MEM, 2, 0), 0x100001000, 16, 0x2000, 0);
	expect_copy(SELF, 0x100001000, 2, 0x2000, 16);
#endif
}

Test(client_24, memory_areas)
{
	struct xmcMemoryArea areas[3];

	memset(areas, 0xee, sizeof(areas));
	server->n_areas = 2;
	server->value = 2;
	cr_assert_eq(XM_get_physmem_map(areas, 3), 2);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_MMAP, 0).num, SELF);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_MMAP, 1).num, 0);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_MMAP, 3).num, 3);
	cr_expect_eq(areas[1].startAddr, SERVER_AREA(1, XM_F_MEMORY_AREA_startAddr));
	cr_expect_eq(areas[1].size, SERVER_AREA(1, XM_F_MEMORY_AREA_size));
	cr_expect_eq(areas[1].memoryRegionOffset,
		     SERVER_AREA(1, XM_F_MEMORY_AREA_memoryRegionOffset));
	/* 3: unmapped and shared in 3.x; here: shared, and writable for lack of a word against it. */
	cr_assert_eq(SERVER_AREA(0, XM_F_MEMORY_AREA_flags), 3);
	cr_expect_eq(areas[0].flags, XM_MEM_AREA_SHARED | XM_MEM_AREA_WRITE);
	cr_expect_eq(areas[2].size, 0xeeeeeeee);
	XM_get_physmem_map(areas, -1);
	cr_assert_gt(last_arg(XM_OP_GET_PARTITION_MMAP, 3).num, XM_MAX_RECORDS);
	XM_get_physmem_map(NULL, 3);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_MMAP, 2).state, XM_ST_NULL);
	XM_get_physmem_map((void *)8, 3);
	cr_assert_eq(last_arg(XM_OP_GET_PARTITION_MMAP, 2).state, XM_ST_FAULT);
}

/* ---- spare scheduling ---------------------------------------------------------------------------- */

Test(client_24, spare_plans_out)
{
	struct xmcSchedSpareSlot slots[3];
	struct xmcSchedSparePlan plan = { .header = { .noSlots = 3 }, .slotTab = slots };

	memset(slots, 0xee, sizeof(slots));
	server->n_records = 2;
	cr_assert_eq(XM_gather_spare_data(&plan), XM_OK);
	cr_assert_eq(last_arg(XM_OP_GATHER_SPARE_DATA, 0).num, XM_HYPERVISOR_ID);
	cr_assert_eq(last_arg(XM_OP_GATHER_SPARE_DATA, 3).num, 3);
	cr_expect_eq(plan.header.noSlots, 2, "as many as came");
	cr_expect_eq(plan.header.cycleTime, SERVER_NUMBER);
	cr_expect_eq(slots[0].partitionId, (xm_u32_t)SERVER_FIELD(XM_F_SPARE_SLOT_partitionId));
	cr_expect_eq(slots[2].id, 0xeeeeeeee);
	plan.header.noSlots = 3;
	cr_assert_eq(XM_get_spare_plan(&plan), XM_OK);
	cr_assert_eq(last_arg(XM_OP_GET_SPARE_PLAN, 3).num, 3);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_get_spare_plan(NULL), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_SPARE_PLAN, 2).state, XM_ST_NULL);
	plan.slotTab = NULL;
	cr_assert_eq(XM_get_spare_plan(&plan), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_GET_SPARE_PLAN, 2).state, XM_ST_NULL);
	cr_assert_eq(last_arg(XM_OP_GET_SPARE_PLAN, 1).state, XM_ST_OK);
}

Test(client_24, spare_plans_in)
{
	struct xmcSchedSpareSlot slots[2] = { { 1, 2, 3 }, { 4, 5, 6 } };
	struct xmcSchedSparePlan plan = { { 2, 0x100000001 }, slots };
	union spareCmd cmd = { &plan };

	cr_assert_eq(XM_set_spare_plan(&plan), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 1).num, 0x100000001);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 2).len, 6);
	for (unsigned int i = 0; i < 6; i++)
		cr_expect_eq(field_in(XM_OP_SET_SPARE_PLAN, 2, i), i + 1);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 3).num, 2);
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_SPARE, XM_HYPERVISOR_ID, 0),
				    XM_SET_SPARE_PLAN, &cmd),
		     XM_OK);
	cr_assert_eq(field_in(XM_OP_SET_SPARE_PLAN, 2, 5), 6);
	/* NULL removes. */
	cr_assert_eq(XM_set_spare_plan(NULL), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 2).state, XM_ST_OK);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 2).len, 0);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 3).num, 0);
	plan.slotTab = (void *)8;
	XM_set_spare_plan(&plan);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 2).state, XM_ST_FAULT);
	plan.header.noSlots = 65;
	XM_set_spare_plan(&plan);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 2).state, XM_ST_OVERSIZE);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_PLAN, 3).num, 65);
}

/* ---- interrupts and processor -------------------------------------------------------------------- */

Test(client_24, interrupts)
{
	cr_assert_eq(XM_raise_ipvi(2, 7), XM_OK);
	cr_assert_eq(last_arg(XM_OP_RAISE_PARTITION_IPVI, 0).num, 2);
	cr_assert_eq(last_arg(XM_OP_RAISE_PARTITION_IPVI, 1).num, 31);
	XM_raise_ipvi(2, 255);
	cr_assert_eq(last_arg(XM_OP_RAISE_PARTITION_IPVI, 1).num, 279, "none of the table's");
	cr_assert_eq(XM_mask_irq(5), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_IRQMASK, 0).num, 1U << 5);
	cr_assert_eq(last_arg(XM_OP_SET_IRQMASK, 1).num, 0);
	cr_assert_eq(XM_unmask_irq(63), XM_OK);
	cr_assert_eq(last_arg(XM_OP_CLEAR_IRQMASK, 0).num, 0);
	cr_assert_eq(last_arg(XM_OP_CLEAR_IRQMASK, 1).num, 1U << 31);
	cr_assert_eq(XM_mask_irq(64), XM_INVALID_PARAM);
	cr_assert_eq(errno, EINVAL);
	XM_enable_irqs();
	last_arg(XM_OP_X86_SET_IF, 0);
	XM_disable_irqs();
	last_arg(XM_OP_X86_CLEAR_IF, 0);
	cr_assert_eq(XM_exec_pendirqs(NULL), 0);
	cr_assert_eq(XM_mask_hwirq(3), XM_OK);
	cr_assert_eq(last_arg(XM_OP_MASK_HWIRQ, 0).num, 3);
	cr_assert_eq(XM_unmask_hwirq(3), XM_OK);
	last_arg(XM_OP_UNMASK_HWIRQ, 0);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_mask_irq(5), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
}

Test(client_24, processor)
{
	struct trapHandler handler = { 0x1234, 0x89abcdef };
	xm_u32_t desc[2] = { 0x11223344, 0x55667788 };

	cr_assert_eq(XM_override_trap_hndl(-2, &handler), XM_OK);
	cr_expect_eq(last_arg(XM_OP_OVERRIDE_TRAP_HNDL, 0).num, (uint64_t)-2);
	cr_expect_eq(field_in(XM_OP_OVERRIDE_TRAP_HNDL, 1, XM_F_TRAP_HANDLER_cs), 0x1234);
	cr_expect_eq(field_in(XM_OP_OVERRIDE_TRAP_HNDL, 1, XM_F_TRAP_HANDLER_ip), 0x89abcdef);
	XM_override_trap_hndl(1, (void *)16);
	cr_expect_eq(last_arg(XM_OP_OVERRIDE_TRAP_HNDL, 1).state, XM_ST_FAULT);
	cr_assert_eq(XM_ia32_set_idt_desc(3, desc), XM_OK);
	cr_expect_eq(field_in(XM_OP_IA32_SET_IDT_DESC, 1, XM_F_X86_DESCRIPTOR_low), 0x11223344);
	cr_expect_eq(field_in(XM_OP_IA32_SET_IDT_DESC, 1, XM_F_X86_DESCRIPTOR_high), 0x55667788);
	cr_assert_eq(XM_write_register32(XM_REG32_CR3, 0xfffff000), XM_OK);
	cr_expect_eq(last_arg(XM_OP_WRITE_REGISTER32, 1).num, 0xfffff000);
	cr_assert_eq(XM_write_register64(XM_REG64_WRMSR, 2, 3, 4), XM_OK);
	cr_expect_eq(last_arg(XM_OP_WRITE_REGISTER64, 1).num, 2);
	cr_expect_eq(last_arg(XM_OP_WRITE_REGISTER64, 3).num, 4);
	cr_assert_eq(XM_ia32_update_sys_struct(XM_SYS_STRUCT_GDT, 5, 6), XM_OK);
	cr_expect_eq(last_arg(XM_OP_IA32_UPDATE_SYS_STRUCT, 0).num, 2);
	cr_expect_eq(last_arg(XM_OP_IA32_UPDATE_SYS_STRUCT, 2).num, 6);
	cr_assert_eq(XM_update_page32(0xfffff000, 7), XM_OK);
	cr_expect_eq(last_arg(XM_OP_UPDATE_PAGE32, 0).num, 0xfffff000);
	cr_assert_eq(XM_set_page_type(0x1000, PPAG_PTDL2), XM_OK);
	cr_expect_eq(last_arg(XM_OP_SET_PAGE_TYPE, 1).num, 2);
}

Test(client_24, lazy_calls)
{
	static struct xm_request reqs[XM_BATCH_MAX];

	XM_lazy_update_page32(0x1000, 1);
	XM_lazy_set_page_type(0x2000, 2);
	XM_lazy_write_register32(3, 4);
	XM_lazy_write_register64(5, 6, 7, 8);
	XM_lazy_ia32_update_sys_struct(9, 10, 11);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 5);
	cr_expect_eq(reqs[0].op, XM_OP_UPDATE_PAGE32);
	cr_expect_eq(reqs[1].op, XM_OP_SET_PAGE_TYPE);
	cr_expect_eq(reqs[2].op, XM_OP_WRITE_REGISTER32);
	cr_expect_eq(reqs[3].op, XM_OP_WRITE_REGISTER64);
	cr_expect_eq(reqs[3].arg[3].num, 8);
	cr_expect_eq(reqs[4].op, XM_OP_IA32_UPDATE_SYS_STRUCT);
	cr_expect_eq(reqs[4].arg[2].num, 11);
}

/* What the library uses for itself is nothing that a program gets by its number. */
Test(client_24, numbers_beyond_the_table)
{
	server->code = XM_C_UNKNOWN_HYPERCALL;
	cr_assert_eq(XM_hcall(0x58000002, 1, 1, 0, 0, 0), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 1).num, 0x58000002);
	cr_assert_eq(XM_hcall(NR_HYPERCALLS + 1, 0, 0, 0, 0, 0), XM_UNKNOWN_HYPERCALL);
	last_arg(XM_OP_UNCLASSIFIED, 0);
}

/* Whatever an answer has, only what was probed is written. */
Test(client_24, no_more_records_than_there_is_room_for)
{
	static struct xm_reply reply;
	struct xmcMemoryArea areas[2];
	union memCmd cmd = { { areas, 1 } };
	uint64_t words[RAW_WORDS] = { OBJDESC_BUILD(OBJ_CLASS_MEM, SELF, 0), XM_MEM_GET_PHYSMEMMAP,
				      (uintptr_t)&cmd };

	for (int room = 1; room >= -1; room--) {
		struct raw_call call = { .profile = &raw_profile_2_4, .words = words };

		memset(areas, 0xee, sizeof(areas));
		cmd.physMemMap.noAreas = room;
		cr_assert_eq(raw_gather(&call, ctrl_object_nr), 0);
		xm_reply_init(&reply, NULL, 0);
		xm_reply_put_words(&reply, 2, 2 * XM_NF_MEMORY_AREA);
		raw_scatter(&call, &reply);
		raw_release(&call);
		cr_expect_eq(areas[0].size, room == 1 ? 0 : 0xeeeeeeee);
		cr_expect_eq(areas[1].size, 0xeeeeeeee);
	}
}
