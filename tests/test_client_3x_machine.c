// SPDX-License-Identifier: LGPL-2.1-or-later
/* The library as a 3.x program sees it: memory, interrupts, virtual processors, the processor. */

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/client_3x_rig.h"

TestSuite(client_3x, .init = client_setup, .fini = client_teardown, .timeout = 60);

Test(client_3x, memory_copy)
{
	union memCmd cmd = { .cpyArea = { 1, 0x1000, XM_HYPERVISOR_ID, 0x2000, -1 } };

	server->value = 64;
	cr_assert_eq(XM_memory_copy(1, (xmAddress_t)0x1234567000, 2, 0x2000, 64), 64);
	expect_op(XM_OP_MEMORY_COPY);
	expect_num(0, 1);
	expect_num(1, (xmAddress_t)0x1234567000);
	expect_num(2, 2);
	expect_num(3, 0x2000);
	expect_num(4, 64);
	XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_MEM, 7, 7), XM_OBJ_MEM_CPY_AREA, &cmd);
	expect_op(XM_OP_MEMORY_COPY);
	expect_num(2, XM_HYPERVISOR_ID);
	expect_num(4, (uint64_t)-1);
	server->code = XM_C_INVALID_PARAM;
	cr_assert_eq(XM_ctrl_object(OBJDESC_BUILD(OBJ_CLASS_MEM, 0, 0), XM_OBJ_MEM_CPY_AREA, NULL),
		     XM_INVALID_PARAM);
	expect_op(XM_OP_UNCLASSIFIED);
}

Test(client_3x, interrupts)
{
	cr_assert_eq(XM_raise_ipvi(24), XM_OK);
	expect_op(XM_OP_RAISE_IPVI);
	expect_num(0, 24);
	cr_assert_eq(XM_raise_partition_ipvi(1, 31), XM_OK);
	expect_op(XM_OP_RAISE_PARTITION_IPVI);
	expect_num(1, 31);
	cr_assert_eq(XM_set_irqmask(1, 2), XM_OK);
	expect_op(XM_OP_SET_IRQMASK);
	expect_num(1, 2);
	cr_assert_eq(XM_clear_irqmask(1, 2), XM_OK);
	expect_op(XM_OP_CLEAR_IRQMASK);
	cr_assert_eq(XM_set_irqpend(1, 2), XM_OK);
	expect_op(XM_OP_SET_IRQPEND);
	cr_assert_eq(XM_clear_irqpend(1, 2), XM_OK);
	expect_op(XM_OP_CLEAR_IRQPEND);
	cr_assert_eq(XM_route_irq(XM_EXTIRQ_TYPE, 31, 0xffff), XM_OK);
	expect_op(XM_OP_ROUTE_IRQ);
	expect_num(0, 2);
	expect_num(1, 31);
	expect_num(2, 0xffff);
	XM_x86_set_if();
	expect_op(XM_OP_X86_SET_IF);
	XM_x86_clear_if();
	expect_op(XM_OP_X86_CLEAR_IF);
	server->code = XM_C_NO_ACTION;
	cr_assert_eq(XM_raise_ipvi(24), XM_NO_ACTION);
}

Test(client_3x, virtual_processors)
{
	server->value = 3;
	cr_assert_eq(XM_get_vcpuid(), 3);
	expect_op(XM_OP_GET_VCPUID);
	cr_assert_eq(XM_halt_vcpu(1), XM_OK);
	expect_op(XM_OP_HALT_VCPU);
	expect_num(0, 1);
	cr_assert_eq(XM_suspend_vcpu(1), XM_OK);
	expect_op(XM_OP_SUSPEND_VCPU);
	cr_assert_eq(XM_resume_vcpu(1), XM_OK);
	expect_op(XM_OP_RESUME_VCPU);
	cr_assert_eq(XM_reset_vcpu(1, (xmAddress_t)0x123456789000, (xmAddress_t)-1, 7), XM_OK);
	expect_op(XM_OP_RESET_VCPU);
	expect_num(1, (xmAddress_t)0x123456789000);
	expect_num(2, (xmAddress_t)-1);
	expect_num(3, 7);
	server->code = XM_C_PERM_ERROR;
	cr_assert_eq((xm_s32_t)XM_get_vcpuid(), XM_PERM_ERROR);
}

