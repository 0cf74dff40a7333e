/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef LIBXM_SESSION_H
#define LIBXM_SESSION_H

/*
 * The session of this process with the broker: one connection, one call at a time.  Between enter
 * and leave a thread has it to itself and is not cancelled; a child of fork() finds a fresh one.
 */

#include "libxm/core/wire.h"

struct session;

/* Takes the session: 0, or -ENOMEM.  Opens no connection yet. */
int session_enter(struct session **sessionp);
void session_leave(struct session *session);

/* Makes sure that a connection is open: 0, or -errno. */
int session_open(struct session *session, enum xm_profile profile);
/* The descriptor of the connection, or -1. */
int session_descriptor(const struct session *session);
/* What the broker said when the connection was opened; zeroes if none ever was. */
const struct xm_wire_welcome *session_welcome(const struct session *session);
/* The own partition as the broker says; only if a connection was opened. */
uint32_t session_partition(const struct session *session);
/* XM_WIRE_PLAIN bytes for data of the request that is being put together. */
uint8_t *session_scratch(struct session *session);

/*
 * Asks the broker: 0 and a reply, whose data lie in the session until it is left; or -errno.
 * -ECONNRESET: the request was sent, and what became of it is unknown.  -EDQUOT: the broker has no
 * room for a request of this size now.  Opens a connection, and a second one if the first proves dead
 * before the request could be sent; never sends a request twice that may have been made.
 */
int session_exchange(struct session *session, enum xm_profile profile, const struct xm_request *req,
		     struct xm_reply *replyp);
/* The same for a batch of `n`; the answer has been read through once and is good to its end. */
int session_exchange_batch(struct session *session, enum xm_profile profile,
			   const struct xm_request *reqs, unsigned int n,
			   struct xm_wire_batch_result *resultp);

#endif
