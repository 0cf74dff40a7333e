// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which codes the interface documents for each operation in each profile.  Written by hand: must never
 * be taken from the table of operations, which it is there to be compared with.
 */

#include "tests/sim_codes.h"

#include <criterion/criterion.h>
#include <string.h>

/* One letter a code, as everywhere below; success is documented unless there is a '!'. */
static const struct {
	char letter;
	enum xm_code code;
} letters[] = {
	{ 'a', XM_C_NO_ACTION },      { 'u', XM_C_UNKNOWN_HYPERCALL }, { 'i', XM_C_INVALID_PARAM },
	{ 'p', XM_C_PERM_ERROR },     { 'c', XM_C_INVALID_CONFIG },    { 'v', XM_C_NOT_AVAILABLE },
	{ 'n', XM_C_OP_NOT_ALLOWED },
};

/* NULL: the profile does not have it. */
struct allowed {
	unsigned int op;
	const char *in_24, *in_26, *in_3x, *in_prtos;
};

#define SAME(op, codes)                                                                            \
	{                                                                                          \
		XM_OP_##op, codes, codes, codes, codes                                             \
	}
#define BY_FAMILY(op, two, three)                                                                  \
	{                                                                                          \
		XM_OP_##op, two, two, three, three                                                 \
	}
#define EACH(op, a, b, c, d)                                                                       \
	{                                                                                          \
		XM_OP_##op, a, b, c, d                                                             \
	}

