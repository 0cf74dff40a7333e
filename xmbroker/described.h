/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_DESCRIBED_H
#define XMBROKER_DESCRIBED_H

/*
 * Operations that the hypervisor does not have (XM_OPF_DESCRIBED): a partition finds what they tell in
 * its own memory, and a process asks here.  Answered from the system description and from the status
 * of the partition and its plan.
 */

#include "libxm/system/system.h"
#include "xmbroker/backend.h"

void described_call(const struct system *sys, const struct backend_info *hypervisor,
		    const struct backend_issuer *issuer, const struct xm_request *req,
		    struct xm_reply *reply);

#endif
