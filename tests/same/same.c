// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One call made as XM_hcall(), as raw object call, by its function, as element of a multicall and
 * lazily: the same decision, the same record, the same result, the same bytes in memory.  Compiled
 * once a profile.
 */

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/same/inprocess.h"
#include "tests/same/random_call.h"
#include "tests/same/same.h"

#define LOG 65536

static uint8_t *arena;
static uint8_t before[ARENA], after[ARENA];
static char first_log[LOG];
static void *unmapped;

/* How a call ended. */
struct outcome {
	int32_t result;
	int error;
};

static struct random_call call;
static struct outcome first;

/* ---- the number of arguments, from the prototypes ------------------------------------------------------ */

static int argc_of(uint32_t number)
{
	switch (number) {
	case halt_system_nr:
	case idle_self_nr:
		return 0;
	case halt_partition_nr:
	case suspend_partition_nr:
	case resume_partition_nr:
	case shutdown_partition_nr:
	case reset_system_nr:
		return 1;
	case get_time_nr:
	case update_page32_nr:
	case set_page_type_nr:
	case override_trap_hndl_nr:
		return 2;
	case reset_partition_nr:
	case seek_object_nr:
	case ctrl_object_nr:
	case set_timer_nr:
		return 3;
	case read_object_nr:
	case write_object_nr:
		return 4;
#if XM_FAMILY == 2
	case mask_hwirq_nr:
	case unmask_hwirq_nr:
		return 1;
	case write_register32_nr:
	case raise_ipvi_nr:
	case ia32_set_idt_desc_nr:
		return 2;
	case ia32_update_sys_struct_nr:
		return 3;
	case write_register64_nr:
		return 4;
#if XM_PROFILE == XM_PROFILE_2_6
	case set_spare_guest_nr:
		return 3;
#endif
#else
	case get_vcpuid_nr:
	case x86_set_if_nr:
	case x86_clear_if_nr:
		return 0;
	case raise_ipvi_nr:
	case invld_tlb_nr:
	case halt_vcpu_nr:
	case suspend_vcpu_nr:
	case resume_vcpu_nr:
	case x86_load_cr0_nr:
	case x86_load_cr3_nr:
	case x86_load_cr4_nr:
	case x86_load_tss_nr:
	case x86_load_gdt_nr:
	case x86_load_idtr_nr:
		return 1;
	case clear_irqmask_nr:
	case set_irqmask_nr:
	case set_irqpend_nr:
	case clear_irqpend_nr:
	case raise_partition_ipvi_nr:
	case switch_sched_plan_nr:
	case get_gid_by_name_nr:
	case x86_update_gdt_nr:
	case x86_update_idt_nr:
		return 2;
	case route_irq_nr:
	case x86_update_ss_sp_nr:
		return 3;
	case reset_vcpu_nr:
		return 4;
#endif
	default:
		return -1;
	}
}

/* ---- ways ---------------------------------------------------------------------------------------------- */

static void report(const char *way, const char *what)
{
	cr_assert_fail("%s: %s differs: XM_hcall(%u, %#lx, %#lx, %#lx, %#lx, %#lx) = %d, errno "
		       "%d\n%s---\n%s",
		       way, what, call.number, call.word[0], call.word[1], call.word[2],
		       call.word[3], call.word[4], first.result, first.error, first_log,
		       inprocess_log());
}

static void reset(void)
{
	memcpy(arena, before, ARENA);
	errno = 0;
}

static struct outcome outcome(int32_t result)
{
	return (struct outcome){ result, result < 0 ? errno : 0 };
}

static void compare_record(const char *way)
{
	static char log[LOG];

	if (memcmp(arena, after, ARENA) != 0)
		report(way, "memory");
	snprintf(log, sizeof(log), "%s", inprocess_log());
	if (strcmp(log, first_log) != 0)
		cr_assert_fail("%s: the record differs for number %u:\n%s---\n%s", way, call.number,
			       first_log, log);
}

static void compare(const char *way, struct outcome o, struct outcome expected)
{
	if (o.result != expected.result || o.error != expected.error)
		report(way, "the result");
	compare_record(way);
}

static int32_t by_object(void)
{
	unsigned long *w = call.word;

	switch (call.number) {
	case read_object_nr:
		return XM_read_object((xmObjDesc_t)w[0], (void *)w[1], (xm_u32_t)w[2],
				      (xm_u32_t *)w[3]);
	case write_object_nr:
		return XM_write_object((xmObjDesc_t)w[0], (void *)w[1], (xm_u32_t)w[2],
				       (xm_u32_t *)w[3]);
	case seek_object_nr:
		return XM_seek_object((xmObjDesc_t)w[0], (xm_u32_t)w[1], (xm_u32_t)w[2]);
	default:
		return XM_ctrl_object((xmObjDesc_t)w[0], (xm_u32_t)w[1], (void *)w[2]);
	}
}

static bool is_object_call(void)
{
	return call.number >= read_object_nr && call.number <= ctrl_object_nr;
}

