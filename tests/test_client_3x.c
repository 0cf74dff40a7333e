// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a 3.x program sees it: requests that it makes, results that it gives. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include <xm.h>
#include <xm/hcall.h>

#include "client_server.h"
#include "libxm/system/events.h"

#define SELF 2

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

TestSuite(client_3x, .init = setup, .fini = teardown, .timeout = 60);

#define W(x) ((unsigned long)(x))

static void expect_op(unsigned int op)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
}

static void expect_num(unsigned int arg, uint64_t num)
{
	struct xm_request req = server_last(server);

	cr_expect_eq(req.arg[arg].state, XM_ST_OK, "argument %u", arg);
	cr_expect_eq(req.arg[arg].num, num, "argument %u is %lx", arg, req.arg[arg].num);
}

static void expect_state(unsigned int arg, unsigned int state)
{
	struct xm_request req = server_last(server);

	cr_expect_eq(req.arg[arg].state, state, "argument %u: state %u", arg, req.arg[arg].state);
}

static void expect_bytes(unsigned int arg, const char *bytes, size_t len)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.arg[arg].state, XM_ST_OK);
	cr_assert_eq(req.arg[arg].len, len);
	cr_expect(!memcmp(req.arg[arg].data, bytes, len));
}

/* The last request, to compare with that of the same call made otherwise. */
static void save_last(uint8_t *copy)
{
	memset(copy, 0, XM_WIRE_PACKET);
	memcpy(copy, server->last, server->last_len);
	memset(copy + 8, 0, 4); /* serial */
}

static void expect_same(const uint8_t *copy)
{
	static uint8_t now[XM_WIRE_PACKET];

	save_last(now);
	cr_expect(!memcmp(copy, now, XM_WIRE_PACKET), "another request");
}

static uint8_t first[XM_WIRE_PACKET];

Test(client_3x, init_and_self)
{
	init_libxm(0);
	cr_assert_eq(xm_init(), 0);
	cr_assert_eq(XM_PARTITION_SELF, SELF);
	cr_assert_eq(XM_hcall(NR_HYPERCALLS, 0, 0, 0, 0, 0), SELF);
	cr_assert_eq(server->n_calls, 0);
	cr_assert_eq(server->n_connections, 1);
	cr_assert_eq(server->hello.profile, XM_PROFILE_ID_3_X);
	cr_assert(server->hello.comm[0]);
	cr_assert_eq(errno, 0);
}

Test(client_3x, get_time)
{
	xmTime_t t = 0;

	errno = EXDEV; /* a success does not touch it */
	cr_assert_eq(XM_get_time(XM_EXEC_CLOCK, &t), XM_OK);
	cr_assert_eq(errno, EXDEV);
	cr_assert_eq(t, SERVER_NUMBER);
	expect_op(XM_OP_GET_TIME);
	expect_num(0, 1);
	save_last(first);
	t = 0;
	cr_assert_eq(XM_hcall(get_time_nr, XM_EXEC_CLOCK, W(&t), 0, 0, 0), XM_OK);
	cr_assert_eq(t, SERVER_NUMBER);
	expect_same(first);
}

Test(client_3x, set_timer_is_64_bit)
{
	cr_assert_eq(XM_set_timer(XM_HW_CLOCK, 0x123456789abcLL, 0x7fffffffffLL), XM_OK);
	expect_op(XM_OP_SET_TIMER);
	expect_num(1, 0x123456789abcLL);
	expect_num(2, 0x7fffffffffLL);
	save_last(first);
	XM_hcall(set_timer_nr, 0, 0x123456789abc, 0x7fffffffff, 0, 0);
	expect_same(first);
	XM_set_timer(XM_HW_CLOCK, -5, 0);
	expect_num(1, (uint64_t)-5);
}

