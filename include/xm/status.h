/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_STATUS_H
#define XM_STATUS_H

/*
 * Status of system, partitions, processors and plans, names, and switching the plan.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  A @status is out, not NULL, aligned (3.x), and written on success only; fields
 * that the hypervisor does not report are 0.  Every one may return XM_INVALID_PARAM (EINVAL): bad
 * pointer or identifier; XM_PERM_ERROR (EPERM): not permitted, or it concerns another partition and
 * the own one is not a system partition; and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/objdesc.h>
#include <xm/statustypes.h>
#include <xm/types.h>

#define XM_PARTITION_NAME 0
#define XM_PLAN_NAME 1

XM_BEGIN_DECLS

/*
 * Which plan runs, which comes next, when it was switched.
 * Returns XM_OK.  Operation: XM_get_plan_status.  Manual: Scheduling plans.
 */
xm_s32_t XM_get_plan_status(xmPlanStatus_t *status) XM_BIND(XM_get_plan_status);

#if XM_PROFILE != XM_PROFILE_2_4
/*
 * Declares the operating mode of the own partition.  @opMode is an XM_OPMODE_*.
 * Returns XM_OK.  Operation: XM_set_partition_opmode.  Manual: Partition status.
 */
xm_s32_t XM_set_partition_opmode(xm_s32_t opMode) XM_BIND(XM_set_partition_opmode);
#endif

#if XM_FAMILY == 2

/*
 * Counters of the whole system.  Returns XM_OK.  Operation: XM_get_system_status.
 * Manual: System status.
 */
xm_s32_t XM_system_get_status(xmSystemStatus_t *status) XM_BIND(XM_system_get_status);

/*
 * State and counters of a partition.  @partitionId is 0 to the number of partitions - 1.
 * Returns XM_OK.  Operation: XM_get_partition_status.  Manual: Partition status.
 */
xm_s32_t XM_partition_get_status(xmId_t partitionId, xmPartitionStatus_t *status)
	XM_BIND(XM_partition_get_status);

/*
 * Switches the scheduling plan at the end of the current major frame.
 *
 * @newPlan  a plan of the system; a 2.x hypervisor does not go back to plan 0
 *
 * Returns XM_OK, also if the plan is the current one; XM_INVALID_PARAM (EINVAL): no such plan.
 * Operation: XM_switch_sched_plan.  Manual: Scheduling plans.
 */
xm_s32_t XM_set_plan(xm_u32_t newPlan) XM_BIND(XM_set_plan);

#else

/*
 * Counters of the whole system.  Returns XM_OK.  Operation: XM_get_system_status.
 * Manual: System status.
 */
xm_s32_t XM_get_system_status(xmSystemStatus_t *status) XM_BIND(XM_get_system_status);

/*
 * State and counters of a partition.  @partitionId is 0 to the number of partitions - 1.
 * Returns XM_OK.  Operation: XM_get_partition_status.  Manual: Partition status.
 */
xm_s32_t XM_get_partition_status(xmId_t partitionId, xmPartitionStatus_t *status)
	XM_BIND(XM_get_partition_status);

/*
 * State of a virtual processor of the own partition.  @vcpu is 0 to their number - 1.
 * Returns XM_OK.  Operation: XM_get_partition_vcpu_status.  Manual: Virtual processors.
 */
xm_s32_t XM_get_vcpu_status(xmId_t vcpu, xmVirtualCpuStatus_t *status) XM_BIND(XM_get_vcpu_status);

/*
 * The same for any partition.  @partitionId is 0 to the number of partitions - 1.  Returns XM_OK.
 * Operation: XM_get_partition_vcpu_status.  Manual: Virtual processors.
 */
xm_s32_t XM_get_partition_vcpu_status(xmId_t partitionId, xmId_t vcpu, xmVirtualCpuStatus_t *status)
	XM_BIND(XM_get_partition_vcpu_status);

/*
 * Type and reference counter of a page of the own partition's memory.  Refused (XM_PERM_ERROR,
 * EPERM) unless the policy names the operation and its resource under @machine.
 *
 * @address  physical; stored in status->pAddr
 *
 * Returns XM_OK.  Operation: XM_get_physpage_status.  Manual: Memory management.
 */
xm_s32_t XM_get_physpage_status(xmAddress_t address, xmPhysPageStatus_t *status)
	XM_BIND(XM_get_physpage_status);

/*
 * Switches the scheduling plan at the end of the current major frame.
 *
 * @newPlan  a plan of the system
 * @oldPlan  out, not NULL, aligned: the plan that is in force now
 *
 * Returns XM_OK; XM_NO_ACTION (EALREADY): it is the current plan; XM_INVALID_PARAM (EINVAL): no
 * such plan, bad pointer.  Operation: XM_switch_sched_plan.  Manual: Scheduling plans.
 */
xm_s32_t XM_switch_sched_plan(xm_u32_t newPlan, xm_u32_t *oldPlan) XM_BIND(XM_switch_sched_plan);

/*
 * Identifier of a partition or plan by its name.
 *
 * @name    in, not NULL; at most 15 characters, NUL-terminated
 * @entity  XM_PARTITION_NAME or XM_PLAN_NAME
 *
 * Returns the identifier (>= 0); XM_INVALID_CONFIG (EDOM): no such name; XM_INVALID_PARAM (EINVAL).
 * Operation: XM_get_gid_by_name.  Manual: Names.
 */
xm_s32_t XM_get_gid_by_name(xm_u8_t *name, xm_u32_t entity) XM_BIND(XM_get_gid_by_name);

#endif

XM_END_DECLS

#endif
