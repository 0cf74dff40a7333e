// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The tables that are answered from the system description.
 */

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "libxm/system/load.h"
#include "libxm/system/tables.h"
#include "xmbroker/described.h"

static const char description[] =
	"<SystemDescription xmlns='http://www.xtratum.org/xm-3.x' version='1.0.0' name='t'>\n"
	"<HwDescription><MemoryLayout><Region type='ram' start='0x0' "
	"size='512MB'/></MemoryLayout>\n"
	"<ProcessorTable><Processor id='0' frequency='50MHz'><CyclicPlanTable>\n"
	"<Plan id='0' majorFrame='100ms'>\n"
	"<Slot id='0' start='10ms' duration='20ms' partitionId='1'/>\n"
	"<Slot id='1' start='30ms' duration='30ms' partitionId='0'/>\n"
	"<Slot id='2' start='70ms' duration='10ms' partitionId='1'/>\n"
	"</Plan>\n"
	"<Plan id='1' majorFrame='50ms'>\n"
	"<Slot id='0' start='0ms' duration='50ms' partitionId='0'/>\n"
	"</Plan>\n"
	"</CyclicPlanTable></Processor></ProcessorTable><Devices/></HwDescription>\n"
	"<XMHypervisor><PhysicalMemoryArea size='4MB'/></XMHypervisor>\n"
	"<PartitionTable>\n"
	"<Partition id='0' name='controller-17ch' flags='system fp'><PhysicalMemoryAreas>\n"
	"<Area start='0x400000' size='4KB' name='code' flags='read-only' mappedAt='0x1000'/>\n"
	"<Area start='0x500000' size='8KB' flags='shared'/>\n"
	"<Area start='0x600000' size='12KB'/>\n"
	"</PhysicalMemoryAreas>\n"
	"<HwResources><Interrupts lines='3 5'/></HwResources>\n"
	"<PortTable><Port name='a' type='sampling' direction='source'/>\n"
	"<Port name='b' type='queuing' direction='source'/></PortTable></Partition>\n"
	"<Partition id='1' name='b' noVCpus='1'><PhysicalMemoryAreas>\n"
	"<Area start='0x700000' size='4KB'/></PhysicalMemoryAreas></Partition>\n"
	"<Partition id='2' name='c'><PhysicalMemoryAreas>\n"
	"<Area start='0x800000' size='4KB'/></PhysicalMemoryAreas></Partition>\n"
	"</PartitionTable></SystemDescription>\n";

static struct system *sys;
static struct backend_info hv = { XM_PROFILE_ID_3_X, 0, 3 };
static struct xm_reply reply;
static uint64_t words[XM_NF_PARTITION_TABLE];
static struct {
	unsigned int n_calls, fail_at;
	enum xm_code code;
	int64_t now, switch_time;
	uint32_t plan;
} hypervisor;

static void setup(void)
{
	struct diag diag;

	diag_init(&diag);
	if (system_load_text("t.xml", description, strlen(description), &diag, &sys) < 0)
		diag_print(&diag, stderr);
	cr_assert_not_null(sys);
	diag_free(&diag);
}

static void teardown(void)
{
	free(sys);
}

TestSuite(described, .init = setup, .fini = teardown);

static void issue(void *data, const struct xm_request *req, struct xm_reply *out)
{
	uint64_t *w;

	(void)data;
	if (++hypervisor.n_calls == hypervisor.fail_at) {
		xm_reply_fail(out, hypervisor.code);
		return;
	}
	switch (req->op) {
	case XM_OP_GET_PARTITION_STATUS:
		cr_expect_eq(req->arg[0].num, hv.partition);
		w = xm_reply_put_words(out, 1, XM_NF_PARTITION_STATUS);
		w[XM_F_PARTITION_STATUS_resetCounter] = 4;
		w[XM_F_PARTITION_STATUS_resetStatus] = 77;
		break;
	case XM_OP_GET_PLAN_STATUS:
		w = xm_reply_put_words(out, 1, XM_NF_PLAN_STATUS);
		w[XM_F_PLAN_STATUS_current] = hypervisor.plan;
		w[XM_F_PLAN_STATUS_switchTime] = (uint64_t)hypervisor.switch_time;
		break;
	case XM_OP_GET_TIME:
		cr_expect_eq(req->arg[0].num, 0);
		xm_reply_put_num(out, 1, (uint64_t)hypervisor.now);
		break;
	default:
		cr_assert(false, "%s", xm_ops[req->op].name);
	}
}

static const uint64_t *ask(struct xm_request *req)
{
	static const struct backend_issuer issuer = { issue, NULL };

	xm_reply_init(&reply, NULL, 0);
	described_call(sys, &hv, &issuer, req, &reply);
	return reply.out[req->op == XM_OP_GET_PARTITION_TABLE ? 1 : 2].words;
}

static const uint64_t *table(void)
{
	struct xm_request req = { .op = XM_OP_GET_PARTITION_TABLE };

	return ask(&req);
}

static const uint64_t *mmap_from(uint32_t from, uint32_t n)
{
	struct xm_request req = { .op = XM_OP_GET_PARTITION_MMAP };

	req.arg[1].num = from;
	req.arg[3].num = n;
	return ask(&req);
}

