/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_MACHINE_H
#define XM_MACHINE_H

/*
 * Page tables, control registers and tables of the processor, as far as the hypervisor lets a
 * partition touch them.  The kernel of a Linux partition owns them: the functions exist so that
 * programs link, and for the administrator who knows why.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  Those that return a code return XM_OK; XM_INVALID_PARAM (EINVAL): bad pointer or
 * value; XM_PERM_ERROR (EPERM); XM_NO_ACTION (EALREADY, 3.x): it is so already; XM_OP_NOT_ALLOWED
 * (EOPNOTSUPP): in use; XM_UNKNOWN_HYPERCALL (ENOSYS): the hypervisor has no such call; or
 * XM_INVALID_MODE.
 * The lazy ones return nothing: each appends its call to the pending batch of the thread
 * (xm/multicall.h), and what becomes of it is known when the batch is flushed.
 *
 * Pointers to tables and descriptors are in, not NULL, and of any type; a descriptor has 8 bytes.
 */

#include <xm/codes.h>
#include <xm/types.h>

/* What XM_set_page_type() makes of a page. */
#define PPAG_STD 0
#define PPAG_PTDL1 1
#define PPAG_PTDL2 2
#define PPAG_PTDL3 3

#if XM_FAMILY == 2
/* Registers of XM_write_register32(). */
#define XM_REG32_CR0 0
#define XM_REG32_CR3 1
#define XM_REG32_CR4 2
#define XM_REG32_GDT 3
#define XM_REG32_TSS 4
#define XM_REG32_TLB 5
#define XM_REG32_WBINVD 6
/* Registers of XM_write_register64(). */
#define XM_REG64_RDMSR 0
#define XM_REG64_WRMSR 1
/* Structures of XM_ia32_update_sys_struct(). */
#define XM_SYS_STRUCT_SSESP1 0
#define XM_SYS_STRUCT_SSESP2 1
#define XM_SYS_STRUCT_GDT 2
#else
/* Caches of XM_flush_cache() and XM_set_cache_state(), bits. */
#define XM_DCACHE 1
#define XM_ICACHE 2
#endif

XM_BEGIN_DECLS

/*
 * Writes an entry of a page table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @pAddr  physical address of the entry
 * @val    the entry
 *
 * Operation: XM_update_page32. Manual: Memory management.
 */
xm_s32_t XM_update_page32(xmAddress_t pAddr, xm_u32_t val) XM_BIND(XM_update_page32);

/*
 * XM_update_page32(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_update_page32(xmAddress_t pAddr, xm_u32_t val) XM_BIND(XM_lazy_update_page32);

/*
 * Makes a page a page table, or ordinary memory.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.
 *
 * @pAddr  physical address of the page
 * @type   PPAG_*
 *
 * Operation: XM_set_page_type.  Manual: Memory management.
 */
xm_s32_t XM_set_page_type(xmAddress_t pAddr, xm_u32_t type) XM_BIND(XM_set_page_type);

/*
 * XM_set_page_type(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_set_page_type(xmAddress_t pAddr, xm_u32_t type) XM_BIND(XM_lazy_set_page_type);

#if XM_FAMILY == 2

/*
 * Writes a control register.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine.
 *
 * @reg  XM_REG32_*
 * @val  its value
 *
 * Operation: XM_write_register32. Manual: Processor.
 */
xm_s32_t XM_write_register32(xm_u32_t reg, xm_u32_t val) XM_BIND(XM_write_register32);

/*
 * XM_write_register32(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_write_register32(xm_u32_t reg, xm_u32_t val) XM_BIND(XM_lazy_write_register32);

/*
 * Writes a model-specific register.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @reg     XM_REG64_*
 * @subreg  number of the register
 * @hi, lo  its value
 *
 * Operation: XM_write_register64. Manual: Processor.
 */
xm_s32_t XM_write_register64(xm_u32_t reg, xm_u32_t subreg, xm_u32_t hi, xm_u32_t lo)
	XM_BIND(XM_write_register64);