Test(client_3x, partition_calls)
{
	cr_assert_eq(XM_halt_partition(1), XM_OK);
	expect_op(XM_OP_HALT_PARTITION);
	expect_num(0, 1);
	cr_assert_eq(XM_suspend_partition(2), XM_OK);
	expect_op(XM_OP_SUSPEND_PARTITION);
	cr_assert_eq(XM_resume_partition(3), XM_OK);
	expect_op(XM_OP_RESUME_PARTITION);
	cr_assert_eq(XM_shutdown_partition((xm_u32_t)-1), XM_OK);
	expect_op(XM_OP_SHUTDOWN_PARTITION);
	expect_num(0, 0xffffffff);
	cr_assert_eq(XM_reset_partition(1, XM_WARM_RESET, 7), XM_OK);
	expect_op(XM_OP_RESET_PARTITION);
	expect_num(1, 1);
	expect_num(2, 7);
	cr_assert_eq(XM_idle_self(), XM_OK);
	expect_op(XM_OP_IDLE_SELF);
	cr_assert_eq(XM_halt_system(), XM_OK);
	expect_op(XM_OP_HALT_SYSTEM);
	cr_assert_eq(XM_reset_system(1), XM_OK);
	expect_op(XM_OP_RESET_SYSTEM);
	/* Old programs pass int: its sign must not make it another partition, nor an error of ours. */
	XM_hcall(halt_partition_nr, (unsigned long)-1, 0, 0, 0, 0);
	expect_op(XM_OP_HALT_PARTITION);
	expect_num(0, 0xffffffff);
}

Test(client_3x, console_by_three_ways)
{
	char text[] = "hello";
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_CONSOLE, SELF, 0);

	server->value = 5;
	cr_assert_eq(XM_write_console(text, 5), 5);
	expect_op(XM_OP_WRITE_CONSOLE);
	expect_num(0, SELF);
	expect_bytes(1, "hello", 5);
	expect_num(2, 5);
	save_last(first);
	cr_assert_eq(XM_write_object(desc, text, 5, 0), 5);
	expect_same(first);
	cr_assert_eq(XM_hcall(write_object_nr, desc, W(text), 5, 0, 0), 5);
	expect_same(first);
}

Test(client_3x, create_sampling_port_by_three_ways)
{
	char name[] = "attitude";
	xmObjDesc_t desc = OBJDESC_BUILD(OBJ_CLASS_SAMPLING_PORT, SELF, 0);
	union samplingPortCmd cmd = { .create = { name, 64, XM_SOURCE_PORT, 1000000 } };

	server->value = 5;
	cr_assert_eq(XM_create_sampling_port(name, 64, XM_SOURCE_PORT, 1000000), 5);
	expect_op(XM_OP_CREATE_SAMPLING_PORT);
	expect_num(0, SELF);
	expect_bytes(1, "attitude", 8);
	expect_num(2, 64);
	expect_num(3, XM_SOURCE_PORT);
	expect_num(4, 1000000);
	save_last(first);
	cr_assert_eq(XM_ctrl_object(desc, XM_COMM_CREATE_PORT, &cmd), 5);
	expect_same(first);
	cr_assert_eq(XM_hcall(ctrl_object_nr, desc, XM_COMM_CREATE_PORT, W(&cmd), 0, 0), 5);
	expect_same(first);
}

Test(client_3x, sampling_messages)
{
	char buffer[64] = "";
	xm_u32_t flags = 0;

	server->value = 3;
	server->data_len = 3;
	cr_assert_eq(XM_read_sampling_message(4, buffer, sizeof(buffer), &flags), 3);
	cr_assert_str_eq(buffer, "abc");
	cr_assert_eq(flags, (xm_u32_t)SERVER_NUMBER);
	expect_op(XM_OP_READ_SAMPLING_MESSAGE);
	expect_num(0, SELF);
	expect_num(1, 4);
	expect_num(3, 64);
	/* A NULL that is allowed must not reach a hypervisor that refuses it. */
	cr_assert_eq(XM_read_sampling_message(4, buffer, sizeof(buffer), NULL), 3);
	expect_state(4, XM_ST_ABSENT);
	cr_assert_eq(XM_write_sampling_message(6, buffer, 3), XM_OK, "not a count");
	expect_op(XM_OP_WRITE_SAMPLING_MESSAGE);
	expect_num(1, 6);
	expect_bytes(2, "abc", 3);
}

