// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Answers on their way.  Owns what the client has not made room for, and the room of a long answer.
 * Must never keep more than the session's user was charged for, or wait for a client.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "xmbroker/session_internal.h"

/* Parts that are sent to one session in a turn. */
#define PARTS_A_TURN 4

/* ---- room for a long answer -------------------------------------------------------------------------- */

uint8_t *session_room(void *session, size_t len)
{
	struct session *s = session;
	struct server_room *room =
		s->state == SESSION_RUNNING ? &s->server->batches.room : &s->server->room;

	if (room->bytes || !session_charge_large(s, len))
		return NULL;
	room->bytes = malloc(len);
	if (room->bytes)
		room->size = len;
	else
		session_discharge_large(s, len);
	return room->bytes;
}

static void give_up_room(struct session *s)
{
	struct server_room *room = &s->server->room;

	if (!room->bytes)
		return;
	session_discharge_large(s, room->size);
	free(room->bytes);
	*room = (struct server_room){ 0 };
}

/* ---- what was kept ----------------------------------------------------------------------------------- */

static void drop_unsent(struct session *s)
{
	loop_timer_disarm(&s->unsent_timer);
	if (s->unsent_room)
		session_discharge_large(s, s->unsent_room);
	else
		session_discharge_kept(s, s->unsent_len);
	free(s->unsent);
	s->unsent = NULL;
	s->unsent_room = 0;
}

/* As long as something goes out the client has time for the rest, unless its session is to end. */
static void wait_for_client(struct session *s)
{
	struct server *server = s->server;

	if (!s->ending || !s->unsent_timer.queue)
		loop_timer_arm(&server->loop, &server->unsent, &s->unsent_timer);
	loop_watch(&server->loop, &s->source, EPOLLOUT);
}

static bool is_full(int error)
{
	return error == EAGAIN || error == EINTR || error == ENOBUFS;
}

/* The next packet of what is to be sent: all of it, or a part.  The bytes of it, or -errno. */
static ssize_t send_next(struct session *s)
{
	struct server *server = s->server;
	const uint8_t *packet = s->unsent;
	size_t len = s->unsent_len, piece = s->unsent_len;

	if (s->unsent_len > XM_WIRE_PACKET) {
		struct xm_wire_head head = { 0, 0 };
		int n;

		xm_wire_get_head(s->unsent, s->unsent_len, &head);
		n = xm_wire_put_part(server->tx, sizeof(server->tx), head.serial, s->unsent,
				     s->unsent_len, s->unsent_at);
		if (n < 0)
			return n;
		packet = server->tx;
		len = (size_t)n;
		piece = len - XM_WIRE_PART_HEAD;
	}
	if (send(s->source.fd, packet, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return (ssize_t)piece;
}

void session_send_unsent(struct session *s)
{
	size_t before = s->unsent_at;

	for (unsigned int i = 0; i < PARTS_A_TURN; i++) {
		ssize_t n = send_next(s);

		if (n < 0 && is_full((int)-n))
			break;
		if (n < 0) {
			session_close(s, "connection lost");
			return;
		}
		s->unsent_at += (size_t)n;
		s->server->turns.cost += (size_t)n / TURNS_BYTES;
		if (s->unsent_at == s->unsent_len) {
			drop_unsent(s);
			session_answered(s);
			return;
		}
	}
	if (s->unsent_at > before)
		wait_for_client(s);
}

/* ---- a new answer ------------------------------------------------------------------------------------ */

static void keep(struct session *s, uint8_t *msg, size_t len, size_t room)
{
	s->unsent = msg;
	s->unsent_len = len;
	s->unsent_at = 0;
	s->unsent_room = room;
	wait_for_client(s);
}

static void keep_copy(struct session *s, const uint8_t *msg, size_t len)
{
	uint8_t *copy;

	if (!session_charge_kept(s, len)) {
		session_throw_out(s, ENOBUFS,
				  "replies are not read, and the user's memory is used up");
		return;
	}
	copy = malloc(len);
	if (!copy) {
		session_discharge_kept(s, len);
		session_throw_out(s, ENOBUFS, "no memory");
		return;
	}
	memcpy(copy, msg, len);
	keep(s, copy, len, 0);
}

/* An answer that is longer than a packet was made in the room for it, which it takes over. */
static void transmit_long(struct session *s, size_t len)
{
	struct server_room *room = &s->server->room;

	keep(s, room->bytes, len, room->size);
	*room = (struct server_room){ 0 };
	session_send_unsent(s);
}

static void transmit_packet(struct session *s, const uint8_t *msg, size_t len)
{
	int error = send(s->source.fd, msg, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? errno : 0;

	if (!error)
		session_answered(s);
	else if (is_full(error))
		keep_copy(s, msg, len);
	else
		session_close(s, "connection lost");
}

/* Room that is not needed is given up before anything can end the session that it is charged to. */
void session_transmit(struct session *s, const uint8_t *msg, int len)
{
	struct server *server = s->server;

	if (len > XM_WIRE_PACKET) {
		transmit_long(s, (size_t)len);
		return;
	}
	if (len > 0 && msg != server->tx)
		memcpy(server->tx, msg, (size_t)len);
	give_up_room(s);
	if (len < 0)
		session_throw_out(s, EPROTO, "the answer does not fit into a message");
	else
		transmit_packet(s, server->tx, (size_t)len);
}
