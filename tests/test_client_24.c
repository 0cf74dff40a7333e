// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a libxm-linux program (profile 2.4) sees it, also above a 3.x hypervisor. */

#include <xm_inc/arch/arch_types.h>

#include <xm-linux.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "client_server.h"

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
	cr_expect_eq(log.eventId, SERVER_FIELD(XM_F_HM_LOG_opCodeL) >> 16 & 0x1fff);
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
