// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: pages, and what is asked of the processor. */

#include "tests/sim_rig.h"

#define DATA 0x4100000
#define WORK 0x6000000 /* of partition 1 */
#define PTDL1 1

TestSuite(sim_machine, .init = rig_traced, .fini = rig_close);

static uint8_t desc[2 * XM_WORD_BYTES];

#define DESC                                                                                       \
	{                                                                                          \
		.data = desc, .len = 2                                                             \
	}
#define SET_TYPE(p, address, type) CALL(p, SET_PAGE_TYPE, N(address), N(type))

static uint64_t page_type(uint32_t partition, uint64_t address)
{
	IS(OK, CALL(0, GET_PHYSPAGE_STATUS, N(partition), N(address), OUT));
	return word(2, XM_F_PHYSPAGE_STATUS_type);
}

Test(sim_machine, page_types)
{
	IS(NO_ACTION, SET_TYPE(0, DATA, 0));
	IS(OK, SET_TYPE(0, DATA + 8, PTDL1));
	IS(NO_ACTION, SET_TYPE(0, DATA + 4095, PTDL1));
	cr_assert_eq(page_type(0, DATA), PTDL1);
	cr_assert_eq(page_type(0, DATA + 4096), 0);
	IS(OK, SET_TYPE(0, DATA, 3));
	IS(OK, SET_TYPE(0, DATA, 0));
	cr_assert_eq(page_type(0, DATA), 0);
	IS(INVALID_PARAM, SET_TYPE(0, DATA, 4));
	IS(INVALID_PARAM, SET_TYPE(0, DATA, UINT32_MAX));
	IS(INVALID_PARAM, SET_TYPE(0, WORK, PTDL1));
	IS(INVALID_PARAM, SET_TYPE(0, 0, PTDL1));
}

Test(sim_machine, page_types_are_those_of_memory)
{
	IS(OK, SET_TYPE(0, 0x5000000, 2));
	cr_assert_eq(page_type(1, 0x5000000), 2); /* shared */
	CALL(0, RESET_SYSTEM, N(0));
	cr_assert_eq(page_type(0, 0x5000000), 0);
}

Test(sim_machine, entries_of_page_tables)
{
	uint8_t found[4];

	IS(OK, CALL(1, UPDATE_PAGE32, N(WORK + 0xffc), N(0x04030201)));
	sim_memory_read(rig.sim, WORK + 0xffc, found, 4);
	cr_assert_eq(memcmp(found, "\1\2\3\4", 4), 0);
	IS(INVALID_PARAM, CALL(1, UPDATE_PAGE32, N(WORK + 2), N(1)));
	IS(INVALID_PARAM, CALL(1, UPDATE_PAGE32, N(DATA), N(1)));
	IS(INVALID_PARAM, CALL(1, UPDATE_PAGE32, N(0), N(1)));
	IS(OK, CALL(1, INVLD_TLB, N(UINT64_MAX)));
}

Test(sim_machine, registers_and_descriptors)
{
	IS(OK, CALL(1, X86_LOAD_CR0, N(1)));
	IS(OK, CALL(1, X86_LOAD_CR3, N(WORK)));
	IS(OK, CALL(1, X86_LOAD_CR4, N(0)));
	IS(OK, CALL(1, X86_LOAD_TSS, N(0)));
	IS(OK, CALL(1, X86_LOAD_GDT, N(0)));
	IS(OK, CALL(1, X86_LOAD_IDTR, N(0)));
	IS(OK, CALL(1, X86_UPDATE_SS_SP, N(8), N(4096), N(0)));
	IS(OK, CALL(1, X86_UPDATE_GDT, N(31), DESC));
	IS(INVALID_PARAM, CALL(1, X86_UPDATE_GDT, N(32), DESC));
	IS(INVALID_PARAM, CALL(1, X86_UPDATE_GDT, N(0), NUL));
	IS(OK, CALL(1, X86_UPDATE_IDT, N(255), DESC));
	IS(INVALID_PARAM, CALL(1, X86_UPDATE_IDT, N(256), DESC));
	IS(INVALID_PARAM, CALL(1, X86_UPDATE_IDT, N(0), BAD));
}

Test(sim_machine, trap_handlers_are_taken_as_they_come)
{
	IS(OK, CALL(0, OVERRIDE_TRAP_HNDL, N(99), NUL));
	IS(OK, CALL(0, OVERRIDE_TRAP_HNDL, N(-1), DESC));
}

/* ---- tables that a partition would find in its memory --------------------------------------------- */

Test(sim_machine, partition_table)
{
	IS(OK, CALL(0, RESET_PARTITION, N(1), N(1), N(9)));
	IS(OK, CALL(1, GET_PARTITION_TABLE, N(1), OUT));
	cr_assert_eq(word(1, XM_F_PARTITION_TABLE_id), 1);
	cr_assert_eq(word(1, XM_F_PARTITION_TABLE_resetCounter), 1);
	cr_assert_eq(word(1, XM_F_PARTITION_TABLE_resetStatus), 9);
	cr_assert_eq(word(1, XM_F_PARTITION_TABLE_noPhysicalMemAreas), 2);
	cr_assert_eq(word(1, XM_F_PARTITION_TABLE_cpuKhz), 50000);
	IS(PERM_ERROR, CALL(0, GET_PARTITION_TABLE, N(1), NUL));
	IS(INVALID_PARAM, CALL(1, GET_PARTITION_TABLE, N(1), NUL));
}

Test(sim_machine, memory_map)
{
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(0), N(1), OUT, N(1)));
	cr_assert_eq(rig.reply.value, 1);
	cr_assert_eq(rig.reply.out[2].len, XM_NF_MEMORY_AREA);
	cr_assert_eq(word(2, XM_F_MEMORY_AREA_startAddr), DATA);
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(0), N(0), OUT, N(64)));
	cr_assert_eq(rig.reply.value, 3);
	cr_assert_eq(word(2, XM_F_MEMORY_AREA_mappedAt), 0x80000000);
	IS(OK, CALL(0, GET_PARTITION_MMAP, N(0), N(3), OUT, N(64)));
	cr_assert_eq(rig.reply.value, 0);
	IS(PERM_ERROR, CALL(0, GET_PARTITION_MMAP, N(1), N(0), OUT, N(1)));
	IS(INVALID_PARAM, CALL(0, GET_PARTITION_MMAP, N(0), N(0), NUL, N(1)));
	IS(INVALID_PARAM, CALL(0, GET_PARTITION_MMAP, N(0), N(0), OUT, N(0)));
	IS(INVALID_PARAM, CALL(0, GET_PARTITION_MMAP, N(0), N(0), OUT, N(65)));
}