Test(client_3x, queuing_ports)
{
	char name[] = "commands", buffer[16] = "x";

	server->value = 1;
	server->data_len = 1;
	cr_assert_eq(XM_create_queuing_port(name, 8, 128, XM_DESTINATION_PORT), 1);
	expect_op(XM_OP_CREATE_QUEUING_PORT);
	expect_num(2, 8);
	expect_num(3, 128);
	expect_num(4, XM_DESTINATION_PORT);
	cr_assert_eq(XM_send_queuing_message(1, buffer, 1), XM_OK);
	expect_op(XM_OP_SEND_QUEUING_MESSAGE);
	cr_assert_eq(XM_receive_queuing_message(1, buffer, sizeof(buffer)), 1);
	expect_op(XM_OP_RECEIVE_QUEUING_MESSAGE);
	cr_assert_eq(buffer[0], 'a');
}

Test(client_3x, port_status_and_info)
{
	char name[] = "hk-1";
	xmSamplingPortStatus_t ss;
	xmSamplingPortInfo_t si;
	xmQueuingPortStatus_t qs;
	xmQueuingPortInfo_t qi;

	cr_assert_eq(XM_get_sampling_port_status(3, &ss), XM_OK);
	expect_op(XM_OP_GET_SAMPLING_PORT_STATUS);
	expect_num(1, 3);
	cr_expect_eq(ss.timestamp, (xmTime_t)SERVER_FIELD(XM_F_SAMPLING_STATUS_timestamp));
	cr_expect_eq(ss.lastMsgSize, (xm_u32_t)SERVER_FIELD(XM_F_SAMPLING_STATUS_lastMsgSize));
	cr_expect_eq(ss.flags, (xm_u32_t)SERVER_FIELD(XM_F_SAMPLING_STATUS_flags));
	cr_assert_eq(XM_get_sampling_port_info(name, &si), XM_OK);
	expect_op(XM_OP_GET_SAMPLING_PORT_INFO);
	expect_bytes(1, "hk-1", 4);
	cr_expect_eq(si.portName, name);
	cr_expect_eq(si.validPeriod, (xmTime_t)SERVER_FIELD(XM_F_SAMPLING_INFO_validPeriod));
	cr_expect_eq(si.maxMsgSize, (xm_u32_t)SERVER_FIELD(XM_F_SAMPLING_INFO_maxMsgSize));
	cr_expect_eq(si.direction, (xm_u32_t)SERVER_FIELD(XM_F_SAMPLING_INFO_direction));
	cr_assert_eq(XM_get_queuing_port_status(3, &qs), XM_OK);
	expect_op(XM_OP_GET_QUEUING_PORT_STATUS);
	cr_expect_eq(qs.noMsgs, (xm_u32_t)SERVER_FIELD(XM_F_QUEUING_STATUS_noMsgs));
	cr_assert_eq(XM_get_queuing_port_info(name, &qi), XM_OK);
	expect_op(XM_OP_GET_QUEUING_PORT_INFO);
	cr_expect_eq(qi.portName, name);
	cr_expect_eq(qi.maxNoMsgs, (xm_u32_t)SERVER_FIELD(XM_F_QUEUING_INFO_maxNoMsgs));
	cr_expect_eq(qi.validPeriod, (xmTime_t)SERVER_FIELD(XM_F_QUEUING_INFO_validPeriod));
}

