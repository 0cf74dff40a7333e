/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_HOLDINGS_H
#define XMBROKER_HOLDINGS_H

/*
 * What a session holds at the hypervisor: the ports that it opened, and its place in each log that it
 * reads (cursor.h).  Nothing is allocated before the first of them, and whoever owns the session is
 * asked first whether its user may have so many bytes more.
 */

#include "libxm/core/request.h"
#include "libxm/system/system.h"

#define HOLDINGS_PORT_BYTES (SYSTEM_MAX_PORTS / 8)

struct cursor;

struct holdings {
	bool (*charge)(void *data, size_t bytes); /* false: over the user's budget */
	void *data;
	uint8_t *ports;         /* owned; bit map of port ids, NULL: none */
	struct cursor *cursors; /* owned; the last used first */
	unsigned int n_cursors;
};

void holdings_init(struct holdings *holds, bool (*charge)(void *data, size_t bytes), void *data);
/* Frees it; what was charged for it is the owner's to give back. */
void holdings_deinit(struct holdings *holds);
/* Takes note of a call that was made: of a port that it opened.  `holds` may be NULL. */
void holdings_note(struct holdings *holds, const struct xm_request *req,
		   const struct xm_reply *reply);
/* The first port of the session with an id of at least `from`, or -1. */
int holdings_next_port(const struct holdings *holds, uint32_t from);

#endif
