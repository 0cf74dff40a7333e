/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XM_SPARE_H
#define XM_SPARE_H

/*
 * Time that plans leave spare (2.x).  A partition with the spare-host flag lends it to others: in
 * 2.4 by a plan within its own slots, in 2.6 call by call.
 *
 * For all calls here: they block for one exchange with the broker, are thread-safe, and are usable
 * after fork().  Every one may return XM_PERM_ERROR (EPERM): not permitted, or the own partition is
 * no spare host; XM_INVALID_PARAM (EINVAL); and XM_INVALID_MODE.
 */

#include <xm/codes.h>
#include <xm/types.h>

#if XM_PROFILE == XM_PROFILE_2_4

/* Commands for XM_ctrl_object(), of class OBJ_CLASS_SPARE. */
#define XM_GATHER_SPARE_DATA 0
#define XM_SET_SPARE_PLAN 1
#define XM_GET_SPARE_PLAN 2

/* Slots that a spare plan can have. */
#define XM_SPARE_MAX_SLOTS 20

struct xmcSchedSpareSlot {
	xm_u32_t id;
	xmId_t partitionId;
	xm_u32_t duration; /* microseconds, at least 50 */
};

struct xmcSchedSparePlanHeader {
	xm_u32_t noSlots; /* in: room in slotTab (gather, get) or slots (set); out: slots stored */
	xmTime_t cycleTime; /* microseconds */
};

struct xmcSchedSparePlan {
	struct xmcSchedSparePlanHeader header;
	struct xmcSchedSpareSlot *slotTab;
};

union spareCmd {
	struct xmcSchedSparePlan *sparePlan;
};

XM_ASSERT_SIZE(struct xmcSchedSpareSlot, 12, 12);
XM_ASSERT_OFFSET(struct xmcSchedSpareSlot, id, 0, 0);
XM_ASSERT_OFFSET(struct xmcSchedSpareSlot, partitionId, 4, 4);
XM_ASSERT_OFFSET(struct xmcSchedSpareSlot, duration, 8, 8);
XM_ASSERT_SIZE(struct xmcSchedSparePlanHeader, 12, 16);
XM_ASSERT_OFFSET(struct xmcSchedSparePlanHeader, noSlots, 0, 0);
XM_ASSERT_OFFSET(struct xmcSchedSparePlanHeader, cycleTime, 4, 8);
XM_ASSERT_SIZE(struct xmcSchedSparePlan, 16, 24);
XM_ASSERT_OFFSET(struct xmcSchedSparePlan, header, 0, 0);
XM_ASSERT_OFFSET(struct xmcSchedSparePlan, slotTab, 12, 16);
XM_ASSERT_SIZE(union spareCmd, 4, 8);

XM_BEGIN_DECLS

/*
 * What each partition needs of the spare time.
 *
 * @plan  in and out, not NULL: header.noSlots is the room in slotTab, then the slots stored there
 *
 * Returns XM_OK.  Operation: XM_gather_spare_data.  Manual: Spare scheduling.
 */
xm_s32_t XM_gather_spare_data(struct xmcSchedSparePlan *plan) XM_BIND(XM_gather_spare_data);

/*
 * Installs a plan within the slots of the own partition.
 *
 * @plan  in: at most 20 slots; NULL removes the plan that there is
 *
 * Returns XM_OK.  Operation: XM_set_spare_plan.  Manual: Spare scheduling.
 */
xm_s32_t XM_set_spare_plan(struct xmcSchedSparePlan *plan) XM_BIND(XM_set_spare_plan);

/*
 * The plan that is installed.  @plan as for XM_gather_spare_data().
 * Returns XM_OK.  Operation: XM_get_spare_plan.  Manual: Spare scheduling.
 */
xm_s32_t XM_get_spare_plan(struct xmcSchedSparePlan *plan) XM_BIND(XM_get_spare_plan);

XM_END_DECLS

#elif XM_PROFILE == XM_PROFILE_2_6

XM_BEGIN_DECLS

/*
 * Gives the processor to another partition for the rest of the slot, or until it idles.
 *
 * @partitionId  another partition, not halted
 * @start        out, may be NULL: hardware clock in microseconds when the other one started
 * @stop         out, may be NULL: hardware clock in microseconds when it stopped
 *
 * Returns XM_OK.  Operation: XM_set_spare_guest.  Manual: Spare scheduling.
 */
xm_s32_t XM_set_spare_guest(xm_u32_t partitionId, xmTime_t *start, xmTime_t *stop)
	XM_BIND(XM_set_spare_guest);

XM_END_DECLS

#endif

#endif