/* A number that does not fit into a descriptor must not become another port or partition. */
Test(client_3x, numbers_beyond_a_descriptor)
{
	char buffer[8];
	xmPartitionStatus_t ps;
	xmVirtualCpuStatus_t vs;

	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_read_sampling_message(1024, buffer, 8, NULL), XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
	expect_num(0, 1);
	cr_assert_eq(XM_write_sampling_message(-3, buffer, 8), XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
	cr_assert_eq(XM_get_partition_status(1024, &ps), XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
	cr_assert_eq(XM_get_partition_vcpu_status(0, 16, &vs), XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
	cr_assert_eq(errno, EINVAL);
}

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

#define EXPECT_FIELD(ID, s, field)                                                                 \
	cr_expect_eq((s).field, (__typeof__((s).field))SERVER_FIELD(XM_F_##ID##_##field))

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

Test(client_3x, bitfields)
{
	xmPhysPageStatus_t page;

	memset(&page, 0xff, sizeof(page));
	cr_assert_eq(XM_get_physpage_status(0x1234567000, &page), XM_OK);
	expect_op(XM_OP_GET_PHYSPAGE_STATUS);
	expect_num(1, 0x1234567000);
	cr_expect_eq(page.pAddr, SERVER_FIELD(XM_F_PHYSPAGE_STATUS_pAddr));
	cr_expect_eq(page.type, SERVER_FIELD(XM_F_PHYSPAGE_STATUS_type) & 7);
	cr_expect_eq(page.counter, SERVER_FIELD(XM_F_PHYSPAGE_STATUS_counter) & 0x7ffffff);
	cr_expect_eq(page.unused, 3, "not ours to change");
}

Test(client_3x, plans_and_names)
{
	xm_u32_t old = 0;
	xm_u8_t name[] = "payload";

	cr_assert_eq(XM_switch_sched_plan(1, &old), XM_OK);
	expect_op(XM_OP_SWITCH_SCHED_PLAN);
	expect_num(0, 1);
	cr_assert_eq(old, (xm_u32_t)SERVER_NUMBER);
	server->value = 1;
	cr_assert_eq(XM_get_gid_by_name(name, XM_PARTITION_NAME), 1);
	expect_op(XM_OP_GET_GID_BY_NAME);
	expect_bytes(0, "payload", 7);
	expect_num(1, 0);
}

Test(client_3x, unclassified)
{
	server->code = XM_C_UNKNOWN_HYPERCALL;
	cr_assert_eq(XM_hcall(999, 1, 2, 3, 4, 5), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(errno, ENOSYS);
	expect_op(XM_OP_UNCLASSIFIED);
	expect_num(0, 0);
	expect_num(1, 999);
	expect_num(2, 1);
	expect_num(4, 3);
	XM_hcall(-1, 0, 0, 0, 0, 0);
	expect_num(1, 0xffffffff);
	/* Not even a server that claims success makes one of it. */
	server->code = XM_C_OK;
	cr_assert_eq(XM_hcall(46, 0, 0, 0, 0, 0), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(errno, ENOSYS);
}

Test(client_3x, codes_and_errno)
{
	static const struct {
		unsigned int code;
		int result, error;
	} cases[] = {
		{ XM_C_NO_ACTION, XM_NO_ACTION, EALREADY },
		{ XM_C_UNKNOWN_HYPERCALL, XM_UNKNOWN_HYPERCALL, ENOSYS },
		{ XM_C_INVALID_PARAM, XM_INVALID_PARAM, EINVAL },
		{ XM_C_PERM_ERROR, XM_PERM_ERROR, EPERM },
		{ XM_C_INVALID_CONFIG, XM_INVALID_CONFIG, EDOM },
		{ XM_C_INVALID_MODE, XM_INVALID_MODE, ENODEV },
		{ XM_C_NOT_AVAILABLE, XM_OP_NOT_ALLOWED, EOPNOTSUPP },
		{ XM_C_OP_NOT_ALLOWED, XM_OP_NOT_ALLOWED, EOPNOTSUPP },
		{ XM_C_MULTICALL_ERROR, XM_MULTICALL_ERROR, EBADMSG },
		{ XM_C_UNKNOWN_OUTCOME, XM_INVALID_MODE, ECONNRESET },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		server->code = cases[i].code;
		errno = 0;
		cr_expect_eq(XM_suspend_partition(1), cases[i].result, "code %u", cases[i].code);
		cr_expect_eq(errno, cases[i].error, "code %u", cases[i].code);
	}
}

/* Status calls document one error; a refusal is not hidden by it. */
Test(client_3x, narrowed_errors)
{
	xmSamplingPortStatus_t status;

	server->code = XM_C_INVALID_CONFIG;
	cr_assert_eq(XM_get_sampling_port_status(1, &status), XM_INVALID_PARAM);
	cr_assert_eq(errno, EINVAL);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_get_sampling_port_status(1, &status), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	server->code = XM_C_UNKNOWN_OUTCOME;
	cr_assert_eq(XM_get_sampling_port_status(1, &status), XM_INVALID_MODE);
	cr_assert_eq(errno, ECONNRESET);
}

/* A failed call leaves the caller's memory alone. */
Test(client_3x, outputs_only_on_success)
{
	xmTime_t t = 77;

	server->code = XM_C_PERM_ERROR;
	cr_assert_eq(XM_get_time(0, &t), XM_PERM_ERROR);
	cr_assert_eq(t, 77);
}

/* ---- trace --------------------------------------------------------------------------------------- */

static uint64_t field_in(unsigned int arg, unsigned int field)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.arg[arg].state, XM_ST_OK);
	cr_assert_lt(field, req.arg[arg].len);
	return xm_value_word(&req.arg[arg], field);
}

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

/* ---- memory, interrupts, virtual processors, processor -------------------------------------------- */

Test(client_3x, memory_copy)
{
	union memCmd cmd = { .cpyArea = { 1, 0x1000, XM_HYPERVISOR_ID, 0x2000, -1 } };

	server->value = 64;
	cr_assert_eq(XM_memory_copy(1, (xmAddress_t)0x1234567000, 2, 0x2000, 64), 64);
	expect_op(XM_OP_MEMORY_COPY);
	expect_num(0, 1);
	expect_num(1, (xmAddress_t)0x1234567000);
	expect_num(2, 2);
	expect_num(3, 0x2000);
	expect_num(4, 64);
	XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_MEM, 7, 7), XM_OBJ_MEM_CPY_AREA, &cmd);
	expect_op(XM_OP_MEMORY_COPY);
	expect_num(2, XM_HYPERVISOR_ID);
	expect_num(4, (uint64_t)-1);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_MEM, 0, 0), XM_OBJ_MEM_CPY_AREA, NULL),
		     XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
}

Test(client_3x, interrupts)
{
	cr_assert_eq(XM_raise_ipvi(24), XM_OK);
	expect_op(XM_OP_RAISE_IPVI);
	expect_num(0, 24);
	cr_assert_eq(XM_raise_partition_ipvi(1, 31), XM_OK);
	expect_op(XM_OP_RAISE_PARTITION_IPVI);
	expect_num(1, 31);
	cr_assert_eq(XM_set_irqmask(1, 2), XM_OK);
	expect_op(XM_OP_SET_IRQMASK);
	expect_num(1, 2);
	cr_assert_eq(XM_clear_irqmask(1, 2), XM_OK);
	expect_op(XM_OP_CLEAR_IRQMASK);
	cr_assert_eq(XM_set_irqpend(1, 2), XM_OK);
	expect_op(XM_OP_SET_IRQPEND);
	cr_assert_eq(XM_clear_irqpend(1, 2), XM_OK);
	expect_op(XM_OP_CLEAR_IRQPEND);
	cr_assert_eq(XM_route_irq(XM_EXTIRQ_TYPE, 31, 0xffff), XM_OK);
	expect_op(XM_OP_ROUTE_IRQ);
	expect_num(0, 2);
	expect_num(1, 31);
	expect_num(2, 0xffff);
	XM_x86_set_if();
	expect_op(XM_OP_X86_SET_IF);
	XM_x86_clear_if();
	expect_op(XM_OP_X86_CLEAR_IF);
	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_raise_ipvi(24), XM_NO_ACTION);
}