static const struct allowed allowed[] = {
	BY_FAMILY(UNCLASSIFIED, "!ui", "!uin"),
	SAME(PARTITION_SELF, ""),
	SAME(GET_TIME, "i"),
	SAME(SET_TIMER, "i"),
	BY_FAMILY(HALT_PARTITION, "pi", "pia"),
	BY_FAMILY(SUSPEND_PARTITION, "pin", "pia"),
	BY_FAMILY(RESUME_PARTITION, "pi", "pia"),
	SAME(RESET_PARTITION, "pic"),
	SAME(SHUTDOWN_PARTITION, "pi"),
	SAME(IDLE_SELF, ""),
	SAME(HALT_SYSTEM, "p"),
	BY_FAMILY(RESET_SYSTEM, "p", "pi"),
	SAME(WRITE_CONSOLE, "pi"),
	/* Of what a console's device says there is the number -1, whatever it is called. */
	EACH(READ_CONSOLE, "piu", "pia", "!n", "!n"),
	EACH(SEEK_CONSOLE, "piu", "pia", "!n", "!n"),
	BY_FAMILY(CREATE_SAMPLING_PORT, "pic", "pica"),
	BY_FAMILY(CREATE_QUEUING_PORT, "pic", "pica"),
	SAME(READ_SAMPLING_MESSAGE, "pic"),
	SAME(WRITE_SAMPLING_MESSAGE, "pic"),
	SAME(GET_SAMPLING_PORT_STATUS, "pi"),
	BY_FAMILY(GET_SAMPLING_PORT_INFO, NULL, "pi"),
	BY_FAMILY(SEND_QUEUING_MESSAGE, "picv", "picn"),
	BY_FAMILY(RECEIVE_QUEUING_MESSAGE, "picv", "picn"),
	SAME(GET_QUEUING_PORT_STATUS, "pi"),
	BY_FAMILY(GET_QUEUING_PORT_INFO, NULL, "pi"),
	SAME(HM_READ, "pi"),
	/* No such whence is the number -1 in 2.x, and in traces everywhere. */
	EACH(HM_SEEK, "piu", "pia", "pi", "pi"),
	SAME(HM_STATUS, "pi"),
	BY_FAMILY(HM_LOCK_EVENTS, NULL, "pi"),
	BY_FAMILY(HM_UNLOCK_EVENTS, NULL, "pi"),
	BY_FAMILY(HM_RESET_EVENTS, NULL, "pi"),
	SAME(GET_SYSTEM_STATUS, "pi"),
	SAME(GET_PARTITION_STATUS, "pi"),
	SAME(GET_PLAN_STATUS, "pi"),
	EACH(SET_PARTITION_OPMODE, NULL, "pi", "pi", "pi"),
	BY_FAMILY(GET_VCPU_STATUS, NULL, "pi"),
	BY_FAMILY(GET_PHYSPAGE_STATUS, NULL, "pi"),
	BY_FAMILY(SWITCH_SCHED_PLAN, "pi", "pia"),
	BY_FAMILY(GET_GID_BY_NAME, NULL, "ic"),
	EACH(SET_SPARE_GUEST, NULL, "pi", NULL, NULL),
	EACH(GATHER_SPARE_DATA, "pi", NULL, NULL, NULL),
	EACH(SET_SPARE_PLAN, "pi", NULL, NULL, NULL),
	EACH(GET_SPARE_PLAN, "pi", NULL, NULL, NULL),
	SAME(TRACE_EVENT, "pi"),
	SAME(TRACE_UNRECOVERABLE, "pi"),
	SAME(TRACE_READ, "pi"),
	EACH(TRACE_SEEK, "piu", "pia", "pia", "pia"),
	SAME(TRACE_STATUS, "pi"),
	BY_FAMILY(TRACE_LOCK, NULL, "pi"),
	BY_FAMILY(TRACE_UNLOCK, NULL, "pi"),
	BY_FAMILY(TRACE_RESET, NULL, "pi"),
	SAME(MEMORY_COPY, "pi"),
	BY_FAMILY(SET_IRQMASK, NULL, ""),
	BY_FAMILY(CLEAR_IRQMASK, NULL, ""),
	BY_FAMILY(SET_IRQPEND, NULL, ""),
	BY_FAMILY(CLEAR_IRQPEND, NULL, ""),
	BY_FAMILY(ROUTE_IRQ, NULL, "i"),
	BY_FAMILY(MASK_HWIRQ, "pi", NULL),
	BY_FAMILY(UNMASK_HWIRQ, "pi", NULL),
	BY_FAMILY(RAISE_IPVI, NULL, "ia"),
	BY_FAMILY(RAISE_PARTITION_IPVI, "i", "ica"),
	SAME(UPDATE_PAGE32, "i"),
	BY_FAMILY(SET_PAGE_TYPE, "in", "ian"),
	BY_FAMILY(INVLD_TLB, NULL, ""),
	SAME(OVERRIDE_TRAP_HNDL, "i"),
	BY_FAMILY(RESET_VCPU, NULL, "i"),
	BY_FAMILY(HALT_VCPU, NULL, "ia"),
	BY_FAMILY(SUSPEND_VCPU, NULL, "ia"),
	BY_FAMILY(RESUME_VCPU, NULL, "ia"),
	BY_FAMILY(GET_VCPUID, NULL, ""),
	BY_FAMILY(WRITE_REGISTER32, "i", NULL),
	BY_FAMILY(WRITE_REGISTER64, "i", NULL),
	BY_FAMILY(IA32_UPDATE_SYS_STRUCT, "i", NULL),
	BY_FAMILY(IA32_SET_IDT_DESC, "i", NULL),
	BY_FAMILY(X86_LOAD_CR0, NULL, "i"),
	BY_FAMILY(X86_LOAD_CR3, NULL, "i"),
	BY_FAMILY(X86_LOAD_CR4, NULL, "i"),
	BY_FAMILY(X86_LOAD_TSS, NULL, "i"),
	BY_FAMILY(X86_LOAD_GDT, NULL, "i"),
	BY_FAMILY(X86_LOAD_IDTR, NULL, "i"),
	BY_FAMILY(X86_UPDATE_SS_SP, NULL, "i"),
	BY_FAMILY(X86_UPDATE_GDT, NULL, "i"),
	BY_FAMILY(X86_UPDATE_IDT, NULL, "i"),
	BY_FAMILY(X86_SET_IF, NULL, ""),
	BY_FAMILY(X86_CLEAR_IF, NULL, ""),
	EACH(RAISE_PARTITION_TRAP, NULL, NULL, NULL, "i"),
	SAME(GET_PARTITION_TABLE, "pi"),
	SAME(GET_PARTITION_MMAP, "pi"),
};

const char *sim_codes(unsigned int op, enum xm_profile profile)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		const char *const in[] = { NULL, allowed[i].in_24, allowed[i].in_26,
					   allowed[i].in_3x, allowed[i].in_prtos };

		if (allowed[i].op == op)
			return in[profile];
	}
	cr_assert_fail("nobody has said what %s may return", xm_ops[op].name);
	return NULL;
}

bool sim_may_return(unsigned int op, enum xm_profile profile, unsigned int code)
{
	const char *codes = sim_codes(op, profile);

	if (!codes)
		return code == XM_C_UNKNOWN_HYPERCALL;
	if (code == XM_C_OK)
		return !strchr(codes, '!');
	for (size_t i = 0; i < sizeof(letters) / sizeof(letters[0]); i++)
		if (letters[i].code == code)
			return strchr(codes, letters[i].letter);
	return false;
}
