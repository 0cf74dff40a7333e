// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of an arm64 partition: hvc #0, number in x0, arguments in x1 to x5, result in x0;
 * memory is guest-physical.  Without a hypervisor the instruction is undefined and another one may
 * take it for anything, so that it is used only when it is named.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include <asm/virt.h>

#include "xmctl.h"

#define GET_VCPUID 32 /* takes nothing, changes nothing */
#define VCPUS 32      /* less than the number, which would only have been left where it was */

static s32 hvc_call(u32 number, const unsigned long words[XMCTL_WORDS])
{
	/* Before registers are named: looking at memory may be a call of the compiler's own. */
	unsigned long a1 = words[0], a2 = words[1], a3 = words[2], a4 = words[3], a5 = words[4];

	register unsigned long x0 asm("x0") = number;
	register unsigned long x1 asm("x1") = a1;
	register unsigned long x2 asm("x2") = a2;
	register unsigned long x3 asm("x3") = a3;
	register unsigned long x4 asm("x4") = a4;
	register unsigned long x5 asm("x5") = a5;

	asm volatile("hvc #0"
		     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3), "+r"(x4), "+r"(x5)
		     :
		     : "memory", "cc", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14",
		       "x15", "x16", "x17");
	return (s32)x0;
}

static int hvc_open(const struct xmctl_profile *profile, bool named)
{
	static const unsigned long nothing[XMCTL_WORDS];
	s32 result;

	/* This kernel is what the call would come to. */
	if (is_kernel_in_hyp_mode())
		return -ENODEV;
	result = hvc_call(GET_VCPUID, nothing);
	return result >= 0 && result < VCPUS ? 0 : -ENODEV;
}

const struct xmctl_conduit xmctl_conduit_arm64_hvc = {
	.name = "hvc",
	.profile = XMCTL_PROFILE_PRTOS,
	.physical = true,
	.open = hvc_open,
	.call = hvc_call,
	.partition = xmctl_ask_partition,
};
