// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Turns.  Owns the order in which sessions are served.  Must never serve a uid that is held, nor let
 * one wait for more than a turn of every other.
 */

#include "xmbroker/session_internal.h"

#define CONTAINER(type, member, ptr) ((type *)((char *)(ptr)-offsetof(type, member)))

/* ---- the round --------------------------------------------------------------------------------------- */

static void join(struct turns *turns, struct user *user)
{
	user->active = true;
	user->active_next = NULL;
	user->active_prev = turns->last;
	*(turns->last ? &turns->last->active_next : &turns->first) = user;
	turns->last = user;
}

static void leave(struct turns *turns, struct user *user)
{
	if (!user->active)
		return;
	user->active = false;
	*(user->active_prev ? &user->active_prev->active_next : &turns->first) = user->active_next;
	*(user->active_next ? &user->active_next->active_prev : &turns->last) = user->active_prev;
}

/* Who comes back saved nothing up, but what it owes has been paid by the rounds that it missed. */
static void settle(const struct turns *turns, struct user *user)
{
	uint64_t missed = turns->pass - user->pass;

	user->pass = turns->pass;
	if (user->deficit >= 0 || missed >= (uint64_t)-user->deficit / TURNS_QUANTUM + 1)
		user->deficit = 0;
	else
		user->deficit += (int64_t)missed * TURNS_QUANTUM;
}

/* What has begun is not held up: it has been paid for, and others may wait for its end. */
static bool goes_on(const struct session *s)
{
	return s->state == SESSION_RUNNING || s->state == SESSION_SEARCHING || s->unsent;
}

bool turns_is_held(const struct user *user)
{
	return user->timer.queue;
}

void turns_add(struct server *server, struct session *s)
{
	struct user *user = s->user;

	if (s->queued)
		return;
	s->queued = true;
	s->ready_next = NULL;
	s->ready_prev = user->last;
	*(user->last ? &user->last->ready_next : &user->first) = s;
	user->last = s;
	if (user->active || (turns_is_held(user) && !goes_on(s)))
		return;
	settle(&server->turns, user);
	join(&server->turns, user);
}

void turns_remove(struct server *server, struct session *s)
{
	struct user *user = s->user;

	if (!s->queued)
		return;
	s->queued = false;
	*(s->ready_prev ? &s->ready_prev->ready_next : &user->first) = s->ready_next;
	*(s->ready_next ? &s->ready_next->ready_prev : &user->last) = s->ready_prev;
	if (!user->first)
		leave(&server->turns, user);
}

void turns_forget(struct server *server, struct user *user)
{
	leave(&server->turns, user);
	if (server->turns.current == user)
		server->turns.current = NULL;
}

/* ---- who is held ------------------------------------------------------------------------------------- */

static bool is_to_be_held(struct server *server, struct user *user)
{
	return !users_may(&server->users, user, USERS_CALLS) ||
	       !users_may(&server->users, user, USERS_AUDIT) ||
	       session_memory_is_full(server, user);
}

static void hold(struct server *server, struct user *user)
{
	user->n_throttled++;
	server->turns.n_throttled++;
	loop_timer_arm(&server->loop, &server->held, &user->timer);
}

void turns_held_over(struct loop_timer *timer)
{
	struct user *user = CONTAINER(struct user, timer, timer);
	struct server *server = CONTAINER(struct server, users, user->users);

	if (!user->first || user->active)
		return;
	if (is_to_be_held(server, user)) {
		loop_timer_arm(&server->loop, &server->held, timer);
		return;
	}
	settle(&server->turns, user);
	join(&server->turns, user);
	server->loop.busy = true;
}

/* ---- a turn ------------------------------------------------------------------------------------------ */

/* The session that is next; NULL: none, for now. */
static struct session *next_of(struct server *server, struct user *user)
{
	struct session *s = user->first;

	if (!s)
		return NULL;
	if (!turns_is_held(user) && !goes_on(s) && is_to_be_held(server, user))
		hold(server, user);
	while (s && turns_is_held(user) && !goes_on(s))
		s = s->ready_next;
	return s;
}

/* Serves the sessions of a uid as long as its deficit lasts. */
static void serve(struct server *server, struct user *user)
{
	struct turns *turns = &server->turns;

	turns->current = user;
	while (turns->current && user->deficit > 0) {
		struct session *s = next_of(server, user);

		if (!s) {
			leave(turns, user);
			return;
		}
		turns_remove(server, s);
		turns->cost = TURNS_MESSAGE;
		session_turn(s);
		if (turns->current)
			user->deficit -= (int64_t)turns->cost;
	}
}

static void give_turn(struct server *server, struct user *user)
{
	struct turns *turns = &server->turns;

	leave(turns, user);
	join(turns, user);
	user->pass = turns->pass;
	user->deficit += TURNS_QUANTUM;
	serve(server, user);
	if (turns->current && !user->active && user->deficit > 0)
		user->deficit = 0;
	turns->current = NULL;
}

/* If all are in debt, rounds in which nobody is served pass at once. */
static void skip_rounds(struct turns *turns)
{
	int64_t least = INT64_MAX;

	for (struct user *user = turns->first; user; user = user->active_next) {
		int64_t needed = user->deficit > 0 ? 0 : -user->deficit / TURNS_QUANTUM;

		least = needed < least ? needed : least;
	}
	for (struct user *user = turns->first; user; user = user->active_next)
		user->deficit += least * TURNS_QUANTUM;
	turns->pass += (uint64_t)least;
}

bool turns_run(struct server *server)
{
	struct turns *turns = &server->turns;
	unsigned int n = 0;

	if (!turns->first)
		return false;
	skip_rounds(turns);
	turns->pass++;
	for (const struct user *user = turns->first; user; user = user->active_next)
		n++;
	while (n-- && turns->first)
		give_turn(server, turns->first);
	return turns->first;
}
