// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.3: virtual processors, of 3.x and PRTOS. */

#include "tests/conformance/conformance.h"

#if XM_FAMILY == 3

#define SECOND 1
#define NEEDS_TWO NEEDS(machine.vcpus > 1 && machine.own.there, "a second virtual processor")

static long state(unsigned int vcpu)
{
	xmVirtualCpuStatus_t status;
	long code = XM_get_vcpu_status(vcpu, &status);

	return code == XM_OK ? (long)status.state : code;
}

/* Starts the second one, with a page table of its own. */
static long start(void)
{
	xmAddress_t table = (xmAddress_t)machine.own.address + 4096;

	XM_set_page_type(table, 1); /* which it may be already */
	errno = 0;
	return XM_reset_vcpu(SECOND, table, 0x1000, 0);
}

static void identity(void)
{
	IS(0, XM_get_vcpuid());
	EQ(machine.vcpus, XM_get_number_vcpus());
	EQ(0, XM_VCPU_SELF);
}

static void status(void)
{
	xmVirtualCpuStatus_t s;
	unsigned int self = (unsigned int)machine.self.partition;

	IS(XM_OK, XM_get_vcpu_status(0, &s));
	EQ(XM_STATUS_READY, s.state);
	IS(XM_INVALID_PARAM, XM_get_vcpu_status(machine.vcpus, &s));
	IS(XM_INVALID_PARAM, XM_get_vcpu_status(100, &s));
	IS(XM_INVALID_PARAM, XM_get_vcpu_status(0, NULL));
	IS(XM_INVALID_PARAM, XM_get_vcpu_status(0, bad_memory()));
	IS(XM_OK, XM_get_partition_vcpu_status(self, 0, &s));
	IS(XM_INVALID_PARAM, XM_get_partition_vcpu_status(machine.n_partitions, 0, &s));
	revive((unsigned int)machine.managed.partition);
	IS(XM_OK, XM_get_partition_vcpu_status((xmId_t)machine.managed.partition, 0, &s));
	EQ(XM_STATUS_READY, s.state);
	IS(XM_OK, XM_halt_partition((xm_u32_t)machine.managed.partition));
	IS(XM_OK, XM_get_partition_vcpu_status((xmId_t)machine.managed.partition, 0, &s));
	EQ(XM_STATUS_HALTED, s.state);
	revive((unsigned int)machine.managed.partition);
}

static long far_status(void *arg)
{
	xmVirtualCpuStatus_t s;

	return XM_get_partition_vcpu_status((xmId_t) * (long *)arg, 0, &s);
}

static void status_rights(void)
{
	long self = machine.self.partition, plain = machine.plain.partition;

	NEEDS(peer_has(plain), "a process in the plain partition");
	IS(XM_PERM_ERROR, peer_run(plain, far_status, &self, sizeof(self)));
	IS(XM_OK, peer_run(plain, far_status, &plain, sizeof(plain)));
}

static void unknown(void)
{
	IS(XM_INVALID_PARAM, XM_halt_vcpu(machine.vcpus));
	IS(XM_INVALID_PARAM, XM_suspend_vcpu(machine.vcpus));
	IS(XM_INVALID_PARAM, XM_resume_vcpu(machine.vcpus));
	IS(XM_INVALID_PARAM, XM_reset_vcpu(machine.vcpus, 0, 0, 0));
	IS(XM_INVALID_PARAM, XM_halt_vcpu(~0U));
}

static void second(void)
{
	NEEDS_TWO;
	XM_halt_vcpu(SECOND);
	EQ(XM_STATUS_HALTED, state(SECOND));
	IS(XM_NO_ACTION, XM_halt_vcpu(SECOND));
	IS(XM_OK, start());
	EQ(XM_STATUS_READY, state(SECOND));
	IS(XM_OK, XM_halt_vcpu(SECOND));
	EQ(XM_STATUS_HALTED, state(SECOND));
	EQ(XM_STATUS_READY, state(0));
}

static void suspend_and_resume(void)
{
	NEEDS_TWO;
	IS(XM_OK, start());
	IS(XM_NO_ACTION, XM_resume_vcpu(SECOND));
	IS(XM_OK, XM_suspend_vcpu(SECOND));
	EQ(XM_STATUS_SUSPENDED, state(SECOND));
	IS(XM_NO_ACTION, XM_suspend_vcpu(SECOND));
	IS(XM_OK, XM_resume_vcpu(SECOND));
	EQ(XM_STATUS_READY, state(SECOND));
	IS(XM_OK, XM_halt_vcpu(SECOND));
	IS(XM_NO_ACTION, XM_suspend_vcpu(SECOND));
	IS(XM_NO_ACTION, XM_resume_vcpu(SECOND));
}

static void page_table(void)
{
	NEEDS_TWO;
	XM_set_page_type((xmAddress_t)machine.own.address + 8192, 0);
	IS(XM_INVALID_PARAM,
	   XM_reset_vcpu(SECOND, (xmAddress_t)machine.own.address + 8192, 0x1000, 0));
	IS(XM_INVALID_PARAM, XM_reset_vcpu(SECOND, 0xf0000000UL, 0x1000, 0));
}

const struct row vcpu_rows[] = {
	{ "6.3", "virtual processors / which one", identity, false },
	{ "6.3", "virtual processors / status", status, false },
	{ "6.3", "virtual processors / status: rights", status_rights, false },
	{ "6.3", "virtual processors / no such one", unknown, false },
	{ "6.3", "virtual processors / reset and halt", second, false },
	{ "6.3", "virtual processors / suspend and resume", suspend_and_resume, false },
	{ "6.3", "virtual processors / reset: page table", page_table, false },
	{ NULL, NULL, NULL, false },
};

#else

const struct row vcpu_rows[] = { { NULL, NULL, NULL, false } };

#endif
