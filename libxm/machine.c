// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Calls to the processor that wait in the thread's pending batch, for the profile that this file is
 * compiled for.  Each is its hypercall and nothing else.
 */

#include "libxm/call.h"

#define W(word) ((unsigned long)(word))

void XM_lazy_update_page32(xmAddress_t pAddr, xm_u32_t val)
{
	XM_lazy_hypercall(update_page32_nr, 2, W(pAddr), W(val));
}

void XM_lazy_set_page_type(xmAddress_t pAddr, xm_u32_t type)
{
	XM_lazy_hypercall(set_page_type_nr, 2, W(pAddr), W(type));
}

#if XM_FAMILY == 2

void XM_lazy_write_register32(xm_u32_t reg, xm_u32_t val)
{
	XM_lazy_hypercall(write_register32_nr, 2, W(reg), W(val));
}

void XM_lazy_write_register64(xm_u32_t reg, xm_u32_t subreg, xm_u32_t hi, xm_u32_t lo)
{
	XM_lazy_hypercall(write_register64_nr, 4, W(reg), W(subreg), W(hi), W(lo));
}

void XM_lazy_ia32_update_sys_struct(xm_u32_t which, xm_u32_t v1, xm_u32_t v2)
{
	XM_lazy_hypercall(ia32_update_sys_struct_nr, 3, W(which), W(v1), W(v2));
}

#else

void XM_lazy_invld_tlb(xmAddress_t vAddr)
{
	XM_lazy_hypercall(invld_tlb_nr, 1, W(vAddr));
}

void XM_lazy_x86_load_cr0(xmWord_t val)
{
	XM_lazy_hypercall(x86_load_cr0_nr, 1, W(val));
}

void XM_lazy_x86_load_cr3(xmWord_t val)
{
	XM_lazy_hypercall(x86_load_cr3_nr, 1, W(val));
}

void XM_lazy_x86_load_cr4(xmWord_t val)
{
	XM_lazy_hypercall(x86_load_cr4_nr, 1, W(val));
}

void XM_lazy_x86_load_tss(void *tss)
{
	XM_lazy_hypercall(x86_load_tss_nr, 1, W(tss));
}

void XM_lazy_x86_load_gdt(void *desc)
{
	XM_lazy_hypercall(x86_load_gdt_nr, 1, W(desc));
}

void XM_lazy_x86_load_idtr(void *desc)
{
	XM_lazy_hypercall(x86_load_idtr_nr, 1, W(desc));
}

void XM_lazy_x86_update_ss_sp(xmWord_t ss, xmWord_t sp, xm_u32_t level)
{
	XM_lazy_hypercall(x86_update_ss_sp_nr, 3, W(ss), W(sp), W(level));
}

void XM_lazy_x86_update_gdt(xm_s32_t entry, void *desc)
{
	XM_lazy_hypercall(x86_update_gdt_nr, 2, W(entry), W(desc));
}

void XM_lazy_x86_update_idt(xm_s32_t entry, void *desc)
{
	XM_lazy_hypercall(x86_update_idt_nr, 2, W(entry), W(desc));
}

#endif
