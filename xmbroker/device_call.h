/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_DEVICE_CALL_H
#define XMBROKER_DEVICE_CALL_H

/*
 * An operation as /dev/xmctl takes it: the number, words and memory that the hypervisor's own profile
 * has for it, and the way back.  The rows of raw.def read in the other direction than the library reads
 * them; pure, but for the memory of the call itself.
 */

#include <xm/uapi/xmctl.h>

#include "libxm/core/request.h"
#include "libxm/raw.h"

/* What a call has in memory beside its data: one structure, a name, numbers, and records. */
#define DEVICE_RECORD 96 /* bytes of the largest record or structure */
#define DEVICE_ROOM (XM_MAX_RECORDS * DEVICE_RECORD + 512)

struct device_call {
	const struct raw_profile *profile;
	const struct raw_row *row; /* of the operation */
	struct xmctl_call ioc;     /* what is handed to the device */
	uint8_t *structure;        /* in room, or NULL: there is none */
	uint8_t *out[XM_MAX_ARGS]; /* where an output will lie; NULL: nowhere */
	size_t used;
	_Alignas(8) uint8_t room[DEVICE_ROOM];
};

/*
 * Makes a call of a request, in a hypervisor of this profile whose partition `self` we are; data for
 * the caller will lie in the space that the reply has lent.  XM_C_OK; UNKNOWN_HYPERCALL: the profile
 * has no such operation; INVALID_PARAM: it cannot express an argument, or has no room for it.
 */
enum xm_code device_put(struct device_call *call, const struct raw_profile *profile, uint32_t self,
			const struct xm_request *req, const struct xm_reply *reply);
/* Fills the reply from what the hypervisor answered to the call. */
void device_get(const struct device_call *call, const struct xm_request *req,
		struct xm_reply *reply);

#endif