Test(described, a_table_has_what_description_and_status_say)
{
	const uint64_t *w = table();

	cr_assert_eq(reply.code, XM_C_OK);
	cr_assert_eq(reply.out[1].len, XM_NF_PARTITION_TABLE);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_id], 0);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_noPartitions], 3);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_noVCpus], 1);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_flags], TABLES_BOOT | TABLES_SYSTEM | TABLES_FP);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_hwIrqs], 1 << 3 | 1 << 5);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_noPhysicalMemAreas], 3);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_noCommPorts], 2);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_cpuKhz], 50000);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_resetCounter], 4);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_resetStatus], 77);
	cr_expect(!memcmp(&w[XM_F_PARTITION_TABLE_name0], "controller-17ch", 16));
	cr_expect_eq(hypervisor.n_calls, 3);
}

static void expect_slot(uint32_t partition, uint32_t plan, int64_t switched, int64_t now,
			uint64_t place, uint64_t duration)
{
	struct tables_state state = {
		.partition = partition, .plan = plan, .switch_time = switched, .now = now
	};

	tables_partition(sys, &state, words);
	cr_expect_eq(words[XM_F_PARTITION_TABLE_noSlot], place, "at %lld", (long long)now);
	cr_expect_eq(words[XM_F_PARTITION_TABLE_slotId], place, "at %lld", (long long)now);
	cr_expect_eq(words[XM_F_PARTITION_TABLE_slotDuration], duration, "at %lld", (long long)now);
}

Test(described, the_slot_in_force_is_the_partitions_own_last_one)
{
	expect_slot(1, 0, 0, 0, 2, 10000); /* of the frame before */
	expect_slot(1, 0, 0, 9999, 2, 10000);
	expect_slot(1, 0, 0, 10000, 0, 20000);
	expect_slot(1, 0, 0, 69999, 0, 20000); /* others, and nobody, ran meanwhile */
	expect_slot(1, 0, 0, 70000, 2, 10000);
	expect_slot(1, 0, 0, 99999, 2, 10000);
	expect_slot(1, 0, 0, 1000010000, 0, 20000);
	expect_slot(0, 0, 0, 30000, 1, 30000);
	expect_slot(1, 0, 500, 10499, 2, 10000); /* frames count from the switch */
	expect_slot(1, 0, 500, 10500, 0, 20000);
	expect_slot(0, 1, 0, 40000, 0, 50000);
	expect_slot(1, 0, 5000, 0, 2, 10000); /* a clock before the switch */
}

Test(described, without_a_slot_there_is_none)
{
	expect_slot(1, 1, 0, 40000, 0, 0);
	expect_slot(2, 0, 0, 40000, 0, 0);
	expect_slot(0, 9, 0, 40000, 0, 0);
	expect_slot(9, 0, 0, 0, 0, 0);
}

Test(described, plan_and_clock_come_from_the_hypervisor)
{
	const uint64_t *w;

	hypervisor.plan = 1;
	hypervisor.switch_time = 100000;
	hypervisor.now = 120000;
	w = table();
	cr_expect_eq(w[XM_F_PARTITION_TABLE_slotDuration], 50000);
}

Test(described, what_may_not_be_asked_is_not_known)
{
	const uint64_t *w;

	hypervisor.fail_at = 1;
	hypervisor.code = XM_C_PERM_ERROR;
	w = table();
	cr_assert_eq(reply.code, XM_C_OK);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_resetCounter], 0);
	cr_expect_eq(w[XM_F_PARTITION_TABLE_noPartitions], 3);
}

Test(described, nothing_is_answered_for_a_hypervisor_that_is_gone)
{
	for (unsigned int i = 1; i <= 3; i++) {
		hypervisor.n_calls = 0;
		hypervisor.fail_at = i;
		hypervisor.code = i == 2 ? XM_C_INVALID_MODE : XM_C_UNKNOWN_OUTCOME;
		table();
		cr_expect_eq(reply.code, hypervisor.code);
		cr_expect_eq(hypervisor.n_calls, i);
	}
}

Test(described, memory_areas_in_pages)
{
	const uint64_t *w = mmap_from(0, 2);

	cr_assert_eq(reply.value, 2);
	cr_assert_eq(reply.out[2].len, 2 * XM_NF_MEMORY_AREA);
	cr_expect_eq(w[XM_F_MEMORY_AREA_startAddr], 0x400000);
	cr_expect_eq(w[XM_F_MEMORY_AREA_mappedAt], 0x1000);
	cr_expect_eq(w[XM_F_MEMORY_AREA_size], 4096);
	cr_expect_eq(w[XM_F_MEMORY_AREA_flags], 0x204);
	cr_expect(!memcmp(&w[XM_F_MEMORY_AREA_name0], "code\0\0\0\0\0\0\0\0\0\0\0", 16));
	w += XM_NF_MEMORY_AREA;
	cr_expect_eq(w[XM_F_MEMORY_AREA_startAddr], 0x500000);
	cr_expect_eq(w[XM_F_MEMORY_AREA_mappedAt], 0x500000);
	w = mmap_from(2, 64);
	cr_assert_eq(reply.value, 1);
	cr_expect_eq(w[XM_F_MEMORY_AREA_startAddr], 0x600000);
	mmap_from(3, 64);
	cr_expect_eq(reply.value, 0);
	cr_expect_eq(reply.code, XM_C_OK);
	mmap_from(UINT32_MAX, 1);
	cr_expect_eq(reply.value, 0);
	cr_expect_eq(hypervisor.n_calls, 0);
}

Test(described, areas_are_the_own_partitions_only)
{
	hv.partition = 1;
	cr_expect_eq(mmap_from(0, 64)[XM_F_MEMORY_AREA_startAddr], 0x700000);
	cr_expect_eq(reply.value, 1);
}
