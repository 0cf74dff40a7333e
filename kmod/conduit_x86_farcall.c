// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a para-virtualised 32-bit x86 partition: a far call through a call gate that the
 * hypervisor has put into the table of segments.  Number in eax, arguments in ebx, ecx, edx, esi,
 * edi, result in eax; memory is virtual.  Where there is no such gate the call faults, which is
 * caught.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include <asm/asm.h>

#include "xmctl.h"

#define GATE_2X 0x1e8 /* behind 60 segments and the first */
#define GATE_3X 0x108 /* behind 32 */
#define GET_TIME_2X 10
#define GET_VCPUID 32 /* in 3.x and PRTOS; takes nothing, changes nothing */
#define VCPUS 32      /* less than the number, which would only have been left where it was */

static struct {
	u32 offset;
	u16 selector;
} __packed gate;

static u32 fault;

static s32 farcall_call(u32 number, const unsigned long words[XMCTL_WORDS])
{
	unsigned long b = words[0], c = words[1], d = words[2], si = words[3], di = words[4];
	unsigned long result = number;

	/* There is no register left to say in that it faulted. */
	fault = 1;
	asm volatile("1: lcall *%[gate]\n"
		     "   movl $0, %[fault]\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : "+a"(result), "+b"(b), "+c"(c), "+d"(d), "+S"(si),
		       "+D"(di), [fault] "+m"(fault)
		     : [gate] "m"(gate)
		     : "memory", "cc");
	return fault ? -EFAULT : (s32)result;
}

static bool is_2x(const struct xmctl_profile *profile)
{
	return profile->profile == XMCTL_PROFILE_2_4 || profile->profile == XMCTL_PROFILE_2_6;
}

static bool answers(const struct xmctl_profile *profile)
{
	unsigned long words[XMCTL_WORDS] = {};
	s32 result;

	if (is_2x(profile)) {
		words[1] = (unsigned long)xmctl_bounce_memory();
		return !farcall_call(GET_TIME_2X, words);
	}
	result = farcall_call(GET_VCPUID, words);
	return result >= 0 && result < VCPUS;
}

static int farcall_open(const struct xmctl_profile *profile, bool named)
{
	gate.selector = is_2x(profile) ? GATE_2X : GATE_3X;
	if (xmctl_gate)
		gate.selector = xmctl_gate;
	return answers(profile) ? 0 : -ENODEV;
}

const struct xmctl_conduit xmctl_conduit_x86_farcall = {
	.name = "farcall",
	.profile = XMCTL_PROFILE_2_4,
	.blind = true,
	.open = farcall_open,
	.call = farcall_call,
	.partition = xmctl_ask_partition,
};
