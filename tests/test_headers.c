// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the public headers compute themselves: bits, versions, descriptors, and PRTOS's names. */

#include <criterion/criterion.h>
#include <string.h>

#include <prtos.h>

#define N_BITS 100

Test(headers, bits_beyond_the_32nd)
{
	xmWord_t map[2] = { 0 };

	xmSetBit(map, 33, N_BITS);
	xmSetBit(map, 99, N_BITS);
	cr_assert_eq(map[0], (xmWord_t)1 << 33);
	cr_assert_eq(map[1], (xmWord_t)1 << 35);
	cr_assert_eq(xmIsBitSet(map, 33, N_BITS), 1);
	cr_assert_eq(xmIsBitSet(map, 1, N_BITS), 0);
	cr_assert_eq(xmIsBitSet(map, 99, N_BITS), 1);
	xmClearBit(map, 33, N_BITS);
	cr_assert_eq(map[0], 0);
	cr_assert_eq(map[1], (xmWord_t)1 << 35);
}

Test(headers, a_bit_out_of_range_is_left_alone)
{
	xmWord_t map[3] = { 0, 0, 0x5a };

	xmSetBit(map, -1, N_BITS);
	xmSetBit(map, N_BITS, N_BITS);
	xmSetBit(map, 128, N_BITS);
	cr_assert_eq(map[0] | map[1], 0);
	xmClearBit(map, 129, N_BITS);
	cr_assert_eq(map[2], 0x5a);
	cr_assert_eq(xmIsBitSet(map, -1, N_BITS), -1);
	cr_assert_eq(xmIsBitSet(map, N_BITS, N_BITS), -1);
}

Test(headers, whole_bitmaps)
{
	xmWord_t map[3] = { 0, 0, 0x5a };

	xmSetBitmap(map, N_BITS);
	cr_assert_eq(map[0] & map[1], ~(xmWord_t)0);
	xmClearBitmap(map, N_BITS);
	cr_assert_eq(map[0] | map[1], 0);
	xmSetBitmap(map, 128);
	xmClearBitmap(map, 0);
	cr_assert_eq(map[0] & map[1], ~(xmWord_t)0);
	cr_assert_eq(map[2], 0x5a);
}

Test(headers, versions)
{
	cr_assert_eq(XM_SET_VERSION(3, 7, 3), 0x030703);
	cr_assert_eq(XM_GET_VERSION(0x030702), 3);
	cr_assert_eq(XM_GET_SUBVERSION(0x030702), 7);
	cr_assert_eq(XM_GET_REVISION(0x030702), 2);
	cr_assert_eq(PRTOS_PROFILE_VERSION, 0x010000);
}

Test(headers, descriptors_of_expressions)
{
	xmObjDesc_t d = OBJDESC_BUILD_VCPUID(OBJ_CLASS_STATUS, 1 | 2, 4 + 1, 3);

	cr_assert_eq(d, 7U << 24 | 3U << 20 | 5U << 10 | 3U);
	cr_assert_eq(OBJDESC_GET_PARTITIONID(d | 1U << 31), 5);
	cr_assert_eq(OBJDESC_SET_ID(d, 0x400), d - 3);
	cr_assert(!OBJDESC_IS_VALID(OBJDESC_SET_INVALID(d)));
}

Test(headers, prtos_is_another_name_of_the_same)
{
	prtos_hm_log_t log = { .op_code_lo = 7, .payload = { 1, 2, 3, 4 } };
	xmHmLog_t same;

	memcpy(&same, &log, sizeof(same));
	cr_assert_eq(same.opCodeL, 7);
	cr_assert_eq(same.payload[3], 4);
	cr_assert_eq(PRTOS_HM_EV_MEM_PROTECTION, 4);
	cr_assert_eq(PRTOS_HM_EV_X86_DIVIDE_ERROR, 6);
	cr_assert_eq(PRTOS_HM_MAX_EVENTS, 26);
}
