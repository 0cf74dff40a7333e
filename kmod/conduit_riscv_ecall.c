// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a riscv64 partition: ecall from the kernel, number in a0, arguments in a1 to a5,
 * result in a0; memory is guest-physical.  Whatever else is below the kernel takes an ecall for a
 * call of its own, so that it is used only when it is named.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include "xmctl.h"

#define GET_VCPUID 32 /* takes nothing, changes nothing */
#define VCPUS 32      /* less than the number, which would only have been left where it was */

static s32 ecall_call(u32 number, const unsigned long words[XMCTL_WORDS])
{
	/* Before registers are named: looking at memory may be a call of the compiler's own. */
	unsigned long w1 = words[0], w2 = words[1], w3 = words[2], w4 = words[3], w5 = words[4];

	register unsigned long a0 asm("a0") = number;
	register unsigned long a1 asm("a1") = w1;
	register unsigned long a2 asm("a2") = w2;
	register unsigned long a3 asm("a3") = w3;
	register unsigned long a4 asm("a4") = w4;
	register unsigned long a5 asm("a5") = w5;
	/* Of firmware, a function that there never is: what is asked for stands here then. */
	register unsigned long a6 asm("a6") = ~0UL;
	register unsigned long a7 asm("a7") = ~0UL;

	asm volatile("ecall"
		     : "+r"(a0), "+r"(a1), "+r"(a2), "+r"(a3), "+r"(a4), "+r"(a5), "+r"(a6),
		       "+r"(a7)
		     :
		     : "memory");
	return (s32)a0;
}

static int ecall_open(const struct xmctl_profile *profile, bool named)
{
	static const unsigned long nothing[XMCTL_WORDS];
	s32 result = ecall_call(GET_VCPUID, nothing);

	return result >= 0 && result < VCPUS ? 0 : -ENODEV;
}

const struct xmctl_conduit xmctl_conduit_riscv_ecall = {
	.name = "ecall",
	.profile = XMCTL_PROFILE_PRTOS,
	.physical = true,
	.open = ecall_open,
	.call = ecall_call,
	.partition = xmctl_ask_partition,
};