Test(client_3x, virtual_processors)
{
	server->value = 3;
	cr_assert_eq(XM_get_vcpuid(), 3);
	expect_op(XM_OP_GET_VCPUID);
	cr_assert_eq(XM_halt_vcpu(1), XM_OK);
	expect_op(XM_OP_HALT_VCPU);
	expect_num(0, 1);
	cr_assert_eq(XM_suspend_vcpu(1), XM_OK);
	expect_op(XM_OP_SUSPEND_VCPU);
	cr_assert_eq(XM_resume_vcpu(1), XM_OK);
	expect_op(XM_OP_RESUME_VCPU);
	cr_assert_eq(XM_reset_vcpu(1, (xmAddress_t)0x123456789000, (xmAddress_t)-1, 7), XM_OK);
	expect_op(XM_OP_RESET_VCPU);
	expect_num(1, (xmAddress_t)0x123456789000);
	expect_num(2, (xmAddress_t)-1);
	expect_num(3, 7);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq((xm_s32_t)XM_get_vcpuid(), XM_PERM_ERROR);
}

Test(client_3x, processor)
{
	struct trapHandler handler = { 0x1234, (xmAddress_t)0x89abcdef01 };
	xm_u32_t desc[3] = { 0x11223344, 0x55667788, 0 };

	cr_assert_eq(XM_override_trap_hndl(14, &handler), XM_OK);
	expect_op(XM_OP_OVERRIDE_TRAP_HNDL);
	expect_num(0, 14);
	cr_expect_eq(field_in(1, XM_F_TRAP_HANDLER_cs), 0x1234);
	cr_expect_eq(field_in(1, XM_F_TRAP_HANDLER_ip), (xmAddress_t)0x89abcdef01);
	cr_assert_eq(XM_x86_update_gdt(5, desc), XM_OK);
	expect_op(XM_OP_X86_UPDATE_GDT);
	cr_expect_eq(field_in(1, XM_F_X86_DESCRIPTOR_low), 0x11223344);
	cr_expect_eq(field_in(1, XM_F_X86_DESCRIPTOR_high), 0x55667788);
	cr_assert_eq(XM_x86_update_idt(5, desc + 1), XM_OK);
	expect_op(XM_OP_X86_UPDATE_IDT);
	XM_x86_update_idt(5, (char *)desc + 2);
	expect_state(1, XM_ST_UNALIGNED);
	cr_assert_eq(XM_x86_update_ss_sp(1, 2, 3), XM_OK);
	expect_op(XM_OP_X86_UPDATE_SS_SP);
	expect_num(2, 3);
	cr_assert_eq(XM_x86_load_cr0((xmWord_t)-1), XM_OK);
	expect_op(XM_OP_X86_LOAD_CR0);
	expect_num(0, (xmWord_t)-1);
	XM_x86_load_cr3(1);
	expect_op(XM_OP_X86_LOAD_CR3);
	XM_x86_load_cr4(1);
	expect_op(XM_OP_X86_LOAD_CR4);
	/* Addresses are not looked at. */
	XM_x86_load_tss((void *)1);
	expect_op(XM_OP_X86_LOAD_TSS);
	expect_num(0, 1);
	XM_x86_load_gdt(desc);
	expect_op(XM_OP_X86_LOAD_GDT);
	expect_num(0, (uintptr_t)desc);
	XM_x86_load_idtr(NULL);
	expect_op(XM_OP_X86_LOAD_IDTR);
	expect_num(0, 0);
	XM_update_page32((xmAddress_t)0x1234567000, 1);
	expect_op(XM_OP_UPDATE_PAGE32);
	expect_num(0, (xmAddress_t)0x1234567000);
	XM_set_page_type(1, 2);
	expect_op(XM_OP_SET_PAGE_TYPE);
	XM_invld_tlb((xmAddress_t)-1);
	expect_op(XM_OP_INVLD_TLB);
	expect_num(0, (xmAddress_t)-1);
	server->code = XM_C_UNKNOWN_HYPERCALL;
	cr_assert_eq(XM_flush_cache(XM_DCACHE), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(XM_set_cache_state(XM_ICACHE), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(errno, ENOSYS);
}

Test(client_3x, lazy_calls)
{
	static const unsigned int ops[] = {
		XM_OP_UPDATE_PAGE32,    XM_OP_SET_PAGE_TYPE,  XM_OP_INVLD_TLB,
		XM_OP_X86_LOAD_CR0,     XM_OP_X86_LOAD_CR3,   XM_OP_X86_LOAD_CR4,
		XM_OP_X86_LOAD_TSS,     XM_OP_X86_LOAD_GDT,   XM_OP_X86_LOAD_IDTR,
		XM_OP_X86_UPDATE_SS_SP, XM_OP_X86_UPDATE_GDT, XM_OP_X86_UPDATE_IDT,
	};
	static struct xm_request reqs[XM_BATCH_MAX];
	xm_u32_t desc[2] = { 1, 2 };

	XM_lazy_update_page32(1, 2);
	XM_lazy_set_page_type(1, 2);
	XM_lazy_invld_tlb(1);
	XM_lazy_x86_load_cr0(1);
	XM_lazy_x86_load_cr3(1);
	XM_lazy_x86_load_cr4(1);
	XM_lazy_x86_load_tss(desc);
	XM_lazy_x86_load_gdt(desc);
	XM_lazy_x86_load_idtr(desc);
	XM_lazy_x86_update_ss_sp(1, 2, 3);
	XM_lazy_x86_update_gdt(-1, desc);
	XM_lazy_x86_update_idt(1, desc);
	cr_assert_eq(server->n_calls, 0);
	/* Neither of these runs the batch, the last one does. */
	XM_get_vcpuid();
	XM_set_timer(0, 0, 0);
	cr_assert_eq(server->n_batches, 0);
	XM_idle_self();
	cr_assert_eq(server->n_batches, 1);
	expect_op(XM_OP_IDLE_SELF);
	XM_lazy_update_page32(1, 2);
	XM_lazy_set_page_type(1, 2);
	XM_lazy_invld_tlb(1);
	XM_lazy_x86_load_cr0(1);
	XM_lazy_x86_load_cr3(1);
	XM_lazy_x86_load_cr4(1);
	XM_lazy_x86_load_tss(desc);
	XM_lazy_x86_load_gdt(desc);
	XM_lazy_x86_load_idtr(desc);
	XM_lazy_x86_update_ss_sp(1, 2, 3);
	XM_lazy_x86_update_gdt(-1, desc);
	XM_lazy_x86_update_idt(1, desc);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 12);
	for (unsigned int i = 0; i < 12; i++)
		cr_expect_eq(reqs[i].op, ops[i], "call %u is %u", i, reqs[i].op);
	cr_expect_eq(xm_value_word(&reqs[10].arg[1], 1), 2);
}

/* The pending batch of a function of several steps fails it before its own call is made. */
Test(client_3x, a_failed_batch_fails_the_call)
{
	char buffer[8];

	server->refusals[0] = XM_C_PERM_ERROR;
	XM_lazy_invld_tlb(1);
	cr_assert_eq(XM_read_sampling_message(1, buffer, 8, NULL), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server->n_batches, 1);
	server->value = 0;
	cr_assert_eq(XM_read_sampling_message(1, buffer, 8, NULL), 0);
	cr_assert_eq(server->n_calls, 2);
}
