/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_IRQ_H
#define XM_IRQ_H

/*
 * Virtual interrupts of the partition.  The kernel of a Linux partition owns them, and nothing is
 * ever delivered to a process: the functions exist so that programs link, and for the administrator
 * who knows why.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  Those that return a code may return XM_INVALID_MODE; those that return nothing say
 * in errno, if at all, what went wrong.
 */

#include <xm/codes.h>
#include <xm/types.h>
#include <xm/vtraps.h>

/* What XM_route_irq() routes. */
#define XM_TRAP_TYPE 0
#define XM_HWIRQ_TYPE 1
#define XM_EXTIRQ_TYPE 2

/* The handler of a trap: segment and address in it. */
struct trapHandler {
	xm_u16_t cs;
#if XM_FAMILY == 2
	xm_u32_t ip;
#else
	xmAddress_t ip;
#endif
};

#if XM_FAMILY == 2
XM_ASSERT_SIZE(struct trapHandler, 8, 8);
XM_ASSERT_OFFSET(struct trapHandler, ip, 4, 4);
#else
XM_ASSERT_SIZE(struct trapHandler, 8, 16);
XM_ASSERT_OFFSET(struct trapHandler, ip, 4, 8);
#endif
XM_ASSERT_OFFSET(struct trapHandler, cs, 0, 0);

XM_BEGIN_DECLS

/*
 * Replaces the handler of a trap.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @entry    the trap
 * @handler  in, not NULL
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL).  Operation: XM_override_trap_hndl.
 * Manual: Interrupt management.
 */
xm_s32_t XM_override_trap_hndl(xm_s32_t entry, struct trapHandler *handler)
	XM_BIND(XM_override_trap_hndl);

#if XM_FAMILY == 2

/*
 * Lets virtual interrupts through again.  Refused (XM_PERM_ERROR, EPERM) unless the policy names
 * the operation and its resource under @machine; returns nothing.  Operation: XM_x86_set_if.
 * Manual: Interrupt management.
 */
void XM_enable_irqs(void) XM_BIND(XM_enable_irqs);

/*
 * Holds virtual interrupts back.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.  Operation: XM_x86_clear_if.
 * Manual: Interrupt management.
 */
void XM_disable_irqs(void) XM_BIND(XM_disable_irqs);

/*
 * Whether virtual interrupts are let through, as the partition control table says (xm/params.h): of
 * which a process is told nothing, and gets 0.
 * Returns 1 or 0.  Operation: XM_get_PCT.  Manual: Interrupt management.
 */
xm_s32_t XM_are_irqs_enabled(void) XM_BIND(XM_are_irqs_enabled);

/*
 * Masks a virtual interrupt.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine.
 *
 * @irq  0 to 31 a hardware line, 32 to 63 an extended interrupt (XM_VT_*)
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL): above 63.  Decided as XM_set_irqmask, with the one bit
 * as its resource.  Manual: Interrupt management.
 */
xm_s32_t XM_mask_irq(xm_u32_t irq) XM_BIND(XM_mask_irq);

/*
 * Unmasks a virtual interrupt.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.  As XM_mask_irq(), decided as XM_clear_irqmask.
 * Manual: Interrupt management.
 */
xm_s32_t XM_unmask_irq(xm_u32_t irq) XM_BIND(XM_unmask_irq);

/*
 * Runs the handler of a pending interrupt: of a process, none.
 *
 * @context  ignored
 *
 * Returns 0: none ran.  Does not block.  Operation: none.  Manual: Interrupt management.
 */
xm_s32_t XM_exec_pendirqs(void *context) XM_BIND(XM_exec_pendirqs);

/*
 * Masks a hardware line that the partition owns.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.
 *
 * @irq  0 to 15
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL): no such line; XM_PERM_ERROR (EPERM) also where the line
 * is not the partition's.  Operation: XM_mask_hwirq.  Manual: Interrupt management.
 */
xm_s32_t XM_mask_hwirq(xm_u32_t irq) XM_BIND(XM_mask_hwirq);

/*
 * Unmasks a hardware line that the partition owns.  Refused (XM_PERM_ERROR, EPERM) unless the
 * policy names the operation and its resource under @machine.  As XM_mask_hwirq().
 * Operation: XM_unmask_hwirq.  Manual: Interrupt management.
 */
xm_s32_t XM_unmask_hwirq(xm_u32_t irq) XM_BIND(XM_unmask_hwirq);

#else

/*
 * Masks virtual interrupts.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine.
 *
 * @hwIrqsMask   a bit for each hardware line
 * @extIrqsMask  a bit for each extended interrupt (XM_VT_EXT_*)
 *
 * Returns XM_OK.  Operation: XM_set_irqmask.  Manual: Interrupt management.
 */
xm_s32_t XM_set_irqmask(xm_u32_t hwIrqsMask, xm_u32_t extIrqsMask) XM_BIND(XM_set_irqmask);

/*
 * Unmasks virtual interrupts.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine.  As XM_set_irqmask().  Operation: XM_clear_irqmask.
 * Manual: Interrupt management.
 */
xm_s32_t XM_clear_irqmask(xm_u32_t hwIrqsMask, xm_u32_t extIrqsMask) XM_BIND(XM_clear_irqmask);

/*
 * Makes virtual interrupts pending.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.  As XM_set_irqmask().  Operation: XM_set_irqpend.
 * Manual: Interrupt management.
 */
xm_s32_t XM_set_irqpend(xm_u32_t hwIrqsPend, xm_u32_t extIrqsPend) XM_BIND(XM_set_irqpend);

/*
 * Clears pending virtual interrupts.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.  As XM_set_irqmask().  Operation: XM_clear_irqpend.
 * Manual: Interrupt management.
 */
xm_s32_t XM_clear_irqpend(xm_u32_t hwIrqsPend, xm_u32_t extIrqsPend) XM_BIND(XM_clear_irqpend);

/*
 * Chooses the vector of a trap or interrupt.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.
 *
 * @type    XM_TRAP_TYPE, XM_HWIRQ_TYPE or XM_EXTIRQ_TYPE
 * @irq     0 to 31
 * @vector  any value
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL).  Operation: XM_route_irq.  Manual: Interrupt
 * management.
 */
xm_s32_t XM_route_irq(xm_u32_t type, xm_u32_t irq, xm_u16_t vector) XM_BIND(XM_route_irq);

#endif

#if XM_PROFILE == XM_PROFILE_PRTOS
/*
 * Raises a trap at the own partition, on processors other than x86.  Refused (XM_PERM_ERROR, EPERM)
 * unless the policy names the operation and its resource under @machine.
 *
 * @trap  the trap
 *
 * Returns XM_OK; XM_INVALID_PARAM (EINVAL); XM_UNKNOWN_HYPERCALL (ENOSYS): x86.
 * Operation: XM_raise_partition_trap.  Manual: Interrupt management.
 */
xm_s32_t XM_raise_partition_trap(xm_u32_t trap) XM_BIND(XM_raise_partition_trap);
#endif

XM_END_DECLS

#endif
