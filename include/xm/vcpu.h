/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_VCPU_H
#define XM_VCPU_H

/*
 * Virtual processors of the own partition (3.x).  The kernel of a Linux partition owns them.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  @vcpu is 0 to the number of virtual processors - 1.  Those that return a code may
 * return XM_INVALID_PARAM (EINVAL): no such virtual processor; XM_NO_ACTION (EALREADY): it is in
 * that state already; and XM_INVALID_MODE.  The state of a virtual processor is in xm/status.h.
 */

#include <xm/codes.h>
#include <xm/types.h>

#if XM_FAMILY == 3

XM_BEGIN_DECLS

/*
 * The virtual processor that serves the call; which one that is may differ from call to call.
 * Returns it (>= 0), or a code, negative as a signed number.
 * Operation: XM_get_vcpuid.  Manual: Virtual processors.
 */
xmId_t XM_get_vcpuid(void) XM_BIND(XM_get_vcpuid);

/*
 * Halts a virtual processor until it is reset.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.  Returns XM_OK.  Operation: XM_halt_vcpu.
 * Manual: Virtual processors.
 */
xm_s32_t XM_halt_vcpu(xm_u32_t vcpu) XM_BIND(XM_halt_vcpu);

/*
 * Suspends a virtual processor until it is resumed.  Refused (XM_PERM_ERROR, EPERM) unless the
 * policy names the operation and its resource under @machine.  Returns XM_OK.
 * Operation: XM_suspend_vcpu.  Manual: Virtual processors.
 */
xm_s32_t XM_suspend_vcpu(xm_u32_t vcpu) XM_BIND(XM_suspend_vcpu);

/*
 * Lets a suspended virtual processor run again.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.
 * Returns XM_OK.  Operation: XM_resume_vcpu.  Manual: Virtual processors.
 */
xm_s32_t XM_resume_vcpu(xm_u32_t vcpu) XM_BIND(XM_resume_vcpu);

/*
 * Restarts a virtual processor.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @ptdL1   physical address of its first page table (x86)
 * @entry   where it starts, an address of the partition
 * @status  any value
 *
 * Returns XM_OK.  Operation: XM_reset_vcpu.  Manual: Virtual processors.
 */
xm_s32_t XM_reset_vcpu(xm_u32_t vcpu, xmAddress_t ptdL1, xmAddress_t entry, xm_u32_t status)
	XM_BIND(XM_reset_vcpu);

XM_END_DECLS

#endif

#endif
