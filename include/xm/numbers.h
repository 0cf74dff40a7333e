/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_NUMBERS_H
#define XM_NUMBERS_H

/*
 * Hypercall numbers of the profile, for XM_hcall().  That a number has a name here does not mean
 * that the broker knows the call: what it does not know it refuses with XM_UNKNOWN_HYPERCALL.
 */

#include <xm/profile.h>

/* A call that the profile has by name, but the hypervisor of this processor by no number. */
#define HYPERCALL_NOT_IMPLEMENTED (~0U)

#define multicall_nr 0
#define halt_partition_nr 1
#define suspend_partition_nr 2
#define resume_partition_nr 3
#define reset_partition_nr 4
#define shutdown_partition_nr 5
#define halt_system_nr 6
#define reset_system_nr 7
#define idle_self_nr 8
#if XM_FAMILY == 2
#define write_register32_nr 9
#define get_time_nr 10
#define set_timer_nr 11
#define read_object_nr 12
#define write_object_nr 13
#define seek_object_nr 14
#define ctrl_object_nr 15
#define mask_hwirq_nr 16
#define unmask_hwirq_nr 17
#define update_page32_nr 18
#define set_page_type_nr 19
#define write_register64_nr 20
#define override_trap_hndl_nr 21
#define raise_ipvi_nr 22
#define ia32_update_sys_struct_nr 23
#define ia32_set_idt_desc_nr 24
#if XM_PROFILE == XM_PROFILE_2_6
#define set_spare_guest_nr 25
#define NR_HYPERCALLS 26
#else
#define NR_HYPERCALLS 25
#endif
#else
#define get_time_nr 9
#define set_timer_nr 10
#define read_object_nr 11
#define write_object_nr 12
#define seek_object_nr 13
#define ctrl_object_nr 14
#define clear_irqmask_nr 15
#define set_irqmask_nr 16
#define set_irqpend_nr 17
#define clear_irqpend_nr 18
#define route_irq_nr 19
#define update_page32_nr 20
#define set_page_type_nr 21
#define invld_tlb_nr 22
#define raise_ipvi_nr 23
#define raise_partition_ipvi_nr 24
#define override_trap_hndl_nr 25
#define switch_sched_plan_nr 26
#define get_gid_by_name_nr 27
#define reset_vcpu_nr 28
#define halt_vcpu_nr 29
#define suspend_vcpu_nr 30
#define resume_vcpu_nr 31
#define get_vcpuid_nr 32
#define x86_load_cr0_nr 33
#define x86_load_cr3_nr 34
#define x86_load_cr4_nr 35
#define x86_load_tss_nr 36
#define x86_load_gdt_nr 37
#define x86_load_idtr_nr 38
#define x86_update_ss_sp_nr 39
#define x86_update_gdt_nr 40
#define x86_update_idt_nr 41
#define x86_set_if_nr 42
#define x86_clear_if_nr 43
#define flush_cache_nr HYPERCALL_NOT_IMPLEMENTED
#define set_cache_state_nr HYPERCALL_NOT_IMPLEMENTED
#define NR_HYPERCALLS 44
#endif

#if XM_PROFILE == XM_PROFILE_PRTOS
#define raise_partition_trap_nr 45 /* outside of the table, and not on x86 */
#define amd64_load_cr0_nr x86_load_cr0_nr
#define amd64_load_cr3_nr x86_load_cr3_nr
#define amd64_load_cr4_nr x86_load_cr4_nr
#define amd64_load_tss_nr x86_load_tss_nr
#define amd64_load_gdt_nr x86_load_gdt_nr
#define amd64_load_idtr_nr x86_load_idtr_nr
#define amd64_update_ss_sp_nr x86_update_ss_sp_nr
#define amd64_update_gdt_nr x86_update_gdt_nr
#define amd64_update_idt_nr x86_update_idt_nr
#define amd64_set_if_nr x86_set_if_nr
#define amd64_clear_if_nr x86_clear_if_nr
#endif

#endif
