/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_CURSOR_H
#define XMBROKER_CURSOR_H

/*
 * Read positions in the logs of the hypervisor (the health monitor's, and the trace of each
 * partition) that belong to a session, where the hypervisor has one position for all.
 */

#include "xmbroker/backend.h"
#include "xmbroker/holdings.h"

#define CURSOR_MAX 32 /* logs that one session may read */

/* A log: that of the health monitor, or the trace of a partition or the hypervisor itself. */
struct cursor_at {
	bool trace;
	uint32_t partition; /* XM_HYPERVISOR_ID: the hypervisor */
	uint32_t position;  /* records before it, when the session used it last */
};

/* Whether the operation reads, moves or tells the position in a log. */
bool cursor_serves(unsigned int op);

/*
 * Answers such a request of the session whose holdings these are, through calls of the operations of
 * the same log.  XM_C_NOT_AVAILABLE: the session reads too many logs, its user's memory is used up, or
 * somebody else moves the hypervisor's position all the time.  False: it is not done; to be called
 * again with the same request, in another turn.
 */
bool cursor_call(struct holdings *holds, const struct backend_issuer *issuer,
		 const struct xm_request *req, struct xm_reply *reply);

/* Cursor number i of a session, the last used first; false: it has fewer. */
bool cursor_get(const struct holdings *holds, unsigned int i, struct cursor_at *atp);
/* Frees all of a session. */
void cursor_free_all(struct holdings *holds);

#endif
