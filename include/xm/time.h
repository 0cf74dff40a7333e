/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TIME_H
#define XM_TIME_H

/* Clocks and timers. */

#include <xm/codes.h>
#include <xm/types.h>

/* Microseconds since the hypervisor started. */
#define XM_HW_CLOCK 0
/* Microseconds that this partition has been running. */
#define XM_EXEC_CLOCK 1
#if XM_PROFILE != XM_PROFILE_PRTOS
/* Timer only. */
#define XM_WATCHDOG_TIMER 2
#endif

XM_BEGIN_DECLS

/*
 * Reads a clock.
 *
 * @clock  XM_HW_CLOCK or XM_EXEC_CLOCK
 * @time   out, not NULL, aligned (3.x): the clock's value in microseconds; written on XM_OK only
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL): another clock, or a bad pointer; XM_PERM_ERROR (EPERM);
 * XM_INVALID_MODE.
 * Blocks for one exchange with the broker.  Thread-safe; usable after fork().
 * Policy operation: XM_get_time.  Manual: Time management.
 */
xm_s32_t XM_get_time(xm_u32_t clock, xmTime_t *time) XM_BIND(XM_get_time);

/*
 * Arms or disarms a timer of the partition, which the kernel of a Linux partition owns.  Refused
 * (XM_PERM_ERROR, EPERM) unless the policy names the operation and its resource under @machine.
 *
 * @clock     XM_HW_CLOCK, XM_EXEC_CLOCK or XM_WATCHDOG_TIMER (not PRTOS)
 * @absTime   when to expire, microseconds of that clock, full 64 bits; 0 disarms; not negative
 * @interval  microseconds between further expiries; 0: once; not negative, but a 2.x hypervisor takes
 *            what is for 0
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL); XM_PERM_ERROR (EPERM); XM_INVALID_MODE.
 * Blocks for one exchange with the broker.  Thread-safe; usable after fork().
 * Policy operation: XM_set_timer.  Manual: Time management.
 */
xm_s32_t XM_set_timer(xm_u32_t clock, xmTime_t absTime, xmTime_t interval) XM_BIND(XM_set_timer);

XM_END_DECLS

#endif
