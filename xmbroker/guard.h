/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_GUARD_H
#define XMBROKER_GUARD_H

/*
 * Whether the hypervisor has the operation, and the request lies in its documented domain: values that
 * the interface knows, on partitions, plans, ports and memory that the system description has, with
 * usable pointers and sizes.  The hypervisors check little and some malformed calls stop the whole
 * system, so what lies outside is answered here and never forwarded, whatever the policy says.
 *
 * Stricter than the hypervisor in two things.  Memory is copied between memory areas of partitions
 * only: XM_HYPERVISOR_ID, by which 3.x means any physical address, is XM_C_INVALID_PARAM.  And an
 * address of which only the caller knows what it means is XM_C_PERM_ERROR.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"
#include "xmbroker/backend.h"

/* XM_C_OK; XM_C_UNKNOWN_HYPERCALL, if the hypervisor lacks it; or the code that it documents for the
 * first argument, in the order of the table, that is outside its domain. */
enum xm_code guard_check(const struct system *sys, const struct backend_info *hypervisor,
			 const struct xm_request *req);

/* Most bytes of one console write on this profile. */
uint32_t guard_console_max(uint32_t profile);

#endif
