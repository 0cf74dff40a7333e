/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_PARTITION_H
#define XM_PARTITION_H

/*
 * Starting and stopping partitions and the system.
 *
 * For all calls here: @partitionId is 0 to the number of partitions - 1.  They return XM_OK, or
 * XM_INVALID_PARAM (EINVAL): no such partition or mode; XM_PERM_ERROR (EPERM): not permitted, or
 * the own partition is not a system partition; XM_NO_ACTION (EALREADY, 3.x): the partition is in
 * that state already (a 2.x program gets XM_OK); XM_OP_NOT_ALLOWED (EOPNOTSUPP, 2.x): suspend of a
 * halted partition; XM_INVALID_CONFIG (EDOM): the partition's image cannot be started;
 * XM_INVALID_MODE.  They block for one exchange with the broker, are thread-safe, and are usable
 * after fork().
 *
 * Naming the own partition in halt, suspend or reset stops the caller: the policy must permit that
 * by "@self-stop" or by the operation's own name.
 */

#include <xm/codes.h>
#include <xm/types.h>

#define XM_RESET_MODE 1
#define XM_COLD_RESET 0
#define XM_WARM_RESET 1

XM_BEGIN_DECLS

/*
 * Stops a partition until it is reset.  Operation: XM_halt_partition.
 * Manual: Partition management.
 */
xm_s32_t XM_halt_partition(xm_u32_t partitionId) XM_BIND(XM_halt_partition);

/*
 * Takes a partition off its slots until it is resumed; returns before that, except for the own one.
 * Operation: XM_suspend_partition.  Manual: Partition management.
 */
xm_s32_t XM_suspend_partition(xm_u32_t partitionId) XM_BIND(XM_suspend_partition);

/*
 * Lets a suspended partition run again.  Operation: XM_resume_partition.
 * Manual: Partition management.
 */
xm_s32_t XM_resume_partition(xm_u32_t partitionId) XM_BIND(XM_resume_partition);

/*
 * Restarts a partition.
 *
 * @resetMode  XM_COLD_RESET (reset counter back to 0) or XM_WARM_RESET (counter incremented); 2.x: of
 *             any other value the low bit counts
 * @status     any value; the partition finds it as its reset status
 *
 * Operation: XM_reset_partition.  Manual: Partition management.
 */
xm_s32_t XM_reset_partition(xm_u32_t partitionId, xm_u32_t resetMode, xm_u32_t status)
	XM_BIND(XM_reset_partition);

/*
 * Asks a partition to shut itself down, by a virtual interrupt that it may ignore.
 * Operation: XM_shutdown_partition.  Manual: Partition management.
 */
xm_s32_t XM_shutdown_partition(xm_u32_t partitionId) XM_BIND(XM_shutdown_partition);

/*
 * Gives up the rest of the partition's slot: of the whole partition, not of this process.  Returns
 * when the partition runs again.  Operation: XM_idle_self, in "@self-stop".
 * Manual: Partition management.
 */
xm_s32_t XM_idle_self(void) XM_BIND(XM_idle_self);

/*
 * Stops the whole system.  A success does not return; XM_INVALID_MODE with ECONNRESET is what a
 * caller sees that lives to see anything.  Operation: XM_halt_system.  Manual: System management.
 */
xm_s32_t XM_halt_system(void) XM_BIND(XM_halt_system);

/*
 * Restarts the whole system.  @resetMode as above.  Returns as XM_halt_system() does.
 * Operation: XM_reset_system.  Manual: System management.
 */
xm_s32_t XM_reset_system(xm_u32_t resetMode) XM_BIND(XM_reset_system);

XM_END_DECLS

#endif
