/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef XMBROKER_TURNS_H
#define XMBROKER_TURNS_H

/*
 * Whose turn it is: deficit round robin between uids.  In each round of the loop every uid with
 * something to do may use up TURNS_QUANTUM, and pays for what it used beyond that with later rounds.
 * A unit is about what deciding and forwarding a call costs, a microsecond.  The sessions of a uid take
 * its turns one after another.
 *
 * A uid without tokens (users.h), or whose memory is used up, is held: its sessions are not read until
 * TURNS_HELD_MS later it is looked at again.  Nobody is refused for that, and nothing is lost.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TURNS_QUANTUM 8
#define TURNS_MESSAGE 4  /* units of a message, beside what is in it */
#define TURNS_BYTES 4096 /* bytes that are a unit */
#define TURNS_HELD_MS 10

struct server;
struct session;
struct user;
struct loop_timer;

struct turns {
	struct user *first, *last; /* with something to do, in the order of their turns */
	struct user *current;      /* whose turn it is; NULL: nobody's, or it is no more */
	uint64_t pass;             /* rounds in which anybody had a turn */
	uint64_t cost;             /* of the turn so far */
	uint64_t n_throttled;      /* times that a uid was held */
};

/* The session has something to do; legal when that is known. */
void turns_add(struct server *server, struct session *session);
/* The session ends. */
void turns_remove(struct server *server, struct session *session);
/* The account loses its last session. */
void turns_forget(struct server *server, struct user *user);
/* Gives everybody a turn; whether there is more to do. */
bool turns_run(struct server *server);
/* Whether the sessions of the uid are not read for now. */
bool turns_is_held(const struct user *user);

/* Timer of the server's queue. */
void turns_held_over(struct loop_timer *timer);

#endif
