/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_PARAMS_H
#define XM_PARAMS_H

/*
 * The tables of the own partition (xm/tables.h), and what else the hypervisor lays beside them.
 *
 * A process has a copy, one for each profile, which the library keeps and libXmParams points to: in
 * memory of its own, or where init_libxm() was told to.  Every accessor below fetches it anew; what
 * is read of it in between is as old as the last of them.  It holds what the system description and
 * the status of the partition tell: identifiers, versions, names, counters, the slot.  Where the
 * policy refuses that, it holds identifier, versions and the number of partitions, and zeroes.
 * Pending and masked interrupts and the registers of the processor are the kernel's, and always 0.
 * Nothing that a program writes there has an effect.
 *
 * For all calls here: they block for one or more exchanges with the broker, and the pointers that
 * they return stay valid for the life of the process.  The copy is shared by all threads: a thread
 * may read fields while another one fetches, and then finds some of them newer than the others.
 * After fork() a child has a copy of its own.  They set errno if the fetch failed, and never return
 * NULL.  They leave the pending batch of the thread alone (xm/multicall.h).
 */

#include <xm/codes.h>
#include <xm/tables.h>
#include <xm/types.h>
#if XM_FAMILY == 3
#include <xm/bitmap.h>
#endif

/* Where the copy is.  Set from the start; before the first fetch it holds zeroes. */
struct libXmParams {
	partitionControlTable_t *partCtrlTab;
#if XM_FAMILY == 2
	partitionInformationTable_t *partInfTab;
#else
	struct xmPhysicalMemMap *partMemMap;
	xmWord_t *commPortBitmap;
#endif
};

#if XM_FAMILY == 2
XM_ASSERT_SIZE(struct libXmParams, 8, 16);
XM_ASSERT_OFFSET(struct libXmParams, partCtrlTab, 0, 0);
XM_ASSERT_OFFSET(struct libXmParams, partInfTab, 4, 8);
#else
XM_ASSERT_SIZE(struct libXmParams, 12, 24);
#endif

XM_BEGIN_DECLS

extern struct libXmParams libXmParams XM_BIND(libXmParams);

#if XM_FAMILY == 2

/* The information table, fetched now.  Operation: XM_get_PCT.  Manual: Start-up and parameters. */
partitionInformationTable_t *XM_params_get_PIT(void) XM_BIND(XM_params_get_PIT);

/* The control table, fetched now.  Operation: XM_get_PCT.  Manual: Start-up and parameters. */
partitionControlTable_t *XM_params_get_PCT(void) XM_BIND(XM_params_get_PCT);

#else

/*
 * The control table of the virtual processor, fetched now: a process has the one of the first.
 * Operation: XM_get_PCT.  Manual: Start-up and parameters.
 */
partitionControlTable_t *XM_get_PCT(void) XM_BIND(XM_get_PCT);

/*
 * The control table of the first virtual processor, fetched now.  Operation: XM_get_PCT.
 * Manual: Start-up and parameters.
 */
partitionControlTable_t *XM_get_PCT0(void) XM_BIND(XM_get_PCT0);

/*
 * The memory areas of the partition, fetched now; XM_get_PCT()->noPhysicalMemAreas says how many.
 * Operation: XM_get_partition_mmap.  Manual: Start-up and parameters.
 */
struct xmPhysicalMemMap *XM_get_partition_mmap(void) XM_BIND(XM_get_partition_mmap);

/*
 * Which ports of the partition have news, fetched now: a bit for each of its ports, in the order of the
 * system description (xm/bitmap.h; noCommPorts of the control table says how many).  The library asks
 * the status of those ports that this process opened; the bits of others are 0, and all are if the
 * policy refuses XM_get_PCT.  Operation: XM_get_PCT, XM_get_sampling_port_status,
 * XM_get_queuing_port_status.  Manual: Start-up and parameters.
 */
xmWord_t *XM_get_commport_bitmap(void) XM_BIND(XM_get_commport_bitmap);

/*
 * How many virtual processors the partition has, fetched now; 0 if that failed.
 * Operation: XM_get_PCT.  Manual: Start-up and parameters.
 */
xmId_t XM_get_number_vcpus(void) XM_BIND(XM_get_number_vcpus);

#endif

XM_END_DECLS

#if XM_FAMILY == 3
/* The virtual processor that the control table is of. */
#define XM_VCPU_SELF ((XM_get_PCT()->id >> 8) & 0xff)
#endif

#endif