/* Status and create functions document one error for all but refusal. */
static struct outcome narrowed(struct outcome o)
{
	if (o.result >= 0 || o.result == XM_PERM_ERROR || o.result == XM_INVALID_MODE)
		return o;
	return (struct outcome){ XM_INVALID_PARAM, EINVAL };
}

/* By the object's function: false if there is none for these arguments. */
static bool by_port_function(xm_u32_t class, xm_u32_t id, struct outcome *op)
{
	unsigned long *w = call.word;
	xm_s32_t port = XM_FAMILY == 2 ? (xm_s32_t)w[0] : (xm_s32_t)id;
	void *p = (void *)w[1];
	xm_u32_t size = (xm_u32_t)w[2];

	if (call.number == read_object_nr && class == OBJ_CLASS_SAMPLING_PORT)
		*op = outcome(XM_read_sampling_message(port, p, size, (xm_u32_t *)w[3]));
	else if (call.number == write_object_nr && class == OBJ_CLASS_SAMPLING_PORT)
		*op = outcome(XM_write_sampling_message(port, p, size));
	else if (call.number == write_object_nr && class == OBJ_CLASS_QUEUING_PORT)
		*op = outcome(XM_send_queuing_message(port, p, size));
#if XM_FAMILY == 2
	else if (call.number == read_object_nr && class == OBJ_CLASS_QUEUING_PORT)
		*op = outcome(XM_receive_queuing_message(port, p, size, (xm_u32_t *)w[3]));
#else
	else if (call.number == read_object_nr && class == OBJ_CLASS_QUEUING_PORT && !w[3])
		*op = outcome(XM_receive_queuing_message(port, p, size));
#endif
	else if (call.number == ctrl_object_nr && (xm_u32_t)w[1] == XM_COMM_GET_PORT_STATUS)
		*op = class == OBJ_CLASS_SAMPLING_PORT
			      ? outcome(XM_get_sampling_port_status((xm_u32_t)port, (void *)w[2]))
			      : outcome(XM_get_queuing_port_status((xm_u32_t)port, (void *)w[2]));
	else
		return false;
	return true;
}

static bool by_object_function(struct outcome *op)
{
	unsigned long *w = call.word;
	xmObjDesc_t d = (xmObjDesc_t)w[0];
	xm_u32_t class = OBJDESC_GET_CLASS(d), id = OBJDESC_GET_ID(d);
	xm_u32_t partition = OBJDESC_GET_PARTITIONID(d);

	if (!OBJDESC_IS_VALID(d) || d != OBJDESC_BUILD(class, partition, id))
		return false;
	if ((class == OBJ_CLASS_SAMPLING_PORT || class == OBJ_CLASS_QUEUING_PORT) && partition == 0)
		return by_port_function(class, id, op);
	if (class == OBJ_CLASS_CONSOLE && partition == 0 && id == 0 && !w[3] &&
	    call.number == write_object_nr) {
		*op = outcome(XM_write_console((char *)w[1], (xm_s32_t)w[2]));
		return true;
	}
	if (class == OBJ_CLASS_HM && partition == XM_HYPERVISOR_ID && id == 0) {
		if (call.number == seek_object_nr)
			*op = outcome(XM_hm_seek((xm_s32_t)w[1], (xm_u32_t)w[2]));
		else if (call.number == ctrl_object_nr && (xm_u32_t)w[1] == XM_HM_GET_STATUS)
			*op = outcome(XM_hm_status((void *)w[2]));
		else
			return false;
		return true;
	}
	if (class == OBJ_CLASS_TRACE && id == 0 && call.number == seek_object_nr) {
		*op = outcome(XM_trace_seek((xm_s32_t)d, (xm_s32_t)w[1], (xm_u32_t)w[2]));
		return true;
	}
	if (class == OBJ_CLASS_STATUS && id == 0 && call.number == ctrl_object_nr &&
	    (xm_u32_t)w[1] == 0) {
#if XM_FAMILY == 2
		*op = partition == XM_HYPERVISOR_ID
			      ? outcome(XM_system_get_status((void *)w[2]))
			      : outcome(XM_partition_get_status(partition, (void *)w[2]));
#else
		*op = partition == XM_HYPERVISOR_ID
			      ? outcome(XM_get_system_status((void *)w[2]))
			      : outcome(XM_get_partition_status(partition, (void *)w[2]));
#endif
		return true;
	}
	return false;
}

