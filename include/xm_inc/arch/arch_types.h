/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_INC_ARCH_ARCH_TYPES_H
#define XM_INC_ARCH_ARCH_TYPES_H

/*
 * Scalar types that are the same in every profile.  Programs written for XtratuM 2.x include this
 * file before <xm.h> or <xm-linux.h>; it therefore must not choose a profile.
 */

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
typedef xm_u32_t xmId_t;
/* Object descriptor: class, partition and identifier in one word (xm/objdesc.h). */
typedef xm_u32_t xmObjDesc_t;

#endif
