// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a 3.x program sees it: requests that it makes, results that it gives. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/client_3x_rig.h"

TestSuite(client_3x, .init = client_setup, .fini = client_teardown, .timeout = 60);

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
