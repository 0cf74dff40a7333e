/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_MEMORY_H
#define XM_MEMORY_H

/*
 * Memory areas of partitions.
 *
 * For all calls here: they block for an exchange with the broker, are thread-safe, and are usable
 * after fork().  Every one may return XM_PERM_ERROR (EPERM) and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/memorytypes.h>
#include <xm/types.h>

XM_BEGIN_DECLS

/*
 * Copies memory from one partition to another: srcId:srcAddr to dstId:dstAddr.  Refused
 * (XM_PERM_ERROR, EPERM) unless the policy names the operation and its resource under @machine.
 *
 * @dstId, @srcId      0 to the number of partitions - 1; XM_HYPERVISOR_ID (3.x): any address
 * @dstAddr, @srcAddr  physical addresses; each range must lie in an area of its partition
 * @size               bytes
 *
 * A partition other than the own one takes a system partition.  The hypervisor's own library for
 * 2.x passed the two addresses exchanged, and programs exchange them to undo it: such a program is
 * compiled with -DXM_COMPAT_SWAPPED_COPY, and dstAddr and srcAddr then are what the original took
 * them for.
 *
 * Returns the number of bytes; XM_INVALID_PARAM (EINVAL): no such partition, outside of its areas,
 * or (2.x) neither partition is the own one.  Operation: XM_memory_copy.  Manual: Memory
 * management.
 */
#if XM_FAMILY == 2 && defined(XM_COMPAT_SWAPPED_COPY)
xm_s32_t XM_memory_copy(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId, xmAddress_t srcAddr,
			xmSize_t size) XM_BIND(XM_memory_copy_swapped);
#else
xm_s32_t XM_memory_copy(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId, xmAddress_t srcAddr,
			xmSize_t size) XM_BIND(XM_memory_copy);
#endif

#if XM_FAMILY == 2
/*
 * XM_memory_copy() with dstAddr and srcAddr exchanged, for XM_COMPAT_SWAPPED_COPY.
 * Operation: XM_memory_copy.  Manual: Memory management.
 */
xm_s32_t XM_memory_copy_swapped(xmId_t dstId, xmAddress_t dstAddr, xmId_t srcId,
				xmAddress_t srcAddr, xmSize_t size) XM_BIND(XM_memory_copy_swapped);

/*
 * The memory areas of the own partition, as the system description has them.
 *
 * @areas    out, not NULL unless @noAreas is 0; room for @noAreas structures
 * @noAreas  areas that there is room for; not negative
 *
 * Returns how many areas were stored; XM_INVALID_PARAM (EINVAL): negative, or a bad pointer.
 * Operation: XM_get_partition_mmap.  Manual: Memory management.
 */
xm_s32_t XM_get_physmem_map(struct xmcMemoryArea *areas, xm_s32_t noAreas)
	XM_BIND(XM_get_physmem_map);
#endif

XM_END_DECLS

#endif
