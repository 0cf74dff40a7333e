/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_OBJDESC_H
#define XM_OBJDESC_H

/*
 * Object descriptors and the classes of objects of the profile.
 *
 *   2.x   bit 31 invalid, 20..30 class, 10..19 partition, 0..9 identifier
 *   3.x   bit 31 invalid, 24..30 class, 20..23 virtual processor, 10..19 partition, 0..9 identifier
 *
 * The SET macros return a new descriptor.  A negative result of a call is not a descriptor: test
 * for it before any of these is applied.
 */

#include <xm/types.h>

#define OBJDESC_VALIDITY_BIT 31
#define OBJDESC_VALIDITY_MASK 0x1U
#define OBJDESC_PARTITIONID_BIT 10
#define OBJDESC_PARTITIONID_MASK 0x3ffU
#define OBJDESC_ID_BIT 0
#define OBJDESC_ID_MASK 0x3ffU

#if XM_FAMILY == 2
#define OBJDESC_CLASS_BIT 20
#define OBJDESC_CLASS_MASK 0x7ffU
#else
#define OBJDESC_CLASS_BIT 24
#define OBJDESC_CLASS_MASK 0x7fU
#define OBJDESC_VCPUID_BIT 20
#define OBJDESC_VCPUID_MASK 0xfU
#define OBJDESC_NODEID_BIT 20
#define OBJDESC_NODEID_MASK 0xfU
#endif

#define XM_OBJDESC_GET_(d, field) (((xmObjDesc_t)(d) >> field##_BIT) & field##_MASK)
#define XM_OBJDESC_PUT_(v, field) (((xmObjDesc_t)(v)&field##_MASK) << field##_BIT)
#define XM_OBJDESC_SET_(d, v, field)                                                               \
	(((xmObjDesc_t)(d) & ~(field##_MASK << field##_BIT)) | XM_OBJDESC_PUT_(v, field))

#define OBJDESC_IS_VALID(d) (!((xmObjDesc_t)(d) >> OBJDESC_VALIDITY_BIT))
#define OBJDESC_SET_INVALID(d) ((xmObjDesc_t)(d) | (OBJDESC_VALIDITY_MASK << OBJDESC_VALIDITY_BIT))
#define OBJDESC_SET_VALID(d) ((xmObjDesc_t)(d) & ~(OBJDESC_VALIDITY_MASK << OBJDESC_VALIDITY_BIT))

#define OBJDESC_GET_CLASS(d) XM_OBJDESC_GET_(d, OBJDESC_CLASS)
#define OBJDESC_GET_PARTITIONID(d) XM_OBJDESC_GET_(d, OBJDESC_PARTITIONID)
#define OBJDESC_GET_ID(d) XM_OBJDESC_GET_(d, OBJDESC_ID)
#define OBJDESC_SET_CLASS(d, v) XM_OBJDESC_SET_(d, v, OBJDESC_CLASS)
#define OBJDESC_SET_PARTITIONID(d, v) XM_OBJDESC_SET_(d, v, OBJDESC_PARTITIONID)
#define OBJDESC_SET_ID(d, v) XM_OBJDESC_SET_(d, v, OBJDESC_ID)
/* The macro parameters are not called "class", which C++ reserves. */
#define OBJDESC_BUILD(class_, partition_, id_)                                                     \
	(XM_OBJDESC_PUT_(class_, OBJDESC_CLASS) |                                                  \
	 XM_OBJDESC_PUT_(partition_, OBJDESC_PARTITIONID) | XM_OBJDESC_PUT_(id_, OBJDESC_ID))

#if XM_FAMILY == 3
#define OBJDESC_GET_VCPUID(d) XM_OBJDESC_GET_(d, OBJDESC_VCPUID)
#define OBJDESC_SET_VCPUID(d, v) XM_OBJDESC_SET_(d, v, OBJDESC_VCPUID)
#define OBJDESC_GET_NODEID(d) XM_OBJDESC_GET_(d, OBJDESC_NODEID)
#define OBJDESC_SET_NODEID(d, v) XM_OBJDESC_SET_(d, v, OBJDESC_NODEID)
#define OBJDESC_BUILD_VCPUID(class_, vcpu_, partition_, id_)                                       \
	(OBJDESC_BUILD(class_, partition_, id_) | XM_OBJDESC_PUT_(vcpu_, OBJDESC_VCPUID))
#define OBJDESC_BUILD_NODEID(class_, node_, partition_, id_)                                       \
	(OBJDESC_BUILD(class_, partition_, id_) | XM_OBJDESC_PUT_(node_, OBJDESC_NODEID))
#endif

#define OBJ_CLASS_NULL 0
#define OBJ_CLASS_CONSOLE 1
#define OBJ_CLASS_TRACE 2
#if XM_FAMILY == 2
#define OBJ_CLASS_DIRECTORY 3
#define OBJ_CLASS_SAMPLING_PORT 4
#define OBJ_CLASS_QUEUING_PORT 5
#define OBJ_CLASS_MEM 6
#define OBJ_CLASS_HM 7
#define OBJ_CLASS_STATUS 8
#define OBJ_CLASS_UART 9
#if XM_PROFILE == XM_PROFILE_2_4
#define OBJ_CLASS_SPARE 10
#define OBJ_NO_CLASSES 11
#else
#define OBJ_NO_CLASSES 10
#endif
#else
#define OBJ_CLASS_SAMPLING_PORT 3
#define OBJ_CLASS_QUEUING_PORT 4
#define OBJ_CLASS_MEM 5
#define OBJ_CLASS_HM 6
#define OBJ_CLASS_STATUS 7
#if XM_PROFILE == XM_PROFILE_3_X
#define OBJ_CLASS_TTNOC_PORT 8
#define OBJ_NO_CLASSES 9
#else
#define OBJ_NO_CLASSES 8
#endif
#endif

#endif
