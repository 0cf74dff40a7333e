/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TYPES_H
#define XM_TYPES_H

/*
 * The scalar types of the interface.  Those that every profile shares are in
 * <xm_inc/arch/arch_types.h>; those whose size depends on profile and word size are here.
 */

#include <xm/profile.h>
#include <xm_inc/arch/arch_types.h>

#if XM_PROFILE == XM_PROFILE_2_4
typedef xm_u32_t xmAddress_t;
typedef xm_u32_t xmSize_t;
typedef xm_s32_t xmSSize_t;
#elif defined(__LP64__)
typedef xm_u64_t xmAddress_t;
typedef xm_u64_t xmSize_t;
typedef xm_s64_t xmSSize_t;
typedef xm_u64_t xmWord_t;
#else
typedef xm_u32_t xmAddress_t;
typedef xm_u32_t xmSize_t;
typedef xm_s32_t xmSSize_t;
typedef xm_u32_t xmWord_t;
#endif

XM_ASSERT(sizeof(xm_u8_t) == 1 && sizeof(xm_u16_t) == 2 && sizeof(xm_u32_t) == 4, "unsigned types");
XM_ASSERT(sizeof(xm_s32_t) == 4 && sizeof(xm_s64_t) == 8 && sizeof(xmTime_t) == 8, "signed types");

/* The partition that means the hypervisor itself. */
#define XM_HYPERVISOR_ID 0xff

#endif
