/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SESSION_INTERNAL_H
#define XMBROKER_SESSION_INTERNAL_H

/*
 * What the parts of a session know of each other: its life and its messages (session.c), what comes
 * in (session_receive.c) and what goes out (session_send.c).
 */

#include "xmbroker/session.h"

/* A message that comes in parts. */
struct assembly {
	uint32_t serial, total, filled;
	uint8_t bytes[]; /* total */
};

/* ---- session.c --------------------------------------------------------------------------------------- */

/* Memory that the session's user pays for; false: more than it may have. */
bool session_charge(struct session *s, size_t bytes);
void session_discharge(struct session *s, size_t bytes);
/* The same for messages that are longer than a packet, which have a budget of their own. */
bool session_charge_large(struct session *s, size_t bytes);
void session_discharge_large(struct session *s, size_t bytes);
/* A client did what no client may, or wants what it cannot have: logs that and ends the session. */
void session_throw_out(struct session *s, int error, const char *what);
/* A whole message.  May end the session. */
void session_handle(struct session *s, const uint8_t *msg, size_t len);
/* What comes after an answer is on its way. */
void session_answered(struct session *s);

/* ---- session_receive.c ------------------------------------------------------------------------------- */

/* Takes in what has come.  May end the session. */
void session_receive(struct session *s);

/* ---- session_send.c ---------------------------------------------------------------------------------- */

/*
 * Sends an answer that lies in the server's buffer, or in the room that was made for it, and gives the
 * room up.  What the client does not make room for now is kept.  May end the session.
 */
void session_transmit(struct session *s, const uint8_t *msg, int len);
/* Goes on with what was kept. */
void session_send_unsent(struct session *s);
/* Room for an answer (gate_room_fn). */
uint8_t *session_room(void *session, size_t len);

#endif
