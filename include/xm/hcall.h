/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_HCALL_H
#define XM_HCALL_H

/* One hypercall by number, as libxm-linux offered it. */

#include <xm/codes.h>
#include <xm/numbers.h>
#include <xm/types.h>

XM_BEGIN_DECLS

/*
 * Issues the hypercall with a number of the profile (xm/numbers.h); NR_HYPERCALLS asks for the own
 * partition.  Decided by the broker as the operation that it really is.
 *
 * @cmd       number
 * @a0 .. @a4 arguments in the order of the call's C prototype, one each: integers (of which the low
 *            32 bits count where the prototype says xm_u32_t) and pointers.  A 64-bit time is one
 *            argument: XM_hcall(set_timer_nr, clock, absTime, interval, 0, 0); on 32-bit systems it
 *            is two, the low word and the high one: XM_hcall(set_timer_nr, clock, absLow, absHigh,
 *            intervalLow, intervalHigh).
 *
 * Returns what the call returns; XM_UNKNOWN_HYPERCALL (ENOSYS): a number that the broker does not
 * know.  Blocks for one exchange with the broker.  Thread-safe; usable after fork().
 * Operation: the one that number, descriptor and command say.
 */
xm_s32_t XM_hcall(int cmd, unsigned long a0, unsigned long a1, unsigned long a2, unsigned long a3,
		  unsigned long a4) XM_BIND(XM_hcall);

XM_END_DECLS

#endif
