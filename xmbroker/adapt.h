/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_ADAPT_H
#define XMBROKER_ADAPT_H

/*
 * What lies between what a client of any profile asks and what several users of one partition need.
 * An argument that the client's profile lacks is taken from the system description, before anything
 * is decided, so that the decision is about what is forwarded.  And creating a port that another
 * process has open already gives its id, as for the first.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"
#include "xmbroker/backend.h"

/* Fills the arguments that are absent. */
void adapt_request(const struct system *sys, const struct backend_info *hypervisor,
		   struct xm_request *req);
/* Corrects the hypervisor's answer for a shared partition. */
void adapt_reply(const struct system *sys, const struct backend_info *hypervisor,
		 const struct xm_request *req, struct xm_reply *reply);

#endif
