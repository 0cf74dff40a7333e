/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOS_FUNCTIONS_H
#define PRTOS_FUNCTIONS_H

/*
 * The functions of libxm by their PRTOS names.  Each is the function of the header that is named
 * above it, which says what it does, returns and needs: prtos_get_time() is XM_get_time() and so
 * on.
 */

#include <prtos/types.h>
#include <xm.h>

/* Binds a PRTOS name to the symbol of the XtratuM name. */
#define PRTOS_BIND(name) XM_BIND(name)

XM_BEGIN_DECLS

extern struct lib_prtos_params lib_prtos_params PRTOS_BIND(libXmParams);

/* ---- <xm/console.h> -------------------------------------------------------------------------- */

prtos_s32_t prtos_write_console(char *buffer, prtos_s32_t length) PRTOS_BIND(XM_write_console);

/* ---- <xm/object.h> --------------------------------------------------------------------------- */

prtos_s32_t prtos_read_object(prtos_obj_desc_t obj_desc, void *buffer, prtos_u32_t size,
			      prtos_u32_t *flags) PRTOS_BIND(XM_read_object);
prtos_s32_t prtos_write_object(prtos_obj_desc_t obj_desc, void *buffer, prtos_u32_t size,
			       prtos_u32_t *flags) PRTOS_BIND(XM_write_object);
prtos_s32_t prtos_seek_object(prtos_obj_desc_t obj_desc, prtos_u32_t offset, prtos_u32_t whence)
	PRTOS_BIND(XM_seek_object);
prtos_s32_t prtos_ctrl_object(prtos_obj_desc_t obj_desc, prtos_u32_t command, void *arg)
	PRTOS_BIND(XM_ctrl_object);

/* ---- <xm/hm.h> ------------------------------------------------------------------------------- */

prtos_s32_t prtos_hm_read(prtos_hm_log_t *log) PRTOS_BIND(XM_hm_read);
prtos_s32_t prtos_hm_seek(prtos_s32_t offset, prtos_u32_t whence) PRTOS_BIND(XM_hm_seek);
prtos_s32_t prtos_hm_status(prtos_hm_status_t *status) PRTOS_BIND(XM_hm_status);

/* ---- <xm/init.h> ----------------------------------------------------------------------------- */

void init_libprtos(partition_control_table_t *part_ctrl_table) PRTOS_BIND(init_libxm);

/* ---- <xm/ipvi.h> ----------------------------------------------------------------------------- */

prtos_s32_t prtos_raise_ipvi(prtos_u8_t ipvi) PRTOS_BIND(XM_raise_ipvi);
prtos_s32_t prtos_raise_partition_ipvi(prtos_u32_t partition_id, prtos_u8_t ipvi)
	PRTOS_BIND(XM_raise_partition_ipvi);

/* ---- <xm/irq.h> ------------------------------------------------------------------------------ */

prtos_s32_t prtos_override_trap_hndl(prtos_s32_t entry, struct trap_handler *handler)
	PRTOS_BIND(XM_override_trap_hndl);
prtos_s32_t prtos_set_irqmask(prtos_u32_t hw_irqs_mask, prtos_u32_t ext_irqs_mask)
	PRTOS_BIND(XM_set_irqmask);
prtos_s32_t prtos_clear_irqmask(prtos_u32_t hw_irqs_mask, prtos_u32_t ext_irqs_mask)
	PRTOS_BIND(XM_clear_irqmask);
prtos_s32_t prtos_set_irqpend(prtos_u32_t hw_irqs_pend, prtos_u32_t ext_irqs_pend)
	PRTOS_BIND(XM_set_irqpend);
prtos_s32_t prtos_clear_irqpend(prtos_u32_t hw_irqs_pend, prtos_u32_t ext_irqs_pend)
	PRTOS_BIND(XM_clear_irqpend);
prtos_s32_t prtos_route_irq(prtos_u32_t type, prtos_u32_t irq, prtos_u16_t vector)
	PRTOS_BIND(XM_route_irq);
prtos_s32_t prtos_raise_partition_trap(prtos_u32_t trap) PRTOS_BIND(XM_raise_partition_trap);

/* ---- <xm/machine.h> -------------------------------------------------------------------------- */

prtos_s32_t prtos_update_page32(prtos_address_t p_addr, prtos_u32_t val)
	PRTOS_BIND(XM_update_page32);
void prtos_lazy_update_page32(prtos_address_t p_addr, prtos_u32_t val)
	PRTOS_BIND(XM_lazy_update_page32);
