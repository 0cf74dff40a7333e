/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_MEMORYTYPES_H
#define XM_MEMORYTYPES_H

/* Memory areas as the profile describes them, and the command union of memory objects. */

#include <xm/types.h>

#define CONFIG_ID_STRING_LENGTH 16 /* a name with its NUL */

#if XM_FAMILY == 2

/* Flags of an area. */
#define XM_MEM_AREA_SHARED 0x1
#define XM_MEM_AREA_MAPPED 0x2
#define XM_MEM_AREA_WRITE 0x4
#define XM_MEM_AREA_ROM 0x8
#define XM_MEM_AREA_FLAG0 0x10
#define XM_MEM_AREA_FLAG1 0x20
#define XM_MEM_AREA_FLAG2 0x40
#define XM_MEM_AREA_FLAG3 0x80

/* Commands for XM_ctrl_object(). */
#define XM_MEM_GET_PHYSMEMMAP 1

struct xmcMemoryArea {
	xmAddress_t startAddr;
	xmSize_t size;  /* bytes */
	xm_u32_t flags; /* XM_MEM_AREA_* */
	xmAddress_t memoryRegionOffset;
};

union memCmd {
	struct {
		struct xmcMemoryArea *areas;
		xm_s32_t noAreas;
	} physMemMap;
};

XM_ASSERT_SIZE(struct xmcMemoryArea, 16, 16);
XM_ASSERT_OFFSET(struct xmcMemoryArea, startAddr, 0, 0);
XM_ASSERT_OFFSET(struct xmcMemoryArea, size, 4, 4);
XM_ASSERT_OFFSET(struct xmcMemoryArea, flags, 8, 8);
XM_ASSERT_OFFSET(struct xmcMemoryArea, memoryRegionOffset, 12, 12);
XM_ASSERT_SIZE(union memCmd, 8, 16);
XM_ASSERT_OFFSET(union memCmd, physMemMap.areas, 0, 0);
XM_ASSERT_OFFSET(union memCmd, physMemMap.noAreas, 4, 8);

#else

#define XM_MEM_AREA_SHARED 0x1
#define XM_MEM_AREA_UNMAPPED 0x2
#define XM_MEM_AREA_READONLY 0x4
#define XM_MEM_AREA_UNCACHEABLE 0x8
#define XM_MEM_AREA_ROM 0x10
#define XM_MEM_AREA_FLAG0 0x20
#define XM_MEM_AREA_FLAG1 0x40
#define XM_MEM_AREA_FLAG2 0x80
#define XM_MEM_AREA_FLAG3 0x100
#define XM_MEM_AREA_TAGGED 0x200 /* the area has a name */
#define XM_MEM_AREA_IOMMU 0x400

#define XM_OBJ_MEM_CPY_AREA 1

/* An area of the partition, as XM_get_partition_mmap() has them. */
struct xmPhysicalMemMap {
	xm_u8_t name[CONFIG_ID_STRING_LENGTH];
	xmAddress_t startAddr;
	xmAddress_t mappedAt;
	xmSize_t size;  /* bytes */
	xm_u32_t flags; /* XM_MEM_AREA_* */
};

/* An area in the compiled system description. */
struct xmcMemoryArea {
	xm_u32_t nameOffset;
	xmAddress_t startAddr;
	xmAddress_t mappedAt;
	xmSize_t size;
	xm_u32_t flags;
	xm_u32_t memoryRegionOffset;
};

union memCmd {
	struct {
		xmId_t dstId;
		xmAddress_t dstAddr;
		xmId_t srcId;
		xmAddress_t srcAddr;
		xmSSize_t size;
	} cpyArea;
};

XM_ASSERT_SIZE(struct xmPhysicalMemMap, 32, 48);
XM_ASSERT_OFFSET(struct xmPhysicalMemMap, name, 0, 0);
XM_ASSERT_OFFSET(struct xmPhysicalMemMap, startAddr, 16, 16);
XM_ASSERT_OFFSET(struct xmPhysicalMemMap, mappedAt, 20, 24);
XM_ASSERT_OFFSET(struct xmPhysicalMemMap, size, 24, 32);
XM_ASSERT_OFFSET(struct xmPhysicalMemMap, flags, 28, 40);
XM_ASSERT_SIZE(struct xmcMemoryArea, 24, 40);
XM_ASSERT_OFFSET(struct xmcMemoryArea, nameOffset, 0, 0);
XM_ASSERT_OFFSET(struct xmcMemoryArea, startAddr, 4, 8);
XM_ASSERT_OFFSET(struct xmcMemoryArea, mappedAt, 8, 16);
XM_ASSERT_OFFSET(struct xmcMemoryArea, size, 12, 24);
XM_ASSERT_OFFSET(struct xmcMemoryArea, flags, 16, 32);
XM_ASSERT_OFFSET(struct xmcMemoryArea, memoryRegionOffset, 20, 36);
XM_ASSERT_SIZE(union memCmd, 20, 40);
XM_ASSERT_OFFSET(union memCmd, cpyArea.dstId, 0, 0);
XM_ASSERT_OFFSET(union memCmd, cpyArea.dstAddr, 4, 8);
XM_ASSERT_OFFSET(union memCmd, cpyArea.srcId, 8, 16);
XM_ASSERT_OFFSET(union memCmd, cpyArea.srcAddr, 12, 24);
XM_ASSERT_OFFSET(union memCmd, cpyArea.size, 16, 32);

#endif

#endif
