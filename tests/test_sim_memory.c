// SPDX-License-Identifier: LGPL-2.1-or-later
/* The simulated hypervisor: physical memory and copies of it. */

#include "tests/sim_rig.h"

#define HV XM_HYPERVISOR_ID
#define CODE 0x4000000           /* of partition 0, read-only, 1 MB */
#define DATA 0x4100000           /* right behind it, 1 MB */
#define WINDOW 0x5000000         /* shared with partition 1, 64 KB */
#define WORK 0x6000000           /* of partition 1, 1 MB */
#define BIG UINT64_C(0x80000000) /* of partition 3, 2047 MB */

TestSuite(sim_memory, .init = rig_traced, .fini = rig_close);

#define COPY(p, dst, to, src, from, n) CALL(p, MEMORY_COPY, N(dst), N(to), N(src), N(from), N(n))

static void put(uint64_t address, const char *text)
{
	cr_assert(sim_memory_write(rig.sim, address, text, strlen(text) + 1));
}

static void holds(uint64_t address, const char *text)
{
	char found[64];

	sim_memory_read(rig.sim, address, found, strlen(text) + 1);
	cr_assert_str_eq(found, text);
}

Test(sim_memory, is_zero_at_first)
{
	uint8_t bytes[8192];

	memset(bytes, 1, sizeof(bytes));
	sim_memory_read(rig.sim, DATA + 100, bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		cr_assert_eq(bytes[i], 0);
}

Test(sim_memory, own)
{
	put(DATA, "hello");
	IS(OK, COPY(0, 0, DATA + 64, 0, DATA, 6));
	cr_assert_eq(rig.reply.value, 6);
	holds(DATA + 64, "hello");
}

Test(sim_memory, of_others_with_the_right_to_manage)
{
	put(WORK + 5, "from afar");
	IS(OK, COPY(0, 0, DATA, 1, WORK + 5, 10));
	IS(OK, COPY(0, 2, 0x7000000, 0, DATA, 10));
	holds(0x7000000, "from afar");
	IS(OK, COPY(0, HV, 0xdead0000, 2, 0x7000000, 10));
	holds(0xdead0000, "from afar");
	IS(OK, COPY(1, 1, WINDOW, 1, WORK + 5, 10));
	IS(OK, COPY(0, 0, DATA, 0, WINDOW, 10)); /* shared: the same memory */
	holds(DATA, "from afar");
}

Test(sim_memory, others_need_the_right_to_manage)
{
	IS(PERM_ERROR, COPY(1, 0, DATA, 1, WORK, 4));
	IS(PERM_ERROR, COPY(1, 1, WORK, 0, DATA, 4));
	IS(PERM_ERROR, COPY(1, HV, DATA, 1, WORK, 4));
	IS(PERM_ERROR, COPY(1, 99, DATA, 99, WORK, 4));
	IS(OK, COPY(1, 1, WORK, 1, WORK + 8, 4));
}

Test(sim_memory, nothing_to_copy_is_never_wrong)
{
	IS(OK, COPY(1, 99, 0, 77, 0, 0));
	cr_assert_eq(rig.reply.value, 0);
	IS(OK, COPY(1, 99, 0, 77, 0, -1));
	cr_assert_eq(rig.reply.value, 0);
}

Test(sim_memory, identifiers_and_ranges)
{
	IS(INVALID_PARAM, COPY(0, 4, DATA, 0, DATA, 4));
	IS(INVALID_PARAM, COPY(0, 0, DATA, 4, DATA, 4));
	IS(INVALID_PARAM, COPY(0, 0, DATA, 1, DATA, 4)); /* not partition 1's */
	IS(INVALID_PARAM, COPY(0, 0, 0x1000, 0, DATA, 4));
	IS(INVALID_PARAM, COPY(0, 0, DATA, 0, 0x4200000 - 3, 4));
	IS(OK, COPY(0, 0, DATA, 0, 0x4200000 - 4, 4));
	IS(INVALID_PARAM, COPY(0, 0, DATA, 0, DATA - 2, 4)); /* of two areas */
	IS(INVALID_PARAM, COPY(0, 0, UINT64_MAX - 2, 0, DATA, 4));
	IS(INVALID_PARAM, COPY(0, HV, UINT64_MAX - 2, 0, DATA, 4));
	IS(OK, COPY(0, HV, UINT64_MAX - 3, 0, DATA, 4));
	IS(INVALID_PARAM, COPY(0, HV, 0, HV, 0, INT64_MAX));
	IS(INVALID_PARAM, COPY(0, HV, 0, HV, 0, INT64_C(0x80000000)));
}

Test(sim_memory, read_only_is_read_only)
{
	IS(INVALID_PARAM, COPY(0, 0, CODE, 0, DATA, 4));
	IS(OK, COPY(0, 0, DATA, 0, CODE, 4));
	IS(OK, COPY(0, HV, CODE, 0, DATA, 4)); /* as physical memory it is not checked */
}

Test(sim_memory, across_pages_at_any_offset)
{
	static char text[10000], found[10000];

	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)('a' + i % 23);
	cr_assert(sim_memory_write(rig.sim, DATA + 4000, text, sizeof(text)));
	IS(OK, COPY(0, 0, DATA + 0x20077, 0, DATA + 4000, sizeof(text)));
	sim_memory_read(rig.sim, DATA + 0x20077, found, sizeof(found));
	cr_assert_eq(memcmp(found, text, sizeof(text)), 0);
	/* and back over itself, both ways */
	IS(OK, COPY(0, 0, DATA + 0x20077 + 4097, 0, DATA + 0x20077, sizeof(text)));
	sim_memory_read(rig.sim, DATA + 0x20077 + 4097, found, sizeof(found));
	cr_assert_eq(memcmp(found, text, sizeof(text)), 0);
	IS(OK, COPY(0, 0, DATA + 0x20077 + 13, 0, DATA + 0x20077 + 4097, sizeof(text)));
	sim_memory_read(rig.sim, DATA + 0x20077 + 13, found, sizeof(found));
	cr_assert_eq(memcmp(found, text, sizeof(text)), 0);
}

Test(sim_memory, zeroes_overwrite)
{
	put(DATA, "text");
	IS(OK, COPY(0, 0, DATA, 0, CODE, 5));
	holds(DATA, "");
}

Test(sim_memory, untouched_memory_costs_nothing)
{
	IS(OK, COPY(0, HV, 0, 3, BIG, 2047 << 20));
	cr_assert_eq(rig.reply.value, 2047u << 20);
	put(DATA, "still room");
}

Test(sim_memory, is_bounded)
{
	static uint8_t page[4096] = { 1 };
	uint64_t at = BIG;

	for (uint32_t i = 0; i < SIM_MEMORY / sizeof(page); i++, at += sizeof(page))
		cr_assert(sim_memory_write(rig.sim, at, page, sizeof(page)));
	cr_assert_not(sim_memory_write(rig.sim, at, page, 1));
	IS(INVALID_PARAM, COPY(0, 0, DATA, 3, BIG, 4));
	IS(INVALID_PARAM, CALL(0, UPDATE_PAGE32, N(DATA), N(1)));
	IS(INVALID_PARAM, CALL(0, SET_PAGE_TYPE, N(DATA), N(1)));
	IS(OK, COPY(0, 3, BIG + 1, 3, BIG, 8192));
	IS(OK, COPY(0, 0, DATA, 0, CODE, 4)); /* zeroes to zeroes */
}

Test(sim_memory, outlives_a_reset_of_the_system)
{
	put(DATA, "kept");
	CALL(0, RESET_SYSTEM, N(1));
	holds(DATA, "kept");
}