Test(client_3x, processor)
{
	struct trapHandler handler = { 0x1234, (xmAddress_t)0x89abcdef01 };
	xm_u32_t desc[3] = { 0x11223344, 0x55667788, 0 };

	cr_assert_eq(XM_override_trap_hndl(14, &handler), XM_OK);
	expect_op(XM_OP_OVERRIDE_TRAP_HNDL);
	expect_num(0, 14);
	cr_expect_eq(field_in(1, XM_F_TRAP_HANDLER_cs), 0x1234);
	cr_expect_eq(field_in(1, XM_F_TRAP_HANDLER_ip), (xmAddress_t)0x89abcdef01);
	cr_assert_eq(XM_x86_update_gdt(5, desc), XM_OK);
	expect_op(XM_OP_X86_UPDATE_GDT);
	cr_expect_eq(field_in(1, XM_F_X86_DESCRIPTOR_low), 0x11223344);
	cr_expect_eq(field_in(1, XM_F_X86_DESCRIPTOR_high), 0x55667788);
	cr_assert_eq(XM_x86_update_idt(5, desc + 1), XM_OK);
	expect_op(XM_OP_X86_UPDATE_IDT);
	XM_x86_update_idt(5, (char *)desc + 2);
	expect_state(1, XM_ST_UNALIGNED);
	cr_assert_eq(XM_x86_update_ss_sp(1, 2, 3), XM_OK);
	expect_op(XM_OP_X86_UPDATE_SS_SP);
	expect_num(2, 3);
	cr_assert_eq(XM_x86_load_cr0((xmWord_t)-1), XM_OK);
	expect_op(XM_OP_X86_LOAD_CR0);
	expect_num(0, (xmWord_t)-1);
	XM_x86_load_cr3(1);
	expect_op(XM_OP_X86_LOAD_CR3);
	XM_x86_load_cr4(1);
	expect_op(XM_OP_X86_LOAD_CR4);
	/* Addresses are not looked at. */
	XM_x86_load_tss((void *)1);
	expect_op(XM_OP_X86_LOAD_TSS);
	expect_num(0, 1);
	XM_x86_load_gdt(desc);
	expect_op(XM_OP_X86_LOAD_GDT);
	expect_num(0, (uintptr_t)desc);
	XM_x86_load_idtr(NULL);
	expect_op(XM_OP_X86_LOAD_IDTR);
	expect_num(0, 0);
	XM_update_page32((xmAddress_t)0x1234567000, 1);
	expect_op(XM_OP_UPDATE_PAGE32);
	expect_num(0, (xmAddress_t)0x1234567000);
	XM_set_page_type(1, 2);
	expect_op(XM_OP_SET_PAGE_TYPE);
	XM_invld_tlb((xmAddress_t)-1);
	expect_op(XM_OP_INVLD_TLB);
	expect_num(0, (xmAddress_t)-1);
	server->code = XM_C_UNKNOWN_HYPERCALL;
	cr_assert_eq(XM_flush_cache(XM_DCACHE), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(XM_set_cache_state(XM_ICACHE), XM_UNKNOWN_HYPERCALL);
	cr_assert_eq(errno, ENOSYS);
}

/* What lies in desc is read when they run. */
static void make_lazy_calls(xm_u32_t desc[2])
{
	XM_lazy_update_page32(1, 2);
	XM_lazy_set_page_type(1, 2);
	XM_lazy_invld_tlb(1);
	XM_lazy_x86_load_cr0(1);
	XM_lazy_x86_load_cr3(1);
	XM_lazy_x86_load_cr4(1);
	XM_lazy_x86_load_tss(desc);
	XM_lazy_x86_load_gdt(desc);
	XM_lazy_x86_load_idtr(desc);
	XM_lazy_x86_update_ss_sp(1, 2, 3);
	XM_lazy_x86_update_gdt(-1, desc);
	XM_lazy_x86_update_idt(1, desc);
}

Test(client_3x, lazy_calls)
{
	static const unsigned int ops[] = {
		XM_OP_UPDATE_PAGE32,    XM_OP_SET_PAGE_TYPE,  XM_OP_INVLD_TLB,
		XM_OP_X86_LOAD_CR0,     XM_OP_X86_LOAD_CR3,   XM_OP_X86_LOAD_CR4,
		XM_OP_X86_LOAD_TSS,     XM_OP_X86_LOAD_GDT,   XM_OP_X86_LOAD_IDTR,
		XM_OP_X86_UPDATE_SS_SP, XM_OP_X86_UPDATE_GDT, XM_OP_X86_UPDATE_IDT,
	};
	static struct xm_request reqs[XM_BATCH_MAX];
	xm_u32_t desc[2] = { 1, 2 };

	make_lazy_calls(desc);
	cr_assert_eq(server->n_calls, 0);
	/* Neither of these runs the batch, the last one does. */
	XM_get_vcpuid();
	XM_set_timer(0, 0, 0);
	cr_assert_eq(server->n_batches, 0);
	XM_idle_self();
	cr_assert_eq(server->n_batches, 1);
	expect_op(XM_OP_IDLE_SELF);
	make_lazy_calls(desc);
	cr_assert_eq(XM_flush_hyp_batch(), XM_OK);
	cr_assert_eq(server_last_batch(server, reqs), 12);
	for (unsigned int i = 0; i < 12; i++)
		cr_expect_eq(reqs[i].op, ops[i], "call %u is %u", i, reqs[i].op);
	cr_expect_eq(xm_value_word(&reqs[10].arg[1], 1), 2);
}

/* The pending batch of a function of several steps fails it before its own call is made. */
Test(client_3x, a_failed_batch_fails_the_call)
{
	char buffer[8];

	server->refusals[0] = XM_C_PERM_ERROR;
	XM_lazy_invld_tlb(1);
	cr_assert_eq(XM_read_sampling_message(1, buffer, 8, NULL), XM_PERM_ERROR);
	cr_assert_eq(errno, EPERM);
	cr_assert_eq(server->n_calls, 1);
	cr_assert_eq(server->n_batches, 1);
	server->value = 0;
	cr_assert_eq(XM_read_sampling_message(1, buffer, 8, NULL), 0);
	cr_assert_eq(server->n_calls, 2);
}
