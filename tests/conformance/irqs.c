// SPDX-License-Identifier: LGPL-2.1-or-later
/* Rows of section 6.8: virtual interrupts, and those between partitions. */

#include "tests/conformance/conformance.h"

#if XM_FAMILY == 3

static void masks(void)
{
	IS(XM_OK, XM_set_irqmask(~0U, ~0U));
	IS(XM_OK, XM_clear_irqmask(0, 0));
	IS(XM_OK, XM_set_irqpend(0, 1U << XM_VT_EXT_HW_TIMER));
	IS(XM_OK, XM_clear_irqpend(~0U, ~0U));
	IS(XM_OK, XM_clear_irqmask(0, 1U << XM_VT_EXT_HW_TIMER));
	IS(XM_OK, XM_set_irqmask(~0U, ~0U));
}

static void route(void)
{
	IS(XM_OK, XM_route_irq(XM_TRAP_TYPE, 0, 1));
	IS(XM_OK, XM_route_irq(XM_HWIRQ_TYPE, 3, 2));
	IS(XM_OK, XM_route_irq(XM_EXTIRQ_TYPE, 31, 3));
	IS(XM_INVALID_PARAM, XM_route_irq(3, 0, 1));
	IS(XM_INVALID_PARAM, XM_route_irq(XM_EXTIRQ_TYPE, 32, 1));
	IS(XM_INVALID_PARAM, XM_route_irq(~0U, ~0U, 1));
}

static long far_clear(void *arg)
{
	(void)arg;
	return XM_clear_irqpend(~0U, ~0U);
}

static void raise_one(void)
{
	unsigned int to = (unsigned int)machine.ipvi.partition;
	xm_u8_t no = (xm_u8_t)machine.ipvi_number;
	char none = 0;

	NEEDS(peer_has(machine.ipvi.partition), "an interrupt to a partition with a process");
	IS(XM_OK, peer_run(to, far_clear, &none, 1));
	IS(XM_OK, XM_raise_partition_ipvi(to, no));
	IS(XM_NO_ACTION, XM_raise_partition_ipvi(to, no)); /* it pends */
	IS(XM_OK, peer_run(to, far_clear, &none, 1));
	IS(XM_OK, XM_raise_partition_ipvi(to, no));
	IS(XM_OK, peer_run(to, far_clear, &none, 1));
}

static void raise_all(void)
{
	char none = 0;

	NEEDS(machine.ipvi_number, "an interrupt between partitions");
	IS(XM_OK, XM_raise_ipvi((xm_u8_t)machine.ipvi_number));
	IS(XM_OK, XM_raise_ipvi((xm_u8_t)machine.ipvi_number));
	if (peer_has(machine.ipvi.partition))
		IS(XM_OK, peer_run(machine.ipvi.partition, far_clear, &none, 1));
}

static void raise_nowhere(void)
{
	xm_u8_t unused = (xm_u8_t)machine.ipvi_unused;

	NEEDS(machine.ipvi_unused, "a number that leads nowhere");
	IS(XM_NO_ACTION, XM_raise_ipvi(unused));
	IS(XM_INVALID_CONFIG, XM_raise_partition_ipvi((xm_u32_t)machine.managed.partition, unused));
}

static void raise_bad(void)
{
	IS(XM_INVALID_PARAM, XM_raise_ipvi(23));
	IS(XM_INVALID_PARAM, XM_raise_ipvi(32));
	IS(XM_INVALID_PARAM, XM_raise_ipvi(0));
	IS(XM_INVALID_PARAM, XM_raise_partition_ipvi((xm_u32_t)machine.managed.partition, 23));
	IS(XM_INVALID_PARAM, XM_raise_partition_ipvi((xm_u32_t)machine.managed.partition, 32));
	IS(XM_INVALID_PARAM, XM_raise_partition_ipvi(machine.n_partitions, 24));
}

const struct row irq_rows[] = {
	{ "6.8", "interrupts / masks and what pends", masks, false },
	{ "6.8", "interrupts / route", route, false },
	{ "6.8", "interrupts / raise at one partition", raise_one, false },
	{ "6.8", "interrupts / raise at all destinations", raise_all, false },
	{ "6.8", "interrupts / raise: leads nowhere", raise_nowhere, false },
	{ "6.8", "interrupts / raise: bad arguments", raise_bad, false },
	{ NULL, NULL, NULL, false },
};

#else

static void lines(void)
{
	NEEDS(machine.line >= 0 && machine.foreign_line >= 0, "an interrupt line");
	IS(XM_OK, XM_mask_hwirq((xm_u32_t)machine.line));
	IS(XM_OK, XM_unmask_hwirq((xm_u32_t)machine.line));
	IS(XM_PERM_ERROR, XM_mask_hwirq((xm_u32_t)machine.foreign_line));
	IS(XM_PERM_ERROR, XM_unmask_hwirq((xm_u32_t)machine.foreign_line));
	IS(XM_INVALID_PARAM, XM_mask_hwirq(16));
	IS(XM_INVALID_PARAM, XM_unmask_hwirq(~0U));
}

/* Anybody may, at anybody. */
static void raise(void)
{
	unsigned int to = (unsigned int)machine.managed.partition;

	IS(XM_OK, XM_raise_ipvi(to, 0));
	IS(XM_OK, XM_raise_ipvi(to, 7));
	IS(XM_OK, XM_raise_ipvi(to, 7));
	IS(XM_OK, XM_raise_ipvi((xm_u32_t)machine.self.partition, 3));
	IS(XM_INVALID_PARAM, XM_raise_ipvi(to, 8));
	IS(XM_INVALID_PARAM, XM_raise_ipvi(to, 255));
	IS(XM_INVALID_PARAM, XM_raise_ipvi(machine.n_partitions, 0));
}

static void raise_without_rights(void)
{
	NEEDS(peer_has(machine.plain.partition), "a process in the plain partition");
	IS(XM_OK, peer_hcall(machine.plain.partition, raise_ipvi_nr,
			     (unsigned long)machine.self.partition, 1, 0));
}

const struct row irq_rows[] = {
	{ "6.8", "interrupts / lines", lines, false },
	{ "6.8", "interrupts / raise at a partition", raise, false },
	{ "6.8", "interrupts / raise: without rights", raise_without_rights, false },
	{ NULL, NULL, NULL, false },
};

#endif
