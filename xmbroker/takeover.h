/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_TAKEOVER_H
#define XMBROKER_TAKEOVER_H

/*
 * Only in test builds (-DXM_TAKEOVER): a message by which a client makes the server do one forbidden
 * thing, as whoever has taken it over would.  The answer is a packet of text.  No program that is
 * installed has it.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct session;

/* Whether the packet is such a message; then it has been acted on. */
bool takeover_packet(struct session *s, const uint8_t *packet, size_t len);

#endif