/*
 * XM_write_register64(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_write_register64(xm_u32_t reg, xm_u32_t subreg, xm_u32_t hi, xm_u32_t lo)
	XM_BIND(XM_lazy_write_register64);

/*
 * Updates a table of the processor.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @which   XM_SYS_STRUCT_*
 * @v1, v2  stack segment and pointer, or entry and descriptor
 *
 * Operation: XM_ia32_update_sys_struct.  Manual: Processor.
 */
xm_s32_t XM_ia32_update_sys_struct(xm_u32_t which, xm_u32_t v1, xm_u32_t v2)
	XM_BIND(XM_ia32_update_sys_struct);

/*
 * XM_ia32_update_sys_struct(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_ia32_update_sys_struct(xm_u32_t which, xm_u32_t v1, xm_u32_t v2)
	XM_BIND(XM_lazy_ia32_update_sys_struct);

/*
 * Sets an entry of the interrupt table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names
 * the operation and its resource under @machine.
 *
 * @entry  which
 * @desc   its descriptor
 *
 * Operation: XM_ia32_set_idt_desc.  Manual: Processor.
 */
xm_s32_t XM_ia32_set_idt_desc(xm_s32_t entry, void *desc) XM_BIND(XM_ia32_set_idt_desc);

#else

/*
 * Invalidates the translation of an address.  Refused (XM_PERM_ERROR, EPERM) unless the policy
 * names the operation and its resource under @machine.
 *
 * @vAddr  virtual address; all ones: every one
 *
 * Operation: XM_invld_tlb.  Manual: Memory management.
 */
xm_s32_t XM_invld_tlb(xmAddress_t vAddr) XM_BIND(XM_invld_tlb);

/*
 * XM_invld_tlb(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_invld_tlb(xmAddress_t vAddr) XM_BIND(XM_lazy_invld_tlb);

/*
 * Loads control register cr0.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @val  its value
 *
 * Operation: XM_x86_load_cr0. Manual: Processor.
 */
xm_s32_t XM_x86_load_cr0(xmWord_t val) XM_BIND(XM_x86_load_cr0);

/*
 * XM_x86_load_cr0(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_cr0(xmWord_t val) XM_BIND(XM_lazy_x86_load_cr0);

/*
 * Loads control register cr3.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @val  its value
 *
 * Operation: XM_x86_load_cr3. Manual: Processor.
 */
xm_s32_t XM_x86_load_cr3(xmWord_t val) XM_BIND(XM_x86_load_cr3);

/*
 * XM_x86_load_cr3(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_cr3(xmWord_t val) XM_BIND(XM_lazy_x86_load_cr3);

/*
 * Loads control register cr4.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @val  its value
 *
 * Operation: XM_x86_load_cr4. Manual: Processor.
 */
xm_s32_t XM_x86_load_cr4(xmWord_t val) XM_BIND(XM_x86_load_cr4);

/*
 * XM_x86_load_cr4(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_cr4(xmWord_t val) XM_BIND(XM_lazy_x86_load_cr4);

/*
 * Loads the task state segment.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @tss  where it is
 *
 * Never forwarded, whatever the policy says: what the address means is known to the caller alone.
 * Operation: XM_x86_load_tss.  Manual: Processor.
 */
xm_s32_t XM_x86_load_tss(void *tss) XM_BIND(XM_x86_load_tss);

/*
 * XM_x86_load_tss(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_tss(void *tss) XM_BIND(XM_lazy_x86_load_tss);

/*
 * Loads the descriptor table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @desc  where it is
 *
 * Never forwarded, whatever the policy says: what the address means is known to the caller alone.
 * Operation: XM_x86_load_gdt.  Manual: Processor.
 */
xm_s32_t XM_x86_load_gdt(void *desc) XM_BIND(XM_x86_load_gdt);

