// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: virtual interrupts. */

#include "tests/sim_rig.h"

#define IPVI 24 /* from partition 0 to 1 and 2 */
#define BIT (1u << IPVI)

TestSuite(sim_irq, .init = rig_traced, .fini = rig_close);

#define RAISE(p, no) CALL(p, RAISE_IPVI, N(no))
#define RAISE_AT(p, id, no) CALL(p, RAISE_PARTITION_IPVI, N(id), N(no))

Test(sim_irq, numbers)
{
	IS(INVALID_PARAM, RAISE(0, 0));
	IS(INVALID_PARAM, RAISE(0, 23));
	IS(INVALID_PARAM, RAISE(0, 32));
	IS(INVALID_PARAM, RAISE(0, 255));
	IS(INVALID_PARAM, RAISE_AT(0, 1, 23));
	IS(INVALID_PARAM, RAISE_AT(0, 7, 0));
	IS(INVALID_PARAM, RAISE_AT(0, 4, IPVI));
	IS(INVALID_PARAM, RAISE_AT(0, 255, IPVI));
}

Test(sim_irq, only_where_the_description_leads)
{
	IS(OK, RAISE(0, IPVI));
	IS(OK, RAISE(0, IPVI));
	IS(NO_ACTION, RAISE(0, 25));
	IS(NO_ACTION, RAISE(0, 31));
	IS(NO_ACTION, RAISE(1, IPVI));
	IS(NO_ACTION, RAISE(2, 31));
	IS(OK, RAISE(1, 31));
	IS(INVALID_CONFIG, RAISE_AT(0, 3, IPVI));
	IS(INVALID_CONFIG, RAISE_AT(0, 1, 25));
	IS(INVALID_CONFIG, RAISE_AT(0, 0, IPVI));
	IS(INVALID_CONFIG, RAISE_AT(2, 0, 31));
}

Test(sim_irq, pends_until_it_is_cleared)
{
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(OK, RAISE_AT(0, 2, IPVI)); /* another destination */
	IS(OK, CALL(1, CLEAR_IRQPEND, N(0), N(1)));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, CLEAR_IRQPEND, N(BIT), N(0))); /* that of a hardware line */
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, CLEAR_IRQPEND, N(0), N(BIT)));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, CLEAR_IRQPEND, N(-1), N(-1)));
	IS(OK, CALL(1, SET_IRQPEND, N(0), N(BIT)));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
}

Test(sim_irq, reaches_all_at_once)
{
	IS(OK, RAISE(0, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 2, IPVI));
}

Test(sim_irq, is_taken_when_not_masked_and_enabled)
{
	IS(OK, CALL(1, CLEAR_IRQMASK, N(0), N(BIT)));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI)); /* interrupts are off at the start */
	IS(OK, CALL(1, X86_SET_IF));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, X86_CLEAR_IF));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
}

Test(sim_irq, mask_holds_it_back)
{
	IS(OK, CALL(1, X86_SET_IF));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI)); /* all are masked at the start */
	IS(OK, CALL(1, CLEAR_IRQMASK, N(BIT), N(BIT - 1)));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, CLEAR_IRQMASK, N(0), N(BIT)));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(1, SET_IRQMASK, N(0), N(BIT)));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
}

Test(sim_irq, reset_masks_and_clears)
{
	IS(OK, CALL(1, CLEAR_IRQMASK, N(-1), N(-1)));
	IS(OK, CALL(1, X86_SET_IF));
	IS(OK, CALL(1, CLEAR_IRQMASK, N(0), N(0)));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(1), N(0)));
	IS(OK, RAISE_AT(0, 1, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(0), N(0)));
	IS(OK, RAISE_AT(0, 1, IPVI));
}

Test(sim_irq, with_two_vcpus_it_pends_when_it_pends_at_both)
{
	IS(OK, RAISE_AT(1, 0, 31));
	IS(NO_ACTION, RAISE_AT(1, 0, 31));
	IS(OK, CALL(0, CLEAR_IRQPEND, N(0), N(1u << 31))); /* at the first */
	IS(OK, RAISE_AT(1, 0, 31));
}

Test(sim_irq, routes)
{
	IS(OK, CALL(1, ROUTE_IRQ, N(0), N(31), N(31)));
	IS(OK, CALL(1, ROUTE_IRQ, N(1), N(31), N(63)));
	IS(OK, CALL(1, ROUTE_IRQ, N(2), N(31), N(255)));
	IS(INVALID_PARAM, CALL(1, ROUTE_IRQ, N(0), N(32), N(0)));
	IS(INVALID_PARAM, CALL(1, ROUTE_IRQ, N(3), N(0), N(0)));
	IS(INVALID_PARAM, CALL(1, ROUTE_IRQ, N(99), N(99), N(0)));
}

Test(sim_irq, traps_are_raised_under_prtos_only)
{
	IS(UNKNOWN_HYPERCALL, CALL(1, RAISE_PARTITION_TRAP, N(3)));
	rig_close();
	rig_prtos();
	IS(OK, CALL(1, RAISE_PARTITION_TRAP, N(0)));
	IS(OK, CALL(1, RAISE_PARTITION_TRAP, N(31)));
	IS(INVALID_PARAM, CALL(1, RAISE_PARTITION_TRAP, N(32)));
	/* and the interrupts of that description */
	IS(OK, RAISE(0, IPVI));
	IS(NO_ACTION, RAISE_AT(0, 1, IPVI));
	IS(INVALID_CONFIG, RAISE_AT(0, 2, IPVI));
}
