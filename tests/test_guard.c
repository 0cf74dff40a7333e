// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard: every domain, one value outside it at a time on an otherwise good request.
 */

#include <criterion/criterion.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "tests/broker_fakes.h"
#include "xmbroker/guard.h"

static struct sealed policy;
static struct backend_info hv = { XM_PROFILE_ID_3_X, 0, 3 };
static struct xm_request req;

static void setup(void)
{
	policy = fake_sealed(1);
}

static void teardown(void)
{
	sealed_unmap(&policy);
}

TestSuite(guard, .init = setup, .fini = teardown);

static enum xm_code check(void)
{
	return guard_check(policy_image_system(policy.image), &hv, &req);
}

Test(guard, a_good_request_of_every_operation_passes)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		fake_request(op, &req);
		cr_expect_eq(check(), XM_C_OK, "%s", xm_ops[op].name);
	}
}

static const struct {
	unsigned int op, arg;
	uint64_t num;
	enum xm_code code;
} numbers[] = {
	{ XM_OP_GET_TIME, XM_A_GET_TIME_clock, 2, XM_C_INVALID_PARAM },
	{ XM_OP_SET_TIMER, XM_A_SET_TIMER_clock, 3, XM_C_INVALID_PARAM },
	{ XM_OP_SET_TIMER, XM_A_SET_TIMER_absTime, UINT64_MAX, XM_C_INVALID_PARAM },
	{ XM_OP_SET_TIMER, XM_A_SET_TIMER_interval, 1ull << 63, XM_C_INVALID_PARAM },
	{ XM_OP_HALT_PARTITION, 0, 3, XM_C_INVALID_PARAM },
	{ XM_OP_HALT_PARTITION, 0, 1ull << 32, XM_C_INVALID_PARAM },
	{ XM_OP_RESET_PARTITION, XM_A_RESET_PARTITION_resetMode, 2, XM_C_INVALID_PARAM },
	{ XM_OP_WRITE_CONSOLE, 0, 1, XM_C_PERM_ERROR },
	{ XM_OP_CREATE_SAMPLING_PORT, 0, 1, XM_C_PERM_ERROR },
	{ XM_OP_CREATE_SAMPLING_PORT, XM_A_CREATE_SAMPLING_PORT_direction, 0, XM_C_INVALID_PARAM },
	{ XM_OP_CREATE_QUEUING_PORT, XM_A_CREATE_QUEUING_PORT_direction, 3, XM_C_INVALID_PARAM },
	{ XM_OP_READ_SAMPLING_MESSAGE, 1, 2, XM_C_INVALID_PARAM },  /* queuing */
	{ XM_OP_READ_SAMPLING_MESSAGE, 1, 4, XM_C_INVALID_PARAM },  /* of partition 1 */
	{ XM_OP_READ_SAMPLING_MESSAGE, 1, 99, XM_C_INVALID_PARAM }, /* of nobody */
	{ XM_OP_READ_SAMPLING_MESSAGE, 3, 0, XM_C_INVALID_CONFIG },
	{ XM_OP_READ_SAMPLING_MESSAGE, 3, 65, XM_C_INVALID_CONFIG },
	{ XM_OP_RECEIVE_QUEUING_MESSAGE, 1, 1, XM_C_INVALID_PARAM },
	{ XM_OP_RECEIVE_QUEUING_MESSAGE, 3, 129, XM_C_INVALID_CONFIG },
	{ XM_OP_GET_QUEUING_PORT_STATUS, 1, 6, XM_C_INVALID_PARAM },
	{ XM_OP_HM_READ, 0, 0, XM_C_INVALID_PARAM },
	{ XM_OP_HM_READ, 2, 0, XM_C_INVALID_PARAM },
	{ XM_OP_HM_READ, 2, 17, XM_C_INVALID_PARAM },
	{ XM_OP_HM_SEEK, 2, 3, XM_C_INVALID_PARAM },
	{ XM_OP_GET_PLAN_STATUS, 0, 3, XM_C_INVALID_PARAM },
	{ XM_OP_GET_VCPU_STATUS, 1, 1, XM_C_INVALID_PARAM },
	{ XM_OP_SWITCH_SCHED_PLAN, 0, 2, XM_C_INVALID_PARAM },
	{ XM_OP_GET_GID_BY_NAME, 1, 2, XM_C_INVALID_PARAM },
	{ XM_OP_BROKER_KICK, 0, 1ull << 32, XM_C_INVALID_PARAM },
};

