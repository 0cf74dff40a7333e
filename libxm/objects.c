// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Console, health monitor and status objects, for the profile that this file is compiled for.  Thin:
 * each function builds a descriptor and takes the raw path of the object calls.
 */

#include "libxm/call.h"
#include "libxm/memory.h"

/* ---- console ----------------------------------------------------------------------------------- */

xm_s32_t XM_write_console(char *buffer, xm_s32_t length)
{
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	return CALL(write_object_nr, N(call_descriptor(OBJ_CLASS_CONSOLE, (xm_u32_t)self, 0)),
		    P(buffer), N((xm_u32_t)length));
}

/* ---- health monitor ---------------------------------------------------------------------------- */

#define HM_OBJECT call_descriptor(OBJ_CLASS_HM, XM_HYPERVISOR_ID, 0)

#if XM_PROFILE != XM_PROFILE_PRTOS
xm_s32_t XM_hm_open(void)
{
	return XM_OK;
}

xm_s32_t XM_objdesc_ready(xmObjDesc_t objDesc)
{
	(void)objDesc;
	return 0;
}
#endif

xm_s32_t XM_hm_read(xmHmLog_t *log)
{
	xm_s32_t size = CALL(read_object_nr, N(HM_OBJECT), P(log), N(sizeof(*log)));

	/* The library of 2.6 passed on what the hypervisor says, which is bytes. */
	return XM_PROFILE == XM_PROFILE_2_6 ? size : call_record(size, sizeof(*log));
}

xm_s32_t XM_hm_seek(xm_s32_t offset, xm_u32_t whence)
{
	return CALL(seek_object_nr, N(HM_OBJECT), N(offset), N(whence));
}

xm_s32_t XM_hm_status(xmHmStatus_t *status)
{
	return CALL(ctrl_object_nr, N(HM_OBJECT), N(XM_HM_GET_STATUS), P(status));
}

/* ---- status ------------------------------------------------------------------------------------ */

static xm_s32_t status_get(xm_u64_t partition, xm_u32_t command, void *status)
{
	return CALL(ctrl_object_nr, N(call_descriptor(OBJ_CLASS_STATUS, partition, 0)), N(command),
		    P(status));
}

xm_s32_t XM_get_plan_status(xmPlanStatus_t *status)
{
	xm_s32_t self = xm_partition_self();

	return self < 0 ? self : status_get((xm_u32_t)self, XM_GET_SCHED_PLAN_STATUS, status);
}

#if XM_PROFILE != XM_PROFILE_2_4
xm_s32_t XM_set_partition_opmode(xm_s32_t opMode)
{
	union statusCmd command = { .opMode = (xm_u32_t)opMode };
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	return CALL_OWN(call_descriptor(OBJ_CLASS_STATUS, (xm_u32_t)self, 0),
			XM_SET_PARTITION_OPMODE, &command);
}
#endif

#if XM_FAMILY == 2

xm_s32_t XM_system_get_status(xmSystemStatus_t *status)
{
	return status_get(XM_HYPERVISOR_ID, XM_STATUS_GET, status);
}

xm_s32_t XM_partition_get_status(xmId_t partitionId, xmPartitionStatus_t *status)
{
	return status_get(partitionId, XM_STATUS_GET, status);
}

xm_s32_t XM_set_plan(xm_u32_t newPlan)
{
	union statusCmd command = { .schedPlan = { .new = newPlan } };

	return CALL_OWN(call_descriptor(OBJ_CLASS_STATUS, XM_HYPERVISOR_ID, 0),
			XM_SWITCH_SCHED_PLAN, &command);
}

#else

xm_s32_t XM_get_system_status(xmSystemStatus_t *status)
{
	return status_get(XM_HYPERVISOR_ID, XM_GET_SYSTEM_STATUS, status);
}

xm_s32_t XM_get_partition_status(xmId_t partitionId, xmPartitionStatus_t *status)
{
	return status_get(partitionId, XM_GET_SYSTEM_STATUS, status);
}

xm_s32_t XM_get_partition_vcpu_status(xmId_t partitionId, xmId_t vcpu, xmVirtualCpuStatus_t *status)
{
	xmObjDesc_t descriptor = call_descriptor(OBJ_CLASS_STATUS, partitionId, 0);

	descriptor = vcpu > OBJDESC_VCPUID_MASK ? OBJDESC_SET_INVALID(descriptor)
						: OBJDESC_SET_VCPUID(descriptor, vcpu);
	return CALL(ctrl_object_nr, N(descriptor), N(XM_GET_VCPU_STATUS), P(status));
}

xm_s32_t XM_get_vcpu_status(xmId_t vcpu, xmVirtualCpuStatus_t *status)
{
	xm_s32_t self = xm_partition_self();

	return self < 0 ? self : XM_get_partition_vcpu_status((xmId_t)self, vcpu, status);
}

xm_s32_t XM_get_physpage_status(xmAddress_t address, xmPhysPageStatus_t *status)
{
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	/* If this fails, the raw call finds the same bad pointer and has the broker refuse it. */
	(void)memory_write((uintptr_t)status, &address, sizeof(address));
	return status_get((xm_u32_t)self, XM_GET_PHYSPAGE_STATUS, status);
}

#endif
