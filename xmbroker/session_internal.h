/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_SESSION_INTERNAL_H
#define XMBROKER_SESSION_INTERNAL_H

/*
 * What the parts of a session know of each other: its end and its messages (session.c), its beginning
 * (session_open.c), what it may have in memory (session_memory.c), what comes in (session_receive.c)
 * and goes out (session_send.c), and batches that take more than a turn (session_batch.c).
 */

#include "xmbroker/session.h"

/* A message that comes in parts. */
struct assembly {
	uint32_t serial, total, filled;
	uint8_t bytes[]; /* total */
};

/* ---- session.c --------------------------------------------------------------------------------------- */

/* A client did what no client may, or wants what it cannot have: logs that and ends the session. */
void session_throw_out(struct session *s, int error, const char *what);
/* A whole message.  May end the session. */
void session_handle(struct session *s, const uint8_t *msg, size_t len);
/* What comes after an answer is on its way. */
void session_answered(struct session *s);
/* Its turn has come.  May end the session. */
void session_turn(struct session *s);
struct gate_caller session_caller(struct session *s);
/* Takes from the user's tokens what the gate did since this was called last. */
void session_account(struct session *s);
/* The only way in which a client's socket is closed. */
void session_disconnect(const struct server *server, int fd);
void session_send_refused(const struct server *server, int fd, int error, const char *reason);
void session_free(struct session *s);
/* Begins to listen to the client. */
int session_watch(struct session *s, int fd);

/* ---- session_open.c ---------------------------------------------------------------------------------- */

/* The session is set up, or ends before it is. */
void session_leave_setup(struct session *s);

/* ---- session_memory.c -------------------------------------------------------------------------------- */

/* Memory that the session's user pays for; false: more than it may have. */
bool session_charge(struct session *s, size_t bytes);
void session_discharge(struct session *s, size_t bytes);
/* The same for messages that are longer than a packet, which have a budget of their own. */
bool session_charge_large(struct session *s, size_t bytes);
void session_discharge_large(struct session *s, size_t bytes);
/* The same as the first for what is kept for a while only. */
bool session_charge_kept(struct session *s, size_t bytes);
void session_discharge_kept(struct session *s, size_t bytes);
/* Gives up all that the session was charged for. */
void session_discharge_all(struct session *s);
/* Whether the user should send nothing more for now, since what it sent before has used its memory. */
bool session_memory_is_full(const struct server *server, const struct user *user);

/* ---- session_batch.c --------------------------------------------------------------------------------- */

/* A message that is kept as long as its batch waits and runs. */
struct kept_batch {
	size_t len, charged, charged_large;
	struct assembly *assembly; /* owned; its message, or NULL: */
	uint8_t bytes[];           /* it is this */
};

/* A long batch has come; it begins now or waits.  May end the session. */
void session_take_batch(struct session *s, const uint8_t *msg, size_t len);
/* Goes on with the batch that is under way, which is the session's. */
void session_step_batch(struct session *s);
/* The session ends. */
void session_drop_batch(struct session *s);
/* The next batch begins, if none is under way. */
void session_next_batch(struct server *server);

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
