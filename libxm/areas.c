// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Memory areas of partitions, for the profile that this file is compiled for.  Addresses here are
 * physical; must never look at what is there.
 */

#include "libxm/call.h"

#if XM_FAMILY == 2

/* The object belongs to the other partition; a copy between two others is one that 2.x has not. */
xm_s32_t XM_memory_copy(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId, xmAddress_t srcAddr,
			xmSize_t size)
{
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	if (srcId == (xm_u32_t)self)
		return CALL(write_object_nr, N(call_descriptor(OBJ_CLASS_MEM, dstId, 0)),
			    N(srcAddr), N(size), N(dstAddr));
	if (dstId == (xm_u32_t)self)
		return CALL(read_object_nr, N(call_descriptor(OBJ_CLASS_MEM, srcId, 0)), N(dstAddr),
			    N(size), N(srcAddr));
	return CALL(read_object_nr,
		    N(OBJDESC_SET_INVALID(call_descriptor(OBJ_CLASS_MEM, srcId, 0))), N(dstAddr),
		    N(size), N(srcAddr));
}

xm_s32_t XM_memory_copy_swapped(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId,
				xmAddress_t srcAddr, xmSize_t size)
{
	return XM_memory_copy(dstId, srcAddr, srcId, dstAddr, size);
}

xm_s32_t XM_get_physmem_map(struct xmcMemoryArea *areas, xm_s32_t noAreas)
{
	union memCmd command = { .physMemMap = { areas, noAreas } };
	xm_s32_t self = xm_partition_self();

	if (self < 0)
		return self;
	return CALL_OWN(call_descriptor(OBJ_CLASS_MEM, (xm_u32_t)self, 0), XM_MEM_GET_PHYSMEMMAP,
			&command);
}

#else

xm_s32_t XM_memory_copy(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId, xmAddress_t srcAddr,
			xmSize_t size)
{
	union memCmd command = {
		.cpyArea = {
			.dstId = dstId,
			.dstAddr = dstAddr,
			.srcId = srcId,
			.srcAddr = srcAddr,
			.size = (xmSSize_t)size,
		},
	};

	return CALL_OWN(call_descriptor(OBJ_CLASS_MEM, 0, 0), XM_OBJ_MEM_CPY_AREA, &command);
}

#endif
