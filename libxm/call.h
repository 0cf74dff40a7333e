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
#else
#define CALL_PROFILE (&raw_profile_3_x)
#endif

#define N(number) ((uint64_t)(number))
#define P(pointer) ((uint64_t)(uintptr_t)(pointer))

/* A raw call of this profile; the words that are not given are 0. */
#define CALL(number, ...)                                                                          \
	raw_call(CALL_PROFILE, number, (const uint64_t[RAW_WORDS]){ __VA_ARGS__ }, 0)
/* The same for a ctrl_object whose structure is the library's own. */
#define CALL_OWN(descriptor, command, structure)                                                   \
	raw_call(CALL_PROFILE, ctrl_object_nr,                                                     \
		 (const uint64_t[RAW_WORDS]){ N(descriptor), N(command), P(structure) }, RAW_OWN)

/*
 * The descriptor of an object.  Parts that do not fit into it must not turn it into that of another
 * object: they make it an invalid one, which the broker refuses as XM_INVALID_PARAM and records.
 */
static inline xmObjDesc_t call_descriptor(xm_u32_t class, xm_u32_t partition, xm_u32_t id)
{
	xmObjDesc_t descriptor = OBJDESC_BUILD(class, partition, id);

	return partition > OBJDESC_PARTITIONID_MASK || id > OBJDESC_ID_MASK
		       ? OBJDESC_SET_INVALID(descriptor)
		       : descriptor;
}

/*
 * Status and create calls document XM_INVALID_PARAM for whatever goes wrong.  A refusal and a lost
 * broker stay what they are.
 */
static inline xm_s32_t call_narrow(xm_s32_t result)
{
	if (result >= 0 || result == XM_PERM_ERROR || result == XM_INVALID_MODE)
		return result;
	errno = EINVAL;
	return XM_INVALID_PARAM;
}

#endif
