// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a session holds.  Owns the map of its ports.  Must never refuse a call: where there is no
 * memory for the note, there is no note, and a port is missing in what xmbrokerctl shows.
 */

#include <stdlib.h>

#include "xmbroker/cursor.h"
#include "xmbroker/holdings.h"

void holdings_init(struct holdings *holds, bool (*charge)(void *data, size_t bytes), void *data)
{
	*holds = (struct holdings){ .charge = charge, .data = data };
}

void holdings_deinit(struct holdings *holds)
{
	cursor_free_all(holds);
	free(holds->ports);
	holds->ports = NULL;
}

void holdings_note(struct holdings *holds, const struct xm_request *req,
		   const struct xm_reply *reply)
{
	if (!holds || reply->code != XM_C_OK || reply->value >= SYSTEM_MAX_PORTS ||
	    !(xm_ops[req->op].flags & XM_OPF_CREATES_PORT))
		return;
	if (!holds->ports && holds->charge(holds->data, HOLDINGS_PORT_BYTES))
		holds->ports = calloc(1, HOLDINGS_PORT_BYTES);
	if (holds->ports)
		holds->ports[reply->value / 8] |= (uint8_t)(1u << reply->value % 8);
}

int holdings_next_port(const struct holdings *holds, uint32_t from)
{
	for (uint32_t id = from; holds->ports && id < SYSTEM_MAX_PORTS; id++)
		if (holds->ports[id / 8] & 1u << id % 8)
			return (int)id;
	return -1;
}
