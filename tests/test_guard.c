// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The guard: every domain, one value outside it at a time on an otherwise good request.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/core/wire.h"
#include "libxm/system/load.h"
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

/* A good request, on the first hypervisor that has the operation.  The address of a client is none. */
static void good(unsigned int op)
{
	hv.profile = XM_PROFILE_ID_3_X;
	for (unsigned int p = XM_PROFILE_ID_PRTOS; p >= XM_PROFILE_ID_2_4; p--)
		if (!(xm_ops[op].profiles & XM_IN(hv.profile)))
			hv.profile = p;
	fake_request(op, &req);
}

static bool has_client_address(unsigned int op)
{
	for (unsigned int i = 0; i < xm_ops[op].n_args; i++)
		if (xm_ops[op].args[i].domain == XM_D_CLIENT_ADDRESS)
			return true;
	return false;
}

Test(guard, a_good_request_of_every_operation_passes)
{
	for (unsigned int op = 0; op < XM_N_OPS; op++) {
		good(op);
		if (op != XM_OP_MEMORY_COPY) /* this system has no memory to copy */
			cr_expect_eq(check(), has_client_address(op) ? XM_C_PERM_ERROR : XM_C_OK,
				     "%s", xm_ops[op].name);
	}
}

Test(guard, what_the_hypervisor_lacks_is_unknown_before_all_else)
{
	unsigned int n = 0;

	for (unsigned int op = 0; op < XM_N_OPS; op++)
		for (unsigned int p = XM_PROFILE_ID_2_4; p <= XM_PROFILE_ID_PRTOS; p++) {
			if (xm_ops[op].profiles & XM_IN(p))
				continue;
			fake_request(op, &req);
			if (xm_ops[op].n_args)
				req.arg[0].num = UINT64_MAX;
			hv.profile = p;
			cr_expect_eq(check(), XM_C_UNKNOWN_HYPERCALL, "%s on %s", xm_ops[op].name,
				     xm_profile_name(p));
			n++;
		}
	cr_expect_gt(n, 50);
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
	{ XM_OP_HM_READ, 2, 65, XM_C_INVALID_PARAM },
	{ XM_OP_HM_SEEK, 2, 3, XM_C_INVALID_PARAM },
	{ XM_OP_GET_PLAN_STATUS, 0, 3, XM_C_INVALID_PARAM },
	{ XM_OP_GET_VCPU_STATUS, 1, 1, XM_C_INVALID_PARAM },
	{ XM_OP_SWITCH_SCHED_PLAN, 0, 2, XM_C_INVALID_PARAM },
	{ XM_OP_GET_GID_BY_NAME, 1, 2, XM_C_INVALID_PARAM },
	{ XM_OP_ROUTE_IRQ, XM_A_ROUTE_IRQ_type, 3, XM_C_INVALID_PARAM },
	{ XM_OP_ROUTE_IRQ, XM_A_ROUTE_IRQ_irq, 32, XM_C_INVALID_PARAM },
	{ XM_OP_MASK_HWIRQ, 0, 16, XM_C_INVALID_PARAM },
	{ XM_OP_UNMASK_HWIRQ, 0, 16, XM_C_INVALID_PARAM },
	{ XM_OP_RAISE_IPVI, 0, 23, XM_C_INVALID_PARAM },
	{ XM_OP_RAISE_IPVI, 0, 32, XM_C_INVALID_PARAM },
	{ XM_OP_RAISE_PARTITION_IPVI, 0, 3, XM_C_INVALID_PARAM },
	{ XM_OP_RAISE_PARTITION_IPVI, 1, 0, XM_C_INVALID_PARAM },
	{ XM_OP_HALT_VCPU, 0, 1, XM_C_INVALID_PARAM },
	{ XM_OP_RESET_VCPU, 0, 1, XM_C_INVALID_PARAM },
	{ XM_OP_SET_SPARE_PLAN, XM_A_SET_SPARE_PLAN_noSlots, 1, XM_C_INVALID_PARAM },
	{ XM_OP_SET_SPARE_PLAN, XM_A_SET_SPARE_PLAN_cycleTime, 1ull << 63, XM_C_INVALID_PARAM },
	{ XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_bitmask, 1ull << 32, XM_C_INVALID_PARAM },
	{ XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_criticality, 3, XM_C_INVALID_PARAM },
	{ XM_OP_TRACE_EVENT, XM_A_TRACE_EVENT_partitionId, 1, XM_C_PERM_ERROR },
	{ XM_OP_TRACE_UNRECOVERABLE, 2, 2, XM_C_INVALID_PARAM },
	{ XM_OP_TRACE_READ, 0, 3, XM_C_INVALID_PARAM },
	{ XM_OP_OVERRIDE_TRAP_HNDL, 0, 1ull << 31, XM_C_INVALID_PARAM },
	{ XM_OP_GET_PARTITION_TABLE, 0, 1, XM_C_PERM_ERROR },
	{ XM_OP_GET_PARTITION_MMAP, 3, 65, XM_C_INVALID_PARAM },
	{ XM_OP_BROKER_KICK, 0, 1ull << 32, XM_C_INVALID_PARAM },
};

