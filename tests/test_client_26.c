// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a program of profile 2.6 sees it, where that is not 2.4. */

#define XM_PROFILE 26
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

TestSuite(client_26, .init = setup, .fini = teardown, .timeout = 60);

static struct xm_value last_arg(unsigned int op, unsigned int arg)
{
	struct xm_request req = server_last(server);

	cr_assert_eq(req.op, op, "operation %u", req.op);
	return req.arg[arg];
}

Test(client_26, profile)
{
	init_libxm(0, 0);
	cr_assert_eq(XM_PARTITION_SELF, SELF);
	cr_assert_eq(XM_hcall(26, 0, 0, 0, 0, 0), SELF);
	cr_assert_eq(server->hello.profile, XM_PROFILE_ID_2_6);
}

Test(client_26, codes_and_errno)
{
	static const struct {
		unsigned int code;
		int result, error;
	} cases[] = {
		{ XM_C_NO_ACTION, 0, 0 }, /* of a hypervisor of 3.x, where a 2.x one says OK */
		{ XM_C_UNKNOWN_HYPERCALL, -2, ENOSYS },
		{ XM_C_INVALID_PARAM, -3, EINVAL },
		{ XM_C_PERM_ERROR, -4, EPERM },
		{ XM_C_INVALID_CONFIG, -5, EDOM },
		{ XM_C_INVALID_MODE, -6, ENODEV },
		{ XM_C_NOT_AVAILABLE, -7, EAGAIN },
		{ XM_C_OP_NOT_ALLOWED, -8, EOPNOTSUPP },
		{ XM_C_MULTICALL_ERROR, -9, EBADMSG },
		{ XM_C_UNKNOWN_OUTCOME, -6, ECONNRESET },
	};

	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		server->code = cases[i].code;
		errno = 0;
		cr_expect_eq(XM_suspend_partition(2), cases[i].result, "code %u", cases[i].code);
		cr_expect_eq(errno, cases[i].error, "code %u", cases[i].code);
	}
}

Test(client_26, results_of_a_3x_hypervisor)
{
	char name[] = "p", buffer[8];
	xm_s32_t queue = (xm_s32_t)OBJDESC_BUILD(OBJ_CLASS_QUEUING_PORT, SELF, 0);

	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_create_queuing_port(name, 8, 64, 1), XM_INVALID_CONFIG);
	cr_assert_eq(errno, EDOM);
	server->code = XM_C_OP_NOT_ALLOWED;
	cr_assert_eq(XM_receive_queuing_message(queue, buffer, 8, NULL), XM_NOT_AVAILABLE);
	cr_assert_eq(XM_seek_object((xm_u32_t)queue, 0, 0), XM_INVALID_PARAM);
}

/* What it says of a device, or of a number that is no hypercall, is no success. */
Test(client_26, no_action_of_a_2x_hypervisor)
{
	server->hypervisor = XM_PROFILE_ID_2_4;
	server->code = XM_C_NO_ACTION;
	errno = 0;
	cr_expect_eq(XM_seek_object(OBJDESC_BUILD(OBJ_CLASS_CONSOLE, SELF, 0), 0, 0), XM_NO_ACTION);
	cr_expect_eq(errno, EALREADY);
	cr_expect_eq(XM_hcall(1000, 0, 0, 0, 0, 0), XM_NO_ACTION);
}

Test(client_26, plan_is_command_3)
{
	union statusCmd cmd = { .schedPlan = { .new = 1 } };

	cr_assert_eq(XM_set_plan(1), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SWITCH_SCHED_PLAN, 0).num, 1);
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0), 3, &cmd),
		     XM_OK);
	cr_assert_eq(last_arg(XM_OP_SWITCH_SCHED_PLAN, 0).num, 1);
	cr_assert_eq(cmd.schedPlan.current, (xm_u32_t)SERVER_NUMBER);
}

Test(client_26, operating_mode)
{
	xmPartitionStatus_t status;

	cr_assert_eq(XM_set_partition_opmode(XM_OPMODE_NORMAL), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_PARTITION_OPMODE, 0).num, SELF);
	cr_assert_eq(last_arg(XM_OP_SET_PARTITION_OPMODE, 1).num, XM_OPMODE_NORMAL);
	cr_assert_eq(XM_partition_get_status(2, &status), XM_OK);
	cr_expect_eq(status.opMode, (xm_u32_t)SERVER_FIELD(XM_F_PARTITION_STATUS_opMode));
	cr_expect_eq(status.execClock, (xmTime_t)SERVER_FIELD(XM_F_PARTITION_STATUS_execClock));
}

Test(client_26, spare_guest)
{
	xmTime_t start = 0, stop = 0;

	cr_assert_eq(XM_set_spare_guest(2, &start, &stop), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_GUEST, 0).num, 2);
	cr_expect_eq(start, SERVER_NUMBER);
	cr_expect_eq(stop, SERVER_NUMBER);
	cr_assert_eq(XM_set_spare_guest(2, NULL, NULL), XM_OK);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_GUEST, 1).state, XM_ST_ABSENT);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_GUEST, 2).state, XM_ST_ABSENT);
	XM_set_spare_guest(2, (void *)8, &stop);
	cr_assert_eq(last_arg(XM_OP_SET_SPARE_GUEST, 1).state, XM_ST_FAULT);
}

Test(client_26, logs_count_records)
{
	xmHmLog_t log;
	xmTraceEvent_t event;
	xm_s32_t stream = XM_trace_open(SELF);

	server->n_records = 1;
	cr_assert_eq(XM_hm_read(&log), sizeof(log));
	cr_assert_eq(XM_trace_read(stream, &event), 1);
	server->n_records = 0;
	cr_assert_eq(XM_hm_read(&log), 0);
	cr_assert_eq(XM_trace_read(stream, &event), 0);
}

/* There is no such class any more. */
Test(client_26, no_spare_plans)
{
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_ctrl_object(10U << 20 | 255 << 10, 0, &server), XM_INVALID_PARAM);
	cr_assert_eq(last_arg(XM_OP_UNCLASSIFIED, 0).num, XM_REASON_CLASS);
}
