/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SYSTEM_CHECK_H
#define XMBROKER_SYSTEM_CHECK_H

/*
 * Whether the system description in a policy image is that of the running hypervisor.  It is asked by
 * means of calls that change nothing, which every image's mask has (policy_image_mask()).
 */

#include "libxm/system/system.h"
#include "xmbroker/backend.h"

#define SYSTEM_CHECK_LINES 5 /* differences that are described; more are counted */

struct system_check {
	unsigned int n_asked;
	unsigned int n_differences;
	bool gone;                                 /* the hypervisor went away: nothing is known */
	char differences[SYSTEM_CHECK_LINES][192]; /* the first ones */
	char skipped[192]; /* the hypercalls that there are not, or that are not answered; "" */
};

/* `reply` is lent. */
void system_check(const struct system *sys, const struct backend_info *hypervisor,
		  const struct backend_issuer *issuer, struct xm_reply *reply,
		  struct system_check *checkp);
/* Logs what a check found. */
void system_check_log(const struct system_check *check);

#endif
