// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Following a behaviour.  Owns what the partitions of it are about to do.  Must never act for a
 * partition that does not run, or in the simulator other than by what a partition can do.
 */

#include "xmbroker/sim/behaviour_internal.h"

#define REQUEST(OP, ...) (&(struct xm_request){ .op = XM_OP_##OP, .arg = { __VA_ARGS__ } })
#define NUMBER(x)                                                                                  \
	{                                                                                          \
		.num = (x)                                                                         \
	}
#define BYTES(p, n)                                                                                \
	{                                                                                          \
		.data = (const uint8_t *)(p), .len = (n)                                           \
	}
#define OUTPUT                                                                                     \
	{                                                                                          \
		.state = XM_ST_OK                                                                  \
	}
#define ABSENT                                                                                     \
	{                                                                                          \
		.state = XM_ST_ABSENT                                                              \
	}

static bool acts(const struct behaviour *b, const struct engine *e, uint32_t partition)
{
	const struct actor *actor = &b->actors[partition];

	return actor->begun && !actor->crashed && sim_runs(e->sim, partition) &&
	       actor->generation == sim_generation(e->sim, partition);
}

/* ---- calls ------------------------------------------------------------------------------------------ */

static uint32_t port_id(const struct behaviour *b, const struct system_port *port)
{
	uint32_t n;

	return (uint32_t)(port - system_ports(b->sys, &n));
}

/* With the parameters of its channel; one that is open already stays so. */
static void open_port(struct behaviour *b, struct engine *e, const struct system_port *port)
{
	const struct system_channel *c = system_port_channel(b->sys, port);
	uint32_t max = c ? c->max_message_length : 1, n = c ? c->max_no_messages : 1;
	size_t len = 0;

	while (len < SYSTEM_NAME && port->name[len])
		len++;
	xm_reply_init(&b->reply, NULL, 0);
	engine_issue(e, port->partition,
		     port->type == SYSTEM_QUEUING
			     ? REQUEST(CREATE_QUEUING_PORT, NUMBER(port->partition),
				       BYTES(port->name, (uint32_t)len), NUMBER(n), NUMBER(max),
				       NUMBER(port->direction))
			     : REQUEST(CREATE_SAMPLING_PORT, NUMBER(port->partition),
				       BYTES(port->name, (uint32_t)len), NUMBER(max),
				       NUMBER(port->direction), ABSENT),
		     &b->reply, false);
}

/* `polling`: that it cannot be sent now is nothing to speak of. */
static bool send(struct behaviour *b, struct engine *e, const struct action *a, bool polling)
{
	uint32_t id = port_id(b, a->to);

	xm_reply_init(&b->reply, NULL, 0);
	engine_issue(e, a->partition,
		     a->to->type == SYSTEM_QUEUING
			     ? REQUEST(SEND_QUEUING_MESSAGE, NUMBER(a->partition), NUMBER(id),
				       BYTES(a->data, a->len), NUMBER(a->len))
			     : REQUEST(WRITE_SAMPLING_MESSAGE, NUMBER(a->partition), NUMBER(id),
				       BYTES(a->data, a->len), NUMBER(a->len)),
		     &b->reply, polling);
	return b->reply.code == XM_C_OK;
}

static bool receive(struct behaviour *b, struct engine *e, struct action *a)
{
	const struct xm_value *got = &b->reply.out[XM_A_RECEIVE_QUEUING_MESSAGE_buffer];

	xm_reply_init(&b->reply, a->data, a->room);
	engine_issue(e, a->partition,
		     REQUEST(RECEIVE_QUEUING_MESSAGE, NUMBER(a->partition),
			     NUMBER(port_id(b, a->from)), OUTPUT, NUMBER(a->room), OUTPUT),
		     &b->reply, true);
	if (b->reply.code != XM_C_OK)
		return false;
	a->len = got->len;
	return true;
}

/* ---- actions ---------------------------------------------------------------------------------------- */

#define ECHOES_A_TURN 64

/* Passes on what has come; what is left waits for the next turn. */
static void echo(struct behaviour *b, struct engine *e, struct action *a)
{
	const struct system_channel *c = system_port_channel(b->sys, a->from);

	for (uint32_t i = 0; c && i < ECHOES_A_TURN && acts(b, e, a->partition); i++) {
		if (!a->holds)
			a->holds = receive(b, e, a);
		if (!a->holds || !send(b, e, a, true))
			return;
		a->holds = false;
		b->again = e->now + 1;
	}
}

static void act(struct behaviour *b, struct engine *e, struct action *a)
{
	switch (a->kind) {
	case ACTION_WRITE:
		send(b, e, a, false);
		break;
	case ACTION_CRASH:
		b->actors[a->partition].crashed = true;
		engine_raise(e, a->partition, a->event);
		break;
	default:
		engine_raise(e, a->partition, a->event);
	}
}

/* The next time; periods that have gone by meanwhile are left out. */
static void schedule(struct action *a, int64_t now)
{
	if (!a->every)
		a->next = -1;
	else if (a->next + a->every > now)
		a->next += a->every;
	else
		a->next += ((now - a->next) / a->every + 1) * a->every;
}

/* ---- lives ------------------------------------------------------------------------------------------ */

static void begin(struct behaviour *b, struct engine *e, uint32_t partition)
{
	struct actor *actor = &b->actors[partition];

	actor->begun = true;
	actor->crashed = false;
	actor->generation = sim_generation(e->sim, partition);
	for (size_t i = 0; i < b->n; i++) {
		struct action *a = &b->actions[i];

		if (a->partition != partition)
			continue;
		a->holds = false;
		a->next = a->kind == ACTION_ECHO ? -1 : e->now + a->at;
	}
	for (size_t i = 0; i < b->n; i++) {
		if (b->actions[i].partition == partition && b->actions[i].from)
			open_port(b, e, b->actions[i].from);
		if (b->actions[i].partition == partition && b->actions[i].to)
			open_port(b, e, b->actions[i].to);
	}
}

/* Who has started since he was last looked at, and runs, begins. */
static void begin_lives(struct behaviour *b, struct engine *e)
{
	for (uint32_t p = 0; p < b->n_actors; p++) {
		struct actor *actor = &b->actors[p];

		if (!actor->acts)
			continue;
		if (actor->begun && actor->generation != sim_generation(e->sim, p))
			actor->begun = false;
		if (!actor->begun && sim_runs(e->sim, p))
			begin(b, e, p);
	}
}

void behaviour_run(struct behaviour *b, struct engine *e)
{
	begin_lives(b, e);
	b->again = -1;
	for (size_t i = 0; i < b->n; i++) {
		struct action *a = &b->actions[i];

		if (!acts(b, e, a->partition))
			continue;
		if (a->kind == ACTION_ECHO) {
			echo(b, e, a);
		} else if (a->next >= 0 && a->next <= e->now) {
			schedule(a, e->now);
			act(b, e, a);
		}
	}
	begin_lives(b, e);
}

int64_t behaviour_next(const struct behaviour *b, const struct engine *e)
{
	int64_t next = b->again;

	for (size_t i = 0; i < b->n; i++) {
		const struct action *a = &b->actions[i];

		if (a->next >= 0 && acts(b, e, a->partition) && (next < 0 || a->next < next))
			next = a->next;
	}
	return next;
}

bool behaviour_is_busy(const struct behaviour *b, const struct engine *e)
{
	for (size_t i = 0; i < b->n; i++) {
		const struct action *a = &b->actions[i];

		if (a->next >= 0 && !a->every && acts(b, e, a->partition))
			return true;
	}
	return false;
}
