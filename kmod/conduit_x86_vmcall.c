// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls of a hardware-virtualised x86-64 partition: vmcall, or on processors that have it
 * instead, vmmcall.  Number in rax, arguments in rbx, rcx, rdx, rsi, rdi, result in rax; memory is
 * guest-physical.  Where there is no hypervisor both instructions fault, which is caught.
 */

#include <linux/errno.h>
#include <linux/kernel.h>

#include <asm/asm.h>
#include <asm/hypervisor.h>

#include "xmctl.h"

#define GET_VCPUID 32 /* in 3.x and PRTOS; takes nothing, changes nothing */
/*
 * Less than the number, which is left where it was by a processor on which virtual machines run: it
 * neither faults nor does anything.
 */
#define VCPUS 32

static bool amd;

/* What a hypervisor leaves in the registers of the arguments is its own. */
static s32 vmcall_call(u32 number, const unsigned long words[XMCTL_WORDS])
{
	unsigned long b = words[0], c = words[1], d = words[2], si = words[3], di = words[4];
	unsigned long result = number;
	u32 fault = 1;

	if (amd)
		asm volatile("1: vmmcall\n"
			     "   movl $0, %[fault]\n"
			     "2:\n" _ASM_EXTABLE(1b, 2b)
			     : "+a"(result), "+b"(b), "+c"(c), "+d"(d), "+S"(si),
			       "+D"(di), [fault] "+m"(fault)
			     :
			     : "memory", "cc", "r8", "r9", "r10", "r11");
	else
		asm volatile("1: vmcall\n"
			     "   movl $0, %[fault]\n"
			     "2:\n" _ASM_EXTABLE(1b, 2b)
			     : "+a"(result), "+b"(b), "+c"(c), "+d"(d), "+S"(si),
			       "+D"(di), [fault] "+m"(fault)
			     :
			     : "memory", "cc", "r8", "r9", "r10", "r11");
	return fault ? -EFAULT : (s32)result;
}

static bool answers(void)
{
	static const unsigned long nothing[XMCTL_WORDS];
	s32 result = vmcall_call(GET_VCPUID, nothing);

	return result >= 0 && result < VCPUS;
}

/* Another hypervisor may take the number for one of its own. */
static int vmcall_open(const struct xmctl_profile *profile, bool named)
{
	if ((!named && !hypervisor_is_type(X86_HYPER_NATIVE)) ||
	    (profile->profile != XMCTL_PROFILE_3_X && profile->profile != XMCTL_PROFILE_PRTOS))
		return -ENODEV;
	for (amd = false;; amd = true) {
		if (answers())
			return 0;
		if (amd)
			return -ENODEV;
	}
}

const struct xmctl_conduit xmctl_conduit_x86_vmcall = {
	.name = "vmcall",
	.profile = XMCTL_PROFILE_PRTOS,
	.blind = true,
	.physical = true,
	.open = vmcall_open,
	.call = vmcall_call,
	.partition = xmctl_ask_partition,
};
