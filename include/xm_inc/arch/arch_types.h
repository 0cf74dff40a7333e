/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_INC_ARCH_ARCH_TYPES_H
#define XM_INC_ARCH_ARCH_TYPES_H

/*
 * Scalar types that are the same in every profile.  Programs written for XtratuM 2.x include this
 * file before <xm.h> or <xm-linux.h>; it therefore must not choose a profile.  The one exception
 * that depends on a profile is xmId_t, for which -DXM_PROFILE or <prtos_inc/arch/arch_types.h> came
 * first.
 */

#ifdef XM_PROFILE
#include <xm/profile.h>
#endif

typedef unsigned char xm_u8_t;
typedef char xm_s8_t;
typedef unsigned short xm_u16_t;
typedef short xm_s16_t;
typedef unsigned int xm_u32_t;
typedef int xm_s32_t;
__extension__ typedef unsigned long long xm_u64_t;
__extension__ typedef long long xm_s64_t;

/* Microseconds, signed. */
typedef xm_s64_t xmTime_t;
/* Identifier of a partition, virtual processor or plan. */
#if defined(__aarch64__) || (defined(__riscv) && __riscv_xlen == 64) || defined(__loongarch64)
#define XM_WIDE_IDS 1
#endif
#if defined(XM_PROFILE) && defined(XM_WIDE_IDS) && XM_PROFILE == XM_PROFILE_PRTOS
typedef xm_u64_t xmId_t;
#else
typedef xm_u32_t xmId_t;
#endif
/* Object descriptor: class, partition and identifier in one word (xm/objdesc.h). */
typedef xm_u32_t xmObjDesc_t;

#endif
