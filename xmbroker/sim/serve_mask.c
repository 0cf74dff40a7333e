// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a connection may be used for.  Owns its mask.  Must never let a connection do more than it could
 * before: whoever holds the other end may have been taken over since.
 */

#include <stdio.h>

#include "xmbroker/sim/serve_internal.h"

/* It may come at any time, also between the parts of a message: who narrows a connection need not be
 * who uses it. */
bool serve_restrict(struct connection *c, const uint8_t *msg, size_t len)
{
	struct xm_mask mask;

	if (xm_wire_get_restrict(msg, len, &mask) < 0)
		return false;
	if (c->restricted)
		xm_mask_intersect(&c->mask, &mask);
	else
		c->mask = mask;
	c->restricted = true;
	return true;
}

bool serve_permits(struct connection *c, unsigned int op)
{
	if (!c->restricted || xm_mask_has(&c->mask, op))
		return true;
	c->serve->n_masked++;
	if (!c->masked)
		fprintf(stderr,
			"xmsim: a connection of partition %u asks for %s, to which it has no "
			"right; "
			"that is refused, and not said again of this connection\n",
			c->partition, xm_ops[op].name);
	c->masked = true;
	return false;
}
