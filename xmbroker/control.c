// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * status, sessions, kick and reload.  Owns their texts.  Must never decide who may ask: that is done
 * when a request comes here.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libxm/core/text.h"
#include "xmbroker/control.h"
#include "xmbroker/cursor.h"
#include "xmbroker/log.h"
#include "xmbroker/session.h"

#define LINE 2048 /* bytes, more than a line of broker_sessions needs */
#define PORTS 512 /* bytes of it for the ports of the session; more are only counted */

/* Answers that may be under way to us at once: the channel has room for so many of full length, and a
 * server that lets it run full is ended by the supervisor. */
#define RELOADS_MAX 8

static struct text begin_text(struct xm_reply *reply)
{
	struct text t = { (char *)reply->space, reply->space_len, 0, false };

	reply->space[0] = '\0';
	return t;
}

/* The text already stands in the space of the reply. */
static void put_text(struct xm_reply *reply, unsigned int arg, const struct text *t)
{
	reply->out[arg] = (struct xm_value){
		.state = XM_ST_OK,
		.len = (uint32_t)t->len,
		.data = reply->space,
	};
}

static void put_policy(struct text *t, const struct server *server)
{
	struct policy_about about;

	policy_image_about(server->gate.image, &about);
	text_puts(t, "policy: ");
	text_bytes(t, about.digest, 8);
	text_printf(t, "\ngeneration: %u\nrules: %u\n", server->gate.generation, about.n_rules);
}

static void status(const struct server *server, struct xm_reply *reply)
{
	const struct gate *gate = &server->gate;
	const struct gate_count *n = &gate->count;
	struct text t = begin_text(reply);

	text_printf(&t, "version: %s\n", XM_VERSION);
	text_printf(&t, "uptime: %lld s\n", (long long)(server->loop.now - server->started) / 1000);
	text_printf(&t, "backend: %s (%s)\n", server->backend->ops->name,
		    xm_profile_name(gate->hypervisor.profile));
	text_printf(&t, "hypervisor: %s\n",
		    !gate->hypervisor_lost    ? "connected"
		    : gate->hypervisor_halted ? "halted"
					      : "lost");
	text_printf(&t, "partition: %u of %u\n", gate->hypervisor.partition,
		    gate->hypervisor.n_partitions);
	put_policy(&t, server);
	text_printf(&t, "audit: %s\n", gate->audit_failing ? "failing" : "ok");
	text_printf(&t, "sessions: %u of %u\n", server->n_sessions, server->config.max_sessions);
	text_printf(&t, "calls: %llu\n", (unsigned long long)n->calls);
	text_printf(&t, "allowed: %llu\n", (unsigned long long)n->allowed);
	text_printf(&t, "denied: %llu\n", (unsigned long long)n->denied);
	text_printf(&t, "guarded: %llu\n", (unsigned long long)n->guarded);
	text_printf(&t, "refused unaudited: %llu\n", (unsigned long long)n->unaudited);
	text_printf(&t, "forwarded: %llu\n", (unsigned long long)n->forwarded);
	put_text(reply, XM_A_BROKER_STATUS_text, &t);
}

static const char *process_state(const struct session *s)
{
	int r = identity_process_lives(s->source.fd);

	return r < 0 ? "?" : r ? "runs" : "ended";
}

static const char *session_state(const struct session *s)
{
	static const char *const names[] = {
		[SESSION_SETUP] = "set-up",
		[SESSION_OPEN] = "open",
		[SESSION_WAITING] = "waiting",
	};

	return s->unsent ? "unread" : names[s->state];
}

/* A name within a list within a line: blanks and commas become \xNN too. */
static void put_name(struct text *t, const char *name)
{
	for (; *name; name++)
		if (*name == ' ' || *name == ',')
			text_printf(t, "\\x%02x", (unsigned int)*name);
		else
			text_safe(t, name, 1);
}

/* "attitude,hk-1,+3": by name, and how many more there are; "-": none. */
static void put_ports(struct text *t, const struct session *s)
{
	const struct system *sys = policy_image_system(s->server->gate.image);
	size_t end = t->len + PORTS;
	const char *comma = "";
	unsigned int more = 0;

	text_puts(t, " ports=");
	for (int id = -1; (id = holdings_next_port(&s->holds, (uint32_t)(id + 1))) >= 0;) {
		const struct system_port *port = system_port(sys, (uint64_t)id);

		if (t->len > end) {
			more++;
			continue;
		}
		text_puts(t, comma);
		if (port)
			put_name(t, port->name);
		else
			text_printf(t, "%d", id); /* of a description that was in force before */
		comma = ",";
	}
	if (more)
		text_printf(t, ",+%u", more);
	else if (!*comma)
		text_char(t, '-');
}

