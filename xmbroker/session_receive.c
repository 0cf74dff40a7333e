// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a client sends: packets to messages.  Owns the message that is being put together.  Must never
 * believe a packet that did not come from the identity of the session, keep a part that is not the
 * next one, or take memory for a message before the session's user was charged for it.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/session_internal.h"
#ifdef XM_TAKEOVER
#include "xmbroker/takeover.h"
#endif

/* Parts that one session may send in a turn. */
#define PARTS_A_TURN 4
/* Parts for which it has SERVER_UNSENT_MS: it is not alone, and may be kept waiting by others' turns. */
#define PARTS_IN_TIME 16

static int receive_packet(struct session *s, struct identity_message *packetp)
{
	struct server *server = s->server;

	if (server->config.bury) {
		int r = identity_peek(s->source.fd);

		if (r < 0)
			return r;
	}
	return identity_receive(s->source.fd, &s->id, server->rx, sizeof(server->rx), packetp);
}

static bool is_part(const uint8_t *packet, size_t len)
{
	struct xm_wire_head head;

	return xm_wire_get_head(packet, len, &head) == 0 && head.type == XM_WIRE_PART;
}

/* ---- a message in parts ------------------------------------------------------------------------------ */

static struct assembly *new_assembly(struct session *s, const struct xm_wire_part *part)
{
	size_t size = sizeof(struct assembly) + part->total;
	struct assembly *a;

	if (!session_charge_large(s, size))
		return NULL;
	a = malloc(size);
	if (!a) {
		session_discharge_large(s, size);
		return NULL;
	}
	*a = (struct assembly){ .serial = part->serial, .total = part->total };
	return a;
}

static bool is_next(const struct assembly *a, const struct xm_wire_part *part)
{
	return part->serial == a->serial && part->total == a->total && part->offset == a->filled;
}

/* The whole message.  Its memory is given back first: what the answer needs comes in its place. */
static void handle_whole(struct session *s)
{
	struct server *server = s->server;
	struct assembly *a = s->assembly;
	struct xm_wire_head head;

	server->whole = a;
	s->assembly = NULL;
	loop_timer_disarm(&s->unsent_timer);
	session_discharge_large(s, sizeof(*a) + a->total);
	if (xm_wire_get_head(a->bytes, a->total, &head) < 0 || head.serial != a->serial)
		session_throw_out(s, EPROTO, "malformed message in parts");
	else
		session_handle(s, a->bytes, a->total);
	/* Unless it was kept. */
	free(server->whole);
	server->whole = NULL;
}

/* Returns whether the message goes on, and the session with it. */
static bool take_part(struct session *s, size_t len)
{
	struct server *server = s->server;
	struct xm_wire_part part;

	if (s->state == SESSION_SETUP || xm_wire_get_part(server->rx, len, &part) < 0 ||
	    (s->assembly ? !is_next(s->assembly, &part) : part.offset != 0)) {
		session_throw_out(s, EPROTO, "malformed part of a message");
		return false;
	}
	if (!s->assembly) {
		s->assembly = new_assembly(s, &part);
		if (!s->assembly) {
			session_throw_out(s, EDQUOT,
					  "the user's memory for long messages is used up");
			return false;
		}
	}
	if (part.offset % (PARTS_IN_TIME * XM_WIRE_PART_DATA) == 0)
		loop_timer_arm(&server->loop, &server->unsent, &s->unsent_timer);
	server->turns.cost += part.len / TURNS_BYTES;
	memcpy(s->assembly->bytes + part.offset, part.data, part.len);
	s->assembly->filled += part.len;
	if (s->assembly->filled < s->assembly->total)
		return true;
	handle_whole(s);
	return false;
}

/* ---- packets ----------------------------------------------------------------------------------------- */

/* Returns whether more of the same message may be there. */
static bool take_packet(struct session *s, size_t len)
{
	const uint8_t *packet = s->server->rx;

#ifdef XM_TAKEOVER
	if (takeover_packet(s, packet, len))
		return false;
#endif
	if (is_part(packet, len))
		return take_part(s, len);
	if (s->assembly)
		session_throw_out(s, EPROTO, "another message between the parts of one");
	else
		session_handle(s, packet, len);
	return false;
}

static bool receive(struct session *s)
{
	struct identity_message packet;
	int r = receive_packet(s, &packet);

	if (r == -EAGAIN)
		return false;
	if (r == -EACCES)
		session_throw_out(s, EACCES, "message from a process of another identity");
	else if (r == -EPROTO)
		session_throw_out(s, EPROTO, "message too long, empty, or with descriptors");
	else if (r < 0)
		session_close(s, "connection lost");
	else if (packet.end)
		session_close(s, "closed by the client");
	else
		return take_packet(s, packet.len);
	return false;
}

void session_receive(struct session *s)
{
	for (unsigned int i = 0; i < PARTS_A_TURN; i++)
		if (!receive(s))
			return;
}