prtos_s32_t prtos_set_page_type(prtos_address_t p_addr, prtos_u32_t type)
	PRTOS_BIND(XM_set_page_type);
void prtos_lazy_set_page_type(prtos_address_t p_addr, prtos_u32_t type)
	PRTOS_BIND(XM_lazy_set_page_type);
prtos_s32_t prtos_invld_tlb(prtos_address_t v_addr) PRTOS_BIND(XM_invld_tlb);
void prtos_lazy_invld_tlb(prtos_address_t v_addr) PRTOS_BIND(XM_lazy_invld_tlb);
prtos_s32_t prtos_x86_load_cr0(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr0);
prtos_s32_t prtos_amd64_load_cr0(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr0);
void prtos_lazy_x86_load_cr0(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr0);
void prtos_lazy_amd64_load_cr0(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr0);
prtos_s32_t prtos_x86_load_cr3(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr3);
prtos_s32_t prtos_amd64_load_cr3(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr3);
void prtos_lazy_x86_load_cr3(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr3);
void prtos_lazy_amd64_load_cr3(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr3);
prtos_s32_t prtos_x86_load_cr4(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr4);
prtos_s32_t prtos_amd64_load_cr4(prtos_word_t val) PRTOS_BIND(XM_x86_load_cr4);
void prtos_lazy_x86_load_cr4(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr4);
void prtos_lazy_amd64_load_cr4(prtos_word_t val) PRTOS_BIND(XM_lazy_x86_load_cr4);
prtos_s32_t prtos_x86_load_tss(void *tss) PRTOS_BIND(XM_x86_load_tss);
prtos_s32_t prtos_amd64_load_tss(void *tss) PRTOS_BIND(XM_x86_load_tss);
void prtos_lazy_x86_load_tss(void *tss) PRTOS_BIND(XM_lazy_x86_load_tss);
void prtos_lazy_amd64_load_tss(void *tss) PRTOS_BIND(XM_lazy_x86_load_tss);
prtos_s32_t prtos_x86_load_gdt(void *desc) PRTOS_BIND(XM_x86_load_gdt);
prtos_s32_t prtos_amd64_load_gdt(void *desc) PRTOS_BIND(XM_x86_load_gdt);
void prtos_lazy_x86_load_gdt(void *desc) PRTOS_BIND(XM_lazy_x86_load_gdt);
void prtos_lazy_amd64_load_gdt(void *desc) PRTOS_BIND(XM_lazy_x86_load_gdt);
prtos_s32_t prtos_x86_load_idtr(void *desc) PRTOS_BIND(XM_x86_load_idtr);
prtos_s32_t prtos_amd64_load_idtr(void *desc) PRTOS_BIND(XM_x86_load_idtr);
void prtos_lazy_x86_load_idtr(void *desc) PRTOS_BIND(XM_lazy_x86_load_idtr);
void prtos_lazy_amd64_load_idtr(void *desc) PRTOS_BIND(XM_lazy_x86_load_idtr);
prtos_s32_t prtos_x86_update_ss_sp(prtos_word_t ss, prtos_word_t sp, prtos_u32_t level)
	PRTOS_BIND(XM_x86_update_ss_sp);
prtos_s32_t prtos_amd64_update_ss_sp(prtos_word_t ss, prtos_word_t sp, prtos_u32_t level)
	PRTOS_BIND(XM_x86_update_ss_sp);
void prtos_lazy_x86_update_ss_sp(prtos_word_t ss, prtos_word_t sp, prtos_u32_t level)
	PRTOS_BIND(XM_lazy_x86_update_ss_sp);
void prtos_lazy_amd64_update_ss_sp(prtos_word_t ss, prtos_word_t sp, prtos_u32_t level)
	PRTOS_BIND(XM_lazy_x86_update_ss_sp);
prtos_s32_t prtos_x86_update_gdt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_x86_update_gdt);
prtos_s32_t prtos_amd64_update_gdt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_x86_update_gdt);
void prtos_lazy_x86_update_gdt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_lazy_x86_update_gdt);
void prtos_lazy_amd64_update_gdt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_lazy_x86_update_gdt);
prtos_s32_t prtos_x86_update_idt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_x86_update_idt);
prtos_s32_t prtos_amd64_update_idt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_x86_update_idt);
void prtos_lazy_x86_update_idt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_lazy_x86_update_idt);
void prtos_lazy_amd64_update_idt(prtos_s32_t entry, void *desc) PRTOS_BIND(XM_lazy_x86_update_idt);
void prtos_x86_set_if(void) PRTOS_BIND(XM_x86_set_if);
void prtos_amd64_set_if(void) PRTOS_BIND(XM_x86_set_if);
void prtos_x86_clear_if(void) PRTOS_BIND(XM_x86_clear_if);
void prtos_amd64_clear_if(void) PRTOS_BIND(XM_x86_clear_if);
prtos_s32_t prtos_flush_cache(prtos_u32_t caches) PRTOS_BIND(XM_flush_cache);
prtos_s32_t prtos_set_cache_state(prtos_u32_t caches) PRTOS_BIND(XM_set_cache_state);

