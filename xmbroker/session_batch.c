// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Batches that take more than a turn.  Owns the one that is under way, and those that wait for it to
 * end.  Must never begin one whose client is gone, nor leave one that has begun unfinished.
 *
 * One runs at a time, a slice in each turn of its user; all else goes on between the slices.  Which is
 * next is a matter of users: of theirs who had one the longest ago.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xmbroker/session_internal.h"

/* ---- those that wait --------------------------------------------------------------------------------- */

static void enqueue(struct session *s)
{
	struct server_batches *batches = &s->server->batches;

	s->state = SESSION_QUEUED;
	s->batch_next = NULL;
	*(batches->last ? &batches->last->batch_next : &batches->first) = s;
	batches->last = s;
	batches->n++;
	s->user->n_batches++;
}

static void dequeue(struct session *s)
{
	struct server_batches *batches = &s->server->batches;
	struct session *before = NULL;

	for (struct session *at = batches->first; at != s; at = at->batch_next)
		before = at;
	*(before ? &before->batch_next : &batches->first) = s->batch_next;
	if (batches->last == s)
		batches->last = before;
	batches->n--;
	s->user->n_batches--;
}

static struct session *next_batch(const struct server_batches *batches)
{
	struct session *next = batches->first;

	for (struct session *s = next; s; s = s->batch_next)
		if (s->user->batch_turn < next->user->batch_turn)
			next = s;
	return next;
}

static void free_batch(struct session *s)
{
	struct kept_batch *batch = s->batch;

	if (!batch)
		return;
	session_discharge_kept(s, batch->charged);
	session_discharge_large(s, batch->charged_large);
	free(batch->assembly);
	free(batch);
	s->batch = NULL;
}

/* ---- the one that is under way ----------------------------------------------------------------------- */

static const uint8_t *message_of(const struct kept_batch *batch)
{
	return batch->assembly ? batch->assembly->bytes : batch->bytes;
}

static void begin(struct session *s)
{
	struct server *server = s->server;
	struct server_batches *batches = &server->batches;
	struct gate_caller caller = session_caller(s);

	s->state = SESSION_RUNNING;
	s->user->batch_turn = ++batches->turn;
	batches->running = s;
	batches->answer = (struct gate_answer){
		.reply = &batches->reply,
		.msg = batches->tx,
		.cap = sizeof(batches->tx),
		.len = -EMSGSIZE,
	};
	gate_batch_begin(&server->gate, &caller, message_of(s->batch), s->batch->len,
			 &batches->batch, &batches->answer);
	s->n_calls += batches->answer.n_calls;
	session_account(s);
	turns_add(server, s);
}

void session_next_batch(struct server *server)
{
	struct session *s = next_batch(&server->batches);

	if (!s || server->batches.running || server->stopping)
		return;
	dequeue(s);
	begin(s);
}

/* A slice; whether there is more. */
static bool step(struct session *s)
{
	struct server *server = s->server;
	struct gate_caller caller = session_caller(s);
	bool more = gate_batch_step(&server->gate, &caller, &server->batches.batch,
				    &server->batches.answer);

	session_account(s);
	return more;
}

static void answer(struct session *s)
{
	struct server *server = s->server;
	struct server_batches *batches = &server->batches;

	batches->running = NULL;
	s->state = SESSION_OPEN;
	free_batch(s);
	/* The room for a long answer is the session's, and the server's place for it is free. */
	server->room = batches->room;
	batches->room = (struct server_room){ 0 };
	session_transmit(s, batches->answer.msg, batches->answer.len);
}

void session_step_batch(struct session *s)
{
	struct server *server = s->server;

	if (step(s)) {
		turns_add(server, s);
		return;
	}
	answer(s);
	session_next_batch(server);
}

void session_finish_batch(struct server *server)
{
	struct session *s = server->batches.running;

	if (!s)
		return;
	turns_remove(server, s);
	while (step(s))
		;
	answer(s);
}

/* ---- from and to the session ------------------------------------------------------------------------- */

/* The message lies in what was put together, which is kept as it is, or has to be copied. */
static struct kept_batch *keep(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;
	bool whole = server->whole && msg == server->whole->bytes;
	size_t size = sizeof(struct kept_batch) + (whole ? 0 : len);
	size_t large = whole ? sizeof(*server->whole) + len : 0;
	struct kept_batch *batch;

	if (!session_charge_kept(s, size))
		return NULL;
	if (!session_charge_large(s, large)) {
		session_discharge_kept(s, size);
		return NULL;
	}
	batch = malloc(size);
	if (!batch) {
		session_discharge_kept(s, size);
		session_discharge_large(s, large);
		return NULL;
	}
	*batch = (struct kept_batch){ .len = len, .charged = size, .charged_large = large };
	if (whole) {
		batch->assembly = server->whole;
		server->whole = NULL;
	} else {
		memcpy(batch->bytes, msg, len);
	}
	return batch;
}

void session_take_batch(struct session *s, const uint8_t *msg, size_t len)
{
	struct server *server = s->server;

	s->batch = keep(s, msg, len);
	if (!s->batch) {
		session_throw_out(s, EAGAIN, "the user's memory is used up");
		return;
	}
	loop_watch(&server->loop, &s->source, 0);
	if (server->batches.running)
		enqueue(s);
	else
		begin(s);
}

void session_drop_batch(struct session *s)
{
	struct server *server = s->server;
	struct server_batches *batches = &server->batches;

	if (s->state == SESSION_QUEUED)
		dequeue(s);
	if (batches->running == s) {
		/* Only when all ends: otherwise a session is not closed before. */
		while (step(s))
			;
		batches->running = NULL;
		free(batches->room.bytes);
		batches->room = (struct server_room){ 0 };
		session_next_batch(server);
	}
	free_batch(s);
}