Test(guard, numbers_outside_their_domain_get_the_documented_code)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		good(numbers[i].op);
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

			if (xm_type_is_scalar(arg->type) && !xm_arg_is_pointed(arg))
				continue;
			for (unsigned int state = XM_ST_FAULT; state <= XM_ST_UNALIGNED; state++) {
				good(op);
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

Test(guard, a_number_behind_an_optional_pointer_may_be_missing)
{
	static const uint8_t states[] = { XM_ST_NULL, XM_ST_ABSENT };

	for (unsigned int i = 0; i < 2; i++) {
		good(XM_OP_TRACE_EVENT);
		req.arg[XM_A_TRACE_EVENT_bitmask].state = states[i];
		cr_expect_eq(check(), XM_C_OK);
		good(XM_OP_TRACE_EVENT);
		req.arg[XM_A_TRACE_EVENT_code].state = states[i];
		cr_expect_eq(check(), XM_C_INVALID_PARAM);
	}
}

Test(guard, structures_have_all_their_fields)
{
	good(XM_OP_OVERRIDE_TRAP_HNDL);
	req.arg[1].len--;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	req.arg[1].len += 2;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	good(XM_OP_SET_SPARE_PLAN);
	req.arg[2].len = 2 * XM_NF_SPARE_SLOT;
	req.arg[3].num = 2;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[2].len++;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	req.arg[2].len = 21 * XM_NF_SPARE_SLOT;
	req.arg[3].num = 21;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
}

Test(guard, prtos_has_no_watchdog)
{
	good(XM_OP_SET_TIMER);
	req.arg[0].num = 2;
	cr_expect_eq(check(), XM_C_OK);
	hv.profile = XM_PROFILE_ID_PRTOS;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	req.arg[0].num = 1;
	cr_expect_eq(check(), XM_C_OK);
}

static const char memory_xml[] =
	"<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' name='t'>\n"
	"<HwDescription><MemoryLayout><Region type='ram' start='0x0' "
	"size='512MB'/></MemoryLayout>\n"
	"<ProcessorTable><Processor id='0'><CyclicPlanTable><Plan id='0' majorFrame='1ms'/>\n"
	"</CyclicPlanTable></Processor></ProcessorTable><Devices/></HwDescription>\n"
	"<XMHypervisor><PhysicalMemoryArea size='4MB'/></XMHypervisor><PartitionTable>\n"
	"<Partition id='0' name='a'><PhysicalMemoryAreas>\n"
	"<Area start='0x400000' size='8KB'/><Area start='0x402000' size='4KB'/>\n"
	"</PhysicalMemoryAreas></Partition>\n"
	"<Partition id='1' name='b'><PhysicalMemoryAreas>\n"
	"<Area start='0x500000' size='4KB' flags='read-only'/>\n"
	"<Area start='0x600000' size='4KB' flags='rom'/><Area start='0x700000' size='4KB'/>\n"
	"</PhysicalMemoryAreas></Partition></PartitionTable></SystemDescription>\n";

static const struct {
	uint64_t dst_id, dst, src_id, src, size;
	bool good;
} copies[] = {
	{ 0, 0x400000, 1, 0x500000, 16, true },
	{ 0, 0x400000, 0, 0x400000, 0x2000, true },
	{ 0, 0x401fff, 1, 0x500fff, 1, true }, /* the last byte */
	{ 1, 0x700000, 0, 0x400000, 0x1000, true },
	{ 0, 0x400000, 1, 0x600000, 16, true },
	{ 0, 0x401fff, 1, 0x500000, 2, false },  /* into the next area */
	{ 0, 0x400000, 1, 0x500fff, 2, false },  /* beyond it */
	{ 0, 0x3fffff, 1, 0x500000, 1, false },  /* before it */
	{ 1, 0x400000, 1, 0x500000, 16, false }, /* another partition's */
	{ 0, 0x400000, 0, 0x500000, 16, false },
	{ 1, 0x500000, 0, 0x400000, 16, false },   /* read-only */
	{ 1, 0x600000, 0, 0x400000, 16, false },   /* ROM */
	{ 255, 0x400000, 1, 0x500000, 16, false }, /* any physical address */
	{ 0, 0x400000, 255, 0x500000, 16, false },
	{ 2, 0x400000, 1, 0x500000, 16, false },
	{ 0, 0x400000, 1, 0x500000, UINT64_MAX, false }, /* negative */
	{ 0, 0x400000, 1, 0x500000, INT64_MAX, false },
	{ 0, UINT64_MAX, 1, 0x500000, 1, false }, /* no end */
	{ 0, 0x400000, 1, UINT64_MAX, 1, false },
	{ 0, 0x400000, 1, 0x500000, 0, true },
	{ 0, 0x100000, 1, 0x500000, 0, false },
};

Test(guard, memory_is_copied_between_described_areas_only)
{
	struct system *sys = NULL;
	struct diag diag;

	diag_init(&diag);
	cr_assert_eq(system_load_text("t.xml", memory_xml, strlen(memory_xml), &diag, &sys), 0);
	diag_free(&diag);
	hv.n_partitions = 2;
	for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++) {
		fake_request(XM_OP_MEMORY_COPY, &req);
		req.arg[0].num = copies[i].dst_id;
		req.arg[1].num = copies[i].dst;
		req.arg[2].num = copies[i].src_id;
		req.arg[3].num = copies[i].src;
		req.arg[4].num = copies[i].size;
		cr_expect_eq(guard_check(sys, &hv, &req),
			     copies[i].good ? XM_C_OK : XM_C_INVALID_PARAM, "copy %zu", i);
	}
	free(sys);
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

Test(guard, a_negative_interval_is_for_2_x)
{
	fake_request(XM_OP_SET_TIMER, &req);
	req.arg[XM_A_SET_TIMER_interval].num = UINT64_MAX;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
	hv.profile = XM_PROFILE_ID_2_6;
	cr_expect_eq(check(), XM_C_OK);
	req.arg[XM_A_SET_TIMER_absTime].num = UINT64_MAX;
	cr_expect_eq(check(), XM_C_INVALID_PARAM);
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