/* ---- <xm/memory.h> --------------------------------------------------------------------------- */

prtos_s32_t prtos_memory_copy(prtos_id_t dst_id, prtos_address_t dst_addr, prtos_id_t src_id,
			      prtos_address_t src_addr, prtos_u_size_t size)
	PRTOS_BIND(XM_memory_copy);

/* ---- <xm/multicall.h> ------------------------------------------------------------------------ */

prtos_s32_t prtos_multicall(void *start, void *end) PRTOS_BIND(XM_multicall);
void prtos_lazy_hypercall(prtos_u32_t nr, prtos_s32_t argc, ...) PRTOS_BIND(XM_lazy_hypercall);
prtos_s32_t prtos_flush_hyp_batch(void) PRTOS_BIND(XM_flush_hyp_batch);

/* ---- <xm/params.h> --------------------------------------------------------------------------- */

partition_control_table_t *prtos_get_pct(void) PRTOS_BIND(XM_get_PCT);
partition_control_table_t *prtos_get_pct0(void) PRTOS_BIND(XM_get_PCT0);
struct prtos_physical_mem_map *prtos_get_partition_mmap(void) PRTOS_BIND(XM_get_partition_mmap);
prtos_word_t *prtos_get_commport_bitmap(void) PRTOS_BIND(XM_get_commport_bitmap);
prtos_id_t prtos_get_number_vcpus(void) PRTOS_BIND(XM_get_number_vcpus);

/* ---- <xm/partition.h> ------------------------------------------------------------------------ */

prtos_s32_t prtos_halt_partition(prtos_u32_t partition_id) PRTOS_BIND(XM_halt_partition);
prtos_s32_t prtos_suspend_partition(prtos_u32_t partition_id) PRTOS_BIND(XM_suspend_partition);
prtos_s32_t prtos_resume_partition(prtos_u32_t partition_id) PRTOS_BIND(XM_resume_partition);
prtos_s32_t prtos_reset_partition(prtos_u32_t partition_id, prtos_u32_t reset_mode,
				  prtos_u32_t status) PRTOS_BIND(XM_reset_partition);
prtos_s32_t prtos_shutdown_partition(prtos_u32_t partition_id) PRTOS_BIND(XM_shutdown_partition);
prtos_s32_t prtos_idle_self(void) PRTOS_BIND(XM_idle_self);
prtos_s32_t prtos_halt_system(void) PRTOS_BIND(XM_halt_system);
prtos_s32_t prtos_reset_system(prtos_u32_t reset_mode) PRTOS_BIND(XM_reset_system);

/* ---- <xm/ports.h> ---------------------------------------------------------------------------- */

prtos_s32_t prtos_create_sampling_port(char *port_name, prtos_u32_t max_msg_size,
				       prtos_u32_t direction, prtos_time_t valid_period)
	PRTOS_BIND(XM_create_sampling_port);
prtos_s32_t prtos_read_sampling_message(prtos_s32_t port, void *buffer, prtos_u32_t size,
					prtos_u32_t *flags) PRTOS_BIND(XM_read_sampling_message);
prtos_s32_t prtos_write_sampling_message(prtos_s32_t port, void *buffer, prtos_u32_t size)
	PRTOS_BIND(XM_write_sampling_message);
prtos_s32_t prtos_get_sampling_port_status(prtos_u32_t port, prtos_sampling_port_status_t *status)
	PRTOS_BIND(XM_get_sampling_port_status);
prtos_s32_t prtos_create_queuing_port(char *port_name, prtos_u32_t max_num_of_msgs,
				      prtos_u32_t max_msg_size, prtos_u32_t direction)
	PRTOS_BIND(XM_create_queuing_port);
prtos_s32_t prtos_send_queuing_message(prtos_s32_t port, void *buffer, prtos_u32_t size)
	PRTOS_BIND(XM_send_queuing_message);
