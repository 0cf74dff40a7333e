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
/* As structures have it: ia32 aligns a 64-bit number to 4 bytes there. */
#define ALIGN(type) _Alignof(struct { type member; })
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Structures that the headers have no name for. */
typedef __typeof__(((union samplingPortCmd *)NULL)->create) raw_create_sampling;
typedef __typeof__(((union queuingPortCmd *)NULL)->create) raw_create_queuing;
struct raw_x86_descriptor {
	uint32_t low, high;
};

/* clang-format off */
#define RAW_LAYOUT_BEGIN(id, type) typedef type type_##id; \
	static const struct raw_member members_##id[] = {
#define RAW_MEMBER(id, name, member) \
	{ .field = XM_F_##id##_##name, .bits = 8 * MEMBER_SIZE(type_##id, member), \
	  .size = MEMBER_SIZE(type_##id, member), .offset = offsetof(type_##id, member) },
#define RAW_MEMBER_AS(id, name, from_, offset_, size_, shift_, bits_, convert_) \
	{ .field = XM_F_##id##_##name, .from = from_, .shift = shift_, .bits = bits_, \
	  .size = size_, .offset = offset_, .convert = convert_ },
#define RAW_MEMBER_BITS(id, name, from, offset, size, shift, bits) \
	RAW_MEMBER_AS(id, name, from, offset, size, shift, bits, RAW_AS_IS)
#define RAW_LAYOUT(id, type, checksum_) }; \
	static const struct raw_layout layout_##id = { .size = sizeof(type), \
		.checksum = checksum_, .align = ALIGN(type), .n_members = COUNT(members_##id), \
		.members = members_##id };
#define RAW_LAYOUT_END(id, type) RAW_LAYOUT(id, type, 0)
#define RAW_LAYOUT_END_SUM(id, type, checksum) RAW_LAYOUT(id, type, offsetof(type, checksum))
#define RAW_LAYOUT_ALL(id, type) \
	static const struct raw_layout layout_ALL_##id = { .size = sizeof(type), \
		.align = ALIGN(type), .n_members = XM_NF_##id };
#include "libxm/raw.def"

#define RAW_S_ABSENT { .kind = RAW_ABSENT }
#define RAW_S_WORD(n) { .kind = RAW_WORD, .word = n }
#define RAW_S_WORD_BITS(n, bits_) { .kind = RAW_WORD_BITS, .word = n, .bits = bits_ }
#define RAW_S_WORD_PLUS(n, type, add) \
	{ .kind = RAW_WORD, .word = n, .size = sizeof(type), .value = add }
#define RAW_S_WORD_OF(n, type) RAW_S_WORD_PLUS(n, type, 0)
#ifdef __LP64__
#define RAW_S_TIME(n, narrow) { .kind = RAW_WORD, .word = n }
#else
#define RAW_S_TIME(n, narrow) { .kind = RAW_WIDE, .word = narrow }
#endif
#define RAW_S_CONSTANT(n) { .kind = RAW_CONSTANT, .value = n }
#define RAW_S_SELF { .kind = RAW_SELF }
#define RAW_S_PARTITION { .kind = RAW_PARTITION }
#define RAW_S_ID { .kind = RAW_ID }
#define RAW_S_VCPU { .kind = RAW_VCPU }
#define RAW_S_NAME(n) { .kind = RAW_NAME, .word = n }
#define RAW_S_DATA(n) { .kind = RAW_DATA, .word = n }
#define RAW_S_IN(kind_, type, member) \
	{ .kind = kind_, .size = MEMBER_SIZE(type, member), .offset = offsetof(type, member) }
#define RAW_S_FIELD(type, member) RAW_S_IN(RAW_FIELD, type, member)
#define RAW_S_NAME_FIELD(type, member) RAW_S_IN(RAW_NAME_FIELD, type, member)
#define RAW_S_OUT_FIELD(type, member) RAW_S_IN(RAW_OUT_FIELD, type, member)
#define RAW_S_COUNT_FIELD(type, member) RAW_S_IN(RAW_COUNT_FIELD, type, member)
#define RAW_S_COUNT_INOUT(type, member) RAW_S_IN(RAW_COUNT_INOUT, type, member)
#define RAW_S_BITS(offset_, size_, shift_, bits_) \
	{ .kind = RAW_FIELD, .size = size_, .offset = offset_, .shift = shift_, .bits = bits_ }
#define RAW_S_POINTED(n, type) \
	{ .kind = RAW_POINTED, .word = n, .size = sizeof(type), .align = ALIGN(type) }
#define RAW_S_OUT(n, type) \
	{ .kind = RAW_OUT, .word = n, .size = sizeof(type), .align = ALIGN(type) }
#define RAW_S_STRUCT_IN(id) { .kind = RAW_STRUCT_IN, .layout = &layout_##id }
#define RAW_S_RECORDS_IN(type, member, id) \
	{ .kind = RAW_RECORDS_IN, .size = sizeof(void *), .offset = offsetof(type, member), \
	  .layout = &layout_##id }
#define RAW_S_STRUCT(n, id) { .kind = RAW_STRUCT, .word = n, .layout = &layout_##id }
#define RAW_S_RECORDS(n, id) { .kind = RAW_RECORDS, .word = n, .layout = &layout_##id }
#define RAW_S_RECORDS_FIELD(type, member, id) \
	{ .kind = RAW_RECORDS_FIELD, .size = sizeof(void *), .offset = offsetof(type, member), \
	  .layout = &layout_##id }
#define RAW_S_COUNT_MOST(n, id, most) \
	{ .kind = RAW_COUNT, .word = n, .value = most, .layout = &layout_##id }
#define RAW_S_COUNT(n, id) RAW_S_COUNT_MOST(n, id, XM_MAX_RECORDS)
#define RAW_S_COUNT_ONE(n, id) RAW_S_COUNT_MOST(n, id, 1)

static const struct raw_row rows[] = {
#define RAW_ROW(number_, class_, command_, hypervisor_, op_, result_, word_, align_, flags_) \
	{ .number = number_, .class = class_, .command = command_, .hypervisor = hypervisor_, \
	  .op = XM_OP_##op_, .result = result_, .word = word_, .align = align_, .flags = flags_, \
	  .source = {
#define RAW_HYPERCALL(number, op, result) \
	RAW_ROW(number, RAW_PLAIN, RAW_ANY, RAW_ANY, op, result, 0, 1, 0)
#define RAW_HYPERCALL_READS(number, op, result, word, type) \
	RAW_ROW(number, RAW_PLAIN, RAW_ANY, RAW_ANY, op, result, word, ALIGN(type), 0)
#define RAW_OBJECT_READS(number, class, command, hypervisor, op, result, word, type, flags) \
	RAW_ROW(number, OBJ_CLASS_##class, command, hypervisor, op, result, word, ALIGN(type), flags)
#define RAW_OBJECT(number, class, command, hypervisor, op, result, type) \
	RAW_OBJECT_READS(number, class, command, hypervisor, op, result, RAW_ARGUMENT, type, 0)
#define RAW_ARG(op, argument, source) [XM_A_##op##_##argument] = source,
#define RAW_END } },
#define RAW_END_SELECT(op, argument, value) \
	}, .select = XM_A_##op##_##argument, .selected = value },
#include "libxm/raw.def"
};

static const struct raw_argc argcs[NR_HYPERCALLS] = {
#define RAW_ARGC(number, min, max) [number] = { min, max },
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
#if XM_FAMILY == 2
	[XM_C_NO_ACTION] = -1, /* which 2.4 calls XM_UNKNOWN_HYPERCALL */
	[XM_C_NOT_AVAILABLE] = XM_NOT_AVAILABLE,
#else
	[XM_C_NO_ACTION] = XM_NO_ACTION,
	[XM_C_NOT_AVAILABLE] = XM_OP_NOT_ALLOWED,
#endif
};

/*
 * Events of the health monitor that have no counterpart become the nearest: 2.x has one error of the
 * hypervisor itself and counts that of a partition's arithmetic among those of the processor, PRTOS
 * has no watchdog.  Those of the processor are the last ones and in the same order everywhere.
 */
#define ONLY_2_X 0x100 /* with the number in 2.x added: an event that only 2.x has */

static uint32_t hm_event(uint32_t event)
{
#if XM_FAMILY == 2
	static const uint8_t generic[] = {
		XM_HM_EV_INTERNAL_ERROR,  XM_HM_EV_INTERNAL_ERROR,  XM_HM_EV_PARTITION_ERROR,
		XM_HM_EV_WATCHDOG_TIMER,  XM_HM_EV_IA32_MATH_FAULT, XM_HM_EV_MEM_PROTECTION,
		XM_HM_EV_UNEXPECTED_TRAP,
	};

	if (event >= ONLY_2_X && event - ONLY_2_X < XM_HM_MAX_GENERIC_EVENTS)
		return event - ONLY_2_X;
	return event < COUNT(generic) ? generic[event] : event + 3;
#elif XM_PROFILE == XM_PROFILE_PRTOS
	if (event < 3)
		return event;
	return event == 3 ? XM_HM_EV_PARTITION_ERROR : event - 1;
#else
	return event;
#endif
}

/* 2.x says what 3.x says the absence of. */
static uint32_t area_flags(uint32_t flags)
{
#if XM_FAMILY == 2
	return (flags & XM_MEM_AREA_SHARED) | (flags & 0x2 ? 0 : XM_MEM_AREA_MAPPED) |
	       (flags & 0x4 ? 0 : XM_MEM_AREA_WRITE) | (flags & 0x10 ? XM_MEM_AREA_ROM : 0) |
	       (flags >> 1 & 0xf0); /* FLAG0 to FLAG3 */
#else
	return flags;
#endif
}

#if XM_PROFILE == XM_PROFILE_2_4
const struct raw_profile raw_profile_2_4 = {
	.id = XM_PROFILE_ID_2_4,
#elif XM_PROFILE == XM_PROFILE_2_6
const struct raw_profile raw_profile_2_6 = {
	.id = XM_PROFILE_ID_2_6,
#elif XM_PROFILE == XM_PROFILE_3_X
const struct raw_profile raw_profile_3_x = {
	.id = XM_PROFILE_ID_3_X,
#else
const struct raw_profile raw_profile_prtos = {
	.id = XM_PROFILE_ID_PRTOS,
#endif
#if XM_FAMILY == 2
	.class_bits = 11,
	.vcpu_bits = 0,
	.checks_alignment = false,
#else
	.class_bits = 7,
	.vcpu_bits = 4,
	.checks_alignment = true,
#endif
#if XM_PROFILE == XM_PROFILE_PRTOS
	.last_number = raise_partition_trap_nr,
#else
	.last_number = NR_HYPERCALLS, /* the own partition */
#endif
	.class_shift = OBJDESC_CLASS_BIT,
	.n_hypercalls = NR_HYPERCALLS,
	.n_classes = OBJ_NO_CLASSES,
	.hm_event = hm_event,
	.area_flags = area_flags,
	.codes = codes,
	.adaptions = adaptions,
	.n_adaptions = COUNT(adaptions),
	.argcs = argcs,
	.rows = rows,
	.n_rows = COUNT(rows),
};
