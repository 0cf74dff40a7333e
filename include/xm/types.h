/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_TYPES_H
#define XM_TYPES_H

/*
 * The scalar types of the interface.  Those that every profile shares are in
 * <xm_inc/arch/arch_types.h>; those whose size depends on profile and word size are here.
 */

#include <xm/profile.h>
#include <xm_inc/arch/arch_types.h>

#if XM_FAMILY == 2
typedef xm_u32_t xmAddress_t;
typedef xm_u32_t xmSize_t;
typedef xm_s32_t xmSSize_t;
typedef volatile xm_u32_t xmAtomic_t;
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

#if XM_FAMILY == 3
typedef long xmLong_t;
#endif
/* Number of an input/output port of the processor. */
typedef xm_u16_t xmIoAddress_t;

#if XM_PROFILE == XM_PROFILE_PRTOS && defined(XM_WIDE_IDS)
XM_ASSERT(sizeof(xmId_t) == 8, "xmId_t: choose the profile before <xm_inc/arch/arch_types.h>");
#else
XM_ASSERT(sizeof(xmId_t) == 4, "xmId_t");
#endif
XM_ASSERT(sizeof(xm_u8_t) == 1 && sizeof(xm_u16_t) == 2 && sizeof(xm_u32_t) == 4, "unsigned types");
XM_ASSERT(sizeof(xm_s32_t) == 4 && sizeof(xm_s64_t) == 8 && sizeof(xmTime_t) == 8, "signed types");

/* The partition that means the hypervisor itself. */
#define XM_HYPERVISOR_ID 0xff
#define XM_SYSTEM_ID XM_HYPERVISOR_ID /* its older name */
#if XM_FAMILY == 3
/* The partition of XM_memory_copy() that means any address, unchecked. */
#define UNCHECKED_ID 0xff
#endif

#endif
