// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The functions that the recorded calls are calls of, in the profile that this file is compiled for,
 * and the shorthands of the probe, each of which is one call.  Must never look at a result.
 */

#include <string.h>

#include "tests/oracle/replay.h"

#define U(i) ((xm_u32_t)a[i])
#define S(i) ((xm_s32_t)a[i])
#define L(i) ((xmTime_t)a[i])
#define A(i) ((xmAddress_t)a[i])
#define P(i) ((void *)(uintptr_t)a[i])

/* ---- shorthands ------------------------------------------------------------------------------------ */

static int32_t create_queuing(const uint64_t *a)
{
	union queuingPortCmd command = {
		.create = {
			.portName = P(1),
			.maxNoMsgs = U(2),
			.maxMsgSize = U(3),
			.direction = U(4),
		},
	};

	return XM_ctrl_object(U(0), XM_COMM_CREATE_PORT, &command);
}

static int32_t create_sampling(const uint64_t *a)
{
	union samplingPortCmd command = {
		.create = {
			.portName = P(1),
			.maxMsgSize = U(2),
			.direction = U(3),
#if XM_FAMILY == 3
			.validPeriod = L(4),
#endif
		},
	};

	return XM_ctrl_object(U(0), XM_COMM_CREATE_PORT, &command);
}

static int32_t set_opmode(const uint64_t *a)
{
	union statusCmd command = { .opMode = U(1) };

	return XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_STATUS, U(0), 0), XM_SET_PARTITION_OPMODE,
			      &command);
}

/* ---- object calls ---------------------------------------------------------------------------------- */

/* Descriptors whose bit says that they are none; the hypervisors do not look at it. */
static xmObjDesc_t valid(uint64_t descriptor)
{
	if (!OBJDESC_IS_VALID((xmObjDesc_t)descriptor))
		rule_used(RULE_VALIDITY);
	return OBJDESC_SET_VALID((xmObjDesc_t)descriptor);
}

/* In 2.x what the arguments of a memory object point to are physical addresses. */
static void *pointer(const uint64_t *a, unsigned int i)
{
	bool physical = XM_FAMILY == 2 && OBJDESC_GET_CLASS(U(0)) == OBJ_CLASS_MEM;

	return (void *)(uintptr_t)(physical ? env_physical(a[i]) : a[i]);
}

static int32_t read_object(const uint64_t *a)
{
	return XM_read_object(valid(a[0]), pointer(a, 1), U(2), pointer(a, 3));
}

static int32_t write_object(const uint64_t *a)
{
	return XM_write_object(valid(a[0]), pointer(a, 1), U(2), pointer(a, 3));
}

static int32_t memory_copy(const uint64_t *a)
{
#if XM_FAMILY == 2
	rule_used(RULE_SWAPPED);
	return XM_memory_copy_swapped(U(0), A(1), U(2), A(3), (xmSize_t)a[4]);
#else
	return XM_memory_copy(U(0), A(1), U(2), A(3), (xmSize_t)a[4]);
#endif
}

bool call_counts_records(const struct call *call, const uint64_t *a)
{
	xm_u32_t class = OBJDESC_GET_CLASS(U(0));

	return (call->make == read_object || call->make == write_object) &&
	       (class == OBJ_CLASS_TRACE || class == OBJ_CLASS_HM);
}

/* ---- all -------------------------------------------------------------------------------------------- */

/* clang-format off */
#define EVERY_PROFILE(F) \
	F(get_time, 2, XM_get_time(U(0), P(1))) \
	F(set_timer, 3, XM_set_timer(U(0), L(1), L(2))) \
	F(idle_self, 0, XM_idle_self()) \
	F(suspend_partition, 1, XM_suspend_partition(U(0))) \
	F(resume_partition, 1, XM_resume_partition(U(0))) \
	F(halt_partition, 1, XM_halt_partition(U(0))) \
	F(shutdown_partition, 1, XM_shutdown_partition(U(0))) \
	F(reset_partition, 3, XM_reset_partition(U(0), U(1), U(2))) \
	F(reset_system, 1, XM_reset_system(U(0))) \
	F(multicall, 2, XM_multicall(P(0), P(1))) \
	F(write_console, 2, XM_write_console(P(0), S(1))) \
	F(seek_object, 3, XM_seek_object(valid(a[0]), U(1), U(2))) \
	F(ctrl_object, 3, XM_ctrl_object(valid(a[0]), U(1), P(2))) \
	F(override_trap_hndl, 2, XM_override_trap_hndl(S(0), P(1))) \
	F(rawhc, 1, XM_hcall(S(0), 0, 0, 0, 0, 0))

#if XM_FAMILY == 2
#define OF_PROFILE(F) \
	F(raise_ipvi, 2, XM_raise_ipvi(U(0), (xm_u8_t)a[1])) \
	F(mask_hwirq, 1, XM_mask_hwirq(U(0))) \
	F(set_partition_opmode, 1, XM_set_partition_opmode(S(0))) \
	F(set_plan, 1, XM_set_plan(U(0)))
#else
#define OF_PROFILE(F) \
	F(suspend_vcpu, 1, XM_suspend_vcpu(U(0))) \
	F(resume_vcpu, 1, XM_resume_vcpu(U(0))) \
	F(halt_vcpu, 1, XM_halt_vcpu(U(0))) \
	F(reset_vcpu, 4, XM_reset_vcpu(U(0), A(1), A(2), U(3))) \
	F(get_vcpuid, 0, XM_get_vcpuid()) \
	F(get_gid_by_name, 2, XM_get_gid_by_name(P(0), U(1))) \
	F(raise_ipvi, 1, XM_raise_ipvi((xm_u8_t)a[0])) \
	F(raise_partition_ipvi, 2, XM_raise_partition_ipvi(U(0), (xm_u8_t)a[1])) \
	F(set_irqmask, 2, XM_set_irqmask(U(0), U(1))) \
	F(clear_irqmask, 2, XM_clear_irqmask(U(0), U(1))) \
	F(set_irqpend, 2, XM_set_irqpend(U(0), U(1))) \
	F(clear_irqpend, 2, XM_clear_irqpend(U(0), U(1))) \
	F(route_irq, 3, XM_route_irq(U(0), U(1), (xm_u16_t)a[2])) \
	F(switch_sched_plan, 2, XM_switch_sched_plan(U(0), P(1)))
#endif

#define FUNCTION(name, n, expression) \
	static int32_t call_##name(const uint64_t *a) { (void)a; return (int32_t)(expression); }
EVERY_PROFILE(FUNCTION)
OF_PROFILE(FUNCTION)

#define ENTRY(name, n, expression) { #name, n, n, call_##name },
static const struct call calls[] = {
	EVERY_PROFILE(ENTRY)
	OF_PROFILE(ENTRY)
	{ "read_object", 4, 4, read_object },
	{ "write_object", 4, 4, write_object },
	{ "memory_copy", 5, 5, memory_copy },
	{ "pc", 5, 5, create_queuing },
	{ "sc", 4, 5, create_sampling },
	{ "opm", 2, 2, set_opmode },
};
/* clang-format on */

const struct call *call_find(const char *name)
{
	if (!strncmp(name, "prtos_", 6))
		name += 6;
	else if (!strncmp(name, "XM_", 3))
		name += 3;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (!strcmp(name, calls[i].name))
			return &calls[i];
	return NULL;
}
