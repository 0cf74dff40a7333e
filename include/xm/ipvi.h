/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_IPVI_H
#define XM_IPVI_H

/*
 * Virtual interrupts that partitions raise at each other.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  Every one may return XM_INVALID_PARAM (EINVAL): no such interrupt or partition;
 * XM_PERM_ERROR (EPERM): not permitted; and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/types.h>
#include <xm/vtraps.h>

#define CONFIG_XM_MAX_IPVI 8

XM_BEGIN_DECLS

#if XM_FAMILY == 2
/*
 * Raises a virtual interrupt at one partition.
 *
 * @partitionId  0 to the number of partitions - 1
 * @ipvi         0 to 7
 *
 * Returns XM_OK.  Operation: XM_raise_partition_ipvi, to which the policy counts the interrupts
 * from 24 on.  Manual: Inter-partition virtual interrupts.
 */
xm_s32_t XM_raise_ipvi(xm_u32_t partitionId, xm_u8_t ipvi) XM_BIND(XM_raise_ipvi);
#else
/*
 * Raises a virtual interrupt at every partition that the system description says.
 *
 * @ipvi  XM_VT_EXT_IPVI0 to XM_VT_EXT_IPVI7: 24 to 31
 *
 * Returns XM_OK; XM_NO_ACTION (EALREADY): the description names no destination.
 * Operation: XM_raise_ipvi.  Manual: Inter-partition virtual interrupts.
 */
xm_s32_t XM_raise_ipvi(xm_u8_t ipvi) XM_BIND(XM_raise_ipvi);

/*
 * Raises a virtual interrupt at one of the partitions that the system description says.
 *
 * @partitionId  0 to the number of partitions - 1
 * @ipvi         24 to 31
 *
 * Returns XM_OK; XM_INVALID_CONFIG (EDOM): the description does not name that destination;
 * XM_NO_ACTION (EALREADY): pending there already.
 * Operation: XM_raise_partition_ipvi.  Manual: Inter-partition virtual interrupts.
 */
xm_s32_t XM_raise_partition_ipvi(xm_u32_t partitionId, xm_u8_t ipvi)
	XM_BIND(XM_raise_partition_ipvi);
#endif

XM_END_DECLS

#endif