/* "hm:12,trace-0:3,trace-hv:0": log and position; "-": none. */
static void put_logs(struct text *t, const struct session *s)
{
	const char *comma = "";
	struct cursor_at at;

	text_puts(t, " logs=");
	for (unsigned int i = 0; cursor_get(&s->holds, i, &at); i++) {
		if (!at.trace)
			text_printf(t, "%shm:%u", comma, at.position);
		else if (at.partition == XM_HYPERVISOR_ID)
			text_printf(t, "%strace-hv:%u", comma, at.position);
		else
			text_printf(t, "%strace-%u:%u", comma, at.partition, at.position);
		comma = ",";
	}
	if (!*comma)
		text_char(t, '-');
}

static void put_session(struct text *t, const struct session *s)
{
	text_printf(t, "%llu uid=%u gid=%u pid=%d process=%s age=%lld state=%s calls=%llu ",
		    (unsigned long long)s->number, s->id.uid, s->id.gid, (int)s->id.pid,
		    process_state(s), (long long)(s->server->loop.now - s->opened) / 1000,
		    session_state(s), (unsigned long long)s->n_calls);
	text_printf(t, "profile=%s bytes=%zu", s->profile ? xm_profile_name(s->profile) : "-",
		    s->charged + s->charged_large);
	put_ports(t, s);
	put_logs(t, s);
	text_puts(t, " comm=");
	text_safe(t, s->comm, strlen(s->comm));
	text_char(t, '\n');
}

/* Sessions in the order of their numbers, from one on; the value is how many, 0 at the end. */
static void sessions(const struct server *server, uint64_t from, struct xm_reply *reply)
{
	struct text t = begin_text(reply);

	for (const struct session *s = server->first; s && t.cap - t.len > LINE; s = s->next) {
		if (s->number < from)
			continue;
		put_session(&t, s);
		reply->value++;
	}
	put_text(reply, XM_A_BROKER_SESSIONS_text, &t);
}

static void kick(struct server *server, uid_t uid, struct session *asking, struct xm_reply *reply)
{
	struct session *next;

	for (struct session *s = server->first; s; s = next) {
		next = s->next;
		if (s->id.uid != uid)
			continue;
		reply->value++;
		if (s == asking)
			s->ending = ESHUTDOWN; /* once it has its answer */
		else
			session_end(s, ESHUTDOWN);
	}
}

static int reload(struct server *server, struct session *asking, struct xm_reply *reply)
{
	int r;

	if (server->n_reloads - server->n_reloads_answered >= RELOADS_MAX) {
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
		return 0;
	}
	server->message.type = CHANNEL_RELOAD;
	server->message.ok = false;
	server->message.number = server->n_reloads + 1;
	server->message.fd = -1;
	server->message.text[0] = '\0';
	r = channel_send(server->channel.fd, &server->message);
	if (r < 0) {
		log_error("cannot ask for a reload: %s", strerror(-r));
		xm_reply_fail(reply, XM_C_NOT_AVAILABLE);
		return 0;
	}
	asking->waiting_for = ++server->n_reloads;
	return GATE_DEFERRED;
}

int control_call(void *data, void *session, const struct gate_call *call, struct xm_reply *reply)
{
	struct server *server = data;
	const struct xm_value *arg = call->req.arg;

	switch (call->req.op) {
	case XM_OP_BROKER_STATUS:
		status(server, reply);
		return 0;
	case XM_OP_BROKER_SESSIONS:
		sessions(server, arg[XM_A_BROKER_SESSIONS_from].num, reply);
		return 0;
	case XM_OP_BROKER_KICK:
		kick(server, (uid_t)arg[XM_A_BROKER_KICK_uid].num, session, reply);
		return 0;
	case XM_OP_BROKER_RELOAD:
		return reload(server, session, reply);
	default:
		xm_reply_fail(reply, XM_C_UNKNOWN_HYPERCALL);
		return 0;
	}
}

static struct session *waiting_for(const struct server *server, uint32_t number)
{
	struct session *s = server->first;

	while (s && (s->state != SESSION_WAITING || s->waiting_for != number))
		s = s->next;
	return s;
}

void control_reloaded(struct server *server, const struct channel_message *message)
{
	struct session *s = waiting_for(server, message->number);
	struct xm_reply *reply = &server->reply;
	struct text t;

	server->n_reloads_answered++;
	if (!s)
		return; /* gone meanwhile */
	xm_reply_init(reply, server->space, sizeof(server->space));
	t = begin_text(reply);
	text_puts(&t, message->text);
	reply->value = message->ok ? CONTROL_RELOADED : CONTROL_KEPT;
	if (message->ok && server->image_kept) {
		reply->value = CONTROL_KEPT;
		text_puts(&t, "the server could not use the new policy: see its log\n");
	}
	put_text(reply, XM_A_BROKER_RELOAD_text, &t);
	session_answer(s, reply);
}