static bool by_function(struct outcome *op)
{
	unsigned long *w = call.word;
	xm_u32_t a = (xm_u32_t)w[0], b = (xm_u32_t)w[1];

	if (is_object_call())
		return by_object_function(op);
	switch (call.number) {
	case get_time_nr:
		*op = outcome(XM_get_time(a, (void *)w[1]));
		return true;
	case set_timer_nr:
		*op = outcome(XM_set_timer(a, (xmTime_t)w[1], (xmTime_t)w[2]));
		return true;
	case halt_partition_nr:
		*op = outcome(XM_halt_partition(a));
		return true;
	case suspend_partition_nr:
		*op = outcome(XM_suspend_partition(a));
		return true;
	case resume_partition_nr:
		*op = outcome(XM_resume_partition(a));
		return true;
	case shutdown_partition_nr:
		*op = outcome(XM_shutdown_partition(a));
		return true;
	case reset_partition_nr:
		*op = outcome(XM_reset_partition(a, b, (xm_u32_t)w[2]));
		return true;
	case idle_self_nr:
		*op = outcome(XM_idle_self());
		return true;
	case halt_system_nr:
		*op = outcome(XM_halt_system());
		return true;
	case reset_system_nr:
		*op = outcome(XM_reset_system(a));
		return true;
#if XM_FAMILY == 2
	case raise_ipvi_nr:
		*op = outcome(XM_raise_ipvi(a, (xm_u8_t)b));
		return b <= 0xff;
	case mask_hwirq_nr:
		*op = outcome(XM_mask_hwirq(a));
		return true;
#else
	case set_irqmask_nr:
		*op = outcome(XM_set_irqmask(a, b));
		return true;
	case raise_partition_ipvi_nr:
		if (b > 0xff)
			return false;
		*op = outcome(XM_raise_partition_ipvi(a, (xm_u8_t)b));
		return true;
	case switch_sched_plan_nr:
		*op = outcome(XM_switch_sched_plan(a, (void *)w[1]));
		return true;
	case get_gid_by_name_nr:
		*op = outcome(XM_get_gid_by_name((void *)w[0], b));
		return true;
	case halt_vcpu_nr:
		*op = outcome(XM_halt_vcpu(a));
		return true;
	case get_vcpuid_nr:
		*op = outcome((int32_t)XM_get_vcpuid());
		return true;
#endif
	default:
		return false;
	}
}

static bool function_narrows(void)
{
	xm_u32_t class = OBJDESC_GET_CLASS((xmObjDesc_t)call.word[0]);

	return call.number == ctrl_object_nr &&
	       (class == OBJ_CLASS_SAMPLING_PORT || class == OBJ_CLASS_QUEUING_PORT);
}

/* What a batch of this one call returns. */
static void compare_batch(const char *way, int32_t ret, int error, const unsigned long *entry)
{
	int32_t in_entry = (int16_t)(entry ? entry[1] >> 16 : (unsigned long)first.result);
	int32_t wanted = (int16_t)first.result;

	if (argc_of(call.number) < 0) { /* malformed: nobody is asked */
		if (ret != XM_MULTICALL_ERROR || error != EBADMSG)
			report(way, "a malformed entry's answer");
		inprocess_log();
		return;
	}
	if (in_entry != wanted)
		report(way, "the entry's result");
	if (ret != XM_OK && ret != XM_PERM_ERROR && ret != XM_MULTICALL_ERROR)
		report(way, "the batch's result");
	if (strstr(first_log, "\"decision\":\"deny\"")
		    ? ret != (first.result == XM_PERM_ERROR ? XM_PERM_ERROR : XM_MULTICALL_ERROR)
		    : ret != XM_OK)
		report(way, "the batch's result");
	compare_record(way);
}

static void by_multicall(void)
{
	static unsigned long batch[8];
	int argc = argc_of(call.number);
	int n = argc < 0 ? 0 : argc;
	int32_t ret;

	batch[0] = call.number;
	batch[1] = (unsigned long)n;
	memcpy(batch + 2, call.word, (size_t)n * sizeof(batch[0]));
	reset();
	ret = XM_multicall(batch, batch + 2 + n);
	compare_batch("multicall", ret, errno, batch);
}

static void by_lazy(void)
{
	unsigned long *w = call.word;
	int argc = argc_of(call.number);
	int32_t ret;

	reset();
	XM_lazy_hypercall(call.number, argc < 0 ? 0 : argc, w[0], w[1], w[2], w[3], w[4]);
	ret = XM_flush_hyp_batch();
	compare_batch("lazy", ret, errno, NULL);
}

static void make_call(void)
{
	struct outcome o;

	fill_arena(before);
	/* Pointers within the arena are to the arena, where `before` is copied. */
	memcpy(arena, before, ARENA);
	for (size_t i = 0; i < 3072 / sizeof(unsigned long); i++) {
		unsigned long *word = (unsigned long *)(void *)before + i;

		if (*word == (unsigned long)(before + 3072))
			*word = (unsigned long)(arena + 3072);
	}
	reset();
	first = outcome(XM_hcall((int)call.number, call.word[0], call.word[1], call.word[2],
				 call.word[3], call.word[4]));
	snprintf(first_log, sizeof(first_log), "%s", inprocess_log());
	memcpy(after, arena, ARENA);
	if (is_object_call()) {
		reset();
		o = outcome(by_object());
		compare("object call", o, first);
	}
	reset();
	if (by_function(&o))
		compare("function", o, function_narrows() ? narrowed(first) : first);
	else
		inprocess_log();
	by_multicall();
	by_lazy();
}

unsigned long SAME_NAME(same_ways_)(unsigned long n, uint64_t seed)
{
	arena = random_arena(&unmapped);
	dice_state = seed;
	for (unsigned long i = 0; i < n; i++) {
		call = random_call(arena, unmapped);
		if (call.number != NR_HYPERCALLS)
			make_call();
	}
	munmap(arena, 2 * ARENA);
	return n;
}
