/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_GUARD_H
#define XMBROKER_GUARD_H

/*
 * Whether a request lies in the documented domain of its operation: values that the interface knows,
 * on partitions, plans and ports that the system has, with usable pointers and sizes.  The
 * hypervisors check little and some malformed calls stop the whole system, so what lies outside is
 * answered here and never forwarded, whatever the policy says.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"
#include "xmbroker/backend.h"

/* XM_C_OK, or the code that the hypervisor documents for the first argument, in the order of the
 * table, that is outside its domain. */
enum xm_code guard_check(const struct system *sys, const struct backend_info *hypervisor,
			 const struct xm_request *req);

/* Most bytes of one console write on this profile. */
uint32_t guard_console_max(uint32_t profile);

#endif
