/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_CALL_H
#define LIBXM_CALL_H

/*
 * What the files that are compiled once a profile (-DXM_PROFILE) share: the profile's table, and
 * object calls whose descriptor is put together from parts.
 */

#include <errno.h>

#include <xm-linux.h>

#include "libxm/raw.h"

#if XM_PROFILE == XM_PROFILE_2_4
#define CALL_PROFILE (&raw_profile_2_4)
#elif XM_PROFILE == XM_PROFILE_2_6
#define CALL_PROFILE (&raw_profile_2_6)
#elif XM_PROFILE == XM_PROFILE_3_X
#define CALL_PROFILE (&raw_profile_3_x)
#else
#define CALL_PROFILE (&raw_profile_prtos)
#endif

#define N(number) ((uint64_t)(number))
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))
/* A 64-bit number, in as many words as it takes. */
#ifdef __LP64__
#define T(number) N(number)
#else
#define T(number) N((uint32_t)(number)), N((uint32_t)((uint64_t)(number) >> 32))
#endif

/* A raw call of this profile; the words that are not given are 0. */
#define CALL_WITH(flags, number, ...)                                                              \
	raw_call(CALL_PROFILE, number, (const uint64_t[RAW_WORDS]){ __VA_ARGS__ }, flags)
#define CALL(number, ...) CALL_WITH(0, number, __VA_ARGS__)
/* The same for a ctrl_object whose structure is the library's own. */
#define CALL_OWN(descriptor, command, structure)                                                   \
	CALL_WITH(RAW_OWN, ctrl_object_nr, N(descriptor), N(command), P(structure))

/*
 * The descriptor of an object.  Parts that do not fit into it must not turn it into that of another
 * object: they make it an invalid one, which the broker refuses as XM_INVALID_PARAM and records.
 */
static inline xmObjDesc_t call_descriptor(xm_u32_t class, xm_u64_t partition, xm_u32_t id)
{
	xmObjDesc_t descriptor = OBJDESC_BUILD(class, partition, id);

	return partition > OBJDESC_PARTITIONID_MASK || id > OBJDESC_ID_MASK
		       ? OBJDESC_SET_INVALID(descriptor)
		       : descriptor;
}

/*
 * Status and create calls document one code for whatever goes wrong.  A refusal and a lost broker stay
 * what they are.
 */
static inline xm_s32_t call_narrow_to(xm_s32_t result, xm_s32_t code)
{
	if (result >= 0 || result == XM_PERM_ERROR || result == XM_INVALID_MODE)
		return result;
	errno = code == XM_INVALID_CONFIG ? EDOM : EINVAL;
	return code;
}

static inline xm_s32_t call_narrow(xm_s32_t result)
{
	return call_narrow_to(result, XM_INVALID_PARAM);
}

/* A descriptor of another class would be another object's: the call must not mean that one. */
static inline xmObjDesc_t call_of_class(xm_u32_t class, xm_u32_t descriptor)
{
	return OBJDESC_GET_CLASS(descriptor) == class ? descriptor
						      : OBJDESC_SET_INVALID(descriptor);
}

/* What reading a record of a log returns, from the bytes that came. */
static inline xm_s32_t call_record(xm_s32_t result, size_t size)
{
	if (result < 0)
		return result;
#if XM_PROFILE == XM_PROFILE_2_4
	if ((size_t)result == size)
		return XM_OK;
	errno = EDOM;
	return XM_INVALID_CONFIG;
#else
	return result / (xm_s32_t)size;
#endif
}

#endif
