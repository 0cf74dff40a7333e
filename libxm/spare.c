// SPDX-License-Identifier: LGPL-2.1-or-later
/* Plans for spare time, which 2.4 alone has; empty in the other profiles. */

#include "libxm/call.h"

#if XM_PROFILE == XM_PROFILE_2_4

static xm_s32_t spare_call(xm_u32_t number, struct xmcSchedSparePlan *plan)
{
	union spareCmd command = { .sparePlan = plan };

	return CALL_OWN(call_descriptor(OBJ_CLASS_SPARE, XM_HYPERVISOR_ID, 0), number, &command);
}

xm_s32_t XM_gather_spare_data(struct xmcSchedSparePlan *plan)
{
	return spare_call(XM_GATHER_SPARE_DATA, plan);
}

xm_s32_t XM_set_spare_plan(struct xmcSchedSparePlan *plan)
{
	return spare_call(XM_SET_SPARE_PLAN, plan);
}

xm_s32_t XM_get_spare_plan(struct xmcSchedSparePlan *plan)
{
	return spare_call(XM_GET_SPARE_PLAN, plan);
}

#endif