prtos_s32_t prtos_receive_queuing_message(prtos_s32_t port, void *buffer, prtos_u32_t size)
	PRTOS_BIND(XM_receive_queuing_message);
prtos_s32_t prtos_get_queuing_port_status(prtos_u32_t port, prtos_queuing_port_status_t *status)
	PRTOS_BIND(XM_get_queuing_port_status);
prtos_s32_t prtos_get_sampling_port_info(char *port_name, prtos_sampling_port_info_t *info)
	PRTOS_BIND(XM_get_sampling_port_info);
prtos_s32_t prtos_get_queuing_port_info(char *port_name, prtos_queuing_port_info_t *info)
	PRTOS_BIND(XM_get_queuing_port_info);

/* ---- <xm/status.h> --------------------------------------------------------------------------- */

prtos_s32_t prtos_get_plan_status(prtos_plan_status_t *status) PRTOS_BIND(XM_get_plan_status);
prtos_s32_t prtos_set_partition_opmode(prtos_s32_t op_mode) PRTOS_BIND(XM_set_partition_opmode);
prtos_s32_t prtos_get_system_status(prtos_sys_status_t *status) PRTOS_BIND(XM_get_system_status);
prtos_s32_t prtos_get_partition_status(prtos_id_t partition_id, prtos_part_status_t *status)
	PRTOS_BIND(XM_get_partition_status);
prtos_s32_t prtos_get_vcpu_status(prtos_id_t vcpu, prtos_virtual_cpu_status_t *status)
	PRTOS_BIND(XM_get_vcpu_status);
prtos_s32_t prtos_get_partition_vcpu_status(prtos_id_t partition_id, prtos_id_t vcpu,
					    prtos_virtual_cpu_status_t *status)
	PRTOS_BIND(XM_get_partition_vcpu_status);
prtos_s32_t prtos_get_physpage_status(prtos_address_t address, prtos_phys_page_status_t *status)
	PRTOS_BIND(XM_get_physpage_status);
prtos_s32_t prtos_switch_sched_plan(prtos_u32_t new_plan, prtos_u32_t *old_plan)
	PRTOS_BIND(XM_switch_sched_plan);
prtos_s32_t prtos_get_gid_by_name(prtos_u8_t *name, prtos_u32_t entity)
	PRTOS_BIND(XM_get_gid_by_name);

/* ---- <xm/time.h> ----------------------------------------------------------------------------- */

prtos_s32_t prtos_get_time(prtos_u32_t clock, prtos_time_t *time) PRTOS_BIND(XM_get_time);
prtos_s32_t prtos_set_timer(prtos_u32_t clock, prtos_time_t abs_time, prtos_time_t interval)
	PRTOS_BIND(XM_set_timer);

/* ---- <xm/trace.h> ---------------------------------------------------------------------------- */

prtos_s32_t prtos_trace_open(prtos_id_t partition_id) PRTOS_BIND(XM_trace_open);
prtos_s32_t prtos_trace_event(prtos_u32_t bitmask, prtos_trace_event_t *event)
	PRTOS_BIND(XM_trace_event);
prtos_s32_t prtos_trace_read(prtos_s32_t stream, prtos_trace_event_t *event)
	PRTOS_BIND(XM_trace_read);
prtos_s32_t prtos_trace_seek(prtos_s32_t stream, prtos_s32_t offset, prtos_u32_t whence)
	PRTOS_BIND(XM_trace_seek);
prtos_s32_t prtos_trace_status(prtos_s32_t stream, prtos_trace_status_t *status)
	PRTOS_BIND(XM_trace_status);

/* ---- <xm/vcpu.h> ----------------------------------------------------------------------------- */

prtos_id_t prtos_get_vcpuid(void) PRTOS_BIND(XM_get_vcpuid);
prtos_s32_t prtos_halt_vcpu(prtos_u32_t vcpu) PRTOS_BIND(XM_halt_vcpu);
prtos_s32_t prtos_suspend_vcpu(prtos_u32_t vcpu) PRTOS_BIND(XM_suspend_vcpu);
prtos_s32_t prtos_resume_vcpu(prtos_u32_t vcpu) PRTOS_BIND(XM_resume_vcpu);
prtos_s32_t prtos_reset_vcpu(prtos_u32_t vcpu, prtos_address_t ptd_level_1_addr,
			     prtos_address_t entry, prtos_u32_t status) PRTOS_BIND(XM_reset_vcpu);

XM_END_DECLS

#endif