/*
 * XM_x86_load_gdt(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_gdt(void *desc) XM_BIND(XM_lazy_x86_load_gdt);

/*
 * Loads the interrupt table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the operation
 * and its resource under @machine.
 *
 * @desc  where it is
 *
 * Never forwarded, whatever the policy says: what the address means is known to the caller alone.
 * Operation: XM_x86_load_idtr.  Manual: Processor.
 */
xm_s32_t XM_x86_load_idtr(void *desc) XM_BIND(XM_x86_load_idtr);

/*
 * XM_x86_load_idtr(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_load_idtr(void *desc) XM_BIND(XM_lazy_x86_load_idtr);

/*
 * Sets the stack of a privilege level.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine.
 *
 * @ss, sp  segment and pointer
 * @level   the privilege level
 *
 * Operation: XM_x86_update_ss_sp.  Manual: Processor.
 */
xm_s32_t XM_x86_update_ss_sp(xmWord_t ss, xmWord_t sp, xm_u32_t level) XM_BIND(XM_x86_update_ss_sp);

/*
 * XM_x86_update_ss_sp(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_update_ss_sp(xmWord_t ss, xmWord_t sp, xm_u32_t level)
	XM_BIND(XM_lazy_x86_update_ss_sp);

/*
 * Sets an entry of the descriptor table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names
 * the operation and its resource under @machine.
 *
 * @entry  which
 * @desc   its descriptor
 *
 * Operation: XM_x86_update_gdt.  Manual: Processor.
 */
xm_s32_t XM_x86_update_gdt(xm_s32_t entry, void *desc) XM_BIND(XM_x86_update_gdt);

/*
 * XM_x86_update_gdt(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_update_gdt(xm_s32_t entry, void *desc) XM_BIND(XM_lazy_x86_update_gdt);

/*
 * Sets an entry of the interrupt table.  Refused (XM_PERM_ERROR, EPERM) unless the policy names
 * the operation and its resource under @machine.
 *
 * @entry  which
 * @desc   its descriptor
 *
 * Operation: XM_x86_update_idt.  Manual: Processor.
 */
xm_s32_t XM_x86_update_idt(xm_s32_t entry, void *desc) XM_BIND(XM_x86_update_idt);

/*
 * XM_x86_update_idt(), lazily.  Refused (XM_PERM_ERROR, EPERM) unless the policy names the
 * operation and its resource under @machine; returns nothing.
 */
void XM_lazy_x86_update_idt(xm_s32_t entry, void *desc) XM_BIND(XM_lazy_x86_update_idt);

/*
 * Lets virtual interrupts of the partition through.  Refused (XM_PERM_ERROR, EPERM) unless the
 * policy names the operation and its resource under @machine; returns nothing.
 * Operation: XM_x86_set_if.  Manual: Processor.
 */
void XM_x86_set_if(void) XM_BIND(XM_x86_set_if);

/*
 * Holds virtual interrupts of the partition back.  Refused (XM_PERM_ERROR, EPERM) unless the
 * policy names the operation and its resource under @machine; returns nothing.
 * Operation: XM_x86_clear_if.  Manual: Processor.
 */
void XM_x86_clear_if(void) XM_BIND(XM_x86_clear_if);

/*
 * Flushes caches.
 *
 * @caches  XM_DCACHE, XM_ICACHE or both
 *
 * Returns XM_UNKNOWN_HYPERCALL (ENOSYS): it has a number on SPARC only.  The broker is asked, and
 * records a call that it does not know.
 */
xm_s32_t XM_flush_cache(xm_u32_t caches) XM_BIND(XM_flush_cache);

/*
 * Enables the caches that are named and disables the others.
 *
 * @caches  XM_DCACHE, XM_ICACHE, both or 0
 *
 * Returns XM_UNKNOWN_HYPERCALL (ENOSYS): it has a number on SPARC only.  The broker is asked, and
 * records a call that it does not know.
 */
xm_s32_t XM_set_cache_state(xm_u32_t caches) XM_BIND(XM_set_cache_state);

#endif

XM_END_DECLS

#endif