Test(guard, numbers_outside_their_domain_get_the_documented_code)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		fake_request(numbers[i].op, &req);
		req.arg[numbers[i].arg].num = numbers[i].num;
		cr_expect_eq(check(), numbers[i].code, "%s argument %u = %llu",
			     xm_ops[numbers[i].op].name, numbers[i].arg,
			     (unsigned long long)numbers[i].num);
	}
}

Test(guard, pointers_that_cannot_be_used_are_refused_everywhere)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int i = 0; i < xm_ops[op].n_args; i++) {
			const struct xm_arg *arg = &xm_ops[op].args[i];

			if (xm_type_is_scalar(arg->type))
				continue;
			for (unsigned int state = XM_ST_FAULT; state <= XM_ST_UNALIGNED; state++) {
				fake_request(op, &req);
				req.arg[i].state = (uint8_t)state;
				cr_expect_eq(check(), arg->error, "%s.%s", xm_ops[op].name,
					     arg->name);
			}
		}
}

Test(guard, null_passes_only_where_the_pointer_is_optional)
{
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[4].state = XM_ST_NULL;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[2].state = XM_ST_NULL;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, absent_passes_only_where_a_profile_may_lack_the_argument)
{
	fake_request(XM_OP_CREATE_SAMPLING_PORT, &req);
	req.arg[XM_A_CREATE_SAMPLING_PORT_validPeriod].state = XM_ST_ABSENT;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[XM_A_CREATE_SAMPLING_PORT_maxMsgSize].state = XM_ST_ABSENT;
	cr_expect_eq(check(), XM_C_INVALID_CONFIG);
}

Test(guard, too_much_data_gets_the_error_of_the_length)
{
	fake_request(XM_OP_WRITE_SAMPLING_MESSAGE, &req);
	req.arg[2].state = XM_ST_OVERSIZE;
	cr_expect_eq(check(), XM_C_INVALID_CONFIG);
	fake_request(XM_OP_WRITE_CONSOLE, &req);
	req.arg[1].state = XM_ST_OVERSIZE;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, the_length_of_a_buffer_is_the_length_argument)
{
	fake_request(XM_OP_WRITE_CONSOLE, &req);
	req.arg[2].num = 4;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, a_console_write_is_limited_by_the_profile)
{
	uint8_t data[200] = { 0 };

	fake_request(XM_OP_WRITE_CONSOLE, &req);
	req.arg[1].data = data;
	req.arg[1].len = 0;
	req.arg[2].num = 0;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[1].len = 128;
	req.arg[2].num = 128;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[1].len = 129;
	req.arg[2].num = 129;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	hv.profile = XM_PROFILE_ID_PRTOS;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	hv.profile = XM_PROFILE_ID_2_4;
	cr_expect_eq(check(), XM_C_OK);
}

static void name(unsigned int op, const char *s)
{
	fake_request(op, &req);
	req.arg[1].data = (const uint8_t *)s;
	req.arg[1].len = (uint32_t)strlen(s);
}

Test(guard, a_port_name_must_be_one_of_the_own_partition)
{
	name(XM_OP_CREATE_SAMPLING_PORT, "nothing");
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	name(XM_OP_GET_QUEUING_PORT_INFO, "nothing");
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, a_port_of_the_other_type_is_another_configuration)
{
	name(XM_OP_CREATE_SAMPLING_PORT, "commands");
	cr_expect_eq(check(), XM_C_INVALID_CONFIG);
	name(XM_OP_GET_SAMPLING_PORT_INFO, "commands");
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	hv.profile = XM_PROFILE_ID_2_4;
	name(XM_OP_CREATE_SAMPLING_PORT, "commands");
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, the_first_bad_argument_decides)
{
	fake_request(XM_OP_READ_SAMPLING_MESSAGE, &req);
	req.arg[0].num = 7;
	req.arg[1].num = 99;
	req.arg[3].num = 0;
	cr_expect_eq(check(), XM_C_PERM_ERROR);
	req.arg[0].num = 0;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	req.arg[1].num = 0;
	cr_expect_eq(check(), XM_C_INVALID_CONFIG);
}
