/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef PRTOS_INC_ARCH_ARCH_TYPES_H
#define PRTOS_INC_ARCH_ARCH_TYPES_H

/* The scalar types of the interface by their PRTOS names; <xm/types.h> says what they are. */

#include <prtos/profile.h>
#include <xm/types.h>

typedef xm_u8_t prtos_u8_t;
typedef xm_s8_t prtos_s8_t;
typedef xm_u16_t prtos_u16_t;
typedef xm_s16_t prtos_s16_t;
typedef xm_u32_t prtos_u32_t;
typedef xm_s32_t prtos_s32_t;
typedef xm_u64_t prtos_u64_t;
typedef xm_s64_t prtos_s64_t;

typedef xmTime_t prtos_time_t;
typedef xmId_t prtos_id_t;
typedef xmObjDesc_t prtos_obj_desc_t;
typedef xmAddress_t prtos_address_t;
typedef xmSize_t prtos_u_size_t;
typedef xmSSize_t prtos_s_size_t;
typedef xmWord_t prtos_word_t;
typedef xmLong_t prtos_long_t;
typedef xmIoAddress_t prtos_io_address_t;

#endif
