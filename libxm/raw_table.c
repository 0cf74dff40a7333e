// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * raw.def as data, for the profile that this file is compiled for (-DXM_PROFILE).  Constant; numbers
 * and offsets come from the public headers of the profile, so that they cannot differ from what
 * programs are compiled with.
 */

#include <stddef.h>

#include <xm.h>

#include "libxm/raw.h"

#define MEMBER_SIZE(type, member) sizeof(((type *)NULL)->member)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* clang-format off */
#define RAW_LAYOUT_BEGIN(id, type) typedef type type_##id; \
	static const struct raw_member members_##id[] = {
#define RAW_MEMBER(id, name, member) \
	{ .field = XM_F_##id##_##name, .bits = 8 * MEMBER_SIZE(type_##id, member), \
	  .size = MEMBER_SIZE(type_##id, member), .offset = offsetof(type_##id, member) },
#define RAW_MEMBER_BITS(id, name, from_, offset_, size_, shift_, bits_) \
	{ .field = XM_F_##id##_##name, .from = from_, .shift = shift_, .bits = bits_, \
	  .size = size_, .offset = offset_ },
#define RAW_LAYOUT_END(id, type) }; \
	static const struct raw_layout layout_##id = { sizeof(type), _Alignof(type), \
		COUNT(members_##id), members_##id };
#include "libxm/raw.def"

#define RAW_S_ABSENT { .kind = RAW_ABSENT }
#define RAW_S_WORD(n) { .kind = RAW_WORD, .word = n }
#define RAW_S_PARTITION { .kind = RAW_PARTITION }
#define RAW_S_ID { .kind = RAW_ID }
#define RAW_S_VCPU { .kind = RAW_VCPU }
#define RAW_S_NAME(n) { .kind = RAW_NAME, .word = n }
#define RAW_S_DATA(n) { .kind = RAW_DATA, .word = n }
#define RAW_S_IN_STRUCT(kind_, type, member) \
	{ .kind = kind_, .word = RAW_ARGUMENT, .size = MEMBER_SIZE(type, member), \
	  .offset = offsetof(type, member) }
#define RAW_S_FIELD(type, member) RAW_S_IN_STRUCT(RAW_FIELD, type, member)
#define RAW_S_NAME_FIELD(type, member) RAW_S_IN_STRUCT(RAW_NAME_FIELD, type, member)
#define RAW_S_OUT_FIELD(type, member) RAW_S_IN_STRUCT(RAW_OUT_FIELD, type, member)
#define RAW_S_OUT(n, type) \
	{ .kind = RAW_OUT, .word = n, .size = sizeof(type), .align = _Alignof(type) }
#define RAW_S_STRUCT(n, id) { .kind = RAW_STRUCT, .word = n, .layout = &layout_##id }
#define RAW_S_RECORDS(n, id) { .kind = RAW_RECORDS, .word = n, .layout = &layout_##id }
#define RAW_S_COUNT(n, id) { .kind = RAW_COUNT, .word = n, .layout = &layout_##id }

static const struct raw_row rows[] = {
#define RAW_HYPERCALL(number_, op_, result_) { .number = number_, .class = RAW_PLAIN, \
	.command = RAW_ANY, .hypervisor = RAW_ANY, .op = XM_OP_##op_, .result = result_, .align = 1, \
	.source = {
#define RAW_OBJECT(number_, class_, command_, hypervisor_, op_, result_, type) { .number = number_, \
	.class = OBJ_CLASS_##class_, .command = command_, .hypervisor = hypervisor_, \
	.op = XM_OP_##op_, .result = result_, .align = _Alignof(type), .source = {
#define RAW_ARG(op, argument, source) [XM_A_##op##_##argument] = source,
#define RAW_END } },
#include "libxm/raw.def"
};

static const struct raw_adaption adaptions[] = {
#define RAW_ADAPT(op, from, to) { XM_OP_##op, XM_C_##from, XM_C_##to },
#define RAW_ADAPT_ALL(from, to) { XM_N_OPS, XM_C_##from, XM_C_##to },
#include "libxm/raw.def"
};
/* clang-format on */

/* Codes that the profile lacks never get here: an adaption takes them away. */
static const int8_t codes[XM_N_CODES] = {
	[XM_C_OK] = XM_OK,
	[XM_C_UNKNOWN_HYPERCALL] = XM_UNKNOWN_HYPERCALL,
	[XM_C_INVALID_PARAM] = XM_INVALID_PARAM,
	[XM_C_PERM_ERROR] = XM_PERM_ERROR,
	[XM_C_INVALID_CONFIG] = XM_INVALID_CONFIG,
	[XM_C_INVALID_MODE] = XM_INVALID_MODE,
	[XM_C_OP_NOT_ALLOWED] = XM_OP_NOT_ALLOWED,
	[XM_C_MULTICALL_ERROR] = XM_MULTICALL_ERROR,
	[XM_C_UNKNOWN_OUTCOME] = XM_INVALID_MODE,
#if XM_PROFILE == XM_PROFILE_2_4
	[XM_C_NO_ACTION] = XM_OK,
	[XM_C_NOT_AVAILABLE] = XM_NOT_AVAILABLE,
#else
	[XM_C_NO_ACTION] = XM_NO_ACTION,
	[XM_C_NOT_AVAILABLE] = XM_OP_NOT_ALLOWED,
#endif
};

#if XM_PROFILE == XM_PROFILE_2_4
const struct raw_profile raw_profile_2_4 = {
	.id = XM_PROFILE_ID_2_4,
	.class_bits = 11,
	.vcpu_bits = 0,
	.checks_alignment = false,
#else
const struct raw_profile raw_profile_3_x = {
	.id = XM_PROFILE_ID_3_X,
	.class_bits = 7,
	.vcpu_bits = 4,
	.checks_alignment = true,
#endif
	.class_shift = OBJDESC_CLASS_BIT,
	.n_hypercalls = NR_HYPERCALLS,
	.n_classes = OBJ_NO_CLASSES,
	.codes = codes,
	.adaptions = adaptions,
	.n_adaptions = COUNT(adaptions),
	.rows = rows,
	.n_rows = COUNT(rows),
};
