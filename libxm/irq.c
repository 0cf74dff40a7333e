// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Virtual interrupts as 2.x has them, which does most of it in a table of the partition that a process
 * has not: decided as the calls that 3.x made of them.  Empty in the other profiles.
 */

#include "libxm/call.h"

#if XM_FAMILY == 2

#define N_IRQS 64
#define FIRST_EXTENDED 32

void XM_enable_irqs(void)
{
	(void)CALL_WITH(RAW_OWN, RAW_SET_IF, 0);
}

void XM_disable_irqs(void)
{
	(void)CALL_WITH(RAW_OWN, RAW_CLEAR_IF, 0);
}

xm_s32_t XM_are_irqs_enabled(void)
{
	return XM_params_get_PCT()->iFlags & XM_IFLAGS_IRQS_ENABLED ? 1 : 0;
}

static xm_s32_t irq_change(uint32_t number, xm_u32_t irq)
{
	if (irq >= N_IRQS) {
		errno = EINVAL;
		return XM_INVALID_PARAM;
	}
	if (irq < FIRST_EXTENDED)
		return CALL_WITH(RAW_OWN, number, N(1U << irq), 0);
	return CALL_WITH(RAW_OWN, number, 0, N(1U << (irq - FIRST_EXTENDED)));
}

xm_s32_t XM_mask_irq(xm_u32_t irq)
{
	return irq_change(RAW_SET_IRQMASK, irq);
}

xm_s32_t XM_unmask_irq(xm_u32_t irq)
{
	return irq_change(RAW_CLEAR_IRQMASK, irq);
}

/* Nothing is ever delivered to a process. */
xm_s32_t XM_exec_pendirqs(void *context)
{
	(void)context;
	return 0;
}

#endif
